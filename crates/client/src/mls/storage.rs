//! openmls's state in the client's own store, within the transaction of a step.
//!
//! Each value is one row, whose key is a hash over openmls's label and key.

use drawbridge_mtp::octets::Hash32;
use minicbor_serde::to_vec;
use openmls_traits::storage::{CURRENT_VERSION, StorageProvider, traits};
use serde::{Serialize, de::DeserializeOwned};

use crate::{fault::StoreFault, store::Tx};

const V: u16 = CURRENT_VERSION;

/// openmls's view of a step.
pub(crate) struct MlsStore<'a>(pub(crate) &'a Tx<'a>);

type Stored<T> = Result<T, StoreFault>;

fn bytes(value: &impl Serialize) -> Stored<Vec<u8>> {
    to_vec(value).map_err(|_| StoreFault::Unreadable("a value of MLS"))
}

fn key(label: &str, key: &impl Serialize) -> Stored<[u8; 32]> {
    Ok(Hash32::of(&[label.as_bytes(), &[0], &bytes(key)?].concat()).0)
}

impl MlsStore<'_> {
    fn put(&self, label: &str, of: &impl Serialize, value: &impl Serialize) -> Stored<()> {
        let plain = zeroize::Zeroizing::new(bytes(value)?);
        self.0.put_mls_value(&key(label, of)?, &plain)
    }

    fn take<T: DeserializeOwned>(&self, label: &str, of: &impl Serialize) -> Stored<Option<T>> {
        let Some(plain) = self.0.mls_value(&key(label, of)?)? else {
            return Ok(None);
        };
        minicbor_serde::from_slice(&plain).map(Some).map_err(|_| StoreFault::Unreadable("a value of MLS"))
    }

    fn drop(&self, label: &str, of: &impl Serialize) -> Stored<()> {
        self.0.forget_mls_value(&key(label, of)?)
    }

    /// The encoded members of a list.
    fn list(&self, label: &str, of: &impl Serialize) -> Stored<Vec<Vec<u8>>> {
        Ok(self.take(label, of)?.unwrap_or_default())
    }

    fn typed_list<T: DeserializeOwned>(&self, label: &str, of: &impl Serialize) -> Stored<Vec<T>> {
        let read = |item: &Vec<u8>| {
            minicbor_serde::from_slice(item).map_err(|_| StoreFault::Unreadable("a list of MLS"))
        };
        self.list(label, of)?.iter().map(read).collect()
    }
}

impl StorageProvider<V> for MlsStore<'_> {
    type Error = StoreFault;

    fn write_mls_join_config<G: traits::GroupId<V>, T: traits::MlsGroupJoinConfig<V>>(
        &self,
        group: &G,
        value: &T,
    ) -> Stored<()> {
        self.put("mls_join_config", group, value)
    }

    fn mls_group_join_config<G: traits::GroupId<V>, T: traits::MlsGroupJoinConfig<V>>(
        &self,
        group: &G,
    ) -> Stored<Option<T>> {
        self.take("mls_join_config", group)
    }

    fn delete_group_config<G: traits::GroupId<V>>(&self, group: &G) -> Stored<()> {
        self.drop("mls_join_config", group)
    }

    fn write_tree<G: traits::GroupId<V>, T: traits::TreeSync<V>>(&self, group: &G, value: &T) -> Stored<()> {
        self.put("tree", group, value)
    }

    fn tree<G: traits::GroupId<V>, T: traits::TreeSync<V>>(&self, group: &G) -> Stored<Option<T>> {
        self.take("tree", group)
    }

    fn delete_tree<G: traits::GroupId<V>>(&self, group: &G) -> Stored<()> {
        self.drop("tree", group)
    }

    fn write_interim_transcript_hash<G: traits::GroupId<V>, T: traits::InterimTranscriptHash<V>>(
        &self,
        group: &G,
        value: &T,
    ) -> Stored<()> {
        self.put("interim_transcript_hash", group, value)
    }

    fn interim_transcript_hash<G: traits::GroupId<V>, T: traits::InterimTranscriptHash<V>>(
        &self,
        group: &G,
    ) -> Stored<Option<T>> {
        self.take("interim_transcript_hash", group)
    }

    fn delete_interim_transcript_hash<G: traits::GroupId<V>>(&self, group: &G) -> Stored<()> {
        self.drop("interim_transcript_hash", group)
    }

    fn write_context<G: traits::GroupId<V>, T: traits::GroupContext<V>>(
        &self,
        group: &G,
        value: &T,
    ) -> Stored<()> {
        self.put("context", group, value)
    }

    fn group_context<G: traits::GroupId<V>, T: traits::GroupContext<V>>(
        &self,
        group: &G,
    ) -> Stored<Option<T>> {
        self.take("context", group)
    }

    fn delete_context<G: traits::GroupId<V>>(&self, group: &G) -> Stored<()> {
        self.drop("context", group)
    }

    fn write_confirmation_tag<G: traits::GroupId<V>, T: traits::ConfirmationTag<V>>(
        &self,
        group: &G,
        value: &T,
    ) -> Stored<()> {
        self.put("confirmation_tag", group, value)
    }

    fn confirmation_tag<G: traits::GroupId<V>, T: traits::ConfirmationTag<V>>(
        &self,
        group: &G,
    ) -> Stored<Option<T>> {
        self.take("confirmation_tag", group)
    }

    fn delete_confirmation_tag<G: traits::GroupId<V>>(&self, group: &G) -> Stored<()> {
        self.drop("confirmation_tag", group)
    }

    fn write_group_state<T: traits::GroupState<V>, G: traits::GroupId<V>>(
        &self,
        group: &G,
        value: &T,
    ) -> Stored<()> {
        self.put("group_state", group, value)
    }

    fn group_state<T: traits::GroupState<V>, G: traits::GroupId<V>>(&self, group: &G) -> Stored<Option<T>> {
        self.take("group_state", group)
    }

    fn delete_group_state<G: traits::GroupId<V>>(&self, group: &G) -> Stored<()> {
        self.drop("group_state", group)
    }

    fn write_message_secrets<G: traits::GroupId<V>, T: traits::MessageSecrets<V>>(
        &self,
        group: &G,
        value: &T,
    ) -> Stored<()> {
        self.put("message_secrets", group, value)
    }

    fn message_secrets<G: traits::GroupId<V>, T: traits::MessageSecrets<V>>(
        &self,
        group: &G,
    ) -> Stored<Option<T>> {
        self.take("message_secrets", group)
    }

    fn delete_message_secrets<G: traits::GroupId<V>>(&self, group: &G) -> Stored<()> {
        self.drop("message_secrets", group)
    }

    fn write_resumption_psk_store<G: traits::GroupId<V>, T: traits::ResumptionPskStore<V>>(
        &self,
        group: &G,
        value: &T,
    ) -> Stored<()> {
        self.put("resumption_psk_store", group, value)
    }

    fn resumption_psk_store<G: traits::GroupId<V>, T: traits::ResumptionPskStore<V>>(
        &self,
        group: &G,
    ) -> Stored<Option<T>> {
        self.take("resumption_psk_store", group)
    }

    fn delete_all_resumption_psk_secrets<G: traits::GroupId<V>>(&self, group: &G) -> Stored<()> {
        self.drop("resumption_psk_store", group)
    }

    fn write_own_leaf_index<G: traits::GroupId<V>, T: traits::LeafNodeIndex<V>>(
        &self,
        group: &G,
        value: &T,
    ) -> Stored<()> {
        self.put("own_leaf_index", group, value)
    }

    fn own_leaf_index<G: traits::GroupId<V>, T: traits::LeafNodeIndex<V>>(
        &self,
        group: &G,
    ) -> Stored<Option<T>> {
        self.take("own_leaf_index", group)
    }

    fn delete_own_leaf_index<G: traits::GroupId<V>>(&self, group: &G) -> Stored<()> {
        self.drop("own_leaf_index", group)
    }

    fn write_group_epoch_secrets<G: traits::GroupId<V>, T: traits::GroupEpochSecrets<V>>(
        &self,
        group: &G,
        value: &T,
    ) -> Stored<()> {
        self.put("group_epoch_secrets", group, value)
    }

    fn group_epoch_secrets<G: traits::GroupId<V>, T: traits::GroupEpochSecrets<V>>(
        &self,
        group: &G,
    ) -> Stored<Option<T>> {
        self.take("group_epoch_secrets", group)
    }

    fn delete_group_epoch_secrets<G: traits::GroupId<V>>(&self, group: &G) -> Stored<()> {
        self.drop("group_epoch_secrets", group)
    }

    fn write_signature_key_pair<K: traits::SignaturePublicKey<V>, T: traits::SignatureKeyPair<V>>(
        &self,
        of: &K,
        value: &T,
    ) -> Stored<()> {
        self.put("signature_key_pair", of, value)
    }

    fn signature_key_pair<K: traits::SignaturePublicKey<V>, T: traits::SignatureKeyPair<V>>(
        &self,
        of: &K,
    ) -> Stored<Option<T>> {
        self.take("signature_key_pair", of)
    }

    fn delete_signature_key_pair<K: traits::SignaturePublicKey<V>>(&self, of: &K) -> Stored<()> {
        self.drop("signature_key_pair", of)
    }

    fn write_encryption_key_pair<K: traits::EncryptionKey<V>, T: traits::HpkeKeyPair<V>>(
        &self,
        of: &K,
        value: &T,
    ) -> Stored<()> {
        self.put("encryption_key_pair", of, value)
    }

    fn encryption_key_pair<T: traits::HpkeKeyPair<V>, K: traits::EncryptionKey<V>>(
        &self,
        of: &K,
    ) -> Stored<Option<T>> {
        self.take("encryption_key_pair", of)
    }

    fn delete_encryption_key_pair<K: traits::EncryptionKey<V>>(&self, of: &K) -> Stored<()> {
        self.drop("encryption_key_pair", of)
    }

    fn write_key_package<K: traits::HashReference<V>, T: traits::KeyPackage<V>>(
        &self,
        of: &K,
        value: &T,
    ) -> Stored<()> {
        self.put("key_package", of, value)
    }

    fn key_package<K: traits::HashReference<V>, T: traits::KeyPackage<V>>(
        &self,
        of: &K,
    ) -> Stored<Option<T>> {
        self.take("key_package", of)
    }

    fn delete_key_package<K: traits::HashReference<V>>(&self, of: &K) -> Stored<()> {
        self.drop("key_package", of)
    }

    fn write_psk<K: traits::PskId<V>, T: traits::PskBundle<V>>(&self, of: &K, value: &T) -> Stored<()> {
        self.put("psk", of, value)
    }

    fn psk<T: traits::PskBundle<V>, K: traits::PskId<V>>(&self, of: &K) -> Stored<Option<T>> {
        self.take("psk", of)
    }

    fn delete_psk<K: traits::PskId<V>>(&self, of: &K) -> Stored<()> {
        self.drop("psk", of)
    }

    fn append_own_leaf_node<G: traits::GroupId<V>, T: traits::LeafNode<V>>(
        &self,
        group: &G,
        leaf: &T,
    ) -> Stored<()> {
        let mut leaves = self.list("own_leaf_nodes", group)?;
        leaves.push(bytes(leaf)?);
        self.put("own_leaf_nodes", group, &leaves)
    }

    fn own_leaf_nodes<G: traits::GroupId<V>, T: traits::LeafNode<V>>(&self, group: &G) -> Stored<Vec<T>> {
        self.typed_list("own_leaf_nodes", group)
    }

    fn delete_own_leaf_nodes<G: traits::GroupId<V>>(&self, group: &G) -> Stored<()> {
        self.drop("own_leaf_nodes", group)
    }

    fn queue_proposal<G: traits::GroupId<V>, R: traits::ProposalRef<V>, T: traits::QueuedProposal<V>>(
        &self,
        group: &G,
        reference: &R,
        proposal: &T,
    ) -> Stored<()> {
        self.put("proposal", &(group, reference), proposal)?;
        let mut references = self.list("proposals", group)?;
        let reference = bytes(reference)?;
        if !references.contains(&reference) {
            references.push(reference);
        }
        self.put("proposals", group, &references)
    }

    fn queued_proposal_refs<G: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        group: &G,
    ) -> Stored<Vec<R>> {
        self.typed_list("proposals", group)
    }

    fn queued_proposals<G: traits::GroupId<V>, R: traits::ProposalRef<V>, T: traits::QueuedProposal<V>>(
        &self,
        group: &G,
    ) -> Stored<Vec<(R, T)>> {
        let references: Vec<R> = self.typed_list("proposals", group)?;
        references
            .into_iter()
            .map(|reference| {
                let proposal = self.take("proposal", &(group, &reference))?;
                Ok((reference, proposal.ok_or(StoreFault::Unreadable("a proposal of MLS"))?))
            })
            .collect()
    }

    fn remove_proposal<G: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        group: &G,
        reference: &R,
    ) -> Stored<()> {
        let gone = bytes(reference)?;
        let mut references = self.list("proposals", group)?;
        references.retain(|known| *known != gone);
        self.put("proposals", group, &references)?;
        self.drop("proposal", &(group, reference))
    }

    fn clear_proposal_queue<G: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        group: &G,
    ) -> Stored<()> {
        for reference in self.typed_list::<R>("proposals", group)? {
            self.drop("proposal", &(group, reference))?;
        }
        self.drop("proposals", group)
    }

    fn write_encryption_epoch_key_pairs<
        G: traits::GroupId<V>,
        E: traits::EpochKey<V>,
        T: traits::HpkeKeyPair<V>,
    >(
        &self,
        group: &G,
        epoch: &E,
        leaf: u32,
        pairs: &[T],
    ) -> Stored<()> {
        self.put("epoch_key_pairs", &(group, epoch, leaf), &pairs)
    }

    fn encryption_epoch_key_pairs<
        G: traits::GroupId<V>,
        E: traits::EpochKey<V>,
        T: traits::HpkeKeyPair<V>,
    >(
        &self,
        group: &G,
        epoch: &E,
        leaf: u32,
    ) -> Stored<Vec<T>> {
        Ok(self.take("epoch_key_pairs", &(group, epoch, leaf))?.unwrap_or_default())
    }

    fn delete_encryption_epoch_key_pairs<G: traits::GroupId<V>, E: traits::EpochKey<V>>(
        &self,
        group: &G,
        epoch: &E,
        leaf: u32,
    ) -> Stored<()> {
        self.drop("epoch_key_pairs", &(group, epoch, leaf))
    }
}
