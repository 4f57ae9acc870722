//! Requests about letting go of something for good.

use drawbridge_mtp::id::{GroupUri, Name, Provider};
use drawbridge_node::typed::de_as;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

records! {
    /// `losses`: what letting go of something would mean. Nothing changes.
    LossesOf {
        /// What is asked about.
        of: Forgettable,
    }

    /// `forget`: lets go of something for good.
    Forget {
        /// What.
        of: Forgettable,
        /// The `seen` of the `losses` that were shown: where they have changed since, nothing is done.
        seen: String,
    }
}

/// What can be let go of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Forgettable {
    /// A peer that is gone.
    Peer {
        /// Which.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::provider")]
        provider: Provider,
    },
    /// A group whose owner is gone, that is over, or that nobody is in any more.
    Group {
        /// Which.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::group")]
        group: GroupUri,
    },
    /// A conversation of an account that is used on this computer.
    Conversation {
        /// The account.
        #[ts(type = "string")]
        user: Name,
        /// The group.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::group")]
        group: GroupUri,
    },
    /// An account.
    Account {
        /// Its local name.
        #[ts(type = "string")]
        user: Name,
    },
}
