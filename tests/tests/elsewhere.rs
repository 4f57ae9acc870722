//! A provider on another machine, administered from this one: how it is added by a link, followed, lost and found again, and forgotten.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use drawbridge_admin::{Event, KeyPlace};
use drawbridge_node::config::{Config, ListenConfig};
use drawbridge_remote::view::{Keeping, Standing, Step};
use drawbridge_remote::{Following, Machine, Machines, Refusal, Told};
use drawbridge_testkit::{Daemon, Federation, ServerTls, WAIT_LIMIT};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

/// A provider whose pages are served with a certificate that has signed itself.
fn with_pages(federation: &Federation) -> Config {
    let [cert, key] = federation.self_signed();
    let listen = federation.config(|_| {}).mtp.listen.ip().unwrap();
    federation.config(|config| {
        config.admin =
            Some(ListenConfig { tls_cert: Some(cert), tls_key: Some(key), ..ListenConfig::plain(listen) });
    })
}

/// A fresh link of the running provider, and the fingerprint that is said beside it.
fn link(config: &Config) -> (String, String) {
    let said = Daemon::command("link", config).output().unwrap();
    let (link, beside) = (String::from_utf8(said.stdout).unwrap(), String::from_utf8(said.stderr).unwrap());
    let fingerprint = beside.trim().rsplit(' ').next().unwrap_or_default();
    (link.trim().to_owned(), fingerprint.to_owned())
}

fn open(home: &Path) -> Machines {
    Machines::open(home, KeyPlace::File)
}

/// Adds the provider as a person does, who compares the fingerprint.
async fn add(machines: &Machines, config: &Config) -> Machine {
    let (link, said) = link(config);
    let met = machines.look_at(&link).await.unwrap();
    assert_eq!(met.fingerprint.as_deref(), Some(said.as_str()), "what is shown is what is said there");
    let added = machines.add(&link, Some(&said), None).await.unwrap();
    machines.get(&added.id).unwrap()
}

/// What is told next that `look` finds something in.
async fn hear<T>(following: &mut Following, what: &str, look: impl Fn(Told) -> Option<T>) -> T {
    let heard = async {
        loop {
            if let Some(found) = look(following.next().await.unwrap()) {
                return found;
            }
        }
    };
    timeout(WAIT_LIMIT, heard).await.unwrap_or_else(|_| panic!("it was not told: {what}"))
}

async fn hear_opened(following: &mut Following) {
    hear(following, "it is heard", |told| matches!(told, Told::Opened).then_some(())).await;
}

fn standing(machines: &Machines) -> Standing {
    machines.list().machines[0].standing.clone()
}

fn sessions(config: &Config) -> Vec<Value> {
    let answer = Daemon::answer(config, "sessions", &json!({}));
    answer["sessions"].as_array().unwrap().clone()
}

fn code(refusal: &Refusal) -> (Option<Step>, &str) {
    match refusal {
        Refusal::Refused(refused) => (None, &refused.code),
        Refusal::Unusable(fault) => (Some(fault.step), &fault.code),
    }
}

#[tokio::test]
async fn a_machine_is_added_by_its_link_asked_and_followed_and_outlives_both_programs() {
    let federation = Federation::new();
    let config = with_pages(&federation);
    let daemon = Daemon::start(&config).await;
    let home = federation.dir().join("desktop");
    let machines = open(&home);
    let machine = add(&machines, &config).await;
    assert_eq!(machine.name(), config.provider.to_string());

    // It is in the list there, by its name.
    let [session] = &sessions(&config)[..] else { panic!("one session") };
    assert_eq!(session["id"], machine.own_session().await.unwrap());
    assert!(session["browser"].as_str().unwrap().starts_with("Drawbridge/"), "{session}");

    // What happens there is told, and what is asked is done.
    let mut following = machine.follow();
    hear_opened(&mut following).await;
    assert_eq!(standing(&machines), Standing::Live);
    machine.call("create-user", &json!({ "name": "alice" })).await.unwrap();
    let is_accounts = |told| matches!(told, Told::Event(told) if matches!(told.event, Event::Accounts));
    hear(&mut following, "the account", |told| is_accounts(told).then_some(())).await;
    let refused = machine.call("create-user", &json!({ "name": "alice" })).await.unwrap_err();
    assert!(matches!(&refused, Refusal::Refused(_)), "{refused:?}");
    let unknown = machine.call("of-tomorrow", &json!({})).await.unwrap_err();
    assert_eq!(code(&unknown), (None, "unknown-command"));

    // The file with the machines has no secret.
    let kept = std::fs::read_to_string(home.join("machines.json")).unwrap();
    let session = std::fs::read_to_string(home.join(format!("machines/{}.session", machine.id()))).unwrap();
    assert!(!kept.contains(session.split_once('=').unwrap().1), "{kept}");

    // The other machine's program ends and comes again; then this one's.
    daemon.kill();
    let lost = hear(&mut following, "it is lost", |told| match told {
        Told::Lost(fault) => Some(fault),
        _ => None,
    });
    assert!(lost.await.step <= Step::Answer);
    assert!(matches!(standing(&machines), Standing::Failing { .. }));
    let daemon = Daemon::start(&config).await;
    machine.retry();
    hear_opened(&mut following).await;
    hear(&mut following, "all is read anew in another run", |told| {
        matches!(told, Told::Event(told) if matches!(told.event, Event::Reload)).then_some(())
    })
    .await;
    assert_eq!(standing(&machines), Standing::Live);
    drop((machines, following));
    let machines = open(&home);
    let users = machines.get(machine.id()).unwrap().call("users", &json!({})).await.unwrap();
    assert_eq!(users["users"].as_array().unwrap().len(), 1, "{users}");

    // Forgotten, it is in neither place.
    machines.show(Some(machine.id())).unwrap();
    assert!(machines.forget(machine.id()).await.unwrap().ended);
    assert!(sessions(&config).is_empty());
    let list = open(&home).list();
    assert!(list.machines.is_empty() && list.shown.is_none());
    assert!(!home.join(format!("machines/{}.session", machine.id())).exists());
    assert!(daemon.stop().success());
}

#[tokio::test]
async fn a_session_that_was_ended_there_is_had_again_by_a_new_link() {
    let federation = Federation::new();
    let config = with_pages(&federation);
    let _daemon = Daemon::start(&config).await;
    let machines = open(&federation.dir().join("desktop"));
    let machine = add(&machines, &config).await;
    let mut following = machine.follow();
    hear_opened(&mut following).await;

    let id = machine.own_session().await.unwrap();
    Daemon::answer(&config, "end-session", &json!({ "id": id }));
    let fault = hear(&mut following, "the session has ended", |told| match told {
        Told::Lost(fault) if fault.step == Step::Session => Some(fault),
        _ => None,
    });
    assert_eq!(fault.await.code, "session-ended");

    // By a link that was used, nothing comes about, and what is kept stays.
    let (used, fingerprint) = link(&config);
    machines.add(&used, Some(&fingerprint), Some(machine.id())).await.unwrap();
    hear_opened(&mut following).await;
    let refused = machines.add(&used, Some(&fingerprint), Some(machine.id())).await.unwrap_err();
    assert_eq!(code(&refused), (None, "token-used"));
    machine.call("status", &json!({})).await.unwrap();
    assert_eq!((machines.list().machines.len(), sessions(&config).len()), (1, 1));

    // What was confirmed once need not be compared again, and the same machine is not there twice.
    let (again, fingerprint) = link(&config);
    let met = machines.look_at(&again).await.unwrap();
    assert!(met.confirmed, "{met:?}");
    let added = machines.add(&again, Some(&fingerprint), None).await.unwrap();
    assert_eq!(added.id, machine.id());
    assert_eq!(sessions(&config).len(), 1, "the session before was ended");
    machine.call("status", &json!({})).await.unwrap();
}

#[tokio::test]
async fn another_certificate_than_the_one_that_was_confirmed_is_sent_nothing() {
    let federation = Federation::new();
    let mut config = with_pages(&federation);
    let daemon = Daemon::start(&config).await;
    let machines = open(&federation.dir().join("desktop"));

    // A link is not used up where another fingerprint was confirmed.
    let (fresh, fingerprint) = link(&config);
    let other = fingerprint.replace(|digit: char| digit.is_ascii_hexdigit(), "0");
    let refused = machines.add(&fresh, Some(&other), None).await.unwrap_err();
    assert_eq!(code(&refused), (Some(Step::Certificate), "certificate-changed"));
    assert_eq!(code(&machines.add(&fresh, None, None).await.unwrap_err()), (None, "not-confirmed"));
    assert!(machines.list().machines.is_empty());
    let added = machines.add(&fresh, Some(&fingerprint), None).await.unwrap();
    let machine = machines.get(&added.id).unwrap();
    let mut following = machine.follow();
    hear_opened(&mut following).await;

    daemon.kill();
    let [cert, key] = federation.self_signed();
    if let Some(admin) = &mut config.admin {
        (admin.tls_cert, admin.tls_key) = (Some(cert), Some(key));
    }
    let _daemon = Daemon::start(&config).await;
    machine.retry();
    let changed = hear(&mut following, "the certificate is another", |told| match told {
        Told::Lost(fault) => fault.certificate,
        _ => None,
    });
    let changed = changed.await;
    let (_, shown) = link(&config);
    assert_eq!((changed.confirmed.as_str(), changed.shown.as_str()), (fingerprint.as_str(), shown.as_str()));
    assert!(!changed.vouched);
    let refused = machine.call("status", &json!({})).await.unwrap_err();
    assert_eq!(code(&refused), (Some(Step::Certificate), "certificate-changed"));

    // A person has compared the new one.
    machines.trust(machine.id(), &shown).unwrap();
    hear_opened(&mut following).await;
    machine.call("status", &json!({})).await.unwrap();
}

#[tokio::test]
async fn where_it_cannot_be_reached_the_step_is_told() {
    let federation = Federation::new();
    let machines = open(&federation.dir().join("desktop"));
    let looks = async |origin: &str| {
        let refused = machines.look_at(&format!("{origin}/#token=ab")).await.unwrap_err();
        let (step, code) = code(&refused);
        (step, code.to_owned())
    };
    let nobody = federation.nobody();
    assert_eq!(looks("https://no.such.machine.invalid").await, (Some(Step::Name), "no-address".into()));
    assert_eq!(looks(&format!("https://{nobody}")).await, (Some(Step::Connect), "connection-refused".into()));
    let plain = federation.web_server(ServerTls::PlainHttp, |_| StatusCode::NOT_FOUND.into_response());
    let plain = plain.provider().to_string();
    let (step, _) = looks(&format!("https://{plain}")).await;
    assert_eq!(step, Some(Step::Certificate));
    assert_eq!(looks("http://home.example:9103").await, (None, "link-misspelled".into()));
    assert!(machines.list().machines.is_empty());
}

/// What another program than Drawbridge answers: a session, and to everything else `otherwise`.
fn lets_in(request: &Request<Body>, otherwise: impl IntoResponse) -> Response {
    match request.uri().path() {
        "/admin/v1/session" => {
            (StatusCode::NO_CONTENT, [("set-cookie", "drawbridge-1=2; Path=/")]).into_response()
        }
        _ => otherwise.into_response(),
    }
}

/// Whatever answers with the certificate that was confirmed: it may be another program, or it may lie.
#[tokio::test]
async fn what_is_no_drawbridge_is_kept_out() {
    let federation = Federation::new();
    let machines = open(&federation.dir().join("desktop"));
    let answers: [fn(&Request<Body>) -> Response; 4] = [
        |_| StatusCode::NOT_FOUND.into_response(),
        |_| StatusCode::NO_CONTENT.into_response(),
        |request| lets_in(request, Json(json!({ "version": 7 }))),
        |request| lets_in(request, StatusCode::BAD_GATEWAY),
    ];
    for (index, answer) in answers.into_iter().enumerate() {
        let server = federation.web_server(ServerTls::SelfSigned, answer);
        let link = format!("https://{}/#token=ab", server.provider());
        let met = machines.look_at(&link).await.unwrap();
        let refused = machines.add(&link, met.fingerprint.as_deref(), None).await.unwrap_err();
        assert_eq!(code(&refused), (Some(Step::Answer), "no-answer"), "{index}");
    }
    assert!(machines.list().machines.is_empty());
}

/// A program of another version may say what this one does not know, and it is said that the two may not understand each other.
#[tokio::test]
async fn a_program_of_another_version_is_told_as_that() {
    let federation = Federation::new();
    let server = federation.web_server(ServerTls::SelfSigned, |request| {
        if request.uri().path() == "/admin/v1/events" {
            let told = json!({ "incarnation": "a", "cursor": 1, "event": { "type": "of-tomorrow" } });
            let stream = format!("event: beat\ndata: here\n\ndata: {told}\n\n");
            return ([("content-type", "text/event-stream")], stream).into_response();
        }
        let node = json!({ "provider": "home.example" });
        lets_in(request, Json(json!({ "version": "9.0.0", "mode": "of-tomorrow", "node": node })))
    });
    let machines = open(&federation.dir().join("desktop"));
    let link = format!("https://{}/#token=ab", server.provider());
    let met = machines.look_at(&link).await.unwrap();
    let added = machines.add(&link, met.fingerprint.as_deref(), None).await.unwrap();
    let [listed] = &machines.list().machines[..] else { panic!("one machine") };
    assert_eq!((listed.version.as_deref(), listed.understood), (Some("9.0.0"), false));
    assert_eq!((listed.provider.as_deref(), listed.kept), (Some("home.example"), Keeping::File));
    let mut following = machines.get(&added.id).unwrap().follow();
    hear(&mut following, "all is read anew", |told| {
        matches!(told, Told::Event(told) if matches!(told.event, Event::Reload)).then_some(())
    })
    .await;
    hear(&mut following, "it has ended", |told| matches!(told, Told::Lost(_)).then_some(())).await;
}

#[tokio::test]
async fn a_machine_that_is_forgotten_is_followed_no_more_also_where_it_is_silent() {
    let federation = Federation::new();
    let config = with_pages(&federation);
    let daemon = Daemon::start(&config).await;
    let machines = open(&federation.dir().join("desktop"));
    let machine = add(&machines, &config).await;
    let mut following = machine.follow();
    hear_opened(&mut following).await;
    daemon.signal("STOP");
    assert!(!machines.forget(machine.id()).await.unwrap().ended, "it could not be asked");
    let ended = async { while following.next().await.is_some() {} };
    timeout(WAIT_LIMIT, ended).await.unwrap();
    assert!(machines.list().machines.is_empty());
    assert_eq!(machines.get(machine.id()).err().unwrap().code, "no-such-machine");
    daemon.signal("CONT");
    assert_eq!(sessions(&config).len(), 1, "where it is ended by hand");
}
