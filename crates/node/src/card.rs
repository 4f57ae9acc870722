//! The card of a provider: what its operator gives to others, so that they add it and know whom they meet.

use std::fmt;
use std::str::FromStr;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::keys::Thumbprint;

use crate::identity::Fingerprint;
use crate::typed;

const SCHEME: &str = "mimi://";

/// A provider, the key that it signs with, and where its certificate has signed itself, that one's fingerprint.
///
/// As text it is a link, `mimi://home.example?key=…&certificate=…`; a parameter of another name means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its name.
    pub provider: Provider,
    /// The thumbprint of its key.
    pub key: Thumbprint,
    /// The certificate that it shows, where nobody else vouches for it.
    pub certificate: Option<Fingerprint>,
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}?key={}", self.provider, self.key)?;
        match &self.certificate {
            Some(certificate) => write!(f, "&certificate={}", certificate.to_hex()),
            None => Ok(()),
        }
    }
}

impl FromStr for Card {
    type Err = String;

    /// The error is one sentence.
    fn from_str(text: &str) -> Result<Self, String> {
        let not = |why: &str| {
            format!(
                "this is no whole card of a provider: {why}; ask its operator for the link again, and take all of it"
            )
        };
        let (place, query) = text.trim().split_once('?').ok_or_else(|| not("it names no key"))?;
        let place = place.strip_prefix(SCHEME).ok_or_else(|| not("it does not begin with mimi://"))?;
        let provider = typed::provider(place).map_err(|fault| not(&fault.to_string()))?;
        let (mut key, mut certificate) = (None, None);
        for part in query.split('&') {
            match part.split_once('=') {
                Some(("key", value)) if key.is_none() => {
                    key = Some(value.parse().map_err(|_| not("its key is cut off or misspelled"))?);
                }
                Some(("certificate", value)) if certificate.is_none() => {
                    let read = value
                        .parse()
                        .map_err(|_| not("the fingerprint of its certificate is cut off or misspelled"));
                    certificate = Some(read?);
                }
                Some(("key" | "certificate", _)) => return Err(not("it names something twice")),
                _ => {}
            }
        }
        Ok(Self { provider, key: key.ok_or_else(|| not("it names no key"))?, certificate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_read_as_it_is_written_and_one_that_is_cut_off_is_refused() {
        let key = drawbridge_mtp::keys::SecretKey::from_seed([7; 32]).public().thumbprint().to_owned();
        let provider: Provider = "home.example:8443".parse().unwrap();
        let certificate = Some(Fingerprint::of(b"a certificate"));
        for certificate in [None, certificate] {
            let card = Card { provider: provider.clone(), key, certificate };
            let text = card.to_string();
            assert_eq!(text.parse(), Ok(card.clone()));
            assert_eq!(format!(" {text}&later=1 ").parse(), Ok(card.clone()));
            assert_eq!(
                typed::provider(&text),
                Ok(card.provider.clone()),
                "where only a name is asked for, it is one"
            );
            for cut in
                [&text[..text.len() - 1], "mimi://home.example", "home.example?key=x", "mimi://?key=x", ""]
            {
                assert!(cut.parse::<Card>().is_err(), "{cut}");
            }
            assert!(format!("{text}&key={key}").parse::<Card>().is_err());
        }
    }
}
