//! The grants that a commit needs, checked as the group's owner (section 8).

use std::time::Duration;

use drawbridge_mtp::grant::UnverifiedGrant;
use drawbridge_mtp::id::{GroupUri, Id, Provider, UserUri};
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_mtp::time::Timestamp;

use crate::delivery::Delivery;
use crate::peers::NoKey;
use crate::store::StoreFault;

/// A grant that holds and was not used: the user may be added.
#[derive(Clone, Debug)]
pub(in crate::delivery) struct Usable {
    pub(in crate::delivery) user: UserUri,
    pub(in crate::delivery) iss: Provider,
    pub(in crate::delivery) jti: Id,
    pub(in crate::delivery) ends: Timestamp,
    pub(in crate::delivery) jws: String,
}

/// Why a commit is not covered by its grants.
pub(in crate::delivery) enum Uncovered {
    Problem(Problem),
    /// The issuer's keys cannot be had now.
    Later(Duration),
    Store(StoreFault),
}

impl From<StoreFault> for Uncovered {
    fn from(fault: StoreFault) -> Self {
        Self::Store(fault)
    }
}

impl Delivery {
    /// Finds, among the `grants` that came with a commit, one for each of the pairs of user and adder in `needed`. They are in
    /// the order in which they came.
    pub(in crate::delivery) async fn cover_with_grants(
        &self,
        group: &GroupUri,
        needed: &[(UserUri, UserUri)],
        grants: &[String],
    ) -> Result<Vec<Usable>, Uncovered> {
        let parsed: Vec<_> = grants.iter().map(|jws| (jws, UnverifiedGrant::parse(jws))).collect();
        let mut usable = Vec::new();
        for (user, adder) in needed {
            let invalid = |text: String| Uncovered::Problem(Problem::new(Code::GrantInvalid, text));
            let found = parsed.iter().enumerate().find_map(|(place, (jws, grant))| {
                let grant = grant.as_ref().ok()?;
                (grant.unverified_claims().sub == *user).then_some((place, *jws, grant))
            });
            let Some((place, jws, grant)) = found else {
                let malformed = parsed.iter().find_map(|(_, grant)| grant.as_ref().err());
                return Err(invalid(match malformed {
                    Some(fault) => {
                        format!("no grant of {user} came with the commit, and one that came is none: {fault}")
                    }
                    None => format!("no grant of {user} came with the commit"),
                }));
            };
            let claims = grant.unverified_claims();
            if (&claims.adder, &claims.group) != (adder, group) {
                return Err(invalid(format!(
                    "the grant of {user} is for {} to add to {}, and not for {adder} to add to {group}",
                    claims.adder, claims.group
                )));
            }
            // An expired one is told as such, whether or not its issuer can still be reached.
            let key = if claims.iss == self.ground.ours {
                self.ground.keys.get(grant.kid())
            } else {
                self.refuse_blocked(&claims.iss).await?;
                match self.peers.key_of(grant.issuer(), grant.kid()).await {
                    Ok(key) => Some(key),
                    Err(NoKey::NotThere(_)) => None,
                    Err(unknown) => return Err(Uncovered::Later(unknown.retry_after())),
                }
            };
            let key = key.ok_or_else(|| {
                invalid(format!("the grant of {user} is signed with a key that is not its provider's"))
            })?;
            let held = grant
                .clone()
                .verify(&key, &self.ground.ours, self.ground.ambient.now())
                .map_err(|fault| invalid(format!("the grant of {user} does not hold: {fault}")))?;
            let claims = held.claims().clone();
            let (iss, jti) = (claims.iss.clone(), claims.jti);
            let gone = self.store.read(move |view| {
                Ok::<_, StoreFault>((view.grant_is_spent(&iss, jti)?, view.grant_is_revoked(&iss, jti)?))
            });
            match gone.await? {
                (true, _) => return Err(invalid(format!("the grant of {user} was used before; ask again"))),
                (_, true) => return Err(invalid(format!("{user} has taken the grant back"))),
                _ => {}
            }
            let usable_grant = Usable {
                user: user.clone(),
                iss: claims.iss,
                jti: claims.jti,
                ends: Timestamp::from_secs(claims.exp),
                jws: (*jws).clone(),
            };
            usable.push((place, usable_grant));
        }
        usable.sort_by_key(|(place, _)| *place);
        Ok(usable.into_iter().map(|(_, grant)| grant).collect())
    }

    /// Nobody is let in whose provider the operator has shut out.
    async fn refuse_blocked(&self, provider: &Provider) -> Result<(), Uncovered> {
        let peer = provider.clone();
        let state = self.store.read(move |view| view.peer_state(&peer)).await?;
        match state {
            PeerState::Blocked | PeerState::KeyChanged => Err(Uncovered::Problem(Problem::new(
                Code::NotAuthorized,
                format!("the operator of the group's owner does not deal with {provider}"),
            ))),
            _ => Ok(()),
        }
    }
}
