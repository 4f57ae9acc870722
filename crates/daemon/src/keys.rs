//! `keys`: the running node's signing keys, changed and revoked.

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;
use drawbridge_admin::view::{SignedWith, SigningKey, SigningKeys};
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::time::Timestamp;
use serde_json::json;

use crate::ask::carry_out;
use crate::print::{answer, word};

/// What is done with the keys.
#[derive(Clone, Subcommand)]
pub(crate) enum Wanted {
    /// Change the signing key: a new one is published now, and signs a day later, when the other providers have seen it.
    Rotate,
    /// Say what was signed with a key.
    Signed {
        /// Its fingerprint
        // One may begin with a hyphen.
        #[arg(allow_hyphen_values = true)]
        key: Thumbprint,
    },
    /// Revoke a key that others may have: it is out of the provider document at once. Without --yes, say what follows from that.
    Revoke {
        /// Do it.
        #[arg(long)]
        yes: bool,
        /// Its fingerprint
        // One may begin with a hyphen.
        #[arg(allow_hyphen_values = true)]
        key: Thumbprint,
    },
}

/// Does what is `wanted` with the keys of the node that runs in `folder`, or lists them; as one JSON object where `as_json`. The node is
/// named again by `options`.
pub(crate) async fn keys(folder: &Path, options: &str, wanted: Option<Wanted>, as_json: bool) -> ExitCode {
    let named = |key: Thumbprint| json!({ "fingerprint": key });
    let told = match wanted {
        None => carry_out(folder, "keys", json!({}), as_json, list).await,
        Some(Wanted::Rotate) => carry_out(folder, "rotate-key", json!({}), as_json, list).await,
        Some(Wanted::Signed { key }) => carry_out(folder, "signed-with", named(key), as_json, signed).await,
        Some(Wanted::Revoke { yes: false, key }) => {
            carry_out(folder, "signed-with", named(key), as_json, foresee).await
        }
        Some(Wanted::Revoke { yes: true, key }) => {
            carry_out(folder, "revoke-key", named(key), as_json, |with| revoked(with, options)).await
        }
    };
    told.map_or_else(|code| code, |()| ExitCode::SUCCESS)
}

fn list(keys: SigningKeys) -> Result<(), ExitCode> {
    keys.keys.iter().try_for_each(|key| answer(line(key)))?;
    match keys.rotate_days {
        0 => answer("The key is changed on command alone.")?,
        days => answer(format_args!("The key is changed every {days} days."))?,
    }
    if let Some(next) = keys.next {
        answer(format_args!("Next: {} at {}.", word(&next.step), next.at.in_words()))?;
    }
    keys.waits.map_or(Ok(()), answer)
}

fn line(key: &SigningKey) -> String {
    let time = |word: &str, at: Option<Timestamp>| {
        at.map(|at| format!(", {word} {}", at.in_words())).unwrap_or_default()
    };
    let (since, until) = (time("from", key.since), time("until", key.until));
    let leaves = time("leaves the document", key.leaves);
    format!("{:<9} {}{since}{until}{leaves}", word(&key.standing), key.fingerprint)
}

fn signed(signed: SignedWith) -> Result<(), ExitCode> {
    answer(line(&signed.key))?;
    answer(format_args!("Grants that are kept: {}", signed.grants.len()))?;
    signed.grants.iter().try_for_each(|grant| {
        let used = if grant.used { ", used" } else { "" };
        answer(format_args!(
            "  {} may be added by {} to {}: signed {}, ends {}{used} ({})",
            grant.user, grant.adder, grant.group, grant.signed, grant.ends, grant.id
        ))
    })?;
    answer(format_args!("Groups of whose logs others may have checkpoints: {}", signed.groups.len()))?;
    signed.groups.iter().try_for_each(|group| {
        let participants: Vec<_> = group.participants.iter().map(ToString::to_string).collect();
        answer(format_args!("  {}: {}", group.group, participants.join(", ")))
    })
}

fn foresee(with: SignedWith) -> Result<(), ExitCode> {
    let stops: Vec<_> = with.stops.iter().map(ToString::to_string).collect();
    signed(with)?;
    answer(
        "If it is revoked, it is out of the provider document at once, and nothing that it signed counts any more. Grants that were \
         not used yet are signed anew.",
    )?;
    if !stops.is_empty() {
        answer(format_args!(
            "These providers exchange nothing with this one until their operators have accepted its new key: {}",
            stops.join(", ")
        ))?;
    }
    answer("Nothing was done. To revoke it, give --yes as well.")
}

fn revoked(with: SignedWith, options: &str) -> Result<(), ExitCode> {
    let stops: Vec<_> = with.stops.iter().map(ToString::to_string).collect();
    signed(with)?;
    answer("The key is revoked. Make a backup now: an older one brings it back.")?;
    if !stops.is_empty() {
        answer(format_args!(
            "Tell the operators of these providers the new fingerprint (drawbridged keys{options}), by another way: {}",
            stops.join(", ")
        ))?;
    }
    Ok(())
}
