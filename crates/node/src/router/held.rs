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

/// A port that the router leads here.
struct Lease {
    by: By,
    /// When the router closes it; none where it does not.
    until: Option<Instant>,
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
            // What another router leads here, it closes by itself.
            *self = Self { gateway: Some(gateway), ..Self::default() };
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
                    // What is open until it is taken back has to be taken back at the end.
                    self.leases.retain(|key, lease| *key != port.external.get() || lease.until.is_none());
                    faults.push(fault);
                    is_open = false;
                }
            }
            let shortest = self.leases.values().filter_map(|lease| lease.until).min();
            let renewed =
                shortest.map(|until| until.saturating_duration_since(Instant::now()) / RENEWED_PART);
            self.due = is_open.then(|| Instant::now() + renewed.unwrap_or(LEASE / RENEWED_PART));
        }
        let now = Instant::now();
        let left = |lease: &Lease| lease.until.map(|until| until.saturating_duration_since(now));
        look.open = self.leases.iter().map(|(port, lease)| (*port, left(lease))).collect();
        if look.by.is_none() || !is_open {
            look.fault = Some(worst(gateway, faults));
            // It may speak otherwise the next time.
            self.renew();
        }
        look
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
        let is_led_here = self.leases.iter().any(|(other, lease)| {
            *other != key && matches!(&lease.by, By::NatPmp(mapping) if mapping.internal_port() == port.local)
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
                    self.leases.insert(key, Lease { by: By::NatPmp(mapping), until });
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
                self.leases.insert(key, Lease { by: By::Upnp(igd), until });
                Ok(())
            }
            // What a router says goes before that it says nothing in another way.
            Err(said) if said.code == RouterCode::Silent => Err(fault.unwrap_or(said)),
            Err(said) => Err(said),
        }
    }

    /// Has the router close what it leads here.
    pub(super) async fn give_back(self) {
        let closing = self.leases.into_iter().map(async |(port, lease)| match lease.by {
            By::NatPmp(mapping) => nat_pmp::close(mapping).await,
            By::Upnp(igd) => {
                if let Err(fault) = igd.close(port).await {
                    tracing::warn!(%port, "the router has not closed a port that it had opened: {fault}");
                }
            }
        });
        join_all(closing).await;
    }
}

/// What is told of all that went wrong: what a router said, and that it said nothing only where it has said nothing at all.
fn worst(gateway: Gateway, faults: Vec<RouterFault>) -> RouterFault {
    let said = faults.into_iter().find(|fault| fault.code != RouterCode::Silent);
    said.unwrap_or_else(|| {
        let text = format!("the router {} answers neither UPnP nor NAT-PMP", gateway.router);
        RouterFault::of(RouterCode::Silent, text)
    })
}
