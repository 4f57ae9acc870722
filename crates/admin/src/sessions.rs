//! The browsers that may use the pages. They are kept in the folder, each as the hash of its secret, so that they outlive a
//! restart and nobody who reads the folder's backup can use the pages.

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
/// A browser that has not been seen for so long has to use another link.
const UNUSED: Duration = Duration::from_secs(30 * 24 * 3600);
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
        Self { inner: Arc::new(Inner { path, state: Mutex::new(State { kept, ends }) }) }
    }

    /// The name of our cookie, which no other node on this host has.
    pub fn cookie_name(&self) -> String {
        format!("drawbridge-{}", self.state().kept.node)
    }

    /// The token of a fresh link, in the place of the one before.
    pub fn fresh_link(&self) -> String {
        let token = secret(32);
        let mut state = self.state();
        for link in state.kept.links.iter_mut().filter(|link| link.used.is_none()) {
            link.replaced = true;
        }
        state.kept.links.push(Link { hash: hash(&token), used: None, replaced: false });
        let surplus = state.kept.links.len().saturating_sub(LINKS);
        state.kept.links.drain(..surplus);
        self.keep(&state);
        token
    }

    /// Exchanges the token of a link for a session's secret.
    pub fn enter(&self, token: &str, browser: &str) -> Result<String, AdminError> {
        let (now, hashed) = (System.now(), hash(token));
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
        let (now, hashed) = (System.now(), hash(shown));
        let mut state = self.state();
        state.lapse(now);
        let place = state.kept.sessions.iter().position(|session| session.hash == hashed);
        let place = place.ok_or_else(|| {
            AdminError::new(
                "session-ended",
                "this browser's session was ended, or not used for thirty days; open the link that drawbridged link prints",
            )
        })?;
        let session = &mut state.kept.sessions[place];
        let id = session.id.clone();
        if now.since(session.seen) >= SEEN_EVERY {
            session.seen = now;
            self.keep(&state);
        }
        Ok(Admitted { id, ends: state.ends[place].clone() })
    }

    /// All sessions, the latest first.
    pub(crate) fn list(&self) -> Vec<view::Session> {
        let mut state = self.state();
        state.lapse(System.now());
        let row = |session: &Session| view::Session {
            id: session.id.clone(),
            browser: session.browser.clone(),
            created: session.created,
            seen: session.seen,
        };
        state.kept.sessions.iter().rev().map(row).collect()
    }

    /// Ends the session `id`: its browser has to use another link.
    pub(crate) fn end(&self, id: &str) -> Result<(), AdminError> {
        let mut state = self.state();
        let place = state.kept.sessions.iter().position(|session| session.id == id);
        let place =
            place.ok_or_else(|| AdminError::new("no-such-session", "there is no such session any more"))?;
        state.end(place);
        self.keep(&state);
        Ok(())
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
    fn lapse(&mut self, now: Timestamp) {
        while let Some(place) =
            self.kept.sessions.iter().position(|session| now.since(session.seen) >= UNUSED)
        {
            self.end(place);
        }
    }

    fn end(&mut self, place: usize) {
        self.kept.sessions.remove(place);
        self.ends.remove(place).cancel();
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
}
