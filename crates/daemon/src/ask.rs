//! `admin` and `link`: ask the running node, for scripts.

use std::path::Path;
use std::process::ExitCode;

use drawbridge_node::config::Config;
use serde_json::Value;

use crate::door::Key;
use crate::say;

/// The status for a command that the node does not have.
const UNKNOWN_COMMAND: u8 = 64;

/// Prints a fresh link to the pages of the node of the configuration at `path`.
pub(crate) async fn link(path: &Path) -> ExitCode {
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(fault) => return say(&fault.to_string(), 2),
    };
    let Ok(key) = Key::read(&config.data_dir) else { return not_running(path) };
    match send(&config, &key, "link", &Value::Object(Default::default())).await {
        Ok((200, answer)) => {
            println!("{}", answer["link"].as_str().unwrap_or_default());
            ExitCode::SUCCESS
        }
        Ok((_, refusal)) => say(refusal["detail"].as_str().unwrap_or("the node refused"), 1),
        Err(fault) => say(&format!("the node does not answer at {}: {fault}", key.url), 1),
    }
}

fn not_running(path: &Path) -> ExitCode {
    say(&format!("no node is running with {}; start it with serve", path.display()), 1)
}

/// Sends `command` with `request` to the node of the configuration at `path`, and prints its answer.
pub(crate) async fn ask(path: &Path, command: &str, request: Option<&str>) -> ExitCode {
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(fault) => return say(&fault.to_string(), 2),
    };
    if !drawbridge_admin::NAMES.contains(&command) {
        return say(&format!("there is no command {command:?} in this version"), UNKNOWN_COMMAND);
    }
    let request: Value = match serde_json::from_str(request.unwrap_or("{}")) {
        Ok(request) => request,
        Err(fault) => return say(&format!("the request is not JSON: {fault}"), 2),
    };
    let Ok(key) = Key::read(&config.data_dir) else { return not_running(path) };
    match send(&config, &key, command, &request).await {
        Ok((200, answer)) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Ok((_, refusal)) if refusal["code"] == "unknown-command" => {
            say(&refusal.to_string(), UNKNOWN_COMMAND)
        }
        Ok((_, refusal)) => {
            println!("{refusal}");
            say(refusal["detail"].as_str().unwrap_or("the node refused"), 1)
        }
        Err(fault) => say(&format!("the node does not answer at {}: {fault}", key.url), 1),
    }
}

async fn send(config: &Config, key: &Key, command: &str, request: &Value) -> Result<(u16, Value), String> {
    let client = client(config)?;
    let sent =
        client.post(format!("{}/admin/v1/{command}", key.url)).bearer_auth(&key.token).json(request).send();
    let response = sent.await.map_err(|fault| fault.to_string())?;
    let status = response.status().as_u16();
    Ok((status, response.json().await.map_err(|fault| fault.to_string())?))
}

/// Trusts the certificate of the node itself, where it speaks TLS, and no other.
fn client(config: &Config) -> Result<reqwest::Client, String> {
    // Another part of the process may have chosen the same one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder().no_proxy();
    if let Some(path) = config.admin.as_ref().and_then(|admin| admin.tls_cert.as_ref()) {
        let pem = std::fs::read(path).map_err(|fault| fault.to_string())?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|fault| fault.to_string())?;
        builder = builder.tls_certs_only(certificates);
    } else {
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|fault| fault.to_string())
}
