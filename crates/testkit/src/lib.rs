//! For tests only: whole providers on loopback, people in them, a clock that can be turned, and a scripted peer
//! that says whatever a test wants.
//!
//! | file | what it is |
//! | --- | --- |
//! | [`Federation`] | a certificate authority, a clock, a folder: where everything below lives |
//! | [`TestNode`] | one provider: its configuration, and its node while that runs |
//! | [`Daemon`] | `drawbridged` as a process of its own, to be killed |
//! | [`FaultyNetwork`] | a network that breaks |
//! | [`Proxy`] | a proxy before a node that takes no large requests, or changes their paths |
//! | [`AcmeServer`] | a directory that certificates are got from: the real `pebble` |
//! | [`WebServer`] | a server that is no provider, with a good certificate or a bad one |
//! | [`RawServer`] | a server that keeps to no protocol: it is silent or stops where it is told to |
//! | [`DroppingHost`] | a host behind a firewall that drops what comes |
//! | [`TestUser`] | a user, who asks and ends |
//! | [`ApiClient`] | a client of a user, which speaks the client API |
//! | [`KeyPackageDraft`] | a KeyPackage, well- or ill-formed |
//! | [`MutualPeers`] | providers that have let each other in, and how their people come into a group |
//! | [`MlsClient`] | a client of a user, which does each step of MLS and of the client API when it is told to |
//! | [`CommitPlan`] | what a commit of a client is to bring about |
//! | [`restore_store`] | a provider whose store is set back to an older copy, and what is waited for then |
//! | [`DesktopApp`] | a provider and the built-in clients of its people, as one program that can be lost at any instant |
//! | [`MembershipHistory`] | who was in a group and when, as its log tells one who follows MLS alone |
//! | [`ScriptedPeer`] | a provider without a node: a server and a client that a test writes the lines for |
//! | [`ScriptedGroup`] | a group that a scripted provider owns |
//! | [`RequestDraft`] | a request of a scripted peer, well- or ill-formed |
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "for tests only")]

mod acme_server;
mod api_client;
mod clock;
mod daemon;
mod desktop_app;
mod dropping_host;
mod federation;
mod key_package;
mod membership_history;
mod mls_client;
mod mutual_peers;
mod proxy;
mod raw_server;
mod request_draft;
mod responder;
mod restore;
mod scripted_group;
mod scripted_participant;
mod scripted_peer;
mod stalled;
mod test_node;
mod test_user;
mod web_server;

pub use acme_server::{AcmeServer, write_program};
pub use api_client::ApiClient;
pub use clock::Clock;
pub use daemon::Daemon;
pub use desktop_app::{BuiltIn, DesktopApp};
pub use drawbridge_faulty_network::FaultyNetwork;
pub use dropping_host::DroppingHost;
pub use federation::Federation;
pub use key_package::KeyPackageDraft;
pub use membership_history::{MembershipHistory, Stay};
pub use mls_client::{Answer, CommitPlan, MlsClient, ReceivedMessage, policy, reference};
pub use mutual_peers::MutualPeers;
pub use proxy::Proxy;
pub use raw_server::{RawConduct, RawServer};
pub use request_draft::{RawResponse, RequestDraft};
pub use responder::Responder;
pub use restore::{
    accepted, copy_store, feed_generation, pause_pulls, restore_store, says, wait_for_checkpoint,
    wait_for_event, wait_until_unreachable,
};
pub use scripted_group::{ScriptedGroup, claims_from_scripted_peer, connected_to_scripted_peer, references};
pub use scripted_peer::ScriptedPeer;
pub use test_node::{TestNode, WAIT_LIMIT};
pub use test_user::TestUser;
pub use web_server::{ServerTls, WebServer};

/// `N` providers that run and have not met.
pub async fn federation<const N: usize>() -> (Federation, [TestNode; N]) {
    let federation = Federation::new();
    let mut nodes = Vec::new();
    for _ in 0..N {
        nodes.push(federation.node(|_| {}).await);
    }
    let nodes = nodes.try_into().unwrap_or_else(|_| unreachable!("there are N"));
    (federation, nodes)
}
