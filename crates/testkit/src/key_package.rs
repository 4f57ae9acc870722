//! A KeyPackage, well- or ill-formed.

use std::time::{SystemTime, UNIX_EPOCH};

use drawbridge_mtp::octets::Octets;
use drawbridge_mtp::policy::EXTENSION_TYPE;
use openmls::prelude::tls_codec::Serialize;
use openmls::prelude::{
    BasicCredential, Capabilities, Ciphersuite, CredentialWithKey, ExtensionType, KeyPackage, Lifetime,
    MlsMessageOut,
};
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;

/// A KeyPackage that holds for a month and knows the policy's extension, until it is altered.
pub struct KeyPackageDraft {
    identity: String,
    suite: Ciphersuite,
    lifetime: Lifetime,
    last_resort: bool,
    extensions: Vec<ExtensionType>,
}

impl KeyPackageDraft {
    pub(crate) fn of(identity: &str) -> Self {
        Self {
            identity: identity.to_owned(),
            suite: Ciphersuite::MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519,
            lifetime: Lifetime::new(30 * 86_400),
            last_resort: false,
            extensions: vec![ExtensionType::LastResort, ExtensionType::from(EXTENSION_TYPE)],
        }
    }

    /// With another identity.
    #[must_use]
    pub fn identity(mut self, identity: &str) -> Self {
        self.identity = identity.to_owned();
        self
    }

    /// Of another cipher suite.
    #[must_use]
    pub fn suite(mut self, suite: u16) -> Self {
        self.suite = suite.try_into().unwrap();
        self
    }

    /// Which holds from so many seconds after now until so many seconds after now.
    #[must_use]
    pub fn holding(mut self, from: i64, to: i64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let at = |offset| now.checked_add_signed(offset).unwrap();
        self.lifetime = Lifetime::init(at(from), at(to));
        self
    }

    /// Marked as the last resort.
    #[must_use]
    pub fn last_resort(mut self) -> Self {
        self.last_resort = true;
        self
    }

    /// Which does not know the last resort's extension.
    #[must_use]
    pub fn without_last_resort(mut self) -> Self {
        self.extensions.remove(0);
        self
    }

    /// Which does not know the policy's extension.
    #[must_use]
    pub fn without_policy(mut self) -> Self {
        self.extensions.truncate(1);
        self
    }

    /// Makes it: the octets of an `MLSMessage`.
    pub fn make(self) -> Octets {
        let provider = OpenMlsRustCrypto::default();
        let key = SignatureKeyPair::new(self.suite.signature_algorithm()).unwrap();
        let credential = CredentialWithKey {
            credential: BasicCredential::new(self.identity.into_bytes()).into(),
            signature_key: key.public().into(),
        };
        let capabilities = Capabilities::new(None, Some(&[self.suite]), Some(&self.extensions), None, None);
        let mut builder =
            KeyPackage::builder().key_package_lifetime(self.lifetime).leaf_node_capabilities(capabilities);
        if self.last_resort {
            builder = builder.mark_as_last_resort();
        }
        let bundle = builder.build(self.suite, &provider, &key, credential).unwrap();
        MlsMessageOut::from(bundle.into_key_package()).tls_serialize_detached().unwrap().into()
    }
}
