//! What is wrong and can be acted upon, as lasting things: raised after what tells a fault from a blip, ignored by the operator
//! until they change, gone by themselves when they are mended, and kept for a while after that.
//!
//! - `finding`: something that was found to be wrong
//! - `facts`: what the judgement hangs on
//! - `judge`: what is wrong, judged from what the screens show too; with this node itself in `ourselves`
//! - `open`: what becomes of findings over time
//! - `inbox`: the same, kept in the store and told
//! - `watch`: looks when something has changed, or when something is due

mod facts;
mod finding;
mod inbox;
mod judge;
mod open;
mod ourselves;
mod watch;

pub(crate) use facts::Facts;
pub(crate) use finding::Findings;
pub use finding::RepairFinding;
pub(crate) use inbox::Repairs;
pub(crate) use judge::{RETRIES, judge};
pub(crate) use watch::watch;
