use drawbridge_mtp::time::Timestamp;
use drawbridge_node::backup::Recipient;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

records! {
    /// `back-up`: everything in one file, now. What is left out is as the configuration says.
    MakeBackup {
        /// The file, which is not there yet [default: one in the folder for backups].
        #[serde(default)]
        #[ts(optional)]
        file: Option<String>,
        /// What is in it, and who opens it.
        #[serde(flatten)]
        order: OrderBackup,
    }

    /// A backup that was made.
    BackupMade {
        /// The file.
        file: String,
        /// Its size.
        #[ts(type = "number")]
        bytes: u64,
        /// Whether it has to be opened with something.
        sealed: bool,
        /// Whether it has the keys.
        keys: bool,
        /// Whether there are conversations in it that only a key opens which could not be put into it.
        lacks_clients_key: bool,
        /// When it was made.
        #[ts(type = "string")]
        made: Timestamp,
    }

    /// `order-backup`: everything in one file, for a browser to download. What is left out is as the configuration says.
    OrderBackup {
        /// What it is to be opened with.
        #[serde(default)]
        #[ts(optional)]
        passphrase: Option<String>,
        /// The public key of age whose owner is to open it.
        #[serde(default)]
        #[ts(type = "string", optional)]
        recipient: Option<Recipient>,
        /// Whether it has the keys.
        #[serde(default)]
        #[ts(optional)]
        keys: Option<bool>,
    }

    /// A backup that is made as soon as it is fetched, within a minute and once: `GET /admin/v1/backup/{id}`.
    BackupOrdered {
        /// Which.
        id: String,
        /// Whether it has to be opened with something.
        sealed: bool,
        /// Whether it has the keys.
        keys: bool,
    }

    /// `restore`: a backup is put back where nothing is set up yet.
    Restore {
        /// The backup.
        file: String,
        /// What it is opened with, where it is sealed with a passphrase.
        #[serde(default)]
        #[ts(optional)]
        passphrase: Option<String>,
        /// A file with the key of age that it is sealed for.
        #[serde(default)]
        #[ts(optional)]
        identity: Option<String>,
    }
}
