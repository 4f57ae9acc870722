//! The name, its addresses, and connections to them.

use std::net::{IpAddr, Ipv6Addr, TcpListener};
use std::time::Duration;

use drawbridge_node::Side::{Either, Ours, Theirs};
use drawbridge_node::diagnose::StepName::{Addresses, Connect, Dns, Limits, Name, Ping};
#[cfg(target_os = "linux")]
use drawbridge_testkit::DroppingHost;

use super::faults::{IS_WELL, fails, faults, lasts, warns, warns_only};
use super::scene::HOST;

/// No connection leads to a multicast address: the system says of it what it says of all of IPv6 where it has no IPv6.
const UNREACHABLE: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// `::1`, where this computer has it.
pub(super) fn ipv6() -> Option<IpAddr> {
    let address = IpAddr::from(Ipv6Addr::LOCALHOST);
    TcpListener::bind((address, 0)).is_ok().then_some(address)
}

faults! {
    no_name: "what was typed is no provider's name",
        fails(Name, "name-malformed", Ours, ""),
        async |_| Some("Not a name!".into());
    no_address: "the name has no address",
        fails(Dns, "no-address", Either, HOST),
        async |scene| {
            scene.federation.clock().names(HOST, &[]);
            Some(HOST.into())
        };
    private_address: "the name leads to a private address",
        lasts(fails(Addresses, "address-refused", Ours, "10.1.2.3, which is not a public address")),
        async |scene| {
            scene.federation.clock().names(HOST, &["10.1.2.3"]);
            Some(HOST.into())
        };
    one_private_address: "the name leads to a private address beside a good one",
        warns_only(Addresses, "address-refused", Either, "10.1.2.3 may not"),
        async |scene| {
            let good = scene.federation.address();
            Some(scene.peer_at(good, &["10.1.2.3".parse().unwrap(), good]).await)
        };
}

faults! {
    nothing_listens: "nothing listens at the port (a firewall that refuses)",
        lasts(fails(Connect, "connection-refused", Either, "refused")),
        async |scene| Some(scene.federation.nobody().to_string());
    ipv6_broken: "IPv6 is broken, and IPv4 is fine",
        warns_only(Connect, "connection-refused", Theirs, "refused"),
        async |scene| {
            let good = scene.federation.address();
            let name = scene.peer_at(good, &[ipv6()?, good]).await;
            scene.blames(ipv6()?, &name);
            Some(name)
        };
    ipv4_broken: "IPv4 is broken, and IPv6 is fine",
        warns_only(Connect, "connection-refused", Theirs, "refused"),
        async |scene| {
            let (broken, good) = (scene.federation.address(), ipv6()?);
            let name = scene.peer_at(good, &[broken, good]).await;
            scene.blames(broken, &name);
            Some(name)
        };
    no_ipv6_here: "no fault: the name has an IPv6 address too, and this computer has no IPv6",
        IS_WELL,
        async |scene| {
            let (far, good) = (UNREACHABLE.into(), scene.federation.address());
            Some(scene.peer_at(good, &[far, good]).await)
        };
    both_broken: "neither IPv4 nor IPv6 can be connected to",
        fails(Connect, "connection-refused", Either, "refused"),
        async |scene| {
            let addresses = [scene.federation.address(), ipv6()?].map(|address| address.to_string());
            scene.federation.clock().names(HOST, &[&addresses[0], &addresses[1]]);
            Some(format!("{HOST}:{}", scene.federation.nobody().port()))
        };
}

// These are as Linux has them.
#[cfg(target_os = "linux")]
faults! {
    firewall_drops: "a firewall drops what comes",
        fails(Connect, "connect-timeout", Either, "in 10 s"),
        async |scene| {
            let host = scene.federation.dropping_host().await;
            let name = host.address().to_string();
            scene.keeps(host);
            Some(name)
        };
    ipv6_dropped: "a firewall drops what comes by IPv6, and IPv4 is fine",
        warns_only(Connect, "connect-timeout", Theirs, "in 10 s"),
        async |scene| {
            let (dropping, good) = (ipv6()?, scene.federation.address());
            let peer = scene.federation.scripted_peer_called(HOST, good);
            // Before our node knows of it: what it connects while the firewall is being made would be let in, and hang.
            scene.keeps(DroppingHost::at((dropping, peer.provider().port()).into()).await);
            let name = scene.leads_to(peer, &[dropping, good]).await;
            scene.blames(dropping, &name);
            Some(name)
        };
}

// A network that is bad, but not too bad.
faults! {
    split: "no fault: what it sends comes in segments of one byte",
        IS_WELL,
        async |scene| Some(scene.behind_network(|network| network.splits(1)).await);
    slow_network: "what it answers is on its way for long",
        warns(Ping, "slow", Either, "only after"),
        async |scene| Some(scene.behind_network(|network| network.delays(Duration::from_millis(2100))).await);
    lossy_network: "connections break amid large requests",
        warns(Limits, "connection-lost", Either, "the connection broke"),
        async |scene| Some(scene.behind_network(|network| network.cuts_requests_after(64 << 10)).await);
}
