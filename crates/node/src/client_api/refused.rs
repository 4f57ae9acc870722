//! What our users' clients are refused, as an answer.

use axum::response::{IntoResponse, Response};
use drawbridge_mtp::problem::{Code, Problem};

use crate::http::problem_response;
use crate::misuse::Misuse;
use crate::refusal::Refusal;

/// A refusal as an answer.
pub(super) struct Refused(Refusal);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        problem_response(self.0)
    }
}

impl<F: Into<Refusal>> From<F> for Refused {
    fn from(fault: F) -> Self {
        Self(fault.into())
    }
}

impl From<Misuse> for Refusal {
    fn from(misuse: Misuse) -> Self {
        let code = match &misuse {
            Misuse::Store(_) | Misuse::KeyFile(_) | Misuse::NotNow(_) | Misuse::NoRoom { .. } => {
                Code::Unavailable
            }
            Misuse::NoSuchConnection(_)
            | Misuse::NoSuchAuthorization(_)
            | Misuse::NoSuchUser(_)
            | Misuse::NoSuchPeer(_)
            | Misuse::NoSuchClient(..)
            | Misuse::NoSuchGroup(_)
            | Misuse::NoSuchRepair(_)
            | Misuse::Key(_) => Code::NotFound,
            Misuse::NotConnected(..) => Code::NotConnected,
            Misuse::Taken(_) | Misuse::Ambiguous(_) | Misuse::Unfit(_) => Code::Conflict,
            Misuse::Held(_) | Misuse::LossesChanged => Code::Conflict,
        };
        Problem::new(code, misuse.to_string()).into()
    }
}

/// There is nothing at this path, or nothing by this method.
pub(super) async fn not_found() -> Refused {
    Problem::new(Code::NotFound, "there is no such resource here; look at the path and the method").into()
}
