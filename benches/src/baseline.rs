//! What the machine does without a node: SQLite, axum and rustls, with nothing between them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path as Segment, State};
use axum::routing::get;
use drawbridge_node::{bind, identity, serve};
use rusqlite::{Connection, params};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::outcome::Outcome;
use crate::setup::{Process, Setup, free_address};

/// The argument with which this program is such a server.
pub(crate) const SERVER: &str = "plain-server";
/// As long as the JSON of the item that is measured with.
const BODY: [u8; 320] = [b'x'; 320];
const CONNECTIONS: usize = 4096;

/// A table like that of the items, kept as safely.
pub(crate) struct Rows {
    sql: Connection,
    next: i64,
}

impl Rows {
    /// Opens it in the folder `dir`.
    pub(crate) fn open(dir: &Path) -> Outcome<Self> {
        let sql = Connection::open(dir.join("plain.sqlite"))?;
        sql.pragma_update(None, "journal_mode", "WAL")?;
        sql.pragma_update(None, "synchronous", "FULL")?;
        sql.execute_batch(
            "DROP TABLE IF EXISTS item;
             CREATE TABLE item (reader TEXT, seq INTEGER, item BLOB, at INTEGER, body BLOB,
                                PRIMARY KEY (reader, seq)) STRICT, WITHOUT ROWID",
        )?;
        Ok(Self { sql, next: 1 })
    }

    /// Inserts `count` rows in one transaction.
    pub(crate) fn insert(&mut self, count: usize) -> Outcome<()> {
        let transaction = self.sql.transaction()?;
        for _ in 0..count {
            transaction.prepare_cached("INSERT INTO item VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
                "127.0.0.1:9101",
                self.next,
                [7_u8; 16],
                0,
                BODY
            ])?;
            self.next += 1;
        }
        Ok(transaction.commit()?)
    }

    /// Rows a second, with `count` of them in each transaction.
    pub(crate) fn rate(&mut self, count: usize, lasting: Duration) -> Outcome<f64> {
        let (began, first) = (Instant::now(), self.next);
        while began.elapsed() < lasting {
            self.insert(count)?;
        }
        let inserted = u32::try_from(self.next - first)?;
        Ok(f64::from(inserted) / began.elapsed().as_secs_f64())
    }
}

/// A server that holds `GET /poll/{after}` until there is a number over that.
pub(crate) struct LongPoll {
    address: SocketAddr,
    numbers: watch::Sender<u64>,
    stop: CancellationToken,
}

impl LongPoll {
    /// Serves it on `address`.
    fn start(address: SocketAddr, tls: Arc<rustls::ServerConfig>) -> Outcome<Self> {
        let (numbers, stop) = (watch::channel(0).0, CancellationToken::new());
        let router = Router::new().route("/poll/{after}", get(poll)).with_state(numbers.clone());
        let listener = bind("plain", address)?;
        tokio::spawn(serve(listener, Some(tls), router, CONNECTIONS, stop.clone()));
        Ok(Self { address, numbers, stop })
    }
}

impl Drop for LongPoll {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn poll(State(numbers): State<watch::Sender<u64>>, Segment(after): Segment<u64>) -> String {
    let number = numbers.subscribe().wait_for(|number| *number > after).await.map_or(after, |number| *number);
    number.to_string()
}

/// Rows that are committed at one end, and again at the other, which waits for them over TLS.
pub(crate) struct Relay {
    server: LongPoll,
    here: Rows,
    sent: u64,
    arrivals: watch::Receiver<u64>,
    waiter: JoinHandle<Outcome<()>>,
}

impl Relay {
    /// Sets up both ends, and has one wait for the other.
    pub(crate) fn start(setup: &Setup) -> Outcome<Self> {
        let server = LongPoll::start(free_address()?, setup.server_tls("plain-relay")?)?;
        let here = Rows::open(&setup.folder("plain-here")?)?;
        let mut there = Rows::open(&setup.folder("plain-there")?)?;
        let (client, address) = (setup.client()?, server.address);
        let (done, arrivals) = watch::channel(0);
        let waiter = tokio::spawn(async move {
            let mut after = 0_u64;
            loop {
                let answer = client.get(format!("https://{address}/poll/{after}")).send().await?;
                after = answer.text().await?.parse()?;
                tokio::task::block_in_place(|| there.insert(1))?;
                done.send_replace(after);
            }
        });
        Ok(Self { server, here, sent: 0, arrivals, waiter })
    }

    /// From before the commit here to after the commit there.
    pub(crate) async fn once(&mut self) -> Outcome<Duration> {
        let began = Instant::now();
        tokio::task::block_in_place(|| self.here.insert(1))?;
        self.sent += 1;
        self.server.numbers.send_replace(self.sent);
        self.arrivals.wait_for(|arrived| *arrived >= self.sent).await?;
        Ok(began.elapsed())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.waiter.abort();
    }
}

/// Rows a second that are carried over TLS as JSON, `page` in each answer and each transaction.
pub(crate) async fn pages(setup: &Setup, page: usize, count: usize) -> Outcome<f64> {
    let items: Vec<_> = (0..page).map(|seq| (seq, String::from_utf8_lossy(&BODY).into_owned())).collect();
    let text = serde_json::to_string(&items)?;
    let listener = bind("plain", free_address()?)?;
    let (address, stop) = (listener.address, CancellationToken::new());
    let router = Router::new().route("/page", get(async move || text.clone()));
    let tls = setup.server_tls("plain-pages")?;
    tokio::spawn(serve(listener, Some(tls), router, CONNECTIONS, stop.clone()));
    let (client, mut rows) = (setup.client()?, Rows::open(&setup.folder("plain-pages")?)?);
    let began = Instant::now();
    let mut carried = 0_u32;
    for _ in 0..count.div_ceil(page) {
        let answer = client.get(format!("https://{address}/page")).send().await?.bytes().await?;
        let items: Vec<(usize, String)> = serde_json::from_slice(&answer)?;
        tokio::task::block_in_place(|| rows.insert(items.len()))?;
        carried += u32::try_from(items.len())?;
    }
    stop.cancel();
    Ok(f64::from(carried) / began.elapsed().as_secs_f64())
}

/// Starts this program as a server of nothing but held requests, and says where it is.
pub(crate) fn server_process(setup: &Setup, name: &str) -> Outcome<(Process, SocketAddr)> {
    let ((cert, key), address) = (setup.tls_files(name)?, free_address()?);
    let arguments = [SERVER, &address.to_string(), &cert.to_string_lossy(), &key.to_string_lossy()];
    Ok((Process::start(&std::env::current_exe()?, &arguments)?, address))
}

/// Is that server, until it is ended.
pub(crate) async fn serve_alone(arguments: &[String]) -> Outcome<()> {
    let [address, cert, key] = arguments else { return Err("an address, a certificate and a key".into()) };
    let (cert, key) = (PathBuf::from(cert), PathBuf::from(key));
    let server = LongPoll::start(address.parse()?, identity::Certificate::load(&cert, &key)?.tls()?)?;
    // So that who starts it can see that it answers: number 1 is there, and no other comes.
    server.numbers.send_replace(1);
    std::future::pending::<()>().await;
    Ok(())
}
