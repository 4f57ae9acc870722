//! What the operator allows for one peer each by a click. Of each kind there is one list, which is kept as JSON in a setting, and by
//! which requests go.

use drawbridge_mtp::id::Provider;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::misuse::Misuse;
use crate::peers::Outbound;
use crate::store::{Store, StoreFault, Tx, View};

/// So many of a kind are kept: each was allowed by a click.
const MOST: usize = 1000;

/// Something that is allowed for one peer.
pub(crate) trait Exception: Serialize + DeserializeOwned + Send + 'static {
    /// The setting that holds all.
    const SETTING: &'static str;
    /// What there are so many of, where there cannot be more.
    const ALL: &'static str;

    /// The peer for which it is.
    fn provider(&self) -> &Provider;

    /// Has requests go by `all` from now on.
    fn hold(all: Vec<Self>, outbound: &Outbound);
}

/// Has requests go by what the operator has allowed, as after a start.
pub(crate) async fn load<E: Exception>(store: &Store, outbound: &Outbound) -> Result<(), StoreFault> {
    E::hold(store.read::<_, StoreFault>(read).await?, outbound);
    Ok(())
}

/// All, by provider.
pub(super) fn read<E: Exception>(view: &View<'_>) -> Result<Vec<E>, StoreFault> {
    let kept = view.setting(E::SETTING)?;
    Ok(kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Whether something is allowed for `provider` alone.
pub(super) fn is_allowed<E: Exception>(view: &View<'_>, provider: &Provider) -> Result<bool, StoreFault> {
    Ok(read::<E>(view)?.iter().any(|one| one.provider() == provider))
}

/// Allows `new` for `provider`, in the place of those before. Returns all that are allowed then.
pub(super) fn replace<E: Exception>(
    tx: &Tx<'_>,
    provider: &Provider,
    new: impl IntoIterator<Item = E>,
) -> Result<Vec<E>, Misuse> {
    let mut all = read::<E>(tx)?;
    all.retain(|one| one.provider() != provider);
    all.extend(new);
    if all.len() > MOST {
        let text = format!("{MOST} {} already; take back one that is of no use any more", E::ALL);
        return Err(Misuse::Unfit(text));
    }
    all.sort_by(|one, other| one.provider().cmp(other.provider()));
    keep(tx, &all)?;
    Ok(all)
}

/// Allows nothing for `provider` any more. Returns what is allowed for others, where that was another list.
pub(super) fn forget<E: Exception>(tx: &Tx<'_>, provider: &Provider) -> Result<Option<Vec<E>>, StoreFault> {
    let mut all = read::<E>(tx)?;
    let before = all.len();
    all.retain(|one| one.provider() != provider);
    if all.len() == before {
        return Ok(None);
    }
    keep(tx, &all)?;
    Ok(Some(all))
}

fn keep<E: Exception>(tx: &Tx<'_>, all: &[E]) -> Result<(), StoreFault> {
    tx.set_setting(E::SETTING, &serde_json::to_string(all).unwrap_or_default())
}
