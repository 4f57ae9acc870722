//! A client of ours has created a group, which is ours from now on (`docs/client-api.md`, `POST /groups`).

use drawbridge_mtp::document::Limits;
use drawbridge_mtp::id::ClientUri;
use drawbridge_mtp::message::{EventKind, RegisterGroup, RosterMember};
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::problem::{Code, Problem};

use crate::delivery::Delivery;
use crate::delivery::mls::framing;
use crate::delivery::mls::state::PublicState;
use crate::refusal::Refusal;
use crate::store::{GroupRow, NewEvent, Reader, Standing};

impl Delivery {
    /// Takes in the group that `client` has created. A repeat changes nothing.
    pub(crate) async fn register(&self, client: &ClientUri, ask: RegisterGroup) -> Result<(), Refusal> {
        let RegisterGroup { group, group_info, ratchet_tree } = ask;
        if *group.provider() != self.ground.ours {
            let text = format!(
                "{group} would not be at {}; a group is owned by its creator's provider",
                self.ground.ours
            );
            return Err(Problem::new(Code::NotHere, text).into());
        }
        let limit = Limits::default().event_bytes;
        if group_info.as_slice().len() as u64 > limit {
            let text = format!("an event may have {limit} bytes at most, and `group_info` becomes one");
            return Err(Problem::new(Code::TooLarge, text).with_limit(limit).into());
        }
        let conventions = self.groups.conventions();
        let (state, kept) =
            PublicState::open(&group, group_info.as_slice(), ratchet_tree.as_slice(), conventions)?;
        check(&state, client)?;
        framing::check_external_pub(&framing::group_info(group_info.as_slice())?)?;
        let members: Vec<_> = state.members().map(|(leaf, member)| (leaf, member.clone())).collect();
        let mut locked = self.groups.lock(&group).await;
        let (client, policy, suite) = (client.clone(), state.policy().clone(), state.suite());
        let added = self.store.write(move |tx| {
            if let Some(row) = tx.group(&group)? {
                let first = tx.log_slice(&row, 0, 1, 1, 1)?.events.pop();
                let same = first.is_some_and(|event| {
                    event.sender == client && event.body_hash == Hash32::of(group_info.as_slice())
                });
                let text = format!("there is a group {group} already; choose another name");
                return if same { Ok(false) } else { Err(Problem::new(Code::Conflict, text).into()) };
            }
            let mut row = GroupRow {
                id: 0,
                uri: group,
                created: tx.now(),
                epoch: 0,
                first: 1,
                head: 0,
                hash: None,
                suite,
                standing: Standing::Live,
                fault: None,
            };
            row.id = tx.add_group(&row)?;
            tx.set_policy(row.id, &policy)?;
            tx.set_group_state(row.id, 0, &kept)?;
            tx.set_group_info(row.id, group_info.as_slice())?;
            for (leaf, member) in members {
                let user = member.user().clone();
                let added_by = user.clone();
                let member =
                    RosterMember { client: member, user, leaf, since_epoch: 0, added_by, grant: None };
                tx.put_member(row.id, &member)?;
            }
            tx.admit_reader(row.id, &Reader::Client(client.clone()), 1)?;
            let first = NewEvent {
                kind: EventKind::Created,
                epoch: 0,
                sender: &client,
                grants: Vec::new(),
                body: group_info.as_slice(),
                submission: None,
            };
            tx.number_event(&mut row, first)?;
            Ok::<_, Refusal>(true)
        });
        if added.await? {
            locked.put(state);
        }
        Ok(())
    }
}

fn check(state: &PublicState, client: &ClientUri) -> Result<(), Problem> {
    let invalid = |text: &str| Err(Problem::new(Code::InvalidMls, text));
    if state.epoch() != 0 {
        return invalid("a group is registered in its epoch 0");
    }
    if state.members().map(|(_, member)| member).ne([client]) {
        return invalid("a group is registered with its creator alone in it");
    }
    if !state.policy().is_admin(client.user()) {
        let text = "the creator of a group has to be among its admins";
        return Err(Problem::new(Code::NotAuthorized, text));
    }
    Ok(())
}
