//! The window. It is there only while someone looks at it: closed, it is gone with its webview and the memory
//! that this held, and the provider goes on.

use std::sync::{Mutex, PoisonError};

use tauri::webview::NewWindowResponse;
use tauri::{AppHandle, Manager, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder, async_runtime};

use crate::shell::{self, Shell};
use crate::{news, notify, words};

/// The label of the one window.
pub(crate) const MAIN: &str = "main";

/// What the window is to show.
#[derive(Clone, Copy)]
pub(crate) enum Screen {
    /// What it showed; the first screen, where it is opened anew.
    Last,
    /// What waits for the operator.
    Approvals,
    /// The people who live here, with their clients.
    Accounts,
}

impl Screen {
    /// Its address among the pages.
    fn address(self) -> &'static str {
        match self {
            Self::Last => "index.html",
            Self::Approvals => "#/approvals",
            Self::Accounts => "#/accounts",
        }
    }
}

/// Brings the window to the front, opening it where there is none.
pub(crate) fn show(app: &AppHandle, screen: Screen) {
    // Windows wants no window opened from within one of its own callbacks, so it is done from elsewhere.
    let app = app.clone();
    async_runtime::spawn_blocking(move || {
        // One at a time: two that find no window would open two.
        static OPENING: Mutex<()> = Mutex::new(());
        let _one = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
        if shell::ending(&app) {
            return;
        }
        let shown = match app.get_webview_window(MAIN) {
            Some(window) => raise(&window, screen),
            None => open(&app, screen),
        };
        if let Err(error) = shown {
            tracing::error!("the window could not be shown: {error}");
        }
    });
}

/// Takes the window away without a word.
pub(crate) fn close(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(MAIN)
        && let Err(error) = window.destroy()
    {
        tracing::warn!("the window could not be closed: {error}");
    }
}

/// The window was closed: nothing is sent to it any more, and the first time the operator is told what goes on.
pub(crate) fn closed(app: &AppHandle) {
    let shell = app.state::<Shell>();
    shell.feed_pages(None);
    if shell::ending(app) {
        return;
    }
    let said = shell.home().join("told-of-tray");
    if !said.exists() && std::fs::write(&said, "").is_ok() {
        notify::show(app, words::GOES_ON, Screen::Last);
    }
}

fn open(app: &AppHandle, screen: Screen) -> tauri::Result<()> {
    let window = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App(screen.address().into()))
        .title(words::NAME)
        .inner_size(1200.0, 800.0)
        .min_inner_size(900.0, 600.0)
        .data_directory(app.state::<Shell>().home().join("webview"))
        // The pages stay among themselves, whatever a text from elsewhere might talk them into.
        .on_navigation(is_ours)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    news::recount(app);
    window.set_focus()
}

fn raise(window: &WebviewWindow, screen: Screen) -> tauri::Result<()> {
    if !matches!(screen, Screen::Last) {
        // As if a link had been followed: the pages keep what they hold.
        window.eval(format!("location.hash = '{}'", screen.address()))?;
    }
    window.show()?;
    window.unminimize()?;
    window.set_focus()
}

fn is_ours(url: &Url) -> bool {
    url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_goes_nowhere_else() {
        for ours in ["tauri://localhost/", "tauri://localhost/#/approvals", "http://tauri.localhost/#/peers"]
        {
            assert!(is_ours(&ours.parse().unwrap()), "{ours}");
        }
        for other in ["https://b.example/", "http://localhost/", "file:///etc/passwd", "about:blank"] {
            assert!(!is_ours(&other.parse().unwrap()), "{other}");
        }
    }
}
