//! What a service manager such as systemd is told: that the provider answers, that it goes on working, that it reads anew what it
//! can, and that it ends. Where none wants to be told (`NOTIFY_SOCKET`), nothing is.

#[cfg(unix)]
use sd_notify::NotifyState;

use drawbridge_admin::Host;

/// Says that the provider answers.
pub(crate) fn tell_ready() {
    #[cfg(unix)]
    tell(&[NotifyState::Ready]);
}

/// Says that it reads anew what it can, until [`tell_ready`] says that it is done.
pub(crate) fn tell_reloading() {
    #[cfg(unix)]
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(fault) => tracing::debug!(%fault, "the service manager is told of no reload without the time"),
    }
}

/// Says that it ends.
pub(crate) fn tell_stopping() {
    #[cfg(unix)]
    tell(&[NotifyState::Stopping]);
}

/// From now on says that `host` works, three times in the time that the service manager waits for it (`WATCHDOG_USEC`); each time
/// its store has taken up a write and a read before. Of a node that hangs nothing is said, upon which it is started anew.
pub(crate) fn keep_telling_that_it_works(host: &Host) {
    #[cfg(unix)]
    if let Some(time) = sd_notify::watchdog_enabled() {
        let host = host.clone();
        tokio::spawn(async move {
            let mut turns = tokio::time::interval((time / 3).max(SHORTEST));
            turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                turns.tick().await;
                host.answers().await;
                tell(&[NotifyState::Watchdog]);
            }
        });
    }
    #[cfg(not(unix))]
    let _ = host;
}

/// The least time between two looks at whether the node works.
#[cfg(unix)]
const SHORTEST: std::time::Duration = std::time::Duration::from_millis(10);

#[cfg(unix)]
fn tell(news: &[NotifyState<'_>]) {
    if let Err(fault) = sd_notify::notify(news) {
        tracing::warn!(%fault, "the service manager could not be told how it goes");
    }
}
