//! The name of the provider, which stays for good, and the name of its first account.

use std::net::IpAddr;
use std::sync::Arc;

use drawbridge_mtp::id::{Host, Name, Provider};
use drawbridge_node::ambient::System;
use drawbridge_node::{AddressGuard, GuardFault, typed};

use crate::request::ReachedBy;
use crate::view::SetUpNote;

/// What names end in that are known in one network at most.
const LOCAL: [&str; 9] =
    [".local", ".lan", ".home", ".internal", ".home.arpa", ".localdomain", ".test", ".invalid", ".onion"];

/// An answer about the name.
pub(super) struct NameLook {
    /// The name, where it is written as it is used.
    pub(super) name: Option<Provider>,
    /// The address of a private network, or of this computer, to which it leads. It is looked for where that is what is wanted.
    pub(super) private: Option<IpAddr>,
    /// What is to be said of it.
    pub(super) notes: Vec<SetUpNote>,
}

/// Looks at the name that was typed. `port` is where the provider listens for others, unless a proxy does.
pub(super) async fn look_at_name(typed: &str, reached_by: ReachedBy, port: Option<u16>) -> NameLook {
    let refused = |note| NameLook { name: None, private: None, notes: vec![note] };
    let typed = typed.trim();
    let name = match typed::provider(typed) {
        Ok(name) => name,
        Err(fault) => return refused(SetUpNote::wrong("name-not-understood", fault.to_string())),
    };
    if name.as_str() != typed {
        let text = format!("others know a provider by its name alone, in lower case: {name}");
        return refused(SetUpNote::wrong("name-form", text).instead(&name));
    }
    let elsewhere = port.filter(|port| *port != 0 && *port != name.port() && reached_by != ReachedBy::Proxy);
    let other_port = elsewhere.map(|port| note_other_port(&name, port));
    let of_one_network = known_in_one_network(&name);
    let (private, not_reached) = match of_one_network {
        Some(note) if reached_by != ReachedBy::Network => (None, Some(note)),
        note => {
            let (private, found) = look_up(&name).await;
            (private, note.or(found))
        }
    };
    NameLook { private, notes: other_port.into_iter().chain(not_reached).collect(), name: Some(name) }
}

/// The name leads others to another port than the one that is listened on.
fn note_other_port(name: &Provider, port: u16) -> SetUpNote {
    let text = format!(
        "under the name {name} others come to port {}, and this provider would listen on port {port}: that is right only where a \
         router passes the one on to the other",
        name.port()
    );
    let note = SetUpNote::confirm("name-other-port", text);
    let own_port = name.port().to_string();
    let host = name.as_str().strip_suffix(&format!(":{own_port}")).unwrap_or(name.as_str());
    note.instead(if port == 443 { host.to_owned() } else { format!("{host}:{port}") })
}

/// That others do not find a provider of that name, as its form tells.
fn known_in_one_network(name: &Provider) -> Option<SetUpNote> {
    let Host::Dns(host) = name.host() else { return None };
    if host == "localhost" || host.ends_with(".localhost") {
        let text = format!(
            "the name {host} is what every computer calls itself: no other computer finds this one by it"
        );
        return Some(for_good("name-this-computer", &text));
    }
    if !host.contains('.') {
        let text = format!(
            "the name {host} is a single word, which is known in one network at most: providers elsewhere do not find it"
        );
        return Some(for_good("name-one-word", &text));
    }
    let end = LOCAL.iter().find(|end| host.ends_with(*end))?;
    let text = format!(
        "names that end in {end} are known in one network at most: providers elsewhere do not find {host}"
    );
    Some(for_good("name-local", &text))
}

/// Looks up where the name leads: the private address, where it is one, and why others do not reach it.
async fn look_up(name: &Provider) -> (Option<IpAddr>, Option<SetUpNote>) {
    let guard = AddressGuard::new(&[], Arc::new(System));
    let is_name = matches!(name.host(), Host::Dns(_));
    match guard.resolve(name.host(), name.port()).await {
        Ok(_) if is_name => (None, None),
        Ok(_) => {
            let text = format!(
                "the name {name} is an address and no domain: where your connection gets another one, nobody finds the provider any more"
            );
            (None, Some(for_good("name-address", &text)))
        }
        Err(GuardFault::Forbidden { address, .. }) => {
            let place =
                if is_name { format!("the name {name} leads to {address}") } else { name.to_string() };
            let (code, kind) = kind_of(address);
            (Some(address), Some(for_good(code, &format!("{place}, which is {kind}"))))
        }
        Err(_) => {
            let text = format!(
                "the name {name} leads nowhere yet, as far as this computer can look it up: where your domain is managed, add an A record \
                 (AAAA for IPv6) with the public address of your connection; until then no other provider finds it"
            );
            (None, Some(SetUpNote::confirm("name-unresolved", text)))
        }
    }
}

fn for_good(code: &str, text: &str) -> SetUpNote {
    SetUpNote::confirm(code, format!("{text}; the name stays for good, so take it only where that is meant"))
}

fn kind_of(address: IpAddr) -> (&'static str, &'static str) {
    if address.to_canonical().is_loopback() {
        ("name-this-computer", "this computer's own address: no other computer reaches it there")
    } else {
        ("name-private", "not a public address: only providers in the same network reach it there")
    }
}

/// The name of the first account, where it is written as it is used, and what is to be said of it.
pub(super) fn look_at_user(typed: &str) -> (Option<Name>, Vec<SetUpNote>) {
    let typed = typed.trim();
    if let Ok(name) = typed.parse() {
        return (Some(name), Vec::new());
    }
    let text = "an account's name has 1 to 64 lower-case letters, digits, hyphens, dots or underscores, such as alice";
    let note = SetUpNote::wrong("user-form", text);
    let meant: Option<Name> =
        typed::user(typed).ok().map(|user| user.name().clone()).or_else(|| typed.to_lowercase().parse().ok());
    (None, vec![meant.map_or(note.clone(), |name| note.instead(name))])
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn codes(typed: &str, port: Option<u16>) -> Vec<String> {
        let notes = look_at_name(typed, ReachedBy::Network, port).await.notes;
        notes.into_iter().map(|note| note.code).collect()
    }

    #[tokio::test]
    async fn a_name_that_is_spelled_otherwise_is_offered_as_it_is_used() {
        for (typed, meant) in [
            ("https://Home.Example/", "home.example"),
            ("HOME.example:8448", "home.example:8448"),
            ("alice@home.example", "home.example"),
            ("home.example:443", "home.example"),
        ] {
            let NameLook { name, notes, .. } = look_at_name(typed, ReachedBy::Acme, None).await;
            assert_eq!((name, notes[0].code.as_str()), (None, "name-form"), "{typed}");
            assert_eq!(notes[0].instead.as_deref(), Some(meant), "{typed}");
            assert_eq!(notes[0].kind, crate::view::SetUpNoteKind::Wrong);
        }
        assert_eq!(codes("no name", None).await, ["name-not-understood"]);
    }

    #[tokio::test]
    async fn a_name_that_others_do_not_reach_is_explained_and_can_be_confirmed() {
        for (typed, code) in [
            ("localhost:8443", "name-this-computer"),
            ("127.0.0.1:8443", "name-this-computer"),
            ("[::1]:8443", "name-this-computer"),
            ("nas:8443", "name-one-word"),
            ("nas.local:8443", "name-local"),
            ("192.168.1.7:8443", "name-private"),
            ("10.0.0.1:8443", "name-private"),
            ("home.nowhere.invalid.example:8443", "name-unresolved"),
            ("9.9.9.9:8443", "name-address"),
        ] {
            let NameLook { name, notes, private } = look_at_name(typed, ReachedBy::Network, Some(8443)).await;
            let is_private =
                ["127.0.0.1:8443", "[::1]:8443", "192.168.1.7:8443", "10.0.0.1:8443"].contains(&typed);
            assert!(!is_private || private.is_some(), "{typed}");
            assert_eq!(name.unwrap().as_str(), typed);
            assert_eq!(notes.len(), 1, "{notes:?}");
            assert_eq!(notes[0].code, code, "{typed}");
            assert_eq!(notes[0].kind, crate::view::SetUpNoteKind::Confirm);
        }
    }

    #[tokio::test]
    async fn a_port_that_is_not_in_the_name_is_put_there_unless_a_proxy_has_it() {
        let of = async |typed: &str, reached_by, port| {
            let notes = look_at_name(typed, reached_by, Some(port)).await.notes;
            notes.into_iter().find(|note| note.code == "name-other-port").and_then(|note| note.instead)
        };
        assert_eq!(of("nas.local", ReachedBy::Network, 8443).await.as_deref(), Some("nas.local:8443"));
        assert_eq!(of("nas.local:9000", ReachedBy::Files, 8443).await.as_deref(), Some("nas.local:8443"));
        assert_eq!(of("[fd00::1]:9000", ReachedBy::Files, 443).await.as_deref(), Some("[fd00::1]"));
        assert_eq!(of("nas.local:8443", ReachedBy::Network, 8443).await, None);
        assert_eq!(of("nas.local", ReachedBy::Proxy, 8443).await, None);
    }

    #[test]
    fn an_account_is_offered_as_it_is_used() {
        assert_eq!(look_at_user("alice").0.unwrap().as_str(), "alice");
        for typed in ["Alice", "alice@home.example", "mimi://home.example/u/alice"] {
            let (name, notes) = look_at_user(typed);
            assert!(name.is_none());
            assert_eq!(notes[0].instead.as_deref(), Some("alice"), "{typed}");
        }
        assert_eq!(look_at_user("").1[0].instead, None);
        assert_eq!(look_at_user("Ärger!").1[0].code, "user-form");
    }
}
