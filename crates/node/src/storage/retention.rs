//! After how long the bodies of messages are removed from the logs of groups, ours and others', where the operator wants that
//! (section 12: a retention may drop bodies and keeps the chain).
//!
//! Of a log nothing goes but bodies of application messages, from its beginning on. Every event stays with its hashes, its sender and
//! its grants, and every handshake whole: by those a log is checked, followed, read back after a loss, and told apart from another.
//! What an item of a feed names that is still kept stays too, since a reader that was away comes for it.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::time::Instant;

use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::time::Timestamp;

use super::days::Retention;
use super::state::{REMOVED, Storage};
use crate::ground::changes::Change;
use crate::store::{AgedMessage, AgedRun, Extent, LogPlace, Reader, ReaderHold, StoreFault, View};

/// The name of the setting.
const SETTING: &str = "retention-days";
/// What is looked at in one read, between which others read.
const LOOKED_AT: Extent = Extent { count: 2_000, octets: u64::MAX };

/// What a retention would remove now.
#[derive(Clone, Debug)]
pub struct RetentionPreview {
    /// After how many days.
    pub retention: Retention,
    /// Messages whose bodies would go.
    pub messages: u64,
    /// Octets of those.
    pub octets: u64,
    /// When the oldest of them was accepted.
    pub oldest: Option<Timestamp>,
    /// The logs that it would go from, what takes the most first.
    pub logs: Vec<AgedLog>,
    /// Messages that are old enough and stay until their readers have fetched them, or those have been away for thirty days.
    pub held: u64,
    /// Who has not fetched what is old enough, by name.
    pub unfetched: Vec<Unfetched>,
}

/// What would go from one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgedLog {
    /// The group.
    pub group: GroupUri,
    /// Messages.
    pub messages: u64,
    /// Octets of their bodies.
    pub octets: u64,
    /// When the oldest was accepted.
    pub oldest: Timestamp,
}

/// A reader that has not fetched messages which are old enough to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfetched {
    /// Who.
    pub reader: Reader,
    /// When it last acknowledged anything.
    pub pulled: Option<Timestamp>,
    /// Messages that wait in its feed: they stay until it has fetched them, thirty days at most.
    pub held: u64,
    /// Messages that have lapsed from its feed, since it was away for longer than that: it reads them from the log, and would find
    /// that they were there, but not what they said.
    pub lost: u64,
}

/// What is so with the feeds, before anything of a log is removed.
pub(super) struct Holds {
    readers: Vec<ReaderHold>,
    /// The lowest event that any item names, by the group's number.
    pub(super) first: HashMap<i64, u64>,
}

/// A reader that is behind in one log, and what of that is old enough.
struct Behind {
    /// Its place among all.
    reader: usize,
    /// The events that it is told of.
    told: RangeInclusive<u64>,
    /// The first of those that it has not acknowledged, where that waits in its feed.
    waiting: Option<u64>,
    /// Since when it has acknowledged nothing, where something has lapsed.
    lapsed: Option<Timestamp>,
    /// Messages that wait, and those that have lapsed.
    counted: [u64; 2],
}

/// The retention that the operator has chosen.
pub(crate) fn load(view: &View<'_>) -> Result<Option<Retention>, StoreFault> {
    let days = view.setting(SETTING)?.and_then(|days| days.parse().ok());
    Ok(days.and_then(|days| Retention::new(days).ok()))
}

impl Storage {
    /// After how long bodies of messages are removed; none where they are kept.
    pub(crate) fn retention(&self) -> Option<Retention> {
        *self.retention.lock()
    }

    /// Chooses after how long bodies of messages are removed, from now on. What was removed does not come back.
    pub(crate) async fn set_retention(&self, retention: Option<Retention>) -> Result<(), StoreFault> {
        let days = retention.map_or_else(String::new, |retention| retention.days().to_string());
        self.store.write::<_, StoreFault, _>(move |tx| tx.set_setting(SETTING, &days)).await?;
        *self.retention.lock() = retention;
        self.changed.notify_one();
        Ok(())
    }

    /// What `retention` would remove now. It reads the events that are old enough, a few at a time, and holds up nobody.
    pub(crate) async fn preview(&self, retention: Retention) -> Result<RetentionPreview, StoreFault> {
        let before = retention.before(self.ground.ambient.now());
        let places = self.store.read(|view| view.log_places()).await?;
        let holds = self.holds().await?;
        let mut preview = RetentionPreview {
            retention,
            messages: 0,
            octets: 0,
            oldest: None,
            logs: Vec::new(),
            held: 0,
            unfetched: Vec::new(),
        };
        let mut totals = vec![[0, 0]; holds.readers.len()];
        for place in places {
            let mut behind = self.behind(&place, &holds).await?;
            let keep_from = holds.first.get(&place.id).copied().unwrap_or(u64::MAX);
            let mut log: Option<AgedLog> = None;
            let mut from = place.bodies_from;
            loop {
                let (id, head) = (place.id, place.head);
                let run = self.store.read(move |view| view.aged_run(id, from, head, before, LOOKED_AT));
                let AgedRun { messages, next, is_last } = run.await?;
                for message in &messages {
                    behind.iter_mut().for_each(|behind| behind.count(message));
                    if message.seq >= keep_from {
                        preview.held += 1;
                        continue;
                    }
                    let (group, oldest) = (&place.group, message.time);
                    let log = log.get_or_insert_with(|| AgedLog {
                        group: group.clone(),
                        messages: 0,
                        octets: 0,
                        oldest,
                    });
                    log.messages += 1;
                    log.octets += message.octets;
                    log.oldest = log.oldest.min(message.time);
                }
                if is_last {
                    break;
                }
                from = next;
            }
            for Behind { reader, counted, .. } in behind {
                totals[reader][0] += counted[0];
                totals[reader][1] += counted[1];
            }
            preview.logs.extend(log);
        }
        preview.messages = preview.logs.iter().map(|log| log.messages).sum();
        preview.octets = preview.logs.iter().map(|log| log.octets).sum();
        preview.oldest = preview.logs.iter().map(|log| log.oldest).min();
        preview.logs.sort_by_key(|log| std::cmp::Reverse(log.octets));
        let unfetched = holds.readers.into_iter().zip(totals).filter(|(_, total)| *total != [0, 0]);
        preview.unfetched = unfetched
            .map(|(hold, [held, lost])| Unfetched { reader: hold.reader, pulled: hold.pulled, held, lost })
            .collect();
        Ok(preview)
    }

    /// Removes what has become old by the retention that is chosen, a little at a time.
    pub(super) async fn remove_old(&self) -> Result<(), StoreFault> {
        let Some(retention) = self.retention() else { return Ok(()) };
        let before = retention.before(self.ground.ambient.now());
        // What the logs are is looked at before the feeds: what a feed names of the events that are there now, it names then too.
        let places = self.store.read(|view| view.log_places()).await?;
        if places.is_empty() {
            return Ok(());
        }
        let holds = self.holds().await?;
        let mut removed: BTreeMap<GroupUri, Extent> = BTreeMap::new();
        for place in places {
            let until = holds.first.get(&place.id).map_or(place.head, |first| first - 1);
            loop {
                if self.ground.stop.is_cancelled() || self.retention() != Some(retention) {
                    return Ok(());
                }
                let begun = Instant::now();
                let of = place.clone();
                let run = self
                    .store
                    .write::<_, StoreFault, _>(move |tx| tx.drop_bodies(&of, until, before, REMOVED));
                let Some(run) = run.await? else { break };
                if !run.messages.is_empty() {
                    let removed = removed.entry(place.group.clone()).or_default();
                    removed.count += run.messages.len() as u64;
                    removed.octets += run.messages.iter().map(|message| message.octets).sum::<u64>();
                }
                if run.is_last {
                    break;
                }
                // At most half of the writer's time.
                tokio::time::sleep(begun.elapsed()).await;
            }
        }
        for (group, Extent { count, octets }) in &removed {
            tracing::info!(%group, messages = count, octets, "old messages of a log were removed");
        }
        if !removed.is_empty() {
            self.ground.changes.announce(Change::Settings);
        }
        Ok(())
    }

    /// What the feeds still name, each read by itself.
    pub(super) async fn holds(&self) -> Result<Holds, StoreFault> {
        let mut holds = Holds { readers: Vec::new(), first: HashMap::new() };
        for reader in self.store.read(|view| view.readers()).await? {
            let Some(hold) = self.store.read(move |view| view.reader_hold(&reader)).await? else { continue };
            for named in &hold.groups {
                let first = holds.first.entry(named.group).or_insert(named.first);
                *first = named.first.min(*first);
            }
            holds.readers.push(hold);
        }
        Ok(holds)
    }

    /// Which readers are behind in a log.
    async fn behind(&self, place: &LogPlace, holds: &Holds) -> Result<Vec<Behind>, StoreFault> {
        let id = place.id;
        let audience = self.store.read(move |view| view.audience(id)).await?;
        let behind = holds.readers.iter().enumerate().filter_map(|(reader, hold)| {
            let audience = audience.iter().find(|audience| audience.reader == hold.reader)?;
            let named = hold.groups.iter().find(|named| named.group == id);
            let behind = Behind {
                reader,
                told: audience.since..=audience.until.unwrap_or(u64::MAX),
                waiting: named.and_then(|named| named.waiting),
                lapsed: hold.has_lapsed.then(|| hold.pulled.unwrap_or_default()),
                counted: [0, 0],
            };
            (behind.waiting.is_some() || behind.lapsed.is_some()).then_some(behind)
        });
        Ok(behind.collect())
    }
}

impl Behind {
    /// Counts a message that is old enough, where its reader has not fetched it.
    fn count(&mut self, message: &AgedMessage) {
        if !self.told.contains(&message.seq) {
            return;
        }
        if self.waiting.is_some_and(|waiting| message.seq >= waiting) {
            self.counted[0] += 1;
        } else if self.lapsed.is_some_and(|pulled| message.time >= pulled) {
            self.counted[1] += 1;
        }
    }
}
