//! The server for other providers.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use drawbridge_mtp::document::Endpoint;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::fault::ConfigFault;
use super::listen::listen_address;
use super::text::{
    as_text, from_plain_text, optional_as_text, optional_from_text, some_as_text, some_networks,
};

/// The server for other providers.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MtpConfig {
    /// Where to listen.
    #[serde(deserialize_with = "from_plain_text", serialize_with = "as_text")]
    pub listen: ListenAddress,
    /// Whether a proxy on this machine ends TLS: what listens here speaks HTTP without it then, to this machine alone.
    #[serde(default)]
    pub behind_proxy: bool,
    /// Whose word on the address that a request comes from is believed, besides that of whoever connects by a socket file.
    /// Absent: this machine's. Only for `behind_proxy`.
    #[serde(default, deserialize_with = "some_networks", serialize_with = "some_as_text")]
    pub trusted_proxies: Option<Vec<IpNet>>,
    /// Certificate chain, PEM. Absent: a self-signed one is made on first start.
    pub tls_cert: Option<PathBuf>,
    /// Its key, PEM.
    pub tls_key: Option<PathBuf>,
    /// Where others reach us. Absent: `https://{provider}/mtp/v1`.
    #[serde(default, deserialize_with = "optional_from_text", serialize_with = "optional_as_text")]
    pub endpoint: Option<Endpoint>,
    /// Whether the router of this computer's network is asked to lead the port of our name here, by UPnP, NAT-PMP or PCP.
    #[serde(default)]
    pub open_port: bool,
    /// The program that is run when our public addresses have changed. It is called with our host, the IPv4 address and the IPv6
    /// address, each `-` where none is known.
    pub address_hook: Option<PathBuf>,
}

/// Where the server for other providers listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// On an address, at a port.
    Ip(SocketAddr),
    /// On a socket in the file system, written `unix:` and its path.
    SocketFile(PathBuf),
}

impl ListenAddress {
    /// Address and port, unless it is a socket file.
    pub fn ip(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::SocketFile(_) => None,
        }
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Ip(address)
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    /// The error is one sentence.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix(SOCKET_FILE) {
            Some("") => {
                Err(format!("{text:?} is no place to listen: behind unix: is the path of a socket file"))
            }
            Some(path) => Ok(Self::SocketFile(path.into())),
            None => listen_address(text).map(Self::Ip),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::SocketFile(path) => write!(f, "{SOCKET_FILE}{}", path.display()),
        }
    }
}

/// What the path of a socket file is written behind.
const SOCKET_FILE: &str = "unix:";

impl MtpConfig {
    /// What a proxy in front needs, and what is not for one.
    pub(super) fn check_proxy(&self) -> Result<(), ConfigFault> {
        let Self { listen, behind_proxy, trusted_proxies, tls_cert, .. } = self;
        let unfit = match (behind_proxy, listen) {
            (true, _) if tls_cert.is_some() => {
                "[mtp] behind_proxy = true and tls_cert exclude each other: the proxy ends TLS and has the certificate, so \
                 leave out tls_cert and tls_key"
                    .into()
            }
            (true, ListenAddress::Ip(address)) if !address.ip().to_canonical().is_loopback() => format!(
                "[mtp] behind_proxy = true has no TLS, so listen = \"{address}\" would let other machines listen in; choose an \
                 address of the loopback network such as 127.0.0.1:8443, or a socket file such as \
                 unix:/run/drawbridge/mtp.sock"
            ),
            (true, ListenAddress::SocketFile(_)) if cfg!(not(unix)) => {
                "[mtp] listen has a socket file, which this system does not have; choose an address such as 127.0.0.1:8443"
                    .into()
            }
            (false, ListenAddress::SocketFile(path)) => format!(
                "[mtp] listen = \"{SOCKET_FILE}{}\" is for a proxy on this machine and needs behind_proxy = true; without a proxy \
                 choose an address such as 0.0.0.0:443",
                path.display()
            ),
            (false, _) if trusted_proxies.is_some() => {
                "[mtp] trusted_proxies is for behind_proxy = true, and without that no proxy is believed; leave it out".into()
            }
            _ => return Ok(()),
        };
        Err(ConfigFault::Unfit(unfit))
    }

    /// Whether a router can lead a port to where we listen.
    pub(super) fn check_open_port(&self) -> Result<(), ConfigFault> {
        if !self.open_port {
            return Ok(());
        }
        let unfit = match &self.listen {
            _ if self.behind_proxy => {
                "[mtp] open_port = true leads the router's port to [mtp] listen, which with behind_proxy = true is for the proxy \
                 alone; leave it out, and forward the port to the proxy in the router"
                    .into()
            }
            ListenAddress::Ip(address) if address.ip().to_canonical().is_loopback() => format!(
                "[mtp] open_port = true has a router lead others to this computer, and listen = \"{address}\" is reached from this \
                 computer alone; choose 0.0.0.0, or this computer's address in the network"
            ),
            ListenAddress::Ip(address) if address.is_ipv6() && !address.ip().is_unspecified() => format!(
                "[mtp] open_port = true is for IPv4, and listen = \"{address}\" is reached over IPv6 alone; choose 0.0.0.0 or [::], \
                 or leave it out"
            ),
            ListenAddress::Ip(_) | ListenAddress::SocketFile(_) => return Ok(()),
        };
        Err(ConfigFault::Unfit(unfit))
    }
}
