//! What the store has of one event on its way, read at one time.

use drawbridge_mtp::id::{GroupUri, Id, Provider};
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::time::Timestamp;

use super::report::Traced;
use crate::misuse::Misuse;
use crate::store::{
    FeedItemPlace, FeedPlace, GroupRow, PlacedSubmission, Reader, Standing, StoreFault, ToldResult,
    TracedEvent, View, WaitingSubmission,
};
use crate::traffic::{FeedItem, Pulled};

/// So much of the outbox is looked at.
const MOST_WAITING: u32 = 1000;

/// What is known of what is traced.
pub(crate) struct Known {
    /// The group, where it is known.
    pub(super) group: Option<GroupUri>,
    /// The id under which it was submitted, where that is known.
    pub(super) submission: Option<Id>,
    /// What there is.
    pub(super) found: Found,
    /// What is known of the group's owner.
    pub(super) owner: Option<Owner>,
    /// Where its log is in dispute.
    pub(super) dispute: Option<Dispute>,
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
    /// What a user here has said and no client of theirs has handed over.
    AtClient,
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
}

/// The owner of a group of somebody else.
pub(super) struct Owner {
    pub(super) provider: Provider,
    pub(super) state: PeerState,
}

/// That the owner's log of the group is another than it was, so that nothing more of it is taken here.
pub(super) struct Dispute {
    /// What is not as it was: half a sentence.
    pub(super) fault: String,
    /// Since when.
    pub(super) since: Option<Timestamp>,
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
                match view.event_said(row.id, &sender, time)? {
                    Some(seq) => (Some(group), None, event(view, ours, row, seq)?),
                    // What has no number yet stands where all stands that its sender has submitted there.
                    None => {
                        let mut waiting = view.submissions_waiting(MOST_WAITING)?.into_iter();
                        match waiting.find(|(_, it)| it.group == group && *it.client.user() == sender) {
                            Some((id, waiting)) => (Some(group), Some(id), Found::Waiting(waiting)),
                            None if sender.provider() == ours => (Some(group), None, Found::AtClient),
                            None => (Some(group), None, Found::Nothing),
                        }
                    }
                }
            }
            Traced::Submission(id) => {
                let (group, found) = submitted(view, ours, id)?;
                (group, Some(id), found)
            }
        };
        let owner = match group.as_ref().map(GroupUri::provider).filter(|owner| *owner != ours) {
            Some(provider) => Some(Owner { provider: provider.clone(), state: view.peer_state(provider)? }),
            None => None,
        };
        let dispute = match &group {
            Some(group) => Dispute::read(view, group)?,
            None => None,
        };
        let submission = submission.or_else(|| match &found {
            Found::Event(found) => {
                let submitted = found.event.submission.as_ref().map(|(_, id)| *id);
                submitted.or(found.placed.as_ref().map(|placed| placed.submission))
            }
            _ => None,
        });
        Ok(Self { group, submission, found, owner, dispute })
    }

    /// Those on whom it may hang that it has not arrived.
    pub(crate) fn awaited(&self) -> Vec<Provider> {
        let readers: Vec<&ReaderPlace> = match &self.found {
            Found::Event(found) => found.readers.iter().filter(|place| !place.has_acknowledged()).collect(),
            _ => Vec::new(),
        };
        let peers = readers.into_iter().filter_map(|place| match &place.reader {
            Reader::Peer(peer) => Some(peer),
            Reader::Client(_) => None,
        });
        self.owner.iter().map(|owner| &owner.provider).chain(peers).cloned().collect()
    }
}

impl Dispute {
    fn read(view: &View<'_>, group: &GroupUri) -> Result<Option<Self>, StoreFault> {
        let Some(row) = view.group(group)?.filter(|row| row.standing == Standing::Broken) else {
            return Ok(None);
        };
        let troubles = view.troubles(row.owner())?;
        let noted = troubles.into_iter().find(|trouble| !trouble.over && trouble.code == "log-broken");
        Ok(Some(Self { fault: row.fault.unwrap_or_default(), since: noted.map(|trouble| trouble.first) }))
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
            readers.push(ReaderPlace { reader, item, feed, pulled, state });
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
