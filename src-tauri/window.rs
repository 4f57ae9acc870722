//! The window. It is there only while someone looks at it: closed, it is gone with its webview and the memory
//! that this held, and the provider goes on.

use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use tauri::webview::NewWindowResponse;
use tauri::{AppHandle, Manager, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder, async_runtime};

use crate::shell::Shell;
use crate::words;

/// The label of the one window.
pub(crate) const MAIN: &str = "main";

/// How much waits for the operator.
static WAITING: AtomicU32 = AtomicU32::new(0);

/// What the window is to show.
#[derive(Clone, Copy)]
pub(crate) enum Screen {
    /// What it showed; the first screen, where it is opened anew.
    Last,
    /// What waits for the operator.
    Approvals,
    /// The people who live here, with their clients.
    Accounts,
    /// What is wrong.
    Repairs,
}

impl Screen {
    /// Its address among the pages.
    fn address(self) -> &'static str {
        match self {
            Self::Last => "index.html",
            Self::Approvals => "#/approvals",
            Self::Accounts => "#/accounts",
            Self::Repairs => "#/repairs",
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
        let _one = OPENING.lock();
        if app.state::<Shell>().is_ending() {
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

/// Says on the window's own icon how much waits; on that of a window that is opened later, too.
pub(crate) fn set_waiting(app: &AppHandle, waiting: u32) {
    WAITING.store(waiting, Ordering::SeqCst);
    if let Some(window) = app.get_webview_window(MAIN) {
        show_waiting(&window);
    }
}

fn show_waiting(window: &WebviewWindow) {
    let waiting = WAITING.load(Ordering::SeqCst);
    if let Err(error) = window.set_badge_count((waiting > 0).then_some(waiting.into())) {
        tracing::warn!("the window's icon could not be brought up to date: {error}");
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
    show_waiting(&window);
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
