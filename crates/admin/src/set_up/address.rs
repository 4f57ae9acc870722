//! Where the provider listens: for other providers, and for the clients of its users.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use drawbridge_node::config::{ListenAddress, listen_address};

use crate::request::ReachedBy;
use crate::view::SetUpNote;

/// Where it listens for clients unless told, or at the next port that is free.
const CLIENTS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9102);
/// The port for other providers where 443 is not to be had.
const OTHER_PORT: u16 = 8443;
/// The first port that each user of a system may listen on.
const FIRST_FREE_PORT: u16 = 1024;
/// So many ports are tried to find a free one.
const TRIED: u16 = 20;

/// An answer about an address.
pub(super) struct AddressLook<A> {
    /// What would be taken, as text.
    pub(super) value: String,
    /// The address, where it can be used.
    pub(super) address: Option<A>,
    /// What is to be said of it.
    pub(super) notes: Vec<SetUpNote>,
}

/// Where to listen for other providers, where nothing was answered; the name of the provider has the port `named`.
fn usual(reached_by: ReachedBy, named: Option<u16>) -> SocketAddr {
    match reached_by {
        // Let's Encrypt comes to 443, wherever others do.
        ReachedBy::Acme => (Ipv4Addr::UNSPECIFIED, 443).into(),
        ReachedBy::Files => (Ipv4Addr::UNSPECIFIED, named.unwrap_or(443)).into(),
        ReachedBy::Proxy => (Ipv4Addr::LOCALHOST, OTHER_PORT).into(),
        ReachedBy::Network => (Ipv4Addr::UNSPECIFIED, named.unwrap_or(OTHER_PORT)).into(),
    }
}

/// Looks at where to listen for other providers; the name has the port `named`, and the pages of this program are at `pages`.
pub(super) fn look_at_listen(
    typed: Option<&str>,
    reached_by: ReachedBy,
    named: Option<u16>,
    pages: Option<SocketAddr>,
) -> AddressLook<ListenAddress> {
    let usual = usual(reached_by, named);
    let value = typed.map_or_else(|| usual.to_string(), |typed| typed.trim().to_owned());
    let read: Result<ListenAddress, String> = value.parse();
    let (address, notes) = match read {
        Err(text) => (None, vec![not_an_address(&value, text)]),
        Ok(ListenAddress::SocketFile(_)) if reached_by != ReachedBy::Proxy => {
            let text = "a socket file is for a proxy on this computer, and others connect to none";
            (None, vec![SetUpNote::wrong("listen-socket-file", text).instead(usual)])
        }
        Ok(file @ ListenAddress::SocketFile(_)) => (Some(file), Vec::new()),
        Ok(ListenAddress::Ip(address)) => {
            let mut notes: Vec<_> = not_to_be_had(address, pages).into_iter().collect();
            let is_here = address.ip().to_canonical().is_loopback();
            match reached_by {
                ReachedBy::Proxy if !is_here => {
                    let text = "the proxy passes on what it has decrypted, which must not leave this computer: choose an address that only \
                                this computer reaches";
                    let own = SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()));
                    notes.push(SetUpNote::wrong("listen-not-loopback", text).instead(own));
                }
                ReachedBy::Acme | ReachedBy::Files | ReachedBy::Network if is_here => {
                    let text = format!(
                        "only programs on this computer reach {address}; 0.0.0.0 is every network that it is in"
                    );
                    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()));
                    notes.push(SetUpNote::confirm("listen-loopback", text).instead(everywhere));
                }
                _ => {}
            }
            (Some(address.into()), notes)
        }
    };
    AddressLook { value, address, notes }
}

/// What is to be said of having the router lead the port to `listen`.
pub(super) fn look_at_open_port(is_on: bool, listen: Option<&ListenAddress>) -> Vec<SetUpNote> {
    let Some(listen) = listen.and_then(ListenAddress::ip).filter(|_| is_on) else { return Vec::new() };
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, listen.port()));
    let why = match listen.ip().to_canonical() {
        own if own.is_loopback() => "only programs on this computer reach",
        IpAddr::V6(own) if !own.is_unspecified() => "over IPv4, to which the router leads, nobody reaches",
        _ => return Vec::new(),
    };
    let text = format!(
        "{why} {listen}, so that the router cannot lead others there: listen at {everywhere}, or leave this out"
    );
    vec![SetUpNote::wrong("open-port-unreachable", text)]
}

/// Looks at where to listen for the users' clients; others come to `listen`. With certificate files it may be anywhere, else on this
/// computer alone.
pub(super) fn look_at_clients(
    typed: Option<&str>,
    has_files: bool,
    listen: Option<&ListenAddress>,
    pages: Option<SocketAddr>,
) -> AddressLook<SocketAddr> {
    let taken: Vec<_> = [pages, listen.and_then(ListenAddress::ip)].into_iter().flatten().collect();
    let Some(typed) = typed else {
        let is_taken = |port: &u16| taken.iter().any(|other| other.port() == *port);
        let mut ports = (CLIENTS.port()..CLIENTS.port() + TRIED).filter(|port| !is_taken(port));
        let free = ports.find(|port| is_free((CLIENTS.ip(), *port).into())).unwrap_or(CLIENTS.port());
        let address = SocketAddr::from((CLIENTS.ip(), free));
        return AddressLook { value: address.to_string(), address: Some(address), notes: Vec::new() };
    };
    let value = typed.trim().to_owned();
    let address = match listen_address(&value) {
        Ok(address) => address,
        Err(text) => {
            let note = not_an_address(&value, text);
            return AddressLook { value, address: None, notes: vec![note] };
        }
    };
    let mut notes: Vec<_> = not_to_be_had(address, pages).into_iter().collect();
    if listen.and_then(ListenAddress::ip).is_some_and(|other| are_one(address, other)) {
        let text = format!("other providers come to {address} already: clients need another port");
        notes.push(SetUpNote::wrong("listen-twice", text).instead(next_free(address)));
    }
    if !has_files && !address.ip().to_canonical().is_loopback() {
        let text = "clients on other computers need a certificate that they trust, which only files of your own give here: choose an \
                    address that only this computer reaches";
        let own = SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()));
        notes.push(SetUpNote::wrong("clients-not-loopback", text).instead(own));
    }
    AddressLook { value, address: Some(address), notes }
}

fn not_an_address(typed: &str, text: String) -> SetUpNote {
    let note = SetUpNote::wrong("listen-malformed", text);
    // Many type the port alone, or leave it out.
    let port: Option<u16> = typed.trim_start_matches(':').parse().ok();
    let meant = port.map(|port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
    let address: Option<IpAddr> = typed.trim_start_matches('[').trim_end_matches(']').parse().ok();
    match meant.or(address.map(|address| SocketAddr::from((address, OTHER_PORT)))) {
        Some(meant) => note.instead(meant),
        None => note,
    }
}

/// Why `address` cannot be listened on, or not for good.
fn not_to_be_had(address: SocketAddr, pages: Option<SocketAddr>) -> Option<SetUpNote> {
    if let Some(pages) = pages.filter(|pages| are_one(*pages, address)) {
        let text = format!("these pages are served at {pages}; choose another port");
        return Some(SetUpNote::wrong("listen-pages", text).instead(next_free(address)));
    }
    if address.port() == 0 {
        let text = "with port 0 the system gives another port at each start, so nobody knows where to come: choose a port";
        return Some(SetUpNote::confirm("listen-port-changes", text));
    }
    let fault = TcpListener::bind(address).err()?;
    let port = address.port();
    Some(match fault.kind() {
        ErrorKind::AddrInUse if port == 443 => {
            let text = "another program has port 443, as a web server does: have it pass on what is the provider's (behind a proxy), stop \
                        it, or choose another port";
            SetUpNote::wrong("listen-taken", text).instead(next_free(address))
        }
        ErrorKind::AddrInUse => {
            let text = format!("another program has port {port}: stop it, or choose another port");
            SetUpNote::wrong("listen-taken", text).instead(next_free(address))
        }
        ErrorKind::PermissionDenied => {
            let text = format!(
                "the system lets this user have no port below {FIRST_FREE_PORT} such as {port}: choose a higher one, to which a router can \
                 pass on {port}, or give the program the right (CAP_NET_BIND_SERVICE)"
            );
            SetUpNote::wrong("listen-not-allowed", text).instead(next_free(address))
        }
        ErrorKind::AddrNotAvailable => {
            let text = format!("{} is no address of this computer", address.ip());
            let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
            SetUpNote::wrong("listen-elsewhere", text).instead(everywhere)
        }
        _ => SetUpNote::wrong("listen-refused", format!("{address} cannot be listened on: {fault}")),
    })
}

/// Whether who listens at the one has the other.
fn are_one(one: SocketAddr, other: SocketAddr) -> bool {
    let is_all = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && one.port() != 0 && (is_all || one.ip() == other.ip())
}

fn is_free(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_ok()
}

/// The same address with a port that is free, above its own.
fn next_free(address: SocketAddr) -> SocketAddr {
    let port = address.port();
    let first = if port < FIRST_FREE_PORT { OTHER_PORT } else { port.saturating_add(1) };
    let mut ports = (first..=first.saturating_add(TRIED)).map(|port| SocketAddr::new(address.ip(), port));
    ports.find(|address| is_free(*address)).unwrap_or(SocketAddr::new(address.ip(), first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes<A>(look: &AddressLook<A>) -> Vec<(&str, Option<&str>)> {
        look.notes.iter().map(|note| (note.code.as_str(), note.instead.as_deref())).collect()
    }

    #[test]
    fn what_is_no_address_is_offered_as_one_where_it_is_clear_what_is_meant() {
        let of = |typed| look_at_listen(Some(typed), ReachedBy::Network, None, None);
        assert_eq!(codes(&of("9443")), [("listen-malformed", Some("0.0.0.0:9443"))]);
        assert_eq!(codes(&of(":9443")), [("listen-malformed", Some("0.0.0.0:9443"))]);
        assert_eq!(codes(&of("[::]")), [("listen-malformed", Some("[::]:8443"))]);
        assert_eq!(codes(&of("home.example:8443")), [("listen-malformed", None)]);
        assert_eq!(codes(&of("unix:/run/a.sock")), [("listen-socket-file", Some("0.0.0.0:8443"))]);
        assert_eq!(codes(&look_at_listen(Some("unix:/run/a.sock"), ReachedBy::Proxy, None, None)), []);
    }

    #[test]
    fn it_listens_at_the_port_of_its_name_where_nothing_is_answered() {
        let of = |reached_by, named| look_at_listen(None, reached_by, named, None).value;
        assert_eq!(of(ReachedBy::Network, Some(9443)), "0.0.0.0:9443");
        assert_eq!(of(ReachedBy::Files, Some(9443)), "0.0.0.0:9443");
        assert_eq!(of(ReachedBy::Acme, Some(9443)), "0.0.0.0:443");
        assert_eq!(of(ReachedBy::Proxy, Some(9443)), "127.0.0.1:8443");
        assert_eq!(of(ReachedBy::Network, None), "0.0.0.0:8443");
    }

    #[test]
    fn a_port_that_is_taken_is_refused_and_a_free_one_is_offered() {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = held.local_addr().unwrap();
        let look = look_at_listen(Some(&address.to_string()), ReachedBy::Proxy, None, None);
        assert_eq!(codes(&look)[0].0, "listen-taken");
        let offered: SocketAddr = look.notes[0].instead.as_deref().unwrap().parse().unwrap();
        assert!(offered != address && offered.ip() == address.ip());
        drop(held);
        let look = look_at_listen(Some(&address.to_string()), ReachedBy::Proxy, None, Some(address));
        assert_eq!(codes(&look)[0].0, "listen-pages");
    }

    #[test]
    fn each_way_of_being_reached_listens_where_it_may() {
        let own = "127.0.0.1:0";
        let behind = look_at_listen(Some("0.0.0.0:0"), ReachedBy::Proxy, None, None);
        assert!(codes(&behind).contains(&("listen-not-loopback", Some(own))), "{:?}", behind.notes);
        let alone = look_at_listen(Some(own), ReachedBy::Network, None, None);
        assert!(codes(&alone).contains(&("listen-loopback", Some("0.0.0.0:0"))), "{:?}", alone.notes);
        assert!(codes(&alone).contains(&("listen-port-changes", None)));
        let elsewhere = look_at_listen(Some("192.0.2.1:8443"), ReachedBy::Network, None, None);
        assert_eq!(codes(&elsewhere), [("listen-elsewhere", Some("0.0.0.0:8443"))]);
    }

    #[test]
    fn clients_have_a_fixed_port_of_their_own_on_this_computer() {
        let listen: ListenAddress = SocketAddr::from((Ipv4Addr::UNSPECIFIED, CLIENTS.port())).into();
        let usual = look_at_clients(None, false, Some(&listen), None);
        let port = usual.address.unwrap().port();
        assert!(port > CLIENTS.port() && usual.notes.is_empty(), "{}", usual.value);
        let same =
            look_at_clients(Some(&format!("127.0.0.1:{}", CLIENTS.port())), false, Some(&listen), None);
        assert!(same.notes.iter().any(|note| note.code == "listen-twice"), "{:?}", same.notes);
        let open = look_at_clients(Some("0.0.0.0:0"), false, None, None);
        assert!(codes(&open).contains(&("clients-not-loopback", Some("127.0.0.1:0"))), "{:?}", open.notes);
        assert_eq!(look_at_clients(Some("0.0.0.0:0"), true, None, None).notes.len(), 1);
    }
}
