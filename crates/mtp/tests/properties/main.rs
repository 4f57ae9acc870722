//! What holds for every input: what is written reads back, and nothing that is read panics.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the answer")]

mod arbitrary;
mod hostile;
mod round_trips;
mod signed;
