//! How it went with each peer, counted in slots of time: a part of the file of the traffic record.
//!
//! What is kept has bounds that hold whatever the clock says: so many slots of each span, and so many peers. A clock that is wrong
//! for a while, ahead or in 1970, does not empty it, so no slot is forgotten for its age alone.

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::StoreFault;
use crate::traffic::{Added, Counted, Direction, Heartbeat, HeartbeatSpan, Place};

/// Slots of one span and direction that are kept: those that are shown, and room for what a wrong clock has counted elsewhere.
const KEPT: i64 = 120;
/// Peers of which some are kept.
const PEERS: i64 = 500;
/// Peers that make room for others in one write. To find one costs a look at all, and a flood of names is not worth that.
const REPLACED: usize = 10;

/// The tables, which the first form of the file did not have.
pub(super) const SCHEMA: &str = "
    CREATE TABLE heartbeat_peer (
        id INTEGER PRIMARY KEY,
        peer TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE heartbeat (
        peer INTEGER NOT NULL, -- of heartbeat_peer
        direction TEXT NOT NULL,
        span TEXT NOT NULL,
        slot INTEGER NOT NULL, -- its number since 1970
        good INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        code TEXT, -- of the latest failure
        PRIMARY KEY (peer, direction, span, slot)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE heartbeat_ran ( -- slots in which this node ran
        span TEXT NOT NULL,
        slot INTEGER NOT NULL,
        PRIMARY KEY (span, slot)
    ) STRICT, WITHOUT ROWID;";

/// Adds what was counted to what is there.
pub(super) fn add(tx: &Connection, counted: &Counted) -> Result<(), StoreFault> {
    let Some((since, now)) = counted.ran else { return Ok(()) };
    for span in HeartbeatSpan::ALL {
        mark_as_run(tx, span, since, now)?;
    }
    let mut replaced = 0;
    for (peer, places) in &counted.tally.peers {
        let Some(peer) = number_of(tx, peer, now, &mut replaced)? else { continue };
        for (place, added) in places {
            add_to(tx, peer, *place, added)?;
        }
        for direction in [Direction::In, Direction::Out] {
            for span in HeartbeatSpan::ALL {
                prune(tx, peer, direction, span, now)?;
            }
        }
    }
    Ok(())
}

fn mark_as_run(
    tx: &Connection,
    span: HeartbeatSpan,
    since: Timestamp,
    now: Timestamp,
) -> Result<(), StoreFault> {
    let mut put = tx.prepare_cached("INSERT OR IGNORE INTO heartbeat_ran (span, slot) VALUES (?1, ?2)")?;
    let mut is_new = false;
    for slot in span.slot_of(since)..=span.slot_of(now) {
        is_new |= put.execute(params![span.as_str(), number(slot)])? > 0;
    }
    if is_new {
        tx.prepare_cached(
            "DELETE FROM heartbeat_ran WHERE span = ?1 AND slot IN (
                SELECT slot FROM heartbeat_ran WHERE span = ?1 ORDER BY slot > ?2 DESC, slot
                LIMIT max(0, (SELECT count(*) FROM heartbeat_ran WHERE span = ?1) - ?3))",
        )?
        .execute(params![span.as_str(), number(span.slot_of(now)), KEPT])?;
    }
    Ok(())
}

fn add_to(
    tx: &Connection,
    peer: i64,
    (direction, span, slot): Place,
    added: &Added,
) -> Result<(), StoreFault> {
    // What is counted otherwise by now may have been forgotten meanwhile, so that there is nothing to take away from.
    tx.prepare_cached(
        "INSERT INTO heartbeat (peer, direction, span, slot, good, failed, code)
         VALUES (?1, ?2, ?3, ?4, max(0, ?5), max(0, ?6), ?7)
         ON CONFLICT DO UPDATE SET good = max(0, good + ?5), failed = max(0, failed + ?6), code = coalesce(?7, code)",
    )?
    .execute(params![
        peer,
        direction.as_str(),
        span.as_str(),
        number(slot),
        added.good,
        added.failed,
        added.code,
    ])?;
    Ok(())
}

/// Keeps so many slots as there is room for. What is ahead of the clock goes first, then the oldest.
fn prune(
    tx: &Connection,
    peer: i64,
    direction: Direction,
    span: HeartbeatSpan,
    now: Timestamp,
) -> Result<(), StoreFault> {
    tx.prepare_cached(
        "DELETE FROM heartbeat WHERE peer = ?1 AND direction = ?2 AND span = ?3 AND slot IN (
            SELECT slot FROM heartbeat WHERE peer = ?1 AND direction = ?2 AND span = ?3 ORDER BY slot > ?4 DESC, slot
            LIMIT max(0, (SELECT count(*) FROM heartbeat WHERE peer = ?1 AND direction = ?2 AND span = ?3) - ?5))",
    )?
    .execute(params![peer, direction.as_str(), span.as_str(), number(span.slot_of(now)), KEPT])?;
    Ok(())
}

/// The number of `peer`; none where it is new and there is no room for it. `replaced` have made room in this write.
fn number_of(
    tx: &Connection,
    peer: &Provider,
    now: Timestamp,
    replaced: &mut usize,
) -> Result<Option<i64>, StoreFault> {
    let known = known_number(tx, peer)?;
    if known.is_some() {
        return Ok(known);
    }
    let peers: i64 =
        tx.prepare_cached("SELECT count(*) FROM heartbeat_peer")?.query_row([], |row| row.get(0))?;
    if peers >= PEERS {
        if *replaced >= REPLACED {
            return Ok(None);
        }
        *replaced += 1;
        forget_one(tx, now)?;
    }
    tx.prepare_cached("INSERT INTO heartbeat_peer (peer) VALUES (?1)")?.execute([peer.as_str()])?;
    Ok(Some(tx.last_insert_rowid()))
}

fn known_number(connection: &Connection, peer: &Provider) -> Result<Option<i64>, StoreFault> {
    let mut statement = connection.prepare_cached("SELECT id FROM heartbeat_peer WHERE peer = ?1")?;
    Ok(statement.query_row([peer.as_str()], |row| row.get(0)).optional()?)
}

/// Forgets the peer with the fewest slots in the latest thirty days, of equals the one that came first. Slots take time to be had,
/// so many that come at once push out each other, and nobody with whom it has gone on for long.
fn forget_one(tx: &Connection, now: Timestamp) -> Result<(), StoreFault> {
    let span = HeartbeatSpan::Month;
    let least: Option<i64> = tx
        .prepare_cached(
            "SELECT id FROM heartbeat_peer ORDER BY (
                SELECT count(*) FROM heartbeat
                WHERE peer = heartbeat_peer.id AND direction IN ('in', 'out') AND span = ?1 AND slot BETWEEN ?2 AND ?3
             ), id LIMIT 1",
        )?
        .query_row(params![span.as_str(), number(span.first_at(now)), number(span.slot_of(now))], |row| row.get(0))
        .optional()?;
    let Some(least) = least else { return Ok(()) };
    tx.prepare_cached("DELETE FROM heartbeat WHERE peer = ?1")?.execute([least])?;
    tx.prepare_cached("DELETE FROM heartbeat_peer WHERE id = ?1")?.execute([least])?;
    Ok(())
}

/// Forgets how it went with `peer`.
pub(super) fn forget(tx: &Connection, peer: &Provider) -> Result<(), StoreFault> {
    let Some(number) = known_number(tx, peer)? else { return Ok(()) };
    tx.prepare_cached("DELETE FROM heartbeat WHERE peer = ?1")?.execute([number])?;
    tx.prepare_cached("DELETE FROM heartbeat_peer WHERE id = ?1")?.execute([number])?;
    Ok(())
}

/// What is counted of `peer`, from the slot of the number `first` on.
pub(super) fn of(
    connection: &Connection,
    peer: &Provider,
    span: HeartbeatSpan,
    first: u64,
) -> Result<Heartbeat, StoreFault> {
    let mut statement =
        connection.prepare_cached("SELECT slot FROM heartbeat_ran WHERE span = ?1 AND slot >= ?2")?;
    let ran = statement
        .query_map(params![span.as_str(), number(first)], |row| row.get::<_, i64>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    let mut heartbeat = Heartbeat::empty(span, first, |slot| ran.contains(&number(slot)));
    let Some(peer) = known_number(connection, peer)? else { return Ok(heartbeat) };
    let mut statement = connection.prepare_cached(
        "SELECT slot, good, failed, code FROM heartbeat
         WHERE peer = ?1 AND direction = ?2 AND span = ?3 AND slot >= ?4",
    )?;
    for direction in [Direction::In, Direction::Out] {
        let mut rows = statement.query(params![peer, direction.as_str(), span.as_str(), number(first)])?;
        while let Some(row) = rows.next()? {
            let index = u64::try_from(row.get::<_, i64>(0)? - number(first)).unwrap_or(u64::MAX);
            if let Some(slot) = heartbeat.slot_at(direction, index) {
                slot.good = count(row.get(1)?);
                slot.failed = count(row.get(2)?);
                slot.code = row.get::<_, Option<String>>(3)?.filter(|_| slot.failed > 0);
            }
        }
    }
    Ok(heartbeat)
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn count(value: i64) -> u64 {
    value.try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const DAY: u64 = 86_400;
    /// Some day in 2026, in seconds.
    const TODAY: u64 = 20_700 * DAY;

    fn tables() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        connection
    }

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn peer(name: &str) -> Provider {
        format!("{name}.example").parse().unwrap()
    }

    /// Counts one request with `peer` that was answered at `secs`, at which the node runs.
    fn beat(connection: &Connection, peer: &Provider, secs: u64) {
        let mut counted = Counted { ran: Some((at(secs), at(secs))), ..Counted::default() };
        let places = counted.tally.peers.entry(peer.clone()).or_default();
        for span in HeartbeatSpan::ALL {
            let added = Added { good: 1, ..Added::default() };
            places.insert((Direction::Out, span, span.slot_of(at(secs))), added);
        }
        add(connection, &counted).unwrap();
    }

    fn seen(connection: &Connection, peer: &Provider, span: HeartbeatSpan, secs: u64) -> Vec<u64> {
        let first = span.first_at(at(secs));
        let heartbeat = of(connection, peer, span, first).unwrap();
        heartbeat.ours.iter().map(|slot| slot.good).collect()
    }

    fn rows(connection: &Connection, table: &str) -> i64 {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn counts_add_up_and_what_is_taken_away_leaves_none_below_zero() {
        let (connection, peer) = (tables(), peer("a"));
        let slot = HeartbeatSpan::Hour.slot_of(at(TODAY));
        for (good, failed, code) in
            [(1, 0, None), (2, 1, Some("timeout")), (-9, 0, None), (0, 1, Some("dns")), (1, 0, None)]
        {
            let mut counted = Counted { ran: Some((at(TODAY), at(TODAY))), ..Counted::default() };
            let added = Added { good, failed, code: code.map(Into::into) };
            let places = counted.tally.peers.entry(peer.clone()).or_default();
            places.insert((Direction::In, HeartbeatSpan::Hour, slot), added);
            add(&connection, &counted).unwrap();
        }
        let heartbeat =
            of(&connection, &peer, HeartbeatSpan::Hour, HeartbeatSpan::Hour.first_at(at(TODAY))).unwrap();
        let latest = heartbeat.theirs.last().unwrap();
        assert_eq!((latest.good, latest.failed, latest.code.as_deref()), (1, 2, Some("dns")));
        assert!(latest.ran && !heartbeat.theirs[0].ran);
        assert_eq!(heartbeat.ours.last().unwrap().good, 0);
        assert_eq!(heartbeat.from, at(TODAY / 40 * 40 - 89 * 40));
    }

    #[test]
    fn each_span_shows_its_ninety_slots_and_no_more_is_kept_than_there_is_room_for() {
        let (connection, peer) = (tables(), peer("a"));
        // Two months, each quarter of an hour.
        for quarter in 0..60 * 96 {
            beat(&connection, &peer, TODAY + quarter * 900);
        }
        let now = TODAY + 60 * DAY - 900;
        assert!(seen(&connection, &peer, HeartbeatSpan::Day, now).iter().all(|good| (1..=2).contains(good)));
        assert!(seen(&connection, &peer, HeartbeatSpan::Month, now)[1..].iter().all(|good| *good == 32));
        assert_eq!(rows(&connection, "heartbeat"), 4 * KEPT);
        assert_eq!(rows(&connection, "heartbeat_ran"), 4 * KEPT);
    }

    #[test]
    fn a_clock_that_is_wrong_for_a_while_takes_nothing_and_fills_nothing() {
        let (connection, peer) = (tables(), peer("a"));
        for hour in 0..30 * 24 {
            beat(&connection, &peer, TODAY + hour * 3600);
        }
        let now = TODAY + 30 * DAY - 3600;
        let before = seen(&connection, &peer, HeartbeatSpan::Month, now);
        for wrong in [0, TODAY + 230 * DAY, at(u64::MAX).as_secs()] {
            for second in 0..10 * 60 {
                beat(&connection, &peer, (wrong + second).min(at(u64::MAX).as_secs()));
            }
            assert!(seen(&connection, &peer, HeartbeatSpan::Month, wrong).iter().sum::<u64>() > 0);
        }
        assert_eq!(seen(&connection, &peer, HeartbeatSpan::Month, now), before);
        // A clock that is right goes on, and in time nothing is left of what was counted ahead of it.
        for hour in 0..35 * 24 {
            beat(&connection, &peer, now + hour * 3600);
        }
        assert!(rows(&connection, "heartbeat") <= 4 * KEPT);
        let ahead = seen(&connection, &peer, HeartbeatSpan::Month, TODAY + 230 * DAY);
        assert_eq!(ahead.iter().sum::<u64>(), 0);
    }

    #[test]
    fn many_peers_that_come_at_once_push_out_nobody_with_whom_it_goes_on() {
        let connection = tables();
        let known = peer("known");
        for hour in 0..48 {
            beat(&connection, &known, TODAY + hour * 3600);
        }
        let now = TODAY + 48 * 3600;
        for n in 0..2 * PEERS {
            beat(&connection, &peer(&format!("n{n}")), now);
        }
        assert_eq!(rows(&connection, "heartbeat_peer"), PEERS);
        assert_eq!(seen(&connection, &known, HeartbeatSpan::Month, now).iter().sum::<u64>(), 48);
        assert_eq!(seen(&connection, &peer(&format!("n{}", 2 * PEERS - 1)), HeartbeatSpan::Hour, now)[89], 1);
        let mut counted = Counted { ran: Some((at(now), at(now))), ..Counted::default() };
        let place = (Direction::Out, HeartbeatSpan::Month, HeartbeatSpan::Month.slot_of(at(now)));
        let places = HashMap::from([(place, Added { good: 1, ..Added::default() })]);
        counted.tally.peers = (0..PEERS).map(|n| (peer(&format!("m{n}")), places.clone())).collect();
        add(&connection, &counted).unwrap();
        assert_eq!(rows(&connection, "heartbeat_peer WHERE peer LIKE 'm%'"), 10, "few of a flood");
        let orphans = "heartbeat WHERE peer NOT IN (SELECT id FROM heartbeat_peer)";
        assert_eq!(rows(&connection, orphans), 0);
    }
}
