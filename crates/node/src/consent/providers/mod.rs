//! Whom we let in, and who lets us in (section 6).

mod access;
mod standing;
mod theirs;

pub(crate) use access::{access_refused, is_ping};
pub(crate) use standing::{allow, allow_asked, introduce, judge, not_asked, sweep};
