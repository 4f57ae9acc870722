//! Serving a feed, to a peer or to a client of ours (section 11).

use std::time::Duration;

use drawbridge_mtp::document::Limits;
use drawbridge_mtp::id::{Id, Provider};
use drawbridge_mtp::message::{FeedPage, FeedQuery, PeerState};
use tokio::time::Instant;

use super::waits::{Wait, WaitKind};
use crate::delivery::Delivery;
use crate::peer_fault::{PeerFault, Stage};
use crate::store::{FeedPlace, FeedSlice, Reader, StoreFault, View};

/// Why a pull gets no page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedRefusal {
    /// The reader's place is not in this history.
    #[error(
        "your place is not in this feed's history; start again at after=0 with the generation given here"
    )]
    Reset(FeedPlace),
    /// What comes after the reader's place is no longer kept.
    #[error("what came after your place is no longer kept; start again at after=0")]
    Truncated(FeedPlace),
    /// The reader may no longer read.
    #[error("the state of the peer has changed")]
    Shut,
    /// The reader is a client that was removed.
    #[error("this client was removed here")]
    Removed,
    /// The store cannot.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

impl Delivery {
    /// Answers a pull of `reader`, at once or after waiting. `signed` is when the pull was signed, in seconds, where
    /// it was.
    pub(crate) fn serve(
        &self,
        reader: Reader,
        query: FeedQuery,
        signed: Option<u64>,
    ) -> impl Future<Output = Result<FeedPage, FeedRefusal>> + Send {
        let bounds = Bounds::of(&query);
        let pull = Pull {
            deadline: Instant::now() + bounds.wait,
            bounds,
            wait: None,
            delivery: self,
            reader,
            query,
            signed,
        };
        // Boxed, since a future keeps room for what it has passed on, and thousands of pulls wait at a time.
        wait_for_page(Box::new(pull))
    }
}

/// What a page may have at most, and how long it may be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bounds {
    wait: Duration,
    items: u64,
    bytes: u64,
}

impl Bounds {
    /// What the query asks for, as far as our limits allow.
    fn of(query: &FeedQuery) -> Self {
        let limits = Limits::default();
        Self {
            wait: Duration::from_secs(query.wait.min(limits.pull_wait_s)),
            items: query.max_events.unwrap_or(limits.pull_events).min(limits.pull_events),
            bytes: query.max_bytes.unwrap_or(limits.pull_bytes).min(limits.pull_bytes),
        }
    }
}

/// A pull that is being answered.
struct Pull<'a> {
    delivery: &'a Delivery,
    reader: Reader,
    query: FeedQuery,
    signed: Option<u64>,
    deadline: Instant,
    bounds: Bounds,
    /// Its place among those who wait, once it is known to be a good pull.
    wait: Option<Wait>,
}

async fn wait_for_page(mut pull: Box<Pull<'_>>) -> Result<FeedPage, FeedRefusal> {
    let bell = pull.delivery.store.feed_bell(&pull.reader);
    loop {
        let mut rung = std::pin::pin!(bell.notified());
        rung.as_mut().enable();
        if let Some(page) = Box::pin(pull.look()).await? {
            return Ok(page);
        }
        let Some(wait) = &pull.wait else { continue };
        tokio::select! {
            () = rung => {}
            () = wait.nudged() => {}
            () = tokio::time::sleep_until(pull.deadline) => {}
            () = pull.delivery.ground.stop.cancelled() => {}
        }
    }
}

impl Pull<'_> {
    /// The page, where there is something to tell or no more time to wait for it.
    async fn look(&mut self) -> Result<Option<FeedPage>, FeedRefusal> {
        let Self { delivery, reader, query, .. } = &*self;
        let (place, slice, may) = delivery.look_at_feed(reader, query.after, self.bounds).await?;
        if !may {
            return Err(FeedRefusal::Shut);
        }
        if self.wait.is_none() {
            delivery.check_place(reader, query, &place, self.signed).await?;
            // This pull passed every check, so an older waiting pull of the same reader gets an empty page (section 11).
            let wait = delivery.waits.enter(WaitKind::Feed, reader);
            delivery.peers.board.served(reader, delivery.ground.ambient.now());
            delivery.acknowledge(reader, query, &place);
            self.wait = Some(wait);
        } else if query.generation.is_some_and(|named| named != place.generation) {
            // It has begun anew while this waited.
            return Err(FeedRefusal::Reset(place));
        }
        let delivery = self.delivery;
        let replaced = self.wait.as_ref().is_some_and(Wait::is_replaced);
        // Where nothing is signed any more, a peer is told that.
        let is_unsigned = matches!(self.reader, Reader::Peer(_)) && delivery.ground.copies.check().is_err();
        let over =
            replaced || is_unsigned || Instant::now() >= self.deadline || delivery.ground.stop.is_cancelled();
        if slice.items.is_empty() && !over {
            return Ok(None);
        }
        let items = if replaced { Vec::new() } else { slice.items };
        delivery.peers.board.served(&self.reader, delivery.ground.ambient.now());
        // Who names no history and does not wait only looks, as a Doctor does: it keeps nothing of what it is given.
        let is_look = self.query.generation.is_none() && self.query.wait == 0;
        if let Reader::Peer(peer) = &self.reader
            && !items.is_empty()
            && !is_look
        {
            delivery.note_given(peer, self.query.after).await;
        }
        Ok(Some(FeedPage {
            generation: place.generation,
            more: slice.more && !items.is_empty(),
            items,
            first: place.first,
            head: place.head,
        }))
    }
}

/// Who was given the same so often, and for so long, does not keep it: answers may be lost, as where a program is started anew.
const NOT_KEPT: (u32, Duration) = (3, Duration::from_secs(30));

/// So few items are read on the spot.
const FEW: u64 = 8;

impl Delivery {
    /// One look at the feed, and at whether the reader may have it.
    async fn look_at_feed(
        &self,
        reader: &Reader,
        after: u64,
        bounds: Bounds,
    ) -> Result<(FeedPlace, FeedSlice, bool), FeedRefusal> {
        loop {
            // Mostly there is nothing, or little.
            let glanced = self.store.glance(|view| {
                let Some(place) = view.feed(reader)? else { return Ok::<_, StoreFault>(Glance::NoFeed) };
                if place.head.saturating_sub(after) > FEW {
                    return Ok(Glance::Much);
                }
                let slice = view.feed_slice(reader, after, bounds.items, bounds.bytes)?;
                Ok(Glance::Little(Box::new((place, slice, may_read(view, reader)?))))
            });
            match glanced? {
                Glance::Little(found) => return Ok(*found),
                Glance::Much => {
                    let of = reader.clone();
                    let looked = self.store.read(move |view| {
                        let Some(place) = view.feed(&of)? else { return Ok::<_, StoreFault>(None) };
                        let slice = view.feed_slice(&of, after, bounds.items, bounds.bytes)?;
                        Ok(Some((place, slice, may_read(view, &of)?)))
                    });
                    if let Some(found) = looked.await? {
                        return Ok(found);
                    }
                }
                Glance::NoFeed => {}
            }
            let of = reader.clone();
            let may_begin = self.store.write::<_, StoreFault, _>(move |tx| {
                if let Reader::Client(client) = &of
                    && !tx.has_client(client)?
                {
                    return Ok(false);
                }
                tx.open_feed(&of).map(|()| true)
            });
            if !may_begin.await? {
                return Err(FeedRefusal::Removed);
            }
        }
    }
}

/// What there is at first sight.
enum Glance {
    NoFeed,
    Little(Box<(FeedPlace, FeedSlice, bool)>),
    Much,
}

fn may_read(view: &View<'_>, reader: &Reader) -> Result<bool, StoreFault> {
    Ok(match reader {
        Reader::Peer(peer) => view.peer_state(peer)? == PeerState::Allowed,
        Reader::Client(_) => true,
    })
}

impl Delivery {
    /// Whether the place that the reader names is in this history, and still followed by what is kept.
    async fn check_place(
        &self,
        reader: &Reader,
        query: &FeedQuery,
        place: &FeedPlace,
        signed: Option<u64>,
    ) -> Result<(), FeedRefusal> {
        let other_history = query.generation.is_some_and(|named| named != place.generation);
        let beyond = query.after > place.head;
        let mut other_item = false;
        if query.after > 0 && !other_history && !beyond {
            let kept: Option<Id> = self.store.glance(|view| view.feed_item_id(reader, query.after))?;
            let known =
                kept.or_else(|| place.acknowledged_item.filter(|_| place.acknowledged == query.after));
            other_item = query.last.zip(known).is_some_and(|(named, known)| named != known);
        }
        if other_history || beyond || other_item {
            let mut place = place.clone();
            if beyond || other_item {
                let text = format!(
                    "it has stored our feed up to number {}, which our store {}: our store, or its, is an older copy",
                    query.after,
                    if beyond { "has never given" } else { "has given to something else" }
                );
                self.note_reader_trouble(reader, &PeerFault::new(Stage::Store, "feed-reset", text)).await;
            }
            // A peer that has stored what we have not given shows that our store is an older copy; one whose own store is that
            // does not. What a client says of its place shows nothing: it starts at the beginning of the same history, and
            // what our store may have lost of groups is read back in each life anyway.
            let is_peer = matches!(reader, Reader::Peer(_));
            if is_peer && query.after > 0 && self.recovery.doubt(reader) && !other_history {
                let of = reader.clone();
                let renewed = self.store.write(move |tx| {
                    // Some of those that are here again were handed out, and none is handed out twice.
                    tx.discard_key_packages()?;
                    tx.renew_feed(&of)
                });
                place = renewed.await?.unwrap_or(place);
            }
            return Err(FeedRefusal::Reset(place));
        }
        if query.after > 0 && query.after.saturating_add(1) < place.first {
            return Err(FeedRefusal::Truncated(place.clone()));
        }
        let went_back = query.generation.is_some() && query.after < place.acknowledged;
        if went_back && self.peers.board.is_latest(reader, signed) {
            let text = format!(
                "it had stored our feed up to number {} and now says {}: its store is an older copy",
                place.acknowledged, query.after
            );
            self.note_reader_trouble(reader, &PeerFault::new(Stage::Store, "peer-went-back", text)).await;
            let (of, after) = (reader.clone(), query.after);
            self.store.write(move |tx| tx.forget_acknowledged(&of, after)).await?;
        }
        self.peers.board.signed(reader, signed);
        Ok(())
    }

    /// Notes what the reader has stored; nobody waits for that, since a loss only keeps items for longer.
    fn acknowledge(&self, reader: &Reader, query: &FeedQuery, place: &FeedPlace) {
        if query.generation.is_none() || query.after <= place.acknowledged {
            return;
        }
        let (store, reader, after, last) = (self.store.clone(), reader.clone(), query.after, query.last);
        self.ground.tasks.spawn(async move {
            if let Err(fault) = store.write(move |tx| tx.acknowledge(&reader, after, last)).await {
                tracing::warn!(%fault, "an acknowledgement could not be kept");
            }
        });
    }

    /// Whoever has stored what it was given goes on behind it.
    async fn note_given(&self, peer: &Provider, after: u64) {
        let (times, time) = self.peers.board.given(peer, after, self.ground.ambient.instant());
        if times >= NOT_KEPT.0 && time >= NOT_KEPT.1 {
            let text = format!(
                "it has come {times} times for what is behind number {after} of its feed, and was given it each time: its disk is full, its store fails, or the answers do not reach it whole"
            );
            self.peers.note_trouble(peer, &PeerFault::new(Stage::Store, "not-kept", text)).await;
        }
    }

    async fn note_reader_trouble(&self, reader: &Reader, fault: &PeerFault) {
        if let Reader::Peer(peer) = reader {
            self.peers.note_trouble(peer, fault).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_lowered_to_the_limits_and_what_is_not_is_them() {
        let bounds = |query: &str| {
            let Bounds { wait, items, bytes } = Bounds::of(&FeedQuery::parse(query).unwrap());
            (wait.as_secs(), items, bytes)
        };
        assert_eq!(bounds("after=0"), (0, 1000, 4_194_304));
        assert_eq!(bounds("after=0&wait=7&max_events=8&max_bytes=9"), (7, 8, 9));
        let most = "9007199254740991";
        assert_eq!(
            bounds(&format!("after=0&wait={most}&max_events={most}&max_bytes={most}")),
            (55, 1000, 4_194_304)
        );
    }
}
