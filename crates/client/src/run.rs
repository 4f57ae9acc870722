//! What a client does by itself, for as long as it runs: it pulls its feed, sends what waits, works on its groups, and
//! keeps its KeyPackages in stock.
//!
//! Each of the three loops that ask its provider writes down in one step what came of it. A loop may be dropped at any
//! moment: what was written stands, and what was not is asked again, which is harmless.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use drawbridge_client_api::{
    Home, HomeFault,
    ambient::{Ambient, AmbientExt},
};
use drawbridge_mtp::{
    id::{Generation, GroupUri},
    message::{
        Body, ClientClaimRequest, ConnectionState, Event, FeedPage, FeedQuery, Item, ItemBody, LogQuery,
        Outcome, OwnGroup, PublishKeyPackages, ShownEvent, SubmissionResult,
    },
    octets::Hash32,
    problem::{Code, ReceivedProblem},
    time::Timestamp,
};
use futures_util::{
    future::join_all,
    stream::{FuturesUnordered, StreamExt},
};
use openmls::prelude::Ciphersuite;

use crate::{
    client::Client,
    fault::ClientFault,
    group::{self, Plan, Taken},
    mls,
    settings::Settings,
    store::{Conversation, Cursor, Tx, Want},
    view::{ClientChange, Standing},
};

/// The longest that a loop rests without looking.
const LONGEST_REST: Duration = Duration::from_secs(30);
/// The most items of a page: as many as one step takes without keeping others waiting.
const PAGE: u64 = 200;
/// So many submissions are given to the provider at once.
const SUBMISSIONS: usize = 64;
/// For every so many KeyPackages of the default suite there is one of each other, and never none.
const OTHER_SUITES: u64 = 10;

/// Under this name the store has whether the feed has begun anew since the groups were checked.
const BEGUN_ANEW: &str = "feed-anew";

/// The bodies of a page that are objects, by their hash.
type Objects = HashMap<Hash32, Vec<u8>>;

impl<H: Home> Client<H> {
    /// Does everything that a client does by itself, until it is dropped.
    pub async fn run(&self) {
        tokio::join!(self.pull_for_ever(), self.send_for_ever(), self.work_for_ever(), self.drop_for_ever());
    }

    async fn pull_for_ever(&self) {
        let mut pause = self.pause();
        loop {
            match self.pull().await {
                Ok(()) => pause.over(),
                Err(fault) => {
                    tracing::debug!(client = %self.uri(), %fault, "the feed is pulled again later");
                    pause.rest().await;
                }
            }
        }
    }

    /// Sends in each group by itself, so that an owner that is slow or away holds up nothing but its own groups.
    async fn send_for_ever(&self) {
        let mut sending = FuturesUnordered::new();
        // The groups in which something is being sent, and whether there may be more since it began.
        let mut busy: HashMap<GroupUri, bool> = HashMap::new();
        let mut pause = self.pause();
        let mut look = true;
        loop {
            if look {
                match self.read(|view| view.groups_to_send()).await {
                    Ok(groups) => {
                        (look, pause) = (false, self.pause());
                        for group in groups {
                            if let Some(more) = busy.get_mut(&group) {
                                *more = true;
                            } else {
                                busy.insert(group.clone(), false);
                                sending.push(self.send_until_sent(group));
                            }
                        }
                    }
                    Err(fault) => {
                        tracing::warn!(client = %self.uri(), %fault, "what waits is sent later");
                        pause.rest().await;
                        continue;
                    }
                }
            }
            tokio::select! {
                () = self.store.to_send.notified() => look = true,
                Some(group) = sending.next() => {
                    if busy.remove(&group) == Some(true) {
                        busy.insert(group.clone(), false);
                        sending.push(self.send_until_sent(group));
                    }
                }
            }
        }
    }

    async fn send_until_sent(&self, group: GroupUri) -> GroupUri {
        let mut pause = self.pause();
        while let Err(fault) = self.send_in(&group).await {
            tracing::debug!(%group, %fault, "what waits is sent later");
            pause.rest().await;
        }
        group
    }

    async fn work_for_ever(&self) {
        let mut look_due = self.ambient.instant();
        let mut pause = self.pause();
        loop {
            let turned = self.ambient.turned();
            let is_due = look_due <= self.ambient.instant();
            if is_due || self.stock_is_low().await {
                look_due = self.ambient.instant() + self.keep_stock().await;
            }
            if is_due && let Err(fault) = self.look_for_groups().await {
                tracing::debug!(client = %self.uri(), %fault, "groups are looked for later");
            }
            let rest = match self.work().await {
                Ok(rest) => {
                    pause.over();
                    rest
                }
                Err(fault) => {
                    tracing::debug!(client = %self.uri(), %fault, "work on the groups goes on later");
                    pause.next()
                }
            };
            let rest = rest.min(look_due.saturating_duration_since(self.ambient.instant()));
            tokio::select! {
                () = self.store.to_do.notified() => {}
                () = tokio::time::sleep(rest.min(LONGEST_REST)) => {}
                () = turned => {}
            }
        }
    }

    /// Removes what is left of forgotten conversations, also of those that were forgotten in an earlier life.
    async fn drop_for_ever(&self) {
        let mut pause = self.pause();
        loop {
            let begun = Instant::now();
            match self.step(|tx| tx.drop_forgotten()).await {
                // At most half of the time others wait for this.
                Ok(true) => tokio::time::sleep(begun.elapsed()).await,
                Ok(false) => {
                    pause.over();
                    self.store.to_drop.notified().await;
                }
                Err(fault) => {
                    tracing::warn!(client = %self.uri(), %fault, "what is left of forgotten conversations is removed later");
                    pause.rest().await;
                }
            }
        }
    }

    fn pause(&self) -> Pause<'_> {
        Pause { ambient: &*self.ambient, shortest: self.settings.pause, failures: 0 }
    }

    // ----- the feed

    /// Pulls one page and takes it in.
    async fn pull(&self) -> Result<(), ClientFault> {
        let Cursor { after, last, generation, unchecked } = self.read(|view| view.cursor()).await?;
        let wait = if unchecked { 0 } else { self.settings.wait.as_secs() };
        let query = FeedQuery { after, last, generation, wait, max_events: Some(PAGE), max_bytes: None };
        let page = match self.home.feed(query).await {
            Ok(page) => page,
            Err(HomeFault::Refused(problem)) => return self.start_anew(*problem).await,
            Err(fault) => return Err(fault.into()),
        };
        let caught_up = !page.more;
        self.take_page(page).await?;
        if unchecked && caught_up {
            self.check_groups().await?;
        }
        Ok(())
    }

    /// The feed has another history, or has dropped what this client has not seen.
    async fn start_anew(&self, problem: ReceivedProblem) -> Result<(), ClientFault> {
        if !matches!(problem.known(), Some(Code::FeedReset | Code::FeedTruncated)) {
            return Err(HomeFault::Refused(Box::new(problem)).into());
        }
        tracing::warn!(client = %self.uri(), code = problem.code, "the feed is read from its start");
        self.step(move |tx| {
            tx.set_cursor(&Cursor {
                generation: problem.members.generation,
                unchecked: true,
                ..Cursor::default()
            })?;
            tx.put(BEGUN_ANEW, &true)?;
            // What was sent by another history of a group is not to be gone on with.
            tx.forget_told_heads();
            tx.resubmit()
        })
        .await
    }

    async fn take_page(&self, page: FeedPage<ShownEvent>) -> Result<(), ClientFault> {
        let FeedPage { generation, items, .. } = page;
        let mut items: VecDeque<Item<ShownEvent>> = items.into();
        let mut objects = Objects::new();
        for item in &items {
            self.fetch_item(item, &mut objects).await?;
        }
        loop {
            let (left, held, gap) = self
                .step(move |tx| {
                    let gap = take_items(tx, &generation, &mut items, &objects)?;
                    Ok((items, objects, gap))
                })
                .await?;
            (items, objects) = (left, held);
            let Some((group, after, before)) = gap else {
                return Ok(());
            };
            self.close_gap(&group, after, before).await?;
        }
    }

    async fn fetch_item(&self, item: &Item<ShownEvent>, objects: &mut Objects) -> Result<(), ClientFault> {
        match &item.body {
            ItemBody::Event(shown) => self.fetch_event(&shown.event, objects).await,
            ItemBody::Welcome(welcome) => {
                self.fetch(&welcome.welcome, objects).await?;
                self.fetch(&welcome.ratchet_tree, objects).await
            }
            _ => Ok(()),
        }
    }

    async fn fetch_event(&self, event: &Event, objects: &mut Objects) -> Result<(), ClientFault> {
        match &event.body {
            // The first GroupInfo is of no use to a member.
            Some(body) if event.seq > 1 => self.fetch(body, objects).await,
            _ => Ok(()),
        }
    }

    async fn fetch(&self, body: &Body, objects: &mut Objects) -> Result<(), ClientFault> {
        if let Body::Object(object) = body
            && !objects.contains_key(&object.sha256)
        {
            match self.home.object(&object.sha256).await {
                Ok(bytes) if Hash32::of(&bytes) == object.sha256 => {
                    objects.insert(object.sha256, bytes);
                }
                // What is not to be had, or is something else, is as if retention had dropped it.
                Ok(_) | Err(HomeFault::Refused(_)) => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(())
    }

    /// Takes in the events after a number from the log. What the log has not got before `before` is lost.
    async fn close_gap(
        &self,
        group: &GroupUri,
        mut after: u64,
        before: Option<u64>,
    ) -> Result<(), ClientFault> {
        loop {
            let query = LogQuery { after, max_events: Some(PAGE), max_bytes: None };
            let page = match self.home.log(group, query).await {
                Ok(page) => page,
                Err(HomeFault::Refused(problem)) => {
                    tracing::warn!(%group, code = problem.code, "the log is not to be had");
                    let Some(before) = before else {
                        return Ok(());
                    };
                    let group = group.clone();
                    return self.step(move |tx| group::lost_until(tx, &group, before)).await;
                }
                Err(fault) => return Err(fault.into()),
            };
            let mut objects = Objects::new();
            for shown in &page.events {
                self.fetch_event(&shown.event, &mut objects).await?;
            }
            let (name, events) = (group.clone(), page.events);
            let (reached, whole) = self
                .step(move |tx| {
                    let mut whole = true;
                    for shown in &events {
                        let body = body_of(&shown.event, &objects);
                        whole &= group::take_event(tx, shown, body)? == Taken::Done;
                    }
                    Ok((tx.conversation(&name)?.map_or(u64::MAX, |one| one.head), whole))
                })
                .await?;
            if before.is_some_and(|before| reached + 1 >= before) {
                return Ok(());
            }
            if !page.more || !whole || reached <= after {
                let Some(before) = before else {
                    return Ok(());
                };
                let group = group.clone();
                return self.step(move |tx| group::lost_until(tx, &group, before)).await;
            }
            after = reached;
        }
    }

    /// After a start, or where the feed began anew: closes each group from its log, and joins those that this client
    /// should be in and has no state of.
    async fn check_groups(&self) -> Result<(), ClientFault> {
        let known = self.read(|view| view.conversations()).await?;
        let follows = |one: &&Conversation| one.is_member() || one.standing == Standing::Joining;
        for conversation in known.iter().filter(follows).filter(|one| one.registering.is_none()) {
            self.close_gap(&conversation.group, conversation.head, None).await?;
        }
        if self.read(|view| view.get::<bool>(BEGUN_ANEW)).await? == Some(true) {
            for conversation in known.iter().filter(|one| one.is_member() && one.registering.is_none()) {
                self.have_joinable(&conversation.group).await?;
            }
        }
        self.find_groups().await?;
        self.step(move |tx| {
            let cursor = tx.cursor()?;
            tx.ring_to_do();
            tx.resubmit()?;
            tx.put(BEGUN_ANEW, &false)?;
            tx.set_cursor(&Cursor { unchecked: false, ..cursor })
        })
        .await
    }

    /// An owner that has lost what new clients need to come in has it again with the next commit: this client makes one, unless
    /// another was faster.
    async fn have_joinable(&self, group: &GroupUri) -> Result<(), ClientFault> {
        match self.home.info(group).await {
            Ok(_) | Err(HomeFault::Refused(_)) => return Ok(()),
            // It has lost that, or it is away: then the commit comes to it when it is back.
            Err(_) => {}
        }
        let name = group.clone();
        self.step(move |tx| {
            if tx.conversation(&name)?.is_some_and(|one| one.is_member()) {
                tx.want(&name, Want::Renew, tx.now)?;
                tx.ring_to_do();
            }
            Ok(())
        })
        .await
    }

    /// As [`find_groups`](Self::find_groups), unless the feed has yet to be read, which may have Welcomes.
    async fn look_for_groups(&self) -> Result<(), ClientFault> {
        if self.read(|view| Ok(view.cursor()?.unchecked)).await? { Ok(()) } else { self.find_groups().await }
    }

    /// Joins the groups that this client's user is in, and this client is not: they are older than it, or their Welcome
    /// was lost.
    async fn find_groups(&self) -> Result<(), ClientFault> {
        let groups = self.home.groups().await?.groups;
        self.step(move |tx| {
            for OwnGroup { group, head, .. } in groups {
                let known = tx.conversation(&group)?;
                let back = |known: &Conversation| known.standing == Standing::Removed && known.head < head;
                if tx.forgotten_after(&group)?.is_some() {
                    continue;
                }
                if known.as_ref().is_none_or(back) {
                    let mut conversation =
                        known.unwrap_or_else(|| Conversation::new(group, Standing::Member));
                    conversation.broke("This client has no state of the group; it joins by itself.");
                    // A Welcome may be on its way: that is the better way in.
                    conversation.retry_at = tx.now.plus(tx.settings.pause * 4);
                    tx.set_conversation(&conversation)?;
                    tx.ring_to_do();
                }
            }
            Ok(())
        })
        .await
    }

    /// Reads a group's log as far as its owner has it, once in each life of this client: own events in it that the store has
    /// no record of show that the store is an older copy (`docs/mtp.md`, section 12).
    async fn compare(&self, group: &GroupUri) -> Result<(), ClientFault> {
        let name = group.clone();
        let standing = self.read(move |view| {
            let Some(conversation) = view.conversation(&name)? else { return Ok(None) };
            let may_make = conversation.is_member() && conversation.registering.is_none();
            let is_left = may_make && !conversation.is_compared(view);
            Ok(is_left.then(|| (conversation.head, view.told_head(&name))))
        });
        let Some((head, told)) = standing.await? else { return Ok(()) };
        let told = match told {
            Some(told) => told,
            None => {
                let status = self.home.status(group).await?;
                let (name, told) = (group.clone(), status.head);
                self.step(move |tx| {
                    tx.set_told_head(&name, told);
                    group::hold_status(tx, &name, told, &status.hash)
                })
                .await?;
                told
            }
        };
        if head < told {
            self.close_gap(group, head, None).await?;
        }
        let name = group.clone();
        let is_behind = self.read(move |view| {
            let conversation = view.conversation(&name)?;
            Ok(conversation.is_some_and(|one| one.is_member() && !one.is_compared(view)))
        });
        if is_behind.await? {
            let why = format!("events up to {told} of a group are still to come");
            return Err(HomeFault::Away(why).into());
        }
        Ok(())
    }

    // ----- sending

    /// Encrypts and submits what waits in a group, until nothing does.
    async fn send_in(&self, group: &GroupUri) -> Result<(), ClientFault> {
        loop {
            self.compare(group).await?;
            let name = group.clone();
            let mut ready = self.step(move |tx| group::encrypt(tx, &name)).await?;
            ready.truncate(SUBMISSIONS);
            if ready.is_empty() {
                return Ok(());
            }
            let count = ready.len();
            let results = match self.home.submit(group, ready.clone()).await {
                Ok(results) => results,
                Err(HomeFault::Refused(problem)) => {
                    // Refused as a whole is refused one by one.
                    let outcome = Outcome::Rejected(problem);
                    ready
                        .into_iter()
                        .map(|submission| SubmissionResult { id: submission.id, outcome: outcome.clone() })
                        .collect()
                }
                Err(fault) => return Err(fault.into()),
            };
            let passing = results
                .iter()
                .any(|result| matches!(&result.outcome, Outcome::Rejected(problem) if is_passing(problem)));
            let answered = results.len();
            self.step(move |tx| group::take_results(tx, &results)).await?;
            if passing || answered < count {
                return Err(HomeFault::Away("the owner of a group takes nothing for now".into()).into());
            }
        }
    }

    // ----- groups

    /// Does what is due in each group; says how long nothing will be.
    async fn work(&self) -> Result<Duration, ClientFault> {
        let groups: Vec<GroupUri> = self
            .read(|view| {
                Ok(view
                    .conversations()?
                    .into_iter()
                    .filter(|one| !one.is_over())
                    .map(|one| one.group)
                    .collect())
            })
            .await?;
        let mut rest = LONGEST_REST;
        let mut fault = None;
        for done in join_all(groups.iter().map(|group| self.work_in(group))).await {
            match done {
                Ok(next) => rest = rest.min(next),
                Err(away) => fault = Some(away),
            }
        }
        fault.map_or(Ok(rest), Err)
    }

    async fn work_in(&self, group: &GroupUri) -> Result<Duration, ClientFault> {
        let name = group.clone();
        let plan = self.step(move |tx| group::plan(tx, &name)).await;
        let name = group.clone();
        let rest = match plan {
            Ok(Plan::Rest(until)) => return Ok(rest_until(self.ambient.now(), until)),
            Ok(Plan::Send) => return Ok(LONGEST_REST),
            Ok(Plan::Register(register)) => {
                self.register(*register).await?;
                self.settings.pause
            }
            Ok(Plan::Close(after)) => {
                self.close_gap(group, after, None).await?;
                self.step(move |tx| {
                    let mut conversation = tx.the_conversation(&name)?;
                    // Where even the log is not there, the owner has told of an epoch that it has not reached.
                    conversation.wait_for = 0;
                    tx.ring_to_send();
                    tx.set_conversation(&conversation)
                })
                .await?;
                Duration::ZERO
            }
            Ok(Plan::Compare) => {
                self.compare(group).await?;
                Duration::ZERO
            }
            Ok(Plan::Rejoin) => {
                let info = match self.home.info(group).await {
                    Ok(info) => info,
                    Err(HomeFault::Refused(problem)) => return self.not_let_in(group, *problem).await,
                    Err(fault) => return Err(fault.into()),
                };
                self.tried(group, move |tx| group::rejoin(tx, &name, &info)).await?
            }
            Ok(Plan::Claim { users, suite }) => {
                let claim = ClientClaimRequest { group: name.clone(), users, cipher_suites: vec![suite] };
                let claimed = self.home.claim(claim).await?;
                self.tried(group, move |tx| group::commit(tx, &name, Some(&claimed)).map(drop)).await?
            }
            Err(fault) => self.tried(group, move |_| Err(fault)).await?,
        };
        Ok(rest)
    }

    /// Runs a step whose faults concern the group alone: it is tried again later.
    async fn tried(
        &self,
        group: &GroupUri,
        step: impl FnOnce(&Tx<'_>) -> Result<(), ClientFault> + Send + 'static,
    ) -> Result<Duration, ClientFault> {
        let fault = match self.step(step).await {
            Ok(()) => return Ok(Duration::ZERO),
            Err(fault @ ClientFault::Mls(_)) => fault,
            Err(fault) => return Err(fault),
        };
        tracing::warn!(%group, %fault, "what is wanted in the group cannot be done");
        let (name, pause) = (group.clone(), self.settings.pause);
        self.step(move |tx| {
            let mut conversation = tx.the_conversation(&name)?;
            conversation.put_off(tx.now, pause);
            if conversation.is_member() && conversation.refused > 3 {
                conversation.broke("MLS does not allow what is wanted; the client joins anew.");
                conversation.refused = 0;
            }
            tx.set_conversation(&conversation)
        })
        .await?;
        Ok(pause)
    }

    /// There is no GroupInfo for this client: it is no longer in the group, or its provider is not.
    async fn not_let_in(&self, group: &GroupUri, problem: ReceivedProblem) -> Result<Duration, ClientFault> {
        let (name, pause) = (group.clone(), self.settings.pause);
        let gone = matches!(problem.known(), Some(Code::NotFound | Code::NotParticipant | Code::Gone));
        self.step(move |tx| {
            let mut conversation = tx.the_conversation(&name)?;
            conversation.put_off(tx.now, pause);
            conversation.trouble = problem.detail.or(Some(problem.code));
            if gone && conversation.refused > 3 {
                group::shut_out(tx, &mut conversation)?;
            }
            tx.set_conversation(&conversation)
        })
        .await?;
        Ok(pause)
    }

    // ----- KeyPackages

    async fn stock_is_low(&self) -> bool {
        self.read(|view| view.get::<bool>("stock-low")).await.ok().flatten().unwrap_or(false)
    }

    /// Publishes KeyPackages where there are too few; says when to look again.
    async fn keep_stock(&self) -> Duration {
        match self.fill_stock().await {
            Ok(()) => self.settings.look_every,
            Err(fault) => {
                tracing::debug!(client = %self.uri(), %fault, "KeyPackages are published later");
                LONGEST_REST
            }
        }
    }

    async fn fill_stock(&self) -> Result<(), ClientFault> {
        self.step(|tx| {
            let provider = mls::Provider::new(tx);
            // The private keys of what nobody can use are destroyed.
            for useless in tx.useless_packages()? {
                provider.forget_package(&useless.reference)?;
                tx.forget_package(&useless.reference)?;
            }
            Ok(())
        })
        .await?;
        // What was made before may not have arrived.
        self.publish_unpublished().await?;
        let stock = self.home.stock().await?;
        self.step(move |tx| {
            let provider = mls::Provider::new(tx);
            for suite in mls::CIPHER_SUITES {
                let (low, full) = stock_of(tx.settings, suite);
                let available = stock.of(suite.into());
                if available < low {
                    for _ in available..full {
                        provider.make_package(tx, suite, false)?;
                    }
                }
            }
            if !(stock.last_resort
                && tx.has_last_resort_until(tx.now.plus(tx.settings.package_lifetime / 3))?)
            {
                provider.make_package(tx, mls::CIPHER_SUITES[0], true)?;
            }
            Ok(())
        })
        .await?;
        self.publish_unpublished().await?;
        self.step(|tx| tx.put("stock-low", &false)).await
    }

    /// Gives the provider the KeyPackages that it has not got.
    async fn publish_unpublished(&self) -> Result<(), ClientFault> {
        let packages = self.read(|view| view.unpublished_packages()).await?;
        if packages.is_empty() {
            return Ok(());
        }
        let publish = PublishKeyPackages {
            key_packages: packages
                .iter()
                .filter(|one| !one.last_resort)
                .map(|one| one.bytes.clone())
                .collect(),
            last_resort: packages.iter().rfind(|one| one.last_resort).map(|one| one.bytes.clone()),
        };
        self.home.publish(publish).await?;
        self.step(move |tx| tx.published(&packages)).await
    }
}

/// Of a suite: below how many KeyPackages there will be more, and how many then. Most groups have the default one.
fn stock_of(settings: &Settings, suite: Ciphersuite) -> (u64, u64) {
    let share = |all: u64| if suite == mls::CIPHER_SUITES[0] { all } else { all.div_ceil(OTHER_SUITES) };
    (share(settings.stock_low), share(settings.stock_full))
}

/// Takes in items until one needs what the log has; gives the group, what it has and what it needs.
fn take_items(
    tx: &Tx<'_>,
    generation: &Generation,
    items: &mut VecDeque<Item<ShownEvent>>,
    objects: &Objects,
) -> Result<Option<(GroupUri, u64, Option<u64>)>, ClientFault> {
    let mut cursor = tx.cursor()?;
    cursor.generation = Some(*generation);
    let mut gap = None;
    while let Some(item) = items.front() {
        if item.seq > cursor.after {
            if let Some(found) = take_item(tx, item, objects)? {
                gap = Some(found);
                break;
            }
            (cursor.after, cursor.last) = (item.seq, Some(item.id));
        }
        items.pop_front();
    }
    tx.set_cursor(&cursor)?;
    Ok(gap)
}

fn take_item(
    tx: &Tx<'_>,
    item: &Item<ShownEvent>,
    objects: &Objects,
) -> Result<Option<(GroupUri, u64, Option<u64>)>, ClientFault> {
    match &item.body {
        ItemBody::Event(shown) => {
            let event = &shown.event;
            if let Taken::Gap(after) = group::take_event(tx, shown, body_of(event, objects))? {
                return Ok(Some((event.group.clone(), after, Some(event.seq))));
            }
        }
        ItemBody::Welcome(welcome) => {
            let (bytes, tree) =
                (bytes_of(&welcome.welcome, objects), bytes_of(&welcome.ratchet_tree, objects));
            let taken = group::take_welcome(
                tx,
                &welcome.group,
                &welcome.key_package_refs,
                welcome.from_seq,
                bytes.unwrap_or_default(),
                tree.unwrap_or_default(),
            )?;
            if let Taken::Gap(after) = taken {
                return Ok(Some((welcome.group.clone(), after, Some(welcome.from_seq))));
            }
        }
        ItemBody::Result(item) => group::take_result(tx, &item.result)?,
        ItemBody::Proved(proved) => tx.proved(proved)?,
        ItemBody::Removed(removed) => group::take_removed(tx, &removed.group, removed.after_seq)?,
        ItemBody::Connection(_) => tx.changed(ClientChange::Requests),
        ItemBody::Authorization(item) => {
            tx.changed(ClientChange::Requests);
            let here = tx.conversation(&item.group)?.is_some_and(|one| !one.is_over());
            let open = item.state == ConnectionState::Pending;
            if here && !open && item.adder == *tx.user() && item.user != *tx.user() {
                tx.asked_to_add(&item.group, &item.user, item.state)?;
            }
        }
        _ => {}
    }
    Ok(None)
}

fn bytes_of<'a>(body: &'a Body, objects: &'a Objects) -> Option<&'a [u8]> {
    match body {
        Body::Here(bytes) => Some(bytes.as_slice()),
        Body::Object(object) => objects.get(&object.sha256).map(Vec::as_slice),
    }
}

fn body_of<'a>(event: &'a Event, objects: &'a Objects) -> Option<&'a [u8]> {
    event.body.as_ref().and_then(|body| bytes_of(body, objects))
}

fn is_passing(problem: &ReceivedProblem) -> bool {
    matches!(problem.known(), Some(Code::RateLimited | Code::Unavailable))
}

fn rest_until(now: Timestamp, until: Option<Timestamp>) -> Duration {
    until.map_or(LONGEST_REST, |until| until.since(now) + Duration::from_millis(1))
}

/// The pauses after failures: doubling, with jitter.
struct Pause<'a> {
    ambient: &'a dyn Ambient,
    shortest: Duration,
    failures: u32,
}

impl Pause<'_> {
    fn over(&mut self) {
        self.failures = 0;
    }

    fn next(&mut self) -> Duration {
        let whole = self.shortest * 2u32.pow(self.failures.min(6));
        self.failures = self.failures.saturating_add(1);
        let [noise] = self.ambient.random::<1>();
        whole.mul_f64(0.5 + f64::from(noise) / 512.0)
    }

    async fn rest(&mut self) {
        tokio::time::sleep(self.next()).await;
    }
}
