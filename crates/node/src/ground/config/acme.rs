//! The settings of a certificate that is got by ACME.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use drawbridge_mtp::id::Host;
use serde::{Deserialize, Serialize};

use super::fault::ConfigFault;
use super::listen::listen_from_text;
use super::text::{as_text, from_text, optional_as_text, optional_from_text};

/// A certificate for other providers that is got by ACME, and renewed.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AcmeConfig {
    /// Whether the operator agrees to the directory's terms of service. Nothing is asked of it otherwise.
    #[serde(default)]
    pub agree_terms: bool,
    /// Who issues the certificate.
    #[serde(default, deserialize_with = "from_text", serialize_with = "as_text")]
    pub directory: AcmeDirectory,
    /// The operator's address for mail from the directory; none where absent.
    #[serde(default, deserialize_with = "optional_from_text", serialize_with = "optional_as_text")]
    pub contact: Option<AcmeContact>,
    /// How the directory sees that the name is ours.
    #[serde(default)]
    pub challenge: AcmeChallenge,
    /// Where the directory's requests for `http-01` come: from elsewhere they are to port 80 always.
    #[serde(default = "http_port", deserialize_with = "listen_from_text")]
    pub http_listen: SocketAddr,
    /// The program that sets and clears a record in the DNS for `dns-01`. It is called with `set` or `clear`, the record's name and
    /// its value.
    pub dns_command: Option<PathBuf>,
    /// Certificates, PEM, by which the directory itself is trusted besides the system's.
    pub extra_roots: Option<PathBuf>,
}

impl Default for AcmeConfig {
    fn default() -> Self {
        Self {
            agree_terms: false,
            directory: AcmeDirectory::default(),
            contact: None,
            challenge: AcmeChallenge::default(),
            http_listen: http_port(),
            dns_command: None,
            extra_roots: None,
        }
    }
}

impl AcmeConfig {
    /// Checks it against the rest of the configuration: whether certificate files are named too, whether a proxy ends TLS, and the
    /// hosts that the certificate is for.
    pub(super) fn check(
        &self,
        has_files: bool,
        behind_proxy: bool,
        hosts: [Host<'_>; 2],
    ) -> Result<(), ConfigFault> {
        let unfit = |text: String| Err(ConfigFault::Unfit(text));
        if has_files {
            return unfit(
                "[acme] gets the certificate that [mtp] tls_cert and tls_key name too; take the one or the other out"
                    .into(),
            );
        }
        if behind_proxy {
            let text = "[acme] gets a certificate that nobody would be shown, since with [mtp] behind_proxy = true the proxy has it; \
                        take [acme] out, and let the proxy get one";
            return unfit(text.into());
        }
        if !self.agree_terms {
            let terms = match self.directory {
                AcmeDirectory::LetsEncrypt | AcmeDirectory::Staging => {
                    "those of Let's Encrypt, https://letsencrypt.org/repository/"
                }
                AcmeDirectory::Url(_) => "those that the directory names",
            };
            return unfit(format!(
                "[acme] asks for a certificate only where you agree to the terms of service; read {terms}, and write \
                 agree_terms = true"
            ));
        }
        if self.challenge == AcmeChallenge::Dns01 {
            if self.dns_command.is_none() {
                return unfit(
                    "[acme] challenge = \"dns-01\" needs dns_command, a program that sets a record in the DNS".into(),
                );
            }
            if let Some(address) = hosts.into_iter().find(|host| !matches!(host, Host::Dns(_))) {
                return unfit(format!(
                    "[acme] challenge = \"dns-01\" proves a name and no address such as {address:?}; choose \
                     tls-alpn-01 or http-01"
                ));
            }
        }
        Ok(())
    }
}

fn http_port() -> SocketAddr {
    SocketAddr::from(([0, 0, 0, 0], 80))
}

/// How a directory sees that a name is ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum AcmeChallenge {
    /// By a TLS handshake with `[mtp] listen`, which it reaches at port 443 (RFC 8737).
    #[default]
    #[serde(rename = "tls-alpn-01")]
    TlsAlpn01,
    /// By a request to port 80 (RFC 8555, section 8.3).
    #[serde(rename = "http-01")]
    Http01,
    /// By a record in the DNS, which needs no port (RFC 8555, section 8.4).
    #[serde(rename = "dns-01")]
    Dns01,
}

impl AcmeChallenge {
    /// Its name in ACME.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TlsAlpn01 => "tls-alpn-01",
            Self::Http01 => "http-01",
            Self::Dns01 => "dns-01",
        }
    }
}

/// Who issues certificates by ACME: the word `letsencrypt` or `staging`, or the URL of another directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AcmeDirectory {
    /// Let's Encrypt.
    #[default]
    LetsEncrypt,
    /// Let's Encrypt for trying it out: its certificates are trusted by nobody, and its limits are wide.
    Staging,
    /// An `https` URL.
    Url(String),
}

impl AcmeDirectory {
    /// Its URL.
    pub fn url(&self) -> &str {
        match self {
            Self::LetsEncrypt => "https://acme-v02.api.letsencrypt.org/directory",
            Self::Staging => "https://acme-staging-v02.api.letsencrypt.org/directory",
            Self::Url(url) => url,
        }
    }
}

impl fmt::Display for AcmeDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LetsEncrypt => "letsencrypt",
            Self::Staging => "staging",
            Self::Url(url) => url,
        })
    }
}

impl FromStr for AcmeDirectory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "letsencrypt" => return Ok(Self::LetsEncrypt),
            "staging" => return Ok(Self::Staging),
            _ => {}
        }
        let url: Option<http::Uri> = text.parse().ok();
        let is_https = |url: &http::Uri| url.scheme_str() == Some("https") && url.host().is_some();
        match url {
            Some(url) if is_https(&url) => Ok(Self::Url(text.to_owned())),
            _ => Err("it is letsencrypt, staging or the https URL of another ACME directory".into()),
        }
    }
}

/// An address for mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeContact(String);

impl fmt::Display for AcmeContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AcmeContact {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let address = text.strip_prefix("mailto:").unwrap_or(text);
        // A directory refuses what is no address; what has another meaning in a mailto: URL must not come there.
        let is_plain = |character: char| character.is_ascii_graphic() && !"?&#%,<>\"\\".contains(character);
        match address.split_once('@') {
            Some((name, host))
                if !name.is_empty()
                    && host.contains('.')
                    && !host.contains('@')
                    && address.chars().all(is_plain) =>
            {
                Ok(Self(address.to_owned()))
            }
            _ => Err("it is one address for mail, as in operator@home.example"),
        }
    }
}
