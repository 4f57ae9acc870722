//! Our signing keys: which there are, how one is changed, and how a leaked one is revoked.

use drawbridge_mtp::grant::UnverifiedGrant;
use drawbridge_mtp::id::{GroupUri, Id, Provider, UserUri};
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::time::Timestamp;

use super::Operator;
use crate::ambient::AmbientExt;
use crate::ground::changes::Change;
use crate::identity::{NotRevoked, OwnKey, Standing, Step};
use crate::misuse::Misuse;

/// Our signing keys, and what comes next with them.
#[derive(Clone, Debug)]
pub struct OwnKeys {
    /// What will sign, what signs, and what has signed, the latest first.
    pub keys: Vec<OwnKey>,
    /// Days that a key signs before a new one follows it; with 0 it is changed on command alone.
    pub rotate_days: u32,
    /// The step that comes next, and when.
    pub next: Option<(Timestamp, Step)>,
    /// Why that is not taken though it is due, in one sentence.
    pub waits: Option<String>,
}

/// What was signed with one of our keys, as far as it is known here: what somebody else has signed with it is not.
#[derive(Clone, Debug)]
pub struct SignedWith {
    /// The key, with since when and until when it signed.
    pub key: OwnKey,
    /// The grants.
    pub grants: Vec<SignedGrant>,
    /// Our groups of whose log others may hold checkpoints that were signed with it.
    pub groups: Vec<SignedGroup>,
    /// The peers that stop at the new key until their operators have accepted it, where it is revoked now.
    pub stops: Vec<Provider>,
}

/// A grant that one of our keys has signed.
#[derive(Clone, Debug)]
pub struct SignedGrant {
    /// Its id, which is that of the authorization.
    pub id: Id,
    /// Who may be added.
    pub user: UserUri,
    /// By whom.
    pub adder: UserUri,
    /// To which group.
    pub group: GroupUri,
    /// When it was signed.
    pub signed: Timestamp,
    /// When it ends.
    pub ends: Timestamp,
    /// Whether the user was added under it.
    pub used: bool,
}

/// A group of ours with checkpoints that one of our keys has signed.
#[derive(Clone, Debug)]
pub struct SignedGroup {
    /// Which.
    pub group: GroupUri,
    /// The other providers in it.
    pub participants: Vec<Provider>,
}

impl Operator {
    /// Our keys, and what comes next with them.
    pub fn own_keys(&self) -> OwnKeys {
        let (ring, settings) = (self.ground.keys.ring(), &self.ground.config.keys);
        let next = ring.next_step(settings.rotate_every());
        let is_due = next.is_some_and(|(at, _)| at <= self.ground.ambient.now());
        let waits = (is_due && !self.peers.is_clock_borne_out()).then(|| {
            "It waits until other providers bear out this computer's clock: by a wrong one, a key would be changed too early.".to_owned()
        });
        OwnKeys { keys: ring.all(), rotate_days: settings.rotate_days, next, waits }
    }

    /// Begins to change our signing key: a new one comes into the document now, and signs a day later.
    pub fn rotate_key(&self) -> Result<(), Misuse> {
        self.ground.signer()?;
        let (now, seed) = (self.ground.ambient.now(), self.ground.ambient.random());
        self.ground.keys.change(|ring| {
            if ring.is_changing() {
                let text = "the key is being changed already: the command keys says when the new one signs";
                return Err(Misuse::Unfit(text.into()));
            }
            ring.take(Step::Publish, now, seed);
            Ok(())
        })?;
        tracing::info!("the operator has the signing key changed");
        self.ground.changes.announce(Change::Settings);
        Ok(())
    }

    /// What was signed with our key `kid`, and who would stop where it is revoked.
    pub async fn signed_with(&self, kid: Thumbprint) -> Result<SignedWith, Misuse> {
        let ring = self.ground.keys.ring();
        let key = ring.all().into_iter().find(|key| key.kid == kid);
        let key = key.ok_or(NotRevoked::Unknown(kid))?;
        // Where a new one has been in the document for a while, others have accepted it beside the one that signs.
        let is_new_unknown =
            key.standing == Standing::Signs && !ring.is_next_known(self.ground.ambient.now());
        let ours = self.ground.ours.clone();
        let read = self.store.read(move |view| {
            let given = view.grants_given()?.into_iter().filter_map(|row| {
                let grant = row.about.grant?;
                let parsed = UnverifiedGrant::parse(&grant.jws).ok().filter(|it| *it.kid() == kid)?;
                Some(SignedGrant {
                    id: row.id,
                    user: row.to,
                    adder: row.from,
                    group: row.about.group,
                    signed: Timestamp::from_secs(parsed.unverified_claims().iat),
                    ends: grant.ends,
                    used: row.about.used,
                })
            });
            let grants = given.collect();
            let mut groups = Vec::new();
            let has_signed = key.standing != Standing::Next;
            for group in view.groups_of_owner(&ours)?.into_iter().filter(|_| has_signed) {
                let Some(row) = view.group(&group)? else { continue };
                let participants: Vec<_> =
                    view.providers_in(row.id)?.into_iter().filter(|provider| *provider != ours).collect();
                if !participants.is_empty() {
                    groups.push(SignedGroup { group, participants });
                }
            }
            let allowed = if is_new_unknown { view.peers_in(PeerState::Allowed)? } else { Vec::new() };
            let stops = allowed.into_iter().map(|peer| peer.provider).collect();
            Ok::<_, Misuse>(SignedWith { key, grants, groups, stops })
        });
        read.await
    }

    /// Revokes our key `kid`, which others may have: it leaves the document at once, and another signs at once where it is the one
    /// that signs. Returns what was signed with it.
    pub async fn revoke_key(&self, kid: Thumbprint) -> Result<SignedWith, Misuse> {
        self.ground.signer()?;
        let signed = self.signed_with(kid).await?;
        let (now, seed) = (self.ground.ambient.now(), self.ground.ambient.random());
        self.ground.keys.change(|ring| ring.revoke(&kid, now, seed).map_err(Misuse::from))?;
        tracing::warn!(%kid, signing = %self.ground.keys.signing(), "the operator has revoked a signing key");
        self.ground.changes.announce(Change::Settings);
        Ok(signed)
    }
}
