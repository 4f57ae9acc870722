//! Private addresses that the operator allows for one peer each, as they were met.

use std::net::IpAddr;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::exceptions::{Exception, read, replace};
use super::{Operator, ReadFault};
use crate::misuse::Misuse;
use crate::peers::{Outbound, host_text, may_be_allowed};
use crate::store::StoreFault;

/// An address that the operator allows for one peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowedAddress {
    /// The peer.
    pub provider: Provider,
    /// The name, or the address itself, by which the peer is reached there.
    pub host: String,
    /// Which.
    pub address: IpAddr,
    /// Since when it is allowed.
    pub since: Timestamp,
}

impl Exception for AllowedAddress {
    const SETTING: &'static str = "allowed-addresses";
    const ALL: &'static str = "addresses are allowed";

    fn provider(&self) -> &Provider {
        &self.provider
    }

    fn hold(all: Vec<Self>, outbound: &Outbound) {
        outbound.allow_addresses(all.into_iter().map(|one| (one.host, one.address)).collect());
    }
}

/// An address at which a peer is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetAddress {
    /// The name, or the address itself, that leads there.
    pub host: String,
    /// Which.
    pub address: IpAddr,
    /// Whether it may be connected to.
    pub is_open: bool,
    /// Whether a click may allow it. None allows what is no computer's own address.
    pub may_be_allowed: bool,
}

impl Operator {
    /// The addresses that are allowed for one peer each, by its name.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read.
    pub async fn allowed_addresses(&self) -> Result<Vec<AllowedAddress>, ReadFault> {
        Ok(self.store.read::<_, StoreFault>(read).await?)
    }

    /// Looks up where `provider` is now, and its endpoint, where that is elsewhere.
    ///
    /// # Errors
    ///
    /// Where neither leads to an address, with the reason.
    pub async fn met_addresses(&self, provider: &Provider) -> Result<Vec<MetAddress>, Misuse> {
        let guard = self.peers.outbound.guard();
        let document = self.peers.documents.remembered(provider);
        let mut hosts = vec![provider.host()];
        hosts.extend(document.as_ref().map(|document| document.endpoint.host()));
        hosts.dedup();
        let (mut met, mut why) = (Vec::new(), None);
        for host in hosts {
            let name = host_text(host);
            match guard.look_up(host).await {
                Ok(found) => met.extend(found.into_iter().map(|address| MetAddress {
                    is_open: guard.lets_pass(&name, address),
                    may_be_allowed: may_be_allowed(address),
                    host: name.clone(),
                    address,
                })),
                Err(fault) => why = Some(fault.to_string()),
            }
        }
        match why {
            Some(why) if met.is_empty() => Err(Misuse::Unfit(why)),
            _ => Ok(met),
        }
    }

    /// Allows for `provider` the private addresses `addresses` at which it is now, in the place of those before; without any, none any
    /// more.
    ///
    /// # Errors
    ///
    /// Where it is ourselves, where it is not at one of them, where one is no computer's own address, where too many are allowed, and
    /// where the store cannot keep it.
    pub async fn allow_addresses(&self, provider: Provider, addresses: Vec<IpAddr>) -> Result<(), Misuse> {
        if provider == self.ground.ours {
            return Err(Misuse::Unfit("this is ourselves; name another provider".into()));
        }
        let met = if addresses.is_empty() { Vec::new() } else { self.met_addresses(&provider).await? };
        for address in &addresses {
            let found = met.iter().find(|met| met.address == *address);
            match found {
                None => return Err(Misuse::Unfit(format!("{provider} is not at {address} now; look again"))),
                Some(met) if !(met.is_open || met.may_be_allowed) => {
                    let text = format!("{address} is no address that another computer may have for its own");
                    return Err(Misuse::Unfit(text));
                }
                Some(_) => {}
            }
        }
        let since = self.ground.ambient.now();
        let (named, chosen) = (provider.clone(), addresses.clone());
        let kept = self.store.write(move |tx| {
            let new = met.into_iter().filter(|met| chosen.contains(&met.address));
            let new = new.map(|MetAddress { host, address, .. }| AllowedAddress {
                provider: named.clone(),
                host,
                address,
                since,
            });
            replace(tx, &named, new)
        });
        AllowedAddress::hold(kept.await?, &self.peers.outbound);
        tracing::info!(%provider, ?addresses, "the operator has chosen which private addresses a peer may have");
        self.retry_peer(&provider).await;
        Ok(())
    }
}
