//! Whether another copy of our data folder runs: two that do use the same keys and number the same logs.
//!
//! Each process has a name of its own, its life. It tells that, signed, to whoever is reached under our provider's name, and is told
//! that one's: where they differ, two run, and both know it. Nobody who does not have our key can make us believe that.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use drawbridge_mtp::id::Id;
use drawbridge_mtp::keys::{PublicKey, SecretKey};
use drawbridge_mtp::time::Timestamp;
use http::{HeaderName, HeaderValue};
use parking_lot::RwLock;
use tokio::sync::Notify;

use crate::ambient::{Ambient, AmbientExt};

/// The code of it, by which a remedy is found.
pub(crate) const RUNS_TWICE: &str = "runs-twice";
/// The header in which a process says its life, beside a request for our document and beside the document.
pub(crate) static LIFE: HeaderName = HeaderName::from_static("drawbridge-life");

/// Another copy of our data folder runs. Nothing is signed until the operator has said which of them goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a copy of this provider's data folder runs elsewhere, as was seen at {seen}; nothing is signed until you have said which of \
     them goes on"
)]
pub(crate) struct RunsTwice {
    /// When it was seen.
    pub(crate) seen: Timestamp,
}

/// What a process that has our key has said of itself, in one header field: `LIFE TO AT SIGNATURE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said {
    /// Its life.
    life: Id,
    /// Whose question it answers; its own life where it asks.
    to: Id,
    /// When it said so, in seconds.
    at: u64,
}

impl Said {
    fn text(self) -> String {
        let Self { life, to, at } = self;
        format!("{life} {to} {at}")
    }

    /// What is signed begins with what it is for, so it is nothing else that is signed with the same key.
    fn to_be_signed(self) -> String {
        format!("{LIFE} {}", self.text())
    }

    fn sign(self, key: &SecretKey) -> Option<HeaderValue> {
        let signature = BASE64_URL_SAFE_NO_PAD.encode(key.sign(self.to_be_signed().as_bytes()));
        HeaderValue::try_from(format!("{} {signature}", self.text())).ok()
    }

    /// Reads what one of `keys` has signed.
    fn proved(value: &HeaderValue, keys: &[PublicKey]) -> Option<Self> {
        let mut parts = value.to_str().ok()?.split(' ');
        let (life, to, at) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
        let said = Self { life, to, at: at.parse().ok()? };
        let signature = BASE64_URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        let signed = said.to_be_signed();
        keys.iter().any(|key| key.verifies(signed.as_bytes(), &signature)).then_some(said)
    }
}

/// This process, and whether another was met that has our key.
pub(crate) struct Copies {
    life: Id,
    started: Timestamp,
    met: RwLock<Option<RunsTwice>>,
    /// Rung where that has changed.
    changed: Notify,
    /// Rung where something has happened as it does where two run.
    suspected: Notify,
}

impl Copies {
    /// A process that starts now and has met no other.
    pub(crate) fn new(ambient: &dyn Ambient) -> Self {
        Self {
            life: ambient.id(),
            started: ambient.now(),
            met: RwLock::default(),
            changed: Notify::new(),
            suspected: Notify::new(),
        }
    }

    /// What this process asks the one that is reached under our name.
    pub(crate) fn question(&self, key: &SecretKey, now: Timestamp) -> Option<HeaderValue> {
        Said { life: self.life, to: self.life, at: now.as_secs() }.sign(key)
    }

    /// Takes a question that has come here, and returns its answer. One from before this process began may be of the process before
    /// it, in this folder; who signs nothing, since another was met already, does not answer.
    pub(crate) fn answer(
        &self,
        question: &HeaderValue,
        keys: &[PublicKey],
        key: &SecretKey,
        now: Timestamp,
    ) -> Option<HeaderValue> {
        self.check().ok()?;
        let asker = Said::proved(question, keys).filter(|asker| asker.to == asker.life)?;
        if asker.life != self.life && asker.at > self.started.as_secs() {
            self.set(Some(now));
        }
        Said { life: self.life, to: asker.life, at: now.as_secs() }.sign(key)
    }

    /// Takes the answer to our question.
    pub(crate) fn take_answer(&self, answer: &HeaderValue, keys: &[PublicKey], now: Timestamp) {
        let answered = Said::proved(answer, keys).filter(|answered| answered.to == self.life);
        if answered.is_some_and(|answered| answered.life != self.life) {
            self.set(Some(now));
        }
    }

    /// Whether no other is known to run.
    ///
    /// # Errors
    ///
    /// One does, and the operator has not said yet which goes on.
    pub(crate) fn check(&self) -> Result<(), RunsTwice> {
        self.met.read().map_or(Ok(()), Err)
    }

    /// Another was seen at that time; where none is given, none is known to run.
    pub(crate) fn set(&self, seen: Option<Timestamp>) {
        let met = seen.map(|seen| RunsTwice { seen });
        if std::mem::replace(&mut *self.met.write(), met) != met {
            self.changed.notify_one();
        }
    }

    /// Returns when that has changed.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Something has happened as it does where two run, and elsewhere: it is looked whether they do.
    pub(crate) fn suspect(&self) {
        self.suspected.notify_one();
    }

    /// Returns when something of that kind has happened.
    pub(crate) async fn suspected(&self) {
        self.suspected.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ambient::System;

    struct Process {
        copies: Copies,
        key: SecretKey,
    }

    impl Process {
        fn new(seed: u8) -> Self {
            Self { copies: Copies::new(&System), key: SecretKey::from_seed([seed; 32]) }
        }

        /// Asks `other`, two seconds after both began.
        fn asks(&self, other: &Self) {
            let now = self.copies.started.plus(Duration::from_secs(2));
            let (ours, theirs) = ([self.key.public()], [other.key.public()]);
            let question = self.copies.question(&self.key, now).unwrap();
            if let Some(answer) = other.copies.answer(&question, &theirs, &other.key, now) {
                self.copies.take_answer(&answer, &ours, now);
            }
        }

        fn has_met(&self) -> bool {
            self.copies.check().is_err()
        }
    }

    #[test]
    fn two_processes_with_one_key_meet_and_both_know_it() {
        let (one, other) = (Process::new(1), Process::new(1));
        one.asks(&one);
        assert!(!one.has_met(), "that is itself");
        one.asks(&other);
        assert!(one.has_met() && other.has_met());
        // Once it is settled, the one that signs nothing does not stop the other again.
        one.copies.set(None);
        one.asks(&other);
        assert!(!one.has_met());
    }

    #[test]
    fn who_has_another_key_or_says_what_was_said_before_is_not_believed() {
        let (one, stranger, other) = (Process::new(1), Process::new(2), Process::new(1));
        stranger.asks(&one);
        one.asks(&stranger);
        assert!(!one.has_met() && !stranger.has_met());
        let keys = [one.key.public()];
        let before = one.copies.started;
        let question = other.copies.question(&other.key, before).unwrap();
        let answer = one.copies.answer(&question, &keys, &one.key, before).unwrap();
        assert!(!one.has_met(), "it may be of the process before this one");
        // The answer to somebody else's question.
        stranger.copies.take_answer(&answer, &keys, before);
        one.copies.take_answer(&answer, &keys, before);
        assert!(!stranger.has_met() && !one.has_met());
        for garbage in ["", "a b c d", "0 0 0", "x".repeat(5000).as_str()] {
            let garbage = HeaderValue::try_from(garbage).unwrap();
            assert!(one.copies.answer(&garbage, &keys, &one.key, before).is_none());
        }
    }
}
