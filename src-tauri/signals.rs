//! Being told to end, by a terminal, a session or a service manager: the first time drains, the second ends.

use tauri::{AppHandle, async_runtime};

use crate::ending;

/// Listens from now on.
pub(crate) fn listen(app: &AppHandle) {
    let app = app.clone();
    async_runtime::spawn(async move {
        if let Err(error) = each(|| ending::begin(&app)).await {
            tracing::warn!("signals cannot be heard: {error}");
        }
    });
}

#[cfg(unix)]
async fn each(told: impl Fn()) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // The terminal that it was started from is closed.
    let mut hangup = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
        told();
    }
}

#[cfg(not(unix))]
async fn each(told: impl Fn()) -> std::io::Result<()> {
    loop {
        tokio::signal::ctrl_c().await?;
        told();
    }
}
