//! What the pages in the window are told of providers on other machines.

use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::{Config, ExportError, TS};

pub use crate::fault::{CertificateChange, Step, Unusable};
pub use crate::session_store::Keeping;

/// All other machines whose provider this program administers.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Machines {
    /// In the order in which they were added.
    pub machines: Vec<Machine>,
    /// The one that the window shows; absent where that is this computer's own provider.
    pub shown: Option<String>,
    /// The version of this program.
    pub version: String,
    /// Why the file with them cannot be read, in one sentence; none can be added then.
    pub unreadable: Option<String>,
}

/// Another machine whose provider this program administers.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Machine {
    /// Which one.
    pub id: String,
    /// Where its pages are: scheme, host and port.
    pub origin: String,
    /// The fingerprint of the certificate that was confirmed; none where the address is one of this computer, as of a tunnel.
    pub fingerprint: Option<String>,
    /// What its provider is called, as it said last.
    pub provider: Option<String>,
    /// The version that runs there, as it said last.
    pub version: Option<String>,
    /// Whether that version and this program understand each other.
    pub understood: bool,
    /// Where the session is kept.
    pub kept: Keeping,
    /// How it goes with it.
    pub standing: Standing,
    /// How much waits for a decision there, as it said last.
    pub waiting: u32,
}

/// How it goes with a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case")]
#[ts(rename = "MachineStanding")]
pub enum Standing {
    /// It was not reached so far in this run, and is tried.
    Connecting,
    /// What happens there is heard.
    Live,
    /// It cannot be used, and is tried again by itself.
    Failing {
        /// Since when.
        #[ts(type = "string")]
        since: Timestamp,
        /// Why.
        fault: Unusable,
    },
}

/// What was found where a link leads to. Nothing of the link was used so far.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct MachineMet {
    /// Scheme, host and port.
    pub origin: String,
    /// The fingerprint of the certificate there; none where the address is one of this computer, as of a tunnel.
    pub fingerprint: Option<String>,
    /// Whether an authority that this computer trusts vouches for the certificate.
    pub vouched: bool,
    /// Whether that very certificate was confirmed before for that address.
    pub confirmed: bool,
}

/// A machine that was added.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct MachineAdded {
    /// Which one it is.
    pub id: String,
    /// Where its session is kept.
    pub kept: Keeping,
}

/// A machine that was forgotten.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct MachineForgotten {
    /// Whether its session was ended there too. It was not where the machine could not be reached.
    pub ended: bool,
}

/// Writes all this as TypeScript into the folder of `config`: one file for each type.
///
/// # Errors
///
/// Where the folder cannot be written.
pub fn export_typescript(config: &Config) -> Result<(), ExportError> {
    Machines::export_all(config)?;
    MachineMet::export_all(config)?;
    MachineAdded::export_all(config)?;
    MachineForgotten::export_all(config)
}
