//! What is wrong and can be acted upon: what is so now, and what was so.

use std::fmt;
use std::str::FromStr;

use drawbridge_mtp::id::{ClientUri, GroupUri, Id, Provider};
use drawbridge_mtp::time::Timestamp;
use rusqlite::{Row, params};

use super::{StoreFault, Tx, View, parsed, parsed_id, signed, time, unsigned};
use crate::side::Side;
use crate::words::words;

/// So many that are gone are kept, the latest.
const KEPT: u32 = 500;
/// Of [`RepairKind::Stranger`] so many. They are kept apart, since anybody raises them under names without end.
const KEPT_OF_STRANGERS: u32 = 20;

words! {
    /// How bad something is.
    #[derive(PartialOrd, Ord)]
    Severity {
        /// It works all the same.
        Low = "low",
        /// It will not work for long, or not for everybody.
        Medium = "medium",
        /// It does not work, and somebody suffers from that.
        High = "high",
    }
}

/// Whom something that is wrong is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RepairSubject {
    /// This node.
    Node,
    /// A certificate of ours, by the section of the configuration that it is for: `mtp`, `client` or `admin`.
    Certificate(String),
    /// Another provider.
    Peer(Provider),
    /// A group.
    Group(GroupUri),
    /// A client of a user here.
    Client(ClientUri),
    /// A target of notifications, by its name.
    Target(String),
}

impl fmt::Display for RepairSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node => f.write_str("node"),
            Self::Certificate(section) => write!(f, "certificate:{section}"),
            Self::Peer(provider) => write!(f, "peer:{provider}"),
            Self::Group(group) => write!(f, "group:{group}"),
            Self::Client(client) => write!(f, "client:{client}"),
            Self::Target(name) => write!(f, "target:{name}"),
        }
    }
}

impl FromStr for RepairSubject {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text == "node" {
            return Ok(Self::Node);
        }
        match text.split_once(':') {
            Some(("certificate", section)) => Ok(Self::Certificate(section.into())),
            Some(("peer", provider)) => provider.parse().map(Self::Peer).map_err(drop),
            Some(("group", group)) => group.parse().map(Self::Group).map_err(drop),
            Some(("client", client)) => client.parse().map(Self::Client).map_err(drop),
            Some(("target", name)) => Ok(Self::Target(name.into())),
            _ => Err(()),
        }
    }
}

/// Which side of a subject is wrong. Of one subject and kind at most one is open at a time; its code says what is wrong of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RepairKind {
    /// Whether the store keeps what it is given.
    Store,
    /// Whether others find us under our name.
    Name,
    /// Our clock.
    Clock,
    /// Whether another copy of the data folder runs.
    Copy,
    /// This computer's way to others.
    Network,
    /// The router, by which others come.
    Router,
    /// The operator's command for a changed address.
    AddressHook,
    /// A certificate of ours.
    Certificate,
    /// Whether the traffic record is kept.
    Traffic,
    /// Backups that are made by themselves.
    Backup,
    /// Whether one is got by ACME.
    Issuance,
    /// Whether the operator is told elsewhere than on the screens.
    Notify,
    /// A group's log.
    Log,
    /// The KeyPackages that a client has left.
    KeyPackages,
    /// How it goes with a peer as a whole, by its one judgement.
    Exchange,
    /// That a provider on which nobody has decided comes here and is refused.
    Stranger,
    /// Something else with a peer, by its code.
    Trouble(String),
}

impl RepairKind {
    const WORDS: [(Self, &'static str); 16] = [
        (Self::Store, "store"),
        (Self::Name, "name"),
        (Self::Clock, "clock"),
        (Self::Copy, "copy"),
        (Self::Network, "network"),
        (Self::Router, "router"),
        (Self::AddressHook, "address-hook"),
        (Self::Certificate, "certificate"),
        (Self::Traffic, "traffic"),
        (Self::Backup, "backup"),
        (Self::Issuance, "issuance"),
        (Self::Notify, "notify"),
        (Self::Log, "log"),
        (Self::KeyPackages, "key-packages"),
        (Self::Exchange, "exchange"),
        (Self::Stranger, "stranger"),
    ];
}

impl fmt::Display for RepairKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, Self::WORDS.iter().find(|(kind, _)| kind == self)) {
            (Self::Trouble(code), _) => write!(f, "trouble:{code}"),
            (_, word) => f.write_str(word.map_or_else(Default::default, |(_, word)| *word)),
        }
    }
}

impl FromStr for RepairKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some(code) = text.strip_prefix("trouble:") {
            return Ok(Self::Trouble(code.into()));
        }
        Self::WORDS.into_iter().find(|(_, word)| *word == text).map(|(kind, _)| kind).ok_or(())
    }
}

/// What hangs on something that is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Suffers {
    /// Groups that users here are in.
    pub groups: u64,
    /// Those users.
    pub users: u64,
    /// Messages that wait: submissions of their clients to be brought to it, and events that it has not fetched.
    pub submissions: u64,
}

impl Suffers {
    /// Whether anything does.
    pub fn is_any(&self) -> bool {
        *self != Self::default()
    }

    /// Whether something suffers that did not `before`: more groups, more users, or submissions where none waited. That more of
    /// them wait is more of the same.
    pub fn exceeds(&self, before: &Self) -> bool {
        self.groups > before.groups
            || self.users > before.users
            || (self.submissions > 0 && before.submissions == 0)
    }
}

/// How something that is wrong was when the operator ignored it: where it comes to be worse, it is shown again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IgnoredAs {
    /// How bad it was.
    pub severity: Severity,
    /// What suffered.
    pub suffers: Suffers,
}

/// Something that is wrong, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairRow {
    /// Which.
    pub id: Id,
    /// Whom it is about.
    pub subject: RepairSubject,
    /// What of it is wrong.
    pub kind: RepairKind,
    /// A stable code, which remedies hang on.
    pub code: String,
    /// At which step, where it is a trouble with a peer: for a code without a remedy of its own.
    pub stage: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// Who has to act.
    pub side: Side,
    /// One sentence, which names whom it is about.
    pub text: String,
    /// What hangs on it.
    pub suffers: Suffers,
    /// When it began to be so.
    pub since: Timestamp,
    /// When it was raised, after what tells a fault from a blip.
    pub raised: Timestamp,
    /// When it was last seen.
    pub seen: Timestamp,
    /// When it was seen to be well again.
    pub gone: Option<Timestamp>,
    /// When the operator last ignored it.
    pub ignored_at: Option<Timestamp>,
    /// How it was then, while it is ignored.
    pub ignored: Option<IgnoredAs>,
}

impl RepairRow {
    /// Has nothing of it be later than `now`, as where it was kept by a clock that was ahead. Returns whether something was.
    pub(crate) fn end_by(&mut self, now: Timestamp) -> bool {
        let before = (self.since, self.raised, self.seen, self.gone, self.ignored_at);
        let past = |at: Timestamp| at.min(now);
        (self.since, self.raised, self.seen) = (past(self.since), past(self.raised), past(self.seen));
        (self.gone, self.ignored_at) = (self.gone.map(past), self.ignored_at.map(past));
        before != (self.since, self.raised, self.seen, self.gone, self.ignored_at)
    }
}

const COLUMNS: &str = "id, subject, kind, code, stage, severity, side, text, groups, users, submissions, since, raised, seen, \
     gone, ignored_at, ignored_severity, ignored_groups, ignored_users, ignored_submissions";

fn repair_row(row: &Row<'_>) -> Result<RepairRow, StoreFault> {
    let suffers = |first: usize| -> Result<Suffers, rusqlite::Error> {
        let [groups, users, submissions] =
            [row.get(first)?, row.get(first + 1)?, row.get(first + 2)?].map(unsigned);
        Ok(Suffers { groups, users, submissions })
    };
    let word = |column: usize| row.get::<_, String>(column);
    let ignored = row.get::<_, Option<String>>(16)?;
    let ignored = ignored.map(|severity| -> Result<_, StoreFault> {
        Ok(IgnoredAs { severity: parsed("a severity", severity)?, suffers: suffers(17)? })
    });
    Ok(RepairRow {
        id: parsed_id(&row.get::<_, Vec<u8>>(0)?)?,
        subject: parsed("whom something is about", word(1)?)?,
        kind: parsed("a kind of repair", word(2)?)?,
        code: row.get(3)?,
        stage: row.get(4)?,
        severity: parsed("a severity", word(5)?)?,
        side: parsed("a side", word(6)?)?,
        text: row.get(7)?,
        suffers: suffers(8)?,
        since: time(row.get(11)?),
        raised: time(row.get(12)?),
        seen: time(row.get(13)?),
        gone: row.get::<_, Option<i64>>(14)?.map(time),
        ignored_at: row.get::<_, Option<i64>>(15)?.map(time),
        ignored: ignored.transpose()?,
    })
}

impl View<'_> {
    /// What is open.
    pub fn open_repairs(&self) -> Result<Vec<RepairRow>, StoreFault> {
        self.repairs("gone IS NULL ORDER BY raised, id", 0)
    }

    /// What is gone since `since`, the latest first; at most 500 are kept, and 20 of strangers.
    pub fn gone_repairs(&self, since: Timestamp) -> Result<Vec<RepairRow>, StoreFault> {
        self.repairs("gone >= ?1 ORDER BY gone DESC, id DESC", signed(since.as_millis()))
    }

    fn repairs(&self, which: &str, since: i64) -> Result<Vec<RepairRow>, StoreFault> {
        let sql = format!("SELECT {COLUMNS} FROM repair WHERE {which}");
        let mut statement = self.sql.prepare_cached(&sql)?;
        let mut rows =
            if statement.parameter_count() == 0 { statement.query([])? } else { statement.query([since])? };
        let mut repairs = Vec::new();
        while let Some(row) = rows.next()? {
            repairs.push(repair_row(row)?);
        }
        Ok(repairs)
    }
}

impl Tx<'_> {
    /// Keeps `repair` as it is given. Of those that are gone the latest 500 are kept; of strangers the latest 20, which push out no others.
    pub fn put_repair(&self, repair: &RepairRow) -> Result<(), StoreFault> {
        let ignored = repair.ignored.map(|ignored| ignored.suffers).unwrap_or_default();
        self.sql
            .prepare_cached(&format!(
                "INSERT OR REPLACE INTO repair ({COLUMNS})
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)"
            ))?
            .execute(params![
                repair.id.as_bytes(),
                repair.subject.to_string(),
                repair.kind.to_string(),
                repair.code,
                repair.stage,
                repair.severity.as_str(),
                repair.side.as_str(),
                repair.text,
                signed(repair.suffers.groups),
                signed(repair.suffers.users),
                signed(repair.suffers.submissions),
                signed(repair.since.as_millis()),
                signed(repair.raised.as_millis()),
                signed(repair.seen.as_millis()),
                repair.gone.map(|at| signed(at.as_millis())),
                repair.ignored_at.map(|at| signed(at.as_millis())),
                repair.ignored.map(|ignored| ignored.severity.as_str()),
                signed(ignored.groups),
                signed(ignored.users),
                signed(ignored.submissions),
            ])?;
        if repair.gone.is_some() {
            let is_stranger = repair.kind == RepairKind::Stranger;
            let kept = if is_stranger { KEPT_OF_STRANGERS } else { KEPT };
            self.sql
                .prepare_cached(
                    "DELETE FROM repair WHERE gone IS NOT NULL AND (kind = ?1) = ?2 AND id NOT IN (
                       SELECT id FROM repair WHERE gone IS NOT NULL AND (kind = ?1) = ?2
                       ORDER BY gone DESC, id DESC LIMIT ?3)",
                )?
                .execute(params![RepairKind::Stranger.to_string(), is_stranger, kept])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ambient::{AmbientExt, System};
    use crate::ground::changes::Changes;
    use crate::store::Store;

    fn row(subject: &str, gone: Option<u64>) -> RepairRow {
        RepairRow {
            id: System.id(),
            subject: subject.parse().unwrap(),
            kind: RepairKind::Trouble("pull-cut".into()),
            code: "pull-cut".into(),
            stage: Some("http".into()),
            severity: Severity::Medium,
            side: Side::Theirs,
            text: "It is cut.".into(),
            suffers: Suffers { groups: 1, users: 2, submissions: 3 },
            since: Timestamp::from_millis(1),
            raised: Timestamp::from_millis(2),
            seen: Timestamp::from_millis(3),
            gone: gone.map(Timestamp::from_millis),
            ignored_at: Some(Timestamp::from_millis(4)),
            ignored: Some(IgnoredAs { severity: Severity::Low, suffers: Suffers::default() }),
        }
    }

    #[test]
    fn each_subject_and_kind_reads_back() {
        for subject in [
            "node",
            "certificate:mtp",
            "peer:b.example:8443",
            "group:mimi://a.example/g/tea",
            "client:mimi://a.example/u/ann/d/phone",
        ] {
            assert_eq!(subject.parse::<RepairSubject>().unwrap().to_string(), subject);
        }
        let kinds = RepairKind::WORDS.into_iter().map(|(kind, _)| kind);
        for kind in kinds.chain([RepairKind::Trouble("pull-cut".into())]) {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
    }

    #[tokio::test]
    async fn one_is_open_for_each_subject_and_kind_and_the_latest_that_are_gone_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let open = row("peer:b.example", None);
        let (first, again) = (open.clone(), row("peer:b.example", None));
        let kept = store.write(move |tx| {
            tx.put_repair(&first)?;
            for gone in 10..10 + u64::from(KEPT) + 7 {
                tx.put_repair(&row("peer:c.example", Some(gone)))?;
            }
            Ok::<_, StoreFault>((tx.open_repairs()?, tx.gone_repairs(Timestamp::from_millis(0))?))
        });
        let (kept_open, history) = kept.await.unwrap();
        assert_eq!(kept_open, [open]);
        assert_eq!(history.len(), KEPT as usize);
        let gone: Vec<_> = history.iter().map(|row| row.gone.unwrap()).collect();
        assert!(gone.is_sorted_by(|later, earlier| later >= earlier));
        assert_eq!(gone[0], Timestamp::from_millis(10 + u64::from(KEPT) + 6));
        // Strangers have a room of their own.
        let kept = store.write(move |tx| {
            for gone in 1000..1000 + u64::from(KEPT) {
                let kind = RepairKind::Stranger;
                tx.put_repair(&RepairRow { kind, ..row("peer:made-up.example", Some(gone)) })?;
            }
            tx.gone_repairs(Timestamp::from_millis(0))
        });
        let (strangers, others): (Vec<_>, Vec<_>) =
            kept.await.unwrap().into_iter().partition(|row| row.kind == RepairKind::Stranger);
        assert_eq!((strangers.len(), others), (KEPT_OF_STRANGERS as usize, history));
        // Another one in its place is that one: there are never two.
        let kept = store.write(move |tx| {
            tx.put_repair(&again)?;
            Ok::<_, StoreFault>((tx.open_repairs()?, again))
        });
        let (kept_open, again) = kept.await.unwrap();
        assert_eq!(kept_open, [again]);
    }
}
