//! The way to a provider that asks to be looked at. Its name, and its document, can lead to any host; it is told only of addresses
//! that have proved to be its, and of the others no more than that they have not, nor by how long it takes (`docs/checks.md`).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use drawbridge_mtp::document::ProviderDocument;
use drawbridge_mtp::id::Host;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep_until, timeout};

use super::report::{Step, StepName};
use super::way::Tried;
use super::{Checkup, Progress};
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::{Ask, DOCUMENT_PATH, GuardFault, host_text, is_public};
use crate::traffic::Asker;

/// Addresses of one host that are looked at for a peer, all at once.
const ADDRESSES: usize = 8;
/// An address has to be connected to, and then to prove to be the peer's, within this each. Where one does not, both take all of it.
const ADDRESS_TIME: Duration = Duration::from_secs(4);

impl Checkup<'_> {
    /// Goes the way to the provider, which has asked for it from `source`, and tells of what has proved to be its.
    pub(super) async fn go_for_peer(&self, source: IpAddr, progress: &Progress) {
        let host = self.peer.host();
        let (began, tried) = self.try_for_peer(host, self.peer.port(), progress).await;
        let trusted = tried.iter().filter(|tried| tried.is_trusted()).map(|tried| tried.address);
        let trusted: Vec<_> = trusted.collect();
        let shown = join_all(trusted.iter().map(|address| self.shows_its_document(*address))).await;
        let shown = chosen(&trusted, &shown);
        let is_proved = |address: &SocketAddr| shown.contains(address) || is_its(source, *address);
        hold(began, !tried.is_empty() && tried.iter().all(|tried| is_proved(&tried.address))).await;
        if tried.is_empty() {
            return;
        }
        self.tell_proved(&host_text(host), tried, is_proved, progress);

        let at =
            if shown.is_empty() { trusted.into_iter().filter(is_proved).collect() } else { shown.clone() };
        if at.is_empty() {
            return;
        }
        let Some((document, client)) = self.ask_for_document(Some(&at), progress).await else { return };
        let endpoint = &document.endpoint;
        if (endpoint.host(), endpoint.port()) == (host, self.peer.port()) {
            self.ask(&document, &client, progress).await;
            return;
        }
        let of_endpoint = progress.of_endpoint();
        let (began, tried) = self.try_for_peer(endpoint.host(), endpoint.port(), &of_endpoint).await;
        let trusted = tried.iter().filter(|tried| tried.is_trusted()).map(|tried| tried.address);
        let trusted: Vec<_> = trusted.collect();
        let signed = join_all(trusted.iter().map(|address| self.signs_at(&document, *address))).await;
        let signed = chosen(&trusted, &signed);
        hold(began, !tried.is_empty() && signed.len() == tried.len()).await;
        if tried.is_empty() {
            return;
        }
        let name = host_text(endpoint.host());
        self.tell_proved(&name, tried, |address| signed.contains(address), &of_endpoint);
        if signed.is_empty() {
            return;
        }
        if let Ok(client) = self.peers.outbound.without_memory_at(&name, &signed) {
            self.ask(&document, &client, progress).await;
        }
    }

    /// Tries the addresses of `host`, none where it has none that is known here, and says when that began. Nothing is told of
    /// them yet.
    async fn try_for_peer(&self, host: Host<'_>, port: u16, progress: &Progress) -> (Instant, Vec<Tried>) {
        let (began, name) = (Instant::now(), host_text(host));
        let addresses = self.look_up(host, &name, ADDRESSES, progress).await.unwrap_or_default();
        let tried = addresses.into_iter().map(async |address| {
            let at = SocketAddr::new(address, port);
            // Which networks this provider may connect to is not told either.
            if !self.peers.outbound.guard().lets_pass(&name, address) {
                let fault = GuardFault::Forbidden { host: name.clone(), address };
                return Tried::in_vain(at, &PeerFault::from(&fault));
            }
            timeout(ADDRESS_TIME, self.try_address(host, at)).await.unwrap_or_else(|_| {
                let text = format!("nothing came of it in {} s", ADDRESS_TIME.as_secs());
                Tried::in_vain(at, &PeerFault::new(Stage::Connect, "connect-timeout", text))
            })
        });
        (began, join_all(tried).await)
    }

    /// Tells of the addresses that have proved to be the provider's, and how many have not.
    fn tell_proved(
        &self,
        host: &str,
        tried: Vec<Tried>,
        is_proved: impl Fn(&SocketAddr) -> bool,
        progress: &Progress,
    ) {
        let (proved, others): (Vec<_>, Vec<_>) =
            tried.into_iter().partition(|tried| is_proved(&tried.address));
        let others: Vec<IpAddr> = others.into_iter().map(|tried| tried.address.ip()).collect();
        progress.tell(step_of_others(host, proved.len(), &others));
        self.tell_tried(proved, progress);
    }

    /// Whether the document at that address has a key that is the provider's, so far as is known here.
    async fn shows_its_document(&self, address: SocketAddr) -> bool {
        let Ok(client) = self.peers.outbound.without_memory_at(&host_text(self.peer.host()), &[address])
        else {
            return false;
        };
        let known = self.peers.documents.thumbprints(self.peer);
        let asked = timeout(
            ADDRESS_TIME,
            self.peers.ask_for_document(self.peer, &client, DOCUMENT_PATH, None, Asker::Doctor),
        );
        let Ok(Ok(answer)) = asked.await else { return false };
        answer.read(self.peer).is_ok_and(|document| {
            document
                .keys
                .iter()
                .map(|key| key.thumbprint())
                .any(|key| self.known.accepted.contains(key) || known.contains(key))
        })
    }

    /// Whether what is at that address of the endpoint signs by the provider's key, be it that it refuses.
    async fn signs_at(&self, document: &ProviderDocument, address: SocketAddr) -> bool {
        let host = host_text(document.endpoint.host());
        let Ok(client) = self.peers.outbound.without_memory_at(&host, &[address]) else { return false };
        let ask = Ask::get("/ping".into()).by_doctor();
        match timeout(ADDRESS_TIME, self.peers.exchange(self.peer, document, &client, &ask)).await {
            Ok(Ok(_)) => true,
            Ok(Err(fault)) => fault.problem.is_some() && fault.unsigned.is_none(),
            Err(_) => false,
        }
    }
}

/// Waits where not all is proved, so that how long it takes says nothing of why: as long as it takes at most.
async fn hold(began: Instant, is_all_proved: bool) {
    if !is_all_proved {
        sleep_until(began + 2 * ADDRESS_TIME).await;
    }
}

fn chosen(addresses: &[SocketAddr], are: &[bool]) -> Vec<SocketAddr> {
    addresses.iter().zip(are).filter(|(_, is)| **is).map(|(address, _)| *address).collect()
}

/// Who has asked from `source` is there. A private address may be that of something between us, behind which others are.
fn is_its(source: IpAddr, address: SocketAddr) -> bool {
    let source = source.to_canonical();
    source == address.ip().to_canonical() && is_public(source)
}

/// What is told of addresses of `host` that have not proved to be the provider's, beside those that have.
fn step_of_others(host: &str, proved: usize, others: &[IpAddr]) -> Step {
    if others.is_empty() {
        return Step::pass(StepName::Addresses, "all of its addresses may be connected to, and are its");
    }
    let private = others.iter().filter(|address| !is_public(**address)).count();
    let private = match private {
        0 => String::new(),
        many => format!("; {many} of them on a private or local network, where few providers may connect"),
    };
    if proved == 0 {
        let text = format!(
            "at none of the {} addresses of {host} has answered this provider{private}",
            others.len()
        );
        return Step::fail(StepName::Addresses, &PeerFault::new(Stage::Connect, "address-unproved", text));
    }
    let text =
        format!("{} further addresses of {host} did not answer as this provider{private}", others.len());
    Step::warn(StepName::Addresses, "address-unproved", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_from_a_public_address_is_there_and_a_private_one_proves_nothing() {
        let is = |source: &str, address: &str| is_its(source.parse().unwrap(), address.parse().unwrap());
        assert!(is("193.0.6.139", "193.0.6.139:443") && is("::ffff:193.0.6.139", "193.0.6.139:8443"));
        assert!(!is("193.0.6.139", "193.0.6.140:443"));
        assert!(!is("10.0.0.1", "10.0.0.1:443") && !is("127.0.0.1", "127.0.0.1:443"));
    }

    #[test]
    fn of_the_others_no_more_is_told_than_how_many_there_are() {
        let others: [IpAddr; 2] = ["193.0.6.139".parse().unwrap(), "10.0.0.7".parse().unwrap()];
        let step = step_of_others("h.example", 1, &others);
        assert_eq!(step.code.as_deref(), Some("address-unproved"));
        assert!(
            step.text.starts_with("2 further addresses of h.example did not answer as this provider"),
            "{step:?}"
        );
        assert!(step.text.contains("1 of them on a private or local network"), "{step:?}");
        assert!(!step_of_others("h.example", 0, &others).is_good());
        assert!(step_of_others("h.example", 1, &[]).code.is_none());
    }
}
