//! What is wrong and can be acted upon.

use drawbridge_node::operator::{self, Severity};

use crate::convert::same;
use crate::error::AdminError;
use crate::host::Host;
use crate::request::{Empty, NamedRepair};
use crate::view::{Repair, RepairSeverity, RepairSubject, Repairs, Stage};

same!(Severity => RepairSeverity { Low, Medium, High });

impl From<operator::RepairSubject> for RepairSubject {
    fn from(subject: operator::RepairSubject) -> Self {
        match subject {
            operator::RepairSubject::Node => Self::Node,
            operator::RepairSubject::Certificate(section) => Self::Certificate { section },
            operator::RepairSubject::Peer(provider) => Self::Peer { provider },
            operator::RepairSubject::Group(group) => Self::Group { group },
            operator::RepairSubject::Client(client) => Self::Client { client },
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

pub(crate) async fn repairs(host: &Host, Empty {}: Empty) -> Result<Repairs, AdminError> {
    let operator::RepairList { open, ignored, history, looked } =
        host.node().await?.operator().repairs().await;
    let shown = |rows: Vec<operator::RepairRow>| rows.into_iter().map(Into::into).collect();
    Ok(Repairs { open: shown(open), ignored: shown(ignored), history: shown(history), looked })
}

pub(crate) async fn ignore_repair(host: &Host, ask: NamedRepair) -> Result<Repairs, AdminError> {
    host.node().await?.operator().ignore_repair(ask.id).await?;
    repairs(host, Empty {}).await
}

pub(crate) async fn unignore_repair(host: &Host, ask: NamedRepair) -> Result<Repairs, AdminError> {
    host.node().await?.operator().unignore_repair(ask.id).await?;
    repairs(host, Empty {}).await
}
