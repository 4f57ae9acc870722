//! What waits for the operator, what was decided, and the deciding.

use std::time::Duration;

use drawbridge_mtp::id::{Provider, UserUri};
use drawbridge_mtp::message::PeerState;
use drawbridge_node::operator::{self, DecidedItem};
use drawbridge_node::{Decided, typed};

use crate::error::AdminError;
use crate::host::Host;
use crate::request::{
    AuthorizationDecided, Authorizations, Connect, Connecting, ConnectionDecided, Connections,
    DecideAuthorization, DecideConnection, Empty, NamedPeer, PeerJudged, Rules, SetAddRule, SetPeer, SetRule,
    StandingRule, Undo,
};
use crate::view::{self, Approvals, Rule, WaitingProvider};

pub(crate) async fn approvals(host: &Host, Empty {}: Empty) -> Result<Approvals, AdminError> {
    let node = host.node().await?;
    let waiting = node.operator().approvals().await?;
    let decided = waiting.decided.into_iter().map(|item| match item {
        DecidedItem::Provider { provider, state, at, by, ignored } => {
            view::Decided::Provider { provider, state, at, by: by.into(), ignored }
        }
        DecidedItem::Connection(shown) => view::Decided::Connection { connection: shown.into() },
        DecidedItem::Addition(shown) => view::Decided::Addition { addition: shown.into() },
    });
    Ok(Approvals {
        providers: waiting.providers.into_iter().map(Into::into).collect(),
        incoming: waiting.incoming.into_iter().map(Into::into).collect(),
        outgoing: waiting.outgoing.into_iter().map(Into::into).collect(),
        additions: waiting.additions.into_iter().map(Into::into).collect(),
        outgoing_additions: waiting.outgoing_additions.into_iter().map(Into::into).collect(),
        decided: decided.collect(),
    })
}

impl From<operator::WaitingProvider> for WaitingProvider {
    fn from(waiting: operator::WaitingProvider) -> Self {
        let operator::WaitingProvider { provider, since, expires, is_here, connections, keys } = waiting;
        Self {
            provider,
            since,
            expires,
            waiting: is_here,
            connections,
            fingerprints: keys.iter().map(ToString::to_string).collect(),
        }
    }
}

pub(crate) async fn set_peer(host: &Host, ask: SetPeer) -> Result<PeerJudged, AdminError> {
    let node = host.node().await?;
    if ask.state == PeerState::KeyChanged {
        return Err(AdminError::new("malformed", "state is allowed, blocked, pending or unknown"));
    }
    let undo = node.operator().judge_peer(ask.provider.clone(), ask.state).await?.undo;
    Ok(PeerJudged { peer: crate::peers::show(host, ask.provider).await?, undo })
}

pub(crate) async fn ignore_peer(host: &Host, ask: NamedPeer) -> Result<PeerJudged, AdminError> {
    let undo = host.node().await?.operator().ignore_peer(ask.provider.clone()).await?.undo;
    Ok(PeerJudged { peer: crate::peers::show(host, ask.provider).await?, undo })
}

pub(crate) async fn decide_connection(
    host: &Host,
    ask: DecideConnection,
) -> Result<ConnectionDecided, AdminError> {
    let node = host.node().await?;
    let DecideConnection { id, decision, from_provider, standing, admit } = ask;
    let standing = standing.map(|StandingRule { whom, rule }| (whom.into(), rule.map(Into::into)));
    let Decided { now, undo } =
        node.operator().decide_connection_with(id, from_provider, decision.into(), standing, admit).await?;
    Ok(ConnectionDecided { connection: node.operator().show_connection(now).await?.into(), undo })
}

pub(crate) async fn decide_authorization(
    host: &Host,
    ask: DecideAuthorization,
) -> Result<AuthorizationDecided, AdminError> {
    let node = host.node().await?;
    let rule = ask.rule.map(Into::into);
    let Decided { now, undo } = node
        .operator()
        .decide_authorization_with(ask.id, ask.from_provider, ask.decision.into(), rule)
        .await?;
    let shown = node.operator().show_addition(now).await?;
    Ok(AuthorizationDecided { authorization: shown.into(), undo })
}

pub(crate) async fn undo(host: &Host, ask: Undo) -> Result<Empty, AdminError> {
    host.node().await?.operator().undo(ask.undo).await?;
    Ok(Empty {})
}

pub(crate) async fn connect(host: &Host, ask: Connect) -> Result<Connecting, AdminError> {
    let row =
        host.node().await?.operator().connect(&ask.user, ask.to, ask.ttl.map(Duration::from_secs)).await?;
    Ok(Connecting { id: row.id })
}

pub(crate) async fn connections(host: &Host, Empty {}: Empty) -> Result<Connections, AdminError> {
    let connections = host.node().await?.operator().connections().await?;
    Ok(Connections { connections: connections.into_iter().map(Into::into).collect() })
}

pub(crate) async fn authorizations(host: &Host, Empty {}: Empty) -> Result<Authorizations, AdminError> {
    let node = host.node().await?;
    let additions = node.operator().additions().await?.into_iter();
    let authorizations = additions.map(Into::into).collect();
    Ok(Authorizations { authorizations })
}

pub(crate) async fn rules(host: &Host, Empty {}: Empty) -> Result<Rules, AdminError> {
    let rules = host.node().await?.operator().rules().await?;
    let rules = rules.into_iter().map(|rule| Rule {
        user: rule.user,
        from: rule.source,
        rule: rule.kind.into(),
        since: rule.since,
    });
    Ok(Rules { rules: rules.collect() })
}

/// Whose requests a standing decision is about: a user, where an address of one was typed, else a provider.
fn source(text: &str) -> Result<String, AdminError> {
    let user = typed::user(text).ok().as_ref().map(UserUri::to_string);
    let source = user
        .map_or_else(|| typed::provider(text).as_ref().map(Provider::to_string).map_err(Clone::clone), Ok);
    source.map_err(|fault| AdminError::new("not-understood", fault.to_string()))
}

pub(crate) async fn set_rule(host: &Host, ask: SetRule) -> Result<Rules, AdminError> {
    let source = source(&ask.from)?;
    host.node().await?.operator().set_rule(ask.user, source, ask.rule.map(Into::into)).await?;
    rules(host, Empty {}).await
}

pub(crate) async fn set_add_rule(host: &Host, ask: SetAddRule) -> Result<Empty, AdminError> {
    host.node().await?.operator().set_add_rule(ask.user, ask.other, ask.rule.into()).await?;
    Ok(Empty {})
}
