//! What is to be done in a group next, and the commits that do it.

use drawbridge_mtp::{
    id::{GroupUri, UserUri},
    message::{ClaimReply, RegisterGroup, Submission, SubmissionKind, UserClaim},
    octets::Octets,
    time::Timestamp,
};
use openmls::{
    group::MlsGroup,
    prelude::{KeyPackage, LeafNodeIndex, OpenMlsProvider, Proposal, ProtocolVersion, Sender},
};

use super::{end::wind_up, receive::WENT_BACK, refused};
use crate::{
    fault::ClientFault,
    mls::{self, Provider},
    store::{Conversation, Intent, Outgoing, OutgoingBody, Stage, Tx, Want},
    view::{Notice, Standing},
};

/// What is to be done in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Nothing before this time, or before something happens.
    Rest(Option<Timestamp>),
    /// Something is on its way to the owner now.
    Send,
    /// The group has to be registered at the provider.
    Register(Box<RegisterGroup>),
    /// The group's GroupInfo is needed, to join anew.
    Rejoin,
    /// The log is needed: the owner is at a later epoch than the feed has told for a while.
    Close(u64),
    /// The log has to be read as far as the owner has it, before anything is made with the client's keys.
    Compare,
    /// KeyPackages are needed.
    Claim {
        /// Whose.
        users: Vec<UserUri>,
        /// For which suite.
        suite: u16,
    },
}

/// So many users are added by one commit.
const MOST_ADDED: usize = 50;

/// Says what is to be done next, and does what needs nothing from outside.
pub(crate) fn plan(tx: &Tx<'_>, name: &GroupUri) -> Result<Plan, ClientFault> {
    let Some(conversation) = tx.conversation(name)? else {
        return Ok(Plan::Rest(None));
    };
    if conversation.is_over() || conversation.standing == Standing::Joining {
        return Ok(Plan::Rest(None));
    }
    if !tx.is_due(conversation.retry_at) {
        return Ok(Plan::Rest(Some(conversation.retry_at)));
    }
    if let Some(register) = conversation.registering {
        return Ok(Plan::Register(Box::new(register)));
    }
    if conversation.standing == Standing::Broken {
        return Ok(Plan::Rejoin);
    }
    if conversation.went_back {
        if !conversation.is_compared(tx) {
            // Until then, what is numbered is read with the old state, which can.
            return Ok(Plan::Compare);
        }
        let mut conversation = conversation;
        conversation.broke(WENT_BACK);
        tx.set_conversation(&conversation)?;
        return Ok(Plan::Rejoin);
    }
    if conversation.epoch < conversation.wait_for {
        let due = conversation.waiting_since.plus(tx.settings.pause * 4);
        return Ok(if tx.is_due(due) { Plan::Close(conversation.head) } else { Plan::Rest(Some(due)) });
    }
    if tx.handshake(name)?.is_some() {
        return Ok(Plan::Rest(None));
    }
    let provider = Provider::new(tx);
    let Some(group) = provider.group(name)? else {
        let mut conversation = conversation;
        conversation.broke("The group's state is not there; the client joins anew.");
        tx.set_conversation(&conversation)?;
        return Ok(Plan::Rejoin);
    };
    let intents = tx.intents(name)?;
    let is_compared = conversation.is_compared(tx);
    if intents.iter().any(|intent| intent.want == Want::Leave) {
        if !is_compared {
            return Ok(Plan::Compare);
        }
        return leave(tx, conversation, group);
    }
    let mut due = intents.iter().filter(|intent| !matches!(intent.want, Want::Add { approved: false, .. }));
    let chosen = |intent: &&Intent| tx.is_due(intent.due);
    let claim: Vec<UserUri> = due
        .clone()
        .filter(chosen)
        .filter_map(|intent| match &intent.want {
            Want::Add { user, .. } => Some(user.clone()),
            Want::AddOwn => Some(tx.user().clone()),
            _ => None,
        })
        .filter(|user| user == tx.user() || !conversation.users().contains(user))
        .take(if conversation.one_by_one { 1 } else { MOST_ADDED })
        .collect();
    let proposals = conversation.commit_due.filter(|_| group.has_pending_proposals());
    let is_due = due.any(|intent| tx.is_due(intent.due)) || proposals.is_some_and(|due| tx.is_due(due));
    if (is_due || !claim.is_empty()) && !is_compared {
        return Ok(Plan::Compare);
    }
    if !claim.is_empty() {
        return Ok(Plan::Claim { users: claim, suite: group.ciphersuite().into() });
    }
    if is_due {
        return commit(tx, name, None);
    }
    Ok(Plan::Rest(due_next(&intents, proposals)))
}

fn due_next(intents: &[Intent], proposals: Option<Timestamp>) -> Option<Timestamp> {
    let waits = |intent: &&Intent| !matches!(intent.want, Want::Add { approved: false, .. });
    intents.iter().filter(waits).map(|intent| intent.due).chain(proposals).min()
}

/// Proposes the own removal; somebody else commits it.
fn leave(tx: &Tx<'_>, mut conversation: Conversation, mut group: MlsGroup) -> Result<Plan, ClientFault> {
    let name = conversation.group.clone();
    if group.members().count() == 1 {
        // Nobody is there to take this client out. Its state stays for when somebody comes (see `take_event`).
        conversation.standing = Standing::Left;
        tx.set_conversation(&conversation)?;
        tx.add_notice(&name, tx.now, Notice::Left { user: tx.user().clone() })?;
        wind_up(tx, &name)?;
        return Ok(Plan::Rest(None));
    }
    let own = group.own_leaf_index();
    let proposed = leaving(&group);
    if proposed.contains(&own) {
        // Where all others leave as well, the first of them lets the others go before it.
        let all = group.members().all(|member| proposed.contains(&member.index));
        let first = group.members().all(|member| own.u32() <= member.index.u32());
        return if all && first { commit(tx, &name, None) } else { Ok(Plan::Rest(None)) };
    }
    let provider = Provider::new(tx);
    let signer = provider.signer(tx, group.ciphersuite())?;
    let epoch = group.epoch().as_u64();
    let (proposal, reference) =
        group.propose_remove_member(&provider, &signer, own).map_err(ClientFault::mls)?;
    let submission = submission(tx, SubmissionKind::Proposal, mls::write(&proposal)?)?;
    tx.put_outgoing(&Outgoing {
        place: 0,
        group: name,
        kind: SubmissionKind::Proposal,
        stage: Stage::Ready,
        body: OutgoingBody {
            submission: Some(submission),
            epoch,
            proposal: Some(reference),
            ..OutgoingBody::default()
        },
    })?;
    conversation.standing = Standing::Leaving;
    tx.set_conversation(&conversation)?;
    tx.ring_to_send();
    Ok(Plan::Send)
}

fn submission(tx: &Tx<'_>, kind: SubmissionKind, mls: Vec<u8>) -> Result<Submission, ClientFault> {
    Ok(Submission {
        id: tx.new_id(),
        kind,
        sender: tx.own.clone(),
        mls: Octets(mls),
        welcome: None,
        group_info: None,
        grants: Vec::new(),
    })
}

/// The leaves whose own removal is pending.
fn leaving(group: &MlsGroup) -> Vec<LeafNodeIndex> {
    group
        .pending_proposals()
        .filter_map(|queued| match queued.proposal() {
            Proposal::Remove(removal) if *queued.sender() == Sender::Member(removal.removed()) => {
                Some(removal.removed())
            }
            _ => None,
        })
        .collect()
}

/// What one commit is to bring about.
#[derive(Default)]
struct CommitContent {
    intents: Vec<i64>,
    packages: Vec<KeyPackage>,
    grants: Vec<String>,
    removed: Vec<LeafNodeIndex>,
    policy: Option<drawbridge_mtp::policy::Policy>,
    renew: bool,
}

/// Makes a commit of everything that is due, and of the proposals that are pending.
pub(crate) fn commit(
    tx: &Tx<'_>,
    name: &GroupUri,
    claimed: Option<&ClaimReply>,
) -> Result<Plan, ClientFault> {
    let conversation = tx.the_conversation(name)?;
    if conversation.standing == Standing::Broken || tx.handshake(name)?.is_some() {
        return Ok(Plan::Rest(None));
    }
    let provider = Provider::new(tx);
    let Some(mut group) = provider.group(name)?.filter(|group| group.is_active()) else {
        return Ok(Plan::Rest(None));
    };
    let change = gather(tx, &conversation, &provider, &group, claimed)?;
    let pending = group.has_pending_proposals();
    if change.intents.is_empty() && !pending {
        return Ok(Plan::Rest(due_next(&tx.intents(name)?, None)));
    }
    let signer = provider.signer(tx, group.ciphersuite())?;
    let (own, epoch) = (group.own_leaf_index(), group.epoch().as_u64());
    let gone = leaving(&group);
    let extensions = change
        .policy
        .as_ref()
        .map(|policy| mls::with_policy(group.extensions().clone(), policy))
        .transpose()?;
    let mut builder = group
        .commit_builder()
        .consume_proposal_store(true)
        .force_self_update(change.renew)
        .propose_adds(change.packages)
        .propose_removals(change.removed.into_iter().filter(|leaf| !gone.contains(leaf)));
    if let Some(extensions) = extensions {
        builder = builder.propose_group_context_extensions(extensions).map_err(ClientFault::mls)?;
    }
    let bundle = builder
        .load_psks(provider.storage())
        .map_err(ClientFault::mls)?
        .create_group_info(true)
        // Nobody can commit their own removal.
        .build(
            provider.rand(),
            provider.crypto(),
            &signer,
            |queued| !matches!(queued.proposal(), Proposal::Remove(removal) if removal.removed() == own),
        )
        .map_err(ClientFault::mls)?
        .stage_commit(&provider)
        .map_err(ClientFault::mls)?;
    let (commit, welcome, group_info) = bundle.into_messages();
    let mut submission = submission(tx, SubmissionKind::Commit, mls::write(&commit)?)?;
    submission.welcome = welcome.map(|welcome| mls::write(&welcome).map(Octets)).transpose()?;
    submission.group_info = group_info.map(|info| mls::write(&info).map(Octets)).transpose()?;
    submission.grants = change.grants;
    tx.put_outgoing(&Outgoing {
        place: 0,
        group: name.clone(),
        kind: SubmissionKind::Commit,
        stage: Stage::Ready,
        body: OutgoingBody {
            submission: Some(submission),
            epoch,
            intents: change.intents,
            ..OutgoingBody::default()
        },
    })?;
    tx.ring_to_send();
    Ok(Plan::Send)
}

/// Goes through what is wanted: what is so already is forgotten, what cannot be is refused, what is due is gathered.
fn gather(
    tx: &Tx<'_>,
    conversation: &Conversation,
    provider: &Provider<'_>,
    group: &MlsGroup,
    claimed: Option<&ClaimReply>,
) -> Result<CommitContent, ClientFault> {
    let name = &conversation.group;
    let old = conversation.policy();
    let admin = old.is_admin(tx.user());
    let mut change = CommitContent::default();
    let mut policy = old.clone();
    let clients = |user: &UserUri| -> Vec<LeafNodeIndex> {
        group
            .members()
            .filter(|member| mls::client_of(&member.credential).is_some_and(|client| client.user() == user))
            .map(|member| member.index)
            .collect()
    };
    for mut intent in tx.intents(name)? {
        if !tx.is_due(intent.due) || (conversation.one_by_one && !change.intents.is_empty()) {
            continue;
        }
        let done = match &intent.want {
            Want::Leave | Want::Add { approved: false, .. } => continue,
            Want::Renew => {
                change.renew = true;
                false
            }
            Want::Clean => {
                let stale: Vec<LeafNodeIndex> = group
                    .members()
                    .filter(|member| member.index != group.own_leaf_index())
                    .filter(|member| mls::client_of(&member.credential).as_ref() == Some(tx.own))
                    .map(|member| member.index)
                    .collect();
                change.removed.extend(&stale);
                stale.is_empty()
            }
            Want::Remove { user } => {
                let leaves = clients(user);
                if !leaves.is_empty() && !admin {
                    refused(tx, name, &intent.want, "only admins may.".into())?;
                    true
                } else {
                    change.removed.extend(&leaves);
                    // An admin who is removed is no admin any more.
                    if policy.admins.len() > 1 && policy.is_admin(user) {
                        policy.admins.retain(|known| known != user);
                    }
                    leaves.is_empty()
                }
            }
            Want::Change(wanted) => {
                let next = wanted.applied_to(&policy);
                let same = next == old && policy == old;
                if !same && !admin {
                    refused(tx, name, &intent.want, "only admins may.".into())?;
                    true
                } else {
                    policy = next;
                    same
                }
            }
            Want::Add { user, .. } if !clients(user).is_empty() => true,
            Want::Add { .. } | Want::AddOwn => {
                let user = match &intent.want {
                    Want::Add { user, .. } => user.clone(),
                    _ => tx.user().clone(),
                };
                let Some(found) =
                    claimed.and_then(|claimed| claimed.users.iter().find(|found| found.user == user))
                else {
                    continue;
                };
                let packages = packages(conversation, provider, group, &user, found);
                let none = packages.is_empty();
                change.packages.extend(packages);
                if none && user == *tx.user() {
                    true
                } else if none && found.status == UserClaim::NotAuthorized {
                    let why = "they have not agreed to it, or have taken that back.";
                    refused(tx, name, &intent.want, why.into())?;
                    true
                } else if none {
                    // Nothing to add it with now; its clients will publish more.
                    intent.due = tx.now.plus(tx.settings.pause * 60);
                    tx.put_intent(name, &intent)?;
                    continue;
                } else {
                    change.grants.extend(found.grant.clone());
                    false
                }
            }
        };
        if done {
            tx.forget_intent(name, intent.place)?;
        } else {
            change.intents.push(intent.place);
        }
    }
    change.policy = (policy != old).then_some(policy);
    Ok(change)
}

/// The KeyPackages that are fit: of this user, for clients that are not in the group.
fn packages(
    conversation: &Conversation,
    provider: &Provider<'_>,
    group: &MlsGroup,
    user: &UserUri,
    found: &drawbridge_mtp::message::ClaimedUser,
) -> Vec<KeyPackage> {
    found
        .clients
        .iter()
        .filter(|claimed| claimed.client.user() == user && !conversation.members.contains(&claimed.client))
        .filter_map(|claimed| {
            let package = mls::read_key_package(claimed.key_package.as_ref()?.as_slice()).ok()?;
            let package = package.validate(provider.crypto(), ProtocolVersion::Mls10).ok()?;
            let fit = package.ciphersuite() == group.ciphersuite()
                && mls::client_of(package.leaf_node().credential()).as_ref() == Some(&claimed.client);
            fit.then_some(package)
        })
        .collect()
}
