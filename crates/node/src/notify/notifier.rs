//! The targets, how it goes with them, and their sending.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::time::Timestamp;
use futures_util::future::join_all;
use parking_lot::Mutex;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::current::Now;
use super::http::{Unsent, client, send_to_ntfy, send_to_webhook};
use super::message::{Form, Message};
use super::smtp::send_by_smtp;
use super::told::{Failing, Told, Wanted};
use crate::ambient::AmbientExt;
use crate::ground::Ground;
use crate::ground::changes::Change;
use crate::ground::config::{Config, Least, NotifyTarget, NtfyConfig, SmtpConfig, WebhookConfig};
use crate::identity::write_secret;
use crate::store::Severity;

/// What the targets were told, in the data folder.
const FILE: &str = "notified.json";
/// A computer that has slept does not tell, so the time is read this often.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Where the operator is told what waits and what is wrong, besides the screens.
pub struct Notifier {
    /// Settings, clock, and word of what changes.
    ground: Arc<Ground>,
    targets: Vec<Target>,
    client: reqwest::Client,
    /// By whom servers for mail are trusted.
    roots: Vec<CertificateDer<'static>>,
    /// Held while what was told is kept, so that what is older is not written over what is newer.
    writing: tokio::sync::Mutex<()>,
}

/// One place where the operator is told.
struct Target {
    wanted: Wanted,
    form: Form,
    address: Address,
    told: Mutex<Told>,
    /// Rung where there is something to send, or no reason any more to wait with it.
    rung: tokio::sync::Notify,
}

enum Address {
    Webhook(WebhookConfig),
    Ntfy(NtfyConfig),
    Smtp(SmtpConfig),
}

/// What a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// A program that is sent JSON.
    Webhook,
    /// A topic of ntfy.
    Ntfy,
    /// Addresses for mail.
    Smtp,
}

/// How it goes with a target. Nothing in it is secret.
#[derive(Clone, Debug)]
pub struct TargetStanding {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: TargetKind,
    /// The server, with its port where that is not the usual one.
    pub place: String,
    /// Whether it is told names.
    pub names: bool,
    /// Whether it is told what waits for a decision.
    pub waits: bool,
    /// How bad what is wrong has to be for it to be told.
    pub least: Severity,
    /// How many things it is yet to be told.
    pub waiting: usize,
    /// When it was last reached.
    pub reached: Option<Timestamp>,
    /// How it fails, where it does.
    pub failing: Option<FailingTarget>,
}

/// A target that cannot be reached.
#[derive(Clone, Debug)]
pub struct FailingTarget {
    /// What it is called.
    pub name: String,
    /// Since the first failure in a row.
    pub since: Timestamp,
    /// How many there were.
    pub tries: u32,
    /// Why the last one failed, with what the server has answered: one sentence.
    pub text: String,
    /// When it is tried again.
    pub next: Timestamp,
}

/// What became of a test.
#[derive(Clone, Debug)]
pub struct TestResult {
    /// What the target is called.
    pub name: String,
    /// Why the test has not come, in one sentence; none where it has.
    pub fault: Option<String>,
}

impl Notifier {
    /// The targets of the configuration, with what they were told before, in the data folder.
    ///
    /// # Errors
    ///
    /// What is wrong with `[notify] extra_roots`, as the end of a sentence.
    pub(crate) fn new(ground: Arc<Ground>, roots: Vec<CertificateDer<'static>>) -> Result<Self, String> {
        let config = &ground.config;
        config.notify.secret_files().for_each(warn_of_others);
        let mut kept =
            if config.notify.targets().next().is_some() { load(&config.data_dir) } else { BTreeMap::new() };
        let now = ground.ambient.now();
        let targets = config.notify.targets().map(|target| {
            let mut told = kept.remove(&target.name()).unwrap_or_default();
            told.begin(now);
            Target::new(target, config, told)
        });
        let targets = targets.collect();
        let mut trusted = RootCertStore::empty();
        trusted.add_parsable_certificates(roots.iter().cloned());
        let (client, writing) = (client(trusted)?, tokio::sync::Mutex::default());
        Ok(Self { ground, targets, client, roots, writing })
    }

    /// Whether there is any target.
    pub(super) fn has_targets(&self) -> bool {
        !self.targets.is_empty()
    }

    /// How it goes with each target.
    pub fn standing(&self) -> Vec<TargetStanding> {
        self.targets.iter().map(Target::standing).collect()
    }

    /// The targets that cannot be reached.
    pub(crate) fn failing(&self) -> Vec<FailingTarget> {
        self.targets.iter().filter_map(|target| target.standing().failing).collect()
    }

    /// Sends a test to each target at once, and says what became of it. Where it comes, what waits for that target is sent too.
    pub async fn test(&self) -> Vec<TestResult> {
        let tests = self.targets.iter().map(|target| async move {
            let message = target.form.test(self.ground.ambient.id(), self.ground.ambient.now());
            let sent = self.send(target, &message).await;
            if sent.is_ok() {
                target.told.lock().reach(self.ground.ambient.now());
                target.rung.notify_one();
            }
            TestResult { name: target.wanted.target.clone(), fault: sent.err().map(|unsent| unsent.text) }
        });
        let results = join_all(tests).await;
        self.keep().await;
        self.ground.changes.announce(Change::Settings);
        results
    }

    /// Takes what is so now. Returns when something is to be told next that nothing tells of.
    pub(super) async fn take(&self, is: &Now) -> Option<Timestamp> {
        let now = self.ground.ambient.now();
        let (mut is_changed, mut due) = (false, None::<Timestamp>);
        for target in &self.targets {
            let mut told = target.told.lock();
            is_changed |= told.take(is, &target.wanted, now, || self.ground.ambient.id());
            due = [due, told.due()].into_iter().flatten().min();
        }
        if is_changed {
            self.keep().await;
            self.targets.iter().for_each(|target| target.rung.notify_one());
        }
        due
    }

    /// Sends what there is to send to each target, until the node stops. What is on its way by then is sent again at the next
    /// start.
    pub(super) async fn run(&self) {
        join_all(self.targets.iter().map(|target| self.serve(target))).await;
    }

    async fn serve(&self, target: &Target) {
        while !self.ground.stop.is_cancelled() {
            let turned = self.ground.ambient.turned();
            let now = self.ground.ambient.now();
            let wait = target.told.lock().wait(now);
            if wait == Some(Duration::ZERO) {
                self.send_next(target, now).await;
                continue;
            }
            tokio::select! {
                () = self.ground.stop.cancelled() => return,
                () = tokio::time::sleep(wait.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)) => {}
                () = target.rung.notified() => {}
                () = turned => {}
            }
        }
    }

    async fn send_next(&self, target: &Target, now: Timestamp) {
        let Some(batch) = target.told.lock().batch(|| self.ground.ambient.id()) else { return };
        // Kept before it is sent: one that is sent again has the same id.
        self.keep().await;
        let message = target.form.message(batch, now);
        let sent = tokio::select! {
            () = self.ground.stop.cancelled() => return,
            sent = self.send(target, &message) => sent,
        };
        let now = self.ground.ambient.now();
        {
            let mut told = target.told.lock();
            match sent {
                Ok(()) => {
                    told.succeed(now);
                    tracing::debug!(whom = %target.wanted.target, "the operator is told");
                }
                Err(Unsent { text, rest }) => {
                    tracing::warn!(whom = %target.wanted.target, "the operator cannot be told: {text}");
                    let fraction =
                        f64::from(u32::from_le_bytes(self.ground.ambient.random())) / f64::from(u32::MAX);
                    told.fail(text, rest, fraction, now);
                }
            }
        }
        self.keep().await;
        self.ground.changes.announce(Change::Settings);
    }

    async fn send(&self, target: &Target, message: &Message) -> Result<(), Unsent> {
        match &target.address {
            Address::Webhook(webhook) => send_to_webhook(&self.client, webhook, message).await,
            Address::Ntfy(ntfy) => send_to_ntfy(&self.client, ntfy, message).await,
            Address::Smtp(smtp) => send_by_smtp(smtp, &self.roots, message).await,
        }
    }

    /// Writes what was told. Where it cannot be, as on a full disk, that is tried with the next change.
    async fn keep(&self) {
        let _one = self.writing.lock().await;
        let told: BTreeMap<&str, Told> = self
            .targets
            .iter()
            .map(|target| (target.wanted.target.as_str(), target.told.lock().clone()))
            .collect();
        let text = serde_json::to_vec(&told).map_err(io::Error::from);
        let path = self.ground.config.data_dir.join(FILE);
        let written = match text {
            Ok(text) => tokio::task::spawn_blocking(move || write_secret(&path, &text))
                .await
                .unwrap_or_else(|fault| Err(io::Error::other(fault))),
            Err(fault) => Err(fault),
        };
        if let Err(fault) = written {
            tracing::warn!(%fault, "what the operator was told cannot be kept in {FILE}");
        }
    }
}

impl Target {
    fn new(target: NotifyTarget<'_>, config: &Config, told: Told) -> Self {
        let wanted = Wanted {
            target: target.name(),
            waits: target.waits(),
            least: match target.least() {
                Least::Low => Severity::Low,
                Least::Medium => Severity::Medium,
                Least::High => Severity::High,
            },
        };
        let names = target.names();
        let form = Form { provider: names.then(|| config.provider.to_string()), pages: pages(config, names) };
        let address = match target {
            NotifyTarget::Webhook(webhook) => Address::Webhook(webhook.clone()),
            NotifyTarget::Ntfy(ntfy) => Address::Ntfy(ntfy.clone()),
            NotifyTarget::Smtp(smtp) => Address::Smtp(smtp.clone()),
        };
        Self { wanted, form, address, told: Mutex::new(told), rung: tokio::sync::Notify::new() }
    }

    fn standing(&self) -> TargetStanding {
        let told = self.told.lock();
        let failing = told.failing.clone().map(|failing| {
            let Failing { since, tries, text, next, .. } = failing;
            FailingTarget { name: self.wanted.target.clone(), since, tries, text, next }
        });
        let (kind, place) = match &self.address {
            Address::Webhook(webhook) => (TargetKind::Webhook, webhook.url.place()),
            Address::Ntfy(ntfy) => (TargetKind::Ntfy, ntfy.server.place()),
            Address::Smtp(smtp) => (TargetKind::Smtp, format!("{}:{}", smtp.server, smtp.port())),
        };
        TargetStanding {
            name: self.wanted.target.clone(),
            kind,
            place,
            names: self.form.provider.is_some(),
            waits: self.wanted.waits,
            least: self.wanted.least,
            waiting: told.waiting(),
            reached: told.reached,
            failing,
        }
    }
}

/// Says in the log where a secret can be read by every user of this computer.
#[cfg(unix)]
fn warn_of_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o007 != 0) {
        tracing::warn!(
            "everybody on this computer can read the secret in {0}; run chmod 600 {0}",
            path.display()
        );
    }
}

#[cfg(not(unix))]
fn warn_of_others(_: &Path) {}

/// Where the operator's browser opens the pages. A message without names links only where the operator says to where.
fn pages(config: &Config, names: bool) -> Option<String> {
    if let Some(link) = &config.notify.link {
        return Some(link.to_string());
    }
    let admin = config.admin.as_ref().filter(|admin| names && admin.listen.port() != 0)?;
    let scheme = if admin.tls_cert.is_some() { "https" } else { "http" };
    let served = || format!("{scheme}://{}", admin.listen);
    Some(admin.origins.first().map_or_else(served, ToString::to_string))
}

/// What the targets were told. Where the file is damaged, they are told again what is so.
fn load(dir: &Path) -> BTreeMap<String, Told> {
    let path = dir.join(FILE);
    let read = match std::fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).map_err(|fault| fault.to_string()),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(fault) => Err(fault.to_string()),
    };
    read.unwrap_or_else(|fault| {
        tracing::warn!(%fault, "what the operator was told before cannot be read from {}", path.display());
        BTreeMap::new()
    })
}

/// The system's roots, and those in the file `extra` (PEM), by which the servers of targets are trusted.
///
/// # Errors
///
/// What is wrong with that file, as the end of a sentence.
pub(crate) fn roots(extra: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, String> {
    let (mut roots, mut store) = (Vec::new(), RootCertStore::empty());
    for certificate in rustls_native_certs::load_native_certs().certs {
        // What a system has beside roots that can be used is its own matter.
        if store.add(certificate.clone()).is_ok() {
            roots.push(certificate);
        }
    }
    let Some(path) = extra else { return Ok(roots) };
    let text = std::fs::read(path).map_err(|fault| fault.to_string())?;
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|fault| fault.to_string())?;
        store.add(certificate.clone()).map_err(|fault| fault.to_string())?;
        roots.push(certificate);
    }
    if roots.len() == before {
        return Err("there is no certificate in it".into());
    }
    Ok(roots)
}
