//! What our users have agreed to is signed anew where its signature does not count: its key was revoked, or a clock that was ahead
//! has dated it. They are not asked again for that; who may add them is given the new grant.

use super::tell::tell_requester;
use super::terms::Terms;
use crate::consent::grants;
use crate::identity::KeyRing;
use crate::store::{StoreFault, Tx};

/// Signs anew the unused grants of ours that do not count by `ring` and the time now.
pub(crate) fn renew(tx: &Tx<'_>, terms: &Terms, ring: &KeyRing) -> Result<(), StoreFault> {
    let now = tx.now();
    for mut row in tx.grants_given()? {
        let Some(kept) = row.unused_grant(now) else { continue };
        if grants::counts(kept, now, |kid| ring.get(kid).is_some()) {
            continue;
        }
        row.about.grant = Some(grants::issue(&terms.signer, &row, now));
        tx.put_request(&row)?;
        tell_requester(tx, terms.ours(), &row)?;
    }
    Ok(())
}
