//! Private addresses that are allowed for one peer each.

use drawbridge_node::operator;

use crate::error::AdminError;
use crate::host::Host;
use crate::request::{AllowAddresses, Empty, NamedPeer};
use crate::view::{AllowedAddress, AllowedAddresses, MetAddress, MetAddresses};

pub(crate) async fn met_addresses(host: &Host, ask: NamedPeer) -> Result<MetAddresses, AdminError> {
    let met = host.node().await?.operator().met_addresses(&ask.provider).await?;
    let shown = met.into_iter().map(|operator::MetAddress { host, address, is_open, may_be_allowed }| {
        MetAddress { host, address: address.to_string(), open: is_open, may_be_allowed }
    });
    Ok(MetAddresses { addresses: shown.collect() })
}

pub(crate) async fn allow_addresses(
    host: &Host,
    ask: AllowAddresses,
) -> Result<AllowedAddresses, AdminError> {
    host.node().await?.operator().allow_addresses(ask.provider, ask.addresses).await?;
    allowed_addresses(host, Empty {}).await
}

pub(crate) async fn allowed_addresses(host: &Host, Empty {}: Empty) -> Result<AllowedAddresses, AdminError> {
    let all = host.node().await?.operator().allowed_addresses().await?;
    let shown = all.into_iter().map(|one| AllowedAddress {
        provider: one.provider,
        host: one.host,
        address: one.address.to_string(),
        since: one.since,
    });
    Ok(AllowedAddresses { addresses: shown.collect() })
}
