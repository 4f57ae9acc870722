//! An account: the person is here no more.

use drawbridge_mtp::id::{ClientUri, Name, Provider, UserUri};
use drawbridge_mtp::time::Timestamp;

use super::unfinished::{begin, end, read_list};
use super::{Losses, named};
use crate::consent::requests::{Matters, let_go_of_user};
use crate::misuse::{Misuse, require_user};
use crate::operator::Operator;
use crate::store::{Addition, Connection, Reader, StoreFault, Tx, View};

/// The setting with the names of accounts that are gone and of which a program may still have files.
const LEFTOVER: &str = "accounts-let-go";

impl Operator {
    pub(super) async fn losses_of_account(&self, name: Name) -> Result<Losses, Misuse> {
        let (user, now) = (self.ground.user(&name), self.ground.ambient.now());
        self.store.read(move |view| losses(view, &user, now)).await
    }

    pub(super) async fn forget_account(&self, name: Name, seen: String) -> Result<(), Misuse> {
        let (ours, user, now) =
            (self.ground.ours.clone(), self.ground.user(&name), self.ground.ambient.now());
        self.store
            .write(move |tx| {
                losses(tx, &user, now)?.allow(&seen)?;
                forget(tx, &ours, &user)?;
                Ok(begin(tx, LEFTOVER, name)?)
            })
            .await
    }

    /// The accounts that are gone and of which something beside the store may be left: whoever has it removes it, and then says so.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub async fn accounts_let_go(&self) -> Result<Vec<Name>, Misuse> {
        self.store.read(|view| Ok(read_list(view, LEFTOVER)?)).await
    }

    /// Nothing of the account `name` is left.
    ///
    /// # Errors
    ///
    /// The store cannot write.
    pub async fn settle_account(&self, name: Name) -> Result<(), Misuse> {
        self.store.write(move |tx| Ok(end(tx, LEFTOVER, &name)?)).await
    }
}

fn forget(tx: &Tx<'_>, ours: &Provider, user: &UserUri) -> Result<(), StoreFault> {
    // Connections first: with them ends what rests on them.
    let_go_of_user::<Connection>(tx, ours, user)?;
    let_go_of_user::<Addition>(tx, ours, user)?;
    for client in tx.clients_of(user.name())? {
        tx.remove_client(user.name(), &client.name)?;
        tx.drop_feed(&Reader::Client(ClientUri::new(user, &client.name)))?;
    }
    tx.remove_user(user)
}

fn losses(view: &View<'_>, user: &UserUri, now: Timestamp) -> Result<Losses, Misuse> {
    let name = user.name();
    require_user(view, name)?;
    let mut losses = Losses::default();
    losses.lose_what(format!("the account {user}"));
    for client in view.clients_of(name)? {
        losses.lose_what(format!("its client {}, with the token and the KeyPackages of that", client.name));
    }
    let connected = view.connected_with(user)?.len() as u64;
    losses.lose(
        connected,
        None,
        "connection, whose other side is told that it has ended",
        "connections, whose other sides are told that they have ended",
    );
    let mut requests = Requests::default();
    requests.add::<Connection>(view, user, now)?;
    requests.add::<Addition>(view, user, now)?;
    losses.lose(
        requests.asked,
        None,
        "request of its own, which is taken back",
        "requests of its own, which are taken back",
    );
    losses.lose(requests.waiting, None, "request to it that waits here", "requests to it that wait here");
    losses.lose(
        requests.agreed,
        None,
        "leave to add somebody to a group that was not used, which is taken back",
        "leaves to add somebody to a group that were not used, which are taken back",
    );
    losses.lose_all(
        view.queued_by(user)?,
        "submission of its clients that waits to be brought to a group's owner",
        "submissions of its clients that wait to be brought to a group's owner",
    );
    losses.lose(view.count_rules_of(name)?, None, "rule of its own", "rules of its own");
    let groups = view.groups_with_member(user)?;
    losses.keep(
        groups.len() as u64,
        "group with its name in the list of who is in it",
        "groups with its name in the list of who is in them",
    );
    means(view, user, &groups, &mut losses)?;
    Ok(losses)
}

/// Requests of a user and to it, by what becomes of them; connections, which are counted by pairs, are left out.
#[derive(Default)]
struct Requests {
    asked: u64,
    waiting: u64,
    agreed: u64,
}

impl Requests {
    fn add<K: Matters>(&mut self, view: &View<'_>, user: &UserUri, now: Timestamp) -> Result<(), StoreFault> {
        for row in view.requests_by_or_to::<K>(user)?.into_iter().filter(|row| !row.unseen) {
            match (row.is_open(), row.from == *user) {
                (true, true) => self.asked += 1,
                (true, false) => self.waiting += 1,
                (false, _) if row.about.group().is_some() && K::matters(&row, now) => self.agreed += 1,
                (false, _) => {}
            }
        }
        Ok(())
    }
}

fn means(
    view: &View<'_>,
    user: &UserUri,
    groups: &[crate::store::GroupRow],
    losses: &mut Losses,
) -> Result<(), StoreFault> {
    const NAMED: usize = 5;
    let name = user.name();
    if !groups.is_empty() {
        let mut names =
            groups.iter().take(NAMED).map(|row| named(view, row)).collect::<Result<Vec<_>, _>>()?;
        if groups.len() > NAMED {
            names.push(format!("{} more", groups.len() - NAMED));
        }
        losses.means.push(format!(
            "{name} has not left {}. Leave first where the others are to see that {name} is gone: otherwise its name stays there, nobody \
             reads what is written to it, and whoever gets this name here later counts as a member.",
            names.join(", ")
        ));
    }
    losses.means.push(format!(
        "Nobody elsewhere is told that the account is gone: who asks {name} something gets no answer, as from a name that never was."
    ));
    Ok(())
}
