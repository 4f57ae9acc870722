//! Every text that the shell shows itself; all others are the pages'.

use drawbridge_admin::{WaitingItem, many_wait, many_wrong};
use drawbridge_remote::view::Unusable;

/// The program's name.
pub(crate) const NAME: &str = "Drawbridge";
/// In the tray's menu, and on a notification: brings the window up.
pub(crate) const OPEN: &str = "Open Drawbridge";
/// In the tray's menu.
pub(crate) const AUTOSTART: &str = "Start with the computer";
/// In the tray's menu.
pub(crate) const QUIT: &str = "Quit Drawbridge";

/// Said once, when the window is closed for the first time.
pub(crate) const GOES_ON: (&str, &str) = (
    "Drawbridge goes on running",
    "Your provider stays reachable. Its icon in the tray brings the window back, and quits.",
);

/// The same, where there is no provider on this computer, but others are looked after.
pub(crate) const GOES_ON_ELSEWHERE: (&str, &str) = (
    "Drawbridge goes on running",
    "It tells you what waits at your providers on other machines. Its icon in the tray brings the window back, and quits.",
);

/// Said once, when the window is closed for the first time on a desktop that shows no icons of programs.
pub(crate) const GOES_ON_WITHOUT_TRAY: (&str, &str) = (
    "Drawbridge goes on running",
    "Your provider stays reachable. This desktop has no tray: start Drawbridge again to bring the window back. drawbridge --quit ends it.",
);

/// Said on the terminal where there is no display.
pub(crate) const NO_DISPLAY: &str =
    "there is no display to open a window on; drawbridged run serves the same pages to a browser";
const USAGE: &str = "The desktop app of Drawbridge, a personal MTP provider.

Usage: drawbridge [--hidden | --quit | --autostart | --no-autostart | LINK]

      LINK           Open the window at what an address such as mimi://home.example/u/alice leads to
      --hidden       Run the provider, and open the window only when it is wanted
      --quit         End the program that runs, once it has finished what is under way
      --autostart    Have it started with the computer, hidden; --no-autostart: no longer
  -h, --help         Print this
  -V, --version      Print the version

Everything is kept in the folder DRAWBRIDGE_HOME, or in the user's data folder.
Without a display, drawbridged run serves the same pages to a browser.";

/// What an argument asks to be told, without a window.
pub(crate) fn asked(argument: &str) -> Option<&'static str> {
    match argument {
        "-h" | "--help" => Some(USAGE),
        "-V" | "--version" => Some(concat!("drawbridge ", env!("CARGO_PKG_VERSION"))),
        _ => None,
    }
}

/// Whether the arguments ask for the program to be started with the computer, or no longer. Where there is no tray, its menu cannot.
pub(crate) fn starts_with_computer(arguments: &[String]) -> Option<bool> {
    arguments.iter().find_map(|argument| match argument.as_str() {
        "--autostart" => Some(true),
        "--no-autostart" => Some(false),
        _ => None,
    })
}

/// Whether the toolkit panics with this for want of a display.
pub(crate) fn is_for_want_of_a_display(panic: &str) -> bool {
    panic.starts_with("Failed to initialize gtk backend")
}

/// A notification's text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Words {
    /// One line.
    pub(crate) title: String,
    /// What it asks for.
    pub(crate) body: String,
}

impl<T: Into<String>, B: Into<String>> From<(T, B)> for Words {
    fn from((title, body): (T, B)) -> Self {
        Self { title: title.into(), body: body.into() }
    }
}

/// In the tray's menu: how much waits, and the way there.
pub(crate) fn waiting(count: u32) -> String {
    match count {
        0 => "Nothing waits for you".to_owned(),
        1 => "1 thing waits for you".to_owned(),
        _ => format!("{count} things wait for you"),
    }
}

/// Beside the pointer, on the tray's icon.
pub(crate) fn tooltip(count: u32) -> String {
    match count {
        0 => NAME.to_owned(),
        _ => format!("{NAME}: {}", waiting(count)),
    }
}

/// What is told of a provider on another machine, with its name before it; of this computer's own it needs none.
pub(crate) fn of(provider: Option<&str>, words: Words) -> Words {
    match provider {
        Some(name) => Words { title: format!("{name}: {}", words.title), ..words },
        None => words,
    }
}

/// What is told where a provider on another machine cannot be used until a person does something, with the reason.
pub(crate) fn lost(fault: &Unusable) -> Words {
    // What the machine says of a session is meant for a browser.
    let why = if fault.was_refused() {
        "your session there is over; open the window and paste a new link"
    } else {
        &fault.detail
    };
    ("it is not heard from here any more", sentence(why)).into()
}

/// Words as a sentence of their own.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// What is told of things that began to wait at the same time: each by itself, unless they are many.
pub(crate) fn news(waiting: &[WaitingItem]) -> Vec<Words> {
    /// More than so many at once would bury the desktop.
    const EACH: usize = 3;

    if waiting.len() > EACH {
        return vec![(many_wait(waiting.len()), "Decide in Approvals.").into()];
    }
    waiting.iter().map(|one| (one.title(), one.body()).into()).collect()
}

/// What is told of things that are wrong, each by the node's own sentence: the title has what is so, and the body why.
pub(crate) fn wrong(sentences: &[String]) -> Vec<Words> {
    /// More than so many at once would bury the desktop.
    const EACH: usize = 3;

    if sentences.len() > EACH {
        return vec![(many_wrong(sentences.len()), "Look at each in Repairs.").into()];
    }
    let each = sentences.iter().map(|sentence| match sentence.split_once(": ") {
        Some((what, why)) => (what, why).into(),
        None => (sentence.as_str(), "").into(),
    });
    each.collect()
}

/// What is told of clients that run out of KeyPackages.
pub(crate) fn low_stock(clients: &[String]) -> Option<Words> {
    let title = match clients {
        [] => return None,
        [client] => format!("{client} runs out of KeyPackages"),
        _ => format!("{} clients run out of KeyPackages", clients.len()),
    };
    Some((title, "Start it, so that it publishes more: without any it cannot be added to groups.").into())
}

#[cfg(test)]
mod tests {
    use drawbridge_remote::view::Step;

    use super::*;

    fn from(user: &str) -> WaitingItem {
        WaitingItem::Connection {
            from: format!("mimi://b.example/u/{user}"),
            to: "mimi://a.example/u/alice".into(),
        }
    }

    #[test]
    fn help_and_version_are_told_and_other_arguments_are_left_alone() {
        assert!(asked("--help").is_some_and(|text| text.contains("--hidden")));
        assert!(asked("--version").is_some_and(|text| text.starts_with("drawbridge ")));
        assert_eq!(asked("--hidden"), None);
    }

    #[test]
    fn the_program_is_started_with_the_computer_only_where_that_is_asked_for() {
        let asks = |argument: &str| starts_with_computer(&["drawbridge".to_owned(), argument.to_owned()]);
        assert_eq!(
            [asks("--autostart"), asks("--no-autostart"), asks("--hidden")],
            [Some(true), Some(false), None]
        );
    }

    #[test]
    fn a_few_are_told_each_by_itself() {
        let told = news(&[WaitingItem::Provider("b.example".to_owned()), from("bob")]);
        let titles: Vec<_> = told.iter().map(|words| words.title.as_str()).collect();
        assert_eq!(
            titles,
            ["b.example asks to be let in", "mimi://b.example/u/bob asks to reach mimi://a.example/u/alice"]
        );
    }

    #[test]
    fn a_flood_is_told_once() {
        let told = news(&(0..500).map(|n| from(&format!("u{n}"))).collect::<Vec<_>>());
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].title, "500 new things wait for you");
    }

    #[test]
    fn an_addition_names_who_whom_and_where() {
        let told = news(&[WaitingItem::Addition {
            adder: "mimi://b.example/u/bob".into(),
            user: "mimi://a.example/u/alice".into(),
            group: "Garden".into(),
        }]);
        assert_eq!(
            told[0].title,
            "mimi://b.example/u/bob would like to add mimi://a.example/u/alice to Garden"
        );
    }

    #[test]
    fn what_happens_at_another_machine_is_told_with_its_name() {
        let told = |name| of(name, ("b.example asks to be let in", "Decide in Approvals.").into()).title;
        assert_eq!(told(Some("home.example")), "home.example: b.example asks to be let in");
        assert_eq!(told(None), "b.example asks to be let in");
        let lost = |code: &str, detail: &str| {
            let (step, code, detail) = (Step::Session, code.to_owned(), detail.to_owned());
            lost(&Unusable { step, code, detail, certificate: None }).body
        };
        assert_eq!(
            lost("session-ended", "this browser's session was ended"),
            "Your session there is over; open the window and paste a new link."
        );
        assert_eq!(lost("session-missing", "its session is gone"), "Its session is gone.");
    }

    #[test]
    fn low_stock_is_told_once() {
        assert_eq!(low_stock(&[]), None);
        assert_eq!(
            low_stock(&["mimi://a.example/u/alice/d/phone".into()]).unwrap().title,
            "mimi://a.example/u/alice/d/phone runs out of KeyPackages"
        );
        assert_eq!(
            low_stock(&["one".into(), "two".into()]).unwrap().title,
            "2 clients run out of KeyPackages"
        );
    }

    #[test]
    fn what_is_wrong_is_told_in_the_sentence_of_the_node() {
        let sentence = "Nothing comes from b.example:8443, and nothing of ours goes there: no connection to it: refused.";
        let told = wrong(&[sentence.into(), "b.example is away.".into()]);
        assert_eq!(format!("{}: {}", told[0].title, told[0].body), sentence);
        assert_eq!((told[1].title.as_str(), told[1].body.as_str()), ("b.example is away.", ""));
        let many = wrong(&vec![sentence.to_owned(); 9]);
        assert_eq!((many.len(), many[0].title.as_str()), (1, "9 things are wrong"));
    }

    #[test]
    fn the_tray_counts() {
        assert_eq!(tooltip(0), "Drawbridge");
        assert_eq!(tooltip(1), "Drawbridge: 1 thing waits for you");
        assert_eq!(waiting(12), "12 things wait for you");
    }
}
