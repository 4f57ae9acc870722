//! Every refusal of sections 4 and 5 of `docs/mtp.md`, and the order of the checks, asked for by a scripted peer. Each
//! answer is also proved to be signed for its very request.

use std::time::Duration;

use drawbridge_mtp::id::{Id, Provider};
use drawbridge_mtp::keys::SecretKey;
use drawbridge_mtp::message::{ConnectionState as State, FeedPage, ItemBody, PeerState};
use drawbridge_mtp::problem::Code;
use drawbridge_mtp::signature::Signer;
use drawbridge_node::ambient::Ambient;
use drawbridge_node::store::{Connection, Reader};
use drawbridge_node::{Decision, Node};
use drawbridge_testkit::{Federation, RequestDraft, ScriptedPeer, TestNode, federation};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::{Method, StatusCode};
use serde_json::json;

const A_SIGNATURE: &str =
    "mtp=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==:";

struct Scene {
    federation: Federation,
    alpha: TestNode,
    peer: ScriptedPeer,
}

impl Scene {
    async fn new() -> Self {
        let federation = Federation::new();
        let alpha = federation.node(|_| {}).await;
        alpha.user("alice").await;
        let peer = federation.scripted_peer();
        Self { alpha, peer, federation }
    }

    async fn with_allowed_peer() -> Self {
        let scene = Self::new().await;
        scene.alpha.allows(scene.peer.provider()).await;
        scene
    }

    fn gets(&self, resource: &str) -> RequestDraft<'_> {
        self.peer.gets(self.alpha.provider(), resource)
    }

    fn posts(&self, resource: &str, json: &serde_json::Value) -> RequestDraft<'_> {
        self.peer.posts(self.alpha.provider(), resource, json)
    }

    fn introduces_itself(&self) -> RequestDraft<'_> {
        self.posts("/peering", &json!({}))
    }

    /// A request of one of its users to Alice.
    fn request_from(&self, from: &str) -> serde_json::Value {
        self.peer.request(&self.peer.address(from), &self.alpha.address("alice"))
    }

    fn of_size(&self, bytes: usize) -> RequestDraft<'_> {
        self.peer
            .draft(self.alpha.provider(), Method::POST, "/peering")
            .content("application/json", vec![b' '; bytes])
    }
}

#[tokio::test]
async fn what_is_not_signed_in_the_form_is_missing_its_signature() {
    let scene = Scene::new().await;
    let ping = || scene.gets("/ping");
    ping().without("signature").expect_refusal(Code::SignatureMissing).await;
    ping().without("signature-input").expect_refusal(Code::SignatureMissing).await;
    ping().without("mtp-to").expect_refusal(Code::SignatureMissing).await;
    ping().with("signature", "other=:AAAA:").expect_refusal(Code::SignatureMissing).await;
    ping().with("signature", "not a dictionary").expect_refusal(Code::SignatureMissing).await;
    ping().with("signature-input", "mtp=(\"@method\")").expect_refusal(Code::SignatureMissing).await;
    scene.introduces_itself().without("content-digest").expect_refusal(Code::SignatureMissing).await;
    // Content that came along without being covered.
    ping().sending(b"{}").expect_refusal(Code::SignatureMissing).await;
}

#[tokio::test]
async fn a_signature_out_of_its_time_is_told_the_time() {
    let scene = Scene::new().await;
    let now = scene.federation.clock().now();
    let late = scene.gets("/ping").stamped(|stamp| stamp.created -= 200);
    let told = late.expect_refusal(Code::SignatureExpired).await.members.now.unwrap();
    assert!(told.since(now).as_secs() < 60 && told >= now);

    let early = scene.gets("/ping").stamped(|stamp| stamp.created += 400);
    let told = early.expect_refusal(Code::ClockSkew).await.members.now.unwrap();
    assert!(told.since(now).as_secs() < 60 && told >= now);

    // Clocks that differ by less are taken.
    for by in [-140, 280] {
        let near = scene.gets("/ping").stamped(|stamp| {
            stamp.created = stamp.created.checked_add_signed(by).unwrap();
        });
        assert_eq!(near.send().await.status, StatusCode::OK, "{by} s");
    }
}

#[tokio::test]
async fn a_key_that_its_document_does_not_have_is_unknown_for_now() {
    let scene = Scene::new().await;
    let other_key = || SecretKey::from_seed(scene.federation.clock().random());
    let impostor = Signer::new(scene.peer.provider().clone(), other_key());
    let heard = scene.gets("/ping").signed_by(impostor).send().await;
    assert_eq!((heard.status, heard.problem().known()), (StatusCode::UNAUTHORIZED, Some(Code::KeyUnknown)));
    let retry: u64 = heard.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&retry), "{retry} s");

    let nobody: Provider = "127.0.0.1:9".parse().unwrap();
    let heard = scene.gets("/ping").signed_by(Signer::new(nobody, other_key())).send().await;
    assert_eq!(heard.problem().known(), Some(Code::KeyUnknown));
    assert!(heard.header("retry-after").is_some());

    // The real one is known all the same.
    assert_eq!(scene.gets("/ping").send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_was_changed_on_its_way_does_not_verify() {
    let scene = Scene::new().await;
    scene.gets("/ping").with("signature", A_SIGNATURE).expect_refusal(Code::SignatureInvalid).await;
    scene
        .introduces_itself()
        .with("content-type", "application/cbor")
        .expect_refusal(Code::SignatureInvalid)
        .await;
    scene.introduces_itself().sending(b"{ }").expect_refusal(Code::DigestMismatch).await;
}

#[tokio::test]
async fn a_nonce_is_used_up_by_the_first_request_that_passes() {
    let scene = Scene::new().await;
    let introduction = scene.introduces_itself();
    // What does not pass does not use it up.
    introduction.clone().sending(b"{ }").expect_refusal(Code::DigestMismatch).await;
    assert_eq!(introduction.clone().send().await.status, StatusCode::ACCEPTED);
    introduction.clone().expect_refusal(Code::Replayed).await;

    // It is remembered over a restart.
    scene.alpha.stop().await;
    scene.alpha.start().await;
    introduction.clone().expect_refusal(Code::Replayed).await;

    // And for as long as its signature could be taken: 30 s beyond the 120 s that it says.
    scene.federation.clock().turn(Duration::from_secs(140));
    introduction.expect_refusal(Code::Replayed).await;

    // What changes nothing may be repeated.
    let ping = scene.gets("/ping");
    for _ in 0..2 {
        assert_eq!(ping.clone().send().await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_request_for_another_is_not_here() {
    let scene = Scene::new().await;
    let other: Provider = "other.example".parse().unwrap();
    scene.gets("/ping").meant_for(&other).expect_refusal(Code::NotHere).await;

    let elsewhere = "mimi://other.example/u/alice".parse().unwrap();
    let ask = scene.peer.request(&scene.peer.address("bob"), &elsewhere);
    scene.posts("/connections", &ask).expect_refusal(Code::NotHere).await;
}

#[tokio::test]
async fn a_stranger_may_send_less_than_a_peer() {
    let scene = Scene::new().await;
    let limit = scene.of_size(16 * 1024 + 1).expect_refusal(Code::TooLarge).await.members.limit;
    assert_eq!(limit, Some(16 * 1024));
    scene.of_size(16 * 1024).expect_refusal(Code::Malformed).await;

    scene.alpha.allows(scene.peer.provider()).await;
    scene.of_size(16 * 1024 + 1).expect_refusal(Code::Malformed).await;
    let limit = scene.of_size(8 * 1024 * 1024 + 1).expect_refusal(Code::TooLarge).await.members.limit;
    assert_eq!(limit, Some(8 * 1024 * 1024));
}

#[tokio::test]
async fn content_has_to_be_of_a_type_that_is_understood() {
    let scene = Scene::new().await;
    let to = scene.alpha.provider();
    let introduction = || scene.peer.draft(to, Method::POST, "/peering");
    introduction().content("text/plain", b"{}".to_vec()).expect_refusal(Code::UnsupportedMediaType).await;
    introduction().expect_refusal(Code::UnsupportedMediaType).await;
    scene
        .introduces_itself()
        .with("content-encoding", "gzip")
        .expect_refusal(Code::UnsupportedMediaType)
        .await;
    // An empty map in CBOR.
    let heard = introduction().content("application/cbor", vec![0xa0]).with("accept", "application/cbor");
    let heard = heard.send().await;
    assert_eq!(
        (heard.status, heard.header("content-type")),
        (StatusCode::ACCEPTED, Some("application/cbor"))
    );
    // Problems are never CBOR.
    let heard = introduction().content("application/cbor", vec![0xff]).with("accept", "application/cbor");
    let heard = heard.send().await;
    assert_eq!(heard.header("content-type"), Some("application/problem+json"));
    assert_eq!(heard.problem().known(), Some(Code::Malformed));
}

#[tokio::test]
async fn content_where_none_belongs_is_ignored_once_its_digest_is_checked() {
    let scene = Scene::with_allowed_peer().await;
    for resource in ["/ping", "/peering", "/feed?after=0"] {
        let with_content = || scene.gets(resource).content("text/plain", b"nobody reads this".to_vec());
        assert_eq!(with_content().send().await.status, StatusCode::OK, "{resource}");
        with_content().sending(b"nor this").expect_refusal(Code::DigestMismatch).await;
    }
}

#[tokio::test]
async fn what_is_not_in_its_form_is_malformed() {
    let scene = Scene::with_allowed_peer().await;
    scene.posts("/peering", &json!([])).expect_refusal(Code::Malformed).await;
    scene.posts("/connections", &json!({"id": 1})).expect_refusal(Code::Malformed).await;
    let resources = [
        "/feed",
        "/feed?after=",
        "/feed?after=01",
        "/feed?after=-1",
        "/feed?after=0&after=0",
        "/feed?after=%30",
        "/feed?after=0&max_events=0",
        "/feed?after=1",
        "/peering?wait=x",
    ];
    for resource in resources {
        scene.gets(resource).expect_refusal(Code::Malformed).await;
    }
    let now = scene.federation.clock().now();
    let mut ask = scene.request_from("bob");
    ask["expires"] = json!(now.plus(std::time::Duration::from_secs(31 * 86_400)));
    scene.posts("/connections", &ask).expect_refusal(Code::Malformed).await;
    ask["expires"] = json!("2020-01-01T00:00:00Z");
    scene.posts("/connections", &ask).expect_refusal(Code::Malformed).await;
    let delete = scene.peer.draft(scene.alpha.provider(), Method::DELETE, "/connections/nonsense");
    delete.expect_refusal(Code::Malformed).await;
}

#[tokio::test]
async fn an_answer_to_head_has_no_content_and_is_signed_without_it() {
    let scene = Scene::with_allowed_peer().await;
    for resource in ["/ping", "/feed", "/nothing"] {
        let heard = scene.peer.draft(scene.alpha.provider(), Method::HEAD, resource).send().await;
        assert!(heard.status.is_client_error() && heard.body.is_empty(), "{resource}: {heard:?}");
    }
}

#[tokio::test]
async fn a_stranger_learns_nothing_of_what_there_is() {
    let scene = Scene::new().await;
    for resource in ["/feed?after=0", "/groups/none", "/nonsense"] {
        scene.gets(resource).expect_refusal(Code::PeerPending).await;
    }
    assert_eq!(scene.gets("/ping").send().await.json()["state"], "unknown");
    assert_eq!(scene.introduces_itself().send().await.json(), json!({"state": "pending"}));
    scene.gets("/feed?after=0").expect_refusal(Code::PeerPending).await;
    assert_eq!(scene.gets("/ping").send().await.json()["state"], "pending");

    scene.alpha.allows(scene.peer.provider()).await;
    scene.gets("/nonsense").expect_refusal(Code::NotFound).await;
    scene.peer.draft(scene.alpha.provider(), Method::PUT, "/ping").expect_refusal(Code::NotFound).await;
    let page = scene.gets("/feed?after=0").send().await.json();
    assert_eq!((&page["head"], &page["items"][0]["peer"]["state"]), (&json!(1), &json!("allowed")));
}

#[tokio::test]
async fn a_blocked_peer_and_one_with_another_key_may_only_ping() {
    let scene = Scene::new().await;
    scene.introduces_itself().send().await;
    for (state, code) in
        [(PeerState::Blocked, Code::PeerBlocked), (PeerState::KeyChanged, Code::PeerKeyChanged)]
    {
        scene.alpha.sets_peer(scene.peer.provider(), state).await;
        scene.introduces_itself().expect_refusal(code).await;
        scene.gets("/peering").expect_refusal(code).await;
        scene.gets("/feed?after=0").expect_refusal(code).await;
        let refusal = scene.posts("/connections", &scene.request_from("bob")).expect_refusal(code).await;
        let accepted = *scene.peer.signer().key().public().thumbprint();
        assert_eq!(refusal.members.fingerprint, (code == Code::PeerKeyChanged).then_some(accepted));
        assert_eq!(scene.gets("/ping").send().await.json()["state"], json!(state));
    }
}

#[tokio::test]
async fn a_request_is_answered_as_its_sender_may_know_it() {
    let scene = Scene::with_allowed_peer().await;
    let ask = scene.request_from("bob");
    let id = ask["id"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let heard = scene.posts("/connections", &ask).send().await;
        assert_eq!(
            (heard.status, heard.json()),
            (StatusCode::ACCEPTED, json!({"id": id, "state": "pending"}))
        );
    }
    let mut other = ask.clone();
    other["from"] = json!(scene.peer.address("berta"));
    scene.posts("/connections", &other).expect_refusal(Code::Conflict).await;

    let mut foreign = scene.request_from("bob");
    foreign["from"] = json!("mimi://other.example/u/bob");
    scene.posts("/connections", &foreign).expect_refusal(Code::NotAuthorized).await;

    let mut late = scene.request_from("bob");
    late["created"] = json!("2020-01-01T00:00:00.000Z");
    late["expires"] = json!("2020-01-02T00:00:00.000Z");
    let heard = scene.posts("/connections", &late).send().await;
    assert_eq!((heard.status, &heard.json()["state"]), (StatusCode::OK, &json!("expired")));

    let delete =
        |id: &str| scene.peer.draft(scene.alpha.provider(), Method::DELETE, &format!("/connections/{id}"));
    let overtaken = scene.request_from("berta");
    for id in [id.as_str(), overtaken["id"].as_str().unwrap()] {
        let heard = delete(id).send().await;
        assert_eq!((heard.status, heard.body.len()), (StatusCode::NO_CONTENT, 0));
    }
    for ask in [ask, overtaken] {
        let heard = scene.posts("/connections", &ask).send().await;
        assert_eq!((heard.status, &heard.json()["state"]), (StatusCode::OK, &json!("ended")));
    }
}

#[tokio::test]
async fn five_requests_of_a_stranger_are_held() {
    let scene = Scene::new().await;
    let asks: Vec<_> = (0..5).map(|n| scene.request_from(&format!("bob{n}"))).collect();
    for ask in &asks {
        assert_eq!(scene.posts("/connections", ask).send().await.status, StatusCode::ACCEPTED);
    }
    let heard = scene.posts("/connections", &scene.request_from("berta")).send().await;
    assert_eq!(heard.problem().known(), Some(Code::RateLimited));
    assert!(heard.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
    // A repeat is none more.
    assert_eq!(scene.posts("/connections", &asks[0]).send().await.status, StatusCode::ACCEPTED);
    // Who is let in has no such bound.
    scene.alpha.allows(scene.peer.provider()).await;
    assert_eq!(
        scene.posts("/connections", &scene.request_from("berta")).send().await.status,
        StatusCode::ACCEPTED
    );
}

#[tokio::test]
async fn who_is_let_in_late_hears_of_the_latest_five_requests_that_have_lapsed() {
    let scene = Scene::new().await;
    let an_hour = Duration::from_secs(3600);
    let lapses = async |names: std::ops::Range<u8>| {
        let asks: Vec<_> = names.map(|n| scene.request_from(&format!("bob{n}"))).collect();
        for ask in &asks {
            assert_eq!(scene.posts("/connections", ask).send().await.status, StatusCode::ACCEPTED);
        }
        scene.federation.clock().turn(an_hour);
        let ids: Vec<Id> = asks.iter().map(|ask| ask["id"].as_str().unwrap().parse().unwrap()).collect();
        for id in &ids {
            scene.alpha.sees(*id, State::Expired).await;
        }
        ids
    };
    let first = lapses(0..2).await;
    let mut latest = lapses(2..7).await;
    assert!(scene.alpha.reads(move |view| view.requests_by_id::<Connection>(first[0])).await.is_empty());

    scene.alpha.allows(scene.peer.provider()).await;
    let page: FeedPage = serde_json::from_slice(&scene.gets("/feed?after=0").send().await.body).unwrap();
    let mut told: Vec<Id> = page
        .items
        .iter()
        .filter_map(|item| match &item.body {
            ItemBody::Connection(told) if told.state == State::Expired => Some(told.id),
            _ => None,
        })
        .collect();
    told.sort_unstable();
    latest.sort_unstable();
    assert_eq!(told, latest);
}

/// How many requests of the peer wait at `/peering`.
fn held(node: &Node) -> usize {
    let records = node.operator().traffic().since(0, 100).0;
    records.iter().filter(|record| record.waiting && record.target.starts_with("/peering?wait")).count()
}

#[tokio::test]
async fn a_provider_may_wait_for_a_decision_more_than_once_and_look_meanwhile() {
    let scene = Scene::new().await;
    scene.introduces_itself().send().await;
    let waits = || scene.gets("/peering?wait=50").send();
    let mut waiting: FuturesUnordered<_> = [waits(), waits()].into_iter().collect();
    tokio::select! {
        heard = waiting.next() => panic!("answered before there is a decision: {heard:?}"),
        () = scene.alpha.until_node("both wait", |node| held(node) == 2) => {}
    }
    tokio::select! {
        heard = waiting.next() => panic!("answered before there is a decision: {heard:?}"),
        heard = scene.gets("/peering").send() => assert_eq!(heard.json()["state"], "pending"),
    }
    scene.alpha.allows(scene.peer.provider()).await;
    while let Some(heard) = waiting.next().await {
        assert_eq!(heard.json()["state"], "allowed");
    }
}

#[tokio::test]
async fn nobody_waits_for_a_decision_any_number_of_times() {
    let scene = Scene::new().await;
    scene.introduces_itself().send().await;
    let mut waiting: FuturesUnordered<_> = (0..5).map(|_| scene.gets("/peering?wait=50").send()).collect();
    let sent_away = waiting.next().await.unwrap();
    assert_eq!((sent_away.status, &sent_away.json()["state"]), (StatusCode::OK, &json!("pending")));
    tokio::select! {
        heard = waiting.next() => panic!("answered before there is a decision: {heard:?}"),
        () = scene.alpha.until_node("the others wait", |node| held(node) == 4) => {}
    }
    scene.alpha.allows(scene.peer.provider()).await;
    while let Some(heard) = waiting.next().await {
        assert_eq!(heard.json()["state"], "allowed");
    }
}

#[tokio::test]
async fn who_starts_anew_need_not_know_what_it_had_last() {
    let scene = Scene::with_allowed_peer().await;
    let page = scene.gets("/feed?after=0&last=zz").send().await;
    assert_eq!((page.status, &page.json()["head"]), (StatusCode::OK, &json!(1)));
}

#[tokio::test]
async fn a_place_in_another_history_is_reset() {
    let scene = Scene::with_allowed_peer().await;
    let generation =
        scene.gets("/feed?after=0").send().await.json()["generation"].as_str().unwrap().to_owned();
    let (other, last) = (scene.federation.clock().id(), scene.federation.clock().id());
    let resets = async |query: String| {
        let told = scene.gets(&format!("/feed?{query}")).expect_refusal(Code::FeedReset).await.members;
        assert_eq!((told.first, told.head), (Some(1), Some(1)), "{query}");
        told.generation.unwrap().to_string()
    };
    assert_eq!(resets(format!("after=0&generation={other}")).await, generation);
    // Who has what was never given shows that the store is an older copy: another history begins.
    let anew = resets(format!("after=1&last={last}&generation={generation}")).await;
    assert_ne!(anew, generation);
    // In that, nobody can have what was not given since, so whoever says so again changes nothing.
    for query in [
        format!("after=1&last={last}&generation={generation}"),
        format!("after=9&last={last}&generation={anew}"),
        format!("after=1&last={last}&generation={anew}"),
    ] {
        assert_eq!(resets(query).await, anew);
    }
}

#[tokio::test]
async fn a_place_before_what_is_still_kept_is_truncated() {
    let scene = Scene::with_allowed_peer().await;
    let page = scene.gets("/feed?after=0").send().await.json();
    let generation = page["generation"].as_str().unwrap().to_owned();
    let last = page["items"][0]["id"].as_str().unwrap().to_owned();
    let ask = scene.request_from("bob");
    scene.posts("/connections", &ask).send().await;
    scene.alpha.decides(ask["id"].as_str().unwrap().parse().unwrap(), Decision::Approve).await;
    let place = |after: u64| format!("/feed?after={after}&last={last}&generation={generation}");
    let page = scene.gets(&place(1)).send().await.json();
    assert_eq!((&page["first"], &page["head"]), (&json!(1), &json!(2)));

    // Whether or not it was acknowledged, nothing is kept for longer than thirty days.
    scene.federation.clock().turn(Duration::from_secs(31 * 86_400));
    let reader = Reader::Peer(scene.peer.provider().clone());
    scene
        .alpha
        .until("nothing is kept any more", move |view| {
            Ok(view.feed(&reader)?.filter(|place| place.first == 3))
        })
        .await;
    let told = scene.gets(&place(1)).expect_refusal(Code::FeedTruncated).await.members;
    assert_eq!(told.generation.map(|told| told.to_string()), Some(generation.clone()));
    assert_eq!((told.first, told.head), (Some(3), Some(2)));

    // Who has all, and who starts anew, is served.
    for resource in [place(2), format!("/feed?after=0&generation={generation}")] {
        let page = scene.gets(&resource).send().await.json();
        assert_eq!(
            (&page["items"], &page["first"], &page["head"]),
            (&json!([]), &json!(3), &json!(2)),
            "{resource}"
        );
    }
}

#[tokio::test]
async fn a_store_that_cannot_is_unavailable_for_now() {
    let scene = Scene::with_allowed_peer().await;
    assert_eq!(scene.gets("/ping").send().await.status, StatusCode::OK);
    scene.alpha.rests_at(scene.peer.provider()).await;
    // As a backup program may: it holds the store for longer than the node has patience.
    let other = rusqlite::Connection::open(scene.alpha.config().data_dir.join("store.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let ask = scene.request_from("bob");
    let request = scene.posts("/connections", &ask);
    let heard = request.clone().send().await;
    assert_eq!(
        (heard.status, heard.problem().known()),
        (StatusCode::SERVICE_UNAVAILABLE, Some(Code::Unavailable))
    );
    assert!(heard.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
    // What only reads goes on.
    assert_eq!(scene.gets("/ping").send().await.status, StatusCode::OK);

    other.execute_batch("ROLLBACK").unwrap();
    // Nothing of it was kept, its nonce neither.
    let heard = request.send().await;
    assert_eq!((heard.status, &heard.json()["state"]), (StatusCode::ACCEPTED, &json!("pending")));
}

#[tokio::test]
async fn a_peer_that_asks_too_much_is_told_to_slow_down() {
    let federation = Federation::new();
    let alpha = federation.node(|config| config.limits.peer_requests = 1).await;
    let (peer, other) = (federation.scripted_peer(), federation.scripted_peer());
    for allowed in [&peer, &other] {
        alpha.allows(allowed.provider()).await;
    }
    let introduction = || peer.posts(alpha.provider(), "/peering", &json!({}));
    let mut refused = None;
    for _ in 0..30 {
        let draft = introduction();
        let heard = draft.clone().send().await;
        if heard.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some((draft, heard));
            break;
        }
        assert_eq!(heard.status, StatusCode::OK);
    }
    let (draft, heard) = refused.expect("thirty in a row are too many where one a second is meant");
    assert_eq!(heard.problem().known(), Some(Code::RateLimited));
    assert!(heard.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
    // It is counted by itself, also where another is at the same address.
    assert_eq!(other.gets(alpha.provider(), "/ping").send().await.status, StatusCode::OK);
    // What is wrong before that is told first, and the nonce is not used up.
    introduction().sending(b"{ }").expect_refusal(Code::DigestMismatch).await;
    loop {
        let heard = draft.clone().send().await;
        if heard.status != StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(heard.status, StatusCode::OK, "{heard:?}");
            break;
        }
    }
    // It loses its request and never its state.
    alpha.sees_peer(peer.provider(), PeerState::Allowed).await;
}

#[tokio::test]
async fn who_asks_too_much_is_told_to_slow_down() {
    let federation = Federation::new();
    let alpha = federation.node(|config| config.limits.stranger_requests = 1).await;
    let peer = federation.scripted_peer();
    let mut refused = None;
    for _ in 0..200 {
        let heard = peer.gets(alpha.provider(), "/ping").send().await;
        if heard.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(heard);
            break;
        }
    }
    let refused = refused.expect("two hundred in a row are too many where one a second is meant");
    assert_eq!(refused.problem().known(), Some(Code::RateLimited));
    assert!(refused.header("retry-after").is_some());
    // Peers are not counted with strangers.
    alpha.allows(peer.provider()).await;
    for _ in 0..20 {
        assert_eq!(peer.gets(alpha.provider(), "/ping").send().await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn the_checks_are_made_in_their_order() {
    let scene = Scene::new().await;
    let other: Provider = "other.example".parse().unwrap();
    let impostor = || {
        Signer::new(scene.peer.provider().clone(), SecretKey::from_seed(scene.federation.clock().random()))
    };
    // 421, then 413, then 401.
    scene.of_size(20_000).meant_for(&other).expect_refusal(Code::NotHere).await;
    scene.of_size(20_000).without("signature").expect_refusal(Code::TooLarge).await;
    // Within 401.
    let late = || scene.introduces_itself().stamped(|stamp| stamp.created -= 500);
    late().without("content-digest").expect_refusal(Code::SignatureMissing).await;
    late().signed_by(impostor()).expect_refusal(Code::SignatureExpired).await;
    scene.introduces_itself().signed_by(impostor()).sending(b"{ }").expect_refusal(Code::KeyUnknown).await;
    let spoiled = scene.introduces_itself().with("signature", A_SIGNATURE).sending(b"{ }");
    spoiled.expect_refusal(Code::SignatureInvalid).await;
    // 401 but `replayed`, then 403, then `replayed`, then 404, 415 and 400.
    let once = scene.introduces_itself();
    once.clone().send().await;
    scene.alpha.sets_peer(scene.peer.provider(), PeerState::Blocked).await;
    once.clone().expect_refusal(Code::PeerBlocked).await;
    scene.introduces_itself().sending(b"{ }").expect_refusal(Code::DigestMismatch).await;
    scene.posts("/nonsense", &json!({})).expect_refusal(Code::PeerBlocked).await;
    scene.alpha.allows(scene.peer.provider()).await;
    once.expect_refusal(Code::Replayed).await;
    for (resource, kind, code) in [
        ("/nonsense", "text/plain", Code::NotFound),
        ("/peering", "text/plain", Code::UnsupportedMediaType),
        ("/peering", "application/json", Code::Malformed),
    ] {
        let draft =
            scene.peer.draft(scene.alpha.provider(), Method::POST, resource).content(kind, b"[".to_vec());
        draft.clone().expect_refusal(code).await;
        draft.expect_refusal(Code::Replayed).await;
    }
}

/// Signed without it, as an HTTP library that drops it in silence would take it.
#[tokio::test]
async fn a_target_with_a_fragment_is_malformed_and_one_in_absolute_form_is_its_path_and_query() {
    let (federation, [alpha]) = federation::<1>().await;
    let eve = federation.scripted_peer();
    let ping = async |target: &str| eve.gets(alpha.provider(), "/ping?x").send_as(target).await;
    let origin = format!("https://{}", alpha.provider());
    // What a target in absolute form says of its host is no more believed than `Host`.
    for fine in ["/mtp/v1/ping?x", &format!("{origin}/mtp/v1/ping?x"), "https://other.example/mtp/v1/ping?x"]
    {
        assert_eq!(ping(fine).await.status, StatusCode::OK, "{fine}");
    }
    for odd in ["/mtp/v1/ping?x#", "/mtp/v1/ping?x#y", &format!("{origin}/mtp/v1/ping?x#y")] {
        assert_eq!(ping(odd).await.problem().known(), Some(Code::Malformed), "{odd}");
    }
}
