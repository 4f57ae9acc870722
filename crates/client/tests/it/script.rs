//! A random script of a few hundred actions, with faults and crashes, that ends in agreement.
//!
//! `CLIENT_SEED=n` replays one seed.

use std::collections::BTreeMap;

use drawbridge_client::{Delivery, Format, LineKind, Notice, Standing};
use drawbridge_mtp::time::Timestamp;

use crate::{
    people::{Person, together, until},
    world::{Faults, Sent, World},
};

const ACTIONS: usize = 220;

struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % most as u64) as usize
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_all_members_agree_at_last() {
    play(seed(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_else_happens_they_agree_as_well() {
    play(seed(2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn and_a_third_time() {
    play(seed(3)).await;
}

/// The seed that is asked for, or this one; printed, so that it can be.
fn seed(usual: u64) -> u64 {
    let seed = std::env::var("CLIENT_SEED").map_or(usual, |seed| seed.parse().unwrap());
    println!("CLIENT_SEED={seed}");
    seed
}

async fn play(seed: u64) {
    let world = World::new(seed);
    let mut dice = Dice(seed);
    let mut people = Vec::new();
    for name in
        ["a.example/u/ann", "b.example/u/bob", "c.example/u/cat", "a.example/u/dan", "b.example/u/eve"]
    {
        people.push(Person::new(&world, &format!("mimi://{name}/d/desk")).await);
    }
    people.push(Person::new(&world, "mimi://b.example/u/bob/d/phone").await);
    let group = together(&[&people[0], &people[1]]).await;
    world.set_faults(Faults {
        unanswered: 8,
        unheard: 8,
        queued: 10,
        repeated: 10,
        inline: Some(3_000),
        agreeing: true,
    });
    let mut said = 0;
    for _ in 0..ACTIONS {
        let who = dice.below(people.len());
        let other = people[dice.below(people.len())].user();
        let person = &people[who];
        let client = &person.client;
        // What is not allowed now is refused; that is fine.
        let action = dice.below(20);
        tracing::trace!(who, action, said, %other, "an action");
        match action {
            0..=8 => {
                said += 1;
                let _ = client.send(&group, &format!("{seed}-{said}"), Format::Plain, None).await;
            }
            9 | 10 => {
                let messages = person.messages(&group).await;
                if let Some(message) = messages.get(dice.below(messages.len().max(1))) {
                    let _ = client.react(&group, &message.id, "👍").await;
                }
            }
            11 | 12 => drop(client.ask_to_add(&group, &other).await),
            13 if dice.below(3) == 0 => drop(client.remove(&group, &other).await),
            13 => drop(client.ask_to_add(&group, &other).await),
            14 if who > 0 && dice.below(2) == 0 => drop(client.leave(&group).await),
            15 => {
                let change = drawbridge_client::PolicyChange {
                    name: Some(format!("Name {said}")),
                    ..Default::default()
                };
                let _ = client.change_policy(&group, change).await;
            }
            16 => drop(client.join_anew(&group).await),
            17 => people[who].crash().await,
            18 => world.forget_feed(client.uri()),
            _ => world.deliver_queued(),
        }
        tokio::time::sleep(std::time::Duration::from_millis(dice.below(25) as u64)).await;
    }
    world.set_faults(Faults { agreeing: true, ..Faults::default() });
    settle(&world, &people, &group, seed).await;
}

/// Waits until nothing moves, and compares.
async fn settle(world: &World, people: &[Person], group: &drawbridge_mtp::id::GroupUri, seed: u64) {
    let mut calm = 0;
    let mut asked = 0;
    until(&format!("calm, seed {seed}"), async || {
        world.deliver_queued();
        let (epoch, members) = world.group(group);
        let mut same = true;
        for person in people.iter().filter(|person| members.contains(person.client.uri())) {
            let Some(about) = person.about(group).await else {
                same = false;
                continue;
            };
            let messages = person.messages(group).await;
            same &= about.standing == Standing::Member
                && about.epoch == epoch
                && messages.iter().all(|m| matches!(m.state, Delivery::Accepted | Delivery::Failed));
        }
        calm = if same { calm + 1 } else { 0 };
        asked += 1;
        if asked % 200 == 0 {
            println!("owner: {epoch} {members:?}");
            for person in people {
                let about = person.about(group).await;
                let about = about.map(|a| (a.standing, a.epoch, a.head, a.trouble));
                let open = person.messages(group).await.into_iter().filter(|m| m.state != Delivery::Accepted);
                println!("{}: {about:?}, {} open", person.client.uri(), open.count());
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(40)).await;
        (calm >= 10).then_some(())
    })
    .await;
    let (_, members) = world.group(group);
    let mut everything: BTreeMap<Timestamp, String> = BTreeMap::new();
    let mut seen: Vec<(&Person, BTreeMap<Timestamp, String>)> = Vec::new();
    for person in people {
        if members.contains(person.client.uri()) {
            let about = person.about(group).await.unwrap();
            let mut roster: Vec<_> = about.members.iter().flat_map(|one| one.clients.clone()).collect();
            roster.sort();
            assert_eq!(roster, members, "{} has another roster, seed {seed}", person.client.uri());
        }
        let mut own = BTreeMap::new();
        let mut texts = Vec::new();
        for line in person.client.conversation(group, None, 500).await.unwrap_or_default() {
            if let LineKind::Message(message) = line.what
                && message.state == Delivery::Accepted
            {
                texts.push(message.text.clone());
                own.insert(line.time, message.text);
            }
        }
        let count = texts.len();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), count, "{} has a message twice, seed {seed}", person.client.uri());
        everything.extend(own.clone());
        seen.push((person, own));
    }
    // Every message is with everybody who was there, or is said to be missing; and with nobody who was not.
    let sent: BTreeMap<Timestamp, Sent> =
        world.sent(group).into_iter().map(|sent| (sent.time, sent)).collect();
    let mut compared = 0;
    for (person, own) in &seen {
        let client = person.client.uri();
        let gaps: Vec<(u64, u64)> = person
            .notices(group)
            .await
            .into_iter()
            .filter_map(|notice| match notice {
                Notice::Gap { first, last } => Some((first, last)),
                Notice::SentBefore { event } => Some((event, event)),
                _ => None,
            })
            .collect();
        for (time, text) in &everything {
            let Sent { seq, members: there, .. } = &sent[time];
            let gone = gaps.iter().any(|(first, last)| (first..=last).contains(&seq));
            if !there.contains(client) {
                assert!(
                    !own.contains_key(time),
                    "{client} reads {text}, {seq}, after its removal, seed {seed}"
                );
            } else if members.contains(client) && !gone {
                compared += 1;
                // A change of it may have come in a gap too: then the words are those of before.
                // One that was given twice, since the state that knew of the first was lost, stands once with everybody,
                // but at either of its two times.
                let fits = match own.get(time) {
                    Some(here) => here == text || !gaps.is_empty(),
                    None => own.values().any(|here| here == text),
                };
                if !fits {
                    let lines = person.client.conversation(group, None, 500).await.unwrap();
                    let near: Vec<_> = lines.iter().filter(|line| line.time == *time).collect();
                    let same: Vec<_> = lines
                        .iter()
                        .filter(
                            |line| matches!(&line.what, LineKind::Message(message) if message.text == *text),
                        )
                        .collect();
                    panic!(
                        "{client} misses {text}, {seq}, seed {seed}; at that time {near:?}; with that text {same:?}; {gaps:?}"
                    );
                }
            }
        }
    }
    println!("{} members, {} messages, {compared} comparisons", members.len(), everything.len());
    assert!(world.refused().iter().all(|why| !why.contains("invalid-mls")), "{:?}", world.refused());
}
