//! The built-in client at somebody else's provider: its home is the client API over HTTP (`docs/client-api.md`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use drawbridge_client::{Client, Delivery, Format, LineKind, MessageView, Settings, StorageKey};
use drawbridge_client_api::ambient::Ambient;
use drawbridge_client_api::http::{HttpApi, HttpHome};
use drawbridge_client_api::{Answer, Home, HomeFault};
use drawbridge_mtp::id::{ClientUri, GroupUri};
use drawbridge_mtp::message::FeedQuery;
use drawbridge_mtp::policy::Who;
use drawbridge_mtp::problem::Code;
use drawbridge_node::Decision;
use drawbridge_testkit::{Federation, ServerTls, TestNode, WAIT_LIMIT};
use http::header::{CONTENT_TYPE, LOCATION};
use http::{Request, StatusCode};
use tokio::task::JoinHandle;

/// A provider whose clients may be anywhere: it speaks TLS with them.
async fn provider(federation: &Federation) -> TestNode {
    let test_node = federation.node(|config| {
        let of_mtp = (config.mtp.tls_cert.clone(), config.mtp.tls_key.clone());
        let client = config.client.as_mut().unwrap();
        (client.tls_cert, client.tls_key) = of_mtp;
    });
    test_node.await
}

/// The origin of what a provider shows its clients.
fn origin(test_node: &TestNode) -> String {
    format!("https://{}", test_node.node().listening().client.unwrap())
}

/// The client API at an origin, for somebody who trusts the federation's authority.
fn api(federation: &Federation, origin: &str, token: &str) -> HttpApi {
    let roots = std::fs::read(federation.root()).unwrap();
    HttpApi::new(format!("{origin}/client/v1").parse().unwrap(), token.parse().unwrap(), &roots).unwrap()
}

/// A new user with a client, and its token.
async fn account(test_node: &TestNode, user: &str) -> (ClientUri, String) {
    let user = test_node.user(user).await.uri().name().clone();
    test_node.node().operator().create_client(user, "desk".parse().unwrap()).await.unwrap()
}

/// Somebody with a built-in client whose provider is elsewhere.
struct Guest {
    client: Client<HttpHome>,
    running: JoinHandle<()>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Guest {
    /// A new user of `test_node`, whose client reaches it at `origin` and has KeyPackages there.
    async fn of(federation: &Federation, test_node: &TestNode, origin: &str, name: &str) -> Self {
        let (client, token) = account(test_node, name).await;
        let api = api(federation, origin, &token);
        let me = api.me().await.unwrap();
        assert_eq!((&me.client, &me.provider), (&client, test_node.provider()));
        let settings = Settings {
            stagger: Duration::from_millis(60),
            renew: Duration::from_millis(300),
            pause: Duration::from_millis(20),
            stock_low: 4,
            stock_full: 8,
            ..Settings::default()
        };
        let file = federation.dir().join(format!("{name}.sqlite"));
        let key = StorageKey::random(&**federation.clock());
        let home = HttpHome::new(api, me.client);
        let client = Client::open_in(home, &file, key, settings, federation.clock().clone()).await.unwrap();
        let running = tokio::spawn({
            let client = client.clone();
            async move { client.run().await }
        });
        let (of, now) = (client.uri().clone(), federation.clock().now());
        let stocked = move |view: &drawbridge_node::store::View<'_>| {
            let kept = view.key_packages_kept(of.user().name(), of.name(), now)?;
            Ok(kept.stock.last_resort.then_some(()))
        };
        test_node.until("its KeyPackages are published", stocked).await;
        Self { client, running }
    }

    /// Looks whenever something has changed, until there is what is looked for.
    async fn until<T>(&self, what: &str, look: impl AsyncFn(&Client<HttpHome>) -> Option<T>) -> T {
        let mut changes = self.client.changes();
        let found = tokio::time::timeout(WAIT_LIMIT, async {
            loop {
                if let Some(found) = look(&self.client).await {
                    return found;
                }
                let _ = changes.recv().await;
            }
        });
        found.await.unwrap_or_else(|_| panic!("{} never saw that {what}", self.client.uri()))
    }

    async fn says(&self, group: &GroupUri, text: &str) {
        self.client.send(group, text, Format::Plain, None).await.unwrap();
    }

    /// Returns when a text is shown and how far it has come is `state`.
    async fn sees(&self, group: &GroupUri, text: &str, state: Delivery) -> MessageView {
        let look = async |client: &Client<HttpHome>| {
            let lines = client.conversation(group, None, 100).await.ok()?;
            lines.into_iter().find_map(|line| match line.what {
                LineKind::Message(message) if message.text == text && message.state == state => {
                    Some(*message)
                }
                _ => None,
            })
        };
        self.until(&format!("{text:.40?} is {state:?}"), look).await
    }
}

/// A group that the first has created, and the second has agreed to be added to.
async fn together(test_node: &TestNode, ann: &Guest, bob: &Guest) -> GroupUri {
    let whom = bob.client.uri().user().clone();
    let asked = ann.client.ask_to_connect(&whom).await.unwrap().id;
    test_node.decides(asked, Decision::Approve).await;
    let group = ann.client.create_group("Tea", Who::Members, Who::Members, None).await.unwrap();
    let asked = ann.client.ask_to_add(&group, &whom).await.unwrap().id;
    test_node.decides_addition(asked, Decision::Approve).await;
    for guest in [ann, bob] {
        let are_two = async |client: &Client<HttpHome>| {
            client.about(&group).await.ok().filter(|about| about.can_send && about.members.len() == 2)
        };
        guest.until("both are in it", are_two).await;
    }
    group
}

fn is_away<T: std::fmt::Debug>(answer: Answer<T>) -> String {
    match answer {
        Err(HomeFault::Away(why)) => why,
        other => panic!("it is not away but {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_built_in_client_talks_by_way_of_a_provider_that_is_elsewhere() {
    let federation = Federation::new();
    let alpha = provider(&federation).await;
    let (ann, bob) = (
        Guest::of(&federation, &alpha, &origin(&alpha), "ann").await,
        Guest::of(&federation, &alpha, &origin(&alpha), "bob").await,
    );
    let group = together(&alpha, &ann, &bob).await;
    ann.says(&group, "Is it as good as being at home?").await;
    bob.sees(&group, "Is it as good as being at home?", Delivery::Accepted).await;
    bob.says(&group, "It is.").await;
    assert_eq!(ann.sees(&group, "It is.", Delivery::Accepted).await.client, *bob.client.uri());
    // Larger than what a feed carries, so it comes as an object.
    let long = "long ".repeat(13_000);
    ann.says(&group, &long).await;
    bob.sees(&group, &long, Delivery::Accepted).await;
}

#[tokio::test]
async fn a_token_that_the_provider_does_not_know_is_refused_by_name() {
    let federation = Federation::new();
    let alpha = provider(&federation).await;
    let (client, old) = account(&alpha, "ann").await;
    let (_, token) =
        alpha.node().operator().new_token(client.user().name().clone(), client.name().clone()).await.unwrap();
    let refused = |fault: HomeFault| match fault {
        HomeFault::Refused(problem) => problem.known(),
        fault => panic!("it is not refused: {fault}"),
    };
    for token in [old.as_str(), "f3xGmzuyDBiBAXKvqUdpoFyl9cI3ZQAjbQYxi1RtR9w"] {
        let api = api(&federation, &origin(&alpha), token);
        assert_eq!(refused(api.me().await.unwrap_err()), Some(Code::TokenUnknown));
        let home = HttpHome::new(api, client.clone());
        assert_eq!(refused(home.stock().await.unwrap_err()), Some(Code::TokenUnknown));
        let pulled = home.feed(FeedQuery { wait: 30, ..FeedQuery::default() }).await;
        assert_eq!(refused(pulled.unwrap_err()), Some(Code::TokenUnknown));
    }
    assert_eq!(api(&federation, &origin(&alpha), &token).me().await.unwrap().client, client);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_goes_on_when_its_provider_is_back() {
    let federation = Federation::new();
    let alpha = provider(&federation).await;
    let origin = origin(&alpha);
    let (ann, bob) = (
        Guest::of(&federation, &alpha, &origin, "ann").await,
        Guest::of(&federation, &alpha, &origin, "bob").await,
    );
    let group = together(&alpha, &ann, &bob).await;
    alpha.stop().await;
    let nobody = api(&federation, &origin, "f3xGmzuyDBiBAXKvqUdpoFyl9cI3ZQAjbQYxi1RtR9w");
    assert!(is_away(nobody.me().await).starts_with(&format!("no connection to {origin}/client/v1: ")));
    ann.says(&group, "Nobody hears this yet.").await;
    ann.sees(&group, "Nobody hears this yet.", Delivery::Sending).await;
    alpha.start().await;
    ann.sees(&group, "Nobody hears this yet.", Delivery::Accepted).await;
    bob.sees(&group, "Nobody hears this yet.", Delivery::Accepted).await;
}

/// Section 5: whoever is told that a request is too large halves what it puts into one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_proxy_finds_too_large_is_halved_until_a_single_message_is_refused() {
    let federation = Federation::new();
    let alpha = provider(&federation).await;
    let proxy = federation.proxy_to(&origin(&alpha));
    let by_proxy = format!("https://{}", proxy.address());
    let ann = Guest::of(&federation, &alpha, &by_proxy, "ann").await;
    let bob = Guest::of(&federation, &alpha, &origin(&alpha), "bob").await;
    let group = together(&alpha, &ann, &bob).await;

    // While the provider is away, texts gather: all are given to it in one request.
    alpha.stop().await;
    proxy.takes_at_most(45_000);
    let texts: Vec<String> = (0..5).map(|number| format!("{number} ").repeat(10_000)).collect();
    let too_long = "too long ".repeat(6_000);
    for text in [&texts[..2], std::slice::from_ref(&too_long), &texts[2..]].concat() {
        ann.says(&group, &text).await;
    }
    alpha.start().await;
    for text in &texts {
        ann.sees(&group, text, Delivery::Accepted).await;
        bob.sees(&group, text, Delivery::Accepted).await;
    }
    let failed = ann.sees(&group, &too_long, Delivery::Failed).await;
    assert!(failed.error.as_ref().unwrap().contains("no request of this size"), "{:?}", failed.error);
    assert!(proxy.refused().iter().any(|size| *size > 2 * 45_000), "{:?}", proxy.refused());
}

/// A refusal ends what it is about, such as a group that is not found; so only the provider's own counts.
#[tokio::test]
async fn what_is_not_the_client_api_refuses_nothing() {
    let federation = Federation::new();
    let elsewhere = Arc::new(AtomicUsize::new(0));
    let counted = elsewhere.clone();
    let other = federation.web_server(ServerTls::Good, move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        StatusCode::NO_CONTENT.into_response()
    });
    let to = format!("https://{}/client/v1/groups", other.provider());
    let said = |status, content_type: &'static str, content: &'static str| {
        (status, [(CONTENT_TYPE, content_type)], content).into_response()
    };
    let html = "<h1>There is nothing here</h1>";
    let front = federation.web_server(ServerTls::Good, move |request: &Request<Body>| -> Response {
        match request.uri().path() {
            "/client/v1/key-packages" => said(StatusCode::NOT_FOUND, "text/html", html),
            // Another API's, whose codes mean something else.
            "/client/v1/connections" => {
                said(StatusCode::NOT_FOUND, "application/json", r#"{"code":"not-found"}"#)
            }
            "/client/v1/authorizations" => said(StatusCode::OK, "text/html", html),
            "/client/v1/groups" => (StatusCode::FOUND, [(LOCATION, to.clone())]).into_response(),
            _ => said(StatusCode::BAD_GATEWAY, "text/html", html),
        }
    });
    let client: ClientUri = "mimi://home.example/u/ann/d/desk".parse().unwrap();
    let token = "f3xGmzuyDBiBAXKvqUdpoFyl9cI3ZQAjbQYxi1RtR9w";
    let home = HttpHome::new(api(&federation, &format!("https://{}", front.provider()), token), client);
    assert!(is_away(home.stock().await).contains("404"));
    assert!(is_away(home.connections().await).contains("404"));
    assert!(is_away(home.authorizations().await).contains("is not of the client API"));
    assert!(is_away(home.groups().await).contains("302"));
    assert!(is_away(home.feed(FeedQuery::default()).await).contains("502"));
    assert_eq!(elsewhere.load(Ordering::Relaxed), 0, "the token is not shown where a redirect leads to");
}

#[tokio::test]
async fn a_token_is_shown_to_nobody_whose_certificate_does_not_hold() {
    let federation = Federation::new();
    let shown = Arc::new(AtomicUsize::new(0));
    for shows in [
        ServerTls::Expired,
        ServerTls::NotYetValid,
        ServerTls::OtherName,
        ServerTls::UnknownIssuer,
        ServerTls::SelfSigned,
        ServerTls::OldTls,
    ] {
        let counted = shown.clone();
        let front = federation.web_server(shows, move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            StatusCode::NO_CONTENT.into_response()
        });
        let origin = format!("https://{}", front.provider());
        let asked = api(&federation, &origin, "f3xGmzuyDBiBAXKvqUdpoFyl9cI3ZQAjbQYxi1RtR9w").me().await;
        let why = is_away(asked);
        assert!(why.starts_with("no connection to "), "{shows:?}: {why}");
    }
    assert_eq!(shown.load(Ordering::Relaxed), 0);
}
