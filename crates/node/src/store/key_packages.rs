//! KeyPackages that our clients have published, and those that were handed out (section 9).

use drawbridge_mtp::id::{ClientUri, GroupUri, Id, Name};
use drawbridge_mtp::message::{KeyPackageStock, SuiteStock};
use drawbridge_mtp::time::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use crate::ground::changes::Change;

use super::{StoreFault, Tx, View, parsed, signed, unsigned};

/// A client with fewer KeyPackages to be handed out should publish more.
pub const LOW_STOCK: u64 = 10;

/// What is here of a client's KeyPackages at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptKeyPackages {
    /// What can be handed out.
    pub stock: KeyPackageStock,
    /// How many are here whose lifetime has not begun: a clock was ahead when they were made, or is behind now.
    pub to_come: u64,
}

/// A KeyPackage that was checked, and what has to be known of it without reading it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKeyPackage {
    /// Its MLS KeyPackageRef.
    pub reference: Vec<u8>,
    /// Its cipher suite.
    pub suite: u16,
    /// When its lifetime begins, in seconds since 1970.
    pub begins: u64,
    /// When its lifetime ends, in seconds since 1970.
    pub ends: u64,
    /// What its leaf can do, in the form of MLS RequiredCapabilities.
    pub supports: Vec<u8>,
    /// The `MLSMessage`.
    pub package: Vec<u8>,
}

fn stored(row: &Row<'_>) -> Result<StoredKeyPackage, rusqlite::Error> {
    Ok(StoredKeyPackage {
        reference: row.get(0)?,
        suite: row.get(1)?,
        begins: unsigned(row.get(2)?),
        ends: unsigned(row.get(3)?),
        supports: row.get(4)?,
        package: row.get(5)?,
    })
}

impl StoredKeyPackage {
    /// Whether its lifetime holds at `now`.
    pub fn holds(&self, now: Timestamp) -> bool {
        (self.begins..self.ends).contains(&now.as_secs())
    }
}

impl View<'_> {
    /// What there is of a client's KeyPackages at `now`: counted as stock is what could be handed out then
    /// (`docs/client-api.md`, `GET /key-packages`).
    pub fn key_packages_kept(
        &self,
        user: &Name,
        client: &Name,
        now: Timestamp,
    ) -> Result<KeptKeyPackages, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT suite, count(*) FILTER (WHERE begins <= ?3 AND NOT last_resort),
                    count(*) FILTER (WHERE begins <= ?3 AND last_resort), count(*) FILTER (WHERE begins > ?3)
             FROM key_package WHERE user = ?1 AND client = ?2 AND ends > ?3 GROUP BY suite ORDER BY suite",
        )?;
        let mut rows = statement.query(params![user.as_str(), client.as_str(), signed(now.as_secs())])?;
        let mut kept = KeptKeyPackages::default();
        while let Some(row) = rows.next()? {
            let (cipher_suite, available) = (row.get(0)?, unsigned(row.get(1)?));
            let last_resorts = unsigned(row.get(2)?);
            kept.to_come += unsigned(row.get(3)?);
            kept.stock.available += available;
            kept.stock.last_resort |= last_resorts > 0;
            if available + last_resorts > 0 {
                kept.stock.suites.push(SuiteStock { cipher_suite, available });
            }
        }
        kept.stock.renew = kept.stock.available < LOW_STOCK || kept.to_come > 0;
        Ok(kept)
    }

    /// The first of a client's KeyPackages whose lifetime holds at `now` and that `will_do`, the oldest first; and whether
    /// the lifetime of any holds.
    pub fn find_key_package(
        &self,
        user: &Name,
        client: &Name,
        last_resort: bool,
        now: Timestamp,
        will_do: impl Fn(&StoredKeyPackage) -> bool,
    ) -> Result<(Option<StoredKeyPackage>, bool), StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT ref, suite, begins, ends, supports, package FROM key_package
             WHERE user = ?1 AND client = ?2 AND last_resort = ?3 AND begins <= ?4 AND ends > ?4
             ORDER BY added, ends, ref",
        )?;
        let mut rows =
            statement.query(params![user.as_str(), client.as_str(), last_resort, signed(now.as_secs())])?;
        let mut any = false;
        while let Some(row) = rows.next()? {
            any = true;
            let package = stored(row)?;
            if will_do(&package) {
                return Ok((Some(package), any));
            }
        }
        Ok((None, any))
    }

    /// The KeyPackage of a client that was handed out for `jti`.
    pub fn handed_out(
        &self,
        jti: Id,
        user: &Name,
        client: &Name,
    ) -> Result<Option<StoredKeyPackage>, StoreFault> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT ref, suite, begins, ends, supports, package FROM handed_out
                 WHERE jti = ?1 AND user = ?2 AND client = ?3",
            )?
            .query_row(params![jti.as_bytes(), user.as_str(), client.as_str()], stored)
            .optional()?)
    }

    /// The client, by user and name, whose KeyPackage has this reference, and was handed out for `group`.
    pub fn client_to_welcome(
        &self,
        reference: &[u8],
        group: &GroupUri,
    ) -> Result<Option<(Name, Name)>, StoreFault> {
        let found = self
            .sql
            .prepare_cached(
                "SELECT user, client FROM handed_out WHERE ref = ?1 AND (group_uri IS NULL OR group_uri = ?2) LIMIT 1",
            )?
            .query_row(params![reference, group.as_str()], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })
            .optional()?;
        let Some((user, client)) = found else { return Ok(None) };
        Ok(Some((parsed("a name", user)?, parsed("a name", client)?)))
    }

    /// Whether a KeyPackage is here to be handed out, or was.
    fn has_key_package(&self, reference: &[u8]) -> Result<bool, StoreFault> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT 1 FROM handed_out WHERE ref = ?1 UNION ALL SELECT 1 FROM key_package WHERE ref = ?1 LIMIT 1",
            )?
            .exists([reference])?)
    }
}

impl Tx<'_> {
    /// Forgets all KeyPackages that are to be handed out, but those of last resort; their clients publish others.
    pub fn discard_key_packages(&self) -> Result<(), StoreFault> {
        self.sql.execute("DELETE FROM key_package WHERE NOT last_resort", [])?;
        Ok(())
    }

    /// Keeps a KeyPackage to be handed out once. One that is there, or was handed out, changes nothing.
    pub fn add_key_package(
        &self,
        user: &Name,
        client: &Name,
        package: &StoredKeyPackage,
    ) -> Result<(), StoreFault> {
        if !self.has_key_package(&package.reference)? {
            self.insert_key_package(user, client, package, false)?;
        }
        Ok(())
    }

    /// Keeps the KeyPackage for when no other is left, in the place of the one before.
    pub fn set_last_resort(
        &self,
        user: &Name,
        client: &Name,
        package: &StoredKeyPackage,
    ) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached("DELETE FROM key_package WHERE user = ?1 AND client = ?2 AND last_resort")?
            .execute([user.as_str(), client.as_str()])?;
        self.insert_key_package(user, client, package, true)
    }

    fn insert_key_package(
        &self,
        user: &Name,
        client: &Name,
        package: &StoredKeyPackage,
        last_resort: bool,
    ) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached(
                "INSERT INTO key_package (user, client, ref, suite, last_resort, begins, ends, supports, added, package)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                user.as_str(),
                client.as_str(),
                package.reference,
                package.suite,
                last_resort,
                signed(package.begins),
                signed(package.ends),
                package.supports,
                signed(self.now().as_millis()),
                package.package,
            ])?;
        Ok(())
    }

    /// Notes that `package` of a client is handed out for `jti`, to be added to `group`; it cannot be again, unless it is
    /// `kept` as the last resort.
    pub fn hand_out(
        &self,
        jti: Id,
        group: &GroupUri,
        user: &Name,
        client: &Name,
        package: &StoredKeyPackage,
        kept: bool,
    ) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached(
                "INSERT OR REPLACE INTO handed_out
                   (jti, user, client, ref, suite, begins, ends, supports, package, at, group_uri)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                jti.as_bytes(),
                user.as_str(),
                client.as_str(),
                package.reference,
                package.suite,
                signed(package.begins),
                signed(package.ends),
                package.supports,
                package.package,
                signed(self.now().as_millis()),
                group.as_str(),
            ])?;
        if !kept {
            self.sql
                .prepare_cached("DELETE FROM key_package WHERE user = ?1 AND client = ?2 AND ref = ?3")?
                .execute(params![user.as_str(), client.as_str(), package.reference])?;
        }
        Ok(())
    }

    /// Drops those of a client's KeyPackages whose lifetime has not begun: a clock was wrong, and others take their place.
    pub fn drop_key_packages_to_come(&self, user: &Name, client: &Name) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached("DELETE FROM key_package WHERE user = ?1 AND client = ?2 AND begins > ?3")?
            .execute(params![user.as_str(), client.as_str(), signed(self.now().as_secs())])?;
        Ok(())
    }

    /// Announces that a client's stock has been filled up, or is running out.
    pub fn announce_stock(&self, client: &ClientUri) {
        self.changed(Change::Stock(client.clone()));
    }

    /// Drops the KeyPackages that have expired, and forgets what was handed out before `since`.
    pub fn prune_key_packages(&self, since: Timestamp) -> Result<(), StoreFault> {
        self.sql.execute("DELETE FROM key_package WHERE ends <= ?1", [signed(self.now().as_secs())])?;
        self.sql.execute("DELETE FROM handed_out WHERE at < ?1", [signed(since.as_millis())])?;
        Ok(())
    }
}
