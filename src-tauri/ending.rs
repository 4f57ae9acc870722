//! The end of the program: what is under way is finished first.

use tauri::{AppHandle, Manager, async_runtime};

use crate::shell::Shell;
use crate::window;

/// Ends the program once the provider has drained; asked a second time, at once.
pub(crate) fn begin(app: &AppHandle) {
    if app.state::<Shell>().mark_ending() {
        std::process::exit(130);
    }
    tracing::info!("finishing what is under way");
    window::close(app);
    let app = app.clone();
    async_runtime::spawn(async move {
        app.state::<Shell>().stop().await;
        app.exit(0);
    });
}
