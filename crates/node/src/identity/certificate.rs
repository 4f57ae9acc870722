//! Our TLS: certificate files, or a self-signed certificate made on first start.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::folder::write_secret;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsFault {
    /// A file cannot be read, or is not what it should be.
    #[error("{path} cannot be used as a certificate or key: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Certificate and key do not go together.
    #[error("the certificate {cert} and the key {key} cannot be used together: {fault}")]
    Pair {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        fault: rustls::Error,
    },
    /// No certificate could be made.
    #[error("no self-signed certificate could be made: {0}")]
    Making(#[from] rcgen::Error),
}

/// TLS with a self-signed certificate for `host`, made on first start and kept in the folder `dir`.
pub fn self_signed_tls(dir: &Path, host: &str) -> Result<Arc<ServerConfig>, TlsFault> {
    let (cert, key) = self_signed(dir, host)?;
    tls_of_files(&cert, &key)
}

/// TLS 1.3 for a server that speaks HTTP/2 and HTTP/1.1, with the certificate chain and the key in these PEM files.
pub fn tls_of_files(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsFault> {
    let file = |path: &Path, reason: String| TlsFault::File { path: path.to_owned(), reason };
    let chain: Vec<_> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .map_err(|fault| file(cert, fault.to_string()))?;
    if chain.is_empty() {
        return Err(file(cert, "there is no certificate in it".into()));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|fault| file(key, fault.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .and_then(|config| config)
        .map_err(|fault| TlsFault::Pair { cert: cert.to_owned(), key: key.to_owned(), fault })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn self_signed(dir: &Path, host: &str) -> Result<(PathBuf, PathBuf), TlsFault> {
    let (cert, key) = (dir.join("tls-cert.pem"), dir.join("tls-key.pem"));
    if !(cert.exists() && key.exists()) {
        let pair = KeyPair::generate()?;
        let made = CertificateParams::new(vec![host.to_owned()])?.self_signed(&pair)?;
        for (path, pem) in [(&key, pair.serialize_pem()), (&cert, made.pem())] {
            write_secret(path, pem.as_bytes())
                .map_err(|fault| TlsFault::File { path: path.clone(), reason: fault.to_string() })?;
        }
    }
    Ok((cert, key))
}
