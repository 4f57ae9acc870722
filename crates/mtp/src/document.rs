//! The provider document, `/.well-known/mtp` (section 3).

mod endpoint;

use serde::{Deserialize, Serialize};

pub use endpoint::{Endpoint, InvalidEndpoint};

use crate::{
    id::Provider,
    keys::{JwkFault, JwkMembers, KeySet},
    wire::{self, Encoding, Malformed, well_typed},
};

/// The most bytes a document may have.
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

/// The version of the protocol that this crate speaks.
pub const VERSION: &str = "1";

/// What a provider says about itself: where it is reached, and with which keys it signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProviderDocument {
    /// Whose document it is.
    pub provider: Provider,
    /// The versions it speaks; `"1"` is among them.
    pub versions: Vec<String>,
    /// Where its resources are.
    pub endpoint: Endpoint,
    /// The keys it signs with.
    pub keys: KeySet,
    /// What it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software: Option<Software>,
    /// How much it takes.
    pub limits: Limits,
    /// Whom to write to, as a URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// The software that a provider says it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Software {
    /// Its name.
    pub name: String,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// How much a provider takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// The most bytes of one event.
    pub event_bytes: u64,
    /// The most bytes of a request's content.
    pub request_bytes: u64,
    /// The most items of one page.
    pub pull_events: u64,
    /// The most bytes of one page, its first item aside.
    pub pull_bytes: u64,
    /// The longest that a pull is held, in seconds.
    pub pull_wait_s: u64,
}

impl Default for Limits {
    /// What holds where a document is silent.
    fn default() -> Self {
        Self {
            event_bytes: 1_048_576,
            request_bytes: 8_388_608,
            pull_events: 1_000,
            pull_bytes: 4_194_304,
            pull_wait_s: 55,
        }
    }
}

/// Why a document is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentFault {
    /// It is longer than 64 KiB.
    #[error("the provider document has {0} bytes; the most is 65536")]
    TooLarge(usize),
    /// It is not JSON, or a member is missing or ill-typed.
    #[error("the provider document is malformed: {0}")]
    Malformed(#[from] Malformed),
    /// It is another provider's.
    #[error("the document of {asked} says it is that of {found}; ask its operator, or use the other name")]
    OtherProvider {
        /// Who was asked.
        asked: Provider,
        /// Whose it says it is.
        found: Provider,
    },
    /// No version of it is ours.
    #[error("the provider does not speak version 1 of MTP")]
    OtherVersion,
    /// A key in it breaks the form.
    #[error("the provider document is refused: {0}")]
    Key(#[from] JwkFault),
    /// It has no key of the form that signs.
    #[error("the provider document has no Ed25519 signing key")]
    NoKey,
}

impl ProviderDocument {
    /// Reads the document that `asked` answered with.
    ///
    /// # Errors
    ///
    /// Where it breaks any rule of section 3.
    pub fn parse(bytes: &[u8], asked: &Provider) -> Result<Self, DocumentFault> {
        if bytes.len() > MAX_DOCUMENT_BYTES {
            return Err(DocumentFault::TooLarge(bytes.len()));
        }
        let DocumentForm { provider, versions, endpoint, keys, software, limits, contact } =
            wire::decode(Encoding::Json, bytes)?;
        if provider != *asked {
            return Err(DocumentFault::OtherProvider { asked: asked.clone(), found: provider });
        }
        if !versions.iter().any(|version| version == VERSION) {
            return Err(DocumentFault::OtherVersion);
        }
        let keys = KeySet::from_jwks(&keys.keys)?;
        if keys.is_empty() {
            return Err(DocumentFault::NoKey);
        }
        Ok(Self {
            provider,
            versions,
            endpoint,
            keys,
            software: software.and_then(SoftwareForm::told),
            limits: limits.unwrap_or_default().told(),
            contact: told(contact),
        })
    }

    /// The document as it is served.
    pub fn to_json(&self) -> Vec<u8> {
        wire::encode(Encoding::Json, self)
    }
}

/// The document's members on the wire, before its keys are looked at. What is not required is as absent where it is empty
/// or ill-typed, so that nobody is unreachable for what is only said by the way.
#[derive(Deserialize)]
struct DocumentForm {
    provider: Provider,
    versions: Vec<String>,
    endpoint: Endpoint,
    keys: KeysForm,
    #[serde(default, deserialize_with = "well_typed")]
    software: Option<SoftwareForm>,
    #[serde(default, deserialize_with = "well_typed")]
    limits: Option<LimitsForm>,
    #[serde(default, deserialize_with = "well_typed")]
    contact: Option<String>,
}

#[derive(Deserialize)]
struct KeysForm {
    keys: Vec<JwkMembers>,
}

#[derive(Deserialize)]
struct SoftwareForm {
    #[serde(default, deserialize_with = "well_typed")]
    name: Option<String>,
    #[serde(default, deserialize_with = "well_typed")]
    version: Option<String>,
}

impl SoftwareForm {
    /// The software, where it has a name.
    fn told(self) -> Option<Software> {
        Some(Software { name: told(self.name)?, version: told(self.version) })
    }
}

#[derive(Default, Deserialize)]
struct LimitsForm {
    #[serde(default, deserialize_with = "well_typed")]
    event_bytes: Option<u64>,
    #[serde(default, deserialize_with = "well_typed")]
    request_bytes: Option<u64>,
    #[serde(default, deserialize_with = "well_typed")]
    pull_events: Option<u64>,
    #[serde(default, deserialize_with = "well_typed")]
    pull_bytes: Option<u64>,
    #[serde(default, deserialize_with = "well_typed")]
    pull_wait_s: Option<u64>,
}

impl LimitsForm {
    /// The limits, with what holds where none is told.
    fn told(self) -> Limits {
        let usual = Limits::default();
        Limits {
            event_bytes: self.event_bytes.unwrap_or(usual.event_bytes),
            request_bytes: self.request_bytes.unwrap_or(usual.request_bytes),
            pull_events: self.pull_events.unwrap_or(usual.pull_events),
            pull_bytes: self.pull_bytes.unwrap_or(usual.pull_bytes),
            pull_wait_s: self.pull_wait_s.unwrap_or(usual.pull_wait_s),
        }
    }
}

/// A text that tells something.
fn told(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
