//! What the process is told by signals: to end, or to read again what it can.

/// What the system or the user wants of the process.
pub(crate) enum Signal {
    /// SIGHUP: a service reads again what it can; for a program started by hand, its terminal is closed.
    Hangup,
    /// SIGTERM or SIGINT.
    End,
}

/// The signals that a process is sent, from when it began to listen.
#[cfg(unix)]
pub(crate) struct Signals {
    terminate: Option<tokio::signal::unix::Signal>,
    interrupt: Option<tokio::signal::unix::Signal>,
    hangup: Option<tokio::signal::unix::Signal>,
    /// A file that would pass its limit: heard, it is a failed write like that on a full disk, and does not end the process.
    _file_size: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        /// SIGXFSZ, on Linux and the BSDs.
        const FILE_SIZE: i32 = 25;
        let listen = |kind| signal(kind).ok();
        Self {
            terminate: listen(SignalKind::terminate()),
            interrupt: listen(SignalKind::interrupt()),
            hangup: listen(SignalKind::hangup()),
            _file_size: listen(SignalKind::from_raw(FILE_SIZE)),
        }
    }

    pub(crate) async fn next(&mut self) -> Signal {
        async fn heard(signal: &mut Option<tokio::signal::unix::Signal>) {
            match signal {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        }
        tokio::select! {
            () = heard(&mut self.terminate) => Signal::End,
            () = heard(&mut self.interrupt) => Signal::End,
            () = heard(&mut self.hangup) => Signal::Hangup,
        }
    }
}

#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn listen() -> Self {
        Self
    }

    pub(crate) async fn next(&mut self) -> Signal {
        let _ = tokio::signal::ctrl_c().await;
        Signal::End
    }
}
