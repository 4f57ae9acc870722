//! The card of this provider and those of others, and the certificates that are trusted for one provider each.

use drawbridge_node::{Card, operator, typed};

use crate::error::AdminError;
use crate::host::Host;
use crate::qr::qr;
use crate::request::{AddByCard, CardRead, Empty, NamedPeer, PeerJudged, ReadCard, TrustCertificate};
use crate::view::{MetCertificate, OwnCard, TrustedCertificate, TrustedCertificates};

pub(crate) async fn card(host: &Host, Empty {}: Empty) -> Result<OwnCard, AdminError> {
    let card = host.node().await?.operator().card();
    let link = card.to_string();
    Ok(OwnCard {
        qr: qr(&link),
        key: card.key.to_string(),
        certificate: card.certificate.map(|certificate| certificate.to_string()),
        provider: card.provider,
        link,
    })
}

pub(crate) async fn read_card(_: &Host, ask: ReadCard) -> Result<CardRead, AdminError> {
    let not = |fault: String| AdminError::new("not-understood", fault);
    if !ask.text.contains('?') {
        let provider = typed::provider(&ask.text).map_err(|fault| not(fault.to_string()))?;
        return Ok(CardRead { provider, key: None, certificate: None });
    }
    let Card { provider, key, certificate } = ask.text.parse().map_err(not)?;
    let certificate = certificate.map(|certificate| certificate.to_string());
    Ok(CardRead { provider, key: Some(key.to_string()), certificate })
}

pub(crate) async fn add_by_card(host: &Host, ask: AddByCard) -> Result<PeerJudged, AdminError> {
    let card: Card = ask.link.parse().map_err(|fault: String| AdminError::new("not-understood", fault))?;
    let provider = card.provider.clone();
    let undo = host.node().await?.operator().add_by_card(card).await?.undo;
    Ok(PeerJudged { peer: crate::peers::show(host, provider).await?, undo })
}

pub(crate) async fn met_certificate(host: &Host, ask: NamedPeer) -> Result<MetCertificate, AdminError> {
    let met = host.node().await?.operator().met_certificate(&ask.provider).await?;
    let operator::MetCertificate { fingerprint, names, self_signed, ends, refused } = met;
    Ok(MetCertificate { fingerprint: fingerprint.to_string(), names, self_signed, ends, refused })
}

pub(crate) async fn trust_certificate(
    host: &Host,
    ask: TrustCertificate,
) -> Result<TrustedCertificates, AdminError> {
    host.node().await?.operator().trust_certificate(ask.provider, ask.fingerprint).await?;
    trusted_certificates(host, Empty {}).await
}

pub(crate) async fn trusted_certificates(
    host: &Host,
    Empty {}: Empty,
) -> Result<TrustedCertificates, AdminError> {
    let all = host.node().await?.operator().trusted_certificates().await?;
    let shown = all.into_iter().map(|one| TrustedCertificate {
        provider: one.provider,
        fingerprint: one.fingerprint.to_string(),
        since: one.since,
    });
    Ok(TrustedCertificates { certificates: shown.collect() })
}
