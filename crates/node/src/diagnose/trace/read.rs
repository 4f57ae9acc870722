//! What the store has of one event on its way, read at one time.

use drawbridge_mtp::id::{GroupUri, Id, Provider};
use drawbridge_mtp::message::PeerState;

use super::report::Traced;
use crate::diagnose::refused::RefusedPull;
use crate::misuse::Misuse;
use crate::store::{
    FeedItemPlace, FeedPlace, GroupRow, PlacedSubmission, Reader, StoreFault, ToldResult, TracedEvent,
    TroubleRow, View, WaitingSubmission,
};
use crate::traffic::{FeedItem, Pulled};

/// What is known of what is traced.
pub(super) struct Known {
    /// The group, where it is known.
    pub(super) group: Option<GroupUri>,
    /// The id under which it was submitted, where that is known.
    pub(super) submission: Option<Id>,
    /// What there is.
    pub(super) found: Found,
    /// What is known of the group's owner.
    pub(super) owner: Option<Owner>,
}

/// What there is of it here.
pub(super) enum Found {
    /// An event that is in the log here.
    Event(Box<FoundEvent>),
    /// A number that no event here has.
    NoEvent { row: Box<GroupRow>, seq: u64 },
    /// Something that waits for the owner.
    Waiting(WaitingSubmission),
    /// Something that a client was told of by its feed.
    Told(ToldResult),
    /// It had this number, and does not count any more.
    Abandoned { seq: u64 },
    /// The owner gave it this number, and the event is not here.
    Placed(PlacedSubmission),
    /// Nothing.
    Nothing,
}

/// An event, and who is told of it.
pub(super) struct FoundEvent {
    pub(super) row: GroupRow,
    pub(super) seq: u64,
    pub(super) event: TracedEvent,
    /// What a client of ours submitted that became the event of another owner's group.
    pub(super) placed: Option<PlacedSubmission>,
    /// Those who are told of it, peers before clients.
    pub(super) readers: Vec<ReaderPlace>,
}

/// How far a reader is with an event.
pub(super) struct ReaderPlace {
    pub(super) reader: Reader,
    /// Where it stands in the reader's feed; none where that part of the feed is kept no longer.
    pub(super) item: Option<FeedItemPlace>,
    pub(super) feed: FeedPlace,
    /// When it was given and acknowledged, as far as the traffic record tells.
    pub(super) pulled: Pulled,
    /// What is decided here on a peer; a client is let in.
    pub(super) state: PeerState,
    /// The latest pull of a peer, where that was refused.
    pub(super) refused: Option<RefusedPull>,
}

/// The owner of a group of somebody else.
pub(super) struct Owner {
    pub(super) provider: Provider,
    pub(super) state: PeerState,
    /// The newest trouble with it that goes on.
    pub(super) trouble: Option<TroubleRow>,
}

impl Known {
    pub(super) fn read(view: &View<'_>, ours: &Provider, what: Traced) -> Result<Self, Misuse> {
        let row_of = |group: &GroupUri| -> Result<GroupRow, Misuse> {
            view.group(group)?.ok_or_else(|| Misuse::NoSuchGroup(group.clone()))
        };
        let (group, submission, found) = match what {
            Traced::Event { group, seq } => {
                let found = event(view, ours, row_of(&group)?, seq)?;
                (Some(group), None, found)
            }
            Traced::Said { group, sender, time } => {
                let row = row_of(&group)?;
                let found = match view.event_said(row.id, &sender, time)? {
                    Some(seq) => event(view, ours, row, seq)?,
                    None => Found::Nothing,
                };
                (Some(group), None, found)
            }
            Traced::Submission(id) => {
                let (group, found) = submitted(view, ours, id)?;
                (group, Some(id), found)
            }
        };
        let owner = match group.as_ref().map(GroupUri::provider).filter(|owner| *owner != ours) {
            Some(provider) => Some(Owner {
                provider: provider.clone(),
                state: view.peer_state(provider)?,
                trouble: view.troubles(provider)?.into_iter().find(|trouble| !trouble.over),
            }),
            None => None,
        };
        let submission = submission.or_else(|| match &found {
            Found::Event(found) => {
                let submitted = found.event.submission.as_ref().map(|(_, id)| *id);
                submitted.or(found.placed.as_ref().map(|placed| placed.submission))
            }
            _ => None,
        });
        Ok(Self { group, submission, found, owner })
    }
}

/// What is known of what was submitted under this id.
fn submitted(view: &View<'_>, ours: &Provider, id: Id) -> Result<(Option<GroupUri>, Found), StoreFault> {
    if let Some((group, seq)) = view.event_submitted(id)?
        && let Some(row) = view.group(&group)?
    {
        return Ok((Some(group), event(view, ours, row, seq)?));
    }
    if let Some(waiting) = view.submission_waiting(id)? {
        return Ok((Some(waiting.group.clone()), Found::Waiting(waiting)));
    }
    if let Some(placed) = view.submission_placed(id)? {
        let group = placed.group.clone();
        let found = match view.group(&group)? {
            Some(row) => match event(view, ours, row, placed.seq)? {
                // The owner has it; it comes with the next pull.
                Found::NoEvent { .. } => Found::Placed(placed),
                found => found,
            },
            None => Found::Placed(placed),
        };
        return Ok((Some(group), found));
    }
    if let Some((group, seq)) = view.event_abandoned(id)? {
        return Ok((Some(group), Found::Abandoned { seq }));
    }
    Ok(match view.result_told(id)? {
        Some(told) => (Some(told.result.group.clone()), Found::Told(told)),
        None => (None, Found::Nothing),
    })
}

fn event(view: &View<'_>, ours: &Provider, row: GroupRow, seq: u64) -> Result<Found, StoreFault> {
    let Some(event) = view.traced_event(row.id, seq)?.filter(|_| seq >= row.first) else {
        return Ok(Found::NoEvent { row: Box::new(row), seq });
    };
    let mut readers = Vec::new();
    for audience in view.audience(row.id)? {
        if audience.since > seq || audience.until.is_some_and(|until| until < seq) {
            continue;
        }
        let item = view.place_in_feed(&audience.reader, row.id, seq)?;
        if let Some(feed) = view.feed(&audience.reader)? {
            let state = match &audience.reader {
                Reader::Peer(peer) => view.peer_state(peer)?,
                Reader::Client(_) => PeerState::Allowed,
            };
            let (reader, pulled) = (audience.reader, Pulled::default());
            readers.push(ReaderPlace { reader, item, feed, pulled, state, refused: None });
        }
    }
    readers.sort_by(|one, other| one.reader.cmp(&other.reader));
    let placed = if row.owner() == ours { None } else { view.submission_of(row.id, seq)? };
    Ok(Found::Event(Box::new(FoundEvent { row, seq, event, placed, readers })))
}

impl ReaderPlace {
    /// Where it stands in the feed of a peer, whose pulls are recorded.
    pub(super) fn in_feed(&self) -> Option<FeedItem> {
        let (Reader::Peer(peer), Some(item)) = (&self.reader, self.item) else { return None };
        let generation = self.feed.generation;
        Some(FeedItem { peer: peer.clone(), generation, number: item.number, put: item.put })
    }

    /// Whether the reader has said that it has stored it.
    pub(super) fn has_acknowledged(&self) -> bool {
        match self.item {
            Some(item) => self.feed.acknowledged >= item.number,
            // What is kept no longer was acknowledged, or was too old to be kept for who does not fetch it.
            None => self.feed.acknowledged + 1 >= self.feed.first,
        }
    }
}
