//! What the answers of the first start are worth.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `look-at-set-up`: what the answers are worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SetUpLook {
    /// One for each field that is asked for with this way of being reached.
    pub answers: Vec<SetUpAnswer>,
    /// What the first account will be known as, where that is clear.
    pub account: Option<String>,
    /// Whether it would be set up: nothing is wrong, and all is confirmed that has to be.
    pub is_ready: bool,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SetUpAnswer {
    /// To what.
    pub field: SetUpField,
    /// What would be taken: the answer, or the default where there is none.
    pub value: String,
    /// What is to be said of it. Nothing where it is fine.
    pub notes: Vec<SetUpNote>,
}

/// Something to be said of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SetUpNote {
    /// What kind, in kebab case.
    pub code: String,
    /// Whether it is taken so.
    pub kind: SetUpNoteKind,
    /// What is so, and what to do: one sentence.
    pub text: String,
    /// What to answer instead, where that is known.
    pub instead: Option<String>,
}

/// Whether an answer is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum SetUpNoteKind {
    /// It is not.
    Wrong,
    /// It is, once the operator has confirmed that it is meant so.
    Confirm,
}

/// What is asked for on the first start, by the names in `SetUp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SetUpField {
    /// The name.
    Provider,
    /// How others reach it.
    ReachedBy,
    /// Where it listens for other providers.
    Listen,
    /// Whether the router is asked to lead the port here. It is there where this computer is behind one.
    OpenPort,
    /// The file of the certificate.
    TlsCert,
    /// The file of its key.
    TlsKey,
    /// Who issues the certificate.
    Directory,
    /// Whether its terms are agreed to.
    AgreeTerms,
    /// Where it may write to.
    Contact,
    /// How it sees that the name is ours.
    Challenge,
    /// The program that sets a record in the DNS.
    DnsCommand,
    /// The first account.
    User,
    /// Where it listens for the users' clients.
    Clients,
}
