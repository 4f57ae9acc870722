//! The demo federation: three providers on this machine, each a whole node with its own store, keys and TLS
//! certificate, and people in them.

mod files;
mod fork;
mod key;
mod machine;
mod provider;
mod steps;
mod switching;
mod talk;
mod users;

use std::path::Path;
use std::sync::Arc;

use drawbridge_mtp::id::{Id, UserUri};
use drawbridge_node::operator::UserRule;
use drawbridge_node::typed::ShortNames;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use self::files::{CertificateKind, PLAN, certify, make_authority, prepare, read};
use self::provider::{DemoProvider, stopped};
use self::talk::talk;
use crate::error::AdminError;
use crate::host_fault::HostFault;
use crate::site::Site;
use crate::view::{Demo, DemoNode, DemoSteps, DemoSwitch};

/// The running demo.
pub(crate) struct DemoFederation {
    providers: Vec<Arc<DemoProvider>>,
    /// The one that is shown.
    shown: Mutex<usize>,
    /// What the people of a new demo do by themselves.
    talking: Mutex<Option<JoinHandle<()>>>,
    /// Something has changed at one of them.
    changed: Arc<Notify>,
    /// What was done when it could last be seen.
    steps: Mutex<DemoSteps>,
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

    /// Starts the demo in the folder `dir`; a new one, where there is none. Nothing is switched on, whatever was before.
    pub(crate) async fn start(dir: &Path) -> Result<Self, HostFault> {
        let is_new = !Self::is_in(dir);
        let fault = |reason: String| HostFault::Home { path: dir.to_owned(), reason };
        if is_new {
            prepare(dir).map_err(fault)?;
        }
        let changed = Arc::new(Notify::new());
        let providers = whole_providers(dir, &changed).map_err(fault)?;
        let (shown, talking, steps) = Default::default();
        let federation = Self { providers, shown, talking, changed, steps };
        match federation.begin(is_new, dir).await {
            Ok(()) => Ok(federation),
            Err(fault) => {
                // All of it or nothing: one that runs on would hold its folder and its port.
                federation.stop().await;
                Err(fault)
            }
        }
    }

    async fn begin(&self, is_new: bool, dir: &Path) -> Result<(), HostFault> {
        let fault = |fault: AdminError| HostFault::Home { path: dir.to_owned(), reason: fault.detail };
        // Read before the files are put back with which it is kept.
        let before = self.providers.iter().map(|provider| key::read_states(dir, provider.name));
        let before: Vec<_> = before.collect();
        for provider in &self.providers {
            key::put_back(dir, provider.name)
                .map_err(|fault| HostFault::Home { path: dir.to_owned(), reason: fault.to_string() })?;
            provider.start().await?;
        }
        for (provider, before) in self.providers.iter().zip(before) {
            if let Err(fault) = key::accept_again(provider, &before, &self.others(provider)).await {
                tracing::warn!(provider = provider.name, %fault, "its first key is still to be accepted");
            }
        }
        if is_new {
            self.populate().await.map_err(fault)?;
        }
        Ok(())
    }

    /// Brings in the people, who have their accounts here: one asks, and the others begin to talk.
    async fn populate(&self) -> Result<(), AdminError> {
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
        let sites: Vec<Site> = self.providers.iter().filter_map(|provider| provider.site()).collect();
        *self.talking.lock() = Some(tokio::spawn(async move {
            let [alpha, beta, gamma] = &sites[..] else { return };
            if let Err(fault) = talk(alpha, beta, gamma).await {
                tracing::warn!(%fault, "the people of the demo did not get to talk");
            }
        }));
        Ok(())
    }

    /// What the window shows.
    pub(crate) fn shown(&self) -> Option<Site> {
        self.providers.get(*self.shown.lock()).and_then(|provider| provider.site())
    }

    /// Shows the provider `name` from now on.
    pub(crate) fn look_at(&self, name: &str) -> Result<Site, AdminError> {
        let number = self.number_of(name)?;
        let mut shown = self.shown.lock();
        let provider = &self.providers[number];
        let is_leaving = provider.turning().is_some_and(DemoSwitch::restarts);
        let site = provider.site().filter(|_| !is_leaving).ok_or_else(|| stopped(name))?;
        *shown = number;
        Ok(site)
    }

    fn number_of(&self, name: &str) -> Result<usize, AdminError> {
        self.providers.iter().position(|provider| provider.name == name).ok_or_else(|| no_such(name))
    }

    fn others(&self, than: &Arc<DemoProvider>) -> Vec<Arc<DemoProvider>> {
        self.providers.iter().filter(|other| !Arc::ptr_eq(other, than)).cloned().collect()
    }

    /// The name by which each is called, which people type for its address and port.
    pub(crate) fn short_names(&self) -> ShortNames {
        let names = self.providers.iter();
        names.filter_map(|each| Some((each.name.parse().ok()?, each.config.provider.clone()))).collect()
    }

    /// Notified when something has changed at one of them.
    pub(crate) fn changed(&self) -> Arc<Notify> {
        self.changed.clone()
    }

    pub(crate) async fn view(&self) -> Result<Demo, AdminError> {
        let mut nodes = Vec::new();
        let shown = *self.shown.lock();
        for (number, provider) in self.providers.iter().enumerate() {
            let (waiting, unread) = news(provider).await?;
            let switches = DemoSwitch::ALL.iter().copied();
            let can_fork = fork::is_possible(provider, &self.others(provider)).await;
            nodes.push(DemoNode {
                name: provider.name.to_owned(),
                provider: provider.config.provider.clone(),
                running: provider.running().is_some(),
                shown: number == shown,
                waiting,
                unread,
                people: provider.people.iter().map(|person| provider.uri_of(person)).collect(),
                on: provider.switched_on(),
                turning: provider.turning(),
                locked: switches.filter(|switch| number == shown && !switch.may_be_shown()).collect(),
                can_fork,
            });
        }
        Ok(Demo { steps: self.steps(&nodes).await?, nodes })
    }

    async fn steps(&self, nodes: &[DemoNode]) -> Result<DemoSteps, AdminError> {
        let known = || self.steps.lock().clone();
        let [alpha, others @ ..] = &self.providers[..] else { return Ok(known()) };
        let Some(site) = alpha.site() else { return Ok(known()) };
        match steps::done(&site, &alpha.people, &nodes[nodes.len() - others.len()..]).await {
            Ok(steps) => {
                steps.clone_into(&mut self.steps.lock());
                Ok(steps)
            }
            // It was stopped meanwhile.
            Err(_) if !alpha.runs(&site) => Ok(known()),
            Err(fault) => Err(fault),
        }
    }

    /// Turns on or off what is wrong with a provider.
    pub(crate) async fn turn(&self, name: &str, switch: DemoSwitch, on: bool) -> Result<(), AdminError> {
        let number = self.number_of(name)?;
        let provider = &self.providers[number];
        // One after the other, in the order in which they were asked for.
        let _changing = provider.changing.lock().await;
        let _turning = {
            let shown = self.shown.lock();
            if *shown == number && (switch.restarts() || on && !switch.may_be_shown()) {
                return Err(AdminError::new("shown", shown_text(name, switch)));
            }
            provider.turns(switch)
        };
        switching::turn(provider, switch, on, &self.others(provider)).await
    }

    /// A person of the demo asks another.
    pub(crate) async fn ask(&self, from: &UserUri, to: &UserUri) -> Result<Id, AdminError> {
        let provider = self.providers.iter().find(|provider| provider.config.provider == *from.provider());
        let provider =
            provider.ok_or_else(|| AdminError::new("no-such-node", format!("{from} is not of the demo")))?;
        provider.ask(from.name(), to).await
    }

    /// Stops all of it; nothing of it is started again.
    pub(crate) async fn stop(&self) {
        if let Some(talking) = self.talking.lock().take() {
            talking.abort();
        }
        for provider in &self.providers {
            provider.end().await;
        }
    }
}

/// What waits at `provider`, and what its people have not read; nothing while it is stopped.
async fn news(provider: &DemoProvider) -> Result<(u32, u32), AdminError> {
    let Some(site) = provider.site() else { return Ok((0, 0)) };
    let counted = async { Ok((steps::waiting(&site).await?, steps::unread(&site, &provider.people).await?)) };
    match counted.await {
        // It was stopped meanwhile.
        Err(_) if !provider.runs(&site) => Ok((0, 0)),
        counted => counted,
    }
}

/// The providers of the folder `dir`, none of which runs yet, without anything that was broken.
fn whole_providers(dir: &Path, changed: &Arc<Notify>) -> Result<Vec<Arc<DemoProvider>>, String> {
    make_authority(dir)?;
    let providers = read(dir)?.into_iter().map(|planned| {
        certify(dir, planned.name, CertificateKind::Good)?;
        fork::put_back(dir, planned.name).map_err(|fault| fault.to_string())?;
        Ok(Arc::new(DemoProvider::new(dir, planned, changed)?))
    });
    providers.collect()
}

fn no_such(name: &str) -> AdminError {
    AdminError::new(
        "no-such-node",
        format!("{name:?} is not a provider of the demo; name alpha, beta or gamma"),
    )
}

/// Why a switch of the provider that is shown cannot be turned.
fn shown_text(name: &str, switch: DemoSwitch) -> String {
    let why = if switch.restarts() { "this stops it" } else { "this is seen only by those who come to it" };
    format!("{name} is what this window shows, and {why}; look at another one, and turn it there")
}
