//! Gets a certificate for our name and renews it, for as long as the node runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::time::Timestamp;
use instant_acme::{Account, CertificateIdentifier, Error, OrderStatus};
use rcgen::KeyPair;
use rustls::pki_types::Der;

use super::answers::Answers;
use super::directory::Directory;
use super::fault::AcmeFault;
use super::kept::{Issued, Kept, Pending};
use super::order::Orders;
use super::schedule;
use crate::ambient::AmbientExt;
use crate::ground::Ground;
use crate::ground::changes::Change;
use crate::ground::config::{AcmeChallenge, AcmeConfig};
use crate::http::{bind_setting, serve};
use crate::identity::{Certificate, Issuance, IssuanceCode, write_secret, x509};
use crate::peers::host_text;

/// One try takes no longer, the operator's command included.
const TRY_TIME: Duration = Duration::from_secs(1800);
/// The time is read this often: a computer that has slept has not told.
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// How often it is tried to listen for `http-01` where that fails.
const LISTEN_AGAIN: Duration = Duration::from_secs(60);
/// How often a directory is asked when to renew, whatever it says itself, and where it cannot be asked.
const ASK_AT_MOST: Duration = Duration::from_secs(3600);
const ASK_AT_LEAST: Duration = Duration::from_secs(86_400);
const ASK_AGAIN: Duration = Duration::from_secs(6 * 3600);
/// Connections of the directory's validators, and of whoever else comes to port 80.
const CONNECTIONS: usize = 64;

/// Gets certificates for our name.
pub(crate) struct Renewal {
    /// Our name, the data folder, the clock and the end.
    ground: Arc<Ground>,
    /// How orders are made.
    orders: Orders,
    /// The one that is shown to other providers, in whose place a new one is put.
    certificate: Arc<Certificate>,
    /// Where it is told how it goes.
    issuance: Arc<Issuance>,
    /// Whether the answers to `http-01` are listened for, where that is the challenge.
    is_listening: bool,
}

/// What is to be done.
enum Due {
    /// To order a certificate.
    Order,
    /// To ask the directory when to renew.
    Ask,
    /// Nothing before that time.
    Wait(Timestamp),
}

impl Renewal {
    /// For the certificates of `certificate`, by the requests of `directory`.
    pub(crate) fn new(
        ground: Arc<Ground>,
        settings: AcmeConfig,
        directory: Directory,
        certificate: Arc<Certificate>,
        issuance: Arc<Issuance>,
    ) -> Self {
        let mut names = vec![host_text(ground.ours.host()), host_text(ground.endpoint.host())];
        names.dedup();
        let answers = Answers::new(certificate.clone(), settings.dns_command.clone());
        let orders = Orders { settings, names, directory, answers };
        Self { ground, orders, certificate, issuance, is_listening: false }
    }

    /// Does what is due, until the node stops.
    pub(crate) async fn run(mut self) {
        let ground = self.ground.clone();
        let mut kept = match Kept::load(self.folder()) {
            Ok(kept) => kept,
            Err(fault) => {
                // Without it, orders would not be counted: nothing is ordered until the next start.
                tracing::error!("no certificate is ordered: {fault}");
                let mut nothing = Kept::default();
                nothing.note(&fault, ground.ambient.now());
                self.tell(&nothing, None, false);
                return;
            }
        };
        kept.hurry_with_other(&self.fingerprint());
        loop {
            let turned = ground.ambient.turned();
            let (is_able, now) = (self.listen(&mut kept), ground.ambient.now());
            let due = if is_able { self.due(&mut kept, now) } else { Due::Wait(now.plus(LISTEN_AGAIN)) };
            let until = match due {
                Due::Wait(until) => until,
                Due::Order => {
                    let is_stopped = {
                        let done = self.order(&mut kept);
                        tokio::select! {
                            () = ground.stop.cancelled() => true,
                            () = done => false,
                        }
                    };
                    if is_stopped {
                        self.orders.answers.clear().await;
                        kept.break_off();
                        let _ = kept.store(self.folder());
                        return;
                    }
                    continue;
                }
                Due::Ask => {
                    tokio::select! {
                        () = ground.stop.cancelled() => return,
                        () = self.ask_when_to_renew(&mut kept) => {}
                    }
                    continue;
                }
            };
            let next = self.next(&mut kept, now);
            self.tell(&kept, Some(next), false);
            tokio::select! {
                () = ground.stop.cancelled() => return,
                () = tokio::time::sleep(until.since(now).min(LONGEST_WAIT)) => {}
                () = turned => {}
                () = self.issuance.hurried() => kept.hurry(),
            }
        }
    }

    fn folder(&self) -> &std::path::Path {
        &self.ground.config.data_dir
    }

    fn file(&self) -> PathBuf {
        Certificate::acme_file(self.folder())
    }

    /// What a try hangs on that the operator can change.
    fn fingerprint(&self) -> String {
        let AcmeConfig { directory, contact, challenge, http_listen, dns_command, .. } =
            &self.orders.settings;
        format!("{directory} {contact:?} {challenge:?} {http_listen} {dns_command:?} {:?}", self.orders.names)
    }

    /// A number from 0 to 1, by which all who renew do not come at once.
    fn fraction(&self) -> f64 {
        f64::from(u32::from_be_bytes(self.ground.ambient.random())) / f64::from(u32::MAX)
    }

    /// What was got for our names from the directory that is configured, and is in use.
    fn issued<'a>(&self, kept: &'a Kept) -> Option<&'a Issued> {
        let is_in_use = self.certificate.facts().file == self.file();
        kept.issued.as_ref().filter(|issued| {
            is_in_use && issued.directory == self.orders.url() && issued.names == self.orders.names
        })
    }

    fn due(&self, kept: &mut Kept, now: Timestamp) -> Due {
        kept.ask_by(now.plus(ASK_AT_LEAST));
        let next = self.next(kept, now);
        if next <= now {
            return Due::Order;
        }
        match self.issued(kept) {
            Some(issued) if issued.ask_at <= now => Due::Ask,
            Some(issued) => Due::Wait(next.min(issued.ask_at)),
            None => Due::Wait(next),
        }
    }

    /// When a certificate is ordered next.
    fn next(&self, kept: &mut Kept, now: Timestamp) -> Timestamp {
        let wanted = self.issued(kept).map_or(now, |issued| issued.renew_at);
        wanted.max(kept.allowed_from(now))
    }

    /// Tells how it goes.
    fn tell(&self, kept: &Kept, next: Option<Timestamp>, is_ordering: bool) {
        let issued = self.issued(kept).map(|issued| issued.at);
        let is_news = self.issuance.change(|standing| {
            (standing.is_ordering, standing.issued, standing.next) = (is_ordering, issued, next);
            standing.failure = kept.failure.clone();
        });
        if is_news {
            self.ground.changes.announce(Change::Settings);
        }
    }

    /// Listens for whoever looks for an answer to `http-01`, from the start on, so that it is said at once where another program
    /// does. Says whether that is so, or not needed.
    fn listen(&mut self, kept: &mut Kept) -> bool {
        if self.is_listening || self.orders.settings.challenge != AcmeChallenge::Http01 {
            return true;
        }
        match bind_setting("acme", "http_listen", self.orders.settings.http_listen) {
            Ok(listener) => {
                let serving = serve(
                    listener,
                    None,
                    self.orders.answers.router(),
                    CONNECTIONS,
                    self.ground.stop.clone(),
                );
                self.ground.tasks.spawn(serving);
                self.is_listening = true;
                kept.failure.take_if(|failure| failure.code == IssuanceCode::Port);
                true
            }
            Err(fault) => {
                let is_known =
                    kept.failure.as_ref().is_some_and(|failure| failure.code == IssuanceCode::Port);
                let fault = AcmeFault::of(IssuanceCode::Port, fault.to_string());
                if !is_known {
                    tracing::warn!(code = %fault.code, "no certificate can be ordered: {fault}");
                }
                kept.note(&fault, self.ground.ambient.now());
                false
            }
        }
    }

    /// Orders a certificate, and keeps what came of it.
    async fn order(&self, kept: &mut Kept) {
        let began = self.ground.ambient.now();
        kept.begin(&self.fingerprint(), began);
        self.tell(kept, None, true);
        let tried = match kept.store(self.folder()) {
            Ok(()) => match tokio::time::timeout(TRY_TIME, self.carry_out(kept)).await {
                Ok(carried_out) => carried_out,
                Err(_) => {
                    let text = format!("it has not come to an end in {} minutes", TRY_TIME.as_secs() / 60);
                    Err(AcmeFault::of(IssuanceCode::Refused, text))
                }
            },
            Err(fault) => Err(fault),
        };
        self.orders.answers.clear().await;
        let now = self.ground.ambient.now();
        match tried {
            Ok(issued) => {
                let until = self.certificate.facts().ends;
                tracing::info!(directory = self.orders.url(), %until, renewed = %issued.renew_at, "a certificate was got");
                kept.succeed(issued);
            }
            Err(fault) => {
                tracing::warn!(code = %fault.code, "no certificate was got: {fault}");
                if fault.is_account_gone {
                    kept.accounts.remove(self.orders.url());
                }
                kept.fail(&fault, now, self.fraction());
            }
        }
        if let Err(fault) = kept.store(self.folder()) {
            tracing::error!(code = %fault.code, "what came of the order is not kept: {fault}");
            kept.note(&fault, now);
        }
    }

    async fn carry_out(&self, kept: &mut Kept) -> Result<Issued, AcmeFault> {
        let account = self.account(kept).await?;
        let pending = match self.pending(&account, kept).await? {
            Some(pending) => pending,
            None => self.ask_for(&account, kept).await?,
        };
        let (mut order, key) = pending;
        let chain = self.orders.finish(&mut order, &key).await?;
        self.take(&chain, &key)
    }

    async fn account(&self, kept: &mut Kept) -> Result<Account, AcmeFault> {
        let (account, changed) = self.orders.account(kept.accounts.get(self.orders.url())).await?;
        if let Some(changed) = changed {
            kept.accounts.insert(self.orders.url().to_owned(), changed);
            kept.store(self.folder())?;
        }
        Ok(account)
    }

    /// The order whose certificate was asked for before, where that can still be had: the program was lost, or the folder could not
    /// be written, before it was here. To order another one would count against the directory's limits.
    async fn pending(
        &self,
        account: &Account,
        kept: &mut Kept,
    ) -> Result<Option<(instant_acme::Order, String)>, AcmeFault> {
        let (url, names) = (self.orders.url(), &self.orders.names);
        let pending = kept.pending.as_ref().filter(|order| order.directory == url && order.names == *names);
        let Some(Pending { order, key, .. }) = pending.cloned() else { return Ok(None) };
        match account.order(order).await {
            Ok(mut order) => match order.state().status {
                OrderStatus::Ready | OrderStatus::Processing | OrderStatus::Valid => Ok(Some((order, key))),
                OrderStatus::Pending | OrderStatus::Invalid => {
                    kept.pending = None;
                    Ok(None)
                }
            },
            // The directory does not know it any more.
            Err(Error::Api(_)) => {
                kept.pending = None;
                Ok(None)
            }
            Err(fault) => Err(self.orders.met(&fault)),
        }
    }

    /// Makes an order, proves what it is for, and notes that its certificate is asked for.
    async fn ask_for(
        &self,
        account: &Account,
        kept: &mut Kept,
    ) -> Result<(instant_acme::Order, String), AcmeFault> {
        kept.count_order(self.ground.ambient.now());
        kept.store(self.folder())?;
        let replaced = self.issued(kept).and_then(|_| self.certificate_id());
        let order = self.orders.prove(account, replaced).await?;
        let key = KeyPair::generate().map_err(|fault| {
            AcmeFault::of(IssuanceCode::Refused, format!("no key could be made for the certificate: {fault}"))
        })?;
        let key = key.serialize_pem();
        kept.pending = Some(Pending {
            directory: self.orders.url().to_owned(),
            order: order.url().to_owned(),
            names: self.orders.names.clone(),
            key: key.clone(),
        });
        // From here on a certificate counts, whatever becomes of this program.
        kept.store(self.folder())?;
        Ok((order, key))
    }

    /// Keeps a certificate with its key, in one file, so that neither is there without the other, and shows it from now on.
    fn take(&self, chain: &str, key: &str) -> Result<Issued, AcmeFault> {
        let file = self.file();
        write_secret(&file, format!("{}\n{chain}", key.trim_end()).as_bytes()).map_err(|fault| {
            AcmeFault::of(IssuanceCode::Unkept, format!("{} cannot be written: {fault}", file.display()))
        })?;
        self.certificate.take_files(&file, &file).map_err(|fault| {
            let text =
                format!("what the ACME directory {} has sent cannot be used: {fault}", self.orders.url());
            AcmeFault::of(IssuanceCode::Refused, text)
        })?;
        let (facts, now) = (self.certificate.facts(), self.ground.ambient.now());
        Ok(Issued {
            directory: self.orders.url().to_owned(),
            names: self.orders.names.clone(),
            at: now,
            renew_at: schedule::renewal(facts.begins, facts.ends, self.fraction()),
            window: None,
            ask_at: now,
        })
    }

    /// By which the directory knows the certificate in use (RFC 9773, section 4.1).
    fn certificate_id(&self) -> Option<CertificateIdentifier<'static>> {
        let said = x509::read(&self.certificate.der()?).ok()?;
        let authority = said.authority_key?;
        Some(
            CertificateIdentifier::new(Der::from_slice(&authority), Der::from_slice(&said.serial))
                .into_owned(),
        )
    }

    /// Asks the directory between which times to renew the certificate in use (RFC 9773). Where it does not say, what was planned
    /// holds.
    async fn ask_when_to_renew(&self, kept: &mut Kept) {
        let said = self.renewal_window(kept).await;
        let (now, facts) = (self.ground.ambient.now(), self.certificate.facts());
        let fraction = self.fraction();
        let Some(issued) = &mut kept.issued else { return };
        let again = match said {
            Ok((window, again)) => {
                if issued.window != Some(window) {
                    issued.window = Some(window);
                    issued.renew_at =
                        schedule::renewal_within(window, fraction, issued.at, facts.begins, facts.ends);
                }
                again.clamp(ASK_AT_MOST, ASK_AT_LEAST)
            }
            Err(fault) => {
                tracing::debug!("the directory does not say when to renew: {fault}");
                ASK_AGAIN
            }
        };
        issued.ask_at = now.plus(again);
        if let Err(fault) = kept.store(self.folder()) {
            tracing::warn!("when the certificate is renewed is not kept: {fault}");
        }
    }

    async fn renewal_window(&self, kept: &mut Kept) -> Result<([Timestamp; 2], Duration), AcmeFault> {
        let id = self.certificate_id().ok_or_else(|| {
            AcmeFault::of(IssuanceCode::Refused, "the certificate does not say whose key has signed it")
        })?;
        let account = self.account(kept).await?;
        let (info, again) = account.renewal_info(&id).await.map_err(|fault| self.orders.met(&fault))?;
        let seconds = |seconds: i64| Timestamp::from_secs(u64::try_from(seconds).unwrap_or(0));
        let window = info.suggested_window;
        Ok(([seconds(window.start.unix_timestamp()), seconds(window.end.unix_timestamp())], again))
    }
}
