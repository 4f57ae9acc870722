//! How a measurement ends.

use std::error::Error;

/// What a measurement gives; it ends at the first thing that goes wrong.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;
