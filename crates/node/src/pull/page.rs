//! What is done with a page: its numbers are checked, and its items and the cursor are stored in one transaction.

use std::time::Duration;

use drawbridge_mtp::document::Limits;
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::{FeedPage, ItemBody, PeerState, TolerantFeedPage};

use super::Pulls;
use crate::consent::requests::{ask_again, learn};
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::Answer;
use crate::store::{Addition, Connection, Cursor, StoreFault};
use crate::traffic::{TrafficItem, TrafficItems};

/// The steps that have succeeded when any request was answered.
pub(super) const STEPS_OF_A_REQUEST: &[Stage] =
    &[Stage::Dns, Stage::Connect, Stage::Tls, Stage::Document, Stage::Signature, Stage::Http];

/// The steps that have succeeded when a page was stored.
pub(super) const STEPS_OF_A_PULL: &[Stage] = &[
    Stage::Dns,
    Stage::Connect,
    Stage::Tls,
    Stage::Document,
    Stage::Signature,
    Stage::Http,
    Stage::Policy,
    Stage::Content,
];

/// The troubles of the stage `store` that are over when a page was stored: the peer's feed goes on from where we are,
/// and our own store works.
const ENDED_BY_A_PAGE: &[&str] = &["feed-behind", "feed-reset", "feed-truncated", "own-store"];

/// How old what the store says of the last pull may become.
const KEEP_LAST_PULL: Duration = Duration::from_secs(300);

/// The latest items of a peer that are known again, should its feed be told anew: more than any owner keeps of what is not
/// acknowledged. They are looked through for older ones each time that so many have come, and when a feed starts anew.
const RECEIVED: u32 = 200_000;
const FORGET_EVERY: u64 = 20_000;

/// Why a page is not taken. Nothing of it is stored.
#[derive(Debug, thiserror::Error)]
enum PageFault {
    #[error("its page is not in the form of the protocol: {0}")]
    Malformed(String),
    #[error("its page has {got} items, where at most {asked} were asked for; nothing of it is kept")]
    TooMany { asked: u64, got: usize },
    #[error("its page is of another history of its feed than we asked for, without saying so")]
    OtherGeneration,
    #[error("it skipped from number {have} to {got} in its feed; its operator should look at its store")]
    Gap { have: u64, got: u64 },
    #[error("it says that its feed ends at {head}, but we have stored up to {have}; its store has gone back")]
    Behind { head: u64, have: u64 },
    #[error(transparent)]
    Store(#[from] StoreFault),
}

impl From<PageFault> for PeerFault {
    fn from(fault: PageFault) -> Self {
        let (stage, code) = match fault {
            PageFault::Malformed(_) => (Stage::Content, "malformed"),
            PageFault::TooMany { .. } => (Stage::Content, "too-many-items"),
            PageFault::OtherGeneration => (Stage::Content, "other-generation"),
            PageFault::Gap { .. } => (Stage::Content, "feed-gap"),
            PageFault::Behind { .. } => (Stage::Store, "feed-behind"),
            PageFault::Store(_) => (Stage::Store, "own-store"),
        };
        Self::new(stage, code, fault.to_string())
    }
}

/// What a page that was kept had.
pub(super) struct KeptPage {
    pub(super) items: usize,
    /// Whether the peer says that there is more.
    pub(super) more: bool,
}

impl Pulls {
    /// Checks the page in `answer`, and stores it with the cursor and the end of what was wrong before.
    pub(super) async fn keep_page(
        &self,
        peer: &Provider,
        cursor: Option<Cursor>,
        answer: &Answer,
    ) -> Result<KeptPage, PeerFault> {
        let (mut page, unreadable) = read(answer)?;
        check_numbers(&page, cursor.as_ref())?;
        self.peers.traffic.update(answer.record, |record| {
            record.set_items(TrafficItems::of(page.items.iter().map(TrafficItem::told)));
        });
        let mut intake = self.delivery.intake(peer);
        intake.open_all(&page.items).await?;
        for (place, item) in page.items.iter().enumerate() {
            intake.item(item).await?;
            if intake.is_full() {
                page.items.truncate(place + 1);
                page.more = true;
                break;
            }
        }
        for item in &mut page.items {
            // Checked here, since keys may have to be fetched.
            if let ItemBody::Authorization(told) = &mut item.body
                && let Some(jws) = &told.grant
                && !self.consent.is_signed(peer, jws).await
            {
                told.grant = None;
            }
        }
        let troubles: Vec<PeerFault> = unreadable.into_iter().chain(intake.troubles()).collect();
        let (keeping, settling) = intake.into_parts();
        let (has, adds) = (KeptPage { items: page.items.len(), more: page.more }, keeping.adds());
        let (ours, whose) = (self.ground.ours.clone(), peer);
        let seen = page.items.iter().filter_map(|item| match &item.body {
            ItemBody::Check(seen) => Some(seen.clone()),
            _ => None,
        });
        let (seen, peer) = (seen.collect::<Vec<_>>(), peer.clone());
        let kept = self.store.write(move |tx| {
            let Some(mut row) = tx.peer(&peer)? else { return Ok(()) };
            let was_pending = row.their_state == Some(PeerState::Pending);
            // Before the items, of which one may be a trouble.
            tx.end_troubles(&peer, &STEPS_OF_A_PULL.iter().map(|stage| stage.as_str()).collect::<Vec<_>>())?;
            tx.end_troubles_with(&peer, ENDED_BY_A_PAGE)?;
            for item in &page.items {
                if !tx.receive_item(&peer, item.id)? {
                    continue;
                }
                match &item.body {
                    ItemBody::Connection(told) => learn::<Connection>(tx, &ours, &peer, told)?,
                    ItemBody::Authorization(told) => learn::<Addition>(tx, &ours, &peer, told)?,
                    ItemBody::Peer { state } => row.their_state = Some(*state),
                    // What is of groups comes below; the rest is of another profile.
                    _ => {}
                }
            }
            keeping.keep(tx, &ours)?;
            let last = page.items.last();
            let next = Cursor {
                generation: page.generation,
                seq: last.map_or(cursor.as_ref().map_or(0, |cursor| cursor.seq), |item| item.seq),
                item: last.map(|item| item.id).or(cursor.as_ref().and_then(|cursor| cursor.item)),
                head: page.head,
            };
            if cursor.as_ref() != Some(&next) {
                tx.set_cursor(&peer, &next)?;
            }
            if next.seq / FORGET_EVERY != cursor.as_ref().map_or(0, |cursor| cursor.seq) / FORGET_EVERY {
                tx.forget_received(&peer, RECEIVED)?;
            }
            let was_pulled = std::mem::replace(&mut row.pulled, !page.more) == row.pulled;
            let state_known = row.their_state == Some(PeerState::Allowed);
            row.their_state = Some(PeerState::Allowed);
            if !was_pulled || !state_known {
                tx.put_peer(&row)?;
            }
            if was_pending {
                ask_again(tx, &peer)?;
            }
            // The board says it to the second; what is kept is for after a restart, and not worth a write for each empty page.
            let is_old = row.last_pull.is_none_or(|at| tx.now().since(at) >= KEEP_LAST_PULL);
            if last.is_some() || !was_pulled || is_old {
                tx.note_pull(&peer)?;
            }
            Ok(())
        });
        kept.await.map_err(PageFault::Store)?;
        settling.commit();
        for seen in &seen {
            self.doctor.hear(whose, seen);
        }
        if adds {
            self.delivery.check_added();
        }
        // Behind the page, whose success would end them.
        for trouble in &troubles {
            self.peers.note_trouble(whose, trouble).await;
        }
        Ok(has)
    }
}

/// The page in `answer`; and what is to be noted, where it has items that cannot be read: they are skipped, since nobody
/// else's news should wait for them.
fn read(answer: &Answer) -> Result<(FeedPage, Option<PeerFault>), PageFault> {
    if let Ok(page) = answer.message() {
        return Ok((page, None));
    }
    let TolerantFeedPage { page, faults } =
        answer.message().map_err(|fault| PageFault::Malformed(fault.to_string()))?;
    let fault = faults.first().map(|(seq, fault)| {
        let which = match faults.len() {
            1 => format!("item {seq} of its feed cannot be read and was skipped"),
            count => format!("{count} items of its feed, {seq} the first, cannot be read and were skipped"),
        };
        let text = format!("{which}: {fault}");
        PeerFault::new(Stage::Content, "item-malformed", text)
    });
    Ok((page, fault))
}

/// Our store cannot.
pub(super) fn store_fault(fault: StoreFault) -> PeerFault {
    PageFault::Store(fault).into()
}

fn check_numbers(page: &FeedPage, cursor: Option<&Cursor>) -> Result<(), PageFault> {
    let have = cursor.map_or(0, |cursor| cursor.seq);
    let asked = Limits::default().pull_events;
    if page.items.len() as u64 > asked {
        return Err(PageFault::TooMany { asked, got: page.items.len() });
    }
    if cursor.is_some_and(|cursor| cursor.generation != page.generation) {
        return Err(PageFault::OtherGeneration);
    }
    if page.head < have {
        return Err(PageFault::Behind { head: page.head, have });
    }
    // From the beginning, a page starts at the first that is still kept.
    let start = if have == 0 { page.first.max(1) } else { have + 1 };
    for (expected, item) in (start..).zip(&page.items) {
        if item.seq != expected || item.seq > page.head {
            return Err(PageFault::Gap { have: expected - 1, got: item.seq });
        }
    }
    Ok(())
}

impl Pulls {
    /// The peer's feed is not what we knew, or no longer reaches back to our place: the next pull starts at its
    /// beginning, and what may have been missed is asked for again (section 11).
    pub(super) async fn restart_feed(
        &self,
        peer: &Provider,
        cursor: Option<&Cursor>,
        fault: &PeerFault,
    ) -> Result<(), PeerFault> {
        let generation = fault.problem.as_ref().and_then(|problem| problem.members.generation);
        let Some(generation) = generation else {
            return Err(PeerFault::new(
                Stage::Content,
                "malformed",
                "it reset its feed without naming its generation",
            ));
        };
        if cursor.is_none_or(|cursor| cursor.seq == 0 && cursor.generation == generation) {
            // To start anew is what was tried.
            return Err(fault.clone());
        }
        self.peers.note_trouble(peer, fault).await;
        // Its place is kept last: where this is cut off, or nobody is there any more, the next pull is told of the reset again.
        let closed = self.delivery.close_gaps(peer).await;
        if closed.as_ref().is_err_and(PeerFault::is_absence) {
            return closed;
        }
        let head = fault.problem.as_ref().and_then(|problem| problem.members.head).unwrap_or(0);
        let peer = peer.clone();
        let anew = self.store.write(move |tx| {
            tx.set_cursor(&peer, &Cursor { generation, seq: 0, item: None, head })?;
            tx.forget_received(&peer, RECEIVED)?;
            if let Some(mut row) = tx.peer(&peer)? {
                // There is one more page to pull, whatever the answers leave to wait for.
                row.pulled = false;
                tx.put_peer(&row)?;
            }
            ask_again(tx, &peer)
        });
        anew.await.map_err(|fault: StoreFault| PageFault::Store(fault))?;
        closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::{AmbientExt, System};
    use drawbridge_mtp::message::Item;

    fn page(first: u64, head: u64, seqs: &[u64]) -> FeedPage {
        let body = ItemBody::Other { kind: "news".into() };
        let items = seqs.iter().map(|seq| Item { seq: *seq, id: System.id(), body: body.clone() }).collect();
        FeedPage { generation: System.id().into(), items, first, head, more: false }
    }

    fn at(page: &FeedPage, seq: u64) -> Cursor {
        Cursor { generation: page.generation, seq, item: None, head: seq }
    }

    #[test]
    fn a_page_that_skips_goes_back_or_is_of_another_history_is_refused() {
        let good = page(1, 4, &[3, 4]);
        assert!(check_numbers(&good, Some(&at(&good, 2))).is_ok());
        assert!(matches!(check_numbers(&good, Some(&at(&good, 1))), Err(PageFault::Gap { have: 1, got: 3 })));
        assert!(matches!(check_numbers(&good, Some(&at(&good, 3))), Err(PageFault::Gap { .. })));
        assert!(matches!(
            check_numbers(&good, Some(&at(&good, 9))),
            Err(PageFault::Behind { head: 4, have: 9 })
        ));
        let other = page(1, 4, &[3]);
        assert!(matches!(check_numbers(&good, Some(&at(&other, 2))), Err(PageFault::OtherGeneration)));
        let holed = page(1, 9, &[3, 5]);
        assert!(matches!(
            check_numbers(&holed, Some(&at(&holed, 2))),
            Err(PageFault::Gap { have: 3, got: 5 })
        ));
    }

    #[test]
    fn a_page_with_more_than_was_asked_for_is_refused() {
        let all: Vec<u64> = (1..=1001).collect();
        assert!(check_numbers(&page(1, 1001, &all[..1000]), None).is_ok());
        let refused = check_numbers(&page(1, 1001, &all), None);
        assert!(matches!(refused, Err(PageFault::TooMany { asked: 1000, got: 1001 })));
    }

    #[test]
    fn from_the_beginning_a_page_starts_at_the_first_that_is_kept() {
        let truncated = page(7, 8, &[7, 8]);
        assert!(check_numbers(&truncated, None).is_ok());
        assert!(matches!(check_numbers(&page(7, 8, &[8]), None), Err(PageFault::Gap { .. })));
        assert!(
            matches!(check_numbers(&page(1, 1, &[1, 2]), None), Err(PageFault::Gap { .. })),
            "beyond its head"
        );
    }
}
