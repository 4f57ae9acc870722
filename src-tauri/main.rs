//! The desktop shell: a window, a tray, notifications, and one command that hands the pages' questions to the
//! provider that runs inside, or to one on another machine. What a provider is and does is all in `drawbridge-admin` and below; how one on
//! another machine is spoken with is in `drawbridge-remote`.
//!
//! - `shell`: the provider inside, from its start to its stop, and those on other machines
//! - `provider`: either of them, to be asked and followed alike
//! - `command`: what the pages may ask of a provider; `machines`: what they may ask about other machines
//! - `graphics`: what WebKit needs of NVIDIA's driver
//! - `window`: the window, which is there only while someone looks at it
//! - `tray`: the icon that stays, with what waits; `waiting`: how much that is, at each provider
//! - `news`: from the providers' events to the tray and to notifications
//! - `notify`: notifications
//! - `ending`: the end, once what is under way is finished
//! - `signals`: being told to end
//! - `words`: every text that is not the pages'

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod command;
mod ending;
mod graphics;
mod machines;
mod news;
mod notify;
mod provider;
mod shell;
mod signals;
mod tray;
mod waiting;
mod window;
mod words;

use std::io::Write;
use std::process::ExitCode;

use drawbridge_admin::{Log, LogFormat};
use tauri::{AppHandle, Manager, RunEvent, WindowEvent};
use tauri_plugin_autostart::MacosLauncher;
use tauri_plugin_window_state::StateFlags;

use shell::{DataFolder, Shell};
use waiting::Waiting;
use window::Screen;

/// Started with the computer: the provider runs, and the window stays away until it is wanted.
const HIDDEN: &str = "--hidden";
/// Ends the program that runs.
const QUIT: &str = "--quit";

fn main() -> ExitCode {
    if let Some(text) = std::env::args().skip(1).find_map(|argument| words::asked(&argument)) {
        // Who has closed its end has read enough.
        let _ = writeln!(std::io::stdout(), "{text}");
        return ExitCode::SUCCESS;
    }
    graphics::prepare();
    say_where_no_window_can_be();
    if let Err(fault) = Log::start(Some("warn,drawbridge=info"), LogFormat::Text) {
        // Who set the variable started it from a terminal, and reads this there.
        let _ = writeln!(std::io::stderr(), "drawbridge: {fault}");
        return ExitCode::from(2);
    }

    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the window could not be opened: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Without a display the toolkit panics, which cannot be asked before: it is said in a sentence, and without a trace.
fn say_where_no_window_can_be() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload_as_str().is_some_and(words::is_for_want_of_a_display) {
            let _ = writeln!(std::io::stderr(), "drawbridge: {}", words::NO_DISPLAY);
            std::process::exit(1);
        }
        before(panic);
    }));
}

fn run() -> tauri::Result<()> {
    let app = tauri::Builder::default()
        .invoke_handler(tauri::generate_handler![
            command::admin,
            machines::machines,
            machines::look_at_machine,
            machines::add_machine,
            machines::show_machine,
            machines::trust_machine,
            machines::retry_machine,
            machines::forget_machine,
            machines::machine_session,
        ])
        .setup(|app| Ok(set_up(app.handle())?))
        .build(tauri::generate_context!())?;

    app.run(|app, event| match event {
        // The last window is closed: the provider goes on, in the tray.
        RunEvent::ExitRequested { code: None, api, .. } => api.prevent_exit(),
        RunEvent::WindowEvent { label, event: WindowEvent::Destroyed, .. } if label == window::MAIN => {
            app.state::<Shell>().stop_feeding_pages();
            notify::tell_what_goes_on(app);
        }
        // However it was brought about, by us or by the desktop's session.
        RunEvent::Exit => tauri::async_runtime::block_on(app.state::<Shell>().stop()),
        _ => {}
    });
    Ok(())
}

fn set_up(app: &AppHandle) -> tauri::Result<()> {
    let folder = DataFolder::find(app)?;
    let arguments: Vec<_> = std::env::args().collect();
    let is_asked = |arguments: &[String], what: &str| arguments.iter().any(|argument| argument == what);

    // First, so that a second start ends before it touches anything.
    let single_instance = tauri_plugin_single_instance::Builder::new()
        .dbus_id(folder.instance())
        .callback(move |app, arguments, _folder| {
            if is_asked(&arguments, QUIT) {
                ending::begin(app);
            } else if let Some(on) = words::starts_with_computer(&arguments) {
                tray::start_with_computer(app, on);
            } else {
                window::show(app, Screen::asked(&arguments));
            }
        })
        .build();
    app.plugin(single_instance)?;
    if is_asked(&arguments, QUIT) {
        // No other runs, and this one has touched nothing yet.
        std::process::exit(0);
    }

    let window_state = tauri_plugin_window_state::Builder::new()
        .with_state_flags(StateFlags::POSITION | StateFlags::SIZE | StateFlags::MAXIMIZED)
        .with_filename(folder.path().join("window.json").to_string_lossy())
        .build();
    app.plugin(window_state)?;
    app.plugin(tauri_plugin_autostart::init(MacosLauncher::LaunchAgent, Some(vec![HIDDEN])))?;
    if let Some(on) = words::starts_with_computer(&arguments) {
        tray::start_with_computer(app, on);
        std::process::exit(0);
    }

    app.manage(Waiting::default());
    tray::build(app)?;
    Shell::start(app, folder);
    news::follow(app);
    signals::listen(app);
    if !is_asked(&arguments, HIDDEN) {
        window::show(app, Screen::asked(&arguments));
    }
    Ok(())
}
