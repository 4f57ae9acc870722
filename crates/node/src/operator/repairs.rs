//! What is wrong and can be acted upon, for the operator to read and to set aside.

use drawbridge_mtp::id::Id;
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::time::Timestamp;

use super::peers::Known;
use super::users::short_clients;
use super::{Operator, Peer, ReadFault};
use crate::diagnose::repairs::{Facts, Findings, RETRIES, RepairFinding, judge};
use crate::ground::config::Strangers;
use crate::misuse::Misuse;
use crate::peer_fault::PeerFault;
use crate::peers::Unread;
use crate::store::{PeerRow, Reader, RepairRow, StoreFault, View};

/// So many strangers are told of that are refused for their certificates.
const REFUSED: usize = 5;

/// What is wrong, and what was.
#[derive(Clone, Debug)]
pub struct RepairList {
    /// What is wrong and not ignored, the worst first.
    pub open: Vec<RepairRow>,
    /// What is wrong and was ignored by the operator, and has not changed since.
    pub ignored: Vec<RepairRow>,
    /// What is wrong and has not been so for long enough to be listed among those.
    pub begun: Vec<RepairFinding>,
    /// What is well again, the latest first; the latest 500.
    pub history: Vec<RepairRow>,
    /// When it was last looked; none before the first look since the start.
    pub looked: Option<Timestamp>,
}

impl Operator {
    /// What is wrong and can be acted upon, and what was.
    pub async fn repairs(&self) -> RepairList {
        let (ignored, open) = self.open_repairs().into_iter().partition(|row| row.ignored.is_some());
        let found = self.look_for_repairs().await.unwrap_or_else(|fault| {
            tracing::warn!(%fault, "it could not be looked at what is wrong");
            Findings::default()
        });
        let begun = self.repairs.not_raised(found);
        RepairList {
            open,
            ignored,
            begun,
            history: self.repairs.history().await,
            looked: self.repairs.looked(),
        }
    }

    /// What is wrong, also what is ignored, the worst first.
    pub fn open_repairs(&self) -> Vec<RepairRow> {
        self.repairs.open()
    }

    /// Sets aside something that is wrong. It is shown again where its code is another, where it is worse than now, or where
    /// more groups or users suffer than now, or submissions where none waited; what ends and begins again is another.
    pub async fn ignore_repair(&self, id: Id) -> Result<(), Misuse> {
        self.repairs.ignore(id, true).await
    }

    /// Shows again what was set aside.
    pub async fn unignore_repair(&self, id: Id) -> Result<(), Misuse> {
        self.repairs.ignore(id, false).await
    }

    /// Looks at everything that may be wrong.
    pub(crate) async fn look_for_repairs(&self) -> Result<Findings, ReadFault> {
        let pulling = self.peers.board.all_pulling();
        let (ours, now) = (self.ground.ours.clone(), self.ground.ambient.now());
        let unread = self.refused_for_certificates(now);
        let read = self.store.read::<_, ReadFault>(move |view| {
            let known = Known::all_with(view, |view, row| {
                // What hangs on a peer is counted only where something may be wrong with it.
                Ok(if may_be_wrong(view, row)? { Some(view.depends_on(&row.provider, &ours)?) } else { None })
            })?;
            let known = Known::without_guests(view, known)?;
            let refused = undecided(view, unread)?;
            Ok((known, refused, view.broken_groups()?, short_clients(view, &ours, now)?))
        });
        let (known, refused, broken, short) = read.await?;
        let peers: Vec<Peer> = self.show_peers(known, &pulling).await;
        let own = self.ourselves();
        Ok(judge(&Facts {
            now: self.ground.ambient.now(),
            started: self.started,
            own: &own,
            peers: &peers,
            refused: &refused,
            broken: &broken,
            short: &short,
            untold: &self.notifier.failing(),
        }))
    }
}

impl Operator {
    /// Those who come here and are refused for their certificates, first who comes again and again, and of these who has for longest;
    /// nobody where the operator wants to hear of no strangers.
    pub(super) fn refused_for_certificates(&self, now: Timestamp) -> Vec<Unread> {
        if self.consent.choices().strangers == Strangers::Listed {
            return Vec::new();
        }
        let mut unread = self.peers.documents.came_in_vain(now, PeerFault::is_of_certificate);
        unread.retain(|unread| unread.provider != self.ground.ours);
        unread.sort_by_key(|unread| (unread.in_vain.tries < RETRIES, unread.in_vain.first));
        unread
    }
}

/// Those of `unread` of whom nobody has decided: of a peer it is told how it goes with it. Anybody can come under a name, so it is told
/// of a few.
pub(super) fn undecided(view: &View<'_>, unread: Vec<Unread>) -> Result<Vec<Unread>, StoreFault> {
    let mut found = Vec::new();
    for unread in unread {
        let state = view.peer_state(&unread.provider)?;
        if matches!(state, PeerState::Unknown | PeerState::Pending) {
            found.push(unread);
        }
        if found.len() == REFUSED {
            break;
        }
    }
    Ok(found)
}

fn may_be_wrong(view: &View<'_>, row: &PeerRow) -> Result<bool, StoreFault> {
    Ok(matches!(row.state, PeerState::KeyChanged | PeerState::Blocked)
        || row.their_state == Some(PeerState::Blocked)
        || view.has_troubles(&row.provider)?
        || view.feed(&Reader::Peer(row.provider.clone()))?.is_some_and(|feed| feed.waiting_since.is_some()))
}
