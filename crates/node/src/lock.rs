//! What threads share.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A poisoned lock means that a thread has panicked between two whole steps; the data is whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
