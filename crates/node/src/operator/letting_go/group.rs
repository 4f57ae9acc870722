//! A group whose owner is gone, that is over, or that nobody is in any more: of another owner nobody here, of ours nobody but one who may have left.

use std::collections::BTreeSet;

use drawbridge_mtp::id::{GroupUri, Name, Provider, UserUri};
use drawbridge_mtp::message::ConnectionState;
use drawbridge_mtp::time::Timestamp;

use super::{Hold, HoldCode, Losses, drop_queued, many, named};
use crate::consent::requests::{Matters, let_go_of_group};
use crate::misuse::Misuse;
use crate::operator::Operator;
use crate::store::{Addition, GroupRow, Reader, Standing, StoreFault, View};

/// What is known of the group's owner beside what the store has.
#[derive(Clone, Copy)]
struct Around {
    /// Whether what the owner has to tell comes here.
    owner_answers: bool,
    /// When it is asked.
    now: Timestamp,
}

impl Operator {
    pub(super) async fn losses_of_group(&self, group: GroupUri) -> Result<Losses, Misuse> {
        let (ours, around) = (self.ground.ours.clone(), self.around_owner(&group));
        self.store
            .read(move |view| {
                let unfetched = unfetched(view, &group)?;
                losses(view, &ours, &group, around, unfetched).map(|(_, losses)| losses)
            })
            .await
    }

    pub(super) async fn forget_group(&self, group: GroupUri, seen: String) -> Result<(), Misuse> {
        let (ours, around, uri) = (self.ground.ours.clone(), self.around_owner(&group), group.clone());
        // To count this is to read what waits in all feeds, so nobody is held up by it. It becomes less by itself, until the log grows.
        let of = group.clone();
        let unfetched = self.store.read(move |view| unfetched(view, &of)).await?;
        self.delivery
            .forget_group(&group, move |tx| {
                let (row, losses) = losses(tx, &ours, &uri, around, unfetched)?;
                losses.allow(&seen)?;
                drop_queued(tx, &uri)?;
                let_go_of_group(tx, &ours, &uri)?;
                Ok(row)
            })
            .await
    }

    fn around_owner(&self, group: &GroupUri) -> Around {
        let pulling = self.pulling(group.provider());
        let owner_answers = pulling.is_some_and(|pulling| pulling.failures == 0 && pulling.status.is_well());
        Around { owner_answers, now: self.ground.ambient.now() }
    }
}

/// Who has not fetched all of the group's events that wait for it, and how many.
fn unfetched(view: &View<'_>, group: &GroupUri) -> Result<Vec<(Reader, u64)>, Misuse> {
    let row = view.group(group)?.ok_or_else(|| Misuse::NoSuchGroup(group.clone()))?;
    Ok(view.unfetched_of(row.id)?)
}

fn losses(
    view: &View<'_>,
    ours: &Provider,
    group: &GroupUri,
    around: Around,
    unfetched: Vec<(Reader, u64)>,
) -> Result<(GroupRow, Losses), Misuse> {
    let row = view.group(group)?.ok_or_else(|| Misuse::NoSuchGroup(group.clone()))?;
    let accounts = view.accounts_in(row.id, ours)?;
    let mut losses = Losses::default();
    let (octets, events) = view.log_size(row.id)?;
    losses.lose(
        events,
        Some(octets),
        "event of its log, as its owner numbered it",
        "events of its log, as its owner numbered them",
    );
    for (reader, unfetched) in unfetched {
        let who = match reader {
            Reader::Client(client) => format!("{} of {}", client.name(), client.user().name()),
            Reader::Peer(provider) => provider.to_string(),
        };
        let of = format!("of these that {who} has not fetched");
        losses.lose(unfetched, None, &of, &of);
    }
    losses.lose_all(
        view.queued_in(group)?,
        "submission that waits to be brought to its owner",
        "submissions that wait to be brought to its owner",
    );
    let people = many(view.roster_size(row.id)?.users, "person", "people");
    losses.lose_what(format!("who is in it ({people}), and by whose leave each was added"));
    let forks = view.contradictions(row.id)?.len() as u64;
    losses.lose(
        forks,
        None,
        "proof that its owner has told two stories",
        "proofs that its owner has told two stories",
    );
    let asked = view.requests_about::<Addition>(group)?;
    let ends = asked.iter().filter(|request| {
        let waits_here = !request.outgoing && request.peer != *ours && request.is_open();
        Addition::matters(request, around.now) && !waits_here
    });
    losses.lose(
        ends.count() as u64,
        None,
        "request to add somebody, or leave to do so, which is taken back",
        "requests to add somebody, or leaves to do so, which are taken back",
    );
    let waits = asked.iter().filter(|request| {
        !request.outgoing && request.peer != *ours && request.state == ConnectionState::Pending
    });
    losses.keep(
        waits.count() as u64,
        "request of somebody elsewhere to add somebody here: approved, the group begins here anew",
        "requests of people elsewhere to add somebody here: approved, the group begins here anew",
    );
    if !accounts.is_empty() || row.standing == Standing::Over {
        losses.stays.push(
            "what the clients here have read of it: with a client that is built in, it is forgotten under Conversations"
                .into(),
        );
    }
    holds(view, ours, &row, &accounts, around, &mut losses)?;
    means(ours, &row, &accounts, around, &mut losses);
    Ok((row, losses))
}

/// The names of accounts in a sentence.
fn names(accounts: &[Name]) -> String {
    let names: Vec<&str> = accounts.iter().map(Name::as_str).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// The people in a group of ours who have not left it as far as they could, and whose accounts there are.
fn living(view: &View<'_>, ours: &Provider, row: &GroupRow) -> Result<BTreeSet<UserUri>, StoreFault> {
    let accounts: BTreeSet<Name> = view.users()?.into_iter().map(|user| user.name).collect();
    let members = view.members(row.id)?.into_iter().filter(|member| !member.leaving);
    let users = members.map(|member| member.member.user);
    Ok(users.filter(|user| user.provider() != ours || accounts.contains(user.name())).collect())
}

fn holds(
    view: &View<'_>,
    ours: &Provider,
    row: &GroupRow,
    accounts: &[Name],
    around: Around,
    losses: &mut Losses,
) -> Result<(), StoreFault> {
    let goes_on = matches!(row.standing, Standing::Live | Standing::Joining);
    let hold = if row.owner() == ours {
        let there = living(view, ours, row)?;
        // Who is the last in a group has left it without anybody who could take that one out.
        let is_kept = there.len() > 1 || there.iter().any(|user| user.provider() != ours);
        let who = many(there.len() as u64, "person is", "people are");
        let text = format!(
            "{} is kept here, and {who} in it: first they leave, or an admin of the group removes them",
            named(view, row)?
        );
        is_kept.then_some((HoldCode::Ours, text))
    } else if goes_on && around.owner_answers && !accounts.is_empty() {
        let text = format!(
            "{} keeps {} and answers: {} leave{} it first, so that the others see it",
            row.owner(),
            named(view, row)?,
            names(accounts),
            if accounts.len() == 1 { "s" } else { "" }
        );
        Some((HoldCode::OwnerAnswers, text))
    } else {
        None
    };
    losses.holds.extend(hold.map(|(code, text)| Hold { code, text, group: Some(row.uri.clone()) }));
    Ok(())
}

fn means(ours: &Provider, row: &GroupRow, accounts: &[Name], around: Around, losses: &mut Losses) {
    if row.standing == Standing::Over {
        return;
    }
    let owner = row.owner();
    if accounts.is_empty() {
        losses.means.push("No account here is in it, so nobody here reads it.".into());
        return;
    }
    let who = names(accounts);
    let (is, comes) = if accounts.len() == 1 { ("is", "agrees") } else { ("are", "agree") };
    losses.means.push(format!(
        "The clients of {who} are told that they are out of it, and can write nothing there any more."
    ));
    if owner != ours && !around.owner_answers {
        losses.means.push(format!(
            "{owner} cannot be told, since it does not answer. If it comes back, the others still see that {who} {is} in it until an admin \
             of the group removes them; nothing of it comes here before {who} {comes} to be added anew."
        ));
    }
}
