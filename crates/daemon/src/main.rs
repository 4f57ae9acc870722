//! `drawbridged`: the provider without a desktop. It serves the same pages to a browser.
//!
//! Exit status: 0 well, 1 refused, 2 misuse (a wrong configuration, a port in use, a folder that is not ours),
//! 64 a command that the node does not have.

#![deny(clippy::print_stdout, clippy::print_stderr, reason = "they panic where nobody reads: see `print`")]

mod access;
mod ask;
mod backup;
mod card;
mod check;
mod compare;
mod dry_run;
mod forget;
mod healthy;
mod keys;
mod notify;
mod package_files;
mod pages;
mod print;
mod proxy_config;
mod remedies;
mod repairs;
mod run;
mod service;
mod set_up;
mod signals;
mod storage;
mod trace;
mod traffic;
mod web;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use drawbridge_admin::view::ProxyProgram;
use drawbridge_admin::{Log, LogFormat};
use drawbridge_node::config::Config;

use crate::print::say;
use crate::set_up::Goal;

/// A thousand connections wait for hours, each with large buffers of which little is ever touched. The system's
/// allocator puts those where short-lived things were, so that all of it stays in memory; this one keeps sizes apart.
#[cfg(unix)]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A personal MTP provider.
#[derive(Parser)]
#[command(name = "drawbridged", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the provider of a configuration file.
    Serve {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
    },
    /// Run the provider of this user, and set it up in the browser on first start.
    Run {
        /// The folder that keeps everything [default: the user's data folder]
        #[arg(long, env = "DRAWBRIDGE_HOME")]
        home: Option<PathBuf>,
        /// Address and port of the pages
        #[arg(long, default_value = "127.0.0.1:9103")]
        listen: std::net::SocketAddr,
    },
    /// Set up a provider of this user, or with --config that of a service: asks for its name, how others reach it and the first account, and
    /// checks each answer. What is given as an option is not asked for, and answers may be piped in, one a line. Exits with 2 where an answer is
    /// not taken; nothing is kept then.
    Setup {
        /// The configuration file of a service, which names no provider yet; what else is set in it stays
        #[arg(long, value_name = "FILE", conflicts_with = "home")]
        config: Option<PathBuf>,
        /// The folder that is to keep everything [default: DRAWBRIDGE_HOME, or the user's data folder]
        #[arg(long)]
        home: Option<PathBuf>,
        #[command(flatten)]
        given: set_up::Given,
    },
    /// Run a demo federation: three providers on this machine, with people in them.
    Demo {
        /// The folder that keeps it [default: a new one, removed at the end]
        #[arg(long)]
        home: Option<PathBuf>,
        /// Address and port of the pages
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: std::net::SocketAddr,
        /// Has no effect: the demo configures itself
        #[arg(long, hide = true)]
        config: Option<PathBuf>,
    },
    /// Ask the running node; prints the answer as JSON.
    #[command(after_help = ask::commands())]
    Admin {
        #[command(flatten)]
        node: NodeChoice,
        /// The command, such as `peers`.
        command: String,
        /// Its request, JSON [default: {}]
        request: Option<String>,
    },
    /// Write everything that the provider is into one file, while it runs or not.
    Backup {
        #[command(flatten)]
        node: NodeChoice,
        #[command(flatten)]
        wanted: backup::Wanted,
    },
    /// Put a backup back into a new or empty data folder, and its configuration where there is none. Started on it, the provider
    /// reads back from the others what is newer.
    Restore {
        #[command(flatten)]
        node: NodeChoice,
        #[command(flatten)]
        from: backup::Source,
    },
    /// Print a fresh link to the pages of the running node. It works once, in the place of the one before.
    Link {
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Print the card of the running provider, which others add it by: a link, a QR code of it, and the fingerprints of its key and of a
    /// certificate that has signed itself.
    Card {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Print the token that a monitoring system shows to read the metrics at /metrics. It can do nothing else.
    MetricsToken {
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Look at a provider step by step, from its name to how pulls go, and say which side has to change what; without a name, at
    /// this one, as others find it. The running node looks; where none runs, this program does with its key.
    Check {
        /// Print one JSON object at the end.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        node: NodeChoice,
        /// Have this peer look at us, where its operator allows that.
        #[arg(long, value_name = "PROVIDER", value_parser = drawbridge_node::typed::provider, conflicts_with = "provider")]
        from: Option<drawbridge_mtp::id::Provider>,
        /// The provider, such as home.example [default: our own]
        #[arg(value_parser = drawbridge_node::typed::provider)]
        provider: Option<drawbridge_mtp::id::Provider>,
    },
    /// Say what is wrong at the running node and can be acted upon, since when, what suffers from it, and what to do; also what has
    /// only begun. Exits with 1 where something is wrong, and with 2 where no node could be asked, as where none runs.
    Repairs {
        /// Print one JSON object, which also has what is ignored and what is well again.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// List where the running node tells its operator what waits and what is wrong, besides the screens, and when each was last
    /// reached; or send a test to each and say what became of it. Exits with 1 where a test has not come.
    Notify {
        /// Send a test to each.
        #[arg(long)]
        test: bool,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Say whether the running node answers and keeps what it is given, for health checks: exits with 0 where it does, and with 1
    /// where it does not or none runs.
    Healthy {
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Hold the running node's copy of a group's log against its owner's and those of the other providers that take part, by hash,
    /// and say from which event on they differ, where they do.
    Compare {
        /// Print one JSON object at the end.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        node: NodeChoice,
        /// The group, such as mimi://home.example/g/tea
        #[arg(value_parser = drawbridge_node::typed::group)]
        group: drawbridge_mtp::id::GroupUri,
    },
    /// Say where one event is on its way, and why it has not arrived: by its group and number, or by the id of what was submitted.
    /// Without either, list what stands in the outbox, with its ids.
    Trace {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        /// Ask the other providers what they know of it, where their operators allow that.
        #[arg(long)]
        ask: bool,
        #[command(flatten)]
        node: NodeChoice,
        /// The group, such as mimi://home.example/g/tea, or the id of a submission
        #[arg(value_name = "GROUP|SUBMISSION")]
        what: Option<String>,
        /// The number of the event in the group
        seq: Option<u64>,
    },
    /// Say what the running node would do if a provider, or a person there, asked something of it, and by which rule. Nothing is asked
    /// or kept.
    DryRun {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        node: NodeChoice,
        /// The provider or the person, such as home.example or bob@home.example
        who: String,
    },
    /// Let go of a peer that is gone, a group whose owner is gone, a conversation, or an account: says what will be lost, and with
    /// --seen does it. Exits with 1 where something keeps it.
    Forget {
        /// Print one JSON object.
        #[arg(long, global = true)]
        json: bool,
        #[command(flatten)]
        node: NodeChoice,
        #[command(subcommand)]
        wanted: forget::Wanted,
    },
    /// List the running node's signing keys, with what each is for; or change the key, or revoke one that has leaked.
    Keys {
        /// Print one JSON object.
        #[arg(long, global = true)]
        json: bool,
        #[command(flatten)]
        node: NodeChoice,
        #[command(subcommand)]
        wanted: Option<keys::Wanted>,
    },
    /// Say what takes room on the running provider's disk, by kind, by group and by provider; or have the contents of messages removed
    /// after a time, or free room given back.
    Storage {
        /// Print one JSON object.
        #[arg(long, global = true)]
        json: bool,
        #[command(flatten)]
        node: NodeChoice,
        #[command(subcommand)]
        wanted: Option<storage::Wanted>,
    },
    /// Print what the configuration of a proxy has to say that ends TLS before the provider, with the provider's own values: for
    /// nginx, caddy, haproxy, apache or traefik. The provider need not run.
    ProxyConfig {
        #[command(flatten)]
        node: NodeChoice,
        /// The program: nginx, caddy, haproxy, apache or traefik
        program: ProxyProgram,
    },
    /// Print the requests between the running node and its peers, the latest last; or write them as a file for other programs.
    Traffic {
        #[command(flatten)]
        node: NodeChoice,
        #[command(flatten)]
        wanted: traffic::Wanted,
    },
    /// Write the manual pages and the completions for shells into a folder, for a package.
    #[command(hide = true)]
    PackageFiles {
        /// The folder; made where it is absent
        folder: PathBuf,
    },
}

/// Which of the nodes is meant. Where a command has parts, it may stand behind the part as well as before it.
#[derive(Clone, clap::Args)]
struct NodeChoice {
    /// The configuration file of a node that was started with serve.
    #[arg(long, global = true, conflicts_with = "home")]
    config: Option<PathBuf>,
    // Clap would take the environment for an option that was given, and refuse `--config` beside it.
    /// The folder of a node that was started with run or demo [default: DRAWBRIDGE_HOME, or the user's data folder]
    #[arg(long, global = true)]
    home: Option<PathBuf>,
}

impl NodeChoice {
    /// The folder in which it says how it is reached.
    fn folder(self) -> Result<PathBuf, ExitCode> {
        match self.config {
            Some(path) => {
                let config = Config::load(&path).map_err(|fault| say(&fault.to_string(), 2))?;
                Ok(config.data_dir)
            }
            None => self.home(),
        }
    }

    /// The configuration file of our own node, with whether the operator has said where it is.
    fn config(self) -> Result<(PathBuf, bool), ExitCode> {
        let is_named = self.home.is_some();
        match self.config {
            Some(path) => Ok((path, true)),
            None => Ok((self.home()?.join("config.toml"), is_named)),
        }
    }

    /// The options by which it was named, as they are typed again; empty where there was none.
    fn options(&self) -> String {
        let option = |name: &str, path: &Option<PathBuf>| {
            let path = path.as_ref()?.display().to_string();
            Some(format!(" {name} '{}'", path.replace('\'', r"'\''")))
        };
        option("--config", &self.config).or_else(|| option("--home", &self.home)).unwrap_or_default()
    }

    fn home(self) -> Result<PathBuf, ExitCode> {
        let of_environment =
            || std::env::var_os("DRAWBRIDGE_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        run::home_folder(self.home.or_else(of_environment))
    }
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(fault) => {
            // Help and version are no misuse.
            let _ = fault.print();
            return if fault.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    // That of `serve` is as its configuration says.
    if !matches!(arguments.command, Command::Serve { .. })
        && let Err(fault) = Log::start(None, LogFormat::Text)
    {
        return say(&fault.to_string(), 2);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => return say(&format!("the system gives no threads: {fault}"), 1),
    };
    let code = runtime.block_on(async {
        match arguments.command {
            Command::Serve { config } => run::serve(&config).await,
            Command::Run { home, listen } => run::personal(home, listen).await,
            Command::Setup { config, home, given } => {
                let node = NodeChoice { config: config.clone(), home };
                let options = node.options();
                let goal =
                    config.map_or_else(|| node.home().map(Goal::Home), |config| Ok(Goal::Service(config)));
                match goal {
                    Ok(goal) => set_up::set_up(goal, &options, given).await,
                    Err(code) => code,
                }
            }
            Command::Demo { home, listen, config: _ } => {
                let options = |home: &std::path::Path| {
                    NodeChoice { config: None, home: Some(home.to_owned()) }.options()
                };
                run::demo(home, listen, options).await
            }
            Command::Admin { node, command, request } => match node.folder() {
                Ok(folder) => ask::ask(&folder, &command, request.as_deref()).await,
                Err(code) => code,
            },
            Command::Backup { node, wanted } => match (node.clone().folder(), node.config()) {
                (Ok(folder), Ok((config, _))) => backup::backup(&folder, &config, wanted).await,
                (Err(code), _) | (_, Err(code)) => code,
            },
            Command::Restore { node, from } => match node.config() {
                Ok((config, _)) => backup::restore(&config, from),
                Err(code) => code,
            },
            Command::Link { node } => match node.folder() {
                Ok(folder) => ask::link(&folder).await,
                Err(code) => code,
            },
            Command::Card { json, node } => match node.folder() {
                Ok(folder) => card::card(&folder, json).await,
                Err(code) => code,
            },
            Command::MetricsToken { node } => match node.folder() {
                Ok(folder) => ask::metrics_token(&folder),
                Err(code) => code,
            },
            Command::Repairs { json, node } => match node.folder() {
                Ok(folder) => repairs::repairs(&folder, json).await,
                Err(code) => code,
            },
            Command::Notify { test, json, node } => match node.folder() {
                Ok(folder) => notify::notify(&folder, test, json).await,
                Err(code) => code,
            },
            Command::Healthy { node } => match node.folder() {
                Ok(folder) => healthy::healthy(&folder).await,
                Err(code) => code,
            },
            Command::Check { json, node, from, provider } => match (node.clone().folder(), node.config()) {
                (Ok(folder), Ok((config, is_named))) => {
                    check::check(&folder, (&config, is_named), provider, from, json).await
                }
                (Err(code), _) | (_, Err(code)) => code,
            },
            Command::Trace { json, ask, node, what, seq } => match node.folder() {
                Ok(folder) => match what {
                    Some(what) => trace::trace(&folder, &what, seq, ask, json).await,
                    None => trace::outbox(&folder, json).await,
                },
                Err(code) => code,
            },
            Command::Compare { json, node, group } => {
                let options = node.options();
                match node.folder() {
                    Ok(folder) => compare::compare(&folder, &options, &group, json).await,
                    Err(code) => code,
                }
            }
            Command::DryRun { json, node, who } => match node.folder() {
                Ok(folder) => dry_run::dry_run(&folder, &who, json).await,
                Err(code) => code,
            },
            Command::Forget { json, node, wanted } => {
                let options = node.options();
                match node.folder() {
                    Ok(folder) => forget::forget(&folder, &options, wanted, json).await,
                    Err(code) => code,
                }
            }
            Command::Keys { json, node, wanted } => {
                let options = node.options();
                match node.folder() {
                    Ok(folder) => keys::keys(&folder, &options, wanted, json).await,
                    Err(code) => code,
                }
            }
            Command::Storage { json, node, wanted } => match node.folder() {
                Ok(folder) => storage::storage(&folder, wanted, json).await,
                Err(code) => code,
            },
            Command::ProxyConfig { node, program } => match node.config() {
                Ok((config, is_named)) => proxy_config::print((&config, is_named), program),
                Err(code) => code,
            },
            Command::Traffic { node, wanted } => match node.folder() {
                Ok(folder) => traffic::traffic(&folder, wanted).await,
                Err(code) => code,
            },
            Command::PackageFiles { folder } => package_files::write(Arguments::command(), &folder),
        }
    });
    runtime.shutdown_background();
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_named_again_as_it_was_named() {
        let choice = |config: Option<&str>, home: Option<&str>| NodeChoice {
            config: config.map(Into::into),
            home: home.map(Into::into),
        };
        assert_eq!(choice(Some("/etc/it's.toml"), None).options(), r" --config '/etc/it'\''s.toml'");
        assert_eq!(choice(None, Some("a b")).options(), " --home 'a b'");
        assert_eq!(choice(None, None).options(), "");
    }

    #[test]
    fn a_node_is_named_in_one_way_by_each_command_that_needs_one() {
        let commands = [
            &["link"][..],
            &["admin", "status"],
            &["check", "b.example"],
            &["compare", "mimi://b.example/g/tea"],
            &["trace", "mimi://b.example/g/tea", "7"],
            &["metrics-token"],
            &["card"],
            &["repairs"],
            &["notify"],
            &["healthy"],
            &["traffic"],
            &["storage"],
            &["dry-run", "b.example"],
            &["backup"],
            &["restore", "backup.drawbridge"],
            &["proxy-config", "nginx"],
            &["setup"],
            &["keys"],
            &["keys", "rotate"],
            // What may begin with a hyphen does not take an option for itself.
            &["keys", "revoke", "kNPZz6uWL_l0Q_qtoeY5Mv35wJQSfIyPGH23uf5vVWE"],
            &["storage", "retention", "off"],
            &["storage", "compact"],
            &["forget", "peer", "b.example"],
        ];
        for command in commands {
            let is_taken = |options: &[&str]| {
                Arguments::try_parse_from([&["drawbridged"], command, options].concat()).is_ok()
            };
            assert!(
                is_taken(&[]) && is_taken(&["--config", "a.toml"]) && is_taken(&["--home", "a"]),
                "{command:?}"
            );
            assert!(!is_taken(&["--config", "a.toml", "--home", "a"]), "{command:?}");
        }
    }

    #[test]
    fn a_node_is_named_before_the_part_of_a_command_as_well_as_behind_it() {
        for arguments in [
            ["keys", "--config", "a.toml", "--json", "rotate"],
            ["keys", "rotate", "--json", "--config", "a.toml"],
        ] {
            let read = Arguments::try_parse_from(["drawbridged"].into_iter().chain(arguments)).unwrap();
            let Command::Keys { json, node, .. } = read.command else { panic!("{arguments:?}") };
            assert!(json && node.config == Some("a.toml".into()), "{arguments:?}");
        }
    }
}
