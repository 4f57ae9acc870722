//! The log of a group as another provider has it, beside ours: where the two part, and whether what it has leads to what was signed.

use drawbridge_mtp::chain::Head;
use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::message::{Event, LogPage, LogQuery};
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::problem::Code;

use super::Delivery;
use super::follower::intake::store_fault;
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::Ask;
use crate::store::GroupRow;

/// The log of a group at another provider.
pub(crate) struct OtherLog<'a> {
    delivery: &'a Delivery,
    /// The group as it stands here.
    row: &'a GroupRow,
    /// Who is asked.
    provider: &'a Provider,
    /// What the group is called there.
    name: String,
}

impl Delivery {
    /// The log of a group at its owner.
    pub(crate) fn log_of_owner<'a>(&'a self, row: &'a GroupRow) -> OtherLog<'a> {
        OtherLog { delivery: self, row, provider: row.owner(), name: row.uri.name().to_string() }
    }

    /// The log of a group at one who takes part in it, and its first page behind `after`. The name says whose group is meant,
    /// where that is understood.
    ///
    /// # Errors
    ///
    /// What it has answered, or has not.
    pub(crate) async fn log_of_participant<'a>(
        &'a self,
        row: &'a GroupRow,
        provider: &'a Provider,
        after: u64,
    ) -> Result<(OtherLog<'a>, LogPage), PeerFault> {
        let log = OtherLog { delivery: self, row, provider, name: name_at(&row.uri, provider) };
        match log.page(after, 1).await {
            Err(fault) if fault.is(Code::NotFound) => {
                let log = OtherLog { name: row.uri.name().to_string(), ..log };
                let page = log.page(after, 1).await?;
                Ok((log, page))
            }
            page => page.map(|page| (log, page)),
        }
    }
}

/// What `group` is called in the paths of `provider`: of a group that is not its own, the name says whose it is.
pub(crate) fn name_at(group: &GroupUri, provider: &Provider) -> String {
    if group.provider() == provider {
        return group.name().to_string();
    }
    let owner = group.provider().as_str().replace('[', "%5B").replace(']', "%5D");
    format!("{}@{owner}", group.name())
}

/// Why the events of a log do not lead to what was signed.
pub(crate) enum Astray {
    /// There are more than were to be read.
    TooFar,
    /// They do not follow each other, or lead elsewhere.
    Elsewhere,
    /// They could not be had.
    Fault(PeerFault),
}

impl OtherLog<'_> {
    /// Its events behind `after`, at most so many.
    pub(crate) async fn page(&self, after: u64, max_events: u64) -> Result<LogPage, PeerFault> {
        let query = LogQuery { after, max_events: Some(max_events), ..LogQuery::default() };
        let resource = format!("/groups/{}/log?{}", self.name, query.to_query());
        let answer =
            self.delivery.in_time(self.delivery.peers.call(self.provider, Ask::get(resource))).await?;
        let group = &self.row.uri;
        let page: LogPage = answer.message().map_err(|fault| malformed(group, &fault))?;
        match page.events.iter().find(|event| event.group != *group) {
            Some(event) => {
                let text = format!("its log of {group} has an event of {}", event.group);
                Err(PeerFault::new(Stage::Content, "malformed", text))
            }
            None => Ok(page),
        }
    }

    /// The hash of its event `seq`, by what is in it; none where it does not have that.
    pub(crate) async fn theirs(&self, seq: u64) -> Result<Option<Hash32>, PeerFault> {
        let page = self.page(seq.saturating_sub(1), 1).await?;
        Ok(page.events.first().filter(|event| event.seq == seq).map(Event::computed_hash))
    }

    /// The hash of our event `seq`; none where it is not here.
    pub(crate) async fn ours(&self, seq: u64) -> Result<Option<Hash32>, PeerFault> {
        let id = self.row.id;
        self.delivery.store.read(move |view| view.event_hash(id, seq)).await.map_err(store_fault)
    }

    /// The last event of which both say the same, before `differs`; the number before our first where there is none. It asks
    /// once for each time that the distance can be halved.
    pub(crate) async fn last_agreed(&self, differs: u64) -> Result<u64, PeerFault> {
        let (mut agreed, mut differs) = (self.row.first - 1, differs);
        while differs - agreed > 1 {
            let middle = agreed.midpoint(differs);
            if self.theirs(middle).await? == self.ours(middle).await? {
                agreed = middle;
            } else {
                differs = middle;
            }
        }
        Ok(agreed)
    }

    /// Its events behind `after`, without bodies, as far as they lead to `end`, each following the one before; at most `most`.
    /// The first follows the event `after` where its hash is given.
    pub(crate) async fn lead_to(
        &self,
        after: u64,
        hash: Option<Hash32>,
        end: Head,
        most: u64,
    ) -> Result<Vec<Event>, Astray> {
        if end.seq.saturating_sub(after) > most {
            return Err(Astray::TooFar);
        }
        let mut head = hash.map(|hash| Head { seq: after, hash });
        let mut events: Vec<Event> = Vec::new();
        loop {
            let last = events.last().map_or(after, |event| event.seq);
            if last >= end.seq {
                break;
            }
            let page = self.page(last, end.seq - last).await.map_err(Astray::Fault)?;
            if page.events.first().is_none_or(|event| event.seq > end.seq) {
                return Err(Astray::Elsewhere);
            }
            for mut event in page.events.into_iter().take_while(|event| event.seq <= end.seq) {
                event.body = None;
                let before = head.unwrap_or(Head { seq: after, hash: event.prev });
                let followed = event.follow(&self.row.uri, &before).map_err(|_| Astray::Elsewhere)?;
                head = Some(followed.head());
                events.push(followed.into_event());
                if events.len() as u64 > most {
                    return Err(Astray::TooFar);
                }
            }
        }
        if head == Some(end) { Ok(events) } else { Err(Astray::Elsewhere) }
    }
}

/// A fault of an answer about a group.
pub(crate) fn malformed(group: &GroupUri, fault: &dyn std::fmt::Display) -> PeerFault {
    PeerFault::new(Stage::Content, "malformed", format!("its answer on {group}: {fault}"))
}
