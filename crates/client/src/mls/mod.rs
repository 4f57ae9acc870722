//! MLS as it is used here: the provider over the client's store, the suites, the form of groups and messages.

mod keys;
mod storage;

use drawbridge_mtp::{
    id::{ClientUri, GroupUri},
    policy::{EXTENSION_TYPE, Policy},
};
use openmls::{
    group::{MIXED_PLAINTEXT_WIRE_FORMAT_POLICY, MlsGroup, MlsGroupCreateConfig, MlsGroupJoinConfig},
    messages::group_info::VerifiableGroupInfo,
    prelude::{
        BasicCredential, Capabilities, Ciphersuite, Credential, CredentialType, Extension, ExtensionType,
        Extensions, GroupContext, GroupId, KeyPackageIn, Lifetime, MlsMessageBodyIn, MlsMessageIn,
        OpenMlsProvider, PrivateMessageIn, ProtocolMessage, ProtocolVersion, PublicMessageIn, RatchetTreeIn,
        RequiredCapabilitiesExtension, SenderRatchetConfiguration, UnknownExtension, Welcome,
        tls_codec::{Deserialize, Serialize},
    },
};
use openmls_rust_crypto::RustCrypto;

pub(crate) use storage::MlsStore;

use crate::{fault::ClientFault, store::Tx};

/// The cipher suites that the crypto provider has, the default first.
pub(crate) const CIPHER_SUITES: [Ciphersuite; 3] = [
    Ciphersuite::MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519,
    Ciphersuite::MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519,
    Ciphersuite::MLS_128_DHKEMP256_AES128GCM_SHA256_P256,
];

/// Application messages of this many epochs before the current one can be read: the owner accepts two, and one more
/// may have begun meanwhile.
const PAST_EPOCHS: usize = 4;
/// So many messages of one sender may come late, or be lost in a row.
const OUT_OF_ORDER: u32 = 128;
const LOST: u32 = 10_000;
/// Messages are padded to a multiple of this, so that short answers look alike.
const PADDING: usize = 64;

/// openmls's provider for one step.
pub(crate) struct Provider<'a> {
    crypto: RustCrypto,
    storage: MlsStore<'a>,
}

impl<'a> Provider<'a> {
    pub(crate) fn new(tx: &'a Tx<'a>) -> Self {
        Self { crypto: RustCrypto::default(), storage: MlsStore(tx) }
    }

    /// The group's state.
    pub(crate) fn group(&self, group: &GroupUri) -> Result<Option<MlsGroup>, ClientFault> {
        Ok(MlsGroup::load(&self.storage, &group_id(group))?)
    }

    /// Removes the group's state.
    pub(crate) fn forget(&self, group: &GroupUri) -> Result<(), ClientFault> {
        if let Some(mut group) = self.group(group)? {
            group.delete(&self.storage)?;
        }
        Ok(())
    }
}

impl<'a> OpenMlsProvider for Provider<'a> {
    type CryptoProvider = RustCrypto;
    type RandProvider = RustCrypto;
    type StorageProvider = MlsStore<'a>;

    fn storage(&self) -> &MlsStore<'a> {
        &self.storage
    }

    fn crypto(&self) -> &RustCrypto {
        &self.crypto
    }

    fn rand(&self) -> &RustCrypto {
        &self.crypto
    }
}

/// The suite with this number, where it is to be had.
pub(crate) fn suite(number: u16) -> Option<Ciphersuite> {
    CIPHER_SUITES.into_iter().find(|suite| u16::from(*suite) == number)
}

pub(crate) fn group_id(group: &GroupUri) -> GroupId {
    GroupId::from_slice(group.as_str().as_bytes())
}

pub(crate) fn credential(client: &ClientUri) -> Credential {
    BasicCredential::new(client.as_str().as_bytes().to_vec()).into()
}

/// Whose credential it is, where it is in MTP's form.
pub(crate) fn client_of(credential: &Credential) -> Option<ClientUri> {
    let basic = BasicCredential::try_from(credential.clone()).ok()?;
    std::str::from_utf8(basic.identity()).ok()?.parse().ok()
}

fn capabilities() -> Capabilities {
    Capabilities::builder()
        .versions(vec![ProtocolVersion::Mls10])
        .ciphersuites(CIPHER_SUITES.to_vec())
        .extensions(vec![ExtensionType::Unknown(EXTENSION_TYPE), ExtensionType::LastResort])
        .credentials(vec![CredentialType::Basic])
        .build()
}

/// From an hour ago, so that it holds by a clock that is a little behind.
fn lifetime(tx: &Tx<'_>) -> Lifetime {
    let now = tx.now.as_secs();
    Lifetime::init(now.saturating_sub(3600), now + tx.settings.package_lifetime.as_secs())
}

/// A group context's extensions under another policy, the others as they are; but where members are required to know
/// extensions and the policy's is not among them, it is added there (client API, *Groups*).
pub(crate) fn with_policy(
    mut extensions: Extensions<GroupContext>,
    policy: &Policy,
) -> Result<Extensions<GroupContext>, ClientFault> {
    let kind = ExtensionType::Unknown(EXTENSION_TYPE);
    if let Some(required) = extensions.required_capabilities()
        && !required.extension_types().contains(&kind)
    {
        let kinds = [required.extension_types(), &[kind]].concat();
        let required = RequiredCapabilitiesExtension::new(
            &kinds,
            required.proposal_types(),
            required.credential_types(),
        );
        extensions.add_or_replace(Extension::RequiredCapabilities(required)).map_err(ClientFault::mls)?;
    }
    let policy = Extension::Unknown(EXTENSION_TYPE, UnknownExtension(policy.to_cbor()));
    extensions.add_or_replace(policy).map_err(ClientFault::mls)?;
    Ok(extensions)
}

/// What a group that is created here requires of its members: that they know of the policy.
fn required() -> Result<Extensions<GroupContext>, ClientFault> {
    let required = RequiredCapabilitiesExtension::new(
        &[ExtensionType::Unknown(EXTENSION_TYPE)],
        &[],
        &[CredentialType::Basic],
    );
    Extensions::single(Extension::RequiredCapabilities(required)).map_err(ClientFault::mls)
}

/// The policy in a group context, as CBOR.
pub(crate) fn policy_of(group: &MlsGroup) -> Option<&[u8]> {
    group.extensions().unknown(EXTENSION_TYPE).map(|extension| extension.0.as_slice())
}

pub(crate) fn create_config(
    tx: &Tx<'_>,
    suite: Ciphersuite,
    policy: &Policy,
) -> Result<MlsGroupCreateConfig, ClientFault> {
    Ok(MlsGroupCreateConfig::builder()
        .wire_format_policy(MIXED_PLAINTEXT_WIRE_FORMAT_POLICY)
        .max_past_epochs(PAST_EPOCHS)
        .sender_ratchet_configuration(SenderRatchetConfiguration::new(OUT_OF_ORDER, LOST))
        .padding_size(PADDING)
        .use_ratchet_tree_extension(false)
        .ciphersuite(suite)
        .lifetime(lifetime(tx))
        .capabilities(capabilities())
        .with_group_context_extensions(with_policy(required()?, policy)?)
        .build())
}

pub(crate) fn join_config() -> MlsGroupJoinConfig {
    MlsGroupJoinConfig::builder()
        .wire_format_policy(MIXED_PLAINTEXT_WIRE_FORMAT_POLICY)
        .max_past_epochs(PAST_EPOCHS)
        .sender_ratchet_configuration(SenderRatchetConfiguration::new(OUT_OF_ORDER, LOST))
        .padding_size(PADDING)
        .use_ratchet_tree_extension(false)
        .build()
}

/// The capabilities that a leaf made by an external commit has to have.
pub(crate) fn leaf_parameters() -> openmls::prelude::LeafNodeParameters {
    openmls::prelude::LeafNodeParameters::builder().with_capabilities(capabilities()).build()
}

/// Reads what is an `MLSMessage`, or the bare structure.
fn read<T>(
    bytes: &[u8],
    of_message: impl FnOnce(MlsMessageBodyIn) -> Option<T>,
    bare: impl FnOnce(&mut &[u8]) -> Option<T>,
) -> Result<T, ClientFault> {
    let mut rest = bytes;
    if let Ok(message) = MlsMessageIn::tls_deserialize(&mut rest)
        && rest.is_empty()
        && let Some(found) = of_message(message.extract())
    {
        return Ok(found);
    }
    let mut rest = bytes;
    bare(&mut rest)
        .filter(|_| rest.is_empty())
        .ok_or_else(|| ClientFault::Mls("bytes that are not the MLS structure that is wanted".into()))
}

pub(crate) fn read_message(bytes: &[u8]) -> Result<ProtocolMessage, ClientFault> {
    read(
        bytes,
        |body| match body {
            MlsMessageBodyIn::PublicMessage(message) => Some(ProtocolMessage::from(message)),
            MlsMessageBodyIn::PrivateMessage(message) => Some(message.into()),
            _ => None,
        },
        |rest| {
            let whole: &[u8] = rest;
            PublicMessageIn::tls_deserialize(rest).map(ProtocolMessage::from).ok().or_else(|| {
                *rest = whole;
                PrivateMessageIn::tls_deserialize(rest).map(ProtocolMessage::from).ok()
            })
        },
    )
}

pub(crate) fn read_welcome(bytes: &[u8]) -> Result<Welcome, ClientFault> {
    let of = |body| match body {
        MlsMessageBodyIn::Welcome(welcome) => Some(welcome),
        _ => None,
    };
    read(bytes, of, |rest| Welcome::tls_deserialize(rest).ok())
}

pub(crate) fn read_group_info(bytes: &[u8]) -> Result<VerifiableGroupInfo, ClientFault> {
    let of = |body| match body {
        MlsMessageBodyIn::GroupInfo(info) => Some(info),
        _ => None,
    };
    read(bytes, of, |rest| VerifiableGroupInfo::tls_deserialize(rest).ok())
}

pub(crate) fn read_key_package(bytes: &[u8]) -> Result<KeyPackageIn, ClientFault> {
    let of = |body| match body {
        MlsMessageBodyIn::KeyPackage(package) => Some(package),
        _ => None,
    };
    read(bytes, of, |rest| KeyPackageIn::tls_deserialize(rest).ok())
}

pub(crate) fn read_tree(bytes: &[u8]) -> Result<RatchetTreeIn, ClientFault> {
    let mut rest = bytes;
    RatchetTreeIn::tls_deserialize(&mut rest)
        .ok()
        .filter(|_| rest.is_empty())
        .ok_or_else(|| ClientFault::Mls("bytes that are not a ratchet tree".into()))
}

pub(crate) fn write(structure: &impl Serialize) -> Result<Vec<u8>, ClientFault> {
    structure.tls_serialize_detached().map_err(ClientFault::mls)
}

#[cfg(test)]
mod tests {
    use drawbridge_mtp::policy::Who;

    use super::*;

    #[test]
    fn a_change_of_the_policy_leaves_the_other_extensions_as_they_are() {
        let policy = |name: &str| Policy {
            name: name.into(),
            admins: Vec::new(),
            add: Who::Members,
            send: Who::Members,
        };
        let kind = ExtensionType::Unknown(EXTENSION_TYPE);
        let requires = |kinds: &[ExtensionType]| {
            let basic = [CredentialType::Basic];
            let required = RequiredCapabilitiesExtension::new(kinds, &[], &basic);
            Extensions::single(Extension::RequiredCapabilities(required)).unwrap()
        };
        let more = requires(&[ExtensionType::LastResort, kind]);
        for others in [more.clone(), required().unwrap(), Extensions::empty()] {
            let before = with_policy(others.clone(), &policy("tea")).unwrap();
            let after = with_policy(before, &policy("coffee")).unwrap();
            assert_eq!(after.required_capabilities(), others.required_capabilities());
            assert_eq!(after.unknown(EXTENSION_TYPE).unwrap().0, policy("coffee").to_cbor());
            assert_eq!(after.iter().count(), others.iter().count() + 1);
        }
        // One that another program made, which requires something but not the policy.
        let after = with_policy(requires(&[ExtensionType::LastResort]), &policy("tea")).unwrap();
        assert_eq!(after.required_capabilities(), more.required_capabilities());
    }
}
