//! What the router was asked for and leads here, asked for again in time, and given back.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use crab_nat::PortMapping;
use futures_util::future::join_all;
use tokio::time::Instant;

use super::gateway::Gateway;
use super::nat_pmp;
use super::standing::{ExternalAddress, RouterCode, RouterFault, RouterProtocol};
use super::upnp::{Igd, Opened};
use super::wanted::{LEASE, RENEWED_PART, WantedPort};

/// At the end the router has so long to close what it has opened in one way.
const CLOSE_TIME: Duration = Duration::from_secs(3);

/// A port that the router was asked for.
struct Lease {
    by: By,
    /// When the router closes it; none where it does not.
    until: Option<Instant>,
    /// Whether the router leads it here, as far as it has said. Where it has not said so again, it is asked for in the same way and by the
    /// same nonce all the same: another one would not be let have it (RFC 6887, section 11.3).
    is_led: bool,
}

/// How it was asked for.
enum By {
    NatPmp(PortMapping),
    Upnp(Igd),
}

/// What the router said when it was asked.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) router: Option<Ipv4Addr>,
    pub(super) by: Option<RouterProtocol>,
    pub(super) external: ExternalAddress,
    pub(super) own_public: Option<Ipv4Addr>,
    /// The ports that it leads here, with how long it still does.
    pub(super) open: BTreeMap<u16, Option<Duration>>,
    pub(super) fault: Option<RouterFault>,
}

impl Look {
    /// This computer has a public address itself: nobody has to lead here.
    pub(super) fn without_router(own: Ipv4Addr) -> Self {
        Self { own_public: Some(own), ..Self::default() }
    }
}

/// What the router was asked for and leads here.
#[derive(Default)]
pub(super) struct Held {
    /// Whom it was asked for.
    gateway: Option<Gateway>,
    /// Whether it speaks NAT-PMP, once that is known.
    speaks_nat_pmp: Option<bool>,
    /// Its UPnP, once that was found.
    igd: Option<Igd>,
    /// The address that it last named.
    external: ExternalAddress,
    leases: BTreeMap<u16, Lease>,
    /// When the ports are asked for again.
    due: Option<Instant>,
}

impl Held {
    /// Has the ports asked for again at the next look, and what the router speaks looked for anew.
    pub(super) fn renew(&mut self) {
        (self.due, self.speaks_nat_pmp, self.igd) = (None, None, None);
    }

    /// Asks the router for its address, and for what is due of `ports`.
    pub(super) async fn look(&mut self, gateway: Option<Gateway>, ports: &[WantedPort]) -> Look {
        let Some(gateway) = gateway else {
            // What it had is held on to: it may be in the same network again in a moment.
            let text = "this computer is in no network with a router over IPv4";
            return Look { fault: Some(RouterFault::of(RouterCode::Missing, text)), ..Look::default() };
        };
        if self.gateway != Some(gateway) {
            let before = std::mem::replace(self, Self { gateway: Some(gateway), ..Self::default() });
            before.leave(gateway).await;
        }
        let mut look = Look { router: Some(gateway.router), ..Look::default() };
        let mut faults = Vec::new();
        self.ask_by_nat_pmp(gateway, &mut look, &mut faults).await;
        if look.external == ExternalAddress::Unknown || look.external == ExternalAddress::Unnamed {
            self.ask_by_upnp(gateway, &mut look, &mut faults).await;
        }
        if look.external != self.external {
            // A router that was started anew has forgotten what it led.
            (self.due, self.external) = (None, look.external);
        }
        // By UPnP it says more precisely what is in the way, so that it is asked second.
        let mut is_open = true;
        if self.due.is_none_or(|due| Instant::now() >= due) {
            for port in ports {
                if let Err(fault) = self.open(gateway, *port, &mut look).await {
                    if let Some(lease) = self.leases.get_mut(&port.external.get()) {
                        // What is open until it is taken back still is.
                        lease.is_led = lease.until.is_none();
                    }
                    faults.push(fault);
                    is_open = false;
                }
            }
            let shortest = self.led().filter_map(|(_, lease)| lease.until).min();
            let renewed =
                shortest.map(|until| until.saturating_duration_since(Instant::now()) / RENEWED_PART);
            self.due = is_open.then(|| Instant::now() + renewed.unwrap_or(LEASE / RENEWED_PART));
        }
        let now = Instant::now();
        let left = |lease: &Lease| lease.until.map(|until| until.saturating_duration_since(now));
        look.open = self.led().map(|(port, lease)| (port, left(lease))).collect();
        if look.by.is_none() || !is_open {
            look.fault = Some(worst(gateway, faults));
            // It may speak otherwise the next time.
            self.renew();
        }
        look
    }

    /// The ports that the router leads here.
    fn led(&self) -> impl Iterator<Item = (u16, &Lease)> {
        self.leases.iter().filter(|(_, lease)| lease.is_led).map(|(port, lease)| (*port, lease))
    }

    async fn ask_by_nat_pmp(&mut self, gateway: Gateway, look: &mut Look, faults: &mut Vec<RouterFault>) {
        if self.speaks_nat_pmp == Some(false) {
            return;
        }
        match nat_pmp::external_address(gateway).await {
            Ok(external) => {
                self.speaks_nat_pmp = Some(true);
                (look.external, look.by) = (external, Some(RouterProtocol::NatPmp));
            }
            Err(fault) => {
                self.speaks_nat_pmp = Some(false);
                faults.push(fault);
            }
        }
    }

    async fn ask_by_upnp(&mut self, gateway: Gateway, look: &mut Look, faults: &mut Vec<RouterFault>) {
        let asked = async {
            let igd = self.igd(gateway).await?;
            igd.external_address().await
        };
        match asked.await {
            Ok(external) => {
                if look.by.is_none() || matches!(external, ExternalAddress::Named(_)) {
                    (look.external, look.by) = (external, Some(RouterProtocol::Upnp));
                }
            }
            Err(fault) => {
                self.igd = None;
                faults.push(fault);
            }
        }
    }

    async fn igd(&mut self, gateway: Gateway) -> Result<Igd, RouterFault> {
        if let Some(igd) = &self.igd {
            return Ok(igd.clone());
        }
        let igd = Igd::find(gateway).await?;
        self.igd = Some(igd.clone());
        Ok(igd)
    }

    /// Has the router lead `port` here, in the way in which it does already where it does.
    async fn open(&mut self, gateway: Gateway, port: WantedPort, look: &mut Look) -> Result<(), RouterFault> {
        let key = port.external.get();
        let (before, is_by_upnp) = match self.leases.get(&key).map(|lease| &lease.by) {
            Some(By::NatPmp(mapping)) => (Some(mapping.clone()), false),
            Some(By::Upnp(_)) => (None, true),
            None => (None, false),
        };
        // NAT-PMP knows what is open by our own port: a second one that leads there would take the place of the first.
        let is_led_here = self.led().any(|(other, lease)| {
            other != key && matches!(&lease.by, By::NatPmp(mapping) if mapping.internal_port() == port.local)
        });
        let mut fault = is_led_here.then(|| {
            let text = format!("by NAT-PMP the router leads no second port to port {}", port.local);
            RouterFault::of(RouterCode::Refuses, text)
        });
        if self.speaks_nat_pmp == Some(true) && !is_by_upnp && !is_led_here {
            match nat_pmp::open(gateway, port, before.as_ref()).await {
                Ok(mapping) => {
                    if let (ExternalAddress::Unknown, Some(address)) =
                        (look.external, nat_pmp::external_of(&mapping))
                    {
                        look.external = ExternalAddress::Named(address);
                        self.external = look.external;
                    }
                    look.by = Some(RouterProtocol::NatPmp);
                    let until = Some(Instant::now() + nat_pmp::lifetime(&mapping));
                    self.leases.insert(key, Lease { by: By::NatPmp(mapping), until, is_led: true });
                    return Ok(());
                }
                Err(said) => fault = Some(said),
            }
        }
        let opened = async {
            let igd = self.igd(gateway).await?;
            let opened = igd.open(port).await?;
            Ok::<_, RouterFault>((igd, opened))
        };
        match opened.await {
            Ok((igd, opened)) => {
                let until = match opened {
                    Opened::For(lease) => Some(Instant::now() + lease),
                    Opened::UntilTakenBack => None,
                };
                look.by = Some(RouterProtocol::Upnp);
                self.leases.insert(key, Lease { by: By::Upnp(igd), until, is_led: true });
                Ok(())
            }
            // What a router says goes before that it says nothing in another way.
            Err(said) if said.code == RouterCode::Silent => Err(fault.unwrap_or(said)),
            Err(said) => Err(said),
        }
    }

    /// This computer goes by `next` from now on: another router, or the same by another address. What is still led to its address before
    /// is given back from there where the system lets that be, or by UPnP from the new one where the router does; otherwise it is said when
    /// that ends. While it lasts, the router says of the port that another computer has it.
    async fn leave(self, next: Gateway) {
        let Some(before) = self.gateway else { return };
        for (port, lease) in by_upnp_first(self.leases).into_iter().flatten() {
            let closed = match &lease.by {
                // Another router is out of reach.
                _ if before.router != next.router => false,
                By::Upnp(igd) => igd.close_from(next.own, port).await,
                By::NatPmp(mapping) => nat_pmp::close_from(before, mapping).await,
            };
            let (router, own) = (before.router, before.own);
            match lease.until {
                _ if closed => {
                    tracing::info!(%port, "the router has closed a port that led to {own}, as this computer is no more")
                }
                Some(until) => {
                    let minutes = until.saturating_duration_since(Instant::now()).as_secs().div_ceil(60);
                    tracing::warn!(
                        "the router {router} leads port {port} to {own} still, where this computer is no more; it ends that by itself within \
                         {minutes} min"
                    );
                }
                None => tracing::warn!(
                    "the router {router} leads port {port} to {own} still, where this computer is no more, and does not end that by itself: \
                     close the port in the router"
                ),
            }
        }
    }

    /// Has the router close what it leads here.
    pub(super) async fn give_back(self) {
        for leases in by_upnp_first(self.leases) {
            let closing = leases.into_iter().map(async |(port, lease)| match lease.by {
                By::NatPmp(mapping) => nat_pmp::close(mapping).await,
                By::Upnp(igd) => {
                    if let Err(fault) = igd.close(port).await {
                        tracing::warn!(%port, "the router has not closed a port that it had opened: {fault}");
                    }
                }
            });
            if tokio::time::timeout(CLOSE_TIME, join_all(closing)).await.is_err() {
                tracing::warn!(
                    "the router has not closed in time what it had opened; it does so by itself within the hour"
                );
            }
        }
    }
}

/// `leases` in the order in which they are given back: those of UPnP before the others. By NAT-PMP and PCP a port is given back by our own
/// port that it leads to. Where two lead to the same, routers take the first of them that they find, also one that was opened by UPnP,
/// which names it by the outer port: that one is gone by then, and the other is the only one left.
fn by_upnp_first(leases: BTreeMap<u16, Lease>) -> [Vec<(u16, Lease)>; 2] {
    let (upnp, others): (Vec<_>, Vec<_>) =
        leases.into_iter().partition(|(_, lease)| matches!(lease.by, By::Upnp(_)));
    [upnp, others]
}

/// What is told of all that went wrong: what a router said, and that it said nothing only where it has said nothing at all.
fn worst(gateway: Gateway, faults: Vec<RouterFault>) -> RouterFault {
    let said = faults.into_iter().find(|fault| fault.code != RouterCode::Silent);
    said.unwrap_or_else(|| {
        let text = format!("the router {} answers neither UPnP nor NAT-PMP", gateway.router);
        RouterFault::of(RouterCode::Silent, text)
    })
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::io::{Read, Write};
    use std::net::{IpAddr, TcpListener, UdpSocket};
    use std::num::NonZeroU16;
    use std::sync::Arc;

    use crab_nat::GATEWAY_PORT;
    use parking_lot::Mutex;
    use reqwest::Url;

    use super::*;

    /// A router of this process's own.
    fn gateway() -> Gateway {
        let [_, high, middle, low] = std::process::id().to_be_bytes();
        Gateway { router: Ipv4Addr::new(127, 1 + (high & 0x7f), middle, low), own: Ipv4Addr::LOCALHOST }
    }

    fn port() -> WantedPort {
        let [external, local] = [443, 8443].map(|port| NonZeroU16::new(port).unwrap());
        WantedPort { external, local }
    }

    /// Has the router answer by UPnP what `answer` says to an action and its arguments: nothing more than that it is done, or an error by
    /// its number. Returns what it is asked, as it comes.
    fn upnp(
        gateway: Gateway,
        answer: impl Fn(&str) -> Result<(), u16> + Send + 'static,
    ) -> (Igd, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind((gateway.router, 0)).unwrap();
        let url = format!("http://{}/ctl", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (mut request, mut octets) = (String::new(), [0; 4096]);
                while !request.contains("</s:Envelope>")
                    && let Ok(length @ 1..) = stream.read(&mut octets)
                {
                    request.push_str(&String::from_utf8_lossy(&octets[..length]));
                }
                let action = request.split("<u:").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
                let content = match answer(&request) {
                    Ok(()) => format!(
                        "<{action}Response><NewExternalIPAddress>9.9.9.9</NewExternalIPAddress></{action}Response>"
                    ),
                    Err(code) => format!("<UPnPError><errorCode>{code}</errorCode></UPnPError>"),
                };
                seen.lock().push(action.to_owned());
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n<a>{content}</a>",
                    content.len() + 7
                );
            }
        });
        (Igd::at(Url::parse(&url).unwrap(), gateway.own), asked)
    }

    #[tokio::test]
    async fn a_renewal_that_fails_is_tried_again_by_the_same_nonce() {
        let gateway = gateway();
        let socket = UdpSocket::bind((gateway.router, GATEWAY_PORT)).unwrap();
        let (nonces, fails) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(false)));
        let (seen, has_no_room) = (nonces.clone(), fails.clone());
        std::thread::spawn(move || {
            let mut asked = [0; 2048];
            while let Ok((length, from)) = socket.recv_from(&mut asked) {
                let asked = &asked[..length];
                let answer = if asked[0] == 2 {
                    seen.lock().push(asked[24..36].to_vec());
                    let result = if *has_no_room.lock() { 8 } else { 0 };
                    let external = Ipv4Addr::new(9, 9, 9, 9).to_ipv6_mapped().octets();
                    let head = [&[2, asked[1] | 0x80, 0, result][..], &3600_u32.to_be_bytes(), &[0; 16]];
                    [&head.concat()[..], &asked[24..42], &443_u16.to_be_bytes(), &external].concat()
                } else {
                    vec![0, 0x80, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9]
                };
                let _ = socket.send_to(&answer, from);
            }
        });
        let (igd, _) = upnp(gateway, |_| Err(606));
        let mut held = Held { gateway: Some(gateway), igd: Some(igd), ..Held::default() };
        let mut looks = Vec::new();
        for is_failing in [false, true, false] {
            *fails.lock() = is_failing;
            held.due = None;
            let look = held.look(Some(gateway), &[port()]).await;
            looks.push((look.open.contains_key(&443), look.fault.map(|fault| fault.code)));
        }
        assert_eq!(looks, [(true, None), (false, Some(RouterCode::Refuses)), (true, None)]);
        let nonces = nonces.lock();
        assert_eq!(nonces.len(), 3);
        assert!(nonces.iter().all(|nonce| *nonce == nonces[0]), "{nonces:?}");
    }

    #[tokio::test]
    async fn a_port_that_led_to_the_address_before_is_given_back_from_there() {
        let gateway = gateway();
        let socket = UdpSocket::bind((gateway.router, GATEWAY_PORT)).unwrap();
        let (asked_from, version) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(2)));
        let (seen, spoken) = (asked_from.clone(), version.clone());
        std::thread::spawn(move || {
            let mut asked = [0; 2048];
            while let Ok((length, from)) = socket.recv_from(&mut asked) {
                let (asked, spoken) = (&asked[..length], *spoken.lock());
                let answer = match (asked[0], length) {
                    (0, 2) => vec![0, 0x80, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9],
                    (2, 60) if spoken == 2 => {
                        let lifetime: [u8; 4] = asked[4..8].try_into().unwrap();
                        let client = Ipv4Addr::new(asked[20], asked[21], asked[22], asked[23]);
                        seen.lock().push((from.ip(), Some(client), u32::from_be_bytes(lifetime)));
                        let external = Ipv4Addr::new(9, 9, 9, 9).to_ipv6_mapped().octets();
                        let head = [&[2, 0x81, 0, 0][..], &lifetime, &[0; 16]].concat();
                        [&head[..], &asked[24..42], &443_u16.to_be_bytes(), &external].concat()
                    }
                    (0, 12) => {
                        let lifetime: [u8; 4] = asked[8..12].try_into().unwrap();
                        seen.lock().push((from.ip(), None, u32::from_be_bytes(lifetime)));
                        let ports = if lifetime == [0; 4] { [0; 2] } else { 443_u16.to_be_bytes() };
                        [&[0, 0x82, 0, 0, 0, 0, 0, 0][..], &asked[4..6], &ports, &lifetime].concat()
                    }
                    // It speaks NAT-PMP alone.
                    _ => vec![0, 0x80, 0, 1, 0, 0, 0, 0],
                };
                let _ = socket.send_to(&answer, from);
            }
        });
        let lease = u32::try_from(LEASE.as_secs()).unwrap();
        for (speaks, client) in [(2, Some(gateway.own)), (0, None)] {
            *version.lock() = speaks;
            let mut held = Held::default();
            assert!(held.look(Some(gateway), &[port()]).await.open.contains_key(&443));
            // This computer is at another address from now on, and has the one before still.
            let next = Gateway { own: Ipv4Addr::new(127, 0, 0, 2), ..gateway };
            held.look(Some(next), &[]).await;
            let asked = std::mem::take(&mut *asked_from.lock());
            let by_us = |lifetime| (IpAddr::V4(gateway.own), client, lifetime);
            assert_eq!(asked, [by_us(lease), by_us(0)], "version {speaks}");
        }
        // From an address that this computer has no more nothing is asked.
        let gone = Gateway { own: Ipv4Addr::new(192, 0, 2, 1), ..gateway };
        let by_nat_pmp = nat_pmp::open(gateway, port(), None).await.unwrap();
        asked_from.lock().clear();
        assert!(!nat_pmp::close_from(gone, &by_nat_pmp).await);
        assert_eq!(asked_from.lock().len(), 0);
    }

    #[tokio::test]
    async fn a_port_that_is_open_until_it_is_taken_back_is_taken_back_at_the_end() {
        let gateway = gateway();
        let fails = Arc::new(Mutex::new(false));
        let is_failing = fails.clone();
        let (igd, asked) = upnp(gateway, move |request| {
            let is_for_good = request.contains("<NewLeaseDuration>0</NewLeaseDuration>");
            match request.contains("AddPortMapping") {
                true if *is_failing.lock() => Err(501),
                true if !is_for_good => Err(725),
                _ => Ok(()),
            }
        });
        let with =
            |held: Held| Held { speaks_nat_pmp: Some(false), igd: Some(igd.clone()), due: None, ..held };
        let mut held = with(Held { gateway: Some(gateway), ..Held::default() });
        let look = held.look(Some(gateway), &[port()]).await;
        assert_eq!((look.open, look.fault), (BTreeMap::from([(443, None)]), None));
        // It is open still where it could not be asked for again.
        *fails.lock() = true;
        held = with(held);
        let look = held.look(Some(gateway), &[port()]).await;
        assert_eq!(look.open, BTreeMap::from([(443, None)]));
        assert_eq!(look.fault.map(|fault| fault.code), Some(RouterCode::Refuses));
        held.give_back().await;
        assert_eq!(asked.lock().last().map(String::as_str), Some("DeletePortMapping"));
    }
}
