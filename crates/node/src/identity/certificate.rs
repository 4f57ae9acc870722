//! Our TLS: certificate files, which can be read anew while we run, or a self-signed certificate made on first start.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;

use drawbridge_mtp::time::Timestamp;
use rcgen::{CertificateParams, CustomExtension, DnType, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};

use super::fingerprint::Fingerprint;
use super::folder::{DataFolder, write_secret};
use super::x509;

/// The files of the certificate that is made where none is named.
const MADE_CERT: &str = "tls-cert.pem";
const MADE_KEY: &str = "tls-key.pem";
/// The file of the certificate that was got by ACME, with its key.
const ACME_FILE: &str = "acme-certificate.pem";
/// The protocol by which a directory looks for the answer to its challenge (RFC 8737).
pub(crate) const ACME_PROTOCOL: &[u8] = b"acme-tls/1";

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
    /// One of the two that were made on first start is gone.
    #[error(
        "{missing} is missing, and {there} is of no use without it: put it back from a backup, or move the other one away to \
         have both made anew, which every provider that trusts it has to be told"
    )]
    Half {
        /// What is gone.
        missing: PathBuf,
        /// What is there.
        there: PathBuf,
    },
    /// The key of the answer to a challenge cannot be used.
    #[error("the answer to the challenge cannot be shown: {0}")]
    Challenge(rustls::Error),
    /// No certificate could be made.
    #[error("no self-signed certificate could be made: {0}")]
    Making(#[from] rcgen::Error),
}

/// What a certificate says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The file that it was read from.
    pub file: PathBuf,
    /// By which people tell it from others.
    pub fingerprint: Fingerprint,
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// Whether its own key has signed it, so that nobody trusts it who was not told to.
    pub self_signed: bool,
    /// It holds from then on.
    pub begins: Timestamp,
    /// It holds up to then.
    pub ends: Timestamp,
}

impl CertificateFacts {
    /// Whether it is for `host`: a name, or an address as text.
    pub fn covers(&self, host: &str) -> bool {
        self.names.iter().any(|name| match name.strip_prefix("*.") {
            Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest == parent),
            None => name == host,
        })
    }
}

/// A certificate with its key, in two PEM files. TLS that was begun with it takes what [`Certificate::reload`] and
/// [`Certificate::reload_if_changed`] read, for its next connections; those that are open go on with what they were begun with.
#[derive(Debug)]
pub struct Certificate {
    current: RwLock<Current>,
    /// What is shown to a directory that looks whether a name is ours, by the name that it asks for.
    challenges: RwLock<HashMap<String, Arc<CertifiedKey>>>,
}

/// Where a certificate and its key are. Both may be in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Files {
    cert: PathBuf,
    key: PathBuf,
}

/// What is shown, and what the files held when they were last read.
#[derive(Debug)]
struct Current {
    files: Files,
    pair: Pair,
    /// Why what the files held last was not taken.
    refused: Option<String>,
    held: Held,
}

#[derive(Debug)]
struct Pair {
    certified: Arc<CertifiedKey>,
    facts: CertificateFacts,
}

/// What the files held: a hash of it, or why they could not be read. It is compared, and not the files' times, since a copy may
/// keep the time of what it is copied from, and a symbolic link has its own.
type Held = Result<[u8; 32], String>;

impl Certificate {
    /// Reads the certificate chain and the key in these PEM files.
    pub fn load(cert: &Path, key: &Path) -> Result<Arc<Self>, TlsFault> {
        let files = Files { cert: cert.to_owned(), key: key.to_owned() };
        let (held, pair) = files.read();
        let current = RwLock::new(Current { files, pair: pair?, refused: None, held });
        Ok(Arc::new(Self { current, challenges: RwLock::default() }))
    }

    /// The self-signed certificate for `host` in `folder`, made where there is none.
    pub fn self_signed(folder: &DataFolder, host: &str) -> Result<Arc<Self>, TlsFault> {
        let (cert, key) = self_signed(folder, host)?;
        Self::load(&cert, &key)
    }

    /// The certificate that was made in the data folder `dir`.
    pub fn of_folder(dir: &Path) -> Result<Arc<Self>, TlsFault> {
        Self::load(&dir.join(MADE_CERT), &dir.join(MADE_KEY))
    }

    /// Where the certificate that was got by ACME is in the data folder `dir`, with its key.
    pub fn acme_file(dir: &Path) -> PathBuf {
        dir.join(ACME_FILE)
    }

    /// The certificate that was got by ACME for the data folder `dir`, where there is one that can be used.
    pub fn of_acme(dir: &Path) -> Option<Arc<Self>> {
        let file = Self::acme_file(dir);
        if !file.exists() {
            return None;
        }
        Self::load(&file, &file)
            .inspect_err(|fault| tracing::warn!("another certificate is ordered, since {fault}"))
            .ok()
    }

    /// The same TLS, which also answers the challenge `tls-alpn-01` of ACME.
    pub fn tls_with_challenges(self: &Arc<Self>) -> Result<Arc<ServerConfig>, TlsFault> {
        let mut config = ServerConfig::clone(&*self.tls()?);
        config.alpn_protocols.push(ACME_PROTOCOL.to_vec());
        Ok(Arc::new(config))
    }

    /// TLS 1.3 for a server that speaks HTTP/2 and HTTP/1.1.
    pub fn tls(self: &Arc<Self>) -> Result<Arc<ServerConfig>, TlsFault> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map(|builder| builder.with_no_client_auth().with_cert_resolver(self.clone()))
            .map_err(|fault| self.current.read().files.unfit(fault))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Who went on with an earlier session would not be shown the certificate, and not see that it is another by now.
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }

    /// Reads the files anew, for connections from now on. A pair that cannot be used leaves the one before in its place.
    pub fn reload(&self) -> Result<(), TlsFault> {
        let files = self.current.read().files.clone();
        let (held, read) = files.read();
        self.take(held, read)
    }

    /// The same where the files hold something else than when they were last read; else none.
    pub fn reload_if_changed(&self) -> Option<Result<(), TlsFault>> {
        let files = self.current.read().files.clone();
        let (held, read) = files.read();
        let is_changed = {
            let current = self.current.read();
            current.held != held && current.files == files
        };
        is_changed.then(|| self.take(held, read))
    }

    /// Reads other files from now on, where what they hold can be used.
    pub(crate) fn take_files(&self, cert: &Path, key: &Path) -> Result<(), TlsFault> {
        let files = Files { cert: cert.to_owned(), key: key.to_owned() };
        let (held, read) = files.read();
        *self.current.write() = Current { files, pair: read?, refused: None, held };
        Ok(())
    }

    /// Shows a directory that asks for the name `asked` that `host` is ours: a certificate that has signed itself, with the hash of
    /// what the directory has given (RFC 8737, section 3).
    pub(crate) fn answer_challenge(&self, host: &str, asked: &str, hash: &[u8]) -> Result<(), TlsFault> {
        let pair = KeyPair::generate()?;
        let mut made = CertificateParams::new(vec![host.to_owned()])?;
        made.custom_extensions.push(CustomExtension::new_acme_identifier(hash));
        let made = made.self_signed(&pair)?.der().clone();
        let key = PrivateKeyDer::Pkcs8(pair.serialize_der().into());
        let provider = rustls::crypto::ring::default_provider();
        // Not `from_der`, which takes no certificate with a critical extension that it does not know, as this one's has to be.
        let key = provider.key_provider.load_private_key(key).map_err(TlsFault::Challenge)?;
        self.challenges.write().insert(asked.to_owned(), Arc::new(CertifiedKey::new(vec![made], key)));
        Ok(())
    }

    /// Shows no directory anything any more.
    pub(crate) fn forget_challenges(&self) {
        self.challenges.write().clear();
    }

    fn take(&self, held: Held, read: Result<Pair, TlsFault>) -> Result<(), TlsFault> {
        let mut current = self.current.write();
        current.held = held;
        match read {
            Ok(pair) => {
                (current.pair, current.refused) = (pair, None);
                Ok(())
            }
            Err(fault) => {
                current.refused = Some(fault.to_string());
                Err(fault)
            }
        }
    }

    /// What the certificate in use says of itself.
    pub fn facts(&self) -> CertificateFacts {
        self.current.read().pair.facts.clone()
    }

    /// The certificate in use, as it is shown to who connects.
    pub fn der(&self) -> Option<CertificateDer<'static>> {
        self.current.read().pair.certified.cert.first().cloned()
    }

    /// Why what the files held last was not taken, in one sentence; none where it was.
    pub fn refused(&self) -> Option<String> {
        self.current.read().refused.clone()
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // Only a directory speaks this protocol, and it speaks no other.
        if hello.alpn().is_some_and(|mut protocols| protocols.all(|protocol| protocol == ACME_PROTOCOL)) {
            return self.challenges.read().get(hello.server_name()?).cloned();
        }
        Some(self.current.read().pair.certified.clone())
    }
}

impl Files {
    /// What the files hold, and the pair that is made of it. Both are of the same reading.
    fn read(&self) -> (Held, Result<Pair, TlsFault>) {
        let octets = |path: &Path| std::fs::read(path).map_err(|fault| unusable(path, &fault));
        match (octets(&self.cert), octets(&self.key)) {
            (Ok(cert), Ok(key)) => {
                let length = (cert.len() as u64).to_be_bytes();
                let held = Sha256::new().chain_update(length).chain_update(&cert).chain_update(&key);
                (Ok(held.finalize().into()), self.pair(&cert, &key))
            }
            (Err(fault), _) | (_, Err(fault)) => (Err(fault.to_string()), Err(fault)),
        }
    }

    fn pair(&self, cert: &[u8], key: &[u8]) -> Result<Pair, TlsFault> {
        let chain = CertificateDer::pem_slice_iter(cert).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|fault| unusable(&self.cert, &fault))?;
        let first = chain.first().ok_or_else(|| unusable(&self.cert, &"there is no certificate in it"))?;
        let facts = facts(&self.cert, first).map_err(|reason| unusable(&self.cert, &reason))?;
        let private = PrivateKeyDer::from_pem_slice(key).map_err(|fault| unusable(&self.key, &fault))?;
        let certified = CertifiedKey::from_der(chain, private, &rustls::crypto::ring::default_provider())
            .map_err(|fault| self.unfit(fault))?;
        Ok(Pair { certified: Arc::new(certified), facts })
    }

    fn unfit(&self, fault: rustls::Error) -> TlsFault {
        TlsFault::Pair { cert: self.cert.clone(), key: self.key.clone(), fault }
    }
}

fn unusable(path: &Path, reason: &dyn std::fmt::Display) -> TlsFault {
    TlsFault::File { path: path.to_owned(), reason: reason.to_string() }
}

fn facts(file: &Path, certificate: &CertificateDer<'_>) -> Result<CertificateFacts, String> {
    let x509::Said { names, self_signed, begins, ends, .. } =
        x509::read(certificate).map_err(|fault| format!("it is no certificate: {fault}"))?;
    let (file, fingerprint) = (file.to_owned(), Fingerprint::of(certificate));
    Ok(CertificateFacts { file, fingerprint, names, self_signed, begins, ends })
}

fn self_signed(folder: &DataFolder, host: &str) -> Result<(PathBuf, PathBuf), TlsFault> {
    let (cert, key) = (folder.path().join(MADE_CERT), folder.path().join(MADE_KEY));
    let half = |missing: &Path, there: &Path| TlsFault::Half { missing: missing.into(), there: there.into() };
    match (cert.exists(), key.exists()) {
        (true, false) => return Err(half(&key, &cert)),
        // The key is written first: a first start was cut off between the two.
        (false, true) if !folder.is_new() => return Err(half(&cert, &key)),
        (true, true) => {}
        (false, _) => make(&cert, &key, host)?,
    }
    Ok((cert, key))
}

/// Makes a key and a certificate for `host` that it has signed itself.
fn make(cert: &Path, key: &Path, host: &str) -> Result<(), TlsFault> {
    let pair = KeyPair::generate()?;
    let mut made = CertificateParams::new(vec![host.to_owned()])?;
    // Certificates of several providers are in one file of trusted ones, and are told apart by their names.
    made.distinguished_name.push(DnType::CommonName, host);
    let made = made.self_signed(&pair)?;
    for (path, pem) in [(key, pair.serialize_pem()), (cert, made.pem())] {
        write_secret(path, pem.as_bytes())
            .map_err(|fault| TlsFault::File { path: path.to_owned(), reason: fault.to_string() })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_changed_are_read_once() {
        let dir = tempfile::tempdir().unwrap();
        let name = |name: &str| dir.path().join(name);
        for (at, host) in [("a", "a.example"), ("b", "b.example")] {
            std::fs::create_dir(name(at)).unwrap();
            make(&name(at).join("cert.pem"), &name(at).join("key.pem"), host).unwrap();
        }
        let lead_to = |to: &str| {
            std::fs::create_dir_all(name("live")).unwrap();
            for file in ["cert.pem", "key.pem"] {
                std::fs::copy(name(to).join(file), name("live").join(file)).unwrap();
            }
        };
        lead_to("a");
        let certificate = Certificate::load(&name("live/cert.pem"), &name("live/key.pem")).unwrap();
        assert!(certificate.reload_if_changed().is_none());
        std::fs::copy(name("b/cert.pem"), name("live/cert.pem")).unwrap();
        certificate.reload_if_changed().unwrap().unwrap_err();
        assert!(certificate.reload_if_changed().is_none(), "what was refused is said once");
        assert!(certificate.refused().is_some() && certificate.facts().covers("a.example"));
        lead_to("b");
        certificate.reload_if_changed().unwrap().unwrap();
        assert!(certificate.refused().is_none() && certificate.facts().covers("b.example"));

        std::fs::remove_file(name("live/key.pem")).unwrap();
        certificate.reload_if_changed().unwrap().unwrap_err();
        assert!(certificate.reload_if_changed().is_none() && certificate.refused().is_some());
        lead_to("b");
        certificate.reload_if_changed().unwrap().unwrap();
        assert_eq!(certificate.refused(), None, "what was there before is there again");
    }

    #[test]
    fn a_renewed_pair_is_taken_and_a_bad_one_leaves_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
        make(&cert, &key, "home.example").unwrap();
        let certificate = Certificate::load(&cert, &key).unwrap();
        assert!(certificate.facts().self_signed && certificate.facts().covers("home.example"));
        assert!(
            !certificate.facts().covers("other.example") && !certificate.facts().covers("a.home.example")
        );

        make(&cert, &key, "*.other.example").unwrap();
        certificate.reload().unwrap();
        assert!(certificate.facts().covers("a.other.example") && !certificate.facts().covers("home.example"));
        assert_eq!(certificate.refused(), None);

        // The certificate has been put in its place, and the key not yet.
        let of_before = std::fs::read(&key).unwrap();
        make(&cert, &key, "127.0.0.1").unwrap();
        std::fs::write(&key, of_before).unwrap();
        certificate.reload().unwrap_err();
        assert!(certificate.facts().covers("a.other.example"));
        assert!(certificate.refused().unwrap().contains("key.pem"));
        make(&cert, &key, "127.0.0.1").unwrap();
        certificate.reload().unwrap();
        assert!(certificate.facts().covers("127.0.0.1"));
        assert_eq!(certificate.refused(), None);
    }
}
