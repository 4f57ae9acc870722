//! The record of what crossed the wire, in both directions (`docs/operators.md`).
//!
//! What goes on and the latest is in memory; what has ended is written to a file of its own behind the traffic, a few times a
//! second, and is kept over restarts within bounds of rows and octets. How it went with each peer is counted beside it, in slots of time.

mod export;
mod filter;
mod heartbeat;
mod log;
mod pulled;
mod record;

pub use export::{Export, ExportFormat};
pub use filter::TrafficFilter;
pub use heartbeat::{Heartbeat, HeartbeatSpan, SLOTS, Slot, SlotState};
pub use log::{Kept, NotKept, TrafficLog};
pub use record::{
    Asker, Direction, Timing, TrafficEvent, TrafficItem, TrafficItems, TrafficKind, TrafficRecord,
};

pub(crate) use heartbeat::{Added, Counted, Place};
pub(crate) use pulled::{FeedItem, Pulled};
pub(crate) use record::{GIVEN_UP, told_headers};
