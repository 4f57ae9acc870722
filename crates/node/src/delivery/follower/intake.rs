//! What others' feeds tell us of the groups that our users are in: checked against each group's chain, followed in its
//! public state, and stored with the page that brought it (sections 10 and 11).

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use drawbridge_mtp::chain::Head;
use drawbridge_mtp::document::Limits;
use drawbridge_mtp::id::{ClientUri, GroupUri, Id, Provider};
use drawbridge_mtp::message::{
    Body, Event, EventKind, Item, ItemBody, LogPage, LogQuery, ObjectRef, Welcome,
};
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::problem::Code;

use crate::delivery::Delivery;
use crate::delivery::follower::keep::{Followed, Keeping, Kept, Step, begin_anew, ends_stay, new_group};
use crate::delivery::groups::LockedGroup;
use crate::delivery::is_current;
use crate::delivery::mls::state::{Changed, Hold, PublicState};
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::Ask;
use crate::store::{GroupRow, Standing, StoreFault};

/// So much of objects is fetched for one page; what comes after waits for the next.
pub(in crate::delivery) const FETCHED_AT_ONCE: u64 = 16 << 20;

/// An object that is not there yet is asked for again after this, and on one page at most so often.
const LATE_OBJECT: Duration = Duration::from_millis(700);
const PATIENCE: u32 = 5;

/// What a page tells, looked through and ready to be stored.
pub(crate) struct Intake<'a> {
    delivery: &'a Delivery,
    /// Whose page it is.
    peer: &'a Provider,
    pub(in crate::delivery) steps: Vec<Step>,
    opened: HashMap<GroupUri, Opened>,
    troubles: Vec<PeerFault>,
    fetched: u64,
    /// How often an object that is not there may still be asked for again.
    patience: u32,
}

/// A group that the page tells of; nobody else changes it meanwhile.
pub(in crate::delivery) struct Opened {
    locked: LockedGroup,
    pub(in crate::delivery) row: GroupRow,
}

/// What became of fetching an object.
pub(in crate::delivery) enum Fetched {
    Whole(Vec<u8>),
    /// The peer has it no more.
    Gone(PeerFault),
    /// It is not what it was said to be.
    Wrong(String),
}

impl Delivery {
    /// Looks through what a page of `peer` tells.
    pub(crate) fn intake<'a>(&'a self, peer: &'a Provider) -> Intake<'a> {
        Intake::new(self, peer)
    }
}

impl<'a> Intake<'a> {
    /// Nothing yet of what `peer` tells.
    pub(in crate::delivery) fn new(delivery: &'a Delivery, peer: &'a Provider) -> Self {
        Self {
            delivery,
            peer,
            steps: Vec::new(),
            opened: HashMap::new(),
            troubles: Vec::new(),
            fetched: 0,
            patience: PATIENCE,
        }
    }

    /// Whether so much was fetched that the rest of the page is better left for the next.
    pub(crate) fn is_full(&self) -> bool {
        self.fetched >= FETCHED_AT_ONCE
    }

    /// Looks at an item of the feed of `peer`; one that is not about groups is not for here.
    pub(crate) async fn item(&mut self, item: &Item) -> Result<(), PeerFault> {
        match &item.body {
            ItemBody::Event(event) => self.event(event.clone()).await,
            // A feed that starts anew tells again what was true once; of events, the log says whether they are new.
            ItemBody::Welcome(_) | ItemBody::Removed(_)
                if self.delivery.has_come(self.peer, item.id).await? =>
            {
                Ok(())
            }
            ItemBody::Welcome(welcome) if welcome.group.provider() == self.peer => {
                self.welcome(welcome.clone()).await
            }
            ItemBody::Removed(removed) if removed.group.provider() == self.peer => {
                // What follows on the page may be of another stay.
                if let Some(opened) = self.open(&removed.group).await?
                    && ends_stay(&opened.row, removed)
                {
                    opened.row.standing = Standing::Over;
                    opened.locked.forget();
                }
                self.steps.push(Step::Removed(removed.clone()));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Opens the groups that `items` tell of, all of them together: each of them alone would cost a round through the
    /// writer.
    pub(crate) async fn open_all(&mut self, items: &[Item]) -> Result<(), PeerFault> {
        let groups: BTreeSet<&GroupUri> = items
            .iter()
            .filter_map(|item| match &item.body {
                ItemBody::Event(event) => Some(&event.group),
                ItemBody::Welcome(welcome) => Some(&welcome.group),
                ItemBody::Removed(removed) => Some(&removed.group),
                _ => None,
            })
            .filter(|group| group.provider() == self.peer)
            .collect();
        let mut locks = Vec::with_capacity(groups.len());
        for group in groups {
            locks.push((group.clone(), self.delivery.groups.lock(group).await));
        }
        if locks.is_empty() {
            return Ok(());
        }
        let uris: Vec<GroupUri> = locks.iter().map(|(uri, _)| uri.clone()).collect();
        // By way of the writer, as the states are: all are of one moment.
        let rows: Result<Vec<_>, StoreFault> =
            self.delivery.store.write(move |tx| uris.iter().map(|uri| tx.group(uri)).collect()).await;
        for ((uri, locked), row) in locks.into_iter().zip(rows.map_err(store_fault)?) {
            if let Some(row) = row {
                self.opened.insert(uri, Opened { locked, row });
            }
        }
        Ok(())
    }

    /// Opens a group, where we know it.
    pub(in crate::delivery) async fn open(
        &mut self,
        group: &GroupUri,
    ) -> Result<Option<&mut Opened>, PeerFault> {
        if !self.opened.contains_key(group) {
            let locked = self.delivery.groups.lock(group).await;
            let uri = group.clone();
            // By way of the writer, as the state is: both are of one moment.
            let row = self.delivery.store.write(move |tx| tx.group(&uri)).await.map_err(store_fault)?;
            let Some(row) = row else { return Ok(None) };
            self.opened.insert(group.clone(), Opened { locked, row });
        }
        Ok(self.opened.get_mut(group))
    }

    pub(in crate::delivery) async fn event(&mut self, event: Event) -> Result<(), PeerFault> {
        if event.group.provider() != self.peer {
            let text = format!("its feed has an event of {}, which it does not own", event.group);
            self.troubles.push(PeerFault::new(Stage::Content, "foreign-event", text));
            return Ok(());
        }
        let group = event.group.clone();
        let Some(opened) = self.open(&group).await? else { return Ok(()) };
        if !is_current(&opened.row) {
            return Ok(());
        }
        let (id, head, known) = (opened.row.id, opened.row.head, opened.row.hash.is_some());
        if known && event.seq <= head {
            return self.repeat(id, event).await;
        }
        if known && event.seq > head + 1 {
            self.close_gap(&group, event.seq - 1).await?;
        }
        self.next(event).await
    }

    /// An event that we have already has to be the same.
    async fn repeat(&mut self, id: i64, event: Event) -> Result<(), PeerFault> {
        let seq = event.seq;
        let on_this_page = self.steps.iter().find_map(|step| match step {
            Step::Event(kept) if kept.event.seq == seq && kept.event.group == event.group => {
                Some(kept.event.hash)
            }
            _ => None,
        });
        let kept = match on_this_page {
            Some(hash) => Some(hash),
            None => {
                self.delivery.store.read(move |view| view.event_hash(id, seq)).await.map_err(store_fault)?
            }
        };
        if kept.is_some_and(|kept| kept != event.hash) {
            let text = format!("event {seq} of {} is not the one that it told before", event.group);
            self.break_off(event.group, text);
        }
        Ok(())
    }

    fn break_off(&mut self, group: GroupUri, text: String) {
        if let Some(opened) = self.opened.get_mut(&group) {
            opened.row.standing = Standing::Broken;
            opened.locked.forget();
        }
        self.troubles.push(PeerFault::new(Stage::Content, "log-broken", text.clone()));
        self.steps.push(Step::Break { group, text });
    }

    /// Fetches the events between what we have and `until` from the owner's log.
    async fn close_gap(&mut self, group: &GroupUri, until: u64) -> Result<(), PeerFault> {
        loop {
            let Some(opened) = self.opened.get_mut(group) else { return Ok(()) };
            let head = opened.row.head;
            if head >= until || !is_current(&opened.row) {
                return Ok(());
            }
            let page = match self.delivery.fetch_log(self.peer, group.name().as_str(), head).await {
                Err(fault) if fault.is(Code::NotFound) => LogPage::default(),
                // What it shows of its log is nothing that could be followed.
                Err(fault) if fault.stage == Stage::Content => {
                    self.break_off(group.clone(), fault.text);
                    return Ok(());
                }
                page => page?,
            };
            if page.first > head + 1 {
                // What is missing is not to be had any more: the chain starts anew.
                let text = format!(
                    "the events {} to {} of {group} are not to be had any more",
                    head + 1,
                    page.first - 1
                );
                self.troubles.push(PeerFault::new(Stage::Store, "log-gap", text));
                (opened.row.hash, opened.row.head) = (None, page.first - 1);
                opened.locked.forget();
                opened.row.standing = Standing::Joining;
            }
            for event in page.events.into_iter().take_while(|event| event.seq <= until) {
                self.next(event).await?;
            }
            let Some(opened) = self.opened.get(group) else { return Ok(()) };
            if is_current(&opened.row) && opened.row.head == head {
                let text =
                    format!("its log of {group} ends before event {until}, which its feed has told of");
                self.break_off(group.clone(), text);
            }
        }
    }

    /// The event that comes next in its group.
    async fn next(&mut self, event: Event) -> Result<(), PeerFault> {
        let group = event.group.clone();
        let Some(opened) = self.opened.get_mut(&group).filter(|opened| is_current(&opened.row)) else {
            return Ok(());
        };
        // Where nothing has come yet, what comes first is where our copy of the log begins.
        let head = match opened.row.hash {
            Some(hash) => Head { seq: opened.row.head, hash },
            None => Head { seq: event.seq.saturating_sub(1), hash: event.prev },
        };
        let event = match event.follow(&group, &head) {
            Ok(chained) => chained.into_event(),
            Err(fault) => {
                self.break_off(group, fault.to_string());
                return Ok(());
            }
        };
        let body = match &event.body {
            Some(Body::Here(body)) => Some(body.as_slice().to_vec()),
            Some(Body::Object(object)) => match self.fetch(*object).await? {
                Fetched::Whole(bytes) => Some(bytes),
                Fetched::Gone(_) => None,
                Fetched::Wrong(text) => {
                    self.break_off(group, text);
                    return Ok(());
                }
            },
            None => None,
        };
        let mut followed = Followed::Quietly;
        let Some(opened) = self.opened.get_mut(&group) else { return Ok(()) };
        if is_handshake(&event) && opened.row.standing == Standing::Live {
            if opened.locked.state().is_none() {
                // Where it was lost on this page, the group does not stand so any more; so it is as in the store.
                match self.delivery.groups.restore(&group).await {
                    Ok(Some(state)) => opened.locked.put(state),
                    Ok(None) => {}
                    Err(StoreFault::Unreadable { value, .. }) => {
                        tracing::warn!(%group, fault = %value, "the state of a group is had from its owner again");
                    }
                    Err(fault) => return Err(store_fault(fault)),
                }
            }
            let taken = match opened.locked.change() {
                Some(state) => take_in(state, &event, body.as_deref(), Hold::Nothing),
                None => Err("its state is not here".into()),
            };
            followed = taken.unwrap_or_else(|text| {
                opened.locked.forget();
                opened.row.standing = Standing::Joining;
                let text = format!("event {} of {group} cannot be followed: {text}", event.seq);
                self.troubles.push(PeerFault::new(Stage::Content, "group-not-followed", text));
                Followed::Lost
            });
        }
        if opened.row.hash.is_none() {
            opened.row.first = event.seq;
        }
        (opened.row.head, opened.row.hash) = (event.seq, Some(event.hash));
        self.steps.push(Step::Event(Box::new(Kept { event, body, followed })));
        Ok(())
    }

    async fn welcome(&mut self, mut welcome: Welcome) -> Result<(), PeerFault> {
        let message = self.bytes(&welcome.welcome).await?;
        let ratchet_tree = self.bytes(&welcome.ratchet_tree).await?;
        let (Some(message), Some(ratchet_tree)) = (message, ratchet_tree) else {
            let text = format!("the Welcome to {} is not to be had", welcome.group);
            self.troubles.push(PeerFault::new(Stage::Content, "welcome-lost", text));
            return Ok(());
        };
        let group = welcome.group.clone();
        let from = welcome.from_seq;
        let mut set_back = None;
        let (delivery, peer) = (self.delivery, self.peer);
        match self.open(&group).await? {
            Some(opened) if !is_current(&opened.row) => {
                // We were in it before, and what we have of that time stays as it is, unless it does not count any more.
                if (1..=opened.row.head).contains(&from)
                    && delivery.numbers_otherwise(peer, &opened.row, from).await?
                {
                    opened.row.head = from - 1;
                    set_back = Some(Step::SetBack { group: group.clone(), after: from - 1 });
                }
                welcome.from_seq = from.max(opened.row.head + 1);
                begin_anew(&mut opened.row, welcome.from_seq);
                opened.locked.forget();
            }
            Some(_) => {}
            None => {
                // It becomes known with this page; what follows on the page is of a group that begins here.
                let locked = self.delivery.groups.lock(&group).await;
                let row = new_group(self.delivery.ground.ambient.now(), &group, from);
                self.opened.insert(group, Opened { locked, row });
            }
        }
        self.steps.extend(set_back);
        self.steps.push(Step::Welcome { welcome, message, ratchet_tree });
        Ok(())
    }

    async fn bytes(&mut self, body: &Body) -> Result<Option<Vec<u8>>, PeerFault> {
        match body {
            Body::Here(bytes) => Ok(Some(bytes.as_slice().to_vec())),
            Body::Object(object) => match self.fetch(*object).await? {
                Fetched::Whole(bytes) => Ok(Some(bytes)),
                Fetched::Gone(_) => Ok(None),
                Fetched::Wrong(text) => {
                    self.troubles.push(PeerFault::new(Stage::Content, "object-wrong", text));
                    Ok(None)
                }
            },
        }
    }

    /// Fetches an object.
    async fn fetch(&mut self, object: ObjectRef) -> Result<Fetched, PeerFault> {
        let fetched = loop {
            match self.delivery.fetch_object(self.peer, object).await? {
                // An object may come a moment after what names it.
                Fetched::Gone(fault) if fault.is(Code::NotFound) && self.patience > 0 => {
                    self.patience -= 1;
                    tokio::time::sleep(LATE_OBJECT).await;
                }
                fetched => break fetched,
            }
        };
        match &fetched {
            Fetched::Whole(bytes) => self.fetched += bytes.len() as u64,
            Fetched::Gone(fault) => self.troubles.push(fault.clone()),
            Fetched::Wrong(_) => {}
        }
        Ok(fetched)
    }

    /// What went wrong without stopping the feed.
    pub(crate) fn troubles(&mut self) -> Vec<PeerFault> {
        std::mem::take(&mut self.troubles)
    }

    /// Hands over what is to be stored, and what is to be committed once it is.
    pub(crate) fn into_parts(self) -> (Keeping, Settling) {
        let Self { steps, opened, .. } = self;
        (Keeping(steps), Settling(opened))
    }
}

/// The groups whose states are changed once the page is on disk.
pub(crate) struct Settling(HashMap<GroupUri, Opened>);

impl Settling {
    /// The page is on disk.
    pub(crate) fn commit(self) {
        for opened in self.0.into_values() {
            opened.locked.commit();
        }
    }
}

/// Whether an event is for a group's public state to follow.
pub(in crate::delivery) fn is_handshake(event: &Event) -> bool {
    matches!(event.kind, EventKind::Proposal | EventKind::Commit)
}

/// Follows a handshake in the public state of its group, or says why that cannot be.
pub(in crate::delivery) fn take_in(
    state: &mut PublicState,
    event: &Event,
    body: Option<&[u8]>,
    hold: Hold,
) -> Result<Followed, String> {
    let body = body.ok_or("its body is not to be had")?;
    let followed = take(state, &event.group, event.epoch, &event.sender, body, hold)?;
    match (event.kind, followed) {
        (EventKind::Commit, Some(changed)) => Ok(Followed::Commit(changed)),
        (EventKind::Proposal, None) if state.is_leaving(&event.sender) => Ok(Followed::Leaving),
        (EventKind::Proposal, None) => Ok(Followed::Quietly),
        _ => Err(format!("its message is not a {}", event.kind)),
    }
}

/// Brings the public state of `group` up to a handshake that is said to be of `epoch`: what is kept of it has to say
/// rightly when it is to be followed again.
pub(in crate::delivery) fn take(
    state: &mut PublicState,
    group: &GroupUri,
    epoch: u64,
    sender: &ClientUri,
    body: &[u8],
    hold: Hold,
) -> Result<Option<Changed>, String> {
    if state.epoch() != epoch {
        return Err(format!("it is said to be of epoch {epoch}, and the group is in {}", state.epoch()));
    }
    state.follow(group, sender, body, hold).map_err(|problem| problem.detail)
}

impl Delivery {
    /// Whether the log of the owner has something else as the event `seq` than our copy of the time that we were in the group before: its
    /// store went back, and it numbers again what it has numbered (section 12).
    async fn numbers_otherwise(&self, peer: &Provider, row: &GroupRow, seq: u64) -> Result<bool, PeerFault> {
        let id = row.id;
        let ours = self.store.read(move |view| view.event_hash(id, seq)).await.map_err(store_fault)?;
        let page = match self.fetch_log(peer, row.uri.name().as_str(), seq - 1).await {
            Ok(page) => page,
            // What it does not show is taken as it was.
            Err(fault) if fault.final_refusal().is_some() || fault.stage == Stage::Content => {
                return Ok(false);
            }
            Err(fault) => return Err(fault),
        };
        let theirs = page.events.first().filter(|event| event.seq == seq);
        Ok(ours.is_some_and(|ours| theirs.is_some_and(|theirs| theirs.computed_hash() != ours)))
    }

    /// Whether an item was stored before. Asked by way of the writer, where it may be on its way.
    async fn has_come(&self, peer: &Provider, id: Id) -> Result<bool, PeerFault> {
        let peer = peer.clone();
        self.store.write(move |tx| tx.has_received(&peer, id)).await.map_err(store_fault)
    }
}

pub(in crate::delivery) fn store_fault(fault: StoreFault) -> PeerFault {
    PeerFault::new(Stage::Store, "own-store", fault.to_string())
}

impl Delivery {
    /// A page of the log of the group that is `name` at `peer`.
    pub(in crate::delivery) async fn fetch_log(
        &self,
        peer: &Provider,
        name: &str,
        after: u64,
    ) -> Result<LogPage, PeerFault> {
        let most = Limits::default().pull_events;
        let query = LogQuery { after, max_events: Some(most), ..LogQuery::default() };
        let answer =
            self.peers.call(peer, Ask::get(format!("/groups/{name}/log?{}", query.to_query()))).await?;
        let page: LogPage = answer
            .message()
            .map_err(|fault| PeerFault::new(Stage::Content, "malformed", format!("its log: {fault}")))?;
        if page.events.len() as u64 > most {
            let text = format!(
                "a page of its log has {} events, where at most {most} were asked for; nothing of it is kept",
                page.events.len()
            );
            return Err(PeerFault::new(Stage::Content, "too-many-items", text));
        }
        Ok(page)
    }

    /// An object that `peer` has.
    pub(in crate::delivery) async fn fetch_object(
        &self,
        peer: &Provider,
        object: ObjectRef,
    ) -> Result<Fetched, PeerFault> {
        if object.size > Limits::default().request_bytes {
            let text = format!("the object {} is larger than any message may be", object.sha256);
            return Ok(Fetched::Wrong(text));
        }
        let answer = match self.peers.call(peer, Ask::get(format!("/objects/{}", object.sha256))).await {
            Ok(answer) => answer,
            Err(fault) if fault.is(Code::NotFound) || fault.is(Code::Gone) => {
                return Ok(Fetched::Gone(fault));
            }
            Err(fault) => return Err(fault),
        };
        if Hash32::of(&answer.body) != object.sha256 {
            let text = format!("the object {} is not what its name says", object.sha256);
            return Ok(Fetched::Wrong(text));
        }
        Ok(Fetched::Whole(answer.body.to_vec()))
    }
}
