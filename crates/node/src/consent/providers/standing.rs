//! Our judgement of other providers: how strangers become peers, and what follows (section 6).

use std::time::Duration;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::message::{ItemBody, PeerState};

use crate::consent::requests::tell_lapsed;
use crate::ground::config::{LimitsConfig, Strangers};
use crate::misuse::Misuse;
use crate::store::{Addition, Connection, DecidedBy, PeerRow, Reader, StoreFault, Tx};

/// A stranger introduces itself, or asks something that introduces it. `keys` are those of its document.
/// Returns what it is from now on; under `listed` it is answered as though it were pending, and forgotten.
pub(crate) fn introduce(
    tx: &Tx<'_>,
    provider: &Provider,
    strangers: Strangers,
    keys: &[Thumbprint],
    limits: &LimitsConfig,
) -> Result<PeerState, StoreFault> {
    let known = tx.peer(provider)?;
    match (known, strangers) {
        (Some(peer), Strangers::Open) if peer.state == PeerState::Pending => {
            allow(tx, provider, DecidedBy::Rule)?;
            Ok(PeerState::Allowed)
        }
        (Some(mut peer), _) => {
            if peer.ignored && peer.state == PeerState::Pending {
                // Asked again: it comes back.
                peer.ignored = false;
                tx.put_peer(&peer)?;
            }
            Ok(peer.state)
        }
        (None, Strangers::Listed) => Ok(PeerState::Pending),
        (None, Strangers::Open) => {
            make_room_for_guest(tx, limits.pending_peers)?;
            allow(tx, provider, DecidedBy::Rule)?;
            tx.accept_keys(provider, keys)?;
            Ok(PeerState::Allowed)
        }
        (None, Strangers::Ask) => {
            let has_gone = make_room(tx, limits.pending_peers)?;
            tx.put_peer(&PeerRow::new(provider.clone(), PeerState::Pending, tx.now()))?;
            tx.accept_keys(provider, keys)?;
            // Where as many wait as may, the operator knows that somebody waits: names without end are no news without end.
            if !has_gone {
                tx.announce_waiting_peer(provider);
            }
            Ok(PeerState::Pending)
        }
    }
}

/// Asking a provider for anything makes it allowed here, unless it is blocked or its key has changed; under
/// `listed` only those that are allowed already are asked. Returns whether it may be asked.
pub(crate) fn allow_asked(
    tx: &Tx<'_>,
    provider: &Provider,
    strangers: Strangers,
) -> Result<bool, StoreFault> {
    match tx.peer_state(provider)? {
        PeerState::Allowed => Ok(true),
        PeerState::Blocked | PeerState::KeyChanged => Ok(false),
        PeerState::Unknown | PeerState::Pending => {
            let may = strangers != Strangers::Listed;
            if may {
                allow(tx, provider, DecidedBy::Operator)?;
            }
            Ok(may)
        }
    }
}

/// `provider` is not asked.
pub(crate) fn not_asked(provider: &Provider, strangers: Strangers) -> Misuse {
    let text = match strangers {
        Strangers::Listed => "is not on the list of peers; allow it first",
        Strangers::Ask | Strangers::Open => {
            "is blocked, or its key has changed; decide on it under Peers first"
        }
    };
    Misuse::Unfit(format!("{provider} {text}"))
}

/// `provider` may federate from now on, and is told so through its feed.
pub(crate) fn allow(tx: &Tx<'_>, provider: &Provider, by: DecidedBy) -> Result<(), StoreFault> {
    let mut peer =
        tx.peer(provider)?.unwrap_or_else(|| PeerRow::new(provider.clone(), PeerState::Unknown, tx.now()));
    if peer.state == PeerState::Allowed {
        return Ok(());
    }
    peer.state = PeerState::Allowed;
    peer.since = tx.now();
    peer.decided_by = Some(by);
    peer.ignored = false;
    peer.pulled = false;
    tx.put_peer(&peer)?;
    tx.append(&Reader::Peer(provider.clone()), &ItemBody::Peer { state: PeerState::Allowed })?;
    tell_lapsed(tx, provider)
}

/// The operator's own judgement.
pub(crate) fn judge(tx: &Tx<'_>, provider: &Provider, state: PeerState) -> Result<(), StoreFault> {
    match state {
        PeerState::Allowed => {
            allow(tx, provider, DecidedBy::Operator)?;
            // A rule may have let it in already; from now on it is a peer by more than that.
            match tx.peer(provider)?.filter(|peer| peer.decided_by == Some(DecidedBy::Rule)) {
                Some(mut peer) => {
                    peer.decided_by = Some(DecidedBy::Operator);
                    tx.put_peer(&peer)
                }
                None => Ok(()),
            }
        }
        PeerState::Unknown => forget(tx, provider),
        PeerState::Pending | PeerState::Blocked | PeerState::KeyChanged => {
            let mut peer = tx
                .peer(provider)?
                .unwrap_or_else(|| PeerRow::new(provider.clone(), PeerState::Unknown, tx.now()));
            if peer.state != state || peer.ignored {
                peer.state = state;
                peer.since = tx.now();
                peer.decided_by = Some(DecidedBy::Operator);
                peer.ignored = false;
                tx.put_peer(&peer)?;
            }
            Ok(())
        }
    }
}

/// Drops what has waited for too long.
pub(crate) fn sweep(tx: &Tx<'_>, limits: &LimitsConfig) -> Result<(), StoreFault> {
    let longest = Duration::from_secs(u64::from(limits.pending_days) * 86_400);
    let now = tx.now();
    for peer in tx.peers_in(PeerState::Pending)? {
        if now.since(peer.since) >= longest {
            forget(tx, &peer.provider)?;
        }
    }
    // There may be more than there were to be: the limit was lowered, or they came to wait otherwise.
    make_room(tx, limits.pending_peers.saturating_add(1))?;
    for peer in tx.peers_in(PeerState::KeyChanged)? {
        if now.since(peer.since) >= longest && tx.is_guest(&peer)? {
            forget_guest(tx, &peer.provider)?;
        }
    }
    Ok(())
}

/// Makes `provider` unknown, with the requests of its users that nobody has approved.
fn forget(tx: &Tx<'_>, provider: &Provider) -> Result<(), StoreFault> {
    tx.remove_unapproved::<Connection>(provider)?;
    tx.remove_unapproved::<Addition>(provider)?;
    tx.remove_peer(provider)
}

/// The same of a guest, for which there is a feed with nothing in it but that it was let in.
fn forget_guest(tx: &Tx<'_>, provider: &Provider) -> Result<(), StoreFault> {
    tx.drop_feed(&Reader::Peer(provider.clone()))?;
    forget(tx, provider)
}

/// Keeps the number of those who wait below `at_most`. Returns whether one had to go.
fn make_room(tx: &Tx<'_>, at_most: u64) -> Result<bool, StoreFault> {
    let many = (tx.count_peers(PeerState::Pending)? + 1).saturating_sub(at_most.max(1));
    if many > 0 {
        choose_to_go(tx, tx.peers_in(PeerState::Pending)?, many)?
            .iter()
            .try_for_each(|peer| forget(tx, &peer.provider))?;
    }
    Ok(many > 0)
}

/// The same of guests, who are let in again whenever they come. Who is let in by the rule and shares something stays.
fn make_room_for_guest(tx: &Tx<'_>, at_most: u64) -> Result<(), StoreFault> {
    if tx.count_let_in_by_rule()? < at_most.max(1) {
        return Ok(());
    }
    let guests = tx.guests()?;
    let many = (guests.len() as u64 + 1).saturating_sub(at_most.max(1));
    choose_to_go(tx, guests, many)?.iter().try_for_each(|peer| forget_guest(tx, &peer.provider))
}

/// As many as have to go of `known`, which is the oldest first: those without a held request before the others.
fn choose_to_go(tx: &Tx<'_>, known: Vec<PeerRow>, many: u64) -> Result<Vec<PeerRow>, StoreFault> {
    let many = usize::try_from(many).unwrap_or(usize::MAX);
    let (mut go, mut asking) = (Vec::new(), Vec::new());
    for peer in known {
        if go.len() >= many {
            break;
        }
        let holds = tx.held(&peer.provider, tx.now())?.0 > 0;
        if holds { &mut asking } else { &mut go }.push(peer);
    }
    let missing = many.saturating_sub(go.len());
    go.extend(asking.into_iter().take(missing));
    Ok(go)
}
