//! From the node's words to the GUI's: the same words, in other types, so that neither side binds the other.

use std::collections::HashSet;

use drawbridge_mtp::message::{ConnectionState, PeerState};
use drawbridge_node::config::Strangers;
use drawbridge_node::diagnose::{self, TrafficRecord};
use drawbridge_node::store::{self, ConnectionRow, TroubleRow};
use drawbridge_node::{Decision, PullingStatus, Whom};

use crate::request::{self, AuthorizationDecision, ConnectionDecision};
use crate::view;

/// Maps the variants of one enum to those of the same name in another.
macro_rules! same {
    ($from:path => $to:path { $($variant:ident),* $(,)? }) => {
        impl From<$from> for $to {
            fn from(value: $from) -> Self {
                match value { $(<$from>::$variant => Self::$variant,)* }
            }
        }
    };
}

same!(Strangers => view::Strangers { Ask, Open, Listed });
same!(view::Strangers => Strangers { Ask, Open, Listed });
same!(store::DecidedBy => view::DecidedBy { Operator, User, Rule, Peer, Clock });
same!(store::UserRule => view::UserRule { Ask, Allow });
same!(view::UserRule => store::UserRule { Ask, Allow });
same!(store::AddRule => view::AddRule { Ask, Allow, Never });
same!(view::AddRule => store::AddRule { Ask, Allow, Never });
same!(store::Standing => view::GroupStanding { Live, Joining, Over, Broken });
same!(store::RuleKind => view::RuleKind { Allow, Block });
same!(view::RuleKind => store::RuleKind { Allow, Block });
same!(ConnectionDecision => Decision { Approve, Decline, End, Ignore, Reopen });
same!(request::Whom => Whom { Person, Provider });
same!(diagnose::Direction => view::Direction { In, Out });
same!(diagnose::Stage => view::Stage { Dns, Connect, Tls, Document, Signature, Policy, Http, Content, Store });
same!(PullingStatus => view::PullingStatus { Idle, Asking, Waiting, Introducing, BackingOff, Paused, Stopped });

impl From<AuthorizationDecision> for Decision {
    fn from(decision: AuthorizationDecision) -> Self {
        match decision {
            AuthorizationDecision::Approve => Self::Approve,
            AuthorizationDecision::Decline => Self::Decline,
            AuthorizationDecision::Revoke => Self::End,
            AuthorizationDecision::Ignore => Self::Ignore,
            AuthorizationDecision::Reopen => Self::Reopen,
        }
    }
}

impl From<TroubleRow> for view::Trouble {
    fn from(row: TroubleRow) -> Self {
        let stage = row.stage.parse().map_or(view::Stage::Store, |stage: diagnose::Stage| stage.into());
        let TroubleRow { code, text, first, last, count, over, .. } = row;
        Self { stage, code, text, first, last, count, over }
    }
}

/// How many pairs of users are connected; both of a pair may have asked.
pub(crate) fn count_connected<'a>(rows: impl Iterator<Item = &'a ConnectionRow>) -> u32 {
    let approved = rows.filter(|row| row.state == ConnectionState::Approved);
    let pairs: HashSet<_> = approved
        .map(|row| if row.from < row.to { (&row.from, &row.to) } else { (&row.to, &row.from) })
        .collect();
    u32::try_from(pairs.len()).unwrap_or(u32::MAX)
}

/// A connection, with our judgement of the other provider.
pub(crate) fn connection(row: ConnectionRow, peer_state: PeerState) -> view::Connection {
    view::Connection {
        id: row.id,
        outgoing: row.outgoing,
        state: row.state,
        created: row.created,
        expires: row.expires,
        changed: row.changed,
        decided_by: row.decided_by.map(Into::into),
        ignored: row.ignored,
        peer_state,
        delivered: row.outgoing && row.unsent.is_none(),
        reopenable: !row.outgoing && !row.told,
        from: row.from,
        to: row.to,
    }
}

impl From<TrafficRecord> for view::Traffic {
    fn from(record: TrafficRecord) -> Self {
        let bytes = |octets: usize| u32::try_from(octets).unwrap_or(u32::MAX);
        Self {
            id: record.id,
            at: record.at,
            direction: record.direction.into(),
            peer: record.peer,
            verified: record.verified,
            method: record.method,
            target: record.target,
            waiting: record.waiting,
            status: record.status,
            code: record.code,
            duration_ms: record.duration.map(|took| took.as_secs_f64() * 1000.0),
            request_bytes: bytes(record.request_bytes),
            response_bytes: bytes(record.response_bytes),
            items: record
                .items
                .into_iter()
                .map(|item| view::TrafficItem { seq: item.seq, kind: item.kind })
                .collect(),
            item_count: bytes(record.item_count),
            stage: record.stage.map(Into::into),
            text: record.text,
            request_headers: record.request_headers,
            response_headers: record.response_headers,
        }
    }
}
