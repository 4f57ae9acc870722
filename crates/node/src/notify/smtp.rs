//! Sending by mail (RFC 5321), over TLS or with STARTTLS.

use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor};
use rustls::pki_types::CertificateDer;

use super::http::Unsent;
use super::message::Message;
use crate::ground::config::{SecretText, SmtpConfig, SmtpTls};
use crate::readable::readable;

/// Each step has to be answered within this, and all of it be done.
const STEP_TIME: Duration = Duration::from_secs(20);
const WHOLE_TIME: Duration = Duration::from_secs(60);

/// Sends `message` by the server of `smtp`, which is trusted by `roots`.
pub(super) async fn send_by_smtp(
    smtp: &SmtpConfig,
    roots: &[CertificateDer<'static>],
    message: &Message,
) -> Result<(), Unsent> {
    let password = SecretText::read(None, smtp.password_file.as_deref())?;
    let mail = mail(smtp, message)?;
    let mut server = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(smtp.server.clone())
        .port(smtp.port())
        .timeout(Some(STEP_TIME))
        .tls(match smtp.tls {
            SmtpTls::Tls => Tls::Wrapper(parameters(&smtp.server, roots)?),
            SmtpTls::Starttls => Tls::Required(parameters(&smtp.server, roots)?),
            SmtpTls::None => Tls::None,
        });
    if let (Some(user), Some(password)) = (&smtp.user, password) {
        server = server.credentials(Credentials::new(user.clone(), password));
    }
    let server: AsyncSmtpTransport<Tokio1Executor> = server.build();
    match tokio::time::timeout(WHOLE_TIME, server.send(mail)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(fault)) if fault.is_timeout() => {
            Err("the server for mail does not answer in time".to_owned().into())
        }
        Ok(Err(fault)) => Err(readable(&said(&fault)).into()),
        Err(_) => Err("the server for mail does not answer in time".to_owned().into()),
    }
}

/// What went wrong: the server's own words where it has answered.
fn said(fault: &lettre::transport::smtp::Error) -> String {
    let mut cause: &dyn std::error::Error = fault;
    while let Some(next) = cause.source() {
        cause = next;
    }
    match fault.status() {
        Some(code) => format!("the server for mail answers {code}: {cause}"),
        None if fault.is_tls() => format!("the server for mail is not trusted: {cause}"),
        None if fault.is_client() => format!("the server for mail cannot be used: {cause}"),
        None => format!("no connection to the server for mail comes about: {cause}"),
    }
}

fn parameters(server: &str, roots: &[CertificateDer<'static>]) -> Result<TlsParameters, String> {
    let unfit = |fault: lettre::transport::smtp::Error| fault.to_string();
    let mut builder = TlsParameters::builder(server.to_owned()).certificate_store(CertificateStore::None);
    for root in roots {
        builder = builder.add_root_certificate(Certificate::from_der(root.to_vec()).map_err(unfit)?);
    }
    builder.build_rustls().map_err(unfit)
}

fn mail(smtp: &SmtpConfig, message: &Message) -> Result<Mail, String> {
    let from = smtp.from.mailbox();
    let host = from.email.domain();
    let mut mail = Mail::builder()
        .from(from.clone())
        .subject(message.title.clone())
        // One that is sent again is known by this to be the same.
        .message_id(Some(format!("<{}@{host}>", message.id)))
        .header(ContentType::TEXT_PLAIN);
    for to in &smtp.to {
        mail = mail.to(to.mailbox().clone());
    }
    let mut text = message.text();
    for line in message.link.iter().chain(&message.provider) {
        text.push_str("\n\n");
        text.push_str(line);
    }
    text.push('\n');
    let mut mail = mail.body(text).map_err(|fault| fault.to_string())?;
    // RFC 3834: nobody who is away answers to it.
    let name = HeaderName::new_from_ascii("Auto-Submitted".to_owned()).map_err(|fault| fault.to_string())?;
    mail.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
    Ok(mail)
}
