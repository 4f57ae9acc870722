//! `storage`: what takes room on the running provider's disk, after how long messages are removed, and giving room back.

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;
use drawbridge_admin::view::{RetentionPreview, Storage};
use serde_json::json;

use crate::ask::carry_out;
use crate::print::{answer, word};

/// So many groups and peers are listed, those that take the most.
const LISTED: usize = 20;

/// What is done about it.
#[derive(Clone, Subcommand)]
pub(crate) enum Wanted {
    /// Remove the contents of messages after so many days, in the logs of all groups; with off, keep them. Without --yes, say what
    /// would be removed now.
    Retention {
        /// Do it.
        #[arg(long)]
        yes: bool,
        /// The days, or off
        #[arg(value_name = "DAYS|off", value_parser = days)]
        days: Days,
    },
    /// Give the free room of the store's file back to the disk. The provider goes on meanwhile.
    Compact,
}

/// After how many days, where at all.
#[derive(Clone, Copy)]
pub(crate) struct Days(Option<u32>);

fn days(text: &str) -> Result<Days, String> {
    match text {
        "off" => Ok(Days(None)),
        _ => {
            text.parse().map(|days| Days(Some(days))).map_err(|_| "give a number of days, or off".to_owned())
        }
    }
}

/// Does what is `wanted` with what the node that runs in `folder` keeps, or lists it; as one JSON object where `as_json`.
pub(crate) async fn storage(folder: &Path, wanted: Option<Wanted>, as_json: bool) -> ExitCode {
    let told = match wanted {
        None => carry_out(folder, "storage", json!({}), as_json, list).await,
        Some(Wanted::Compact) => carry_out(folder, "compact", json!({}), as_json, compacted).await,
        Some(Wanted::Retention { days: Days(None), .. }) => {
            carry_out(folder, "set-retention", json!({}), as_json, set).await
        }
        Some(Wanted::Retention { yes: true, days: Days(days) }) => {
            carry_out(folder, "set-retention", json!({ "days": days }), as_json, set).await
        }
        Some(Wanted::Retention { yes: false, days: Days(days) }) => {
            carry_out(folder, "preview-retention", json!({ "days": days }), as_json, foresee).await
        }
    };
    told.map_or_else(|code| code, |()| ExitCode::SUCCESS)
}

fn list(storage: Storage) -> Result<(), ExitCode> {
    for kind in &storage.kinds {
        let count = kind.count.map(|count| format!("  {count}")).unwrap_or_default();
        answer(format_args!("{:<14} {:>14} bytes{count}", word(&kind.kind), kind.bytes))?;
    }
    if let Some(free) = storage.disk_free_bytes {
        answer(format_args!("Free on the disk: {free} bytes"))?;
    }
    listed("Groups", &storage.groups, |group| {
        let gone =
            group.contents_from.map(|from| format!(", contents from event {from} on")).unwrap_or_default();
        format!("{:>14} bytes  {:>9} events  {}{gone}", group.bytes, group.events, group.group)
    })?;
    listed("Providers", &storage.peers, |peer| {
        format!(
            "{:>14} bytes  {}: {} for it ({} items, {} not fetched), {} of {} groups that it owns",
            peer.bytes,
            peer.provider,
            peer.feed_bytes,
            peer.items,
            peer.waiting,
            peer.group_bytes,
            peer.groups
        )
    })?;
    listed("Clients", &storage.clients, |client| {
        format!(
            "{:>14} bytes  {}: {} items, {} not fetched",
            client.bytes, client.client, client.items, client.waiting
        )
    })?;
    set(storage)
}

/// Prints those of `rows` that take the most.
fn listed<T>(title: &str, rows: &[T], line: impl Fn(&T) -> String) -> Result<(), ExitCode> {
    if rows.is_empty() {
        return Ok(());
    }
    answer(format_args!("{title}: {}", rows.len()))?;
    rows.iter().take(LISTED).try_for_each(|row| answer(line(row)))?;
    match rows.len().checked_sub(LISTED) {
        Some(more @ 1..) => answer(format_args!("  and {more} more: --json lists them all")),
        _ => Ok(()),
    }
}

fn set(storage: Storage) -> Result<(), ExitCode> {
    match storage.retention_days {
        Some(days) => answer(format_args!(
            "The contents of messages are removed after {days} days, once everybody has fetched them."
        )),
        None => answer("The contents of messages are kept."),
    }
}

fn compacted(storage: Storage) -> Result<(), ExitCode> {
    match storage.compacted {
        Some(done) => answer(format_args!(
            "The store takes {} bytes; it took {} before.",
            done.after_bytes, done.before_bytes
        )),
        None => Ok(()),
    }
}

fn foresee(preview: RetentionPreview) -> Result<(), ExitCode> {
    let RetentionPreview { days, messages, bytes, oldest, groups, held, unfetched } = preview;
    match oldest {
        Some(oldest) => answer(format_args!(
            "After {days} days, the contents of {messages} messages ({bytes} bytes) would be removed now, of {} groups; the oldest is \
             of {oldest}.",
            groups.len()
        ))?,
        None => answer(format_args!("After {days} days, nothing would be removed now."))?,
    }
    groups.iter().take(LISTED).try_for_each(|group| {
        answer(format_args!("{:>14} bytes  {:>9} messages  {}", group.bytes, group.messages, group.group))
    })?;
    if held > 0 {
        answer(format_args!(
            "{held} messages of that age stay for now, since somebody has yet to fetch them."
        ))?;
    }
    for behind in &unfetched {
        let fetched = match behind.fetched {
            Some(at) => format!("has fetched nothing since {}", at.in_words()),
            None => "has never fetched anything".to_owned(),
        };
        answer(format_args!(
            "  {} {fetched}: {} wait for it and stay, {} would be without their contents",
            behind.reader, behind.held, behind.lost
        ))?;
    }
    answer(
        "Events, senders, times and hashes stay, and all that changes a group; what was said is gone for good, here. Nothing was done. \
         To do it, give --yes as well.",
    )
}
