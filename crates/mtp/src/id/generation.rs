use std::{fmt, str::FromStr};

use super::{Id, InvalidIdentifier};
use crate::text::as_text;

const MAX: usize = 64;
const WHAT: &str = "a generation";

/// The name of a feed's history (section 11). Ours are ids; a peer's is its own affair, so any 1 to 64 letters,
/// digits, `-`, `_`, `.` and `~` are one: what may stand in a query as it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Generation {
    text: [u8; MAX],
    length: u8,
}

impl Generation {
    /// The name as it is written.
    pub fn as_str(&self) -> &str {
        // All of it is ASCII.
        std::str::from_utf8(&self.text[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl FromStr for Generation {
    type Err = InvalidIdentifier;

    fn from_str(text: &str) -> Result<Self, InvalidIdentifier> {
        let bytes = text.as_bytes();
        let length =
            u8::try_from(bytes.len()).ok().filter(|length| (1..=MAX).contains(&usize::from(*length)));
        let length = length.ok_or(InvalidIdentifier::new(WHAT, "it has not 1 to 64 characters"))?;
        if !bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(b)) {
            return Err(InvalidIdentifier::new(
                WHAT,
                "it has a character that would have to be percent-encoded",
            ));
        }
        let mut padded = [0; MAX];
        padded[..bytes.len()].copy_from_slice(bytes);
        Ok(Self { text: padded, length })
    }
}

impl From<Id> for Generation {
    fn from(id: Id) -> Self {
        let mut text = [0; MAX];
        let written = id.to_string();
        text[..written.len()].copy_from_slice(written.as_bytes());
        Self { text, length: 36 }
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Generation").field(&self.as_str()).finish()
    }
}

as_text!(Generation);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_plain_name_is_one_and_an_id_too() {
        for fine in ["g1", "0198d0a0-1111-7000-8000-000000000001", "A_b.c~d", &"x".repeat(64)] {
            assert_eq!(fine.parse::<Generation>().unwrap().as_str(), fine);
        }
        for odd in ["", "a b", "%67", "ä", &"x".repeat(65)] {
            assert!(odd.parse::<Generation>().is_err(), "{odd}");
        }
        let id: Id = "0198d0a0-1111-7000-8000-000000000001".parse().unwrap();
        assert_eq!(Generation::from(id).as_str(), id.to_string());
    }
}
