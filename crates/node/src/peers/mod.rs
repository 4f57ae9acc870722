//! Who we know: their provider documents, the addresses they may be on, how they are reached, and what goes on
//! with each (section 3).

mod absence;
mod backoff;
mod board;
mod clock;
mod document_answer;
mod documents;
mod fetch;
mod guard;
mod network;
mod outbound;
mod own_name;
mod reach;
mod recording;
mod signs;
mod transport;
mod troubles;
mod trust;
mod way;

pub(crate) use board::{CLOCK_TOLERATED, ClockOffset, SLOW_FROM, is_outvoted};
pub use board::{Pulling, PullingStatus, Serving};
pub use guard::{AddressGuard, GuardFault};
pub(crate) use guard::{host_text, is_public, may_be_allowed, only_here};

pub(crate) use backoff::{Backoff, EndedBy};
pub(crate) use document_answer::{DOCUMENT_PATH, DocumentAnswer};
pub(crate) use documents::{COMES_AGAIN, Unread};
pub(crate) use fetch::NoKey;
pub(crate) use outbound::{Agreed, Outbound, PROGRAM};
pub(crate) use reach::{Answer, Ask, lifetime};
pub(crate) use signs::{Sign, Signs};
pub(crate) use transport::TO_TRUST_IT;

use std::sync::Arc;

use self::absence::Absence;
use self::board::Board;
use self::documents::Documents;
use crate::ground::Ground;
use crate::store::Store;
use crate::traffic::TrafficLog;

/// The other providers, as they are known and reached.
pub(crate) struct Peers {
    /// Our key, which signs what we ask, and our clock.
    ground: Arc<Ground>,
    /// Where states, keys and troubles of peers are kept.
    store: Store,
    /// The connections to them.
    pub(crate) outbound: Outbound,
    /// What is remembered of their documents.
    pub(crate) documents: Documents,
    /// Who could not be reached when last asked.
    pub(crate) absence: Absence,
    /// What our pullers do there, and how they pull us.
    pub(crate) board: Board,
    /// Signs that one is there again, for those who rest after a failure.
    pub(crate) signs: Signs,
    /// The record of what crosses the wire.
    pub(crate) traffic: Arc<TrafficLog>,
}

impl Peers {
    pub(crate) fn new(
        ground: Arc<Ground>,
        store: Store,
        outbound: Outbound,
        traffic: Arc<TrafficLog>,
    ) -> Self {
        Self {
            board: Board::new(ground.changes.clone()),
            documents: Documents::default(),
            absence: Absence::default(),
            signs: Signs::new(),
            ground,
            store,
            outbound,
            traffic,
        }
    }
}
