//! The answers about a certificate that is got by ACME.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use drawbridge_mtp::id::{Host, Provider};
use drawbridge_node::config::{self, AcmeConfig, AcmeDirectory};

use crate::convert::same;
use crate::request::{AcmeChallenge, SetUp};
use crate::view::{SetUpField, SetUpNote};

same!(AcmeChallenge => config::AcmeChallenge { TlsAlpn01, Http01, Dns01 });

/// The port that who issues a certificate comes to for `http-01`, and that for `tls-alpn-01`.
const HTTP: u16 = 80;
const HTTPS: u16 = 443;

/// What is to be said of each answer about ACME, and the settings that they make, where none is wrong. `port` is the one that is
/// listened on for other providers.
pub(super) fn look_at_acme(
    ask: &SetUp,
    provider: Option<&Provider>,
    port: Option<u16>,
) -> (Vec<(SetUpField, String, Vec<SetUpNote>)>, AcmeConfig) {
    let mut settings =
        AcmeConfig { agree_terms: ask.agree_terms, challenge: ask.challenge.into(), ..AcmeConfig::default() };
    let mut answers = Vec::new();

    let directory = ask.directory.as_deref().unwrap_or_default().trim();
    let mut notes = Vec::new();
    if !directory.is_empty() {
        match directory.parse() {
            Ok(directory) => settings.directory = directory,
            Err(text) => {
                let text: String = text;
                notes.push(SetUpNote::wrong("directory-malformed", text).instead("letsencrypt"));
            }
        }
    }
    answers.push((SetUpField::Directory, settings.directory.to_string(), notes));

    let terms = match &settings.directory {
        AcmeDirectory::LetsEncrypt | AcmeDirectory::Staging => {
            "Let's Encrypt gives a certificate only to who agrees to its terms of service: read \
             https://letsencrypt.org/repository/, and say that you agree"
        }
        AcmeDirectory::Url(_) => {
            "who issues the certificate may have terms of service: read them, and say that you agree"
        }
    };
    let notes = if ask.agree_terms { Vec::new() } else { vec![SetUpNote::wrong("terms-not-agreed", terms)] };
    answers.push((SetUpField::AgreeTerms, ask.agree_terms.to_string(), notes));

    let contact = ask.contact.as_deref().unwrap_or_default().trim();
    let mut notes = Vec::new();
    if !contact.is_empty() {
        match contact.parse() {
            Ok(contact) => settings.contact = Some(contact),
            Err(text) => {
                let text: &str = text;
                notes.push(SetUpNote::wrong("contact-malformed", text));
            }
        }
    }
    answers.push((SetUpField::Contact, contact.to_owned(), notes));

    let of_way = provider.and_then(|name| not_for(name, &settings.directory)).into_iter().collect();
    answers.push((SetUpField::ReachedBy, "acme".to_owned(), of_way));
    let notes = not_reached_for(ask.challenge, port).into_iter().collect();
    answers.push((SetUpField::Challenge, settings.challenge.as_str().to_owned(), notes));

    if ask.challenge == AcmeChallenge::Dns01 {
        let command = ask.dns_command.as_deref().unwrap_or_default().trim();
        let notes = not_a_program(command).into_iter().collect();
        settings.dns_command = Some(command.into());
        answers.push((SetUpField::DnsCommand, command.to_owned(), notes));
    }
    (answers, settings)
}

/// Why no certificate is issued for that name.
fn not_for(name: &Provider, directory: &AcmeDirectory) -> Option<SetUpNote> {
    if matches!(directory, AcmeDirectory::Url(_)) {
        return None;
    }
    let is_domain =
        matches!(name.host(), Host::Dns(host) if host.contains('.') && !host.ends_with(".localhost"));
    let text = format!(
        "Let's Encrypt gives certificates for domains that everybody can look up, and {name} is none: give a domain, or choose another \
         way to be reached"
    );
    (!is_domain).then(|| SetUpNote::wrong("acme-needs-domain", text))
}

/// Why who issues the certificate may not find its answer.
fn not_reached_for(challenge: AcmeChallenge, port: Option<u16>) -> Option<SetUpNote> {
    match challenge {
        AcmeChallenge::TlsAlpn01 if port.is_some_and(|port| port != HTTPS) => {
            let text = format!(
                "whoever issues the certificate comes to port {HTTPS} of the name, whatever port is in it: have your router pass that on to \
                 the port that is listened on, or have it look at port {HTTP} or in the DNS"
            );
            Some(SetUpNote::confirm("acme-port-443", text).instead("http-01"))
        }
        AcmeChallenge::Http01 => {
            let fault = TcpListener::bind((Ipv4Addr::UNSPECIFIED, HTTP)).err()?;
            let why = match fault.kind() {
                ErrorKind::AddrInUse => "another program has it".to_owned(),
                ErrorKind::PermissionDenied => "the system lets this user have no port below 1024".to_owned(),
                _ => fault.to_string(),
            };
            let text = format!(
                "whoever issues the certificate comes to port {HTTP}, which cannot be listened on: {why}; free it, or have it look in the DNS"
            );
            Some(SetUpNote::wrong("acme-port-80", text).instead("dns-01"))
        }
        AcmeChallenge::TlsAlpn01 | AcmeChallenge::Dns01 => None,
    }
}

/// Why the program cannot be run that sets a record in the DNS.
fn not_a_program(command: &str) -> Option<SetUpNote> {
    let wrong = |text: String| Some(SetUpNote::wrong("dns-command", text));
    let path = Path::new(command);
    if command.is_empty() {
        return wrong("name the program that sets a record in the DNS of your domain".into());
    }
    if path.is_relative() {
        return wrong("give the whole path of the program, since it is run from another folder".into());
    }
    match std::fs::metadata(path) {
        Err(fault) => wrong(format!("{command} cannot be run: {fault}")),
        Ok(found) if !is_runnable(&found) => {
            wrong(format!("{command} is no program that can be run; make it one with chmod +x"))
        }
        Ok(_) => None,
    }
}

#[cfg(unix)]
fn is_runnable(found: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    found.is_file() && found.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_runnable(found: &std::fs::Metadata) -> bool {
    found.is_file()
}
