//! How it goes with a peer, in one judgement: a word for programs and a sentence for people, so that every screen, script and
//! notification says the same.

use std::time::Duration;

use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::time::Timestamp;

use super::directions::{OurPull, TheirPull};
use crate::peers::{PullingStatus, SLOW_FROM};
use crate::readable::{capital, lasting};
use crate::side::Side;
use crate::store::{StoreTrouble, TroubleRow};
use crate::words::words;

/// A peer that pulls asks again at once, and a restart takes it less than this.
pub(crate) const PULLED_WITHIN: Duration = Duration::from_secs(90);

/// What has failed for less than this is not said to have lasted.
const A_MOMENT: Duration = Duration::from_secs(10);

words! {
    /// How it goes with a peer. The first that applies is said.
    StandingCode {
        /// It shows another key than those accepted.
        KeyChanged = "key-changed",
        /// Our operator has blocked it.
        Blocked = "blocked",
        /// It waits for our operator's decision.
        WaitsHere = "waits-here",
        /// Nothing was decided on it.
        Unmet = "unmet",
        /// Its operator has blocked us.
        BlocksUs = "blocks-us",
        /// Our operator lets our pulls there rest.
        Paused = "paused",
        /// Our pulls there fail.
        Failing = "failing",
        /// We wait for its operator's decision.
        WaitsThere = "waits-there",
        /// Its pulls come here and are refused.
        Refused = "refused",
        /// It does not fetch what is there for it.
        NotFetched = "not-fetched",
        /// It does not come here for news, and nothing waits for it.
        NotPulled = "not-pulled",
        /// It is reached, and something goes wrong with it all the same.
        Troubled = "troubled",
        /// Nothing is exchanged with it at the moment.
        Quiet = "quiet",
        /// Both pull each other.
        Well = "well",
    }
}

/// How it goes with a peer.
#[derive(Clone, Debug)]
pub struct PeerStanding {
    /// The word for it.
    pub code: StandingCode,
    /// One sentence, or two.
    pub text: String,
    /// Who has to act, where somebody has.
    pub side: Option<Side>,
    /// Whether and when it would be tried now, and why not: one sentence.
    pub next: String,
    /// Where our requests there fail, why: half a sentence.
    pub why: Option<String>,
    /// Since when what is said of it is so, where that is known.
    pub since: Option<Timestamp>,
    /// Whose clock is wrong, where that is the trouble and others tell: half a sentence.
    pub clock: Option<String>,
}

/// What is known of a peer that the judgement hangs on.
#[derive(Clone)]
pub(super) struct Facts<'a> {
    pub(super) state: PeerState,
    pub(super) their_state: Option<PeerState>,
    pub(super) ours: &'a OurPull,
    pub(super) theirs: &'a TheirPull,
    /// Submissions of our users' clients that wait to be brought to it.
    pub(super) outbox: u64,
    /// Pairs of users that are connected with users there.
    pub(super) connections: u32,
    /// Our judgement holds since then.
    pub(super) since: Timestamp,
    /// Whether it was reached at any time, so that its name is right.
    pub(super) is_met: bool,
    /// The newest trouble that goes on.
    pub(super) trouble: Option<&'a TroubleRow>,
    /// Whose clock is wrong, and why, where that is the trouble.
    pub(super) clock: Option<(Side, String)>,
    /// Why a group that it owns is broken here, where one is.
    pub(super) broken: Option<&'a str>,
    /// What keeps every other provider from this one, where something does: one sentence.
    pub(super) keeps_out: Option<&'a str>,
    /// What our store cannot do at the moment.
    pub(super) own_store: Option<StoreTrouble>,
    pub(super) now: Timestamp,
    /// When this node was started: who was away meanwhile has not failed to come.
    pub(super) started: Timestamp,
}

impl PeerStanding {
    pub(super) fn of(facts: &Facts<'_>) -> Self {
        let (code, side, text) = judge(facts);
        let (why, since) = match code {
            StandingCode::Failing => why_failing(facts),
            StandingCode::NotFetched => (None, facts.theirs.lag.map(|lag| facts.now.minus(lag))),
            StandingCode::NotPulled => (None, Some(seen(facts))),
            StandingCode::KeyChanged => (None, Some(facts.since)),
            StandingCode::Troubled => (None, facts.trouble.map(|trouble| trouble.first)),
            _ => (None, None),
        };
        let clock = facts.clock.as_ref().map(|(_, clock)| clock.clone());
        Self { code, text, side, next: next_try(facts), why, since, clock }
    }
}

fn judge(facts: &Facts<'_>) -> (StandingCode, Option<Side>, String) {
    use StandingCode as C;
    let Facts { ours, theirs, now, .. } = *facts;
    let refused_here = || {
        let refused = theirs.refused.as_ref()?;
        Some((C::Refused, Some(refused.side), format!("{}.", capital(&refused.fault.text))))
    };
    match facts.state {
        PeerState::KeyChanged => {
            let text = "It shows a key that was not accepted, so nothing is exchanged with it until you have decided on that";
            return (C::KeyChanged, Some(Side::Ours), format!("{text}."));
        }
        PeerState::Blocked => {
            return (C::Blocked, None, "You have blocked it, so nothing is exchanged with it.".into());
        }
        PeerState::Pending => {
            return (C::WaitsHere, Some(Side::Ours), "It waits for your decision on it.".into());
        }
        PeerState::Unknown => return (C::Unmet, None, "Nothing was exchanged with it so far.".into()),
        PeerState::Allowed => {}
    }
    if facts.their_state == Some(PeerState::Blocked) {
        return (C::BlocksUs, Some(Side::Theirs), "Its operator has blocked this provider.".into());
    }
    if ours.status == PullingStatus::Paused {
        return (
            C::Paused,
            Some(Side::Ours),
            "You let our pulls there rest, so nothing of it comes here.".into(),
        );
    }
    if (ours.status == PullingStatus::BackingOff || ours.failures > 0)
        && let Some(StoreTrouble { text, .. }) = &facts.own_store
    {
        let text = format!("Nothing of it can be kept here, since this provider's own store fails: {text}.");
        return (C::Failing, Some(Side::Ours), text);
    }
    if ours.status == PullingStatus::BackingOff || ours.failures > 0 {
        let (why, since) = why_failing(facts);
        let why = why.map(|why| format!(": {why}"));
        let long = now.since(since.unwrap_or(ours.since));
        // Whoever's pulls are refused here has most often just refused one of ours for the same, and the refusal is what is known.
        if long < A_MOMENT
            && let Some(refused) = refused_here()
        {
            return refused;
        }
        let text = if long < A_MOMENT {
            format!("Our requests there fail{}.", why.unwrap_or_default())
        } else {
            let long = lasting(long);
            let why = why.unwrap_or_default();
            let other_way = the_other_way(theirs, facts.outbox, now);
            format!("Nothing of it has come here for {long}{why}. {other_way}")
        };
        let of = if facts.is_met { Side::of } else { Side::of_unreached };
        let side = facts.trouble.map_or(Side::Either, |trouble| of(&trouble.code));
        let side = facts.clock.as_ref().map_or(side, |(side, _)| *side);
        return (C::Failing, Some(side), text);
    }
    if ours.status == PullingStatus::Introducing || facts.their_state == Some(PeerState::Pending) {
        let text = "This provider waits for the decision of its operator.";
        return (C::WaitsThere, Some(Side::Nobody), text.into());
    }
    if let Some(refused) = refused_here() {
        return refused;
    }
    let is_away = !theirs.waiting && now.since(seen(facts)) > PULLED_WITHIN;
    // Where this node keeps all from coming, that is why, and its operator has to act.
    let away = |side, what: &str| match facts.keeps_out {
        Some(why) => (Some(Side::Ours), format!("{what}. {why}")),
        None => (Some(side), format!("{what}: it is away, or cannot reach this provider.")),
    };
    if let Some(lag) = theirs.lag.filter(|_| is_away) {
        let waiting = theirs.head.saturating_sub(theirs.acknowledged);
        let text = format!(
            "{waiting} {} for it here, the oldest for {}, and it does not fetch {}",
            if waiting == 1 { "item waits" } else { "items wait" },
            lasting(lag),
            if waiting == 1 { "it" } else { "them" },
        );
        let (side, text) = away(Side::Theirs, &text);
        return (C::NotFetched, side, text);
    }
    if is_away && is_expected(facts) {
        let long = lasting(now.since(seen(facts)));
        let (side, text) = away(Side::Either, &format!("It has not come here for news for {long}"));
        return (C::NotPulled, side, text);
    }
    if let Some((side, what)) = what_goes_wrong(facts) {
        let text = format!("It is reached, but something is wrong: {}.", what.trim_end_matches('.'));
        return (C::Troubled, Some(side), text);
    }
    if ours.status == PullingStatus::Idle && !theirs.waiting {
        return (C::Quiet, None, "Nothing is exchanged with it at the moment, and nothing waits.".into());
    }
    let text = match (ours.status, theirs.waiting) {
        (PullingStatus::Idle, true) => "It pulls from here, and nothing is expected from there.",
        (_, true) => "Each pulls from the other, as it should be.",
        (_, false) => "Our pulls there are answered, and nothing waits here for it.",
    };
    (C::Well, None, text.into())
}

/// Why our requests there fail, and since when, by our own store or the trouble that they meet.
fn why_failing(facts: &Facts<'_>) -> (Option<String>, Option<Timestamp>) {
    if let Some(StoreTrouble { text, since, .. }) = &facts.own_store {
        return (Some(format!("this provider's own store fails: {text}")), Some(*since));
    }
    let Some(trouble) = facts.trouble else { return (None, None) };
    let clock = facts.clock.as_ref().map_or_else(String::new, |(_, clock)| format!("; {clock}"));
    (Some(format!("{}{clock}", trouble.text.trim_end_matches('.'))), Some(trouble.first))
}

/// What goes from here to a peer at which our requests fail: what it fetches by its own pulls, and what our requests would bring.
pub(crate) fn the_other_way(theirs: &TheirPull, outbox: u64, now: Timestamp) -> String {
    let unfetched = theirs.head.saturating_sub(theirs.acknowledged);
    let items = |count: u64| format!("{count} {}", if count == 1 { "item" } else { "items" });
    let comes = theirs.waiting || theirs.last_pull.is_some_and(|at| now.since(at) <= PULLED_WITHIN);
    let refused = theirs.refused.as_ref().map(|refused| {
        let said = &refused.fault.text;
        // Why requests fail is said before, where that is a clock, which has pulls refused too.
        let is_of_clocks = matches!(refused.fault.code.as_ref(), "clock-skew" | "own-clock");
        capital(said.split_once(": ").filter(|_| is_of_clocks).map_or(said.as_str(), |(short, _)| short))
    });
    let fetched = match (comes, theirs.lag, theirs.last_pull) {
        _ if refused.is_some() => refused.unwrap_or_default(),
        (true, None, _) => "It does come here, and fetches what there is for it".to_owned(),
        (true, Some(_), _) => {
            format!("It does come here, but has not fetched {} yet", items(unfetched.max(1)))
        }
        (false, Some(lag), _) => format!(
            "It does not come here either: {} for it {} here, the oldest for {}",
            items(unfetched.max(1)),
            if unfetched > 1 { "wait" } else { "waits" },
            lasting(lag)
        ),
        (false, None, Some(at)) => {
            format!("It was last here {} ago, and nothing waits here for it to fetch", lasting(now.since(at)))
        }
        (false, None, None) => "It has never come here, and nothing waits here for it to fetch".to_owned(),
    };
    match outbox {
        0 => format!("{fetched}."),
        1 => format!("{fetched}. 1 message of a user here waits to be brought to it."),
        more => format!("{fetched}. {more} messages of users here wait to be brought to it."),
    }
}

/// What goes wrong with a peer that is reached, and who has to act.
fn what_goes_wrong(facts: &Facts<'_>) -> Option<(Side, String)> {
    if let Some(fault) = facts.broken {
        return Some((Side::of("log-broken"), fault.to_owned()));
    }
    if let Some(trouble) = facts.trouble {
        return Some((Side::of(&trouble.code), trouble.text.clone()));
    }
    let latency = facts.ours.latency.filter(|latency| *latency >= SLOW_FROM)?;
    let text = format!("its answers take {:.1} s, so it or the way to it is slow", latency.as_secs_f64());
    Some((Side::of("slow"), text))
}

/// When it was last here, or could have come.
fn seen(facts: &Facts<'_>) -> Timestamp {
    facts.theirs.last_pull.unwrap_or(facts.since).max(facts.started)
}

/// Whether it has a reason to pull from here: its users are connected with ours, and it has let us in or come before.
fn is_expected(facts: &Facts<'_>) -> bool {
    facts.connections > 0
        && (facts.their_state == Some(PeerState::Allowed) || facts.theirs.last_pull.is_some())
}

fn next_try(facts: &Facts<'_>) -> String {
    match (facts.state, facts.ours.status) {
        (PeerState::Blocked, _) => "It is not tried, since you have blocked it.".into(),
        (PeerState::KeyChanged, _) => "It is not tried until you have accepted its key.".into(),
        (PeerState::Pending | PeerState::Unknown, _) => "It is not tried until it is let in.".into(),
        (PeerState::Allowed, PullingStatus::Paused) => {
            "It is not tried until you resume our pulls there.".into()
        }
        (PeerState::Allowed, PullingStatus::BackingOff) => match facts.ours.next_try {
            Some(at) if at > facts.now => format!(
                "It is tried again in {}, after {} {}.",
                lasting(at.since(facts.now)),
                facts.ours.failures,
                if facts.ours.failures == 1 { "failure" } else { "failures in a row" }
            ),
            _ => "It is tried now.".into(),
        },
        (PeerState::Allowed, PullingStatus::Idle) => {
            "It is tried as soon as something is expected from there.".into()
        }
        (PeerState::Allowed, PullingStatus::Stopped) => "It is not tried at the moment.".into(),
        (PeerState::Allowed, PullingStatus::Asking | PullingStatus::Waiting | PullingStatus::Introducing) => {
            "A request is there now.".into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::RefusedPull;
    use crate::peer_fault::{PeerFault, Stage};

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn before(seconds: u64) -> Timestamp {
        Timestamp::from_millis(NOW.as_millis() - seconds * 1000)
    }

    fn ours() -> OurPull {
        OurPull {
            status: PullingStatus::Waiting,
            since: before(3600),
            last_pull: Some(before(5)),
            next_try: None,
            failures: 0,
            latency: None,
            cursor: 3,
            head: 3,
        }
    }

    fn theirs() -> TheirPull {
        TheirPull {
            waiting: true,
            last_pull: Some(before(5)),
            gone_since: None,
            head: 4,
            acknowledged: 4,
            lag: None,
            refused: None,
        }
    }

    fn trouble(code: &str, text: &str) -> TroubleRow {
        TroubleRow {
            stage: "connect".into(),
            code: code.into(),
            text: text.into(),
            first: before(600),
            last: before(3),
            count: 12,
            over: false,
        }
    }

    fn judged(alter: impl FnOnce(&mut Facts<'_>), ours: &OurPull, theirs: &TheirPull) -> PeerStanding {
        let mut facts = facts(ours, theirs);
        alter(&mut facts);
        PeerStanding::of(&facts)
    }

    fn facts<'a>(ours: &'a OurPull, theirs: &'a TheirPull) -> Facts<'a> {
        let (state, their_state) = (PeerState::Allowed, Some(PeerState::Allowed));
        Facts {
            state,
            their_state,
            ours,
            theirs,
            outbox: 0,
            connections: 1,
            since: before(7200),
            is_met: true,
            trouble: None,
            clock: None,
            broken: None,
            keeps_out: None,
            own_store: None,
            now: NOW,
            started: before(7200),
        }
    }

    #[test]
    fn what_fails_is_said_with_its_reason_its_time_and_the_next_try() {
        let refused = trouble("connection-refused", "no connection to it: Connection refused");
        let mut pull = ours();
        (pull.status, pull.failures, pull.next_try) =
            (PullingStatus::BackingOff, 12, Some(Timestamp::from_millis(NOW.as_millis() + 20_000)));
        let theirs = theirs();
        let facts = Facts { trouble: Some(&refused), ..facts(&pull, &theirs) };
        let standing = PeerStanding::of(&facts);
        assert_eq!((standing.code, standing.side), (StandingCode::Failing, Some(Side::Theirs)));
        assert_eq!(
            standing.text,
            "Nothing of it has come here for 10 minutes: no connection to it: Connection refused. It does come here, and \
             fetches what there is for it."
        );
        assert_eq!(standing.next, "It is tried again in 20 seconds, after 12 failures in a row.");
        // Of one that was never reached, the name may be wrong.
        assert_eq!(PeerStanding::of(&Facts { is_met: false, ..facts.clone() }).side, Some(Side::Either));
        let fresh = TroubleRow { first: before(2), ..refused.clone() };
        let standing = PeerStanding::of(&Facts { trouble: Some(&fresh), ..facts });
        assert_eq!(standing.text, "Our requests there fail: no connection to it: Connection refused.");
    }

    #[test]
    fn the_other_direction_is_said_as_it_is_where_our_requests_fail() {
        let told = |alter: fn(&mut TheirPull), outbox| {
            let mut theirs = theirs();
            alter(&mut theirs);
            the_other_way(&theirs, outbox, NOW)
        };
        assert_eq!(told(|_| {}, 0), "It does come here, and fetches what there is for it.");
        assert_eq!(
            told(|_| {}, 2),
            "It does come here, and fetches what there is for it. 2 messages of users here wait to be brought to it."
        );
        let waits = |theirs: &mut TheirPull| {
            (theirs.waiting, theirs.last_pull) = (false, Some(before(300)));
            (theirs.head, theirs.lag) = (7, Some(Duration::from_secs(240)));
        };
        assert_eq!(
            told(waits, 1),
            "It does not come here either: 3 items for it wait here, the oldest for 4 minutes. 1 message of a user here waits \
             to be brought to it."
        );
        let gone = |theirs: &mut TheirPull| (theirs.waiting, theirs.last_pull) = (false, Some(before(300)));
        assert_eq!(told(gone, 0), "It was last here 5 minutes ago, and nothing waits here for it to fetch.");
        let never = |theirs: &mut TheirPull| (theirs.waiting, theirs.last_pull) = (false, None);
        assert_eq!(told(never, 0), "It has never come here, and nothing waits here for it to fetch.");
    }

    #[test]
    fn whose_pulls_are_refused_is_not_said_to_be_away_or_to_fetch() {
        let text =
            "its pulls come here and are refused (401 key-unknown): its document could not be read from here";
        let fault = PeerFault::new(Stage::Policy, "pull-key-unknown", text);
        let refused = RefusedPull { at: before(2), fault, side: Side::Either, is_proved: false };
        for last in [None, Some(before(30)), Some(before(300))] {
            let mut gone = theirs();
            (gone.waiting, gone.last_pull, gone.refused) = (false, last, Some(refused.clone()));
            (gone.head, gone.lag) = (7, Some(Duration::from_secs(240)));
            assert_eq!(the_other_way(&gone, 0, NOW), format!("{}.", capital(text)), "{last:?}");
            let standing = judged(|_| {}, &ours(), &gone);
            assert_eq!((standing.code, standing.side), (StandingCode::Refused, Some(Side::Either)));
            assert_eq!(standing.text, format!("{}.", capital(text)));
            // So it is while a request of ours has failed just now, whatever the reason.
            let (mut failing, skew) = (ours(), trouble("clock-skew", "its requests here are refused"));
            (failing.status, failing.failures) = (PullingStatus::BackingOff, 1);
            let fresh = TroubleRow { first: before(2), ..skew };
            let standing = PeerStanding::of(&Facts { trouble: Some(&fresh), ..facts(&failing, &gone) });
            assert_eq!(standing.text, format!("{}.", capital(text)));
        }
    }

    #[test]
    fn who_does_not_fetch_is_told_from_who_was_only_just_here() {
        let mut gone = theirs();
        (gone.waiting, gone.head, gone.lag) = (false, 6, Some(Duration::from_secs(300)));
        assert_eq!(judged(|_| {}, &ours(), &gone).code, StandingCode::Well, "it was here five seconds ago");
        gone.last_pull = Some(before(300));
        let standing = judged(|_| {}, &ours(), &gone);
        assert_eq!(standing.code, StandingCode::NotFetched);
        assert!(
            standing.text.starts_with("2 items wait for it here, the oldest for 5 minutes"),
            "{}",
            standing.text
        );
        let standing = judged(|facts| facts.started = before(10), &ours(), &gone);
        assert_eq!(standing.code, StandingCode::Well, "this node has only just started");
    }

    #[test]
    fn what_goes_wrong_with_a_peer_that_is_reached_is_said_with_who_has_to_act() {
        let cut = trouble("pull-cut", "something between it and us ends pulls");
        let (pull, their_pull) = (ours(), theirs());
        let standing = PeerStanding::of(&Facts { trouble: Some(&cut), ..facts(&pull, &their_pull) });
        assert_eq!((standing.code, standing.side), (StandingCode::Troubled, Some(Side::Theirs)));
        assert_eq!(
            standing.text,
            "It is reached, but something is wrong: something between it and us ends pulls."
        );
        let standing = judged(|facts| facts.broken = Some("its log is another"), &ours(), &theirs());
        assert_eq!(standing.code, StandingCode::Troubled);
        let slow = OurPull { latency: Some(Duration::from_millis(2600)), ..ours() };
        let standing = judged(|_| {}, &slow, &theirs());
        assert_eq!((standing.code, standing.side), (StandingCode::Troubled, Some(Side::Either)));
        assert!(standing.text.contains("its answers take 2.6 s"), "{}", standing.text);
    }

    #[test]
    fn whose_clock_is_wrong_is_said_where_others_tell() {
        let skew = trouble("clock-skew", "one of the clocks is wrong");
        let (mut pull, their_pull) = (ours(), theirs());
        (pull.status, pull.failures) = (PullingStatus::BackingOff, 3);
        let facts = Facts { trouble: Some(&skew), ..facts(&pull, &their_pull) };
        assert_eq!(PeerStanding::of(&facts).side, Some(Side::Either));
        let clock = Some((Side::Theirs, "so its clock is wrong".to_owned()));
        let standing = PeerStanding::of(&Facts { clock, ..facts });
        assert_eq!(standing.side, Some(Side::Theirs));
        assert!(
            standing.text.contains("one of the clocks is wrong; so its clock is wrong. It does come here"),
            "{}",
            standing.text
        );
    }

    #[test]
    fn a_store_of_ours_that_fails_is_not_said_to_be_its_fault() {
        let mut pull = ours();
        (pull.status, pull.failures) = (PullingStatus::BackingOff, 3);
        let text = "database or disk is full".to_owned();
        let full = StoreTrouble { code: "disk-full", text, since: before(60), last: before(1), lost: 4 };
        let standing = judged(|facts| facts.own_store = Some(full.clone()), &pull, &theirs());
        assert_eq!((standing.code, standing.side), (StandingCode::Failing, Some(Side::Ours)));
        assert!(standing.text.contains("this provider's own store fails"), "{}", standing.text);
    }

    #[test]
    fn who_does_not_come_is_told_where_it_has_a_reason_to() {
        let mut gone = theirs();
        (gone.waiting, gone.last_pull) = (false, Some(before(300)));
        let standing = judged(|_| {}, &ours(), &gone);
        assert_eq!((standing.code, standing.side), (StandingCode::NotPulled, Some(Side::Either)));
        assert!(standing.text.contains("for 5 minutes"), "{}", standing.text);
        assert_eq!(judged(|facts| facts.connections = 0, &ours(), &gone).code, StandingCode::Well);
        assert_eq!(judged(|facts| facts.started = before(30), &ours(), &gone).code, StandingCode::Well);
        gone.last_pull = Some(before(30));
        assert_eq!(judged(|_| {}, &ours(), &gone).code, StandingCode::Well);
        gone.last_pull = None;
        let unmet = judged(|facts| facts.their_state = None, &ours(), &gone);
        assert_eq!(unmet.code, StandingCode::Well, "it was never here");
    }

    #[test]
    fn who_cannot_come_since_we_keep_all_out_is_not_said_to_be_away() {
        let mut gone = theirs();
        (gone.waiting, gone.last_pull) = (false, Some(before(300)));
        let ended = "This provider's certificate ended on 2027-01-01, so others refuse to connect.";
        let standing = judged(|facts| facts.keeps_out = Some(ended), &ours(), &gone);
        assert_eq!((standing.code, standing.side), (StandingCode::NotPulled, Some(Side::Ours)));
        assert_eq!(standing.text, format!("It has not come here for news for 5 minutes. {ended}"));
    }

    #[test]
    fn a_decision_is_said_before_what_follows_from_it() {
        let mut pull = ours();
        (pull.status, pull.failures) = (PullingStatus::BackingOff, 3);
        for (state, code) in [
            (PeerState::Blocked, StandingCode::Blocked),
            (PeerState::KeyChanged, StandingCode::KeyChanged),
            (PeerState::Pending, StandingCode::WaitsHere),
            (PeerState::Unknown, StandingCode::Unmet),
        ] {
            let standing = judged(|facts| facts.state = state, &pull, &theirs());
            assert_eq!(standing.code, code);
            assert!(standing.next.starts_with("It is not tried"), "{}", standing.next);
        }
        let standing = judged(|facts| facts.their_state = Some(PeerState::Blocked), &pull, &theirs());
        assert_eq!(standing.code, StandingCode::BlocksUs);
        let standing = judged(|_| {}, &ours(), &theirs());
        assert_eq!((standing.code, standing.side), (StandingCode::Well, None));
    }
}
