//! The steps that ask the provider something, signed: its clock, a ping, what it says of us, how much fits into a request, and
//! a pull.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use drawbridge_mtp::document::{Limits, ProviderDocument};
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::{FeedPage, FeedQuery, PeerState, PeeringQuery, Ping};
use drawbridge_mtp::problem::Code;
use drawbridge_mtp::time::Timestamp;
use http::Method;
use serde::de::DeserializeOwned;

use super::own_pong::OwnPong;
use super::report::{Evidence, Step, StepName};
use super::{Checkup, Looker, Progress};
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::{Answer, Ask, CLOCK_TOLERATED, ClockOffset, SLOW_FROM, is_outvoted};
use crate::side::Side;

/// The largest request that has to pass: one event of the largest size, as base64url in JSON, with what is around it.
const LARGEST_REQUEST: usize = 1_572_864;
/// How much fits is found out within this: who is slow would take minutes for it.
const LIMITS_TIME: Duration = Duration::from_secs(15);
/// Where we ask ourselves: of whoever else asks there, nothing is taken.
const OWN_CHECK: &str = "/own-check";
/// What every proxy lets pass.
const SMALLEST_REQUEST: usize = 16 * 1024;

impl Checkup<'_> {
    /// Asks the provider at the endpoint of `document`. Returns how we stand there, where it has said so.
    pub(super) async fn ask(
        &self,
        document: &ProviderDocument,
        client: &reqwest::Client,
        progress: &Progress,
    ) -> Option<PeerState> {
        if let Err(fault) = self.peers.may_ask(self.peer) {
            progress.tell(Step::skipped(StepName::Ping, format!("not done: {fault}")));
            progress.tell(Step::fail(StepName::Peering, &fault));
            return None;
        }
        let (began, sent) = (Instant::now(), self.ground.ambient.now());
        let answer =
            self.peers.exchange(self.peer, document, client, &Ask::get("/ping".into()).by_doctor()).await;
        let took = began.elapsed();
        let pong = answer.and_then(|answer| read::<Ping>(&answer));
        let midway = sent.plus(took / 2);
        match pong {
            Ok(pong) => {
                let clock = if self.is_own() {
                    self.judge_own_clock()
                } else {
                    self.judge_clock(pong.now, midway, took, None)
                };
                progress.tell(clock);
                let text = if self.is_own() {
                    format!(
                        "a signed request was answered with our own signature, in {} ms",
                        took.as_millis()
                    )
                } else {
                    format!("a signed request was answered with its signature, in {} ms", took.as_millis())
                };
                let ping = if took < SLOW_FROM {
                    Step::pass(StepName::Ping, text)
                } else {
                    let text = format!(
                        "a signed request was answered, but only after {:.1} s: it, or the way to it, is slow",
                        took.as_secs_f64()
                    );
                    Step::warn(StepName::Ping, "slow", text)
                };
                progress.tell(Step { took, ..ping });
                if self.is_own() {
                    progress.tell(self.measure_request(document, client, true).await);
                    progress.tell(self.hold(document, client).await);
                    return Some(pong.state);
                }
                if matches!(self.looker, Looker::NodeForPeer(_)) {
                    return Some(pong.state);
                }
                progress.tell(seen(&pong));
                let is_allowed = self.judge_peering(&pong, progress);
                progress.tell(self.measure_request(document, client, is_allowed).await);
                progress.tell(self.pull(document, client, is_allowed).await);
                Some(pong.state)
            }
            Err(fault) => {
                match fault.their_time {
                    Some(theirs) => {
                        progress.tell(self.judge_clock(theirs, midway, took, Some(&fault)));
                        let text = "it answered, and neither side believes the other while the clocks differ";
                        progress.tell(Step { took, ..Step::skipped(StepName::Ping, text) });
                    }
                    None => {
                        let step = Step::fail(StepName::Ping, &self.of_own_store(fault));
                        progress.tell(Step { took, ..step });
                    }
                }
                None
            }
        }
    }

    /// Holds the clock that showed `theirs` while ours showed `ours` against it; `took` is the round trip in which that was
    /// asked. `fault` is what the difference has caused.
    fn judge_clock(
        &self,
        theirs: Timestamp,
        ours: Timestamp,
        took: Duration,
        fault: Option<&PeerFault>,
    ) -> Step {
        let offset = ClockOffset::of(theirs, ours);
        // A signature tells the time in whole seconds.
        let uncertain = took / 2 + if fault.is_some() { Duration::from_secs(1) } else { Duration::ZERO };
        let words = offset.words(uncertain);
        let evidence = [
            Evidence::new("its clock", theirs.in_words()),
            Evidence::new("this computer's clock", ours.in_words()),
            Evidence::new("uncertain by", format!("{} ms, half of the round trip", uncertain.as_millis())),
        ];
        let step = if fault.is_none() && offset.size() <= CLOCK_TOLERATED + uncertain {
            Step::pass(StepName::Clock, format!("its clock is {words}"))
        } else {
            let (side, others) = self.peers.board.whose_clock(self.peer, offset);
            let text = format!("its clock is {words}; {others}");
            let code = match (fault, side) {
                (_, Side::Ours) => "own-clock",
                (Some(_), _) => "clock-skew",
                (None, _) => "clock-off",
            };
            match fault {
                Some(_) => Step::fail(StepName::Clock, &PeerFault::new(Stage::Signature, code, text)),
                None => Step::warn(StepName::Clock, code, text),
            }
            .for_side(side)
        };
        step.with(evidence)
    }

    /// Our clock, by those of the providers whose answers were proved in this run.
    pub(super) fn judge_own_clock(&self) -> Step {
        let others = self.peers.board.clocks_of_others(self.peer);
        let off: Vec<_> = others.iter().filter(|(_, offset)| !offset.is_tolerated()).collect();
        // Those that are off as this one is: who is off in another way is wrong itself.
        let alike = |(_, of): &&&(Provider, ClockOffset)| {
            let near = |(_, other): &&&(Provider, ClockOffset)| {
                Duration::from_millis(other.millis.abs_diff(of.millis)) <= CLOCK_TOLERATED
            };
            off.iter().filter(near).count()
        };
        let most = off.iter().map(|one| alike(&one)).max().unwrap_or(0);
        let (name, all) = (StepName::Clock, others.len());
        let step = if all == 0 {
            Step::skipped(name, "no other provider has answered yet by whose clock ours could be judged")
        } else if is_outvoted(most, all) {
            let text = format!("the clocks of {most} of {all} other providers are not as this computer's");
            Step::warn(name, "own-clock", text).for_side(Side::Ours)
        } else if let (Some((other, offset)), true) = (off.first(), off.len() == all) {
            let words = offset.words(Duration::ZERO);
            let why = if all == 1 {
                "one witness does not tell which of the two is wrong"
            } else {
                "the others are not level with that one either, so it cannot be told which is wrong"
            };
            let text = format!("the clock of {other} is {words}; {why}");
            Step::warn(name, "clock-off", text).for_side(Side::Either)
        } else {
            let level = all - off.len();
            let text =
                format!("the clocks of {level} of {all} other providers are level with this computer's");
            Step::pass(name, text)
        };
        step.with(off.iter().map(|(other, offset)| {
            Evidence::new("another clock", format!("that of {other} is {}", offset.words(Duration::ZERO)))
        }))
    }

    /// What each side has decided on the other. Returns whether both let the other in.
    fn judge_peering(&self, pong: &Ping, progress: &Progress) -> bool {
        let ours = self.known.state();
        let told = format!("it is {} here, and we are {} there", words(ours), words(pong.state));
        let name = StepName::Peering;
        let step = match (ours, pong.state) {
            (_, PeerState::Blocked) => Step::fail(
                name,
                &PeerFault::new(
                    Stage::Policy,
                    "peer-blocked",
                    format!("{told}: its operator has blocked us"),
                ),
            ),
            (_, PeerState::KeyChanged) => {
                let text = format!(
                    "{told}: it has met another key of ours before, and its operator has to accept the one that we have"
                );
                Step::fail(name, &PeerFault::new(Stage::Policy, "peer-key-changed", text))
            }
            _ if self.looker == Looker::Beside => Step::pass(
                name,
                format!("we are {} there; what it is here is known to the running node", words(pong.state)),
            ),
            (PeerState::Pending, _) => {
                Step::wait(name, "waits-here", format!("{told}: it waits for your decision on it"))
            }
            (_, PeerState::Pending) => Step::wait(
                name,
                "peer-pending",
                format!("{told}: it waits for its operator's decision on us"),
            ),
            // It was asked to let us in, and takes in only those that its operator has added.
            (PeerState::Allowed, PeerState::Unknown) if self.is_introducing() => Step::wait(
                name,
                "peer-pending",
                format!("{told}: its operator has to add us there, since it takes in nobody else"),
            ),
            (PeerState::Allowed, PeerState::Unknown) => Step::wait(
                name,
                "not-introduced",
                format!("{told}: it has not met us, since nothing was asked of it yet"),
            ),
            (PeerState::Allowed, PeerState::Allowed) => Step::pass(name, told),
            _ => Step::pass(
                name,
                format!(
                    "{told}; the two meet when somebody here asks for a connection with somebody there, or you add it under Peers"
                ),
            ),
        };
        progress.tell(step);
        ours == PeerState::Allowed && pong.state == PeerState::Allowed
    }

    /// Finds out whether as much as one event may need fits into a request.
    async fn measure_request(
        &self,
        document: &ProviderDocument,
        client: &reqwest::Client,
        is_allowed: bool,
    ) -> Step {
        let began = Instant::now();
        let Limits { event_bytes, request_bytes, pull_events, pull_bytes, pull_wait_s } = document.limits;
        let mut evidence = vec![
            Evidence::new("an event may have", format!("{event_bytes} bytes")),
            Evidence::new("a request may have", format!("{request_bytes} bytes")),
            Evidence::new(
                "a page of its feed has",
                format!("at most {pull_events} items and {pull_bytes} bytes"),
            ),
            Evidence::new("a pull is held for", format!("{pull_wait_s} s at most")),
        ];
        let name = StepName::Limits;
        if !is_allowed {
            let text = self
                .why_not_yet("how much fits into a request is measured once each side has let the other in");
            return Step::skipped(name, text).with(evidence);
        }
        let most = usize::try_from(request_bytes).unwrap_or(usize::MAX).min(LARGEST_REQUEST);
        let (mut size, mut refused, mut anew) = (most, None, None);
        let until = tokio::time::Instant::now() + LIMITS_TIME;
        let step = loop {
            let client = anew.as_ref().unwrap_or(client);
            let Ok(sent) = tokio::time::timeout_at(until, self.send_padding(document, client, size)).await
            else {
                let text = format!(
                    "how much fits into a request was not found out in {} s: the answer to one with {size} bytes has not come",
                    LIMITS_TIME.as_secs()
                );
                break Some(Step::warn(name, "slow", text));
            };
            match sent {
                Ok(()) => break None,
                // It would refuse a smaller one as well.
                Err(fault) if fault.is(Code::Unavailable) => {
                    break Some(Step::fail(name, &self.of_own_store(fault)));
                }
                Err(fault) if size / 2 >= SMALLEST_REQUEST => {
                    evidence.push(Evidence::new("not let through", format!("{size} bytes: {fault}")));
                    refused = Some((size, fault));
                    size /= 2;
                    // Who refuses content without reading it may take no more on that connection (HAProxy 2.6).
                    anew = self.peers.outbound.without_memory(None).ok();
                }
                Err(fault) => break Some(Step::fail(name, &fault)),
            }
        };
        let step = match (step, refused) {
            (Some(step), _) => step,
            (None, None) if event_bytes < Limits::default().event_bytes => {
                let text = format!(
                    "it takes events of {event_bytes} bytes at most, less than we take: larger messages are refused there"
                );
                Step::warn(name, "limits-low", text)
            }
            (None, None) => {
                Step::pass(name, format!("a request with {size} bytes passed, more than one event needs"))
            }
            (None, Some((too_much, fault))) => {
                let text =
                    format!("a request with {size} bytes passed and one with {too_much} did not: {fault}");
                let code = if fault.is(Code::TooLarge) && fault.unsigned.is_none() {
                    "limits-low".into()
                } else if fault.unsigned == Some(502) {
                    // Less has passed, so the provider is reached: Caddy says this of what is too large for it.
                    "proxy-too-large".into()
                } else {
                    fault.code.clone()
                };
                Step { code: Some(code), text, ..Step::fail(name, &fault).harmless() }
            }
        };
        step.with(evidence).since(began)
    }

    /// Of ourselves, that the store keeps nothing is told as of our own.
    fn of_own_store(&self, fault: PeerFault) -> PeerFault {
        if !self.is_own() || fault.code != "store-failing" {
            return fault;
        }
        let text = format!("this provider's own store keeps nothing, whatever comes: {fault}");
        PeerFault::new(Stage::Store, "own-store", text)
    }

    /// Sends a request of `size` bytes that asks for nothing: to a peer an introduction, which is no news among peers, with a member
    /// that nobody knows (section 5).
    async fn send_padding(
        &self,
        document: &ProviderDocument,
        client: &reqwest::Client,
        size: usize,
    ) -> Result<(), PeerFault> {
        let around = serde_json::json!({"padding": ""}).to_string();
        let padding = "0".repeat(size.saturating_sub(around.len()));
        let content = serde_json::json!({"padding": padding}).to_string().into_bytes();
        let ask = Ask {
            method: Method::POST,
            content: Some(content),
            ..Ask::get(if self.is_own() { OWN_CHECK } else { "/peering" }.into()).by_doctor()
        };
        self.peers.exchange(self.peer, document, client, &ask).await.map(|_| ())
    }

    /// Whether a connection that we make to our name ends in this program: then both ends say the same of it. A proxy, or a router
    /// that leads back, has connections of its own, also where it passes on all that is said over them.
    async fn is_direct(&self, document: &ProviderDocument, client: &reqwest::Client) -> bool {
        let ask = Ask::get(format!("{OWN_CHECK}?{}", PeeringQuery { wait: 0 }.to_query())).by_doctor();
        let Ok(answer) = self.peers.exchange(self.peer, document, client, &ask).await else { return false };
        let sent_from = answer.came_to.map(|own| SocketAddr::new(own.ip().to_canonical(), own.port()));
        read::<OwnPong>(&answer).is_ok_and(|pong| pong.came_from.parse::<SocketAddr>().ok() == sent_from)
    }

    /// Finds out whether a request of ours that waits as long as a pull may is held by what stands in front of us.
    async fn hold(&self, document: &ProviderDocument, client: &reqwest::Client) -> Step {
        let name = StepName::Pull;
        if self.is_direct(document, client).await {
            let text = "no pull was held open, since a connection to our name ends in this program: nothing in front of it could end one";
            return Step::skipped(name, text);
        }
        let began = Instant::now();
        let wait = document.limits.pull_wait_s;
        let ask = Ask {
            wait: Duration::from_secs(wait),
            ..Ask::get(format!("{OWN_CHECK}?{}", PeeringQuery { wait }.to_query())).by_doctor()
        };
        let held = self.peers.exchange(self.peer, document, client, &ask).await;
        let seconds = began.elapsed().as_secs();
        let step = match held {
            Ok(_) => Step::pass(
                name,
                format!("a request that waits was held for {seconds} s, as long as a pull may wait"),
            ),
            Err(fault) if fault.is_cut() => {
                let text = format!(
                    "a request that waits was ended after {seconds} s by something in front of this provider, most often a proxy: {fault}"
                );
                Step::warn(name, "pull-cut", text)
            }
            Err(fault) => Step::fail(name, &fault),
        };
        step.seen("asked to wait for", format!("{wait} s")).since(began)
    }

    /// Pulls once, without waiting, and keeps nothing of it: `after=0` without a generation acknowledges nothing.
    async fn pull(&self, document: &ProviderDocument, client: &reqwest::Client, is_allowed: bool) -> Step {
        let name = StepName::Pull;
        if !is_allowed {
            return Step::skipped(
                name,
                self.why_not_yet("its feed is pulled once each side has let the other in"),
            );
        }
        let began = Instant::now();
        let query = FeedQuery { max_events: Some(1), ..FeedQuery::default() };
        let ask = Ask::get(format!("/feed?{}", query.to_query())).by_doctor();
        let asked = self.peers.exchange(self.peer, document, client, &ask).await;
        let step = match asked.and_then(|answer| read::<FeedPage>(&answer)) {
            Ok(page) => self.judge_page(&page),
            Err(fault) => Step::fail(name, &fault),
        };
        step.since(began)
    }

    /// Why something is not done that both sides have to let the other in for; `otherwise` where that is known.
    fn why_not_yet(&self, otherwise: &'static str) -> &'static str {
        match self.looker {
            Looker::Beside => {
                "whether both sides let the other in is known to the running node alone, which was not asked"
            }
            Looker::Node | Looker::NodeForPeer(_) => otherwise,
        }
    }

    fn judge_page(&self, page: &FeedPage) -> Step {
        let name = StepName::Pull;
        let other = self.known.cursor.as_ref().filter(|cursor| cursor.generation != page.generation);
        let step = match other {
            Some(_) => Step::warn(
                name,
                "feed-reset",
                "its feed begins anew, as after a restored backup; our own pull catches up by itself",
            ),
            None if page.head == 0 => Step::pass(name, "its feed was pulled; it has nothing for us so far"),
            None => Step::pass(
                name,
                format!("its feed was pulled; the last of its items is number {}", page.head),
            ),
        };
        step.seen("generation", page.generation.to_string())
            .seen("kept from number", page.first.to_string())
            .seen("to number", page.head.to_string())
    }
}

fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, PeerFault> {
    answer.message().map_err(|fault| {
        PeerFault::new(Stage::Content, Code::Malformed.as_str(), format!("its answer is malformed: {fault}"))
    })
}

/// How it sees us.
fn seen(pong: &Ping) -> Step {
    let text = format!("we are {} there, and it sees us at {}", words(pong.state), pong.your_address);
    Step::pass(StepName::Seen, text)
        .seen("our state there", pong.state.to_string())
        .seen("our address as it sees it", pong.your_address.to_string())
}

/// A state as a person reads it.
fn words(state: PeerState) -> &'static str {
    match state {
        PeerState::Unknown => "unknown",
        PeerState::Pending => "waiting to be let in",
        PeerState::Allowed => "let in",
        PeerState::Blocked => "blocked",
        PeerState::KeyChanged => "held back since the key has changed",
    }
}
