//! Letting go of a peer, a group, a conversation or an account: what will be lost is told first.

use drawbridge_client::{ClientFault, Standing, StoredConversation};
use drawbridge_mtp::id::{GroupUri, Name};
use drawbridge_node::operator::{self, Losses};

use crate::built_in_clients::BuiltInClients;
use crate::convert::same;
use crate::error::AdminError;
use crate::host::Host;
use crate::request::{Empty, Forget, Forgettable, LossesOf, NamedPeer};
use crate::view;

same!(operator::HoldCode => view::HoldCode {
    OwnsGroup, InGroup, Connected, OwnerAnswers, Ours, StillIn, Leaving,
});

impl From<Losses> for view::Losses {
    fn from(losses: Losses) -> Self {
        let seen = losses.seen();
        let Losses { lost, stays, holds, means } = losses;
        let loss = |operator::Loss { what, octets }: operator::Loss| view::Loss { what, octets };
        let hold = |operator::Hold { code, text, group }: operator::Hold| view::Hold {
            code: code.into(),
            text,
            group,
        };
        Self {
            lost: lost.into_iter().map(loss).collect(),
            stays,
            holds: holds.into_iter().map(hold).collect(),
            means,
            seen,
        }
    }
}

pub(crate) async fn losses(host: &Host, ask: LossesOf) -> Result<view::Losses, AdminError> {
    Ok(match ask.of {
        Forgettable::Peer { provider } => {
            host.node().await?.operator().losses(operator::Forgettable::Peer(provider)).await?
        }
        Forgettable::Group { group } => {
            host.node().await?.operator().losses(operator::Forgettable::Group(group)).await?
        }
        Forgettable::Conversation { user, group } => of_conversation(host, &user, &group).await?,
        Forgettable::Account { user } => of_account(host, &user).await?.1,
    }
    .into())
}

pub(crate) async fn forget(host: &Host, ask: Forget) -> Result<Empty, AdminError> {
    let Forget { of, seen } = ask;
    match of {
        Forgettable::Peer { provider } => {
            host.node().await?.operator().forget(operator::Forgettable::Peer(provider), seen).await?;
        }
        Forgettable::Group { group } => {
            host.node().await?.operator().forget(operator::Forgettable::Group(group), seen).await?;
        }
        Forgettable::Conversation { user, group } => {
            of_conversation(host, &user, &group).await?.allow(&seen)?;
            host.built_in_clients().await?.of(&user)?.forget(&group).await?;
        }
        Forgettable::Account { user } => {
            let (of_node, losses) = of_account(host, &user).await?;
            losses.allow(&seen)?;
            let node = host.node().await?;
            let account = operator::Forgettable::Account(user.clone());
            let forgotten = async { Ok(node.operator().forget(account, of_node.seen()).await?) };
            host.built_in_clients().await?.forget_account(&user, forgotten).await?;
        }
    }
    Ok(Empty {})
}

pub(crate) async fn end_connections(host: &Host, ask: NamedPeer) -> Result<Empty, AdminError> {
    host.node().await?.operator().end_connections(ask.provider).await?;
    Ok(Empty {})
}

/// What the provider loses with an account, and all of it: with what its built-in client has.
async fn of_account(host: &Host, user: &Name) -> Result<(Losses, Losses), AdminError> {
    let account = operator::Forgettable::Account(user.clone());
    let of_node = host.node().await?.operator().losses(account).await?;
    let mut all = of_node.clone();
    let built_in: BuiltInClients = host.built_in_clients().await?;
    match built_in.of(user) {
        Ok(client) => {
            let conversations = client.conversations().await?.len() as u64;
            all.lose(
                conversations,
                None,
                "conversation on this computer, with everything that was read and written in it here",
                "conversations on this computer, with everything that was read and written in them here",
            );
        }
        Err(_) if built_in.has(user) => {
            all.lose_what("everything that was read and written on this computer: its client is not open, so it is not counted");
        }
        Err(_) => {}
    }
    Ok((of_node, all))
}

/// What a built-in client loses with a conversation.
async fn of_conversation(host: &Host, user: &Name, group: &GroupUri) -> Result<Losses, AdminError> {
    let client = host.built_in_clients().await?.of(user)?;
    let StoredConversation { standing, lines, octets, unsent } =
        client.stored(group).await.map_err(|fault: ClientFault| AdminError::from(fault))?;
    let mut losses = Losses::default();
    losses.lose(
        lines,
        Some(octets),
        "line of the conversation: a message, or a notice of what happened",
        "lines of the conversation: messages, and notices of what happened",
    );
    losses.lose(
        unsent,
        None,
        "message of these that was not sent, or not accepted",
        "messages of these that were not sent, or not accepted",
    );
    losses.lose_what("the keys of the conversation, as far as any are left");
    losses
        .stays
        .push("the address of the group, so that the conversation does not come back by itself".into());
    losses.stays.push("what others have of it, and this provider's log of the group".into());
    let hold = match standing {
        Standing::Left | Standing::Removed => None,
        Standing::Leaving => Some((
            operator::HoldCode::Leaving,
            format!(
                "{user} is leaving it, which {} has still to number: wait for that, or, where that provider is gone, forget the group first",
                group.provider()
            ),
        )),
        Standing::Member | Standing::Joining | Standing::Broken => Some((
            operator::HoldCode::StillIn,
            format!(
                "{user} is still in it: leave it first, so that the others see it; where {} is gone, forget the group first",
                group.provider()
            ),
        )),
    };
    losses.holds.extend(hold.map(|(code, text)| operator::Hold { code, text, group: Some(group.clone()) }));
    losses
        .means
        .push(format!("If somebody adds {user} anew, the conversation begins here without what was before."));
    Ok(losses)
}
