//! Who we know: peers, the keys accepted for them, the nonces they have used, and what went wrong with them.

use std::time::Duration;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::time::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use crate::ground::changes::Change;

use super::requests::DecidedBy;
use super::{StoreFault, Tx, View, parsed, signed, time};

/// A provider that we have met (section 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRow {
    /// Which.
    pub provider: Provider,
    /// Our judgement of it.
    pub state: PeerState,
    /// Since when.
    pub since: Timestamp,
    /// Whose decision that was.
    pub decided_by: Option<DecidedBy>,
    /// Set aside by the operator while it waits.
    pub ignored: bool,
    /// The operator lets pulling rest.
    pub paused: bool,
    /// Its judgement of us, as far as it has said.
    pub their_state: Option<PeerState>,
    /// Whether its feed has been pulled since it became allowed.
    pub pulled: bool,
    /// When a pull of ours was last answered.
    pub last_pull: Option<Timestamp>,
}

impl PeerRow {
    /// A provider that has just come to be in `state`.
    pub fn new(provider: Provider, state: PeerState, since: Timestamp) -> Self {
        Self {
            provider,
            state,
            since,
            decided_by: None,
            ignored: false,
            paused: false,
            their_state: None,
            pulled: false,
            last_pull: None,
        }
    }
}

/// Something that went wrong with a peer, counted while it repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TroubleRow {
    /// At which step, in the words of `docs/architecture.md`.
    pub stage: String,
    /// A stable code.
    pub code: String,
    /// One sentence.
    pub text: String,
    /// First time.
    pub first: Timestamp,
    /// Last time.
    pub last: Timestamp,
    /// How often.
    pub count: u32,
    /// The step has succeeded since.
    pub over: bool,
}

/// Kinds of trouble with one provider that are kept.
const TROUBLES: u32 = 64;
/// Troubles that last though every step succeeds: they end by themselves alone.
const LASTING: &[&str] = &["pull-cut"];
/// A provider that keeps nothing still answers those who read. While something waits to be brought to it, reading ends no such trouble.
const OF_WRITES: &str = "store-failing";

/// How far a request of ours had come that met this: the steps follow each other. `None` where it is not met on the way there.
fn reached(stage: &str, code: &str) -> Option<u8> {
    match (stage, code) {
        // It is not the request that met it.
        (_, "not-asked" | "own-store" | "pull-cut") => None,
        ("dns", _) => Some(0),
        ("connect", _) | ("policy", "address-refused") => Some(1),
        ("tls", _) => Some(2),
        // Nothing has answered.
        ("http", "connection-lost" | "timeout" | "proxy-error") => Some(3),
        ("document", _) => Some(4),
        ("signature", _) => Some(5),
        ("policy" | "http", _) => Some(6),
        _ => None,
    }
}

const PEER_COLUMNS: &str =
    "provider, state, since, decided_by, ignored, paused, their_state, pulled, last_pull";

type RawPeer = (String, String, i64, Option<String>, bool, bool, Option<String>, bool, Option<i64>);

fn raw_peer(row: &Row<'_>) -> Result<RawPeer, rusqlite::Error> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
        row.get(5)?,
        row.get(6)?,
        row.get(7)?,
        row.get(8)?,
    ))
}

fn peer_row(raw: RawPeer) -> Result<PeerRow, StoreFault> {
    let (provider, state, since, decided_by, ignored, paused, their_state, pulled, last_pull) = raw;
    Ok(PeerRow {
        provider: parsed("a provider", provider)?,
        state: parsed("a peer's state", state)?,
        since: time(since),
        decided_by: decided_by.map(|by| parsed("who decided", by)).transpose()?,
        ignored,
        paused,
        their_state: their_state.map(|state| parsed("a peer's state", state)).transpose()?,
        pulled,
        last_pull: last_pull.map(time),
    })
}

impl View<'_> {
    /// A provider that we have met.
    pub fn peer(&self, provider: &Provider) -> Result<Option<PeerRow>, StoreFault> {
        self.sql
            .prepare_cached(&format!("SELECT {PEER_COLUMNS} FROM peer WHERE provider = ?1"))?
            .query_row([provider.as_str()], raw_peer)
            .optional()?
            .map(peer_row)
            .transpose()
    }

    /// Our judgement of a provider.
    pub fn peer_state(&self, provider: &Provider) -> Result<PeerState, StoreFault> {
        Ok(self.peer(provider)?.map_or(PeerState::Unknown, |peer| peer.state))
    }

    /// All providers that we have met, by name.
    pub fn peers(&self) -> Result<Vec<PeerRow>, StoreFault> {
        let mut statement =
            self.sql.prepare_cached(&format!("SELECT {PEER_COLUMNS} FROM peer ORDER BY provider"))?;
        let rows = statement.query_map([], raw_peer)?;
        rows.map(|row| peer_row(row?)).collect()
    }

    /// The providers in `state`, the longest in it first.
    pub fn peers_in(&self, state: PeerState) -> Result<Vec<PeerRow>, StoreFault> {
        let mut statement = self.sql.prepare_cached(&format!(
            "SELECT {PEER_COLUMNS} FROM peer WHERE state = ?1 ORDER BY since, provider"
        ))?;
        let rows = statement.query_map([state.to_string()], raw_peer)?;
        rows.map(|row| peer_row(row?)).collect()
    }

    /// Whether there is a reason to wait at `peer` for news (section 11): a connection, something that our users
    /// have asked there, a Welcome to come, or a group.
    pub fn expects_from(&self, peer: &Provider, now: Timestamp) -> Result<bool, StoreFault> {
        Ok(self.has_connections_with(peer, now)?
            || self.has_asked_to_add_at(peer)?
            || self.awaits_addition_by(peer, now)?
            || self.has_groups_of(peer)?)
    }

    /// Whether `peer` is a guest: a rule alone has let it in, and nothing is shared with it but what rules have approved. Anybody
    /// is a guest at any number of names, so what guests say counts for nothing and is nothing to be mended.
    pub fn is_guest(&self, peer: &PeerRow) -> Result<bool, StoreFault> {
        if peer.decided_by != Some(DecidedBy::Rule) {
            return Ok(false);
        }
        let shares = self
            .sql
            .prepare_cached(
                "SELECT 1 FROM connection WHERE peer = ?1
                   AND (outgoing = 1 OR (state = 'approved' AND coalesce(decided_by, '') <> 'rule'))
                 UNION ALL SELECT 1 FROM authorization WHERE peer = ?1 AND outgoing = 1
                 UNION ALL SELECT 1 FROM mls_group WHERE owner = ?1
                 UNION ALL SELECT 1 FROM feed JOIN audience ON audience.feed = feed.id WHERE reader = ?1
                 LIMIT 1",
            )?
            .exists([peer.provider.as_str()])?;
        Ok(!shares)
    }

    /// How many providers were let in by a rule alone.
    pub fn count_let_in_by_rule(&self) -> Result<u64, StoreFault> {
        let count: i64 = self
            .sql
            .prepare_cached("SELECT count(*) FROM peer WHERE decided_by = 'rule'")?
            .query_row([], |row| row.get(0))?;
        Ok(super::unsigned(count))
    }

    /// The guests among them, the longest known first.
    pub fn guests(&self) -> Result<Vec<PeerRow>, StoreFault> {
        let mut statement = self.sql.prepare_cached(&format!(
            "SELECT {PEER_COLUMNS} FROM peer WHERE decided_by = 'rule' ORDER BY since, provider"
        ))?;
        let rows = statement.query_map([], raw_peer)?;
        let mut guests: Vec<PeerRow> = rows.map(|row| peer_row(row?)).collect::<Result<_, _>>()?;
        let mut fault = None;
        guests.retain(|peer| self.is_guest(peer).unwrap_or_else(|met| fault.replace(met).is_some()));
        fault.map_or(Ok(guests), Err)
    }

    /// How many providers are in `state`.
    pub fn count_peers(&self, state: PeerState) -> Result<u64, StoreFault> {
        let count: i64 = self
            .sql
            .prepare_cached("SELECT count(*) FROM peer WHERE state = ?1")?
            .query_row([state.to_string()], |row| row.get(0))?;
        Ok(super::unsigned(count))
    }

    /// The keys accepted so far for `provider`, the last one last.
    pub fn accepted_keys(&self, provider: &Provider) -> Result<Vec<Thumbprint>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT thumbprint FROM peer_key WHERE provider = ?1 ORDER BY place, thumbprint",
        )?;
        let rows = statement.query_map([provider.as_str()], |row| row.get::<_, String>(0))?;
        rows.map(|row| parsed("a thumbprint", row?)).collect()
    }

    /// What went wrong with `provider`: what goes on before what is over, the latest first, and of what goes on last what is known
    /// to last, so that it hides nothing newer.
    pub fn troubles(&self, provider: &Provider) -> Result<Vec<TroubleRow>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT stage, code, text, first, last, count, over FROM trouble WHERE provider = ?1
             ORDER BY over, code = 'pull-cut', last DESC",
        )?;
        let rows = statement.query_map([provider.as_str()], trouble_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether anything that went wrong with `provider` goes on.
    pub fn has_troubles(&self, provider: &Provider) -> Result<bool, StoreFault> {
        Ok(self
            .sql
            .prepare_cached("SELECT 1 FROM trouble WHERE provider = ?1 AND NOT over LIMIT 1")?
            .exists([provider.as_str()])?)
    }

    /// The latest troubles with anyone, the latest first.
    pub fn latest_troubles(&self, limit: u32) -> Result<Vec<(Provider, TroubleRow)>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT stage, code, text, first, last, count, over, provider FROM trouble ORDER BY last DESC LIMIT ?1",
        )?;
        let rows = statement.query_map([limit], |row| Ok((row.get::<_, String>(7)?, trouble_row(row)?)))?;
        rows.map(|row| {
            let (provider, trouble) = row?;
            Ok((parsed("a provider", provider)?, trouble))
        })
        .collect()
    }
}

fn trouble_row(row: &Row<'_>) -> Result<TroubleRow, rusqlite::Error> {
    Ok(TroubleRow {
        stage: row.get(0)?,
        code: row.get(1)?,
        text: row.get(2)?,
        first: time(row.get(3)?),
        last: time(row.get(4)?),
        count: row.get(5)?,
        over: row.get(6)?,
    })
}

impl Tx<'_> {
    /// Keeps `peer` as it is given.
    pub fn put_peer(&self, peer: &PeerRow) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached(
                "INSERT INTO peer (provider, state, since, decided_by, ignored, paused, their_state, pulled, last_pull)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 ON CONFLICT (provider) DO UPDATE SET state = ?2, since = ?3, decided_by = ?4, ignored = ?5,
                   paused = ?6, their_state = ?7, pulled = ?8, last_pull = ?9",
            )?
            .execute(params![
                peer.provider.as_str(),
                peer.state.to_string(),
                signed(peer.since.as_millis()),
                peer.decided_by.map(|by| by.to_string()),
                peer.ignored,
                peer.paused,
                peer.their_state.map(|state| state.to_string()),
                peer.pulled,
                peer.last_pull.map(|at| signed(at.as_millis())),
            ])?;
        self.changed(Change::Peer(peer.provider.clone()));
        Ok(())
    }

    /// Notes that a pull of ours was answered by `provider`.
    pub fn note_pull(&self, provider: &Provider) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached("UPDATE peer SET last_pull = ?2 WHERE provider = ?1")?
            .execute(params![provider.as_str(), signed(self.now().as_millis())])?;
        self.changed(Change::Dealings(provider.clone()));
        Ok(())
    }

    /// Makes `provider` unknown again.
    pub fn remove_peer(&self, provider: &Provider) -> Result<(), StoreFault> {
        self.sql.execute("DELETE FROM peer WHERE provider = ?1", [provider.as_str()])?;
        self.sql.execute("DELETE FROM trouble WHERE provider = ?1", [provider.as_str()])?;
        self.sql.execute("DELETE FROM withdrawn WHERE peer = ?1", [provider.as_str()])?;
        self.changed(Change::Peer(provider.clone()));
        Ok(())
    }

    /// Announces that `provider` waits for a decision that it did not wait for before.
    pub fn announce_waiting_peer(&self, provider: &Provider) {
        self.changed(Change::WaitingPeer(provider.clone()));
    }

    /// Accepts `keys` as the peer's, in the place of those accepted before.
    pub fn accept_keys(&self, provider: &Provider, keys: &[Thumbprint]) -> Result<(), StoreFault> {
        let (old, new): (Vec<_>, Vec<_>) = {
            let known = self.accepted_keys(provider)?;
            let place = |key: &Thumbprint| known.iter().position(|known| known == key);
            let (mut old, new): (Vec<_>, Vec<_>) = keys.iter().partition(|key| place(key).is_some());
            old.sort_by_key(|key| place(key));
            (old, new)
        };
        self.sql.execute("DELETE FROM peer_key WHERE provider = ?1", [provider.as_str()])?;
        for (place, key) in old.into_iter().chain(new).enumerate() {
            self.sql
                .prepare_cached(
                    "INSERT OR IGNORE INTO peer_key (provider, thumbprint, place) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![provider.as_str(), key.to_string(), place])?;
        }
        self.changed(Change::Peer(provider.clone()));
        Ok(())
    }

    /// Uses up `nonce` under `keyid`; `false` where it had been used (section 4, `replayed`).
    pub fn use_nonce(&self, keyid: &str, nonce: &[u8; 16], until: Timestamp) -> Result<bool, StoreFault> {
        let fresh = self
            .sql
            .prepare_cached("INSERT OR IGNORE INTO nonce (keyid, nonce, until) VALUES (?1, ?2, ?3)")?
            .execute(params![keyid, nonce, signed(until.as_millis())])?;
        Ok(fresh == 1)
    }

    /// Drops nonces that no signature can bring back.
    pub fn prune_nonces(&self) -> Result<(), StoreFault> {
        self.sql.execute("DELETE FROM nonce WHERE until < ?1", [signed(self.now().as_millis())])?;
        Ok(())
    }

    /// Notes a trouble with `provider`; a repeat counts on, one that was over begins anew. Those that a request of ours met on
    /// its way before it came so far are over, since that is no longer what it meets. A provider has [`TROUBLES`] of them at most:
    /// those that are over go first, the oldest before the others.
    pub fn note_trouble(
        &self,
        provider: &Provider,
        stage: &str,
        code: &str,
        text: &str,
    ) -> Result<(), StoreFault> {
        let now = signed(self.now().as_millis());
        // What a clock that was ahead has noted is not still to come when it is set.
        self.sql
            .prepare_cached(
                "UPDATE trouble SET first = min(first, ?2), last = ?2 WHERE provider = ?1 AND last > ?2",
            )?
            .execute(params![provider.as_str(), now])?;
        let goes_on = self
            .sql
            .prepare_cached(
                "SELECT 1 FROM trouble WHERE provider = ?1 AND stage = ?2 AND code = ?3 AND NOT over",
            )?
            .exists(params![provider.as_str(), stage, code])?;
        if !goes_on {
            tracing::warn!(peer = %provider, stage, code, "a trouble with a peer has begun: {text}");
        }
        self.sql
            .prepare_cached(
                "INSERT INTO trouble (provider, stage, code, text, first, last, count) VALUES (?1, ?2, ?3, ?4, ?5, ?5, 1)
                 ON CONFLICT (provider, stage, code) DO UPDATE SET text = ?4, last = ?5, over = 0,
                   first = iif(over, ?5, first), count = iif(over, 1, count + 1)",
            )?
            .execute(params![provider.as_str(), stage, code, text, now])?;
        if let Some(came) = reached(stage, code) {
            // Who shows another key is not asked any more, whatever was met before.
            let came = if code == "key-changed" { u8::MAX } else { came };
            self.end_where(provider, |(before, its)| {
                its != "key-changed" && reached(before, its).is_some_and(|before| before < came)
            })?;
        }
        self.sql
            .prepare_cached(
                "DELETE FROM trouble WHERE provider = ?1 AND (stage, code) NOT IN (
                   SELECT stage, code FROM trouble WHERE provider = ?1 ORDER BY over, last DESC LIMIT ?2)",
            )?
            .execute(params![provider.as_str(), TROUBLES])?;
        self.changed(Change::Dealings(provider.clone()));
        Ok(())
    }

    /// The troubles with `provider` at the steps `stages` are over: those steps have succeeded. Not [`LASTING`] ones, which
    /// say something else than that a step has failed, and not [`OF_WRITES`] while something waits to be brought there.
    pub fn end_troubles(&self, provider: &Provider, stages: &[&str]) -> Result<(), StoreFault> {
        let something_waits = self.count_outbox_for(provider)? > 0;
        self.end_those(provider, |stage, code| {
            let goes_on = LASTING.contains(&code) || (something_waits && code == OF_WRITES);
            stages.contains(&stage) && !goes_on
        })
    }

    /// The troubles with `provider` that have one of `codes` are over.
    pub fn end_troubles_with(&self, provider: &Provider, codes: &[&str]) -> Result<(), StoreFault> {
        self.end_those(provider, |_, code| codes.contains(&code))
    }

    fn end_those(&self, provider: &Provider, are: impl Fn(&str, &str) -> bool) -> Result<(), StoreFault> {
        if self.end_where(provider, |(stage, code)| are(stage, code))? {
            // It is well again, so what waits to be brought there can be.
            self.changed(Change::Peer(provider.clone()));
        }
        Ok(())
    }

    /// Ends those that go on and `are` so. Returns whether there were any.
    fn end_where(&self, provider: &Provider, are: impl Fn((&str, &str)) -> bool) -> Result<bool, StoreFault> {
        let mut open =
            self.sql.prepare_cached("SELECT stage, code FROM trouble WHERE provider = ?1 AND NOT over")?;
        let open = open.query_map([provider.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let open: Vec<(String, String)> = open.collect::<Result<_, _>>()?;
        let mut has_any = false;
        for (stage, code) in open.iter().filter(|(stage, code)| are((stage, code))) {
            has_any = true;
            self.sql
                .prepare_cached(
                    "UPDATE trouble SET over = 1 WHERE provider = ?1 AND stage = ?2 AND code = ?3",
                )?
                .execute([provider.as_str(), stage, code])?;
            tracing::info!(peer = %provider, stage, code, "a trouble with a peer is over");
        }
        Ok(has_any)
    }

    /// Drops troubles that have been over for `age`.
    pub fn prune_troubles(&self, age: Duration) -> Result<(), StoreFault> {
        let oldest =
            self.now().as_millis().saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        self.sql.execute("DELETE FROM trouble WHERE over AND last < ?1", [signed(oldest)])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use drawbridge_mtp::id::{GroupUri, Id};

    use super::*;
    use crate::ambient::{AmbientExt, System};
    use crate::ground::changes::Changes;
    use crate::store::Store;

    /// What `does` to a store leads to: the codes of the troubles that go on, in order.
    async fn going_on(does: impl FnOnce(&Tx<'_>, &Provider) + Send + 'static) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let told = store.write(move |tx| {
            let peer: Provider = "b.example".parse().unwrap();
            does(tx, &peer);
            tx.troubles(&peer)
        });
        let told = told.await.unwrap().into_iter();
        told.filter(|trouble| !trouble.over).map(|trouble| trouble.code).collect()
    }

    fn note(tx: &Tx<'_>, peer: &Provider, troubles: &[(&str, &str)]) {
        troubles.iter().for_each(|(stage, code)| tx.note_trouble(peer, stage, code, "").unwrap());
    }

    #[tokio::test]
    async fn what_was_met_before_a_later_step_is_over() {
        const ON_THE_WAY: [(&str, &str); 6] = [
            ("connect", "connection-refused"),
            ("tls", "certificate-expired"),
            ("http", "connection-lost"),
            ("document", "document-missing"),
            ("signature", "key-unknown"),
            ("policy", "peer-pending"),
        ];
        for (place, (_, code)) in ON_THE_WAY.into_iter().enumerate() {
            let goes_on = going_on(move |tx, peer| note(tx, peer, &ON_THE_WAY[..=place])).await;
            assert_eq!(goes_on, [code]);
        }
        let both = going_on(|tx, peer| {
            note(tx, peer, &[("store", "log-forked"), ("http", "pull-cut"), ("signature", "clock-skew")]);
            note(tx, peer, &[("connect", "connection-refused")]);
        });
        let both = both.await;
        assert_eq!(
            both.len(),
            4,
            "what was found at a later step is not settled by an earlier one: {both:?}"
        );
        assert_eq!(both.last().unwrap(), "pull-cut", "what is known to last hides nothing newer");
    }

    #[tokio::test]
    async fn another_key_is_what_explains_the_present_failure() {
        let goes_on = going_on(|tx, peer| {
            note(
                tx,
                peer,
                &[("signature", "key-unknown"), ("http", "connection-lost"), ("store", "log-forked")],
            );
            note(tx, peer, &[("document", "key-changed")]);
        });
        let mut goes_on = goes_on.await;
        goes_on.sort();
        assert_eq!(goes_on, ["key-changed", "log-forked"]);
    }

    #[tokio::test]
    async fn a_store_there_that_keeps_nothing_is_not_well_because_it_can_be_read() {
        let ends = |waits: bool| {
            going_on(move |tx, peer| {
                note(tx, peer, &[("http", "store-failing")]);
                if waits {
                    let group: GroupUri = "mimi://b.example/g/tea".parse().unwrap();
                    let sql = "INSERT INTO outbox (owner, group_uri, client, id, queued, submission)
                               VALUES (?1, ?2, 'mimi://a.example/u/ann/d/phone', ?3, 0, x'00')";
                    let id: Id = System.id();
                    tx.sql.execute(sql, params![peer.as_str(), group.as_str(), id.as_bytes()]).unwrap();
                }
                tx.end_troubles(peer, &["http"]).unwrap();
            })
        };
        assert_eq!(ends(true).await, ["store-failing"]);
        assert_eq!(ends(false).await, [""; 0]);
    }

    #[tokio::test]
    async fn what_a_clock_that_was_ahead_has_noted_is_not_later_than_now() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let told = store.write(|tx| {
            let peer: Provider = "b.example".parse().unwrap();
            note(tx, &peer, &[("signature", "clock-skew"), ("policy", "peer-pending")]);
            tx.sql.execute("UPDATE trouble SET first = first + 600000, last = last + 600000", [])?;
            note(tx, &peer, &[("policy", "peer-pending")]);
            Ok::<_, StoreFault>((tx.troubles(&peer)?, tx.now()))
        });
        let (troubles, now) = told.await.unwrap();
        assert_eq!(troubles.len(), 2);
        assert!(troubles.iter().all(|trouble| trouble.first <= now && trouble.last <= now), "{troubles:?}");
    }
}
