//! How it goes with the certificate that is got by ACME, for whoever shows or judges it.

use drawbridge_mtp::time::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::words::words;

words! {
    /// Why there is no new certificate.
    IssuanceCode {
        /// The directory cannot be reached, or does not answer as one does.
        Unreachable = "acme-unreachable",
        /// The directory has looked for the answer to its challenge, and has not found it.
        Challenge = "acme-challenge",
        /// The directory has had enough requests for now.
        RateLimited = "acme-rate-limited",
        /// The directory gives no certificate, for another reason.
        Refused = "acme-refused",
        /// The address for `http-01` cannot be listened on.
        Port = "acme-port",
        /// The operator's command for `dns-01` has failed.
        Command = "acme-command",
        /// The data folder cannot be written.
        Unkept = "acme-unkept",
    }
}

/// The last failure, with what came of all tries since the last that went well.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct IssuanceFailure {
    /// Why.
    pub code: IssuanceCode,
    /// One sentence, in which the directory's own words are where it has given any.
    pub text: String,
    /// The first failure in a row.
    pub first: Timestamp,
    /// The last.
    pub last: Timestamp,
}

/// How it goes with the certificate that is got by ACME.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuanceStanding {
    /// The directory's URL.
    pub directory: String,
    /// By which kind of challenge the name is proved, such as `tls-alpn-01`.
    pub challenge: &'static str,
    /// Whether a certificate is being ordered now.
    pub is_ordering: bool,
    /// When the one in use was got; none where there is none from this directory yet.
    pub issued: Option<Timestamp>,
    /// When one is ordered next; none where that goes on now.
    pub next: Option<Timestamp>,
    /// What went wrong since it last went well.
    pub failure: Option<IssuanceFailure>,
}

/// Where that is kept while the node runs, and by which one is asked for at once.
#[derive(Debug)]
pub(crate) struct Issuance {
    standing: Mutex<IssuanceStanding>,
    hurry: Notify,
}

impl Issuance {
    pub(crate) fn new(directory: String, challenge: &'static str) -> Self {
        let standing = IssuanceStanding {
            directory,
            challenge,
            is_ordering: false,
            issued: None,
            next: None,
            failure: None,
        };
        Self { standing: Mutex::new(standing), hurry: Notify::new() }
    }

    /// How it goes now.
    pub(crate) fn standing(&self) -> IssuanceStanding {
        self.standing.lock().clone()
    }

    /// Changes how it goes, and says whether it is another then.
    pub(crate) fn change(&self, change: impl FnOnce(&mut IssuanceStanding)) -> bool {
        let mut standing = self.standing.lock();
        let before = standing.clone();
        change(&mut standing);
        *standing != before
    }

    /// Has what failed tried again without waiting for its time, as far as the directory's limits allow.
    pub(crate) fn hurry(&self) {
        self.hurry.notify_one();
    }

    /// Returns when [`Issuance::hurry`] was called.
    pub(crate) async fn hurried(&self) {
        self.hurry.notified().await;
    }
}
