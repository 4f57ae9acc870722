//! The way to a host: its addresses, whether peers may be there, a connection to each, and TLS over it.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use drawbridge_mtp::id::Host;
use futures_util::future::join_all;
use rustls::pki_types::CertificateDer;

use super::dns::{Told, ask_name_servers};
use super::report::{Evidence, Step, StepName};
use super::{Checkup, Progress};
use crate::identity::x509;
use crate::peer_fault::PeerFault;
use crate::peers::{Agreed, GuardFault, host_text};
use crate::side::Side;

/// Addresses of one host that are looked at, and how many of them at once. Each takes a connection, of which there are only so
/// many, and whoever owns a name has its DNS say any number.
const ADDRESSES: usize = 32;
const AT_ONCE: usize = 8;
/// Addresses that are named in one sentence.
const NAMED: usize = 16;

/// Who renews certificates by itself has done so long before this.
const ENDS_SOON: Duration = Duration::from_secs(7 * 24 * 3600);

impl Checkup<'_> {
    /// Goes the way to `host` and tells each step. Returns whether it can be reached at one of its addresses.
    pub(super) async fn go_to(&self, host: Host<'_>, port: u16, progress: &Progress) -> bool {
        let name = host_text(host);
        let Some(addresses) = self.look_up(host, &name, ADDRESSES, progress).await else { return false };
        let Some(addresses) = self.judge_addresses(&name, addresses, progress) else { return false };

        let mut tried = Vec::with_capacity(addresses.len());
        for some in addresses.chunks(AT_ONCE) {
            let some = some.iter().map(|address| self.try_address(host, SocketAddr::new(*address, port)));
            tried.extend(join_all(some).await);
        }
        let is_reached = tried.iter().any(|one| one.is_trusted() || one.is_own);
        self.tell_tried(tried, progress);
        is_reached
    }

    /// Tells what came of each address.
    pub(super) fn tell_tried(&self, tried: Vec<Tried>, progress: &Progress) {
        // Where one address is right, so is the name; and the endpoint's is not one that somebody has typed.
        let is_right = progress.is_of_endpoint || tried.iter().any(|one| one.is_trusted() || one.is_own);
        let doubt = |step| if is_right { step } else { self.doubt_name(step) };
        let is_connected = tried.iter().any(|tried| tried.connect.is_good());
        for Tried { connect, tls, address, is_own } in tried {
            let connect = if self.is_own() { self.judge_from_inside(connect, address) } else { connect };
            // Where another address can be connected to, that one is used: this is a fault, but not what keeps from it.
            progress.tell(if is_connected { beside_another(connect, address) } else { doubt(connect) });
            if let Some(tls) = tls {
                progress.tell(if is_own { given_to_peers(tls) } else { doubt(tls) });
            }
        }
    }

    /// The addresses of `host`, at most so many. Where there are more, that is told.
    pub(super) async fn look_up(
        &self,
        host: Host<'_>,
        name: &str,
        at_most: usize,
        progress: &Progress,
    ) -> Option<Vec<IpAddr>> {
        let mut found = self.look_up_all(host, name, progress).await?;
        if found.len() > at_most {
            let text = format!("{name} has {} addresses, of which {at_most} are looked at", found.len());
            progress.tell(Step::skipped(StepName::Addresses, text));
            found.truncate(at_most);
        }
        Some(found)
    }

    async fn look_up_all(&self, host: Host<'_>, name: &str, progress: &Progress) -> Option<Vec<IpAddr>> {
        let began = Instant::now();
        if !matches!(host, Host::Dns(_)) {
            progress
                .tell(Step::skipped(StepName::Dns, format!("{name} is an address, which is not looked up")));
            return self.peers.outbound.guard().look_up(host).await.ok();
        }
        let ((found, took), told) = tokio::join!(
            async {
                let found = self.peers.outbound.guard().look_up(host).await;
                (found, began.elapsed())
            },
            async {
                if self.ground.ambient.known_addresses(name).is_some() {
                    return Told { evidence: Vec::new(), has_answer: false };
                }
                ask_name_servers(name).await
            }
        );
        let step = match &found {
            Ok(addresses) => Step::pass(StepName::Dns, format!("{name} is at {}", words(addresses)))
                .seen("found by this computer", words(addresses)),
            Err(fault) => {
                let is_alone = matches!(fault, GuardFault::NoAddress { .. })
                    && !told.has_answer
                    && !told.evidence.is_empty();
                let fault = PeerFault::from(fault);
                if is_alone {
                    let text = format!(
                        "no name server of this computer answers, so no name can be looked up: {fault}"
                    );
                    Step::fail(StepName::Dns, &PeerFault::new(fault.stage, "dns-unavailable", text))
                } else {
                    Step::fail(StepName::Dns, &fault)
                }
            }
        };
        progress.tell(Step { took, ..step.with(told.evidence) });
        found.ok()
    }

    /// The addresses that peers may be on, where there is one.
    fn judge_addresses(
        &self,
        name: &str,
        addresses: Vec<IpAddr>,
        progress: &Progress,
    ) -> Option<Vec<IpAddr>> {
        let guard = self.peers.outbound.guard();
        let (open, closed): (Vec<_>, Vec<_>) =
            addresses.into_iter().partition(|address| guard.lets_pass(name, *address));
        let step = match (open.first(), closed.first()) {
            (None, Some(first)) => {
                let fault = GuardFault::Forbidden { host: name.to_owned(), address: *first };
                Step::fail(StepName::Addresses, &PeerFault::from(&fault))
            }
            (_, Some(_)) => Step::warn(
                StepName::Addresses,
                "address-refused",
                format!(
                    "{} may be connected to; {} may not, since peers may not be on a private or local network unless you \
                     allow it",
                    words(&open),
                    words(&closed)
                ),
            )
            .for_side(Side::Either),
            _ => Step::pass(StepName::Addresses, "all of its addresses may be connected to"),
        };
        progress.tell(step);
        (!open.is_empty()).then_some(open)
    }

    /// What it means that we do not reach ourselves at `address`: at one that is not this machine's own, the router may be why,
    /// and others may reach us all the same.
    fn judge_from_inside(&self, connect: Step, address: SocketAddr) -> Step {
        let own = self.ground.ambient.own_addresses();
        let is_here = address.ip().is_loopback() || own.contains(&Some(address.ip()));
        if connect.is_good() {
            return connect;
        }
        let connect = match self.known.other_port {
            Some(port) => {
                let text = format!(
                    "{}; others are led to port {}, and this program listens on port {port}, so something has to lead from the one to the other",
                    connect.text,
                    address.port()
                );
                Step { text, ..connect }
            }
            None => connect,
        };
        if is_here {
            return connect;
        }
        let text = format!(
            "{}; many routers do not let a machine reach itself at its public address, so others may reach it all the same: have \
             a peer look back",
            connect.text
        );
        Step::warn(StepName::Connect, "own-unreached", text).at(address.to_string())
    }

    pub(super) async fn try_address(&self, host: Host<'_>, address: SocketAddr) -> Tried {
        let began = Instant::now();
        let connected = self.peers.outbound.connect(address).await;
        let step = match &connected {
            Ok(_) => Step::pass(StepName::Connect, format!("a connection to {address} came about")),
            Err(fault) => Step::fail(StepName::Connect, fault),
        };
        let connect = step.at(address.to_string()).since(began);
        let Ok(connection) = connected else { return Tried { address, connect, tls: None, is_own: false } };

        let began = Instant::now();
        let handshake = self.peers.outbound.handshake(host, connection).await;
        let step = match &handshake.agreed {
            Ok(Agreed { version, cipher, protocol }) => {
                let whose = if self.is_own() {
                    "our certificate is for our name"
                } else {
                    "its certificate is for its name"
                };
                let text = format!(
                    "{version} was agreed on, and {whose}, valid now, and signed by somebody who is trusted here"
                );
                let protocol = protocol.as_deref().unwrap_or("none chosen, so HTTP/1.1");
                let ends = handshake.shown.first().and_then(|own| x509::read(own).ok()).map(|said| said.ends);
                let step = match ends.filter(|ends| ends.since(self.ground.ambient.now()) < ENDS_SOON) {
                    Some(ends) => {
                        let text = format!("{text}; but it runs out on {} already", x509::date(ends));
                        Step::warn(StepName::Tls, "certificate-ends-soon", text)
                    }
                    None => Step::pass(StepName::Tls, text),
                };
                step.seen("version", version).seen("cipher", cipher).seen("protocol", protocol)
            }
            Err(fault) => Step::fail(StepName::Tls, fault),
        };
        let is_shown = self.known.shown.is_some() && handshake.shown.first() == self.known.shown.as_ref();
        let is_own = self.is_own()
            && is_shown
            && step.code.as_deref().is_some_and(|code| NOT_VOUCHED_FOR.contains(&code));
        let step = step.with(handshake.shown.iter().map(shown_certificate));
        Tried { address, connect, tls: Some(step.at(address.to_string()).since(began)), is_own }
    }
}

/// What it means that `address` cannot be connected to where another can.
fn beside_another(connect: Step, address: SocketAddr) -> Step {
    // A computer with IPv4 alone has no way to the others' IPv6 addresses, and needs none.
    if connect.code.as_deref() == Some("unreachable") {
        let text = "this computer has no way to networks of that kind, and uses the other addresses";
        return Step { took: connect.took, ..Step::skipped(StepName::Connect, text).at(address.to_string()) };
    }
    connect.harmless()
}

/// What is said of a certificate that is in order, and that nobody vouches for whom this computer trusts.
const NOT_VOUCHED_FOR: &[&str] =
    &["certificate-self-signed", "certificate-replaced", "certificate-unknown-issuer"];

/// That peers have to be given our own certificate, or that of who has signed it, does not keep us from working.
fn given_to_peers(tls: Step) -> Step {
    let (code, text) = match tls.code.as_deref() {
        Some("certificate-unknown-issuer") => (
            "certificate-unknown-issuer",
            "our certificate is in order, and signed by somebody whom this computer does not trust: only those connect who were \
             given that one's certificate",
        ),
        _ => (
            "certificate-self-signed",
            "our certificate is in order, and signed by itself: only those connect who were given it",
        ),
    };
    let warned = Step::warn(StepName::Tls, code, text);
    Step { at: tls.at, took: tls.took, evidence: tls.evidence, ..warned }
}

/// What came of one address.
pub(super) struct Tried {
    pub(super) address: SocketAddr,
    connect: Step,
    /// `None` where there was no connection.
    tls: Option<Step>,
    /// Whether what is shown there is our own certificate, for which nobody vouches.
    is_own: bool,
}

impl Tried {
    /// Nothing came of `address`, for that reason.
    pub(super) fn in_vain(address: SocketAddr, fault: &PeerFault) -> Self {
        let connect = Step::fail(StepName::Connect, fault).at(address.to_string());
        Self { address, connect, tls: None, is_own: false }
    }

    /// Whether there is a trusted certificate for the host.
    pub(super) fn is_trusted(&self) -> bool {
        self.tls.as_ref().is_some_and(Step::is_good)
    }
}

fn words(addresses: &[IpAddr]) -> String {
    let named: Vec<_> = addresses.iter().take(NAMED).map(IpAddr::to_string).collect();
    let more = addresses.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", named.join(", "))
}

/// A certificate of a chain, as a person reads it.
fn shown_certificate(certificate: &CertificateDer<'static>) -> Evidence {
    let fingerprint = x509::fingerprint(certificate);
    let said = match x509::read(certificate) {
        Ok(said) => said,
        Err(fault) => {
            let text = format!("it cannot be read ({fault}); SHA-256 {fingerprint}");
            return Evidence::new("certificate", text);
        }
    };
    let x509::Said { subject, issuer, names, begins, ends, self_signed, .. } = said;
    let subject = if subject.is_empty() { "no name of its own".into() } else { format!("{subject:?}") };
    let names =
        if names.is_empty() { String::new() } else { format!("; for the hosts {}", names.join(", ")) };
    let signed = if self_signed { "itself".into() } else { format!("{issuer:?}") };
    Evidence::new(
        "certificate",
        format!(
            "{subject}, signed by {signed}; from {} to {}; SHA-256 {fingerprint}{names}",
            x509::date(begins),
            x509::date(ends)
        ),
    )
}
