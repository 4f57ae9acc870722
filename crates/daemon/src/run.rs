//! Runs a node with its pages until the system or the user ends it.

use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use drawbridge_admin::{Host, KeyPlace, Log, PagesAt, PagesCertificate, commands};
use drawbridge_node::config::{Config, Origin};
use drawbridge_node::identity::{Certificate, DataFolder};
use drawbridge_node::{ListenFault, Listener, bind, serve as serve_http};
use rustls::ServerConfig;
use tokio_util::sync::CancellationToken;

use crate::access::{Access, Addresses, ScriptAccess};
use crate::print::{line, say};
use crate::service;
use crate::signals::{Signal, Signals};
use crate::web;

/// Connections of browsers and scripts at one time.
const CONNECTIONS: usize = 256;
/// The status of a process that was ended by a second signal.
const INTERRUPTED: i32 = 130;

/// `serve`: the node of a configuration file.
pub(crate) async fn serve(path: &Path) -> ExitCode {
    // From the beginning: one that comes during the start is taken after it.
    let signals = Signals::listen();
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(fault) => return say(&fault.to_string(), 2),
    };
    if let Err(fault) = DataFolder::check_user(&config.data_dir) {
        return say(&fault.to_string(), 2);
    }
    let log = match Log::start(config.log.as_deref(), config.log_format) {
        Ok(log) => log,
        Err(fault) => return say(&fault.to_string(), 2),
    };
    let (admin, data_dir) = (config.admin.clone(), config.data_dir.clone());
    // Bound before the node touches its folder: a port in use changes nothing.
    let listener = match admin.as_ref().map(|admin| bind("admin", admin.listen)).transpose() {
        Ok(listener) => listener,
        Err(fault) => return not_bound(&fault, &data_dir),
    };
    let files = admin.as_ref().and_then(|admin| admin.tls_cert.as_deref().zip(admin.tls_key.as_deref()));
    let certificate = match files.map(|(cert, key)| Certificate::load(cert, key)).transpose() {
        Ok(certificate) => certificate,
        Err(fault) => return say(&fault.to_string(), 2),
    };
    let tls = match certificate.as_ref().map(Certificate::tls).transpose() {
        Ok(tls) => tls,
        Err(fault) => return say(&fault.to_string(), 2),
    };
    let provider = config.provider.to_string();
    let host = match Host::serve(config).await {
        Ok(host) => host,
        // A service manager tries that again.
        Err(fault) => return say(&fault.to_string(), if fault.is_of_disk() { 1 } else { 2 }),
    };
    if let Some(certificate) = &certificate {
        host.add_certificate("admin", certificate.clone()).await;
    }
    let ready = format!("{provider} is running");
    let reload = Reload { config: path, log, certificate };
    match listener {
        Some(listener) => {
            let origins = admin.map(|admin| admin.origins).unwrap_or_default();
            let pages = Pages { listener, tls, origins };
            with_pages(host, pages, &data_dir, signals, Some(reload), Some(ready)).await
        }
        None => {
            // Nobody may be there to read it, and the provider runs all the same.
            let _ = line(ready);
            until_ended(signals, &host, Some(&reload)).await;
            host.stop().await;
            ExitCode::SUCCESS
        }
    }
}

/// What a running service can read anew.
struct Reload<'a> {
    config: &'a Path,
    log: Log,
    /// That of the pages, which the node reads anew with its own.
    certificate: Option<Arc<Certificate>>,
}

impl Reload<'_> {
    /// Reads certificates and the log's filter. What cannot be used is said in the log, and what was before goes on.
    async fn read(&self, host: &Host) {
        service::tell_reloading();
        let chosen = Config::load(self.config)
            .map_err(|fault| fault.to_string())
            .and_then(|config| self.log.choose(config.log.as_deref()).map_err(|fault| fault.to_string()));
        let faults: Vec<_> = host.reload().await.into_iter().chain(chosen.err()).collect();
        for fault in &faults {
            tracing::error!("what was before goes on, since at the hangup signal {fault}");
        }
        if faults.is_empty() {
            tracing::info!("certificates and the log's filter were read anew");
        }
        service::tell_ready();
    }
}

/// `run`: the provider of this user.
pub(crate) async fn personal(home: Option<PathBuf>, listen: SocketAddr) -> ExitCode {
    match home_folder(home) {
        Ok(home) => open(&home, listen, async || Ok(Host::open(&home, KeyPlace::File).await?), None).await,
        Err(code) => code,
    }
}

/// The folder that was named, or that of this user.
pub(crate) fn home_folder(named: Option<PathBuf>) -> Result<PathBuf, ExitCode> {
    let of_user = || Some(directories::ProjectDirs::from("", "", "drawbridge")?.data_dir().to_owned());
    named.or_else(of_user).ok_or_else(|| say("this user has no data folder; name one with --home", 2))
}

/// `demo`: three providers on this machine, in `home`, or in a folder that is removed at the end. `options` are those by which other
/// commands find what runs in a folder.
pub(crate) async fn demo(
    home: Option<PathBuf>,
    listen: SocketAddr,
    options: impl FnOnce(&Path) -> String,
) -> ExitCode {
    let ready = |home: &Path| {
        let options = options(home);
        format!(
            "the demo is running; other commands find it by{options}, as in: drawbridged check{options} beta"
        )
    };
    match home {
        Some(home) => open(&home, listen, async || with_demo(&home).await, Some(ready(&home))).await,
        None => {
            let home = std::env::temp_dir().join(format!("drawbridge-demo-{}", std::process::id()));
            let host = async || Ok(Host::open_demo(&home).await?);
            let code = open(&home, listen, host, Some(ready(&home))).await;
            let _ = std::fs::remove_dir_all(&home);
            code
        }
    }
}

/// What is installed in `home`, where that is the demo, or nothing and the demo is started.
async fn with_demo(home: &Path) -> Result<Host, Box<dyn Error>> {
    let host = Host::open(home, KeyPlace::File).await?;
    match commands::call(&host, "start-demo", serde_json::json!({})).await {
        Err(fault) if fault.code != "demo-running" => {
            host.stop().await;
            Err(fault.detail.into())
        }
        _ => Ok(host),
    }
}

/// Serves the pages of what `host` opens in `home`, and says `ready` when it runs.
async fn open(
    home: &Path,
    listen: SocketAddr,
    host: impl AsyncFnOnce() -> Result<Host, Box<dyn Error>>,
    ready: Option<String>,
) -> ExitCode {
    if !listen.ip().is_loopback() {
        return say(
            "--listen has to be on the loopback network, such as 127.0.0.1; use serve with [admin] tls_cert for others",
            2,
        );
    }
    if let Err(fault) = DataFolder::check_user(home) {
        return say(&fault.to_string(), 2);
    }
    let signals = Signals::listen();
    let listener = match bind("admin", listen) {
        Ok(listener) => listener,
        Err(fault) => return not_bound(&fault, home),
    };
    let host = match host().await {
        Ok(host) => host,
        Err(fault) => return say(&fault.to_string(), 2),
    };
    let pages = Pages { listener, tls: None, origins: Vec::new() };
    with_pages(host, pages, home, signals, None, ready).await
}

/// The pages cannot be served. Most often they are already, which the file for scripts tells of; a crash leaves it too.
fn not_bound(fault: &ListenFault, dir: &Path) -> ExitCode {
    match ScriptAccess::read(dir) {
        Ok(_) => {
            let again = "this provider may be running already: drawbridged link prints a link to its pages";
            say(&format!("{fault}; {again}"), 2)
        }
        Err(_) => say(&fault.to_string(), 2),
    }
}

/// Where the pages are served.
struct Pages {
    listener: Listener,
    tls: Option<Arc<ServerConfig>>,
    /// Where else browsers open them.
    origins: Vec<Origin>,
}

/// Serves the pages of `host`, and says where.
async fn with_pages(
    host: Host,
    Pages { listener, tls, origins }: Pages,
    dir: &Path,
    signals: Signals,
    reload: Option<Reload<'_>>,
    ready: Option<String>,
) -> ExitCode {
    // Where the pages listen with TLS may be reached by a name only that this machine does not know: scripts have a place of
    // their own on it.
    let for_scripts = tls.as_ref().map(|_| bind("admin", SocketAddr::from(([127, 0, 0, 1], 0)))).transpose();
    let for_scripts = match for_scripts {
        Ok(listener) => listener,
        Err(fault) => {
            host.stop().await;
            return say(&fault.to_string(), 2);
        }
    };
    let addresses = Addresses {
        pages: listener.address,
        certificate: reload.as_ref().and_then(|reload| reload.certificate.clone()),
        origins,
        scripts: for_scripts.as_ref().map_or(listener.address, |listener| listener.address),
    };
    host.set_pages(PagesAt {
        listen: addresses.pages,
        certificate: addresses
            .certificate
            .as_ref()
            .map(|own| own.facts())
            .map(|own| PagesCertificate { names: own.names, self_signed: own.self_signed }),
        origins: addresses.origins.clone(),
    });
    let (access, link) = match Access::open(dir, &addresses, host.sessions().clone()) {
        Ok(opened) => opened,
        Err(fault) => {
            host.stop().await;
            return say(&format!("{} cannot be written: {fault}", dir.display()), 2);
        }
    };
    let stop = CancellationToken::new();
    let router = web::router(host.clone(), access, stop.clone());
    let scripts =
        for_scripts.map(|listener| serve_http(listener, None, router.clone(), CONNECTIONS, stop.clone()));
    let scripts = scripts.map(tokio::spawn);
    let serving = tokio::spawn(serve_http(listener, tls, router, CONNECTIONS, stop.clone()));
    // Said only now: whoever waits for it may ask by a script at once, and the file for scripts of a run before is replaced.
    if let Some(ready) = ready {
        let _ = line(ready);
    }
    if let Err(fault) = line(format_args!("open {link} in a browser (the token in it works once)")) {
        tracing::warn!(%fault, "the link to the pages could not be printed; drawbridged link prints another");
    }
    until_ended(signals, &host, reload.as_ref()).await;
    stop.cancel();
    let _ = serving.await;
    if let Some(scripts) = scripts {
        let _ = scripts.await;
    }
    Access::close(dir);
    host.stop().await;
    ExitCode::SUCCESS
}

/// Tells a service manager that the provider answers, and waits for the first signal that ends; a second one ends the process at
/// once. A hangup has `reload` read anew, and is of no meaning once the end has begun; where there is nothing to be read, it ends
/// too.
async fn until_ended(mut signals: Signals, host: &Host, reload: Option<&Reload<'_>>) {
    service::tell_ready();
    service::keep_telling_that_it_works(host);
    while let (Signal::Hangup, Some(reload)) = (signals.next().await, reload) {
        reload.read(host).await;
    }
    service::tell_stopping();
    let is_reloaded = reload.is_some();
    tokio::spawn(async move {
        while let (Signal::Hangup, true) = (signals.next().await, is_reloaded) {}
        std::process::exit(INTERRUPTED);
    });
}
