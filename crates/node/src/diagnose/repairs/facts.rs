//! What the judgement hangs on.

use std::time::Duration;

use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::time::Timestamp;

use crate::diagnose::Ourselves;
use crate::notify::FailingTarget;
use crate::operator::{Peer, ShortClient};
use crate::peers::Unread;

/// How long tries have to have failed, and what else passes by itself within a minute or two: a restart, a network that comes up.
pub(super) const RESTART: Duration = Duration::from_secs(120);
/// How long a peer may stay away: who closes a laptop and opens it elsewhere takes less.
pub(super) const AWAY: Duration = Duration::from_secs(600);

/// What the judgement hangs on, all of one moment.
pub(crate) struct Facts<'a> {
    /// The node's time.
    pub(crate) now: Timestamp,
    /// When the node was started: what was so before is not known to be so still.
    pub(crate) started: Timestamp,
    /// The node itself.
    pub(crate) own: &'a Ourselves,
    /// All peers, with what hangs on those that are not well.
    pub(crate) peers: &'a [Peer],
    /// Those of whom nobody has decided, who come here and are refused for their certificates: those who have come for longest.
    pub(crate) refused: &'a [Unread],
    /// Groups whose log cannot be believed.
    pub(crate) broken: &'a [GroupUri],
    /// Clients that have few KeyPackages left.
    pub(crate) short: &'a [ShortClient],
    /// Where the operator is to be told and cannot be.
    pub(crate) untold: &'a [FailingTarget],
}
