//! Pulling what other providers have to tell us: one puller for each peer, that waits, verifies, stores a page with
//! its cursor in one transaction, and backs off when something is wrong (section 11).

mod page;
mod puller;
mod supervisor;
mod wait;

pub(crate) use puller::pull;
pub(crate) use supervisor::supervise;
