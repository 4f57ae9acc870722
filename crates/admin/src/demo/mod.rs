//! The demo federation: three providers on this machine, each a whole node with its own store, keys and TLS
//! certificate, and people in them.

mod cast;
mod files;
mod steps;
mod talk;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use drawbridge_mtp::id::{InvalidIdentifier, Name, UserUri};
use drawbridge_node::config::Config;
use drawbridge_node::operator::UserRule;
use tokio::sync::Notify;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use self::cast::CAST;
use self::files::{PLAN, prepare, read};
use self::talk::talk;
use crate::error::AdminError;
use crate::host_fault::HostFault;
use crate::keys::KeyPlace;
use crate::site::Site;
use crate::view::{Demo, DemoNode, DemoSteps};

/// The running demo.
pub(crate) struct Federation {
    places: Vec<Place>,
    /// The one that is shown.
    shown: usize,
    /// What the people of a new demo do by themselves.
    talking: Option<JoinHandle<()>>,
    /// Something has changed at one of them.
    stir: Arc<Notify>,
    /// What was done when it could last be seen.
    steps: Mutex<DemoSteps>,
}

struct Place {
    name: &'static str,
    people: Vec<Name>,
    config: Config,
    running: Option<Running>,
}

/// A provider that runs, and who watches it.
struct Running {
    site: Site,
    watch: [JoinHandle<()>; 2],
}

impl Running {
    async fn start(config: Config, stir: &Arc<Notify>) -> Result<Self, HostFault> {
        let site = Site::start(config, KeyPlace::File).await?;
        let watch = [watch(site.node.changes().listen(), stir), watch(site.people.listen(), stir)];
        Ok(Self { site, watch })
    }

    async fn stop(self) {
        self.watch.iter().for_each(JoinHandle::abort);
        self.site.stop().await;
    }
}

/// Stirs whenever something is told.
fn watch<T: Clone + Send + 'static>(mut told: Receiver<T>, stir: &Arc<Notify>) -> JoinHandle<()> {
    let stir = stir.clone();
    tokio::spawn(async move {
        while !matches!(told.recv().await, Err(RecvError::Closed)) {
            stir.notify_one();
        }
    })
}

impl Federation {
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
        let places = places(dir).map_err(|reason| HostFault::Home { path: dir.to_owned(), reason })?;
        let stir = Arc::new(Notify::new());
        let mut federation = Self { places, shown: 0, talking: None, stir, steps: Mutex::default() };
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
        for place in &mut self.places {
            place.running = Some(Running::start(place.config.clone(), &self.stir).await?);
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
        for place in &self.places {
            let Some(site) = place.site() else { continue };
            for person in &place.people {
                site.node.operator().create_user(person.clone(), UserRule::Ask).await?;
                site.people.use_here(person).await?;
            }
        }
        let [alpha, beta, _] = &self.places[..] else { return Ok(()) };
        let (Some(alice), Some(bob)) = (alpha.people.first(), beta.people.first()) else { return Ok(()) };
        beta.asks(bob, &alpha.uri_of(alice)).await?;
        let sites: Vec<Site> = self.places.iter().filter_map(|place| place.site().cloned()).collect();
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
        self.places.get(self.shown).and_then(|place| place.site().cloned())
    }

    /// Shows the provider `name` from now on.
    pub(crate) fn look_at(&mut self, name: &str) -> Result<Site, AdminError> {
        let place = self.places.iter().position(|place| place.name == name).ok_or_else(|| no_such(name))?;
        let site = self.places[place].site().cloned().ok_or_else(|| stopped(name))?;
        self.shown = place;
        Ok(site)
    }

    /// Returns when something has changed at one of them.
    pub(crate) fn stir(&self) -> Arc<Notify> {
        self.stir.clone()
    }

    pub(crate) async fn view(&self) -> Result<Demo, AdminError> {
        let mut nodes = Vec::new();
        for (number, place) in self.places.iter().enumerate() {
            let (waiting, unread) = match place.site() {
                Some(site) => (steps::waiting(site).await?, steps::unread(site, &place.people).await?),
                None => (0, 0),
            };
            nodes.push(DemoNode {
                name: place.name.to_owned(),
                provider: place.config.provider.clone(),
                running: place.running.is_some(),
                shown: number == self.shown,
                waiting,
                unread,
                people: place.people.iter().map(|person| place.uri_of(person)).collect(),
            });
        }
        Ok(Demo { steps: self.steps(&nodes).await?, nodes })
    }

    async fn steps(&self, nodes: &[DemoNode]) -> Result<DemoSteps, AdminError> {
        let known = |steps: &Mutex<DemoSteps>| steps.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let [alpha, others @ ..] = &self.places[..] else { return Ok(known(&self.steps)) };
        let Some(site) = alpha.site() else { return Ok(known(&self.steps)) };
        let steps = steps::done(site, &alpha.people, &nodes[nodes.len() - others.len()..]).await?;
        steps.clone_into(&mut self.steps.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(steps)
    }

    /// Starts or stops one that is not shown.
    pub(crate) async fn run(&mut self, name: &str, running: bool) -> Result<(), AdminError> {
        let number = self.places.iter().position(|place| place.name == name).ok_or_else(|| no_such(name))?;
        if number == self.shown {
            let text =
                format!("{name} is what this window shows; look at another one, and stop it from there");
            return Err(AdminError::new("shown", text));
        }
        let place = &mut self.places[number];
        match (running, place.running.take()) {
            (false, Some(site)) => site.stop().await,
            (true, None) => {
                let started = Running::start(place.config.clone(), &self.stir).await;
                place.running =
                    Some(started.map_err(|fault| AdminError::new("demo-failed", fault.to_string()))?);
            }
            (_, unchanged) => place.running = unchanged,
        }
        Ok(())
    }

    /// A person of the demo asks another.
    pub(crate) async fn ask(
        &self,
        from: &UserUri,
        to: &UserUri,
    ) -> Result<drawbridge_mtp::id::Id, AdminError> {
        let place = self.places.iter().find(|place| place.config.provider == *from.provider());
        let place =
            place.ok_or_else(|| AdminError::new("no-such-node", format!("{from} is not of the demo")))?;
        place.asks(from.name(), to).await
    }

    pub(crate) async fn stop(self) {
        if let Some(talking) = self.talking {
            talking.abort();
        }
        for place in self.places {
            if let Some(running) = place.running {
                running.stop().await;
            }
        }
    }
}

impl Place {
    fn site(&self) -> Option<&Site> {
        self.running.as_ref().map(|running| &running.site)
    }

    fn uri_of(&self, person: &Name) -> UserUri {
        UserUri::new(&self.config.provider, person)
    }

    async fn asks(&self, person: &Name, to: &UserUri) -> Result<drawbridge_mtp::id::Id, AdminError> {
        let site = self.site().ok_or_else(|| stopped(self.name))?;
        Ok(site.node.operator().connect(person, to.clone(), None).await?.id)
    }
}

/// The providers of the folder `dir`, none of which runs yet.
fn places(dir: &Path) -> Result<Vec<Place>, String> {
    let places = CAST.into_iter().zip(read(dir)?).map(|((name, people), config)| {
        let people: Result<_, InvalidIdentifier> = people.iter().map(|person| person.parse()).collect();
        Ok(Place { name, people: people.map_err(|fault| fault.to_string())?, config, running: None })
    });
    places.collect()
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
