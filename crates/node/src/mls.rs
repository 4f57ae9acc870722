//! What of MLS several folders share: the cryptography, the cipher suites, and how a structure is read.

use std::sync::LazyLock;

use openmls::prelude::tls_codec::Deserialize;
use openmls::prelude::{Ciphersuite, MlsMessageBodyIn, MlsMessageIn};
use openmls_rust_crypto::RustCrypto;
use openmls_traits::crypto::OpenMlsCrypto;

/// The cipher suites of the contract: those of RFC 9420 without Ed448 on its own (section 17.1).
const SUITES: [u16; 6] = [1, 2, 3, 5, 6, 7];

/// The cryptography that KeyPackages and groups are checked with. It has no state but a random generator.
pub(crate) static CRYPTO: LazyLock<RustCrypto> = LazyLock::new(RustCrypto::default);

/// The cipher suites that clients here may use: those of the contract that our cryptography has.
pub(crate) fn cipher_suites(crypto: &impl OpenMlsCrypto) -> Vec<Ciphersuite> {
    let mut suites = crypto.supported_ciphersuites();
    suites.retain(|suite| SUITES.contains(&u16::from(*suite)));
    suites
}

/// Reads an MLS structure that stands as an `MLSMessage` (RFC 9420, section 6) or bare.
pub(crate) fn read_framed_or_bare<T: Deserialize>(
    bytes: &[u8],
    pick: impl FnOnce(MlsMessageBodyIn) -> Option<T>,
) -> Option<T> {
    let framed = MlsMessageIn::tls_deserialize_exact(bytes).ok().map(MlsMessageIn::extract).and_then(pick);
    framed.or_else(|| T::tls_deserialize_exact(bytes).ok())
}
