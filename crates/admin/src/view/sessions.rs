//! The browsers that may use the pages.

use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Qr;

/// All browsers that may use the pages.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Sessions {
    /// The latest first.
    pub sessions: Vec<Session>,
}

/// A browser that may use the pages.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Session {
    /// Which one.
    pub id: String,
    /// What the browser calls itself (`User-Agent`), cut to 200 characters.
    pub browser: String,
    /// When it used its link.
    #[ts(type = "string")]
    pub created: Timestamp,
    /// When it was last seen, give or take ten minutes.
    #[ts(type = "string")]
    pub seen: Timestamp,
}

/// A link by which another device opens the pages. It works once.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct DeviceLink {
    /// Where the device may open them, the likeliest first; on this computer alone where there is nothing else.
    pub places: Vec<DevicePlace>,
    /// When the link ceases to work.
    #[ts(type = "string")]
    pub ends: Timestamp,
    /// What is in the way of other devices.
    pub obstacle: Option<DeviceObstacle>,
    /// Where the pages listen.
    pub listen: String,
}

/// An address at which a device may open the pages.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct DevicePlace {
    /// Scheme, host and port.
    pub origin: String,
    /// The whole link.
    pub link: String,
    /// The link as a QR code; none for this computer itself.
    pub qr: Option<Qr>,
    /// Whether this computer reaches it.
    pub reached: bool,
    /// Whether the certificate there has signed itself, so that browsers warn of it.
    pub self_signed: bool,
}

/// Why other devices do not reach the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceObstacle {
    /// The program was started so that it serves them to this computer alone, as `run` and `demo` do.
    Run,
    /// `[admin] listen` is an address of the loopback network, and no proxy is named.
    Loopback,
    /// They are served elsewhere too, and the certificate is for no name or address that others could use.
    Certificate,
    /// This computer itself reaches none of the addresses, so others may not either.
    Unreached,
}
