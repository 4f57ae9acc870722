//! What goes wrong with a peer.

use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// At which step something went wrong with a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Its name has no address.
    Dns,
    /// No connection to its address.
    Connect,
    /// The TLS handshake or its certificate.
    Tls,
    /// Its provider document.
    Document,
    /// A signature, ours there or theirs here.
    Signature,
    /// Its operator's decision or ours.
    Policy,
    /// An HTTP answer that is not what the protocol has.
    Http,
    /// What it told us breaks the protocol's rules.
    Content,
    /// Our store or theirs has lost or gone back on something.
    Store,
}

/// Something that went wrong with a peer, counted while it repeats.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Trouble {
    /// At which step.
    pub stage: Stage,
    /// A stable code; texts and remedies in the GUI hang on it.
    pub code: String,
    /// One sentence with the particulars.
    pub text: String,
    /// First time in this run of repeats.
    #[ts(type = "string")]
    pub first: Timestamp,
    /// Last time.
    #[ts(type = "string")]
    pub last: Timestamp,
    /// How often.
    pub count: u32,
    /// Whether it is over: the same step has succeeded since.
    pub over: bool,
}
