//! A group that a scripted provider owns: its log and feed are whatever a test writes.

use std::sync::Arc;

use drawbridge_mtp::id::{ClientUri, GroupUri};
use drawbridge_mtp::message::{
    Body, ClaimReply, ClaimRequest, Event, EventKind, GroupInfoReply, Item, ItemBody, LogPage, LogQuery,
    Roster, RosterMember, Welcome,
};
use drawbridge_mtp::octets::{Hash32, Octets};
use drawbridge_mtp::wire::{self, Encoding};
use drawbridge_node::Decision;
use drawbridge_node::ambient::Ambient;
use http::{Method, StatusCode};
use parking_lot::Mutex;

use crate::{CommitPlan, MlsClient, MutualPeers, ScriptedPeer, TestNode, policy, reference};

fn json<T: serde::Serialize>(message: &T) -> Vec<u8> {
    wire::encode(Encoding::Json, message)
}

/// A group owned by a scripted provider, which writes whatever it likes into its log and feed.
pub struct ScriptedGroup {
    /// The group.
    pub group: GroupUri,
    /// The log as it answers for it.
    pub log: Arc<Mutex<Vec<Event>>>,
}

impl ScriptedGroup {
    /// Eve makes a group and adds Ben of beta, who has agreed.
    pub async fn new(
        name: &str,
        peers: &MutualPeers,
        eve: &ScriptedPeer,
        client: &MlsClient,
        ben: &MlsClient,
    ) -> Self {
        let group = GroupUri::new(eve.provider(), &name.parse().unwrap());
        let made = client.drafts(&group, &policy(&[client.user()]));
        let owned = Self { group, log: Arc::default() };
        owned.writes(eve, EventKind::Created, 0, client.uri(), made.group_info.as_slice());
        owned.adds(peers, eve, client, ben).await;
        owned
    }

    /// Adds Ben, who has agreed, in the place of the leaf that he has.
    pub async fn adds(&self, peers: &MutualPeers, eve: &ScriptedPeer, client: &MlsClient, ben: &MlsClient) {
        self.adds_from(peers, eve, client, ben, None).await;
    }

    /// Adds Ben with a Welcome that names this event, where one is given, as the first that he is told of.
    pub async fn adds_from(
        &self,
        peers: &MutualPeers,
        eve: &ScriptedPeer,
        client: &MlsClient,
        ben: &MlsClient,
        from: Option<u64>,
    ) {
        let (beta, group) = (peers.home(ben.user()), self.group.clone());
        let (name, ended) = (group.name().clone(), client.epoch(&group));
        let claimed = claims_from_scripted_peer(beta, eve, client, ben, &group).await;
        let mut change = CommitPlan::adding(&claimed);
        if client.members(&group).contains(ben.uri()) {
            change = change.and_removing(ben.uri());
        }
        let commit = client.commit(&group, change);
        let grants = claimed.users.iter().filter_map(|user| user.grant.clone()).collect();
        let content = commit.mls.as_slice();
        let event = self.writes_by(eve, EventKind::Commit, ended, client.uri(), content, grants);
        let heard = client.events(&group).last().map_or(1, |last| last.seq);
        let log = self.log.lock().clone();
        for mut event in log.into_iter().filter(|event| event.seq > heard) {
            if event.body_hash == Hash32::of(commit.mls.as_slice()) {
                // She has nobody to ask for it by its name.
                event.body = Some(Body::Here(commit.mls.clone()));
            }
            client.takes(item(eve, ItemBody::Event(event))).await;
        }

        let tree = client.ratchet_tree(&group);
        let welcome = Welcome {
            group: group.clone(),
            welcome: body(eve, commit.welcome.unwrap().as_slice()),
            key_package_refs: references(&claimed),
            ratchet_tree: body(eve, tree.as_slice()),
            from_seq: from.unwrap_or(event.seq),
        };
        let info =
            GroupInfoReply { epoch: ended + 1, group_info: commit.group_info.unwrap(), ratchet_tree: tree };
        let member = |whose: &ClientUri, leaf| RosterMember {
            client: whose.clone(),
            user: whose.user().clone(),
            leaf,
            since_epoch: if leaf == 0 { 0 } else { ended + 1 },
            added_by: client.user().clone(),
            grant: None,
        };
        let roster =
            Roster { epoch: ended + 1, members: vec![member(client.uri(), 0), member(ben.uri(), 1)] };
        let at = |what: &str| format!("/groups/{name}{what}");
        eve.responder().shows(&at("/info"), move |_| json(&info));
        eve.responder().shows(&at("/roster"), move |_| json(&roster));
        let log = self.log.clone();
        eve.responder().shows(&at("/log"), move |query| {
            let (log, after) = (log.lock(), LogQuery::parse(query).unwrap().after);
            let events = log.iter().filter(|event| event.seq > after.max(1)).cloned().collect();
            json(&LogPage { events, first: 2, head: log.len() as u64, more: false, checkpoint: None })
        });
        self.tells(eve, ItemBody::Welcome(welcome));
        self.tells(eve, ItemBody::Event(event));
        ben.comes_into(&group).await;
        beta.follows(&group, ended + 1).await;
    }

    /// Puts an event at the end of the log, not of the feed.
    pub fn writes(
        &self,
        eve: &ScriptedPeer,
        kind: EventKind,
        epoch: u64,
        sender: &ClientUri,
        content: &[u8],
    ) -> Event {
        self.writes_by(eve, kind, epoch, sender, content, Vec::new())
    }

    /// Puts a commit, and the grants by which it is said to be accepted, at the end of the log.
    pub fn writes_by(
        &self,
        eve: &ScriptedPeer,
        kind: EventKind,
        epoch: u64,
        sender: &ClientUri,
        content: &[u8],
        grants: Vec<String>,
    ) -> Event {
        let mut log = self.log.lock();
        let mut event = Event {
            group: self.group.clone(),
            seq: log.len() as u64 + 1,
            kind,
            epoch,
            sender: sender.clone(),
            time: eve.clock().now(),
            grants,
            body: Some(body(eve, content)),
            body_hash: Hash32::of(content),
            prev: log.last().map_or_else(Hash32::default, |last| last.hash),
            hash: Hash32::default(),
        };
        event.hash = event.computed_hash();
        log.push(event.clone());
        event
    }

    /// An application message at the end of the log.
    pub fn says(&self, eve: &ScriptedPeer, client: &MlsClient, text: &str) -> Event {
        let said = client.says(&self.group, text);
        self.writes(eve, EventKind::Application, client.epoch(&self.group), client.uri(), said.mls.as_slice())
    }

    /// Puts an item at the end of the feed.
    pub fn tells(&self, eve: &ScriptedPeer, body: ItemBody) {
        eve.responder().puts(eve.clock().id(), body);
    }

    /// Puts an event at the end of the feed.
    pub fn tells_event(&self, eve: &ScriptedPeer, event: Event) {
        self.tells(eve, ItemBody::Event(event));
    }
}

/// Some bytes as they stand in a feed; where that is by their name, they are to be had as an object.
fn body(eve: &ScriptedPeer, bytes: &[u8]) -> Body {
    let body = Body::of(bytes.to_vec());
    if let Body::Object(object) = &body {
        let bytes = bytes.to_vec();
        eve.responder().shows(&format!("/objects/{}", object.sha256), move |_| bytes.clone());
    }
    body
}

fn item(eve: &ScriptedPeer, body: ItemBody) -> Item {
    Item { seq: 0, id: eve.clock().id(), body }
}

/// The references of all KeyPackages that were claimed.
pub fn references(claimed: &ClaimReply) -> Vec<Octets> {
    let clients = claimed.users.iter().flat_map(|user| &user.clients);
    clients.filter_map(|client| client.key_package.as_ref()).map(reference).collect()
}

/// Ben agrees to be added by Eve, whose provider is scripted, and gives a KeyPackage.
pub async fn claims_from_scripted_peer(
    beta: &TestNode,
    eve: &ScriptedPeer,
    client: &MlsClient,
    ben: &MlsClient,
    group: &GroupUri,
) -> ClaimReply {
    let now = eve.clock().now();
    let request = serde_json::json!({
        "id": eve.clock().id(),
        "group": group,
        "adder": client.user(),
        "user": ben.user(),
        "expires": now.plus(std::time::Duration::from_secs(3600)),
    });
    let asked = eve.posts(beta.provider(), "/authorizations", &request).send().await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{:?}", String::from_utf8_lossy(&asked.body));
    let id = request["id"].as_str().unwrap().parse().unwrap();
    beta.node().operator().decide_authorization(id, None, Decision::Approve).await.unwrap();
    let answer = eve.posts(beta.provider(), "/authorizations", &request).send().await.json();
    let grant = answer["grant"].as_str().unwrap().to_owned();
    let claim = ClaimRequest {
        group: group.clone(),
        adder: client.user().clone(),
        users: vec![ben.user().clone()],
        grants: vec![grant],
        cipher_suites: vec![1],
        required_capabilities: None,
    };
    let ask = eve.draft(beta.provider(), Method::POST, "/keypackages/claim");
    let heard = ask.content("application/json", json(&claim)).send().await;
    let mut reply: ClaimReply = wire::decode(Encoding::Json, &heard.body).unwrap();
    // As a provider tells its own clients.
    reply.users[0].grant = Some(claim.grants[0].clone());
    reply
}

/// Beta with Ben, and Eve's provider, which is scripted, whom he knows.
pub async fn connected_to_scripted_peer() -> (MutualPeers, ScriptedPeer, MlsClient, MlsClient) {
    let peers = MutualPeers::of(1).await;
    let (beta, eve) = (&peers.nodes[0], peers.federation.scripted_peer());
    let (ben, client) = (peers.client(0, "ben").await, eve.client("eve"));
    beta.allows(eve.provider()).await;
    let request = eve.request(client.user(), ben.user());
    eve.posts(beta.provider(), "/connections", &request).send().await;
    beta.decides(request["id"].as_str().unwrap().parse().unwrap(), Decision::Approve).await;
    (peers, eve, client, ben)
}
