//! Coming into a group: by creating it, by a Welcome, or by an external commit.

use drawbridge_mtp::{
    id::GroupUri,
    message::{GroupInfoReply, RegisterGroup, Submission, SubmissionKind},
    octets::Octets,
    policy::Policy,
    time::Timestamp,
};
use openmls::{
    group::{JoinBuilder, MlsGroup, ProcessedWelcome},
    prelude::{Ciphersuite, OpenMlsProvider, WelcomeError},
};

use super::{Taken, end::end, refresh};
use crate::{
    fault::ClientFault,
    mls::{self, Provider},
    store::{Conversation, Outgoing, OutgoingBody, Stage, Tx, Want},
    view::{Notice, Standing},
};

/// Makes a group; it is of no use before it is registered.
pub(crate) fn create(
    tx: &Tx<'_>,
    name: &GroupUri,
    suite: Ciphersuite,
    policy: &Policy,
) -> Result<RegisterGroup, ClientFault> {
    let provider = Provider::new(tx);
    let signer = provider.signer(tx, suite)?;
    let group = MlsGroup::new_with_group_id(
        &provider,
        &signer,
        &mls::create_config(tx, suite, policy)?,
        mls::group_id(name),
        provider.own_credential(tx, &signer),
    )
    .map_err(ClientFault::mls)?;
    let info = group.export_group_info(provider.crypto(), &signer, false).map_err(ClientFault::mls)?;
    let register = RegisterGroup {
        group: name.clone(),
        group_info: Octets(mls::write(&info)?),
        ratchet_tree: Octets(mls::write(&group.export_ratchet_tree())?),
    };
    let mut conversation = Conversation::new(name.clone(), Standing::Member);
    // Event 1 is the creation.
    conversation.head = 1;
    conversation.registering = Some(register.clone());
    tx.set_told_head(name, 1);
    refresh(tx, &mut conversation, &group, None)?;
    tx.add_notice(name, tx.now, Notice::Created { by: tx.user().clone() })?;
    tx.set_conversation(&conversation)?;
    Ok(register)
}

/// The provider has the group, or will not have it.
pub(crate) fn registered(tx: &Tx<'_>, name: &GroupUri, taken: bool) -> Result<(), ClientFault> {
    let mut conversation = tx.the_conversation(name)?;
    conversation.registering = None;
    if !taken {
        conversation.standing = Standing::Left;
        end(tx, name)?;
    }
    tx.set_conversation(&conversation)?;
    tx.ring_to_do();
    tx.ring_to_send();
    Ok(())
}

/// Takes in a Welcome with its tree. Who has not heard of its removal reads first what came up to it, as long as its
/// old state can.
pub(crate) fn take_welcome(
    tx: &Tx<'_>,
    name: &GroupUri,
    references: &[Octets],
    from_seq: u64,
    welcome: &[u8],
    tree: &[u8],
) -> Result<Taken, ClientFault> {
    let known = tx.conversation(name)?;
    let standing = known.as_ref().map(|known| (known.standing, known.head));
    tracing::trace!(client = %tx.own, from_seq, ?standing, "a Welcome");
    if let Some(known) = &known {
        if known.head >= from_seq {
            // This client is in already, or has been and is not any more: it joined by itself, or the item came again.
            return Ok(Taken::Done);
        }
        if known.is_member() && known.head + 1 < from_seq {
            return Ok(Taken::Gap(known.head));
        }
    }
    let mut ours = false;
    for reference in references {
        ours |= tx.has_package(reference.as_slice())?;
    }
    if known.is_none()
        && let Some(after) = tx.forgotten_after(name)?
    {
        if !ours && from_seq <= after {
            // It has come before, and its person has forgotten the conversation since. Without its keys alone that is not said: they
            // may be lost with what this client's store has lost.
            return Ok(Taken::Done);
        }
        tx.remember(name)?;
    }
    let mut conversation = known.unwrap_or_else(|| Conversation::new(name.clone(), Standing::Member));
    if !ours {
        // Made for a KeyPackage whose keys are lost, or for another client of this user: either way the user is in
        // the group, and this client joins by itself.
        conversation.head = conversation.head.max(from_seq);
        conversation.broke("The Welcome is for keys that this client does not have; it joins by itself.");
        conversation.retry_at = tx.now.plus(tx.settings.pause * 4);
        tx.ring_to_do();
        tx.set_conversation(&conversation)?;
        return Ok(Taken::Done);
    }
    let joined = tx.part(|| {
        end(tx, name)?;
        let provider = Provider::new(tx);
        let processed =
            ProcessedWelcome::new_from_welcome(&provider, &mls::join_config(), mls::read_welcome(welcome)?)
                .map_err(welcome_fault)?;
        let staged = JoinBuilder::new(&provider, processed)
            .with_ratchet_tree(mls::read_tree(tree)?)
            // Others may be in the group whose first KeyPackage is past its time; the owner judged them then.
            .skip_lifetime_validation()
            .replace_old_group()
            .build()
            .map_err(welcome_fault)?;
        if staged.group_context().group_id() != &mls::group_id(name) {
            return Err(ClientFault::Mls("a Welcome to another group".into()));
        }
        let by = mls::client_of(staged.welcome_sender().map_err(ClientFault::mls)?.credential());
        Ok((staged.into_group(&provider).map_err(welcome_fault)?, by))
    });
    match joined {
        Ok((group, by)) => {
            let lost_after =
                conversation.gap_after.filter(|after| (1..from_seq.saturating_sub(1)).contains(after));
            if let Some(after) = lost_after {
                tx.add_notice(name, tx.now, Notice::Gap { first: after + 1, last: from_seq - 1 })?;
            }
            conversation.standing = Standing::Member;
            (conversation.head, conversation.trouble, conversation.gap_after) = (from_seq, None, None);
            (conversation.refused, conversation.wait_for) = (0, 0);
            conversation.left_epoch = (!conversation.members.is_empty()).then_some(conversation.epoch);
            refresh(tx, &mut conversation, &group, None)?;
            conversation.joined_epoch = conversation.epoch;
            (conversation.keys_since, conversation.went_back) = (conversation.epoch, false);
            let by = by.map(|client| client.user().clone()).filter(|by| by != tx.user());
            tx.add_notice(name, tx.now, Notice::Joined { by })?;
            tx.want_renewal(name)?;
            for reference in references {
                tx.used_package(reference.as_slice())?;
            }
        }
        Err(ClientFault::Store(fault)) => return Err(fault.into()),
        Err(fault) => {
            tracing::warn!(group = %name, %fault, "a Welcome cannot be taken in");
            conversation.head = conversation.head.max(from_seq);
            conversation.broke("The Welcome could not be taken in; the client joins by itself.");
        }
    }
    tx.ring_to_do();
    tx.ring_to_send();
    tx.set_conversation(&conversation)?;
    Ok(Taken::Done)
}

fn welcome_fault(fault: WelcomeError<crate::fault::StoreFault>) -> ClientFault {
    match fault {
        WelcomeError::StorageError(fault) => fault.into(),
        fault => ClientFault::mls(fault),
    }
}

impl Tx<'_> {
    /// A KeyPackage has been used; one that is not the last resort is gone.
    fn used_package(&self, reference: &[u8]) -> Result<(), ClientFault> {
        if self.has_package(reference)? {
            self.put("stock-low", &true)?;
            self.retire_package(reference)?;
        }
        Ok(())
    }
}

/// Joins a group, or joins it anew, by an external commit. It is of use once the owner has accepted it.
pub(crate) fn rejoin(tx: &Tx<'_>, name: &GroupUri, info: &GroupInfoReply) -> Result<(), ClientFault> {
    let mut conversation = tx.the_conversation(name)?;
    if conversation.standing != Standing::Broken || tx.handshake(name)?.is_some_and(|one| one.body.external) {
        return Ok(());
    }
    if let Some(old) = tx.handshake(name)? {
        tx.remove_outgoing(&old)?;
    }
    let provider = Provider::new(tx);
    provider.forget(name)?;
    let group_info = mls::read_group_info(info.group_info.as_slice())?;
    let suite = group_info.ciphersuite();
    if mls::suite(suite.into()).is_none() {
        return Err(ClientFault::Mls(format!("the group's cipher suite {suite:?} is not to be had")));
    }
    let tree = mls::read_tree(info.ratchet_tree.as_slice())?;
    // Who is in without having known it has missed something, and who is not has not.
    let is_in = tree.leaves().any(|leaf| mls::client_of(leaf.credential()).as_ref() == Some(tx.own));
    conversation.gap_after = conversation.gap_after.filter(|after| *after > 0).or_else(|| is_in.then_some(0));
    let signer = provider.signer(tx, suite)?;
    let builder = MlsGroup::external_commit_builder()
        .with_ratchet_tree(tree)
        .with_config(mls::join_config())
        .skip_lifetime_validation()
        .build_group(&provider, group_info, provider.own_credential(tx, &signer))
        .map_err(ClientFault::mls)?
        .leaf_node_parameters(mls::leaf_parameters())
        .load_psks(provider.storage())
        .map_err(ClientFault::mls)?
        .create_group_info(true);
    let (group, bundle) = builder
        .build(provider.rand(), provider.crypto(), &signer, |_| true)
        .map_err(ClientFault::mls)?
        .finalize(&provider)
        .map_err(ClientFault::mls)?;
    if group.group_id() != &mls::group_id(name) {
        provider.forget(name)?;
        return Err(ClientFault::Mls("a GroupInfo of another group".into()));
    }
    let (commit, _, group_info) = bundle.into_messages();
    let submission = Submission {
        id: tx.new_id(),
        kind: SubmissionKind::Commit,
        sender: tx.own.clone(),
        mls: Octets(mls::write(&commit)?),
        welcome: None,
        group_info: group_info.map(|info| mls::write(&info).map(Octets)).transpose()?,
        grants: Vec::new(),
    };
    tx.put_outgoing(&Outgoing {
        place: 0,
        group: name.clone(),
        kind: SubmissionKind::Commit,
        stage: Stage::Ready,
        body: OutgoingBody {
            submission: Some(submission),
            epoch: group.epoch().as_u64() - 1,
            external: true,
            ..OutgoingBody::default()
        },
    })?;
    conversation.standing = Standing::Joining;
    tx.set_conversation(&conversation)?;
    tx.ring_to_send();
    Ok(())
}

/// The own external commit has its place in the log.
pub(super) fn joined(
    tx: &Tx<'_>,
    conversation: &mut Conversation,
    outgoing: &Outgoing,
    seq: u64,
    time: Timestamp,
) -> Result<(), ClientFault> {
    tx.remove_outgoing(outgoing)?;
    let name = &outgoing.group;
    let Some(group) = Provider::new(tx).group(name)?.filter(|_| conversation.standing == Standing::Joining)
    else {
        return Ok(());
    };
    conversation.standing = Standing::Member;
    (conversation.trouble, conversation.refused, conversation.wait_for) = (None, 0, 0);
    refresh(tx, conversation, &group, None)?;
    (conversation.keys_since, conversation.went_back) = (conversation.epoch, false);
    if conversation.members.iter().filter(|client| *client == tx.own).count() > 1 {
        // A leaf of this client whose keys are lost.
        tx.want(name, Want::Clean, tx.now)?;
    }
    let after = conversation.gap_after.take();
    if let Some(after) = after.filter(|after| seq > after + 1) {
        tx.add_notice(name, time, Notice::Gap { first: after + 1, last: seq - 1 })?;
    }
    if after.is_none() {
        conversation.joined_epoch = conversation.epoch;
    }
    let was_forked = std::mem::take(&mut conversation.forked);
    if after.unwrap_or(0) == 0 && !was_forked {
        tx.add_notice(name, time, Notice::Joined { by: None })?;
    }
    // What was encrypted before and not taken goes out anew.
    tx.encrypt_again(name, seq)?;
    tx.ring_to_do();
    tx.ring_to_send();
    Ok(())
}

impl Tx<'_> {
    /// Lets what was encrypted by a lost state and not given to the provider be encrypted anew; what was accepted before
    /// event `seq` has its place, since its own event does not come any more.
    fn encrypt_again(&self, group: &GroupUri, seq: u64) -> Result<(), ClientFault> {
        self.settle_accepted(group, seq)?;
        for mut one in self.outgoing(group)? {
            if one.stage == Stage::Ready && one.body.says.is_some() {
                one.stage = Stage::Waiting;
                one.body.submission = None;
                self.put_outgoing(&one)?;
            }
        }
        Ok(())
    }
}
