//! What the router said, for whoever shows or judges it.

use std::net::{IpAddr, Ipv4Addr};

use drawbridge_mtp::time::Timestamp;

use crate::words::words;

words! {
    /// What keeps others from coming by the router.
    RouterCode {
        /// This computer's network has no router.
        Missing = "router-missing",
        /// The router answers to no protocol by which a port is opened.
        Silent = "router-silent",
        /// It does not open the port.
        Refuses = "router-refuses",
        /// It leads the port to another computer.
        PortTaken = "router-port-taken",
        /// Its own address is shared with others (carrier NAT), so that nobody comes as far as to it.
        AddressShared = "router-address-shared",
        /// Our name leads elsewhere than to it.
        AddressOther = "router-address-other",
    }
}

words! {
    /// How the router is asked.
    RouterProtocol {
        /// UPnP's Internet Gateway Device.
        Upnp = "upnp",
        /// NAT-PMP (RFC 6886), or PCP (RFC 6887), which follows it.
        NatPmp = "nat-pmp",
    }
}

/// Why the router does not do what it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct RouterFault {
    /// What kind.
    pub code: RouterCode,
    /// One sentence without its stop, in which the router's own words are where it has given any.
    pub text: String,
}

impl RouterFault {
    pub(super) fn of(code: RouterCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

/// The router's address as others see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExternalAddress {
    /// The router was not asked, or has not answered.
    #[default]
    Unknown,
    /// It has answered that it has none.
    Unnamed,
    /// It is this one.
    Named(Ipv4Addr),
}

impl ExternalAddress {
    /// The address, where it is one that others can come to.
    pub(crate) fn public(self) -> Option<Ipv4Addr> {
        match self {
            // Anybody in the network can answer in the router's place, with what is no address of anybody.
            Self::Named(address) if !is_shared(address) && matches!(address.octets()[0], 1..224) => {
                Some(address)
            }
            _ => None,
        }
    }
}

/// Whether an address that a connection has is one of many: it is of a private network, or of those that providers of Internet
/// access keep for themselves (RFC 6598, RFC 7335). To that of a whole network others cannot come either.
pub(crate) fn is_shared(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    address.is_private()
        || address.is_link_local()
        || address.is_loopback()
        || address.is_unspecified()
        || (a == 100 && b & 0xc0 == 64)
        || (a == 192 && b == 0 && c == 0)
}

/// A port that the router is asked to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPort {
    /// The one that others come to.
    pub external: u16,
    /// The one of this computer that it leads to.
    pub local: u16,
    /// Whether the router leads it here.
    pub is_open: bool,
    /// Until when, where it is not renewed; none where it is closed, or stays open until it is taken back.
    pub until: Option<Timestamp>,
}

/// What the router said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouterStanding {
    /// Its address in this network, where one is known.
    pub router: Option<Ipv4Addr>,
    /// How it was asked, where it has answered.
    pub by: Option<RouterProtocol>,
    /// Its address as others see it.
    pub external: ExternalAddress,
    /// This computer's own address where that is a public one: then no router has to lead here, and none is asked.
    pub own_public: Option<Ipv4Addr>,
    /// The ports that it is asked to open; none where it is only asked for its address.
    pub ports: Vec<OpenPort>,
    /// When it was last asked.
    pub looked: Option<Timestamp>,
    /// When it is asked again.
    pub next: Option<Timestamp>,
    /// Since when something is wrong.
    pub failing: Option<Timestamp>,
    /// What does not go as it is to go.
    pub fault: Option<RouterFault>,
}

impl RouterStanding {
    /// The same without the times that pass by themselves: whether there is news.
    pub(super) fn without_times(&self) -> Self {
        let ports = self.ports.iter().map(|port| OpenPort { until: None, ..port.clone() }).collect();
        Self { ports, looked: None, next: None, failing: None, ..self.clone() }
    }
}

/// Why others do not come by the router to `name`, which leads to `addresses`: that they cannot come as far as to it goes first,
/// since no port helps then.
pub(crate) fn trouble(standing: &RouterStanding, name: &str, addresses: &[IpAddr]) -> Option<RouterFault> {
    let over_ipv4: Vec<Ipv4Addr> = addresses.iter().filter_map(|address| as_v4(*address)).collect();
    // Over IPv6 nothing is shared, and whoever has chosen that alone need not hear of the other.
    let is_v6_alone = over_ipv4.is_empty() && !addresses.is_empty();
    let shared = |what: String| {
        let text = format!(
            "{what}, so nobody comes by it to {name}: your provider of Internet access has one address for many customers"
        );
        Some(RouterFault::of(RouterCode::AddressShared, text))
    };
    match standing.external {
        ExternalAddress::Named(address) if is_shared(address) && !is_v6_alone => {
            return shared(format!("the router's own address is {address}, which is not a public one"));
        }
        ExternalAddress::Unnamed if !is_v6_alone => {
            return shared("the router names no public address of its own".into());
        }
        _ => {}
    }
    if standing.fault.is_some() {
        return standing.fault.clone();
    }
    let public = standing.external.public()?;
    if over_ipv4.is_empty() || over_ipv4.contains(&public) {
        return None;
    }
    let elsewhere: Vec<_> = over_ipv4.iter().map(ToString::to_string).collect();
    let text = format!("{name} leads to {}, and the router is at {public}", elsewhere.join(", "));
    Some(RouterFault::of(RouterCode::AddressOther, text))
}

fn as_v4(address: IpAddr) -> Option<Ipv4Addr> {
    match address.to_canonical() {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(external: ExternalAddress, addresses: &[&str]) -> Option<RouterCode> {
        let standing = RouterStanding { external, ..RouterStanding::default() };
        let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        trouble(&standing, "home.example", &addresses).map(|fault| fault.code)
    }

    fn named(address: &str) -> ExternalAddress {
        ExternalAddress::Named(address.parse().unwrap())
    }

    #[test]
    fn an_address_that_many_share_is_recognized() {
        for shared in ["100.64.0.1", "100.127.255.254", "10.0.0.2", "172.16.9.9", "192.168.1.2", "192.0.0.2"]
        {
            assert_eq!(seen(named(shared), &["9.9.9.9"]), Some(RouterCode::AddressShared), "{shared}");
            assert_eq!(seen(named(shared), &[]), Some(RouterCode::AddressShared), "{shared}");
            assert_eq!(
                seen(named(shared), &["2a00:1450::1"]),
                None,
                "{shared}: IPv6 alone needs no router's"
            );
        }
        for own in ["100.63.255.255", "100.128.0.1", "9.9.9.9"] {
            assert_eq!(seen(named(own), &[]), None, "{own}");
        }
        assert_eq!(seen(ExternalAddress::Unnamed, &["9.9.9.9"]), Some(RouterCode::AddressShared));
        assert_eq!(seen(ExternalAddress::Unknown, &["9.9.9.9"]), None);
    }

    #[test]
    fn an_address_that_is_nobodys_is_no_news() {
        for nobodys in
            ["0.1.2.3", "127.0.0.1", "169.254.1.1", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255"]
        {
            assert_eq!(named(nobodys).public(), None, "{nobodys}");
            assert_ne!(seen(named(nobodys), &["9.9.9.9"]), Some(RouterCode::AddressOther), "{nobodys}");
        }
        assert_eq!(named("9.9.9.9").public(), Some([9, 9, 9, 9].into()));
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_told() {
        assert_eq!(seen(named("9.9.9.9"), &["9.9.9.9", "2a00:1450::1"]), None);
        assert_eq!(seen(named("9.9.9.9"), &["::ffff:9.9.9.9"]), None);
        assert_eq!(seen(named("9.9.9.9"), &["8.8.8.8"]), Some(RouterCode::AddressOther));
        assert_eq!(seen(named("9.9.9.9"), &["2a00:1450::1"]), None);
    }

    #[test]
    fn what_makes_the_port_useless_goes_before_the_port() {
        let standing = RouterStanding {
            external: named("100.64.0.1"),
            fault: Some(RouterFault::of(RouterCode::Refuses, "it does not")),
            ..RouterStanding::default()
        };
        let code = trouble(&standing, "home.example", &[]).map(|fault| fault.code);
        assert_eq!(code, Some(RouterCode::AddressShared));
    }
}
