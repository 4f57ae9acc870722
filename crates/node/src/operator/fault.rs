//! Why something cannot be read.

use crate::store::StoreFault;

/// The store does not give what was asked for. The text says what to do, where anything can be done.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ReadFault(#[from] StoreFault);

impl From<ReadFault> for StoreFault {
    fn from(ReadFault(fault): ReadFault) -> Self {
        fault
    }
}
