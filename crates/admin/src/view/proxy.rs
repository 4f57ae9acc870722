//! What the configuration of a proxy before this provider has to say.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A program that ends TLS before a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyProgram {
    /// nginx.
    Nginx,
    /// Caddy.
    Caddy,
    /// HAProxy.
    Haproxy,
    /// The Apache HTTP Server.
    Apache,
    /// Traefik.
    Traefik,
}

/// The configuration of one program, with this provider's own values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ProxyConfig {
    /// The program.
    pub program: ProxyProgram,
    /// What it is called by people.
    pub title: String,
    /// Where it is put.
    pub file: String,
    /// All of it. Only the paths of the certificate's files have to be filled in.
    pub text: String,
}

/// The configurations of all programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ProxyConfigs {
    /// Whether this provider runs behind a proxy now.
    pub behind_proxy: bool,
    /// One for each program.
    pub configs: Vec<ProxyConfig>,
}
