//! What crosses the wire.

use crate::error::AdminError;
use crate::host::Host;
use crate::request::{TrafficList, TrafficQuery};

const USUAL: u32 = 1000;
const MOST: u32 = 10_000;

pub(crate) async fn traffic(host: &Host, ask: TrafficQuery) -> Result<TrafficList, AdminError> {
    let node = host.node().await?;
    let limit = ask.limit.unwrap_or(USUAL).min(MOST);
    let records =
        node.operator().traffic().latest(ask.peer.as_ref(), usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(TrafficList { records: records.into_iter().map(Into::into).collect() })
}
