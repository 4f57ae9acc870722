//! Runs a node with its pages until the system or the user ends it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use drawbridge_admin::{Host, KeyPlace};
use drawbridge_node::config::Config;
use drawbridge_node::{Listener, bind, identity, serve as serve_http};
use rustls::ServerConfig;
use tokio_util::sync::CancellationToken;

use crate::door::Door;
use crate::{say, web};

/// Connections of browsers and scripts at one time.
const CONNECTIONS: usize = 256;
/// The status of a process that was ended by a second signal.
const INTERRUPTED: i32 = 130;

/// `serve`: the node of a configuration file.
pub(crate) async fn serve(path: &Path) -> ExitCode {
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(fault) => return say(&fault.to_string(), 2),
    };
    let (admin, data_dir) = (config.admin.clone(), config.data_dir.clone());
    // Bound before the node touches its folder: a port in use changes nothing.
    let listener = match admin.as_ref().map(|admin| bind("admin", admin.listen)).transpose() {
        Ok(listener) => listener,
        Err(fault) => return say(&fault.to_string(), 2),
    };
    let files = admin.as_ref().and_then(|admin| admin.tls_cert.as_deref().zip(admin.tls_key.as_deref()));
    let tls = match files.map(|(cert, key)| identity::tls_of_files(cert, key)).transpose() {
        Ok(tls) => tls,
        Err(fault) => return say(&fault.to_string(), 2),
    };
    let provider = config.provider.to_string();
    let host = match Host::serve(config).await {
        Ok(host) => host,
        Err(fault) => return say(&fault.to_string(), 2),
    };
    println!("{provider} is running");
    match listener {
        Some(listener) => with_pages(host, listener, tls, &data_dir).await,
        None => {
            until_ended().await;
            host.stop().await;
            ExitCode::SUCCESS
        }
    }
}

/// `run`: the provider of this user.
pub(crate) async fn personal(home: Option<PathBuf>, listen: SocketAddr) -> ExitCode {
    let of_user = || Some(directories::ProjectDirs::from("", "", "drawbridge")?.data_dir().to_owned());
    let Some(home) = home.or_else(of_user) else {
        return say("this user has no data folder; name one with --home", 2);
    };
    open(&home, listen, false).await
}

/// `demo`: three providers on this machine.
pub(crate) async fn demo(home: Option<PathBuf>, listen: SocketAddr) -> ExitCode {
    match home {
        Some(home) => open(&home, listen, true).await,
        None => {
            let home = std::env::temp_dir().join(format!("drawbridge-demo-{}", std::process::id()));
            let code = open(&home, listen, true).await;
            let _ = std::fs::remove_dir_all(&home);
            code
        }
    }
}

async fn open(home: &Path, listen: SocketAddr, demo: bool) -> ExitCode {
    if !listen.ip().is_loopback() {
        return say(
            "--listen has to be on the loopback network, such as 127.0.0.1; use serve with [admin] tls_cert for others",
            2,
        );
    }
    let listener = match bind("admin", listen) {
        Ok(listener) => listener,
        Err(fault) => return say(&fault.to_string(), 2),
    };
    let host = match Host::open(home, KeyPlace::File).await {
        Ok(host) => host,
        Err(fault) => return say(&fault.to_string(), 2),
    };
    if demo
        && let Err(fault) = host.call("start-demo", serde_json::json!({})).await
        && fault.code != "demo-running"
    {
        host.stop().await;
        return say(&fault.detail, 2);
    }
    with_pages(host, listener, None, home).await
}

/// Serves the pages of `host`, and says where.
async fn with_pages(host: Host, listener: Listener, tls: Option<Arc<ServerConfig>>, dir: &Path) -> ExitCode {
    let address = listener.address;
    let (door, link) = match Door::open(dir, address, tls.is_some()) {
        Ok(opened) => opened,
        Err(fault) => {
            host.stop().await;
            return say(&format!("{} cannot be written: {fault}", dir.display()), 2);
        }
    };
    let stop = CancellationToken::new();
    let router = web::router(host.clone(), door, stop.clone());
    let serving = tokio::spawn(serve_http(listener, tls, router, CONNECTIONS, stop.clone()));
    println!("open {link} in a browser (the token in it works once)");
    until_ended().await;
    stop.cancel();
    let _ = serving.await;
    Door::close(dir);
    host.stop().await;
    ExitCode::SUCCESS
}

/// Waits for the first signal; a second one ends the process at once.
async fn until_ended() {
    signal().await;
    tokio::spawn(async {
        signal().await;
        std::process::exit(INTERRUPTED);
    });
}

async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
