use std::{cmp, fmt, hash, str::FromStr, sync::Arc};

use super::{InvalidIdentifier, Provider};
use crate::text::as_text;

/// The name of a user, a client or a group at its provider: 1 to 64 of `a-z`, `0-9`, `-`, `_` and `.`, and
/// neither `.` nor `..` (section 2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// The identifier of a person's account, `mimi://{provider}/u/{name}` (section 2).
#[derive(Clone)]
pub struct UserUri {
    text: Arc<str>,
    provider: Provider,
    name: Name,
}

/// The identifier of one device of a user, `mimi://{provider}/u/{name}/d/{name}` (section 2).
#[derive(Clone)]
pub struct ClientUri {
    text: Arc<str>,
    user: UserUri,
    name: Name,
}

/// The identifier of a group, `mimi://{provider}/g/{name}`; the provider in it owns it (section 2).
#[derive(Clone)]
pub struct GroupUri {
    text: Arc<str>,
    provider: Provider,
    name: Name,
}

const MAX_NAME: usize = 64;
const SCHEME: &str = "mimi://";

impl Name {
    /// The name as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = InvalidIdentifier;

    fn from_str(text: &str) -> Result<Self, InvalidIdentifier> {
        let fault = |why| Err(InvalidIdentifier::new("a name", why));
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
        if text.is_empty() {
            return fault("it is empty");
        }
        if text.len() > MAX_NAME {
            return fault("it has more than 64 characters");
        }
        if !text.bytes().all(allowed) {
            return fault("it has a character other than a-z, 0-9, '-', '_' and '.'");
        }
        if text == "." || text == ".." {
            return fault("'.' and '..' are not names");
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl UserUri {
    /// The identifier of the user `name` at `provider`.
    pub fn new(provider: &Provider, name: &Name) -> Self {
        let text = format!("{SCHEME}{provider}/u/{name}").into();
        Self { text, provider: provider.clone(), name: name.clone() }
    }

    /// The provider the user is at.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The user's name there.
    pub fn name(&self) -> &Name {
        &self.name
    }
}

impl FromStr for UserUri {
    type Err = InvalidIdentifier;

    fn from_str(text: &str) -> Result<Self, InvalidIdentifier> {
        let what = "a user";
        let (provider, kind, rest) = split(what, text)?;
        if kind != "u" {
            return Err(InvalidIdentifier::new(what, "its form is mimi://{provider}/u/{name}"));
        }
        Ok(Self { text: text.into(), provider: provider.parse()?, name: rest.parse()? })
    }
}

impl ClientUri {
    /// The identifier of the client `name` of `user`.
    pub fn new(user: &UserUri, name: &Name) -> Self {
        let text = format!("{user}/d/{name}").into();
        Self { text, user: user.clone(), name: name.clone() }
    }

    /// The user whose client it is.
    pub fn user(&self) -> &UserUri {
        &self.user
    }

    /// The provider the user is at.
    pub fn provider(&self) -> &Provider {
        self.user.provider()
    }

    /// The client's name among the user's.
    pub fn name(&self) -> &Name {
        &self.name
    }
}

impl FromStr for ClientUri {
    type Err = InvalidIdentifier;

    fn from_str(text: &str) -> Result<Self, InvalidIdentifier> {
        let (user, name) = text
            .rsplit_once("/d/")
            .ok_or(InvalidIdentifier::new("a client", "its form is mimi://{provider}/u/{name}/d/{name}"))?;
        Ok(Self { text: text.into(), user: user.parse()?, name: name.parse()? })
    }
}

impl GroupUri {
    /// The identifier of the group `name` that `provider` owns.
    pub fn new(provider: &Provider, name: &Name) -> Self {
        let text = format!("{SCHEME}{provider}/g/{name}").into();
        Self { text, provider: provider.clone(), name: name.clone() }
    }

    /// The provider that owns the group.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The group's name there.
    pub fn name(&self) -> &Name {
        &self.name
    }
}

impl FromStr for GroupUri {
    type Err = InvalidIdentifier;

    fn from_str(text: &str) -> Result<Self, InvalidIdentifier> {
        let what = "a group";
        let (provider, kind, rest) = split(what, text)?;
        if kind != "g" {
            return Err(InvalidIdentifier::new(what, "its form is mimi://{provider}/g/{name}"));
        }
        Ok(Self { text: text.into(), provider: provider.parse()?, name: rest.parse()? })
    }
}

/// Splits `mimi://{provider}/{kind}/{rest}`.
fn split<'a>(what: &'static str, text: &'a str) -> Result<(&'a str, &'a str, &'a str), InvalidIdentifier> {
    let after =
        text.strip_prefix(SCHEME).ok_or(InvalidIdentifier::new(what, "it does not start with mimi://"))?;
    let mut parts = after.splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(provider), Some(kind), Some(rest)) => Ok((provider, kind, rest)),
        _ => Err(InvalidIdentifier::new(what, "after the provider come a kind and a name")),
    }
}

/// A URI is its text: that is what is compared, hashed, ordered, shown and sent.
macro_rules! is_its_text {
    ($($type:ident),+) => {$(
        impl $type {
            /// The identifier as it is written.
            pub fn as_str(&self) -> &str {
                &self.text
            }
        }

        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.text == other.text
            }
        }

        impl Eq for $type {}

        impl PartialOrd for $type {
            fn partial_cmp(&self, other: &Self) -> Option<cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $type {
            fn cmp(&self, other: &Self) -> cmp::Ordering {
                self.text.cmp(&other.text)
            }
        }

        impl hash::Hash for $type {
            fn hash<H: hash::Hasher>(&self, state: &mut H) {
                self.text.hash(state);
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.text)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($type)).field(&self.text).finish()
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.text
            }
        }
    )+};
}

is_its_text!(UserUri, ClientUri, GroupUri);
as_text!(Name, UserUri, ClientUri, GroupUri);
