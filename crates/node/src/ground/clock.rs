//! A clock that cannot be right.

use std::time::Duration;

use drawbridge_mtp::problem::{Cause, Code, Problem};
use drawbridge_mtp::time::Timestamp;

use crate::ambient::Ambient;
use crate::misuse::Misuse;
use crate::peer_fault::{PeerFault, Stage};
use crate::refusal::Refusal;

/// The code of it, by which a remedy is found.
pub(crate) const CLOCK_BEFORE_BUILD: &str = "clock-before-build";
/// Whether the clock was set is looked at again after this.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(60);

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

impl From<BeforeBuild> for PeerFault {
    fn from(fault: BeforeBuild) -> Self {
        Self::new(Stage::Signature, CLOCK_BEFORE_BUILD, fault.to_string())
    }
}

impl From<BeforeBuild> for Misuse {
    fn from(fault: BeforeBuild) -> Self {
        Self::NotNow(fault.to_string())
    }
}

impl From<BeforeBuild> for Refusal {
    fn from(_: BeforeBuild) -> Self {
        let text = "this provider's clock shows a time from before its program was built; its operator has to set it";
        Self::after(Problem::new(Code::Unavailable, text).with_cause(Cause::Clock), LOOK_AGAIN)
    }
}
