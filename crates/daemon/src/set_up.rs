//! `setup`: the first start on a terminal. It asks what the first screen asks, and has the answers looked at by the same commands; where the
//! pages of the folder are open already, by the program that serves them.

use std::io::{self, BufRead};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use drawbridge_admin::request::{AcmeChallenge, ReachedBy};
use drawbridge_admin::view::{SetUpField, SetUpLook, SetUpNote, SetUpNoteKind};
use drawbridge_admin::{Host, KeyPlace, commands};
use drawbridge_node::config::{Config, ConfigFault, unclaimed};
use drawbridge_node::identity::DataFolder;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde_json::{Map, Value, json};

use crate::ask::{carry_out_at_running, send_to_running};
use crate::print::{answer, question, say, word};

/// The configuration of the service that a package brings.
const PACKAGED: &str = "/etc/drawbridge/drawbridge.toml";
/// How root gives that service the right to the ports below [`FIRST_FREE_PORT`].
const GIVE_LOW_PORTS: &str = "install -D -m 644 /usr/share/drawbridged/low-ports.conf /etc/systemd/system/drawbridged.service.d/low-ports.conf";
/// The first port that each user of a system may listen on.
const FIRST_FREE_PORT: u16 = 1024;

/// The answers that are given as options.
#[derive(clap::Args)]
pub(crate) struct Given {
    /// The name that others will know the provider by, such as home.example; with :port where it is not 443
    #[arg(long)]
    name: Option<String>,
    /// How others reach it: acme (a domain, with a certificate from Let's Encrypt), files (a domain, with certificate files), proxy
    /// (behind one on this computer) or network (this network only)
    #[arg(long, value_name = "WAY", value_parser = read_word::<ReachedBy>)]
    reached_by: Option<ReachedBy>,
    /// Address and port to listen on for other providers, or for the proxy
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// With acme and files: the router of this computer's network is asked to lead the port here (UPnP, NAT-PMP)
    #[arg(long)]
    open_port: bool,
    /// With files: the file with the certificate and those that lead to its root
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// With files: the file with its key
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// With acme: you agree to the terms of service of who issues the certificate
    #[arg(long)]
    agree_terms: bool,
    /// With acme: where who issues the certificate may write to
    #[arg(long, value_name = "MAIL")]
    contact: Option<String>,
    /// With acme: how it is seen that the name is yours: tls-alpn-01, http-01 or dns-01
    #[arg(long, value_name = "KIND", value_parser = read_word::<AcmeChallenge>)]
    challenge: Option<AcmeChallenge>,
    /// With dns-01: the program that sets a record in the DNS
    #[arg(long, value_name = "PROGRAM")]
    dns_command: Option<PathBuf>,
    /// With acme: letsencrypt, staging or the URL of another directory
    #[arg(long)]
    directory: Option<String>,
    /// The first account, such as alice
    #[arg(long)]
    user: Option<String>,
    /// Address and port to listen on for the clients of the users
    #[arg(long, value_name = "ADDRESS")]
    clients: Option<String>,
    /// Ask nothing: what is left out has its default, and what would have to be confirmed is confirmed
    #[arg(long)]
    yes: bool,
}

/// A word of an enum, as it crosses to the pages.
fn read_word<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, String> {
    let read: Result<T, serde::de::value::Error> = T::deserialize(text.into_deserializer());
    read.map_err(|fault| fault.to_string())
}

impl Given {
    /// The fields of the request that are answered already.
    fn request(&self) -> Map<String, Value> {
        // The command may be carried out by a program that was started in another folder.
        let whole = |path: &Option<PathBuf>| {
            path.as_ref().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()))
        };
        let request = json!({
            "provider": self.name,
            "reached_by": self.reached_by,
            "listen": self.listen,
            "tls_cert": whole(&self.tls_cert),
            "tls_key": whole(&self.tls_key),
            "open_port": self.open_port.then_some(true),
            "agree_terms": self.agree_terms.then_some(true),
            "contact": self.contact,
            "challenge": self.challenge,
            "dns_command": whole(&self.dns_command),
            "directory": self.directory,
            "user": self.user,
            "clients": self.clients,
        });
        let fields = request.as_object().cloned().unwrap_or_default();
        fields.into_iter().filter(|(_, value)| !value.is_null()).collect()
    }
}

/// What is set up.
pub(crate) enum Goal {
    /// A provider of this user's, in this folder.
    Home(PathBuf),
    /// A service, in this configuration file.
    Service(PathBuf),
}

impl Goal {
    /// The folder or the file.
    fn path(&self) -> &Path {
        match self {
            Self::Home(path) | Self::Service(path) => path,
        }
    }

    /// The configuration file.
    fn config(&self) -> PathBuf {
        match self {
            Self::Home(home) => home.join("config.toml"),
            Self::Service(config) => config.clone(),
        }
    }

    /// How it is started, where `options` name it.
    fn start(&self, options: &str) -> String {
        match self {
            Self::Home(_) => format!("drawbridged run{options}"),
            Self::Service(config) if config == Path::new(PACKAGED) => {
                "systemctl enable --now drawbridged".into()
            }
            Self::Service(_) => format!("drawbridged serve{options}"),
        }
    }

    /// Whether a provider is set up there.
    fn is_taken(&self) -> Result<bool, ConfigFault> {
        match self {
            Self::Home(_) => Ok(self.config().exists()),
            // One that cannot be read is said to be so.
            Self::Service(config) if unclaimed(config)?.is_none() => Config::load(config).map(|_| true),
            Self::Service(_) => Ok(false),
        }
    }
}

/// Sets up a provider, which is named again by `options`.
pub(crate) async fn set_up(goal: Goal, options: &str, given: Given) -> ExitCode {
    match goal.is_taken() {
        Ok(false) => {}
        Ok(true) => {
            let (path, start) = (goal.path().display(), goal.start(options));
            return say(&format!("a provider is set up in {path} already; {start} starts it"), 2);
        }
        Err(fault) => return say(&fault.to_string(), 2),
    }
    let place = match Place::find(&goal).await {
        Ok(place) => place,
        Err(code) => return code,
    };
    let mut interview =
        Interview { answers: given.request(), confirmed: Vec::new(), asks_nothing: given.yes, place };
    let outcome = interview.hold().await;
    interview.place.leave().await;
    match outcome {
        Ok(look) => tell(&look, &interview.answers, &goal, options),
        Err(code) => code,
    }
}

/// Says what was set up, and what comes next.
fn tell(look: &SetUpLook, answers: &Map<String, Value>, goal: &Goal, options: &str) -> ExitCode {
    let account = look.account.as_deref().unwrap_or_default();
    let name = value_of(look, SetUpField::Provider);
    let clients = value_of(look, SetUpField::Clients);
    let mut lines = vec![
        format!("\n{name} is set up in {}, with the account {account}.", goal.path().display()),
        format!("Clients of your own come to http://{clients}."),
    ];
    let start = goal.start(options);
    let listen: Option<SocketAddr> = value_of(look, SetUpField::Listen).parse().ok();
    match listen.filter(|listen| listen.port() < FIRST_FREE_PORT && start.starts_with("systemctl")) {
        Some(listen) => lines.push(format!(
            "Give the service the right to port {}, and start it:\n  {GIVE_LOW_PORTS}\n  systemctl daemon-reload\n  {start}",
            listen.port()
        )),
        None => lines.push(format!("Start it:  {start}")),
    }
    if answers.get("reached_by") == Some(&json!(ReachedBy::Proxy)) {
        lines.push(format!("For the proxy (nginx, caddy, haproxy, apache or traefik):  drawbridged proxy-config nginx{options}"));
    }
    if value_of(look, SetUpField::OpenPort) == "false" {
        lines.push(format!(
            "Its port has to be led to this computer in the router. With open_port = true under [mtp] in {} the router is asked for that.",
            goal.config().display()
        ));
    }
    if answers.get("reached_by") == Some(&json!(ReachedBy::Acme)) {
        lines.push("Its certificate comes by itself, within a minute of the start.".into());
    }
    lines.push(format!("Once it runs, look at it as others do:  drawbridged check{options}"));
    lines.iter().try_for_each(answer).map_or_else(|code| code, |()| ExitCode::SUCCESS)
}

fn value_of(look: &SetUpLook, field: SetUpField) -> &str {
    look.answers.iter().find(|answer| answer.field == field).map_or("", |answer| answer.value.as_str())
}

/// Who carries out the commands.
enum Place {
    /// The program that serves the pages of this folder.
    Running(PathBuf),
    /// This program.
    Here(Host),
}

impl Place {
    async fn find(goal: &Goal) -> Result<Self, ExitCode> {
        let host = match goal {
            Goal::Home(home) if send_to_running(home, "status", &json!({})).await.is_some() => {
                return Ok(Self::Running(home.clone()));
            }
            Goal::Home(home) => {
                DataFolder::check_user(home).map_err(|fault| say(&fault.to_string(), 2))?;
                Host::open(home, KeyPlace::File).await
            }
            Goal::Service(config) => Host::for_service(config),
        };
        host.map(Self::Here).map_err(|fault| say(&fault.to_string(), 2))
    }

    async fn ask(&self, command: &str, request: &Value) -> Result<Value, String> {
        match self {
            Self::Running(folder) => carry_out_at_running(folder, command, request)
                .await
                .unwrap_or_else(|| Err("the program with the pages has ended".into())),
            Self::Here(host) => {
                commands::call(host, command, request.clone()).await.map_err(|fault| fault.detail)
            }
        }
    }

    /// Stops what was started for it.
    async fn leave(&self) {
        if let Self::Here(host) = self {
            host.clone().stop().await;
        }
    }
}

/// The questions and answers.
struct Interview {
    /// The request so far, by the names of its fields.
    answers: Map<String, Value>,
    /// The codes of what was confirmed.
    confirmed: Vec<String>,
    /// Whether defaults are taken and everything is confirmed.
    asks_nothing: bool,
    place: Place,
}

impl Interview {
    /// Asks for everything and sets the provider up. Returns what was taken.
    async fn hold(&mut self) -> Result<SetUpLook, ExitCode> {
        self.ask_for(SetUpField::Provider, "Name of the provider, such as home.example:", None).await?;
        let ways = "How do others reach it?\n\
                    \x20 acme     a domain; the certificate comes from Let's Encrypt\n\
                    \x20 files    a domain; the certificate is in files of your own\n\
                    \x20 proxy    behind a proxy on this computer, which has the certificate\n\
                    \x20 network  this network only; others are told to trust the certificate\n\
                    Way [acme]:";
        self.ask_for(SetUpField::ReachedBy, ways, Some("acme")).await?;
        let way: ReachedBy = self.answer_as("reached_by");
        let look = self.look().await?;
        let usual = value_of(&look, SetUpField::Listen).to_owned();
        let listen = format!("Address and port to listen on [{usual}]:");
        self.ask_for(SetUpField::Listen, &listen, Some(&usual)).await?;
        // The name may lead elsewhere than there.
        self.settle(SetUpField::Provider).await?;
        match way {
            ReachedBy::Acme => self.ask_for_acme().await?,
            ReachedBy::Files => {
                self.ask_for(
                    SetUpField::TlsCert,
                    "File with the certificate and those that lead to its root:",
                    None,
                )
                .await?;
                self.ask_for(SetUpField::TlsKey, "File with its key:", None).await?;
            }
            ReachedBy::Proxy | ReachedBy::Network => {}
        }
        self.ask_for(SetUpField::User, "First account, such as alice:", None).await?;
        let look = self.look().await?;
        let usual = value_of(&look, SetUpField::Clients).to_owned();
        let clients = format!("Address and port for clients of your own [{usual}]:");
        self.ask_for(SetUpField::Clients, &clients, Some(&usual)).await?;

        let mut look = self.look().await?;
        while let Some(field) = look.answers.iter().find(|one| self.open_note(one.field, &look).is_some()) {
            self.settle(field.field).await?;
            look = self.look().await?;
        }
        let request = self.request();
        self.place.ask("set-up", &request).await.map_err(|refusal| say(&refusal, 2))?;
        Ok(look)
    }

    async fn ask_for_acme(&mut self) -> Result<(), ExitCode> {
        let terms = match self.answers.get("directory").and_then(Value::as_str) {
            None | Some("letsencrypt" | "staging") => {
                "The terms of Let's Encrypt are at https://letsencrypt.org/repository/."
            }
            Some(_) => "Who issues the certificate may have terms of service.",
        };
        let terms = format!("{terms} Do you agree to them (yes or no)?");
        self.ask_for(SetUpField::AgreeTerms, &terms, None).await?;
        self.ask_for(SetUpField::Contact, "Address for mail about the certificate [none]:", Some("")).await?;
        self.settle(SetUpField::Challenge).await?;
        if self.answer_as::<AcmeChallenge>("challenge") == AcmeChallenge::Dns01 {
            self.ask_for(SetUpField::DnsCommand, "Program that sets a record in the DNS:", None).await?;
        }
        Ok(())
    }

    /// Has `field` answered, where it is not yet, until nothing is to be said of the answer.
    async fn ask_for(&mut self, field: SetUpField, asked: &str, usual: Option<&str>) -> Result<(), ExitCode> {
        if !self.answers.contains_key(&word(&field)) {
            if self.asks_nothing {
                // What has no default is named as wrong.
                if field == SetUpField::ReachedBy {
                    self.take(field, "network");
                }
            } else {
                let typed = self.read(asked, usual)?;
                self.take(field, &typed);
            }
        }
        // What has to be confirmed of the name hangs on where it listens, which is asked for later.
        self.settle_for(field, field == SetUpField::Provider).await
    }

    async fn settle(&mut self, field: SetUpField) -> Result<(), ExitCode> {
        self.settle_for(field, false).await
    }

    /// Has another answer given to `field`, or the same confirmed, until nothing is to be said of it; where it is `wrong_only`, nothing
    /// that is wrong.
    async fn settle_for(&mut self, field: SetUpField, wrong_only: bool) -> Result<(), ExitCode> {
        loop {
            let look = self.look().await?;
            let note = self.open_note(field, &look);
            let Some(note) = note.filter(|note| !wrong_only || note.kind == SetUpNoteKind::Wrong) else {
                return Ok(());
            };
            if self.asks_nothing {
                match note.kind {
                    SetUpNoteKind::Wrong => return Err(say(&told(&note), 2)),
                    SetUpNoteKind::Confirm => answer(format_args!("Taken all the same: {}", note.text))?,
                }
                self.confirmed.push(note.code);
                continue;
            }
            let offered = note.instead.as_ref().map(|instead| format!(" [{instead}]")).unwrap_or_default();
            let asked = match note.kind {
                SetUpNoteKind::Wrong => format!("  {}.\nAnother answer{offered}:", capital(&note.text)),
                SetUpNoteKind::Confirm => format!(
                    "  {}.\nAnother answer, or yes to take {} all the same{offered}:",
                    capital(&note.text),
                    value_of(&look, field)
                ),
            };
            let typed = self.read(&asked, note.instead.as_deref())?;
            match note.kind {
                SetUpNoteKind::Confirm if is_yes(&typed) => self.confirmed.push(note.code),
                _ => self.take(field, &typed),
            }
        }
    }

    /// What is to be said of `field` and was not confirmed.
    fn open_note(&self, field: SetUpField, look: &SetUpLook) -> Option<SetUpNote> {
        let answers = look.answers.iter().filter(|one| one.field == field);
        let mut notes = answers.flat_map(|one| &one.notes);
        let is_open =
            |note: &&SetUpNote| note.kind == SetUpNoteKind::Wrong || !self.confirmed.contains(&note.code);
        notes.find(is_open).cloned()
    }

    fn take(&mut self, field: SetUpField, typed: &str) {
        let value = match field {
            SetUpField::AgreeTerms => json!(is_yes(typed)),
            _ => json!(typed),
        };
        self.answers.insert(word(&field), value);
    }

    /// An answer that is one of several words; the default where it is none of them.
    fn answer_as<T: for<'de> Deserialize<'de> + Default>(&self, field: &str) -> T {
        self.answers.get(field).and_then(|value| T::deserialize(value).ok()).unwrap_or_default()
    }

    fn request(&self) -> Value {
        let mut request = json!({"provider": "", "user": "", "confirmed": self.confirmed});
        if let Some(fields) = request.as_object_mut() {
            fields.extend(self.answers.clone());
        }
        request
    }

    /// What the answers so far are worth. A word that is none of those that there are is asked for again.
    async fn look(&mut self) -> Result<SetUpLook, ExitCode> {
        loop {
            let wrong =
                match (self.is_word::<ReachedBy>("reached_by"), self.is_word::<AcmeChallenge>("challenge")) {
                    (Err(fault), _) => Some(("reached_by", fault)),
                    (_, Err(fault)) => Some(("challenge", fault)),
                    _ => None,
                };
            let Some((field, fault)) = wrong else { break };
            let typed = self.read(&format!("  {}.\nAnother answer:", capital(&fault)), None)?;
            self.answers.insert(field.to_owned(), json!(typed));
        }
        let looked = self.place.ask("look-at-set-up", &self.request()).await;
        let look = looked.and_then(|look| serde_json::from_value(look).map_err(|fault| fault.to_string()));
        look.map_err(|refusal| say(&refusal, 2))
    }

    fn is_word<T: for<'de> Deserialize<'de>>(&self, field: &str) -> Result<(), String> {
        match self.answers.get(field).and_then(Value::as_str) {
            Some(text) => read_word::<T>(text).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Reads the next answer; an empty one is `usual`.
    fn read(&self, asked: &str, usual: Option<&str>) -> Result<String, ExitCode> {
        question(asked).map_err(|fault| say(&format!("the question cannot be written: {fault}"), 1))?;
        let mut typed = String::new();
        let ended = || say("the answers have ended before everything was said; nothing was set up", 2);
        match io::stdin().lock().read_line(&mut typed) {
            Err(fault) if fault.kind() == io::ErrorKind::InvalidData => {
                let text = "an answer is no text in UTF-8, which the configuration cannot hold; give a file a name that is, or a link that has \
                            one, and nothing was set up";
                Err(say(text, 2))
            }
            Ok(0) | Err(_) => Err(ended()),
            Ok(_) => {
                let typed = typed.trim();
                Ok(if typed.is_empty() { usual.unwrap_or_default() } else { typed }.to_owned())
            }
        }
    }
}

/// The sentence of a note for who is not asked again.
fn told(note: &SetUpNote) -> String {
    match &note.instead {
        Some(instead) => format!("{}; answer {instead} instead", note.text),
        None => note.text.clone(),
    }
}

fn is_yes(typed: &str) -> bool {
    ["y", "yes"].contains(&typed.to_lowercase().as_str())
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
