//! Whole clients at several providers, over a small delivery service in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test, a panic is the answer")]

mod crash;
mod people;
mod script;
mod world;
