//! How far a newcomer has come in the demo, and what waits at each of its providers.

use drawbridge_client::{ConversationView, LineKind, Notice};
use drawbridge_mtp::id::{Name, UserUri};

use crate::built_in_clients::BuiltIn;
use crate::error::AdminError;
use crate::site::Site;
use crate::view::{DemoNode, DemoSteps};

/// The latest lines of a conversation that are looked at.
const LINES: usize = 200;

/// How much waits for the operator of `site`.
pub(super) async fn waiting(site: &Site) -> Result<u32, AdminError> {
    let waiting = site.node.operator().waiting().await?;
    Ok(u32::try_from(waiting.total()).unwrap_or(u32::MAX))
}

/// How many messages `people` have not read.
pub(super) async fn unread(site: &Site, people: &[Name]) -> Result<u32, AdminError> {
    let mut unread = 0;
    for client in clients(site, people) {
        unread += client.conversations().await?.iter().map(|view| view.unread).sum::<u64>();
    }
    Ok(u32::try_from(unread).unwrap_or(u32::MAX))
}

/// What `people` of `site` have done with the people of `others`.
pub(super) async fn done(site: &Site, people: &[Name], others: &[DemoNode]) -> Result<DemoSteps, AdminError> {
    let mut seen = Seen { others, steps: DemoSteps::default() };
    if let Some(beta) = others.first() {
        seen.steps.connected = site.node.operator().is_connected_with(beta.provider.clone()).await?;
    }
    for client in clients(site, people) {
        for view in client.conversations().await? {
            if view.group.provider() == site.node.provider() {
                seen.look(&client, &view).await?;
            }
        }
    }
    Ok(seen.steps)
}

/// The clients of those of `people` who are used on this computer.
fn clients(site: &Site, people: &[Name]) -> Vec<BuiltIn> {
    people.iter().filter_map(|person| site.clients.of(person).ok()).collect()
}

struct Seen<'a> {
    others: &'a [DemoNode],
    steps: DemoSteps,
}

impl Seen<'_> {
    /// Takes in a conversation of a group that alpha keeps.
    async fn look(&mut self, client: &BuiltIn, view: &ConversationView) -> Result<(), AdminError> {
        self.steps.made = true;
        let members: Vec<_> = view.members.iter().map(|member| &member.user).collect();
        self.note(view.asked.iter().chain(members.iter().copied()), |steps| &mut steps.asked);
        self.note(members, |steps| &mut steps.added);
        for line in client.conversation(&view.group, None, LINES).await? {
            match line.what {
                LineKind::Message(message) if message.own => self.steps.wrote = true,
                LineKind::Message(message) => self.note([&message.sender], |steps| &mut steps.answered),
                LineKind::Notice(Notice::Added { users, .. }) => {
                    self.note(&users, |steps| &mut steps.asked);
                    self.note(&users, |steps| &mut steps.added);
                }
                LineKind::Notice(Notice::Removed { .. }) => self.steps.removed = true,
                LineKind::Notice(_) => {}
            }
        }
        Ok(())
    }

    /// Notes the providers of `users` in one of the lists, each once and in the demo's order.
    fn note<'u>(
        &mut self,
        users: impl IntoIterator<Item = &'u UserUri>,
        list: fn(&mut DemoSteps) -> &mut Vec<String>,
    ) {
        let list = list(&mut self.steps);
        for user in users {
            let other = self.others.iter().find(|node| node.provider == *user.provider());
            if let Some(other) = other.filter(|other| !list.contains(&other.name)) {
                list.push(other.name.clone());
            }
        }
        list.sort();
    }
}
