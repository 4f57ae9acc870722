//! Our card, and the certificates that the operator trusts for one provider each, by their fingerprints.

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::exceptions::{Exception, read, replace};
use super::{Operator, ReadFault};
use crate::card::Card;
use crate::identity::{Fingerprint, x509};
use crate::misuse::Misuse;
use crate::peer_fault::PeerFault;
use crate::peers::{Outbound, TO_TRUST_IT};
use crate::store::StoreFault;

/// A certificate that the operator trusts for one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedCertificate {
    /// The provider that may show it.
    pub provider: Provider,
    /// Which.
    pub fingerprint: Fingerprint,
    /// Since when it is trusted.
    pub since: Timestamp,
}

impl Exception for TrustedCertificate {
    const SETTING: &'static str = "trusted-certificates";
    const ALL: &'static str = "certificates are trusted";

    fn provider(&self) -> &Provider {
        &self.provider
    }

    fn hold(all: Vec<Self>, outbound: &Outbound) {
        outbound.trust_for(all.into_iter().map(|one| (one.provider, one.fingerprint)).collect());
    }
}

/// A certificate that a provider shows now.
#[derive(Clone, Debug)]
pub struct MetCertificate {
    /// Which.
    pub fingerprint: Fingerprint,
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// Whether it has signed itself.
    pub self_signed: bool,
    /// It holds up to then.
    pub ends: Timestamp,
    /// Why it is not trusted, in one sentence; none where it is.
    pub refused: Option<String>,
}

impl Operator {
    /// What others need to add us.
    pub fn card(&self) -> Card {
        let key = self.ground.keys.signing();
        Card { provider: self.ground.ours.clone(), key, certificate: self.own.own_certificate() }
    }

    /// The certificates that are trusted for one provider each, by its name.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read.
    pub async fn trusted_certificates(&self) -> Result<Vec<TrustedCertificate>, ReadFault> {
        Ok(self.store.read::<_, StoreFault>(read).await?)
    }

    /// Trusts the certificate of that fingerprint for `provider`, in the place of any before it; without one, none any more.
    ///
    /// # Errors
    ///
    /// Where it is ourselves, where too many are trusted, and where the store cannot keep it.
    pub async fn trust_certificate(
        &self,
        provider: Provider,
        fingerprint: Option<Fingerprint>,
    ) -> Result<(), Misuse> {
        if provider == self.ground.ours {
            return Err(Misuse::Unfit("this is ourselves; name another provider".into()));
        }
        let (named, since) = (provider.clone(), self.ground.ambient.now());
        let kept = self.store.write(move |tx| {
            let provider = named.clone();
            let new = fingerprint.map(|fingerprint| TrustedCertificate { provider, fingerprint, since });
            replace(tx, &named, new)
        });
        TrustedCertificate::hold(kept.await?, &self.peers.outbound);
        self.retry_peer(&provider).await;
        Ok(())
    }

    /// Connects to `provider` and tells which certificate it shows.
    ///
    /// # Errors
    ///
    /// Where no certificate was seen, with the reason.
    pub async fn met_certificate(&self, provider: &Provider) -> Result<MetCertificate, Misuse> {
        let (host, outbound) = (provider.host(), &self.peers.outbound);
        let addresses = outbound.guard().resolve(host, provider.port()).await;
        let addresses = addresses.map_err(|fault| Misuse::Unfit(fault.to_string()))?;
        let mut why = format!("{provider} leads to no address");
        for address in addresses {
            let connection = match outbound.connect(address).await {
                Ok(connection) => connection,
                Err(fault) => {
                    why = fault.to_string();
                    continue;
                }
            };
            let handshake = outbound.handshake(host, connection).await;
            // How it is trusted is not told where that is decided.
            let why_not = |fault: PeerFault| fault.to_string().replace(&format!("; {TO_TRUST_IT}"), "");
            let refused = handshake.agreed.err().map(why_not);
            let said = handshake.shown.first().map(|shown| (Fingerprint::of(shown), x509::read(shown)));
            match said {
                Some((fingerprint, Ok(said))) => {
                    let x509::Said { names, self_signed, ends, .. } = said;
                    return Ok(MetCertificate { fingerprint, names, self_signed, ends, refused });
                }
                _ => why = refused.unwrap_or_else(|| "its certificate cannot be read".into()),
            }
        }
        Err(Misuse::Unfit(format!("no certificate of {provider} was seen: {why}")))
    }
}
