//! A peer that is gone. Coming back, it is a stranger.

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::{ConnectionState, PeerState};
use drawbridge_mtp::time::Timestamp;

use super::unfinished::{begin, end, is_begun, read_list};
use super::{Hold, HoldCode, Losses, drop_queued, many, named};
use crate::consent::Decision;
use crate::consent::requests::{self, Matters, is_owed, let_go_of_peer};
use crate::ground::config::Strangers;
use crate::misuse::Misuse;
use crate::operator::exceptions::{Exception, forget, is_allowed};
use crate::operator::{AllowedAddress, Operator, TrustedCertificate};
use crate::peers::PullingStatus;
use crate::store::{Addition, Connection, DecidedBy, Reader, Standing, StoreFault, Tx, View};

/// So many requests end in one transaction, for which others wait.
const STEP: u32 = 200;
/// The setting with the peers that are being let go of.
const LEAVING: &str = "peers-let-go";
/// The setting with the peers with whose people all connections are ended.
const ENDING: &str = "connections-ended";

/// What is known of the peer beside what the store has.
#[derive(Clone, Copy)]
struct Around {
    /// How it will be met if it comes back.
    strangers: Strangers,
    /// Whether a pull of ours waits there, so that it is not gone.
    answers: bool,
    /// When it is asked.
    now: Timestamp,
}

/// What is forgotten with a peer and requests go by, of others.
#[derive(Default)]
struct Others {
    trusted: Option<Vec<TrustedCertificate>>,
    allowed: Option<Vec<AllowedAddress>>,
}

/// What came of letting go of a peer.
enum Outcome {
    /// It is forgotten.
    Gone(Others),
    /// It has come to be needed since it was looked at.
    Kept(Losses),
}

impl Operator {
    pub(super) async fn losses_of_peer(&self, peer: Provider) -> Result<Losses, Misuse> {
        self.is_another(&peer)?;
        let (ours, around) = (self.ground.ours.clone(), self.around(&peer));
        self.store
            .read(move |view| {
                let requests = Requests::of(view, &peer, around.now)?;
                losses(view, &ours, &peer, around, &requests)
            })
            .await
    }

    pub(super) async fn forget_peer(&self, peer: Provider, seen: String) -> Result<(), Misuse> {
        // Before it is forgotten, so that nothing of it is left where this is cut off in between: what crossed the wire may be lost.
        self.losses_of_peer(peer.clone()).await?.allow(&seen)?;
        self.forget_traffic_with(&peer).await;
        let (ours, around, gone) = (self.ground.ours.clone(), self.around(&peer), peer.clone());
        // To count them is to read all of them, so nobody is held up by it. What comes meanwhile goes too.
        let of = peer.clone();
        let requests = self.store.read(move |view| Requests::of(view, &of, around.now)).await?;
        let begun = self.store.write(move |tx| {
            losses(tx, &ours, &gone, around, &requests)?.allow(&seen)?;
            begin(tx, LEAVING, gone.clone())?;
            let_go(tx, &ours, &gone)
        });
        match begun.await? {
            Some(outcome) => self.conclude(peer, outcome).await,
            None => self.finish_letting_go(peer).await,
        }
    }

    async fn finish_letting_go(&self, peer: Provider) -> Result<(), Misuse> {
        let (ours, gone) = (self.ground.ours.clone(), peer.clone());
        let outcome = self.in_steps(move |tx| let_go(tx, &ours, &gone)).await?;
        self.conclude(peer, outcome).await
    }

    /// Has everything else go by what came of letting go of `peer`.
    async fn conclude(&self, peer: Provider, outcome: Outcome) -> Result<(), Misuse> {
        let others = match outcome {
            Outcome::Gone(others) => others,
            Outcome::Kept(losses) => return losses.allow(&losses.seen()),
        };
        if let Some(trusted) = others.trusted {
            TrustedCertificate::hold(trusted, &self.peers.outbound);
        }
        if let Some(allowed) = others.allowed {
            AllowedAddress::hold(allowed, &self.peers.outbound);
        }
        self.peers.documents.forget_of(&peer);
        // What was on its way has ended with that.
        self.forget_traffic_with(&peer).await;
        Ok(())
    }

    /// Ends all connections between people here and people at `peer`; each side is told, as far as it can be.
    ///
    /// # Errors
    ///
    /// It is ourselves, the store cannot write, or by this clock nothing can be signed.
    pub async fn end_connections(&self, peer: Provider) -> Result<(), Misuse> {
        self.is_another(&peer)?;
        self.consent.terms()?;
        let with = peer.clone();
        self.store.write(move |tx| Ok::<_, Misuse>(begin(tx, ENDING, with)?)).await?;
        self.finish_ending_connections(peer).await
    }

    async fn finish_ending_connections(&self, peer: Provider) -> Result<(), Misuse> {
        let terms = self.consent.terms()?;
        self.in_steps(move |tx| {
            if !is_begun(tx, ENDING, &peer)? {
                return Ok(Some(()));
            }
            for row in tx.approved_with::<Connection>(&peer, STEP)? {
                // One may have ended with another between the same two people.
                let now = tx.request::<Connection>(&row.peer, row.outgoing, row.id)?;
                if let Some(row) = now.filter(|row| row.state == ConnectionState::Approved) {
                    requests::decide(tx, &terms, row, Decision::End, DecidedBy::Operator)?;
                }
            }
            if !tx.approved_with::<Connection>(&peer, 1)?.is_empty() {
                return Ok(None);
            }
            end(tx, ENDING, &peer)?;
            Ok(Some(()))
        })
        .await
    }

    /// Goes on with what was begun with peers and cut off.
    pub(super) async fn go_on_with_peers(&self) -> Result<(), Misuse> {
        let read =
            |view: &View<'_>| Ok::<_, StoreFault>((read_list(view, ENDING)?, read_list(view, LEAVING)?));
        let (ending, leaving): (Vec<Provider>, Vec<Provider>) = self.store.read(read).await?;
        // What cannot be done with one of them holds up no other.
        for peer in ending {
            if let Err(fault) = self.finish_ending_connections(peer.clone()).await {
                tracing::error!(%fault, %peer, "not all connections with a peer are ended yet; it is tried again");
            }
        }
        for peer in leaving {
            match self.finish_letting_go(peer.clone()).await {
                Ok(()) => tracing::info!(%peer, "a peer that was let go of before is forgotten now"),
                Err(Misuse::Held(why)) => tracing::warn!(%peer, why, "a peer that was let go of is kept"),
                Err(fault) => {
                    tracing::error!(%fault, %peer, "a peer is not forgotten yet; it is tried again");
                }
            }
        }
        Ok(())
    }

    /// What is between two users here is kept under our own name, and is no peer's.
    fn is_another(&self, peer: &Provider) -> Result<(), Misuse> {
        if *peer == self.ground.ours {
            return Err(Misuse::Unfit("this is ourselves; name another provider".into()));
        }
        Ok(())
    }

    fn around(&self, peer: &Provider) -> Around {
        let answers = self.pulling(peer).is_some_and(|pulling| {
            pulling.failures == 0 && pulling.last_pull.is_some() && pulling.status == PullingStatus::Waiting
        });
        let now = self.ground.ambient.now();
        Around { strangers: self.consent.choices().strangers, answers, now }
    }

    async fn forget_traffic_with(&self, peer: &Provider) {
        if let Err(fault) = self.traffic().forget(peer).await {
            tracing::warn!(%fault, %peer, "the record of requests with a peer that is forgotten could not be emptied");
        }
    }
}

/// Keeps a peer that may have been begun to be let go of: the operator has decided on it anew.
pub(in crate::operator) fn keep(tx: &Tx<'_>, peer: &Provider) -> Result<(), StoreFault> {
    if is_begun(tx, LEAVING, peer)? { end(tx, LEAVING, peer) } else { Ok(()) }
}

/// Lets go of some of what is between people here and people of `peer`, and with the last of it of all else. Returns what came of it, once
/// that is so.
fn let_go(tx: &Tx<'_>, ours: &Provider, peer: &Provider) -> Result<Option<Outcome>, Misuse> {
    if !is_begun(tx, LEAVING, peer)? {
        if tx.peer(peer)?.is_some() {
            let text = format!("{peer} was decided on anew meanwhile, or has come back, and is kept");
            return Err(Misuse::Unfit(text));
        }
        // Whoever went on with it at the same time has done it.
        return Ok(Some(Outcome::Gone(Others::default())));
    }
    if let_go_of_peer::<Addition>(tx, ours, peer, STEP)?
        || let_go_of_peer::<Connection>(tx, ours, peer, STEP)?
    {
        return Ok(None);
    }
    end(tx, LEAVING, peer)?;
    let mut losses = Losses::default();
    holds(tx, ours, peer, &mut losses)?;
    if !losses.holds.is_empty() {
        return Ok(Some(Outcome::Kept(losses)));
    }
    for group in tx.groups_queued_for(peer)? {
        drop_queued(tx, &group)?;
    }
    tx.drop_feed(&Reader::Peer(peer.clone()))?;
    tx.forget_pulled(peer)?;
    tx.forget_trust_in(peer)?;
    let others = Others { trusted: forget(tx, peer)?, allowed: forget(tx, peer)? };
    tx.remove_peer(peer)?;
    Ok(Some(Outcome::Gone(others)))
}

fn losses(
    view: &View<'_>,
    ours: &Provider,
    peer: &Provider,
    around: Around,
    requests: &Requests,
) -> Result<Losses, Misuse> {
    let mut losses = Losses::default();
    let state = view.peer_state(peer)?;
    match state {
        PeerState::Unknown => {}
        PeerState::Pending => losses.lose_what("that it waits for your decision"),
        PeerState::Allowed => losses.lose_what("that it is let in, and which keys were accepted of it"),
        PeerState::Blocked => losses.lose_what("that it is blocked, and which keys were accepted of it"),
        PeerState::KeyChanged => losses.lose_what("which keys were accepted of it: it shows others now"),
    }
    losses.lose(
        requests.asked_there,
        None,
        "request of somebody here that waits for an answer there",
        "requests of people here that wait for an answer there",
    );
    losses.lose(
        requests.waiting_here,
        None,
        "request of somebody there that waits here",
        "requests of people there that wait here",
    );
    losses.lose(requests.over, None, "request that is over", "requests that are over");
    losses.lose_all(
        view.queued_for(peer)?,
        "submission that waits to be brought to it",
        "submissions that wait to be brought to it",
    );
    losses.lose(
        view.unfetched_by(&Reader::Peer(peer.clone()))?,
        None,
        "item in its feed that it has not fetched",
        "items in its feed that it has not fetched",
    );
    if view.cursor(peer)?.is_some() {
        losses.lose_what("how far its feed was fetched");
    }
    if is_allowed::<TrustedCertificate>(view, peer)? {
        losses.lose_what("the certificate that is trusted for it alone");
    }
    if is_allowed::<AllowedAddress>(view, peer)? {
        losses.lose_what("the private address that is allowed for it alone");
    }
    let [allowing, keeping_away] = view.count_rules_on(peer)?;
    losses.lose(
        allowing,
        None,
        "rule by which somebody there is let in without a click",
        "rules by which people there are let in without a click",
    );
    if losses.lost.is_empty() && view.troubles(peer)?.is_empty() {
        return Err(Misuse::NoSuchPeer(peer.clone()));
    }
    losses.lose_what("what went wrong with it, the record of the requests with it, and how they went");
    losses.keep(
        requests.owed,
        "end of a request or connection that it was not told: it is told if it is let in again within thirty days",
        "ends of requests or connections that it was not told: it is told if it is let in again within thirty days",
    );
    losses.keep(keeping_away, "rule that keeps somebody there away", "rules that keep people there away");
    let over = view.groups_owned(peer, Standing::Over)?.len() as u64;
    losses.keep(
        over,
        "copy of a group of its that is over: it is forgotten under Groups",
        "copies of groups of its that are over: they are forgotten under Groups",
    );
    holds(view, ours, peer, &mut losses)?;
    means(state, around, &mut losses);
    Ok(losses)
}

/// Requests between users here and users there, by what becomes of them.
#[derive(Default)]
struct Requests {
    asked_there: u64,
    waiting_here: u64,
    over: u64,
    owed: u64,
}

impl Requests {
    fn of(view: &View<'_>, peer: &Provider, now: Timestamp) -> Result<Self, StoreFault> {
        let mut requests = Self::default();
        requests.add::<Connection>(view, peer, now)?;
        requests.add::<Addition>(view, peer, now)?;
        Ok(requests)
    }

    fn add<K: Matters>(
        &mut self,
        view: &View<'_>,
        peer: &Provider,
        now: Timestamp,
    ) -> Result<(), StoreFault> {
        for row in view.requests_with::<K>(peer)? {
            let is_owed = is_owed(&row, now);
            match (row.is_open(), row.outgoing) {
                (true, true) => self.asked_there += 1,
                (true, false) => self.waiting_here += 1,
                // What still holds between people is no loss: it keeps the peer.
                _ if is_owed || K::matters(&row, now) => {}
                _ => self.over += 1,
            }
            // A connection that holds keeps the peer, and what it is told of its end comes with that.
            self.owed += u64::from(is_owed && row.state != ConnectionState::Approved);
        }
        Ok(())
    }
}

fn holds(view: &View<'_>, ours: &Provider, peer: &Provider, losses: &mut Losses) -> Result<(), StoreFault> {
    for row in view.groups_going_on_at(peer)? {
        let text = format!(
            "{peer} keeps the group {}, which is followed here: leave it, or forget that group first",
            named(view, &row)?
        );
        losses.holds.push(Hold { code: HoldCode::OwnsGroup, text, group: Some(row.uri) });
    }
    for row in view.groups_with(ours, peer)? {
        let text = format!(
            "people of {peer} are in the group {}, which is kept here: one of its admins removes them first",
            named(view, &row)?
        );
        losses.holds.push(Hold { code: HoldCode::InGroup, text, group: Some(row.uri) });
    }
    let connected = u64::from(view.count_connected_pairs_with(peer)?);
    if connected > 0 {
        let many = many(connected, "connection holds", "connections hold");
        let text = format!("{many} between people here and people of {peer}: end that first");
        losses.holds.push(Hold { code: HoldCode::Connected, text, group: None });
    }
    Ok(())
}

fn means(state: PeerState, around: Around, losses: &mut Losses) {
    if around.answers {
        losses
            .means
            .push("It answers now, so it is not gone: it will ask to be let in again at once.".into());
    }
    let comes_back = match around.strangers {
        Strangers::Ask => {
            "it is a stranger, waits for your decision, and whatever key it shows then is taken for its own"
        }
        Strangers::Open => {
            "it is a stranger, is let in at once, and whatever key it shows then is taken for its own"
        }
        Strangers::Listed => "it is a stranger, and is not let in unless you add it",
    };
    losses.means.push(format!("If it comes back, or somebody else under its name, {comes_back}."));
    if state == PeerState::Blocked {
        losses.means.push("It is not blocked any more then. To keep it away, leave it as it is.".into());
    }
}
