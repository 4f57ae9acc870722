//! The first start: what the answers are worth, and the configuration that they make. The pages, `set-up` and the terminal ask here,
//! so all of them take and refuse the same.

mod acme;
mod address;
mod certificate;
mod configuration;
mod look;
mod name;
mod note;
mod place;

pub(crate) use look::look;
pub(crate) use place::Place;
