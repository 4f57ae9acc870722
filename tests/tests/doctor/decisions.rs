//! What each side has decided on the other.

use drawbridge_mtp::message::PeerState;
use drawbridge_node::Side::{Ours, Theirs};
use drawbridge_node::config::Strangers;
use drawbridge_node::diagnose::StepName::Peering;
use drawbridge_node::{Node, PullingStatus};
use drawbridge_testkit::{ScriptedPeer, TestNode};

use super::faults::{IS_WELL, fails, faults, lasts, waits};

faults! {
    all_is_well: "no fault: both let the other in",
        IS_WELL,
        async |scene| Some(scene.node_that_is(Some(PeerState::Allowed), Some(PeerState::Allowed)).await);
    strangers: "no fault: neither has met the other",
        IS_WELL,
        async |scene| Some(scene.node_that_is(None, None).await);
    pending_there: "we wait there to be let in",
        waits(Peering, "peer-pending", Theirs, "waits for its operator's decision on us"),
        async |scene| Some(scene.node_that_is(Some(PeerState::Allowed), Some(PeerState::Pending)).await);
    listed_there: "we have introduced ourselves where only those are let in that its operator has added",
        waits(Peering, "peer-pending", Theirs, ""),
        async |scene| {
            let beta = scene.federation.node(|config| config.peers.strangers = Strangers::Listed).await;
            scene.alpha.allows(beta.provider()).await;
            let introduces = |node: &Node| {
                let pulling = node.operator().pulling(beta.provider());
                pulling.is_some_and(|it| it.status == PullingStatus::Introducing)
            };
            scene.alpha.until_node("we wait there to be let in", introduces).await;
            Some(scene.looks_at(beta, TestNode::provider))
        };
    blocked_there: "we are blocked there",
        lasts(fails(Peering, "peer-blocked", Theirs, "blocked us")),
        async |scene| Some(scene.node_that_is(Some(PeerState::Allowed), Some(PeerState::Blocked)).await);
    pending_here: "it waits here to be let in",
        waits(Peering, "waits-here", Ours, "waits for your decision on it"),
        async |scene| Some(scene.node_that_is(Some(PeerState::Pending), Some(PeerState::Allowed)).await);
    blocked_here: "it is blocked here",
        fails(Peering, "not-asked", Ours, "blocked here"),
        async |scene| Some(scene.node_that_is(Some(PeerState::Blocked), Some(PeerState::Allowed)).await);
    our_key_changed: "our key has changed, and it has not accepted the new one",
        fails(Peering, "peer-key-changed", Theirs, "another key of ours"),
        async |scene| {
            let peer = scene.federation.scripted_peer();
            peer.answers_pings(PeerState::KeyChanged);
            scene.alpha.allows(peer.provider()).await;
            Some(scene.looks_at(peer, ScriptedPeer::provider))
        };
}
