//! The address guard: a peer's name may lead only to addresses that the operator has not closed off
//! (section 3), and the address that was checked is the one connected to.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::id::Host;
use ipnet::IpNet;
use parking_lot::RwLock;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::way::looking_up;
use crate::ambient::Ambient;

/// A name has to be resolved within this: before a connection has to have come about, so that it is told which was late.
const LOOK_UP_TIME: Duration = Duration::from_secs(6);

/// Which addresses peers may be on.
#[derive(Clone)]
pub struct AddressGuard {
    /// Networks that peers may be on though they are not public.
    allowed: Arc<[IpNet]>,
    /// Addresses that the operator allows for one host each, as it led there: where it leads elsewhere later, that is refused again.
    of_hosts: Arc<RwLock<HashMap<String, Vec<IpAddr>>>>,
    /// What this machine knows of names.
    ambient: Arc<dyn Ambient>,
}

/// Why no address can be connected to.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuardFault {
    /// The name has no address.
    #[error("the name {host} has no address: {reason}")]
    NoAddress {
        /// The name.
        host: String,
        /// Why.
        reason: String,
    },
    /// The name was not resolved in time.
    #[error("the name {host} was not resolved in {} s", LOOK_UP_TIME.as_secs())]
    Late {
        /// The name.
        host: String,
    },
    /// Every address is in a network that peers may not be on.
    #[error(
        "{}; where you trust it, allow that address at this peer, or add its network to [peers] allow_networks",
        not_public(host, *address)
    )]
    Forbidden {
        /// The name.
        host: String,
        /// One of its addresses.
        address: IpAddr,
    },
}

/// Why peers may not be at `address`, to which `host` leads.
fn not_public(host: &str, address: IpAddr) -> String {
    if address.to_canonical().is_loopback() {
        only_here(host, address)
    } else {
        format!("{}, which is not a public address", place(host, address))
    }
}

/// Why the system has found nothing, without the words that say that it has looked.
fn reason(fault: &std::io::Error) -> String {
    let text = fault.to_string();
    text.strip_prefix("failed to lookup address information: ").map_or_else(|| text.clone(), str::to_owned)
}

/// A host without brackets, as a certificate names it.
pub(crate) fn host_text(host: Host<'_>) -> String {
    match host {
        Host::Dns(name) => name.to_owned(),
        Host::V4(address) => address.to_string(),
        Host::V6(address) => address.to_string(),
    }
}

/// Says of `host` that others do not reach it at `address`, which is one of the loopback network.
pub(crate) fn only_here(host: &str, address: IpAddr) -> String {
    let place = place(host, address);
    format!("{place}, which is this computer's own address: other computers cannot reach it there")
}

fn place(host: &str, address: IpAddr) -> String {
    let is_address = host.parse::<IpAddr>().is_ok();
    if is_address { format!("it is at {address}") } else { format!("{host} is at {address}") }
}

impl AddressGuard {
    /// A guard that lets public addresses pass, and those in `allowed`.
    pub fn new(allowed: &[IpNet], ambient: Arc<dyn Ambient>) -> Self {
        Self { allowed: allowed.into(), of_hosts: Arc::default(), ambient }
    }

    /// Lets each address of `pairs` pass for its host, and none that was let pass so before. Says whether that is another choice.
    pub(super) fn allow_for(&self, pairs: Vec<(String, IpAddr)>) -> bool {
        let mut of_hosts: HashMap<String, Vec<IpAddr>> = HashMap::new();
        for (host, address) in pairs {
            of_hosts.entry(host).or_default().push(address.to_canonical());
        }
        let mut before = self.of_hosts.write();
        let is_other = *before != of_hosts;
        *before = of_hosts;
        is_other
    }

    /// Whether a peer that is reached by `host` may be at `address`.
    pub fn lets_pass(&self, host: &str, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address)
            || self.allowed.iter().any(|network| network.contains(&address))
            || self.of_hosts.read().get(host).is_some_and(|allowed| allowed.contains(&address))
    }

    /// The addresses of `host` that may be connected to; at least one.
    pub async fn resolve(&self, host: Host<'_>, port: u16) -> Result<Vec<SocketAddr>, GuardFault> {
        let found = self.look_up(host).await?.into_iter().map(|address| SocketAddr::from((address, port)));
        self.filter(&host_text(host), found.collect())
    }

    /// The addresses of `host`, whether or not they may be connected to; at least one.
    pub(crate) async fn look_up(&self, host: Host<'_>) -> Result<Vec<IpAddr>, GuardFault> {
        match host {
            Host::V4(address) => Ok(vec![address.into()]),
            Host::V6(address) => Ok(vec![address.into()]),
            Host::Dns(name) => self.look_up_name(name).await,
        }
    }

    async fn look_up_name(&self, name: &str) -> Result<Vec<IpAddr>, GuardFault> {
        let none = |reason: String| GuardFault::NoAddress { host: name.to_owned(), reason };
        let mut found: Vec<IpAddr> = match self.ambient.known_addresses(name) {
            Some(known) => known,
            None => match tokio::time::timeout(LOOK_UP_TIME, tokio::net::lookup_host((name, 0))).await {
                Ok(found) => {
                    found.map_err(|fault| none(reason(&fault)))?.map(|address| address.ip()).collect()
                }
                Err(_) => return Err(GuardFault::Late { host: name.to_owned() }),
            },
        };
        let mut seen = HashSet::new();
        found.retain(|address| seen.insert(*address));
        if found.is_empty() { Err(none("none was found".into())) } else { Ok(found) }
    }

    /// Keeps the addresses that may be connected to.
    fn filter(&self, name: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, GuardFault> {
        let good: Vec<_> =
            found.iter().copied().filter(|address| self.lets_pass(name, address.ip())).collect();
        match found.first() {
            Some(first) if good.is_empty() => {
                Err(GuardFault::Forbidden { host: name.to_owned(), address: first.ip() })
            }
            _ => Ok(good),
        }
    }
}

/// Names are resolved through the guard whenever the HTTP client connects, so that no answer of DNS can change
/// between the check and the connection. Addresses in URLs do not come by here: see [`AddressGuard::resolve`].
impl Resolve for AddressGuard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(looking_up(async move {
            let found = guard.look_up_name(name.as_str()).await?;
            let found = found.into_iter().map(|address| SocketAddr::from((address, 0))).collect();
            let good = guard.filter(name.as_str(), found)?;
            Ok(Box::new(good.into_iter()) as Addrs)
        }))
    }
}

/// Whether the operator may allow `address` for a peer: one that a computer can have for its own in a private network or behind a
/// tunnel. What every network has for itself leads to other things than peers, such as a cloud's own services.
pub(crate) fn may_be_allowed(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let is_of_the_link = match address {
        IpAddr::V4(address) => {
            address.is_link_local() || address.octets()[0] == 0 || address.octets()[0] >= 240
        }
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !(is_public(address) || is_of_the_link || address.is_multicast() || address.is_unspecified())
}

/// Neither loopback, private, link-local, multicast, unspecified, nor set apart for other uses than the Internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_unspecified()
        || address.is_broadcast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && b & 0xc0 == 64)
        || (a == 198 && b & 0xfe == 18)
        || (a == 192 && b == 0 && c == 0))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // Of IPv6, only 2000::/3 is given out; within it some is documentation, and 6to4 and NAT64 carry IPv4.
    let carried = match segments {
        [0x2002, high, low, ..] => Some(high_low(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(high_low(high, low)),
        _ => None,
    };
    match carried {
        Some(v4) => is_public_v4(v4),
        None => {
            segments[0] & 0xe000 == 0x2000
                && !(segments[0] == 0x2001 && (segments[1] == 0xdb8 || segments[1] < 0x200))
        }
    }
}

fn high_low(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::System;

    fn passes(address: &str, allowed: &[&str]) -> bool {
        let allowed: Vec<IpNet> = allowed.iter().map(|text| text.parse().unwrap()).collect();
        AddressGuard::new(&allowed, Arc::new(System)).lets_pass("peer.example", address.parse().unwrap())
    }

    #[test]
    fn only_public_addresses_pass_unless_their_network_is_allowed() {
        for closed in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.1.1",
            "0.0.0.0",
            "224.0.0.1",
            "100.64.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "2002:7f00:1::",
            "64:ff9b::a00:1",
            "2001:db8::1",
        ] {
            assert!(!passes(closed, &[]), "{closed}");
        }
        for open in ["1.1.1.1", "193.0.6.139", "2a00:1450::1", "::ffff:1.1.1.1"] {
            assert!(passes(open, &[]), "{open}");
        }
        assert!(passes("127.0.0.1", &["127.0.0.0/8"]));
        assert!(passes("::ffff:127.0.0.1", &["127.0.0.0/8"]));
        assert!(!passes("10.0.0.1", &["127.0.0.0/8"]));
        assert!(passes("::1", &["::1/128"]));
    }

    #[test]
    fn an_address_that_is_allowed_for_one_host_is_closed_for_others_and_once_it_is_taken_back() {
        let guard = AddressGuard::new(&[], Arc::new(System));
        let (home, other): (IpAddr, IpAddr) =
            ("192.168.1.20".parse().unwrap(), "192.168.1.21".parse().unwrap());
        assert!(guard.allow_for(vec![("home.example".into(), home)]));
        assert!(!guard.allow_for(vec![("home.example".into(), home)]), "nothing has changed");
        assert!(guard.lets_pass("home.example", home));
        assert!(guard.lets_pass("home.example", "::ffff:192.168.1.20".parse().unwrap()));
        assert!(!guard.lets_pass("home.example", other), "where it leads elsewhere");
        assert!(!guard.lets_pass("other.example", home));
        // A copy, as the HTTP client has one, follows.
        let copy = guard.clone();
        guard.allow_for(Vec::new());
        assert!(!copy.lets_pass("home.example", home));
        for (address, is_one) in [
            ("192.168.1.20", true),
            ("100.64.0.1", true),
            ("127.0.0.1", true),
            ("fd00::1", true),
            ("169.254.169.254", false),
            ("fe80::1", false),
            ("0.0.0.0", false),
            ("255.255.255.255", false),
            ("224.0.0.1", false),
            ("1.1.1.1", false),
        ] {
            assert_eq!(may_be_allowed(address.parse().unwrap()), is_one, "{address}");
        }
    }

    #[tokio::test]
    async fn an_address_in_a_name_is_checked_too() {
        let guard = AddressGuard::new(&[], Arc::new(System));
        let fault = guard.resolve(Host::V4(Ipv4Addr::LOCALHOST), 9101).await.unwrap_err();
        assert!(matches!(fault, GuardFault::Forbidden { .. }), "{fault}");
        let fault = guard.resolve(Host::Dns("localhost"), 9101).await.unwrap_err();
        assert!(matches!(fault, GuardFault::Forbidden { .. }), "{fault}");
    }
}
