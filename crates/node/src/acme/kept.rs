//! What is kept of ACME over restarts, in the data folder: the accounts with their keys, when was tried and what came of it, and
//! when the certificate is renewed.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::AcmeFault;
use super::schedule::{LONGEST_PAUSE, limited_until, pause};
use crate::identity::{IssuanceCode, IssuanceFailure, write_secret};

/// The file, which holds keys.
const FILE: &str = "acme.json";
/// A directory may ask for as long a rest as [`AcmeFault`] has at most.
const LONGEST_REST: Duration = Duration::from_secs(7 * 86_400);

/// What is kept. It has keys in it, so it is not to be printed.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Kept {
    /// Our accounts, by the URL of the directory.
    pub(super) accounts: BTreeMap<String, Account>,
    /// The certificate that was got last.
    pub(super) issued: Option<Issued>,
    /// An order whose certificate was asked for and is not here yet.
    pub(super) pending: Option<Pending>,
    /// When orders were made, the latest.
    orders: Vec<Timestamp>,
    /// Tries in a row that came to nothing. One that goes on counts already, so that a program that is killed and started again
    /// and again does not order without end.
    failures: u32,
    /// Before that it is not tried again by itself.
    not_before: Option<Timestamp>,
    /// Before that it is not tried at all: the directory has asked for it.
    rest_until: Option<Timestamp>,
    /// What the last try came to, where that was nothing.
    pub(super) failure: Option<IssuanceFailure>,
    /// The settings with which was tried last.
    settings: String,
}

/// An account at a directory.
#[derive(Deserialize, Serialize)]
pub(super) struct Account {
    /// Its URL and its key, as `instant-acme` writes them.
    pub(super) credentials: Value,
    /// Whom the directory writes to.
    pub(super) contact: Option<String>,
}

/// A certificate that was got.
#[derive(Deserialize, Serialize)]
pub(super) struct Issued {
    /// The URL of the directory.
    pub(super) directory: String,
    /// The hosts that it is for.
    pub(super) names: Vec<String>,
    /// When.
    pub(super) at: Timestamp,
    /// When it is renewed.
    pub(super) renew_at: Timestamp,
    /// Between which times the directory says to renew it, where it does.
    pub(super) window: Option<[Timestamp; 2]>,
    /// When the directory is asked for them again.
    pub(super) ask_at: Timestamp,
}

/// An order whose certificate was asked for.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Pending {
    /// The URL of the directory.
    pub(super) directory: String,
    /// That of the order.
    pub(super) order: String,
    /// The hosts that it is for.
    pub(super) names: Vec<String>,
    /// The certificate's key, PEM.
    pub(super) key: String,
}

impl Kept {
    /// Reads what is kept in the data folder `dir`.
    ///
    /// # Errors
    ///
    /// The file is there and cannot be read: without it, orders would not be counted.
    pub(super) fn load(dir: &Path) -> Result<Self, AcmeFault> {
        let path = dir.join(FILE);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(fault) => {
                let text = format!("{} cannot be read: {fault}", path.display());
                return Err(AcmeFault::of(IssuanceCode::Unkept, text));
            }
        };
        serde_json::from_slice(&text).or_else(|fault| {
            tracing::warn!(%fault, "{} is damaged, so it is begun anew, with a new account", path.display());
            Ok(Self::default())
        })
    }

    /// Writes it.
    pub(super) fn store(&self, dir: &Path) -> Result<(), AcmeFault> {
        let path = dir.join(FILE);
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::from);
        let written = text.and_then(|text| write_secret(&path, &text));
        written.map_err(|fault| {
            AcmeFault::of(IssuanceCode::Unkept, format!("{} cannot be written: {fault}", path.display()))
        })
    }

    /// A try with `settings` begins.
    pub(super) fn begin(&mut self, settings: &str, now: Timestamp) {
        self.settings = settings.to_owned();
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(now.plus(pause(self.failures, false, 1.0)));
    }

    /// An order is made in it.
    pub(super) fn count_order(&mut self, now: Timestamp) {
        self.orders.push(now);
    }

    /// It was broken off in order, since the program ends.
    pub(super) fn break_off(&mut self) {
        self.failures = self.failures.saturating_sub(1);
        self.not_before = None;
    }

    /// It came to nothing; `fraction`, from 0 to 1, is chosen at random.
    pub(super) fn fail(&mut self, fault: &AcmeFault, now: Timestamp, fraction: f64) {
        self.not_before = Some(now.plus(pause(self.failures, fault.is_passing, fraction)));
        self.rest_until = fault.rest.map(|rest| now.plus(rest));
        self.note(fault, now);
    }

    /// Notes what is wrong, whether or not there was a try.
    pub(super) fn note(&mut self, fault: &AcmeFault, now: Timestamp) {
        let first = self.failure.as_ref().map_or(now, |before| before.first.min(now));
        self.failure = Some(IssuanceFailure { code: fault.code, text: fault.text.clone(), first, last: now });
    }

    /// It went well.
    pub(super) fn succeed(&mut self, issued: Issued) {
        (self.issued, self.pending, self.failure) = (Some(issued), None, None);
        (self.failures, self.not_before, self.rest_until) = (0, None, None);
    }

    /// Has it tried without waiting for its time, as far as the directory allows.
    pub(super) fn hurry(&mut self) {
        self.not_before = None;
    }

    /// The same where it was tried with other settings before.
    pub(super) fn hurry_with_other(&mut self, settings: &str) {
        if self.settings != settings {
            self.not_before = None;
        }
    }

    /// The directory is asked at `latest` when to renew. What a clock has put off that was ahead waits for no longer than what it was for.
    pub(super) fn ask_by(&mut self, latest: Timestamp) {
        if let Some(issued) = &mut self.issued {
            issued.ask_at = issued.ask_at.min(latest);
        }
    }

    /// When it may be tried next.
    pub(super) fn allowed_from(&mut self, now: Timestamp) -> Timestamp {
        // What a clock noted that was ahead holds for no longer than what it was for.
        let pause = self.not_before.map(|at| at.min(now.plus(LONGEST_PAUSE)));
        let rest = self.rest_until.map(|at| at.min(now.plus(LONGEST_REST)));
        let limited = limited_until(&mut self.orders, now);
        [pause, rest, limited].into_iter().flatten().fold(now, Timestamp::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    #[test]
    fn a_program_that_is_killed_amid_each_try_orders_less_and_less_often() {
        let dir = tempfile::tempdir().unwrap();
        let (mut now, mut tries) = (NOW, 0);
        let end = NOW.plus(Duration::from_secs(86_400));
        while now < end {
            let mut kept = Kept::load(dir.path()).unwrap();
            kept.hurry_with_other("the same");
            if kept.allowed_from(now) <= now {
                kept.begin("the same", now);
                kept.count_order(now);
                kept.store(dir.path()).unwrap();
                tries += 1;
            }
            now = now.plus(Duration::from_secs(10));
        }
        assert!((4..=8).contains(&tries), "{tries}");
    }

    #[test]
    fn what_a_clock_has_put_off_that_was_200_days_ahead_waits_for_no_longer_than_what_it_was_for() {
        let day = Duration::from_secs(86_400);
        let (mut kept, ahead) = (Kept::default(), NOW.plus(200 * day));
        kept.begin("", ahead);
        kept.count_order(ahead);
        kept.fail(&AcmeFault::of(IssuanceCode::Challenge, "it is not there"), ahead, 0.0);
        assert!(kept.allowed_from(NOW) <= NOW.plus(LONGEST_PAUSE));
        let at = |at| Issued {
            directory: String::new(),
            names: vec![],
            at,
            renew_at: at,
            window: None,
            ask_at: at,
        };
        kept.succeed(at(ahead));
        kept.ask_by(NOW.plus(day));
        assert_eq!(kept.issued.unwrap().ask_at, NOW.plus(day));
    }

    #[test]
    fn the_operator_may_have_it_tried_at_once_but_not_without_end() {
        let mut kept = Kept::default();
        let fault = AcmeFault::of(IssuanceCode::Challenge, "it is not there");
        for _ in 0..4 {
            kept.hurry();
            assert_eq!(kept.allowed_from(NOW), NOW);
            kept.begin("", NOW);
            kept.count_order(NOW);
            kept.fail(&fault, NOW, 0.0);
            assert!(kept.allowed_from(NOW) > NOW);
        }
        kept.hurry();
        assert_eq!(kept.allowed_from(NOW), NOW.plus(Duration::from_secs(3600)));
        let mut asked = Kept::default();
        asked.begin("", NOW);
        asked.fail(&AcmeFault { rest: Some(Duration::from_secs(99)), ..fault }, NOW, 0.0);
        asked.hurry_with_other("other settings");
        assert_eq!(
            asked.allowed_from(NOW),
            NOW.plus(Duration::from_secs(99)),
            "the directory has asked for it"
        );
        asked.break_off();
        assert_eq!(asked.failures, 0);
    }

    #[test]
    fn what_is_kept_is_read_again_and_what_is_damaged_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let mut kept = Kept::default();
        kept.begin("settings", NOW);
        kept.fail(&AcmeFault::of(IssuanceCode::Challenge, "it is not there"), NOW, 0.0);
        kept.store(dir.path()).unwrap();
        let mut read = Kept::load(dir.path()).unwrap();
        assert_eq!(read.failure, kept.failure);
        assert_eq!(read.allowed_from(NOW), kept.allowed_from(NOW));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::write(dir.path().join(FILE), "{").unwrap();
        assert!(Kept::load(dir.path()).unwrap().failure.is_none());
    }
}
