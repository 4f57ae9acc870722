//! What all answers together are worth.

use std::net::SocketAddr;

use drawbridge_mtp::id::UserUri;
use drawbridge_node::ambient::{Ambient, System};
use drawbridge_node::config::ListenAddress;
use drawbridge_node::typed;

use super::acme::look_at_acme;
use super::address::{look_at_clients, look_at_listen, look_at_open_port};
use super::certificate::{look_at_file, look_at_pair};
use super::configuration::{Plan, Shown, network_of};
use super::name::{look_at_name, look_at_user};
use crate::error::AdminError;
use crate::request::{ReachedBy, SetUp};
use crate::view::{SetUpAnswer, SetUpField, SetUpLook, SetUpNote, SetUpNoteKind};

/// What the answers are worth, and the provider that they make.
pub(crate) struct Looked {
    /// What is shown.
    pub(crate) view: SetUpLook,
    /// What is set up.
    plan: Option<Plan>,
    /// The first that keeps from it.
    refused: Option<SetUpNote>,
}

impl Looked {
    /// The provider that is set up.
    ///
    /// # Errors
    ///
    /// With the code and the sentence of what is wrong, or is still to be confirmed.
    pub(crate) fn plan(self) -> Result<Plan, AdminError> {
        match (self.refused, self.plan) {
            (None, Some(plan)) => Ok(plan),
            (Some(note), _) => Err(AdminError::new(&note.code, refusal(&note))),
            (None, None) => Err(AdminError::new("set-up-failed", "the answers make no provider")),
        }
    }
}

/// The sentence of a note for who sees nothing else of it.
fn refusal(note: &SetUpNote) -> String {
    let instead =
        note.instead.as_ref().map(|instead| format!("; answer {instead} instead")).unwrap_or_default();
    match note.kind {
        SetUpNoteKind::Wrong => format!("{}{instead}", note.text),
        SetUpNoteKind::Confirm => {
            format!("{}; where that is meant so, confirm {}", note.text, note.code)
        }
    }
}

/// Looks at the answers of the first start. The pages of this program are at `pages`, where it serves some.
pub(crate) async fn look(ask: &SetUp, pages: Option<SocketAddr>) -> Looked {
    let named = typed::provider(&ask.provider).ok().map(|name| name.port()).filter(|port| *port != 443);
    let listen = look_at_listen(ask.listen.as_deref(), ask.reached_by, named, pages);
    let port = listen.address.as_ref().and_then(ListenAddress::ip).map(|address| address.port());
    let named = look_at_name(&ask.provider, ask.reached_by, port).await;
    let (provider, private) = (named.name, named.private);
    let mut answers = vec![answer(SetUpField::Provider, &ask.provider, named.notes)];
    answers.push(SetUpAnswer { field: SetUpField::Listen, value: listen.value, notes: listen.notes });

    // By a proxy, and in one's own network, nobody comes from the Internet to where it listens.
    let open_port = ask.open_port && matches!(ask.reached_by, ReachedBy::Acme | ReachedBy::Files);
    let is_for_router = matches!(ask.reached_by, ReachedBy::Acme | ReachedBy::Files) && is_behind_router();
    if is_for_router || open_port {
        let notes = look_at_open_port(open_port, listen.address.as_ref());
        answers.push(answer(SetUpField::OpenPort, &open_port.to_string(), notes));
    }
    let shown = match ask.reached_by {
        ReachedBy::Acme => {
            let (told, settings) = look_at_acme(ask, provider.as_ref(), port);
            answers.extend(told.into_iter().map(|(field, value, notes)| answer(field, &value, notes)));
            Some(Shown::Acme(settings))
        }
        ReachedBy::Files => {
            let (cert_typed, key_typed) =
                (ask.tls_cert.as_deref().unwrap_or_default(), ask.tls_key.as_deref().unwrap_or_default());
            let (cert, mut of_cert) =
                look_at_file(cert_typed, "the certificate and those that lead to its root");
            let (key, mut of_key) = look_at_file(key_typed, "the key of the certificate");
            if let (Some(cert), Some(key)) = (&cert, &key) {
                (of_cert, of_key) = look_at_pair(cert, key, provider.as_ref());
            }
            answers.push(answer(SetUpField::TlsCert, cert_typed, of_cert));
            answers.push(answer(SetUpField::TlsKey, key_typed, of_key));
            cert.zip(key).map(|(cert, key)| Shown::Files(cert, key))
        }
        ReachedBy::Proxy => Some(Shown::Proxy),
        ReachedBy::Network => Some(Shown::Own { network: private.and_then(network_of) }),
    };

    let (user, notes) = look_at_user(&ask.user);
    answers.push(answer(SetUpField::User, &ask.user, notes));
    let has_files = ask.reached_by == ReachedBy::Files;
    let clients = look_at_clients(ask.clients.as_deref(), has_files, listen.address.as_ref(), pages);
    answers.push(SetUpAnswer { field: SetUpField::Clients, value: clients.value, notes: clients.notes });

    let account = provider.as_ref().zip(user.as_ref()).map(|(provider, user)| UserUri::new(provider, user));
    let confirmed = ask.confirmed.as_deref().unwrap_or_default();
    let keeps = |note: &&SetUpNote| match note.kind {
        SetUpNoteKind::Wrong => true,
        SetUpNoteKind::Confirm => !confirmed.contains(&note.code),
    };
    let notes = || answers.iter().flat_map(|answer| &answer.notes);
    // What is wrong goes before what is to be confirmed.
    let wrong = notes().find(|note| note.kind == SetUpNoteKind::Wrong);
    let refused = wrong.or_else(|| notes().find(keeps)).cloned();
    let plan = match (provider, user, listen.address, clients.address, shown) {
        (Some(provider), Some(user), Some(listen), Some(clients), Some(shown)) => {
            Some(Plan { provider, user, listen, open_port, clients, shown })
        }
        _ => None,
    };
    let view = SetUpLook {
        is_ready: refused.is_none() && plan.is_some(),
        account: account.map(|account| account.to_string()),
        answers,
    };
    Looked { view, plan, refused }
}

/// Whether this computer has no public IPv4 address itself, so that a router is in between.
fn is_behind_router() -> bool {
    System.own_addresses().into_iter().flatten().any(|own| own.is_ipv4() && network_of(own).is_some())
}

fn answer(field: SetUpField, typed: &str, notes: Vec<SetUpNote>) -> SetUpAnswer {
    SetUpAnswer { field, value: typed.trim().to_owned(), notes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::AcmeChallenge;

    fn asked(reached_by: ReachedBy, listen: &str) -> SetUp {
        SetUp {
            provider: "home.example:9".into(),
            user: "alice".into(),
            reached_by,
            listen: Some(listen.into()),
            open_port: true,
            clients: None,
            tls_cert: None,
            tls_key: None,
            agree_terms: true,
            contact: None,
            challenge: AcmeChallenge::Http01,
            dns_command: None,
            directory: None,
            confirmed: None,
        }
    }

    #[tokio::test]
    async fn a_router_is_asked_only_where_others_come_from_the_internet_to_where_it_listens() {
        let codes = |looked: &Looked| {
            let answers = looked.view.answers.iter();
            let answer = answers.clone().find(|answer| answer.field == SetUpField::OpenPort);
            answer.map(|answer| answer.notes.iter().map(|note| note.code.clone()).collect::<Vec<_>>())
        };
        let looked = look(&asked(ReachedBy::Acme, "0.0.0.0:0"), None).await;
        assert_eq!(codes(&looked), Some(Vec::new()));
        let text = looked.plan.as_ref().map(|plan| plan.to_toml("data")).unwrap_or_default();
        let config = drawbridge_node::Config::read(&text, std::path::Path::new("config.toml")).unwrap();
        assert!(config.mtp.open_port, "{text}");
        for unreached in ["127.0.0.1:0", "[2001:db8::1]:0"] {
            let looked = look(&asked(ReachedBy::Acme, unreached), None).await;
            assert_eq!(codes(&looked), Some(vec!["open-port-unreachable".to_owned()]), "{unreached}");
        }
        for other in [ReachedBy::Network, ReachedBy::Proxy] {
            let looked = look(&asked(other, "127.0.0.1:0"), None).await;
            assert_eq!(codes(&looked), None);
            let text = looked.plan.as_ref().map(|plan| plan.to_toml("data")).unwrap_or_default();
            assert!(!text.contains("open_port"), "{text}");
        }
    }
}
