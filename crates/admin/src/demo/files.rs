//! The demo's folder: its ports, its certificate authority, and a certificate and a configuration for each provider.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use drawbridge_mtp::id::Provider;
use drawbridge_node::config::{Config, ListenConfig};
use drawbridge_node::identity::write_secret;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use serde::{Deserialize, Serialize};

use super::users::USERS;

/// Written last: a folder with it is whole.
pub(super) const PLAN: &str = "demo.json";
/// Where all providers are, and whom their certificates are for.
const HOST: &str = "127.0.0.1";
/// Whom a certificate for another name is for.
const OTHER_HOST: &str = "elsewhere.example";

/// What is kept of a demo, beside its nodes' own folders.
#[derive(Serialize, Deserialize)]
struct Plan {
    ports: Vec<u16>,
}

/// Makes the folder, with ports that are free.
pub(super) fn prepare(dir: &Path) -> Result<(), String> {
    let ports = free_ports()?;
    std::fs::create_dir_all(dir).map_err(|fault| fault.to_string())?;
    let plan = serde_json::to_string(&Plan { ports }).map_err(|fault| fault.to_string())?;
    std::fs::write(dir.join(PLAN), plan).map_err(|fault| fault.to_string())
}

/// A port for each provider, on which nobody listens. They stay the demo's while it does not run, so they are outside the range
/// that systems give to outgoing connections.
fn free_ports() -> Result<Vec<u16>, String> {
    let first = std::process::id().wrapping_mul(61);
    let candidates = (0..22_000).map(|number| 10_000 + (first.wrapping_add(number) % 22_000) as u16);
    // Each is held until all are known, so that none is given twice.
    let held = candidates.filter_map(|port| Some((port, TcpListener::bind((HOST, port)).ok()?)));
    let (ports, _held): (Vec<u16>, Vec<TcpListener>) = held.take(USERS.len()).unzip();
    if ports.len() < USERS.len() {
        return Err("no ports are free on 127.0.0.1".into());
    }
    Ok(ports)
}

/// What a provider's certificate is like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CertificateKind {
    /// As it should be.
    Good,
    /// It has run out.
    Expired,
    /// It is for another name.
    WrongName,
}

/// Makes the certificate that all trust, by the authority's key, which is made where there is none.
pub(super) fn make_authority(dir: &Path) -> Result<(), String> {
    let key = dir.join("ca-key.pem");
    if !key.exists() {
        let pair = KeyPair::generate().map_err(|fault| fault.to_string())?;
        write_secret(&key, pair.serialize_pem().as_bytes()).map_err(|fault| fault.to_string())?;
    }
    let certificate = authority().self_signed(&read_key(dir)?).map_err(|fault| fault.to_string())?;
    std::fs::write(dir.join("ca.pem"), certificate.pem()).map_err(|fault| fault.to_string())
}

fn authority() -> CertificateParams {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "Drawbridge demo");
    authority
}

fn read_key(dir: &Path) -> Result<KeyPair, String> {
    let pem = std::fs::read_to_string(dir.join("ca-key.pem")).map_err(|fault| fault.to_string())?;
    KeyPair::from_pem(&pem).map_err(|fault| format!("its file ca-key.pem cannot be read ({fault})"))
}

/// Gives the provider `name` another certificate, with another key.
pub(super) fn certify(dir: &Path, name: &str, kind: CertificateKind) -> Result<(), String> {
    let text = |fault: rcgen::Error| fault.to_string();
    let host = if kind == CertificateKind::WrongName { OTHER_HOST } else { HOST };
    let mut params = CertificateParams::new(vec![host.to_owned()]).map_err(text)?;
    if kind == CertificateKind::Expired {
        (params.not_before, params.not_after) = (date_time_ymd(2024, 1, 1), date_time_ymd(2025, 1, 1));
    }
    let pair = KeyPair::generate().map_err(text)?;
    let certificate = params.signed_by(&pair, &Issuer::new(authority(), read_key(dir)?)).map_err(text)?;
    let file = |what| dir.join(format!("{name}-{what}.pem"));
    write_secret(&file("key"), pair.serialize_pem().as_bytes()).map_err(|fault| fault.to_string())?;
    std::fs::write(file("cert"), certificate.pem()).map_err(|fault| fault.to_string())
}

/// A provider of the folder.
pub(super) struct Planned {
    pub(super) name: &'static str,
    pub(super) people: &'static [&'static str],
    /// Where others reach it.
    pub(super) address: SocketAddr,
    /// Its node listens elsewhere, since what stands between can be broken.
    pub(super) config: Config,
}

/// Reads the folder: its providers, in the order of the users.
pub(super) fn read(dir: &Path) -> Result<Vec<Planned>, String> {
    let damaged = |fault: &dyn std::fmt::Display| {
        format!("its file {PLAN} cannot be read ({fault}); remove the folder, and start the demo anew")
    };
    let plan = std::fs::read_to_string(dir.join(PLAN)).map_err(|fault| damaged(&fault))?;
    let plan: Plan = serde_json::from_str(&plan).map_err(|fault| damaged(&fault))?;
    let planned = USERS.into_iter().zip(plan.ports).map(|((name, people), port)| {
        let provider: Provider = format!("{HOST}:{port}").parse().map_err(|fault| format!("{fault}"))?;
        let file = |suffix: &str| -> Option<PathBuf> { Some(dir.join(format!("{name}-{suffix}.pem"))) };
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut config = Config::new(provider, dir.join(name), any_port);
        (config.mtp.tls_cert, config.mtp.tls_key) = (file("cert"), file("key"));
        config.client = Some(ListenConfig::plain(any_port));
        config.peers.allow_networks = vec!["127.0.0.0/8".parse().map_err(|fault| format!("{fault}"))?];
        (config.peers.look_back, config.peers.tell_traces) = (true, true);
        config.peers.extra_roots = Some(dir.join("ca.pem"));
        Ok(Planned { name, people, address: SocketAddr::from(([127, 0, 0, 1], port)), config })
    });
    planned.collect()
}
