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

/// What a link of the protocol begins with.
const SCHEME: &str = "mimi:";

/// How much waits for the operator.
static WAITING: AtomicU32 = AtomicU32::new(0);

/// The machine of a provider; none for this computer's own.
pub(crate) type Of = Option<String>;

/// What the window is to show.
#[derive(Clone)]
pub(crate) enum Screen {
    /// What it showed; the first screen, where it is opened anew.
    Last,
    /// How everything is.
    Overview(Of),
    /// What waits for the operator.
    Approvals(Of),
    /// The people who live there, with their clients.
    Accounts(Of),
    /// What is wrong.
    Repairs(Of),
    /// What a link of the protocol leads to, such as `mimi://beta.example/u/bob`.
    Link(String),
}

impl Screen {
    /// What the program was started for: a link, where one is among its arguments.
    pub(crate) fn asked(arguments: &[String]) -> Self {
        let is_link = |argument: &&String| {
            argument.get(..SCHEME.len()).is_some_and(|start| start.eq_ignore_ascii_case(SCHEME))
        };
        arguments.iter().find(is_link).map_or(Self::Last, |link| Self::Link(link.clone()))
    }

    /// Its address among the pages, in which nothing of a link has a meaning of its own.
    fn address(&self) -> String {
        // The pages show that provider first, if they show another one (`ui/src/app/paths.ts`).
        let of =
            |machine: &Of, screen: &str| format!("#/of/{}/{screen}", machine.as_deref().unwrap_or("here"));
        match self {
            Self::Last => "index.html".to_owned(),
            Self::Overview(machine) => of(machine, ""),
            Self::Approvals(machine) => of(machine, "approvals"),
            Self::Accounts(machine) => of(machine, "accounts"),
            Self::Repairs(machine) => of(machine, "repairs"),
            Self::Link(link) => {
                let escaped = link.bytes().map(|byte| match byte {
                    byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
                    byte => format!("%{byte:02X}"),
                });
                format!("#/link?uri={}", escaped.collect::<String>())
            }
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
            Some(window) => raise(&window, &screen),
            None => open(&app, &screen),
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

fn open(app: &AppHandle, screen: &Screen) -> tauri::Result<()> {
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

fn raise(window: &WebviewWindow, screen: &Screen) -> tauri::Result<()> {
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
    fn a_link_is_shown_whatever_is_written_in_it() {
        let asked = |arguments: &[&str]| {
            Screen::asked(&arguments.iter().map(ToString::to_string).collect::<Vec<_>>()).address()
        };
        assert_eq!(asked(&["drawbridge", "--hidden"]), "index.html");
        assert_eq!(asked(&["drawbridge", "é"]), "index.html");
        assert_eq!(
            asked(&["drawbridge", "mimi://b.example/u/bob"]),
            "#/link?uri=mimi%3A%2F%2Fb%2Eexample%2Fu%2Fbob"
        );
        assert_eq!(asked(&["drawbridge", "MIMI:');//é"]), "#/link?uri=MIMI%3A%27%29%3B%2F%2F%C3%A9");
    }

    #[test]
    fn a_screen_is_one_of_a_provider() {
        assert_eq!(Screen::Approvals(None).address(), "#/of/here/approvals");
        assert_eq!(Screen::Repairs(Some("a1".to_owned())).address(), "#/of/a1/repairs");
        assert_eq!(Screen::Overview(Some("a1".to_owned())).address(), "#/of/a1/");
    }

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
