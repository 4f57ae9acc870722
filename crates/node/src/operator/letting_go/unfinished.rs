//! What was begun and takes more than one transaction, so that nobody's writes wait for it: it is written down with the first, and gone on
//! with by whoever has begun it, or at the next start.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::misuse::Misuse;
use crate::operator::Operator;
use crate::store::{StoreFault, Tx, View};

/// How often it is looked for what could not be gone on with.
const LOOK_EVERY: Duration = Duration::from_secs(600);

/// The list in the setting `name`, which is kept as JSON.
pub(super) fn read_list<T: FromStr>(view: &View<'_>, name: &str) -> Result<Vec<T>, StoreFault> {
    let items: Vec<String> =
        view.setting(name)?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    Ok(items.iter().filter_map(|item| item.parse().ok()).collect())
}

/// Keeps a list in the setting `name`.
fn set_list<T: Display>(tx: &Tx<'_>, name: &str, items: &[T]) -> Result<(), StoreFault> {
    let items: Vec<String> = items.iter().map(T::to_string).collect();
    tx.set_setting(name, &serde_json::to_string(&items).unwrap_or_default())
}

/// Writes down in the setting `name` that something is done with `item`.
pub(super) fn begin<T: FromStr + Display + PartialEq>(
    tx: &Tx<'_>,
    name: &str,
    item: T,
) -> Result<(), StoreFault> {
    let mut items = read_list(tx, name)?;
    if !items.contains(&item) {
        items.push(item);
    }
    set_list(tx, name, &items)
}

/// Whether what was begun with `item` is not done yet.
pub(super) fn is_begun<T: FromStr + PartialEq>(
    view: &View<'_>,
    name: &str,
    item: &T,
) -> Result<bool, StoreFault> {
    Ok(read_list::<T>(view, name)?.contains(item))
}

/// Nothing is left to do with `item`.
pub(super) fn end<T: FromStr + Display + PartialEq>(
    tx: &Tx<'_>,
    name: &str,
    item: &T,
) -> Result<(), StoreFault> {
    let mut items: Vec<T> = read_list(tx, name)?;
    items.retain(|one| one != item);
    set_list(tx, name, &items)
}

impl Operator {
    /// Does `step` in a transaction of its own, again and again, until it says what came of all.
    pub(super) async fn in_steps<T: Send + 'static>(
        &self,
        step: impl Fn(&Tx<'_>) -> Result<Option<T>, Misuse> + Clone + Send + 'static,
    ) -> Result<T, Misuse> {
        loop {
            let begun = Instant::now();
            if let Some(done) = self.store.write(step.clone()).await? {
                return Ok(done);
            }
            // At most half of the writer's time.
            tokio::time::sleep(begun.elapsed()).await;
        }
    }

    /// Goes on with what was cut off, until the node stops.
    pub(crate) async fn run_letting_go(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.ground.stop.cancelled() => return,
                done = self.go_on_with_peers() => if let Err(fault) = done {
                    tracing::error!(%fault, "what was begun with peers cannot be read; it is tried again");
                },
            }
            tokio::select! {
                () = self.ground.stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }
}
