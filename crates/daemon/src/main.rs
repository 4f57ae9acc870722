//! `drawbridged`: the provider without a desktop. It serves the same pages to a browser.
//!
//! Exit status: 0 well, 1 refused, 2 misuse (a wrong configuration, a port in use, a folder that is not ours),
//! 64 a command that the node does not have.

mod ask;
mod check;
mod door;
mod pages;
mod run;
mod web;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// A thousand connections wait for hours, each with large buffers of which little is ever touched. The system's
/// allocator puts those where short-lived things were, so that all of it stays in memory; this one keeps sizes apart.
#[cfg(unix)]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A personal MTP provider.
#[derive(Parser)]
#[command(version, about)]
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
    Admin {
        /// The configuration file of the running node.
        #[arg(long)]
        config: PathBuf,
        /// The command, such as `peers`.
        command: String,
        /// Its request, JSON [default: {}]
        request: Option<String>,
    },
    /// Print a fresh link to the pages of the running node. It works once, in the place of the one before.
    Link {
        /// The configuration file of the running node.
        #[arg(long)]
        config: PathBuf,
    },
    /// Look at a provider step by step: its address, its document over TLS, a signed ping.
    Check {
        /// The configuration file of our own node.
        #[arg(long)]
        config: PathBuf,
        /// The provider, such as home.example.
        provider: drawbridge_mtp::id::Provider,
    },
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
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => return say(&format!("the system gives no threads: {fault}"), 1),
    };
    let code = runtime.block_on(async {
        match arguments.command {
            Command::Serve { config } => run::serve(&config).await,
            Command::Run { home, listen } => run::personal(home, listen).await,
            Command::Demo { home, listen, config: _ } => run::demo(home, listen).await,
            Command::Admin { config, command, request } => {
                ask::ask(&config, &command, request.as_deref()).await
            }
            Command::Link { config } => ask::link(&config).await,
            Command::Check { config, provider } => check::check(&config, &provider).await,
        }
    });
    runtime.shutdown_background();
    code
}

/// Says why it ends, in one line.
fn say(text: &str, code: u8) -> ExitCode {
    eprintln!("drawbridged: {text}");
    ExitCode::from(code)
}
