//! What is checked of a KeyPackage before it is kept (section 9; RFC 9420, section 10.1).

use drawbridge_mtp::id::ClientUri;
use drawbridge_mtp::time::Timestamp;
use openmls::prelude::tls_codec::{Deserialize, Serialize};
use openmls::prelude::{
    BasicCredential, Capabilities, CredentialType, ExtensionType, KeyPackage, KeyPackageIn, MlsMessageBodyIn,
    MlsMessageOut, ProposalType, ProtocolVersion, RequiredCapabilitiesExtension, VerifiableCiphersuite,
};
use openmls_rust_crypto::RustCrypto;

use crate::mls::{cipher_suites, read_framed_or_bare};
use crate::store::StoredKeyPackage;

/// Why a KeyPackage is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeyPackageFault {
    #[error("it is not a KeyPackage")]
    Form,
    #[error("its cipher suite {0} is not one of those that are understood here ({1:?})")]
    Suite(u16, Vec<u16>),
    #[error("it is not valid: {0}")]
    Invalid(String),
    #[error("its lifetime from {from} to {to} does not hold now; make a new one, with the right time")]
    Lifetime { from: Timestamp, to: Timestamp },
    #[error("its lifetime is longer than 84 days and an hour; make one that ends earlier")]
    TooLong,
    #[error("its credential is not a basic one with the identity {0}")]
    Identity(ClientUri),
    #[error("its leaf uses what its capabilities do not list")]
    Capabilities,
    #[error(
        "its leaf does not list the extension last_resort, 0x000A, in its capabilities, which a last resort has to"
    )]
    LastResort,
}

/// Checks a KeyPackage that `client` publishes at `now`.
pub(super) fn check(
    crypto: &RustCrypto,
    bytes: &[u8],
    client: &ClientUri,
    now: Timestamp,
) -> Result<StoredKeyPackage, KeyPackageFault> {
    let unverified: KeyPackageIn = read_framed_or_bare(bytes, |body| match body {
        MlsMessageBodyIn::KeyPackage(package) => Some(package),
        _ => None,
    })
    .ok_or(KeyPackageFault::Form)?;
    let bare = unverified.tls_serialize_detached().map_err(|_| KeyPackageFault::Form)?;
    // Its reference is a hash over its octets, so those have to be the ones that we hand on.
    if !bytes.ends_with(&bare) {
        return Err(KeyPackageFault::Form);
    }
    check_suite(crypto, &bare)?;
    let package = unverified
        .validate(crypto, ProtocolVersion::Mls10)
        .map_err(|fault| KeyPackageFault::Invalid(fault.to_string()))?;
    check_lifetime(&package, now)?;
    check_leaf(&package, client)?;
    let invalid = |fault: String| KeyPackageFault::Invalid(fault);
    Ok(StoredKeyPackage {
        reference: package.hash_ref(crypto).map_err(|fault| invalid(fault.to_string()))?.as_slice().to_vec(),
        suite: package.ciphersuite().into(),
        begins: package.life_time().not_before(),
        ends: package.life_time().not_after(),
        supports: supports(package.leaf_node().capabilities()).map_err(|fault| invalid(fault.to_string()))?,
        package: MlsMessageOut::from(package)
            .tls_serialize_detached()
            .map_err(|fault| invalid(fault.to_string()))?,
    })
}

/// Checks the KeyPackage that `client` publishes at `now` for when no other is left.
pub(super) fn check_last_resort(
    crypto: &RustCrypto,
    bytes: &[u8],
    client: &ClientUri,
    now: Timestamp,
) -> Result<StoredKeyPackage, KeyPackageFault> {
    let package = check(crypto, bytes, client, now)?;
    let supports = RequiredCapabilitiesExtension::tls_deserialize_exact(&package.supports)
        .map_err(|fault| KeyPackageFault::Invalid(fault.to_string()))?;
    let is_listed = supports.extension_types().contains(&ExtensionType::LastResort);
    if is_listed { Ok(package) } else { Err(KeyPackageFault::LastResort) }
}

/// The suite stands behind the version; one that is unknown would look like a broken signature.
fn check_suite(crypto: &RustCrypto, bare: &[u8]) -> Result<(), KeyPackageFault> {
    let suite = bare.get(2..4).and_then(|octets| octets.try_into().ok()).map(u16::from_be_bytes);
    let suite = suite.ok_or(KeyPackageFault::Form)?;
    let known: Vec<u16> = cipher_suites(crypto).into_iter().map(u16::from).collect();
    if known.contains(&suite) { Ok(()) } else { Err(KeyPackageFault::Suite(suite, known)) }
}

/// By the node's clock; openmls has looked at the system's.
fn check_lifetime(package: &KeyPackage, now: Timestamp) -> Result<(), KeyPackageFault> {
    let lifetime = package.life_time();
    if !lifetime.has_acceptable_range() {
        return Err(KeyPackageFault::TooLong);
    }
    if (lifetime.not_before()..lifetime.not_after()).contains(&now.as_secs()) {
        return Ok(());
    }
    let (from, to) =
        (Timestamp::from_secs(lifetime.not_before()), Timestamp::from_secs(lifetime.not_after()));
    Err(KeyPackageFault::Lifetime { from, to })
}

fn check_leaf(package: &KeyPackage, client: &ClientUri) -> Result<(), KeyPackageFault> {
    let leaf = package.leaf_node();
    let identity = BasicCredential::try_from(leaf.credential().clone());
    if !identity.is_ok_and(|basic| basic.identity() == client.as_str().as_bytes()) {
        return Err(KeyPackageFault::Identity(client.clone()));
    }
    let capabilities = leaf.capabilities();
    let lists_what_it_uses = capabilities.versions().contains(&ProtocolVersion::Mls10)
        && capabilities.ciphersuites().contains(&VerifiableCiphersuite::from(package.ciphersuite()))
        && capabilities.credentials().contains(&CredentialType::Basic)
        && leaf.extensions().iter().all(|extension| {
            let kind = extension.extension_type();
            is_default_extension(kind) || capabilities.extensions().contains(&kind)
        });
    if lists_what_it_uses { Ok(()) } else { Err(KeyPackageFault::Capabilities) }
}

/// What a leaf can do, in the form in which others require it.
fn supports(capabilities: &Capabilities) -> Result<Vec<u8>, openmls::prelude::tls_codec::Error> {
    RequiredCapabilitiesExtension::new(
        capabilities.extensions(),
        capabilities.proposals(),
        capabilities.credentials(),
    )
    .tls_serialize_detached()
}

/// Whether what a leaf can do is enough for what is required (RFC 9420, section 11.1).
pub(super) fn suffices(
    supports: &RequiredCapabilitiesExtension,
    required: &RequiredCapabilitiesExtension,
) -> bool {
    let extensions = required
        .extension_types()
        .iter()
        .all(|kind| is_default_extension(*kind) || supports.extension_types().contains(kind));
    let proposals = required
        .proposal_types()
        .iter()
        .all(|kind| is_default_proposal(*kind) || supports.proposal_types().contains(kind));
    let credentials =
        required.credential_types().iter().all(|kind| supports.credential_types().contains(kind));
    extensions && proposals && credentials
}

/// The extension types that every client has and none lists (RFC 9420, section 7.2).
fn is_default_extension(kind: ExtensionType) -> bool {
    (1..=5).contains(&u16::from(kind))
}

/// The proposal types that every client has and none lists.
fn is_default_proposal(kind: ProposalType) -> bool {
    (1..=7).contains(&u16::from(kind))
}
