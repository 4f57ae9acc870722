//! Grants: what proves that a user may be added to a group (section 8).

use drawbridge_mtp::grant::{GrantClaims, MAX_LIFETIME_S, UnverifiedGrant};
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::signature::Signer;
use drawbridge_mtp::time::{MAX_AHEAD, Timestamp};

use super::state::Consent;
use crate::peers::NoKey;
use crate::store::{AuthorizationRow, KeptGrant};

/// The grant for `row`, a request to one of our users: from `now` until it was asked for, at most thirty days.
pub(super) fn issue(signer: &Signer, row: &AuthorizationRow, now: Timestamp) -> KeptGrant {
    let iat = now.as_secs();
    let claims = GrantClaims {
        iss: signer.provider().clone(),
        aud: row.about.group.provider().clone(),
        sub: row.to.clone(),
        adder: row.from.clone(),
        group: row.about.group.clone(),
        jti: row.id,
        iat,
        exp: row.expires.as_secs().min(iat.saturating_add(MAX_LIFETIME_S)),
    };
    KeptGrant { jws: claims.sign(signer.key()), ends: Timestamp::from_secs(claims.exp) }
}

/// The grant in an answer of the user's provider, if it is for what `row` asked; see [`Consent::is_signed`] for its signature.
pub(super) fn read(row: &AuthorizationRow, jws: &str) -> Result<KeptGrant, String> {
    let grant = UnverifiedGrant::parse(jws).map_err(|fault| fault.to_string())?;
    let claims = grant.unverified_claims();
    let group = &row.about.group;
    let asked = (&row.peer, group.provider(), &row.to, &row.from, group, row.id);
    if (&claims.iss, &claims.aud, &claims.sub, &claims.adder, &claims.group, claims.jti) != asked {
        return Err("it is about another addition".into());
    }
    if claims.exp > row.expires.as_secs() || claims.exp.abs_diff(claims.iat) > MAX_LIFETIME_S {
        return Err("it lives longer than it may".into());
    }
    Ok(KeptGrant { jws: jws.to_owned(), ends: Timestamp::from_secs(claims.exp) })
}

/// Whether the signature of a grant counts at `now`, where `is_known` says of a key whether it is its issuer's: it was not dated by
/// a clock that was ahead.
pub(super) fn counts(kept: &KeptGrant, now: Timestamp, is_known: impl Fn(&Thumbprint) -> bool) -> bool {
    UnverifiedGrant::parse(&kept.jws).is_ok_and(|grant| {
        is_known(grant.kid()) && grant.unverified_claims().iat <= now.plus(MAX_AHEAD).as_secs()
    })
}

/// Whether `jws`, which its issuer has signed, is for the same as `kept` and signed anew.
pub(super) fn is_renewed(kept: &KeptGrant, jws: &str) -> bool {
    let signed = |jws: &str| {
        let grant = UnverifiedGrant::parse(jws).ok()?;
        Some((*grant.kid(), grant.unverified_claims().iat))
    };
    signed(&kept.jws) != signed(jws)
}

impl Consent {
    /// Whether a grant that `peer` has given is signed by it and lives. Where its keys cannot be had now, that is left to the
    /// group's owner, who checks it anyway.
    pub(crate) async fn is_signed(&self, peer: &Provider, jws: &str) -> bool {
        let Ok(grant) = UnverifiedGrant::parse(jws) else { return false };
        match self.peers.key_of(peer, grant.kid()).await {
            Ok(key) => {
                let aud = grant.unverified_claims().aud.clone();
                grant.verify(&key, &aud, self.ground.ambient.now()).is_ok()
            }
            Err(fault) => !matches!(fault, NoKey::NotThere(_)),
        }
    }
}
