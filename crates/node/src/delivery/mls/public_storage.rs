//! Where openmls puts a group's public state. The log is what counts, so it is kept only now and then.

use std::cell::RefCell;

use drawbridge_mtp::octets::Octets;
use openmls_traits::public_storage::PublicStorageProvider;
use openmls_traits::storage::{CURRENT_VERSION, traits};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A place for one group's public state: kept in memory until it is taken as bytes, or not kept at all.
#[derive(Debug, Default)]
pub(in crate::delivery) struct PublicStorage {
    keeps: bool,
    kept: RefCell<Kept>,
}

/// The parts of a public state, each as CBOR of what openmls gives. Proposals are not among them: they are read
/// from the log again.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    tree: Octets,
    transcript_hash: Octets,
    context: Octets,
    confirmation_tag: Octets,
}

/// What was put here cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("a group's public state cannot be kept or read: {0}")]
pub(in crate::delivery) struct PublicStorageFault(String);

impl PublicStorage {
    /// Keeps nothing: for what the log brings back.
    pub(in crate::delivery) fn none() -> Self {
        Self::default()
    }

    /// Keeps the state.
    pub(in crate::delivery) fn empty() -> Self {
        Self { keeps: true, kept: RefCell::default() }
    }

    /// Holds what [`PublicStorage::into_bytes`] gave.
    pub(in crate::delivery) fn from_bytes(bytes: &[u8]) -> Result<Self, PublicStorageFault> {
        Ok(Self { keeps: true, kept: RefCell::new(read(bytes)?) })
    }

    /// The state as bytes.
    pub(in crate::delivery) fn into_bytes(self) -> Result<Vec<u8>, PublicStorageFault> {
        write(&self.kept.into_inner())
    }

    fn put(
        &self,
        value: &impl Serialize,
        place: impl FnOnce(&mut Kept) -> &mut Octets,
    ) -> Result<(), PublicStorageFault> {
        if self.keeps {
            let bytes = write(value)?;
            *place(&mut self.kept.borrow_mut()) = Octets(bytes);
        }
        Ok(())
    }

    fn get<T: DeserializeOwned>(
        &self,
        place: impl FnOnce(&Kept) -> &Octets,
    ) -> Result<Option<T>, PublicStorageFault> {
        let kept = self.kept.borrow();
        let bytes = place(&kept).as_slice();
        if bytes.is_empty() { Ok(None) } else { read(bytes).map(Some) }
    }
}

fn write(value: &impl Serialize) -> Result<Vec<u8>, PublicStorageFault> {
    minicbor_serde::to_vec(value).map_err(|fault| PublicStorageFault(fault.to_string()))
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, PublicStorageFault> {
    minicbor_serde::from_slice(bytes).map_err(|fault| PublicStorageFault(fault.to_string()))
}

impl PublicStorageProvider<CURRENT_VERSION> for PublicStorage {
    type PublicError = PublicStorageFault;

    fn write_tree<G: traits::GroupId<CURRENT_VERSION>, T: traits::TreeSync<CURRENT_VERSION>>(
        &self,
        _: &G,
        tree: &T,
    ) -> Result<(), PublicStorageFault> {
        self.put(tree, |kept| &mut kept.tree)
    }

    fn write_interim_transcript_hash<
        G: traits::GroupId<CURRENT_VERSION>,
        H: traits::InterimTranscriptHash<CURRENT_VERSION>,
    >(
        &self,
        _: &G,
        hash: &H,
    ) -> Result<(), PublicStorageFault> {
        self.put(hash, |kept| &mut kept.transcript_hash)
    }

    fn write_context<G: traits::GroupId<CURRENT_VERSION>, C: traits::GroupContext<CURRENT_VERSION>>(
        &self,
        _: &G,
        context: &C,
    ) -> Result<(), PublicStorageFault> {
        self.put(context, |kept| &mut kept.context)
    }

    fn write_confirmation_tag<
        G: traits::GroupId<CURRENT_VERSION>,
        T: traits::ConfirmationTag<CURRENT_VERSION>,
    >(
        &self,
        _: &G,
        tag: &T,
    ) -> Result<(), PublicStorageFault> {
        self.put(tag, |kept| &mut kept.confirmation_tag)
    }

    fn queue_proposal<
        G: traits::GroupId<CURRENT_VERSION>,
        R: traits::ProposalRef<CURRENT_VERSION>,
        P: traits::QueuedProposal<CURRENT_VERSION>,
    >(
        &self,
        _: &G,
        _: &R,
        _: &P,
    ) -> Result<(), PublicStorageFault> {
        Ok(())
    }

    fn queued_proposals<
        G: traits::GroupId<CURRENT_VERSION>,
        R: traits::ProposalRef<CURRENT_VERSION>,
        P: traits::QueuedProposal<CURRENT_VERSION>,
    >(
        &self,
        _: &G,
    ) -> Result<Vec<(R, P)>, PublicStorageFault> {
        Ok(Vec::new())
    }

    fn tree<G: traits::GroupId<CURRENT_VERSION>, T: traits::TreeSync<CURRENT_VERSION>>(
        &self,
        _: &G,
    ) -> Result<Option<T>, PublicStorageFault> {
        self.get(|kept| &kept.tree)
    }

    fn group_context<G: traits::GroupId<CURRENT_VERSION>, C: traits::GroupContext<CURRENT_VERSION>>(
        &self,
        _: &G,
    ) -> Result<Option<C>, PublicStorageFault> {
        self.get(|kept| &kept.context)
    }

    fn interim_transcript_hash<
        G: traits::GroupId<CURRENT_VERSION>,
        H: traits::InterimTranscriptHash<CURRENT_VERSION>,
    >(
        &self,
        _: &G,
    ) -> Result<Option<H>, PublicStorageFault> {
        self.get(|kept| &kept.transcript_hash)
    }

    fn confirmation_tag<G: traits::GroupId<CURRENT_VERSION>, T: traits::ConfirmationTag<CURRENT_VERSION>>(
        &self,
        _: &G,
    ) -> Result<Option<T>, PublicStorageFault> {
        self.get(|kept| &kept.confirmation_tag)
    }

    fn delete_tree<G: traits::GroupId<CURRENT_VERSION>>(&self, _: &G) -> Result<(), PublicStorageFault> {
        Ok(())
    }

    fn delete_confirmation_tag<G: traits::GroupId<CURRENT_VERSION>>(
        &self,
        _: &G,
    ) -> Result<(), PublicStorageFault> {
        Ok(())
    }

    fn delete_context<G: traits::GroupId<CURRENT_VERSION>>(&self, _: &G) -> Result<(), PublicStorageFault> {
        Ok(())
    }

    fn delete_interim_transcript_hash<G: traits::GroupId<CURRENT_VERSION>>(
        &self,
        _: &G,
    ) -> Result<(), PublicStorageFault> {
        Ok(())
    }

    fn remove_proposal<G: traits::GroupId<CURRENT_VERSION>, R: traits::ProposalRef<CURRENT_VERSION>>(
        &self,
        _: &G,
        _: &R,
    ) -> Result<(), PublicStorageFault> {
        Ok(())
    }

    fn clear_proposal_queue<G: traits::GroupId<CURRENT_VERSION>, R: traits::ProposalRef<CURRENT_VERSION>>(
        &self,
        _: &G,
    ) -> Result<(), PublicStorageFault> {
        Ok(())
    }
}
