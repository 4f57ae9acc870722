//! Where the operator is told what waits and what is wrong, besides the screens.

use drawbridge_node::notify::{self, TargetKind, TargetStanding};

use crate::convert::{same, small};
use crate::error::AdminError;
use crate::host::Host;
use crate::request::Empty;
use crate::view::{NotifyFailure, NotifyTarget, NotifyTargetKind, NotifyTargets, NotifyTest, NotifyTests};

same!(TargetKind => NotifyTargetKind { Webhook, Ntfy, Smtp });

impl From<TargetStanding> for NotifyTarget {
    fn from(standing: TargetStanding) -> Self {
        let TargetStanding { name, kind, place, names, waits, least, waiting, reached, failing } = standing;
        let failing = failing.map(|failing| {
            let notify::FailingTarget { name: _, since, tries, text, next } = failing;
            NotifyFailure { since, tries, text, next }
        });
        Self {
            name,
            kind: kind.into(),
            place,
            names,
            waits,
            least: least.into(),
            waiting: small(waiting),
            reached,
            failing,
        }
    }
}

pub(crate) async fn notify_targets(host: &Host, Empty {}: Empty) -> Result<NotifyTargets, AdminError> {
    let standing = host.node().await?.operator().notifier().standing();
    Ok(NotifyTargets { targets: standing.into_iter().map(NotifyTarget::from).collect() })
}

pub(crate) async fn test_notify(host: &Host, Empty {}: Empty) -> Result<NotifyTests, AdminError> {
    let results = host.node().await?.operator().notifier().test().await;
    let told = results.into_iter().map(|notify::TestResult { name, fault }| NotifyTest { name, fault });
    Ok(NotifyTests { results: told.collect() })
}
