//! Checking the signatures of the grants by which others' groups have taken members in (section 10): apart from the feeds,
//! which must not wait for the keys of providers that are not peers.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::grant::UnverifiedGrant;
use futures_util::{StreamExt, stream};

use crate::delivery::Delivery;
use crate::peers::NoKey;
use crate::store::{Proof, StoreFault, Unchecked};

/// So many grants are looked at in one round, and so many at one time.
const ROUND: u32 = 64;
const SIDE_BY_SIDE: usize = 8;
/// A grant whose issuer's keys cannot be had is looked at again after this.
const LATER: Duration = Duration::from_secs(60);

impl Delivery {
    /// Checks the signatures of the grants by which others' groups have taken members in, until the node stops.
    pub(crate) async fn check_grants(self: Arc<Self>) {
        loop {
            let open = match self.store.read(|view| view.unchecked(ROUND)).await {
                Ok(open) => open,
                Err(fault) => {
                    tracing::error!(%fault, "grants of members could not be looked at");
                    Vec::new()
                }
            };
            let looked_at = open.len();
            let checking = open.into_iter().map(|member| self.check_member(member));
            let checked = stream::iter(checking)
                .buffer_unordered(SIDE_BY_SIDE)
                .fold(0, async |sum, settled| sum + usize::from(settled));
            let settled = tokio::select! {
                () = self.ground.stop.cancelled() => return,
                settled = checked => settled,
            };
            // There may be more where all of these are settled.
            if looked_at > 0 && settled == looked_at {
                continue;
            }
            tokio::select! {
                () = self.ground.stop.cancelled() => return,
                () = self.added.notified() => {}
                () = tokio::time::sleep(LATER), if looked_at > 0 => {}
            }
        }
    }

    /// Returns whether it is known now.
    async fn check_member(&self, member: Unchecked) -> bool {
        let Some(is_signed) = self.is_grant_signed(&member).await else { return false };
        let kept = self.store.write(move |tx| {
            let Some(group) = tx.group(&member.group)? else { return Ok::<_, StoreFault>(()) };
            let rows = tx.members(group.id)?;
            // Somebody else may have the leaf by now.
            let grant = Some(&member.grant);
            let Some(row) = rows.into_iter().find(|row| {
                (row.member.leaf, row.proof, row.member.grant.as_ref())
                    == (member.leaf, Some(Proof::Open), grant)
            }) else {
                return Ok(());
            };
            let proof = if is_signed { Proof::Proved } else { Proof::Unproved };
            tx.set_proof(&group, member.leaf, Some(&member.grant), proof)?;
            if !is_signed {
                tx.note_unproved(&group.uri, &row.member.user, &row.member.added_by)?;
            }
            Ok(())
        });
        kept.await.is_ok()
    }

    /// Whether a grant is its issuer's; none where that cannot be told now.
    async fn is_grant_signed(&self, member: &Unchecked) -> Option<bool> {
        let owner = member.group.provider();
        let Ok(grant) = UnverifiedGrant::parse(&member.grant) else { return Some(false) };
        let key = if *grant.issuer() == self.ground.ours {
            match self.ground.keys.get(grant.kid()) {
                Some(key) => key,
                None => return Some(false),
            }
        } else {
            match self.peers.key_of(grant.issuer(), grant.kid()).await {
                Ok(key) => key,
                // A key stays in its document for as long as what it has signed holds.
                Err(NoKey::NotThere(_)) => {
                    let has_ended = self.ground.ambient.now().as_secs() >= grant.unverified_claims().exp;
                    return (!has_ended).then_some(false);
                }
                Err(NoKey::NoDocument(_) | NoKey::Unkept { .. }) => return None,
            }
        };
        Some(grant.verify(&key, owner, member.added).is_ok())
    }
}
