//! The one certificate that is spoken with: the one whose fingerprint the person has confirmed, whoever vouches for it and whatever it
//! says of itself. One that an authority vouches for could be had by others too, by a mistake of that authority.

use std::sync::Arc;

use drawbridge_node::identity::Fingerprint;
use parking_lot::Mutex;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

/// Another certificate is shown than the one that was confirmed, or none was confirmed so far.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the certificate is another than the one that was confirmed")]
pub(crate) struct OtherCertificate {
    /// The one that was confirmed.
    pub(crate) confirmed: Option<Fingerprint>,
    /// The one that is shown.
    pub(crate) shown: Fingerprint,
    /// Whether an authority that this computer trusts vouches for the one that is shown.
    pub(crate) vouched: bool,
}

impl OtherCertificate {
    /// What is wrong with the certificate, where that is what `fault` is about.
    pub(crate) fn in_fault(fault: &Error) -> Option<Self> {
        match fault {
            Error::InvalidCertificate(CertificateError::Other(OtherError(other))) => {
                other.downcast_ref().copied()
            }
            _ => None,
        }
    }
}

/// Takes the certificate that was confirmed, and no other.
#[derive(Debug)]
struct Pin {
    confirmed: Option<Fingerprint>,
    provider: Arc<CryptoProvider>,
    /// The last one that was not taken, which is judged once: it is tried again and again.
    judged: Mutex<Option<(Fingerprint, bool)>>,
}

/// TLS with whoever shows the certificate `confirmed`; with nobody where none was confirmed.
pub(crate) fn tls(confirmed: Option<Fingerprint>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let pin = Pin { confirmed, provider: provider.clone(), judged: Mutex::default() };
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(pin))
        .with_no_client_auth();
    // A session that is resumed shows no certificate.
    tls.resumption = rustls::client::Resumption::disabled();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

impl Pin {
    fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.provider.signature_verification_algorithms
    }

    /// Whether an authority that this computer trusts vouches for the certificate, for that name and now.
    fn is_vouched(
        &self,
        shown: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone()).build();
        verifier
            .is_ok_and(|verifier| verifier.verify_server_cert(shown, intermediates, name, &[], now).is_ok())
    }
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Fingerprint::of(end_entity);
        if self.confirmed == Some(shown) {
            return Ok(ServerCertVerified::assertion());
        }
        let mut judged = self.judged.lock();
        let vouched = match *judged {
            Some((before, vouched)) if before == shown => vouched,
            _ => self.is_vouched(end_entity, intermediates, server_name, now),
        };
        *judged = Some((shown, vouched));
        let other = OtherCertificate { confirmed: self.confirmed, shown, vouched };
        Err(Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(other)))))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, self.algorithms())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, self.algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms().supported_schemes()
    }
}
