//! Requests that other providers send us (sections 7 and 8).

use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::message::{ConnectionState, PeerState};
use drawbridge_mtp::problem::{Code, Problem};

use super::alike::asked_alike;
use super::kind::{Kind, Said, Verdict};
use super::tell::tell_clients;
use super::terms::{HELD, Terms};
use crate::consent::providers::allow_asked;
use crate::ground::config::{LimitsConfig, Strangers};
use crate::refusal::Refusal;
use crate::store::{RequestRow, StoreFault, Tx};

/// A request that `peer` posts, checked to be from a user of it to one of ours. Returns what who asked may know.
pub(crate) fn receive<K: Kind>(
    tx: &Tx<'_>,
    terms: &Terms,
    peer: &Provider,
    ask: K::Ask,
    keys: &[Thumbprint],
    limits: &LimitsConfig,
) -> Result<Said, Refusal> {
    let now = tx.now();
    let mut row = K::received(terms.ours(), ask, now)
        .map_err(|fault| Problem::new(Code::Malformed, format!("the content is malformed: {fault}")))?;
    let said = |state| Ok(Said::state(state));
    let lapsed = row.expires <= now;
    if tx.peer_state(peer)? == PeerState::Unknown && terms.strangers == Strangers::Listed {
        return said(if lapsed { ConnectionState::Expired } else { ConnectionState::Pending });
    }
    if tx.is_withdrawn(peer, row.id)? {
        return said(ConnectionState::Ended);
    }
    for known in tx.requests_by_id::<K>(row.id)?.into_iter().filter(|known| !known.outgoing) {
        if known.peer == *peer && K::ask(&known) == K::ask(&row) {
            return Ok(Said::to_requester(&known, now));
        }
        if known.peer == *peer || K::NAMES_GRANT {
            let text = "this id was used for another request; make a new id for a new request";
            return Err(Problem::new(Code::Conflict, text).into());
        }
    }
    if lapsed {
        return said(ConnectionState::Expired);
    }
    let may_approve = K::admit(tx, terms, &row, keys, limits)?;
    file(tx, terms, &mut row, may_approve)?;
    Ok(Said::to_requester(&row, now))
}

/// Takes in a request that is new, to a user of ours, and decides on it as far as nobody has to be asked.
pub(super) fn file<K: Kind>(
    tx: &Tx<'_>,
    terms: &Terms,
    row: &mut RequestRow<K>,
    may_approve: bool,
) -> Result<(), StoreFault> {
    let is_shown = asked_alike(tx, row)?.iter().any(|other| other.is_open() && !other.ignored);
    let verdict = K::verdict(tx, row, may_approve)?;
    row.unseen = verdict == Verdict::Unseen;
    tx.put_request(row)?;
    match verdict {
        Verdict::Allow(by) if allow_owner(tx, terms, row)? => return K::approve(tx, terms, row, by),
        // A rule does not bring us to ask a provider that the operator does not want asked.
        Verdict::Ask | Verdict::Allow(_) if !is_shown && !asks_without_end(tx, terms, row)? => {
            tx.announce_waiting(row);
        }
        _ => {}
    }
    tell_clients(tx, terms.ours(), row)
}

/// Whether the provider of `row`, which is not let in, has made more requests lately than may wait at one time: it asks and takes
/// back without end, and each of them would be news.
fn asks_without_end<K: Kind>(tx: &Tx<'_>, terms: &Terms, row: &RequestRow<K>) -> Result<bool, StoreFault> {
    if row.peer == *terms.ours() || tx.peer_state(&row.peer)? == PeerState::Allowed {
        return Ok(false);
    }
    Ok(tx.count_kept::<K>(&row.peer)? > u64::from(HELD))
}

/// To approve an addition is to ask the group's owner, which makes it allowed here. Returns whether it may be asked.
pub(super) fn allow_owner<K: Kind>(
    tx: &Tx<'_>,
    terms: &Terms,
    row: &RequestRow<K>,
) -> Result<bool, StoreFault> {
    match row.about.group().map(GroupUri::provider) {
        Some(owner) if owner != terms.ours() => allow_asked(tx, owner, terms.strangers),
        _ => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use drawbridge_mtp::id::Id;
    use drawbridge_mtp::keys::SecretKey;
    use drawbridge_mtp::message::ConnectionRequest;
    use drawbridge_mtp::signature::Signer;

    use super::super::connection::FOR_ONE_PAIR;
    use super::super::withdraw::take_back;
    use super::*;
    use crate::ambient::System;
    use crate::ground::changes::Changes;
    use crate::store::{Connection, PeerRow, Store, UserRule};

    const OURS: &str = "a.example";
    const PEER: &str = "b.example";

    fn ask(tx: &Tx<'_>, from: usize) -> ConnectionRequest {
        ConnectionRequest {
            id: tx.new_id(),
            from: format!("mimi://{PEER}/u/bob{from}").parse().unwrap(),
            to: format!("mimi://{OURS}/u/alice").parse().unwrap(),
            created: tx.now(),
            expires: tx.now().plus(Duration::from_secs(3600)),
        }
    }

    fn sends(tx: &Tx<'_>, ask: ConnectionRequest) -> Result<Said, Refusal> {
        let signer = Signer::new(OURS.parse().unwrap(), SecretKey::from_seed([1; 32]));
        let terms = Terms { signer, strangers: Strangers::Ask, tell_declined: false };
        receive::<Connection>(tx, &terms, &PEER.parse().unwrap(), ask, &[], &LimitsConfig::default())
    }

    fn withdraws(tx: &Tx<'_>, id: Id) {
        let (ours, peer) = (OURS.parse().unwrap(), PEER.parse().unwrap());
        take_back::<Connection>(tx, &ours, &peer, id, Strangers::Ask).unwrap();
    }

    /// The steps of a request by somebody new, of one by somebody who has asked once, of one that is refused since there are
    /// too many of one pair, and of the end of one that never came. `who` and the next have not asked yet.
    fn costs(tx: &Tx<'_>, who: usize) -> [u64; 4] {
        sends(tx, ask(tx, who + 1)).unwrap();
        [
            tx.steps_of(|| sends(tx, ask(tx, who)).unwrap()).1,
            tx.steps_of(|| sends(tx, ask(tx, who + 1)).unwrap()).1,
            tx.steps_of(|| sends(tx, ask(tx, 0)).unwrap_err()).1,
            tx.steps_of(|| withdraws(tx, tx.new_id())).1,
        ]
    }

    #[tokio::test]
    async fn a_request_costs_the_same_however_many_there_were_before() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let compared = store.write(|tx| {
            tx.add_user(&"alice".parse().unwrap(), UserRule::Ask)?;
            tx.put_peer(&PeerRow::new(PEER.parse().unwrap(), PeerState::Allowed, tx.now()))?;
            for _ in 0..FOR_ONE_PAIR {
                sends(tx, ask(tx, 0)).unwrap();
            }
            withdraws(tx, tx.new_id());
            let few = costs(tx, 1);
            // As many as are kept, most of them over, and more than that of what never came.
            for from in 0..5_000 {
                let request = ask(tx, 10 + from % 500);
                let id = request.id;
                sends(tx, request).unwrap();
                if from >= 500 {
                    withdraws(tx, id);
                }
            }
            for _ in 0..5_000 {
                withdraws(tx, tx.new_id());
            }
            Ok::<_, StoreFault>((few, costs(tx, 1000)))
        });
        let (few, many) = compared.await.unwrap();
        for (few, many) in few.into_iter().zip(many) {
            assert!(many <= few + few / 4, "{few} steps have become {many}");
        }
    }
}
