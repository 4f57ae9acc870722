//! What a person types for a provider, a user or a group. The wire has one spelling for each (section 2) and refuses all
//! others; a person means the same by several, which are read here and nowhere else. The normal form is what is used, and
//! what is shown before it is used.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use drawbridge_mtp::id::{GroupUri, InvalidIdentifier, Name, Provider, UserUri};
use serde::{Deserialize, Deserializer, de};

/// What was typed is nothing of the kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}; it looks like {example}", self.fault())]
pub struct NotUnderstood {
    typed: String,
    what: &'static str,
    why: String,
    example: &'static str,
}

impl NotUnderstood {
    fn fault(&self) -> String {
        let Self { typed, what, why, .. } = self;
        if typed.trim().is_empty() {
            format!("there is no {what} yet")
        } else {
            format!("{typed:?} is no {what}: {why}")
        }
    }
}

/// What providers are called beside their names, as those of the demo are: a name without a port, by which the provider is meant.
pub type ShortNames = HashMap<Provider, Provider>;

tokio::task_local! {
    /// Those that hold where this task reads. What reads a request by `de_as` is handed nothing but the request.
    static SHORT_NAMES: ShortNames;
}

/// Does `work`, in which whoever types one of `names` means the provider that is called so.
pub async fn with_short_names<T>(names: ShortNames, work: impl Future<Output = T>) -> T {
    SHORT_NAMES.scope(names, work).await
}

const SCHEMES: [&str; 6] = ["mimi:", "acct:", "mailto:", "xmpp:", "sip:", "im:"];

/// The provider that is meant: its authority, an URL of it, or somebody's address there; in whatever case or script.
///
/// ```
/// use drawbridge_node::typed;
///
/// for typed in ["home.example", "https://Home.Example/", "home.example:443", "bob@home.example", "home.example."] {
///     assert_eq!(typed::provider(typed).unwrap().as_str(), "home.example");
/// }
/// assert_eq!(typed::provider("bücher.example:8448").unwrap().as_str(), "xn--bcher-kva.example:8448");
/// ```
///
/// # Errors
///
/// Where nothing of the kind can be meant.
pub fn provider(typed: &str) -> Result<Provider, NotUnderstood> {
    let not = |why: String| NotUnderstood {
        typed: typed.to_owned(),
        what: "provider's name",
        why,
        example: "home.example, or home.example:8448",
    };
    let text = without_scheme(typed.trim());
    let text = text.split(['/', '?', '#']).next().unwrap_or(text);
    let authority = match (text.strip_prefix('@'), text.rsplit_once('@')) {
        // `@bob:home.example`
        (Some(rest), _) if !rest.contains('@') => {
            rest.split_once(':').map_or(rest, |(_, authority)| authority)
        }
        (_, Some((_, authority))) => authority,
        _ => text,
    };
    read_authority(authority).map_err(not)
}

/// The user who is meant: `bob@home.example`, `@bob:home.example`, `mimi://home.example/u/bob`, or an address of the other
/// kinds that begin so; a client's address means its user.
///
/// # Errors
///
/// Where nothing of the kind can be meant.
pub fn user(typed: &str) -> Result<UserUri, NotUnderstood> {
    let (name, provider) = read(typed, "u", '@').map_err(|why| NotUnderstood {
        typed: typed.to_owned(),
        what: "person's address",
        why,
        example: "bob@home.example, or mimi://home.example/u/bob",
    })?;
    Ok(UserUri::new(&provider, &name))
}

/// The group that is meant: `mimi://home.example/g/picnic`, also as a link to join it, `picnic@home.example` or
/// `#picnic:home.example`.
///
/// # Errors
///
/// Where nothing of the kind can be meant.
pub fn group(typed: &str) -> Result<GroupUri, NotUnderstood> {
    let (name, provider) = read(typed, "g", '#').map_err(|why| NotUnderstood {
        typed: typed.to_owned(),
        what: "group's address",
        why,
        example: "mimi://home.example/g/picnic",
    })?;
    Ok(GroupUri::new(&provider, &name))
}

/// Splits what stands for a thing of `kind` at a provider; `sigil` is what Matrix writes before it.
fn read(typed: &str, kind: &str, sigil: char) -> Result<(Name, Provider), String> {
    let text = without_scheme(typed.trim());
    let infix = format!("/{kind}/");
    let (name, authority) = if let Some((authority, name)) = text.split_once(&infix) {
        (name.split(['/', '?', '#']).next().unwrap_or(name), authority)
    } else if let Some(rest) = text.strip_prefix(sigil).filter(|rest| !rest.contains('@')) {
        rest.split_once(':').ok_or("it does not say at which provider")?
    } else {
        let text = text.strip_prefix(sigil).unwrap_or(text);
        let (name, rest) = text.rsplit_once('@').ok_or("it does not say who, and at which provider")?;
        (name, rest.split(['/', '?', '#']).next().unwrap_or(rest))
    };
    let name = name.to_ascii_lowercase().parse().map_err(|fault: InvalidIdentifier| fault.to_string())?;
    Ok((name, read_authority(authority)?))
}

fn without_scheme(text: &str) -> &str {
    if let Some((scheme, rest)) = text.split_once("://")
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    {
        return rest;
    }
    let begins = |scheme: &&str| text.get(..scheme.len()).is_some_and(|it| it.eq_ignore_ascii_case(scheme));
    SCHEMES
        .iter()
        .find(|scheme| begins(scheme))
        .map_or(text, |scheme| text[scheme.len()..].trim_start_matches('/'))
}

/// A host with or without a port, as it is written everywhere.
fn read_authority(authority: &str) -> Result<Provider, String> {
    let (host, port) = if authority.parse::<Ipv6Addr>().is_ok() {
        (authority, None)
    } else if let Some((literal, rest)) = authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        (literal, rest.strip_prefix(':'))
    } else {
        authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)))
    };
    let port = match port {
        None | Some("") => None,
        Some(digits) => match digits.parse::<u16>() {
            Ok(443) => None,
            Ok(port) if port > 0 && digits.bytes().all(|b| b.is_ascii_digit()) => Some(port),
            _ => return Err(format!("the port {digits:?} is none, those are 1 to 65535")),
        },
    };
    let host = read_host(host)?;
    let normal = port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
    let provider = normal.parse().map_err(|fault: InvalidIdentifier| fault.to_string())?;
    let called = SHORT_NAMES.try_with(|names| names.get(&provider).cloned());
    Ok(called.ok().flatten().unwrap_or(provider))
}

fn read_host(host: &str) -> Result<String, String> {
    if let Ok(address) = host.parse::<Ipv6Addr>() {
        let mapped = address.to_ipv4_mapped();
        return Ok(mapped.map_or_else(|| format!("[{address}]"), |address| address.to_string()));
    }
    if host.parse::<Ipv4Addr>().is_ok() {
        return Ok(host.to_owned());
    }
    // Other scripts become A-labels, and upper case lower, by the rules of UTS 46, as in browsers.
    let ascii = idna::domain_to_ascii(host).map_err(|_| "its host is no DNS name".to_owned())?;
    Ok(ascii.strip_suffix('.').unwrap_or(&ascii).to_owned())
}

/// For `#[serde(deserialize_with)]`, where a person has typed what is read.
pub mod de_as {
    use super::*;

    fn read<'de, D: Deserializer<'de>, T>(
        deserializer: D,
        read: impl Fn(&str) -> Result<T, NotUnderstood>,
    ) -> Result<T, D::Error> {
        read(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }

    /// A provider.
    ///
    /// # Errors
    ///
    /// Where none can be meant.
    pub fn provider<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Provider, D::Error> {
        read(deserializer, super::provider)
    }

    /// A provider, or none.
    ///
    /// # Errors
    ///
    /// Where none can be meant by what is there.
    pub fn some_provider<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Provider>, D::Error> {
        let typed: Option<String> = Option::deserialize(deserializer)?;
        typed.map(|typed| super::provider(&typed)).transpose().map_err(de::Error::custom)
    }

    /// A user.
    ///
    /// # Errors
    ///
    /// Where none can be meant.
    pub fn user<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UserUri, D::Error> {
        read(deserializer, super::user)
    }

    /// A group.
    ///
    /// # Errors
    ///
    /// Where none can be meant.
    pub fn group<'de, D: Deserializer<'de>>(deserializer: D) -> Result<GroupUri, D::Error> {
        read(deserializer, super::group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_read_as_it_is_meant() {
        for (typed, meant) in [
            (" home.example ", "home.example"),
            ("HOME.example", "home.example"),
            ("https://home.example", "home.example"),
            ("http://home.example/", "home.example"),
            ("https://home.example:8448/.well-known/mtp?x#y", "home.example:8448"),
            ("mimi://home.example/u/bob", "home.example"),
            ("mimi://home.example/g/picnic?code=abc", "home.example"),
            ("bob@home.example", "home.example"),
            ("@bob:home.example:8448", "home.example:8448"),
            ("https://user:secret@home.example/", "home.example"),
            ("home.example.", "home.example"),
            ("home.example:443", "home.example"),
            ("home.example:08448", "home.example:8448"),
            ("home.example:", "home.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example:8448", "xn--bcher-kva.example:8448"),
            ("ｈｏｍｅ.example", "home.example"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("192.168.1.20:9506", "192.168.1.20:9506"),
            ("::1", "[::1]"),
            ("[0:0:0:0:0:0:0:1]:9506", "[::1]:9506"),
            ("[::ffff:192.168.1.20]", "192.168.1.20"),
            ("localhost:9506", "localhost:9506"),
        ] {
            assert_eq!(provider(typed).map(|read| read.to_string()), Ok(meant.to_owned()), "{typed}");
        }
        for typed in [
            "",
            "https://",
            "home.example:port",
            "home.example:0",
            "home.example:65536",
            "a b",
            "ho_me.example",
        ] {
            let fault = provider(typed).unwrap_err().to_string();
            assert!(fault.ends_with("it looks like home.example, or home.example:8448"), "{fault}");
        }
    }

    #[test]
    fn what_a_person_types_for_a_person_is_understood() {
        for typed in [
            "mimi://home.example/u/bob",
            "bob@home.example",
            " Bob@Home.Example ",
            "@bob:home.example",
            "@bob@home.example",
            "mimi:bob@home.example",
            "acct:bob@home.example",
            "MAILTO:bob@home.example",
            "xmpp:bob@home.example/phone",
            "https://home.example/u/bob",
            "home.example/u/bob",
            "mimi://home.example:443/u/bob/d/phone",
        ] {
            assert_eq!(
                user(typed).map(|read| read.to_string()),
                Ok("mimi://home.example/u/bob".into()),
                "{typed}"
            );
        }
        assert_eq!(
            user("bob@bücher.example:8448").unwrap().as_str(),
            "mimi://xn--bcher-kva.example:8448/u/bob"
        );
        assert_eq!(user("@bob:[::1]:9506").unwrap().as_str(), "mimi://[::1]:9506/u/bob");
        for typed in [
            "",
            "bob",
            "@bob",
            "bob@",
            "@home.example",
            "b b@home.example",
            "mimi://home.example/g/bob",
            "böb@home.example",
        ] {
            let fault = user(typed).unwrap_err().to_string();
            assert!(
                fault.ends_with("it looks like bob@home.example, or mimi://home.example/u/bob"),
                "{fault}"
            );
        }
    }

    #[test]
    fn a_group_is_read_as_it_is_meant() {
        for typed in [
            "mimi://home.example/g/picnic",
            "mimi://Home.Example/g/picnic?code=x",
            "picnic@home.example",
            "#picnic:home.example",
            "home.example/g/Picnic",
        ] {
            assert_eq!(
                group(typed).map(|read| read.to_string()),
                Ok("mimi://home.example/g/picnic".into()),
                "{typed}"
            );
        }
        assert!(group("mimi://home.example/u/picnic").is_err());
        assert!(group("picnic").is_err());
    }

    #[tokio::test]
    async fn a_short_name_means_its_provider_where_there_are_some() {
        let called: Provider = "127.0.0.1:9506".parse().unwrap();
        let names = ShortNames::from([("beta".parse().unwrap(), called.clone())]);
        with_short_names(names, async {
            for typed in ["beta", "Beta", "bob@beta", "https://beta/", "127.0.0.1:9506"] {
                assert_eq!(provider(typed), Ok(called.clone()), "{typed}");
            }
            assert_eq!(user("bob@beta").unwrap().as_str(), "mimi://127.0.0.1:9506/u/bob");
            assert_eq!(group("mimi://beta/g/picnic").unwrap().as_str(), "mimi://127.0.0.1:9506/g/picnic");
            for typed in ["beta.example", "beta:9506", "alpha"] {
                assert_eq!(provider(typed).unwrap().as_str(), typed);
            }
        })
        .await;
        assert_eq!(provider("beta").unwrap().as_str(), "beta");
    }
}
