//! Comparing our copy of a log with that of one other provider.

use std::time::{Duration, Instant};

use drawbridge_mtp::chain::Head;
use drawbridge_mtp::checkpoint::UnverifiedCheckpoint;
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::{Event, LogPage, PeerState};
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::time::Timestamp;

use super::report::{CopyVerdict, Finding, ShownCheckpoint, counted, more};
use crate::delivery::{
    Astray, Delivery, MOST_EVENTS, OtherLog, OtherStory, SignedCheckpoint, signed_of_ours,
};
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::Peers;
use crate::side::Side;
use crate::store::{GroupRow, KeptCheckpoint, Store, StoreFault};

/// The code of a trouble with one whose copy is another than ours without a signature that speaks for it.
pub(super) const LOG_DIFFERS: &str = "log-differs";

/// Our copy of a group's log, as it was when the comparison began, beside those of others.
pub(super) struct Copies<'a> {
    pub(super) delivery: &'a Delivery,
    pub(super) peers: &'a Peers,
    pub(super) store: &'a Store,
    pub(super) row: &'a GroupRow,
    /// When it began.
    pub(super) now: Timestamp,
}

/// Where two logs part.
struct Parting {
    /// The first event that is not the same.
    first: u64,
    /// The other log from there on up to what the owner has signed of it; none where it was not shown to lead there.
    events: Option<Vec<Event>>,
}

impl Copies<'_> {
    /// Compares with the owner: its log is what it signs.
    pub(super) async fn with_owner(&self) -> Finding {
        let began = Instant::now();
        let owner = self.row.owner();
        let finding = match self.ask_owner().await {
            Ok(finding) => finding,
            Err(fault) => self.unheard(owner, &fault).await,
        };
        Finding { is_owner: true, took: began.elapsed(), ..finding }
    }

    /// Compares with one who takes part, where that is let in here.
    pub(super) async fn with_participant(&self, provider: &Provider, state: PeerState) -> Finding {
        let began = Instant::now();
        let not_asked = match state {
            PeerState::Allowed => None,
            PeerState::KeyChanged => {
                let text = "it shows another key than the one that was accepted, so it is not asked until you have decided on that";
                let fault = PeerFault::new(Stage::Document, "key-changed", text);
                Some(Finding::wrong(CopyVerdict::NotAsked, provider, &fault, Side::Ours))
            }
            PeerState::Blocked => {
                let text = "you have blocked it, so it is not asked".to_owned();
                Some(Finding::new(CopyVerdict::NotAsked, provider, text))
            }
            PeerState::Pending | PeerState::Unknown => {
                let text = "it is not let in here, so it is not asked".to_owned();
                Some(Finding::new(CopyVerdict::NotAsked, provider, text))
            }
        };
        if let Some(finding) = not_asked {
            return finding;
        }
        let finding = match self.ask_participant(provider).await {
            Ok(finding) => finding,
            Err(fault) => self.unheard(provider, &fault).await,
        };
        Finding { took: began.elapsed(), ..finding }
    }

    /// What is wrong with what it says is kept as with any other answer; that it cannot be reached is for its puller to note.
    async fn unheard(&self, provider: &Provider, fault: &PeerFault) -> Finding {
        if fault.stage == Stage::Content {
            self.peers.note_trouble(provider, fault).await;
        }
        let finding = Finding::unheard(provider, fault);
        let offset = match fault.code.as_ref() {
            "clock-skew" | "signature-expired" => self.peers.board.clock(provider),
            _ => None,
        };
        let Some(offset) = offset else { return finding };
        let (side, others) = self.peers.board.whose_clock(provider, offset);
        let words = offset.words(Duration::ZERO);
        let text = format!("its clock is {words}, so neither takes what the other says; {others}");
        let code = if side == Side::Ours { "own-clock" } else { "clock-skew" };
        let fault = PeerFault::new(Stage::Signature, code, text);
        Finding::wrong(finding.verdict, provider, &fault, side)
    }

    async fn ask_owner(&self) -> Result<Finding, PeerFault> {
        let Self { delivery, row, .. } = self;
        let (owner, log) = (row.owner(), delivery.log_of_owner(row));
        let signed = delivery.in_time(delivery.checkpoint_of_owner(&row.uri)).await?;
        let end = Head { seq: signed.claims.seq, hash: signed.claims.hash };
        let before = delivery.hold_checkpoint(&row.uri, signed.kept.clone()).await.map_err(store_fault)?;
        let ours = log.ours(end.seq).await?;
        let finding = match (ours, before) {
            (Some(ours), _) if ours != end.hash => self.judge_owner(&log, &signed, end.seq).await?,
            (_, Some(seq)) => {
                let text = format!(
                    "it has signed two hashes of event {seq}: its log was forked. Both checkpoints are kept as evidence"
                );
                self.differs(owner, seq, &PeerFault::new(Stage::Store, "log-forked", text), Side::Theirs)
            }
            (Some(_), None) if row.head > end.seq => self.owner_behind(end.seq).await?,
            (Some(_), None) => Finding::new(
                CopyVerdict::Equal,
                owner,
                format!("it has signed what is here, up to event {}", end.seq),
            ),
            (None, None) if end.seq < row.first => self.owner_behind(end.seq).await?,
            (None, None) => self.catch_up(&log, &signed, end).await?,
        };
        Ok(Finding { checkpoint: Some(ShownCheckpoint::of(&signed, ours)), ..finding })
    }

    /// The owner signs less than what is here, which it has given us: its store is an older copy.
    async fn owner_behind(&self, seq: u64) -> Result<Finding, PeerFault> {
        let events = self.row.head - seq;
        let before = self.signed_of_ours(seq + 1).await?.filter(|kept| kept.seq > seq);
        let signed = match &before {
            Some(kept) => format!(", and it has signed event {} before", kept.seq),
            None => String::new(),
        };
        let text = format!(
            "what it signs ends with event {seq}, and {} here, which it has given{signed}: most likely its store is an older copy, and it has yet to read back what it lost",
            more(events)
        );
        let fault = PeerFault::new(Stage::Store, "owner-behind", text);
        let finding = Finding::wrong(CopyVerdict::Behind, self.row.owner(), &fault, Side::Theirs);
        Ok(finding.by(events))
    }

    /// The owner has signed more than is here: whether that is ours and more.
    async fn catch_up(
        &self,
        log: &OtherLog<'_>,
        signed: &SignedCheckpoint,
        end: Head,
    ) -> Result<Finding, PeerFault> {
        // It may have come meanwhile.
        let row = self.row_now().await?;
        let events = end.seq.saturating_sub(row.head);
        let behind = |how: &str| {
            let text = format!("it has signed {} more than there are here{how}", counted(events));
            Finding::new(CopyVerdict::Ahead, self.row.owner(), text).by(events)
        };
        match log.lead_to(row.head, row.hash, end, MOST_EVENTS).await {
            Ok(_) => Ok(behind(", behind what is here; they come with the next pulls")),
            Err(Astray::Fault(fault)) => Err(fault),
            Err(astray) => {
                let theirs = log.theirs(row.head).await?;
                if theirs.is_some() && theirs != row.hash {
                    return self.judge_owner(log, signed, row.head).await;
                }
                // A log that reaches as far as it is signed may be too long to be read now; one that does not is not what is signed.
                if let Astray::TooFar = astray
                    && log.page(row.head, 1).await?.head >= end.seq
                {
                    return Ok(behind("; as far as its log says, behind what is here"));
                }
                let text =
                    format!("it signs event {}, and the log that it shows does not lead there", end.seq);
                let fault = PeerFault::new(Stage::Content, "checkpoint-wrong", text);
                self.peers.note_trouble(self.row.owner(), &fault).await;
                Ok(Finding::wrong(CopyVerdict::Invalid, self.row.owner(), &fault, Side::Theirs))
            }
        }
    }

    /// The owner's log is another than ours at event `differs`: from where on, and what proves it.
    async fn judge_owner(
        &self,
        log: &OtherLog<'_>,
        signed: &SignedCheckpoint,
        differs: u64,
    ) -> Result<Finding, PeerFault> {
        let (owner, end) = (self.row.owner(), signed.claims.seq);
        // What it shows of its log counts where it leads to what it signs.
        let parting = self.find_parting(log, Some(signed), differs).await?;
        let (first, text) = match parting.events {
            Some(events) => {
                let before = self.raise(owner, parting.first, signed, events).await?;
                let text = match before.filter(|kept| kept.seq >= parting.first) {
                    Some(kept) => format!(
                        "from event {} on its log is another than the copy here, and it has signed both: up to event {} what is here, and up to event {end} the other. Both checkpoints are kept as evidence",
                        parting.first, kept.seq
                    ),
                    None => format!(
                        "from event {} on its log is another than the copy here, which it has given before. It has signed its log up to event {end}, which is kept as evidence; of the copy here, nothing that it has signed is at hand",
                        parting.first
                    ),
                };
                (parting.first, text)
            }
            None if differs == end => (
                end,
                format!(
                    "it has signed another event {end} than is here, and the log that it shows does not lead to what it signs. What proves it is kept"
                ),
            ),
            None => (
                parting.first,
                format!(
                    "as it shows its log, that is another than the copy here from event {} on; it was not shown to lead to what it has signed",
                    parting.first
                ),
            ),
        };
        Ok(self.differs(owner, first, &PeerFault::new(Stage::Store, "log-forked", text), Side::Theirs))
    }

    async fn ask_participant(&self, provider: &Provider) -> Result<Finding, PeerFault> {
        let Self { delivery, row, .. } = self;
        let (log, page) = delivery.log_of_participant(row, provider, row.head - 1).await?;
        let (mut signed, mut wrong, mut unread) = (None, None, None);
        if let Some(jws) = page.checkpoint.clone() {
            match delivery.read_checkpoint(&row.uri, jws.clone()).await {
                Ok(read) => signed = Some(read),
                Err(fault) if self.may_have_been_good(&jws, &fault) => unread = Some(fault),
                Err(fault) => wrong = Some(fault),
            }
        }
        let said = match &signed {
            Some(signed) => log.ours(signed.claims.seq).await?,
            None => None,
        };
        let finding = self.judge_participant(provider, &log, &page, signed.as_ref(), wrong.as_ref()).await?;
        let finding = match (&page.checkpoint, &wrong, finding.verdict) {
            (Some(jws), Some(fault), CopyVerdict::Different) if fault.code == "key-unknown" => {
                self.by_unknown_key(finding, jws)
            }
            _ => finding,
        };
        if !matches!(finding.verdict, CopyVerdict::Different | CopyVerdict::Invalid) {
            self.end_difference(provider).await;
        }
        let checkpoint = signed.as_ref().map(|signed| ShownCheckpoint::of(signed, said));
        let finding = Finding { checkpoint, ..finding }
            .seen("its copy begins with event", page.first.to_string())
            .seen("its copy ends with event", page.head.to_string());
        Ok(match unread {
            Some(fault) => {
                finding.seen("what it keeps of the owner's word", format!("cannot be verified: {fault}"))
            }
            None => finding,
        })
    }

    /// A copy that is another than ours, for which speaks what is signed by a key that is not the owner's as we know it. Either that
    /// is made up, or the owner shows others another key than us; which of the two, is not to be told from here.
    fn by_unknown_key(&self, finding: Finding, jws: &str) -> Finding {
        let checkpoint = UnverifiedCheckpoint::parse(jws);
        let told = checkpoint.map(|checkpoint| {
            let claims = checkpoint.unverified_claims();
            (checkpoint.kid().to_string(), format!("event {} has the hash {}", claims.seq, claims.hash))
        });
        let (key, says) = told.unwrap_or_default();
        let text = format!(
            "{}; for its copy speaks a checkpoint by a key that is not in the document that {} shows here: it is made up, or the owner shows others another key. Compare that key with what others see",
            finding.text,
            self.row.owner()
        );
        Finding { text, side: Some(Side::Either), ..finding }
            .seen("the key of the checkpoint that it shows", key)
            .seen("what that says", says)
    }

    /// Whether a checkpoint that cannot be verified may have been good all the same: the owner's keys are not at hand, or it has
    /// ended, so that its key need not be in the owner's document any more (section 3).
    fn may_have_been_good(&self, jws: &str, fault: &PeerFault) -> bool {
        let has_ended = || {
            let read = UnverifiedCheckpoint::parse(jws);
            read.is_ok_and(|checkpoint| checkpoint.unverified_claims().exp <= self.now.as_secs())
        };
        let is_at_hand = || self.is_ours() || self.peers.documents.remembered(self.row.owner()).is_some();
        fault.code == "key-unknown" && (has_ended() || !is_at_hand())
    }

    async fn judge_participant(
        &self,
        provider: &Provider,
        log: &OtherLog<'_>,
        page: &LogPage,
        signed: Option<&SignedCheckpoint>,
        wrong: Option<&PeerFault>,
    ) -> Result<Finding, PeerFault> {
        let row = self.row;
        // What it has of the owner's word is held against ours first: that needs nobody's word.
        let contradicted = match signed {
            Some(signed) => self.hold(provider, signed, log).await?,
            None => None,
        };
        if page.first > page.head {
            let text = format!("it says that its copy has events {} to {}", page.first, page.head);
            let fault = PeerFault::new(Stage::Content, "malformed", text);
            return Ok(Finding::wrong(CopyVerdict::Invalid, provider, &fault, Side::Theirs));
        }
        let both = row.head.min(page.head);
        if both < row.first.max(page.first) {
            if let Some(finding) = contradicted {
                return Ok(finding);
            }
            let text = format!(
                "its copy and what is here have no event in common: it has events {} to {}, and events {} to {} are here",
                page.first, page.head, row.first, row.head
            );
            let verdict = if page.head < row.head { CopyVerdict::Behind } else { CopyVerdict::Ahead };
            return Ok(Finding::new(verdict, provider, text).by(page.head.abs_diff(row.head)));
        }
        let shown = page.events.first().filter(|event| event.seq == both).map(Event::computed_hash);
        let theirs = match shown {
            Some(hash) => Some(hash),
            None => log.theirs(both).await?,
        };
        let Some(theirs) = theirs else {
            let text = format!(
                "it says that its copy ends with event {}, and does not show event {both}",
                page.head
            );
            let fault = PeerFault::new(Stage::Content, "malformed", text);
            return Ok(Finding::wrong(CopyVerdict::Invalid, provider, &fault, Side::Theirs));
        };
        if Some(theirs) != log.ours(both).await? {
            return self.judge_other_copy(provider, log, signed, both).await;
        }
        if let Some(finding) = contradicted {
            return Ok(finding);
        }
        if let Some(fault) = wrong {
            self.peers.note_trouble(provider, fault).await;
            let text = format!(
                "its copy is as it is here, but what it keeps of the owner's word is not in order: {fault}"
            );
            let finding = Finding::wrong(CopyVerdict::Invalid, provider, fault, Side::Theirs);
            return Ok(Finding { text, ..finding });
        }
        let now = self.row_now().await?.head;
        Ok(if page.head > now {
            let events = page.head - now;
            let text = format!("it has what is here and {} more, as it says", counted(events));
            Finding::new(CopyVerdict::Ahead, provider, text).by(events)
        } else if page.head < row.head {
            let events = row.head - page.head;
            let text =
                format!("it has what is here up to event {}, as it says; {} here", page.head, more(events));
            Finding::new(CopyVerdict::Behind, provider, text).by(events)
        } else {
            let text = format!("it has what is here, up to event {both}, as it says");
            Finding::new(CopyVerdict::Equal, provider, text)
        })
    }

    /// Holds what a participant keeps of the owner's word against what is here. Returns what is to be said where it contradicts.
    async fn hold(
        &self,
        provider: &Provider,
        signed: &SignedCheckpoint,
        log: &OtherLog<'_>,
    ) -> Result<Option<Finding>, PeerFault> {
        let (row, end) = (self.row, &signed.claims);
        if self.is_ours() {
            let differs = log.ours(end.seq).await?.is_some_and(|ours| ours != end.hash);
            if !differs || self.is_abandoned(end.seq, end.hash).await? {
                return Ok(None);
            }
            self.raise(provider, end.seq, signed, Vec::new()).await?;
            let text = format!(
                "it keeps a checkpoint of ours by which event {} is another than it is here",
                end.seq
            );
            let fault = PeerFault::new(Stage::Store, "own-log-forked", text);
            return Ok(Some(self.differs(provider, end.seq, &fault, Side::Ours)));
        }
        let found =
            self.delivery.hold_checkpoint(&row.uri, signed.kept.clone()).await.map_err(store_fault)?;
        Ok(found.map(|seq| {
            let text = format!(
                "it keeps a checkpoint of the owner's by which event {seq} is another than {} has signed or given here: the owner has told two stories. What proves it is kept",
                row.owner()
            );
            self.differs(provider, seq, &PeerFault::new(Stage::Store, "log-forked", text), Side::Theirs)
        }))
    }

    /// A participant's copy is another than what is here at event `differs`: from where on, and for which of the two a signature of
    /// the owner's speaks.
    async fn judge_other_copy(
        &self,
        provider: &Provider,
        log: &OtherLog<'_>,
        signed: Option<&SignedCheckpoint>,
        differs: u64,
    ) -> Result<Finding, PeerFault> {
        let Parting { first, events } = self.find_parting(log, signed, differs).await?;
        if let (Some(signed), Some(events)) = (signed, events) {
            if self.is_ours() && self.is_abandoned(signed.claims.seq, signed.claims.hash).await? {
                let text = format!(
                    "from event {first} on it has what was numbered here after a loss and does not count; it finds that out by itself"
                );
                let fault = PeerFault::new(Stage::Content, LOG_DIFFERS, text);
                return Ok(self.differs(provider, first, &fault, Side::Nobody));
            }
            let end = signed.claims.seq;
            self.raise(provider, first, signed, events).await?;
            let (fault, side) = if self.is_ours() {
                let text = format!(
                    "from event {first} on its copy is another than the log here, and our key has signed its copy up to event {end}: our store was an older copy and has gone on. What proves it is kept, and what it has is being read back"
                );
                (PeerFault::new(Stage::Store, "own-log-forked", text), Side::Ours)
            } else {
                let text = format!(
                    "from event {first} on its copy is another than the one here, and the owner has signed it up to event {end}: {} has told two stories. What proves it is kept",
                    self.row.owner()
                );
                (PeerFault::new(Stage::Store, "log-forked", text), Side::Theirs)
            };
            return Ok(self.differs(provider, first, &fault, side));
        }
        let ours = if self.is_ours() { None } else { self.signed_of_ours(first).await? };
        let holds_ours = match signed.map(|signed| &signed.claims).filter(|claims| claims.seq >= first) {
            Some(claims) => log.ours(claims.seq).await? == Some(claims.hash),
            None => false,
        };
        let (why, side) = if self.is_ours() && holds_ours {
            ("what it keeps of our word speaks for the log here".to_owned(), Side::Theirs)
        } else if self.is_ours() {
            let why = "nothing that we have signed tells which of the two is right: one of the two stores was restored, or its copy is made up";
            (why.to_owned(), Side::Either)
        } else if let Some(kept) = ours.filter(|kept| kept.seq >= first) {
            (format!("what the owner has signed, up to event {}, is what is here", kept.seq), Side::Theirs)
        } else {
            (
                "nothing at hand that the owner has signed tells which of the two is right".to_owned(),
                Side::Either,
            )
        };
        let text =
            format!("from event {first} on its copy of {} is another than it is here: {why}", self.row.uri);
        // Lasting, until a comparison finds otherwise.
        let fault = PeerFault::new(Stage::Store, LOG_DIFFERS, text);
        self.peers.note_trouble(provider, &fault).await;
        Ok(self.differs(provider, first, &fault, side))
    }

    /// Finds the first event that is not the same, where event `differs` is not; and whether the other log from there on leads to
    /// what was signed of it.
    async fn find_parting(
        &self,
        log: &OtherLog<'_>,
        signed: Option<&SignedCheckpoint>,
        differs: u64,
    ) -> Result<Parting, PeerFault> {
        let agreed = log.last_agreed(differs).await?;
        let first = agreed + 1;
        let (before, ours) = (log.ours(agreed).await?, log.ours(first).await?);
        let Some(claims) = signed.map(|signed| &signed.claims).filter(|claims| claims.seq >= first) else {
            return Ok(Parting { first, events: None });
        };
        let end = Head { seq: claims.seq, hash: claims.hash };
        match log.lead_to(agreed, before, end, MOST_EVENTS).await {
            Ok(events) => {
                let events = Some(events).filter(|events| events.first().map(|event| event.hash) != ours);
                Ok(Parting { first, events })
            }
            Err(Astray::Fault(fault)) => Err(fault),
            Err(Astray::TooFar | Astray::Elsewhere) => Ok(Parting { first, events: None }),
        }
    }

    /// Raises that the owner has signed another log than ours from event `first` on, which `provider` has shown.
    async fn raise(
        &self,
        provider: &Provider,
        first: u64,
        signed: &SignedCheckpoint,
        events: Vec<Event>,
    ) -> Result<Option<KeptCheckpoint>, PeerFault> {
        let hash = events.first().map_or(signed.claims.hash, |event| event.hash);
        let said = KeptCheckpoint { seq: first, hash, ..signed.kept.clone() };
        let other = OtherStory { said, events };
        let raised = self.delivery.keep_other_story(&self.row.uri, provider, other);
        raised.await.map_err(store_fault)
    }

    fn differs(&self, provider: &Provider, first: u64, fault: &PeerFault, side: Side) -> Finding {
        let finding = Finding::wrong(CopyVerdict::Different, provider, fault, side);
        Finding { differs_from: Some(first), ..finding }
    }

    fn is_ours(&self) -> bool {
        self.delivery.owns(&self.row.uri)
    }

    async fn row_now(&self) -> Result<GroupRow, PeerFault> {
        let uri = self.row.uri.clone();
        let row = self.store.read(move |view| view.group(&uri)).await.map_err(store_fault)?;
        Ok(row.unwrap_or_else(|| self.row.clone()))
    }

    /// What the owner has signed of our copy, where it can be had of event `seq` or a later one.
    async fn signed_of_ours(&self, seq: u64) -> Result<Option<KeptCheckpoint>, PeerFault> {
        let row = self.row.clone();
        self.store.read(move |view| signed_of_ours(view, &row, seq)).await.map_err(store_fault)
    }

    /// Whether that event of ours is known not to count.
    async fn is_abandoned(&self, seq: u64, hash: Hash32) -> Result<bool, PeerFault> {
        let id = self.row.id;
        self.store.read(move |view| view.is_abandoned(id, seq, &hash)).await.map_err(store_fault)
    }

    /// Its copy of this group is as it should be: what was said of it before is over.
    async fn end_difference(&self, provider: &Provider) {
        let uri = self.row.uri.to_string();
        let is_noted = self.store.glance(|view| {
            let of_it = |code: &str, text: &str| code == LOG_DIFFERS && text.contains(&uri);
            let troubles = view.troubles(provider)?;
            Ok::<_, StoreFault>(troubles.iter().any(|it| !it.over && of_it(&it.code, &it.text)))
        });
        if is_noted.unwrap_or(false) {
            self.peers.end_trouble(provider, LOG_DIFFERS).await;
        }
    }
}

fn store_fault(fault: StoreFault) -> PeerFault {
    PeerFault::new(Stage::Store, "unavailable", fault.to_string())
}
