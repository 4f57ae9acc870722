//! Which address a request comes from that a proxy has passed on: what `X-Forwarded-For` or `Forwarded` (RFC 7239) says, as
//! far as those who have written it are believed.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

const X_FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED: &str = "forwarded";

/// The networks of the proxies that are believed.
#[derive(Debug)]
pub(super) struct TrustedProxies {
    networks: Vec<IpNet>,
}

impl TrustedProxies {
    pub(super) fn new(networks: Vec<IpNet>) -> Self {
        Self { networks }
    }

    /// Those on this machine.
    pub(super) fn of_this_machine() -> Self {
        let networks = ["127.0.0.0/8", "::1/128"];
        Self { networks: networks.iter().filter_map(|network| network.parse().ok()).collect() }
    }

    /// Whether what is at `address` is believed.
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// The address that a request comes from which a trusted proxy has passed on with `headers`: each proxy adds whom it was
    /// asked by at the end, so it is the last that is not a trusted proxy itself. What is before that may be anybody's invention.
    ///
    /// None where it cannot be told: the fields are missing or malformed, or both are there and differ, of which the proxy has
    /// written only one.
    pub(super) fn address_of(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let old = read(headers, X_FORWARDED_FOR, hops_of_x_forwarded_for).map(|hops| self.last_of(&hops));
        let new = read(headers, FORWARDED, hops_of_forwarded).map(|hops| self.last_of(&hops));
        match (old, new) {
            (Some(address), None) | (None, Some(address)) => address,
            (Some(old), Some(new)) => old.filter(|_| old == new),
            (None, None) => None,
        }
    }

    /// The last hop that is not a trusted proxy, or the first one where all are.
    fn last_of(&self, hops: &[Option<IpAddr>]) -> Option<IpAddr> {
        let mut first = None;
        for hop in hops.iter().rev() {
            let hop = (*hop)?;
            if !self.trusts(hop) {
                return Some(hop);
            }
            first = Some(hop);
        }
        first
    }
}

/// The hops in all lines of the field `name`; none where it is not there. A line that cannot be read is a hop that is unknown.
fn read(
    headers: &HeaderMap,
    name: &str,
    hops: fn(&str) -> Vec<Option<IpAddr>>,
) -> Option<Vec<Option<IpAddr>>> {
    let mut lines = headers.get_all(name).iter().peekable();
    lines.peek()?;
    // What is not UTF-8 is no address, and spoils nothing behind it.
    Some(lines.flat_map(|line| hops(&String::from_utf8_lossy(line.as_bytes()))).collect())
}

fn hops_of_x_forwarded_for(line: &str) -> Vec<Option<IpAddr>> {
    line.split(',').map(node).collect()
}

/// The hops of a line such as `for=192.0.2.60;proto=https, for="[2001:db8::1]:4711"`. Where its quotes or its pairs are out of
/// order, the last hop is unknown.
fn hops_of_forwarded(line: &str) -> Vec<Option<IpAddr>> {
    let mut hops = Vec::new();
    for element in split(line, ',') {
        let mut hop = None;
        for pair in split(element, ';') {
            let Some((name, value)) = pair.split_once('=') else { continue };
            if name.trim().eq_ignore_ascii_case("for") {
                hop = unquote(value.trim()).and_then(node);
            }
        }
        hops.push(hop);
    }
    hops
}

/// The parts of a text between separators that are in no quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |letter: char| {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => return letter == separator && !is_quoted,
        }
        false
    })
}

/// The content of a quoted string, or a value without quotes. No address needs an escape, so there is none.
fn unquote(value: &str) -> Option<&str> {
    match value.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"').filter(|inner| !inner.contains(['"', '\\'])),
        None => Some(value).filter(|value| !value.contains('"')),
    }
}

/// An address, which may have a port, of IPv6 also in brackets.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(bracketed).or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    /// What is read of these fields by one who trusts this machine and 10.0.0.0/8.
    fn told(fields: &[(&str, &str)]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let networks = ["127.0.0.0/8", "10.0.0.0/8", "::1/128"];
        let proxies = TrustedProxies::new(networks.map(|network| network.parse().unwrap()).into());
        proxies.address_of(&headers).map(|address| address.to_string())
    }

    #[test]
    fn the_last_hop_that_is_no_trusted_proxy_is_who_asks() {
        let v4 = Some("192.0.2.1".to_owned());
        for fields in [
            &[("x-forwarded-for", "192.0.2.1")][..],
            &[("x-forwarded-for", "203.0.113.9, 192.0.2.1")],
            &[("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "192.0.2.1")],
            &[("x-forwarded-for", "192.0.2.1, 10.0.0.7, 127.0.0.1")],
            &[("x-forwarded-for", "192.0.2.1:4711,10.0.0.7:80")],
            &[("x-forwarded-for", "::ffff:192.0.2.1")],
            &[("x-forwarded-for", "nonsense, \u{fc}, 192.0.2.1")],
            &[("forwarded", "for=192.0.2.1;proto=https;by=203.0.113.43")],
            &[("forwarded", "For=\"192.0.2.1:4711\"")],
            &[("forwarded", "for=unknown, proto=https;for=192.0.2.1 , for=10.1.1.1")],
            &[("forwarded", "for=\"_a,b;c\", for=192.0.2.1")],
            &[("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1")],
        ] {
            assert_eq!(told(fields), v4, "{fields:?}");
        }
        let v6 = Some("2001:db8::1".to_owned());
        for fields in [
            &[("x-forwarded-for", "2001:db8::1")][..],
            &[("x-forwarded-for", "[2001:db8::1]:4711, ::1")],
            &[("forwarded", "for=\"[2001:db8::1]:4711\"")],
            &[("forwarded", "for=\"[2001:DB8:0::1]\"")],
        ] {
            assert_eq!(told(fields), v6, "{fields:?}");
        }
        assert_eq!(told(&[("x-forwarded-for", "10.0.0.1, 10.0.0.2")]), Some("10.0.0.1".into()));
    }

    #[test]
    fn what_is_malformed_or_said_twice_tells_nothing() {
        for fields in [
            &[][..],
            &[("x-forwarded-for", "")],
            &[("x-forwarded-for", "192.0.2.1,")],
            &[("x-forwarded-for", "192.0.2.1, unknown")],
            &[("x-forwarded-for", "192.0.2.1, 10.0.0.1 10.0.0.2")],
            &[("x-forwarded-for", "192.0.2.1, 10.0.0.1, \u{fc}")],
            &[("x-forwarded-for", "192.0.2.1:99999")],
            &[("x-forwarded-for", "192.0.2")],
            &[("forwarded", "for=_hidden")],
            &[("forwarded", "for=unknown")],
            &[("forwarded", "192.0.2.1")],
            &[("forwarded", "proto=https")],
            // One who asks has opened quotes that the proxy does not close.
            &[("forwarded", "for=\"a, for=192.0.2.1")],
            &[("forwarded", "for=\"a\\\", for=192.0.2.1")],
            &[("forwarded", "for=\"192.0.2.1\"x")],
            &[("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.2")],
            &[("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=unknown")],
        ] {
            assert_eq!(told(fields), None, "{fields:?}");
        }
        let long = "1.2.3.4,".repeat(100_000);
        assert_eq!(told(&[("x-forwarded-for", &long)]), None);
    }

    #[test]
    fn whatever_comes_is_read_without_a_panic() {
        let letters =
            ["for=", "\"", "\\", ",", ";", "[", "]", ":", "1.2.3.4", "::1", "\u{1f600}", "=", " ", "f"];
        let mut state = 1_u32;
        for _ in 0..20_000 {
            let mut line = String::new();
            for _ in 0..state % 12 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                line.push_str(letters[(state >> 16) as usize % letters.len()]);
            }
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            for name in ["x-forwarded-for", "forwarded"] {
                let _ = told(&[(name, &line)]);
            }
            let _ = (hops_of_forwarded(&line), hops_of_x_forwarded_for(&line));
        }
    }
}
