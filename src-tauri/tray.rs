//! The icon that stays while the window is closed, and says how much waits.

use std::sync::atomic::{AtomicBool, Ordering};

use tauri::image::Image;
use tauri::menu::{CheckMenuItem, Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Manager, Wry, include_image};
use tauri_plugin_autostart::ManagerExt;

use crate::shell::Shell;
use crate::waiting::Waiting;
use crate::window::{self, Screen};
use crate::{ending, words};

const QUIET: Image<'_> = include_image!("icons/tray.png");
const WAITING: Image<'_> = include_image!("icons/tray-waiting.png");

struct Tray {
    icon: TrayIcon,
    badged: AtomicBool,
    approvals: MenuItem<Wry>,
    autostart: CheckMenuItem<Wry>,
}

/// Puts the icon up.
pub(crate) fn build(app: &AppHandle) -> tauri::Result<()> {
    let open = MenuItem::with_id(app, "open", words::OPEN, true, None::<&str>)?;
    let approvals = MenuItem::with_id(app, "approvals", words::waiting(0), true, None::<&str>)?;
    let with_computer = app.autolaunch().is_enabled().unwrap_or(false);
    let autostart =
        CheckMenuItem::with_id(app, "autostart", words::AUTOSTART, true, with_computer, None::<&str>)?;
    let quit = MenuItem::with_id(app, "quit", words::QUIT, true, None::<&str>)?;
    let line = PredefinedMenuItem::separator(app)?;
    let line_too = PredefinedMenuItem::separator(app)?;
    let menu = Menu::with_items(app, &[&open, &approvals, &line, &autostart, &line_too, &quit])?;

    let shown = autostart.clone();
    let icon = TrayIconBuilder::with_id("drawbridge")
        .icon(QUIET)
        .tooltip(words::NAME)
        .menu(&menu)
        .show_menu_on_left_click(false)
        .on_tray_icon_event(|tray, event| {
            if let TrayIconEvent::Click {
                button: MouseButton::Left,
                button_state: MouseButtonState::Up,
                ..
            } = event
            {
                window::show(tray.app_handle(), Screen::Last);
            }
        })
        .on_menu_event(move |app, event| match event.id().as_ref() {
            "open" => window::show(app, Screen::Last),
            "approvals" => {
                let shown = || app.state::<Shell>().machines().list().shown;
                window::show(app, Screen::Approvals(app.state::<Waiting>().find().unwrap_or_else(shown)));
            }
            "autostart" => start_with_computer(app, autostart.is_checked().unwrap_or(false)),
            "quit" => ending::begin(app),
            _ => {}
        })
        .build(app)?;
    app.manage(Tray { icon, badged: AtomicBool::new(false), approvals, autostart: shown });
    Ok(())
}

/// Whether the desktop shows such icons. GNOME shows none by itself.
#[cfg(target_os = "linux")]
pub(crate) fn is_shown() -> bool {
    use gio::glib::variant::ToVariant;
    use gio::{BusType, Cancellable, DBusCallFlags};

    const TIME_MS: i32 = 1000;
    let asked = || {
        let bus = gio::bus_get_sync(BusType::Session, Cancellable::NONE)?;
        let name = ("org.kde.StatusNotifierWatcher",).to_variant();
        let (place, path) = (Some("org.freedesktop.DBus"), "/org/freedesktop/DBus");
        let flags = DBusCallFlags::NONE;
        bus.call_sync(
            place,
            path,
            "org.freedesktop.DBus",
            "NameHasOwner",
            Some(&name),
            None,
            flags,
            TIME_MS,
            Cancellable::NONE,
        )
    };
    match asked() {
        Ok(answer) => answer.get::<(bool,)>() == Some((true,)),
        Err(error) => {
            tracing::debug!("whether there is a tray cannot be asked: {error}");
            false
        }
    }
}

/// Whether the desktop shows such icons.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_shown() -> bool {
    true
}

/// Says how much waits: on the icon, beside it, in its menu and on the window's own icon.
pub(crate) fn set_waiting(app: &AppHandle, waiting: u32) {
    if let Err(error) = try_set_waiting(app, waiting) {
        tracing::warn!("the tray could not be brought up to date: {error}");
    }
    window::set_waiting(app, waiting);
}

fn try_set_waiting(app: &AppHandle, waiting: u32) -> tauri::Result<()> {
    let badge = (waiting > 0).then_some(waiting);
    let tray = app.state::<Tray>();
    tray.approvals.set_text(words::waiting(waiting))?;
    if tray.badged.swap(badge.is_some(), Ordering::Relaxed) != badge.is_some() {
        tray.icon.set_icon(Some(if badge.is_some() { WAITING } else { QUIET }))?;
    }
    tray.icon.set_tooltip(Some(words::tooltip(waiting)))?;
    tray.icon.set_title(badge.map(|count| count.to_string()))
}

/// Has the program be started with the computer, or no longer.
pub(crate) fn start_with_computer(app: &AppHandle, on: bool) {
    let autostart = app.autolaunch();
    let done = if on { autostart.enable() } else { autostart.disable() };
    if let Err(error) = done {
        tracing::warn!("starting with the computer could not be changed: {error}");
    }
    // The menu, where it is there already, shows what is, not what was wished.
    if let Some(tray) = app.try_state::<Tray>() {
        let _ = tray.autostart.set_checked(autostart.is_enabled().unwrap_or(false));
    }
}
