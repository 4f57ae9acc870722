//! What keeps a request from its peer, read to the innermost cause whatever wraps it, and named by a code that a remedy
//! hangs on.

use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use drawbridge_mtp::time::Timestamp;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, OtherError};

use super::guard::GuardFault;
use super::trust::{ChainIncomplete, Replaced, SelfSigned, is_of_authority};
use crate::identity::x509;
use crate::peer_fault::{PeerFault, Stage};

/// A connection has to come about within this, its TLS included.
pub(super) const CONNECT_TIME: Duration = Duration::from_secs(10);

impl From<&GuardFault> for PeerFault {
    fn from(fault: &GuardFault) -> Self {
        let (stage, code) = match fault {
            GuardFault::NoAddress { .. } => (Stage::Dns, "no-address"),
            GuardFault::Late { .. } => (Stage::Dns, "dns-timeout"),
            GuardFault::Forbidden { .. } => (Stage::Policy, "address-refused"),
        };
        Self::new(stage, code, fault.to_string())
    }
}

/// At which step a request failed on its way.
pub(super) fn transport_fault(fault: &reqwest::Error) -> PeerFault {
    let causes = causes(fault);
    if let Some(guard) = causes.iter().find_map(|cause| cause.downcast_ref::<GuardFault>()) {
        return guard.into();
    }
    if let Some(tls) = causes.iter().find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
        return fault_of_tls(tls);
    }
    if fault.is_connect() {
        if fault.is_timeout() {
            return timed_out(Stage::Connect);
        }
        // The system's own fault is what says why; whatever wraps it says that it happened.
        let system = causes.iter().rev().find_map(|cause| cause.downcast_ref::<io::Error>());
        return system.map_or_else(|| no_connection("connect-failed", &innermost(&causes)), connection_fault);
    }
    if fault.is_timeout() {
        return PeerFault::new(Stage::Http, "timeout", "it took the request and did not answer in time");
    }
    let text = format!("the connection broke: {}", innermost(&causes));
    PeerFault::new(Stage::Http, "connection-lost", text)
}

/// Why a connection did not come about, or broke before anything was said over it.
pub(super) fn connection_fault(fault: &io::Error) -> PeerFault {
    let code = match fault.kind() {
        io::ErrorKind::ConnectionRefused => "connection-refused",
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => "unreachable",
        io::ErrorKind::TimedOut => return timed_out(Stage::Connect),
        _ => "connect-failed",
    };
    no_connection(code, &in_words(fault))
}

fn no_connection(code: &'static str, why: &str) -> PeerFault {
    PeerFault::new(Stage::Connect, code, format!("no connection to it: {why}"))
}

/// Why a TLS handshake did not come about.
pub(super) fn tls_fault(fault: &io::Error) -> PeerFault {
    let causes = causes(fault);
    match causes.iter().find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
        Some(tls) => fault_of_tls(tls),
        None => {
            let text = format!("TLS does not come about: {}", innermost(&causes));
            PeerFault::new(Stage::Tls, "tls-failed", text)
        }
    }
}

/// The step did not come about in [`CONNECT_TIME`].
pub(super) fn timed_out(stage: Stage) -> PeerFault {
    let seconds = CONNECT_TIME.as_secs();
    match stage {
        Stage::Tls => {
            let text = format!("it took the connection and did not answer the TLS handshake in {seconds} s");
            PeerFault::new(stage, "tls-timeout", text)
        }
        _ => {
            let text = format!("no connection to it came about in {seconds} s; nothing answers there");
            PeerFault::new(stage, "connect-timeout", text)
        }
    }
}

/// `fault` and everything that caused it, the innermost last. An I/O error does not tell of the error that it wraps as
/// its source, but of that one's source, so it is asked for what it wraps.
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

fn innermost(causes: &[&(dyn Error + 'static)]) -> String {
    // What an end that came too early wraps says where one reads more of it.
    let ended = causes.iter().copied().find(|cause| is_early_end(*cause));
    ended.or(causes.last().copied()).map_or_else(String::new, in_words)
}

fn is_early_end(fault: &(dyn Error + 'static)) -> bool {
    fault.downcast_ref::<io::Error>().is_some_and(|fault| fault.kind() == io::ErrorKind::UnexpectedEof)
}

/// The text of a fault as a person reads it: without the number that the system's end with (`Connection refused (os
/// error 111)`), and where the connection just ended, that and not where one reads more of it.
fn in_words(fault: &(dyn Error + 'static)) -> String {
    if is_early_end(fault) {
        return "the other side closed it amid the exchange".into();
    }
    let text = fault.to_string();
    match text.rsplit_once(" (os error ") {
        Some((words, number)) if number.ends_with(')') => words.to_owned(),
        _ => text,
    }
}

/// Where the operator reads how a certificate is trusted that no authority has signed.
pub(crate) const TO_TRUST_IT: &str =
    "how to trust it is in the operator's guide, under \"Private networks and certificates of one's own\"";

/// A fault of the handshake: its code, and what it means in a sentence.
fn fault_of_tls(fault: &rustls::Error) -> PeerFault {
    use CertificateError as C;
    let (code, text) = match fault {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            C::ExpiredContext { not_after, .. } => {
                ("certificate-expired", format!("its certificate ran out on {}", day(not_after)))
            }
            C::Expired => ("certificate-expired", "its certificate has run out".to_owned()),
            C::NotValidYetContext { not_before, .. } => {
                let from = day(not_before);
                (
                    "certificate-not-yet-valid",
                    format!("its certificate is valid from {from} on, which is still to come"),
                )
            }
            C::NotValidYet => ("certificate-not-yet-valid", "its certificate is not valid yet".to_owned()),
            C::NotValidForNameContext { expected, presented } => {
                let presented: Vec<_> = presented.iter().map(|name| plain_name(name)).collect();
                let (expected, presented) = (expected.to_str(), presented.join(", "));
                (
                    "certificate-wrong-name",
                    format!("its certificate is not for {expected} but for {presented}"),
                )
            }
            C::NotValidForName => {
                ("certificate-wrong-name", "its certificate is for another name".to_owned())
            }
            C::UnknownIssuer => (
                "certificate-unknown-issuer",
                format!(
                    "its certificate is signed by somebody whom this computer does not trust; {TO_TRUST_IT}"
                ),
            ),
            C::Other(other) if other.0.is::<ChainIncomplete>() => (
                "certificate-chain-incomplete",
                "its server shows its certificate without that of the authority that has signed it"
                    .to_owned(),
            ),
            C::Other(other) if is_of_authority(other) => (
                "certificate-of-authority",
                "it shows an authority's certificate (CA:TRUE), which no server can use as its own"
                    .to_owned(),
            ),
            C::Other(other) if other.0.is::<Replaced>() => ("certificate-replaced", replaced(other)),
            C::Other(other) if other.0.is::<SelfSigned>() => (
                "certificate-self-signed",
                format!(
                    "it shows a certificate that it has signed itself, which nobody vouches for; {TO_TRUST_IT}"
                ),
            ),
            _ => ("certificate-invalid", format!("its certificate cannot be used: {fault}")),
        },
        rustls::Error::InvalidMessage(_) => (
            "tls-not-spoken",
            "what answers there speaks no TLS; it may be plain HTTP, or another program".to_owned(),
        ),
        rustls::Error::PeerIncompatible(_)
        | rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) => {
            ("tls-version", format!("it does not speak TLS 1.3, which is required: {fault}"))
        }
        rustls::Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            ("certificate-wrong-name", format!("the server there has no certificate for its name: {fault}"))
        }
        _ => ("tls-failed", format!("TLS does not come about: {fault}")),
    };
    PeerFault::new(Stage::Tls, code, text)
}

/// A name in a certificate, which the library writes as `DnsName("home.example")` or `IpAddress(192.0.2.1)`.
fn plain_name(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    let inner = inner.trim_matches('"');
    inner.parse::<IpAddr>().map_or_else(|_| inner.to_owned(), |address| address.to_string())
}

fn replaced(fault: &OtherError) -> String {
    let Some(Replaced { known, shown }) = fault.0.downcast_ref() else { return fault.to_string() };
    let (which, first) = match &known[..] {
        [one] => ("another certificate", one.as_str()),
        many => ("one of several other certificates", many.first().map_or("", String::as_str)),
    };
    format!(
        "{which} is trusted here for this host, with SHA-256 {first}; it now shows {shown}, which was put in its place or \
         is another provider's at this host"
    )
}

/// A time in a certificate, which is of use as a date.
fn day(time: &UnixTime) -> String {
    x509::date(Timestamp::from_secs(time.as_secs()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn wrapped(fault: rustls::Error) -> io::Error {
        io::Error::other(io::Error::new(io::ErrorKind::InvalidData, fault))
    }

    #[test]
    fn a_fault_is_read_to_its_innermost_cause_whatever_wraps_it() {
        let codes = [
            (rustls::Error::InvalidCertificate(CertificateError::Expired), "certificate-expired"),
            (rustls::Error::InvalidCertificate(CertificateError::NotValidYet), "certificate-not-yet-valid"),
            (rustls::Error::InvalidCertificate(CertificateError::NotValidForName), "certificate-wrong-name"),
            (
                rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer),
                "certificate-unknown-issuer",
            ),
            (
                rustls::Error::InvalidCertificate(CertificateError::Other(rustls::OtherError(Arc::new(
                    SelfSigned,
                )))),
                "certificate-self-signed",
            ),
            (rustls::Error::InvalidCertificate(CertificateError::Revoked), "certificate-invalid"),
            (rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType), "tls-not-spoken"),
            (rustls::Error::AlertReceived(AlertDescription::ProtocolVersion), "tls-version"),
            (rustls::Error::AlertReceived(AlertDescription::UnrecognisedName), "certificate-wrong-name"),
            (rustls::Error::HandshakeNotComplete, "tls-failed"),
        ];
        for (fault, code) in codes {
            let told = tls_fault(&wrapped(fault));
            assert_eq!((told.stage, told.code.as_ref()), (Stage::Tls, code));
        }
    }

    #[test]
    fn why_there_is_no_connection_is_told_by_its_own_name() {
        for (kind, code) in [
            (io::ErrorKind::ConnectionRefused, "connection-refused"),
            (io::ErrorKind::HostUnreachable, "unreachable"),
            (io::ErrorKind::NetworkUnreachable, "unreachable"),
            (io::ErrorKind::TimedOut, "connect-timeout"),
            (io::ErrorKind::ConnectionReset, "connect-failed"),
        ] {
            let told = connection_fault(&kind.into());
            assert_eq!((told.stage, told.code.as_ref()), (Stage::Connect, code));
        }
        assert_eq!(timed_out(Stage::Tls).code, "tls-timeout");
        let late = PeerFault::from(&GuardFault::Late { host: "home.example".into() });
        assert_eq!((late.stage, late.code.as_ref()), (Stage::Dns, "dns-timeout"));
    }
}
