//! The servers that notifications are sent to: one that takes JSON and ntfy's headers over HTTP, and aiosmtpd, as its package has
//! it, for mail.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::Response;
use drawbridge_testkit::{Federation, WAIT_LIMIT};
use http::{HeaderMap, Request, StatusCode, Uri};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

/// What a request had.
pub(super) struct Got {
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Got {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// How a server answers.
#[derive(Clone)]
pub(super) enum Answers {
    With(StatusCode, &'static str),
    Elsewhere(String),
    /// It takes the request and says nothing.
    Never,
}

/// An HTTP server on loopback, which can be ended and started again at the same address.
pub(super) struct HttpServer {
    pub(super) address: SocketAddr,
    answers: Arc<Mutex<Answers>>,
    got: UnboundedReceiver<Got>,
    router: Router,
    task: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// One that runs and takes all.
    pub(super) async fn start(federation: &Federation) -> Self {
        let mut server = Self::stopped(federation);
        server.runs().await;
        server
    }

    /// One that does not run yet.
    pub(super) fn stopped(federation: &Federation) -> Self {
        let answers = Arc::new(Mutex::new(Answers::With(StatusCode::OK, "")));
        let (sender, got) = unbounded_channel();
        let told = answers.clone();
        let router = Router::new().fallback(move |request: Request<Body>| {
            let (sender, told) = (sender.clone(), told.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                let _ = sender.send(Got { uri: parts.uri, headers: parts.headers, body });
                let answers = told.lock().clone();
                match answers {
                    Answers::With(status, text) => {
                        Response::builder().status(status).body(Body::from(text)).unwrap()
                    }
                    Answers::Elsewhere(to) => {
                        let found = Response::builder().status(StatusCode::FOUND).header("location", to);
                        found.body(Body::empty()).unwrap()
                    }
                    Answers::Never => std::future::pending().await,
                }
            }
        });
        Self { address: federation.free_address(), answers, got, router, task: None }
    }

    /// It listens from now on.
    pub(super) async fn runs(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        let router = self.router.clone();
        self.task = Some(tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }));
    }

    pub(super) fn answers(&self, answers: Answers) {
        *self.answers.lock() = answers;
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request.
    pub(super) async fn gets(&mut self) -> Got {
        let got = tokio::time::timeout(WAIT_LIMIT, self.got.recv()).await;
        got.unwrap_or_else(|_| panic!("nothing comes to {}", self.address)).unwrap()
    }

    /// Whether another request has come.
    pub(super) fn has_more(&mut self) -> bool {
        self.got.try_recv().is_ok()
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

/// aiosmtpd; it is ended when this is dropped.
pub(super) struct MailServer {
    child: Child,
    folder: PathBuf,
}

impl MailServer {
    /// Starts it at `address`, where it takes mail of `home` with `password`, over `tls` (`tls` or `starttls`).
    pub(super) async fn start(
        federation: &Federation,
        address: SocketAddr,
        tls: &'static str,
        password: &str,
    ) -> Self {
        let folder = federation.dir().join(format!("mail-{}", address.port()));
        std::fs::create_dir_all(&folder).unwrap();
        let (cert, key) = federation.certificate(&address.ip().to_string(), address.port());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/notify/smtp_server.py");
        let mut command = Command::new(interpreter());
        command.arg(script).arg(address.ip().to_string()).arg(address.port().to_string()).arg(tls);
        command.arg(cert).arg(key).args(["home", password]).arg(&folder);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            said.read_line(&mut line).map(|_| line)
        });
        let line = tokio::time::timeout(WAIT_LIMIT, line).await.unwrap().unwrap().unwrap();
        assert_eq!(line.trim_end(), "listens", "scripts/need test installs aiosmtpd");
        Self { child, folder }
    }

    /// The mail with this number, beginning with 1, once it has come.
    pub(super) async fn mail(&self, number: usize) -> String {
        let path = self.folder.join(format!("{number:03}.eml"));
        let end = tokio::time::Instant::now() + WAIT_LIMIT;
        // Another process keeps it, which tells nobody.
        loop {
            if let Ok(mail) = std::fs::read_to_string(&path) {
                return mail;
            }
            assert!(tokio::time::Instant::now() < end, "mail {number} does not come");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How many mails have come.
    pub(super) fn count(&self) -> usize {
        std::fs::read_dir(&self.folder).unwrap().count()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The Python that has aiosmtpd: the one that its own program runs by.
fn interpreter() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let places = path.split(':').map(|folder| Path::new(folder).join("aiosmtpd"));
    let text = places.filter_map(|place| std::fs::read_to_string(place).ok()).next();
    let text = text.unwrap_or_else(|| panic!("aiosmtpd is not there; scripts/need test installs it"));
    text.lines().next().and_then(|line| line.strip_prefix("#!")).unwrap().trim().to_owned()
}
