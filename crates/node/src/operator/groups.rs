//! The groups that this node owns or has members in.

use std::collections::BTreeSet;

use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::time::Timestamp;

use super::shown::group_name;
use super::{Operator, ReadFault};
use crate::store::{GroupRow, PeerRow, RosterSize, Standing, StoreFault, View};

/// A group as its provider sees it: never what is said in it.
#[derive(Clone, Debug)]
pub struct GroupSummary {
    /// The group; its provider owns it.
    pub group: GroupUri,
    /// Its name, where it is known and anything is seen of it.
    pub name: Option<String>,
    /// Whether we own it.
    pub is_ours: bool,
    /// Its epoch.
    pub epoch: u64,
    /// The number of the last event here, 0 for none.
    pub head: u64,
    /// How many users are in it.
    pub users: u64,
    /// How many clients are in it.
    pub clients: u64,
    /// How many providers have users in it.
    pub providers: u64,
    /// When it was made, or when we came to know it.
    pub created: Timestamp,
    /// How it stands with us.
    pub standing: Standing,
    /// Whether nothing of it comes any more, though it goes on, since its owner is no peer: that one was let go of here.
    pub is_owner_let_go: bool,
    /// Since when its owner has not been reached by our puller, which is what brings its events; none where it is reached, where
    /// we own it, and where nothing more of it is expected.
    pub owner_away_since: Option<Timestamp>,
    /// Why, where it is broken.
    pub fault: Option<String>,
    /// Octets of the bodies of its events here.
    pub bytes: u64,
}

/// What the store has of a group that a list shows.
pub(super) struct Listed {
    pub(super) row: GroupRow,
    name: Option<String>,
    size: RosterSize,
    bytes: u64,
    /// Its owner, as far as that is a peer.
    owner: Option<PeerRow>,
}

impl Listed {
    /// What it costs is the same however many members the group has.
    pub(super) fn of(view: &View<'_>, row: GroupRow) -> Result<Self, StoreFault> {
        Ok(Self {
            name: group_name(view, row.id)?,
            size: view.roster_size(row.id)?,
            bytes: view.log_size(row.id)?.0,
            owner: view.peer(row.owner())?,
            row,
        })
    }
}

impl Operator {
    /// All groups, by name.
    pub async fn groups(&self) -> Result<Vec<GroupSummary>, ReadFault> {
        let read = self.store.read::<_, ReadFault>(|view| {
            let rows = view.groups()?.into_iter();
            Ok(rows.map(|row| Listed::of(view, row)).collect::<Result<Vec<_>, _>>()?)
        });
        let mut groups: Vec<_> = read.await?.into_iter().map(|listed| self.summary(listed)).collect();
        groups.sort_by_cached_key(|group| {
            (group.name.as_deref().unwrap_or_default().to_lowercase(), group.group.clone())
        });
        Ok(groups)
    }

    /// The groups that one of `owners` owns, however they stand.
    pub async fn groups_of(&self, owners: BTreeSet<Provider>) -> Result<Vec<GroupUri>, ReadFault> {
        let read = self.store.read(move |view| {
            let mut groups = Vec::new();
            for owner in &owners {
                groups.extend(view.groups_of_owner(owner)?);
            }
            Ok(groups)
        });
        read.await
    }

    pub(super) fn summary(&self, listed: Listed) -> GroupSummary {
        let is_owner_let_go = self.is_owner_let_go(&listed);
        let owner_away_since = self.owner_away_since(&listed);
        let Listed { row, name, size, bytes, .. } = listed;
        GroupSummary {
            is_ours: *row.owner() == self.ground.ours,
            name,
            epoch: row.epoch,
            head: row.head,
            users: size.users,
            clients: size.clients,
            providers: size.providers,
            created: row.created,
            standing: row.standing,
            is_owner_let_go,
            owner_away_since,
            fault: row.fault,
            bytes,
            group: row.uri,
        }
    }

    fn is_owner_let_go(&self, listed: &Listed) -> bool {
        let goes_on = matches!(listed.row.standing, Standing::Live | Standing::Joining);
        goes_on && listed.owner.is_none() && *listed.row.owner() != self.ground.ours
    }

    fn owner_away_since(&self, listed: &Listed) -> Option<Timestamp> {
        let owner = listed.row.owner();
        let known = listed.owner.as_ref()?;
        if *owner == self.ground.ours || listed.row.standing != Standing::Live {
            return None;
        }
        match self.pulling(owner) {
            Some(pulling) if pulling.failures == 0 && pulling.status.is_well() => None,
            pulling => {
                let in_this_life = pulling.and_then(|pulling| pulling.last_pull);
                in_this_life.or(known.last_pull).or(Some(self.started))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use drawbridge_mtp::message::RosterMember;
    use drawbridge_mtp::octets::Hash32;
    use drawbridge_mtp::policy::{Policy, Who};

    use super::*;
    use crate::ambient::System;
    use crate::ground::changes::Changes;
    use crate::store::{Store, Tx};

    /// The client `client` of the user `user`, of one of ten providers, at the leaf of that number.
    fn member(leaf: u32, user: u32, client: u32) -> RosterMember {
        let uri = format!("mimi://p{}.example/u/user{user}", user % 10);
        RosterMember {
            user: uri.parse().unwrap(),
            client: format!("{uri}/d/c{client}").parse().unwrap(),
            leaf,
            since_epoch: 0,
            added_by: "mimi://p0.example/u/user0".parse().unwrap(),
            grant: None,
        }
    }

    /// A group with `clients` clients, each user having two of them.
    fn add_group(tx: &Tx<'_>, name: &str, clients: u32) -> Result<GroupRow, StoreFault> {
        let uri: GroupUri = format!("mimi://p0.example/g/{name}").parse().unwrap();
        let row = GroupRow {
            id: 0,
            uri: uri.clone(),
            created: tx.now(),
            epoch: 0,
            first: 1,
            head: 0,
            hash: Some(Hash32([0; 32])),
            suite: 1,
            standing: Standing::Live,
            fault: None,
        };
        let id = tx.add_group(&row)?;
        let policy = Policy {
            name: name.to_owned(),
            admins: vec![member(0, 0, 0).user],
            add: Who::Members,
            send: Who::Members,
        };
        tx.set_policy(id, &policy)?;
        for leaf in 0..clients {
            tx.put_member(id, &member(leaf, leaf / 2, leaf))?;
        }
        Ok(GroupRow { id, ..row })
    }

    #[tokio::test]
    async fn a_row_of_the_list_costs_the_same_however_many_members_the_group_has() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let listed = store.write(|tx| {
            let rows = [add_group(tx, "few", 4)?, add_group(tx, "many", 1000)?];
            // A statement takes one step more the first time.
            let _ = Listed::of(tx, rows[0].clone())?;
            Ok::<_, StoreFault>(rows.map(|row| tx.steps_of(|| Listed::of(tx, row).unwrap())))
        });
        let [(few, its_steps), (many, steps)] = listed.await.unwrap();
        assert_eq!(few.size, RosterSize { clients: 4, users: 2, providers: 2 });
        assert_eq!(many.size, RosterSize { clients: 1000, users: 500, providers: 10 });
        assert_eq!(steps, its_steps);
    }

    #[tokio::test]
    async fn who_comes_and_goes_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let counted = store.write(|tx| {
            let (one, other) = (add_group(tx, "one", 4)?.id, add_group(tx, "other", 2)?.id);
            let mut sizes = vec![tx.roster_size(one)?];
            // One of a user's two clients, then the other; a leaf that somebody else of another provider takes.
            tx.remove_member(one, 0)?;
            sizes.push(tx.roster_size(one)?);
            tx.remove_member(one, 1)?;
            sizes.push(tx.roster_size(one)?);
            tx.put_member(one, &member(3, 9, 0))?;
            sizes.push(tx.roster_size(one)?);
            tx.clear_members(one)?;
            sizes.push(tx.roster_size(one)?);
            Ok::<_, StoreFault>((sizes, tx.roster_size(other)?))
        });
        let (sizes, other) = counted.await.unwrap();
        let size = |clients, users, providers| RosterSize { clients, users, providers };
        assert_eq!(sizes, [size(4, 2, 2), size(3, 2, 2), size(2, 1, 1), size(2, 2, 2), size(0, 0, 0)]);
        assert_eq!(other, size(2, 1, 1));
    }
}
