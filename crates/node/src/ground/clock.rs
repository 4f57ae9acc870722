//! A clock that cannot be right.

use drawbridge_mtp::time::Timestamp;

use crate::ambient::Ambient;

/// The code of it, by which a remedy is found.
pub(crate) const CLOCK_BEFORE_BUILD: &str = "clock-before-build";

/// The clock shows a time from before this program was built. Nothing is signed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this computer's clock shows {shown}, and this program was built at {built}, so the clock is wrong; nothing is signed until it \
     is set"
)]
pub(crate) struct BeforeBuild {
    /// What the clock shows.
    pub(crate) shown: Timestamp,
    /// When the program was built.
    pub(crate) built: Timestamp,
}

/// Whether the clock of `ambient` may be right.
pub(crate) fn check_clock(ambient: &dyn Ambient) -> Result<(), BeforeBuild> {
    let (shown, built) = (ambient.now(), ambient.built());
    if shown < built { Err(BeforeBuild { shown, built }) } else { Ok(()) }
}
