//! Where a browser opens the pages.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Where a browser opens pages: a scheme, a host, and a port where it is not the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    text: String,
    is_secure: bool,
}

impl Origin {
    /// As a browser writes it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is spoken with over TLS.
    pub fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Host and port, as in the field `Host`: without a port that is the scheme's own.
    pub fn host(&self) -> &str {
        self.text.split_once("://").map_or("", |(_, host)| host)
    }

    /// The host alone: a name, or an address without brackets.
    pub fn hostname(&self) -> &str {
        let host = self.host();
        match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, _)) => address,
            None => host.split(':').next().unwrap_or(host),
        }
    }

    /// The port, which may be the scheme's own.
    pub fn port(&self) -> u16 {
        let behind_host = self.host().rsplit(']').next().unwrap_or_default();
        let port = behind_host.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        port.unwrap_or(if self.is_secure { 443 } else { 80 })
    }

    /// Whether each computer takes it for itself.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.hostname())
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl FromStr for Origin {
    type Err = String;

    /// The error is one sentence.
    fn from_str(text: &str) -> Result<Self, String> {
        let not = |why: &str| {
            format!(
                "{text:?} is no origin: {why}, as in https://drawbridge.home.example or http://localhost:9999"
            )
        };
        let uri: http::Uri = text.parse().map_err(|_| not("it is https://, a host and maybe a port"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(not("it begins with https:// or http://"));
        };
        let is_secure = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(not("it begins with https:// or http://")),
        };
        if uri.path_and_query().is_some_and(|rest| rest.as_str() != "/")
            || text.ends_with('/')
            || text.contains('#')
        {
            return Err(not("nothing comes behind the host and the port"));
        }
        let (host, port) = (authority.host().to_ascii_lowercase(), authority.port_u16());
        // Without a name before the host, and with a port that is one.
        let written = port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        if host.is_empty() || !authority.as_str().eq_ignore_ascii_case(&written) {
            return Err(not("it is https://, a host and maybe a port"));
        }
        if !is_secure && !is_loopback(host.trim_start_matches('[').trim_end_matches(']')) {
            return Err(not("without TLS only localhost and addresses of the loopback network are opened"));
        }
        let port = port.filter(|port| *port != if is_secure { 443 } else { 80 });
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Self { text: format!("{scheme}://{host}{port}"), is_secure })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
