//! What is so with this node itself: whether others can find it under its name, what its certificates say, whether its store
//! keeps what it is given. Nothing is taken for well that was not looked at.

use parking_lot::{Mutex, RwLock};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::id::Host;
use drawbridge_mtp::time::Timestamp;

use super::own_fault::OwnFault;
use crate::address_hook::{AddressHook, HookStanding};
use crate::backup::{Backups, FailedBackup};
use crate::ground::Ground;
use crate::ground::changes::Change;
use crate::ground::clock::check_clock;
use crate::identity::x509::date;
use crate::identity::{Certificate, CertificateFacts, Fingerprint, Issuance, IssuanceStanding};
use crate::peers::{self, GuardFault, Peers, host_text};
use crate::router::{self, Router, RouterFault, RouterStanding};
use crate::store::{Store, StoreTrouble};
use crate::traffic::NotKept;

/// With less than this free on its disk, a node may have none left before anybody looks.
pub(crate) const LOW_OCTETS: u64 = 512 << 20;
/// How often it is looked how much is free.
const LOOK_AT_DISK_EVERY: Duration = Duration::from_secs(30);
/// How often our own name is looked up, and how often while that fails.
const LOOK_EVERY: Duration = Duration::from_secs(600);
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// How soon our own port is tried again where it was closed: what listens in front of this program may be started just after it.
const TRY_PORT_AGAIN: Duration = Duration::from_secs(5);

/// How often it is looked whether a certificate's files have changed.
const LOOK_AT_FILES_EVERY: Duration = Duration::from_secs(20);
/// The section whose certificate may be for another name than ours: browsers reach the pages as their operator likes.
const PAGES: &str = "admin";
/// The section whose certificate other providers are shown.
const SHOWN: &str = "mtp";

/// What is so with this node itself.
#[derive(Clone, Debug)]
pub struct Ourselves {
    /// Whether other providers can find us under our name.
    pub name: NameStanding,
    /// Where the name is found at addresses of this computer alone: one sentence, which says that others do not reach them.
    pub only_here: Option<String>,
    /// When the name was last looked up.
    pub looked: Option<Timestamp>,
    /// The port that our name leads others to.
    pub named_port: u16,
    /// The port that we listen on for them. Another one than they are led to is right only where something forwards it. None
    /// where a proxy listens for them in our place.
    pub listening_port: Option<u16>,
    /// Where our name leads to this computer, and nothing took a connection at the port that it leads to, twice: one sentence.
    pub port_closed: Option<String>,
    /// Our certificates, with the section of the configuration each is for.
    pub certificates: Vec<OwnCertificate>,
    /// How it goes with getting one by ACME, where that is configured.
    pub issuance: Option<IssuanceStanding>,
    /// What the router said, where it is asked for something.
    pub router: Option<RouterStanding>,
    /// Why others do not come by the router.
    pub router_trouble: Option<RouterFault>,
    /// How it goes with the command for a changed address, where there is one.
    pub address_hook: Option<HookStanding>,
    /// What the store cannot do at the moment.
    pub store: Option<StoreTrouble>,
    /// Octets that are free on the disk with the data folder, once that is known.
    pub free: Option<u64>,
    /// Why requests are not kept in the traffic record, where they are to be.
    pub traffic: Option<NotKept>,
    /// Why backups are not made that are to be made by themselves.
    pub backup: Option<FailedBackup>,
    /// Why nothing is signed, where the clock shows a time from before the program was built: one sentence.
    pub before_build: Option<String>,
    /// Why nothing is signed, where another copy of the data folder runs: one sentence; and when that was seen.
    pub runs_twice: Option<(String, Timestamp)>,
    /// How far the clocks of those providers are from this computer's that disagree with it, as a person reads it behind "theirs is".
    pub clocks_apart: Option<String>,
}

/// A certificate of ours.
#[derive(Clone, Debug)]
pub struct OwnCertificate {
    /// `mtp`, `client` or `admin`.
    pub section: &'static str,
    /// What it says of itself.
    pub facts: CertificateFacts,
    /// Whether it is for the host of our name; that of the pages may be for any.
    pub is_ours: bool,
    /// Why what its files held when they were last read was not taken, in one sentence.
    pub refused: Option<String>,
}

impl Ourselves {
    /// What keeps every other provider from coming here, each with a sentence.
    pub(crate) fn keep_others_out(&self, now: Timestamp) -> Vec<(OwnFault, String)> {
        let shown = self.certificates.iter().filter(|certificate| certificate.section == SHOWN);
        self.way_fault().into_iter().chain(shown.filter_map(|shown| shown.fault(now))).collect()
    }

    /// Why others do not find the way to this program by its name, with a sentence.
    pub(crate) fn way_fault(&self) -> Option<(OwnFault, String)> {
        let (fault, begin, why) = match (&self.name, &self.port_closed) {
            (NameStanding::Unresolved { text }, _) => {
                (OwnFault::NameUnresolved, "Others cannot find this provider", text)
            }
            (NameStanding::Private { text }, _) => {
                (OwnFault::NamePrivate, "Providers elsewhere cannot reach this one", text)
            }
            (_, Some(text)) => (OwnFault::PortClosed, "Others cannot reach this provider", text),
            _ => return None,
        };
        Some((fault, format!("{begin}: {}.", why.trim_end_matches('.'))))
    }
}

impl OwnCertificate {
    /// What it is called in a sentence, and who is shown it.
    pub(crate) fn called(&self) -> (String, &'static str) {
        let (whose, others) = match self.section {
            "client" => ("certificate for clients", "others"),
            PAGES => ("certificate for the pages", "browsers"),
            _ => ("certificate", "others"),
        };
        (format!("This provider's {whose} ({})", self.facts.file.display()), others)
    }

    /// Why nobody takes it now, whoever has signed it, with a sentence.
    pub(crate) fn fault(&self, now: Timestamp) -> Option<(OwnFault, String)> {
        let CertificateFacts { begins, ends, .. } = self.facts;
        let (fault, why) = if ends <= now {
            (OwnFault::CertificateExpired, format!("ended on {}", date(ends)))
        } else if begins > now {
            (OwnFault::CertificateNotYetValid, format!("holds only from {}", date(begins)))
        } else if !self.is_ours {
            (OwnFault::CertificateWrongName, "is for another name".to_owned())
        } else {
            return None;
        };
        let (what, others) = self.called();
        Some((fault, format!("{what} {why}, so {others} refuse to connect.")))
    }
}

/// Whether other providers can find us under our name, by the rules that we find others by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NameStanding {
    /// It has not been looked up yet.
    #[default]
    Unlooked,
    /// It leads to an address that others may connect to.
    Found,
    /// It leads to no address.
    Unresolved {
        /// One sentence.
        text: String,
    },
    /// It leads only to addresses of this machine or of a private network, which is not among `allow_networks`.
    Private {
        /// One sentence.
        text: String,
    },
}

/// What is known of ourselves, and what it is read from.
pub(crate) struct OwnState {
    /// Our name, endpoint and clock.
    ground: Arc<Ground>,
    /// Asked whether it keeps what it is given.
    store: Store,
    /// By whose rules our name is looked up.
    peers: Arc<Peers>,
    /// Our certificates, each with the section of the configuration that it is for.
    certificates: RwLock<Vec<(&'static str, Arc<Certificate>)>>,
    /// How it goes with getting a certificate by ACME, where that is configured.
    issuance: Option<Arc<Issuance>>,
    /// How others come in.
    way_in: WayIn,
    /// Octets that are free on the disk.
    free: Mutex<Option<u64>>,
    /// Asked whether they are made.
    backups: Arc<Backups>,
    /// What became of looking up our name.
    name: Mutex<LookedUp>,
    /// Rung where the name is to be looked up at once.
    again: tokio::sync::Notify,
}

/// How others come in.
pub(crate) struct WayIn {
    /// The port that we listen on for other providers, unless a proxy does.
    pub(crate) listening_port: Option<u16>,
    /// Who asks the router, where it is asked for something.
    pub(crate) router: Option<Arc<Router>>,
    /// The command for a changed address, where there is one.
    pub(crate) hook: Option<Arc<AddressHook>>,
}

/// What became of looking up our own name.
#[derive(Clone, Default)]
struct LookedUp {
    standing: NameStanding,
    only_here: Option<String>,
    port_closed: Option<String>,
    addresses: Vec<IpAddr>,
    at: Option<Timestamp>,
}

/// The tries at our own port.
#[derive(Default)]
struct OwnPort {
    /// Whether nothing took a connection at the last one.
    is_closed: bool,
}

impl OwnPort {
    /// Takes what a try has found, and returns what of it is told: nothing where only this one has found the port closed.
    fn told(&mut self, tried: Option<String>) -> Option<String> {
        let was_closed = std::mem::replace(&mut self.is_closed, tried.is_some());
        tried.filter(|_| was_closed)
    }
}

impl OwnState {
    pub(crate) fn new(
        ground: Arc<Ground>,
        store: Store,
        peers: Arc<Peers>,
        certificates: Vec<(&'static str, Arc<Certificate>)>,
        issuance: Option<Arc<Issuance>>,
        way_in: WayIn,
        backups: Arc<Backups>,
    ) -> Self {
        let (name, again) = (Mutex::new(LookedUp::default()), tokio::sync::Notify::new());
        let (free, certificates) = (Mutex::default(), RwLock::new(certificates));
        Self { ground, store, peers, certificates, issuance, way_in, free, backups, name, again }
    }

    /// What is known now.
    pub(crate) fn view(&self) -> Ourselves {
        let LookedUp { standing: name, only_here, port_closed, addresses, at: looked } =
            self.name.lock().clone();
        let host = host_text(self.ground.ours.host());
        let router = self.way_in.router.as_ref().map(|router| router.standing());
        let router_trouble = router.as_ref().and_then(|router| router::trouble(router, &host, &addresses));
        let certificates = self.certificates.read().clone();
        let certificates = certificates.into_iter().map(|(section, certificate)| {
            let facts = certificate.facts();
            let is_ours = section == PAGES || facts.covers(&host);
            OwnCertificate { section, is_ours, refused: certificate.refused(), facts }
        });
        Ourselves {
            name,
            only_here,
            looked,
            named_port: self.ground.endpoint.port(),
            listening_port: self.way_in.listening_port,
            port_closed,
            certificates: certificates.collect(),
            issuance: self.issuance.as_ref().map(|issuance| issuance.standing()),
            router,
            router_trouble,
            address_hook: self.way_in.hook.as_ref().map(|hook| hook.standing()),
            store: self.store.trouble(),
            free: *self.free.lock(),
            traffic: self.peers.traffic.fault(),
            backup: self.backups.failed(),
            before_build: check_clock(&*self.ground.ambient).err().map(|fault| fault.to_string()),
            runs_twice: self.ground.copies.check().err().map(|met| (met.to_string(), met.seen)),
            clocks_apart: self.peers.clocks_apart().map(|apart| apart.words(Duration::ZERO)),
        }
    }

    /// The same, with what is at our port now.
    pub(crate) async fn view_now(&self) -> Ourselves {
        let view = self.view();
        let addresses = self.name.lock().addresses.clone();
        Ourselves { port_closed: self.try_own_port(&addresses).await, ..view }
    }

    /// Says where nothing takes a connection at the port that our name leads to. Only where it leads to this computer can that be
    /// known from here, and only where that is another port than the one that is listened on is it not known already.
    async fn try_own_port(&self, addresses: &[IpAddr]) -> Option<String> {
        let (named, listening) = (self.ground.endpoint.port(), self.way_in.listening_port?);
        if named == listening {
            return None;
        }
        let own = self.ground.ambient.own_addresses();
        let is_here = |address: &&IpAddr| {
            let address = address.to_canonical();
            address.is_loopback() || own.contains(&Some(address))
        };
        let here = addresses.iter().find(is_here)?;
        let fault = self.peers.outbound.connect(SocketAddr::new(*here, named)).await.err()?;
        let text = format!(
            "others are led to port {named}, where nothing takes connections, and this program listens on port {listening}"
        );
        (fault.code == "connection-refused").then_some(text)
    }

    /// The certificate that others are shown, where it has signed itself.
    pub(crate) fn own_certificate(&self) -> Option<Fingerprint> {
        let certificates = self.certificates.read();
        let (_, shown) = certificates.iter().find(|(section, _)| *section == SHOWN)?;
        let der = shown.der().filter(|_| shown.facts().self_signed)?;
        Some(Fingerprint::of(&der))
    }

    /// Has the certificate of another listener of this process among ours: it is shown, and read anew, as they are.
    pub(crate) fn add_certificate(&self, section: &'static str, certificate: Arc<Certificate>) {
        self.certificates.write().push((section, certificate));
        self.ground.changes.announce(Change::Settings);
    }

    /// Reads all certificates anew, looks again, and tries again to get one; says in one sentence each what could not be taken.
    pub(crate) fn reload(&self) -> Vec<String> {
        let certificates = self.certificates.read().clone();
        let read = certificates.iter().filter_map(|(_, certificate)| certificate.reload().err());
        let faults = read.map(|fault| fault.to_string()).collect();
        self.again.notify_one();
        if let Some(issuance) = &self.issuance {
            issuance.hurry();
        }
        if let Some(router) = &self.way_in.router {
            router.hurry();
        }
        if let Some(hook) = &self.way_in.hook {
            hook.hurry();
        }
        self.ground.changes.announce(Change::Settings);
        faults
    }

    /// Has a certificate that was not got by ACME tried again without waiting for its time, as far as the directory's limits allow. Says
    /// whether one is got that way.
    pub(crate) fn try_issuance(&self) -> bool {
        if let Some(issuance) = &self.issuance {
            issuance.hurry();
        }
        self.issuance.is_some()
    }

    /// Looks now and then how much is free on the disk, until the node stops.
    pub(crate) async fn watch_disk(self: Arc<Self>) {
        let is_low = |free: Option<u64>| free.is_some_and(|free| free < LOW_OCTETS);
        loop {
            let turned = self.ground.ambient.turned();
            let free = self.ground.free_octets();
            let before = std::mem::replace(&mut *self.free.lock(), free);
            if is_low(before) != is_low(free) {
                self.ground.changes.announce(Change::Settings);
            }
            tokio::select! {
                () = self.ground.stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_AT_DISK_EVERY) => {}
                () = turned => {}
            }
        }
    }

    /// Reads a certificate anew whenever its files have changed, until the node stops.
    ///
    /// The files are read now and then, and not watched by the system's means: those tell nothing of a folder that was mounted
    /// from elsewhere, nor of what a symbolic link leads to.
    pub(crate) async fn watch_certificates(self: Arc<Self>) {
        loop {
            let turned = self.ground.ambient.turned();
            let certificates = self.certificates.read().clone();
            for (section, certificate) in certificates {
                // A file may be on a disk that does not answer.
                let looked = tokio::task::spawn_blocking(move || certificate.reload_if_changed());
                match looked.await {
                    Ok(None) | Err(_) => continue,
                    Ok(Some(Ok(()))) => {
                        tracing::info!("the certificate of [{section}] has changed and was read anew")
                    }
                    Ok(Some(Err(fault))) => tracing::error!("what was before goes on, since {fault}"),
                }
                self.ground.changes.announce(Change::Settings);
            }
            tokio::select! {
                () = self.ground.stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_AT_FILES_EVERY) => {}
                () = turned => {}
            }
        }
    }

    /// Looks up our own name now and then, until the node stops.
    pub(crate) async fn look_up_name(self: Arc<Self>) {
        let mut port = OwnPort::default();
        loop {
            let found = self
                .peers
                .outbound
                .guard()
                .resolve(self.ground.endpoint.host(), self.ground.endpoint.port())
                .await;
            let only_here =
                found.as_ref().ok().and_then(|found| only_here(self.ground.endpoint.host(), found));
            let addresses =
                found.iter().flatten().map(|address: &SocketAddr| address.ip()).collect::<Vec<_>>();
            let standing = match found {
                Ok(_) => NameStanding::Found,
                Err(fault @ GuardFault::Forbidden { .. }) => {
                    NameStanding::Private { text: fault.to_string() }
                }
                Err(fault) => NameStanding::Unresolved { text: fault.to_string() },
            };
            let port_closed = port.told(self.try_own_port(&addresses).await);
            let pause = match (&standing, &port_closed) {
                (NameStanding::Found, None) if port.is_closed => TRY_PORT_AGAIN,
                (NameStanding::Found, None) => LOOK_EVERY,
                _ => LOOK_AGAIN,
            };
            let is_news = {
                let mut name = self.name.lock();
                let is_news = (&name.standing, &name.port_closed, &name.addresses)
                    != (&standing, &port_closed, &addresses);
                let at = Some(self.ground.ambient.now());
                *name = LookedUp { standing, only_here, port_closed, addresses, at };
                is_news
            };
            if is_news {
                self.ground.changes.announce(Change::Settings);
            }
            tokio::select! {
                () = self.ground.stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                () = self.again.notified() => {}
            }
        }
    }
}

/// Says of the addresses of `host` that others do not reach them, where all are of this computer alone.
fn only_here(host: Host<'_>, addresses: &[SocketAddr]) -> Option<String> {
    let first = addresses.first()?.ip();
    let are_own = addresses.iter().all(|address| address.ip().to_canonical().is_loopback());
    are_own.then(|| peers::only_here(&host_text(host), first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_this_computers_own_address_it_is_said_that_others_do_not_reach_it() {
        let at = |addresses: &[&str]| {
            let addresses: Vec<SocketAddr> = addresses.iter().map(|it| it.parse().unwrap()).collect();
            only_here(Host::Dns("home.example"), &addresses)
        };
        for own in ["127.0.0.1:443", "127.3.2.1:443", "[::1]:443", "[::ffff:127.0.0.1]:443"] {
            assert!(at(&[own]).is_some_and(|text| text.contains("this computer's own address")), "{own}");
        }
        assert_eq!(at(&["127.0.0.1:443", "192.168.1.2:443"]), None);
        assert_eq!(at(&["192.168.1.2:443"]), None);
    }

    #[test]
    fn a_port_is_told_to_be_closed_once_two_tries_in_a_row_have_found_it_so() {
        let mut port = OwnPort::default();
        let told: Vec<bool> = [true, false, true, true, true, false, true]
            .map(|is| port.told(is.then(String::new)).is_some())
            .into();
        assert_eq!(told, [false, false, false, true, true, false, false]);
    }

    #[test]
    fn a_name_that_was_not_looked_up_is_not_said_to_be_found() {
        let name = LookedUp::default();
        assert_eq!((&name.standing, name.at), (&NameStanding::Unlooked, None));
    }
}
