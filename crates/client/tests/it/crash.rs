//! Clients that stop anywhere, lose their files, or their feeds.

use std::time::Duration;

use drawbridge_client::{Client, Delivery, Notice, PolicyChange, Standing, StorageKey};
use drawbridge_mtp::id::GroupUri;

use crate::{
    people::{Person, quick, three, together, until},
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

/// What is submitted from now on waits until the world delivers it.
fn hold(world: &World) {
    world.set_faults(Faults { queued: 100, agreeing: true, ..Faults::default() });
}

/// What is submitted from now on is judged at once.
fn let_go(world: &World) {
    world.set_faults(Faults { agreeing: true, ..Faults::default() });
}

async fn wait_until_sent(person: &Person, group: &GroupUri, text: &str) {
    until("the provider has it", async || {
        let messages = person.messages(group).await;
        messages.into_iter().find(|one| one.text == text && one.state == Delivery::Sent)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_numbered_after_its_sender_or_reader_was_out_for_a_while_is_told() {
    let world = World::new(26);
    let [ann, bob, cat] = three(&world).await;
    let group = together(&[&ann, &bob, &cat]).await;
    for person in [&ann, &bob, &cat] {
        person.wait_until_done().await;
    }
    hold(&world);
    for (person, text) in [(&bob, "to three"), (&cat, "mine")] {
        person.says(&group, text).await;
        wait_until_sent(person, &group, text).await;
    }
    let_go(&world);
    ann.client.remove(&group, &cat.user()).await.unwrap();
    cat.stands(&group, Standing::Removed).await;
    let mine = cat.sees(&group, "mine").await;
    assert_eq!(mine.state, Delivery::Failed);
    ann.counts(&group, 2).await;
    ann.client.ask_to_add(&group, &cat.user()).await.unwrap();
    cat.counts(&group, 3).await;
    // The owner takes what was made for the epochs before the current one.
    world.deliver_queued();
    ann.sees(&group, "mine").await;
    until("it has not failed at all", async || {
        let messages = cat.messages(&group).await;
        messages.into_iter().find(|one| one.id == mine.id && one.state == Delivery::Accepted)
    })
    .await;
    ann.sees(&group, "to three").await;
    ann.wait_for_owners_epoch(&world, &group).await;
    ann.says(&group, "next").await;
    cat.sees(&group, "next").await;
    let notices = cat.notices(&group).await;
    assert_eq!(notices.iter().filter(|one| matches!(one, Notice::Gap { .. })).count(), 1, "{notices:?}");
    cat.wait_until_done().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_an_own_joining_of_which_no_feed_tells_is_read_from_the_log() {
    let world = World::new(27);
    let [ann, bob, mut cat] = three(&world).await;
    let group = together(&[&ann, &bob, &cat]).await;
    // A new leaf of another's would come first.
    for person in [&ann, &bob, &cat] {
        person.wait_until_done().await;
    }
    cat.client.join_anew(&group).await.unwrap();
    hold(&world);
    cat.stands(&group, Standing::Joining).await;
    until("the provider has it", async || {
        let left = cat.client.left_to_do().await.unwrap();
        left.iter().any(|one| one.ends_with("commit is Queued")).then_some(())
    })
    .await;
    cat.stop().await;
    let_go(&world);
    world.deliver_queued();
    ann.wait_for_owners_epoch(&world, &group).await;
    ann.says(&group, "welcome back").await;
    bob.sees(&group, "welcome back").await;
    world.forget_feed(cat.client.uri());
    // Nor does its provider say again that it was taken.
    hold(&world);
    cat.start();
    cat.sees(&group, "welcome back").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_brought_back_without_hearing_of_it_comes_in_by_itself() {
    let world = World::new(28);
    let [ann, bob, mut cat] = three(&world).await;
    let group = together(&[&ann, &bob, &cat]).await;
    ann.client.remove(&group, &cat.user()).await.unwrap();
    cat.stands(&group, Standing::Removed).await;
    ann.counts(&group, 2).await;
    bob.counts(&group, 2).await;
    cat.stop().await;
    ann.client.ask_to_add(&group, &cat.user()).await.unwrap();
    bob.counts(&group, 3).await;
    ann.says(&group, "for nobody").await;
    world.forget_feed(cat.client.uri());
    cat.start();
    cat.stands(&group, Standing::Member).await;
    ann.wait_for_owners_epoch(&world, &group).await;
    ann.says(&group, "there you are").await;
    cat.sees(&group, "there you are").await;
    let notices = cat.notices(&group).await;
    assert!(notices.iter().any(|one| matches!(one, Notice::Gap { .. })), "{notices:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_got_its_welcome_says_that_something_is_missing() {
    let world = World::new(29);
    let [ann, bob, mut cat] = three(&world).await;
    let group = together(&[&ann, &bob]).await;
    cat.stop().await;
    ann.client.ask_to_add(&group, &cat.user()).await.unwrap();
    bob.counts(&group, 3).await;
    ann.says(&group, "hello cat").await;
    bob.sees(&group, "hello cat").await;
    world.forget_feed(cat.client.uri());
    cat.start();
    cat.stands(&group, Standing::Member).await;
    let notices = cat.notices(&group).await;
    assert!(
        matches!(notices[..], [Notice::Gap { first: 1, .. }, Notice::Joined { by: None }]),
        "{notices:?}"
    );
    // A further client has missed nothing.
    let phone = Person::new(&world, "mimi://c.example/u/cat/d/phone").await;
    phone.stands(&group, Standing::Member).await;
    assert_eq!(phone.notices(&group).await, [Notice::Joined { by: None }]);
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
    assert!(Client::open(ann.home.clone(), &ann.path, other, quick()).await.is_err());
    let key = || StorageKey::from_bytes(crate::people::KEY);
    assert!(Client::open(bob.home.clone(), &ann.path, key(), quick()).await.is_err(), "another client's");
    assert!(Client::open(ann.home.clone(), &ann.path, key(), quick()).await.is_ok());
}
