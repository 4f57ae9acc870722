//! Pulling what other providers have to tell us: one puller for each peer, that waits, verifies, stores a page with
//! its cursor in one transaction, and backs off when something is wrong (section 11). `supervisor.rs` keeps it, and beside it
//! the tasks that bring the peer what our users ask and what our clients submit.

mod page;
mod puller;
mod supervisor;
mod wait;

use std::sync::Arc;

use crate::consent::Consent;
use crate::delivery::{Delivery, Waits};
use crate::diagnose::Doctor;
use crate::ground::Ground;
use crate::outbox::Outbox;
use crate::peers::Peers;
use crate::store::Store;

/// The tasks at our peers: for each, one pulls, one brings what our users ask, and one what they submit.
pub(crate) struct Pulls {
    /// Our name and clock, what changes, and whether the node stops.
    pub(crate) ground: Arc<Ground>,
    /// Where a page is kept with its cursor, in one transaction.
    pub(crate) store: Store,
    /// How peers are reached, and the board that says what goes on with each.
    pub(crate) peers: Arc<Peers>,
    /// Learns what becomes of requests, and brings ours.
    pub(crate) consent: Arc<Consent>,
    /// Takes in what is of groups.
    pub(crate) delivery: Arc<Delivery>,
    /// Brings what our clients submit.
    pub(crate) outbox: Arc<Outbox>,
    /// Pulls of a peer that wait here are nudged when its state changes.
    pub(crate) waits: Arc<Waits>,
    /// Hears what a peer has seen of us.
    pub(crate) doctor: Arc<Doctor>,
}
