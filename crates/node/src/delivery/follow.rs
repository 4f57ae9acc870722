//! What others' feeds tell us of the groups that our users are in: checked against each group's chain, followed in its
//! public state, and stored with the page that brought it (sections 10 and 11).

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use drawbridge_mtp::chain::Head;
use drawbridge_mtp::document::Limits;
use drawbridge_mtp::id::{ClientUri, GroupUri, Id, Provider, UserUri};
use drawbridge_mtp::message::{
    Body, Event, EventKind, GroupStatus, Item, ItemBody, LogPage, LogQuery, ObjectRef, Removed, Welcome,
};
use drawbridge_mtp::octets::{Hash32, Octets};
use drawbridge_mtp::problem::Code;
use drawbridge_mtp::time::Timestamp;

use super::groups::Writing;
use super::is_current;
use super::state::{Changed, Hold, PublicState};
use super::submit::{begin_epoch, end_stays};
use crate::core::Core;
use crate::diagnose::{PeerFault, Stage};
use crate::peers::Ask;
use crate::store::{GroupRow, Reader, Standing, StoreFault, Tx};

/// So much of objects is fetched for one page; what comes after waits for the next.
pub(super) const FETCHED_AT_ONCE: u64 = 16 << 20;

/// An object that is not there yet is asked for again after this, and on one page at most so often.
const LATE_OBJECT: Duration = Duration::from_millis(700);
const PATIENCE: u32 = 5;

/// What a page tells, looked through and ready to be stored.
pub(crate) struct Intake {
    steps: Vec<Step>,
    opened: HashMap<GroupUri, Opened>,
    troubles: Vec<PeerFault>,
    fetched: u64,
    /// How often an object that is not there may still be asked for again.
    patience: u32,
}

/// One thing to be stored, in the order of the page.
enum Step {
    Event(Box<Kept>),
    /// The log is not what it was: nothing more of the group is taken.
    Break {
        group: GroupUri,
        text: String,
    },
    Welcome {
        welcome: Welcome,
        message: Vec<u8>,
        ratchet_tree: Vec<u8>,
    },
    Removed(Removed),
}

/// An event that continues its group's chain.
pub(super) struct Kept {
    pub(super) event: Event,
    pub(super) body: Option<Vec<u8>>,
    /// What it is to the group's public state.
    pub(super) followed: Followed,
}

/// What an event is to a group's public state.
pub(super) enum Followed {
    /// Nothing that it changes.
    Quietly,
    /// A proposal of its sender to leave.
    Leaving,
    /// A commit.
    Commit(Changed),
    /// It cannot be followed, and so the state is lost.
    Lost,
}

/// A group that the page tells of; nobody else changes it meanwhile.
struct Opened {
    writing: Writing,
    state: Option<PublicState>,
    row: GroupRow,
}

/// What became of fetching an object.
pub(super) enum Fetched {
    Whole(Vec<u8>),
    /// The peer has it no more.
    Gone(PeerFault),
    /// It is not what it was said to be.
    Wrong(String),
}

impl Intake {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self {
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
    pub(crate) async fn item(&mut self, core: &Core, peer: &Provider, item: &Item) -> Result<(), PeerFault> {
        match &item.body {
            ItemBody::Event(event) => self.event(core, peer, event.clone()).await,
            // A feed that starts anew tells again what was true once; of events, the log says whether they are new.
            ItemBody::Welcome(_) | ItemBody::Removed(_) if has_come(core, peer, item.id).await? => Ok(()),
            ItemBody::Welcome(welcome) if welcome.group.provider() == peer => {
                self.welcome(core, peer, welcome.clone()).await
            }
            ItemBody::Removed(removed) if removed.group.provider() == peer => {
                // Nobody else may change it from here on.
                self.open(core, &removed.group).await?;
                self.steps.push(Step::Removed(removed.clone()));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Opens the groups that `items` tell of, all of them together: each of them alone would cost a round through the
    /// writer.
    pub(crate) async fn open_all(
        &mut self,
        core: &Core,
        peer: &Provider,
        items: &[Item],
    ) -> Result<(), PeerFault> {
        let groups: BTreeSet<&GroupUri> = items
            .iter()
            .filter_map(|item| match &item.body {
                ItemBody::Event(event) => Some(&event.group),
                ItemBody::Welcome(welcome) => Some(&welcome.group),
                ItemBody::Removed(removed) => Some(&removed.group),
                _ => None,
            })
            .filter(|group| group.provider() == peer)
            .collect();
        let mut writings = Vec::with_capacity(groups.len());
        for group in groups {
            writings.push((group.clone(), core.lock_group(group).await));
        }
        if writings.is_empty() {
            return Ok(());
        }
        let uris: Vec<GroupUri> = writings.iter().map(|(uri, _)| uri.clone()).collect();
        // By way of the writer, as the states are: all are of one moment.
        let rows: Result<Vec<_>, StoreFault> =
            core.store.write(move |tx| uris.iter().map(|uri| tx.group(uri)).collect()).await;
        for ((uri, mut writing), row) in writings.into_iter().zip(rows.map_err(store_fault)?) {
            if let Some(row) = row {
                let state = writing.take();
                self.opened.insert(uri, Opened { writing, state, row });
            }
        }
        Ok(())
    }

    /// Opens a group, where we know it.
    async fn open(&mut self, core: &Core, group: &GroupUri) -> Result<Option<&mut Opened>, PeerFault> {
        if !self.opened.contains_key(group) {
            let mut writing = core.lock_group(group).await;
            let uri = group.clone();
            // By way of the writer, as the state is: both are of one moment.
            let row = core.store.write(move |tx| tx.group(&uri)).await.map_err(store_fault)?;
            let Some(row) = row else { return Ok(None) };
            let state = writing.take();
            self.opened.insert(group.clone(), Opened { writing, state, row });
        }
        Ok(self.opened.get_mut(group))
    }

    async fn event(&mut self, core: &Core, peer: &Provider, event: Event) -> Result<(), PeerFault> {
        if event.group.provider() != peer {
            let text = format!("its feed has an event of {}, which it does not own", event.group);
            self.troubles.push(PeerFault::new(Stage::Content, "foreign-event", text));
            return Ok(());
        }
        let group = event.group.clone();
        let Some(opened) = self.open(core, &group).await? else { return Ok(()) };
        if !is_current(&opened.row) {
            return Ok(());
        }
        let (id, head, known) = (opened.row.id, opened.row.head, opened.row.hash.is_some());
        if known && event.seq <= head {
            return self.repeat(core, id, event).await;
        }
        if known && event.seq > head + 1 {
            self.close_gap(core, peer, &group, event.seq - 1).await?;
        }
        self.next(core, peer, event).await
    }

    /// An event that we have already has to be the same.
    async fn repeat(&mut self, core: &Core, id: i64, event: Event) -> Result<(), PeerFault> {
        let seq = event.seq;
        let on_this_page = self.steps.iter().find_map(|step| match step {
            Step::Event(kept) if kept.event.seq == seq && kept.event.group == event.group => {
                Some(kept.event.hash)
            }
            _ => None,
        });
        let kept = match on_this_page {
            Some(hash) => Some(hash),
            None => core.store.read(move |view| view.event_hash(id, seq)).await.map_err(store_fault)?,
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
            opened.state = None;
        }
        self.troubles.push(PeerFault::new(Stage::Content, "log-broken", text.clone()));
        self.steps.push(Step::Break { group, text });
    }

    /// Fetches the events between what we have and `until` from the owner's log.
    async fn close_gap(
        &mut self,
        core: &Core,
        peer: &Provider,
        group: &GroupUri,
        until: u64,
    ) -> Result<(), PeerFault> {
        loop {
            let Some(opened) = self.opened.get_mut(group) else { return Ok(()) };
            let head = opened.row.head;
            if head >= until || !is_current(&opened.row) {
                return Ok(());
            }
            let page = match fetch_log(core, peer, group.name().as_str(), head).await {
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
                opened.state = None;
                opened.row.standing = Standing::Joining;
            }
            let before = self.steps.len();
            for event in page.events.into_iter().take_while(|event| event.seq <= until) {
                self.next(core, peer, event).await?;
            }
            if self.steps.len() == before {
                let text =
                    format!("its log of {group} ends before event {until}, which its feed has told of");
                self.break_off(group.clone(), text);
            }
        }
    }

    /// The event that comes next in its group.
    async fn next(&mut self, core: &Core, peer: &Provider, event: Event) -> Result<(), PeerFault> {
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
            Some(Body::Object(object)) => match self.fetch(core, peer, *object).await? {
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
            if opened.state.is_none() {
                // Where it was lost on this page, the group does not stand so any more; so it is as in the store.
                opened.state = match core.restore_group(&group).await {
                    Err(StoreFault::Unreadable { value, .. }) => {
                        tracing::warn!(%group, fault = %value, "the state of a group is had from its owner again");
                        None
                    }
                    restored => restored.map_err(store_fault)?,
                };
            }
            let taken = match &mut opened.state {
                Some(state) => take_in(state, &event, body.as_deref(), Hold::Nothing),
                None => Err("its state is not here".into()),
            };
            followed = taken.unwrap_or_else(|text| {
                opened.state = None;
                opened.row.standing = Standing::Joining;
                let text = format!("event {} of {group} cannot be followed: {text}", event.seq);
                self.troubles.push(PeerFault::new(Stage::Content, "group-not-followed", text));
                Followed::Lost
            });
        }
        (opened.row.head, opened.row.hash) = (event.seq, Some(event.hash));
        self.steps.push(Step::Event(Box::new(Kept { event, body, followed })));
        Ok(())
    }

    async fn welcome(&mut self, core: &Core, peer: &Provider, mut welcome: Welcome) -> Result<(), PeerFault> {
        let message = self.bytes(core, peer, &welcome.welcome).await?;
        let ratchet_tree = self.bytes(core, peer, &welcome.ratchet_tree).await?;
        let (Some(message), Some(ratchet_tree)) = (message, ratchet_tree) else {
            let text = format!("the Welcome to {} is not to be had", welcome.group);
            self.troubles.push(PeerFault::new(Stage::Content, "welcome-lost", text));
            return Ok(());
        };
        let group = welcome.group.clone();
        let from = welcome.from_seq;
        match self.open(core, &group).await? {
            Some(opened) if !is_current(&opened.row) => {
                // We were in it before, and what we have of that time stays as it is.
                welcome.from_seq = from.max(opened.row.head + 1);
                begin_anew(&mut opened.row, welcome.from_seq);
                opened.state = None;
            }
            Some(_) => {}
            None => {
                // It becomes known with this page; what follows on the page is of a group that begins here.
                let writing = core.lock_group(&group).await;
                let row = new_group(core.ambient.now(), &group, from);
                self.opened.insert(group, Opened { writing, state: None, row });
            }
        }
        self.steps.push(Step::Welcome { welcome, message, ratchet_tree });
        Ok(())
    }

    async fn bytes(
        &mut self,
        core: &Core,
        peer: &Provider,
        body: &Body,
    ) -> Result<Option<Vec<u8>>, PeerFault> {
        match body {
            Body::Here(bytes) => Ok(Some(bytes.as_slice().to_vec())),
            Body::Object(object) => match self.fetch(core, peer, *object).await? {
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
    async fn fetch(&mut self, core: &Core, peer: &Provider, object: ObjectRef) -> Result<Fetched, PeerFault> {
        let fetched = loop {
            match fetch_object(core, peer, object).await? {
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

    /// Hands over what is to be stored, and what is to be put back once it is.
    pub(crate) fn into_parts(self) -> (Keeping, Settling) {
        let Self { steps, opened, .. } = self;
        (Keeping(steps), Settling(opened))
    }
}

/// What a page changes in groups, for one transaction.
pub(crate) struct Keeping(Vec<Step>);

/// The states that are put back once the page is on disk.
pub(crate) struct Settling(HashMap<GroupUri, Opened>);

impl Settling {
    /// The page is on disk.
    pub(crate) fn settle(self) {
        for Opened { mut writing, state, .. } in self.0.into_values() {
            if let Some(state) = state {
                writing.put(state);
            }
        }
    }
}

impl Keeping {
    /// Stores everything.
    pub(crate) fn keep(self, tx: &Tx<'_>, ours: &Provider) -> Result<(), StoreFault> {
        // As far as events alone change them, groups are read once for the whole page.
        let mut rows: HashMap<GroupUri, GroupRow> = HashMap::new();
        for step in self.0 {
            match step {
                Step::Event(kept) => {
                    if !rows.contains_key(&kept.event.group) {
                        rows.extend(tx.group(&kept.event.group)?.map(|row| (row.uri.clone(), row)));
                    }
                    if let Some(row) = rows.get_mut(&kept.event.group) {
                        keep_event(tx, ours, row, *kept)?;
                    }
                }
                Step::Break { group, text } => {
                    rows.remove(&group);
                    if let Some(mut row) = tx.group(&group)? {
                        row.standing = Standing::Broken;
                        row.fault = Some(text);
                        tx.put_group(&row)?;
                    }
                }
                Step::Welcome { welcome, message, ratchet_tree } => {
                    rows.remove(&welcome.group);
                    keep_welcome(tx, ours, &welcome, &message, &ratchet_tree)?;
                }
                Step::Removed(removed) => {
                    rows.remove(&removed.group);
                    keep_removed(tx, ours, &removed)?;
                }
            }
        }
        Ok(())
    }
}

/// Whether an event is for a group's public state to follow.
pub(super) fn is_handshake(event: &Event) -> bool {
    matches!(event.kind, EventKind::Proposal | EventKind::Commit)
}

/// Follows a handshake in the public state of its group, or says why that cannot be.
pub(super) fn take_in(
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

/// Keeps an event with all that follows from it. Returns the providers that have no member in a group of ours any more.
pub(super) fn keep_event(
    tx: &Tx<'_>,
    ours: &Provider,
    row: &mut GroupRow,
    kept: Kept,
) -> Result<BTreeSet<Provider>, StoreFault> {
    let Kept { event, body, followed } = kept;
    let begins = row.hash.is_none() || event.seq > row.head + 1;
    if begins {
        row.first = event.seq;
    }
    let mut gone = BTreeSet::new();
    match &followed {
        Followed::Commit(changed) => gone = begin_epoch(tx, ours, row, changed, event.seq, |_| None)?,
        Followed::Lost => row.standing = Standing::Joining,
        Followed::Leaving => {
            let leaf = tx.members(row.id)?.into_iter().find(|row| row.member.client == event.sender);
            tx.set_leaving(row.id, leaf.map(|row| row.member.leaf))?;
        }
        Followed::Quietly => {}
    }
    if begins || matches!(followed, Followed::Lost) {
        tx.put_group(row)?;
    }
    if row.owner() == ours {
        if let Followed::Commit(_) = followed {
            // It came with the commit, and is not in the log.
            tx.drop_group_info(row.id)?;
        }
        tx.adopt_event(row, &event, body.as_deref())?;
    } else {
        tx.keep_event(row, &event, body.as_deref())?;
    }
    if let Followed::Commit(changed) = &followed {
        end_stays(tx, ours, row, changed, &gone, event.seq)?;
    }
    Ok(gone)
}

/// Brings the public state of `group` up to a handshake that is said to be of `epoch`: what is kept of it has to say
/// rightly when it is to be followed again.
pub(super) fn take(
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

/// Whether an item was stored before. Asked by way of the writer, where it may be on its way.
async fn has_come(core: &Core, peer: &Provider, id: Id) -> Result<bool, PeerFault> {
    let peer = peer.clone();
    core.store.write(move |tx| tx.has_received(&peer, id)).await.map_err(store_fault)
}

/// A Welcome goes to those of our clients whose KeyPackages it is for.
fn keep_welcome(
    tx: &Tx<'_>,
    ours: &Provider,
    welcome: &Welcome,
    message: &[u8],
    ratchet_tree: &[u8],
) -> Result<(), StoreFault> {
    let mut clients: Vec<(Reader, Vec<Octets>)> = Vec::new();
    for reference in &welcome.key_package_refs {
        let Some(client) = client_of(tx, ours, reference.as_slice(), &welcome.group)? else { continue };
        let reader = Reader::Client(client);
        match clients.iter_mut().find(|(there, _)| *there == reader) {
            Some((_, refs)) => refs.push(reference.clone()),
            None => clients.push((reader, vec![reference.clone()])),
        }
    }
    if clients.is_empty() {
        return Ok(());
    }
    let row = match tx.group(&welcome.group)? {
        Some(mut row) => {
            if !is_current(&row) {
                begin_anew(&mut row, welcome.from_seq);
                tx.put_group(&row)?;
            }
            row
        }
        None => {
            let mut row = new_group(tx.now(), &welcome.group, welcome.from_seq);
            row.id = tx.add_group(&row)?;
            row
        }
    };
    for (reader, refs) in clients {
        tx.admit_reader(row.id, &reader, welcome.from_seq)?;
        tx.append_welcome(&reader, &row.uri, message, refs, ratchet_tree, welcome.from_seq)?;
    }
    Ok(())
}

/// Whose KeyPackage it was, where that was handed out for this group: nobody is put into another.
fn client_of(
    tx: &Tx<'_>,
    ours: &Provider,
    reference: &[u8],
    group: &GroupUri,
) -> Result<Option<ClientUri>, StoreFault> {
    let names = tx.client_to_welcome(reference, group)?;
    Ok(names.map(|(user, client)| ClientUri::new(&UserUri::new(ours, &user), &client)))
}

/// We have no member left in a group.
pub(super) fn keep_removed(tx: &Tx<'_>, ours: &Provider, removed: &Removed) -> Result<(), StoreFault> {
    let Some(mut row) = tx.group(&removed.group)? else { return Ok(()) };
    // What an owner reads back (section 12) it tells again: of a time that ended before the one that we are in.
    let since = if row.hash.is_some() { row.first } else { row.head + 1 };
    if row.standing == Standing::Over || removed.after_seq < since {
        return Ok(());
    }
    row.standing = Standing::Over;
    tx.put_group(&row)?;
    for audience in tx.audience(row.id)?.into_iter().filter(|audience| audience.until.is_none()) {
        tx.dismiss_reader(row.id, &audience.reader, removed.after_seq)?;
        tx.append(&audience.reader, &ItemBody::Removed(removed.clone()))?;
    }
    for member in tx.members(row.id)?.into_iter().filter(|row| row.member.client.provider() == ours) {
        tx.remove_member(row.id, member.member.leaf)?;
    }
    Ok(())
}

/// A group of which nothing is known but where its log begins for us.
fn new_group(now: Timestamp, group: &GroupUri, from: u64) -> GroupRow {
    GroupRow {
        id: 0,
        uri: group.clone(),
        created: now,
        epoch: 0,
        first: from,
        head: from.saturating_sub(1),
        hash: None,
        policy: None,
        suite: 0,
        standing: Standing::Joining,
        fault: None,
    }
}

/// A group that we had left begins again, with a hole in its log.
fn begin_anew(row: &mut GroupRow, from: u64) {
    row.head = from.saturating_sub(1);
    row.hash = None;
    row.standing = Standing::Joining;
    row.fault = None;
}

pub(super) fn store_fault(fault: StoreFault) -> PeerFault {
    PeerFault::new(Stage::Store, "unavailable", fault.to_string())
}

/// A page of the log of the group that is `name` at `peer`.
pub(super) async fn fetch_log(
    core: &Core,
    peer: &Provider,
    name: &str,
    after: u64,
) -> Result<LogPage, PeerFault> {
    let query = LogQuery { after, ..LogQuery::default() };
    let answer = core.call(peer, Ask::get(format!("/groups/{name}/log?{}", query.to_query()))).await?;
    answer.message().map_err(|fault| PeerFault::new(Stage::Content, "malformed", format!("its log: {fault}")))
}

/// An object that `peer` has.
pub(super) async fn fetch_object(
    core: &Core,
    peer: &Provider,
    object: ObjectRef,
) -> Result<Fetched, PeerFault> {
    if object.size > Limits::default().request_bytes {
        let text = format!("the object {} is larger than any message may be", object.sha256);
        return Ok(Fetched::Wrong(text));
    }
    let answer = match core.call(peer, Ask::get(format!("/objects/{}", object.sha256))).await {
        Ok(answer) => answer,
        Err(fault) if fault.is(Code::NotFound) || fault.is(Code::Gone) => return Ok(Fetched::Gone(fault)),
        Err(fault) => return Err(fault),
    };
    if Hash32::of(&answer.body) != object.sha256 {
        let text = format!("the object {} is not what its name says", object.sha256);
        return Ok(Fetched::Wrong(text));
    }
    Ok(Fetched::Whole(answer.body.to_vec()))
}

/// After the feed of `peer` was reset, what it may have told meanwhile of its groups is read from their logs
/// (section 11).
pub(crate) async fn close_gaps(core: &Core, peer: &Provider) -> Result<(), PeerFault> {
    let owner = peer.clone();
    let groups = core.store.read(move |view| {
        let mut groups = view.groups_owned(&owner, Standing::Live)?;
        groups.extend(view.groups_owned(&owner, Standing::Joining)?);
        Ok::<_, StoreFault>(groups)
    });
    for group in groups.await.map_err(store_fault)? {
        close_group(core, peer, &group.uri).await?;
    }
    find_groups(core, peer).await
}

/// Our users may have been added to groups of `peer` by a Welcome that was lost. Those that they agreed to be added to and
/// that have us in them are followed from now on; their clients join by themselves.
async fn find_groups(core: &Core, peer: &Provider) -> Result<(), PeerFault> {
    let owner = peer.clone();
    let unknown = core.store.read(move |view| {
        let mut unknown = Vec::new();
        for group in view.groups_agreed_to(&owner)? {
            if view.group(&group)?.is_none_or(|row| row.standing == Standing::Over) {
                unknown.push(group);
            }
        }
        Ok::<_, StoreFault>(unknown)
    });
    for group in unknown.await.map_err(store_fault)? {
        let status: GroupStatus = match core.call(peer, Ask::get(format!("/groups/{}", group.name()))).await {
            Ok(answer) => answer.message().map_err(|fault| {
                PeerFault::new(Stage::Content, "malformed", format!("its answer on {group}: {fault}"))
            })?,
            Err(fault) if fault.is(Code::NotFound) => continue,
            Err(fault) => return Err(fault),
        };
        let _writing = core.lock_group(&group).await;
        let found = core.store.write(move |tx| {
            let known = tx.group(&group)?;
            let mut row = match known {
                Some(row) if row.standing != Standing::Over => return Ok(()),
                Some(mut row) => {
                    begin_anew(&mut row, status.head + 1);
                    row
                }
                None => {
                    let mut row = new_group(tx.now(), &group, status.head + 1);
                    row.id = tx.add_group(&row)?;
                    row
                }
            };
            row.hash = Some(status.hash);
            tx.put_group(&row)
        });
        found.await.map_err(store_fault)?;
    }
    Ok(())
}

async fn close_group(core: &Core, peer: &Provider, group: &GroupUri) -> Result<(), PeerFault> {
    loop {
        let mut intake = Intake::new();
        let Some(opened) = intake.open(core, group).await? else { return Ok(()) };
        if opened.row.hash.is_none() {
            return Ok(());
        }
        let head = opened.row.head;
        let page = match fetch_log(core, peer, group.name().as_str(), head).await {
            Ok(page) => page,
            Err(fault) if fault.is(Code::NotFound) => {
                intake.steps.push(Step::Removed(Removed { group: group.clone(), after_seq: head }));
                LogPage { events: Vec::new(), first: 0, head: 0, more: false }
            }
            Err(fault) => return Err(fault),
        };
        for event in page.events {
            intake.event(core, peer, event).await?;
        }
        let went_on = !intake.steps.is_empty();
        for trouble in intake.troubles() {
            core.note_trouble(peer, &trouble).await;
        }
        let (keeping, settling) = intake.into_parts();
        let ours = core.ours.clone();
        core.store.write(move |tx| keeping.keep(tx, &ours)).await.map_err(store_fault)?;
        settling.settle();
        if !page.more || !went_on {
            return Ok(());
        }
    }
}
