//! Whom we let in, and who lets us in (section 6).

mod standing;
mod theirs;

pub(crate) use standing::{allow, asks, introduce, judge, sweep};
pub(crate) use theirs::ask_again;
