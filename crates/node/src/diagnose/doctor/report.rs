//! What the doctor tells: steps in order, each with what was seen and what it means.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;

use crate::peer_fault::{PeerFault, Stage};
use crate::readable::readable;
use crate::side::Side;
use crate::words::words;

words! {
    /// What a step looks at.
    StepName {
        /// The request to a peer to look at us.
        LookBack = "look-back",
        /// Whether the name is one that a provider can have.
        Name = "name",
        /// What is so on this side and keeps every other provider from it, where it is another that is looked at.
        ThisSide = "this-side",
        /// Whether our own store keeps what it is given, where it is ourselves who are looked at.
        Store = "store",
        /// How others come in by the router, where it is ourselves who are looked at.
        WayIn = "way-in",
        /// The addresses that the name leads to.
        Dns = "dns",
        /// Whether peers may be on those addresses.
        Addresses = "addresses",
        /// A connection to one address.
        Connect = "connect",
        /// The TLS handshake and the certificate at one address.
        Tls = "tls",
        /// What is at `/.well-known/mtp`.
        Document = "document",
        /// The keys in the document.
        Keys = "keys",
        /// Its clock against ours.
        Clock = "clock",
        /// A signed request and its signed answer.
        Ping = "ping",
        /// What the peer says of us.
        Seen = "seen",
        /// What each side has decided on the other.
        Peering = "peering",
        /// How much fits into a request.
        Limits = "limits",
        /// A pull of its feed.
        Pull = "pull",
        /// How our own pulls there go.
        OurPull = "our-pull",
        /// How its pulls here go.
        TheirPull = "their-pull",
    }
}

words! {
    /// What is said of a step.
    Verdict {
        /// All is well.
        Pass = "pass",
        /// It works, and something should be known or done.
        Warn = "warn",
        /// It does not work until somebody has decided.
        Wait = "wait",
        /// It does not work.
        Fail = "fail",
        /// It was not done.
        Skipped = "skipped",
    }
}

/// One thing that was seen at a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What it is, in a few words.
    pub what: &'static str,
    /// As a person reads it.
    pub value: String,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Which.
    pub name: StepName,
    /// The address or host that it is about, where there are several.
    pub at: Option<String>,
    /// Whether it is about the endpoint at another host than the provider's name.
    pub is_of_endpoint: bool,
    /// What is said of it.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
    /// One sentence: what was seen, or why the step was not done.
    pub text: String,
    /// A stable code of what is wrong; remedies hang on it. There is one exactly where the verdict is to warn, to wait or to fail.
    pub code: Option<Cow<'static, str>>,
    /// At which stage that is, for a code that has no remedy of its own.
    pub stage: Stage,
    /// Who has to act, where there is a code.
    pub side: Option<Side>,
    /// What was seen in particular.
    pub evidence: Vec<Evidence>,
}

impl Step {
    pub(super) fn new(name: StepName, verdict: Verdict, text: String) -> Self {
        Self {
            name,
            at: None,
            is_of_endpoint: false,
            verdict,
            took: Duration::ZERO,
            text: readable(&text),
            code: None,
            stage: name.stage(),
            side: None,
            evidence: Vec::new(),
        }
    }

    /// All is well: what was seen.
    pub(super) fn pass(name: StepName, text: impl Into<String>) -> Self {
        Self::new(name, Verdict::Pass, text.into())
    }

    /// It was not done: why.
    pub(super) fn skipped(name: StepName, text: impl Into<String>) -> Self {
        Self::new(name, Verdict::Skipped, text.into())
    }

    /// It works, and something should be known or done about it.
    pub(super) fn warn(name: StepName, code: &'static str, text: impl Into<String>) -> Self {
        let (code, side) = (Some(code.into()), Some(Side::of(code)));
        Self { code, side, ..Self::new(name, Verdict::Warn, text.into()) }
    }

    /// It does not work until somebody has decided.
    pub(super) fn wait(name: StepName, code: &'static str, text: impl Into<String>) -> Self {
        Self { verdict: Verdict::Wait, ..Self::warn(name, code, text) }
    }

    /// It does not work.
    pub(super) fn fail(name: StepName, fault: &PeerFault) -> Self {
        Self {
            code: Some(fault.code.clone()),
            stage: fault.stage,
            side: Some(Side::of(&fault.code)),
            ..Self::new(name, Verdict::Fail, fault.text.clone())
        }
    }

    /// The same, which does not keep the whole from working.
    pub(super) fn harmless(self) -> Self {
        match self.verdict {
            Verdict::Fail => Self { verdict: Verdict::Warn, ..self },
            _ => self,
        }
    }

    /// The same, about one of several.
    pub(super) fn at(self, place: impl Into<String>) -> Self {
        Self { at: Some(place.into()), ..self }
    }

    /// The same, for which that side has to act.
    pub(super) fn for_side(self, side: Side) -> Self {
        Self { side: Some(side), ..self }
    }

    /// The same, with what was seen.
    pub(super) fn seen(mut self, what: &'static str, value: impl Into<String>) -> Self {
        self.evidence.push(Evidence { what, value: readable(&value.into()) });
        self
    }

    /// The same, with all that was seen.
    pub(super) fn with(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    /// The same, which began then and ends now.
    pub(super) fn since(self, began: Instant) -> Self {
        Self { took: began.elapsed(), ..self }
    }

    /// Whether it is a warning of something without which the two do not reach each other, or not in both directions.
    fn is_missed(&self) -> bool {
        let is_needed = self.name == StepName::ThisSide
            || self
                .code
                .as_deref()
                .is_some_and(|code| matches!(code, "not-pulled" | "log-broken" | "log-forked"));
        self.verdict == Verdict::Warn && is_needed
    }

    /// Whether it went well enough to go on.
    pub(super) fn is_good(&self) -> bool {
        matches!(self.verdict, Verdict::Pass | Verdict::Warn)
    }
}

impl Evidence {
    pub(in crate::diagnose) fn new(what: &'static str, value: impl Into<String>) -> Self {
        Self { what, value: readable(&value.into()) }
    }
}

/// Who has to act at a step at which something is wrong, and what that is.
fn said_of(step: &Step) -> String {
    let who = match step.side {
        Some(Side::Ours) => "This side has to change something",
        Some(Side::Theirs) => "The operator of the other provider has to change something",
        Some(Side::Nobody) => "Nobody has to change anything: wait",
        Some(Side::Either) | None => "One of the two sides has to change something",
    };
    let whose = if step.is_of_endpoint { " of its endpoint, which its document names," } else { "" };
    let place = step.at.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
    let end = if step.text.ends_with(['.', '?']) { "" } else { "." };
    format!("{who}. At the step {}{whose}{place}: {}{end}", step.name, step.text)
}

impl StepName {
    fn stage(self) -> Stage {
        match self {
            Self::Name | Self::Dns => Stage::Dns,
            Self::Store => Stage::Store,
            Self::LookBack | Self::ThisSide | Self::Addresses | Self::Seen | Self::Peering => Stage::Policy,
            Self::Connect | Self::WayIn => Stage::Connect,
            Self::Tls => Stage::Tls,
            Self::Document | Self::Keys => Stage::Document,
            Self::Clock | Self::Ping => Stage::Signature,
            Self::Limits | Self::Pull | Self::OurPull | Self::TheirPull => Stage::Http,
        }
    }
}

/// A look at a provider, as far as it has come.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was asked to be looked at: a provider's name, as it was typed where it is none.
    pub provider: String,
    /// Whether that is ourselves, as others find us.
    pub is_own: bool,
    /// The peer that has looked, where it was not this node.
    pub seen_by: Option<Provider>,
    /// When it began.
    pub began: Timestamp,
    /// What was done so far.
    pub steps: Vec<Step>,
    /// Whether that is all.
    pub is_finished: bool,
    /// Whether it is finished since the node was stopped amid it.
    pub is_cut_short: bool,
}

impl Report {
    /// The worst that was found.
    pub fn verdict(&self) -> Verdict {
        let has = |verdict| self.steps.iter().any(|step| step.verdict == verdict);
        if has(Verdict::Fail) {
            Verdict::Fail
        } else if has(Verdict::Wait) {
            Verdict::Wait
        } else if has(Verdict::Warn) {
            Verdict::Warn
        } else {
            Verdict::Pass
        }
    }

    /// Whether nothing was found that is needed between the two and is not there.
    pub fn works(&self) -> bool {
        let is_well = matches!(self.verdict(), Verdict::Pass | Verdict::Warn);
        is_well && !self.steps.iter().any(Step::is_missed)
    }

    /// The steps that the verdict is about: all that are as bad as the worst.
    fn worst(&self) -> impl Iterator<Item = &Step> {
        let verdict = self.verdict();
        self.steps.iter().filter(move |step| step.code.is_some() && step.verdict == verdict)
    }

    /// A few sentences: what is wrong and who has to act, or that all is well.
    pub fn summary(&self) -> String {
        let worst: Vec<_> = self.worst().collect();
        match (self.verdict(), &worst[..]) {
            (Verdict::Fail, [first, others @ ..]) => {
                let others = others.iter().map(|step| format!(" Also: {}", said_of(step)));
                format!("{}{}", said_of(first), others.collect::<String>())
            }
            (Verdict::Wait, steps) => {
                // The peering, and the pulls that hang on it, wait for the same.
                let is_news = |(at, step): &(usize, &&Step)| steps[..*at].iter().all(|told| told.code != step.code);
                let waits = steps.iter().enumerate().filter(is_news).map(|(_, step)| *step);
                let missed = self.steps.iter().filter(|step| step.is_missed());
                let begin = if self.is_finished { "It does not work yet." } else { "A decision is missing so far." };
                waits.chain(missed).fold(begin.into(), |told, step| format!("{told} {}", said_of(step)))
            }
            (Verdict::Warn, steps) => {
                let begin = match (self.is_finished, steps.len()) {
                    (true, 1) if self.works() => "It works, with a warning.".into(),
                    (true, count) if self.works() => format!("It works, with {count} warnings."),
                    (true, 1) => "Not everything works.".into(),
                    (true, count) => format!("Not everything works, with {count} warnings."),
                    (false, 1) => "There is a warning so far.".into(),
                    (false, count) => format!("There are {count} warnings so far."),
                };
                steps.iter().fold(begin, |told, step| format!("{told} {}", said_of(step)))
            }
            _ if self.is_cut_short => "The node was stopped before everything was looked at.".into(),
            _ if !self.is_finished => "Nothing was found wrong so far.".into(),
            _ if self.seen_by.is_some() => "It finds this provider as it should be.".into(),
            _ if self.is_own => {
                "Everything that can be seen from here works. What others see, a peer that looks back can tell.".into()
            }
            _ if self.steps.iter().any(|step| step.verdict == Verdict::Skipped && step.name != StepName::Dns) => {
                format!("Everything that could be tried between this provider and {} works.", self.provider)
            }
            _ => format!("Everything between this provider and {} works.", self.provider),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(steps: Vec<Step>) -> Report {
        Report {
            provider: "b.example".into(),
            is_own: false,
            seen_by: None,
            began: Timestamp::from_secs(1),
            steps,
            is_finished: true,
            is_cut_short: false,
        }
    }

    #[test]
    fn works_is_said_only_where_nothing_that_is_needed_is_missed() {
        let waits =
            Step::wait(StepName::Peering, "peer-pending", "it waits for its operator's decision on us");
        let again = Step::wait(StepName::OurPull, "peer-pending", "we wait there");
        let ended = Step::warn(StepName::ThisSide, "certificate-expired", "our certificate ended")
            .for_side(Side::Ours);
        let slow = Step::warn(StepName::Ping, "slow", "it is slow");
        let told = report(vec![slow.clone(), waits, again, ended.clone()]);
        assert_eq!((told.verdict(), told.works()), (Verdict::Wait, false));
        assert_eq!(
            told.summary(),
            "It does not work yet. The operator of the other provider has to change something. At the step peering: it waits for \
             its operator's decision on us. This side has to change something. At the step this-side: our certificate ended."
        );
        let told = report(vec![slow.clone(), ended]);
        assert_eq!((told.verdict(), told.works()), (Verdict::Warn, false));
        assert!(told.summary().starts_with("Not everything works, with 2 warnings."), "{}", told.summary());
        assert!(report(vec![slow]).works());
    }

    #[test]
    fn the_summary_of_warnings_has_each_of_them_and_does_not_read_as_a_failure() {
        let slow = Step::warn(StepName::Ping, "slow", "it is slow");
        let off = Step::warn(StepName::Clock, "own-clock", "this computer's clock is wrong");
        assert_eq!(
            report(vec![slow.clone()]).summary(),
            "It works, with a warning. One of the two sides has to change something. At the step ping: it is slow."
        );
        let both = report(vec![slow, off]).summary();
        assert!(both.starts_with("It works, with 2 warnings."), "{both}");
        assert!(both.contains("it is slow.") && both.contains("this computer's clock is wrong."), "{both}");
    }
}
