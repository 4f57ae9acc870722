//! What an accepted commit changes in the store: who is in the group, and who is told of what follows (section 10).

use std::collections::BTreeSet;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::{ItemBody, Removed, RosterMember};

use crate::delivery::mls::state::{Changed, Joined};
use crate::store::{GroupRow, Reader, StoreFault, Tx};

/// Brings a group to what a commit has made of it: who is in it, and who is told from the event `seq` on, as which it is then
/// put into the log, and `row` into the store. Returns the providers that have no member in a group of ours any more.
pub(super) fn begin_epoch(
    tx: &Tx<'_>,
    ours: &Provider,
    row: &mut GroupRow,
    changed: &Changed,
    seq: u64,
    grant: impl Fn(&Joined) -> Option<String>,
) -> Result<BTreeSet<Provider>, StoreFault> {
    // Mostly a commit only changes keys, and who is in the group stays. And only its owner tells other providers.
    let stays = (changed.joined.is_empty() && changed.gone.is_empty()) || row.owner() != ours;
    let id = row.id;
    let others = || if stays { Ok(Vec::new()) } else { tx.providers_in(id) };
    let before: BTreeSet<Provider> = others()?.into_iter().filter(|provider| provider != ours).collect();
    keep_roster(tx, row, changed, grant)?;
    let after: BTreeSet<Provider> = others()?.into_iter().filter(|provider| provider != ours).collect();

    row.epoch = changed.epoch;
    if let Some(policy) = &changed.policy {
        tx.set_policy(row.id, policy)?;
    }
    if let Some(kept) = &changed.kept {
        tx.set_group_state(row.id, changed.epoch, kept)?;
    }
    for provider in &after {
        tx.admit_reader(row.id, &Reader::Peer(provider.clone()), seq)?;
    }
    for client in
        changed.joined.iter().map(|joined| &joined.client).filter(|client| client.provider() == ours)
    {
        tx.admit_reader(row.id, &Reader::Client(client.clone()), seq)?;
    }
    Ok(before.difference(&after).cloned().collect())
}

/// Who has no leaf, or no member, left in a group is told of the commit `seq`, and of nothing after it.
pub(super) fn end_stays(
    tx: &Tx<'_>,
    ours: &Provider,
    row: &GroupRow,
    changed: &Changed,
    gone: &BTreeSet<Provider>,
    seq: u64,
) -> Result<(), StoreFault> {
    for provider in gone {
        tx.dismiss_reader(row.id, &Reader::Peer(provider.clone()), seq)?;
    }
    dismiss_clients(tx, ours, row, changed, seq)
}

/// Tells a provider that it has no member left in a group of ours.
pub(super) fn tell_removed(
    tx: &Tx<'_>,
    row: &GroupRow,
    provider: Provider,
    after_seq: u64,
) -> Result<(), StoreFault> {
    let removed = Removed { group: row.uri.clone(), after_seq };
    tx.append(&Reader::Peer(provider), &ItemBody::Removed(removed)).map(drop)
}

/// Brings a group's roster to what a commit has made of it.
pub(super) fn keep_roster(
    tx: &Tx<'_>,
    row: &GroupRow,
    changed: &Changed,
    grant: impl Fn(&Joined) -> Option<String>,
) -> Result<(), StoreFault> {
    for (leaf, _) in &changed.gone {
        tx.remove_member(row.id, *leaf)?;
    }
    for joined in &changed.joined {
        let member = RosterMember {
            client: joined.client.clone(),
            user: joined.client.user().clone(),
            leaf: joined.leaf,
            since_epoch: changed.epoch,
            added_by: joined.added_by.clone(),
            grant: grant(joined),
        };
        tx.put_member(row.id, &member)?;
    }
    if changed.let_stay {
        tx.set_leaving(row.id, None)?;
    }
    Ok(())
}

/// Clients of ours that the commit `seq` has removed are told of it, that they are out, and nothing after that.
pub(super) fn dismiss_clients(
    tx: &Tx<'_>,
    ours: &Provider,
    row: &GroupRow,
    changed: &Changed,
    seq: u64,
) -> Result<(), StoreFault> {
    for (_, client) in changed.gone.iter().filter(|(_, client)| client.provider() == ours) {
        // It may have another leaf: that it joined with, in the place of this one.
        if !tx.is_client_in(row.id, client)? {
            dismiss_client(tx, row, &Reader::Client(client.clone()), seq)?;
        }
    }
    Ok(())
}

/// A client of ours is no longer in a group: its feed says so once (`docs/client-api.md`, `removed`), and tells it of nothing
/// behind `after_seq`.
pub(super) fn dismiss_client(
    tx: &Tx<'_>,
    row: &GroupRow,
    client: &Reader,
    after_seq: u64,
) -> Result<(), StoreFault> {
    if tx.dismiss_reader(row.id, client, after_seq)? {
        tx.append(client, &ItemBody::Removed(Removed { group: row.uri.clone(), after_seq }))?;
    }
    Ok(())
}
