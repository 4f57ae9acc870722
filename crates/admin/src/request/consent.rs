//! Requests about additions to groups.

use drawbridge_mtp::id::{Id, Name, Provider, UserUri};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::view::{AddRule, Authorization};

records! {
    /// `authorizations`.
    Authorizations {
        /// All that are known, in both directions, newest first.
        authorizations: Vec<Authorization>,
    }

    /// `decide-authorization`, and with it, where wanted, what becomes of the adder's later requests.
    DecideAuthorization {
        /// Which request.
        #[ts(type = "string")]
        id: Id,
        /// What becomes of it.
        decision: AuthorizationDecision,
        /// The provider that made the request, where two used the same id.
        #[serde(default)]
        #[ts(optional, type = "string")]
        from_provider: Option<Provider>,
        /// What the adder may do from now on, set in the same step.
        #[serde(default)]
        #[ts(optional)]
        rule: Option<AddRule>,
    }

    /// `set-add-rule`: what a user here lets a connected user do.
    SetAddRule {
        /// The local user.
        #[ts(type = "string")]
        user: Name,
        /// Whom it is about.
        #[ts(type = "string")]
        other: UserUri,
        /// What happens from now on.
        rule: AddRule,
    }
}

/// What becomes of a request to add a user to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum AuthorizationDecision {
    /// A grant is given.
    Approve,
    /// None is; the adder learns of it only if the operator chose so.
    Decline,
    /// A grant that has not been used is taken back; our own request is withdrawn.
    Revoke,
    /// Set aside without an answer; it comes back if asked again.
    Ignore,
    /// A declined or ignored request waits again; only while the adder has not been told.
    Reopen,
}
