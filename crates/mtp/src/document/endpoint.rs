use std::{fmt, str::FromStr, sync::Arc};

use crate::{
    id::{Host, InvalidIdentifier, Provider},
    text::as_text,
};

/// Where a provider's resources are: `https://{authority}{path}` (section 3). Any host; no userinfo, query,
/// fragment, trailing slash or default port.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    text: Arc<str>,
    authority: Provider,
}

/// Why a text is not an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidEndpoint {
    /// It is not `https`.
    #[error("not an endpoint: it does not start with https://")]
    Scheme,
    /// Its host or port is not in its form.
    #[error("not an endpoint: its authority is {0}")]
    Authority(#[from] InvalidIdentifier),
    /// Its path is not in its form.
    #[error("not an endpoint: its path {0}")]
    Path(&'static str),
}

const SCHEME: &str = "https://";

impl Endpoint {
    /// The endpoint as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme and authority, `https://{authority}`: what a target URI starts with, before the request target.
    pub fn origin(&self) -> &str {
        &self.text[..self.path_at()]
    }

    /// The path, without a slash at its end; empty where the resources are at the root.
    pub fn path(&self) -> &str {
        &self.text[self.path_at()..]
    }

    /// The URI of a resource as the contract writes it, such as `/feed?after=1`.
    pub fn url(&self, resource: &str) -> String {
        format!("{}{resource}", self.text)
    }

    /// The host and port, in the form of a provider's name, which they need not be.
    pub fn authority(&self) -> &Provider {
        &self.authority
    }

    /// The host.
    pub fn host(&self) -> Host<'_> {
        self.authority.host()
    }

    /// The port, 443 where none is written.
    pub fn port(&self) -> u16 {
        self.authority.port()
    }

    fn path_at(&self) -> usize {
        SCHEME.len() + self.authority.as_str().len()
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let after = text.strip_prefix(SCHEME).ok_or(InvalidEndpoint::Scheme)?;
        let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
        let authority = authority.parse()?;
        check_path(path)?;
        Ok(Self { text: text.into(), authority })
    }
}

/// A path is signed as the octets sent, so it has to be one that no HTTP library rewrites.
fn check_path(path: &str) -> Result<(), InvalidEndpoint> {
    let bytes = path.as_bytes();
    if path.ends_with('/') {
        return Err(InvalidEndpoint::Path("ends with a slash"));
    }
    let escaped =
        |at: usize| bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    let allowed = |(at, b): (usize, &u8)| match b {
        b'%' => escaped(at),
        b => b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(b),
    };
    if !bytes.iter().enumerate().all(allowed) {
        return Err(InvalidEndpoint::Path(
            "has a query, a fragment, or a character that is not allowed in a path",
        ));
    }
    let is_dots =
        |segment: &str| matches!(segment.replace("%2e", ".").replace("%2E", ".").as_str(), "." | "..");
    if path.split('/').skip(1).any(|segment| segment.is_empty() || is_dots(segment)) {
        return Err(InvalidEndpoint::Path("has an empty segment, or one of dots"));
    }
    Ok(())
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.text).finish()
    }
}

as_text!(Endpoint);
