//! A provider of the demo that has another signing key, as where its key file was lost and made anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use drawbridge_mtp::message::PeerState;
use drawbridge_node::ambient::{AmbientExt, System};
use drawbridge_node::identity::write_secret;

use super::provider::{DemoProvider, failed};
use crate::error::AdminError;
use crate::view::DemoSwitch;

/// The file of the signing key in a data folder.
pub(super) const KEY: &str = "identity.key";

/// In which state each of the others had a provider before its key changed, by their names.
type Before = BTreeMap<String, PeerState>;

/// Gives `provider` another key, or its own back.
pub(super) async fn turn(
    provider: &DemoProvider,
    on: bool,
    others: &[Arc<DemoProvider>],
) -> Result<(), AdminError> {
    let before =
        if on { keep_states(provider, others).await? } else { read_states(&provider.dir, provider.name) };
    let ran = provider.stop().await;
    let changed = if on { put_another(provider) } else { put_back(&provider.dir, provider.name) };
    if ran {
        provider.start_again().await?;
    }
    changed.map_err(|fault| failed(&fault))?;
    provider.note(DemoSwitch::KeyChanged, on);
    if !on {
        accept_again(provider, &before, others).await?;
    }
    Ok(())
}

/// Where the signing key is, where the first is kept while another is in its place, and what is kept of the others.
fn files(dir: &Path, name: &str) -> [PathBuf; 3] {
    let kept = |what: &str| dir.join(format!("{name}-before.{what}"));
    [dir.join(name).join(KEY), kept("key"), kept("json")]
}

fn put_another(provider: &DemoProvider) -> std::io::Result<()> {
    let [key, kept, _] = files(&provider.dir, provider.name);
    std::fs::copy(&key, &kept)?;
    let text = format!("{}\n", BASE64_URL_SAFE_NO_PAD.encode(System.random::<32>()));
    write_secret(&key, text.as_bytes())
}

/// Puts the first key back, where another is in its place.
pub(super) fn put_back(dir: &Path, name: &str) -> std::io::Result<()> {
    let [key, kept, states] = files(dir, name);
    if !kept.exists() {
        return Ok(());
    }
    std::fs::rename(kept, key)?;
    match std::fs::remove_file(states) {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => Err(fault),
        _ => Ok(()),
    }
}

/// Keeps in which state each of the others has `provider`.
async fn keep_states(provider: &DemoProvider, others: &[Arc<DemoProvider>]) -> Result<Before, AdminError> {
    let mut before = Before::new();
    for other in others {
        if let Some(site) = other.site() {
            let state = site.node.operator().peer(&provider.config.provider).await?.state;
            before.insert(other.name.to_owned(), state);
        }
    }
    let [_, _, states] = files(&provider.dir, provider.name);
    let text = serde_json::to_vec(&before).map_err(|fault| AdminError::internal(&fault))?;
    std::fs::write(states, text).map_err(|fault| failed(&fault))?;
    Ok(before)
}

/// In which state the others had the provider `name`, where its key was changed.
pub(super) fn read_states(dir: &Path, name: &str) -> Before {
    let [_, _, states] = files(dir, name);
    std::fs::read(states).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// Has the others accept the first key again, as their operators would, and leaves `provider` with them as it was.
pub(super) async fn accept_again(
    provider: &DemoProvider,
    before: &Before,
    others: &[Arc<DemoProvider>],
) -> Result<(), AdminError> {
    let changed = &provider.config.provider;
    let Some(own) = provider.site() else { return Ok(()) };
    let first = own.node.operator().fingerprint();
    for other in others {
        let (Some(state), Some(site)) = (before.get(other.name), other.site()) else { continue };
        if !matches!(state, PeerState::Allowed | PeerState::Pending) {
            continue;
        }
        let operator = site.node.operator();
        if *state == PeerState::Pending && operator.peer(changed).await?.state == PeerState::KeyChanged {
            // To accept the key of one that was let in before would let this one in.
            operator.judge_peer(changed.clone(), PeerState::Pending).await?;
        }
        // What is remembered of it has the other key.
        operator.retry_peer(changed).await;
        operator.accept_key(changed.clone(), &[first]).await?;
    }
    Ok(())
}
