//! One running node: started, asked by its operator, stopped.

mod consent;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use drawbridge_mtp::document::{Endpoint, ProviderDocument};
use drawbridge_mtp::id::{ClientUri, Name, Provider, UserUri};
use drawbridge_mtp::keys::{PublicKey, SecretKey, Thumbprint};
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::signature::Signer;
use drawbridge_mtp::time::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accounts::TokenFor;
use crate::ambient::{Ambient, AmbientExt, System};
use crate::changes::{Change, Changes};
use crate::client_api::ClientDoor;
use crate::config::{Config, ConfigFault, Strangers};
use crate::consent::requests::{self, Undos, Watch};
use crate::consent::{Decided, Misuse, providers};
use crate::core::{Choices, Core};
use crate::delivery::{
    self, Conventions, Forks, Groups, Recovery, WaitKind, Waits, compare_checkpoints, heal,
};
use crate::diagnose::{CheckStep, Ourselves, OwnState, TrafficLog, check_provider, host_text, look};
use crate::http::{ListenFault, Listener, Throttle, Turns, bind, serve};
use crate::identity::{self, Certificate, DataFolder, FolderFault, KeyFault, TlsFault};
use crate::lock::lock;
use crate::outbox::Answers;
use crate::peers::{self, AddressGuard, Board, Documents, Outbound, Pulling, Serving, Sign, Signs};
use crate::pull::supervise;
use crate::store::{Addition, Connection, DecidedBy, OpenFault, Reader, Store, StoreFault, Tx, UserRule};

pub use self::consent::Whom;

/// How often what has lapsed is looked for: section 7 wants it told within a minute.
const SWEEP_EVERY: Duration = Duration::from_secs(20);
/// Section 12: acknowledged items are kept for a day, and all for thirty.
const KEEP_ACKNOWLEDGED: Duration = Duration::from_secs(24 * 3600);
const KEEP_AT_MOST: Duration = Duration::from_secs(30 * 24 * 3600);
/// A grant lives for thirty days; what it was given out for is remembered until a Welcome that was long on its way
/// must have come.
const KEEP_GRANTED: Duration = Duration::from_secs(60 * 24 * 3600);
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
    /// The certificates that peers are trusted by.
    #[error("[peers] extra_roots = \"{path}\" cannot be used: {reason}")]
    Roots {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Where a running node listens.
#[derive(Clone, Copy, Debug)]
pub struct Listening {
    /// For other providers.
    pub mtp: SocketAddr,
    /// For our users' clients.
    pub client: Option<SocketAddr>,
    /// Whether clients are spoken with over TLS.
    pub client_tls: bool,
}

/// A running node; cheap to clone. It runs until [`Node::stop`].
#[derive(Clone)]
pub struct Node {
    core: Arc<Core>,
    listening: Listening,
    started: Timestamp,
    folder: Arc<Mutex<Option<DataFolder>>>,
    own: Arc<OwnState>,
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
        let outbound = outbound(&config)?;
        DataFolder::check(&config.data_dir, &config.provider)?;
        let mtp = bind("mtp", config.mtp.listen)?;
        let clients = config.client.as_ref().map(|client| bind("client", client.listen)).transpose()?;

        // Everything that can be wrong is looked at before the folder is touched.
        let files = config.mtp.tls_cert.as_deref().zip(config.mtp.tls_key.as_deref());
        let mtp_files = files.map(|(cert, key)| Certificate::load(cert, key)).transpose()?;
        let client_files =
            config.client.as_ref().and_then(|c| c.tls_cert.as_deref().zip(c.tls_key.as_deref()));
        let client_certificate = client_files.map(|(cert, key)| Certificate::load(cert, key)).transpose()?;

        let mut folder = DataFolder::take(&config.data_dir, &config.provider)?;
        let mtp_certificate = match mtp_files {
            Some(certificate) => certificate,
            None => Certificate::self_signed(&folder, &host_text(config.provider.host()))?,
        };
        let mtp_tls = mtp_certificate.tls()?;
        let client_tls = client_certificate.as_ref().map(Certificate::tls).transpose()?;
        let key = identity::load_or_make_key(&folder, &*ambient)?;
        let changes = Changes::new();
        let store = Store::open(folder.path(), ambient.clone(), changes.clone())?;
        let choices = load_choices(&store, config.peers.strangers).await?;
        folder.note_open()?;

        let listening = Listening {
            mtp: mtp.address,
            client: clients.as_ref().map(|listener| listener.address),
            client_tls: client_tls.is_some(),
        };
        let certificates = [("mtp", Some(mtp_certificate)), ("client", client_certificate)]
            .into_iter()
            .filter_map(|(section, certificate)| certificate.map(|certificate| (section, certificate)));
        let own = Arc::new(OwnState::new(certificates.collect(), mtp.address.port()));
        let core = assemble(config, endpoint, key, store, ambient, changes, choices, outbound, conventions);
        let node = Self {
            own,
            started: core.ambient.now(),
            listening,
            folder: Arc::new(Mutex::new(Some(folder))),
            core: Arc::new(core),
        };
        node.run(mtp, mtp_tls, clients, client_tls);
        Ok(node)
    }

    /// Sets everything going.
    fn run(
        &self,
        mtp: Listener,
        mtp_tls: Arc<rustls::ServerConfig>,
        clients: Option<Listener>,
        client_tls: Option<Arc<rustls::ServerConfig>>,
    ) {
        let core = &self.core;
        let files = open_files();
        let of_peers = usize::try_from(core.config.limits.open_connections).unwrap_or(usize::MAX);
        let connections = of_peers.min(files / 2);
        if connections < of_peers {
            tracing::warn!(
                "the system lets this process open {files} files, so that {connections} connections from other \
                 providers are open at one time and not {of_peers}; raise its limit (LimitNOFILE) or lower \
                 [limits] open_connections"
            );
        }
        let router = crate::http::router(core.clone());
        core.tasks.spawn(serve(mtp, Some(mtp_tls), router, connections, core.stop.clone()));
        if let Some(listener) = clients {
            let router = crate::client_api::router(core.clone());
            let connections = CLIENT_CONNECTIONS.min(files / 8);
            core.tasks.spawn(serve(listener, client_tls, router, connections, core.stop.clone()));
        }
        core.tasks.spawn(supervise(core.clone()));
        core.tasks.spawn(peers::watch_network(core.clone()));
        core.tasks.spawn(heal(core.clone()));
        core.tasks.spawn(compare_checkpoints(core.clone()));
        core.tasks.spawn(delivery::check_grants(core.clone()));
        core.tasks.spawn(sweep(core.clone()));
        core.tasks.spawn(look(core.clone(), self.own.clone()));
    }

    /// Stops: no new requests, waiting pulls are answered, writes are finished, the store is closed.
    pub async fn stop(self) {
        self.core.stop.cancel();
        self.core.tasks.close();
        self.core.tasks.wait().await;
        let Some(mut folder) = lock(&self.folder).take() else { return };
        if let Err(fault) = folder.note_closing() {
            tracing::warn!(%fault, "the data folder is not marked as closed");
        }
        self.core.store.close().await;
    }

    /// Reads the certificates of all listeners anew, for connections from now on, and looks up our own name. Returns one
    /// sentence for each certificate that could not be taken, in whose place the one before goes on.
    pub fn reload(&self) -> Vec<String> {
        self.own.reload(&self.core)
    }

    /// What is so with this node itself.
    pub fn ourselves(&self) -> Ourselves {
        self.own.view(&self.core)
    }

    /// Our authority.
    pub fn provider(&self) -> &Provider {
        &self.core.ours
    }

    /// The settings that it was started with.
    pub fn config(&self) -> &Config {
        &self.core.config
    }

    /// Where others reach us.
    pub fn endpoint(&self) -> &Endpoint {
        &self.core.endpoint
    }

    /// The thumbprint of the key that we sign with.
    pub fn fingerprint(&self) -> Thumbprint {
        *self.core.signer.key().public().thumbprint()
    }

    /// When it was started.
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// The node's clock.
    pub fn now(&self) -> Timestamp {
        self.core.ambient.now()
    }

    /// Where it listens.
    pub fn listening(&self) -> Listening {
        self.listening
    }

    /// What it remembers; to read.
    pub fn store(&self) -> &Store {
        &self.core.store
    }

    /// The key `kid` of `provider`, ours or a peer's, where it is to be had.
    pub async fn key_for(&self, provider: &Provider, kid: &Thumbprint) -> Option<PublicKey> {
        if *provider == self.core.ours {
            let ours = self.core.signer.key().public();
            return Some(ours.clone()).filter(|key| key.thumbprint() == kid);
        }
        self.core.key_of(provider, kid).await.ok()
    }

    /// How `client`, which has to be one of ours, asks us in the same process.
    pub fn door(&self, client: ClientUri) -> ClientDoor {
        ClientDoor::new(self.core.clone(), client)
    }

    /// What changes.
    pub fn changes(&self) -> &Changes {
        &self.core.changes
    }

    /// What crosses the wire.
    pub fn traffic(&self) -> &TrafficLog {
        &self.core.traffic
    }

    /// How strangers become peers.
    pub fn strangers(&self) -> Strangers {
        self.core.choices().strangers
    }

    /// Whether requesters learn that they were declined.
    pub fn tells_declined(&self) -> bool {
        self.core.choices().tell_declined
    }

    /// What our puller does at `peer`, where there is one.
    pub fn pulling(&self, peer: &Provider) -> Option<Pulling> {
        self.core.board.pulling(peer)
    }

    /// What all pullers do at their peers.
    pub fn all_pulling(&self) -> HashMap<Provider, Pulling> {
        self.core.board.all_pulling()
    }

    /// How `peer` pulls us.
    pub fn serving(&self, peer: &Provider) -> Serving {
        self.core.board.serving(peer)
    }

    /// Whether a pull of `peer` waits here.
    pub fn is_pulled_by(&self, peer: &Provider) -> bool {
        self.core.waits.waits(WaitKind::Feed, &Reader::Peer(peer.clone()))
    }

    /// Whether `peer` waits here for the operator's decision on it.
    pub fn is_awaited_by(&self, peer: &Provider) -> bool {
        self.core.waits.waits(WaitKind::Peering, &Reader::Peer(peer.clone()))
    }

    /// How many pulls wait here.
    pub fn waiting_pulls(&self) -> usize {
        self.core.waits.pulls()
    }

    /// What is remembered of the document of `peer`.
    pub fn document_of(&self, peer: &Provider) -> Option<Arc<ProviderDocument>> {
        self.core.documents.remembered(peer)
    }

    /// Chooses how strangers become peers; kept until the configuration file says otherwise.
    pub async fn set_strangers(&self, strangers: Strangers) -> Result<(), StoreFault> {
        let configured = word(self.core.config.peers.strangers);
        self.core
            .store
            .write(move |tx| {
                tx.set_setting("strangers", word(strangers))?;
                tx.set_setting("strangers.configured", configured)
            })
            .await?;
        self.core.choices.write().unwrap_or_else(PoisonError::into_inner).strangers = strangers;
        Ok(())
    }

    /// Chooses whether requesters learn that they were declined.
    pub async fn set_tells_declined(&self, on: bool) -> Result<(), StoreFault> {
        self.core
            .store
            .write(move |tx| tx.set_setting("tell-declined", if on { "yes" } else { "no" }))
            .await?;
        self.core.choices.write().unwrap_or_else(PoisonError::into_inner).tell_declined = on;
        Ok(())
    }

    /// The operator's judgement of a provider.
    pub async fn judge_peer(&self, provider: Provider, state: PeerState) -> Result<Decided<()>, Misuse> {
        if provider == self.core.ours {
            return Err(Misuse::Unfit("this is ourselves; name another provider".into()));
        }
        self.decide_on_peer(provider, move |tx, provider| Ok(providers::judge(tx, provider, state)?)).await
    }

    /// Sets aside a provider that waits; it comes back if it asks again.
    pub async fn ignore_peer(&self, provider: Provider) -> Result<Decided<()>, Misuse> {
        self.decide_on_peer(provider, |tx, provider| {
            let mut peer = tx.peer(provider)?.ok_or_else(|| Misuse::NoSuchPeer(provider.clone()))?;
            peer.ignored = true;
            Ok(tx.put_peer(&peer)?)
        })
        .await
    }

    async fn decide_on_peer(
        &self,
        provider: Provider,
        decide: impl FnOnce(&Tx<'_>, &Provider) -> Result<(), Misuse> + Send + 'static,
    ) -> Result<Decided<()>, Misuse> {
        let decided = self.core.store.write(move |tx| {
            let mut watch = Watch::new(tx);
            watch.peer(&provider)?;
            decide(tx, &provider)?;
            Ok::<_, Misuse>(watch.changes()?)
        });
        Ok(self.core.decided((), decided.await?))
    }

    /// Lets pulling from a peer rest, or go on.
    pub async fn pause_peer(&self, provider: Provider, paused: bool) -> Result<(), Misuse> {
        self.change_peer(provider, move |peer| peer.paused = paused).await
    }

    /// Tries a peer at once that is left alone after a failure.
    pub async fn retry_peer(&self, provider: &Provider) {
        // What is remembered of it may be what is wrong.
        self.core.documents.reread(provider);
        self.core.signs.give(provider, Sign::Wanted);
        self.core.changes.announce(Change::Peer(provider.clone()));
    }

    /// Somebody looks at how it goes with a peer, and goes on looking for as long as this is called now and then: after a
    /// failure it is tried at once, and then every few seconds.
    pub fn look_at_peer(&self, provider: &Provider) {
        self.core.signs.look(provider);
    }

    /// Accepts the keys in the peer's document as the peer's, where they have changed.
    pub async fn accept_key(&self, provider: Provider) -> Result<(), Misuse> {
        let document =
            self.core.document_of(&provider).await.map_err(|fault| Misuse::Unfit(fault.to_string()))?;
        let keys: Vec<_> = document.keys.iter().map(|key| *key.thumbprint()).collect();
        self.core
            .store
            .write(move |tx| {
                if tx.peer(&provider)?.is_none() {
                    return Err(Misuse::NoSuchPeer(provider));
                }
                tx.accept_keys(&provider, &keys)?;
                tx.end_troubles(&provider, &["document", "signature"])?;
                if tx.peer_state(&provider)? == PeerState::KeyChanged {
                    providers::allow(tx, &provider, DecidedBy::Operator)?;
                }
                Ok(())
            })
            .await
    }

    async fn change_peer(
        &self,
        provider: Provider,
        change: impl FnOnce(&mut crate::store::PeerRow) + Send + 'static,
    ) -> Result<(), Misuse> {
        self.core
            .store
            .write(move |tx| {
                let mut peer = tx.peer(&provider)?.ok_or(Misuse::NoSuchPeer(provider))?;
                change(&mut peer);
                Ok(tx.put_peer(&peer)?)
            })
            .await
    }

    /// Looks at a provider step by step, up to the first that fails.
    pub async fn check(&self, provider: &Provider) -> Vec<CheckStep> {
        check_provider(&self.core, provider).await
    }

    /// Makes an account.
    pub async fn create_user(&self, name: Name, rule: UserRule) -> Result<UserUri, Misuse> {
        let user = self.core.user(&name);
        self.core.create_user(name, rule).await.map(|()| user)
    }

    /// Sets what happens with requests to a user that no other rule covers.
    pub async fn set_user_rule(&self, name: Name, rule: UserRule) -> Result<(), Misuse> {
        self.core
            .store
            .write(
                move |tx| if tx.set_user_rule(&name, rule)? { Ok(()) } else { Err(Misuse::NoSuchUser(name)) },
            )
            .await
    }

    /// Makes a client and its token, which cannot be shown again.
    pub async fn create_client(&self, user: Name, name: Name) -> Result<(ClientUri, String), Misuse> {
        self.core.issue_token(user, name, TokenFor::NewClient).await
    }

    /// Gives a client another token in the place of its old one.
    pub async fn new_token(&self, user: Name, name: Name) -> Result<(ClientUri, String), Misuse> {
        self.core.issue_token(user, name, TokenFor::OldClient).await
    }

    /// Removes a client.
    pub async fn delete_client(&self, user: Name, name: Name) -> Result<(), Misuse> {
        self.core.delete_client(user, name).await
    }
}

#[expect(clippy::too_many_arguments, reason = "the one place where a node is put together from its parts")]
fn assemble(
    config: Config,
    endpoint: Endpoint,
    key: SecretKey,
    store: Store,
    ambient: Arc<dyn Ambient>,
    changes: Changes,
    choices: Choices,
    outbound: Outbound,
    conventions: &'static Conventions,
) -> Core {
    Core {
        ours: config.provider.clone(),
        document: identity::provider_document(&config.provider, &endpoint, &key).to_json().into(),
        signer: Signer::new(config.provider.clone(), key),
        throttle: Throttle::new(&config.limits),
        signs: Signs::new(),
        turns: Turns::default(),
        undos: Undos::default(),
        board: Board::new(changes.clone()),
        choices: RwLock::new(choices),
        documents: Documents::default(),
        traffic: TrafficLog::new(),
        waits: Waits::default(),
        groups: Groups::new(store.clone(), conventions),
        recovery: Recovery::new(&*ambient),
        forks: Forks::default(),
        added: tokio::sync::Notify::new(),
        answers: Answers::default(),
        seen_clients: Mutex::new(HashMap::new()),
        stop: CancellationToken::new(),
        tasks: TaskTracker::new(),
        config,
        endpoint,
        store,
        ambient,
        changes,
        outbound,
    }
}

/// Looks at `provider` step by step with the key of the node of `config`, whether or not that is running.
///
/// It remembers what it sees in a store of its own, which is thrown away: looking changes nothing.
pub async fn check_with(config: &Config, provider: &Provider) -> Result<Vec<CheckStep>, StartFault> {
    let ambient: Arc<dyn Ambient> = Arc::new(System);
    let key = identity::load_key(&config.data_dir)?;
    let outbound = outbound(config)?;
    let scratch = std::env::temp_dir().join(format!("drawbridge-check-{}", ambient.id()));
    std::fs::create_dir(&scratch).map_err(|fault| FolderFault::Io { path: scratch.clone(), fault })?;
    let changes = Changes::new();
    let looked = async {
        let store = Store::open(&scratch, ambient.clone(), changes.clone())?;
        let choices = Choices { strangers: config.peers.strangers, tell_declined: false };
        let core = assemble(
            config.clone(),
            config.endpoint()?,
            key,
            store,
            ambient.clone(),
            changes,
            choices,
            outbound,
            &delivery::MTP,
        );
        let steps = check_provider(&core, provider).await;
        core.store.close().await;
        Ok(steps)
    };
    let outcome = looked.await;
    let _ = std::fs::remove_dir_all(&scratch);
    outcome
}

/// The connections to other providers.
fn outbound(config: &Config) -> Result<Outbound, StartFault> {
    let path = config.peers.extra_roots.clone();
    let fault = |reason: String| StartFault::Roots { path: path.clone().unwrap_or_default(), reason };
    let roots = path.as_ref().map(std::fs::read).transpose().map_err(|reason| fault(reason.to_string()))?;
    Outbound::new(AddressGuard::new(&config.peers.allow_networks), roots.as_deref()).map_err(fault)
}

/// How many files this process may open, once that is as many as the system allows: each connection is one.
fn open_files() -> usize {
    // Where that cannot be known, what every system allows.
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(256);
    usize::try_from(files).unwrap_or(usize::MAX)
}

/// What the operator has chosen; how strangers are treated goes by the configuration where that has changed since.
async fn load_choices(store: &Store, configured: Strangers) -> Result<Choices, StoreFault> {
    store
        .read(move |view| {
            let chosen = view.setting("strangers")?;
            let stands = view.setting("strangers.configured")?.as_deref() == Some(word(configured));
            let chosen = [Strangers::Ask, Strangers::Open, Strangers::Listed]
                .into_iter()
                .find(|strangers| stands && chosen.as_deref() == Some(word(*strangers)));
            let tell_declined = view.setting("tell-declined")?.as_deref() == Some("yes");
            Ok(Choices { strangers: chosen.unwrap_or(configured), tell_declined })
        })
        .await
}

fn word(strangers: Strangers) -> &'static str {
    match strangers {
        Strangers::Ask => "ask",
        Strangers::Open => "open",
        Strangers::Listed => "listed",
    }
}

/// Does what time asks for.
async fn sweep(core: Arc<Core>) {
    let mut latest = core.ambient.now();
    loop {
        let turned = core.ambient.turned();
        let now = core.ambient.now();
        if now < latest {
            core.documents.forget();
        }
        latest = now;
        core.throttle.sweep();
        let (ours, limits) = (core.ours.clone(), core.config.limits.clone());
        let swept = core.store.write(move |tx| {
            requests::expire(tx, &ours)?;
            providers::sweep(tx, &limits)?;
            tx.prune_nonces()?;
            tx.prune_grants()?;
            tx.prune_placed()?;
            tx.prune_feeds(KEEP_ACKNOWLEDGED, KEEP_AT_MOST)?;
            let (a_day_ago, long_ago) = (ago(tx.now(), KEEP_ACKNOWLEDGED), ago(tx.now(), KEEP_GRANTED));
            tx.prune_withdrawn(a_day_ago)?;
            tx.prune_requests::<Connection>(a_day_ago)?;
            tx.prune_requests::<Addition>(a_day_ago)?;
            tx.prune_revoked_grants(long_ago)?;
            tx.prune_key_packages(long_ago)?;
            tx.prune_troubles(KEEP_AT_MOST)
        });
        if let Err(fault) = swept.await {
            let fault: StoreFault = fault;
            tracing::error!(%fault, "what has lapsed could not be cleared away");
        }
        tokio::select! {
            () = core.stop.cancelled() => return,
            () = tokio::time::sleep(SWEEP_EVERY) => {}
            () = turned => {}
        }
    }
}

fn ago(now: Timestamp, age: Duration) -> Timestamp {
    let millis = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    Timestamp::from_millis(now.as_millis().saturating_sub(millis))
}
