//! The browsers that may use the pages. They are kept in the folder, each as the hash of its secret, so that they outlive a
//! restart and nobody who reads the folder's backup can use the pages.
//!
//! A clock may be wrong for a while, so what ends by age ends by what the clock shows now, and holds again once that is right: only
//! a person ends a session for good.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::time::Timestamp;
use drawbridge_node::ambient::{Ambient, System};
use drawbridge_node::identity::write_secret;
use parking_lot::{Mutex, MutexGuard};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::error::AdminError;
use crate::view;

const FILE: &str = "sessions.json";
/// Browsers that are let in at one time; the one that was seen least lately goes first.
const MOST: usize = 64;
/// Links that are remembered, so that each can be told why it does not work.
const LINKS: usize = 64;
/// A browser that has not been seen for so long has to use another link. What is said to have been seen by as much later than now
/// was written by a clock that was ahead.
const UNUSED: Duration = Duration::from_secs(30 * 24 * 3600);
/// A link for another device, which is shown on a screen, works for so long.
const DEVICE_LINK: Duration = Duration::from_secs(600);
/// When a browser was seen is written down so often.
const SEEN_EVERY: Duration = Duration::from_secs(600);
/// The octets of a browser's own description that are kept.
const AGENT: usize = 200;

/// The sessions of one installation; cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    ambient: Arc<dyn Ambient>,
    state: Mutex<State>,
}

struct State {
    kept: Kept,
    /// What ends with each session, in the same order.
    ends: Vec<CancellationToken>,
}

/// What the file holds.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// What tells our cookie from that of another node on the same host: cookies know no ports.
    node: String,
    #[serde(default)]
    sessions: Vec<Session>,
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Session {
    id: String,
    hash: String,
    created: Timestamp,
    seen: Timestamp,
    browser: String,
}

#[derive(Serialize, Deserialize)]
struct Link {
    hash: String,
    /// When it was used; absent where another was made in its place first.
    used: Option<Timestamp>,
    replaced: bool,
    /// When it ceases to work, where it is for another device. One that was printed works until it is used or replaced.
    #[serde(default)]
    ends: Option<Timestamp>,
}

/// A link for another device that was made just now.
pub(crate) struct DeviceToken {
    /// What the link has behind `#token=`.
    pub(crate) token: String,
    /// When it ceases to work.
    pub(crate) ends: Timestamp,
}

/// A browser that was let in.
pub struct Admitted {
    /// Which of the sessions it is.
    pub id: String,
    /// Cancelled when the session ends.
    pub ends: CancellationToken,
}

impl Sessions {
    /// The sessions that are kept in the folder `dir`. Where the file cannot be read all browsers have to use a link again.
    pub(crate) fn open(dir: &Path) -> Self {
        Self::open_with(dir, Arc::new(System))
    }

    fn open_with(dir: &Path, ambient: Arc<dyn Ambient>) -> Self {
        let path = dir.join(FILE);
        let read = std::fs::read(&path)
            .map_err(|fault| (fault.kind() == std::io::ErrorKind::NotFound, fault.to_string()));
        let read = read
            .and_then(|octets| serde_json::from_slice(&octets).map_err(|fault| (false, fault.to_string())));
        let kept = read.unwrap_or_else(|(is_absent, fault)| {
            if !is_absent {
                tracing::warn!(path = %path.display(), fault, "the sessions of browsers cannot be read: each needs a link again");
            }
            Kept { node: secret(6), sessions: Vec::new(), links: Vec::new() }
        });
        let ends = kept.sessions.iter().map(|_| CancellationToken::new()).collect();
        Self { inner: Arc::new(Inner { path, ambient, state: Mutex::new(State { kept, ends }) }) }
    }

    /// The name of our cookie, which no other node on this host has.
    pub fn cookie_name(&self) -> String {
        format!("drawbridge-{}", self.state().kept.node)
    }

    /// The token of a fresh link to be printed, in the place of the one before.
    pub fn fresh_link(&self) -> String {
        self.add_link(None)
    }

    /// A fresh link for another device, in the place of the one before.
    pub(crate) fn device_link(&self) -> DeviceToken {
        let ends = self.inner.ambient.now().plus(DEVICE_LINK);
        DeviceToken { token: self.add_link(Some(ends)), ends }
    }

    fn add_link(&self, ends: Option<Timestamp>) -> String {
        let token = secret(32);
        let mut state = self.state();
        let is_alike = |link: &&mut Link| link.used.is_none() && link.ends.is_some() == ends.is_some();
        for link in state.kept.links.iter_mut().filter(is_alike) {
            link.replaced = true;
        }
        state.kept.links.push(Link { hash: hash(&token), used: None, replaced: false, ends });
        let surplus = state.kept.links.len().saturating_sub(LINKS);
        state.kept.links.drain(..surplus);
        self.keep(&state);
        token
    }

    /// Exchanges the token of a link for a session's secret.
    pub fn enter(&self, token: &str, browser: &str) -> Result<String, AdminError> {
        let (now, hashed) = (self.inner.ambient.now(), hash(token));
        let mut state = self.state();
        let link = state.kept.links.iter_mut().find(|link| link.hash == hashed);
        let link = link.ok_or_else(|| {
            AdminError::new(
                "token-wrong",
                "this is not the token of a link of this node, or it is too old; drawbridged link prints a fresh one",
            )
        })?;
        if let Some(used) = link.used {
            let text = format!(
                "this link was used at {used}, and each works once; drawbridged link prints a fresh one"
            );
            return Err(AdminError::new("token-used", text));
        }
        if link.replaced {
            let text = "a newer link was made in the place of this one; use that, or have drawbridged link print another";
            return Err(AdminError::new("token-replaced", text));
        }
        // An end that is further away than any is was written by another clock.
        if link.ends.is_some_and(|ends| ends <= now || ends.since(now) > DEVICE_LINK) {
            let text = "this link worked for ten minutes, which are over; make another where it was shown";
            return Err(AdminError::new("token-expired", text));
        }
        link.used = Some(now);
        let shown = secret(32);
        let browser = browser.chars().filter(|c| !c.is_control()).take(AGENT).collect();
        state.kept.sessions.push(Session {
            id: secret(9),
            hash: hash(&shown),
            created: now,
            seen: now,
            browser,
        });
        state.ends.push(CancellationToken::new());
        while state.kept.sessions.len() > MOST {
            let seen = state.kept.sessions.iter().enumerate().min_by_key(|(_, session)| session.seen);
            let Some((oldest, _)) = seen else { break };
            state.end(oldest);
        }
        self.keep(&state);
        Ok(shown)
    }

    /// Lets in the browser that shows the secret of a session.
    pub fn admit(&self, shown: &str) -> Result<Admitted, AdminError> {
        let (now, hashed) = (self.inner.ambient.now(), hash(shown));
        let mut state = self.state();
        self.lapse(&mut state, now);
        let found = state.kept.sessions.iter().position(|session| session.hash == hashed);
        let place = found.filter(|place| state.kept.sessions[*place].holds(now)).ok_or_else(|| {
            let text = match found {
                Some(_) => format!(
                    "this browser's session was not used for thirty days, by this computer's clock, which shows {}; open the \
                     link that drawbridged link prints",
                    now.in_words()
                ),
                None => "this browser's session was ended; open the link that drawbridged link prints".into(),
            };
            AdminError::new("session-ended", text)
        })?;
        let session = &mut state.kept.sessions[place];
        let id = session.id.clone();
        if now.since(session.seen) >= SEEN_EVERY {
            session.seen = now;
            self.keep(&state);
        }
        Ok(Admitted { id, ends: state.ends[place].clone() })
    }

    /// All sessions that hold, the latest first.
    pub(crate) fn list(&self) -> Vec<view::Session> {
        let now = self.inner.ambient.now();
        let mut state = self.state();
        self.lapse(&mut state, now);
        let row = |session: &Session| view::Session {
            id: session.id.clone(),
            browser: session.browser.clone(),
            created: session.created,
            seen: session.seen,
        };
        state.kept.sessions.iter().rev().filter(|session| session.holds(now)).map(row).collect()
    }

    /// Ends the session `id`: its browser has to use another link.
    pub(crate) fn end(&self, id: &str) -> Result<(), AdminError> {
        let mut state = self.state();
        let place = state.place(id)?;
        state.end(place);
        self.keep(&state);
        Ok(())
    }

    /// Ends all sessions but `id`.
    pub(crate) fn end_others(&self, id: &str) -> Result<(), AdminError> {
        let mut state = self.state();
        let place = state.place(id)?;
        for other in (0..state.kept.sessions.len()).rev().filter(|other| *other != place) {
            state.end(other);
        }
        self.keep(&state);
        Ok(())
    }

    /// Ends what follows with a session that does not hold any more, and takes back what a clock that was ahead has written.
    fn lapse(&self, state: &mut State, now: Timestamp) {
        let State { kept, ends } = state;
        for (_, end) in kept.sessions.iter().zip(ends).filter(|(session, _)| !session.holds(now)) {
            // It may hold again.
            std::mem::take(end).cancel();
        }
        // A clock from before the program was built says nothing of what is later.
        if now < self.inner.ambient.built() {
            return;
        }
        let ahead = kept.sessions.iter_mut().filter(|session| session.seen.since(now) > UNUSED);
        let mut is_changed = false;
        for session in ahead {
            (session.seen, session.created) = (now, session.created.min(now));
            is_changed = true;
        }
        if is_changed {
            self.keep(state);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock()
    }

    fn keep(&self, state: &State) {
        let written = serde_json::to_vec(&state.kept)
            .map_err(std::io::Error::other)
            .and_then(|octets| write_secret(&self.inner.path, &octets));
        if let Err(fault) = written {
            // They hold in this run all the same.
            tracing::warn!(path = %self.inner.path.display(), %fault, "the sessions of browsers cannot be kept");
        }
    }
}

impl State {
    fn place(&self, id: &str) -> Result<usize, AdminError> {
        let place = self.kept.sessions.iter().position(|session| session.id == id);
        place.ok_or_else(|| AdminError::new("no-such-session", "there is no such session any more"))
    }

    fn end(&mut self, place: usize) {
        self.kept.sessions.remove(place);
        self.ends.remove(place).cancel();
    }
}

impl Session {
    fn holds(&self, now: Timestamp) -> bool {
        now.since(self.seen) < UNUSED
    }
}

/// A secret of so many random octets, as text.
pub fn secret(octets: usize) -> String {
    let mut random = vec![0; octets];
    System.fill(&mut random);
    hex(&random)
}

/// Looking for a hash tells nothing of the secret by the time that it takes.
fn hash(shown: &str) -> String {
    hex(&Sha256::digest(shown.as_bytes()))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    /// A clock that is set by hand.
    struct Clock(Mutex<Timestamp>);

    impl Clock {
        fn new() -> Arc<Self> {
            Arc::new(Self(Mutex::new(System.now())))
        }

        fn set(&self, now: Timestamp) {
            *self.0.lock() = now;
        }
    }

    impl Ambient for Clock {
        fn now(&self) -> Timestamp {
            *self.0.lock()
        }

        fn fill(&self, buffer: &mut [u8]) {
            System.fill(buffer);
        }
    }

    fn code<T>(refused: Result<T, AdminError>) -> String {
        refused.err().unwrap().code
    }

    #[test]
    fn a_session_outlives_a_restart_and_each_refusal_says_its_own_reason() {
        let dir = tempfile::tempdir().unwrap();
        let before = Sessions::open(dir.path());
        let (replaced, link) = (before.fresh_link(), before.fresh_link());
        assert_eq!(code(before.enter(&replaced, "Firefox")), "token-replaced");
        assert_eq!(code(before.enter("made up", "Firefox")), "token-wrong");
        let shown = before.enter(&link, "Firefox\n1").unwrap();
        assert_eq!(code(before.enter(&link, "Firefox")), "token-used");
        let kept = std::fs::read_to_string(dir.path().join(FILE)).unwrap();
        assert!(!kept.contains(&shown) && !kept.contains(&link), "only hashes are kept");

        let after = Sessions::open(dir.path());
        assert_eq!(after.cookie_name(), before.cookie_name());
        assert_eq!(code(after.enter(&link, "Firefox")), "token-used", "also by a link of a run before");
        let admitted = after.admit(&shown).unwrap();
        let [listed] = &after.list()[..] else { panic!("one session") };
        assert_eq!((listed.id.as_str(), listed.browser.as_str()), (admitted.id.as_str(), "Firefox1"));
        assert!(!admitted.ends.is_cancelled());
        after.end(&admitted.id).unwrap();
        assert!(admitted.ends.is_cancelled(), "what it follows ends with it");
        assert_eq!(code(after.admit(&shown)), "session-ended");
        assert_eq!(code(Sessions::open(dir.path()).admit(&shown)), "session-ended");
    }

    #[test]
    fn the_browsers_that_are_let_in_are_bounded_and_the_cookies_of_two_nodes_differ() {
        let [one, other] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let sessions = Sessions::open(one.path());
        let enter = || sessions.enter(&sessions.fresh_link(), "x").unwrap();
        let first = enter();
        for _ in 0..MOST {
            enter();
        }
        assert_eq!(sessions.list().len(), MOST);
        assert_eq!(code(sessions.admit(&first)), "session-ended");
        assert_ne!(sessions.cookie_name(), Sessions::open(other.path()).cookie_name());
    }

    #[test]
    fn a_link_for_another_device_works_for_ten_minutes_and_leaves_the_printed_one_as_it_is() {
        let (dir, clock) = (tempfile::tempdir().unwrap(), Clock::new());
        let sessions = Sessions::open_with(dir.path(), clock.clone());
        let now = clock.now();
        let printed = sessions.fresh_link();
        let replaced = sessions.device_link();
        let late = sessions.device_link();
        assert_eq!(late.ends, now.plus(DEVICE_LINK));
        assert_eq!(code(sessions.enter(&replaced.token, "x")), "token-replaced");
        clock.set(late.ends);
        assert_eq!(code(sessions.enter(&late.token, "x")), "token-expired");
        // A clock that is set back, as one that was ahead, does not bring it back.
        clock.set(now.minus(DAY));
        assert_eq!(code(sessions.enter(&late.token, "x")), "token-expired");
        clock.set(now.plus(100 * DAY));
        sessions.enter(&printed, "x").unwrap();
        let in_time = sessions.device_link();
        let again = Sessions::open_with(dir.path(), clock.clone());
        again.enter(&in_time.token, "x").unwrap();
        assert_eq!(code(again.enter(&in_time.token, "x")), "token-used");
    }

    #[test]
    fn a_clock_that_is_wrong_for_a_while_ends_no_session_and_keeps_none_for_longer() {
        let (dir, clock) = (tempfile::tempdir().unwrap(), Clock::new());
        let sessions = Sessions::open_with(dir.path(), clock.clone());
        let now = clock.now();
        let shown = sessions.enter(&sessions.fresh_link(), "before").unwrap();
        let followed = sessions.admit(&shown).unwrap().ends;

        clock.set(now.plus(200 * DAY));
        let text = sessions.admit(&shown).err().unwrap().detail;
        assert!(text.contains(&clock.now().in_words()), "{text}");
        assert!(followed.is_cancelled() && sessions.list().is_empty());
        let ahead = sessions.enter(&sessions.fresh_link(), "while it was ahead").unwrap();

        // In this run, and in one that has been started meanwhile.
        for sessions in [&sessions, &Sessions::open_with(dir.path(), clock.clone())] {
            clock.set(now.plus(DAY));
            assert!(!sessions.admit(&shown).unwrap().ends.is_cancelled());
            sessions.admit(&ahead).unwrap();
            let seen: Vec<_> = sessions.list().iter().map(|session| session.seen).collect();
            assert_eq!(seen, [now.plus(DAY); 2], "what was written ahead is taken back");
            // From before the program was built, nothing is written: it would be long ago.
            clock.set(Timestamp::from_secs(5));
            assert_eq!(sessions.list().len(), 2);
            sessions.admit(&ahead).unwrap();
        }
        clock.set(now.plus(31 * DAY));
        assert_eq!(code(sessions.admit(&ahead)), "session-ended");
        assert_eq!(code(sessions.admit(&shown)), "session-ended");
    }

    #[test]
    fn all_sessions_end_but_the_one_that_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let sessions = Sessions::open(dir.path());
        let all = ["a", "b", "c"].map(|browser| sessions.enter(&sessions.fresh_link(), browser).unwrap());
        let kept = sessions.admit(&all[1]).unwrap();
        assert_eq!(code(sessions.end_others("made up")), "no-such-session");
        assert_eq!(sessions.list().len(), 3, "nothing ends where the one to be kept is not there");
        sessions.end_others(&kept.id).unwrap();
        assert!(!kept.ends.is_cancelled());
        assert_eq!(sessions.admit(&all[1]).unwrap().id, kept.id);
        for ended in [&all[0], &all[2]] {
            assert_eq!(code(sessions.admit(ended)), "session-ended");
        }
    }
}
