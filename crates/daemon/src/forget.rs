//! `forget`: says what would be lost with a peer, a group, a conversation or an account, and lets go of it.

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use drawbridge_admin::request::Forgettable;
use drawbridge_admin::view::{HoldCode, Losses};
use drawbridge_mtp::id::{GroupUri, Name, Provider};
use serde_json::{Value, json};

use crate::ask::{carry_out_at_running, not_running};
use crate::print::{answer, say};

/// What is let go of.
#[derive(Clone, Subcommand)]
pub(crate) enum Wanted {
    /// A provider that is gone: coming back, it is a stranger.
    Peer {
        #[command(flatten)]
        seen: Seen,
        /// The provider, such as home.example
        #[arg(value_parser = drawbridge_node::typed::provider)]
        provider: Provider,
    },
    /// A group whose owner is gone, that is over, or that nobody is in any more.
    Group {
        #[command(flatten)]
        seen: Seen,
        /// The group, such as mimi://home.example/g/tea
        #[arg(value_parser = drawbridge_node::typed::group)]
        group: GroupUri,
    },
    /// A conversation that is over, of an account that is used on this computer.
    Conversation {
        #[command(flatten)]
        seen: Seen,
        /// The account's name
        user: Name,
        /// The group, such as mimi://home.example/g/tea
        #[arg(value_parser = drawbridge_node::typed::group)]
        group: GroupUri,
    },
    /// An account, with its clients and its connections.
    Account {
        #[command(flatten)]
        seen: Seen,
        /// The account's name
        user: Name,
    },
}

/// The condition under which it is done.
#[derive(Clone, Args)]
pub(crate) struct Seen {
    /// Do it, where what is lost is still what this names: it is printed with what would be lost.
    #[arg(long, value_name = "SEEN")]
    seen: Option<String>,
}

impl Wanted {
    fn parts(self) -> (Forgettable, Option<String>) {
        match self {
            Self::Peer { seen, provider } => (Forgettable::Peer { provider }, seen.seen),
            Self::Group { seen, group } => (Forgettable::Group { group }, seen.seen),
            Self::Conversation { seen, user, group } => {
                (Forgettable::Conversation { user, group }, seen.seen)
            }
            Self::Account { seen, user } => (Forgettable::Account { user }, seen.seen),
        }
    }
}

/// Says what would be lost in the node that runs in `folder`, as one JSON object where `as_json`; or lets go of it, where that was seen
/// before. The status is 1 where something keeps it, or what would be lost has changed. The node is named again by `options`.
pub(crate) async fn forget(folder: &Path, options: &str, wanted: Wanted, as_json: bool) -> ExitCode {
    let told = match wanted.parts() {
        (of, None) => foresee(folder, options, &of, as_json).await,
        (of, Some(seen)) => carry_out(folder, &of, &seen, as_json).await,
    };
    told.unwrap_or_else(|code| code)
}

async fn send(folder: &Path, command: &str, request: &Value) -> Result<Value, ExitCode> {
    // A peer with many requests goes in many steps.
    match carry_out_at_running(folder, command, request).await {
        Some(Ok(reply)) => Ok(reply),
        Some(Err(refusal)) => Err(say(&refusal, 1)),
        None => Err(not_running(folder)),
    }
}

async fn foresee(
    folder: &Path,
    options: &str,
    of: &Forgettable,
    as_json: bool,
) -> Result<ExitCode, ExitCode> {
    let reply = send(folder, "losses", &json!({ "of": of })).await?;
    let losses: Losses = serde_json::from_value(reply.clone()).map_err(|fault| say(&fault.to_string(), 1))?;
    if as_json {
        answer(reply)?
    } else {
        print(&losses, options, of)?
    }
    Ok(if losses.holds.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn carry_out(folder: &Path, of: &Forgettable, seen: &str, as_json: bool) -> Result<ExitCode, ExitCode> {
    let reply = send(folder, "forget", &json!({ "of": of, "seen": seen })).await?;
    if as_json {
        answer(reply)?
    } else {
        answer("It is forgotten.")?
    }
    Ok(ExitCode::SUCCESS)
}

fn print(losses: &Losses, options: &str, of: &Forgettable) -> Result<(), ExitCode> {
    if !losses.holds.is_empty() {
        answer("Nothing can be forgotten yet:")?;
        losses.holds.iter().try_for_each(|hold| {
            answer(format_args!("  {}", hold.text))?;
            match (hold.code, of) {
                (HoldCode::Connected, Forgettable::Peer { provider }) => {
                    let request = json!({ "provider": provider });
                    answer(format_args!("    (drawbridged admin{options} end-connections '{request}')"))
                }
                _ => Ok(()),
            }
        })?;
    }
    answer("What will be lost:")?;
    losses.lost.iter().try_for_each(|loss| match loss.octets {
        Some(octets) => answer(format_args!("  {} ({octets} octets)", loss.what)),
        None => answer(format_args!("  {}", loss.what)),
    })?;
    if !losses.stays.is_empty() {
        answer("What stays:")?;
        losses.stays.iter().try_for_each(|stays| answer(format_args!("  {stays}")))?;
    }
    losses.means.iter().try_for_each(answer)?;
    if losses.holds.is_empty() {
        answer(format_args!("Nothing was done. To forget it, give --seen {} as well.", losses.seen))?;
    }
    Ok(())
}
