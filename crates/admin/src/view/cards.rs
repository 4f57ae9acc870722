//! The card of this provider, and whose certificates are trusted by a click.

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What others need to add this provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct OwnCard {
    /// Its name.
    #[ts(type = "string")]
    pub provider: Provider,
    /// All of the card, as a link.
    pub link: String,
    /// The thumbprint of its key.
    pub key: String,
    /// The fingerprint of its certificate, where that has signed itself.
    pub certificate: Option<String>,
    /// The link, as a QR code.
    pub qr: Option<Qr>,
}

/// A QR code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Qr {
    /// Its width and its height in squares, with the free margin around it.
    pub size: u32,
    /// The dark squares, as the path of an SVG image in which a square is 1 wide.
    pub path: String,
}

/// `met-certificate`: the certificate that a provider shows now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct MetCertificate {
    /// Its SHA-256.
    pub fingerprint: String,
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// Whether it has signed itself.
    pub self_signed: bool,
    /// It holds up to then.
    #[ts(type = "string")]
    pub ends: Timestamp,
    /// Why it is not trusted, in one sentence; `null` where it is.
    pub refused: Option<String>,
}

/// `trusted-certificates`, `trust-certificate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct TrustedCertificates {
    /// All, by provider.
    pub certificates: Vec<TrustedCertificate>,
}

/// A certificate that is trusted for one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct TrustedCertificate {
    /// The provider that may show it.
    #[ts(type = "string")]
    pub provider: Provider,
    /// Its SHA-256.
    pub fingerprint: String,
    /// Since when.
    #[ts(type = "string")]
    pub since: Timestamp,
}
