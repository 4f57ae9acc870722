//! From the node's words to the GUI's: the same words, in other types, so that neither side binds the other.

use std::time::Duration;

use drawbridge_mtp::seen::shows_nothing;
use drawbridge_node::config::Strangers;
use drawbridge_node::operator::{self, RequestRow, ShownAddition, ShownConnection, TroubleRow};
use drawbridge_node::traffic::{
    Asker, Direction, ExportFormat, Timing, TrafficFilter, TrafficItem, TrafficKind, TrafficRecord,
};
use drawbridge_node::{Decision, PullingStatus, Stage, Whom};

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

pub(crate) use same;

same!(Strangers => view::Strangers { Ask, Open, Listed });
same!(view::Strangers => Strangers { Ask, Open, Listed });
same!(operator::DecidedBy => view::DecidedBy { Operator, User, Rule, Peer, Clock });
same!(operator::UserRule => view::UserRule { Ask, Allow });
same!(view::UserRule => operator::UserRule { Ask, Allow });
same!(operator::AddRule => view::AddRule { Ask, Allow, Never });
same!(view::AddRule => operator::AddRule { Ask, Allow, Never });
same!(operator::Standing => view::GroupStanding { Live, Joining, Over, Broken });
same!(operator::RuleKind => view::RuleKind { Allow, Block });
same!(view::RuleKind => operator::RuleKind { Allow, Block });
same!(ConnectionDecision => Decision { Approve, Decline, End, Ignore, Reopen });
same!(request::Whom => Whom { Person, Provider });
same!(Asker => view::Asker { Node, Doctor });
same!(view::Asker => Asker { Node, Doctor });
same!(Direction => view::Direction { In, Out });
same!(view::Direction => Direction { In, Out });
same!(TrafficKind => view::TrafficKind {
    Pull, Ping, Introduce, Peering, Ask, TakeBack, Document, Authorization, Keys, Submit, Log, Roster, Info, Checkpoint, Trace,
    Group, Object, Check, Other,
});
same!(view::TrafficKind => TrafficKind {
    Pull, Ping, Introduce, Peering, Ask, TakeBack, Document, Authorization, Keys, Submit, Log, Roster, Info, Checkpoint, Trace,
    Group, Object, Check, Other,
});
same!(request::TrafficFormat => ExportFormat { Har, JsonLines });
same!(Stage => view::Stage { Dns, Connect, Tls, Document, Signature, Policy, Http, Content, Store });
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
        let stage = row.stage.parse().map_or(view::Stage::Store, |stage: Stage| stage.into());
        let TroubleRow { code, text, first, last, count, over, .. } = row;
        Self { stage, code, text, first, last, count, over }
    }
}

/// A number as the screens count: more than they can show is the most that they can.
pub(crate) fn small(number: impl TryInto<u32>) -> u32 {
    number.try_into().unwrap_or(u32::MAX)
}

/// A length of time in milliseconds.
pub(crate) fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}

impl<S> From<&RequestRow<S>> for view::RequestStanding {
    fn from(row: &RequestRow<S>) -> Self {
        Self {
            id: row.id,
            outgoing: row.outgoing,
            state: row.state,
            created: row.created,
            expires: row.expires,
            changed: row.changed,
            decided_by: row.decided_by.map(Into::into),
            ignored: row.ignored,
            delivered: row.outgoing && row.unsent.is_none(),
            refused: row.refused.clone(),
            reopenable: !row.outgoing && !row.told,
        }
    }
}

impl From<ShownConnection> for view::Connection {
    fn from(ShownConnection { request: row, peer_state }: ShownConnection) -> Self {
        Self { peer_state, standing: (&row).into(), from: row.from, to: row.to }
    }
}

impl From<ShownAddition> for view::Authorization {
    fn from(ShownAddition { request: row, group_name, is_used }: ShownAddition) -> Self {
        let title = row.about.title.as_ref().map(ToString::to_string);
        Self {
            from_provider: row.from.provider().clone(),
            group_name,
            title: title.filter(|title| !shows_nothing(title)),
            used: is_used,
            standing: (&row).into(),
            group: row.about.group,
            adder: row.from,
            user: row.to,
        }
    }
}

impl From<request::TrafficFilters> for TrafficFilter {
    fn from(asked: request::TrafficFilters) -> Self {
        let request::TrafficFilters { peer, direction, kind, asker, failures, since, until, text } = asked;
        let (direction, kind, asker) =
            (direction.map(Into::into), kind.map(Into::into), asker.map(Into::into));
        Self { peer, direction, kind, asker, failures, since, until, text }
    }
}

impl From<Timing> for view::Timing {
    fn from(timing: Timing) -> Self {
        let Timing { dns, connect, tls, wait, transfer, verify, store } = timing;
        let [dns, connect, tls, wait, transfer, verify, store] =
            [dns, connect, tls, wait, transfer, verify, store].map(|part| part.map(millis));
        Self { dns, connect, tls, wait, transfer, verify, store }
    }
}

impl From<TrafficItem> for view::TrafficItem {
    fn from(item: TrafficItem) -> Self {
        let TrafficItem { seq, kind, event } = item;
        let event = event.map(|event| view::TrafficEvent { group: event.group, seq: event.seq });
        Self { seq, kind, event }
    }
}

impl From<&TrafficRecord> for view::Traffic {
    fn from(record: &TrafficRecord) -> Self {
        let signature = record.signature();
        let record = record.clone();
        Self {
            id: record.id,
            at: record.at,
            direction: record.direction.into(),
            kind: record.kind.into(),
            asker: record.asker.into(),
            peer: record.peer,
            address: record.address.map(|address| address.to_string()),
            verified: record.verified,
            signature: signature.map(|told| view::TrafficSignature { covered: told.covered, key: told.key }),
            method: record.method,
            target: record.target,
            protocol: record.protocol,
            waiting: record.waiting,
            status: record.status,
            code: record.code,
            duration_ms: record.duration.map(millis),
            timing: record.timing.into(),
            request_bytes: small(record.request_bytes),
            response_bytes: small(record.response_bytes),
            items: record.items.into_iter().map(Into::into).collect(),
            item_count: small(record.item_count),
            stage: record.stage.map(Into::into),
            text: record.text,
            request_headers: record.request_headers,
            response_headers: record.response_headers,
        }
    }
}
