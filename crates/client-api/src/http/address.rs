//! Where a provider's client API is, and the token that is shown there.

use std::{fmt, str::FromStr};

use reqwest::{Url, header::HeaderValue};

/// The base of a client API, such as `https://chat.example/client/v1` or `http://127.0.0.1:8444/client/v1`.
///
/// It is `https`, or `http` to this machine alone: the token is sent there with every request, and must not cross a
/// network in the clear. It has no user, query or fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiUrl(Url);

/// Why a text is not the base of a client API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidApiUrl {
    /// It is no URL.
    #[error("{0:?} is no URL; one of a client API looks like https://chat.example/client/v1")]
    NotAUrl(String),
    /// Its scheme is another one.
    #[error("{0:?} begins neither with https:// nor with http://")]
    Scheme(String),
    /// It is `http` to another machine.
    #[error("{0:?} would send the token in the clear to another machine; it has to begin with https://")]
    InTheClear(String),
    /// It has more than an address and a path.
    #[error("{0:?} has a user name, a query or a fragment, which the URL of a client API does not have")]
    MoreThanAPath(String),
}

impl ApiUrl {
    /// The URL of a resource, such as `/feed?after=1`.
    pub(super) fn of(&self, resource: &str) -> String {
        format!("{}{resource}", self.0.as_str().trim_end_matches('/'))
    }

    /// Whether it is reached over TLS.
    pub(super) fn has_tls(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl FromStr for ApiUrl {
    type Err = InvalidApiUrl;

    fn from_str(text: &str) -> Result<Self, InvalidApiUrl> {
        let url = Url::parse(text).map_err(|_| InvalidApiUrl::NotAUrl(text.to_owned()))?;
        match url.scheme() {
            "https" => {}
            "http" if is_this_machine(&url) => {}
            "http" => return Err(InvalidApiUrl::InTheClear(text.to_owned())),
            _ => return Err(InvalidApiUrl::Scheme(text.to_owned())),
        }
        let has_user = !url.username().is_empty() || url.password().is_some();
        if has_user || url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidApiUrl::MoreThanAPath(text.to_owned()));
        }
        Ok(Self(url))
    }
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// Whether a URL names this machine, whatever its system makes of names. `localhost` is left out: it is looked up.
fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A client's bearer token. Whoever has it speaks for the client, so it is not shown in logs.
#[derive(Clone)]
pub struct Token(HeaderValue);

/// The text is no bearer token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token is one word of letters, digits and -._~+/ with nothing before or behind it")]
pub struct InvalidToken;

impl Token {
    /// The field `Authorization`.
    pub(super) fn authorization(&self) -> &HeaderValue {
        &self.0
    }
}

impl FromStr for Token {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        // RFC 6750, section 2.1.
        let word = text.trim_end_matches('=');
        let fits = !word.is_empty()
            && word.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-._~+/".contains(&octet));
        if !fits {
            return Err(InvalidToken);
        }
        let mut value = HeaderValue::from_str(&format!("Bearer {text}")).map_err(|_| InvalidToken)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_another_machine_over_tls_alone() {
        for (text, feed) in [
            ("https://chat.example/client/v1", "https://chat.example/client/v1/feed"),
            ("https://chat.example:8444/client/v1/", "https://chat.example:8444/client/v1/feed"),
            ("https://chat.example", "https://chat.example/feed"),
            ("http://127.0.0.1:8444/client/v1", "http://127.0.0.1:8444/client/v1/feed"),
            ("http://[::1]:8444/client/v1", "http://[::1]:8444/client/v1/feed"),
        ] {
            assert_eq!(text.parse::<ApiUrl>().unwrap().of("/feed"), feed);
        }
        let parse = |text: &str| text.parse::<ApiUrl>().unwrap_err();
        for text in ["http://chat.example/client/v1", "http://localhost/client/v1", "http://192.0.2.1/"] {
            assert_eq!(parse(text), InvalidApiUrl::InTheClear(text.into()));
        }
        assert!(matches!(parse("chat.example/client/v1"), InvalidApiUrl::NotAUrl(_)));
        assert!(matches!(parse("ftp://chat.example/client/v1"), InvalidApiUrl::Scheme(_)));
        for text in ["https://ann@chat.example/", "https://chat.example/?token=1", "https://chat.example/#me"]
        {
            assert_eq!(parse(text), InvalidApiUrl::MoreThanAPath(text.into()));
        }
    }

    #[test]
    fn a_token_is_one_word_and_is_not_shown() {
        let token: Token = "f3xGmzuyDBiBAXKvqUdpoFyl9cI3ZQAjbQYxi1RtR9w".parse().unwrap();
        assert_eq!(format!("{token:?} {:?}", token.authorization()), "Token(…) Sensitive");
        for text in ["", "=", "two words", "line\r\nbreak", "a=b", "\u{e9}"] {
            assert_eq!(text.parse::<Token>().unwrap_err(), InvalidToken, "{text:?}");
        }
    }
}
