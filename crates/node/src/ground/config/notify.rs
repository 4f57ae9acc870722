//! Where the operator is told what waits and what is wrong, besides the screens.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lettre::message::Mailbox;
use serde::{Deserialize, Serialize};

use super::fault::ConfigFault;
use super::origin::Origin;
use super::text::{
    all_as_text, all_from_text, as_text, from_plain_text, optional_as_text, optional_from_text,
};

/// Where the operator is told what waits and what is wrong, besides the screens.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct NotifyConfig {
    /// Where the operator's browser opens the pages, to which messages link. Absent: the first of `[admin] origins`, or where the
    /// pages are served; a message without names has no link then.
    #[serde(deserialize_with = "optional_from_text", serialize_with = "optional_as_text")]
    pub link: Option<Origin>,
    /// Certificates, PEM, by which these servers are trusted besides the system's.
    pub extra_roots: Option<PathBuf>,
    /// Programs that are sent JSON.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub webhook: Vec<WebhookConfig>,
    /// Topics of ntfy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ntfy: Vec<NtfyConfig>,
    /// Addresses for mail.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub smtp: Vec<SmtpConfig>,
}

/// A program that is sent JSON.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Where.
    #[serde(deserialize_with = "from_plain_text", serialize_with = "as_text")]
    pub url: HttpUrl,
    /// What it is called here. Absent: `webhook` and its host.
    pub name: Option<String>,
    /// By which the body is signed with HMAC-SHA-256.
    pub secret: Option<SecretText>,
    /// The file with that.
    pub secret_file: Option<PathBuf>,
    /// Whether it is told the names of users, providers and groups.
    #[serde(default = "yes")]
    pub names: bool,
    /// Whether it is told what waits for a decision.
    #[serde(default = "yes")]
    pub waits: bool,
    /// How bad what is wrong has to be for it to be told.
    #[serde(default)]
    pub least: Least,
}

/// A topic of ntfy.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NtfyConfig {
    /// The server.
    #[serde(default, deserialize_with = "from_plain_text", serialize_with = "as_text")]
    pub server: HttpUrl,
    /// The topic. Whoever knows it can read it, unless the server asks for a token.
    pub topic: String,
    /// What it is called here. Absent: `ntfy` and its host.
    pub name: Option<String>,
    /// The token that the server asks for.
    pub token: Option<SecretText>,
    /// The file with that.
    pub token_file: Option<PathBuf>,
    /// Whether it is told the names of users, providers and groups.
    #[serde(default = "yes")]
    pub names: bool,
    /// Whether it is told what waits for a decision.
    #[serde(default = "yes")]
    pub waits: bool,
    /// How bad what is wrong has to be for it to be told.
    #[serde(default)]
    pub least: Least,
}

/// Addresses for mail, and the server that takes mail for them.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpConfig {
    /// The server's name or address.
    pub server: String,
    /// Its port. Absent: 465 over TLS, 587 with STARTTLS, 25 without.
    pub port: Option<u16>,
    /// How the connection is sealed.
    #[serde(default)]
    pub tls: SmtpTls,
    /// What it is called here. Absent: `mail to` and the first address.
    pub name: Option<String>,
    /// The user that the server asks for.
    pub user: Option<String>,
    /// The file with that user's password.
    pub password_file: Option<PathBuf>,
    /// Whom the mail is from.
    #[serde(deserialize_with = "from_plain_text", serialize_with = "as_text")]
    pub from: MailAddress,
    /// Whom it is to.
    #[serde(deserialize_with = "all_from_text", serialize_with = "all_as_text")]
    pub to: Vec<MailAddress>,
    /// Whether they are told the names of users, providers and groups.
    #[serde(default = "yes")]
    pub names: bool,
    /// Whether they are told what waits for a decision.
    #[serde(default = "yes")]
    pub waits: bool,
    /// How bad what is wrong has to be for them to be told.
    #[serde(default)]
    pub least: Least,
}

/// How bad what is wrong has to be for it to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Least {
    /// All of it.
    Low,
    /// What will not work for long, or not for everybody, and what is worse.
    #[default]
    Medium,
    /// What does not work.
    High,
}

/// How the connection to a server for mail is sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmtpTls {
    /// By TLS from its beginning (RFC 8314).
    Tls,
    /// By STARTTLS, without which nothing is sent (RFC 3207).
    #[default]
    Starttls,
    /// Not at all: for a server on this computer.
    None,
}

/// An `https` URL, or an `http` one of this computer or of a private network.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpUrl(http::Uri);

/// Something secret that is in the configuration itself.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct SecretText(String);

/// An address for mail, with or without a name before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailAddress(Mailbox);

/// One of the places where the operator is told.
#[derive(Clone, Copy, Debug)]
pub enum NotifyTarget<'a> {
    /// A program.
    Webhook(&'a WebhookConfig),
    /// A topic.
    Ntfy(&'a NtfyConfig),
    /// Mail.
    Smtp(&'a SmtpConfig),
}

impl NotifyConfig {
    /// All targets, in the order of the kinds.
    pub fn targets(&self) -> impl Iterator<Item = NotifyTarget<'_>> {
        let webhooks = self.webhook.iter().map(NotifyTarget::Webhook);
        let topics = self.ntfy.iter().map(NotifyTarget::Ntfy);
        webhooks.chain(topics).chain(self.smtp.iter().map(NotifyTarget::Smtp))
    }

    pub(super) fn check(&self) -> Result<(), ConfigFault> {
        let unfit = |text: String| Err(ConfigFault::Unfit(text));
        for webhook in &self.webhook {
            one_secret("[[notify.webhook]] secret", &webhook.secret, &webhook.secret_file)?;
        }
        for ntfy in &self.ntfy {
            one_secret("[[notify.ntfy]] token", &ntfy.token, &ntfy.token_file)?;
            let is_word =
                |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
            if ntfy.topic.is_empty() || ntfy.topic.len() > 64 || !ntfy.topic.chars().all(is_word) {
                return unfit(format!(
                    "[[notify.ntfy]] topic = {:?} is none: a topic has up to 64 letters, digits, - and _",
                    ntfy.topic
                ));
            }
        }
        for smtp in &self.smtp {
            smtp.check()?;
        }
        let mut names: Vec<String> = self.targets().map(|target| target.name()).collect();
        names.sort();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return unfit(format!(
                "[notify] has two targets called {:?}; give each a name of its own",
                twice[0]
            ));
        }
        Ok(())
    }

    /// The files with something secret in them.
    pub fn secret_files(&self) -> impl Iterator<Item = &Path> {
        let secrets = self.webhook.iter().map(|webhook| &webhook.secret_file);
        let tokens = self.ntfy.iter().map(|ntfy| &ntfy.token_file);
        let passwords = self.smtp.iter().map(|smtp| &smtp.password_file);
        secrets.chain(tokens).chain(passwords).flatten().map(PathBuf::as_path)
    }

    /// The paths of all files.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let secrets = self.webhook.iter_mut().map(|webhook| &mut webhook.secret_file);
        let tokens = self.ntfy.iter_mut().map(|ntfy| &mut ntfy.token_file);
        let passwords = self.smtp.iter_mut().map(|smtp| &mut smtp.password_file);
        secrets.chain(tokens).chain(passwords).chain([&mut self.extra_roots]).flatten()
    }
}

fn one_secret(place: &str, text: &Option<SecretText>, file: &Option<PathBuf>) -> Result<(), ConfigFault> {
    if text.is_some() && file.is_some() {
        return Err(ConfigFault::Unfit(format!("{place} is given twice, here and in a file; take one out")));
    }
    Ok(())
}

impl SmtpConfig {
    /// The port of the server.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            SmtpTls::Tls => 465,
            SmtpTls::Starttls => 587,
            SmtpTls::None => 25,
        })
    }

    fn check(&self) -> Result<(), ConfigFault> {
        let unfit = |text: String| Err(ConfigFault::Unfit(text));
        let is_host = |character: char| character.is_ascii_alphanumeric() || ".-:".contains(character);
        if self.server.is_empty() || !self.server.chars().all(is_host) {
            return unfit(format!(
                "[[notify.smtp]] server = {:?} is none: it is a name or an address, and port stands by itself",
                self.server
            ));
        }
        if self.to.is_empty() {
            return unfit("[[notify.smtp]] to names nobody; it is a list of addresses for mail".into());
        }
        if self.user.is_some() != self.password_file.is_some() {
            return unfit(
                "[[notify.smtp]] user and password_file go together, and one of them is missing".into(),
            );
        }
        if self.tls == SmtpTls::None && !is_here(&self.server) {
            return unfit(format!(
                "[[notify.smtp]] tls = \"none\" is for a server on this computer, and {} is another; write \"starttls\" or \"tls\"",
                self.server
            ));
        }
        Ok(())
    }
}

impl NotifyTarget<'_> {
    /// What it is called, without anything secret.
    pub fn name(&self) -> String {
        let (given, named) = match self {
            Self::Webhook(webhook) => (&webhook.name, format!("webhook {}", webhook.url.place())),
            Self::Ntfy(ntfy) => (&ntfy.name, format!("ntfy {}", ntfy.server.place())),
            Self::Smtp(smtp) => {
                let first = smtp.to.first().map(|to| to.0.email.to_string());
                (&smtp.name, format!("mail to {}", first.unwrap_or_default()))
            }
        };
        given.clone().unwrap_or(named)
    }

    /// Whether it is told the names of users, providers and groups.
    pub fn names(&self) -> bool {
        match self {
            Self::Webhook(webhook) => webhook.names,
            Self::Ntfy(ntfy) => ntfy.names,
            Self::Smtp(smtp) => smtp.names,
        }
    }

    /// Whether it is told what waits for a decision.
    pub fn waits(&self) -> bool {
        match self {
            Self::Webhook(webhook) => webhook.waits,
            Self::Ntfy(ntfy) => ntfy.waits,
            Self::Smtp(smtp) => smtp.waits,
        }
    }

    /// How bad what is wrong has to be for it to be told.
    pub fn least(&self) -> Least {
        match self {
            Self::Webhook(webhook) => webhook.least,
            Self::Ntfy(ntfy) => ntfy.least,
            Self::Smtp(smtp) => smtp.least,
        }
    }
}

impl HttpUrl {
    /// Its host, with the port where that is not the scheme's own: what of it is no secret.
    pub fn place(&self) -> String {
        let host = self.0.host().unwrap_or_default();
        match self.0.port_u16() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }
}

/// Whether `host` is this computer, by its name or its address alone.
fn is_here(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

fn is_private(host: &str) -> bool {
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(address) => match address.to_canonical() {
            IpAddr::V4(address) => address.is_private() || address.is_link_local(),
            IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
        },
        Err(_) => false,
    }
}

impl Default for HttpUrl {
    fn default() -> Self {
        Self(http::Uri::from_static("https://ntfy.sh"))
    }
}

impl FromStr for HttpUrl {
    type Err = String;

    /// The error is one sentence, which does not repeat the URL: it may be a secret.
    fn from_str(text: &str) -> Result<Self, String> {
        let not = |why: &str| format!("that is no URL to send to: {why}");
        let uri: http::Uri = text.parse().map_err(|_| not("it is as https://home.example/hook"))?;
        let host = uri.host().unwrap_or_default();
        if host.is_empty() || uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(not("it has a host, and no user before it"));
        }
        match uri.scheme_str() {
            Some("https") => Ok(Self(uri)),
            Some("http") if is_here(host) || is_private(host) => Ok(Self(uri)),
            Some("http") => Err(not(
                "without TLS only localhost and addresses of this computer or of a private network are sent to",
            )),
            _ => Err(not("it begins with https://")),
        }
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpUrl({}…)", self.place())
    }
}

impl SecretText {
    /// The secret, or that of `file`, without the end of its line; none where neither is given.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or has nothing in it: one sentence.
    pub fn read(text: Option<&Self>, file: Option<&Path>) -> Result<Option<String>, String> {
        let Some(path) = file else { return Ok(text.map(|text| text.0.clone())) };
        let read = std::fs::read_to_string(path)
            .map_err(|fault| format!("{} cannot be read: {fault}", path.display()))?;
        let secret = read.trim_end_matches(['\r', '\n']);
        if secret.is_empty() {
            return Err(format!("{} has nothing in it", path.display()));
        }
        Ok(Some(secret.to_owned()))
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText")
    }
}

impl MailAddress {
    /// As the crate for mail has it.
    pub fn mailbox(&self) -> &Mailbox {
        &self.0
    }
}

impl FromStr for MailAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| {
            format!(
                "{text:?} is no address for mail, as operator@home.example or Home <operator@home.example>"
            )
        })
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_tls_is_of_this_computer_or_a_private_network_and_is_not_repeated() {
        for good in [
            "https://hooks.example/a/secret?x=1",
            "http://localhost:8123/",
            "http://[::1]:80/",
            "http://192.168.1.5:8123/hook",
            "http://[fd00::5]/",
        ] {
            assert_eq!(good.parse::<HttpUrl>().unwrap().to_string(), good);
        }
        for wrong in
            ["", "/path", "ftp://a.example/SECRET", "http://a.example/SECRET", "https://SECRET@a.example/"]
        {
            let fault = wrong.parse::<HttpUrl>().expect_err(wrong);
            assert!(!fault.contains("SECRET"), "{fault}");
        }
        let url: HttpUrl = "https://hooks.example:8443/SECRET".parse().unwrap();
        assert_eq!(url.place(), "hooks.example:8443");
        assert!(!format!("{url:?}").contains("SECRET"));
        assert!(!format!("{:?}", SecretText::from("SECRET")).contains("SECRET"));
    }

    #[test]
    fn a_secret_of_a_file_has_no_end_of_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        let missing = SecretText::read(None, Some(&path)).unwrap_err();
        assert!(missing.contains("cannot be read"), "{missing}");
        std::fs::write(&path, "\n").unwrap();
        assert!(SecretText::read(None, Some(&path)).unwrap_err().contains("nothing in it"));
        std::fs::write(&path, "a b \r\n").unwrap();
        assert_eq!(SecretText::read(None, Some(&path)).unwrap().as_deref(), Some("a b "));
        assert_eq!(SecretText::read(Some(&"x".into()), None).unwrap().as_deref(), Some("x"));
        assert_eq!(SecretText::read(None, None).unwrap(), None);
    }
}
