//! One running node: put together and started, reloaded, stopped.

use parking_lot::Mutex;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drawbridge_mtp::document::Endpoint;
use drawbridge_mtp::id::{ClientUri, Provider};
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::time::Timestamp;
use rustls::pki_types::CertificateDer;

use crate::accounts::Accounts;
use crate::acme::{Directory, Renewal};
use crate::address_hook::AddressHook;
use crate::ambient::{Ambient, AmbientExt, System};
use crate::backup::Backups;
use crate::client_api::{ClientApi, InProcessHome};
use crate::consent::Consent;
use crate::delivery::{self, Conventions, Delivery, Waits};
use crate::diagnose::repairs::{self, Repairs};
use crate::diagnose::{Comparer, Doctor, OwnState, Report, Step, Tracer, WayIn};
use crate::ground::Ground;
use crate::ground::changes::Changes;
use crate::ground::config::{AcmeConfig, Config, ConfigFault, ListenAddress, TrafficConfig};
use crate::http::{BoundListener, ListenFault, PeerServer, Throttle, Turns, bind, serve};
use crate::identity::{self, Certificate, DataFolder, FolderFault, Issuance, KeyFault, TlsFault};
use crate::key_packages::KeyPackages;
use crate::notify::{self, Notifier};
use crate::operator::{AllowedAddress, Operator, TrustedCertificate, load_choices, load_exceptions};
use crate::other_copy::{self, OtherCopy};
use crate::outbox::Outbox;
use crate::peers::{AddressGuard, Outbound, Peers, host_text};
use crate::pull::Pulls;
use crate::rotation::Rotation;
use crate::router::{Router, wanted_ports};
use crate::storage::{Storage, load_retention};
use crate::store::{OpenFault, Reader, Store, StoreFault, TrafficBounds};
use crate::sweep::Sweep;
use crate::traffic::TrafficLog;

/// Clients' connections at one time.
const CLIENT_CONNECTIONS: usize = 1024;

/// A node cannot start. The text is one sentence that says what to change; nothing has been changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartFault {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigFault),
    /// An address.
    #[error(transparent)]
    Listen(#[from] ListenFault),
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] FolderFault),
    /// The signing key.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsFault),
    /// The store.
    #[error(transparent)]
    Open(#[from] OpenFault),
    /// The store, once open.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The certificates that the directory of ACME is trusted by.
    #[error("[acme] extra_roots = \"{path}\" cannot be used: {reason}")]
    AcmeRoots {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The certificates that the servers of notifications are trusted by.
    #[error("[notify] extra_roots = \"{path}\" cannot be used: {reason}")]
    NotifyRoots {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// There are no certificates that peers could be trusted by.
    #[error(
        "no other provider can be trusted, since this computer has no certificates of authorities: install the package ca-certificates, \
         or name a file with some as [peers] extra_roots ({0})"
    )]
    NoRoots(String),
    /// The certificates that peers are trusted by.
    #[error("[peers] extra_roots = \"{path}\" cannot be used: {reason}")]
    Roots {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl StartFault {
    /// Whether the disk is at fault, full as it may be: that can pass, without a change of the configuration.
    pub fn is_of_disk(&self) -> bool {
        match self {
            Self::Folder(FolderFault::Io { fault, .. }) => fault.kind() == std::io::ErrorKind::StorageFull,
            Self::Open(fault) => fault.is_of_disk(),
            Self::Store(fault) => fault.is_disk_full(),
            _ => false,
        }
    }
}

/// Where a running node listens.
#[derive(Clone, Debug)]
pub struct Listening {
    /// For other providers, or for the proxy that they come by.
    pub mtp: ListenAddress,
    /// Whether other providers are spoken with over TLS here, and not by a proxy.
    pub mtp_tls: bool,
    /// For our users' clients.
    pub client: Option<SocketAddr>,
    /// Whether clients are spoken with over TLS.
    pub client_tls: bool,
}

/// A running node; cheap to clone. It runs until [`Node::stop`].
#[derive(Clone)]
pub struct Node {
    /// Settings, our name, the clock, word of what changes, and what ends when the node stops.
    ground: Arc<Ground>,
    /// Closed when the node stops.
    store: Store,
    /// What a GUI may read and decide.
    operator: Arc<Operator>,
    /// What clients in this process ask by.
    client_api: Arc<ClientApi>,
    /// What is so with this node itself.
    own: Arc<OwnState>,
    /// Where it listens.
    listening: Listening,
    /// The data folder, until the node is stopped.
    folder: Arc<Mutex<Option<DataFolder>>>,
}

impl Node {
    /// Starts the node of `config`.
    pub async fn start(config: Config) -> Result<Self, StartFault> {
        Self::start_in(config, Arc::new(System)).await
    }

    /// Starts the node of `config` with a clock and randomness of the caller's.
    pub async fn start_in(config: Config, ambient: Arc<dyn Ambient>) -> Result<Self, StartFault> {
        Self::start_with(config, ambient, &delivery::MTP).await
    }

    /// The same, for tests with others' MLS structures: as the owner of a group, it numbers what is no MLS message of it.
    #[cfg(feature = "foreign")]
    pub async fn start_foreign(config: Config, ambient: Arc<dyn Ambient>) -> Result<Self, StartFault> {
        Self::start_with(config, ambient, &delivery::FOREIGN).await
    }

    async fn start_with(
        config: Config,
        ambient: Arc<dyn Ambient>,
        conventions: &'static Conventions,
    ) -> Result<Self, StartFault> {
        config.check()?;
        let endpoint = config.endpoint()?;
        let outbound = outbound(&config, &ambient)?;
        let directory = config.acme.as_ref().map(acme_directory).transpose()?;
        let notify_roots = notify_roots(&config)?;
        DataFolder::check(&config.data_dir, &config.provider)?;
        let mtp = BoundListener::bind(&config.mtp)?;
        let clients = config.client.as_ref().map(|client| bind("client", client.listen)).transpose()?;

        // Everything that can be wrong is looked at before the folder is touched.
        let files = config.mtp.tls_cert.as_deref().zip(config.mtp.tls_key.as_deref());
        let mtp_files = files.map(|(cert, key)| Certificate::load(cert, key)).transpose()?;
        let client_files =
            config.client.as_ref().and_then(|c| c.tls_cert.as_deref().zip(c.tls_key.as_deref()));
        let client_certificate = client_files.map(|(cert, key)| Certificate::load(cert, key)).transpose()?;

        let mut folder = DataFolder::take(&config.data_dir, &config.provider)?;
        let mtp_certificate = match mtp_files {
            Some(certificate) => Some(certificate),
            // The proxy has one.
            None if config.mtp.behind_proxy => None,
            None => Some(match config.acme.as_ref().and_then(|_| Certificate::of_acme(folder.path())) {
                Some(certificate) => certificate,
                None => Certificate::self_signed(&folder, &host_text(config.provider.host()))?,
            }),
        };
        let tls_of = |certificate: &Arc<Certificate>| match &config.acme {
            Some(_) => certificate.tls_with_challenges(),
            None => certificate.tls(),
        };
        let mtp_tls = mtp_certificate.as_ref().map(tls_of).transpose()?;
        let client_tls = client_certificate.as_ref().map(Certificate::tls).transpose()?;
        let ring = identity::load_or_make_ring(&folder, &*ambient)?;
        let changes = Changes::new();
        let store = Store::open(folder.path(), ambient.clone(), changes.clone())?;
        if folder.is_restored() {
            store
                .write::<_, StoreFault, _>(|tx| {
                    other_copy::forget(tx)?;
                    // Some of those that are here again were handed out, and none is handed out twice.
                    tx.discard_key_packages()?;
                    tx.renew_feeds(|reader| matches!(reader, Reader::Peer(_)))
                })
                .await?;
        }
        let choices = load_choices(&store, config.peers.strangers).await?;
        load_exceptions::<TrustedCertificate>(&store, &outbound).await?;
        load_exceptions::<AllowedAddress>(&store, &outbound).await?;
        let retention = store.read(load_retention).await?;
        folder.note_open()?;

        let listening = Listening {
            mtp: mtp.address(),
            mtp_tls: mtp_tls.is_some(),
            client: clients.as_ref().map(|listener| listener.address),
            client_tls: client_tls.is_some(),
        };
        let (shown, own_shown) = (mtp_certificate.clone(), mtp_certificate.clone());
        let certificates = [("mtp", mtp_certificate), ("client", client_certificate)]
            .into_iter()
            .filter_map(|(section, certificate)| certificate.map(|certificate| (section, certificate)));
        let ground = Arc::new(Ground::new(config, endpoint, ring, ambient, changes));
        ground.copies.set(store.read(other_copy::kept).await?);
        store.measure(ground.metrics.store_write.clone());
        let traffic = Arc::new(traffic_log(&ground, &store, folder.path()));
        let peers = Arc::new(Peers::new(ground.clone(), store.clone(), outbound, traffic.clone()));
        let repairs = Arc::new(Repairs::load(ground.clone(), store.clone()).await?);
        let accounts = Arc::new(Accounts::new(ground.clone(), store.clone()));
        let consent = Arc::new(Consent::new(ground.clone(), store.clone(), peers.clone(), choices));
        let key_packages = Arc::new(KeyPackages::new(ground.clone(), store.clone(), peers.clone()));
        let (waits, throttle) = (Arc::new(Waits::default()), Arc::new(Throttle::new(&ground.config.limits)));
        let delivery =
            Delivery::new(ground.clone(), store.clone(), peers.clone(), waits.clone(), conventions);
        let delivery = Arc::new(delivery);
        let outbox = Outbox::new(ground.clone(), store.clone(), peers.clone(), delivery.clone());
        let outbox = Arc::new(outbox);
        let backups = Arc::new(Backups::new(ground.clone()));
        let notifier = Notifier::new(ground.clone(), notify_roots);
        let notifier = Arc::new(notifier.map_err(|reason| notify_fault(&ground.config, reason))?);
        let to_renew = ground.config.acme.clone().zip(directory).zip(shown.clone());
        let issuing = to_renew.map(|((settings, directory), shown)| {
            let issuance = Issuance::new(settings.directory.url().to_owned(), settings.challenge.as_str());
            let issuance = Arc::new(issuance);
            let renewal = Renewal::new(ground.clone(), settings, directory, shown, issuance.clone());
            (issuance, renewal)
        });
        let (issuance, renewal) = issuing.unzip();
        let storage = Storage::new(ground.clone(), store.clone(), peers.clone(), backups.clone(), retention);
        let storage = Arc::new(storage);
        let listening_port = listening.mtp.ip().filter(|_| listening.mtp_tls).map(|address| address.port());
        let home_router = home_router(&ground, listening_port);
        let hook = home_router.clone().zip(ground.config.mtp.address_hook.clone());
        let hook = hook
            .map(|(router, command)| AddressHook::new(ground.clone(), store.clone(), router, command))
            .map(Arc::new);
        let own = OwnState::new(
            ground.clone(),
            store.clone(),
            peers.clone(),
            certificates.collect(),
            issuance,
            WayIn { listening_port, router: home_router.clone(), hook: hook.clone() },
            backups.clone(),
        );
        let own = Arc::new(own);
        let doctor = Doctor::new(
            ground.clone(),
            store.clone(),
            peers.clone(),
            waits.clone(),
            shown,
            home_router.clone(),
            Some(own.clone()),
        );
        let doctor = Arc::new(doctor);
        let comparer = Comparer::new(ground.clone(), store.clone(), peers.clone(), delivery.clone());
        let tracer = Tracer::new(ground.clone(), store.clone(), peers.clone(), delivery.clone());
        let tracer = Arc::new(tracer);
        let peer_server = PeerServer {
            ground: ground.clone(),
            store: store.clone(),
            peers: peers.clone(),
            consent: consent.clone(),
            key_packages: key_packages.clone(),
            delivery: delivery.clone(),
            waits: waits.clone(),
            throttle: throttle.clone(),
            turns: Turns::default(),
            doctor: doctor.clone(),
            tracer: tracer.clone(),
        };
        let client_api = Arc::new(ClientApi {
            ground: ground.clone(),
            store: store.clone(),
            peers: peers.clone(),
            accounts: accounts.clone(),
            consent: consent.clone(),
            key_packages,
            delivery: delivery.clone(),
            outbox: outbox.clone(),
            throttle: throttle.clone(),
        });
        let pulls = Pulls {
            ground: ground.clone(),
            store: store.clone(),
            peers: peers.clone(),
            consent: consent.clone(),
            delivery: delivery.clone(),
            outbox,
            waits: waits.clone(),
            doctor: doctor.clone(),
        };
        let rotation = Rotation { ground: ground.clone(), peers: peers.clone(), consent: consent.clone() };
        let other_copy = OtherCopy {
            ground: ground.clone(),
            store: store.clone(),
            peers: peers.clone(),
            waits: waits.clone(),
            shown: own_shown,
        };
        let sweep = Sweep { ground: ground.clone(), store: store.clone(), peers: peers.clone(), throttle };
        let (files, tasks) = (open_files(), &ground.tasks);
        let connections = connections_of_peers(files, ground.config.limits.open_connections);
        let router = crate::http::router(Arc::new(peer_server));
        tasks.spawn(serve(mtp, mtp_tls, router, connections, ground.stop.clone()));
        if let Some(listener) = clients {
            let router = crate::client_api::router(client_api.clone());
            let connections = CLIENT_CONNECTIONS.min(files / 8);
            tasks.spawn(serve(listener, client_tls, router, connections, ground.stop.clone()));
        }
        tasks.spawn(Arc::new(pulls).supervise());
        tasks.spawn(peers.clone().watch_network());
        tasks.spawn(delivery.clone().run_recovery());
        tasks.spawn(delivery.clone().compare_checkpoints());
        tasks.spawn(delivery.clone().check_grants());
        tasks.spawn(sweep.run());
        tasks.spawn(rotation.run());
        tasks.spawn(other_copy.run());
        tasks.spawn(storage.clone().run());
        tasks.spawn(storage.clone().run_forgetting());
        tasks.spawn(own.clone().look_up_name());
        tasks.spawn(own.clone().watch_disk());
        tasks.spawn(backups.clone().run());
        tasks.spawn(own.clone().watch_certificates());
        if let Some(renewal) = renewal {
            tasks.spawn(renewal.run());
        }
        if let Some(home_router) = home_router {
            tasks.spawn(home_router.run(peers.signs.networks()));
        }
        if let Some(hook) = hook {
            tasks.spawn(hook.run(peers.signs.networks()));
        }
        tasks.spawn(traffic.keep(ground.stop.clone()));
        let operator = Operator {
            started: ground.ambient.now(),
            ground: ground.clone(),
            store: store.clone(),
            peers,
            accounts,
            consent,
            delivery,
            waits,
            doctor,
            comparer: Arc::new(comparer),
            tracer,
            own: own.clone(),
            backups,
            storage,
            repairs: repairs.clone(),
            notifier: notifier.clone(),
        };
        let operator = Arc::new(operator);
        ground.tasks.spawn(operator.clone().run_letting_go());
        ground.tasks.spawn(notify::watch(operator.clone(), notifier));
        ground.tasks.spawn(repairs::watch(operator.clone(), repairs));
        Ok(Self {
            folder: Arc::new(Mutex::new(Some(folder))),
            ground,
            store,
            operator,
            client_api,
            own,
            listening,
        })
    }

    /// Stops: no new requests, waiting pulls are answered, writes are finished, the store is closed.
    pub async fn stop(self) {
        self.ground.stop.cancel();
        self.ground.tasks.close();
        self.ground.tasks.wait().await;
        self.operator.traffic().write().await;
        let Some(mut folder) = self.folder.lock().take() else { return };
        if let Err(fault) = folder.note_closing() {
            tracing::warn!(%fault, "the data folder is not marked as closed");
        }
        self.store.close().await;
    }

    /// Reads the certificates of all listeners anew, for connections from now on, and looks up our own name. Returns one
    /// sentence for each certificate that could not be taken, in whose place the one before goes on.
    pub fn reload(&self) -> Vec<String> {
        self.own.reload()
    }

    /// Has the certificate of `section` among those of the node, which it does not listen with itself: it is shown, judged, and
    /// read anew with them.
    pub fn add_certificate(&self, section: &'static str, certificate: Arc<Certificate>) {
        self.own.add_certificate(section, certificate);
    }

    /// Returns once the store has taken up a write and a read, whatever came of them: on a full disk both may fail, and still the
    /// node works as well as it can. In a node that hangs it does not return.
    pub async fn answers(&self) {
        let _ = self.store.rehearse::<(), StoreFault>(|_| Ok(())).await;
        let _ = self.store.read::<(), StoreFault>(|_| Ok(())).await;
    }

    /// Our authority.
    pub fn provider(&self) -> &Provider {
        &self.ground.ours
    }

    /// The settings that it was started with.
    pub fn config(&self) -> &Config {
        &self.ground.config
    }

    /// Where others reach us.
    pub fn endpoint(&self) -> &Endpoint {
        &self.ground.endpoint
    }

    /// The node's clock.
    pub fn now(&self) -> Timestamp {
        self.ground.ambient.now()
    }

    /// Where it listens.
    pub fn listening(&self) -> Listening {
        self.listening.clone()
    }

    /// What it remembers, for tests to look into.
    #[cfg(feature = "inspect")]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What a GUI may read and decide.
    pub fn operator(&self) -> &Operator {
        &self.operator
    }

    /// How `client`, which has to be one of ours, asks us in the same process.
    pub fn home_of(&self, client: ClientUri) -> InProcessHome {
        InProcessHome::new(self.client_api.clone(), client)
    }

    /// What changes.
    pub fn changes(&self) -> &Changes {
        &self.ground.changes
    }
}

/// Looks at `provider` step by step with the key of the node of `config`, in a program beside it, whether or not it is running;
/// `tell` is told each step as it is done.
///
/// It remembers what it sees in a store of its own, which is thrown away: looking changes nothing.
pub async fn check_beside(
    config: &Config,
    provider: &Provider,
    tell: impl FnMut(&Step),
) -> Result<Report, StartFault> {
    let ambient: Arc<dyn Ambient> = Arc::new(System);
    let ring = identity::load_ring(&config.data_dir)?;
    let outbound = outbound(config, &ambient)?;
    let shown = own_certificate(config);
    let scratch = std::env::temp_dir().join(format!("drawbridge-check-{}", ambient.id()));
    std::fs::create_dir(&scratch).map_err(|fault| FolderFault::Io { path: scratch.clone(), fault })?;
    let changes = Changes::new();
    let looked = async {
        let store = Store::open(&scratch, ambient.clone(), changes.clone())?;
        let ground = Ground::new(config.clone(), config.endpoint()?, ring, ambient.clone(), changes);
        let ground = Arc::new(ground);
        let traffic = Arc::new(TrafficLog::in_memory());
        let peers = Arc::new(Peers::new(ground.clone(), store.clone(), outbound, traffic));
        let doctor = Doctor::new(ground, store.clone(), peers, Arc::default(), shown, None, None);
        let report = doctor.look_beside(provider, tell).await;
        store.close().await;
        Ok(report)
    };
    let outcome = looked.await;
    let _ = std::fs::remove_dir_all(&scratch);
    outcome
}

/// The certificate that a node with this configuration shows, where there is one already.
fn own_certificate(config: &Config) -> Option<Arc<Certificate>> {
    let files = config.mtp.tls_cert.as_deref().zip(config.mtp.tls_key.as_deref());
    match files {
        Some((cert, key)) => Certificate::load(cert, key).ok(),
        None if config.mtp.behind_proxy => None,
        None => {
            let by_acme = config.acme.as_ref().and_then(|_| Certificate::of_acme(&config.data_dir));
            by_acme.or_else(|| Certificate::of_folder(&config.data_dir).ok())
        }
    }
}

/// The requests to the directory that certificates are got from.
fn acme_directory(settings: &AcmeConfig) -> Result<Directory, StartFault> {
    let path = settings.extra_roots.clone();
    let fault = |reason: String| StartFault::AcmeRoots { path: path.clone().unwrap_or_default(), reason };
    let roots = path.as_ref().map(std::fs::read).transpose().map_err(|reason| fault(reason.to_string()))?;
    Directory::new(roots.as_deref()).map_err(fault)
}

/// By whom the servers of notifications are trusted; nobody where there are none.
fn notify_roots(config: &Config) -> Result<Vec<CertificateDer<'static>>, StartFault> {
    if config.notify.targets().next().is_none() {
        return Ok(Vec::new());
    }
    notify::roots(config.notify.extra_roots.as_deref()).map_err(|reason| notify_fault(config, reason))
}

fn notify_fault(config: &Config, reason: String) -> StartFault {
    StartFault::NotifyRoots { path: config.notify.extra_roots.clone().unwrap_or_default(), reason }
}

/// The connections to other providers.
fn outbound(config: &Config, ambient: &Arc<dyn Ambient>) -> Result<Outbound, StartFault> {
    let path = config.peers.extra_roots.clone();
    let fault = |reason: String| match &path {
        Some(path) => StartFault::Roots { path: path.clone(), reason },
        None => StartFault::NoRoots(reason),
    };
    let roots = path.as_ref().map(std::fs::read).transpose().map_err(|reason| fault(reason.to_string()))?;
    let guard = AddressGuard::new(&config.peers.allow_networks, ambient.clone());
    Outbound::new(guard, roots.as_deref()).map_err(fault)
}

/// The router of this computer's network, where it is asked to lead here, or for its address.
fn home_router(ground: &Arc<Ground>, listening_port: Option<u16>) -> Option<Arc<Router>> {
    let mtp = &ground.config.mtp;
    let ports = match mtp.open_port {
        true => wanted_ports(&ground.config, ground.endpoint.port(), listening_port),
        false => Vec::new(),
    };
    (mtp.open_port || mtp.address_hook.is_some()).then(|| Arc::new(Router::new(ground.clone(), ports)))
}

/// The record of what crosses the wire, which is kept in the folder `dir`. As long as it cannot be, the node runs without.
fn traffic_log(ground: &Ground, store: &Store, dir: &Path) -> TrafficLog {
    let TrafficConfig { keep_requests, keep_mib } = ground.config.traffic;
    let bounds = TrafficBounds { rows: keep_requests.into(), octets: u64::from(keep_mib) << 20 };
    if bounds.rows == 0 || bounds.octets == 0 {
        return TrafficLog::in_memory();
    }
    let (ambient, store) = (ground.ambient.clone(), store.clone());
    // How it goes is counted of those whom somebody has let in.
    let is_let_in = move |peer: &Provider| {
        let state = store.glance::<_, StoreFault>(|view| view.peer_state(peer));
        matches!(state, Ok(PeerState::Allowed | PeerState::KeyChanged))
    };
    TrafficLog::kept_in(dir.to_owned(), bounds, ambient, ground.changes.clone(), is_let_in)
}

/// How many files this process may open, once that is as many as the system allows: each connection is one.
fn open_files() -> usize {
    // Where that cannot be known, what every system allows.
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(256);
    usize::try_from(files).unwrap_or(usize::MAX)
}

/// How many connections of other providers are open at one time: as many as are configured, unless the system lets this
/// process open too few `files` for that.
fn connections_of_peers(files: usize, configured: u32) -> usize {
    let of_peers = usize::try_from(configured).unwrap_or(usize::MAX);
    let connections = of_peers.min(files / 2);
    if connections < of_peers {
        tracing::warn!(
            "the system lets this process open {files} files, so that {connections} connections from other \
             providers are open at one time and not {of_peers}; raise its limit (LimitNOFILE) or lower \
             [limits] open_connections"
        );
    }
    connections
}
