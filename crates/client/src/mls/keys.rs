//! The client's signature keys and KeyPackages.

use drawbridge_mtp::{octets::Octets, time::Timestamp};
use openmls::prelude::{
    Ciphersuite, CredentialWithKey, KeyPackage, KeyPackageRef, MlsMessageOut, OpenMlsProvider,
    SignatureScheme,
    tls_codec::{Deserialize, VLBytes},
};
use openmls_basic_credential::SignatureKeyPair;
use openmls_traits::storage::StorageProvider;

use super::{Provider, capabilities, credential, lifetime, write};
use crate::{
    fault::ClientFault,
    store::{StoredPackage, Tx},
};

impl Provider<'_> {
    /// The client's key for a suite. There is one for each signature scheme, the same in all groups, so that an
    /// external commit finds the leaf that it replaces.
    pub(crate) fn signer(&self, tx: &Tx<'_>, suite: Ciphersuite) -> Result<SignatureKeyPair, ClientFault> {
        let scheme = SignatureScheme::from(suite);
        let name = format!("signature-key-{}", scheme as u16);
        if let Some(public) = tx.get::<Octets>(&name)?
            && let Some(pair) = SignatureKeyPair::read(self.storage(), public.as_slice(), scheme)
        {
            return Ok(pair);
        }
        let pair = SignatureKeyPair::new(scheme).map_err(ClientFault::mls)?;
        pair.store(self.storage())?;
        tx.put(&name, &Octets(pair.to_public_vec()))?;
        Ok(pair)
    }

    /// The client's credential with that key.
    pub(crate) fn own_credential(&self, tx: &Tx<'_>, pair: &SignatureKeyPair) -> CredentialWithKey {
        CredentialWithKey { credential: credential(tx.own), signature_key: pair.public().into() }
    }

    /// Destroys the private keys of a KeyPackage.
    pub(crate) fn forget_package(&self, reference: &[u8]) -> Result<(), ClientFault> {
        // openmls gives references out and takes them in encoded alone.
        let encoded = write(&VLBytes::new(reference.to_vec()))?;
        let reference = KeyPackageRef::tls_deserialize(&mut encoded.as_slice()).map_err(ClientFault::mls)?;
        Ok(self.storage().delete_key_package(&reference)?)
    }

    /// Makes a KeyPackage and remembers it.
    pub(crate) fn make_package(
        &self,
        tx: &Tx<'_>,
        suite: Ciphersuite,
        last_resort: bool,
    ) -> Result<StoredPackage, ClientFault> {
        let pair = self.signer(tx, suite)?;
        let mut builder =
            KeyPackage::builder().key_package_lifetime(lifetime(tx)).leaf_node_capabilities(capabilities());
        if last_resort {
            builder = builder.mark_as_last_resort();
        }
        let bundle =
            builder.build(suite, self, &pair, self.own_credential(tx, &pair)).map_err(ClientFault::mls)?;
        let package = bundle.into_key_package();
        let reference = package.hash_ref(self.crypto()).map_err(ClientFault::mls)?;
        let stored = StoredPackage {
            reference: reference.as_slice().to_vec(),
            last_resort,
            begins: Timestamp::from_secs(package.life_time().not_before()),
            expires: Timestamp::from_secs(package.life_time().not_after()),
            bytes: Octets(write(&MlsMessageOut::from(package))?),
        };
        tx.add_package(&stored)?;
        Ok(stored)
    }
}
