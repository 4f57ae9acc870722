//! Its keys and its KeyPackages.

use drawbridge_mtp::octets::Octets;
use drawbridge_mtp::policy::EXTENSION_TYPE;
use openmls::prelude::{
    BasicCredential, Capabilities, CredentialType, CredentialWithKey, ExtensionType, KeyPackage, Lifetime,
    MlsMessageOut, OpenMlsProvider,
};

use super::MlsClient;
use super::mls::{SUITE, write};

/// How long a leaf lives unless a test wants it otherwise, in seconds.
pub(super) const LIFETIME_S: u64 = 60 * 86_400;

impl MlsClient {
    /// A new KeyPackage, published or not.
    pub fn key_package(&self) -> Octets {
        self.key_package_of(self.uri.as_str(), LIFETIME_S, false)
    }

    /// A KeyPackage for when no other is left.
    pub fn last_resort(&self) -> Octets {
        self.key_package_of(self.uri.as_str(), LIFETIME_S, true)
    }

    /// A KeyPackage that ends after so many seconds.
    pub fn short_key_package(&self, lifetime_s: u64) -> Octets {
        self.key_package_of(self.uri.as_str(), lifetime_s, false)
    }

    /// A KeyPackage that says it is somebody's of this name.
    pub fn key_package_as(&self, identity: &str) -> Octets {
        self.key_package_of(identity, LIFETIME_S, false)
    }

    fn key_package_of(&self, identity: &str, lifetime_s: u64, last_resort: bool) -> Octets {
        let mut builder = KeyPackage::builder()
            .key_package_lifetime(Lifetime::new(lifetime_s))
            .leaf_node_capabilities(self.capabilities());
        if last_resort {
            builder = builder.mark_as_last_resort();
        }
        let bundle = builder.build(SUITE, &self.mls, &self.keys, self.credential_as(identity)).unwrap();
        write(&MlsMessageOut::from(bundle.into_key_package()))
    }

    /// The reference by which a Welcome names a KeyPackage of this client, where it has its private key.
    pub(super) fn has_package(&self, reference: &[u8]) -> bool {
        use openmls::prelude::tls_codec::{Deserialize, VLBytes};
        use openmls_traits::storage::StorageProvider;
        let encoded = write(&VLBytes::new(reference.to_vec()));
        let reference = openmls::prelude::KeyPackageRef::tls_deserialize(&mut encoded.as_slice()).unwrap();
        let found: Option<openmls::prelude::KeyPackageBundle> =
            self.mls.storage().key_package(&reference).unwrap();
        found.is_some()
    }

    /// From now on its leaves are larger than what a feed carries: they say that they know very many extensions.
    pub fn grows(&self) {
        self.memory().knows = (0x1000..0xa000).collect();
    }

    /// From now on its leaves, in commits as well, say that they know these extensions beside the policy's.
    pub fn knows(&self, kinds: &[u16]) {
        self.memory().knows = kinds.to_vec();
    }

    pub(super) fn capabilities(&self) -> Capabilities {
        let mut extensions = vec![ExtensionType::Unknown(EXTENSION_TYPE), ExtensionType::LastResort];
        extensions.extend(self.memory().knows.iter().copied().map(ExtensionType::Unknown));
        Capabilities::builder()
            .ciphersuites(vec![SUITE])
            .extensions(extensions)
            .credentials(vec![CredentialType::Basic])
            .build()
    }

    pub(super) fn credential(&self) -> CredentialWithKey {
        self.credential_as(self.uri.as_str())
    }

    pub(super) fn credential_as(&self, identity: &str) -> CredentialWithKey {
        let credential = BasicCredential::new(identity.as_bytes().to_vec()).into();
        CredentialWithKey { credential, signature_key: self.keys.public().into() }
    }
}
