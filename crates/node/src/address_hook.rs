//! Runs the operator's command when the public addresses of this computer change, as for a name in the DNS that has to follow them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::time::Timestamp;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::command;
use crate::ground::Ground;
use crate::ground::changes::Change;
use crate::peers::host_text;
use crate::router::{Router, is_shared};
use crate::store::{Store, StoreFault};

/// The command has to come to an end within this: a DNS service is asked by it.
const RUN_TIME: Duration = Duration::from_secs(120);
/// The first pause after a failure, which doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// By which the addresses are kept that the command was last told.
const KEPT_AS: &str = "address-hook.told";
/// What stands for an address that is not known.
const NONE: &str = "-";

/// The addresses by which others come here, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublicAddresses {
    /// Over IPv4: the router's, or this computer's own.
    pub v4: Option<Ipv4Addr>,
    /// Over IPv6: this computer's own.
    pub v6: Option<Ipv6Addr>,
}

impl PublicAddresses {
    /// These, and where one is not known at the moment that of `before`: an address that is gone is no news that a name could follow.
    fn or(self, before: Self) -> Self {
        Self { v4: self.v4.or(before.v4), v6: self.v6.or(before.v6) }
    }

    /// As the command is told them.
    fn words(self) -> [String; 2] {
        let word = |address: Option<String>| address.unwrap_or_else(|| NONE.into());
        [word(self.v4.map(|v4| v4.to_string())), word(self.v6.map(|v6| v6.to_string()))]
    }

    fn read(kept: &str) -> Self {
        let (v4, v6) = kept.split_once(' ').unwrap_or_default();
        Self { v4: v4.parse().ok(), v6: v6.parse().ok() }
    }
}

/// How it goes with the command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookStanding {
    /// The addresses that it was last told, where it has succeeded.
    pub told: PublicAddresses,
    /// When that was, in this life of the program.
    pub at: Option<Timestamp>,
    /// Why it fails.
    pub failure: Option<HookFailure>,
    /// When it is run again after a failure.
    pub next: Option<Timestamp>,
}

/// Why the command fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookFailure {
    /// One sentence without its stop, with what it has printed.
    pub text: String,
    /// The first failure in a row.
    pub first: Timestamp,
}

/// Runs the command when it is time.
pub(crate) struct AddressHook {
    /// Our name, the clock and the end.
    ground: Arc<Ground>,
    /// Where is kept what the command was told.
    store: Store,
    /// Who knows the address over IPv4.
    router: Arc<Router>,
    command: PathBuf,
    standing: Mutex<HookStanding>,
    again: Notify,
}

impl AddressHook {
    pub(crate) fn new(ground: Arc<Ground>, store: Store, router: Arc<Router>, command: PathBuf) -> Self {
        Self { ground, store, router, command, standing: Mutex::default(), again: Notify::new() }
    }

    /// How it goes with the command.
    pub(crate) fn standing(&self) -> HookStanding {
        self.standing.lock().clone()
    }

    /// Has a command that has failed run again at once.
    pub(crate) fn hurry(&self) {
        self.again.notify_one();
    }

    /// Runs the command whenever an address is there that it was not told, until the node stops. `networks` tells that this computer
    /// came into another network.
    pub(crate) async fn run(self: Arc<Self>, mut networks: watch::Receiver<u64>) {
        let kept = self.store.read::<_, StoreFault>(|view| view.setting(KEPT_AS)).await;
        let told = match kept {
            Ok(kept) => kept.as_deref().map(PublicAddresses::read).unwrap_or_default(),
            Err(fault) => {
                tracing::warn!(%fault, "it is not known which addresses the command was told; it is told them again");
                PublicAddresses::default()
            }
        };
        self.standing.lock().told = told;
        let (mut looks, mut failures) = (self.router.looks(), 0_u32);
        loop {
            let turned = self.ground.ambient.turned();
            let told = self.standing.lock().told;
            let now = self.addresses().or(told);
            let mut pause = None;
            // Before the router was asked, it is not known whether there is news.
            let is_known = *looks.borrow_and_update() > 0;
            if is_known && now != told {
                let is_done = tokio::select! {
                    () = self.ground.stop.cancelled() => return,
                    is_done = self.tell(now) => is_done,
                };
                failures = if is_done { 0 } else { failures.saturating_add(1) };
                pause = (!is_done).then(|| pause_after(failures));
            } else if is_known {
                // What it failed to be told has passed.
                self.change(|standing| (standing.failure, standing.next) = (None, None));
                failures = 0;
            }
            if let Some(pause) = pause {
                let next = self.ground.ambient.now().plus(pause);
                self.change(|standing| standing.next = Some(next));
                tokio::select! {
                    () = self.ground.stop.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                    () = self.again.notified() => {}
                    () = turned => {}
                    () = self.is_news(now, &mut looks) => failures = 0,
                    Ok(()) = networks.changed() => {}
                }
            } else {
                tokio::select! {
                    () = self.ground.stop.cancelled() => return,
                    Ok(()) = looks.changed() => {}
                    Ok(()) = networks.changed() => {}
                }
            }
        }
    }

    /// Returns when others come here by other addresses than those that the command could not be told.
    async fn is_news(&self, tried: PublicAddresses, looks: &mut watch::Receiver<u64>) {
        while looks.changed().await.is_ok() {
            if self.addresses().or(tried) != tried {
                return;
            }
        }
        std::future::pending().await
    }

    /// By which addresses others come here now, as far as that is known.
    fn addresses(&self) -> PublicAddresses {
        let mut found = PublicAddresses::default();
        for own in self.ground.ambient.own_addresses().into_iter().flatten() {
            match own {
                IpAddr::V4(own) if !is_shared(own) => found.v4 = Some(own),
                IpAddr::V6(own) if is_global(own) => found.v6 = Some(own),
                _ => {}
            }
        }
        found.v4 = self.router.standing().external.public().or(found.v4);
        found
    }

    /// Runs the command, and keeps what came of it. Says whether it has succeeded.
    async fn tell(&self, addresses: PublicAddresses) -> bool {
        let host = host_text(self.ground.ours.host());
        let [v4, v6] = addresses.words();
        let ran = command::run(&self.command, &[&host, &v4, &v6], RUN_TIME).await;
        let now = self.ground.ambient.now();
        match ran {
            Ok(said) => {
                tracing::info!(%v4, %v6, %said, "the command for a changed address was run");
                let kept = format!("{v4} {v6}");
                let kept = self.store.write(move |tx| tx.set_setting(KEPT_AS, &kept)).await;
                if let Err(fault) = kept {
                    let fault: StoreFault = fault;
                    tracing::warn!(%fault, "which addresses the command was told is not kept; it is told them again after a start");
                }
                self.change(|standing| {
                    *standing = HookStanding { told: addresses, at: Some(now), failure: None, next: None };
                });
                true
            }
            Err(how) => {
                let text =
                    format!("the command {} {host} {v4} {v6} has failed: {how}", self.command.display());
                tracing::warn!("{text}");
                self.change(|standing| {
                    let first = standing.failure.as_ref().map_or(now, |failure| failure.first);
                    standing.failure = Some(HookFailure { text, first });
                });
                false
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut HookStanding)) {
        let is_news = {
            let mut standing = self.standing.lock();
            let before = standing.clone();
            change(&mut standing);
            before != *standing
        };
        if is_news {
            self.ground.changes.announce(Change::Settings);
        }
    }
}

/// Whether an address is one of those that are given out to be reached by everybody (2000::/3).
fn is_global(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xe000 == 0x2000
}

fn pause_after(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(v4: Option<&str>, v6: Option<&str>) -> PublicAddresses {
        PublicAddresses { v4: v4.map(|v4| v4.parse().unwrap()), v6: v6.map(|v6| v6.parse().unwrap()) }
    }

    #[test]
    fn what_was_told_is_read_as_it_was_kept() {
        for told in [
            addresses(Some("9.9.9.9"), None),
            addresses(None, Some("2a00:1450::1")),
            addresses(Some("9.9.9.9"), Some("2a00:1450::1")),
            addresses(None, None),
        ] {
            assert_eq!(PublicAddresses::read(&told.words().join(" ")), told);
        }
        assert_eq!(PublicAddresses::read("anything else"), addresses(None, None));
    }

    #[test]
    fn an_address_that_is_gone_stays_as_it_was() {
        let before = addresses(Some("9.9.9.9"), Some("2a00:1450::1"));
        assert_eq!(addresses(None, None).or(before), before);
        assert_eq!(
            addresses(Some("8.8.8.8"), None).or(before),
            addresses(Some("8.8.8.8"), Some("2a00:1450::1"))
        );
    }

    #[test]
    fn pauses_grow_up_to_the_longest() {
        assert_eq!([1, 2, 3].map(|failures| pause_after(failures).as_secs()), [30, 60, 120]);
        assert_eq!(pause_after(u32::MAX), LONGEST_PAUSE);
    }
}
