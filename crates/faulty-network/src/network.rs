//! A network that breaks: a TCP proxy that cuts, truncates, splits, delays, holds or repeats what goes through it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// A way to a node that can be disturbed. It is there until it is dropped.
pub struct FaultyNetwork {
    address: SocketAddr,
    cuts: watch::Sender<u64>,
    conduct: watch::Sender<Conduct>,
    to: watch::Sender<SocketAddr>,
    connections: Arc<AtomicUsize>,
    listening: TaskTracker,
    stop: CancellationToken,
    _stop: DropGuard,
}

/// Where a connection could not be taken, the next is tried after this.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// What the network does with what goes over it.
#[derive(Clone, Copy)]
struct Conduct {
    /// What may come back over one connection, in bytes; read when it is made.
    lets_pass: u64,
    /// What may go to the node over one connection, in bytes; read when it is made.
    lets_go: u64,
    /// The most bytes of a piece.
    piece: usize,
    /// How long each piece is on its way.
    delay: Duration,
    /// Nothing comes through for now.
    held: bool,
    /// Each piece comes twice.
    twice: bool,
    /// A connection over which nothing has come back for so long is ended, as proxies do.
    idle: Duration,
}

/// A network as it should be.
const WELL: Conduct = Conduct {
    lets_pass: u64::MAX,
    lets_go: u64::MAX,
    piece: usize::MAX,
    delay: Duration::ZERO,
    held: false,
    twice: false,
    idle: Duration::MAX,
};

impl FaultyNetwork {
    /// One that listens at `address` and leads to the node at `to`. It is as it should be at first.
    ///
    /// # Errors
    ///
    /// Where nothing can listen at `address`.
    pub async fn listen(address: SocketAddr, to: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let (cuts, cut) = watch::channel(0);
        let (conduct, conducted) = watch::channel(WELL);
        let (to, leads_to) = watch::channel(to);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        let listening = TaskTracker::new();
        listening.spawn(stopped.run_until_cancelled_owned(async move {
            loop {
                let Ok((near, _)) = listener.accept().await else {
                    // As where too many files are open: it passes.
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                    continue;
                };
                counted.fetch_add(1, Ordering::SeqCst);
                let to = *leads_to.borrow();
                tokio::spawn(pass(near, to, conducted.clone(), cut.clone()));
            }
        }));
        listening.close();
        let _stop = stop.clone().drop_guard();
        Ok(Self { address, cuts, conduct, to, connections, listening, stop, _stop })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections were made to it so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Connections made from now on lead to `to`.
    pub fn leads_to(&self, to: SocketAddr) {
        self.to.send_replace(to);
    }

    /// Takes no connections from now on; those that there are go on. Its address is free when this returns.
    pub async fn closes(&self) {
        self.stop.cancel();
        self.listening.wait().await;
    }

    /// Cuts every connection that there is.
    pub fn cuts(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Connections made from now on are cut once the node has sent so many bytes over them.
    pub fn cuts_after(&self, bytes: u64) {
        self.conduct.send_modify(|conduct| conduct.lets_pass = bytes);
    }

    /// Connections made from now on are cut once so many bytes have gone to the node over them.
    pub fn cuts_requests_after(&self, bytes: u64) {
        self.conduct.send_modify(|conduct| conduct.lets_go = bytes);
    }

    /// What comes back comes in segments of so many bytes.
    pub fn splits(&self, bytes: usize) {
        self.conduct.send_modify(|conduct| conduct.piece = bytes);
    }

    /// What comes back is on its way for so long, piece by piece.
    pub fn delays(&self, delay: Duration) {
        self.conduct.send_modify(|conduct| conduct.delay = delay);
    }

    /// Nothing comes back until the network heals; connections stay.
    pub fn holds(&self) {
        self.conduct.send_modify(|conduct| conduct.held = true);
    }

    /// A connection over which nothing comes back for so long is ended.
    pub fn ends_idle(&self, idle: Duration) {
        self.conduct.send_modify(|conduct| conduct.idle = idle);
    }

    /// All that comes back comes twice.
    pub fn repeats(&self) {
        self.conduct.send_modify(|conduct| conduct.twice = true);
    }

    /// What is held comes through, and from now on all is well, but for what was cut.
    pub fn heals(&self) {
        self.conduct.send_replace(WELL);
    }
}

/// Carries one connection until it is cut or ends.
async fn pass(
    near: TcpStream,
    to: SocketAddr,
    conduct: watch::Receiver<Conduct>,
    mut cut: watch::Receiver<u64>,
) {
    cut.mark_unchanged();
    let Ok(far) = TcpStream::connect(to).await else { return };
    if conduct.borrow().piece != usize::MAX && near.set_nodelay(true).is_err() {
        return;
    }
    let (from_near, mut to_near) = near.into_split();
    let (mut from_far, mut to_far) = far.into_split();
    let mut from_near = from_near.take(conduct.borrow().lets_go);
    tokio::select! {
        _ = cut.changed() => {}
        _ = tokio::io::copy(&mut from_near, &mut to_far) => {}
        () = come_back(&mut from_far, &mut to_near, conduct) => {}
    }
}

/// Carries what comes back from the node, as the network happens to be.
async fn come_back(
    from_far: &mut OwnedReadHalf,
    to_near: &mut OwnedWriteHalf,
    mut conduct: watch::Receiver<Conduct>,
) {
    let mut quota = conduct.borrow().lets_pass;
    let mut piece = vec![0; 16 << 10];
    loop {
        let idle = conduct.borrow().idle;
        let Ok(Ok(count @ 1..)) = tokio::time::timeout(idle, from_far.read(&mut piece)).await else { return };
        let Conduct { delay, twice, piece: at_most, .. } = *conduct.borrow();
        tokio::time::sleep(delay).await;
        if conduct.wait_for(|now| !now.held).await.is_err() {
            return;
        }
        let passes = usize::try_from(quota).unwrap_or(usize::MAX).min(count);
        quota -= passes as u64;
        for _ in 0..=u8::from(twice) {
            for segment in piece[..passes].chunks(at_most) {
                if to_near.write_all(segment).await.is_err() {
                    return;
                }
            }
        }
        if passes < count {
            return;
        }
    }
}
