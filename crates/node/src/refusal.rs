//! What a request is refused for, before it is an answer (section 5).

use std::time::Duration;

use drawbridge_mtp::problem::{Cause, Code, Problem, ReceivedProblem};

use crate::store::StoreFault;

/// Why a request is not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// What the caller did, or may not.
    #[error("{}", .problem.detail)]
    Problem { problem: Box<Problem>, retry_after: Option<Duration> },
    /// Our store cannot.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem { problem: Box::new(problem), retry_after: None }
    }
}

impl Refusal {
    /// Refused for now: it makes sense to ask again after a while.
    pub(crate) fn after(problem: Problem, retry_after: Duration) -> Self {
        Self::Problem { problem: Box::new(problem), retry_after: Some(retry_after) }
    }

    /// The problem, and after which time it makes sense to ask again. A fault of our store is logged.
    pub(crate) fn into_parts(self) -> (Problem, Option<Duration>) {
        match self {
            Self::Problem { problem, retry_after } => (*problem, retry_after),
            Self::Store(fault) => {
                // That the disk is full is said once, by the store.
                if fault.is_disk_full() {
                    tracing::debug!(%fault, "a request could not be carried out");
                } else {
                    tracing::error!(%fault, "a request could not be carried out");
                }
                (unavailable(&fault), Some(Duration::from_secs(5)))
            }
        }
    }
}

fn unavailable(fault: &StoreFault) -> Problem {
    let problem = |text: &str| Problem::new(Code::Unavailable, text);
    match fault {
        // It stops, or another program has the store for a moment.
        StoreFault::Closed | StoreFault::Busy => {
            problem("the store cannot do it at the moment; try again later")
        }
        _ if fault.is_disk_full() => {
            problem("its disk is full, so that it keeps nothing; its operator has to make room")
                .with_cause(Cause::Store)
        }
        _ => problem("its store keeps nothing; its operator has to look at it").with_cause(Cause::Store),
    }
}

impl From<Refusal> for ReceivedProblem {
    fn from(refusal: Refusal) -> Self {
        refusal.into_parts().0.into()
    }
}
