//! The KeyPackages that this client has made; their private keys are among the MLS state.

use drawbridge_mtp::{octets::Octets, time::Timestamp};
use rusqlite::params;

use super::Tx;
use crate::fault::ClientFault;

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct StoredPackage {
    /// Its MLS reference.
    pub(crate) reference: Vec<u8>,
    /// Whether it is for when no other is left.
    pub(crate) last_resort: bool,
    /// Until when it is good.
    pub(crate) expires: Timestamp,
    /// As an `MLSMessage`.
    pub(crate) bytes: Octets,
}

const TABLE: &str = "key_package";

fn seconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

impl Tx<'_> {
    pub(crate) fn add_package(&self, package: &StoredPackage) -> Result<(), ClientFault> {
        let StoredPackage { reference, last_resort, expires, bytes } = package;
        let sealed = self.close(TABLE, reference, bytes)?;
        self.run(
            "INSERT OR REPLACE INTO key_package (reference, last_resort, published, expires, body)
             VALUES (?1, ?2, 0, ?3, ?4)",
            params![reference, last_resort, seconds(*expires), sealed],
        )?;
        Ok(())
    }

    /// Those that the provider has not got yet.
    pub(crate) fn unpublished_packages(&self) -> Result<Vec<StoredPackage>, ClientFault> {
        self.packages("NOT published")
    }

    /// The last resort that the provider has, where it is good for longer than until `time`.
    pub(crate) fn has_last_resort_after(&self, time: Timestamp) -> Result<bool, ClientFault> {
        Ok(self.packages("last_resort")?.iter().any(|package| package.expires > time))
    }

    pub(crate) fn has_package(&self, reference: &[u8]) -> Result<bool, ClientFault> {
        let sql = "SELECT 1 FROM key_package WHERE reference = ?1";
        Ok(!self.rows(sql, [reference], |_| Ok(()))?.is_empty())
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

    /// Those that have been of no use since `time`.
    pub(crate) fn packages_expired(&self, time: Timestamp) -> Result<Vec<StoredPackage>, ClientFault> {
        self.packages(&format!("expires < {}", seconds(time)))
    }

    fn packages(&self, which: &str) -> Result<Vec<StoredPackage>, ClientFault> {
        let sql = format!("SELECT reference, last_resort, expires, body FROM key_package WHERE {which}");
        let rows: Vec<(Vec<u8>, bool, i64, Vec<u8>)> =
            self.rows(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        rows.into_iter()
            .map(|(reference, last_resort, expires, sealed)| {
                let bytes = self.open(TABLE, &reference, &sealed)?;
                let expires = Timestamp::from_secs(expires.unsigned_abs());
                Ok(StoredPackage { reference, last_resort, expires, bytes })
            })
            .collect()
    }
}
