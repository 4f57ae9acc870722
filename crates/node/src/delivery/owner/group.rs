//! Which of our groups another provider means, where it may.

use drawbridge_mtp::id::{GroupUri, Name, Provider};

use crate::delivery::Delivery;
use crate::delivery::answers::{absent, visible};
use crate::refusal::Refusal;
use crate::store::{GroupRow, Reader, StoreFault, View};

impl Delivery {
    /// The group of ours that is `name`, where `peer` has a member in it.
    pub(crate) async fn own_group(&self, peer: &Provider, name: &str) -> Result<GroupRow, Refusal> {
        self.read_own_group(peer, name, |_, row| Ok(row.clone())).await
    }

    /// What `read` reads of the group of ours that is `name`, where `peer` has a member in it: all in one transaction, since a
    /// commit between two would give the members of one epoch under the number of another.
    pub(crate) async fn read_own_group<T: Send + 'static>(
        &self,
        peer: &Provider,
        name: &str,
        read: impl FnOnce(&View<'_>, &GroupRow) -> Result<T, StoreFault> + Send + 'static,
    ) -> Result<T, Refusal> {
        let (ours, reader) = (self.ground.ours.clone(), Reader::Peer(peer.clone()));
        let name: Name = name.parse().map_err(|_| absent())?;
        self.recover_for(&GroupUri::new(&ours, &name), &reader).await?;
        let found = self.store.read(move |view| {
            let row = visible(view, &ours, &name, Some(&ours), &reader)?;
            if *row.owner() == ours { Ok::<_, Refusal>(read(view, &row)?) } else { Err(absent()) }
        });
        found.await
    }
}
