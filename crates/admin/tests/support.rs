//! The support bundle: it tells what is wrong, and names nobody.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::time::Duration;

use drawbridge_admin::commands::call;
use drawbridge_admin::{Host, KeyPlace};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(110);

/// Every text in `value`, and the names within addresses of the form `mimi://…/u/name`.
fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            found.extend(text.rsplit(['/', ':']).next().map(str::to_owned));
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|member| texts(member, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_tells_what_is_wrong_and_names_nobody() {
    let home = tempfile::tempdir().unwrap();
    let host = Host::open(home.path(), KeyPlace::File).await.unwrap();
    call(&host, "start-demo", json!({})).await.unwrap();
    let ask = async |command: &str, request: Value| call(&host, command, request).await.unwrap();
    let mut events = host.subscribe(None);
    // Its people connect by themselves, and would not once it is stopped.
    let connected = async {
        while !ask("peers", json!({})).await.to_string().contains(r#""state":"allowed""#) {
            events.next().await;
        }
    };
    tokio::time::timeout(PATIENCE, connected).await.expect("gamma is let in");
    ask("run-demo-node", json!({ "name": "gamma", "running": false })).await;
    let failing = async {
        loop {
            let peers = ask("peers", json!({})).await;
            // Whoever has its port by now may answer in another way.
            let mut all = peers["peers"].as_array().unwrap().iter();
            let failing = all.find(|peer| peer["standing"]["code"] == "failing");
            if let Some(code) = failing.and_then(|peer| peer["troubles"][0]["code"].as_str()) {
                let code = code.to_owned();
                return (peers, code);
            }
            events.next().await;
        }
    };
    let (peers, code) = tokio::time::timeout(PATIENCE, failing).await.expect("gamma is away");

    let user = ask("users", json!({})).await["users"][0]["name"].clone();
    let group = json!({ "user": user, "name": "secret picnic", "add": "admins", "send": "members" });
    ask("create-group", group).await;

    let status = ask("status", json!({})).await;
    let users = ask("users", json!({})).await;
    let mut names = BTreeSet::new();
    for user in users["users"].as_array().unwrap() {
        let name = user["uri"].as_str().unwrap().rsplit('/').next().unwrap();
        let conversations = ask("conversations", json!({ "user": name })).await;
        for conversation in conversations["conversations"].as_array().unwrap() {
            for member in ["group", "title", "name"] {
                texts(&conversation[member], &mut names);
            }
            texts(&conversation["last"]["text"], &mut names);
        }
        texts(&user["uri"], &mut names);
        for client in user["clients"].as_array().unwrap() {
            names.insert(client["uri"].as_str().unwrap().to_owned());
        }
    }
    for peer in peers["peers"].as_array().unwrap() {
        ["provider", "endpoint", "fingerprints"].iter().for_each(|member| texts(&peer[*member], &mut names));
    }
    for group in ask("groups", json!({})).await["groups"].as_array().unwrap() {
        ["uri", "group", "name"].iter().for_each(|member| texts(&group[*member], &mut names));
    }
    let node = &status["node"];
    ["provider", "endpoint", "fingerprint", "data_dir"]
        .iter()
        .for_each(|member| texts(&node[*member], &mut names));
    names.extend(["127.0.0.1".to_owned(), home.path().display().to_string()]);
    // Ports stand in it by themselves, and a word of three letters is in any text.
    names.retain(|name| name.len() > 3 && !name.bytes().all(|octet| octet.is_ascii_digit()));
    assert!(names.len() > 10, "{names:?}");

    let text = ask("support-bundle", json!({})).await["text"].as_str().unwrap().to_owned();
    for name in &names {
        assert!(!text.contains(name.as_str()), "{name} is in the bundle");
    }
    let bundle: Value = serde_json::from_str(&text).unwrap();
    let gone = bundle["peers"].as_array().unwrap().iter().find(|peer| peer["standing"] == "failing").unwrap();
    assert!(gone["troubles"].to_string().contains(&code));
    let hash = gone["provider"].as_str().unwrap();
    let with_it = |list: &Value| list.as_array().unwrap().iter().any(|told| told.to_string().contains(hash));
    assert!(with_it(&bundle["requests"]) && with_it(&bundle["metrics"]), "one name has one hash");
    assert!(!bundle["groups"].as_array().unwrap().is_empty());
    host.stop().await;
}
