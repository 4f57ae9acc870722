//! What the owner of a group has signed of its log (section 10).

use drawbridge_mtp::checkpoint::{CheckpointClaims, UnverifiedCheckpoint};
use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::time::MAX_AHEAD;

use crate::delivery::Delivery;
use crate::peer_fault::{PeerFault, Stage};

impl Delivery {
    /// What a checkpoint says, where the owner of `group` has signed it for that group and it is of now.
    pub(in crate::delivery) async fn verify_checkpoint(
        &self,
        group: &GroupUri,
        jws: &str,
    ) -> Result<CheckpointClaims, PeerFault> {
        let wrong = |text: String| PeerFault::new(Stage::Content, "checkpoint-wrong", text);
        let unverified =
            UnverifiedCheckpoint::parse(jws).map_err(|fault| wrong(format!("its checkpoint: {fault}")))?;
        let owner = group.provider();
        if unverified.issuer() != owner {
            return Err(wrong(format!("its checkpoint of {group} is of {}", unverified.issuer())));
        }
        let key = self.peers.key_of(owner, unverified.kid()).await.map_err(|_| {
            PeerFault::new(
                Stage::Signature,
                "key-unknown",
                format!("the key of {owner}'s checkpoint is not known"),
            )
        })?;
        let now = self.ground.ambient.now().as_secs();
        unverified
            .verify(&key)
            .filter(|claims| {
                claims.group == *group && claims.exp > now && claims.iat <= now + MAX_AHEAD.as_secs()
            })
            .ok_or_else(|| {
                wrong(format!("its checkpoint of {group} does not verify, is of another group or has ended"))
            })
    }
}
