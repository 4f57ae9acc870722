//! A backup that is handed over piece by piece as it is made, and kept nowhere on this computer: whatever becomes of it on its way,
//! nothing of it is left here.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::archive;
use super::contents::Contents;
use super::fault::BackupFault;
use super::seal::{Seal, Sealed};

/// It is handed over in pieces of this size, so many ahead of who takes them.
const PIECE: usize = 256 << 10;
const AHEAD: usize = 4;
/// Who takes nothing for so long gets no more: the stores are held as they were while it lasts, and grow meanwhile.
const STALLED: Duration = Duration::from_secs(60);

/// A backup on its way to somebody. Whoever drops it ends it.
#[derive(Debug)]
pub struct OutgoingBackup {
    /// The name of the file that it is to be.
    pub name: String,
    pieces: Receiver<Piece>,
    is_over: bool,
}

#[derive(Debug)]
enum Piece {
    Octets(Bytes),
    /// That was all of it. Without this it is not whole.
    End,
}

impl OutgoingBackup {
    /// The next piece; none after the last one.
    ///
    /// # Errors
    ///
    /// It was broken off, so what was handed over is of no use.
    pub async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.is_over {
            return None;
        }
        match self.pieces.recv().await {
            Some(Piece::Octets(octets)) => return Some(Ok(octets)),
            Some(Piece::End) => self.is_over = true,
            None => {
                self.is_over = true;
                return Some(Err(io::Error::other("the backup was broken off")));
            }
        }
        None
    }
}

/// Makes the backup `name` of `contents` on a thread of its own, as fast as its pieces are taken. `guard` is held meanwhile.
pub(super) fn begin(
    contents: Contents,
    name: String,
    seal: Option<Seal>,
    guard: impl Send + 'static,
) -> OutgoingBackup {
    let (sender, pieces) = channel(AHEAD);
    let (runtime, path) = (Handle::current(), PathBuf::from(&name));
    tokio::task::spawn_blocking(move || {
        let _guard = guard;
        if let Err(fault) = write(contents, path, seal.as_ref(), Pieces { sender, runtime }) {
            tracing::warn!(%fault, "a backup was not handed over to its end");
        }
    });
    OutgoingBackup { name, pieces, is_over: false }
}

fn write(contents: Contents, path: PathBuf, seal: Option<&Seal>, out: Pieces) -> Result<(), BackupFault> {
    let written = |fault| BackupFault::Write { path: path.clone(), fault };
    let mut sealed = Sealed::begin(BufWriter::with_capacity(PIECE, out), seal).map_err(written)?;
    archive::write(contents, &path, &mut sealed)?;
    let mut out = sealed.finish().map_err(written)?;
    out.flush().map_err(written)?;
    out.get_ref().send(Piece::End).map_err(written)
}

/// Where the pieces go.
struct Pieces {
    sender: Sender<Piece>,
    runtime: Handle,
}

impl Pieces {
    fn send(&self, piece: Piece) -> io::Result<()> {
        let sent = self.runtime.block_on(self.sender.send_timeout(piece, STALLED));
        sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "nobody takes it any more"))
    }
}

impl Write for Pieces {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.send(Piece::Octets(Bytes::copy_from_slice(octets)))?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
