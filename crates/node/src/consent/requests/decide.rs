//! What the operator and our users decide on requests to our users, and on what was approved (sections 7 and 8).

use drawbridge_mtp::id::{GroupUri, Id, Provider};
use drawbridge_mtp::message::ConnectionState;

use super::alike::asked_alike;
use super::kind::Kind;
use super::receive::allow_owner;
use super::tell::{settle, tell_requester};
use super::terms::Terms;
use crate::consent::providers::not_asked;
use crate::misuse::Misuse;
use crate::store::{DecidedBy, RequestRow, Tx};

/// What becomes of a request, or of what it was approved as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The two users are connected; the user may be added, and the grant for it is given.
    Approve,
    /// They are not; it may not.
    Decline,
    /// The connection ends, or the grant before it was used; our own request is taken back.
    End,
    /// Set aside without an answer.
    Ignore,
    /// What was declined or set aside waits again.
    Reopen,
}

/// Finds the request that is meant by `id`.
pub(crate) fn find<K: Kind>(
    tx: &Tx<'_>,
    id: Id,
    made_by: Option<&Provider>,
) -> Result<RequestRow<K>, Misuse> {
    let mut rows = tx.requests_by_id::<K>(id)?;
    rows.retain(|row| !row.unseen);
    rows.retain(|row| made_by.is_none_or(|by| by == row.from.provider()));
    match (rows.pop(), rows.is_empty()) {
        (Some(row), true) => Ok(row),
        (Some(_), false) => Err(Misuse::Ambiguous(id)),
        (None, _) => Err(K::unknown(id)),
    }
}

/// Carries out a decision on `row`; repeating one changes nothing.
pub(crate) fn decide<K: Kind>(
    tx: &Tx<'_>,
    terms: &Terms,
    mut row: RequestRow<K>,
    decision: Decision,
    by: DecidedBy,
) -> Result<RequestRow<K>, Misuse> {
    use ConnectionState::{Approved, Declined, Ended, Expired, Pending};
    use Decision::{Approve, Decline, End, Ignore, Reopen};
    let ours = terms.ours();
    let unfit = |text: String| Err(Misuse::Unfit(text));
    match (decision, row.state) {
        (Approve, Approved) | (Decline, Declined) | (End, Ended | Expired) => {}
        (Approve | Decline | Ignore | Reopen, _) if row.outgoing => {
            return unfit(format!(
                "only {} can decide on this request; you can take it back with {}",
                row.to,
                K::WORDS.end
            ));
        }
        (Approve, Pending | Declined) => {
            if row.told {
                return unfit(format!(
                    "the {} was told that it was declined; wait for a new request",
                    K::WORDS.requester
                ));
            }
            if row.expires <= tx.now() {
                return unfit("its time is over; wait for a new request".into());
            }
            if !allow_owner(tx, terms, &row)? {
                let owner = row.about.group().map_or(ours, GroupUri::provider);
                return Err(not_asked(owner, terms.strangers));
            }
            K::approve(tx, terms, &mut row, by)?;
        }
        // What was not approved cannot end; a request of ours can.
        (Decline | End, Pending) if !row.outgoing => {
            for mut same in asked_alike(tx, &row)? {
                if same.is_open() {
                    same.told = terms.tell_declined;
                    settle(tx, ours, &mut same, Declined, by)?;
                    if same.told {
                        tell_requester(tx, ours, &same)?;
                    }
                }
            }
        }
        (End, Pending | Approved) => K::end(tx, ours, &mut row, by)?,
        (Ignore | Reopen, Pending) => {
            for mut same in asked_alike(tx, &row)? {
                same.ignored = decision == Ignore;
                tx.put_request(&same)?;
            }
        }
        (Reopen, Declined) if !row.told => {
            for mut same in asked_alike(tx, &row)? {
                if !same.told {
                    settle(tx, ours, &mut same, Pending, by)?;
                }
            }
        }
        (Decline, Approved) => return unfit(K::WORDS.approved.into()),
        (_, state) => return unfit(format!("the request is {state}, so nothing can be decided any more")),
    }
    tx.request(&row.peer, row.outgoing, row.id)?.ok_or(K::unknown(row.id))
}
