//! What is on its way to the owner of a group.

use drawbridge_mtp::{
    id::{GroupUri, Id},
    message::{Submission, SubmissionKind},
    octets::{Hash32, Octets},
};
use openmls::ciphersuite::hash_ref::ProposalRef;
use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::{Tx, View};
use crate::{
    content::MessageId,
    fault::{ClientFault, StoreFault},
};

/// How far something has come on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Not encrypted yet: that happens when it can be sent, for the epoch that is current then.
    Waiting,
    /// A submission, to be given to the provider.
    Ready,
    /// The provider has it.
    Queued,
    /// The owner has it; a commit waits for its own event to be applied, a message for its place among the others.
    Accepted,
    /// Refused; a person may send it again.
    Failed,
}

impl Stage {
    const ALL: [Self; 5] = [Self::Waiting, Self::Ready, Self::Queued, Self::Accepted, Self::Failed];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Queued => "queued",
            Self::Accepted => "accepted",
            Self::Failed => "failed",
        }
    }
}

/// One thing on its way.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    /// Its place in the order; 0 for a new one.
    pub(crate) place: i64,
    pub(crate) group: GroupUri,
    pub(crate) kind: SubmissionKind,
    pub(crate) stage: Stage,
    pub(crate) body: OutgoingBody,
}

/// What is kept of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct OutgoingBody {
    /// What an application message says, with its name.
    pub(crate) says: Option<(MessageId, Octets)>,
    /// What is submitted, once there is that.
    pub(crate) submission: Option<Submission>,
    /// Its number in the log, where that is known.
    pub(crate) placed: u64,
    /// The epoch that it was made in.
    pub(crate) epoch: u64,
    /// The intents that a commit brings about.
    pub(crate) intents: Vec<i64>,
    /// The MLS reference of a proposal.
    pub(crate) proposal: Option<ProposalRef>,
    /// Whether a commit is an external one.
    pub(crate) external: bool,
}

const TABLE: &str = "outgoing";
const COLUMNS: &str = "SELECT place, conversation, kind, state, body FROM outgoing";

fn key(group: &str, place: i64) -> Vec<u8> {
    [&place.to_be_bytes(), group.as_bytes()].concat()
}

impl View<'_> {
    /// Everything of a conversation, in order.
    pub(crate) fn outgoing(&self, group: &GroupUri) -> Result<Vec<Outgoing>, ClientFault> {
        self.found(&format!("{COLUMNS} WHERE conversation = ?1 ORDER BY place"), [group.as_str()])
    }

    /// The commit or proposal of a conversation that is on its way; there is at most one.
    pub(crate) fn handshake(&self, group: &GroupUri) -> Result<Option<Outgoing>, ClientFault> {
        let sql = format!("{COLUMNS} WHERE conversation = ?1 AND kind <> 'application' ORDER BY place");
        Ok(self.found(&sql, [group.as_str()])?.into_iter().next())
    }

    /// The one that was submitted under this id.
    pub(crate) fn outgoing_submitted(&self, id: &Id) -> Result<Option<Outgoing>, ClientFault> {
        let sql = format!("{COLUMNS} WHERE submission = ?1");
        Ok(self.found(&sql, [id.to_string()])?.into_iter().next())
    }

    /// The one whose MLS message has this hash.
    pub(crate) fn outgoing_hashed(
        &self,
        group: &GroupUri,
        hash: &Hash32,
    ) -> Result<Option<Outgoing>, ClientFault> {
        let sql = format!("{COLUMNS} WHERE conversation = ?1 AND hash = ?2");
        Ok(self.found(&sql, params![group.as_str(), hash.0])?.into_iter().next())
    }

    /// The groups in which something is to be encrypted or given to the provider.
    pub(crate) fn groups_to_send(&self) -> Result<Vec<GroupUri>, ClientFault> {
        let sql = "SELECT DISTINCT conversation FROM outgoing WHERE state IN ('waiting', 'ready')";
        self.rows(sql, [], |row| row.get::<_, String>(0))?.iter().map(|name| parse(name)).collect()
    }

    fn found(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<Outgoing>, ClientFault> {
        type Row = (i64, String, String, String, Vec<u8>);
        let rows: Vec<Row> = self
            .rows(sql, params, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?;
        rows.into_iter()
            .map(|(place, group, kind, stage, sealed)| {
                let body = self.open(TABLE, &key(&group, place), &sealed)?;
                let kind = kind.parse().map_err(|_| StoreFault::Unreadable(TABLE))?;
                let stage = Stage::ALL.into_iter().find(|known| known.as_str() == stage);
                let stage = stage.ok_or(StoreFault::Unreadable(TABLE))?;
                Ok(Outgoing { place, group: parse(&group)?, kind, stage, body })
            })
            .collect()
    }
}

impl Tx<'_> {
    /// Puts it at the end of its conversation's queue, or writes it in its place.
    pub(crate) fn put_outgoing(&self, outgoing: &Outgoing) -> Result<i64, ClientFault> {
        let Outgoing { place, group, kind, stage, body } = outgoing;
        let place = if *place > 0 {
            *place
        } else {
            self.db
                .query_row("SELECT coalesce(max(place), 0) + 1 FROM outgoing", [], |row| row.get(0))
                .map_err(StoreFault::from)?
        };
        let sealed = self.close(TABLE, &key(group.as_str(), place), body)?;
        let submission = body.submission.as_ref();
        let hash = submission.map(|submission| Hash32::of(submission.mls.as_slice()).0);
        if hash.is_some() {
            let sql = "INSERT OR IGNORE INTO sent (conversation, hash) VALUES (?1, ?2)";
            self.run(sql, params![group.as_str(), hash])?;
        }
        self.run(
            "INSERT OR REPLACE INTO outgoing (place, conversation, kind, state, submission, hash, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                place,
                group.as_str(),
                kind.as_str(),
                stage.as_str(),
                submission.map(|submission| submission.id.to_string()),
                hash,
                sealed
            ],
        )?;
        Ok(place)
    }

    pub(crate) fn remove_outgoing(&self, outgoing: &Outgoing) -> Result<(), ClientFault> {
        self.run("DELETE FROM outgoing WHERE place = ?1", [outgoing.place])?;
        Ok(())
    }

    /// Forgets that this client has made the message with this hash, whose event has come or will not; `false` where it has
    /// not made it.
    pub(crate) fn forget_sent(&self, group: &GroupUri, hash: &Hash32) -> Result<bool, ClientFault> {
        let sql = "DELETE FROM sent WHERE conversation = ?1 AND hash = ?2";
        Ok(self.run(sql, params![group.as_str(), hash.0])? > 0)
    }

    /// Gives the provider again what it had: its answer may have been lost with its store, or ours.
    pub(crate) fn resubmit(&self) -> Result<(), ClientFault> {
        self.run("UPDATE outgoing SET state = 'ready' WHERE state = 'queued'", [])?;
        self.ring_to_send();
        Ok(())
    }
}

fn parse(name: &str) -> Result<GroupUri, ClientFault> {
    Ok(name.parse().map_err(|_| StoreFault::Unreadable(TABLE))?)
}
