//! Connections (section 7) and authorizations to add (section 8).

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    id::{GroupUri, Id, UserUri},
    seen::shows_nothing,
    text::{as_text, words},
    time::{MAX_AHEAD, Timestamp},
    wire::Malformed,
};

/// The longest that a request may stay open.
pub const MAX_REQUEST_LIFETIME: Duration = Duration::from_secs(30 * 86_400);

words! {
    /// Where a connection or an authorization stands.
    ConnectionState: "a state of a connection or an authorization" {
        /// Nobody has answered, or the answer is not told.
        Pending = "pending",
        /// The user agreed.
        Approved = "approved",
        /// The user refused, and the operator chose to tell.
        Declined = "declined",
        /// Either side took it back.
        Ended = "ended",
        /// Its time is over.
        Expired = "expired",
    }
}

/// `POST /connections`: a name and a button.
///
/// Read from the wire, its times are checked ([`check`](Self::check)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedConnectionRequest")]
pub struct ConnectionRequest {
    /// The request's id, made by the requester's provider.
    pub id: Id,
    /// Who asks.
    pub from: UserUri,
    /// Who is asked.
    pub to: UserUri,
    /// When it was made.
    pub created: Timestamp,
    /// Until when it is open.
    pub expires: Timestamp,
}

#[derive(Deserialize)]
struct UncheckedConnectionRequest {
    id: Id,
    from: UserUri,
    to: UserUri,
    created: Timestamp,
    expires: Timestamp,
}

impl ConnectionRequest {
    /// Checks that `expires` is not before `created` and at most 30 days after it.
    ///
    /// # Errors
    ///
    /// Where it is not.
    pub fn check(&self) -> Result<(), Malformed> {
        if self.expires < self.created || self.expires.since(self.created) > MAX_REQUEST_LIFETIME {
            return Err(Malformed::new("`expires` is before `created`, or more than 30 days after it"));
        }
        Ok(())
    }

    /// Checks that `created` is at most 300 s ahead of `now`, when it is received.
    ///
    /// # Errors
    ///
    /// Where it is not.
    pub fn check_received(&self, now: Timestamp) -> Result<(), Malformed> {
        if self.created.since(now) > MAX_AHEAD {
            return Err(Malformed::new("`created` is more than 300 s ahead of the receiver's clock"));
        }
        Ok(())
    }
}

impl TryFrom<UncheckedConnectionRequest> for ConnectionRequest {
    type Error = Malformed;

    fn try_from(unchecked: UncheckedConnectionRequest) -> Result<Self, Malformed> {
        let UncheckedConnectionRequest { id, from, to, created, expires } = unchecked;
        let request = Self { id, from, to, created, expires };
        request.check()?;
        Ok(request)
    }
}

/// The answer to `POST /connections`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionReply {
    /// The request's id.
    pub id: Id,
    /// The state as the requester may know it.
    pub state: ConnectionState,
}

/// What the adder calls a group: at most 128 bytes of text without control characters or those that override the
/// direction of text (section 8). It is the adder's word, and proves nothing.
///
/// ```
/// use drawbridge_mtp::message::Title;
///
/// assert!("Picnic on Sunday".parse::<Title>().is_ok());
/// assert!("two\nlines".parse::<Title>().is_err());
/// assert!("\u{202e}live".parse::<Title>().is_err(), "it would be read as `evil`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

const MAX_TITLE: usize = 128;

impl Title {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As much of a group's name as a title may have; none where that shows nothing.
    pub fn of_name(name: &str) -> Option<Self> {
        let mut title = String::new();
        for character in name.trim().chars().filter(|character| Self::allows(*character)) {
            if title.len() + character.len_utf8() > MAX_TITLE {
                break;
            }
            title.push(character);
        }
        (!shows_nothing(&title)).then_some(Self(title))
    }

    fn allows(character: char) -> bool {
        !character.is_control() && !matches!(character, '\u{202d}' | '\u{202e}')
    }
}

impl FromStr for Title {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if text.len() > MAX_TITLE {
            return Err(Malformed::new("a title has at most 128 bytes"));
        }
        if !text.chars().all(Self::allows) {
            return Err(Malformed::new("a title has no control or bidirectional-override characters"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

as_text!(Title);

/// `POST /authorizations`: may `adder` add `user` to `group`?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// The request's id, made by the adder's provider.
    pub id: Id,
    /// The group.
    pub group: GroupUri,
    /// What the adder calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    /// Who wants to add.
    pub adder: UserUri,
    /// Who would be added.
    pub user: UserUri,
    /// Until when it is open; at most 30 days after it is received.
    pub expires: Timestamp,
}

impl AuthorizationRequest {
    /// Checks that `expires` is at most 30 days after `now`, when it is received.
    ///
    /// # Errors
    ///
    /// Where it is not.
    pub fn check(&self, now: Timestamp) -> Result<(), Malformed> {
        if self.expires.since(now) > MAX_REQUEST_LIFETIME {
            return Err(Malformed::new("`expires` is more than 30 days from now"));
        }
        Ok(())
    }
}

/// The answer to `POST /authorizations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationReply {
    /// The request's id.
    pub id: Id,
    /// The state as the requester may know it.
    pub state: ConnectionState,
    /// The grant, a compact JWS, where it is approved and the grant lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
}

/// The feed's item `connection`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionItem {
    /// The request's id.
    pub id: Id,
    /// Who asked.
    pub from: UserUri,
    /// Who was asked.
    pub to: UserUri,
    /// Where it stands now.
    pub state: ConnectionState,
    /// Since when.
    pub time: Timestamp,
}

/// The feed's item `authorization`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationItem {
    /// The request's id.
    pub id: Id,
    /// The group.
    pub group: GroupUri,
    /// Who wanted to add.
    pub adder: UserUri,
    /// Who would be added.
    pub user: UserUri,
    /// Where it stands now.
    pub state: ConnectionState,
    /// The grant, where it is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// Since when.
    pub time: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_counted_to_the_byte_and_is_plain_text() {
        assert!("x".repeat(128).parse::<Title>().is_ok());
        assert!("ä".repeat(64).parse::<Title>().is_ok());
        assert!("قهوة & café ☕".parse::<Title>().is_ok());
        for odd in ["x".repeat(129), "ä".repeat(65), "a\u{85}b".into(), "a\0".into(), "\u{202d}a".into()] {
            assert!(odd.parse::<Title>().is_err(), "{odd:?}");
        }
    }

    #[test]
    fn a_title_is_as_much_of_a_name_as_one_may_have() {
        let title = |name: &str| Title::of_name(name).map(|title| title.to_string());
        assert_eq!(title(" Picnic\n\u{202e}Sunday "), Some("PicnicSunday".into()));
        assert_eq!(title(&"ä".repeat(200)), Some("ä".repeat(64)));
        assert_eq!(title(&format!("x{}", "ä".repeat(200))).map(|title| title.len()), Some(127));
        assert_eq!(title(" \u{202d} \t"), None);
        assert_eq!(title("\u{200b}\u{3164}"), None);
    }
}
