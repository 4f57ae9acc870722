//! A network that breaks: a TCP proxy that cuts what goes through it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A way to a node that can be cut. It is there until it is dropped.
pub struct Fault {
    address: SocketAddr,
    cuts: watch::Sender<u64>,
    /// What may still come back from the node over one connection, in bytes.
    lets_pass: Arc<AtomicU64>,
    _stop: DropGuard,
}

impl Fault {
    pub(crate) async fn listen(address: SocketAddr, to: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let (cuts, cut) = watch::channel(0);
        let lets_pass = Arc::new(AtomicU64::new(u64::MAX));
        let stop = CancellationToken::new();
        let (quota, stopped) = (lets_pass.clone(), stop.clone());
        tokio::spawn(stopped.run_until_cancelled_owned(async move {
            loop {
                let Ok((near, _)) = listener.accept().await else { return };
                tokio::spawn(pass(near, to, quota.load(Ordering::SeqCst), cut.clone()));
            }
        }));
        Self { address, cuts, lets_pass, _stop: stop.drop_guard() }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts every connection that there is.
    pub fn cuts(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Connections made from now on are cut once the node has sent so many bytes over them.
    pub fn cuts_after(&self, bytes: u64) {
        self.lets_pass.store(bytes, Ordering::SeqCst);
    }

    /// Connections made from now on are left alone.
    pub fn heals(&self) {
        self.cuts_after(u64::MAX);
    }
}

/// Carries one connection until it is cut or ends.
async fn pass(mut near: TcpStream, to: SocketAddr, mut quota: u64, mut cut: watch::Receiver<u64>) {
    cut.mark_unchanged();
    let Ok(mut far) = TcpStream::connect(to).await else { return };
    let (mut from_near, mut from_far) = (vec![0; 16 << 10], vec![0; 16 << 10]);
    loop {
        tokio::select! {
            _ = cut.changed() => return,
            read = near.read(&mut from_near) => match read {
                Ok(count @ 1..) if far.write_all(&from_near[..count]).await.is_ok() => {}
                _ => return,
            },
            read = far.read(&mut from_far) => match read {
                Ok(count @ 1..) => {
                    let passes = usize::try_from(quota).unwrap_or(usize::MAX).min(count);
                    quota -= passes as u64;
                    if near.write_all(&from_far[..passes]).await.is_err() || passes < count {
                        return;
                    }
                }
                _ => return,
            },
        }
    }
}
