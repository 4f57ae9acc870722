//! A provider on another machine, to be asked and followed.

use std::sync::Arc;

use drawbridge_mtp::id::Provider;
use drawbridge_node::ambient::{Ambient, System};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::book::{Book, Entry};
use crate::connection::Connection;
use crate::events::Events;
use crate::fault::{MISSING, Refusal, Step, UNREADABLE, Unusable};
use crate::session_store::{Keeping, SessionStore};
use crate::versions::{OURS, understand};
use crate::view::{self, Standing};

/// No version is longer.
const VERSION_LENGTH: usize = 40;

/// A provider on another machine; cheap to clone.
#[derive(Clone)]
pub struct Machine {
    inner: Arc<Inner>,
}

struct Inner {
    id: String,
    book: Arc<Book>,
    store: SessionStore,
    state: Mutex<State>,
    /// Moves where what rests until it tries again is to try now.
    nudges: watch::Sender<u64>,
    forgotten: CancellationToken,
}

struct State {
    /// Made when it is needed first.
    connection: Option<Arc<Connection>>,
    /// Read when it is needed first.
    session: Option<Arc<Zeroizing<String>>>,
    /// How often one of the two was replaced.
    renewed: u64,
    standing: Standing,
    waiting: u32,
}

impl Machine {
    /// The machine `id` of `book`.
    pub(crate) fn new(id: &str, book: Arc<Book>, store: SessionStore) -> Self {
        let state =
            State { connection: None, session: None, renewed: 0, standing: Standing::Connecting, waiting: 0 };
        let inner = Inner {
            id: id.to_owned(),
            book,
            store,
            state: Mutex::new(state),
            nudges: watch::Sender::new(0),
            forgotten: CancellationToken::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Which one it is.
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// What its provider is called; where it has not said that so far, its address.
    pub fn name(&self) -> String {
        let entry = self.inner.book.entry(self.id());
        entry
            .map(|entry| entry.provider.unwrap_or_else(|| entry.origin.host().to_owned()))
            .unwrap_or_default()
    }

    /// Has its provider carry out `command`.
    ///
    /// # Errors
    ///
    /// Where it refuses, or cannot be asked.
    pub async fn call(&self, command: &str, request: &Value) -> Result<Value, Refusal> {
        let (connection, session) = self.way().await?;
        connection.call(&session, command, request).await
    }

    /// Which of the sessions there is that of this program.
    ///
    /// # Errors
    ///
    /// As [`Machine::call`].
    pub async fn own_session(&self) -> Result<String, Refusal> {
        let (connection, session) = self.way().await?;
        connection.own_session(&session).await
    }

    /// Asks how it is, keeps that, and returns how much waits there for a decision.
    ///
    /// # Errors
    ///
    /// As [`Machine::call`].
    pub async fn look(&self) -> Result<u32, Refusal> {
        let (connection, session) = self.way().await?;
        let said = Said::read(connection.status(&session).await?)?;
        let waiting = said.waiting();
        let is_news = std::mem::replace(&mut self.inner.state.lock().waiting, waiting) != waiting;
        if is_news {
            self.inner.book.touch();
        }
        let is_known = self.inner.book.entry(self.id()).is_none_or(|entry| said.is_of(&entry));
        if !is_known {
            let kept = self.inner.book.change(|contents| {
                contents
                    .machines
                    .iter_mut()
                    .filter(|entry| entry.id == self.id())
                    .for_each(|entry| said.write(entry));
            });
            if let Err(fault) = kept {
                tracing::warn!(%fault, "what another machine says of itself could not be kept");
            }
        }
        Ok(waiting)
    }

    /// Tries now where it rests until it tries again.
    pub fn retry(&self) {
        self.inner.nudges.send_modify(|count| *count += 1);
    }

    /// Moves where it is to be tried again before its time.
    pub(crate) fn nudges(&self) -> watch::Receiver<u64> {
        self.inner.nudges.subscribe()
    }

    /// Cancelled when it was forgotten.
    pub(crate) fn forgotten(&self) -> &CancellationToken {
        &self.inner.forgotten
    }

    /// What happens there behind `place`.
    pub(crate) async fn events(&self, place: Option<&str>) -> Result<Events, Unusable> {
        let opened = async {
            let (connection, session) = self.way().await?;
            connection.events(&session, place).await
        };
        opened.await.map_err(|refusal| match refusal {
            Refusal::Unusable(fault) => fault,
            Refusal::Refused(refused) => Unusable::no_answer(&refused.detail),
        })
    }

    /// Notes how it goes: that it is heard, or why not.
    pub(crate) fn note(&self, fault: Option<Unusable>) {
        let mut state = self.inner.state.lock();
        let next = match (fault, &state.standing) {
            (None, _) => Standing::Live,
            (Some(fault), Standing::Failing { since, .. }) => Standing::Failing { since: *since, fault },
            (Some(fault), _) => Standing::Failing { since: System.now(), fault },
        };
        if state.standing != next {
            state.standing = next;
            drop(state);
            self.inner.book.touch();
        }
    }

    /// Goes on with what its entry in the book says now, and `session` where that is a new one.
    pub(crate) fn renew(&self, session: Option<Zeroizing<String>>) {
        {
            let mut state = self.inner.state.lock();
            state.renewed += 1;
            state.connection = None;
            if let Some(session) = session {
                state.session = Some(Arc::new(session));
            }
        }
        self.retry();
    }

    /// Ends the session there.
    pub(crate) async fn end_session(&self) -> Result<(), Refusal> {
        let (connection, session) = self.way().await?;
        connection.end(&session).await
    }

    /// Ends what follows it.
    pub(crate) fn forget(&self) {
        self.inner.forgotten.cancel();
    }

    /// As the pages are told.
    pub(crate) fn view(&self, entry: &Entry) -> view::Machine {
        let state = self.inner.state.lock();
        view::Machine {
            id: entry.id.clone(),
            origin: entry.origin.to_string(),
            fingerprint: entry.certificate.map(|certificate| certificate.to_string()),
            provider: entry.provider.clone(),
            understood: entry.version.as_deref().is_none_or(|theirs| understand(OURS, theirs)),
            version: entry.version.clone(),
            kept: entry.kept,
            standing: state.standing.clone(),
            waiting: state.waiting,
        }
    }

    /// By which it is spoken with, and as whom.
    pub(crate) async fn way(&self) -> Result<(Arc<Connection>, Arc<Zeroizing<String>>), Unusable> {
        loop {
            let renewed = self.inner.state.lock().renewed;
            let session = self.session(renewed).await?;
            let mut state = self.inner.state.lock();
            // The session of one address is shown to no other.
            if state.renewed == renewed {
                return Ok((self.connection(&mut state)?, session));
            }
        }
    }

    fn connection(&self, state: &mut State) -> Result<Arc<Connection>, Unusable> {
        if let Some(connection) = &state.connection {
            return Ok(connection.clone());
        }
        let entry = self.inner.book.entry(self.id()).ok_or_else(was_forgotten)?;
        let connection = Arc::new(Connection::new(entry.origin, entry.certificate)?);
        state.connection = Some(connection.clone());
        Ok(connection)
    }

    /// The session, which is kept in memory where it was not renewed since it was so for the `renewed`th time.
    async fn session(&self, renewed: u64) -> Result<Arc<Zeroizing<String>>, Unusable> {
        let known = self.inner.state.lock().session.clone();
        if let Some(session) = known {
            return Ok(session);
        }
        let entry = self.inner.book.entry(self.id()).ok_or_else(was_forgotten)?;
        let read = self.inner.store.read(self.id(), entry.kept).await;
        let read = read.map_err(|why| Unusable::new(Step::Session, UNREADABLE, why))?;
        let session = Arc::new(read.ok_or_else(|| {
            let place = match entry.kept {
                Keeping::Keychain => "in this computer's keychain",
                Keeping::File => "on this computer",
            };
            let text = format!("its session is not {place} any more; paste a new link");
            Unusable::new(Step::Session, MISSING, text)
        })?);
        let mut state = self.inner.state.lock();
        if state.renewed == renewed {
            state.session = Some(session.clone());
        }
        Ok(session)
    }
}

fn was_forgotten() -> Unusable {
    Unusable::new(Step::Session, MISSING, "this machine was forgotten")
}

/// What a provider says of itself, as far as it concerns another machine. Another version may say more, or less.
#[derive(Deserialize)]
pub(crate) struct Said {
    version: String,
    #[serde(default)]
    node: Option<SaidOfNode>,
}

#[derive(Deserialize)]
struct SaidOfNode {
    provider: Provider,
    #[serde(default)]
    waiting_providers: u32,
    #[serde(default)]
    waiting_connections: u32,
    #[serde(default)]
    waiting_additions: u32,
}

impl Said {
    /// Reads the answer to the command `status`.
    pub(crate) fn read(answer: Value) -> Result<Self, Unusable> {
        let said: Self = serde_json::from_value(answer)
            .map_err(|_| Unusable::no_answer("what it says of itself is not understood"))?;
        // Whatever it says, it is shown as one word.
        let version = said.version.chars().filter(char::is_ascii_graphic).take(VERSION_LENGTH).collect();
        Ok(Self { version, ..said })
    }

    /// Writes it into what is kept of the machine.
    pub(crate) fn write(&self, entry: &mut Entry) {
        entry.version = Some(self.version.clone());
        // One that is set up anew has none for a while, and was called so all the same.
        if let Some(node) = &self.node {
            entry.provider = Some(node.provider.to_string());
        }
    }

    fn is_of(&self, entry: &Entry) -> bool {
        let is_called =
            self.node.as_ref().is_none_or(|node| entry.provider == Some(node.provider.to_string()));
        is_called && entry.version.as_ref() == Some(&self.version)
    }

    fn waiting(&self) -> u32 {
        self.node.as_ref().map_or(0, |node| {
            node.waiting_providers
                .saturating_add(node.waiting_connections)
                .saturating_add(node.waiting_additions)
        })
    }
}
