//! All providers at once, in memory: it orders each group as an owner does, with a real `PublicGroup`, and keeps one
//! feed for each client. It can lose answers, queue what is submitted, repeat what it has told, and forget feeds.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use drawbridge_client::{Answer, Home, HomeFault};
use drawbridge_mtp::{
    id::{ClientUri, Generation, GroupUri, Id, Provider, UserUri},
    message::{
        AskToAdd, AskToConnect, Asked, AuthorizationItem, Body, ClaimReply, ClaimedClient, ClaimedUser,
        ClientClaim, ClientClaimRequest, ConnectionState, Event, EventKind, FeedPage, FeedQuery,
        GroupInfoReply, GroupStatus, Item, ItemBody, KeyPackageStock, LogPage, LogQuery, Outcome, OwnGroup,
        OwnGroups, Placed, Proved, PublishKeyPackages, RegisterGroup, ResultItem, Roster, RosterMember,
        ShownAuthorizations, ShownConnections, ShownEvent, Submission, SubmissionKind, SubmissionResult,
        SuiteStock, Title, UserClaim, Welcome,
    },
    octets::{Hash32, Octets},
    policy::Policy,
    problem::{Code, Problem, ReceivedProblem},
    time::Timestamp,
};
use openmls::{
    group::{ProposalStore, PublicGroup},
    prelude::{
        BasicCredential, Credential, KeyPackageIn, MlsMessageBodyIn, MlsMessageIn, OpenMlsProvider,
        ProcessedMessageContent, ProtocolMessage, ProtocolVersion, RatchetTreeIn, Sender,
        tls_codec::{Deserialize, Serialize},
    },
};
use openmls_rust_crypto::OpenMlsRustCrypto;
use tokio::sync::watch;

/// The world; a clone is the same world.
#[derive(Clone)]
pub(crate) struct World {
    state: Arc<Mutex<State>>,
    bell: watch::Sender<u64>,
}

struct State {
    random: u64,
    clock: u64,
    faults: Faults,
    mailboxes: BTreeMap<ClientUri, Mailbox>,
    groups: BTreeMap<GroupUri, Group>,
    asked: Vec<(Id, GroupUri, UserUri, UserUri, ConnectionState)>,
    /// What the groups were called where somebody was asked.
    titles: Vec<Option<Title>>,
    queued: VecDeque<(ClientUri, GroupUri, Submission)>,
    objects: HashMap<Hash32, Vec<u8>>,
    refused: Vec<String>,
    /// From whom what is numbered now was read back.
    reading_back: Option<Provider>,
    /// From whom events were read back that are not proved.
    unproved: HashMap<(GroupUri, u64), Provider>,
}

/// How many of a hundred calls go wrong in which way.
#[derive(Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) unanswered: u64,
    pub(crate) unheard: u64,
    pub(crate) queued: u64,
    pub(crate) repeated: u64,
    /// Bodies over this many bytes are objects.
    pub(crate) inline: Option<usize>,
    /// Whether users agree at once to be added.
    pub(crate) agreeing: bool,
}

struct Mailbox {
    generation: Generation,
    first: u64,
    items: Vec<Item>,
    packages: VecDeque<Octets>,
    last_resort: Option<Octets>,
    handed: HashMap<(GroupUri, UserUri), Octets>,
}

struct Group {
    provider: OpenMlsRustCrypto,
    public: PublicGroup,
    info: Octets,
    log: Vec<Event>,
    results: HashMap<(ClientUri, Id), Placed>,
    leaving: BTreeSet<ClientUri>,
    /// Who was in it from which event on.
    rosters: Vec<(u64, BTreeSet<ClientUri>)>,
}

/// An application message in a group's log.
pub(crate) struct Sent {
    pub(crate) seq: u64,
    pub(crate) time: Timestamp,
    /// Who was a member then, and in the epoch that it was sent for.
    pub(crate) members: BTreeSet<ClientUri>,
}

/// One client's view of the world.
#[derive(Clone)]
pub(crate) struct InMemoryHome {
    world: World,
    client: ClientUri,
}

fn refuse<T>(problem: Problem) -> Answer<T> {
    Err(HomeFault::from(ReceivedProblem::from(problem)))
}

fn away<T>() -> Answer<T> {
    Err(HomeFault::Away("the test says so".into()))
}

fn client_of(credential: &Credential) -> ClientUri {
    let basic = BasicCredential::try_from(credential.clone()).unwrap();
    std::str::from_utf8(basic.identity()).unwrap().parse().unwrap()
}

fn message(bytes: &[u8]) -> MlsMessageBodyIn {
    MlsMessageIn::tls_deserialize(&mut &*bytes).unwrap().extract()
}

fn suite_of(package: &Octets) -> u16 {
    let MlsMessageBodyIn::KeyPackage(package) = message(package.as_slice()) else {
        panic!("a KeyPackage is an MLSMessage");
    };
    let crypto = openmls_rust_crypto::RustCrypto::default();
    KeyPackageIn::validate(package, &crypto, ProtocolVersion::Mls10).unwrap().ciphersuite().into()
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        // What happened is shown where a test fails.
        let _ = tracing_subscriber::fmt().with_env_filter("it=trace,drawbridge_client=trace").try_init();
        let state = State {
            random: seed,
            clock: 0,
            faults: Faults { agreeing: true, ..Faults::default() },
            mailboxes: BTreeMap::new(),
            groups: BTreeMap::new(),
            asked: Vec::new(),
            titles: Vec::new(),
            queued: VecDeque::new(),
            objects: HashMap::new(),
            refused: Vec::new(),
            reading_back: None,
            unproved: HashMap::new(),
        };
        Self { state: Arc::new(Mutex::new(state)), bell: watch::Sender::new(0) }
    }

    pub(crate) fn home_of(&self, client: &str) -> InMemoryHome {
        let client: ClientUri = client.parse().unwrap();
        let mut state = self.lock();
        let generation = Generation::from(state.id());
        state.mailboxes.entry(client.clone()).or_insert(Mailbox {
            generation,
            first: 1,
            items: Vec::new(),
            packages: VecDeque::new(),
            last_resort: None,
            handed: HashMap::new(),
        });
        drop(state);
        InMemoryHome { world: self.clone(), client }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn ring(&self) {
        self.bell.send_modify(|count| *count += 1);
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    /// What the groups were called where somebody was asked to be added.
    pub(crate) fn titles(&self) -> Vec<Option<Title>> {
        self.lock().titles.clone()
    }

    /// From now on, what is numbered has been read back from `from`, and is not proved; none where it is as always.
    pub(crate) fn reads_back(&self, from: Option<&str>) {
        self.lock().reading_back = from.map(|from| from.parse().unwrap());
    }

    /// What was read back in a group is proved from one event to another.
    pub(crate) fn proves(&self, group: &GroupUri, from_seq: u64, until_seq: u64) {
        let mut state = self.lock();
        state.unproved.retain(|(of, seq), _| of != group || !(from_seq..=until_seq).contains(seq));
        let clients: Vec<_> = state.mailboxes.keys().cloned().collect();
        for client in clients {
            state.tell(&client, ItemBody::Proved(Proved { group: group.clone(), from_seq, until_seq }));
        }
        drop(state);
        self.ring();
    }

    /// What owners have refused, other than conflicts.
    pub(crate) fn refused(&self) -> Vec<String> {
        self.lock().refused.clone()
    }

    /// The epoch and the members of a group.
    pub(crate) fn group(&self, group: &GroupUri) -> (u64, Vec<ClientUri>) {
        let state = self.lock();
        let group = &state.groups[group];
        let mut members: Vec<_> = group.public.members().map(|m| client_of(&m.credential)).collect();
        members.sort();
        (group.public.group_context().epoch().as_u64(), members)
    }

    /// The application messages of a group.
    pub(crate) fn sent(&self, group: &GroupUri) -> Vec<Sent> {
        let state = self.lock();
        let group = &state.groups[group];
        let members = |seq| {
            let (_, members) = group.rosters.iter().rev().find(|(from, _)| *from <= seq).unwrap();
            members.clone()
        };
        let sent = group.log.iter().filter(|event| event.kind == EventKind::Application);
        // The commit that began an epoch is the one that ended the one before.
        let began = |epoch: u64| {
            let ended = |event: &&Event| event.kind == EventKind::Commit && event.epoch + 1 == epoch;
            group.log.iter().find(ended).map_or(1, |event| event.seq)
        };
        sent.map(|event| {
            let meant = members(began(event.epoch));
            let members = members(event.seq).intersection(&meant).cloned().collect();
            Sent { seq: event.seq, time: event.time, members }
        })
        .collect()
    }

    /// Judges what is queued, and tells the results by the feed.
    pub(crate) fn deliver_queued(&self) {
        let mut state = self.lock();
        while let Some((client, group, submission)) = state.queued.pop_front() {
            let result = state.judge(&client, &group, submission);
            state.tell(&client, ItemBody::Result(ResultItem { group, result }));
        }
        drop(state);
        self.ring();
    }

    /// Forgets a client's feed: another history, that begins with what is told next.
    pub(crate) fn forget_feed(&self, client: &ClientUri) {
        let mut state = self.lock();
        let generation = Generation::from(state.id());
        let mailbox = state.mailboxes.get_mut(client).unwrap();
        mailbox.generation = generation;
        mailbox.items.clear();
        mailbox.first = 1;
        drop(state);
        self.ring();
    }

    /// A user agrees to everything it has been asked.
    pub(crate) fn agree(&self, user: &UserUri) {
        let mut state = self.lock();
        for at in 0..state.asked.len() {
            if state.asked[at].3 == *user {
                state.decide(at);
            }
        }
        drop(state);
        self.ring();
    }
}

impl State {
    fn random(&mut self) -> u64 {
        // SplitMix64.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.random() % 100 < percent
    }

    fn now(&mut self) -> Timestamp {
        self.clock += 1;
        Timestamp::from_secs(1_800_000_000).plus(Duration::from_millis(self.clock))
    }

    fn id(&mut self) -> Id {
        let now = self.now();
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.random().to_be_bytes());
        Id::new(now, random)
    }

    fn tell(&mut self, client: &ClientUri, body: ItemBody) {
        let id = self.id();
        if let Some(mailbox) = self.mailboxes.get_mut(client) {
            let seq = mailbox.first + mailbox.items.len() as u64;
            mailbox.items.push(Item { seq, id, body });
        }
    }

    fn unproved_from(&self, event: &Event) -> Option<Provider> {
        self.unproved.get(&(event.group.clone(), event.seq)).cloned()
    }

    fn body(&mut self, bytes: Vec<u8>) -> Body {
        if self.faults.inline.is_some_and(|most| bytes.len() > most) {
            let sha256 = Hash32::of(&bytes);
            let size = bytes.len() as u64;
            self.objects.insert(sha256, bytes);
            Body::Object(drawbridge_mtp::message::ObjectRef { sha256, size })
        } else {
            Body::of(bytes)
        }
    }

    fn decide(&mut self, at: usize) {
        let (id, group, adder, user, state) = self.asked[at].clone();
        if state == ConnectionState::Approved {
            return;
        }
        self.asked[at].4 = ConnectionState::Approved;
        let time = self.now();
        let grant = Some(format!("grant-{id}"));
        let clients: Vec<_> = self.mailboxes.keys().filter(|c| *c.user() == adder).cloned().collect();
        let item =
            AuthorizationItem { id, group, adder, user, state: ConnectionState::Approved, grant, time };
        for client in clients {
            self.tell(&client, ItemBody::Authorization(item.clone()));
        }
    }

    fn judge(&mut self, client: &ClientUri, name: &GroupUri, submission: Submission) -> SubmissionResult {
        let id = submission.id;
        let known = self.groups.get(name).and_then(|group| group.results.get(&(client.clone(), id)).copied());
        if let Some(placed) = known {
            return SubmissionResult { id, outcome: Outcome::Duplicate(placed) };
        }
        match self.accept(client, name, submission) {
            Ok(placed) => {
                self.groups.get_mut(name).unwrap().results.insert((client.clone(), id), placed);
                SubmissionResult { id, outcome: Outcome::Accepted(placed) }
            }
            Err(problem) => {
                if problem.code != Code::EpochConflict {
                    self.refused.push(format!("{client}: {} {}", problem.code, problem.detail));
                }
                SubmissionResult { id, outcome: Outcome::Rejected(Box::new(ReceivedProblem::from(problem))) }
            }
        }
    }

    fn accept(
        &mut self,
        client: &ClientUri,
        name: &GroupUri,
        submission: Submission,
    ) -> Result<Placed, Problem> {
        let time = self.now();
        let invalid = |fault: String| Problem::new(Code::InvalidMls, fault);
        let group = self.groups.get_mut(name).ok_or_else(|| Problem::new(Code::NotFound, "no such group"))?;
        let current = group.public.group_context().epoch().as_u64();
        let before: BTreeSet<ClientUri> = group.public.members().map(|m| client_of(&m.credential)).collect();
        let message = match message(submission.mls.as_slice()) {
            MlsMessageBodyIn::PublicMessage(message) => ProtocolMessage::from(message),
            MlsMessageBodyIn::PrivateMessage(message) => message.into(),
            _ => return Err(invalid("neither public nor private".into())),
        };
        let epoch = message.epoch().as_u64();
        let conflict = || Problem::new(Code::EpochConflict, "another epoch").with_epoch(current);
        let external = message.is_external();
        if !external && !before.contains(client) {
            return Err(Problem::new(Code::NotParticipant, "not a member"));
        }
        if external && !before.iter().any(|member| member.user() == client.user()) {
            return Err(Problem::new(Code::NotParticipant, "the user is not a member"));
        }
        let mut welcomed = Vec::new();
        match submission.kind {
            SubmissionKind::Application => {
                assert!(matches!(message, ProtocolMessage::PrivateMessage(_)));
                if group.leaving.contains(client) {
                    return Err(Problem::new(Code::NotAuthorized, "it is leaving"));
                }
                if epoch > current || epoch + 2 < current {
                    return Err(conflict());
                }
            }
            SubmissionKind::Proposal | SubmissionKind::Commit => {
                if epoch != current {
                    return Err(conflict());
                }
                let processed = group
                    .public
                    .process_message(group.provider.crypto(), message)
                    .map_err(|fault| invalid(format!("{fault:?}")))?;
                assert_eq!(client_of(processed.credential()), *client);
                let policy = group.public.group_context().extensions().unknown(0xF4D0).unwrap();
                let policy = Policy::from_cbor(&policy.0).unwrap();
                match processed.into_content() {
                    ProcessedMessageContent::ProposalMessage(proposal) => {
                        group.public.add_proposal(group.provider.storage(), *proposal).unwrap();
                        group.leaving.insert(client.clone());
                    }
                    ProcessedMessageContent::StagedCommitMessage(staged) => {
                        let users: BTreeSet<&UserUri> = before.iter().map(ClientUri::user).collect();
                        let mut added = Vec::new();
                        for add in staged.add_proposals() {
                            let package = add.add_proposal().key_package();
                            let who = client_of(package.leaf_node().credential());
                            if !users.contains(who.user()) {
                                if !policy.lets(policy.add, client.user()) {
                                    return Err(Problem::new(Code::NotAuthorized, "may not add"));
                                }
                                let granted = self.asked.iter().any(|(id, of, adder, user, state)| {
                                    (of, adder, user) == (name, client.user(), who.user())
                                        && *state == ConnectionState::Approved
                                        && submission.grants.contains(&format!("grant-{id}"))
                                });
                                if !granted {
                                    return Err(Problem::new(Code::GrantInvalid, "no grant"));
                                }
                            }
                            let reference = package.hash_ref(group.provider.crypto()).unwrap();
                            added.push((who, Octets(reference.as_slice().to_vec())));
                        }
                        for removal in staged.remove_proposals() {
                            let leaf = removal.remove_proposal().removed();
                            let own = *removal.sender() == Sender::Member(leaf);
                            let who = client_of(group.public.leaf(leaf).unwrap().credential());
                            let same = who.user() == client.user();
                            if !own && !same && !policy.is_admin(client.user()) {
                                return Err(Problem::new(Code::NotAuthorized, "may not remove"));
                            }
                        }
                        group
                            .public
                            .merge_commit(group.provider.storage(), *staged)
                            .map_err(|fault| invalid(format!("{fault:?}")))?;
                        group.info = submission.group_info.clone().expect("a commit brings its GroupInfo");
                        let MlsMessageBodyIn::GroupInfo(_) = self::message(group.info.as_slice()) else {
                            panic!("a GroupInfo is an MLSMessage");
                        };
                        group.leaving.clear();
                        assert_eq!(added.is_empty(), submission.welcome.is_none());
                        welcomed = added;
                    }
                    _ => return Err(invalid("neither proposal nor commit".into())),
                }
            }
        }
        let after: BTreeSet<ClientUri> = group.public.members().map(|m| client_of(&m.credential)).collect();
        // A grant is good once, and so is what was handed out under it.
        for user in after.difference(&before).map(ClientUri::user) {
            self.asked.retain(|(_, of, adder, whom, _)| (of, adder, whom) != (name, client.user(), user));
            for mailbox in self.mailboxes.iter_mut().filter(|(whose, _)| whose.user() == user) {
                mailbox.1.handed.remove(&(name.clone(), client.user().clone()));
            }
        }
        let tree = group.public.export_ratchet_tree().tls_serialize_detached().unwrap();
        let last = group.log.last().unwrap();
        let (seq, prev) = (last.seq + 1, last.hash);
        let body_hash = Hash32::of(submission.mls.as_slice());
        let body = self.body(submission.mls.0);
        let mut event = Event {
            group: name.clone(),
            seq,
            kind: submission.kind.into(),
            epoch,
            sender: client.clone(),
            time,
            grants: Vec::new(),
            body: Some(body),
            body_hash,
            prev,
            hash: Hash32::default(),
        };
        event.hash = event.computed_hash();
        let group = self.groups.get_mut(name).unwrap();
        tracing::trace!(seq, kind = %submission.kind, epoch, %client, members = after.len(), "numbered");
        group.log.push(event.clone());
        if let (EventKind::Application, Some(from)) = (event.kind, &self.reading_back) {
            self.unproved.insert((name.clone(), seq), from.clone());
        }
        let group = self.groups.get_mut(name).unwrap();
        group.rosters.push((seq, after.clone()));
        for (who, reference) in welcomed {
            let welcome = Welcome {
                group: name.clone(),
                welcome: self.body(submission.welcome.clone().unwrap().0),
                key_package_refs: vec![reference],
                ratchet_tree: self.body(tree.clone()),
                from_seq: seq,
            };
            self.tell(&who, ItemBody::Welcome(welcome));
        }
        for member in before.union(&after) {
            self.tell(member, ItemBody::Event(event.clone()));
        }
        Ok(Placed { seq, hash: event.hash, time })
    }
}

impl InMemoryHome {
    /// Before a call: whether it is not heard.
    async fn enter(&self) -> Answer<()> {
        tokio::task::yield_now().await;
        let mut state = self.world.lock();
        let percent = state.faults.unheard;
        if state.chance(percent) { away() } else { Ok(()) }
    }

    /// After a call: whether its answer is lost.
    fn leave<T>(&self, answer: Answer<T>) -> Answer<T> {
        let mut state = self.world.lock();
        let percent = state.faults.unanswered;
        if state.chance(percent) { away() } else { answer }
    }
}

impl Home for InMemoryHome {
    fn client(&self) -> &ClientUri {
        &self.client
    }

    async fn publish(&self, packages: PublishKeyPackages) -> Answer<KeyPackageStock> {
        self.enter().await?;
        {
            let mut state = self.world.lock();
            let mailbox = state.mailboxes.get_mut(&self.client).unwrap();
            for package in packages.key_packages {
                if !mailbox.packages.contains(&package) {
                    mailbox.packages.push_back(package);
                }
            }
            mailbox.last_resort = packages.last_resort.or(mailbox.last_resort.take());
        }
        let stock = self.stock().await;
        self.leave(stock)
    }

    async fn stock(&self) -> Answer<KeyPackageStock> {
        let state = self.world.lock();
        let mailbox = &state.mailboxes[&self.client];
        let mut suites: BTreeMap<u16, u64> = BTreeMap::new();
        for package in &mailbox.packages {
            *suites.entry(suite_of(package)).or_default() += 1;
        }
        Ok(KeyPackageStock {
            available: mailbox.packages.len() as u64,
            renew: mailbox.packages.len() < 10,
            last_resort: mailbox.last_resort.is_some(),
            suites: suites
                .into_iter()
                .map(|(cipher_suite, available)| SuiteStock { cipher_suite, available })
                .collect(),
        })
    }

    async fn connections(&self) -> Answer<ShownConnections> {
        Ok(ShownConnections { connections: Vec::new() })
    }

    async fn ask_to_connect(&self, _: AskToConnect) -> Answer<Asked> {
        let id = self.world.lock().id();
        Ok(Asked { id, state: ConnectionState::Pending })
    }

    async fn ask_to_add(&self, ask: AskToAdd) -> Answer<Asked> {
        self.enter().await?;
        let mut state = self.world.lock();
        state.titles.push(ask.title.clone());
        let adder = self.client.user().clone();
        let old = state
            .asked
            .iter()
            .position(|(_, group, known, user, _)| (group, known, user) == (&ask.group, &adder, &ask.user));
        let at = old.unwrap_or_else(|| {
            let id = state.id();
            state.asked.push((id, ask.group, adder, ask.user, ConnectionState::Pending));
            state.asked.len() - 1
        });
        if state.faults.agreeing {
            state.decide(at);
        }
        let asked = Asked { id: state.asked[at].0, state: state.asked[at].4 };
        drop(state);
        self.world.ring();
        self.leave(Ok(asked))
    }

    async fn authorizations(&self) -> Answer<ShownAuthorizations> {
        Ok(ShownAuthorizations { authorizations: Vec::new() })
    }

    async fn claim(&self, claim: ClientClaimRequest) -> Answer<ClaimReply> {
        self.enter().await?;
        let mut state = self.world.lock();
        let adder = self.client.user().clone();
        let mut users = Vec::new();
        for user in claim.users {
            let grant = state
                .asked
                .iter()
                .find(|(_, group, known, whom, answer)| {
                    (group, known, whom) == (&claim.group, &adder, &user)
                        && *answer == ConnectionState::Approved
                })
                .map(|(id, ..)| format!("grant-{id}"));
            if grant.is_none() && user != adder {
                users.push(ClaimedUser {
                    user,
                    status: UserClaim::NotAuthorized,
                    clients: Vec::new(),
                    grant: None,
                });
                continue;
            }
            let key = (claim.group.clone(), adder.clone());
            let mut clients = Vec::new();
            for (client, mailbox) in state.mailboxes.iter_mut().filter(|(client, _)| *client.user() == user) {
                let fits = |package: &Octets| claim.cipher_suites.contains(&suite_of(package));
                let package =
                    mailbox.handed.get(&key).filter(|package| fits(package)).cloned().or_else(|| {
                        let at = mailbox.packages.iter().position(&fits)?;
                        mailbox.packages.remove(at)
                    });
                if let Some(package) = &package {
                    mailbox.handed.insert(key.clone(), package.clone());
                }
                let package = package.or_else(|| mailbox.last_resort.clone().filter(&fits));
                let status = if package.is_some() { ClientClaim::Ok } else { ClientClaim::Exhausted };
                clients.push(ClaimedClient { client: client.clone(), status, key_package: package });
            }
            users.push(ClaimedUser { user, status: UserClaim::Ok, clients, grant });
        }
        drop(state);
        self.leave(Ok(ClaimReply { users }))
    }

    async fn register(&self, register: RegisterGroup) -> Answer<()> {
        self.enter().await?;
        let mut state = self.world.lock();
        if state.groups.contains_key(&register.group) {
            return refuse(Problem::new(Code::Conflict, "it is there"));
        }
        let provider = OpenMlsRustCrypto::default();
        let MlsMessageBodyIn::GroupInfo(info) = message(register.group_info.as_slice()) else {
            panic!("a GroupInfo is an MLSMessage");
        };
        let tree = RatchetTreeIn::tls_deserialize(&mut register.ratchet_tree.as_slice()).unwrap();
        let (public, _) = PublicGroup::from_external(
            provider.crypto(),
            provider.storage(),
            tree,
            info,
            ProposalStore::new(),
        )
        .unwrap();
        let mut event = Event {
            group: register.group.clone(),
            seq: 1,
            kind: EventKind::Created,
            epoch: 0,
            sender: self.client.clone(),
            time: state.now(),
            grants: Vec::new(),
            body_hash: Hash32::of(register.group_info.as_slice()),
            body: Some(Body::Here(register.group_info.clone())),
            prev: Hash32::default(),
            hash: Hash32::default(),
        };
        event.hash = event.computed_hash();
        state.tell(&self.client, ItemBody::Event(event.clone()));
        let group = Group {
            provider,
            public,
            info: register.group_info,
            log: vec![event],
            results: HashMap::new(),
            leaving: BTreeSet::new(),
            rosters: vec![(1, BTreeSet::from([self.client.clone()]))],
        };
        state.groups.insert(register.group, group);
        drop(state);
        self.world.ring();
        self.leave(Ok(()))
    }

    async fn groups(&self) -> Answer<OwnGroups> {
        self.enter().await?;
        let state = self.world.lock();
        let user = self.client.user();
        let groups = state
            .groups
            .iter()
            .filter(|(_, group)| group.public.members().any(|m| client_of(&m.credential).user() == user))
            .map(|(name, group)| OwnGroup {
                group: name.clone(),
                owner: name.provider().clone(),
                epoch: group.public.group_context().epoch().as_u64(),
                head: group.log.len() as u64,
                members: group.public.members().count() as u64,
            });
        Ok(OwnGroups { groups: groups.collect() })
    }

    async fn status(&self, name: &GroupUri) -> Answer<GroupStatus> {
        self.enter().await?;
        let state = self.world.lock();
        let Some(group) = state.groups.get(name) else {
            return refuse(Problem::new(Code::NotFound, "no such group"));
        };
        let last = group.log.last().unwrap();
        let status = GroupStatus {
            group: name.clone(),
            epoch: group.public.group_context().epoch().as_u64(),
            head: last.seq,
            hash: last.hash,
            participants: Vec::new(),
            created: group.log[0].time,
        };
        drop(state);
        self.leave(Ok(status))
    }

    async fn roster(&self, name: &GroupUri) -> Answer<Roster> {
        let state = self.world.lock();
        let Some(group) = state.groups.get(name) else {
            return refuse(Problem::new(Code::NotFound, "no such group"));
        };
        let member = |m: openmls::prelude::Member| {
            let client = client_of(&m.credential);
            let user = client.user().clone();
            let leaf = m.index.u32();
            RosterMember { added_by: user.clone(), user, client, leaf, since_epoch: 0, grant: None }
        };
        let epoch = group.public.group_context().epoch().as_u64();
        Ok(Roster { epoch, members: group.public.members().map(member).collect() })
    }

    async fn info(&self, name: &GroupUri) -> Answer<GroupInfoReply> {
        self.enter().await?;
        let state = self.world.lock();
        let user = self.client.user();
        match state.groups.get(name) {
            Some(group) if group.public.members().any(|m| client_of(&m.credential).user() == user) => {
                Ok(GroupInfoReply {
                    epoch: group.public.group_context().epoch().as_u64(),
                    group_info: group.info.clone(),
                    ratchet_tree: Octets(
                        group.public.export_ratchet_tree().tls_serialize_detached().unwrap(),
                    ),
                })
            }
            _ => refuse(Problem::new(Code::NotFound, "no such group")),
        }
    }

    async fn log(&self, name: &GroupUri, query: LogQuery) -> Answer<LogPage<ShownEvent>> {
        self.enter().await?;
        let state = self.world.lock();
        let Some(group) = state.groups.get(name) else {
            return refuse(Problem::new(Code::NotFound, "no such group"));
        };
        let most = query.max_events.unwrap_or(100).min(3) as usize;
        let events: Vec<Event> =
            group.log.iter().filter(|event| event.seq > query.after).take(most).cloned().collect();
        let head = group.log.len() as u64;
        let more = events.last().is_some_and(|last| last.seq < head);
        let page = LogPage { events, first: 1, head, more, checkpoint: None };
        Ok(page.shown(|event| state.unproved_from(event)))
    }

    async fn submit(&self, name: &GroupUri, events: Vec<Submission>) -> Answer<Vec<SubmissionResult>> {
        self.enter().await?;
        let mut state = self.world.lock();
        let percent = state.faults.queued;
        let mut results = Vec::new();
        for submission in events {
            let id = submission.id;
            let waits = state.queued.iter().any(|(client, ..)| *client == self.client);
            if waits || state.chance(percent) {
                let known = state.queued.iter().any(|(_, _, waiting)| waiting.id == id);
                if !known {
                    state.queued.push_back((self.client.clone(), name.clone(), submission));
                }
                results.push(SubmissionResult { id, outcome: Outcome::Queued });
            } else {
                results.push(state.judge(&self.client, name, submission));
            }
        }
        drop(state);
        self.world.ring();
        self.leave(Ok(results))
    }

    async fn feed(&self, query: FeedQuery) -> Answer<FeedPage<ShownEvent>> {
        self.enter().await?;
        let mut bell = self.world.bell.subscribe();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(query.wait.min(2));
        loop {
            bell.mark_unchanged();
            let page = {
                let mut state = self.world.lock();
                let percent = state.faults.repeated;
                let repeat = state.chance(percent);
                let mailbox = &state.mailboxes[&self.client];
                let head = mailbox.first + mailbox.items.len() as u64 - 1;
                let other = query.generation.as_ref().is_some_and(|known| *known != mailbox.generation);
                if query.after > 0 && (other || query.after > head) {
                    let problem = Problem::new(Code::FeedReset, "another history").with_feed(
                        mailbox.generation,
                        mailbox.first,
                        head,
                    );
                    return refuse(problem);
                }
                let after = if repeat { query.after.saturating_sub(3) } else { query.after };
                let items: Vec<Item> =
                    mailbox.items.iter().filter(|item| item.seq > after).take(20).cloned().collect();
                let more = items.last().is_some_and(|last| last.seq < head);
                let page =
                    FeedPage { generation: mailbox.generation, items, first: mailbox.first, head, more };
                page.shown(|event| state.unproved_from(event))
            };
            let news = page.items.iter().any(|item| item.seq > query.after);
            if news || tokio::time::timeout_at(deadline, bell.changed()).await.is_err() {
                return Ok(page);
            }
        }
    }

    async fn object(&self, hash: &Hash32) -> Answer<Vec<u8>> {
        self.enter().await?;
        match self.world.lock().objects.get(hash) {
            Some(bytes) => Ok(bytes.clone()),
            None => refuse(Problem::new(Code::NotFound, "no such object")),
        }
    }
}
