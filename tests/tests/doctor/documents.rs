//! The provider's document, and the keys in it.

use drawbridge_mtp::keys::SecretKey;
use drawbridge_mtp::message::PeerState;
use drawbridge_node::Side::{Either, Ours, Theirs};
use drawbridge_node::diagnose::StepName::{Document, Keys};
use drawbridge_testkit::{RawConduct, ScriptedPeer};
use http::header::USER_AGENT;

use super::answers::{answer, document_of, half_a_document, page, redirect, the_document};
use super::faults::{fails, faults};

const PATH: &str = "/.well-known/mtp";

faults! {
    silent_after_tls: "the server is silent after the handshake",
        fails(Document, "timeout", Either, "did not answer in time"),
        async |scene| Some(scene.raw(|_| RawConduct::SilentOverTls).await);
    silent_amid_document: "the server is silent amid the document",
        fails(Document, "timeout", Either, "began to answer 200 OK"),
        async |scene| {
            Some(scene.raw(|provider| RawConduct::SendsThenSilent(half_a_document(provider))).await)
        };
    document_cut: "the document is cut, and the connection is closed",
        fails(Document, "connection-lost", Either, "broke off after"),
        async |scene| {
            Some(scene.raw(|provider| RawConduct::SendsThenCloses(half_a_document(provider))).await)
        };
    document_broken_off: "the document is cut, and the connection just ends",
        fails(Document, "connection-lost", Either, "the other side closed it amid the exchange"),
        async |scene| {
            Some(scene.raw(|provider| RawConduct::SendsThenBreaks(half_a_document(provider))).await)
        };
    web_page: "a proxy answers 200 with a web page",
        fails(Document, "document-web-page", Either, "web page"),
        async |scene| Some(scene.server(|_| page(200)));
    document_missing: "there is no document",
        fails(Document, "document-missing", Either, "404"),
        async |scene| Some(scene.server(|_| page(404)));
    document_refused: "everybody is refused with 403",
        fails(Document, "document-refused", Either, "403"),
        async |scene| Some(scene.server(|_| page(403)));
    user_agent_refused: "a proxy refuses unknown programs with 403",
        fails(Document, "user-agent-refused", Theirs, "User-Agent"),
        async |scene| {
            Some(scene.server(|request| match request.headers()[USER_AGENT].to_str() {
                Ok(program) if program.starts_with("Mozilla/") => the_document(request),
                _ => page(403),
            }))
        };
    redirected: "the document is redirected to another host",
        fails(Document, "document-redirected", Either, "https://elsewhere.example/.well-known/mtp"),
        async |scene| Some(scene.server(|_| redirect("https://elsewhere.example/.well-known/mtp")));
    slash_added_by_redirect: "a proxy redirects to the same with a slash at the end",
        fails(Document, "document-behind-slash", Theirs, "adds a slash"),
        async |scene| {
            Some(scene.server(|request| match request.uri().path() {
                PATH => redirect("/.well-known/mtp/"),
                _ => the_document(request),
            }))
        };
    slash_needed: "the document is there only with a slash at the end",
        fails(Document, "document-behind-slash", Theirs, "/.well-known/mtp/"),
        async |scene| {
            Some(scene.server(|request| match request.uri().path() {
                PATH => page(404),
                _ => the_document(request),
            }))
        };
    slash_added_on_the_way: "a proxy adds a slash to the document's path on its way to the provider",
        fails(Document, "path-changed", Theirs, ""),
        async |scene| {
            let beta = scene.federation.node(|_| {}).await;
            let proxy = scene.federation.proxy_to(&format!("https://{}", beta.provider()));
            proxy.rewrites(|target| format!("{}/", target.trim_end_matches('/')));
            scene.keeps(beta);
            Some(scene.looks_at(proxy, |proxy| proxy.address()))
        };
    document_of_another: "the document is another provider's",
        fails(Document, "document-of-another", Either, "other.example"),
        async |scene| {
            let other = document_of(&"other.example".parse().unwrap());
            Some(scene.server(move |_| answer(200, "application/json", other.clone())))
        };
    document_broken: "the document is no JSON",
        fails(Document, "document-invalid", Theirs, ""),
        async |scene| Some(scene.server(|_| answer(200, "application/json", "{\"provider\":")));
    document_502: "the proxy answers 502 for the document",
        fails(Document, "proxy-error", Theirs, "502"),
        async |scene| Some(scene.server(|_| page(502)));
    document_503: "the proxy answers 503 for the document",
        fails(Document, "proxy-error", Theirs, "503"),
        async |scene| Some(scene.server(|_| page(503)));
    document_504: "the proxy answers 504 for the document",
        fails(Document, "proxy-error", Theirs, "504"),
        async |scene| Some(scene.server(|_| page(504)));
    key_changed: "its key has changed",
        fails(Keys, "key-changed", Ours, "its operator has confirmed it to you"),
        async |scene| {
            let peer = scene.federation.scripted_peer();
            peer.answers_pings(PeerState::Allowed);
            scene.alpha.allows(peer.provider()).await;
            scene.alpha.checks(peer.provider()).await;
            peer.shows_keys([SecretKey::from_seed([9; 32]).public()]);
            Some(scene.looks_at(peer, ScriptedPeer::provider))
        };
}
