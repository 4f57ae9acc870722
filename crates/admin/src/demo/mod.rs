//! The demo federation: three providers on this machine, each a whole node with its own store, keys and TLS
//! certificate, and people in them.

mod files;
mod steps;
mod talk;
mod users;

use std::path::Path;
use std::sync::Arc;

use drawbridge_mtp::id::{InvalidIdentifier, Name, UserUri};
use drawbridge_node::config::Config;
use drawbridge_node::operator::UserRule;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use self::files::{PLAN, prepare, read};
use self::talk::talk;
use self::users::USERS;
use crate::error::AdminError;
use crate::host_fault::HostFault;
use crate::keys::KeyPlace;
use crate::site::Site;
use crate::view::{Demo, DemoNode, DemoSteps};

/// The running demo.
pub(crate) struct DemoFederation {
    providers: Vec<DemoProvider>,
    /// The one that is shown.
    shown: usize,
    /// What the people of a new demo do by themselves.
    talking: Option<JoinHandle<()>>,
    /// Something has changed at one of them.
    changed: Arc<Notify>,
    /// What was done when it could last be seen.
    steps: Mutex<DemoSteps>,
}

struct DemoProvider {
    name: &'static str,
    people: Vec<Name>,
    config: Config,
    running: Option<RunningSite>,
}

/// A provider that runs, and who watches it.
struct RunningSite {
    site: Site,
    watch: [JoinHandle<()>; 2],
}

impl RunningSite {
    async fn start(config: Config, changed: &Arc<Notify>) -> Result<Self, HostFault> {
        let site = Site::start(config, KeyPlace::File).await?;
        let watch = [watch(site.node.changes().listen(), changed), watch(site.clients.listen(), changed)];
        Ok(Self { site, watch })
    }

    async fn stop(self) {
        self.watch.iter().for_each(JoinHandle::abort);
        self.site.stop().await;
    }
}

/// Notifies `changed` whenever something is told.
fn watch<T: Clone + Send + 'static>(mut told: Receiver<T>, changed: &Arc<Notify>) -> JoinHandle<()> {
    let changed = changed.clone();
    tokio::spawn(async move {
        while !matches!(told.recv().await, Err(RecvError::Closed)) {
            changed.notify_one();
        }
    })
}

impl DemoFederation {
    /// Whether there is a demo in the folder `dir`.
    pub(crate) fn is_in(dir: &Path) -> bool {
        dir.join(PLAN).exists()
    }

    /// Forgets the demo in the folder `dir`.
    pub(crate) fn remove(dir: &Path) {
        if let Err(fault) = std::fs::remove_dir_all(dir)
            && fault.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%fault, "the demo's folder could not be removed");
        }
    }

    /// Starts the demo in the folder `dir`; a new one, where there is none.
    pub(crate) async fn start(dir: &Path) -> Result<Self, HostFault> {
        let is_new = !Self::is_in(dir);
        if is_new {
            prepare(dir).map_err(|reason| HostFault::Home { path: dir.to_owned(), reason })?;
        }
        let providers = providers(dir).map_err(|reason| HostFault::Home { path: dir.to_owned(), reason })?;
        let changed = Arc::new(Notify::new());
        let mut federation = Self { providers, shown: 0, talking: None, changed, steps: Mutex::default() };
        match federation.begin(is_new, dir).await {
            Ok(()) => Ok(federation),
            Err(fault) => {
                // All of it or nothing: one that runs on would hold its folder and its port.
                federation.stop().await;
                Err(fault)
            }
        }
    }

    async fn begin(&mut self, is_new: bool, dir: &Path) -> Result<(), HostFault> {
        for provider in &mut self.providers {
            provider.running = Some(RunningSite::start(provider.config.clone(), &self.changed).await?);
        }
        if is_new {
            self.populate()
                .await
                .map_err(|fault| HostFault::Home { path: dir.to_owned(), reason: fault.detail })?;
        }
        Ok(())
    }

    /// Brings in the people, who have their accounts here: one asks, and the others begin to talk.
    async fn populate(&mut self) -> Result<(), AdminError> {
        for provider in &self.providers {
            let Some(site) = provider.site() else { continue };
            for person in &provider.people {
                site.node.operator().create_user(person.clone(), UserRule::Ask).await?;
                site.clients.open_account(person).await?;
            }
        }
        let [alpha, beta, _] = &self.providers[..] else { return Ok(()) };
        let (Some(alice), Some(bob)) = (alpha.people.first(), beta.people.first()) else { return Ok(()) };
        beta.ask(bob, &alpha.uri_of(alice)).await?;
        let sites: Vec<Site> =
            self.providers.iter().filter_map(|provider| provider.site().cloned()).collect();
        self.talking = Some(tokio::spawn(async move {
            let [alpha, beta, gamma] = &sites[..] else { return };
            if let Err(fault) = talk(alpha, beta, gamma).await {
                tracing::warn!(%fault, "the people of the demo did not get to talk");
            }
        }));
        Ok(())
    }

    /// What the window shows.
    pub(crate) fn shown(&self) -> Option<Site> {
        self.providers.get(self.shown).and_then(|provider| provider.site().cloned())
    }

    /// Shows the provider `name` from now on.
    pub(crate) fn look_at(&mut self, name: &str) -> Result<Site, AdminError> {
        let number =
            self.providers.iter().position(|provider| provider.name == name).ok_or_else(|| no_such(name))?;
        let site = self.providers[number].site().cloned().ok_or_else(|| stopped(name))?;
        self.shown = number;
        Ok(site)
    }

    /// Notified when something has changed at one of them.
    pub(crate) fn changed(&self) -> Arc<Notify> {
        self.changed.clone()
    }

    pub(crate) async fn view(&self) -> Result<Demo, AdminError> {
        let mut nodes = Vec::new();
        for (number, provider) in self.providers.iter().enumerate() {
            let (waiting, unread) = match provider.site() {
                Some(site) => (steps::waiting(site).await?, steps::unread(site, &provider.people).await?),
                None => (0, 0),
            };
            nodes.push(DemoNode {
                name: provider.name.to_owned(),
                provider: provider.config.provider.clone(),
                running: provider.running.is_some(),
                shown: number == self.shown,
                waiting,
                unread,
                people: provider.people.iter().map(|person| provider.uri_of(person)).collect(),
            });
        }
        Ok(Demo { steps: self.steps(&nodes).await?, nodes })
    }

    async fn steps(&self, nodes: &[DemoNode]) -> Result<DemoSteps, AdminError> {
        let known = |steps: &Mutex<DemoSteps>| steps.lock().clone();
        let [alpha, others @ ..] = &self.providers[..] else { return Ok(known(&self.steps)) };
        let Some(site) = alpha.site() else { return Ok(known(&self.steps)) };
        let steps = steps::done(site, &alpha.people, &nodes[nodes.len() - others.len()..]).await?;
        steps.clone_into(&mut self.steps.lock());
        Ok(steps)
    }

    /// Starts or stops one that is not shown.
    pub(crate) async fn run(&mut self, name: &str, running: bool) -> Result<(), AdminError> {
        let number =
            self.providers.iter().position(|provider| provider.name == name).ok_or_else(|| no_such(name))?;
        if number == self.shown {
            let text =
                format!("{name} is what this window shows; look at another one, and stop it from there");
            return Err(AdminError::new("shown", text));
        }
        let provider = &mut self.providers[number];
        match (running, provider.running.take()) {
            (false, Some(site)) => site.stop().await,
            (true, None) => {
                let started = RunningSite::start(provider.config.clone(), &self.changed).await;
                provider.running =
                    Some(started.map_err(|fault| AdminError::new("demo-failed", fault.to_string()))?);
            }
            (_, unchanged) => provider.running = unchanged,
        }
        Ok(())
    }

    /// A person of the demo asks another.
    pub(crate) async fn ask(
        &self,
        from: &UserUri,
        to: &UserUri,
    ) -> Result<drawbridge_mtp::id::Id, AdminError> {
        let provider = self.providers.iter().find(|provider| provider.config.provider == *from.provider());
        let provider =
            provider.ok_or_else(|| AdminError::new("no-such-node", format!("{from} is not of the demo")))?;
        provider.ask(from.name(), to).await
    }

    pub(crate) async fn stop(self) {
        if let Some(talking) = self.talking {
            talking.abort();
        }
        for provider in self.providers {
            if let Some(running) = provider.running {
                running.stop().await;
            }
        }
    }
}

impl DemoProvider {
    fn site(&self) -> Option<&Site> {
        self.running.as_ref().map(|running| &running.site)
    }

    fn uri_of(&self, person: &Name) -> UserUri {
        UserUri::new(&self.config.provider, person)
    }

    async fn ask(&self, person: &Name, to: &UserUri) -> Result<drawbridge_mtp::id::Id, AdminError> {
        let site = self.site().ok_or_else(|| stopped(self.name))?;
        Ok(site.node.operator().connect(person, to.clone(), None).await?.id)
    }
}

/// The providers of the folder `dir`, none of which runs yet.
fn providers(dir: &Path) -> Result<Vec<DemoProvider>, String> {
    let providers = USERS.into_iter().zip(read(dir)?).map(|((name, people), config)| {
        let people: Result<_, InvalidIdentifier> = people.iter().map(|person| person.parse()).collect();
        Ok(DemoProvider { name, people: people.map_err(|fault| fault.to_string())?, config, running: None })
    });
    providers.collect()
}

fn no_such(name: &str) -> AdminError {
    AdminError::new(
        "no-such-node",
        format!("{name:?} is not a provider of the demo; name alpha, beta or gamma"),
    )
}

fn stopped(name: &str) -> AdminError {
    AdminError::new("stopped", format!("{name} is stopped; start it first"))
}
