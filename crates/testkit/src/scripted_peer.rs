//! A provider without a node: a server and a client that a test writes the lines for.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use drawbridge_mtp::document::{Endpoint, ProviderDocument};
use drawbridge_mtp::grant::GrantClaims;
use drawbridge_mtp::id::{ClientUri, GroupUri, Provider, UserUri};
use drawbridge_mtp::keys::{KeySet, PublicKey, SecretKey};
use drawbridge_mtp::message::{PeerState, Ping};
use drawbridge_mtp::problem;
use drawbridge_mtp::signature::{RequestBinding, Signer, Stamp};
use drawbridge_node::Listener;
use drawbridge_node::ambient::Ambient;
use drawbridge_node::identity::provider_document;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request};
use parking_lot::Mutex;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{Clock, MlsClient, Responder};

/// A peer that a test plays itself. Its server runs until it is dropped.
pub struct ScriptedPeer {
    signer: Signer,
    clock: Arc<Clock>,
    responder: Responder,
    pub(crate) client: reqwest::Client,
    /// For requests that no HTTP library sends.
    pub(crate) tls: Arc<rustls::ClientConfig>,
    /// The certificate that all trust, PEM.
    root: PathBuf,
    keys: Mutex<HashMap<Provider, KeySet>>,
    shown: Arc<Mutex<Shown>>,
    _stop: DropGuard,
}

struct Server {
    shown: Arc<Mutex<Shown>>,
    signer: Signer,
    clock: Arc<Clock>,
    responder: Responder,
}

/// What it shows of itself.
struct Shown {
    endpoint: Endpoint,
    /// The document's `Cache-Control`.
    kept: Option<&'static str>,
    /// The keys in the document.
    keys: Vec<PublicKey>,
    /// How often the document was asked for.
    times: usize,
    /// Whether its answers are signed.
    signs: bool,
}

impl ScriptedPeer {
    pub(crate) fn serve(
        provider: Provider,
        listener: Listener,
        tls: Arc<rustls::ServerConfig>,
        root: &Path,
        clock: Arc<Clock>,
    ) -> Self {
        let key = SecretKey::from_seed(clock.random());
        let endpoint: Endpoint = format!("https://{provider}/mtp/v1").parse().unwrap();
        let keys = vec![key.public()];
        let shown = Shown { endpoint, kept: None, keys, times: 0, signs: true };
        let shown = Arc::new(Mutex::new(shown));
        let signer = Signer::new(provider, key);
        let responder = Responder::new(clock.id().into());
        let (client, trust, stop) = (client(root), trust(root), CancellationToken::new());
        let server = Server {
            shown: shown.clone(),
            signer: signer.clone(),
            clock: clock.clone(),
            responder: responder.clone(),
        };
        let router = Router::new()
            .route("/.well-known/mtp", get(show_document))
            .fallback(answer)
            .with_state(Arc::new(server));
        tokio::spawn(drawbridge_node::serve(listener, Some(tls), router, 100, stop.clone()));
        Self {
            signer,
            clock,
            responder,
            client,
            tls: trust,
            root: root.to_owned(),
            keys: Mutex::default(),
            shown,
            _stop: stop.drop_guard(),
        }
    }

    /// Its name.
    pub fn provider(&self) -> &Provider {
        self.signer.provider()
    }

    /// Its endpoint is at another path from now on, as its document says to whoever asks for it. At the old one, a server
    /// that knows nothing of it answers 404.
    pub fn moves(&self, path: &str) {
        self.moves_to(&format!("https://{}{path}", self.provider()));
    }

    /// Its document says from now on that its endpoint is there, whoever that is.
    pub fn moves_to(&self, endpoint: &str) {
        self.shown.lock().endpoint = endpoint.parse().unwrap();
    }

    /// Shows its document with this `Cache-Control` from now on.
    pub fn sets_cache_control(&self, for_how_long: &'static str) {
        self.shown.lock().kept = Some(for_how_long);
    }

    /// Answers `GET /ping` from now on, and says that the asker is in `state` there.
    pub fn answers_pings(&self, state: PeerState) {
        let clock = self.clock.clone();
        self.responder.shows("/ping", move |_| {
            let ping = Ping { now: clock.now(), state, your_address: Ipv4Addr::LOCALHOST.into() };
            serde_json::to_vec(&ping).unwrap()
        });
    }

    /// Has these keys in its document from now on.
    pub fn shows_keys(&self, keys: impl IntoIterator<Item = PublicKey>) {
        self.shown.lock().keys = keys.into_iter().collect();
    }

    /// How often its document was asked for so far.
    pub fn times_shown(&self) -> usize {
        self.shown.lock().times
    }

    /// Whether its answers are signed from now on.
    pub fn signs_answers(&self, signs: bool) {
        self.shown.lock().signs = signs;
    }

    /// The address of a user that it says it has.
    pub fn address(&self, name: &str) -> UserUri {
        UserUri::new(self.provider(), &name.parse().unwrap())
    }

    /// A client that it says it has.
    pub fn client(&self, user: &str) -> MlsClient {
        let client = ClientUri::new(&self.address(user), &"phone".parse().unwrap());
        MlsClient::without_provider(client, self.clock.clone())
    }

    /// A grant for a user that it says it has, as it signs it, for an hour.
    pub fn grant(&self, user: &UserUri, adder: &UserUri, group: &GroupUri) -> GrantClaims {
        let now = self.clock.now().as_secs();
        GrantClaims {
            iss: self.provider().clone(),
            aud: group.provider().clone(),
            sub: user.clone(),
            adder: adder.clone(),
            group: group.clone(),
            jti: self.clock.id(),
            iat: now,
            exp: now + 3600,
        }
    }

    /// What it signs with.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// What it answers.
    pub fn responder(&self) -> &Responder {
        &self.responder
    }

    /// The federation's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// A signature's stamp, made now.
    pub fn stamp(&self) -> Stamp {
        Stamp { created: self.clock.now().as_secs(), lifetime_s: 120, nonce: self.clock.random() }
    }

    /// The content of a request for a connection, open for an hour.
    pub fn request(&self, from: &UserUri, to: &UserUri) -> serde_json::Value {
        let now = self.clock.now();
        serde_json::json!({
            "id": self.clock.id(),
            "from": from,
            "to": to,
            "created": now,
            "expires": now.plus(std::time::Duration::from_secs(3600)),
        })
    }

    /// The content of a request to add `user`, open for an hour.
    pub fn request_to_add(&self, adder: &UserUri, group: &GroupUri, user: &UserUri) -> serde_json::Value {
        serde_json::json!({
            "id": self.clock.id(),
            "group": group,
            "adder": adder,
            "user": user,
            "expires": self.clock.now().plus(std::time::Duration::from_secs(3600)),
        })
    }

    /// A client that speaks HTTP/1.1 only, with connections of its own.
    pub(crate) fn http1_client(&self) -> reqwest::Client {
        client_builder(&self.root).http1_only().build().unwrap()
    }

    /// The keys in the document of `provider`.
    pub(crate) async fn keys_of(&self, provider: &Provider) -> KeySet {
        if let Some(keys) = self.keys.lock().get(provider) {
            return keys.clone();
        }
        let asked = self.client.get(format!("https://{provider}/.well-known/mtp")).send().await.unwrap();
        let document = ProviderDocument::parse(&asked.bytes().await.unwrap(), provider).unwrap();
        self.keys.lock().insert(provider.clone(), document.keys.clone());
        document.keys
    }
}

pub(crate) fn client(root: &Path) -> reqwest::Client {
    client_builder(root).build().unwrap()
}

fn client_builder(root: &Path) -> reqwest::ClientBuilder {
    // Another test of this process may have chosen the same one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let root = reqwest::Certificate::from_pem(&std::fs::read(root).unwrap()).unwrap();
    reqwest::Client::builder().tls_certs_only([root]).no_proxy()
}

/// TLS that trusts the federation alone, and speaks HTTP/1.1.
fn trust(root: &Path) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(root).unwrap()).unwrap();
    Arc::new(rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

async fn show_document(State(server): State<Arc<Server>>) -> Response {
    let (document, kept) = {
        let mut shown = server.shown.lock();
        shown.times += 1;
        let mut document =
            provider_document(server.signer.provider(), &shown.endpoint, [server.signer.key().public()]);
        document.keys = KeySet::from_iter(shown.keys.clone());
        (document.to_json(), shown.kept)
    };
    let mut response = ([(CONTENT_TYPE, "application/json")], document).into_response();
    if let Some(kept) = kept {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    }
    response
}

async fn answer(State(server): State<Arc<Server>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let endpoint = server.shown.lock().endpoint.clone();
    let Some(resource) = target.strip_prefix(endpoint.path()) else {
        return (http::StatusCode::NOT_FOUND, "<h1>Not Found</h1>").into_response();
    };
    let uri = format!("{}{target}", endpoint.origin());
    let binding = RequestBinding::of(&parts.method, &uri, &parts.headers);
    let content = axum::body::to_bytes(body, 8 << 20).await.unwrap_or_default();
    let (status, body, is_problem) =
        server.responder.answer(&parts.method, resource, &parts.headers, &content).await;
    let mut headers = HeaderMap::new();
    if !body.is_empty() {
        let kind = if is_problem { problem::CONTENT_TYPE } else { server.responder.content_type() };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    let stamp =
        Stamp { created: server.clock.now().as_secs(), lifetime_s: 120, nonce: server.clock.random() };
    // Looked at when it is answered, since a pull may have waited for that.
    if server.shown.lock().signs {
        server.signer.sign_response(status, &mut headers, &body, &binding, stamp);
    }
    (status, headers, body).into_response()
}
