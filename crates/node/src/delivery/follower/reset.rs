//! Starting anew in a peer's feed: what it may have told of groups meanwhile is read from their logs, and groups that it
//! has told of in vain are found (section 11).

use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::message::{GroupStatus, LogPage, Removed};
use drawbridge_mtp::problem::Code;

use crate::delivery::Delivery;
use crate::delivery::follower::intake::{Intake, store_fault};
use crate::delivery::follower::keep::{Step, begin_anew, new_group};
use crate::delivery::is_current;
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::Ask;
use crate::store::{GroupRow, Standing, StoreFault};

impl Delivery {
    /// After the feed of `peer` was reset, what it may have told meanwhile of its groups is read from their logs
    /// (section 11).
    pub(crate) async fn close_gaps(&self, peer: &Provider) -> Result<(), PeerFault> {
        let owner = peer.clone();
        let groups = self.store.read(move |view| {
            let mut groups = view.groups_owned(&owner, Standing::Live)?;
            groups.extend(view.groups_owned(&owner, Standing::Joining)?);
            groups.extend(view.groups_owned(&owner, Standing::Broken)?);
            Ok::<_, StoreFault>(groups)
        });
        let mut absence = None;
        for group in groups.await.map_err(store_fault)? {
            // What is wrong with one group keeps nobody from the others; who is not there is not asked for each.
            if absence.is_some() {
                self.forks.later(&group.uri);
            } else if let Err(fault) = self.settle_group(peer, &group.uri).await {
                self.forks.later(&group.uri);
                if fault.is_absence() {
                    absence = Some(fault);
                } else {
                    self.peers.note_trouble(peer, &fault).await;
                }
            }
        }
        if let Some(fault) = absence {
            return Err(fault);
        }
        self.find_groups(peer).await?;
        for group in self
            .store
            .read({
                let owner = peer.clone();
                move |view| view.groups_owned(&owner, Standing::Live)
            })
            .await
            .map_err(store_fault)?
        {
            self.have_joinable(peer, &group).await?;
        }
        Ok(())
    }

    /// Brings our copy of a group to what its owner's log is, and up to its end.
    pub(in crate::delivery) async fn settle_group(
        &self,
        peer: &Provider,
        group: &GroupUri,
    ) -> Result<(), PeerFault> {
        self.settle_copy(group).await?;
        self.close_group(peer, group).await
    }

    /// An owner that has read back a commit of a group has lost what new clients need to come in, until somebody commits. Our
    /// users' clients look to that when their feeds begin anew.
    async fn have_joinable(&self, peer: &Provider, group: &GroupRow) -> Result<(), PeerFault> {
        match self.peers.call(peer, Ask::get(format!("/groups/{}/info", group.uri.name()))).await {
            Err(fault) if fault.is(Code::Unavailable) => {}
            _ => return Ok(()),
        }
        if !self.forks.may_rouse(&group.uri, self.ground.ambient.instant()) {
            return Ok(());
        }
        let id = group.id;
        let renewed = self.store.write(move |tx| {
            for told in tx.audience(id)?.into_iter().filter(|told| told.until.is_none()) {
                tx.renew_feed(&told.reader)?;
            }
            Ok::<_, StoreFault>(())
        });
        renewed.await.map_err(store_fault)
    }

    /// Our users may have been added to groups of `peer` by a Welcome that was lost. Those that they agreed to be added to and
    /// that have us in them are followed from now on; their clients join by themselves.
    async fn find_groups(&self, peer: &Provider) -> Result<(), PeerFault> {
        let owner = peer.clone();
        let unknown = self.store.read(move |view| {
            let mut unknown = Vec::new();
            for group in view.groups_agreed_to(&owner)? {
                if view.group(&group)?.is_none_or(|row| row.standing == Standing::Over) {
                    unknown.push(group);
                }
            }
            Ok::<_, StoreFault>(unknown)
        });
        for group in unknown.await.map_err(store_fault)? {
            let status: GroupStatus =
                match self.peers.call(peer, Ask::get(format!("/groups/{}", group.name()))).await {
                    Ok(answer) => answer.message().map_err(|fault| {
                        PeerFault::new(Stage::Content, "malformed", format!("its answer on {group}: {fault}"))
                    })?,
                    Err(fault) if fault.is(Code::NotFound) => continue,
                    Err(fault) => return Err(fault),
                };
            let _locked = self.groups.lock(&group).await;
            let found = self.store.write(move |tx| {
                let known = tx.group(&group)?;
                let mut row = match known {
                    Some(row) if row.standing != Standing::Over => return Ok(()),
                    Some(mut row) => {
                        begin_anew(&mut row, status.head + 1);
                        row
                    }
                    None => {
                        let mut row = new_group(tx.now(), &group, status.head + 1);
                        row.id = tx.add_group(&row)?;
                        row
                    }
                };
                row.hash = Some(status.hash);
                tx.put_group(&row)
            });
            found.await.map_err(store_fault)?;
        }
        Ok(())
    }

    async fn close_group(&self, peer: &Provider, group: &GroupUri) -> Result<(), PeerFault> {
        loop {
            let mut intake = Intake::new(self, peer);
            let Some(opened) = intake.open(group).await? else { return Ok(()) };
            if opened.row.hash.is_none() || !is_current(&opened.row) {
                return Ok(());
            }
            let head = opened.row.head;
            let page = match self.fetch_log(peer, group.name().as_str(), head).await {
                Ok(page) => page,
                Err(fault) if fault.is(Code::NotFound) => {
                    intake.steps.push(Step::Removed(Removed { group: group.clone(), after_seq: head }));
                    LogPage::default()
                }
                Err(fault) => return Err(fault),
            };
            for event in page.events {
                intake.event(event).await?;
            }
            let went_on = !intake.steps.is_empty();
            for trouble in intake.troubles() {
                self.peers.note_trouble(peer, &trouble).await;
            }
            let (keeping, settling) = intake.into_parts();
            let ours = self.ground.ours.clone();
            self.store.write(move |tx| keeping.keep(tx, &ours)).await.map_err(store_fault)?;
            settling.commit();
            if !page.more || !went_on {
                return Ok(());
            }
        }
    }
}
