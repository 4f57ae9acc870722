//! What crosses the wire.

use drawbridge_node::ambient::System;
use drawbridge_node::nameless::Nameless;
use drawbridge_node::operator::ReadFault;
use drawbridge_node::traffic::{Export, Kept};

use crate::convert::small;
use crate::error::AdminError;
use crate::host::Host;
use crate::request::{ExportTraffic, TrafficFile, TrafficKept, TrafficList, TrafficQuery};

const USUAL: u32 = 1000;
const MOST: u32 = 10_000;

pub(crate) async fn traffic(host: &Host, ask: TrafficQuery) -> Result<TrafficList, AdminError> {
    let node = host.node().await?;
    let limit = usize::try_from(ask.limit.unwrap_or(USUAL).min(MOST)).unwrap_or(usize::MAX);
    let log = node.operator().traffic();
    let records = log.select(ask.filters.into(), ask.before, limit).await.map_err(ReadFault::from)?;
    let kept = log.kept().await.map_err(ReadFault::from)?;
    Ok(TrafficList {
        records: records.iter().map(|record| (&**record).into()).collect(),
        kept: kept.map(|Kept { requests, since, lost, fault }| TrafficKept { requests, since, lost, fault }),
    })
}

pub(crate) async fn export_traffic(host: &Host, ask: ExportTraffic) -> Result<TrafficFile, AdminError> {
    let node = host.node().await?;
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    let log = node.operator().traffic();
    let found = log.select(ask.filters.into(), None, most + 1).await;
    let mut records = found.map_err(ReadFault::from)?;
    let more = records.len() > most;
    records.truncate(most);
    let nameless = ask.hide_names.then(|| Nameless::new(&System));
    let export = Export { ours: node.provider().clone(), format: ask.format.into(), nameless };
    let requests = small(records.len());
    // Some megabytes are made, which is no work for the threads that answer peers.
    let text = tokio::task::spawn_blocking(move || export.write(&records)).await;
    let text = text.map_err(|fault| AdminError::internal(&fault))?;
    Ok(TrafficFile { text, requests, more })
}
