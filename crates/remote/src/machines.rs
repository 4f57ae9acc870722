//! All other machines whose provider this program administers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use drawbridge_admin::{AdminError, KeyPlace, secret};
use drawbridge_node::identity::{Fingerprint, InvalidFingerprint};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::book::{Book, Contents, Entry};
use crate::connection::Connection;
use crate::fault::{Refusal, Unusable};
use crate::link::Link;
use crate::machine::{Machine, Said};
use crate::session_store::{Keeping, SessionStore};
use crate::versions::OURS;
use crate::view::{self, MachineAdded, MachineForgotten, MachineMet};

/// The folder with the sessions that are in files.
const SESSIONS: &str = "machines";
/// A machine that is forgotten is waited for so long, to have the session end there too.
const FAREWELL: Duration = Duration::from_secs(5);

/// All other machines; cheap to clone.
#[derive(Clone)]
pub struct Machines {
    inner: Arc<Inner>,
}

struct Inner {
    book: Arc<Book>,
    store: SessionStore,
    machines: Mutex<Vec<Machine>>,
    /// Held by whoever adds or forgets one.
    changing: tokio::sync::Mutex<()>,
}

impl Machines {
    /// Those that are kept in the folder `home`, with their sessions in `place`.
    pub fn open(home: &Path, place: KeyPlace) -> Self {
        let book = Arc::new(Book::open(home));
        let store = SessionStore::new(&home.join(SESSIONS), place);
        let kept = book.contents().unwrap_or_default().machines;
        let machines =
            kept.iter().map(|entry| Machine::new(&entry.id, book.clone(), store.clone())).collect();
        let machines = Mutex::new(machines);
        Self { inner: Arc::new(Inner { book, store, machines, changing: tokio::sync::Mutex::default() }) }
    }

    /// All of them, as the pages are told.
    pub fn list(&self) -> view::Machines {
        let (contents, unreadable) = match self.inner.book.contents() {
            Ok(contents) => (contents, None),
            Err(fault) => (Contents::default(), Some(fault)),
        };
        let all = self.all();
        let shown_of = |entry: &Entry| Some(all.iter().find(|machine| machine.id() == entry.id)?.view(entry));
        view::Machines {
            machines: contents.machines.iter().filter_map(shown_of).collect(),
            shown: contents.shown,
            version: OURS.to_owned(),
            unreadable,
        }
    }

    /// Moves whenever the list has changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.book.changes()
    }

    /// All of them.
    pub fn all(&self) -> Vec<Machine> {
        self.inner.machines.lock().clone()
    }

    /// The machine `id`.
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub fn get(&self, id: &str) -> Result<Machine, AdminError> {
        let found = self.inner.machines.lock().iter().find(|machine| machine.id() == id).cloned();
        found.ok_or_else(|| {
            AdminError::new("no-such-machine", "this machine was forgotten; add it again by a new link")
        })
    }

    /// What is found where `link` leads to. The link itself is not used: nothing is sent before the certificate was confirmed.
    ///
    /// # Errors
    ///
    /// Where it is no link, or nothing is found.
    pub async fn look_at(&self, link: &str) -> Result<MachineMet, Refusal> {
        let Link { origin, .. } = link.parse()?;
        let met = Connection::new(origin.clone(), None)?.knock().await;
        let origin_text = origin.to_string();
        match met {
            // Without TLS it is an address of this computer, as of a tunnel, and there is nothing to compare.
            Ok(()) => {
                Ok(MachineMet { origin: origin_text, fingerprint: None, vouched: false, confirmed: true })
            }
            Err(Unusable { certificate: Some(certificate), .. }) => {
                let kept = self.inner.book.contents().unwrap_or_default().machines;
                let confirmed = kept.iter().any(|entry| {
                    entry.origin == origin
                        && entry.certificate.is_some_and(|known| known.to_string() == certificate.shown)
                });
                let (fingerprint, vouched) = (Some(certificate.shown), certificate.vouched);
                Ok(MachineMet { origin: origin_text, fingerprint, vouched, confirmed })
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// Adds the machine that `link` leads to, where it shows the certificate whose fingerprint was `confirmed`; in the place of the
    /// machine `replaces`, or of one at the same address. Nothing is kept of it where that fails.
    ///
    /// # Errors
    ///
    /// Where the link is refused, the machine cannot be used, or it cannot be kept.
    pub async fn add(
        &self,
        link: &str,
        confirmed: Option<&str>,
        replaces: Option<&str>,
    ) -> Result<MachineAdded, Refusal> {
        let Link { origin, token } = link.parse()?;
        let certificate = confirmed.map(read_fingerprint).transpose()?;
        if origin.is_secure() && certificate.is_none() {
            let text = "the certificate there has to be confirmed before anything is sent to it";
            return Err(AdminError::new("not-confirmed", text).into());
        }
        let _changing = self.inner.changing.lock().await;
        let contents =
            self.inner.book.contents().map_err(|fault| AdminError::new("machines-unkept", fault))?;
        let named = contents.machines.iter().find(|entry| replaces == Some(entry.id.as_str()));
        let before = named.or_else(|| contents.machines.iter().find(|entry| entry.origin == origin)).cloned();

        let connection = Connection::new(origin.clone(), certificate)?;
        let session = connection.enter(&token).await?;
        let added = async {
            let said = Said::read(connection.status(&session).await?)?;
            let id = before.as_ref().map_or_else(|| secret(9), |entry| entry.id.clone());
            let mut entry =
                Entry { id, origin, certificate, kept: Keeping::File, provider: None, version: None };
            said.write(&mut entry);
            Ok(self.keep(entry, before.as_ref(), &session).await?)
        };
        let added = added.await;
        if added.is_err() {
            // It would be in the list there, and nobody could use it.
            let _ = timeout(FAREWELL, connection.end(&session)).await;
        }
        added
    }

    /// Keeps `session` and `entry`, in the place of the entry `before`, whose session is ended.
    async fn keep(
        &self,
        mut entry: Entry,
        before: Option<&Entry>,
        session: &Zeroizing<String>,
    ) -> Result<MachineAdded, AdminError> {
        let Inner { book, store, machines, .. } = &*self.inner;
        let id = entry.id.clone();
        let old = before.and_then(|before| self.get(&before.id).ok());
        // Read before another one is in its place.
        let old_way = match &old {
            Some(old) => old.way().await.ok(),
            None => None,
        };
        let kept = store.keep(&id, session).await.map_err(|fault| {
            AdminError::new(
                "machines-unkept",
                format!("the session with the machine cannot be kept: {fault}"),
            )
        })?;
        entry.kept = kept;
        let machine = old.unwrap_or_else(|| Machine::new(&id, book.clone(), store.clone()));
        // Before it is told that the list has changed: whoever reads it then finds the machine too.
        if before.is_none() {
            machines.lock().push(machine.clone());
        }
        let changed = book.change(|contents| match contents.machines.iter_mut().find(|one| one.id == id) {
            Some(one) => *one = entry,
            None => contents.machines.push(entry),
        });
        if let Err(fault) = changed {
            // What was kept before is found there again at the next start.
            let put_back = match (before, old_way) {
                (Some(before), Some((_, session))) if before.kept == kept => {
                    store.keep(&id, &session).await.map(drop)
                }
                _ => store.remove(&id, kept).await,
            };
            if let Err(fault) = put_back {
                tracing::warn!(%fault, "the session with a machine is not kept as it was before");
            }
            if before.is_none() {
                machines.lock().retain(|one| one.id() != id);
            }
            return Err(fault);
        }
        machine.renew(Some(session.clone()));
        if let Some(before) = before.filter(|before| before.kept != kept)
            && let Err(fault) = store.remove(&id, before.kept).await
        {
            tracing::warn!(%fault, "the session before could not be removed from where it was kept");
        }
        if let Some((connection, session)) = old_way {
            // One that was ended there already, or cannot be reached, is none that is used.
            let _ = timeout(FAREWELL, connection.end(&session)).await;
        }
        Ok(MachineAdded { id, kept })
    }

    /// Has the window show the machine `id`; without one, this computer's own provider.
    ///
    /// # Errors
    ///
    /// Where there is no such machine, or that cannot be kept.
    pub fn show(&self, id: Option<&str>) -> Result<(), AdminError> {
        let machine = id.map(|id| self.get(id)).transpose()?;
        if self.inner.book.contents().is_ok_and(|contents| contents.shown.as_deref() == id) {
            return Ok(());
        }
        self.inner.book.change(|contents| contents.shown = machine.map(|machine| machine.id().to_owned()))
    }

    /// Takes the certificate with that fingerprint for that of the machine `id` from now on, and no other.
    ///
    /// # Errors
    ///
    /// Where there is no such machine, the text is no fingerprint, or it cannot be kept.
    pub fn trust(&self, id: &str, fingerprint: &str) -> Result<(), AdminError> {
        let machine = self.get(id)?;
        let certificate = read_fingerprint(fingerprint)?;
        self.inner.book.change(|contents| {
            let entries = contents.machines.iter_mut().filter(|entry| entry.id == id);
            entries.for_each(|entry| entry.certificate = Some(certificate));
        })?;
        machine.renew(None);
        Ok(())
    }

    /// Forgets the machine `id`, and ends the session there where it can be reached.
    ///
    /// # Errors
    ///
    /// Where there is no such machine, or it cannot be taken out of the list.
    pub async fn forget(&self, id: &str) -> Result<MachineForgotten, AdminError> {
        let _changing = self.inner.changing.lock().await;
        let machine = self.get(id)?;
        let kept = self.inner.book.entry(id).map(|entry| entry.kept);
        let ended = match timeout(FAREWELL, machine.end_session()).await {
            Ok(Err(Refusal::Unusable(fault))) => fault.was_refused(),
            ended => matches!(ended, Ok(Ok(()))),
        };
        self.inner.book.change(|contents| {
            contents.machines.retain(|entry| entry.id != id);
            if contents.shown.as_deref() == Some(id) {
                contents.shown = None;
            }
        })?;
        machine.forget();
        self.inner.machines.lock().retain(|one| one.id() != id);
        self.inner.book.touch();
        if let Some(kept) = kept
            && let Err(fault) = self.inner.store.remove(id, kept).await
        {
            tracing::warn!(%fault, "the session with a machine that was forgotten could not be removed");
        }
        Ok(MachineForgotten { ended })
    }
}

fn read_fingerprint(text: &str) -> Result<Fingerprint, AdminError> {
    text.parse().map_err(|fault: InvalidFingerprint| AdminError::new("not-confirmed", fault.to_string()))
}
