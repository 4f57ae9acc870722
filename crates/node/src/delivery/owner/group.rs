//! Which of our groups another provider means, where it may.

use drawbridge_mtp::id::{GroupUri, Name, Provider};

use crate::delivery::Delivery;
use crate::delivery::answers::{absent, visible};
use crate::refusal::Refusal;
use crate::store::{GroupRow, Reader};

impl Delivery {
    /// The group of ours that is `name`, where `peer` has a member in it.
    pub(crate) async fn own_group(&self, peer: &Provider, name: &str) -> Result<GroupRow, Refusal> {
        let (ours, reader) = (&self.ground.ours, Reader::Peer(peer.clone()));
        let name: Name = name.parse().map_err(|_| absent())?;
        self.recover_for(&GroupUri::new(ours, &name), &reader).await?;
        let row = self.store.glance(|view| visible(view, ours, &name, Some(ours), &reader))?;
        if row.owner() == ours { Ok(row) } else { Err(absent()) }
    }
}
