//! What is wrong and can be acted upon.

use drawbridge_mtp::time::Timestamp;
use drawbridge_node::diagnose::RepairFinding;
use drawbridge_node::operator::{self, Severity};

use crate::convert::same;
use crate::error::AdminError;
use crate::health::leave_out_stocking;
use crate::host::Host;
use crate::request::{Empty, NamedRepair};
use crate::view::{BegunRepair, Repair, RepairSeverity, RepairSubject, Repairs, Stage};

same!(Severity => RepairSeverity { Low, Medium, High });

impl From<operator::RepairSubject> for RepairSubject {
    fn from(subject: operator::RepairSubject) -> Self {
        match subject {
            operator::RepairSubject::Node => Self::Node,
            operator::RepairSubject::Certificate(section) => Self::Certificate { section },
            operator::RepairSubject::Peer(provider) => Self::Peer { provider },
            operator::RepairSubject::Group(group) => Self::Group { group },
            operator::RepairSubject::Client(client) => Self::Client { client },
            operator::RepairSubject::Target(name) => Self::Target { name },
        }
    }
}

impl From<operator::RepairRow> for Repair {
    fn from(row: operator::RepairRow) -> Self {
        let stage = row.stage.and_then(|stage| stage.parse::<drawbridge_node::Stage>().ok());
        Self {
            id: row.id,
            subject: row.subject.into(),
            kind: row.kind.to_string(),
            code: row.code,
            stage: stage.map(Stage::from),
            severity: row.severity.into(),
            side: row.side.into(),
            text: row.text,
            suffers: row.suffers.into(),
            since: row.since,
            raised: row.raised,
            seen: row.seen,
            gone: row.gone,
            ignored: row.ignored.is_some(),
            ignored_at: row.ignored_at,
        }
    }
}

fn begun(found: RepairFinding, now: Timestamp) -> BegunRepair {
    let stage = found.stage.and_then(|stage| stage.parse::<drawbridge_node::Stage>().ok());
    BegunRepair {
        subject: found.subject.into(),
        kind: found.kind.to_string(),
        code: found.code,
        stage: stage.map(Stage::from),
        side: found.side.into(),
        text: found.text,
        since: found.since.unwrap_or(now),
        listed_after_s: found.patience.as_secs(),
    }
}

pub(crate) async fn repairs(host: &Host, Empty {}: Empty) -> Result<Repairs, AdminError> {
    let node = host.node().await?;
    let operator::RepairList { open, ignored, begun: mut found, history, looked } =
        node.operator().repairs().await;
    leave_out_stocking(&mut found, &host.built_in_clients().await?);
    let shown = |rows: Vec<operator::RepairRow>| rows.into_iter().map(Into::into).collect();
    Ok(Repairs {
        open: shown(open),
        ignored: shown(ignored),
        begun: found.into_iter().map(|found| begun(found, node.now())).collect(),
        history: shown(history),
        looked,
    })
}

pub(crate) async fn ignore_repair(host: &Host, ask: NamedRepair) -> Result<Repairs, AdminError> {
    host.node().await?.operator().ignore_repair(ask.id).await?;
    repairs(host, Empty {}).await
}

pub(crate) async fn go_on_here(host: &Host, Empty {}: Empty) -> Result<Repairs, AdminError> {
    host.node().await?.operator().go_on_here().await?;
    repairs(host, Empty {}).await
}

pub(crate) async fn unignore_repair(host: &Host, ask: NamedRepair) -> Result<Repairs, AdminError> {
    host.node().await?.operator().unignore_repair(ask.id).await?;
    repairs(host, Empty {}).await
}
