//! The memory that waiting pulls take: each of another provider, signed, over a connection of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::keys::SecretKey;
use drawbridge_mtp::message::{FeedQuery, PeerState};
use drawbridge_mtp::signature::{Signer, Stamp};
use drawbridge_node::store::{PeerRow, StoreFault};
use drawbridge_node::{Node, identity};
use reqwest::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::baseline;
use crate::outcome::Outcome;
use crate::setup::{self, Process, Setup, until_answered};
use crate::table::{Row, Target};

const PEERS: u16 = 1_000;
const FEW: usize = 100;
/// Between the last connection and the look at the memory.
const QUIET: Duration = Duration::from_secs(2);
const LIFETIME_S: u16 = 120;

/// What none, a hundred and a thousand take.
pub(crate) async fn measure(setup: &Setup) -> Outcome<Vec<Row>> {
    eprintln!("waiting pulls");
    let program = setup::daemon()?;
    let directory = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    let crowd = crowd(directory.local_addr()?.port())?;
    let serving = tokio::spawn(serve_documents(directory, documents(setup, &crowd)?));

    let idle = idle(setup, &program).await?;
    let config = setup.config("waiting")?;
    let node = Node::start(config.clone()).await?;
    let now = node.now();
    let peers: Vec<_> = crowd.iter().map(|signer| signer.provider().clone()).collect();
    let known: Result<(), StoreFault> = node
        .store()
        .write(move |tx| {
            peers.into_iter().try_for_each(|provider| {
                // As after a first pull, which found nothing.
                tx.put_peer(&PeerRow { pulled: true, ..PeerRow::new(provider, PeerState::Allowed, now) })
            })
        })
        .await;
    known?;
    node.stop().await;

    let file = setup.write(&config)?;
    let process = Process::start(&program, &["serve", "--config", &file.to_string_lossy()])?;
    let origin = format!("https://{}", config.provider);
    until_answered(&setup.client()?, &format!("{origin}/.well-known/mtp"), Instant::now()).await?;
    let known = quiet(&process).await?;
    let created = now.as_secs();
    let pull = |client: reqwest::Client, signer: &Signer, seed: usize| {
        let query = FeedQuery { wait: 55, ..FeedQuery::default() };
        let uri = format!("{origin}/mtp/v1/feed?{}", query.to_query());
        let stamp = Stamp { created, lifetime_s: LIFETIME_S, nonce: (seed as u128).to_be_bytes() };
        let signed = signer.sign_request(&Method::GET, &uri, &config.provider, None, stamp);
        client.get(uri).headers(signed.headers)
    };
    let mut held = Vec::new();
    hold(setup, &mut held, FEW, |client, seed| pull(client, &crowd[seed], seed)).await?;
    let few = quiet(&process).await?;
    hold(setup, &mut held, crowd.len(), |client, seed| pull(client, &crowd[seed], seed)).await?;
    let many = quiet(&process).await?;
    let waited = held.iter().filter(|pull| !pull.is_finished()).count();
    // Who ends answers those who wait: so it is seen that all of them did.
    process.ask_to_end()?;
    let mut answered = 0;
    for pull in held {
        answered += usize::from(pull.await?? == StatusCode::OK);
    }
    if (waited, answered) != (crowd.len(), crowd.len()) {
        return Err(format!("{waited} pulls waited and {answered} were answered, of {}", crowd.len()).into());
    }
    drop(process);
    serving.abort();

    let [alone_few, alone_many] = alone(setup).await?;
    let row = |what: &str, most: Option<f64>, figure, limit| Row {
        what: what.into(),
        target: most.map(Target::AtMost),
        figure,
        unit: "MiB",
        limit: (limit, "as many requests held by axum and rustls only"),
    };
    Ok(vec![
        row("100 waiting pulls, above the same node knowing 1,000 peers", None, few - known, alone_few),
        row("1,000 waiting pulls, above the same node knowing 1,000 peers", None, many - known, alone_many),
        row("1,000 waiting pulls and peers, above idle", Some(40.0), many - idle, alone_many),
    ])
}

/// The memory of a node that knows nobody.
async fn idle(setup: &Setup, program: &Path) -> Outcome<f64> {
    let config = setup.config("waiting-idle")?;
    let file = setup.write(&config)?;
    let process = Process::start(program, &["serve", "--config", &file.to_string_lossy()])?;
    let url = format!("https://{}/.well-known/mtp", config.provider);
    until_answered(&setup.client()?, &url, Instant::now()).await?;
    quiet(&process).await
}

/// What a hundred and a thousand held requests take without a node.
async fn alone(setup: &Setup) -> Outcome<[f64; 2]> {
    let (process, address) = baseline::server_process(setup, "waiting-plain")?;
    until_answered(&setup.client()?, &format!("https://{address}/poll/0"), Instant::now()).await?;
    let none = quiet(&process).await?;
    let poll = |client: reqwest::Client, _| client.get(format!("https://{address}/poll/1"));
    let mut held = Vec::new();
    hold(setup, &mut held, FEW, poll).await?;
    let few = quiet(&process).await?;
    hold(setup, &mut held, usize::from(PEERS), poll).await?;
    let many = quiet(&process).await?;
    if held.iter().any(JoinHandle::is_finished) {
        return Err("a request was not held".into());
    }
    held.iter().for_each(JoinHandle::abort);
    Ok([few - none, many - none])
}

/// Sends requests until `up_to` are held, each over a connection of its own.
async fn hold(
    setup: &Setup,
    held: &mut Vec<JoinHandle<Result<StatusCode, reqwest::Error>>>,
    up_to: usize,
    request: impl Fn(reqwest::Client, usize) -> reqwest::RequestBuilder,
) -> Outcome<()> {
    for seed in held.len()..up_to {
        let request = request(setup.client()?, seed);
        held.push(tokio::spawn(async move { Ok(request.send().await?.status()) }));
        // Not all at once: it is the waiting that is measured.
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    Ok(())
}

async fn quiet(process: &Process) -> Outcome<f64> {
    tokio::time::sleep(QUIET).await;
    process.resident()
}

/// The providers, each at an address of its own on loopback.
fn crowd(port: u16) -> Outcome<Vec<Signer>> {
    let signer = |number: u16| {
        let [high, low] = number.to_be_bytes();
        let provider: Provider = format!("127.77.{high}.{low}:{port}").parse()?;
        let mut seed = [7; 32];
        seed[..2].copy_from_slice(&[high, low]);
        Ok(Signer::new(provider, SecretKey::from_seed(seed)))
    };
    (1..=PEERS).map(signer).collect()
}

/// By address: TLS for it, and the provider's document.
type Documents = std::collections::HashMap<Ipv4Addr, (TlsAcceptor, Vec<u8>)>;

fn documents(setup: &Setup, crowd: &[Signer]) -> Outcome<Documents> {
    let document = |signer: &Signer| {
        let provider = signer.provider();
        let address: SocketAddr = provider.as_str().parse()?;
        let SocketAddr::V4(address) = address else { return Err("not an IPv4 address".into()) };
        let endpoint = format!("https://{provider}/mtp/v1").parse()?;
        let document = identity::provider_document(provider, &endpoint, [signer.key().public()]).to_json();
        let tls = TlsAcceptor::from(Arc::new(setup.tls(*address.ip())?));
        Ok((*address.ip(), (tls, document)))
    };
    crowd.iter().map(document).collect()
}

/// Serves the documents of all of them, which is all that is ever asked.
async fn serve_documents(listener: TcpListener, documents: Documents) -> Outcome<()> {
    let documents = Arc::new(documents);
    loop {
        let (stream, _) = listener.accept().await?;
        let documents = documents.clone();
        tokio::spawn(async move {
            if let Err(fault) = serve_document(stream, &documents).await {
                eprintln!("a document was not fetched: {fault}");
            }
        });
    }
}

async fn serve_document(stream: TcpStream, documents: &Documents) -> Outcome<()> {
    let SocketAddr::V4(address) = stream.local_addr()? else { return Err("not an IPv4 address".into()) };
    let (tls, document) = documents.get(address.ip()).ok_or("nobody is at this address")?;
    let mut stream = tls.accept(stream).await?;
    let (mut head, mut octets) = (Vec::new(), [0; 1024]);
    while !head.ends_with(b"\r\n\r\n") {
        let read = stream.read(&mut octets).await?;
        if read == 0 {
            return Err("the request is not whole".into());
        }
        head.extend_from_slice(&octets[..read]);
    }
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        document.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.write_all(document).await?;
    stream.shutdown().await?;
    Ok(())
}
