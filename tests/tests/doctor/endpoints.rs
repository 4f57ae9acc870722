//! The endpoint: a signed request, how much fits into one, and a pull.

use std::sync::Arc;

use drawbridge_mtp::keys::SecretKey;
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_node::Side::{Either, Nobody, Theirs};
use drawbridge_node::diagnose::StepName::{Connect, Limits, Ping, Pull};
use drawbridge_testkit::{Clock, RawConduct, ScriptedPeer, TestNode};

use super::answers::page;
use super::faults::{fails, faults, warns, warns_only};

faults! {
    endpoint_down: "the endpoint is down, and the name is up",
        fails(Connect, "connection-refused", Theirs, "refused"),
        async |scene| {
            let nobody = scene.federation.nobody();
            scene.blamed = Some(nobody.to_string());
            Some(scene.endpoint_at(nobody).await)
        };
    endpoint_silent: "the endpoint is silent when it is asked",
        fails(Ping, "timeout", Theirs, "did not answer in time"),
        async |scene| {
            let server = scene.raw(|_| RawConduct::SilentOverTls).await;
            Some(scene.endpoint_at(server).await)
        };
    answers_by_other_key: "it answers with a key that its document does not have",
        fails(Ping, "answer-key-unknown", Theirs, "not in the responder's document"),
        async |scene| {
            let peer = scene.federation.scripted_peer();
            peer.answers_pings(PeerState::Allowed);
            peer.shows_keys([SecretKey::from_seed([9; 32]).public()]);
            Some(scene.looks_at(peer, ScriptedPeer::provider))
        };
    endpoint_of_another: "the endpoint is another provider's",
        fails(Ping, "other-responder", Theirs, ""),
        async |scene| {
            let (peer, beta) = (scene.federation.scripted_peer(), scene.federation.node(|_| {}).await);
            peer.moves_to(&format!("https://{}/mtp/v1", beta.provider()));
            scene.keeps(beta);
            Some(scene.looks_at(peer, ScriptedPeer::provider))
        };
    endpoint_web_page: "a proxy answers 200 with a web page in the place of the endpoint",
        fails(Ping, "response-unsigned", Theirs, "200 OK (text/html"),
        async |scene| {
            let server = scene.server(|_| page(200));
            Some(scene.endpoint_at(server).await)
        };
    endpoint_502: "the proxy answers 502 in the place of the endpoint",
        fails(Ping, "proxy-error", Theirs, "502"),
        async |scene| {
            let server = scene.server(|_| page(502));
            Some(scene.endpoint_at(server).await)
        };
    endpoint_503: "the proxy answers 503 in the place of the endpoint",
        fails(Ping, "proxy-error", Theirs, "503"),
        async |scene| {
            let server = scene.server(|_| page(503));
            Some(scene.endpoint_at(server).await)
        };
    endpoint_504: "the proxy answers 504 in the place of the endpoint",
        fails(Ping, "proxy-error", Theirs, "504"),
        async |scene| {
            let server = scene.server(|_| page(504));
            Some(scene.endpoint_at(server).await)
        };
    busy: "the provider itself says that it is busy",
        fails(Ping, "unavailable", Nobody, "busy"),
        async |scene| {
            let peer = scene.federation.scripted_peer();
            peer.responder().refuses(|_, path| {
                (path == "/ping").then(|| Problem::new(Code::Unavailable, "I am busy"))
            });
            Some(scene.looks_at(peer, ScriptedPeer::provider))
        };
    slash_dropped: "a proxy drops the slash after the endpoint's path",
        fails(Ping, "path-changed", Theirs, "/mtp/v1ping has reached it"),
        async |scene| Some(scene.behind_proxy_that(|target| target.replace("/mtp/v1/", "/mtp/v1")).await);
    slash_doubled: "a proxy doubles the slash after the endpoint's path",
        fails(Ping, "path-changed", Theirs, "/mtp/v1//ping has reached it"),
        async |scene| Some(scene.behind_proxy_that(|target| target.replace("/mtp/v1/", "/mtp/v1//")).await);
    slash_added: "a proxy adds a slash at the end of each path",
        fails(Ping, "path-changed", Theirs, "/mtp/v1/ping/ has reached it"),
        async |scene| Some(scene.behind_proxy_that(|target| format!("{target}/")).await);
    path_stripped: "a proxy leaves out the endpoint's path",
        fails(Ping, "path-changed", Theirs, "has reached it"),
        async |scene| Some(scene.behind_proxy_that(|target| target.replace("/mtp/v1", "")).await);
    fields_dropped: "a proxy drops the signature of requests",
        fails(Ping, "signature-missing", Theirs, "did not reach it"),
        async |scene| Some(scene.behind_proxy(|proxy| proxy.drops_from_requests("signature")).await);
    recipient_dropped: "a proxy drops the field MTP-To of requests",
        fails(Ping, "signature-missing", Theirs, "there is no MTP-To"),
        async |scene| Some(scene.behind_proxy(|proxy| proxy.drops_from_requests("mtp-to")).await);
    answer_fields_dropped: "a proxy drops the signature of answers",
        fails(Ping, "response-unsigned", Theirs, ""),
        async |scene| Some(scene.behind_proxy(|proxy| proxy.drops_from_answers("signature")).await);
    too_large: "a proxy takes no request over 1 MiB",
        warns_only(Limits, "proxy-too-large", Theirs, "413"),
        async |scene| {
            let mut before = None;
            let federation = &scene.federation;
            let beta = federation.node(|config| before = Some(federation.proxy_in_front_of(config))).await;
            let proxy = before.unwrap();
            proxy.takes_at_most(1 << 20);
            beta.allows(scene.alpha.provider()).await;
            scene.alpha.allows(beta.provider()).await;
            scene.keeps(proxy);
            Some(scene.looks_at(beta, TestNode::provider))
        };
    disk_full: "its disk is full",
        fails(Limits, "store-failing", Theirs, "its disk is full"),
        async |scene| {
            let clock = Arc::new(Clock::default());
            let beta = scene.federation.node_with_clock(clock.clone(), |_| {}).await;
            beta.allows(scene.alpha.provider()).await;
            scene.alpha.allows(beta.provider()).await;
            let us = scene.alpha.provider().clone();
            beta.until("it has kept which keys we have", move |view| {
                Ok((!view.accepted_keys(&us)?.is_empty()).then_some(()))
            })
            .await;
            clock.fills_disk(true);
            Some(scene.looks_at(beta, TestNode::provider))
        };
    disk_full_at_first: "its disk was full before it has kept which keys we have",
        fails(Ping, "store-failing", Theirs, "its disk is full"),
        async |scene| {
            let clock = Arc::new(Clock::default());
            let beta = scene.federation.node_with_clock(clock.clone(), |_| {}).await;
            beta.allows_paused(scene.alpha.provider()).await;
            clock.fills_disk(true);
            Some(scene.looks_at(beta, TestNode::provider))
        };
    requests_silent: "only large requests are silent, and what was found out until then is told in time",
        warns(Limits, "slow", Either, "was not found out in 15 s"),
        async |scene| {
            let peer = scene.federation.scripted_peer();
            peer.answers_pings(PeerState::Allowed);
            peer.responder().ignores("/peering");
            scene.alpha.allows(peer.provider()).await;
            Some(scene.looks_at(peer, ScriptedPeer::provider))
        };
    feed_silent: "only the feed is silent",
        fails(Pull, "timeout", Theirs, "did not answer in time"),
        async |scene| {
            let peer = scene.federation.scripted_peer();
            peer.answers_pings(PeerState::Allowed);
            peer.responder().ignores("/feed");
            scene.alpha.allows(peer.provider()).await;
            Some(scene.looks_at(peer, ScriptedPeer::provider))
        };
}
