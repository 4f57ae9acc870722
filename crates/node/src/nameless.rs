//! Names replaced by hashes, for what is shown to others.

use drawbridge_mtp::id::{GroupUri, Provider};
use sha2::{Digest, Sha256};

use crate::ambient::{Ambient, AmbientExt};

/// Whether `text` is the name of a program that is known and its version, such as `drawbridge/0.1.0`, and nothing else: whoever is no
/// program can call itself anything.
pub fn is_program(text: &str) -> bool {
    const PROGRAMS: [&str; 3] = ["drawbridge", "mimi-hubd", "curl"];
    let Some((name, version)) = text.split_once('/') else { return false };
    PROGRAMS.contains(&name) && version.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.')
}

/// Replaces names by hashes. The same name has the same hash by one of these, and another by the next; nobody can find a name by
/// trying names, since the key is thrown away.
#[derive(Clone)]
pub struct Nameless {
    key: [u8; 32],
}

impl Nameless {
    /// One with a new key.
    pub fn new(ambient: &dyn Ambient) -> Self {
        Self { key: ambient.random() }
    }

    /// Twelve hexadecimal digits in the place of `name`.
    pub fn hash(&self, name: &str) -> String {
        let digest = Sha256::new().chain_update(self.key).chain_update(name).finalize();
        digest.iter().take(6).map(|octet| format!("{octet:02x}")).collect()
    }

    /// A provider's name that nobody has, in the place of `provider`'s.
    pub fn provider(&self, provider: &Provider) -> Provider {
        // Hexadecimal digits are a host's label, so this is a name.
        format!("{}.invalid", self.hash(provider.as_str())).parse().unwrap_or_else(|_| provider.clone())
    }

    /// A group's name that nobody has, in the place of `group`'s.
    pub fn group(&self, group: &GroupUri) -> GroupUri {
        // Hexadecimal digits are a name.
        let name = self.hash(group.name().as_str()).parse().unwrap_or_else(|_| group.name().clone());
        GroupUri::new(&self.provider(group.provider()), &name)
    }
}
