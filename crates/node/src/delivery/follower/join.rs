//! A group that our users were added to: its public state and roster are had from its owner, so that what comes after
//! can be followed.

use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::message::{GroupInfoReply, Roster, RosterMember};
use serde::de::DeserializeOwned;

use crate::delivery::Delivery;
use crate::delivery::epoch::{dismiss_client, dismiss_clients, keep_roster};
use crate::delivery::follower::intake::{store_fault, take};
use crate::delivery::follower::proofs::hold_known;
use crate::delivery::mls::state::{Changed, Hold, PublicState};
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::Ask;
use crate::store::{Handshake, Reader, Standing, StoreFault};

impl Delivery {
    /// Joins the groups of `peer` whose public state is still to be had; what goes wrong is noted, and tried again with
    /// the next pull.
    pub(crate) async fn join_groups(&self, peer: &Provider) -> Result<(), StoreFault> {
        let owner = peer.clone();
        let groups = self.store.read(move |view| view.groups_owned(&owner, Standing::Joining)).await?;
        for group in groups {
            if let Err(fault) = self.join_group(peer, &group.uri).await {
                self.peers.note_trouble(peer, &fault).await;
            }
        }
        Ok(())
    }

    async fn join_group(&self, peer: &Provider, group: &GroupUri) -> Result<(), PeerFault> {
        let name = group.name();
        let info: GroupInfoReply = self.ask_owner(peer, format!("/groups/{name}/info")).await?;
        let roster: Roster = self.ask_owner(peer, format!("/groups/{name}/roster")).await?;
        if roster.epoch != info.epoch {
            // A commit came in between; the next pull brings it, and tries again.
            return Ok(());
        }
        let conventions = self.groups.conventions();
        let (mut state, kept) =
            PublicState::open(group, info.group_info.as_slice(), info.ratchet_tree.as_slice(), conventions)
                .map_err(|problem| PeerFault::new(Stage::Content, "group-not-followed", problem.detail))?;
        check_roster(&state, &roster)?;

        let mut locked = self.groups.lock(group).await;
        let uri = group.clone();
        let epoch = info.epoch;
        let later = self.store.write(move |tx| {
            let Some(row) = tx.group(&uri)?.filter(|row| row.standing == Standing::Joining) else {
                return Ok(None);
            };
            // The owner is ahead of what its feed has told: the commits in between are still to come, and say who is told
            // up to where; with the pull that brings them it is tried again.
            let is_behind = tx.last_ended_epoch(&row)?.is_some_and(|ended| ended + 1 < epoch);
            Ok::<_, StoreFault>(if is_behind { None } else { Some(tx.handshakes(row.id, epoch)?) })
        });
        let Some(later) = later.await.map_err(store_fault)? else { return Ok(()) };
        let mut changes: Vec<(u64, Changed)> = Vec::new();
        for Handshake { seq, epoch, sender, body, .. } in &later {
            let followed = take(&mut state, group, *epoch, sender, body, Hold::Nothing).map_err(|text| {
                let text = format!("event {seq} of {group} cannot be followed: {text}");
                PeerFault::new(Stage::Content, "group-not-followed", text)
            })?;
            changes.extend(followed.map(|changed| (*seq, changed)));
        }
        let (ours, uri) = (self.ground.ours.clone(), group.clone());
        let (policy, suite, now_epoch) = (state.policy().clone(), state.suite(), state.epoch());
        let joined = self.store.write(move |tx| {
            let Some(mut row) = tx.group(&uri)? else { return Ok::<_, StoreFault>(()) };
            row.epoch = now_epoch;
            row.suite = suite;
            row.standing = Standing::Live;
            tx.put_group(&row)?;
            tx.set_policy(row.id, &policy)?;
            tx.set_group_state(row.id, epoch, &kept)?;
            tx.set_group_info(row.id, info.group_info.as_slice())?;
            tx.clear_members(row.id)?;
            for member in &roster.members {
                tx.put_member(row.id, member)?;
            }
            for (seq, changed) in &changes {
                keep_roster(tx, &row, changed, |_| None)?;
                dismiss_clients(tx, &ours, &row, changed, *seq)?;
            }
            hold_known(tx, &row)?;
            // A client that joined by itself before the state was here is told from now on.
            for row_of in tx.members(row.id)?.iter().filter(|row| row.member.client.provider() == &ours) {
                tx.admit_reader(row.id, &Reader::Client(row_of.member.client.clone()), row.head + 1)?;
            }
            // Who was removed before the state was here is told nothing more.
            let members = tx.members(row.id)?;
            for audience in tx.audience(row.id)?.into_iter().filter(|audience| audience.until.is_none()) {
                let Reader::Client(client) = &audience.reader else { continue };
                if !members.iter().any(|row| row.member.client == *client) {
                    dismiss_client(tx, &row, &audience.reader, row.head)?;
                }
            }
            Ok(())
        });
        joined.await.map_err(store_fault)?;
        locked.put(state);
        self.added.notify_one();
        Ok(())
    }
}

/// The roster has to be the tree's: who is in it is not for the owner to say.
fn check_roster(state: &PublicState, roster: &Roster) -> Result<(), PeerFault> {
    let mut told: Vec<_> =
        roster.members.iter().map(|RosterMember { leaf, client, .. }| (*leaf, client)).collect();
    told.sort_unstable();
    if told.into_iter().eq(state.members()) {
        return Ok(());
    }
    let text = "its roster is not that of the group's tree";
    Err(PeerFault::new(Stage::Content, "roster-wrong", text))
}

impl Delivery {
    async fn ask_owner<T: DeserializeOwned>(
        &self,
        peer: &Provider,
        resource: String,
    ) -> Result<T, PeerFault> {
        let answer = self.peers.call(peer, Ask::get(resource)).await?;
        answer
            .message()
            .map_err(|fault| PeerFault::new(Stage::Content, "malformed", format!("its answer: {fault}")))
    }
}
