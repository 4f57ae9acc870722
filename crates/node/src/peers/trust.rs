//! Whose certificates are trusted: rustls's own verifier, which also says of an unknown issuer whether it is the
//! certificate itself, or one that a public authority's server should have shown with it. Each has another remedy.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};

use crate::identity::{Fingerprint, x509};

/// The certificate has been signed with its own key, and nobody here has said to trust it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the certificate is signed by itself")]
pub(super) struct SelfSigned;

/// The same, where the operator has said to trust another one for that host.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the certificate is another than the one that is trusted for its host")]
pub(super) struct Replaced {
    /// The fingerprints of those that are trusted for the host.
    pub(super) known: Vec<String>,
    /// That of the one that is shown.
    pub(super) shown: String,
}

/// The certificate was shown alone, without that of its issuer, and says where that one is: its server leaves it out.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the certificate of its issuer is not shown with it")]
pub(super) struct ChainIncomplete;

/// Certificates that the operator trusts, by the host that may show them. Who has it changes what is trusted from then on.
pub(super) type Trusted = Arc<RwLock<HashMap<String, Vec<Fingerprint>>>>;

/// The verifier of peers' certificates.
#[derive(Debug)]
pub(super) struct Trust {
    verifier: Arc<WebPkiServerVerifier>,
    /// The certificates that the operator has said to trust.
    extra: Arc<[CertificateDer<'static>]>,
    /// Those that the operator trusts for one host each, by their fingerprints.
    trusted: Trusted,
    /// Our own certificate, where it is ourselves who are connected to: its bytes are known, whoever vouches for it.
    own: Option<CertificateDer<'static>>,
    /// The certificates that were shown last, whatever came of it, where they are remembered.
    shown: Option<Mutex<Vec<CertificateDer<'static>>>>,
}

impl Trust {
    /// Trusts `roots`, of which the operator has named `extra`.
    pub(super) fn new(
        roots: RootCertStore,
        extra: Vec<CertificateDer<'static>>,
        trusted: Trusted,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, String> {
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let verifier = verifier.map_err(|fault| fault.to_string())?;
        Ok(Self { verifier, extra: extra.into(), trusted, own: None, shown: None })
    }

    /// The same, which remembers what it is shown.
    pub(super) fn with_memory(&self) -> Self {
        Self { shown: Some(Mutex::default()), ..self.knowing(self.own.clone()) }
    }

    /// The same, which knows our own certificate by its bytes.
    pub(super) fn knowing(&self, own: Option<CertificateDer<'static>>) -> Self {
        let (verifier, extra, trusted) = (self.verifier.clone(), self.extra.clone(), self.trusted.clone());
        Self { verifier, extra, trusted, own, shown: None }
    }

    /// What is wrong with a certificate that has signed itself and that nobody here has said to trust.
    fn untrusted(&self, shown: &CertificateDer<'_>, host: &ServerName<'_>) -> OtherError {
        let host = host.to_str();
        let is_for_host = |known: &&CertificateDer<'static>| {
            x509::read(known).is_ok_and(|said| said.names.iter().any(|name| *name == host))
        };
        let named = self.extra.iter().filter(is_for_host).map(|known| x509::fingerprint(known));
        let trusted = self.trusted.read().get(&*host).cloned().unwrap_or_default();
        let known: Vec<_> = named.chain(trusted.iter().map(Fingerprint::to_string)).collect();
        if known.is_empty() {
            return OtherError(Arc::new(SelfSigned));
        }
        OtherError(Arc::new(Replaced { known, shown: x509::fingerprint(shown) }))
    }

    /// Whether it is our own certificate.
    fn is_own(&self, shown: &CertificateDer<'_>) -> bool {
        self.own.as_ref().is_some_and(|own| own.as_ref() == shown.as_ref())
    }

    /// Whether the operator trusts it for that host, by its fingerprint.
    fn is_trusted(&self, shown: &CertificateDer<'_>, host: &ServerName<'_>) -> bool {
        let trusted = self.trusted.read();
        trusted.get(&*host.to_str()).is_some_and(|those| those.contains(&Fingerprint::of(shown)))
    }

    /// The certificates that were shown last, the server's own first; none where they are not remembered.
    pub(super) fn shown(&self) -> Vec<CertificateDer<'static>> {
        self.shown.as_ref().map(|shown| shown.lock().clone()).unwrap_or_default()
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(shown) = &self.shown {
            let all = [end_entity].into_iter().chain(intermediates);
            *shown.lock() = all.map(|shown| shown.clone().into_owned()).collect();
        }
        let verified =
            self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        // Its times were good: they are judged before it is looked who vouches for it. For another host's nobody can vouch, so its
        // name is judged before it is asked who does.
        if let Err(Error::InvalidCertificate(fault)) = &verified
            && is_unvouched(fault)
        {
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
        }
        match verified {
            Err(Error::InvalidCertificate(fault))
                if is_unvouched(&fault)
                    && (self.is_own(end_entity) || self.is_trusted(end_entity, server_name)) =>
            {
                Ok(ServerCertVerified::assertion())
            }
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))
                if intermediates.is_empty() && names_issuers_place(end_entity) =>
            {
                let fault = CertificateError::Other(OtherError(Arc::new(ChainIncomplete)));
                Err(Error::InvalidCertificate(fault))
            }
            // What is wrong with it whoever vouches for it, such as that it is an authority's own, has another remedy.
            Err(Error::InvalidCertificate(fault))
                if is_unvouched(&fault) && is_signed_by_itself(end_entity) =>
            {
                let fault = CertificateError::Other(self.untrusted(end_entity, server_name));
                Err(Error::InvalidCertificate(fault))
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// Whether nobody who is trusted has signed a certificate. One of the same name by another key, or by one of another kind, is tried for
/// its issuer, and has not signed it.
fn is_unvouched(fault: &CertificateError) -> bool {
    matches!(
        fault,
        CertificateError::UnknownIssuer
            | CertificateError::BadSignature
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
    )
}

/// Whether a certificate was refused since it is an authority's.
pub(super) fn is_of_authority(fault: &OtherError) -> bool {
    matches!(fault.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

fn names_issuers_place(certificate: &CertificateDer<'_>) -> bool {
    x509::read(certificate).is_ok_and(|said| said.names_issuers_place)
}

fn is_signed_by_itself(certificate: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(certificate)
        .is_ok_and(|certificate| certificate.issuer() == certificate.subject())
}
