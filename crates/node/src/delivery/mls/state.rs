//! The public state of one group: its tree, its policy, who its members are; and what it says of a message.
//!
//! Judging changes nothing. What was judged good is applied when its place in the log is settled.

use std::collections::{BTreeMap, HashMap, HashSet};

use drawbridge_mtp::id::{ClientUri, GroupUri, UserUri};
use drawbridge_mtp::message::EventKind;
use drawbridge_mtp::policy::Policy;
use drawbridge_mtp::problem::{Code, Problem};
use openmls::framing::PublicMessageIn;
use openmls::group::{GroupContext, GroupId, PublicGroup, QueuedProposal, StagedCommit};
use openmls::messages::ConfirmationTag;
use openmls::prelude::tls_codec::Serialize;
use openmls::prelude::{LeafNodeIndex, ProcessedMessageContent, Proposal, ProposalStore, Sender, Verifiable};

use crate::delivery::mls::expired_leaves::open_with_expired_leaves;
use crate::delivery::mls::framing::{self, Conventions, invalid};
use crate::delivery::mls::public_storage::{PublicStorage, PublicStorageFault};
use crate::mls::CRYPTO;
use crate::store::Handshake;

/// The public state is kept with every so many epochs, and with each in which somebody was added: a KeyPackage cannot be
/// read from the log again once its lifetime is over. In between, the log brings it up to date.
const KEPT_EVERY: u64 = 16;
/// Application messages are accepted for the current epoch and so many before it (section 10).
const PAST_EPOCHS: u64 = 2;

/// The public state of a group in one epoch.
pub(crate) struct PublicState {
    group: PublicGroup,
    policy: Policy,
    members: BTreeMap<u32, LeafHolder>,
    /// The leaves of each client: one, or two while one that has lost its state has not yet removed its old leaf.
    leaves: HashMap<ClientUri, Vec<u32>>,
    conventions: &'static Conventions,
}

#[derive(Clone, Debug)]
struct LeafHolder {
    client: ClientUri,
    leaving: bool,
}

/// A public state that was kept cannot be read again.
#[derive(Debug, thiserror::Error)]
pub(in crate::delivery) enum RestoreFault {
    #[error(transparent)]
    PublicStorage(#[from] PublicStorageFault),
    #[error("the log does not continue the group's state: {}", .0.detail)]
    Log(Problem),
}

/// Whether the policy is held against what is judged: its owner does; a participant takes what the owner took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::delivery) enum Hold {
    /// What breaks the policy is refused.
    Policy,
    /// Only MLS counts.
    Nothing,
}

/// A proposal that may be made.
pub(in crate::delivery) struct JudgedProposal {
    proposal: QueuedProposal,
    leaver: Option<u32>,
}

/// A commit that may be made, if the grants that it needs are there.
pub(in crate::delivery) struct JudgedCommit {
    staged: Box<StagedCommit>,
    sender: ClientUri,
    leaf: Option<u32>,
    adds: Vec<Add>,
    gone: Vec<u32>,
    /// What the GroupInfo of the epoch has to have.
    confirmation_tag: Option<ConfirmationTag>,
    /// Users that are added by others, and by whom.
    pub(in crate::delivery) needs_grant: Vec<(UserUri, UserUri)>,
    policy: Option<Policy>,
}

struct Add {
    client: ClientUri,
    adder: UserUri,
    key_package_ref: Vec<u8>,
}

/// What a commit has changed.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    /// The epoch that it began.
    pub(crate) epoch: u64,
    pub(crate) joined: Vec<Joined>,
    pub(crate) gone: Vec<(u32, ClientUri)>,
    /// The policy, where it is another.
    pub(crate) policy: Option<Policy>,
    /// Whether somebody stays who had proposed to leave.
    pub(crate) let_stay: bool,
    /// The public state, where it is time to keep it.
    pub(crate) kept: Option<Vec<u8>>,
}

/// A leaf that a commit has filled.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) leaf: u32,
    pub(crate) client: ClientUri,
    pub(crate) added_by: UserUri,
    /// Its KeyPackage's reference; none where it joined by itself.
    pub(crate) key_package_ref: Option<Vec<u8>>,
}

impl PublicState {
    /// Reads the state of `group` from a GroupInfo and a tree that anyone may have sent: all of it is verified.
    pub(in crate::delivery) fn open(
        group: &GroupUri,
        group_info: &[u8],
        ratchet_tree: &[u8],
        conventions: &'static Conventions,
    ) -> Result<(Self, Vec<u8>), Problem> {
        let info = framing::group_info(group_info)?;
        let tree = framing::ratchet_tree(ratchet_tree)?;
        if info.group_id() != &(conventions.group_id)(group) {
            return Err(invalid(format!("the GroupInfo is of another group than {group}")));
        }
        let storage = PublicStorage::empty();
        let opened =
            PublicGroup::from_external(&*CRYPTO, &storage, tree.clone(), info.clone(), ProposalStore::new());
        let public = match opened {
            Ok((public, _)) => public,
            Err(fault) => open_with_expired_leaves(tree, info, &storage)
                .ok_or_else(|| invalid(format!("the GroupInfo and the tree do not hold: {fault}")))?,
        };
        let kept = storage.into_bytes().map_err(|fault| invalid(fault.to_string()))?;
        Ok((Self::of(public, conventions)?, kept))
    }

    fn of(group: PublicGroup, conventions: &'static Conventions) -> Result<Self, Problem> {
        let policy = (conventions.policy_of)(group.group_context().extensions())?;
        let mut state = Self { group, policy, members: BTreeMap::new(), leaves: HashMap::new(), conventions };
        for (leaf, client) in state.leaves_of_tree()? {
            state.leaves.entry(client.clone()).or_default().push(leaf);
            state.members.insert(leaf, LeafHolder { client, leaving: false });
        }
        Ok(state)
    }

    fn leaves_of_tree(&self) -> Result<Vec<(u32, ClientUri)>, Problem> {
        let leaves = self.group.treesync().full_leaves();
        leaves
            .map(|(leaf, node)| Ok((leaf.u32(), (self.conventions.client_of)(node.credential())?)))
            .collect()
    }

    /// Brings back what [`PublicState::open`] or a commit gave to be kept, and follows the handshakes that came
    /// after it.
    pub(in crate::delivery) fn restore<'a>(
        kept: &[u8],
        group: &GroupUri,
        handshakes: impl IntoIterator<Item = &'a Handshake>,
        conventions: &'static Conventions,
    ) -> Result<Self, RestoreFault> {
        let storage = PublicStorage::from_bytes(kept)?;
        let missing = || RestoreFault::Log(invalid("its public state is not whole".into()));
        let public = PublicGroup::load(&storage, &(conventions.group_id)(group))?.ok_or_else(missing)?;
        let mut state = Self::of(public, conventions).map_err(RestoreFault::Log)?;
        for Handshake { kind, sender, body, .. } in handshakes {
            match state.follow(group, sender, body, Hold::Nothing) {
                // An addition whose KeyPackage has expired since: it cannot be committed any more.
                Err(_) if *kind == EventKind::Proposal => {}
                followed => drop(followed.map_err(RestoreFault::Log)?),
            }
        }
        Ok(state)
    }

    /// Takes a handshake that its group's owner has numbered; a commit's changes are told.
    pub(in crate::delivery) fn follow(
        &mut self,
        group: &GroupUri,
        sender: &ClientUri,
        bytes: &[u8],
        hold: Hold,
    ) -> Result<Option<Changed>, Problem> {
        let framing::Framed::Handshake(message) =
            framing::message(bytes, &(self.conventions.group_id)(group))?
        else {
            return Err(invalid("it is not a handshake".into()));
        };
        match self.judge(sender, *message, hold)? {
            JudgedHandshake::Proposal(judged) => {
                self.keep(judged);
                Ok(None)
            }
            JudgedHandshake::Commit(judged) => self.merge(*judged).map(Some),
        }
    }

    /// Reads what is submitted to the group.
    pub(in crate::delivery) fn framed(&self, bytes: &[u8]) -> Result<framing::Framed, Problem> {
        (self.conventions.message)(bytes, self.group_id())
    }

    pub(in crate::delivery) fn group_id(&self) -> &GroupId {
        self.group.group_id()
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.group.group_context().epoch().as_u64()
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(in crate::delivery) fn suite(&self) -> u16 {
        self.group.ciphersuite().into()
    }

    /// Leaves and whose they are.
    pub(in crate::delivery) fn members(&self) -> impl Iterator<Item = (u32, &ClientUri)> {
        self.members.iter().map(|(leaf, holder)| (*leaf, &holder.client))
    }

    /// What is known of the leaves of `client`.
    fn holders(&self, client: &ClientUri) -> impl Iterator<Item = &LeafHolder> {
        let leaves = self.leaves.get(client).into_iter().flatten();
        leaves.filter_map(|leaf| self.members.get(leaf))
    }

    /// Whether `client` has proposed its own removal in this epoch.
    pub(in crate::delivery) fn is_leaving(&self, client: &ClientUri) -> bool {
        self.holders(client).any(|holder| holder.leaving)
    }

    /// Whether `client` has a leaf.
    pub(in crate::delivery) fn has_client(&self, client: &ClientUri) -> bool {
        self.leaves.contains_key(client)
    }

    fn has_user(&self, user: &UserUri) -> bool {
        self.members.values().any(|holder| holder.client.user() == user)
    }

    /// The tree, as MLS writes it.
    pub(in crate::delivery) fn ratchet_tree(&self) -> Result<Vec<u8>, Problem> {
        self.group.export_ratchet_tree().tls_serialize_detached().map_err(|fault| invalid(fault.to_string()))
    }

    /// Whether `sender` may send application data made in `epoch`.
    pub(in crate::delivery) fn judge_application(
        &self,
        sender: &ClientUri,
        epoch: u64,
    ) -> Result<(), Problem> {
        if !self.has_client(sender) {
            return Err(not_a_member(sender));
        }
        if self.holders(sender).all(|holder| holder.leaving) {
            let text = format!("{sender} has proposed to leave; only handshakes are taken from it");
            return Err(Problem::new(Code::NotAuthorized, text));
        }
        if !self.policy.lets(self.policy.send, sender.user()) {
            return Err(Problem::new(Code::NotAuthorized, "only admins may send in this group"));
        }
        if epoch > self.epoch() || epoch + PAST_EPOCHS < self.epoch() {
            return Err(self.epoch_conflict(epoch));
        }
        Ok(())
    }

    fn epoch_conflict(&self, epoch: u64) -> Problem {
        let current = self.epoch();
        let text = format!("the message is for epoch {epoch}, and the group is in epoch {current}");
        Problem::new(Code::EpochConflict, text).with_epoch(current)
    }

    /// Whether `sender` may make this handshake.
    pub(in crate::delivery) fn judge(
        &self,
        sender: &ClientUri,
        message: PublicMessageIn,
        hold: Hold,
    ) -> Result<JudgedHandshake, Problem> {
        let joins = *message.sender() == Sender::NewMemberCommit && self.has_user(sender.user());
        if !joins && !self.has_client(sender) {
            return Err(not_a_member(sender));
        }
        let leaf = match message.sender() {
            Sender::Member(leaf)
                if self.members.get(&leaf.u32()).is_some_and(|holder| holder.client == *sender) =>
            {
                Some(leaf.u32())
            }
            Sender::NewMemberCommit => None,
            Sender::Member(_) => {
                let text = format!("the message is not by the leaf of {sender}");
                return Err(Problem::new(Code::NotParticipant, text));
            }
            _ => return Err(unwanted("only members may propose")),
        };
        if message.epoch() != self.group.group_context().epoch() {
            return Err(self.epoch_conflict(message.epoch().as_u64()));
        }
        let confirmation_tag = message.confirmation_tag().cloned();
        let processed = self
            .group
            .process_message(&*CRYPTO, message)
            .map_err(|fault| invalid(format!("the message does not hold: {fault}")))?;
        match processed.into_content() {
            ProcessedMessageContent::ProposalMessage(proposal) => {
                let gone = self.judge_proposal(proposal.proposal(), sender, leaf, hold)?;
                if hold == Hold::Policy {
                    self.judge_alone(proposal.proposal(), gone)?;
                }
                let leaver = gone.filter(|gone| Some(*gone) == leaf);
                Ok(JudgedHandshake::Proposal(JudgedProposal { proposal: *proposal, leaver }))
            }
            ProcessedMessageContent::StagedCommitMessage(staged) => {
                let judged = self.judge_commit(staged, sender, leaf, confirmation_tag, hold)?;
                Ok(JudgedHandshake::Commit(Box::new(judged)))
            }
            _ => Err(unwanted("only proposals and commits of members are taken")),
        }
    }

    /// What the policy says of one proposal by `proposer`, whose leaf is `leaf` unless it joins by itself. Returns the
    /// leaf that it takes away.
    fn judge_proposal(
        &self,
        proposal: &Proposal,
        proposer: &ClientUri,
        leaf: Option<u32>,
        hold: Hold,
    ) -> Result<Option<u32>, Problem> {
        let user = proposer.user();
        let holds = hold == Hold::Policy;
        match proposal {
            Proposal::Add(add) => {
                let client = (self.conventions.client_of)(add.key_package().leaf_node().credential())?;
                if holds && client.user() != user && !self.policy.lets(self.policy.add, user) {
                    return Err(unwanted("only admins may add people to this group"));
                }
                Ok(None)
            }
            Proposal::Update(update) => {
                if (self.conventions.client_of)(update.leaf_node().credential())? != *proposer {
                    return Err(invalid("an update has to keep the leaf's identity".into()));
                }
                Ok(None)
            }
            Proposal::Remove(remove) => {
                let removed = remove.removed().u32();
                let holder = self
                    .members
                    .get(&removed)
                    .ok_or_else(|| invalid(format!("there is no leaf {removed}")))?;
                // Who joins by itself may replace its own old leaf.
                let may = match leaf {
                    None => holder.client == *proposer,
                    Some(_) => holder.client.user() == user || self.policy.is_admin(user),
                };
                if holds && !may {
                    return Err(unwanted("only admins may remove others from this group"));
                }
                Ok(Some(removed))
            }
            Proposal::SelfRemove => Ok(leaf),
            Proposal::GroupContextExtensions(change) => {
                if holds && !self.policy.is_admin(user) {
                    return Err(unwanted("only admins may change the group's policy"));
                }
                (self.conventions.policy_of)(change.extensions())?;
                Ok(None)
            }
            Proposal::ExternalInit(_) if leaf.is_none() => Ok(None),
            Proposal::PreSharedKey(_) => Ok(None),
            _ if holds => Err(unwanted("this kind of proposal is not taken")),
            _ => Ok(None),
        }
    }

    /// A proposal that no commit could make is not taken: members would try in vain to commit it. With all who are
    /// leaving already gone, an admin has to remain.
    fn judge_alone(&self, proposal: &Proposal, gone: Option<u32>) -> Result<(), Problem> {
        let changed = match proposal {
            Proposal::GroupContextExtensions(change) => {
                Some((self.conventions.policy_of)(change.extensions())?)
            }
            _ if gone.is_none() => return Ok(()),
            _ => None,
        };
        let policy = changed.as_ref().unwrap_or(&self.policy);
        let mut staying =
            self.members.iter().filter(|(leaf, holder)| !holder.leaving && Some(**leaf) != gone);
        if staying.any(|(_, holder)| policy.is_admin(holder.client.user())) {
            return Ok(());
        }
        Err(unwanted("it would leave the group without an admin; make somebody else one first"))
    }

    fn judge_commit(
        &self,
        staged: Box<StagedCommit>,
        sender: &ClientUri,
        leaf: Option<u32>,
        confirmation_tag: Option<ConfirmationTag>,
        hold: Hold,
    ) -> Result<JudgedCommit, Problem> {
        let (mut adds, mut gone, mut needs_grant, mut policy) =
            (Vec::<Add>::new(), Vec::new(), Vec::new(), None);
        for queued in staged.queued_proposals() {
            let (proposer, leaf) = match queued.sender() {
                Sender::Member(leaf) => {
                    let holder = self.members.get(&leaf.u32());
                    (
                        &holder.ok_or_else(|| invalid("a proposal is by nobody".into()))?.client,
                        Some(leaf.u32()),
                    )
                }
                Sender::NewMemberCommit => (sender, None),
                _ => return Err(unwanted("only members may propose")),
            };
            gone.extend(self.judge_proposal(queued.proposal(), proposer, leaf, hold)?);
            match queued.proposal() {
                Proposal::Add(add) => {
                    let client = (self.conventions.client_of)(add.key_package().leaf_node().credential())?;
                    let reference =
                        add.key_package().hash_ref(&*CRYPTO).map_err(|fault| invalid(fault.to_string()))?;
                    let pair = (client.user().clone(), proposer.user().clone());
                    if pair.0 != pair.1 && !needs_grant.contains(&pair) {
                        needs_grant.push(pair);
                    }
                    let adder = proposer.user().clone();
                    adds.push(Add { client, adder, key_package_ref: reference.as_slice().to_vec() });
                }
                Proposal::GroupContextExtensions(change) => {
                    policy = Some((self.conventions.policy_of)(change.extensions())?);
                }
                _ => {}
            }
        }
        if let Some(path_leaf) = staged.update_path_leaf_node()
            && (self.conventions.client_of)(path_leaf.credential())? != *sender
        {
            return Err(invalid("the commit's own leaf is of another client than its sender".into()));
        }
        self.judge_outcome(sender, leaf, &adds, &gone, policy.as_ref(), hold)?;
        let sender = sender.clone();
        Ok(JudgedCommit { staged, sender, leaf, adds, gone, confirmation_tag, needs_grant, policy })
    }

    /// What would be, once the commit is made: each client once, and an admin among them.
    fn judge_outcome(
        &self,
        sender: &ClientUri,
        leaf: Option<u32>,
        adds: &[Add],
        gone: &[u32],
        policy: Option<&Policy>,
        hold: Hold,
    ) -> Result<(), Problem> {
        let gone: HashSet<u32> = gone.iter().copied().collect();
        let joiner = leaf.is_none().then_some(sender);
        let mut new = HashSet::new();
        for client in adds.iter().map(|add| &add.client) {
            let mut leaves = self.leaves.get(client).into_iter().flatten();
            if leaves.any(|leaf| !gone.contains(leaf)) || !new.insert(client) {
                return Err(invalid(format!("{client} would be added twice")));
            }
        }
        // Who has lost its state may come in beside its old leaf, and remove that later.
        new.extend(joiner);
        if hold == Hold::Policy && (!gone.is_empty() || policy.is_some()) {
            let policy = policy.unwrap_or(&self.policy);
            let staying = self
                .members
                .iter()
                .filter(|(leaf, _)| !gone.contains(*leaf))
                .map(|(_, holder)| &holder.client);
            if !staying.chain(new).any(|client| policy.is_admin(client.user())) {
                return Err(unwanted("it would leave the group without an admin"));
            }
        }
        Ok(())
    }

    /// Whether `group_info` is of the epoch that `commit` begins, signed by its sender, and good for an external commit.
    pub(in crate::delivery) fn check_group_info(
        &self,
        commit: &JudgedCommit,
        group_info: &[u8],
    ) -> Result<(), Problem> {
        let info = framing::group_info(group_info)?;
        if info.group_context() != commit.context() {
            return Err(invalid("`group_info` is not of the epoch that the commit begins".into()));
        }
        framing::check_external_pub(&info)?;
        let signer = match commit.leaf {
            Some(leaf) => leaf,
            None => {
                let joined = self.group.ext_commit_sender_index(&commit.staged);
                joined.map_err(|fault| invalid(fault.to_string()))?.u32()
            }
        };
        let (tag, said_signer) = framing::ending(&info)?;
        if Some(&tag) != commit.confirmation_tag.as_ref() || said_signer != signer {
            return Err(invalid("`group_info` does not confirm the commit, or names another signer".into()));
        }
        let of_path = commit.staged.update_path_leaf_node();
        let leaf = of_path.or_else(|| self.group.leaf(LeafNodeIndex::new(signer)));
        let key = leaf.ok_or_else(|| invalid("the commit has no leaf".into()))?.signature_key().clone();
        let key = key.into_signature_public_key_enriched(self.group.ciphersuite().signature_algorithm());
        info.verify_no_out(&*CRYPTO, &key)
            .map_err(|_| invalid("`group_info` is not signed by the commit's sender".into()))
    }

    /// Keeps a proposal for the commit that will refer to it.
    pub(in crate::delivery) fn keep(&mut self, judged: JudgedProposal) {
        if let Some(holder) = judged.leaver.and_then(|leaf| self.members.get_mut(&leaf)) {
            holder.leaving = true;
        }
        // The log is what keeps proposals: the storage has no fault to give.
        let _ = self.group.add_proposal(&PublicStorage::none(), judged.proposal);
    }

    /// Makes the commit.
    pub(in crate::delivery) fn merge(&mut self, judged: JudgedCommit) -> Result<Changed, Problem> {
        let JudgedCommit { staged, sender, leaf, adds, gone, policy, .. } = judged;
        let epoch = staged.epoch().as_u64();
        let keeps = epoch.is_multiple_of(KEPT_EVERY) || !adds.is_empty();
        let storage = if keeps { PublicStorage::empty() } else { PublicStorage::none() };
        self.group.merge_commit(&storage, *staged).map_err(|fault| invalid(fault.to_string()))?;
        let kept =
            keeps.then(|| storage.into_bytes()).transpose().map_err(|fault| invalid(fault.to_string()))?;
        let mut changed = Changed { epoch, kept, policy: policy.clone(), ..Changed::default() };
        if let Some(policy) = policy {
            self.policy = policy;
        }
        for leaf in gone {
            if let Some(holder) = self.members.remove(&leaf) {
                if let Some(leaves) = self.leaves.get_mut(&holder.client) {
                    leaves.retain(|other| *other != leaf);
                    if leaves.is_empty() {
                        self.leaves.remove(&holder.client);
                    }
                }
                changed.gone.push((leaf, holder.client));
            }
        }
        for holder in self.members.values_mut() {
            changed.let_stay |= std::mem::take(&mut holder.leaving);
        }
        if !adds.is_empty() || leaf.is_none() {
            let mut added: HashMap<_, _> = adds.into_iter().map(|add| (add.client.clone(), add)).collect();
            for (leaf, client) in self.leaves_of_tree()? {
                if self.members.contains_key(&leaf) {
                    continue;
                }
                let (added_by, key_package_ref) = match added.remove(&client) {
                    Some(add) => (add.adder, Some(add.key_package_ref)),
                    None => (sender.user().clone(), None),
                };
                self.leaves.entry(client.clone()).or_default().push(leaf);
                self.members.insert(leaf, LeafHolder { client: client.clone(), leaving: false });
                changed.joined.push(Joined { leaf, client, added_by, key_package_ref });
            }
        }
        Ok(changed)
    }
}

/// A handshake that may be made.
pub(in crate::delivery) enum JudgedHandshake {
    Proposal(JudgedProposal),
    Commit(Box<JudgedCommit>),
}

impl JudgedProposal {
    /// The leaf that it would take away, where that is its proposer's own.
    pub(in crate::delivery) fn leaver(&self) -> Option<u32> {
        self.leaver
    }
}

impl JudgedCommit {
    /// The references of the KeyPackages of those whom it adds.
    pub(in crate::delivery) fn added_refs(&self) -> impl Iterator<Item = &[u8]> {
        self.adds.iter().map(|add| add.key_package_ref.as_slice())
    }

    fn context(&self) -> &GroupContext {
        self.staged.group_context()
    }
}

fn not_a_member(sender: &ClientUri) -> Problem {
    Problem::new(Code::NotParticipant, format!("{sender} is not a member of the group"))
}

fn unwanted(text: &str) -> Problem {
    Problem::new(Code::NotAuthorized, text)
}
