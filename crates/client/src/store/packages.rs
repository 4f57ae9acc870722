//! The KeyPackages that this client has made; their private keys are among the MLS state.

use drawbridge_mtp::{octets::Octets, time::Timestamp};
use rusqlite::params;

use super::{Tx, View};
use crate::fault::ClientFault;

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct StoredPackage {
    /// Its MLS reference.
    pub(crate) reference: Vec<u8>,
    /// Whether it is for when no other is left.
    pub(crate) last_resort: bool,
    /// From when on it is good.
    pub(crate) begins: Timestamp,
    /// Until when it is good.
    pub(crate) expires: Timestamp,
    /// As an `MLSMessage`.
    pub(crate) bytes: Octets,
}

const TABLE: &str = "key_package";

fn seconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

impl View<'_> {
    /// Those that the provider has not got yet.
    pub(crate) fn unpublished_packages(&self) -> Result<Vec<StoredPackage>, ClientFault> {
        self.packages("NOT published")
    }

    /// Whether there is a last resort that is good now and still will be at `time`.
    pub(crate) fn has_last_resort_until(&self, time: Timestamp) -> Result<bool, ClientFault> {
        let good = |package: &StoredPackage| package.begins <= self.now && package.expires > time;
        Ok(self.packages("last_resort")?.iter().any(good))
    }

    pub(crate) fn has_package(&self, reference: &[u8]) -> Result<bool, ClientFault> {
        let sql = "SELECT 1 FROM key_package WHERE reference = ?1";
        Ok(!self.rows(sql, [reference], |_| Ok(()))?.is_empty())
    }

    /// Those that are of no use: which have expired, or which the provider has not got and would refuse, since a clock that
    /// was ahead let them begin later than now.
    pub(crate) fn useless_packages(&self) -> Result<Vec<StoredPackage>, ClientFault> {
        let now = seconds(self.now);
        self.packages(&format!("expires < {now} OR (NOT published AND begins > {now})"))
    }

    fn packages(&self, which: &str) -> Result<Vec<StoredPackage>, ClientFault> {
        let sql =
            format!("SELECT reference, last_resort, begins, expires, body FROM key_package WHERE {which}");
        type Row = (Vec<u8>, bool, i64, i64, Vec<u8>);
        let rows: Vec<Row> =
            self.rows(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?;
        let time = |seconds: i64| Timestamp::from_secs(seconds.unsigned_abs());
        rows.into_iter()
            .map(|(reference, last_resort, begins, expires, sealed)| {
                let bytes = self.open(TABLE, &reference, &sealed)?;
                Ok(StoredPackage {
                    reference,
                    last_resort,
                    begins: time(begins),
                    expires: time(expires),
                    bytes,
                })
            })
            .collect()
    }
}

impl Tx<'_> {
    pub(crate) fn add_package(&self, package: &StoredPackage) -> Result<(), ClientFault> {
        let StoredPackage { reference, last_resort, begins, expires, bytes } = package;
        let sealed = self.close(TABLE, reference, bytes)?;
        self.run(
            "INSERT OR REPLACE INTO key_package (reference, last_resort, published, begins, expires, body)
             VALUES (?1, ?2, 0, ?3, ?4, ?5)",
            params![reference, last_resort, seconds(*begins), seconds(*expires), sealed],
        )?;
        Ok(())
    }

    pub(crate) fn published(&self, packages: &[StoredPackage]) -> Result<(), ClientFault> {
        for package in packages {
            self.run("UPDATE key_package SET published = 1 WHERE reference = ?1", [&package.reference])?;
        }
        Ok(())
    }

    /// One has been used. The last resort's place is taken by a new one; its row stays until it expires, and so do
    /// its private keys, since others may have it still.
    pub(crate) fn retire_package(&self, reference: &[u8]) -> Result<(), ClientFault> {
        self.run("DELETE FROM key_package WHERE reference = ?1 AND NOT last_resort", [reference])?;
        self.run("UPDATE key_package SET last_resort = 0, published = 1 WHERE reference = ?1", [reference])?;
        Ok(())
    }

    pub(crate) fn forget_package(&self, reference: &[u8]) -> Result<(), ClientFault> {
        self.run("DELETE FROM key_package WHERE reference = ?1", [reference])?;
        Ok(())
    }
}
