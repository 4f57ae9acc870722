//! Whom we let in, and who lets us in (section 6).

mod standing;
mod theirs;

pub(crate) use standing::{allow, allow_asked, introduce, judge, not_asked, sweep};
