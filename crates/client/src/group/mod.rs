//! What happens in groups: events taken in, commits made, joining, and what messages do to a conversation.
//!
//! Everything here runs within one step. A commit of this client is kept as openmls's pending commit until its own
//! event comes by the feed, in the log's order; only then is it merged, so it is merged exactly once. Whatever ends its
//! epoch before clears it, and what it was for is done anew, since intents are kept until they are so.

mod commit;
mod end;
mod join;
mod outcome;
mod receive;
mod results;
mod say;

use drawbridge_mtp::{
    id::{ClientUri, GroupUri, UserUri},
    time::Timestamp,
};
use openmls::group::MlsGroup;

pub(crate) use commit::{Plan, commit, plan};
pub(crate) use end::{forget_state, shut_out, take_removed};
pub(crate) use join::{create, registered, rejoin, take_welcome};
pub(crate) use receive::{hold_status, lost_until, take_event};
pub(crate) use results::{take_result, take_results};
pub(crate) use say::{encrypt, own_content};

use crate::{
    fault::ClientFault,
    mls,
    store::{Conversation, Tx, Want},
    view::Notice,
};

/// What came of taking in an event or a Welcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is taken in, or is of no use.
    Done,
    /// Events between this number and it have to be taken in first.
    Gap(u64),
}

/// Takes the group's state into the conversation, and says what is different in it.
fn refresh(
    tx: &Tx<'_>,
    conversation: &mut Conversation,
    group: &MlsGroup,
    by: Option<(&ClientUri, Timestamp)>,
) -> Result<(), ClientFault> {
    let (old_users, old_policy) = (conversation.users(), conversation.policy());
    conversation.epoch = group.epoch().as_u64();
    conversation.cipher_suite = group.ciphersuite().into();
    conversation.members = group.members().filter_map(|member| mls::client_of(&member.credential)).collect();
    conversation.set_policy(mls::policy_of(group).unwrap_or_default().to_vec());
    conversation.commit_due = None;
    let Some((by, time)) = by else {
        return Ok(());
    };
    let (users, policy, by) = (conversation.users(), conversation.policy(), by.user().clone());
    let missing_in = |here: &[UserUri], there: &[UserUri]| -> Vec<UserUri> {
        here.iter().filter(|user| !there.contains(user)).cloned().collect()
    };
    let (added, gone) = (missing_in(&users, &old_users), missing_in(&old_users, &users));
    let name = &conversation.group;
    let notice = |notice| tx.add_notice(name, time, notice);
    if !added.is_empty() {
        notice(Notice::Added { by: by.clone(), users: added })?;
    }
    if !gone.is_empty() {
        notice(Notice::Removed { by: by.clone(), users: gone })?;
    }
    if policy.name != old_policy.name {
        notice(Notice::Renamed { by: by.clone(), name: policy.name.clone() })?;
    }
    if (&policy.admins, policy.add, policy.send) != (&old_policy.admins, old_policy.add, old_policy.send) {
        notice(Notice::Changed { by })?;
    }
    Ok(())
}

/// Says that what a person wanted of a group was refused; nothing, where nobody asked for it.
fn refused(tx: &Tx<'_>, group: &GroupUri, want: &Want, why: String) -> Result<(), ClientFault> {
    let wanted = match want {
        Want::Add { user, .. } => format!("Adding {}", shown_name(user, tx.user())),
        Want::Remove { user } => format!("Removing {}", shown_name(user, tx.user())),
        Want::Change(_) => "Changing the conversation".to_owned(),
        Want::AddOwn => "Adding this user's other clients".to_owned(),
        Want::Leave => "Leaving".to_owned(),
        Want::Renew | Want::Clean => return Ok(()),
    };
    tx.add_notice(group, tx.now, Notice::Refused { wanted, why })
}

/// A user's name as people read it: with the provider, where that is another than theirs.
fn shown_name(user: &UserUri, own: &UserUri) -> String {
    if user.provider() == own.provider() {
        user.name().to_string()
    } else {
        format!("{} @ {}", user.name(), user.provider())
    }
}
