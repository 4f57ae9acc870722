use std::{fmt, str::FromStr};

use uuid::{Builder, Uuid, Variant};

use super::InvalidIdentifier;
use crate::{text::as_text, time::Timestamp};

/// The id of a request, or an item: a UUIDv7 in lower-case text, scoped to the provider
/// that made it (section 5). Ids of one provider order by the time they were made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Uuid);

impl Id {
    /// The id for `now`, with 74 bits taken from `random`.
    pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
        Self(Builder::from_unix_timestamp_millis(now.as_millis(), &random).into_uuid())
    }

    /// When it was made, by the clock of whoever has made it.
    pub fn time(&self) -> Timestamp {
        let [a, b, c, d, e, f, ..] = self.as_bytes();
        Timestamp::from_millis(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }

    /// The sixteen octets of the UUID.
    pub fn as_bytes(&self) -> [u8; 16] {
        *self.0.as_bytes()
    }

    /// Reads the sixteen octets of a UUID.
    ///
    /// # Errors
    ///
    /// Where they are not of version 7 in the variant of RFC 9562.
    pub fn from_bytes(bytes: [u8; 16]) -> Result<Self, InvalidIdentifier> {
        Self::checked(Uuid::from_bytes(bytes))
    }

    fn checked(uuid: Uuid) -> Result<Self, InvalidIdentifier> {
        if uuid.get_version_num() == 7 && uuid.get_variant() == Variant::RFC4122 {
            Ok(Self(uuid))
        } else {
            Err(InvalidIdentifier::new("an id", "it is a UUID of another version or variant than 7"))
        }
    }
}

impl FromStr for Id {
    type Err = InvalidIdentifier;

    fn from_str(text: &str) -> Result<Self, InvalidIdentifier> {
        let fault = InvalidIdentifier::new("an id", "its form is a UUIDv7 in lower case with hyphens");
        let uuid = Uuid::try_parse(text).map_err(|_| fault.clone())?;
        // The parser also takes other forms and upper case; an id has one spelling.
        if uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) != text {
            return Err(fault);
        }
        Self::checked(uuid)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({self})")
    }
}

as_text!(Id);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_when_it_was_made_and_reads_back() {
        let id = Id::new(Timestamp::from_millis(0x0198_d0a0_1111), [0xff; 10]);
        assert_eq!(id.to_string(), "0198d0a0-1111-7fff-bfff-ffffffffffff");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(Id::from_bytes(id.as_bytes()), Ok(id));
    }

    #[test]
    fn other_spellings_and_versions_are_refused() {
        for odd in [
            "0198D0A0-1111-7000-8000-000000000001",
            "0198d0a0111170008000000000000001",
            "{0198d0a0-1111-7000-8000-000000000001}",
            "urn:uuid:0198d0a0-1111-7000-8000-000000000001",
            "0198d0a0-1111-4000-8000-000000000001",
            "0198d0a0-1111-7000-c000-000000000001",
            "",
        ] {
            assert!(odd.parse::<Id>().is_err(), "{odd}");
        }
    }
}
