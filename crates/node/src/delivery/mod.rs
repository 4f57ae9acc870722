//! Groups: those that we own, which we number and check (`owner`), those of others, which we follow (`follower`), their
//! public MLS states (`mls`), and the feeds in which their events are told (`feeds`; sections 10 to 12).

mod answers;
mod epoch;
mod feeds;
mod follower;
mod groups;
mod let_go;
mod mls;
mod other_log;
mod owner;
mod refusals;
mod signed;
mod unproved;

pub(crate) use answers::*;
pub(crate) use feeds::feed::FeedRefusal;
pub(crate) use feeds::waits::{WaitKind, Waits};
pub(crate) use follower::signed_checkpoint::SignedCheckpoint;
pub(crate) use follower::two_stories::{MOST_EVENTS, OtherStory};
#[cfg(feature = "foreign")]
pub(crate) use mls::framing::FOREIGN;
pub(crate) use mls::framing::{Conventions, MTP};
pub(crate) use other_log::{Astray, OtherLog, malformed, name_at};
pub(crate) use owner::recover::still_recovering;
pub(crate) use refusals::Refused;
pub(crate) use signed::signed_of_ours;
pub(crate) use unproved::{shown_feed, shown_log};

use std::sync::Arc;

use drawbridge_mtp::id::{ClientUri, GroupUri};
use tokio::sync::Notify;

use self::follower::known_forks::Forks;
use self::groups::Groups;
use self::owner::recovery::Recovery;
use self::refusals::Refusals;
use crate::ground::Ground;
use crate::peers::Peers;
use crate::store::Store;

/// The groups, ours and those that we follow, and the feeds in which their events are told.
pub(crate) struct Delivery {
    /// Our name and key, our clock, and whether the node stops.
    ground: Arc<Ground>,
    /// Where logs, rosters, states and feeds are kept.
    store: Store,
    /// Asked for logs, objects and checkpoints.
    peers: Arc<Peers>,
    /// The public states that are in memory.
    groups: Groups,
    /// Pulls that wait for something to be told.
    waits: Arc<Waits>,
    /// Which of our groups may lack what was accepted before the store was lost or restored (section 12).
    recovery: Recovery,
    /// What is known of groups whose logs differ (section 12).
    forks: Forks,
    /// Why the latest submissions were refused, here or by other owners.
    pub(crate) refusals: Refusals,
    /// Rung where somebody was added to a group of another owner, whose grant has to be checked.
    added: Notify,
}

impl Delivery {
    pub(crate) fn new(
        ground: Arc<Ground>,
        store: Store,
        peers: Arc<Peers>,
        waits: Arc<Waits>,
        conventions: &'static Conventions,
    ) -> Self {
        Self {
            groups: Groups::new(store.clone(), conventions),
            recovery: Recovery::new(&*ground.ambient),
            forks: Forks::default(),
            refusals: Refusals::default(),
            added: Notify::new(),
            ground,
            store,
            peers,
            waits,
        }
    }

    /// Whether `client` is known to be in `group` without asking the store; `false` says nothing.
    pub(crate) fn is_known_in(&self, group: &GroupUri, client: &ClientUri) -> bool {
        self.groups.is_known_in(group, client)
    }

    /// Whether we own a group.
    pub(crate) fn owns(&self, group: &GroupUri) -> bool {
        *group.provider() == self.ground.ours
    }

    /// Another process may have served what is not in our store: all groups are doubted, as where a life begins.
    pub(crate) fn doubt_all(&self) {
        self.recovery.begin_anew();
    }

    /// Somebody was added to a group of another owner: the grants for that are checked.
    pub(crate) fn check_added(&self) {
        self.added.notify_one();
    }
}
