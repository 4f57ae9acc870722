//! What crosses the wire.

use drawbridge_node::ambient::System;
use drawbridge_node::nameless::Nameless;
use drawbridge_node::operator::ReadFault;
use drawbridge_node::traffic::{self, Export, Kept};

use crate::convert::{same, small};
use crate::error::AdminError;
use crate::host::Host;
use crate::request::{
    ExportTraffic, Heartbeats, HeartbeatsOf, TrafficFile, TrafficKept, TrafficList, TrafficQuery,
};
use crate::view::{Heartbeat, HeartbeatSlot, HeartbeatSpan, SlotState};

same!(HeartbeatSpan => traffic::HeartbeatSpan { Hour, Day, Week, Month });
same!(traffic::SlotState => SlotState { Off, Quiet, Good, SomeFailed, Failed });

impl From<traffic::Slot> for HeartbeatSlot {
    fn from(slot: traffic::Slot) -> Self {
        let state = slot.state().into();
        Self { state, good: small(slot.good), failed: small(slot.failed), code: slot.code }
    }
}

impl From<traffic::Heartbeat> for Heartbeat {
    fn from(heartbeat: traffic::Heartbeat) -> Self {
        let traffic::Heartbeat { from, slot, ours, theirs } = heartbeat;
        let slots = |slots: Vec<traffic::Slot>| slots.into_iter().map(Into::into).collect();
        let slot_ms = u64::try_from(slot.as_millis()).unwrap_or(u64::MAX);
        Self { from, slot_ms, ours: slots(ours), theirs: slots(theirs) }
    }
}

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

pub(crate) async fn heartbeats(host: &Host, ask: HeartbeatsOf) -> Result<Heartbeats, AdminError> {
    let node = host.node().await?;
    let log = node.operator().traffic();
    let heartbeat = log.heartbeat(&ask.provider, ask.span.into()).await.map_err(ReadFault::from)?;
    Ok(Heartbeats { heartbeat: heartbeat.map(Into::into), fault: log.fault().map(|fault| fault.text) })
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
