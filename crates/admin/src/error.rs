//! Why a command is not carried out.

use drawbridge_node::Misuse;
use drawbridge_node::operator::ReadFault;
use serde::{Deserialize, Serialize};

/// A refusal: a stable code for programs, one sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{detail}")]
pub struct AdminError {
    /// What kind, in kebab case.
    pub code: String,
    /// What to do about it.
    pub detail: String,
}

impl AdminError {
    /// The code of a command that this version does not have.
    pub const UNKNOWN_COMMAND: &str = "unknown-command";

    /// A refusal.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into() }
    }

    pub(crate) fn unknown_command(command: &str) -> Self {
        Self::new(Self::UNKNOWN_COMMAND, format!("there is no command {command:?} in this version"))
    }

    pub(crate) fn malformed(command: &str, fault: &serde_json::Error) -> Self {
        Self::new("malformed", format!("the request of {command} is not in its form: {fault}"))
    }

    pub(crate) fn internal(fault: &dyn std::fmt::Display) -> Self {
        Self::new("internal", format!("the node could not do it: {fault}"))
    }

    pub(crate) fn no_such_group() -> Self {
        Self::new(
            "no-such-group",
            "there is no such group here; the command groups lists those that there are",
        )
    }

    pub(crate) fn no_node() -> Self {
        Self::new("no-node", "there is no running node yet; set one up, or try the demo federation")
    }
}

impl From<Misuse> for AdminError {
    fn from(misuse: Misuse) -> Self {
        Self::new(misuse.code(), misuse.to_string())
    }
}

impl From<ReadFault> for AdminError {
    fn from(fault: ReadFault) -> Self {
        Self::new("store", fault.to_string())
    }
}
