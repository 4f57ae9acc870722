//! The public states that are in memory: one for each group that is dealt with, under a lock of its own.
//!
//! A state is taken out while a change to it is on its way into the store, and put back when that is on disk; where
//! something fails in between, it is simply not there, and is read from the store again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use drawbridge_mtp::id::{ClientUri, GroupUri};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use super::mls::Conventions;
use super::state::PublicState;
use crate::lock::lock;
use crate::store::{Handshake, Standing, Store, StoreFault};

/// So many groups stay in memory when nobody deals with them.
const AT_REST: usize = 512;

type Place = Arc<RwLock<Option<PublicState>>>;

/// All groups in memory.
pub(crate) struct Groups {
    store: Store,
    places: Mutex<HashMap<GroupUri, Place>>,
    conventions: &'static Conventions,
}

/// A state that is there and does not change meanwhile.
pub(super) type Reading = OwnedRwLockReadGuard<Option<PublicState>, PublicState>;

/// A state that nobody else sees meanwhile.
pub(super) struct Writing(OwnedRwLockWriteGuard<Option<PublicState>>);

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
        let mut places = lock(&self.places);
        if places.len() >= AT_REST && !places.contains_key(group) {
            places.retain(|_, place| Arc::strong_count(place) > 1);
        }
        places.entry(group.clone()).or_default().clone()
    }

    /// Whether a client is in a group whose state is in memory and free; `false` says nothing.
    pub(crate) fn is_known_in(&self, group: &GroupUri, client: &ClientUri) -> bool {
        let place = lock(&self.places).get(group).cloned();
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

    /// The place of the public state of `group`, whether or not there is one in memory.
    pub(super) async fn lock(&self, group: &GroupUri) -> Writing {
        Writing(self.place(group).write_owned().await)
    }

    /// The public state of `group`, to change; `None` where we have none.
    pub(super) async fn write(&self, group: &GroupUri) -> Result<Option<Writing>, StoreFault> {
        let mut writing = self.lock(group).await;
        if writing.is_empty() {
            let Some(state) = self.restore(group).await? else { return Ok(None) };
            writing.put(state);
        }
        Ok(Some(writing))
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

impl Writing {
    /// Takes the state out; it has to be put back once what was done with it is on disk.
    pub(super) fn take(&mut self) -> Option<PublicState> {
        self.0.take()
    }

    /// Puts the state back.
    pub(super) fn put(&mut self, state: PublicState) {
        *self.0 = Some(state);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}
