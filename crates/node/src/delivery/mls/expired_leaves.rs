//! Opening a group in which a leaf has outlived the lifetime of its KeyPackage.
//!
//! A lifetime says when a KeyPackage may be used (RFC 9420, section 7.2); a member stays one when it is over. openmls
//! checks the lifetimes of all leaves where it opens a group for a bystander, and can leave that out only where it
//! opens one for an external commit. So such a commit is prepared, of which nothing is kept but the group that it was
//! for.

use openmls::group::{GroupContext, InterimTranscriptHash, MlsGroup, MlsGroupJoinConfig, PublicGroup};
use openmls::messages::ConfirmationTag;
use openmls::messages::group_info::VerifiableGroupInfo;
use openmls::prelude::{
    BasicCredential, Capabilities, CredentialWithKey, LeafNodeParameters, OpenMlsProvider, RatchetTreeIn,
    SignatureScheme,
};
use openmls::treesync::TreeSync;
use openmls_rust_crypto::{MemoryStorage, RustCrypto};
use openmls_traits::crypto::OpenMlsCrypto;
use openmls_traits::public_storage::PublicStorageProvider;
use openmls_traits::signatures::{Signer, SignerError};

use crate::delivery::mls::public_storage::PublicStorage;
use crate::mls::CRYPTO;

/// Opens the group of `info`, verified in all but the lifetimes of its leaves. `None` where it does not hold, or is
/// not open to external commits.
pub(in crate::delivery) fn open_with_expired_leaves(
    tree: RatchetTreeIn,
    info: VerifiableGroupInfo,
    storage: &PublicStorage,
) -> Option<PublicGroup> {
    let bystander = Bystander::new(info.ciphersuite().signature_algorithm())?;
    let group_id = info.group_id().clone();
    let leaf = LeafNodeParameters::builder().with_capabilities(capabilities(info.group_context())).build();
    let prepared = MlsGroup::external_commit_builder()
        .with_ratchet_tree(tree)
        .with_config(MlsGroupJoinConfig::default())
        .skip_lifetime_validation()
        .build_group(&bystander, info, bystander.credential())
        .ok()?
        .leaf_node_parameters(leaf)
        .load_psks(&bystander.after)
        .ok()?
        .build(bystander.rand(), bystander.crypto(), &bystander, |_| true)
        .ok()?;
    // The first that it stores is the group as it is; how it goes on does not matter.
    let _ = prepared.finalize(&bystander);

    let before = &bystander.before;
    let parts: (
        Option<TreeSync>,
        Option<GroupContext>,
        Option<InterimTranscriptHash>,
        Option<ConfirmationTag>,
    ) = (
        before.tree(&group_id).ok()?,
        before.group_context(&group_id).ok()?,
        before.interim_transcript_hash(&group_id).ok()?,
        before.confirmation_tag(&group_id).ok()?,
    );
    let (Some(tree), Some(context), Some(hash), Some(tag)) = parts else { return None };
    storage.write_tree(&group_id, &tree).ok()?;
    storage.write_context(&group_id, &context).ok()?;
    storage.write_interim_transcript_hash(&group_id, &hash).ok()?;
    storage.write_confirmation_tag(&group_id, &tag).ok()?;
    PublicGroup::load(storage, &group_id).ok()?
}

/// What every leaf of the group has to know, as far as its context says.
fn capabilities(context: &GroupContext) -> Capabilities {
    let mut extensions: Vec<_> = context.extensions().iter().map(|known| known.extension_type()).collect();
    let required = context.extensions().required_capabilities();
    extensions.extend(required.into_iter().flat_map(|required| required.extension_types()).copied());
    extensions.retain(|kind| !(1..=5).contains(&u16::from(*kind)));
    let proposals: Vec<_> =
        required.into_iter().flat_map(|required| required.proposal_types()).copied().collect();
    Capabilities::builder()
        .ciphersuites(vec![context.ciphersuite()])
        .extensions(extensions)
        .proposals(proposals)
        .build()
}

/// Somebody who could join, and does not. Keeps what is stored first apart from all that is stored after it.
struct Bystander {
    scheme: SignatureScheme,
    private: Vec<u8>,
    public: Vec<u8>,
    before: MemoryStorage,
    after: MemoryStorage,
}

impl Bystander {
    fn new(scheme: SignatureScheme) -> Option<Self> {
        let (private, public) = CRYPTO.signature_key_gen(scheme).ok()?;
        Some(Self {
            scheme,
            private,
            public,
            before: MemoryStorage::default(),
            after: MemoryStorage::default(),
        })
    }

    fn credential(&self) -> CredentialWithKey {
        let credential = BasicCredential::new(b"bystander".to_vec()).into();
        CredentialWithKey { credential, signature_key: self.public.clone().into() }
    }
}

impl OpenMlsProvider for Bystander {
    type CryptoProvider = RustCrypto;
    type RandProvider = RustCrypto;
    type StorageProvider = MemoryStorage;

    fn storage(&self) -> &MemoryStorage {
        let is_untouched = self.before.values.read().is_ok_and(|values| values.is_empty());
        if is_untouched { &self.before } else { &self.after }
    }

    fn crypto(&self) -> &RustCrypto {
        &CRYPTO
    }

    fn rand(&self) -> &RustCrypto {
        &CRYPTO
    }
}

impl Signer for Bystander {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        CRYPTO.sign(self.scheme, payload, &self.private).map_err(|_| SignerError::SigningError)
    }

    fn signature_scheme(&self) -> SignatureScheme {
        self.scheme
    }
}
