//! Whole clients at several providers, over a small delivery service in memory.

mod crash;
mod people;
mod script;
mod world;
