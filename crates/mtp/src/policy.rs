//! A group's policy: who may do what in it, agreed on by its members as a part of the group context (section 10).

use serde::{Deserialize, Serialize};

use crate::{
    id::UserUri,
    text::words,
    wire::{self, Encoding, Malformed},
};

/// The MLS extension type that carries a policy in the group context (private use).
pub const EXTENSION_TYPE: u16 = 0xF4D0;
/// The longest name of a group, in bytes.
pub const MAX_NAME_BYTES: usize = 256;

const VERSION: u64 = 1;

words! {
    /// Who may do something.
    Who: "who may do it" {
        /// Admins alone.
        Admins = "admins",
        /// All members.
        Members = "members",
    }
}

/// Who may do what in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What people call the group, at most 256 bytes; may be empty.
    pub name: String,
    /// Who may remove others and change the policy.
    pub admins: Vec<UserUri>,
    /// Who may add others.
    pub add: Who,
    /// Who may send application messages.
    pub send: Who,
}

#[derive(Serialize, Deserialize)]
struct PolicyForm {
    v: u64,
    name: String,
    admins: Vec<UserUri>,
    add: Who,
    send: Who,
}

impl Policy {
    /// Reads the extension's content, a CBOR map.
    ///
    /// # Errors
    ///
    /// Where it is not in the form of section 10, of another version, or its name too long.
    pub fn from_cbor(bytes: &[u8]) -> Result<Self, Malformed> {
        let PolicyForm { v, name, admins, add, send } = wire::decode(Encoding::Cbor, bytes)?;
        if v != VERSION {
            return Err(Malformed::new(format_args!("a policy of version {v}, which is not known")));
        }
        if name.len() > MAX_NAME_BYTES {
            return Err(Malformed::new("the group's name has more than 256 bytes"));
        }
        Ok(Self { name, admins, add, send })
    }

    /// Writes the extension's content.
    pub fn to_cbor(&self) -> Vec<u8> {
        let Self { name, admins, add, send } = self.clone();
        wire::encode(Encoding::Cbor, &PolicyForm { v: VERSION, name, admins, add, send })
    }

    /// Whether `user` is an admin.
    pub fn is_admin(&self, user: &UserUri) -> bool {
        self.admins.contains(user)
    }

    /// Whether `who` includes `user`, who is a member.
    pub fn lets(&self, who: Who, user: &UserUri) -> bool {
        who == Who::Members || self.is_admin(user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_reads_back_and_another_version_is_refused() {
        let ann: UserUri = "mimi://a.example/u/ann".parse().unwrap();
        let bob: UserUri = "mimi://b.example/u/bob".parse().unwrap();
        let policy =
            Policy { name: "Tea".into(), admins: vec![ann.clone()], add: Who::Admins, send: Who::Members };
        assert_eq!(Policy::from_cbor(&policy.to_cbor()), Ok(policy.clone()));
        assert!(policy.lets(policy.add, &ann) && !policy.lets(policy.add, &bob));
        assert!(policy.lets(policy.send, &bob));
        let other =
            PolicyForm { v: 2, name: String::new(), admins: vec![], add: Who::Admins, send: Who::Admins };
        assert!(Policy::from_cbor(&wire::encode(Encoding::Cbor, &other)).is_err());
        let long = Policy { name: "x".repeat(257), ..policy };
        assert!(Policy::from_cbor(&long.to_cbor()).is_err());
    }
}
