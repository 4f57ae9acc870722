//! At which step a provider on another machine could not be used, read to the innermost cause whatever wraps it.

use std::error::Error;
use std::io;

use drawbridge_admin::AdminError;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::pin::OtherCertificate;

/// The session is kept, and is not given to this program.
pub(crate) const UNREADABLE: &str = "session-unreadable";
/// The session is kept no more.
pub(crate) const MISSING: &str = "session-missing";

/// The steps to a provider on another machine, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(rename = "MachineStep")]
pub enum Step {
    /// Its name is looked up.
    Name,
    /// A connection comes about.
    Connect,
    /// It shows the certificate that was confirmed.
    Certificate,
    /// Drawbridge answers there.
    Answer,
    /// It takes the session of this program.
    Session,
}

/// Why a provider on another machine cannot be used at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, thiserror::Error)]
#[error("{detail}")]
#[ts(rename = "MachineFault")]
pub struct Unusable {
    /// The step that failed; those before it went well.
    pub step: Step,
    /// What kind, in kebab case.
    pub code: String,
    /// One sentence.
    pub detail: String,
    /// Where another certificate is shown than the one that was confirmed: which.
    pub certificate: Option<CertificateChange>,
}

/// Another certificate is shown than the one that was confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CertificateChange {
    /// The fingerprint of the one that was confirmed.
    pub confirmed: String,
    /// The fingerprint of the one that is shown.
    pub shown: String,
    /// Whether an authority that this computer trusts vouches for the one that is shown.
    pub vouched: bool,
}

/// Why something was not done at a provider on another machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(untagged)]
pub enum Refusal {
    /// It says so, or this program does before it is asked.
    #[error(transparent)]
    Refused(#[from] AdminError),
    /// It could not be asked.
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

/// The name of the other machine has no address.
#[derive(Debug, thiserror::Error)]
#[error("the name {name} has no address: {reason}")]
pub(crate) struct NoAddress {
    pub(crate) name: String,
    pub(crate) reason: String,
}

impl Unusable {
    pub(crate) fn new(step: Step, code: &str, detail: impl Into<String>) -> Self {
        Self { step, code: code.to_owned(), detail: detail.into(), certificate: None }
    }

    /// What is there is no Drawbridge, or one that something else stands in front of.
    pub(crate) fn no_answer(why: &str) -> Self {
        Self::new(Step::Answer, "no-answer", format!("Drawbridge does not answer there: {why}"))
    }

    /// The session was ended, or is there no more.
    pub(crate) fn session_ended(why: impl Into<String>) -> Self {
        Self::new(Step::Session, "session-ended", why)
    }

    /// Whether the machine itself does not take the session any more, and not that this program lacks it.
    pub fn was_refused(&self) -> bool {
        self.step == Step::Session && !matches!(self.code.as_str(), UNREADABLE | MISSING)
    }

    /// At which step a request failed on its way.
    pub(crate) fn of_transport(fault: &reqwest::Error) -> Self {
        let causes = causes(fault);
        if let Some(name) = causes.iter().find_map(|cause| cause.downcast_ref::<NoAddress>()) {
            return Self::new(Step::Name, "no-address", name.to_string());
        }
        if let Some(tls) = causes.iter().find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
            return Self::of_tls(tls);
        }
        let why = causes.last().map_or_else(String::new, |cause| in_words(*cause));
        match (fault.is_connect(), fault.is_timeout()) {
            (true, true) => {
                let text = "no connection to it came about in time; nothing answers there";
                Self::new(Step::Connect, "connect-timeout", text)
            }
            (true, false) => {
                Self::new(Step::Connect, connect_code(&causes), format!("no connection to it: {why}"))
            }
            (false, true) => Self::no_answer("it took the request and is silent"),
            (false, false) => Self::no_answer(&format!("the connection broke: {why}")),
        }
    }

    fn of_tls(fault: &rustls::Error) -> Self {
        if let Some(other) = OtherCertificate::in_fault(fault) {
            let text = "it shows another certificate than the one that you confirmed; nothing was sent to it";
            let certificate = Some(CertificateChange {
                confirmed: other.confirmed.map_or_else(String::new, |confirmed| confirmed.to_string()),
                shown: other.shown.to_string(),
                vouched: other.vouched,
            });
            return Self { certificate, ..Self::new(Step::Certificate, "certificate-changed", text) };
        }
        let why = match fault {
            rustls::Error::InvalidMessage(_) => "what listens there speaks no TLS".to_owned(),
            other => other.to_string(),
        };
        Self::new(Step::Certificate, "tls-failed", format!("no TLS comes about with it: {why}"))
    }
}

fn connect_code(causes: &[&(dyn Error + 'static)]) -> &'static str {
    let system = causes.iter().rev().find_map(|cause| cause.downcast_ref::<io::Error>());
    match system.map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => "connection-refused",
        Some(
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown,
        ) => "unreachable",
        _ => "connect-failed",
    }
}

/// `fault` and everything that caused it, the innermost last. An I/O error does not tell of the error that it wraps as its source,
/// but of that one's source, so it is asked for what it wraps.
fn causes<'a>(fault: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut causes: Vec<&'a (dyn Error + 'static)> = Vec::new();
    let mut next = Some(fault);
    while let Some(cause) = next {
        causes.push(cause);
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| cause.source());
    }
    causes
}

/// A fault as a person reads it: without the number that the system's end with.
fn in_words(fault: &(dyn Error + 'static)) -> String {
    let text = fault.to_string();
    match text.rsplit_once(" (os error ") {
        Some((words, number)) if number.ends_with(')') => words.to_owned(),
        _ => text,
    }
}
