//! Letting go: a peer that is gone, a group whose owner is gone, an account. What would be lost is counted first, and what then is done
//! has what was shown as its condition.
//!
//! Each begins with a transaction that counts again before it does anything: where that is something else than was shown, nothing is done.
//! It is a short one: what there is much of is marked as gone, and removed later (`storage/forgotten.rs`); the requests of a peer end before
//! it goes, a few at a time (`unfinished.rs`). What lives and needs it keeps it, and is named with what ends that.

mod account;
mod group;
mod peer;
mod unfinished;

pub(super) use self::peer::keep;

use drawbridge_mtp::id::{GroupUri, Name, Provider};
use drawbridge_mtp::message::{ItemBody, Outcome, ResultItem, SubmissionResult};
use drawbridge_mtp::problem::{Code, Problem};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Operator;
use super::shown::group_name;
use crate::misuse::Misuse;
use crate::store::{Amount, GroupRow, Reader, StoreFault, Tx, View};

/// What can be let go of here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forgettable {
    /// A provider that was met.
    Peer(Provider),
    /// A group.
    Group(GroupUri),
    /// An account.
    Account(Name),
}

/// What letting go of something means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses {
    /// What will be lost.
    pub lost: Vec<Loss>,
    /// What stays all the same.
    pub stays: Vec<String>,
    /// What lives and needs it: nothing is let go of before that has ended.
    pub holds: Vec<Hold>,
    /// What follows for others and for later.
    pub means: Vec<String>,
}

/// Something that will be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// What, in words, with how many there are.
    pub what: String,
    /// Its octets, where they are known.
    pub octets: Option<u64>,
}

/// Something that lives and needs what would be let go of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// What kind; what ends it hangs on that.
    pub code: HoldCode,
    /// One sentence, with what ends it.
    pub text: String,
    /// The group that it is about, where it is about one.
    pub group: Option<GroupUri>,
}

/// Why something cannot be let go of yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldCode {
    /// The peer keeps a group that is not over here.
    OwnsGroup,
    /// The peer's people are in a group of ours.
    InGroup,
    /// People here are connected with people there.
    Connected,
    /// The group's owner answers, and people here are in it.
    OwnerAnswers,
    /// The group is kept here, and others are in it.
    Ours,
    /// The account is still in the conversation.
    StillIn,
    /// It is leaving it, which is not done yet.
    Leaving,
}

impl Losses {
    /// Names what is lost and what stays, so that it can be told whether it has changed.
    pub fn seen(&self) -> String {
        let mut hash = Sha256::new();
        for loss in &self.lost {
            hash.update(format!("{} {:?}\n", loss.what, loss.octets));
        }
        for stays in &self.stays {
            hash.update(format!("= {stays}\n"));
        }
        hash.finalize().iter().take(8).map(|octet| format!("{octet:02x}")).collect()
    }

    /// Whether it may be let go of by somebody who has been shown what `seen` names.
    ///
    /// # Errors
    ///
    /// Something keeps it, or what would be lost is not what was shown.
    pub fn allow(&self, seen: &str) -> Result<(), Misuse> {
        if let Some(first) = self.holds.first() {
            let more = match self.holds.len() - 1 {
                0 => String::new(),
                more => format!(" ({more} more like that)"),
            };
            return Err(Misuse::Held(format!("{}{more}", first.text)));
        }
        if self.seen() == seen { Ok(()) } else { Err(Misuse::LossesChanged) }
    }

    /// Something is lost that is not counted.
    pub fn lose_what(&mut self, what: impl Into<String>) {
        self.lost.push(Loss { what: what.into(), octets: None });
    }

    /// So many of them are lost, with their octets where those are told; nothing is said of none.
    pub fn lose(&mut self, count: u64, octets: Option<u64>, one: &str, more: &str) {
        if count > 0 {
            self.lost.push(Loss { what: many(count, one, more), octets });
        }
    }

    fn lose_all(&mut self, Amount { count, octets }: Amount, one: &str, more: &str) {
        self.lose(count, Some(octets), one, more);
    }

    fn keep(&mut self, count: u64, one: &str, more: &str) {
        if count > 0 {
            self.stays.push(many(count, one, more));
        }
    }
}

/// How many there are, in words.
fn many(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// A group as a sentence names it: by its name, where it has one, and by its address.
fn named(view: &View<'_>, row: &GroupRow) -> Result<String, StoreFault> {
    Ok(match group_name(view, row.id)? {
        Some(name) => format!("“{name}” ({})", row.uri),
        None => row.uri.to_string(),
    })
}

/// The clients that have submitted something to `group` that still waits are told that it is not brought there any more.
fn drop_queued(tx: &Tx<'_>, group: &GroupUri) -> Result<(), StoreFault> {
    for waiting in tx.take_queued(group)? {
        let problem =
            Problem::new(Code::NotFound, "the operator here has let go of the group's owner, which was gone");
        let outcome = Outcome::Rejected(Box::new(problem.into()));
        let result = SubmissionResult { id: waiting.id, outcome };
        let item = ItemBody::Result(ResultItem { group: group.clone(), result });
        let reader = Reader::Client(waiting.client);
        if tx.feed(&reader)?.is_some() {
            tx.append(&reader, &item)?;
        }
    }
    Ok(())
}

impl Operator {
    /// What letting go of something means, and what keeps it. Nothing changes.
    ///
    /// # Errors
    ///
    /// There is nothing of that name, or the store cannot be read.
    pub async fn losses(&self, of: Forgettable) -> Result<Losses, Misuse> {
        match of {
            Forgettable::Peer(peer) => self.losses_of_peer(peer).await,
            Forgettable::Group(group) => self.losses_of_group(group).await,
            Forgettable::Account(name) => self.losses_of_account(name).await,
        }
    }

    /// Lets go of something, where what is lost is what [`Losses::seen`] names.
    ///
    /// # Errors
    ///
    /// There is nothing of that name, something keeps it, what would be lost has changed, the disk has not the room, or the store cannot
    /// write. Nothing has changed then, but of a peer with many requests: with those it is gone on later.
    pub async fn forget(&self, of: Forgettable, seen: String) -> Result<(), Misuse> {
        self.storage.require_room_to_forget()?;
        match of {
            Forgettable::Peer(peer) => self.forget_peer(peer, seen).await,
            Forgettable::Group(group) => self.forget_group(group, seen).await,
            Forgettable::Account(name) => self.forget_account(name, seen).await,
        }?;
        self.storage.remove_forgotten_now();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_another_when_something_is_lost_more_and_the_same_when_only_time_has_passed() {
        let mut losses = Losses::default();
        losses.lose(1, Some(12), "message", "messages");
        losses.lose(0, None, "rule", "rules");
        assert_eq!(losses.lost, [Loss { what: "1 message".into(), octets: Some(12) }]);
        let seen = losses.seen();
        losses.means.push("It answers now.".into());
        assert!(losses.allow(&seen).is_ok());
        losses.keep(2, "copy", "copies");
        assert!(matches!(losses.allow(&seen), Err(Misuse::LossesChanged)));
        let seen = losses.seen();
        let held = |text: &str| Hold { code: HoldCode::Connected, text: text.into(), group: None };
        losses.holds = vec![held("ann is connected"), held("bob is")];
        match losses.allow(&seen) {
            Err(Misuse::Held(text)) => assert_eq!(text, "ann is connected (1 more like that)"),
            other => panic!("{other:?}"),
        }
    }
}
