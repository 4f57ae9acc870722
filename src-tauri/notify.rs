//! Notifications, and what a click on one opens.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use notify_rust::{Notification, NotificationResponse};
use serde_json::json;
use tauri::{AppHandle, Manager, async_runtime};

use crate::shell::Shell;
use crate::tray;
use crate::window::{self, Screen};
use crate::words::{self, Words};

/// How many notifications may wait for their click: each holds a thread, and some desktops keep them for days.
const LISTENING: usize = 16;

/// The window was closed: the first time, the operator is told what goes on, and how the window comes back.
pub(crate) fn tell_what_goes_on(app: &AppHandle) {
    if app.state::<Shell>().is_ending() {
        return;
    }
    let app = app.clone();
    async_runtime::spawn(async move {
        let shell = app.state::<Shell>();
        let (said, words) = match (tray::is_shown(), is_only_elsewhere(&shell).await) {
            (true, false) => ("told-of-tray", words::GOES_ON),
            (true, true) => ("told-of-tray", words::GOES_ON_ELSEWHERE),
            (false, _) => ("told-of-no-tray", words::GOES_ON_WITHOUT_TRAY),
        };
        let said = shell.home().join(said);
        if !said.exists() && std::fs::write(&said, "").is_ok() {
            show(&app, words, Screen::Last);
        }
    });
}

/// Whether there is no provider on this computer, and others are looked after.
async fn is_only_elsewhere(shell: &Shell) -> bool {
    if shell.machines().all().is_empty() {
        return false;
    }
    let Ok(own) = shell.provider(None).await else { return false };
    own.call("status", json!({})).await.is_ok_and(|status| status["mode"] == "new")
}

/// Shows a notification; clicked, it opens `screen`.
pub(crate) fn show(app: &AppHandle, words: impl Into<Words>, screen: Screen) {
    static LISTENERS: AtomicUsize = AtomicUsize::new(0);

    let (app, words) = (app.clone(), words.into());
    let spawned = thread::Builder::new().name("notification".to_owned()).spawn(move || {
        let shown = Notification::new()
            .appname(words::NAME)
            .summary(&words.title)
            .body(&words.body)
            .icon("drawbridge")
            .action("default", words::OPEN)
            .show();
        let shown = match shown {
            Ok(shown) => shown,
            // A desktop without notifications still has the tray's count.
            Err(error) => return tracing::info!("a notification could not be shown: {error}"),
        };
        if LISTENERS.fetch_add(1, Ordering::Relaxed) < LISTENING {
            let heard = shown.wait_for_response(move |response: &NotificationResponse| {
                if matches!(response, NotificationResponse::Default | NotificationResponse::Action(_)) {
                    window::show(&app, screen.clone());
                }
            });
            if let Err(error) = heard {
                tracing::debug!("a notification's click cannot be heard: {error}");
            }
        }
        LISTENERS.fetch_sub(1, Ordering::Relaxed);
    });
    if let Err(error) = spawned {
        tracing::warn!("a notification could not be shown: {error}");
    }
}
