//! A provider of the demo: a whole node with its people, on a machine and behind a network that can be broken.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use drawbridge_faulty_network::{FaultyNetwork, FaultyProxy};
use drawbridge_mtp::id::{Id, InvalidIdentifier, Name, UserUri};
use drawbridge_node::config::Config;
use drawbridge_node::identity::Certificate;
use parking_lot::Mutex;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::sync::Notify;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::files::Planned;
use super::machine::Machine;
use crate::error::AdminError;
use crate::host_fault::HostFault;
use crate::keys::KeyPlace;
use crate::site::Site;
use crate::view::DemoSwitch;

/// On a slow network each piece of what a provider answers is on its way for so long.
const SLOW: Duration = Duration::from_millis(2500);
/// On a lossy one each connection breaks once so many bytes of answers, or of requests, have gone over it: more than a
/// handshake needs.
const LOST_ANSWERS: u64 = 3_000;
const LOST_REQUESTS: u64 = 32 << 10;
/// What a proxy that is set up badly lets through: requests and answers of so many bytes, and what is answered within that.
const PROXY_BYTES: usize = 64 << 10;
const PROXY_WAIT: Duration = Duration::from_secs(12);
/// Connections that it has at a time.
const PROXY_CONNECTIONS: usize = 100;

/// A provider of the demo.
pub(super) struct DemoProvider {
    pub(super) name: &'static str,
    pub(super) people: Vec<Name>,
    /// What its node is started with.
    pub(super) config: Config,
    /// The demo's folder.
    pub(super) dir: PathBuf,
    /// What it takes itself to run on.
    pub(super) machine: Arc<Machine>,
    /// Held by whoever starts, stops or breaks it, so that one thing is done at a time.
    pub(super) changing: tokio::sync::Mutex<()>,
    /// Where its network listens.
    address: SocketAddr,
    /// What of it changes while the demo runs.
    state: Mutex<State>,
    /// Notified when something has changed at it.
    changed: Arc<Notify>,
}

#[derive(Default)]
struct State {
    running: Option<Arc<RunningSite>>,
    /// What is switched on, but for its being stopped.
    on: BTreeSet<DemoSwitch>,
    /// What is being switched.
    turning: Option<DemoSwitch>,
    /// The demo ends: nothing is started any more.
    is_over: bool,
}

/// A provider that runs, the way to it, and who watches it.
pub(super) struct RunningSite {
    pub(super) site: Site,
    /// Where its node listens.
    node: SocketAddr,
    pub(super) network: FaultyNetwork,
    proxy: Mutex<Option<ServedProxy>>,
    watch: [JoinHandle<()>; 2],
}

/// A proxy that runs until it is dropped.
struct ServedProxy {
    address: SocketAddr,
    _stop: DropGuard,
}

impl DemoProvider {
    pub(super) fn new(dir: &Path, planned: Planned, changed: &Arc<Notify>) -> Result<Self, String> {
        let Planned { name, people, address, config } = planned;
        let people: Result<_, InvalidIdentifier> = people.iter().map(|person| person.parse()).collect();
        Ok(Self {
            name,
            people: people.map_err(|fault| fault.to_string())?,
            config,
            dir: dir.to_owned(),
            machine: Arc::default(),
            changing: tokio::sync::Mutex::default(),
            address,
            state: Mutex::default(),
            changed: changed.clone(),
        })
    }

    /// What runs, where it does.
    pub(super) fn running(&self) -> Option<Arc<RunningSite>> {
        self.state.lock().running.clone()
    }

    /// Its node and clients, where they run.
    pub(super) fn site(&self) -> Option<Site> {
        self.running().map(|running| running.site.clone())
    }

    /// Whether `site` is what runs.
    pub(super) fn runs(&self, site: &Site) -> bool {
        self.running().is_some_and(|running| running.site.is(site))
    }

    /// What is switched on.
    pub(super) fn switched_on(&self) -> Vec<DemoSwitch> {
        let state = self.state.lock();
        let is_stopped = state.running.is_none() && state.turning.is_none();
        is_stopped.then_some(DemoSwitch::Stopped).into_iter().chain(state.on.iter().copied()).collect()
    }

    /// Whether `switch` is on.
    pub(super) fn is_on(&self, switch: DemoSwitch) -> bool {
        let state = self.state.lock();
        if switch == DemoSwitch::Stopped { state.running.is_none() } else { state.on.contains(&switch) }
    }

    /// What is being switched.
    pub(super) fn turning(&self) -> Option<DemoSwitch> {
        self.state.lock().turning
    }

    /// Notes what is being switched, until what is returned is dropped.
    pub(super) fn turns(&self, switch: DemoSwitch) -> Turning<'_> {
        self.state.lock().turning = Some(switch);
        self.changed.notify_one();
        Turning { provider: self }
    }

    /// Notes that one is on or off.
    pub(super) fn note(&self, switch: DemoSwitch, on: bool) {
        let mut state = self.state.lock();
        if on {
            state.on.insert(switch)
        } else {
            state.on.remove(&switch)
        };
    }

    /// Starts its node, with what is switched on. Whoever calls it holds `changing`, or is the only one there is.
    pub(super) async fn start(&self) -> Result<(), HostFault> {
        let running = self.start_apart().await?;
        let applied = self.break_network(&running);
        let is_over = {
            let mut state = self.state.lock();
            if applied.is_ok() && !state.is_over {
                state.running = Some(running.clone());
                None
            } else {
                Some(running)
            }
        };
        match (is_over, applied) {
            (None, _) => Ok(()),
            (Some(running), applied) => {
                running.stop().await;
                applied.map_err(|reason| HostFault::Home { path: self.dir.clone(), reason })
            }
        }
    }

    /// The same for a command, which is refused where it does not start.
    pub(super) async fn start_again(&self) -> Result<(), AdminError> {
        self.start().await.map_err(|fault| failed(&fault))
    }

    /// Starts its node and the way to it, which nobody knows to be running yet.
    pub(super) async fn start_apart(&self) -> Result<Arc<RunningSite>, HostFault> {
        let site = Site::start_in(self.config.clone(), KeyPlace::File, self.machine.clone()).await?;
        let begun = match site.node.listening().mtp.ip() {
            Some(node) => FaultyNetwork::listen(self.address, node).await.map(|network| (node, network)),
            None => Err(std::io::Error::other("its node listens on a socket file")),
        };
        let (node, network) = match begun {
            Ok(begun) => begun,
            Err(fault) => {
                site.stop().await;
                let reason = format!(
                    "nothing can listen on {} for {} ({fault}); stop the other program that does, or leave the demo",
                    self.address, self.name
                );
                return Err(HostFault::Home { path: self.dir.clone(), reason });
            }
        };
        let watch =
            [watch(site.node.changes().listen(), &self.changed), watch(site.clients.listen(), &self.changed)];
        Ok(Arc::new(RunningSite { site, node, network, proxy: Mutex::default(), watch }))
    }

    /// Stops it. Returns whether it ran.
    pub(super) async fn stop(&self) -> bool {
        let running = self.state.lock().running.take();
        match running {
            Some(running) => {
                running.stop().await;
                true
            }
            None => false,
        }
    }

    /// Stops it for good.
    pub(super) async fn end(&self) {
        self.state.lock().is_over = true;
        let _changing = self.changing.lock().await;
        self.stop().await;
    }

    /// Whether the demo ends, so that what takes long is given up.
    pub(super) fn is_over(&self) -> bool {
        self.state.lock().is_over
    }

    /// Makes the way to `running` what the switches say.
    pub(super) fn break_network(&self, running: &RunningSite) -> Result<(), String> {
        let is_on = {
            let on = self.state.lock().on.clone();
            move |switch| on.contains(&switch)
        };
        running.network.heals();
        if is_on(DemoSwitch::Slow) {
            running.network.delays(SLOW);
        }
        if is_on(DemoSwitch::Lossy) {
            running.network.cuts_after(LOST_ANSWERS);
            running.network.cuts_requests_after(LOST_REQUESTS);
        }
        let node = running.node;
        let mut proxy = running.proxy.lock();
        if is_on(DemoSwitch::CuttingProxy) {
            if proxy.is_none() {
                *proxy = Some(self.proxy_before(node)?);
            }
        } else {
            *proxy = None;
        }
        running.network.leads_to(proxy.as_ref().map_or(node, |proxy| proxy.address));
        Ok(())
    }

    /// A proxy that is set up badly, before the node that listens at `node`.
    fn proxy_before(&self, node: SocketAddr) -> Result<ServedProxy, String> {
        let text = |fault: &dyn std::fmt::Display| fault.to_string();
        let mut roots = RootCertStore::empty();
        let trusted = CertificateDer::from_pem_file(self.dir.join("ca.pem")).map_err(|fault| text(&fault))?;
        roots.add(trusted).map_err(|fault| text(&fault))?;
        let proxy = FaultyProxy::before(format!("https://{node}"), roots).map_err(|fault| text(&fault))?;
        proxy.takes_at_most(PROXY_BYTES);
        proxy.gives_at_most(PROXY_BYTES);
        proxy.waits_at_most(PROXY_WAIT);
        let files = self.config.mtp.tls_cert.as_deref().zip(self.config.mtp.tls_key.as_deref());
        let (cert, key) = files.ok_or("it has no certificate")?;
        let certificate = Certificate::load(cert, key).map_err(|fault| text(&fault))?;
        let tls = certificate.tls().map_err(|fault| text(&fault))?;
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = drawbridge_node::bind("mtp", any_port).map_err(|fault| text(&fault))?;
        let (address, stop) = (listener.address, CancellationToken::new());
        let served =
            drawbridge_node::serve(listener, Some(tls), proxy.router(), PROXY_CONNECTIONS, stop.clone());
        tokio::spawn(served);
        Ok(ServedProxy { address, _stop: stop.drop_guard() })
    }

    pub(super) fn uri_of(&self, person: &Name) -> UserUri {
        UserUri::new(&self.config.provider, person)
    }

    pub(super) async fn ask(&self, person: &Name, to: &UserUri) -> Result<Id, AdminError> {
        let site = self.site().ok_or_else(|| stopped(self.name))?;
        Ok(site.node.operator().connect(person, to.clone(), None).await?.id)
    }
}

/// Something is being switched until this is dropped.
pub(super) struct Turning<'a> {
    provider: &'a DemoProvider,
}

impl Drop for Turning<'_> {
    fn drop(&mut self) {
        self.provider.state.lock().turning = None;
        self.provider.changed.notify_one();
    }
}

impl RunningSite {
    pub(super) async fn stop(&self) {
        self.watch.iter().for_each(JoinHandle::abort);
        // Who comes now is refused, as where nothing listens; who waits is answered.
        self.network.closes().await;
        self.site.clone().stop().await;
        *self.proxy.lock() = None;
        self.network.cuts();
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

pub(super) fn failed(fault: &dyn std::fmt::Display) -> AdminError {
    AdminError::new("demo-failed", fault.to_string())
}

pub(super) fn stopped(name: &str) -> AdminError {
    AdminError::new("stopped", format!("{name} is stopped; start it first"))
}
