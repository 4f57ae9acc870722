//! Why nothing is signed in our name at the moment.

use std::time::Duration;

use drawbridge_mtp::problem::{Cause, Code, Problem};

use super::clock::{BeforeBuild, CLOCK_BEFORE_BUILD};
use super::copies::{RUNS_TWICE, RunsTwice};
use crate::misuse::Misuse;
use crate::peer_fault::{PeerFault, Stage};
use crate::refusal::Refusal;

/// Whoever is refused for it looks again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Why nothing is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsigned {
    /// The clock cannot be right.
    #[error(transparent)]
    Clock(#[from] BeforeBuild),
    /// Another copy of the data folder runs.
    #[error(transparent)]
    Copy(#[from] RunsTwice),
}

impl From<Unsigned> for PeerFault {
    fn from(fault: Unsigned) -> Self {
        match fault {
            Unsigned::Clock(why) => Self::new(Stage::Signature, CLOCK_BEFORE_BUILD, why.to_string()),
            Unsigned::Copy(why) => Self::new(Stage::Signature, RUNS_TWICE, why.to_string()),
        }
    }
}

impl From<Unsigned> for Misuse {
    fn from(fault: Unsigned) -> Self {
        Self::NotNow(fault.to_string())
    }
}

impl From<Unsigned> for Refusal {
    fn from(fault: Unsigned) -> Self {
        let (cause, text) = match fault {
            Unsigned::Clock(_) => (
                Cause::Clock,
                "this provider's clock shows a time from before its program was built; its operator has to set it",
            ),
            Unsigned::Copy(_) => (
                Cause::Copy,
                "two copies of this provider's data folder run; its operator has to say which of them goes on",
            ),
        };
        Self::after(Problem::new(Code::Unavailable, text).with_cause(cause), LOOK_AGAIN)
    }
}
