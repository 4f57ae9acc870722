//! What is known of the grants by which others' groups have taken members in (section 10).

use drawbridge_mtp::id::{GroupUri, Provider, UserUri};
use drawbridge_mtp::time::Timestamp;
use rusqlite::params;

use crate::ground::changes::Change;

use super::{GroupRow, Proof, StoreFault, Tx, View, parsed, time};

/// A member whose grant is still to be checked.
#[derive(Clone, Debug)]
pub struct Unchecked {
    /// The group.
    pub group: GroupUri,
    /// The member's leaf.
    pub leaf: u32,
    /// The grant, a compact JWS.
    pub grant: String,
    /// When the owner accepted the commit by which the member was added.
    pub added: Timestamp,
}

impl View<'_> {
    /// Members whose grants are still to be checked, `at_most` of them.
    pub fn unchecked(&self, at_most: u32) -> Result<Vec<Unchecked>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT uri, leaf, grant_jws, time FROM member JOIN mls_group ON mls_group.id = member.grp
               JOIN event ON event.grp = member.grp AND kind = 'commit' AND event.epoch = since_epoch - 1
             WHERE proof = 'open' AND grant_jws IS NOT NULL ORDER BY member.grp, leaf LIMIT ?1",
        )?;
        let mut rows = statement.query([at_most])?;
        let mut unchecked = Vec::new();
        while let Some(row) = rows.next()? {
            unchecked.push(Unchecked {
                group: parsed("a group", row.get(0)?)?,
                leaf: row.get(1)?,
                grant: row.get(2)?,
                added: time(row.get(3)?),
            });
        }
        Ok(unchecked)
    }
}

impl Tx<'_> {
    /// Keeps by which grant a leaf was added, and what is known of it. The grant is none where no right one came.
    pub fn set_proof(
        &self,
        group: &GroupRow,
        leaf: u32,
        grant: Option<&str>,
        proof: Proof,
    ) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached("UPDATE member SET grant_jws = ?3, proof = ?4 WHERE grp = ?1 AND leaf = ?2")?
            .execute(params![group.id, leaf, grant, proof.to_string()])?;
        self.changed(Change::Group(group.uri.clone()));
        grant.map_or(Ok(()), |grant| self.note_grant_used(grant))
    }

    /// Tells the operator that `owner` has added somebody unproved.
    pub fn note_unproved(&self, group: &GroupUri, user: &UserUri, adder: &UserUri) -> Result<(), StoreFault> {
        let owner: &Provider = group.provider();
        let text = format!(
            "it let {adder} add {user} to {group} without a grant of {}: nobody has proved that {user} agreed",
            user.provider()
        );
        self.note_trouble(owner, "content", "added-unproved", &text)
    }
}
