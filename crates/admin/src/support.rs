//! The support bundle: what helps somebody else to find out what is wrong here, without names and secrets.
//!
//! It is put together of what is known to name nobody, and nothing is taken out afterwards: what is not written down here is not
//! in it. Names are replaced by hashes, the same for the same name throughout one bundle.

use std::net::SocketAddr;

use drawbridge_mtp::id;
use drawbridge_node::Node;
use drawbridge_node::ambient::System;
use drawbridge_node::config::{AcmeDirectory, Config, ListenAddress, ListenConfig};
use drawbridge_node::nameless::{Nameless, is_program};
use drawbridge_node::operator::{ReadFault, StandingCode};
use drawbridge_node::traffic::{Export, ExportFormat, TrafficFilter};
use serde_json::{Value, json};

use crate::error::AdminError;
use crate::host::Host;
use crate::repairs;
use crate::request::{Empty, SupportBundle};
use crate::status::node_status;
use crate::view::{BegunRepair, GroupStanding, NodeStatus, Peer, Repair, RepairSubject};

/// Requests in it, the latest.
const REQUESTS: usize = 2000;
/// Peers whose troubles are told with those that are over, of those with which something is wrong.
const TROUBLED: usize = 50;

pub(crate) async fn support_bundle(host: &Host, Empty {}: Empty) -> Result<SupportBundle, AdminError> {
    let node = host.node().await?;
    let nameless = Nameless::new(&System);
    let bundle = json!({
        "about": "A support bundle of Drawbridge. Names of providers, people and groups are replaced by hashes, the same for \
                  the same name throughout this file. It has no keys, tokens, addresses, paths or messages.",
        "program": {
            "version": env!("CARGO_PKG_VERSION"),
            "system": std::env::consts::OS,
            "processor": std::env::consts::ARCH,
        },
        "made": node.now(),
        "configuration": configuration(node.config()),
        "node": own(&node_status(&node, &host.built_in_clients().await?).await?),
        "repairs": wrong(host, &nameless).await?,
        "peers": peers(&node, &nameless).await?,
        "groups": groups(&node, &nameless).await?,
        "metrics": metrics(&node, &nameless).await?,
        "requests": requests(&node, nameless).await?,
    });
    let text = serde_json::to_string_pretty(&bundle).map_err(|fault| AdminError::internal(&fault))?;
    Ok(SupportBundle { text })
}

fn configuration(config: &Config) -> Value {
    let host = match config.provider.host() {
        id::Host::Dns(_) => "domain",
        id::Host::V4(_) => "IPv4 address",
        id::Host::V6(_) => "IPv6 address",
    };
    json!({
        "provider": host,
        "mtp": {
            "listen": match &config.mtp.listen {
                ListenAddress::Ip(address) => place(*address),
                ListenAddress::SocketFile(_) => json!({ "on": "a socket file" }),
            },
            "certificate": match (&config.mtp.tls_cert, &config.acme) {
                _ if config.mtp.behind_proxy => "of the proxy",
                (Some(_), _) => "files",
                (None, Some(_)) => "acme",
                (None, None) => "self-signed",
            },
            "trusted_proxies": config.mtp.trusted_proxies.as_ref().map(Vec::len),
            "has_endpoint": config.mtp.endpoint.is_some(),
            "open_port": config.mtp.open_port,
            "has_address_hook": config.mtp.address_hook.is_some(),
        },
        "client": config.client.as_ref().map(server),
        "admin": config.admin.as_ref().map(server),
        "acme": config.acme.as_ref().map(|acme| json!({
            "directory": match acme.directory {
                AcmeDirectory::Url(_) => "another".to_owned(),
                ref known => known.to_string(),
            },
            "challenge": acme.challenge,
            "has_contact": acme.contact.is_some(),
            "has_extra_roots": acme.extra_roots.is_some(),
        })),
        "log_format": config.log_format,
        "peers": {
            "strangers": config.peers.strangers,
            "allow_networks": config.peers.allow_networks.len(),
            "has_extra_roots": config.peers.extra_roots.is_some(),
            "look_back": config.peers.look_back,
            "tell_traces": config.peers.tell_traces,
        },
        "limits": config.limits,
        "traffic": config.traffic,
        "backup": {
            "every_hours": config.backup.every_hours,
            "keep": config.backup.keep,
            "has_folder": config.backup.folder.is_some(),
            "is_sealed": config.backup.recipient.is_some(),
            "keys": config.backup.keys,
        },
        "notify": {
            "webhooks": config.notify.webhook.len(),
            "topics": config.notify.ntfy.len(),
            "mail": config.notify.smtp.len(),
        },
    })
}

fn server(config: &ListenConfig) -> Value {
    json!({
        "listen": place(config.listen),
        "has_certificate": config.tls_cert.is_some(),
        "origins": config.origins.len(),
    })
}

/// Where a server listens, without the address.
fn place(listen: SocketAddr) -> Value {
    let on = match listen.ip() {
        any if any.is_unspecified() => "every address",
        own if own.is_loopback() => "loopback",
        _ => "one address",
    };
    let family = if listen.is_ipv4() { "IPv4" } else { "IPv6" };
    json!({ "on": on, "family": family, "port": listen.port() })
}

fn own(seen: &NodeStatus) -> Value {
    let own = &seen.ourselves;
    let certificates = own.certificates.iter().map(|certificate| {
        json!({
            "section": certificate.section,
            "is_ours": certificate.is_ours,
            "self_signed": certificate.self_signed,
            "begins": certificate.begins,
            "ends": certificate.ends,
            "is_refused": certificate.refused.is_some(),
        })
    });
    let trouble = own.store.as_ref().map(|trouble| {
        json!({ "code": trouble.code, "since": trouble.since, "last": trouble.last, "lost": trouble.lost })
    });
    json!({
        "started": seen.started,
        "health": { "code": seen.health.code, "count": seen.health.count, "of": seen.health.of },
        "name": { "is": own.name, "looked": own.looked },
        "named_port": own.named_port,
        "listening_port": own.listening_port,
        "certificates": certificates.collect::<Vec<_>>(),
        "issuance": own.issuance.as_ref().map(|issuance| json!({
            "is_ordering": issuance.is_ordering,
            "issued": issuance.issued,
            "next": issuance.next,
            "failure": issuance.failure.as_ref().map(|failure| {
                json!({ "code": failure.code, "first": failure.first, "last": failure.last })
            }),
        })),
        "router": own.router.as_ref().map(|router| json!({
            "by": router.by,
            "open": router.ports.iter().map(|port| port.is_open).collect::<Vec<_>>(),
            "looked": router.looked,
            "next": router.next,
            "trouble": router.trouble,
        })),
        "address_hook": own.address_hook.as_ref().map(|hook| json!({
            "at": hook.at,
            "has_failed": hook.failure.is_some(),
            "next": hook.next,
        })),
        "store": { "bytes": seen.store_bytes, "trouble": trouble },
        "waiting": {
            "providers": seen.waiting_providers,
            "connections": seen.waiting_connections,
            "additions": seen.waiting_additions,
        },
        "users": seen.users,
        "connections": seen.connections,
        "waiting_pulls": seen.waiting_pulls,
    })
}

/// What is wrong, what has begun to be, and what was, without the sentences.
async fn wrong(host: &Host, nameless: &Nameless) -> Result<Value, AdminError> {
    let list = repairs::repairs(host, Empty {}).await?;
    let told = |repairs: &[Repair]| repairs.iter().map(|it| repair_told(it, nameless)).collect::<Vec<_>>();
    let begun = |it: &BegunRepair| {
        json!({
            "subject": subject_told(&it.subject, nameless),
            "kind": it.kind,
            "code": it.code,
            "stage": it.stage,
            "side": it.side,
            "since": it.since,
        })
    };
    Ok(json!({
        "looked": list.looked,
        "open": told(&list.open),
        "ignored": told(&list.ignored),
        "begun": list.begun.iter().map(begun).collect::<Vec<_>>(),
        "history": told(&list.history),
    }))
}

fn repair_told(repair: &Repair, nameless: &Nameless) -> Value {
    json!({
        "subject": subject_told(&repair.subject, nameless),
        "kind": repair.kind,
        "code": repair.code,
        "stage": repair.stage,
        "severity": repair.severity,
        "side": repair.side,
        "suffers": repair.suffers,
        "since": repair.since,
        "raised": repair.raised,
        "seen": repair.seen,
        "gone": repair.gone,
        "ignored_at": repair.ignored_at,
    })
}

fn subject_told(subject: &RepairSubject, nameless: &Nameless) -> Value {
    match subject {
        RepairSubject::Node => json!({ "type": "node" }),
        RepairSubject::Certificate { section } => json!({ "type": "certificate", "section": section }),
        RepairSubject::Peer { provider } => {
            json!({ "type": "peer", "provider": nameless.provider(provider) })
        }
        RepairSubject::Group { group } => json!({ "type": "group", "group": nameless.hash(group.as_ref()) }),
        RepairSubject::Client { client } => {
            json!({ "type": "client", "client": nameless.hash(client.as_ref()) })
        }
        // Its name may be somebody's address.
        RepairSubject::Target { .. } => json!({ "type": "target" }),
    }
}

async fn peers(node: &Node, nameless: &Nameless) -> Result<Vec<Value>, AdminError> {
    let (mut told, mut troubled) = (Vec::new(), 0);
    for listed in node.operator().peers().await? {
        let is_well = matches!(listed.standing.code, StandingCode::Well | StandingCode::Quiet);
        let peer = if is_well || troubled == TROUBLED {
            listed
        } else {
            troubled += 1;
            node.operator().peer(&listed.provider).await?
        };
        told.push(peer_told(&peer.into(), nameless));
    }
    Ok(told)
}

fn peer_told(peer: &Peer, nameless: &Nameless) -> Value {
    let troubles = peer.troubles.iter().map(|trouble| {
        json!({
            "stage": trouble.stage,
            "code": trouble.code,
            "first": trouble.first,
            "last": trouble.last,
            "count": trouble.count,
            "over": trouble.over,
        })
    });
    json!({
        "provider": nameless.provider(&peer.provider),
        "state": peer.state,
        "since": peer.since,
        "their_state": peer.their_state,
        "standing": peer.standing.code,
        "side": peer.standing.side,
        "software": peer.software.as_ref().filter(|software| is_program(software)),
        "keys": peer.fingerprints.len(),
        "new_keys": peer.new_fingerprints.len(),
        "pulling": peer.pulling,
        "serving": peer.serving,
        "latency_ms": peer.latency_ms,
        "connections": peer.connections,
        "kept": peer.kept,
        "suffers": peer.suffers,
        "troubles": troubles.collect::<Vec<_>>(),
    })
}

async fn groups(node: &Node, nameless: &Nameless) -> Result<Vec<Value>, AdminError> {
    let told = node.operator().groups().await?.into_iter().map(|group| {
        json!({
            "group": nameless.group(&group.group),
            "owner": nameless.provider(group.group.provider()),
            "is_ours": group.is_ours,
            "standing": GroupStanding::from(group.standing),
            "epoch": group.epoch,
            "head": group.head,
            "users": group.users,
            "clients": group.clients,
            "providers": group.providers,
            "bytes": group.bytes,
            "owner_let_go": group.is_owner_let_go,
            "owner_away_since": group.owner_away_since,
        })
    });
    Ok(told.collect())
}

/// The metrics that are not 0, in which a label names peers.
async fn metrics(node: &Node, nameless: &Nameless) -> Result<Vec<String>, AdminError> {
    const LABEL: &str = "peer=\"";
    let nameless_line = |line: &str| {
        let named = line.split_once(LABEL).and_then(|(before, rest)| Some((before, rest.split_once('"')?)));
        match named {
            Some((before, ("other", after))) => format!("{before}{LABEL}other\"{after}"),
            Some((before, (peer, after))) => {
                let hash = peer
                    .parse()
                    .map_or_else(|_| nameless.hash(peer), |peer| nameless.provider(&peer).to_string());
                format!("{before}{LABEL}{hash}\"{after}")
            }
            None => line.to_owned(),
        }
    };
    let text = node.operator().scrape().await?;
    let is_zero = |line: &str| line.rsplit_once(' ').is_some_and(|(_, value)| value == "0");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty() && !is_zero(line));
    Ok(lines.map(nameless_line).collect())
}

async fn requests(node: &Node, nameless: Nameless) -> Result<Vec<Value>, AdminError> {
    let records = node.operator().traffic().select(TrafficFilter::default(), None, REQUESTS).await;
    let records = records.map_err(ReadFault::from)?;
    let ours = node.provider().clone();
    let export = Export { ours, format: ExportFormat::JsonLines, nameless: Some(nameless) };
    let text = tokio::task::spawn_blocking(move || export.write(&records)).await;
    let text = text.map_err(|fault| AdminError::internal(&fault))?;
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}
