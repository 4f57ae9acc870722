//! The demo's folder: its ports, its certificate authority, and a certificate and a configuration for each provider.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use drawbridge_mtp::id::Provider;
use drawbridge_node::config::{Config, ListenConfig};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde::{Deserialize, Serialize};

use super::users::USERS;

/// Written last: a folder with it is whole.
pub(super) const PLAN: &str = "demo.json";

/// What is kept of a demo, beside its nodes' own folders.
#[derive(Serialize, Deserialize)]
struct Plan {
    ports: Vec<u16>,
}

/// Makes the folder: ports that are free, a certificate authority, a certificate for each.
pub(super) fn prepare(dir: &Path) -> Result<(), String> {
    let text = |fault: &dyn std::fmt::Display| fault.to_string();
    let ports = free_ports()?;
    std::fs::create_dir_all(dir).map_err(|f| text(&f))?;
    let write = |name: String, content: String| std::fs::write(dir.join(name), content).map_err(|f| text(&f));

    let authority_key = KeyPair::generate().map_err(|f| text(&f))?;
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "Drawbridge demo");
    write("ca.pem".into(), authority.self_signed(&authority_key).map_err(|f| text(&f))?.pem())?;
    let issuer = Issuer::new(authority, authority_key);
    for (name, _) in USERS {
        let key = KeyPair::generate().map_err(|f| text(&f))?;
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).map_err(|f| text(&f))?;
        let certificate = params.signed_by(&key, &issuer).map_err(|f| text(&f))?;
        write(format!("{name}-cert.pem"), certificate.pem())?;
        write(format!("{name}-key.pem"), key.serialize_pem())?;
    }
    write(PLAN.to_owned(), serde_json::to_string(&Plan { ports }).map_err(|f| text(&f))?)
}

/// A port for each provider, on which nobody listens. They stay the demo's while it does not run, so they are outside the range
/// that systems give to outgoing connections.
fn free_ports() -> Result<Vec<u16>, String> {
    let first = std::process::id().wrapping_mul(61);
    let candidates = (0..22_000).map(|number| 10_000 + (first.wrapping_add(number) % 22_000) as u16);
    // Each is held until all are known, so that none is given twice.
    let held = candidates.filter_map(|port| Some((port, TcpListener::bind(("127.0.0.1", port)).ok()?)));
    let (ports, _held): (Vec<u16>, Vec<TcpListener>) = held.take(USERS.len()).unzip();
    if ports.len() < USERS.len() {
        return Err("no ports are free on 127.0.0.1".into());
    }
    Ok(ports)
}

/// Reads the folder: the configuration of each provider, in the order of the users.
pub(super) fn read(dir: &Path) -> Result<Vec<Config>, String> {
    let damaged = |fault: &dyn std::fmt::Display| {
        format!("its file {PLAN} cannot be read ({fault}); remove the folder, and start the demo anew")
    };
    let plan = std::fs::read_to_string(dir.join(PLAN)).map_err(|fault| damaged(&fault))?;
    let plan: Plan = serde_json::from_str(&plan).map_err(|fault| damaged(&fault))?;
    let configs = USERS.into_iter().zip(plan.ports).map(|((name, _), port)| {
        let provider: Provider = format!("127.0.0.1:{port}").parse().map_err(|fault| format!("{fault}"))?;
        let file = |suffix: &str| -> Option<PathBuf> { Some(dir.join(format!("{name}-{suffix}.pem"))) };
        let listen = std::net::SocketAddr::from(([127, 0, 0, 1], port));
        let mut config = Config::new(provider, dir.join(name), listen);
        (config.mtp.tls_cert, config.mtp.tls_key) = (file("cert"), file("key"));
        config.client = Some(ListenConfig::plain(std::net::SocketAddr::from(([127, 0, 0, 1], 0))));
        config.peers.allow_networks = vec!["127.0.0.0/8".parse().map_err(|fault| format!("{fault}"))?];
        config.peers.look_back = true;
        config.peers.extra_roots = Some(dir.join("ca.pem"));
        Ok(config)
    });
    configs.collect()
}
