//! Our card, and the certificates that the operator trusts for one provider each, by their fingerprints.

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Operator, ReadFault};
use crate::card::Card;
use crate::identity::{Fingerprint, x509};
use crate::misuse::Misuse;
use crate::peer_fault::PeerFault;
use crate::peers::{Outbound, TO_TRUST_IT};
use crate::store::{Store, StoreFault, Tx, View};

/// The setting that holds them, as JSON.
const SETTING: &str = "trusted-certificates";
/// So many are kept: each was trusted by a click.
const MOST: usize = 1000;

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
            let mut all = read(tx)?;
            all.retain(|one| one.provider != named);
            if all.len() >= MOST {
                let text = format!(
                    "{MOST} certificates are trusted already; take back one that is of no use any more"
                );
                return Err(Misuse::Unfit(text));
            }
            all.extend(fingerprint.map(|fingerprint| TrustedCertificate {
                provider: named,
                fingerprint,
                since,
            }));
            all.sort_by(|one, other| one.provider.cmp(&other.provider));
            tx.set_setting(SETTING, &serde_json::to_string(&all).unwrap_or_default())?;
            Ok(all)
        });
        self.peers.outbound.trust_for(pairs(kept.await?));
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

/// Has those certificates trusted that the operator has chosen, as after a start.
pub(crate) async fn load_trusted(store: &Store, outbound: &Outbound) -> Result<(), StoreFault> {
    let all = store.read::<_, StoreFault>(read).await?;
    outbound.trust_for(pairs(all));
    Ok(())
}

/// Whether a certificate is trusted for `provider` alone.
pub(super) fn is_trusted(view: &View<'_>, provider: &Provider) -> Result<bool, StoreFault> {
    Ok(read(view)?.iter().any(|one| one.provider == *provider))
}

/// Trusts none for `provider` alone any more. Returns those that are trusted for others, where that was one.
pub(super) fn forget_trusted(
    tx: &Tx<'_>,
    provider: &Provider,
) -> Result<Option<Vec<(Provider, Fingerprint)>>, StoreFault> {
    let mut all = read(tx)?;
    let before = all.len();
    all.retain(|one| one.provider != *provider);
    if all.len() == before {
        return Ok(None);
    }
    tx.set_setting(SETTING, &serde_json::to_string(&all).unwrap_or_default())?;
    Ok(Some(pairs(all)))
}

fn pairs(all: Vec<TrustedCertificate>) -> Vec<(Provider, Fingerprint)> {
    all.into_iter().map(|one| (one.provider, one.fingerprint)).collect()
}

fn read(view: &View<'_>) -> Result<Vec<TrustedCertificate>, StoreFault> {
    let kept = view.setting(SETTING)?;
    Ok(kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}
