//! Who looks, and what there is to be looked at.

use std::any::Any;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::{ConnectionState, PeerState};
use drawbridge_node::config::Config;
use drawbridge_node::store::UserRule;
use drawbridge_node::{Decision, Node, PullingStatus};
use drawbridge_testkit::{
    Clock, FaultyNetwork, Federation, Proxy, RawConduct, RawServer, ScriptedPeer, ServerTls, TestNode,
};

/// A host whose addresses are those that a test gives it.
pub(super) const HOST: &str = "peer.example";
pub(super) const TEN_MINUTES: Duration = Duration::from_secs(600);

/// Who looks, and what is there to be looked at until the test ends.
pub(super) struct Scene {
    pub(super) federation: Federation,
    /// Who looks.
    pub(super) alpha: TestNode,
    kept: Vec<Box<dyn Any>>,
    /// The address that the doctor has to blame, where it has one to blame.
    pub(super) blamed: Option<String>,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let federation = Federation::new();
        let alpha = federation.node(allows_networks_of_tests).await;
        Self { federation, alpha, kept: Vec::new(), blamed: None }
    }

    pub(super) fn keeps(&mut self, what: impl Any) {
        self.kept.push(Box::new(what));
    }

    /// Turns the clock of all, once our pull at `peer` has been answered or waits there: an answer that is on its way meanwhile
    /// would have been signed too long ago.
    pub(super) async fn turns_clock(&self, peer: &ScriptedPeer, by: Duration) {
        let is_through = |node: &Node| {
            let pulling = node.operator().pulling(peer.provider());
            peer.responder().is_pulled() || pulling.is_some_and(|it| it.status == PullingStatus::Idle)
        };
        self.alpha.until_node("its pull is answered or waits", is_through).await;
        self.federation.clock().turn(by);
    }

    /// The doctor has to blame `address`, at the port of the provider `name`.
    pub(super) fn blames(&mut self, address: IpAddr, name: &str) {
        let port = name.parse::<Provider>().unwrap().port();
        self.blamed = Some(SocketAddr::new(address, port).to_string());
    }

    /// The name of what is looked at, which stays until the test ends.
    pub(super) fn looks_at<T: Any>(&mut self, what: T, name: impl FnOnce(&T) -> &Provider) -> String {
        let name = name(&what).to_string();
        self.keeps(what);
        name
    }

    /// A server with a good certificate that answers so.
    pub(super) fn server(
        &mut self,
        answer: impl Fn(&http::Request<Body>) -> Response + Clone + Send + Sync + 'static,
    ) -> String {
        self.server_that_shows(ServerTls::Good, answer)
    }

    pub(super) fn server_that_shows(
        &mut self,
        shows: ServerTls,
        answer: impl Fn(&http::Request<Body>) -> Response + Clone + Send + Sync + 'static,
    ) -> String {
        let server = self.federation.web_server(shows, answer);
        self.looks_at(server, |server| server.provider())
    }

    /// We trust, by its fingerprint, the certificate that the provider `name` shows.
    pub(super) async fn trusts_what_is_shown_by(&self, name: &str) {
        let (node, provider) = (self.alpha.node(), name.parse::<Provider>().unwrap());
        let met = node.operator().met_certificate(&provider).await.unwrap();
        node.operator().trust_certificate(provider, Some(met.fingerprint)).await.unwrap();
    }

    /// A scripted peer that lets us in, as we let it in. It listens at `address`; its host [`HOST`] leads to `addresses`.
    pub(super) async fn peer_at(&mut self, address: IpAddr, addresses: &[IpAddr]) -> String {
        let peer = self.federation.scripted_peer_called(HOST, address);
        self.leads_to(peer, addresses).await
    }

    /// The host [`HOST`] leads to `addresses`, and `peer` there lets us in, as we let it in.
    pub(super) async fn leads_to(&mut self, peer: ScriptedPeer, addresses: &[IpAddr]) -> String {
        let addresses: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
        self.federation.clock().names(HOST, &addresses.iter().map(String::as_str).collect::<Vec<_>>());
        peer.answers_pings(PeerState::Allowed);
        self.alpha.allows(peer.provider()).await;
        self.looks_at(peer, ScriptedPeer::provider)
    }

    /// A scripted peer that lets us in, as we let it in, on the host [`HOST`], which shows that to whoever connects.
    pub(super) async fn peer_that_shows(&mut self, shows: ServerTls) -> String {
        self.federation.clock().names(HOST, &[&self.federation.address().to_string()]);
        let peer = self.federation.scripted_peer_that_shows(shows, HOST);
        peer.answers_pings(PeerState::Allowed);
        self.alpha.allows(peer.provider()).await;
        self.looks_at(peer, ScriptedPeer::provider)
    }

    /// A provider whose endpoint is elsewhere, at that host and port; its document is in order.
    pub(super) async fn endpoint_at(&mut self, elsewhere: impl std::fmt::Display) -> String {
        let beta = self
            .federation
            .node(|config| {
                config.mtp.endpoint = Some(format!("https://{elsewhere}/mtp/v1").parse().unwrap());
            })
            .await;
        self.looks_at(beta, TestNode::provider)
    }

    /// A provider before whose endpoint a proxy changes each path so.
    pub(super) async fn behind_proxy_that(&mut self, rewrite: fn(&str) -> String) -> String {
        self.behind_proxy(|proxy| proxy.rewrites(rewrite)).await
    }

    /// A provider before whose endpoint there is a proxy, which `alter` makes as it is.
    pub(super) async fn behind_proxy(&mut self, alter: impl FnOnce(&Proxy)) -> String {
        let mut before = None;
        let federation = &self.federation;
        let beta = federation.node(|config| before = Some(federation.proxy_in_front_of(config))).await;
        let proxy = before.unwrap();
        alter(&proxy);
        self.keeps(proxy);
        self.looks_at(beta, TestNode::provider)
    }

    /// A provider that lets us in, as we let it in, behind a network that `breaks` has broken.
    pub(super) async fn behind_network(&mut self, breaks: impl FnOnce(&FaultyNetwork)) -> String {
        let mut config = self.federation.config(|_| {});
        let network = self.federation.faulty_network_before(&mut config).await;
        config.provider = network.address().to_string().parse().unwrap();
        let beta = self.federation.node(|own| *own = config).await;
        beta.allows(self.alpha.provider()).await;
        self.alpha.allows(beta.provider()).await;
        breaks(&network);
        self.keeps(network);
        self.looks_at(beta, TestNode::provider)
    }

    /// A server that does so with whoever connects.
    pub(super) async fn raw(&mut self, conduct: impl FnOnce(&Provider) -> RawConduct) -> String {
        let server = self.federation.raw_server().await;
        server.conducts(conduct(server.provider()));
        self.looks_at(server, RawServer::provider)
    }

    /// Another provider, of which we are in `theirs` and which is in `ours` here.
    pub(super) async fn node_that_is(
        &mut self,
        ours: Option<PeerState>,
        theirs: Option<PeerState>,
    ) -> String {
        let beta = self.federation.node(|_| {}).await;
        if let Some(state) = theirs {
            beta.sets_peer(self.alpha.provider(), state).await;
        }
        if let Some(state) = ours {
            self.alpha.sets_peer(beta.provider(), state).await;
        }
        self.looks_at(beta, TestNode::provider)
    }

    /// A provider whose clock is turned by that, and the clocks of so many others that were looked at before it.
    pub(super) async fn with_clocks(&mut self, turn: impl FnOnce(&Clock), others: usize) -> String {
        for _ in 0..others {
            let other = self.federation.node(|_| {}).await;
            self.alpha.checks(other.provider()).await;
            self.keeps(other);
        }
        let clock = Arc::new(Clock::default());
        turn(&clock);
        let beta = self.federation.node_with_clock(clock, |_| {}).await;
        self.looks_at(beta, TestNode::provider)
    }

    /// We go by a clock of our own, turned by that.
    pub(super) async fn turns_our_clock(&mut self, turn: impl FnOnce(&Clock)) {
        let clock = Arc::new(Clock::default());
        turn(&clock);
        self.alpha = self.federation.node_with_clock(clock, allows_networks_of_tests).await;
    }
}

fn allows_networks_of_tests(config: &mut Config) {
    let networks = ["127.0.0.0/8", "::1/128", "ff02::/16"];
    config.peers.allow_networks = networks.map(|network| network.parse().unwrap()).into();
}

/// Two that let each other in, and people of the two who are connected; a pull of the second waits at the first.
pub(super) async fn connected(federation: &Federation) -> (TestNode, TestNode) {
    let (alpha, beta) = (federation.node(|_| {}).await, federation.node(|_| {}).await);
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, ConnectionState::Approved).await;
    alpha.waits_for_pull_by(beta.provider()).await;
    (alpha, beta)
}

/// Somebody of `peer` asks for a user of `alpha`, who agrees, so that there is something for the peer to fetch.
pub(super) async fn connects(alpha: &TestNode, peer: &ScriptedPeer) {
    let alice = alpha.node().operator().create_user("alice".parse().unwrap(), UserRule::Ask).await.unwrap();
    let request = peer.request(&peer.address("bob"), &alice);
    peer.posts(alpha.provider(), "/connections", &request).send().await;
    let id = serde_json::from_value(request["id"].clone()).unwrap();
    alpha.hears_of(id).await;
    alpha.decides(id, Decision::Approve).await;
}
