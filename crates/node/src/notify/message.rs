//! What is sent at a time.

use std::cmp::Reverse;

use drawbridge_mtp::id::Id;
use drawbridge_mtp::time::Timestamp;
use serde::Serialize;

use super::told::{Batch, Entry, EntryState};
use super::words::{many_wait, many_wrong};
use crate::store::Severity;

/// So many sentences are in a message; of more it says how many there are.
const LINES: usize = 20;

/// What is sent at a time. As JSON it is what a webhook is sent.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Message {
    /// By which a receiver knows it again: one that is sent again has the same.
    pub(super) id: Id,
    /// When it was made.
    pub(super) time: Timestamp,
    /// Our name, where names are told.
    pub(super) provider: Option<String>,
    /// That of the one thing that it tells; `several` where it tells more, and `test` where it tells nothing.
    pub(super) code: String,
    /// All of it in one sentence.
    pub(super) sentence: String,
    /// The screen that has it.
    pub(super) link: Option<String>,
    /// What it tells: what is wrong, the worst first, then the rest, the oldest first.
    pub(super) items: Vec<Item>,
    /// How many more there are.
    pub(super) more: usize,
    /// One line for where there is but one.
    #[serde(skip)]
    pub(super) title: String,
    /// How bad the worst is; none where nothing is wrong.
    #[serde(skip)]
    pub(super) worst: Option<Severity>,
    /// Whether all that it tells is well again.
    #[serde(skip)]
    pub(super) is_end: bool,
}

/// One thing that is told.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Item {
    /// By which a receiver knows it again.
    pub(super) id: Id,
    /// What there is to tell of it.
    pub(super) state: EntryState,
    /// A stable code.
    pub(super) code: String,
    /// How bad it is; `null` where it waits for a decision.
    pub(super) severity: Option<Severity>,
    /// One sentence.
    pub(super) sentence: String,
    /// Since when it is so.
    pub(super) time: Timestamp,
    /// The screen that has it.
    pub(super) link: Option<String>,
}

/// What messages to a target have in common.
#[derive(Clone, Debug)]
pub(super) struct Form {
    /// Our name, where names are told.
    pub(super) provider: Option<String>,
    /// Where the pages are, without a slash at the end.
    pub(super) pages: Option<String>,
}

impl Form {
    fn link(&self, screen: &str) -> Option<String> {
        self.pages.as_ref().map(|pages| format!("{pages}/#/{screen}"))
    }

    /// The message that tells `batch`, made at `now`.
    pub(super) fn message(&self, batch: Batch, now: Timestamp) -> Message {
        let Batch { id, entries, left_out } = batch;
        let of = |state: EntryState| entries.iter().filter(|entry| entry.state == state).count();
        let (waits, wrong) = (of(EntryState::Waits), of(EntryState::Wrong));
        let worst = entries.iter().filter(|entry| entry.state == EntryState::Wrong);
        let worst = worst.map(|entry| entry.severity).max();
        let is_end = waits == 0 && wrong == 0;
        let all = entries.len() + left_out as usize;
        // What was left out is old, and what waits is what comes in such numbers.
        let title = match &entries[..] {
            [entry] if all == 1 => title(self.sentence(entry)),
            _ => summary(waits + left_out as usize, wrong, of(EntryState::Ended)),
        };
        let (code, sentence) = match &entries[..] {
            [entry] if all == 1 => (entry.code.clone(), self.sentence(entry).to_owned()),
            _ => ("several".to_owned(), format!("{title}.")),
        };
        let screen = if wrong > 0 || is_end { "repairs" } else { "approvals" };
        let mut first: Vec<&Entry> = entries.iter().collect();
        // What is wrong is not among what is only counted.
        first.sort_by_key(|entry| Reverse((entry.state == EntryState::Wrong).then_some(entry.severity)));
        let items: Vec<Item> = first.into_iter().take(LINES).map(|entry| self.item(entry)).collect();
        Message {
            id,
            time: now,
            provider: self.provider.clone(),
            code,
            sentence,
            link: self.link(screen),
            more: all - items.len(),
            items,
            title,
            worst,
            is_end,
        }
    }

    /// A message by which it is tried whether one comes.
    pub(super) fn test(&self, id: Id, now: Timestamp) -> Message {
        let title = "This is a test".to_owned();
        Message {
            id,
            time: now,
            provider: self.provider.clone(),
            code: "test".into(),
            sentence: "This is a test: what waits for you, and what is wrong, is told here.".into(),
            link: self.link("settings"),
            items: Vec::new(),
            more: 0,
            title,
            worst: None,
            is_end: false,
        }
    }

    fn sentence<'a>(&self, entry: &'a Entry) -> &'a str {
        if self.provider.is_some() { &entry.sentence } else { &entry.nameless }
    }

    fn item(&self, entry: &Entry) -> Item {
        let is_waiting = entry.state == EntryState::Waits;
        Item {
            id: entry.id,
            state: entry.state,
            code: entry.code.clone(),
            severity: (!is_waiting).then_some(entry.severity),
            sentence: self.sentence(entry).to_owned(),
            time: entry.at,
            link: self.link(if is_waiting { "approvals" } else { "repairs" }),
        }
    }
}

impl Message {
    /// What it tells in lines, for people.
    pub(super) fn text(&self) -> String {
        let mut lines: Vec<&str> = match &self.items[..] {
            [] | [_] => vec![self.sentence.as_str()],
            items => items.iter().map(|item| item.sentence.as_str()).collect(),
        };
        let more = format!("And {} more.", self.more);
        if self.more > 0 {
            lines.push(&more);
        }
        lines.join("\n")
    }
}

/// What a sentence says before it says why.
fn title(sentence: &str) -> String {
    let (again, rest) = match sentence.strip_prefix("Well again: ") {
        Some(rest) => ("Well again: ", rest),
        None => ("", sentence),
    };
    let what = rest.split_once(": ").map_or(rest, |(what, _)| what);
    format!("{again}{}", what.trim_end_matches('.'))
}

fn summary(waits: usize, wrong: usize, ended: usize) -> String {
    let parts = [
        match waits {
            0 => None,
            1 => Some("1 new thing waits for you".to_owned()),
            _ => Some(many_wait(waits)),
        },
        match wrong {
            0 => None,
            1 => Some("1 thing is wrong".to_owned()),
            _ => Some(many_wrong(wrong)),
        },
        match ended {
            0 => None,
            1 => Some("1 thing is well again".to_owned()),
            _ => Some(format!("{ended} things are well again")),
        },
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_what_is_said_before_why() {
        assert_eq!(
            title("No backup is made, and there is none: no room."),
            "No backup is made, and there is none"
        );
        assert_eq!(title("Well again: The disk is full: no room."), "Well again: The disk is full");
        assert_eq!(title("b.example asks to be let in."), "b.example asks to be let in");
    }

    #[test]
    fn several_things_are_counted_by_what_they_are() {
        assert_eq!(summary(3, 1, 0), "3 new things wait for you, 1 thing is wrong");
        assert_eq!(summary(0, 2, 1), "2 things are wrong, 1 thing is well again");
    }
}
