//! Private addresses that the operator allows for one peer each, as they were met.

use std::net::IpAddr;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Operator, ReadFault};
use crate::misuse::Misuse;
use crate::peers::{Outbound, host_text, may_be_allowed};
use crate::store::{Store, StoreFault, Tx, View};

/// The setting that holds them, as JSON.
const SETTING: &str = "allowed-addresses";
/// So many are kept: each was allowed by a click.
const MOST: usize = 1000;

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
            let mut all = read(tx)?;
            all.retain(|one| one.provider != named);
            let new = met.into_iter().filter(|met| chosen.contains(&met.address));
            all.extend(new.map(|MetAddress { host, address, .. }| AllowedAddress {
                provider: named.clone(),
                host,
                address,
                since,
            }));
            if all.len() > MOST {
                let text =
                    format!("{MOST} addresses are allowed already; take back one that is of no use any more");
                return Err(Misuse::Unfit(text));
            }
            all.sort_by(|one, other| one.provider.cmp(&other.provider));
            tx.set_setting(SETTING, &serde_json::to_string(&all).unwrap_or_default())?;
            Ok(all)
        });
        self.peers.outbound.allow_addresses(pairs(kept.await?));
        tracing::info!(%provider, ?addresses, "the operator has chosen which private addresses a peer may have");
        self.retry_peer(&provider).await;
        Ok(())
    }
}

/// Has those addresses allowed that the operator has chosen, as after a start.
pub(crate) async fn load_allowed_addresses(store: &Store, outbound: &Outbound) -> Result<(), StoreFault> {
    let all = store.read::<_, StoreFault>(read).await?;
    outbound.allow_addresses(pairs(all));
    Ok(())
}

/// Whether an address is allowed for `provider` alone.
pub(super) fn is_allowed_address(view: &View<'_>, provider: &Provider) -> Result<bool, StoreFault> {
    Ok(read(view)?.iter().any(|one| one.provider == *provider))
}

/// Allows none for `provider` alone any more. Returns those that are allowed for others, where that was one.
pub(super) fn forget_allowed_addresses(
    tx: &Tx<'_>,
    provider: &Provider,
) -> Result<Option<Vec<(String, IpAddr)>>, StoreFault> {
    let mut all = read(tx)?;
    let before = all.len();
    all.retain(|one| one.provider != *provider);
    if all.len() == before {
        return Ok(None);
    }
    tx.set_setting(SETTING, &serde_json::to_string(&all).unwrap_or_default())?;
    Ok(Some(pairs(all)))
}

fn pairs(all: Vec<AllowedAddress>) -> Vec<(String, IpAddr)> {
    all.into_iter().map(|one| (one.host, one.address)).collect()
}

fn read(view: &View<'_>) -> Result<Vec<AllowedAddress>, StoreFault> {
    let kept = view.setting(SETTING)?;
    Ok(kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}
