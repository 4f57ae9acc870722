//! What all clients have in common of MLS: the cipher suite, and the form of groups.

use drawbridge_mtp::id::{ClientUri, GroupUri};
use drawbridge_mtp::octets::Octets;
use drawbridge_mtp::policy::{EXTENSION_TYPE, Policy};
use openmls::group::{MIXED_PLAINTEXT_WIRE_FORMAT_POLICY, MlsGroup, MlsGroupJoinConfig};
use openmls::prelude::tls_codec::Serialize;
use openmls::prelude::{
    BasicCredential, Ciphersuite, Credential, CredentialType, Extension, ExtensionType, Extensions,
    GroupContext, GroupId, RequiredCapabilitiesExtension, UnknownExtension,
};

/// The cipher suite, unless a test wants another.
pub(super) const SUITE: Ciphersuite = Ciphersuite::MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519;

pub(super) fn group_id(group: &GroupUri) -> GroupId {
    GroupId::from_slice(group.as_str().as_bytes())
}

pub(super) fn join_config() -> MlsGroupJoinConfig {
    MlsGroupJoinConfig::builder()
        .wire_format_policy(MIXED_PLAINTEXT_WIRE_FORMAT_POLICY)
        .max_past_epochs(4)
        .use_ratchet_tree_extension(false)
        .build()
}

pub(super) fn client_of(credential: &Credential) -> ClientUri {
    let basic = BasicCredential::try_from(credential.clone()).unwrap();
    std::str::from_utf8(basic.identity()).unwrap().parse().unwrap()
}

pub(super) fn policy_of(group: &MlsGroup) -> Policy {
    Policy::from_cbor(&group.extensions().unknown(EXTENSION_TYPE).unwrap().0).unwrap()
}

/// A group context's extensions under another policy, the others as they are.
pub(super) fn with_policy(
    mut extensions: Extensions<GroupContext>,
    policy: &Policy,
) -> Extensions<GroupContext> {
    let policy = Extension::Unknown(EXTENSION_TYPE, UnknownExtension(policy.to_cbor()));
    extensions.add_or_replace(policy).unwrap();
    extensions
}

/// What most groups require of their members.
pub(super) fn required() -> Extensions<GroupContext> {
    let required = RequiredCapabilitiesExtension::new(
        &[ExtensionType::Unknown(EXTENSION_TYPE)],
        &[],
        &[CredentialType::Basic],
    );
    Extensions::single(Extension::RequiredCapabilities(required)).unwrap()
}

pub(super) fn write(structure: &impl Serialize) -> Octets {
    Octets(structure.tls_serialize_detached().unwrap())
}
