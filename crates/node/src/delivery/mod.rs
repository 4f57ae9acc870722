//! What goes in whose feed, and how a waiting pull is answered the moment there is something (section 11).

mod feed;
mod waits;

pub(crate) use feed::{FeedRefusal, serve};
pub(crate) use waits::{Wait, WaitKind, Waits};
