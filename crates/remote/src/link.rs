//! The link by which the pages of a provider are opened, as a person pastes it.

use std::str::FromStr;

use drawbridge_admin::AdminError;
use drawbridge_node::config::Origin;
use zeroize::Zeroizing;

/// What stands before the token.
const TOKEN: &str = "#token=";

/// Where the pages are, and the token that lets in once.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) origin: Origin,
    pub(crate) token: Zeroizing<String>,
}

impl FromStr for Link {
    type Err = AdminError;

    /// Also the whole line that `drawbridged` prints at its start is taken.
    fn from_str(text: &str) -> Result<Self, AdminError> {
        let Some(word) = text.split_whitespace().find(|word| word.contains(TOKEN)) else {
            let text = "this is no whole link: behind the address it has #token= and what follows that; drawbridged link prints one on \
                        the other machine, and “Open on another device” under Settings shows one";
            return Err(AdminError::new("link-without-token", text));
        };
        let (address, token) = word.split_once(TOKEN).unwrap_or((word, ""));
        let is_token = !token.is_empty() && token.bytes().all(|octet| octet.is_ascii_alphanumeric());
        if !is_token {
            let text = "what follows #token= in this link is cut off or misspelled; copy the link whole";
            return Err(AdminError::new("link-misspelled", text));
        }
        let origin = address.strip_suffix('/').unwrap_or(address).parse();
        let origin = origin.map_err(|fault: String| AdminError::new("link-misspelled", fault))?;
        Ok(Self { origin, token: Zeroizing::new(token.to_owned()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_read_alone_and_in_the_line_that_is_printed() {
        for text in [
            "https://home.example:9103/#token=ab12",
            "  https://home.example:9103#token=ab12\n",
            "open https://home.example:9103/#token=ab12 in a browser (the token in it works once)",
        ] {
            let link: Link = text.parse().unwrap();
            assert_eq!(
                (link.origin.as_str(), link.token.as_str()),
                ("https://home.example:9103", "ab12"),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_link_is_refused_by_its_own_reason() {
        for (text, code) in [
            ("", "link-without-token"),
            ("https://home.example:9103/", "link-without-token"),
            ("https://home.example:9103/#token=", "link-misspelled"),
            ("https://home.example:9103/#token=ab%", "link-misspelled"),
            ("home.example:9103/#token=ab12", "link-misspelled"),
            // Nobody else's machine is spoken with in the clear.
            ("http://home.example:9103/#token=ab12", "link-misspelled"),
        ] {
            assert_eq!(text.parse::<Link>().unwrap_err().code, code, "{text}");
        }
        let tunnel: Link = "http://127.0.0.1:9103/#token=ab12".parse().unwrap();
        assert!(!tunnel.origin.is_secure());
    }
}
