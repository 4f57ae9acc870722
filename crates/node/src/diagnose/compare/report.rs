//! What a comparison tells: for each provider asked, whether its log of the group is ours.

use std::borrow::Cow;
use std::time::Duration;

use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::problem::Code;
use drawbridge_mtp::time::Timestamp;

use super::super::doctor::Evidence;
use super::super::reports::Growing;
use crate::delivery::SignedCheckpoint;
use crate::peer_fault::{PeerFault, Stage};
use crate::readable::readable;
use crate::side::Side;
use crate::words::words;

words! {
    /// How somebody else's copy of a log stands to ours.
    CopyVerdict {
        /// Both have the same events.
        Equal = "equal",
        /// The other is behind: we have what it has, and more.
        Behind = "behind",
        /// The other is ahead: it has what we have, and more.
        Ahead = "ahead",
        /// From some event on the two are not the same.
        Different = "different",
        /// What it signs or shows is not in order, so it cannot be compared.
        Invalid = "invalid",
        /// It has answered that it does not tell us.
        Refused = "refused",
        /// It asks to be asked later.
        Waits = "waits",
        /// It could not be reached, or what was answered in its name cannot be taken for its answer.
        Unanswered = "unanswered",
        /// It was not asked.
        NotAsked = "not-asked",
    }
}

/// A comparison of our copy of a group's log with those of others, as far as it has come.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The group.
    pub group: GroupUri,
    /// Whether we own it, so that ours is the log and the others have copies.
    pub is_ours: bool,
    /// The number of the last event here when it began.
    pub head: u64,
    /// The hash of that event.
    pub hash: Hash32,
    /// When it began.
    pub began: Timestamp,
    /// One for each provider, in the order in which they were done.
    pub findings: Vec<Finding>,
    /// How many providers are asked or have been.
    pub providers: usize,
    /// Whether that is all.
    pub is_finished: bool,
    /// Whether it is finished since the node was stopped amid it.
    pub is_cut_short: bool,
}

/// What was found at one provider.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which.
    pub provider: Provider,
    /// Whether it owns the group.
    pub is_owner: bool,
    /// How its copy stands to ours.
    pub verdict: CopyVerdict,
    /// By how many events its copy is behind or ahead.
    pub events: Option<u64>,
    /// The first event that is not the same.
    pub differs_from: Option<u64>,
    /// One sentence: what was found.
    pub text: String,
    /// A stable code of what is wrong; remedies hang on it.
    pub code: Option<Cow<'static, str>>,
    /// At which stage that is, for a code that has no remedy of its own.
    pub stage: Stage,
    /// Who has to act, where there is a code.
    pub side: Option<Side>,
    /// How long it took.
    pub took: Duration,
    /// What the owner has signed that this provider has shown; its signature is good.
    pub checkpoint: Option<ShownCheckpoint>,
    /// What was seen in particular.
    pub evidence: Vec<Evidence>,
}

/// A checkpoint that the owner has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownCheckpoint {
    /// The number of the last event that it covers.
    pub seq: u64,
    /// The hash of that event.
    pub hash: Hash32,
    /// When it was signed, by the owner's clock.
    pub signed: Timestamp,
    /// The thumbprint of the key that has signed it.
    pub key: Thumbprint,
    /// Whether our copy has that hash there; none where we do not have the event.
    pub agrees: Option<bool>,
}

impl ShownCheckpoint {
    pub(super) fn of(signed: &SignedCheckpoint, ours: Option<Hash32>) -> Self {
        let SignedCheckpoint { claims, kid, .. } = signed;
        Self {
            seq: claims.seq,
            hash: claims.hash,
            signed: Timestamp::from_secs(claims.iat),
            key: *kid,
            agrees: ours.map(|ours| ours == claims.hash),
        }
    }
}

impl Finding {
    pub(super) fn new(verdict: CopyVerdict, provider: &Provider, text: String) -> Self {
        Self {
            provider: provider.clone(),
            is_owner: false,
            verdict,
            events: None,
            differs_from: None,
            text: readable(&text),
            code: None,
            stage: Stage::Content,
            side: None,
            took: Duration::ZERO,
            checkpoint: None,
            evidence: Vec::new(),
        }
    }

    /// What is wrong, with who has to act.
    pub(super) fn wrong(verdict: CopyVerdict, provider: &Provider, fault: &PeerFault, side: Side) -> Self {
        Self {
            code: Some(fault.code.clone()),
            stage: fault.stage,
            side: Some(side),
            ..Self::new(verdict, provider, fault.text.clone())
        }
    }

    /// It has not told what it was asked for. That it waits, is away or does not want to is another thing than a difference.
    pub(super) fn unheard(provider: &Provider, fault: &PeerFault) -> Self {
        let waits = [Code::RateLimited, Code::Unavailable, Code::PeerPending];
        // Nothing of its log was seen, so nothing is wrong with that.
        let is_unproved = matches!(fault.stage, Stage::Document | Stage::Http)
            || matches!(
                fault.code.as_ref(),
                "clock-skew"
                    | "signature-expired"
                    | "signature-invalid"
                    | "signature-missing"
                    | "digest-mismatch"
                    | "response-unsigned"
                    | "other-responder"
                    | "path-changed"
            );
        let verdict = if waits.into_iter().any(|code| fault.is(code)) {
            CopyVerdict::Waits
        } else if fault.is_absence() {
            CopyVerdict::Unanswered
        } else if matches!(fault.code.as_ref(), "not-asked" | "key-changed") {
            CopyVerdict::NotAsked
        } else if is_unproved && fault.problem.is_none() {
            CopyVerdict::Unanswered
        } else if fault.problem.is_some() {
            CopyVerdict::Refused
        } else {
            CopyVerdict::Invalid
        };
        Self::wrong(verdict, provider, fault, Side::of(&fault.code))
    }

    /// The same, about so many events.
    pub(super) fn by(self, events: u64) -> Self {
        Self { events: Some(events), ..self }
    }

    /// The same, with what was seen.
    pub(super) fn seen(mut self, what: &'static str, value: impl Into<String>) -> Self {
        self.evidence.push(Evidence::new(what, value));
        self
    }
}

impl Growing for Comparison {
    fn steps(&self) -> usize {
        self.findings.len()
    }

    fn is_finished(&self) -> bool {
        self.is_finished
    }

    fn cut_short(self) -> Self {
        Self { is_finished: true, is_cut_short: true, ..self }
    }
}

/// The worst first.
const BY_WEIGHT: [CopyVerdict; 9] = [
    CopyVerdict::Different,
    CopyVerdict::Invalid,
    CopyVerdict::Behind,
    CopyVerdict::Refused,
    CopyVerdict::Unanswered,
    CopyVerdict::Waits,
    CopyVerdict::Ahead,
    CopyVerdict::NotAsked,
    CopyVerdict::Equal,
];

impl Comparison {
    /// The worst that was found; none where nothing was yet.
    pub fn verdict(&self) -> Option<CopyVerdict> {
        BY_WEIGHT.into_iter().find(|verdict| self.findings.iter().any(|finding| finding.verdict == *verdict))
    }

    /// What was found, in one or two sentences.
    pub fn summary(&self) -> String {
        let here = if self.is_ours { "The log here" } else { "The copy here" };
        let with = |verdict| self.findings.iter().filter(move |finding| finding.verdict == verdict);
        let said =
            |finding: &Finding| format!("{}: {}.", finding.provider, finding.text.trim_end_matches('.'));
        let worst = [CopyVerdict::Different, CopyVerdict::Invalid].into_iter().find_map(|it| with(it).next());
        if let Some(finding) = worst {
            return said(finding);
        }
        if self.providers == 0 {
            return "Nobody else takes part in this group, so there is nothing to compare with.".into();
        }
        if self.is_cut_short {
            return "The node was stopped before everybody was asked.".into();
        }
        if !self.is_finished {
            return "Nothing was found to differ so far.".into();
        }
        if let Some(finding) = with(CopyVerdict::Behind).find(|finding| finding.is_owner) {
            return said(finding);
        }
        let missing: usize =
            [CopyVerdict::Refused, CopyVerdict::Unanswered, CopyVerdict::Waits, CopyVerdict::NotAsked]
                .into_iter()
                .map(|verdict| with(verdict).count())
                .sum();
        let heard = self.findings.len() - missing;
        if heard == 0 {
            return "Nobody has told of its log, so nothing was compared.".into();
        }
        let others = if missing == 0 {
            String::new()
        } else {
            format!(" {missing} of {} {} told nothing.", self.findings.len(), has(missing))
        };
        let missed = with(CopyVerdict::Ahead).filter_map(|finding| finding.events).max();
        let late = with(CopyVerdict::Behind).count();
        let told = match (missed, late) {
            (Some(events), _) => format!(
                "{here} is {} behind and otherwise the same: what is missing comes with the next pulls.",
                counted(events)
            ),
            (None, 0) => format!("{here} is the same as that of {}.", providers(heard)),
            (None, late) => format!(
                "{here} is the same as that of {}; {late} of them {} not fetched all of it yet.",
                providers(heard),
                has(late)
            ),
        };
        format!("{told}{others}")
    }
}

fn has(count: usize) -> &'static str {
    if count == 1 { "has" } else { "have" }
}

fn providers(count: usize) -> String {
    if count == 1 {
        "the provider that has answered".into()
    } else {
        format!("all {count} providers that have answered")
    }
}

/// That there are so many more, in words, and that they are there.
pub(super) fn more(events: u64) -> String {
    if events == 1 { "1 event more is".into() } else { format!("{events} events more are") }
}

/// Some events, in words.
pub(super) fn counted(events: u64) -> String {
    format!("{events} event{}", if events == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_not_taken_is_told_from_a_log_that_is_not_in_order() {
        let peer = "b.example".parse().unwrap();
        for (stage, code, verdict) in [
            (Stage::Signature, "clock-skew", CopyVerdict::Unanswered),
            (Stage::Signature, "response-unsigned", CopyVerdict::Unanswered),
            (Stage::Document, "document-missing", CopyVerdict::Unanswered),
            (Stage::Document, "key-changed", CopyVerdict::NotAsked),
            (Stage::Content, "checkpoint-wrong", CopyVerdict::Invalid),
            (Stage::Signature, "key-unknown", CopyVerdict::Invalid),
        ] {
            let finding = Finding::unheard(&peer, &PeerFault::new(stage, code, "why"));
            assert_eq!(finding.verdict, verdict, "{code}");
        }
    }

    #[test]
    fn one_event_more_is_and_two_are() {
        assert_eq!((more(1).as_str(), more(2).as_str()), ("1 event more is", "2 events more are"));
    }
}
