//! What the owner of a group has signed of its log (section 10).

use drawbridge_mtp::checkpoint::{CheckpointClaims, UnverifiedCheckpoint};
use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::keys::{PublicKey, Thumbprint};
use drawbridge_mtp::message::CheckpointReply;
use drawbridge_mtp::time::MAX_AHEAD;

use crate::delivery::Delivery;
use crate::identity::provider_document;
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::{Ask, NoKey};
use crate::store::KeptCheckpoint;

/// A checkpoint that the owner of a group has signed.
#[derive(Clone, Debug)]
pub(crate) struct SignedCheckpoint {
    /// What it says.
    pub(crate) claims: CheckpointClaims,
    /// The key of the owner's that has signed it.
    pub(crate) kid: Thumbprint,
    /// As it is kept, with the document in which that key stands.
    pub(crate) kept: KeptCheckpoint,
}

impl Delivery {
    /// Asks the owner of `group` for what it says now that its log is.
    ///
    /// # Errors
    ///
    /// What it has answered, or has not, or what is wrong with it.
    pub(crate) async fn checkpoint_of_owner(&self, group: &GroupUri) -> Result<SignedCheckpoint, PeerFault> {
        let resource = format!("/groups/{}/checkpoint", group.name());
        let answer = self.peers.call(group.provider(), Ask::get(resource)).await?;
        let reply: CheckpointReply = answer.message().map_err(|fault| {
            PeerFault::new(Stage::Content, "malformed", format!("its checkpoint: {fault}"))
        })?;
        self.verify_checkpoint(group, reply.checkpoint).await
    }

    /// What a checkpoint says, where the owner of `group` has signed it for that group and it is of now.
    pub(in crate::delivery) async fn verify_checkpoint(
        &self,
        group: &GroupUri,
        jws: String,
    ) -> Result<SignedCheckpoint, PeerFault> {
        let signed = self.read_checkpoint(group, jws).await?;
        if signed.claims.exp <= self.ground.ambient.now().as_secs() {
            return Err(wrong(format!("its checkpoint of {group} has ended")));
        }
        Ok(signed)
    }

    /// What a checkpoint says, where the owner of `group` has signed it for that group. It may have ended: what was said stays
    /// said.
    pub(crate) async fn read_checkpoint(
        &self,
        group: &GroupUri,
        jws: String,
    ) -> Result<SignedCheckpoint, PeerFault> {
        let unverified =
            UnverifiedCheckpoint::parse(&jws).map_err(|fault| wrong(format!("its checkpoint: {fault}")))?;
        let owner = group.provider();
        if unverified.issuer() != owner {
            return Err(wrong(format!("its checkpoint of {group} is of {}", unverified.issuer())));
        }
        let kid = *unverified.kid();
        let (key, document) = self.key_of_owner(group, &kid).await?;
        let now = self.ground.ambient.now().as_secs();
        let claims = unverified
            .verify(&key)
            .filter(|claims| claims.group == *group && claims.iat <= now + MAX_AHEAD.as_secs())
            .ok_or_else(|| {
                wrong(format!(
                    "its checkpoint of {group} does not verify, is of another group or of a later time"
                ))
            })?;
        let kept = KeptCheckpoint { seq: claims.seq, hash: claims.hash, jws, document };
        Ok(SignedCheckpoint { claims, kid, kept })
    }

    /// The key of that thumbprint of the owner of `group`, and its document in which that stands.
    async fn key_of_owner(
        &self,
        group: &GroupUri,
        kid: &Thumbprint,
    ) -> Result<(PublicKey, Option<String>), PeerFault> {
        let owner = group.provider();
        let unknown = || {
            let text = format!("the key of {owner}'s checkpoint is not known");
            PeerFault::new(Stage::Signature, "key-unknown", text)
        };
        let (key, document) = if *owner == self.ground.ours {
            let key = self.ground.keys.get(kid).ok_or_else(unknown)?;
            // One that has left the document is put beside those that are in it: it is what the checkpoint is signed with.
            let keys = self.ground.keys.published().into_iter().chain([key.clone()]);
            let document = provider_document(owner, &self.ground.endpoint, keys);
            (key, Some(document.to_json()))
        } else {
            let key = self.peers.key_of(owner, kid).await.map_err(|fault| match fault {
                NoKey::Unkept { problem, .. } => PeerFault::new(Stage::Store, "own-store", problem.detail),
                NoKey::NotThere(_) | NoKey::NoDocument(_) => unknown(),
            })?;
            let document = self.peers.documents.remembered(owner);
            (key, document.filter(|document| document.keys.get(kid).is_some()).map(|it| it.to_json()))
        };
        Ok((key, document.and_then(|json| String::from_utf8(json).ok())))
    }
}

fn wrong(text: String) -> PeerFault {
    PeerFault::new(Stage::Content, "checkpoint-wrong", text)
}
