//! Turning what is wrong with a provider of the demo on and off, while all of them run.

use std::sync::Arc;

use super::files::{CertificateKind, certify};
use super::fork;
use super::key;
use super::provider::{DemoProvider, failed};
use crate::error::AdminError;
use crate::view::DemoSwitch;

/// So much is a wrong clock ahead or behind.
const TEN_MINUTES: i64 = 600_000;

/// Turns `switch` of `provider` on or off. Whoever calls it holds the provider's `changing`; `others` are those beside it.
pub(super) async fn turn(
    provider: &DemoProvider,
    switch: DemoSwitch,
    on: bool,
    others: &[Arc<DemoProvider>],
) -> Result<(), AdminError> {
    if provider.is_on(switch) == on {
        return Ok(());
    }
    match switch {
        DemoSwitch::Stopped if on => {
            provider.stop().await;
        }
        DemoSwitch::Stopped => provider.start_again().await?,
        DemoSwitch::Slow | DemoSwitch::Lossy | DemoSwitch::CuttingProxy => {
            provider.note(switch, on);
            if let Some(running) = provider.running() {
                if let Err(fault) = provider.break_network(&running) {
                    provider.note(switch, !on);
                    return Err(failed(&fault));
                }
                // Those that there are would go on as they were.
                running.network.cuts();
            }
        }
        DemoSwitch::ClockAhead | DemoSwitch::ClockBehind => {
            let ahead = match (on, switch) {
                (false, _) => 0,
                (true, DemoSwitch::ClockAhead) => TEN_MINUTES,
                (true, _) => -TEN_MINUTES,
            };
            provider.machine.set_clock(ahead);
            note_one(provider, [DemoSwitch::ClockAhead, DemoSwitch::ClockBehind], switch, on);
        }
        DemoSwitch::CertificateExpired | DemoSwitch::CertificateWrongName => {
            let kind = match (on, switch) {
                (false, _) => CertificateKind::Good,
                (true, DemoSwitch::CertificateExpired) => CertificateKind::Expired,
                (true, _) => CertificateKind::WrongName,
            };
            certify(&provider.dir, provider.name, kind).map_err(|fault| failed(&fault))?;
            let both = [DemoSwitch::CertificateExpired, DemoSwitch::CertificateWrongName];
            note_one(provider, both, switch, on);
            if let Some(running) = provider.running() {
                if let Some(fault) = running.site.node.reload().pop() {
                    return Err(failed(&fault));
                }
                // It is shown when a connection is made.
                running.network.cuts();
            }
        }
        DemoSwitch::DiskFull => {
            provider.machine.set_full(on);
            provider.note(switch, on);
        }
        DemoSwitch::KeyChanged => key::turn(provider, on, others).await?,
        DemoSwitch::Forked if on => fork::fork(provider, others).await?,
        DemoSwitch::Forked => fork::mend(provider).await?,
    }
    Ok(())
}

/// Only one of `both` can be on.
fn note_one(provider: &DemoProvider, both: [DemoSwitch; 2], switch: DemoSwitch, on: bool) {
    for each in both {
        provider.note(each, on && each == switch);
    }
}
