//! One running node: started, asked by its operator, stopped.

mod consent;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use drawbridge_mtp::document::{Endpoint, ProviderDocument};
use drawbridge_mtp::id::{ClientUri, Name, Provider, UserUri};
use drawbridge_mtp::keys::{PublicKey, Thumbprint};
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::time::Timestamp;

use crate::accounts::{Accounts, TokenFor};
use crate::ambient::{Ambient, AmbientExt, System};
use crate::changes::{Change, Changes};
use crate::client_api::{ClientApi, InProcessHome};
use crate::config::{Config, ConfigFault, Strangers};
use crate::consent::requests::Watch;
use crate::consent::{Choices, Consent, Decided, Misuse, providers};
use crate::delivery::{self, Conventions, Delivery, WaitKind, Waits};
use crate::diagnose::{CheckStep, Ourselves, OwnState, TrafficLog, check_provider, host_text};
use crate::ground::Ground;
use crate::http::{ListenFault, PeerServer, Throttle, Turns, bind, serve};
use crate::identity::{self, Certificate, DataFolder, FolderFault, KeyFault, TlsFault};
use crate::key_packages::KeyPackages;
use crate::lock::lock;
use crate::outbox::Outbox;
use crate::peers::{AddressGuard, Outbound, Peers, Pulling, Serving, Sign};
use crate::pull::Pulls;
use crate::store::{DecidedBy, OpenFault, Reader, Store, StoreFault, Tx, UserRule};
use crate::sweep::Sweep;

pub use self::consent::Whom;

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
    ground: Arc<Ground>,
    store: Store,
    peers: Arc<Peers>,
    accounts: Arc<Accounts>,
    consent: Arc<Consent>,
    /// Pulls that wait here.
    waits: Arc<Waits>,
    /// What clients in this process ask by.
    client_api: Arc<ClientApi>,
    /// What is so with this node itself.
    own: Arc<OwnState>,
    /// Where it listens.
    listening: Listening,
    /// When it was started.
    started: Timestamp,
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
        let document = identity::provider_document(&config.provider, &endpoint, &key).to_json().into();
        let ground = Arc::new(Ground::new(config, endpoint, key, ambient, changes));
        let peers = Arc::new(Peers::new(ground.clone(), store.clone(), outbound));
        let accounts = Arc::new(Accounts::new(ground.clone(), store.clone()));
        let consent = Arc::new(Consent::new(ground.clone(), store.clone(), peers.clone(), choices));
        let key_packages = Arc::new(KeyPackages::new(ground.clone(), store.clone(), peers.clone()));
        let (waits, throttle) = (Arc::new(Waits::default()), Arc::new(Throttle::new(&ground.config.limits)));
        let delivery =
            Delivery::new(ground.clone(), store.clone(), peers.clone(), waits.clone(), conventions);
        let delivery = Arc::new(delivery);
        let outbox = Outbox::new(ground.clone(), store.clone(), peers.clone(), delivery.clone());
        let outbox = Arc::new(outbox);
        let own = OwnState::new(
            ground.clone(),
            store.clone(),
            peers.clone(),
            certificates.collect(),
            mtp.address.port(),
        );
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
            document,
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
        };
        let sweep = Sweep { ground: ground.clone(), store: store.clone(), peers: peers.clone(), throttle };
        let own = Arc::new(own);

        let (files, tasks) = (open_files(), &ground.tasks);
        let connections = connections_of_peers(files, ground.config.limits.open_connections);
        let router = crate::http::router(Arc::new(peer_server));
        tasks.spawn(serve(mtp, Some(mtp_tls), router, connections, ground.stop.clone()));
        if let Some(listener) = clients {
            let router = crate::client_api::router(client_api.clone());
            let connections = CLIENT_CONNECTIONS.min(files / 8);
            tasks.spawn(serve(listener, client_tls, router, connections, ground.stop.clone()));
        }
        tasks.spawn(Arc::new(pulls).supervise());
        tasks.spawn(peers.clone().watch_network());
        tasks.spawn(delivery.clone().heal());
        tasks.spawn(delivery.clone().compare_checkpoints());
        tasks.spawn(delivery.check_grants());
        tasks.spawn(sweep.run());
        tasks.spawn(own.clone().look_up_name());
        Ok(Self {
            started: ground.ambient.now(),
            folder: Arc::new(Mutex::new(Some(folder))),
            ground,
            store,
            peers,
            accounts,
            consent,
            waits,
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
        let Some(mut folder) = lock(&self.folder).take() else { return };
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

    /// What is so with this node itself.
    pub fn ourselves(&self) -> Ourselves {
        self.own.view()
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

    /// The thumbprint of the key that we sign with.
    pub fn fingerprint(&self) -> Thumbprint {
        *self.ground.signer.key().public().thumbprint()
    }

    /// When it was started.
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// The node's clock.
    pub fn now(&self) -> Timestamp {
        self.ground.ambient.now()
    }

    /// Where it listens.
    pub fn listening(&self) -> Listening {
        self.listening
    }

    /// What it remembers; to read.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The key `kid` of `provider`, ours or a peer's, where it is to be had.
    pub async fn key_for(&self, provider: &Provider, kid: &Thumbprint) -> Option<PublicKey> {
        if *provider == self.ground.ours {
            let ours = self.ground.signer.key().public();
            return Some(ours.clone()).filter(|key| key.thumbprint() == kid);
        }
        self.peers.key_of(provider, kid).await.ok()
    }

    /// How `client`, which has to be one of ours, asks us in the same process.
    pub fn home_of(&self, client: ClientUri) -> InProcessHome {
        InProcessHome::new(self.client_api.clone(), client)
    }

    /// What changes.
    pub fn changes(&self) -> &Changes {
        &self.ground.changes
    }

    /// What crosses the wire.
    pub fn traffic(&self) -> &TrafficLog {
        &self.peers.traffic
    }

    /// How strangers become peers.
    pub fn strangers(&self) -> Strangers {
        self.consent.choices().strangers
    }

    /// Whether requesters learn that they were declined.
    pub fn tells_declined(&self) -> bool {
        self.consent.choices().tell_declined
    }

    /// What our puller does at `peer`, where there is one.
    pub fn pulling(&self, peer: &Provider) -> Option<Pulling> {
        self.peers.board.pulling(peer)
    }

    /// What all pullers do at their peers.
    pub fn all_pulling(&self) -> HashMap<Provider, Pulling> {
        self.peers.board.all_pulling()
    }

    /// How `peer` pulls us.
    pub fn serving(&self, peer: &Provider) -> Serving {
        self.peers.board.serving(peer)
    }

    /// Whether a pull of `peer` waits here.
    pub fn is_pulled_by(&self, peer: &Provider) -> bool {
        self.waits.waits(WaitKind::Feed, &Reader::Peer(peer.clone()))
    }

    /// Whether `peer` waits here for the operator's decision on it.
    pub fn is_awaited_by(&self, peer: &Provider) -> bool {
        self.waits.waits(WaitKind::Peering, &Reader::Peer(peer.clone()))
    }

    /// How many pulls wait here.
    pub fn waiting_pulls(&self) -> usize {
        self.waits.pulls()
    }

    /// What is remembered of the document of `peer`.
    pub fn document_of(&self, peer: &Provider) -> Option<Arc<ProviderDocument>> {
        self.peers.documents.remembered(peer)
    }

    /// Chooses how strangers become peers; kept until the configuration file says otherwise.
    pub async fn set_strangers(&self, strangers: Strangers) -> Result<(), StoreFault> {
        let configured = word(self.ground.config.peers.strangers);
        self.store
            .write(move |tx| {
                tx.set_setting("strangers", word(strangers))?;
                tx.set_setting("strangers.configured", configured)
            })
            .await?;
        self.consent.choose(|choices| choices.strangers = strangers);
        Ok(())
    }

    /// Chooses whether requesters learn that they were declined.
    pub async fn set_tells_declined(&self, on: bool) -> Result<(), StoreFault> {
        self.store.write(move |tx| tx.set_setting("tell-declined", if on { "yes" } else { "no" })).await?;
        self.consent.choose(|choices| choices.tell_declined = on);
        Ok(())
    }

    /// The operator's judgement of a provider.
    pub async fn judge_peer(&self, provider: Provider, state: PeerState) -> Result<Decided<()>, Misuse> {
        if provider == self.ground.ours {
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
        let decided = self.store.write(move |tx| {
            let mut watch = Watch::new(tx);
            watch.peer(&provider)?;
            decide(tx, &provider)?;
            Ok::<_, Misuse>(watch.changes()?)
        });
        Ok(self.consent.decided((), decided.await?))
    }

    /// Lets pulling from a peer rest, or go on.
    pub async fn pause_peer(&self, provider: Provider, paused: bool) -> Result<(), Misuse> {
        self.change_peer(provider, move |peer| peer.paused = paused).await
    }

    /// Tries a peer at once that is left alone after a failure.
    pub async fn retry_peer(&self, provider: &Provider) {
        // What is remembered of it may be what is wrong.
        self.peers.documents.reread(provider);
        self.peers.signs.give(provider, Sign::Wanted);
        self.ground.changes.announce(Change::Peer(provider.clone()));
    }

    /// Somebody looks at how it goes with a peer, and goes on looking for as long as this is called now and then: after a
    /// failure it is tried at once, and then every few seconds.
    pub fn look_at_peer(&self, provider: &Provider) {
        self.peers.signs.look(provider);
    }

    /// Accepts the keys in the peer's document as the peer's, where they have changed.
    pub async fn accept_key(&self, provider: Provider) -> Result<(), Misuse> {
        let document =
            self.peers.document_of(&provider).await.map_err(|fault| Misuse::Unfit(fault.to_string()))?;
        let keys: Vec<_> = document.keys.iter().map(|key| *key.thumbprint()).collect();
        self.store
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
        self.store
            .write(move |tx| {
                let mut peer = tx.peer(&provider)?.ok_or(Misuse::NoSuchPeer(provider))?;
                change(&mut peer);
                Ok(tx.put_peer(&peer)?)
            })
            .await
    }

    /// Looks at a provider step by step, up to the first that fails.
    pub async fn check(&self, provider: &Provider) -> Vec<CheckStep> {
        check_provider(&self.ground, &self.peers, provider).await
    }

    /// Makes an account.
    pub async fn create_user(&self, name: Name, rule: UserRule) -> Result<UserUri, Misuse> {
        let user = self.ground.user(&name);
        self.accounts.create_user(name, rule).await.map(|()| user)
    }

    /// Sets what happens with requests to a user that no other rule covers.
    pub async fn set_user_rule(&self, name: Name, rule: UserRule) -> Result<(), Misuse> {
        self.store
            .write(
                move |tx| if tx.set_user_rule(&name, rule)? { Ok(()) } else { Err(Misuse::NoSuchUser(name)) },
            )
            .await
    }

    /// Makes a client and its token, which cannot be shown again.
    pub async fn create_client(&self, user: Name, name: Name) -> Result<(ClientUri, String), Misuse> {
        self.accounts.issue_token(user, name, TokenFor::NewClient).await
    }

    /// Gives a client another token in the place of its old one.
    pub async fn new_token(&self, user: Name, name: Name) -> Result<(ClientUri, String), Misuse> {
        self.accounts.issue_token(user, name, TokenFor::OldClient).await
    }

    /// Removes a client.
    pub async fn delete_client(&self, user: Name, name: Name) -> Result<(), Misuse> {
        self.accounts.delete_client(user, name).await
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
        let ground = Ground::new(config.clone(), config.endpoint()?, key, ambient.clone(), changes);
        let ground = Arc::new(ground);
        let peers = Peers::new(ground.clone(), store.clone(), outbound);
        let steps = check_provider(&ground, &peers, provider).await;
        store.close().await;
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
