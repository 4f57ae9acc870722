//! The configuration that the answers make.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use drawbridge_mtp::id::{Name, Provider};
use drawbridge_node::config::{AcmeConfig, ListenAddress};
use ipnet::IpNet;

/// A provider that can be set up: every answer was looked at, and is taken.
pub(crate) struct Plan {
    /// Its name.
    pub(super) provider: Provider,
    /// Its first account.
    pub(crate) user: Name,
    /// Where it listens for other providers.
    pub(super) listen: ListenAddress,
    /// Whether the router is asked to lead the port there.
    pub(super) open_port: bool,
    /// Where it listens for the users' clients.
    pub(super) clients: SocketAddr,
    /// Whose certificate others are shown.
    pub(super) shown: Shown,
}

/// Whose certificate other providers are shown.
pub(super) enum Shown {
    /// One that is got by ACME.
    Acme(AcmeConfig),
    /// That of these files: the certificate and its key.
    Files(PathBuf, PathBuf),
    /// That of the proxy.
    Proxy,
    /// One that signs itself.
    Own {
        /// The private network that others are on too, where the name leads into one.
        network: Option<&'static str>,
    },
}

/// Private networks.
const PRIVATE: [&str; 7] =
    ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7"];

/// The private network that `address` is in.
pub(super) fn network_of(address: IpAddr) -> Option<&'static str> {
    let address = address.to_canonical();
    let is_in = |text: &&str| text.parse().is_ok_and(|network: IpNet| network.contains(&address));
    PRIVATE.into_iter().find(is_in)
}

impl Plan {
    /// The text of the configuration file, with `data` as the path of the data folder. Other paths in it are whole.
    pub(super) fn to_toml(&self, data: &str) -> String {
        let mut text = format!(
            "# Made by Drawbridge on first start; see the operator's guide for all that can be set here.\n\
             provider = {}\ndata_dir = {}\n\n[mtp]\nlisten = {}\n",
            quoted(self.provider.as_str()),
            quoted(data),
            quoted(&self.listen.to_string()),
        );
        if self.open_port {
            text += "# Asks the router to lead the port here.\nopen_port = true\n";
        }
        match &self.shown {
            Shown::Acme(acme) => {
                text += "\n# Asks for a certificate, and renews it.\n[acme]\nagree_terms = true\n";
                text += &format!("directory = {}\n", quoted(&acme.directory.to_string()));
                text += &format!("challenge = {}\n", quoted(acme.challenge.as_str()));
                if let Some(contact) = &acme.contact {
                    text += &format!("contact = {}\n", quoted(&contact.to_string()));
                }
                if let Some(command) = &acme.dns_command {
                    text += &format!("dns_command = {}\n", quoted_path(command));
                }
            }
            Shown::Files(cert, key) => {
                text += &format!("tls_cert = {}\ntls_key = {}\n", quoted_path(cert), quoted_path(key));
            }
            Shown::Proxy => {
                text += "# A proxy on this computer has the certificate; drawbridged proxy-config prints what it needs.\n\
                                     behind_proxy = true\n"
            }
            Shown::Own { network: None } => {}
            Shown::Own { network: Some(network) } => {
                text += "\n# Other providers in the network that the name leads into are spoken with.\n";
                text += &format!("[peers]\nallow_networks = [{}]\n", quoted(network));
            }
        }
        text += &format!(
            "\n# For clients of your own.\n[client]\nlisten = {}\n",
            quoted(&self.clients.to_string())
        );
        if let Shown::Files(cert, key) = &self.shown
            && !self.clients.ip().to_canonical().is_loopback()
        {
            text += &format!("tls_cert = {}\ntls_key = {}\n", quoted_path(cert), quoted_path(key));
        }
        text += &format!(
            "\n# Each day, into the folder {data}/backups; one on another disk survives this one.\n[backup]\nevery_hours = 24\n"
        );
        text
    }
}

pub(super) fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn quoted_path(path: &Path) -> String {
    quoted(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_its_private_network_and_a_public_one_in_none() {
        for (address, network) in [
            ("127.0.0.1", Some("127.0.0.0/8")),
            ("10.255.0.1", Some("10.0.0.0/8")),
            ("172.31.255.255", Some("172.16.0.0/12")),
            ("172.32.0.1", None),
            ("100.127.0.1", Some("100.64.0.0/10")),
            ("100.128.0.1", None),
            ("192.168.7.7", Some("192.168.0.0/16")),
            ("::ffff:192.168.7.7", Some("192.168.0.0/16")),
            ("::1", Some("::1/128")),
            ("::2", None),
            ("fd12::1", Some("fc00::/7")),
            ("9.9.9.9", None),
        ] {
            assert_eq!(network_of(address.parse().unwrap()), network, "{address}");
        }
    }
}
