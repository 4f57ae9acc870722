//! The servers for clients and for the operator.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};

use super::fault::ConfigFault;
use super::origin::Origin;
use super::text::{all_as_text, all_from_text};

/// A server on this machine, or with TLS anywhere.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ListenConfig {
    /// Address and port to listen on.
    #[serde(deserialize_with = "listen_from_text")]
    pub listen: SocketAddr,
    /// Certificate chain, PEM. Needed where `listen` is not on the loopback network.
    pub tls_cert: Option<PathBuf>,
    /// Its key, PEM.
    pub tls_key: Option<PathBuf>,
    /// Where browsers open the pages besides where this listens, as by a proxy or a tunnel. Of `[admin]` alone.
    #[serde(default, deserialize_with = "all_from_text", serialize_with = "all_as_text")]
    pub origins: Vec<Origin>,
}

impl ListenConfig {
    /// Without TLS, at `listen` on the loopback network.
    pub fn plain(listen: SocketAddr) -> Self {
        Self { listen, tls_cert: None, tls_key: None, origins: Vec::new() }
    }
}

/// A certificate and its key come together or not at all.
pub(super) fn pair(
    section: &str,
    cert: &Option<PathBuf>,
    key: &Option<PathBuf>,
) -> Result<bool, ConfigFault> {
    match (cert, key) {
        (Some(_), Some(_)) => Ok(true),
        (None, None) => Ok(false),
        (Some(_), None) => Err(ConfigFault::Unfit(format!("[{section}] has tls_cert but no tls_key"))),
        (None, Some(_)) => Err(ConfigFault::Unfit(format!("[{section}] has tls_key but no tls_cert"))),
    }
}

pub(super) fn listen_from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    listen_address(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// Reads an address with its port, and says in one sentence what is wrong with it.
pub fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let not =
        |why: &str| format!("{text:?} is no address to listen on: {why}, as in 0.0.0.0:8443 or [::]:8443");
    let without_port = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if without_port.parse::<IpAddr>().is_ok() {
        return Err(not("a colon and the port are missing at its end"));
    }
    text.parse().map_err(|_| match text.rsplit_once(':') {
        None => not("it is an IP address, a colon and a port"),
        Some((_, port)) if port.parse::<u16>().is_err() => {
            not(&format!("{port:?} is no port, which is a number up to 65535"))
        }
        Some(_) => not("before the port is an IP address, of IPv6 in brackets"),
    })
}
