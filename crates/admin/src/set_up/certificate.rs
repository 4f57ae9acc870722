//! The certificate files of the operator's own.

use std::path::{Path, PathBuf};

use drawbridge_mtp::id::{Host, Provider};
use drawbridge_node::ambient::{Ambient, System};
use drawbridge_node::identity::{Certificate, TlsFault};

use crate::view::SetUpNote;

/// What is to be said of a file by itself.
pub(super) fn look_at_file(typed: &str, what: &str) -> (Option<PathBuf>, Vec<SetUpNote>) {
    let path = Path::new(typed.trim());
    if typed.trim().is_empty() {
        return (None, vec![SetUpNote::wrong("file-missing", format!("name the file with {what}"))]);
    }
    if path.is_relative() {
        let text = "give the whole path, since it is read again from another folder";
        let note = SetUpNote::wrong("file-relative", text);
        let whole = std::path::absolute(path).ok().filter(|whole| whole.exists());
        // What is not text cannot stand in the configuration.
        let whole = whole.as_deref().and_then(Path::to_str);
        return (None, vec![whole.map_or(note.clone(), |whole| note.instead(whole))]);
    }
    (Some(path.to_owned()), Vec::new())
}

/// What is to be said of certificate and key together: of the certificate, and of the key.
pub(super) fn look_at_pair(
    cert: &Path,
    key: &Path,
    provider: Option<&Provider>,
) -> (Vec<SetUpNote>, Vec<SetUpNote>) {
    let certificate = match Certificate::load(cert, key) {
        Ok(certificate) => certificate,
        Err(fault) => {
            let is_of_key = matches!(&fault, TlsFault::File { path, .. } if path == key)
                || matches!(fault, TlsFault::Pair { .. });
            let notes = vec![SetUpNote::wrong("certificate-unusable", fault.to_string())];
            return if is_of_key { (Vec::new(), notes) } else { (notes, Vec::new()) };
        }
    };
    let (facts, mut notes) = (certificate.facts(), Vec::new());
    let host = provider.map(|provider| match provider.host() {
        Host::Dns(name) => name.to_owned(),
        Host::V4(address) => address.to_string(),
        Host::V6(address) => address.to_string(),
    });
    if let Some(host) = host.filter(|host| !facts.covers(host)) {
        let text = format!(
            "the certificate is for {} and not for {host}, so other providers refuse it: have one made for {host}",
            if facts.names.is_empty() { "no name".to_owned() } else { facts.names.join(", ") }
        );
        notes.push(SetUpNote::wrong("certificate-wrong-name", text));
    }
    let now = System.now();
    if facts.ends < now {
        let text = format!(
            "the certificate has ended at {}, so other providers refuse it until it is renewed",
            facts.ends.in_words()
        );
        notes.push(SetUpNote::confirm("certificate-expired", text));
    } else if now < facts.begins {
        let text = format!(
            "the certificate holds from {} on only, so other providers refuse it until then",
            facts.begins.in_words()
        );
        notes.push(SetUpNote::confirm("certificate-not-yet-valid", text));
    }
    if facts.self_signed {
        let text =
            "the certificate has signed itself, so other providers trust it only once they were told to";
        notes.push(SetUpNote::confirm("certificate-self-signed", text));
    }
    (notes, Vec::new())
}
