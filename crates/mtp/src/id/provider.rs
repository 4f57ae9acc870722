use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
    sync::Arc,
};

use super::InvalidIdentifier;
use crate::text::as_text;

/// A provider's authority: a host, and a port where it is not 443 (section 2).
///
/// ```
/// use drawbridge_mtp::id::Provider;
///
/// assert!("home.example:8448".parse::<Provider>().is_ok());
/// assert!("home.example:443".parse::<Provider>().is_err(), "the default port is not written");
/// assert!("Home.example".parse::<Provider>().is_err(), "a host is in lower case");
/// ```
///
/// A host that URL parsers would read as an IPv4 address in another spelling, such as `0x7f`, is none, so what
/// [`host`](Self::host) says is what any of them says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Provider(Arc<str>);

/// The host in an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    /// A DNS name, in lower case, internationalized labels as A-labels.
    Dns(&'a str),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address; its brackets are not part of it.
    V6(Ipv6Addr),
}

const DEFAULT_PORT: u16 = 443;
const MAX_HOST: usize = 253;
const MAX_LABEL: usize = 63;

impl Provider {
    /// The authority as it is written everywhere.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host, told apart by its kind.
    pub fn host(&self) -> Host<'_> {
        let (host, _) = split(&self.0);
        if let Some(literal) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            // It was parsed when this was made.
            return Host::V6(literal.parse().unwrap_or(Ipv6Addr::UNSPECIFIED));
        }
        host.parse().map_or(Host::Dns(host), Host::V4)
    }

    /// The port, 443 where none is written.
    pub fn port(&self) -> u16 {
        let (_, port) = split(&self.0);
        port.and_then(|digits| digits.parse().ok()).unwrap_or(DEFAULT_PORT)
    }
}

impl FromStr for Provider {
    type Err = InvalidIdentifier;

    fn from_str(text: &str) -> Result<Self, InvalidIdentifier> {
        let (host, port) = split(text);
        if let Some(port) = port {
            check_port(port)?;
        }
        check_host(host)?;
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Provider {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

as_text!(Provider);

/// Splits at the colon before the port, which in an IPv6 literal is the one after the bracket.
fn split(authority: &str) -> (&str, Option<&str>) {
    let after_literal = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    match authority[after_literal..].find(':') {
        Some(colon) => (&authority[..after_literal + colon], Some(&authority[after_literal + colon + 1..])),
        None => (authority, None),
    }
}

fn check_port(port: &str) -> Result<(), InvalidIdentifier> {
    let plain = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) && !port.starts_with('0');
    match port.parse::<u16>() {
        Ok(DEFAULT_PORT) => Err(fault("the default port 443 is not written")),
        Ok(_) if plain => Ok(()),
        _ => Err(fault("a port is 1 to 65535, in digits, without leading zeros")),
    }
}

fn check_host(host: &str) -> Result<(), InvalidIdentifier> {
    if host.is_empty() {
        return Err(fault("it has no host"));
    }
    if host.len() > MAX_HOST {
        return Err(fault("a host has at most 253 octets"));
    }
    if host.starts_with('[') {
        return check_ipv6(host);
    }
    for label in host.split('.') {
        check_label(label)?;
    }
    let last = host.rsplit('.').next().unwrap_or(host);
    // URL parsers take such a host for an IPv4 address, whatever stands before the last label.
    let is_number = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x");
    if is_number && host.parse::<Ipv4Addr>().is_err() {
        return Err(fault("a host that ends in a number must be a dotted-quad IPv4 address"));
    }
    Ok(())
}

fn check_ipv6(host: &str) -> Result<(), InvalidIdentifier> {
    let literal = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .ok_or(fault("an IPv6 literal is in one pair of brackets"))?;
    let address: Ipv6Addr = literal
        .parse()
        .map_err(|_| fault("what is in brackets is not an IPv6 address (zones are not allowed)"))?;
    if address.to_ipv4_mapped().is_some() {
        return Err(fault("an IPv4-mapped address is written as IPv4"));
    }
    if address.to_string() != literal {
        return Err(fault("an IPv6 address is written in RFC 5952 form"));
    }
    Ok(())
}

fn check_label(label: &str) -> Result<(), InvalidIdentifier> {
    if label.is_empty() {
        return Err(fault("a label of its host is empty"));
    }
    if label.len() > MAX_LABEL {
        return Err(fault("a label of a host has at most 63 octets"));
    }
    if !label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return Err(fault(
            "a host is lower-case letters, digits, hyphens and dots (A-labels for other scripts)",
        ));
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err(fault("a label neither starts nor ends with a hyphen"));
    }
    Ok(())
}

const fn fault(why: &'static str) -> InvalidIdentifier {
    InvalidIdentifier::new("a provider", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(text: &str) -> Provider {
        text.parse().unwrap()
    }

    #[test]
    fn a_host_is_told_apart_by_kind() {
        assert_eq!(provider("a.example").host(), Host::Dns("a.example"));
        assert_eq!(provider("127.0.0.1:9101").host(), Host::V4(Ipv4Addr::LOCALHOST));
        assert_eq!(provider("[::1]").host(), Host::V6(Ipv6Addr::LOCALHOST));
        assert_eq!(provider("[::1]:9101").port(), 9101);
        assert_eq!(provider("[::1]").port(), 443);
    }

    #[test]
    fn only_the_last_label_makes_a_number_of_a_host() {
        for fine in ["0x7f.example", "1.example", "a.0y7f", "x0x7f", "a.x1"] {
            assert_eq!(provider(fine).host(), Host::Dns(fine));
        }
    }

    #[test]
    fn lengths_are_counted_to_the_octet() {
        let label = "a".repeat(63);
        let host = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert_eq!(host.len(), 253);
        assert!(host.parse::<Provider>().is_ok());
        assert!(format!("{host}a").parse::<Provider>().is_err());
        assert!(format!("{host}:65535").parse::<Provider>().is_ok(), "the port is not the host's");
    }

    #[test]
    fn odd_forms_are_refused() {
        for odd in [
            "",
            ":",
            ":80",
            "a.example:",
            "a.example:+80",
            "a.example:80:90",
            "a:b:80",
            "::1",
            "[::1]x",
            "[::1]]",
            "[]",
            "[::1",
            "::1]",
            "[::1]:443",
            "[::1%eth0]",
            "[FE80::1]",
            "[::ffff:102:304]",
            "1.2.3.4.5",
            "01.2.3.4",
            "256.1.1.1",
            "a.example/",
            "a-.example",
            ".example",
            "a.example.",
            "a.1",
            "0x7f",
            "0x",
            "0xcafe",
            "0xg.0xzz",
            "a.0x7f:8448",
            "127.0.0.0x1",
        ] {
            assert!(odd.parse::<Provider>().is_err(), "{odd:?}");
        }
    }
}
