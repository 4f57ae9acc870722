//! What would happen?

use drawbridge_node::operator;

use crate::convert::same;
use crate::error::AdminError;
use crate::host::Host;
use crate::request::DryRunOf;
use crate::view::{Asked, DryRun, Foreseen, Foresight};

same!(operator::Asked => Asked { Introduction, Connection, Addition, Pull });
same!(operator::Foreseen => Foreseen { Allowed, Waits, Unseen, Refused });

impl From<operator::Foresight> for Foresight {
    fn from(foresight: operator::Foresight) -> Self {
        let operator::Foresight { asked, of, outcome, why, told } = foresight;
        Self { asked: asked.into(), of, outcome: outcome.into(), why, told }
    }
}

pub(crate) async fn dry_run(host: &Host, ask: DryRunOf) -> Result<DryRun, AdminError> {
    let operator::DryRun { provider, person, foresights, presumed } =
        host.node().await?.operator().dry_run(&ask.who).await?;
    let foresights = foresights.into_iter().map(Into::into).collect();
    Ok(DryRun { provider, person, foresights, presumed })
}
