//! Storing what others' feeds tell of groups, and what is read back of our own: the steps of a page, in one transaction.

use std::collections::{BTreeSet, HashMap};

use drawbridge_mtp::grant::UnverifiedGrant;
use drawbridge_mtp::id::{ClientUri, GroupUri, Provider, UserUri};
use drawbridge_mtp::message::{Event, Removed, Welcome};
use drawbridge_mtp::octets::Octets;
use drawbridge_mtp::time::Timestamp;

use super::proofs;
use crate::delivery::epoch::{begin_epoch, dismiss_client, end_stays};
use crate::delivery::is_current;
use crate::delivery::mls::state::{Changed, Joined};
use crate::store::{GroupRow, Reader, Standing, StoreFault, Tx};

/// One thing to be stored, in the order of the page.
pub(in crate::delivery) enum Step {
    Event(Box<Kept>),
    /// The log is not what it was: nothing more of the group is taken.
    Break {
        group: GroupUri,
        text: String,
    },
    /// Behind this event, what we have is of a history that does not count.
    SetBack {
        group: GroupUri,
        after: u64,
    },
    Welcome {
        welcome: Welcome,
        message: Vec<u8>,
        ratchet_tree: Vec<u8>,
    },
    Removed(Removed),
}

/// An event that continues its group's chain.
pub(in crate::delivery) struct Kept {
    pub(in crate::delivery) event: Event,
    pub(in crate::delivery) body: Option<Vec<u8>>,
    /// What it is to the group's public state.
    pub(in crate::delivery) followed: Followed,
}

/// What an event is to a group's public state.
pub(in crate::delivery) enum Followed {
    /// Nothing that it changes.
    Quietly,
    /// A proposal of its sender to leave.
    Leaving,
    /// A commit.
    Commit(Changed),
    /// It cannot be followed, and so the state is lost.
    Lost,
}

/// What a page changes in groups, for one transaction.
pub(crate) struct Keeping(pub(in crate::delivery) Vec<Step>);

impl Keeping {
    /// Whether somebody was added to a group, ourselves or another.
    pub(crate) fn adds(&self) -> bool {
        self.0.iter().any(|step| match step {
            Step::Welcome { .. } => true,
            Step::Event(kept) => {
                matches!(&kept.followed, Followed::Commit(changed) if !changed.joined.is_empty())
            }
            Step::Break { .. } | Step::SetBack { .. } | Step::Removed(_) => false,
        })
    }

    /// Stores everything.
    pub(crate) fn keep(self, tx: &Tx<'_>, ours: &Provider) -> Result<(), StoreFault> {
        // As far as events alone change them, groups are read once for the whole page.
        let mut rows: HashMap<GroupUri, GroupRow> = HashMap::new();
        for step in self.0 {
            match step {
                Step::Event(kept) => {
                    if !rows.contains_key(&kept.event.group) {
                        rows.extend(tx.group(&kept.event.group)?.map(|row| (row.uri.clone(), row)));
                    }
                    if let Some(row) = rows.get_mut(&kept.event.group) {
                        keep_event(tx, ours, row, *kept)?;
                    }
                }
                Step::Break { group, text } => {
                    rows.remove(&group);
                    if let Some(mut row) = tx.group(&group)? {
                        row.standing = Standing::Broken;
                        row.fault = Some(text);
                        tx.put_group(&row)?;
                    }
                }
                Step::SetBack { group, after } => {
                    rows.remove(&group);
                    if let Some(mut row) = tx.group(&group)? {
                        tx.set_copy_back(&mut row, after)?;
                        begin_anew(&mut row, after + 1);
                        tx.put_group(&row)?;
                    }
                }
                Step::Welcome { welcome, message, ratchet_tree } => {
                    rows.remove(&welcome.group);
                    keep_welcome(tx, ours, &welcome, &message, &ratchet_tree)?;
                }
                Step::Removed(removed) => {
                    rows.remove(&removed.group);
                    keep_removed(tx, ours, &removed)?;
                }
            }
        }
        Ok(())
    }
}

/// Keeps an event with all that follows from it. Returns the providers that have no member in a group of ours any more.
pub(in crate::delivery) fn keep_event(
    tx: &Tx<'_>,
    ours: &Provider,
    row: &mut GroupRow,
    kept: Kept,
) -> Result<BTreeSet<Provider>, StoreFault> {
    let Kept { event, body, followed } = kept;
    let begins = row.hash.is_none() || event.seq > row.head + 1;
    if begins {
        row.first = event.seq;
    }
    let mut gone = BTreeSet::new();
    match &followed {
        Followed::Commit(changed) => {
            gone = begin_epoch(tx, ours, row, changed, event.seq, |joined| adopted_grant(&event, joined))?;
        }
        Followed::Lost => {
            row.standing = Standing::Joining;
            tx.put_group(row)?;
        }
        Followed::Leaving => {
            let leaf = tx.members(row.id)?.into_iter().find(|row| row.member.client == event.sender);
            tx.set_leaving(row.id, leaf.map(|row| row.member.leaf))?;
        }
        Followed::Quietly => {}
    }
    if row.owner() == ours {
        if let Followed::Commit(_) = followed {
            // It came with the commit, and is not in the log.
            tx.drop_group_info(row.id)?;
            spend_grants(tx, &event)?;
        }
        tx.adopt_event(row, &event, body.as_deref())?;
    } else {
        tx.keep_event(row, &event, body.as_deref())?;
        if matches!(&followed, Followed::Commit(changed) if !changed.joined.is_empty()) {
            proofs::hold(tx, row, &event)?;
        }
    }
    if let Followed::Commit(changed) = &followed {
        end_stays(tx, ours, row, changed, &gone, event.seq)?;
    }
    Ok(gone)
}

/// The grant by which a commit that is read back, or of another's group, has added a member.
fn adopted_grant(event: &Event, joined: &Joined) -> Option<String> {
    let is_of = |jws: &&String| {
        UnverifiedGrant::parse(jws).is_ok_and(|grant| grant.unverified_claims().sub == *joined.client.user())
    };
    event.grants.iter().find(is_of).cloned()
}

/// What was used once is not used again: the grants of a commit of ours that is read back are spent.
fn spend_grants(tx: &Tx<'_>, event: &Event) -> Result<(), StoreFault> {
    for grant in event.grants.iter().filter_map(|jws| UnverifiedGrant::parse(jws).ok()) {
        let claims = grant.unverified_claims();
        tx.spend_grant(&claims.iss, claims.jti, Timestamp::from_secs(claims.exp))?;
    }
    Ok(())
}

/// A Welcome goes to those of our clients whose KeyPackages it is for.
fn keep_welcome(
    tx: &Tx<'_>,
    ours: &Provider,
    welcome: &Welcome,
    message: &[u8],
    ratchet_tree: &[u8],
) -> Result<(), StoreFault> {
    let mut clients: Vec<(Reader, Vec<Octets>)> = Vec::new();
    for reference in &welcome.key_package_refs {
        let Some(client) = client_of(tx, ours, reference.as_slice(), &welcome.group)? else { continue };
        let reader = Reader::Client(client);
        match clients.iter_mut().find(|(there, _)| *there == reader) {
            Some((_, refs)) => refs.push(reference.clone()),
            None => clients.push((reader, vec![reference.clone()])),
        }
    }
    if clients.is_empty() {
        return Ok(());
    }
    let row = match tx.group(&welcome.group)? {
        Some(mut row) => {
            if !is_current(&row) {
                begin_anew(&mut row, welcome.from_seq);
                tx.put_group(&row)?;
            }
            row
        }
        None => {
            let mut row = new_group(tx.now(), &welcome.group, welcome.from_seq);
            row.id = tx.add_group(&row)?;
            row
        }
    };
    for (reader, refs) in clients {
        tx.admit_reader(row.id, &reader, welcome.from_seq)?;
        tx.append_welcome(&reader, &row.uri, message, refs, ratchet_tree, welcome.from_seq)?;
    }
    Ok(())
}

/// Whose KeyPackage it was, where that was handed out for this group: nobody is put into another.
fn client_of(
    tx: &Tx<'_>,
    ours: &Provider,
    reference: &[u8],
    group: &GroupUri,
) -> Result<Option<ClientUri>, StoreFault> {
    let names = tx.client_to_welcome(reference, group)?;
    Ok(names.map(|(user, client)| ClientUri::new(&UserUri::new(ours, &user), &client)))
}

/// Whether it ends the stay in a group that we have: what an owner reads back (section 12) it tells again, of a time that
/// ended before that.
pub(in crate::delivery) fn ends_stay(row: &GroupRow, removed: &Removed) -> bool {
    let since = if row.hash.is_some() { row.first } else { row.head + 1 };
    row.standing != Standing::Over && removed.after_seq >= since
}

/// We have no member left in a group.
pub(in crate::delivery) fn keep_removed(
    tx: &Tx<'_>,
    ours: &Provider,
    removed: &Removed,
) -> Result<(), StoreFault> {
    let Some(mut row) = tx.group(&removed.group)?.filter(|row| ends_stay(row, removed)) else {
        return Ok(());
    };
    row.standing = Standing::Over;
    tx.put_group(&row)?;
    for audience in tx.audience(row.id)? {
        dismiss_client(tx, &row, &audience.reader, removed.after_seq)?;
    }
    for member in tx.members(row.id)?.into_iter().filter(|row| row.member.client.provider() == ours) {
        tx.remove_member(row.id, member.member.leaf)?;
    }
    Ok(())
}

/// A group of which nothing is known but where its log begins for us.
pub(in crate::delivery) fn new_group(now: Timestamp, group: &GroupUri, from: u64) -> GroupRow {
    GroupRow {
        id: 0,
        uri: group.clone(),
        created: now,
        epoch: 0,
        first: from,
        head: from.saturating_sub(1),
        hash: None,
        suite: 0,
        standing: Standing::Joining,
        fault: None,
    }
}

/// A group that we had left begins again, with a hole in its log.
pub(in crate::delivery) fn begin_anew(row: &mut GroupRow, from: u64) {
    row.head = from.saturating_sub(1);
    row.hash = None;
    row.standing = Standing::Joining;
    row.fault = None;
}
