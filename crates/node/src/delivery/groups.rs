//! The public states that are in memory: one for each group that is dealt with, under a lock of its own.
//!
//! A state is changed under a guard. Once the store has the change on disk, the guard is committed; a guard that is
//! dropped before that discards what it changed, and the state is read from the store again.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

use drawbridge_mtp::id::{ClientUri, GroupUri};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::delivery::mls::framing::Conventions;
use crate::delivery::mls::state::PublicState;
use crate::store::{Handshake, Standing, Store, StoreFault};

/// So many groups stay in memory when nobody deals with them.
const AT_REST: usize = 512;

type Place = Arc<RwLock<Option<PublicState>>>;

/// All groups in memory.
pub(crate) struct Groups {
    /// Where states are read from.
    store: Store,
    /// The states, each under a lock of its own.
    places: Mutex<HashMap<GroupUri, Place>>,
    /// How MTP's names stand in MLS.
    conventions: &'static Conventions,
}

/// A state that is there and does not change meanwhile.
pub(super) type Reading = OwnedRwLockReadGuard<Option<PublicState>, PublicState>;

/// A group whose state nobody else reads or changes meanwhile.
pub(super) struct LockedGroup {
    state: OwnedRwLockWriteGuard<Option<PublicState>>,
    /// Whether memory may have something else than the store.
    is_changed: bool,
}

/// What the store has of a public state.
struct Stored {
    state: Vec<u8>,
    handshakes: Vec<Handshake>,
}

impl Groups {
    /// None in memory yet.
    pub(crate) fn new(store: Store, conventions: &'static Conventions) -> Self {
        Self { store, places: Mutex::default(), conventions }
    }

    fn place(&self, group: &GroupUri) -> Place {
        let mut places = self.places.lock();
        if places.len() >= AT_REST && !places.contains_key(group) {
            places.retain(|_, place| Arc::strong_count(place) > 1);
        }
        places.entry(group.clone()).or_default().clone()
    }

    /// Whether a client is in a group whose state is in memory and free; `false` says nothing.
    pub(crate) fn is_known_in(&self, group: &GroupUri, client: &ClientUri) -> bool {
        let place = self.places.lock().get(group).cloned();
        let state = place.as_ref().and_then(|place| place.try_read().ok());
        state.is_some_and(|state| state.as_ref().is_some_and(|state| state.has_client(client)))
    }

    /// How MTP's names stand in MLS here.
    pub(super) fn conventions(&self) -> &'static Conventions {
        self.conventions
    }

    /// The public state of `group`, to read; `None` where we have none.
    pub(super) async fn read(&self, group: &GroupUri) -> Result<Option<Reading>, StoreFault> {
        let place = self.place(group);
        loop {
            let guard = place.clone().read_owned().await;
            if let Ok(there) = OwnedRwLockReadGuard::try_map(guard, Option::as_ref) {
                return Ok(Some(there));
            }
            let mut guard = place.clone().write_owned().await;
            if guard.is_none() {
                let Some(state) = self.restore(group).await? else { return Ok(None) };
                *guard = Some(state);
            }
        }
    }

    /// Locks `group`, whether or not its state is in memory.
    pub(super) async fn lock(&self, group: &GroupUri) -> LockedGroup {
        LockedGroup { state: self.place(group).write_owned().await, is_changed: false }
    }

    /// Locks `group` with its state in memory; `None` where we have none.
    pub(super) async fn lock_state(&self, group: &GroupUri) -> Result<Option<LockedGroup>, StoreFault> {
        let mut locked = self.lock(group).await;
        if locked.state.is_none() {
            let Some(state) = self.restore(group).await? else { return Ok(None) };
            *locked.state = Some(state);
        }
        Ok(Some(locked))
    }

    /// Reads a public state from the store.
    pub(super) async fn restore(&self, group: &GroupUri) -> Result<Option<PublicState>, StoreFault> {
        let uri = group.clone();
        let conventions = self.conventions;
        // By way of the writer: what was handed to it before, by someone who has not waited for it, is in it.
        let stored = self.store.write(move |tx| {
            let Some(row) = tx.group(&uri)?.filter(|row| row.standing == Standing::Live) else {
                return Ok::<_, StoreFault>(None);
            };
            let Some((epoch, state)) = tx.group_state(row.id)? else { return Ok(None) };
            let handshakes = tx.handshakes(row.id, epoch)?;
            Ok(Some(Stored { state, handshakes }))
        });
        let Some(stored) = stored.await? else { return Ok(None) };
        PublicState::restore(&stored.state, group, &stored.handshakes, conventions).map(Some).map_err(
            |fault| StoreFault::Unreadable { what: "a group's public state", value: fault.to_string() },
        )
    }
}

impl LockedGroup {
    /// The state, where it is in memory.
    pub(super) fn state(&self) -> Option<&PublicState> {
        self.state.as_ref()
    }

    /// The state, to be changed.
    pub(super) fn change(&mut self) -> Option<&mut PublicState> {
        self.is_changed = true;
        self.state.as_mut()
    }

    /// Puts `state` there, which is what the store has.
    pub(super) fn put(&mut self, state: PublicState) {
        *self.state = Some(state);
    }

    /// Forgets the state: whoever comes next reads it from the store.
    pub(super) fn forget(&mut self) {
        *self.state = None;
    }

    /// The store has every change on disk.
    pub(super) fn commit(mut self) {
        self.is_changed = false;
    }
}

impl Drop for LockedGroup {
    fn drop(&mut self) {
        if self.is_changed {
            self.forget();
        }
    }
}
