//! Who we are: the folder that is ours, our signing key, our certificate, and our provider document.

mod certificate;
mod folder;
mod issuance;
mod key;
pub(crate) mod x509;

pub(crate) use certificate::ACME_PROTOCOL;
pub use certificate::{Certificate, CertificateFacts, TlsFault};
pub use folder::{DataFolder, FolderFault, write_secret};
pub(crate) use folder::{MARK, RESTORING};
pub(crate) use issuance::Issuance;
pub use issuance::{IssuanceCode, IssuanceFailure, IssuanceStanding};
pub use key::{KeyFault, load_key, load_or_make_key};

use drawbridge_mtp::document::{Endpoint, Limits, ProviderDocument, Software};
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::keys::{KeySet, SecretKey};

/// What a provider document calls this program.
pub(crate) const SOFTWARE: &str = "drawbridge";

/// What others are told of us (section 3).
pub fn provider_document(provider: &Provider, endpoint: &Endpoint, key: &SecretKey) -> ProviderDocument {
    ProviderDocument {
        provider: provider.clone(),
        versions: vec!["1".into()],
        endpoint: endpoint.clone(),
        keys: KeySet::from_iter([key.public()]),
        software: Some(Software { name: SOFTWARE.into(), version: Some(env!("CARGO_PKG_VERSION").into()) }),
        limits: Limits::default(),
        contact: None,
    }
}
