//! Clients that stop anywhere, lose their files, or their feeds.

use std::time::Duration;

use drawbridge_client::{Client, Delivery, Notice, PolicyChange, Standing, StorageKey};

use crate::{
    people::{Person, quick, together, until},
    world::{Faults, World},
};

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_and_queued_submissions_lose_and_double_nothing() {
    let world = World::new(11);
    let [ann, bob] = [
        Person::new(&world, "mimi://a.example/u/ann/d/desk").await,
        Person::new(&world, "mimi://b.example/u/bob/d/desk").await,
    ];
    let group = together(&[&ann, &bob]).await;
    let faults =
        Faults { unanswered: 30, unheard: 20, queued: 30, repeated: 30, inline: None, agreeing: true };
    world.set_faults(faults);
    for number in 0..30 {
        ann.says(&group, &format!("a{number}")).await;
        bob.says(&group, &format!("b{number}")).await;
        world.deliver_queued();
    }
    for person in [&ann, &bob] {
        until("all is accepted", async || {
            world.deliver_queued();
            let messages = person.messages(&group).await;
            let all = messages.iter().all(|message| message.state == Delivery::Accepted);
            (all && messages.len() == 60).then_some(())
        })
        .await;
        let texts: Vec<String> = person.messages(&group).await.into_iter().map(|m| m.text).collect();
        for number in 0..30 {
            for who in ["a", "b"] {
                let text = format!("{who}{number}");
                assert_eq!(texts.iter().filter(|known| **known == text).count(), 1, "{text}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_loses_its_file_joins_anew_and_cleans_up_after_itself() {
    let world = World::new(12);
    let ann = Person::new(&world, "mimi://a.example/u/ann/d/desk").await;
    let mut bob = Person::new(&world, "mimi://b.example/u/bob/d/desk").await;
    let group = together(&[&ann, &bob]).await;
    ann.says(&group, "before").await;
    bob.sees(&group, "before").await;
    bob.lose().await;
    bob.stands(&group, Standing::Member).await;
    until("the old leaf is gone", async || {
        let (_, members) = world.group(&group);
        (members.len() == 2 && ann.about(&group).await?.members[1].clients.len() == 1).then_some(())
    })
    .await;
    bob.says(&group, "back").await;
    ann.sees(&group, "back").await;
    ann.says(&group, "welcome").await;
    bob.sees(&group, "welcome").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_joined_anew_says_what_could_not_be_read() {
    let world = World::new(13);
    let ann = Person::new(&world, "mimi://a.example/u/ann/d/desk").await;
    let bob = Person::new(&world, "mimi://b.example/u/bob/d/desk").await;
    let group = together(&[&ann, &bob]).await;
    bob.client.join_anew(&group).await.unwrap();
    ann.says(&group, "meanwhile").await;
    bob.stands(&group, Standing::Member).await;
    ann.counts(&group, 2).await;
    bob.says(&group, "here").await;
    ann.sees(&group, "here").await;
    ann.says(&group, "good").await;
    bob.sees(&group, "good").await;
    let read = bob.messages(&group).await.iter().any(|message| message.text == "meanwhile");
    let gap = bob.notices(&group).await.iter().any(|notice| matches!(notice, Notice::Gap { .. }));
    assert!(read || gap);
    assert_eq!(world.group(&group).1.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_begins_anew_is_made_good_from_the_log() {
    let world = World::new(14);
    let ann = Person::new(&world, "mimi://a.example/u/ann/d/desk").await;
    let mut bob = Person::new(&world, "mimi://b.example/u/bob/d/desk").await;
    let group = together(&[&ann, &bob]).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    world.set_faults(Faults { unheard: 100, ..Faults::default() });
    for number in 0..7 {
        ann.says(&group, &format!("n{number}")).await;
    }
    world.forget_feed(bob.client.uri());
    bob.crash().await;
    world.set_faults(Faults { agreeing: true, ..Faults::default() });
    world.forget_feed(bob.client.uri());
    for number in 0..7 {
        bob.sees(&group, &format!("n{number}")).await;
    }
    bob.says(&group, "all there").await;
    ann.sees(&group, "all there").await;
    assert_eq!(bob.messages(&group).await.len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_readable_in_the_file_and_another_key_does_not_open_it() {
    let world = World::new(15);
    let ann = Person::new(&world, "mimi://a.example/u/ann/d/desk").await;
    let bob = Person::new(&world, "mimi://b.example/u/bob/d/desk").await;
    let group = together(&[&ann, &bob]).await;
    // Long enough that no ciphertext has it by chance, as it now and then has three letters.
    let name = "a name for members";
    let change = PolicyChange { name: Some(name.into()), ..PolicyChange::default() };
    ann.client.change_policy(&group, change).await.unwrap();
    until("it is called so", async || (bob.about(&group).await?.name == name).then_some(())).await;
    ann.says(&group, "a very secret sentence").await;
    bob.sees(&group, "a very secret sentence").await;
    for person in [&ann, &bob] {
        let mut found = 0;
        for entry in std::fs::read_dir(person.path.parent().unwrap()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            for secret in ["a very secret sentence", name, "private", "signature_scheme", "encryption_key"] {
                assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret}");
            }
            found += bytes.len();
        }
        assert!(found > 10_000);
    }
    let other = StorageKey::from_bytes([8; 32]);
    assert!(Client::open(ann.door.clone(), &ann.path, other, quick()).await.is_err());
    let key = || StorageKey::from_bytes(crate::people::KEY);
    assert!(Client::open(bob.door.clone(), &ann.path, key(), quick()).await.is_err(), "another client's");
    assert!(Client::open(ann.door.clone(), &ann.path, key(), quick()).await.is_ok());
}
