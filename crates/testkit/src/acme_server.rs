//! An ACME directory to get certificates from: the real `pebble` with its name server, behind a server that counts what is asked of
//! it and can be told to behave as busy directories do.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use drawbridge_mtp::time::Timestamp;
use http::header::{CONTENT_TYPE, HOST, LOCATION, RETRY_AFTER};
use http::{HeaderValue, Method, Request, StatusCode};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::WebServer;

/// What is read of one request or answer.
const LARGEST: usize = 1 << 20;
/// Where the front tells when to renew, which this `pebble` does not.
const RENEWAL_INFO: &str = "/renewal-info";

/// A running directory; it ends when it is dropped.
pub struct AcmeServer {
    front: Arc<Front>,
    server: WebServer,
    roots: PathBuf,
    names: SocketAddr,
    _programs: [Program; 2],
}

/// Where the parts listen.
pub(crate) struct Places {
    pub(crate) pebble: SocketAddr,
    pub(crate) management: SocketAddr,
    pub(crate) names: SocketAddr,
    pub(crate) names_management: SocketAddr,
}

/// For whom it is.
pub(crate) struct Plan {
    /// The ports at which it looks for the answers to its challenges, with TLS and over HTTP.
    pub(crate) ports: [u16; 2],
    /// For how long its certificates hold.
    pub(crate) lifetime: Duration,
}

impl AcmeServer {
    /// For certificates of hosts at the address of all providers here. `certificate` is its own, with its key, by an authority whose
    /// certificate is in `root`.
    pub(crate) async fn start(
        dir: &Path,
        places: Places,
        plan: Plan,
        certificate: (PathBuf, PathBuf),
        root: &Path,
        serve: impl FnOnce(Router) -> WebServer,
    ) -> Self {
        let [tls_port, http_port] = plan.ports;
        let config = dir.join("pebble.json");
        let settings = json!({ "pebble": {
            "listenAddress": places.pebble.to_string(),
            "managementListenAddress": places.management.to_string(),
            "certificate": certificate.0,
            "privateKey": certificate.1,
            "httpPort": http_port,
            "tlsPort": tls_port,
            "certificateValidityPeriod": plan.lifetime.as_secs(),
        }});
        std::fs::write(&config, settings.to_string()).unwrap();
        let mut names = Command::new("pebble-challtestsrv");
        names.args(["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", ""]);
        names.args(["-defaultIPv4", &places.names.ip().to_string(), "-dns01", &places.names.to_string()]);
        names.args(["-management", &places.names_management.to_string()]);
        let mut pebble = Command::new("pebble");
        pebble.arg("-config").arg(&config).arg("-dnsserver").arg(places.names.to_string());
        // It waits for up to 15 s before it looks for an answer. That it takes no nonce in twenty is left as it is.
        pebble.env("PEBBLE_VA_NOSLEEP", "1");
        let programs = [Program::run(&mut names), Program::run(&mut pebble)];

        // Another part of the process may have chosen the same one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let trusted = reqwest::Certificate::from_pem(&std::fs::read(root).unwrap()).unwrap();
        let client = reqwest::Client::builder()
            .no_proxy()
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_only([trusted])
            .build()
            .unwrap();
        let issuer = answers(&client, &format!("https://{}/roots/0", places.management)).await;
        let roots = dir.join("roots.pem");
        std::fs::write(&roots, [std::fs::read_to_string(root).unwrap(), issuer].concat()).unwrap();
        let front = Arc::new(Front { client, pebble: places.pebble, state: Mutex::default() });
        let server = serve(Router::new().fallback(pass).with_state(front.clone()));
        Self { front, server, roots, names: places.names_management, _programs: programs }
    }

    /// The URL of the directory.
    pub fn directory(&self) -> String {
        format!("https://{}/dir", self.server.provider())
    }

    /// The certificates of the federation's authority and of the directory's, PEM.
    pub fn roots(&self) -> PathBuf {
        self.roots.clone()
    }

    /// How many orders were made.
    pub fn orders(&self) -> usize {
        self.front.state.lock().orders
    }

    /// The certificate in whose place the last order was to be, as the client has named it.
    pub fn replaced(&self) -> Option<String> {
        self.front.state.lock().replaced.clone()
    }

    /// By which it was asked for the time of a renewal last.
    pub fn asked_about(&self) -> Option<String> {
        self.front.state.lock().asked_about.clone()
    }

    /// It answers as what is before an overloaded server does, or as it should again.
    pub fn is_down(&self, is_down: bool) {
        self.front.state.lock().is_down = is_down;
    }

    /// It takes no more orders, and asks to wait for so long; or takes them again.
    pub fn limits(&self, wait: Option<Duration>) {
        self.front.state.lock().limited = wait;
    }

    /// From now on it says that certificates are to be renewed between these times.
    pub fn renews_within(&self, window: [Timestamp; 2]) {
        self.front.state.lock().renewal = Some(window);
    }

    /// A program in the folder `dir` that sets and clears records at its name server, and writes what it was called with into `log`.
    pub fn dns_command(&self, dir: &Path, log: &Path) -> PathBuf {
        let (host, port) = (self.names.ip(), self.names.port());
        let script = format!(
            "#!/usr/bin/env bash\n\
             set -eu\n\
             body=\"{{\\\"host\\\":\\\"$2.\\\",\\\"value\\\":\\\"$3\\\"}}\"\n\
             exec 3<>/dev/tcp/{host}/{port}\n\
             printf 'POST /%s-txt HTTP/1.0\\r\\nContent-Length: %d\\r\\n\\r\\n%s' \"$1\" \"${{#body}}\" \"$body\" >&3\n\
             read -r _ status _ <&3\n\
             [ \"$status\" = 200 ]\n\
             echo \"$*\" >>'{}'\n",
            log.display()
        );
        write_program(&dir.join("dns-command"), &script)
    }
}

/// Writes a program that can be run.
pub fn write_program(path: &Path, script: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, script).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.to_owned()
}

/// A program that is ended when it is dropped.
struct Program(Child);

impl Program {
    fn run(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let run = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Self(
            run.unwrap_or_else(|fault| {
                panic!("{name} cannot be run ({fault}); scripts/need test installs it")
            }),
        )
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What is answered at `url`, once something does: another process has nothing else by which it tells that it runs.
async fn answers(client: &reqwest::Client, url: &str) -> String {
    let end = tokio::time::Instant::now() + crate::WAIT_LIMIT;
    loop {
        match client.get(url).send().await {
            Ok(answer) => return answer.error_for_status().unwrap().text().await.unwrap(),
            Err(fault) => assert!(tokio::time::Instant::now() < end, "{url} does not answer: {fault:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What is before `pebble`.
struct Front {
    client: reqwest::Client,
    pebble: SocketAddr,
    state: Mutex<Conduct>,
}

/// How it behaves, and what it was asked.
#[derive(Default)]
struct Conduct {
    is_down: bool,
    limited: Option<Duration>,
    renewal: Option<[Timestamp; 2]>,
    /// The path at which orders are made.
    orders_at: Option<String>,
    orders: usize,
    replaced: Option<String>,
    asked_about: Option<String>,
}

async fn pass(State(front): State<Arc<Front>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let content = to_bytes(body, LARGEST).await.unwrap();
    let path = parts.uri.path().to_owned();
    let host = parts.uri.authority().map(ToString::to_string);
    let host = host.unwrap_or_else(|| parts.headers[HOST].to_str().unwrap().to_owned());
    let is_order =
        parts.method == Method::POST && front.state.lock().orders_at.as_deref() == Some(path.as_str());
    if let Some(answer) = front.answer_itself(&path, is_order) {
        return answer;
    }
    let replaced = payload(&content)["replaces"].as_str().map(str::to_owned);
    // `pebble` makes its URLs from the name that it is asked by.
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let ask = front.client.request(parts.method.clone(), format!("https://{}{target}", front.pebble));
    let mut ask = ask.header(HOST, &host).body(content);
    if let Some(kind) = parts.headers.get(CONTENT_TYPE) {
        ask = ask.header(CONTENT_TYPE, kind);
    }
    let Ok(answer) = ask.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let (status, headers) = (answer.status(), answer.headers().clone());
    // One that is refused for its nonce is no order, and is sent again.
    if is_order && status == StatusCode::CREATED {
        let mut state = front.state.lock();
        (state.orders, state.replaced) = (state.orders + 1, replaced);
    }
    let content = answer.bytes().await.unwrap();
    let content = front.rewrite(&path, &host, &content).map_or_else(|| Body::from(content), Body::from);
    let mut passed = Response::new(content);
    *passed.status_mut() = status;
    for name in [CONTENT_TYPE, LOCATION, RETRY_AFTER, http::HeaderName::from_static("replay-nonce")] {
        if let Some(value) = headers.get(&name) {
            passed.headers_mut().insert(name, value.clone());
        }
    }
    passed
}

impl Front {
    /// What it answers without asking `pebble`.
    fn answer_itself(&self, path: &str, is_order: bool) -> Option<Response> {
        let mut state = self.state.lock();
        if state.is_down {
            return Some((StatusCode::SERVICE_UNAVAILABLE, "<h1>Try later</h1>").into_response());
        }
        if let (Some(window), Some(certificate)) = (state.renewal, path.strip_prefix(RENEWAL_INFO)) {
            state.asked_about = Some(certificate.trim_start_matches('/').to_owned());
            let [start, end] = window.map(|time| time.to_string());
            let told = json!({ "suggestedWindow": { "start": start, "end": end } });
            return Some(([(RETRY_AFTER, "21600")], axum::Json(told)).into_response());
        }
        let wait = state.limited.filter(|_| is_order)?;
        let problem = json!({
            "type": "urn:ietf:params:acme:error:rateLimited",
            "detail": "too many certificates already issued for this name",
            "status": 429,
        });
        let mut answer = (StatusCode::TOO_MANY_REQUESTS, axum::Json(problem)).into_response();
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
        Some(answer)
    }

    /// What is passed on in the place of `content`, where that is another.
    fn rewrite(&self, path: &str, host: &str, content: &[u8]) -> Option<Vec<u8>> {
        let mut told: Value = serde_json::from_slice(content).ok()?;
        let mut state = self.state.lock();
        if path == "/dir" {
            let orders_at: http::Uri = told["newOrder"].as_str()?.parse().ok()?;
            state.orders_at = Some(orders_at.path().to_owned());
            state.renewal?;
            told["renewalInfo"] = format!("https://{host}{RENEWAL_INFO}").into();
            return serde_json::to_vec(&told).ok();
        }
        let replaced = state.replaced.clone()?;
        told.get("finalize")?;
        told["replaces"] = replaced.into();
        serde_json::to_vec(&told).ok()
    }
}

/// What a signed request says.
fn payload(request: &[u8]) -> Value {
    let signed: Value = serde_json::from_slice(request).unwrap_or_default();
    let payload = BASE64_URL_SAFE_NO_PAD.decode(signed["payload"].as_str().unwrap_or_default());
    payload.ok().and_then(|payload| serde_json::from_slice(&payload).ok()).unwrap_or_default()
}
