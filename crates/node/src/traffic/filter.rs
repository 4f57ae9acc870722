//! Which requests are asked for.

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;

use super::record::{Asker, Direction, TrafficKind, TrafficRecord};

/// Which requests are asked for; all of them by default.
#[derive(Clone, Debug, Default)]
pub struct TrafficFilter {
    /// Only with this peer.
    pub peer: Option<Provider>,
    /// Only those that went this way.
    pub direction: Option<Direction>,
    /// Only those that are about this.
    pub kind: Option<TrafficKind>,
    /// Only those that this one has had sent.
    pub asker: Option<Asker>,
    /// Only those that failed on their way or were refused.
    pub failures: bool,
    /// Only those that began at this time or later.
    pub since: Option<Timestamp>,
    /// Only those that began before this time.
    pub until: Option<Timestamp>,
    /// Only those with this in their path, code or sentence, in any case.
    pub text: Option<String>,
}

impl TrafficFilter {
    /// Whether `record` is asked for.
    pub fn lets_pass(&self, record: &TrafficRecord) -> bool {
        self.peer.as_ref().is_none_or(|peer| record.peer.as_ref() == Some(peer))
            && self.direction.is_none_or(|direction| record.direction == direction)
            && self.kind.is_none_or(|kind| record.kind == kind)
            && self.asker.is_none_or(|asker| record.asker == asker)
            && (!self.failures || record.is_failure())
            && self.since.is_none_or(|since| record.at >= since)
            && self.until.is_none_or(|until| record.at < until)
            && self.text.as_ref().is_none_or(|text| has_text(record, text))
    }
}

fn has_text(record: &TrafficRecord, text: &str) -> bool {
    let text = text.to_lowercase();
    let texts = [Some(&record.target), record.code.as_ref(), record.text.as_ref()];
    texts.into_iter().flatten().any(|told| told.to_lowercase().contains(&text))
}
