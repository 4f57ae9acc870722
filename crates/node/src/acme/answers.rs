//! The answers to a directory's challenges, by which it sees that a name is ours (RFC 8555, section 8; RFC 8737).

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{self, State};
use axum::routing::get;
use http::StatusCode;
use instant_acme::{Identifier, KeyAuthorization};
use parking_lot::Mutex;

use super::fault::AcmeFault;
use crate::command;
use crate::ground::config::AcmeChallenge;
use crate::identity::{Certificate, IssuanceCode};

/// How long the operator's command may take. When it has set a record it waits until the name servers have it.
const SET_TIME: Duration = Duration::from_secs(600);
const CLEAR_TIME: Duration = Duration::from_secs(30);
/// The answers that are there at the moment.
pub(super) struct Answers {
    /// By which TLS answers.
    certificate: Arc<Certificate>,
    /// What is answered over HTTP, by the challenge's token.
    http: Arc<Mutex<HashMap<String, String>>>,
    /// Sets and clears a record in the DNS.
    command: Option<PathBuf>,
    /// The records that it has set, with their values.
    records: Mutex<Vec<(String, String)>>,
}

impl Answers {
    pub(super) fn new(certificate: Arc<Certificate>, command: Option<PathBuf>) -> Self {
        Self { certificate, http: Arc::default(), command, records: Mutex::default() }
    }

    /// Answers a challenge of this kind for `name`.
    pub(super) async fn put(
        &self,
        challenge: AcmeChallenge,
        name: &Identifier,
        token: &str,
        key: &KeyAuthorization,
    ) -> Result<(), AcmeFault> {
        match challenge {
            AcmeChallenge::Http01 => {
                self.http.lock().insert(token.to_owned(), key.as_str().to_owned());
                Ok(())
            }
            AcmeChallenge::TlsAlpn01 => {
                let (host, asked) = match name {
                    Identifier::Ip(address) => (address.to_string(), reverse_name(*address)),
                    Identifier::Dns(name) => (name.clone(), name.clone()),
                    other => return Err(no_host(other)),
                };
                let answered = self.certificate.answer_challenge(&host, &asked, key.digest().as_ref());
                answered.map_err(|fault| AcmeFault::of(IssuanceCode::Refused, fault.to_string()))
            }
            AcmeChallenge::Dns01 => {
                let Identifier::Dns(name) = name else { return Err(no_host(name)) };
                let (record, value) = (format!("_acme-challenge.{name}"), key.dns_value());
                // Noted before: a command that fails half way may have set it.
                self.records.lock().push((record.clone(), value.clone()));
                self.run("set", &record, &value, SET_TIME).await
            }
        }
    }

    /// Takes all answers away.
    pub(super) async fn clear(&self) {
        self.http.lock().clear();
        self.certificate.forget_challenges();
        let records = std::mem::take(&mut *self.records.lock());
        for (record, value) in records {
            if let Err(fault) = self.run("clear", &record, &value, CLEAR_TIME).await {
                tracing::warn!("the record {record} may be left in the DNS, where it does no harm: {fault}");
            }
        }
    }

    /// Answers over HTTP, and nothing else.
    pub(super) fn router(&self) -> Router {
        Router::new()
            .route("/.well-known/acme-challenge/{token}", get(answer))
            .fallback(async || StatusCode::NOT_FOUND)
            .with_state(self.http.clone())
    }

    async fn run(&self, what: &str, record: &str, value: &str, time: Duration) -> Result<(), AcmeFault> {
        let Some(program) = &self.command else { return Ok(()) };
        let failed = |how: String| {
            let text = format!("the command {} {what} {record} has failed: {how}", program.display());
            AcmeFault::of(IssuanceCode::Command, text)
        };
        command::run(program, &[what, record, value], time).await.map(drop).map_err(failed)
    }
}

async fn answer(
    State(answers): State<Arc<Mutex<HashMap<String, String>>>>,
    extract::Path(token): extract::Path<String>,
) -> Result<String, StatusCode> {
    answers.lock().get(&token).cloned().ok_or(StatusCode::NOT_FOUND)
}

fn no_host(name: &Identifier) -> AcmeFault {
    let text =
        format!("the directory asks for a proof of {name:?} that this kind of challenge does not give");
    AcmeFault::of(IssuanceCode::Refused, text)
}

/// By which name a directory asks for an address over TLS, where only names can be asked for (RFC 8738, section 6).
fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let nibbles = address.octets().into_iter().rev().flat_map(|octet| [octet & 15, octet >> 4]);
            let nibbles: Vec<_> = nibbles.map(|nibble| format!("{nibble:x}")).collect();
            format!("{}.ip6.arpa", nibbles.join("."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_asked_for_by_its_reverse_name() {
        assert_eq!(reverse_name("192.0.2.1".parse().unwrap()), "1.2.0.192.in-addr.arpa");
        let v6 = reverse_name("2001:db8::1".parse().unwrap());
        assert_eq!(v6, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
    }
}
