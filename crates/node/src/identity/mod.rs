//! Who we are: the folder that is ours, our signing key, our certificate, and our provider document.

mod certificate;
mod fingerprint;
mod folder;
mod issuance;
mod key;
mod keys;
mod ring;
pub(crate) mod x509;

pub(crate) use certificate::ACME_PROTOCOL;
pub use certificate::{Certificate, CertificateFacts, TlsFault};
pub use fingerprint::{Fingerprint, InvalidFingerprint};
pub use folder::{DataFolder, FolderFault, write_secret};
pub(crate) use folder::{MARK, RESTORING};
pub(crate) use issuance::Issuance;
pub use issuance::{IssuanceCode, IssuanceFailure, IssuanceStanding};
pub use key::{KeyFault, load_key};
pub(crate) use key::{load_or_make_ring, load_ring};
pub(crate) use keys::Keys;
pub(crate) use ring::DOCUMENT_LIFETIME;
pub use ring::{KeyRing, NotRevoked, OwnKey, Standing, Step};

use drawbridge_mtp::document::{Endpoint, Limits, ProviderDocument, Software};
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::keys::PublicKey;

/// What a provider document calls this program.
pub(crate) const SOFTWARE: &str = "drawbridge";

/// What others are told of us (section 3).
pub fn provider_document(
    provider: &Provider,
    endpoint: &Endpoint,
    keys: impl IntoIterator<Item = PublicKey>,
) -> ProviderDocument {
    ProviderDocument {
        provider: provider.clone(),
        versions: vec!["1".into()],
        endpoint: endpoint.clone(),
        keys: keys.into_iter().collect(),
        software: Some(Software { name: SOFTWARE.into(), version: Some(env!("CARGO_PKG_VERSION").into()) }),
        limits: Limits::default(),
        contact: None,
    }
}
