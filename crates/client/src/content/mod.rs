//! What messages say: MIMI content (draft-ietf-mimi-content-09), one CBOR array for each MLS application message.
//!
//! A message, a reply, a reaction, an edit and a deletion are all [`Content`]; what they are follows from
//! `replaces`, `in_reply_to` and the disposition of the body ([`Content::meaning`]). A message is named by a hash
//! over its sender, its room and itself ([`MessageId::of`]), so nobody can reuse another's name.

mod cbor;
mod show;

use std::fmt;

use drawbridge_mtp::{
    id::{GroupUri, UserUri},
    octets::Hash32,
};
use serde::{Deserialize, Serialize};

pub use cbor::InvalidContent;
pub use show::{Shown, Unshown};

/// Plain text, as MIMI writes it.
pub const PLAIN: &str = "text/plain;charset=utf-8";
/// The Markdown of MIMI.
pub const MARKDOWN: &str = "text/markdown;variant=GFM-MIMI";
/// The parts of a body may be nested this deep.
pub const MAX_DEPTH: usize = 8;
/// A body has at most this many parts, on all levels together.
pub const MAX_PARTS: usize = 256;

/// The number of SHA-256 in the IANA registry of named information hash algorithms.
const SHA_256: u8 = 1;

/// The name of a message: the number of the hash algorithm, then 31 octets of the hash (section 3.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(Hash32);

impl MessageId {
    /// The name of the message whose encoded content is `message`, in the room `group`.
    pub fn of(sender: &UserUri, group: &GroupUri, message: &[u8], salt: &[u8; 16]) -> Self {
        Self::of_uris(sender.as_str(), group.as_str(), message, salt)
    }

    fn of_uris(sender: &str, room: &str, message: &[u8], salt: &[u8; 16]) -> Self {
        let mut input = Vec::with_capacity(sender.len() + room.len() + message.len() + 20);
        for uri in [sender, room] {
            // No identifier of this profile is anywhere near 65,535 octets long.
            input.extend_from_slice(&u16::try_from(uri.len()).unwrap_or(u16::MAX).to_be_bytes());
            input.extend_from_slice(uri.as_bytes());
        }
        input.extend_from_slice(message);
        input.extend_from_slice(salt);
        let hash = Hash32::of(&input);
        let mut id = [SHA_256; 32];
        id[1..].copy_from_slice(&hash.as_bytes()[..31]);
        Self(Hash32(id))
    }

    /// The thirty-two octets.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The name with these octets.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Hash32(bytes))
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({self})")
    }
}

impl std::str::FromStr for MessageId {
    type Err = drawbridge_mtp::octets::InvalidBase64;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// One MIMI message (section 4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Random, and different for every message.
    pub salt: [u8; 16],
    /// The message that this one takes the place of.
    pub replaces: Option<MessageId>,
    /// What groups messages of one topic; may be empty.
    pub topic: Vec<u8>,
    /// When it is to be forgotten.
    pub expires: Option<Expires>,
    /// The message that this one answers or reacts to.
    pub in_reply_to: Option<MessageId>,
    /// The extensions, each with its key and its value as they were encoded.
    pub extensions: Vec<(ExtensionKey, Vec<u8>)>,
    /// The body.
    pub body: Part,
}

/// When a message is to be forgotten (section 5.8): a hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expires {
    /// Whether `seconds` count from when it is read, or from 1970.
    pub relative: bool,
    /// The seconds.
    pub seconds: u32,
}

/// The key of an extension (section 4.3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExtensionKey {
    /// A registered one, or a private one where it is negative.
    Number(i64),
    /// A private one.
    Name(String),
}

/// The extension that names the sender.
pub const SENDER_URI: ExtensionKey = ExtensionKey::Number(1);
/// The extension that names the room.
pub const ROOM_URI: ExtensionKey = ExtensionKey::Number(2);

/// A body, or a part of one (section 4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is meant for.
    pub disposition: Disposition,
    /// Its language, or nothing.
    pub language: String,
    /// What it holds.
    pub kind: PartKind,
}

/// What a part holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// Nothing: what is replaced is taken back.
    Null,
    /// Content.
    Single {
        /// Its media type.
        content_type: String,
        /// Its bytes.
        content: Vec<u8>,
    },
    /// Content that is elsewhere.
    External(Box<External>),
    /// Parts.
    Multi {
        /// How they belong together.
        semantics: Semantics,
        /// At least two.
        parts: Vec<Part>,
    },
}

/// Content that is elsewhere (section 4.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// Its media type.
    pub content_type: String,
    /// Where it is.
    pub url: String,
    /// Until when, in seconds since 1970; 0 for ever.
    pub expires: u32,
    /// How long it is; 0 where that is not said.
    pub size: u64,
    /// The IANA number of the AEAD algorithm; 0 for none.
    pub encryption: u16,
    /// Its key.
    pub key: Vec<u8>,
    /// Its nonce.
    pub nonce: Vec<u8>,
    /// Its additional data.
    pub aad: Vec<u8>,
    /// The IANA number of the hash algorithm.
    pub hash_algorithm: u8,
    /// The hash of what is at the URL.
    pub hash: Vec<u8>,
    /// A few words.
    pub description: String,
    /// A name for the file.
    pub filename: String,
}

/// What a part is meant for. Any octet may come; these are the ones that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disposition(pub u8);

impl Disposition {
    /// To be shown.
    pub const RENDER: Self = Self(1);
    /// A reaction to another message.
    pub const REACTION: Self = Self(2);
    /// To be shown within the text.
    pub const INLINE: Self = Self(4);
    /// To be kept.
    pub const ATTACHMENT: Self = Self(6);
}

/// How the parts of a body belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Semantics {
    /// One of them is to be shown.
    ChooseOne,
    /// All are one thing: without one of them there is nothing to show.
    SingleUnit,
    /// Each is a thing of its own.
    ProcessAll,
}

/// What a message does in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It says something.
    Says,
    /// It reacts to another message.
    Reacts(MessageId),
    /// It takes the place of another message.
    Edits(MessageId),
    /// It takes another message, or a reaction, back.
    TakesBack(MessageId),
}

impl Content {
    /// A message of `sender` to `group`, with a body and nothing else.
    pub fn new(salt: [u8; 16], sender: &UserUri, group: &GroupUri, body: Part) -> Self {
        let extensions =
            vec![(SENDER_URI, text_value(sender.as_str())), (ROOM_URI, text_value(group.as_str()))];
        Self { salt, replaces: None, topic: Vec::new(), expires: None, in_reply_to: None, extensions, body }
    }

    /// Answers `message`.
    #[must_use]
    pub fn replying_to(mut self, message: Option<MessageId>) -> Self {
        self.in_reply_to = message;
        self
    }

    /// Takes the place of `message`.
    #[must_use]
    pub fn replacing(mut self, message: MessageId) -> Self {
        self.replaces = Some(message);
        self
    }

    /// What it does.
    pub fn meaning(&self) -> Meaning {
        match (self.replaces, self.in_reply_to, &self.body) {
            (Some(other), _, Part { kind: PartKind::Null, .. }) => Meaning::TakesBack(other),
            (Some(other), ..) => Meaning::Edits(other),
            (None, Some(other), Part { disposition: Disposition::REACTION, .. }) => Meaning::Reacts(other),
            (None, ..) => Meaning::Says,
        }
    }
}

/// The value of an extension that is a text, as it is encoded.
fn text_value(text: &str) -> Vec<u8> {
    let mut cbor = minicbor::Encoder::new(Vec::new());
    // Writing to a vector cannot fail.
    let _ = cbor.str(text);
    cbor.into_writer()
}

impl Part {
    /// A text of this media type, to be shown.
    pub fn text(content_type: &str, text: &str) -> Self {
        Self {
            disposition: Disposition::RENDER,
            language: String::new(),
            kind: PartKind::Single {
                content_type: content_type.to_owned(),
                content: text.as_bytes().to_vec(),
            },
        }
    }

    /// Nothing.
    pub fn null() -> Self {
        Self { disposition: Disposition::RENDER, language: String::new(), kind: PartKind::Null }
    }

    /// As a reaction.
    #[must_use]
    pub fn as_reaction(mut self) -> Self {
        self.disposition = Disposition::REACTION;
        self
    }
}

#[cfg(test)]
mod tests;
