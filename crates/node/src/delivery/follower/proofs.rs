//! What a participant makes of the grants in an owner's commits: each user whom a commit adds, other than the adder, is held
//! against them (section 10). One without a valid grant stays, since MLS has added it, and the operator is told.

use std::collections::BTreeSet;

use drawbridge_mtp::grant::UnverifiedGrant;
use drawbridge_mtp::id::UserUri;
use drawbridge_mtp::message::Event;

use crate::store::{GroupRow, Proof, StoreFault, Tx};

/// Holds the members of another's group that `event`, a commit, has added against its grants. Their signatures are checked
/// afterwards (`proof_check.rs`), since keys may have to be fetched.
pub(in crate::delivery) fn hold(tx: &Tx<'_>, group: &GroupRow, event: &Event) -> Result<(), StoreFault> {
    for row in tx.members(group.id)? {
        let member = row.member;
        if member.since_epoch != event.epoch + 1 || member.user == member.added_by || row.proof.is_some() {
            continue;
        }
        match covering(event, &member.user, &member.added_by) {
            Some(grant) => tx.set_proof(group, member.leaf, Some(grant), Proof::Open)?,
            None => {
                tx.set_proof(group, member.leaf, None, Proof::Unproved)?;
                tx.note_unproved(&group.uri, &member.user, &member.added_by)?;
            }
        }
    }
    Ok(())
}

/// Holds all members of a group that has just become known against what there is of its log.
pub(in crate::delivery) fn hold_known(tx: &Tx<'_>, group: &GroupRow) -> Result<(), StoreFault> {
    let epochs: BTreeSet<u64> = tx
        .members(group.id)?
        .into_iter()
        .filter(|row| row.proof.is_none() && row.member.user != row.member.added_by)
        .filter_map(|row| row.member.since_epoch.checked_sub(1))
        .collect();
    for epoch in epochs {
        if let Some(commit) = tx.commit_ending(group, epoch)? {
            hold(tx, group, &commit)?;
        }
    }
    Ok(())
}

/// The grant of a commit that says that `adder` may add `user`, and did hold when the commit was accepted, as far as can be
/// seen without its issuer's key.
fn covering<'a>(event: &'a Event, user: &UserUri, adder: &UserUri) -> Option<&'a str> {
    let covers = |jws: &&String| {
        UnverifiedGrant::parse(jws).is_ok_and(|grant| {
            let claims = grant.unverified_claims();
            (&claims.sub, &claims.adder, &claims.group) == (user, adder, &event.group)
                && claims.check(event.group.provider(), event.time).is_ok()
        })
    };
    event.grants.iter().find(covers).map(String::as_str)
}
