//! Asks the router again and again, keeps what it says, and gives back at the end what it has opened.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use super::gateway::Gateway;
use super::held::{Held, Look};
use super::standing::{OpenPort, RouterStanding};
use super::wanted::WantedPort;
use crate::ambient::{Ambient, System};
use crate::ground::Ground;
use crate::ground::changes::Change;
use crate::peers::is_public;

/// How often the router is asked for its address.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// The first pause after a failure, which doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_secs(900);
/// Who asks it now waits no longer than this.
const ASK_TIME: Duration = Duration::from_secs(20);

/// The router, as far as it is asked for something.
pub(crate) struct Router {
    /// The clock, word of what changes, and the end.
    ground: Arc<Ground>,
    /// What it is asked to open; nothing where only its address is wanted.
    ports: Vec<WantedPort>,
    /// What it said.
    standing: Mutex<RouterStanding>,
    /// Counts how often it was asked.
    looks: watch::Sender<u64>,
    /// Rung where it is to be asked at once.
    again: Notify,
}

impl Router {
    pub(crate) fn new(ground: Arc<Ground>, ports: Vec<WantedPort>) -> Self {
        let shown = ports.iter().map(|port| OpenPort {
            external: port.external.get(),
            local: port.local.get(),
            is_open: false,
            until: None,
        });
        let standing = RouterStanding { ports: shown.collect(), ..RouterStanding::default() };
        Self {
            ground,
            ports,
            standing: Mutex::new(standing),
            looks: watch::channel(0).0,
            again: Notify::new(),
        }
    }

    /// What it said.
    pub(crate) fn standing(&self) -> RouterStanding {
        self.standing.lock().clone()
    }

    /// Counts how often it was asked.
    pub(crate) fn looks(&self) -> watch::Receiver<u64> {
        self.looks.subscribe()
    }

    /// Has it asked at once.
    pub(crate) fn hurry(&self) {
        self.again.notify_one();
    }

    /// Has it asked now, and returns what it said; after a while what it said before.
    pub(crate) async fn ask_now(&self) -> RouterStanding {
        let mut looks = self.looks();
        looks.mark_unchanged();
        self.hurry();
        let _ = tokio::time::timeout(ASK_TIME, looks.changed()).await;
        self.standing()
    }

    /// Asks it again and again until the node stops, and gives back then what it has opened. `networks` tells that this computer
    /// came into another network.
    pub(crate) async fn run(self: Arc<Self>, mut networks: watch::Receiver<u64>) {
        let (mut held, mut failures) = (Held::default(), 0_u32);
        loop {
            let turned = self.ground.ambient.turned();
            let look = tokio::select! {
                () = self.ground.stop.cancelled() => break,
                look = self.look(&mut held) => look,
            };
            failures = if look.fault.is_some() { failures.saturating_add(1) } else { 0 };
            let pause = pause(failures);
            self.take(look, pause);
            tokio::select! {
                () = self.ground.stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
                () = self.again.notified() => held.renew(),
                () = turned => {}
                Ok(()) = networks.changed() => {
                    held.renew();
                    failures = 0;
                }
            }
        }
        held.give_back().await;
    }

    async fn look(&self, held: &mut Held) -> Look {
        let own = self.ground.ambient.own_addresses().into_iter().flatten();
        let own_public = own.filter(|own| is_public(*own)).find_map(|own| match own {
            IpAddr::V4(own) => Some(own),
            IpAddr::V6(_) => None,
        });
        match own_public {
            Some(own) => Look::without_router(own),
            None => held.look(Gateway::find().await, &self.ports).await,
        }
    }

    /// Keeps what the router said, and tells it where it is news.
    fn take(&self, look: Look, pause: Duration) {
        let now = self.ground.ambient.now();
        let is_news = {
            let mut standing = self.standing.lock();
            let ports = self.ports.iter().map(|port| {
                let open = look.open.get(&port.external.get());
                OpenPort {
                    external: port.external.get(),
                    local: port.local.get(),
                    is_open: open.is_some(),
                    until: open.copied().flatten().map(|left| now.plus(left)),
                }
            });
            let next = RouterStanding {
                router: look.router,
                by: look.by,
                external: look.external,
                own_public: look.own_public,
                ports: ports.collect(),
                looked: Some(now),
                next: Some(now.plus(pause)),
                failing: look.fault.as_ref().map(|_| standing.failing.unwrap_or(now)),
                fault: look.fault,
            };
            let before = std::mem::replace(&mut *standing, next);
            let is_news = before.looked.is_none() || before.without_times() != standing.without_times();
            match &standing.fault {
                Some(fault) if is_news => tracing::warn!(code = %fault.code, "{fault}"),
                None if is_news => {
                    let open: Vec<u16> = standing.ports.iter().map(|port| port.external).collect();
                    tracing::info!(router = ?standing.router, external = ?standing.external, ?open, "the router has answered");
                }
                _ => {}
            }
            is_news
        };
        self.looks.send_modify(|looks| *looks += 1);
        if is_news {
            self.ground.changes.announce(Change::Settings);
        }
    }
}

/// Asks the router for its address, and for nothing else.
pub(crate) async fn ask_once() -> RouterStanding {
    let look = Held::default().look(Gateway::find().await, &[]).await;
    RouterStanding {
        router: look.router,
        by: look.by,
        external: look.external,
        looked: Some(System.now()),
        fault: look.fault,
        ..RouterStanding::default()
    }
}

/// When it is asked again after so many failures in a row.
fn pause(failures: u32) -> Duration {
    match failures {
        0 => LOOK_EVERY,
        _ => FIRST_PAUSE.saturating_mul(1 << (failures - 1).min(10)).min(LONGEST_PAUSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest() {
        assert_eq!([0, 1, 2, 3].map(|failures| pause(failures).as_secs()), [60, 15, 30, 60]);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }
}
