//! Which of our groups another provider means, where it may.

use drawbridge_mtp::id::{GroupUri, Name, Provider};

use super::answers::{absent, visible};
use super::recover::recover_for;
use crate::core::Core;
use crate::refusal::Refusal;
use crate::store::{GroupRow, Reader};

/// The group of ours that is `name`, where `peer` has a member in it.
pub(crate) async fn own_group(core: &Core, peer: &Provider, name: &str) -> Result<GroupRow, Refusal> {
    let (ours, reader) = (&core.ours, Reader::Peer(peer.clone()));
    let name: Name = name.parse().map_err(|_| absent())?;
    recover_for(core, &GroupUri::new(ours, &name), &reader).await?;
    let row = core.store.glance(|view| visible(view, ours, &name, Some(ours), &reader))?;
    if row.owner() == ours { Ok(row) } else { Err(absent()) }
}
