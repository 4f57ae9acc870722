//! People who talk: each story with the actors it needs.

use std::{path::PathBuf, time::Duration};

use drawbridge_client::{
    Client, ClientFault, ConversationView, Delivery, Format, Home, LineKind, MessageView, Notice,
    PolicyChange, Settings, Standing, StorageKey, content::MessageId,
};
use drawbridge_mtp::{
    id::{GroupUri, UserUri},
    policy::Who,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::world::{Faults, InMemoryHome, World};

/// A client that runs, with its file.
pub(crate) struct Person {
    pub(crate) client: Client<InMemoryHome>,
    pub(crate) home: InMemoryHome,
    pub(crate) path: PathBuf,
    running: Option<JoinHandle<()>>,
    folder: TempDir,
}

pub(crate) fn quick() -> Settings {
    Settings {
        wait: Duration::from_secs(2),
        stagger: Duration::from_millis(60),
        renew: Duration::from_millis(300),
        pause: Duration::from_millis(10),
        stock_low: 4,
        stock_full: 12,
        ..Settings::default()
    }
}

pub(crate) const KEY: [u8; 32] = [7; 32];

impl Person {
    pub(crate) async fn new(world: &World, uri: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (home, path) = (world.home_of(uri), folder.path().join("client.db"));
        let client = open(&home, &path).await;
        let mut person = Self { client, home, path, running: None, folder };
        person.start();
        // Who has no KeyPackages yet cannot be added.
        until("its KeyPackages are published", async || {
            person.home.stock().await.unwrap().last_resort.then_some(())
        })
        .await;
        person
    }

    pub(crate) fn start(&mut self) {
        let client = self.client.clone();
        self.running = Some(tokio::spawn(async move { client.run().await }));
    }

    /// Does nothing by itself from now on.
    pub(crate) async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
            let _ = running.await;
        }
    }

    /// Stops at once, wherever it is, and starts again from its file.
    pub(crate) async fn crash(&mut self) {
        self.stop().await;
        self.client = open(&self.home, &self.path).await;
        self.start();
    }

    /// Loses its file.
    pub(crate) async fn lose(&mut self) {
        self.running.take().unwrap().abort();
        self.path = self.folder.path().join("anew.db");
        self.client = open(&self.home, &self.path).await;
        self.start();
    }

    pub(crate) fn user(&self) -> UserUri {
        self.client.uri().user().clone()
    }

    pub(crate) async fn about(&self, group: &GroupUri) -> Option<ConversationView> {
        self.client.about(group).await.ok()
    }

    pub(crate) async fn messages(&self, group: &GroupUri) -> Vec<MessageView> {
        let lines = self.client.conversation(group, None, 500).await.unwrap_or_default();
        lines
            .into_iter()
            .filter_map(|line| match line.what {
                LineKind::Message(message) => Some(*message),
                LineKind::Notice(_) => None,
            })
            .collect()
    }

    pub(crate) async fn notices(&self, group: &GroupUri) -> Vec<Notice> {
        let lines = self.client.conversation(group, None, 500).await.unwrap_or_default();
        lines
            .into_iter()
            .filter_map(|line| match line.what {
                LineKind::Notice(notice) => Some(notice),
                LineKind::Message(_) => None,
            })
            .collect()
    }

    /// Waits until `text` is there.
    pub(crate) async fn sees(&self, group: &GroupUri, text: &str) -> MessageView {
        until(&format!("{} sees {text}", self.client.uri()), async || {
            self.messages(group).await.into_iter().find(|message| message.text == text)
        })
        .await
    }

    pub(crate) async fn says(&self, group: &GroupUri, text: &str) -> MessageId {
        self.client.send(group, text, Format::Plain, None).await.unwrap()
    }

    /// Waits until the client stands so in the group.
    pub(crate) async fn stands(&self, group: &GroupUri, standing: Standing) {
        until(&format!("{} is {standing:?}", self.client.uri()), async || {
            self.about(group).await.filter(|about| about.standing == standing)
        })
        .await;
    }

    /// Waits until the provider has everything.
    pub(crate) async fn wait_until_all_sent(&self) {
        until(&format!("{} has sent all", self.client.uri()), async || {
            let left = self.client.left_to_do().await.unwrap();
            left.iter().all(|one| one.ends_with("is Queued")).then_some(())
        })
        .await;
    }

    /// Waits until nothing is on its way, and nothing is due.
    pub(crate) async fn wait_until_done(&self) {
        until(&format!("{} has nothing to do", self.client.uri()), async || {
            self.client.left_to_do().await.unwrap().is_empty().then_some(())
        })
        .await;
    }

    /// Waits until the client is where the owner is: what it says is for all who have come in by then.
    pub(crate) async fn wait_for_owners_epoch(&self, world: &World, group: &GroupUri) {
        until(&format!("{} is at the owner's epoch", self.client.uri()), async || {
            let (epoch, _) = world.group(group);
            self.about(group).await.filter(|about| about.epoch == epoch)
        })
        .await;
    }

    /// Waits until so many users are in the group.
    pub(crate) async fn counts(&self, group: &GroupUri, users: usize) {
        until(&format!("{} counts {users}", self.client.uri()), async || {
            self.about(group)
                .await
                .filter(|about| about.members.len() == users && about.standing == Standing::Member)
        })
        .await;
    }
}

async fn open(home: &InMemoryHome, path: &std::path::Path) -> Client<InMemoryHome> {
    Client::open(home.clone(), path, StorageKey::from_bytes(KEY), quick()).await.unwrap()
}

/// What never comes is given up after so long. A disk that is busy with what others write can hold a store up for most of a minute.
const WAIT_LIMIT: Duration = Duration::from_secs(110);

/// Asks until there is an answer.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + WAIT_LIMIT;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A group of all of these, created by the first.
pub(crate) async fn together(people: &[&Person]) -> GroupUri {
    let [first, others @ ..] = people else { panic!("nobody") };
    let group = first.client.create_group("Tea", Who::Members, Who::Members, None).await.unwrap();
    for other in others {
        first.client.ask_to_add(&group, &other.user()).await.unwrap();
    }
    for person in people {
        person.counts(&group, people.len()).await;
    }
    group
}

#[tokio::test]
async fn who_is_asked_is_told_what_the_group_is_called() {
    let world = World::new(1);
    let [ann, bob, _] = three(&world).await;
    together(&[&ann, &bob]).await;
    let unnamed = ann.client.create_group("", Who::Members, Who::Members, None).await.unwrap();
    ann.client.ask_to_add(&unnamed, &bob.user()).await.unwrap();
    let titles: Vec<_> = world.titles().into_iter().map(|title| title.map(|it| it.to_string())).collect();
    assert_eq!(titles, [Some("Tea".to_owned()), None]);
}

#[tokio::test]
async fn a_name_of_which_nothing_would_be_seen_is_refused() {
    let world = World::new(1);
    let ann = Person::new(&world, "mimi://a.example/u/ann/d/desk").await;
    let group = ann.client.create_group("", Who::Members, Who::Members, None).await.unwrap();
    for name in [" ", "\t\n", "\u{0}", "\u{200b}\u{2060}", "\u{202e}\u{2066}", "\u{2800}", "\u{301}"] {
        let made = ann.client.create_group(name, Who::Members, Who::Members, None).await;
        assert!(matches!(made, Err(ClientFault::Unfit(_))), "{name:?}: {made:?}");
        let change = PolicyChange { name: Some(name.into()), ..PolicyChange::default() };
        let changed = ann.client.change_policy(&group, change).await;
        assert!(matches!(changed, Err(ClientFault::Unfit(_))), "{name:?}: {changed:?}");
    }
    let change = PolicyChange { name: Some("\u{202e}live".into()), ..PolicyChange::default() };
    ann.client.change_policy(&group, change).await.unwrap();
}

pub(crate) async fn three(world: &World) -> [Person; 3] {
    [
        Person::new(world, "mimi://a.example/u/ann/d/desk").await,
        Person::new(world, "mimi://b.example/u/bob/d/desk").await,
        Person::new(world, "mimi://c.example/u/cat/d/desk").await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_all_say_at_once_stands_with_all_in_the_order_of_the_log() {
    let world = World::new(21);
    let people = three(&world).await;
    let group = together(&people.each_ref()).await;
    let talks = async |person: &Person, name: &str| {
        for number in 0..20 {
            person.says(&group, &format!("{name} {number}")).await;
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    };
    let [ann, bob, cat] = &people;
    tokio::join!(talks(ann, "ann"), talks(bob, "bob"), talks(cat, "cat"));
    let order = async |person: &Person| {
        until("all is there and has its place", async || {
            // Looked at first: what is shown while something is left to do may still move.
            let left = person.client.left_to_do().await.unwrap();
            let messages = person.messages(&group).await;
            let whole = messages.len() == 60 && messages.iter().all(|one| one.state == Delivery::Accepted);
            (whole && left.is_empty()).then(|| messages.into_iter().map(|one| one.text).collect::<Vec<_>>())
        })
        .await
    };
    let first = order(ann).await;
    assert_eq!(order(bob).await, first);
    assert_eq!(order(cat).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_talk_answer_react_edit_and_take_back() {
    let world = World::new(1);
    let [ann, bob, cat] = three(&world).await;
    let group = together(&[&ann, &bob, &cat]).await;
    let hello = ann.says(&group, "hello").await;
    assert_eq!(bob.sees(&group, "hello").await.id, hello);
    let reply = bob.client.send(&group, "*hi*", Format::Markdown, Some(hello)).await.unwrap();
    let seen = ann.sees(&group, "*hi*").await;
    assert_eq!((seen.id, seen.in_reply_to, seen.markdown), (reply, Some(hello), true));
    bob.client.react(&group, &hello, "❤").await.unwrap();
    cat.sees(&group, "hello").await;
    cat.client.react(&group, &hello, "❤").await.unwrap();
    let both = async |person: &Person, count: usize| {
        until("reactions", async || {
            let messages = person.messages(&group).await;
            let hello = messages.iter().find(|message| message.id == hello)?;
            let users: usize = hello.reactions.iter().map(|reaction| reaction.users.len()).sum();
            (users == count).then_some(())
        })
        .await;
    };
    both(&ann, 2).await;
    both(&bob, 2).await;
    // The same reaction again takes it back; as often as it is taken back, the message stays.
    bob.client.react(&group, &hello, "❤").await.unwrap();
    both(&ann, 1).await;
    both(&cat, 1).await;
    ann.client.react(&group, &hello, "!").await.unwrap();
    both(&ann, 2).await;
    world.set_faults(Faults { queued: 100, agreeing: true, ..Faults::default() });
    for _ in 0..2 {
        ann.client.react(&group, &hello, "!").await.unwrap();
    }
    ann.wait_until_all_sent().await;
    world.set_faults(Faults { agreeing: true, ..Faults::default() });
    world.deliver_queued();
    ann.wait_until_done().await;
    both(&ann, 1).await;
    both(&cat, 1).await;
    ann.client.edit(&group, &hello, "hello all", Format::Plain).await.unwrap();
    assert!(cat.sees(&group, "hello all").await.edited);
    assert!(bob.client.edit(&group, &hello, "mine", Format::Plain).await.is_err());
    bob.client.delete_message(&group, &reply).await.unwrap();
    until("deleted", async || {
        ann.messages(&group).await.into_iter().find(|m| m.id == reply && m.deleted && m.text.is_empty())
    })
    .await;
    let about = cat.about(&group).await.unwrap();
    assert_eq!((about.unread, about.name.as_str()), (2, "Tea"));
    cat.client.mark_read(&group, i64::MAX).await.unwrap();
    assert_eq!(cat.about(&group).await.unwrap().unread, 0);
    assert_eq!(cat.client.search("HELLO", 10).await.unwrap().len(), 1);
    assert!(ann.messages(&group).await.iter().all(|message| message.state == Delivery::Accepted));
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unproved_is_marked_until_it_is_proved() {
    let world = World::new(12);
    let [ann, bob, cat] = three(&world).await;
    let group = together(&[&ann, &bob, &cat]).await;
    let before = ann.says(&group, "before").await;
    bob.sees(&group, "before").await;
    world.reads_back(Some("gamma.example"));
    ann.says(&group, "first").await;
    ann.wait_until_all_sent().await;
    ann.client.edit(&group, &before, "before, changed", Format::Plain).await.unwrap();
    ann.wait_until_all_sent().await;
    ann.client.react(&group, &before, "!").await.unwrap();
    ann.wait_until_all_sent().await;
    ann.says(&group, "second").await;
    ann.wait_until_all_sent().await;
    world.reads_back(None);
    ann.says(&group, "after").await;
    for person in [&bob, &cat] {
        person.sees(&group, "after").await;
    }
    let marked = async |person: &Person| {
        let messages = person.messages(&group).await;
        let marked = messages.into_iter().filter(|message| message.unproved.is_some());
        let marked = marked.map(|message| (message.text, message.unproved.unwrap().to_string()));
        marked.map(|(text, from)| format!("{text}: {from}")).collect::<Vec<_>>()
    };
    let notice = Notice::ReadBack { from: "gamma.example".parse().unwrap() };
    for person in [&bob, &cat] {
        let all = ["before, changed: gamma.example", "first: gamma.example", "second: gamma.example"];
        assert_eq!(marked(person).await, all);
        let notices = person.notices(&group).await;
        assert_eq!(notices.iter().filter(|one| **one == notice).count(), 1, "said once: {notices:?}");
    }
    // What it sent itself it knows by its bytes.
    assert_eq!(marked(&ann).await, Vec::<String>::new());
    let sent = world.sent(&group);
    let (first, change) = (sent[1].seq, sent[2].seq);
    world.proves(&group, first, change);
    let second = ["second: gamma.example"];
    for person in [&bob, &cat] {
        until("two are proved", async || (marked(person).await == second).then_some(())).await;
    }
    world.proves(&group, change + 1, u64::MAX);
    until("all is proved", async || marked(&bob).await.is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_and_who_is_removed_is_out_for_all() {
    let world = World::new(2);
    let [ann, bob, cat] = three(&world).await;
    let group = together(&[&ann, &bob, &cat]).await;
    assert!(ann.client.leave(&group).await.is_err(), "the only admin stays");
    assert!(bob.client.remove(&group, &cat.user()).await.is_err(), "only admins remove");
    bob.client.leave(&group).await.unwrap();
    bob.stands(&group, Standing::Left).await;
    ann.counts(&group, 2).await;
    cat.counts(&group, 2).await;
    assert!(ann.notices(&group).await.contains(&Notice::Left { user: bob.user() }));
    ann.client.remove(&group, &cat.user()).await.unwrap();
    cat.stands(&group, Standing::Removed).await;
    ann.counts(&group, 1).await;
    ann.says(&group, "alone").await;
    assert!(bob.client.send(&group, "?", Format::Plain, None).await.is_err());
    // And back again.
    ann.client.ask_to_add(&group, &bob.user()).await.unwrap();
    bob.stands(&group, Standing::Member).await;
    ann.counts(&group, 2).await;
    ann.says(&group, "again").await;
    bob.sees(&group, "again").await;
    assert!(bob.messages(&group).await.iter().all(|message| message.text != "alone"));
}

/// The third is stopped, and has to come in anew; something was said after that.
async fn three_of_whom_one_has_lost_its_state(world: &World) -> ([Person; 3], GroupUri) {
    let [ann, bob, mut cat] = three(world).await;
    let group = together(&[&ann, &bob, &cat]).await;
    ann.says(&group, "heard").await;
    cat.sees(&group, "heard").await;
    cat.stop().await;
    cat.client.join_anew(&group).await.unwrap();
    ann.says(&group, "unheard").await;
    ([ann, bob, cat], group)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_while_its_state_is_lost_says_what_it_missed_and_wants_nothing_more() {
    let world = World::new(22);
    let ([ann, bob, mut cat], group) = three_of_whom_one_has_lost_its_state(&world).await;
    cat.client.renew(&group).await.unwrap();
    bob.sees(&group, "unheard").await;
    ann.client.remove(&group, &cat.user()).await.unwrap();
    ann.counts(&group, 2).await;
    cat.start();
    cat.stands(&group, Standing::Removed).await;
    cat.wait_until_done().await;
    let notices = cat.notices(&group).await;
    assert!(notices.iter().any(|notice| matches!(notice, Notice::Gap { .. })), "{notices:?}");
    assert!(cat.about(&group).await.unwrap().trouble.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_by_a_welcome_without_having_heard_of_its_removal_says_what_it_missed() {
    let world = World::new(24);
    let ([ann, _bob, mut cat], group) = three_of_whom_one_has_lost_its_state(&world).await;
    ann.client.remove(&group, &cat.user()).await.unwrap();
    ann.counts(&group, 2).await;
    world.forget_feed(cat.client.uri());
    ann.client.ask_to_add(&group, &cat.user()).await.unwrap();
    ann.counts(&group, 3).await;
    cat.start();
    cat.stands(&group, Standing::Member).await;
    cat.wait_until_done().await;
    ann.wait_for_owners_epoch(&world, &group).await;
    ann.says(&group, "heard again").await;
    cat.sees(&group, "heard again").await;
    let notices = cat.notices(&group).await;
    assert!(notices.iter().any(|notice| matches!(notice, Notice::Gap { .. })), "{notices:?}");
    assert!(cat.messages(&group).await.iter().all(|message| message.text != "unheard"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_by_a_welcome_reads_what_came_before_its_removal() {
    let world = World::new(25);
    let [ann, bob, mut cat] = three(&world).await;
    let group = together(&[&ann, &bob, &cat]).await;
    // Who sends for the first time in its life hears first what the log has.
    cat.wait_until_done().await;
    // Numbered, though its sender does not hear of that.
    world.set_faults(Faults { unanswered: 100, agreeing: true, ..Faults::default() });
    let mine = cat.says(&group, "mine").await;
    until("it has its place", async || (!world.sent(&group).is_empty()).then_some(())).await;
    cat.stop().await;
    world.set_faults(Faults { agreeing: true, ..Faults::default() });
    ann.says(&group, "last words").await;
    bob.sees(&group, "last words").await;
    ann.client.remove(&group, &cat.user()).await.unwrap();
    ann.counts(&group, 2).await;
    ann.says(&group, "among us").await;
    world.forget_feed(cat.client.uri());
    ann.client.ask_to_add(&group, &cat.user()).await.unwrap();
    ann.counts(&group, 3).await;
    cat.start();
    ann.says(&group, "hello again").await;
    cat.sees(&group, "hello again").await;
    let read: Vec<_> = cat.messages(&group).await.into_iter().map(|one| (one.text, one.state)).collect();
    let expected = ["mine", "last words", "hello again"].map(|text| (text.to_owned(), Delivery::Accepted));
    assert_eq!(read, expected);
    assert_eq!(bob.messages(&group).await[0].id, mine);
    let notices = cat.notices(&group).await;
    assert!(notices.iter().all(|notice| !matches!(notice, Notice::Gap { .. })), "{notices:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_alone_is_taken_out_once_somebody_is_there_to_do_it() {
    let world = World::new(23);
    let desk = Person::new(&world, "mimi://a.example/u/ann/d/desk").await;
    let group = desk.client.create_group("Tea", Who::Members, Who::Members, None).await.unwrap();
    desk.client.leave(&group).await.unwrap();
    desk.stands(&group, Standing::Left).await;
    // The group is still its user's, so a further client comes in by itself.
    let phone = Person::new(&world, "mimi://a.example/u/ann/d/phone").await;
    until("the phone is alone in it", async || {
        let about = phone.about(&group).await.filter(|about| about.standing == Standing::Member)?;
        (about.members.len() == 1 && about.members[0].clients == [phone.client.uri().clone()]).then_some(())
    })
    .await;
    desk.stands(&group, Standing::Left).await;
    assert_eq!(desk.client.left_to_do().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_who_leave_at_once_are_out_at_last() {
    let world = World::new(3);
    let [ann, bob, cat] = three(&world).await;
    let group = together(&[&ann, &bob, &cat]).await;
    let admins =
        PolicyChange { admins: Some(vec![ann.user(), bob.user(), cat.user()]), ..Default::default() };
    ann.client.change_policy(&group, admins).await.unwrap();
    until("all are admins", async || cat.about(&group).await.filter(|about| about.is_admin)).await;
    for person in [&ann, &bob, &cat] {
        // The last of them may be the only admin by then.
        let _ = person.client.leave(&group).await;
    }
    until("at most one is left", async || (world.group(&group).1.len() <= 1).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_changes_for_all_and_only_by_admins() {
    let world = World::new(4);
    let [ann, bob, cat] = three(&world).await;
    let group = together(&[&ann, &bob, &cat]).await;
    let change = PolicyChange {
        name: Some("Coffee".into()),
        send: Some(Who::Admins),
        add: Some(Who::Admins),
        ..Default::default()
    };
    assert!(bob.client.change_policy(&group, change.clone()).await.is_err());
    ann.client.change_policy(&group, change).await.unwrap();
    for person in [&ann, &bob, &cat] {
        until("renamed", async || person.about(&group).await.filter(|about| about.name == "Coffee")).await;
    }
    let about = bob.about(&group).await.unwrap();
    assert!(!about.can_send && !about.can_add && !about.is_admin);
    assert!(bob.client.send(&group, "?", Format::Plain, None).await.is_err());
    ann.says(&group, "news").await;
    cat.sees(&group, "news").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_commit_at_once_both_get_what_they_want() {
    let world = World::new(5);
    let [ann, bob, cat] = three(&world).await;
    let dan = Person::new(&world, "mimi://d.example/u/dan/d/desk").await;
    let group = together(&[&ann, &bob]).await;
    let (third, fourth) = (cat.user(), dan.user());
    let (one, two) =
        tokio::join!(ann.client.ask_to_add(&group, &third), bob.client.ask_to_add(&group, &fourth));
    assert!(one.is_ok() && two.is_ok());
    for person in [&ann, &bob, &cat, &dan] {
        person.counts(&group, 4).await;
    }
    dan.says(&group, "me too").await;
    cat.sees(&group, "me too").await;
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_that_comes_late_still_adds() {
    let world = World::new(6);
    world.set_faults(Faults::default());
    let [ann, bob, _cat] = three(&world).await;
    let group = ann.client.create_group("", Who::Admins, Who::Members, Some(3)).await.unwrap();
    ann.client.ask_to_add(&group, &bob.user()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(ann.about(&group).await.unwrap().asked, [bob.user()]);
    world.agree(&bob.user());
    bob.counts(&group, 2).await;
    assert_eq!(bob.about(&group).await.unwrap().cipher_suite, 3);
    bob.says(&group, "thanks").await;
    ann.sees(&group, "thanks").await;
    assert!(ann.about(&group).await.unwrap().asked.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn further_clients_come_in_by_themselves_and_by_the_first() {
    let world = World::new(7);
    let [ann, bob, _cat] = three(&world).await;
    let group = together(&[&ann, &bob]).await;
    ann.says(&group, "before").await;
    bob.sees(&group, "before").await;
    // A new client finds that its user is in the group, and joins by an external commit.
    let phone = Person::new(&world, "mimi://b.example/u/bob/d/phone").await;
    phone.counts(&group, 2).await;
    phone.says(&group, "by phone").await;
    let seen = bob.sees(&group, "by phone").await;
    assert!(seen.own && seen.client == *phone.client.uri());
    ann.sees(&group, "by phone").await;
    assert_eq!(ann.about(&group).await.unwrap().members[1].clients.len(), 2);
    // Removing the user removes both.
    ann.client.remove(&group, &bob.user()).await.unwrap();
    phone.stands(&group, Standing::Removed).await;
    bob.stands(&group, Standing::Removed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_objects_are_fetched() {
    let world = World::new(8);
    world.set_faults(Faults { inline: Some(100), agreeing: true, ..Faults::default() });
    let [ann, bob, cat] = three(&world).await;
    let group = together(&[&ann, &bob, &cat]).await;
    ann.says(&group, &"long ".repeat(2_000)).await;
    bob.sees(&group, &"long ".repeat(2_000)).await;
}
