//! Clients whose store went back, or runs twice (`docs/mtp.md`, section 12): they send nothing with keys that they may have
//! used, come in anew, and say so.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use drawbridge_client::{Delivery, Format, LineKind, MessageView, Notice, Settings};
use drawbridge_mtp::id::{ClientUri, GroupUri};
use drawbridge_mtp::policy::Who;
use drawbridge_node::Decision;
use drawbridge_node::backup::{self, BackupOrder};
use drawbridge_node::config::{Config, ListenAddress};
use drawbridge_node::identity::DataFolder;
use drawbridge_node::operator::RepairSubject;
use drawbridge_node::store::View;
use drawbridge_testkit::{BuiltIn, DesktopApp, Federation, WAIT_LIMIT, wait_for_checkpoint};
use tokio::sync::watch;

/// Ann's provider, which owns the group, and Ben's, which takes part in it.
struct Two {
    federation: Federation,
    alpha: DesktopApp,
    beta: DesktopApp,
    ann: ClientUri,
    ben: ClientUri,
    group: GroupUri,
    news: watch::Sender<u64>,
}

/// Everything that a client waits for is short.
fn quick() -> Settings {
    Settings {
        stagger: Duration::from_millis(150),
        renew: Duration::from_millis(200),
        pause: Duration::from_millis(40),
        stock_low: 6,
        stock_full: 14,
        look_every: Duration::from_secs(1),
        ..Settings::default()
    }
}

impl Two {
    async fn in_a_group() -> Self {
        Self::in_a_group_at(|_, _| {}).await
    }

    /// The same with another configuration of Ben's provider.
    async fn in_a_group_at(alter: impl FnOnce(&Federation, &mut Config)) -> Self {
        let (federation, news) = (Federation::new(), watch::Sender::new(0));
        let alpha = DesktopApp::of(federation.stopped_node(|_| {}), quick(), news.clone());
        let beta = federation.stopped_node(|config| alter(&federation, config));
        let beta = DesktopApp::of(beta, quick(), news.clone());
        alpha.start().await;
        beta.start().await;
        alpha.test_node().allows(beta.test_node().provider()).await;
        beta.test_node().allows(alpha.test_node().provider()).await;
        let (ann, ben) = (alpha.client("ann", "desk").await, beta.client("ben", "desk").await);
        let client = alpha.built_in(&ann).unwrap();
        let asked = client.ask_to_connect(ben.user()).await.unwrap().id;
        beta.test_node().hears_of(asked).await;
        beta.test_node().decides(asked, Decision::Approve).await;
        alpha.test_node().sees(asked, drawbridge_mtp::message::ConnectionState::Approved).await;
        let group = client.create_group("Tea", Who::Admins, Who::Members, None).await.unwrap();
        let asked = client.ask_to_add(&group, ben.user()).await.unwrap().id;
        beta.test_node().hears_of_addition(asked).await;
        beta.test_node().decides_addition(asked, Decision::Approve).await;
        let two = Self { federation, alpha, beta, ann, ben, group, news };
        two.rests().await;
        two
    }

    fn ann(&self) -> BuiltIn {
        self.alpha.built_in(&self.ann).unwrap()
    }

    fn ben(&self) -> BuiltIn {
        self.beta.built_in(&self.ben).unwrap()
    }

    /// Returns when `look` finds something.
    async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let mut news = self.news.subscribe();
        let found = tokio::time::timeout(WAIT_LIMIT, async {
            loop {
                news.mark_unchanged();
                if let Some(found) = look().await {
                    return found;
                }
                news.changed().await.unwrap();
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_) => {
                let mut told = Vec::new();
                for client in [self.ann(), self.ben()] {
                    told.push(format!("{:#?}", client.about(&self.group).await));
                    told.push(format!("{:#?}", client.conversation(&self.group, None, 100).await));
                }
                panic!("nobody saw that {what}\n{}", told.join("\n"))
            }
        }
    }

    /// Returns when both are in the group and have nothing left to do.
    async fn rests(&self) {
        self.until("both are at rest", async || {
            for client in [self.ann(), self.ben()] {
                let about = client.about(&self.group).await.ok()?;
                if about.members.len() < 2 || !client.left_to_do().await.unwrap().is_empty() {
                    return None;
                }
            }
            Some(())
        })
        .await;
    }

    async fn messages(&self, client: &BuiltIn) -> Vec<MessageView> {
        let lines = client.conversation(&self.group, None, 500).await.unwrap();
        let messages = lines.into_iter().filter_map(|line| match line.what {
            LineKind::Message(message) => Some(*message),
            LineKind::Notice(_) => None,
        });
        messages.collect()
    }

    async fn notices(&self, client: &BuiltIn) -> Vec<Notice> {
        let lines = client.conversation(&self.group, None, 500).await.unwrap();
        let notices = lines.into_iter().filter_map(|line| match line.what {
            LineKind::Notice(notice) => Some(notice),
            LineKind::Message(_) => None,
        });
        notices.collect()
    }

    async fn says(&self, client: &BuiltIn, text: &str) {
        client.send(&self.group, text, Format::Plain, None).await.unwrap();
    }

    /// Returns when a client has a message of another, or its own has been accepted.
    async fn sees(&self, client: &BuiltIn, text: &str) {
        self.until(&format!("{text:?} is read"), async || {
            let messages = self.messages(client).await;
            messages.into_iter().find(|one| one.text == text && one.state == Delivery::Accepted)
        })
        .await;
    }
}

fn gaps(notices: &[Notice]) -> usize {
    notices.iter().filter(|notice| matches!(notice, Notice::Gap { .. })).count()
}

/// Of how many messages it is said that they were sent before the restore, and that their text is not here.
fn sent_before(notices: &[Notice]) -> usize {
    notices.iter().filter(|notice| matches!(notice, Notice::SentBefore { .. })).count()
}

/// How often it is said that the client went back, and each time whether another copy was running.
fn went_back(notices: &[Notice]) -> Vec<bool> {
    let said = notices.iter().filter_map(|notice| match notice {
        Notice::WentBack { while_running, .. } => Some(*while_running),
        _ => None,
    });
    said.collect()
}

impl Two {
    /// Ben says something that his provider, or only his client, then forgets.
    async fn ben_says_and_forgets(&self, is_lost: fn(&str) -> bool) {
        self.beta.kill().await;
        let copy = self.federation.copy_of(self.beta.test_node());
        self.beta.start().await;
        for text in ["lost one", "lost two"] {
            self.says(&self.ben(), text).await;
            self.sees(&self.ann(), text).await;
        }
        self.beta.kill().await;
        set_back(&self.beta.test_node().config().data_dir, &copy, is_lost);
        // Pulls are told apart by the second in which they are signed.
        self.federation.clock().turn(Duration::from_secs(2));
        self.beta.start().await;
    }

    /// Ben goes on at once, and Ann reads all of it.
    async fn ben_goes_on(&self) {
        let (ann, ben) = (self.ann(), self.ben());
        for text in ["first again", "second again"] {
            self.says(&ben, text).await;
        }
        for text in ["first again", "second again"] {
            self.sees(&ann, text).await;
        }
        assert_eq!(gaps(&self.notices(&ann).await), 0, "all that Ann was sent can be read");
        self.says(&ann, "welcome back").await;
        self.sees(&ben, "welcome back").await;
        self.sees(&ben, "second again").await;
    }
}

/// Puts those files of a copy in the place of what is there.
fn set_back(folder: &Path, copy: &Path, is_lost: fn(&str) -> bool) {
    for of in [folder, copy] {
        for entry in std::fs::read_dir(of).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if entry.file_type().unwrap().is_dir() {
                if of == copy {
                    set_back(&folder.join(&name), &entry.path(), is_lost);
                }
            } else if is_lost(&name) {
                if of == copy {
                    std::fs::copy(entry.path(), folder.join(name)).unwrap();
                } else {
                    std::fs::remove_file(entry.path()).unwrap();
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_participants_folder_that_was_set_back_sends_nothing_with_old_keys() {
    let two = Two::in_a_group().await;
    two.ben_says_and_forgets(|_| true).await;
    two.ben_goes_on().await;
    let notices = two.notices(&two.ben()).await;
    assert_eq!((went_back(&notices), sent_before(&notices)), (vec![false], 2), "it is said");
    assert!(went_back(&two.notices(&two.ann()).await).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clients_file_that_was_set_back_alone_sends_nothing_with_old_keys() {
    let two = Two::in_a_group().await;
    two.ben_says_and_forgets(|name| name.starts_with("ben-desk.sqlite")).await;
    two.ben_goes_on().await;
    assert_eq!(went_back(&two.notices(&two.ben()).await), [false], "it is said");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_whose_provider_alone_was_set_back_goes_on() {
    let two = Two::in_a_group().await;
    two.ben_says_and_forgets(|name| name.starts_with("store.sqlite")).await;
    two.ben_goes_on().await;
    assert!(went_back(&two.notices(&two.ben()).await).is_empty(), "its own keys are as they were");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owners_folder_that_was_set_back_sends_nothing_with_old_keys() {
    let two = Two::in_a_group().await;
    two.alpha.kill().await;
    let copy = two.federation.copy_of(two.alpha.test_node());
    two.alpha.start().await;
    for text in ["lost one", "lost two"] {
        two.says(&two.ann(), text).await;
        two.sees(&two.ben(), text).await;
    }
    two.alpha.kill().await;
    set_back(&two.alpha.test_node().config().data_dir, &copy, |_| true);
    two.federation.clock().turn(Duration::from_secs(2));
    two.alpha.start().await;
    let (ann, ben) = (two.ann(), two.ben());
    two.says(&ann, "again").await;
    two.sees(&ben, "again").await;
    two.says(&ben, "welcome back").await;
    two.sees(&ann, "welcome back").await;
    assert_eq!(went_back(&two.notices(&ann).await), [false], "it is said");
    assert_eq!(gaps(&two.notices(&ben).await), 0, "all that Ben was sent can be read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_owners_folder_has_read_back_is_marked_in_the_conversation() {
    let two = Two::in_a_group().await;
    two.says(&two.ben(), "kept").await;
    two.sees(&two.ann(), "kept").await;
    two.alpha.kill().await;
    let copy = two.federation.copy_of(two.alpha.test_node());
    two.alpha.start().await;
    for text in ["lost one", "lost two"] {
        two.says(&two.ben(), text).await;
        two.sees(&two.ann(), text).await;
    }
    // What nobody else has is lost for good.
    let uri = two.group.clone();
    let head = two.alpha.test_node().reads(move |view| view.group(&uri)).await.unwrap().head;
    let uri = two.group.clone();
    let has_all = move |view: &View<'_>| Ok(view.group(&uri)?.filter(|row| row.head >= head));
    two.beta.test_node().until("Ben's provider has all", has_all).await;
    two.alpha.kill().await;
    set_back(&two.alpha.test_node().config().data_dir, &copy, |_| true);
    two.federation.clock().turn(Duration::from_secs(2));
    two.alpha.start().await;
    let (ann, ben) = (two.ann(), two.ben());
    two.says(&ann, "again").await;
    two.sees(&ben, "again").await;
    two.sees(&ann, "lost two").await;
    let beta = two.beta.test_node().provider();
    let marked = |messages: Vec<MessageView>| {
        let marked = messages.into_iter().filter(|message| message.unproved.as_ref() == Some(beta));
        marked.map(|message| message.text).collect::<Vec<_>>()
    };
    assert_eq!(marked(two.messages(&ann).await), ["lost one", "lost two"]);
    let notice = Notice::ReadBack { from: beta.clone() };
    assert_eq!(two.notices(&ann).await.iter().filter(|one| **one == notice).count(), 1, "it is said once");
    assert!(marked(two.messages(&ben).await).is_empty(), "Ben's provider has lost nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_made_with_a_clients_keys_before_the_owner_has_said_what_it_has() {
    let two = Two::in_a_group().await;
    two.beta.kill().await;
    two.alpha.kill().await;
    two.beta.start().await;
    let ben = two.ben();
    two.says(&ben, "while the owner is away").await;
    two.until("it was tried", async || {
        let owner = two.alpha.test_node().provider().clone();
        let troubles = two.beta.test_node().reads(move |view| view.troubles(&owner)).await;
        (!troubles.is_empty()).then_some(())
    })
    .await;
    let messages = two.messages(&ben).await;
    assert_eq!(messages.last().unwrap().state, Delivery::Sending, "the provider has nothing of it");
    let client = two.ben.clone();
    let queued = two.beta.test_node().reads(move |view| view.count_outbox(&client)).await;
    assert_eq!(queued, 0);
    two.alpha.start().await;
    two.sees(&two.ann(), "while the owner is away").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_that_cannot_reach_each_other_say_so_and_neither_puts_the_other_out_without_end() {
    // Ben's provider is at another address than Ann's, which no router leads its own copy to.
    let two = Two::in_a_group_at(|federation, config| {
        let there = elsewhere(config.mtp.listen.ip().unwrap());
        config.provider = there.to_string().parse().unwrap();
        let (cert, key) = federation.certificate(&there.ip().to_string(), there.port());
        (config.mtp.tls_cert, config.mtp.tls_key) = (Some(cert), Some(key));
        config.mtp.listen = ListenAddress::Ip(there);
    })
    .await;
    let alpha = two.alpha.test_node().config().mtp.listen.ip().unwrap().ip();
    let twin =
        two.twin_of_ben(|own| own.peers.allow_networks = vec![format!("{alpha}/32").parse().unwrap()]).await;
    let (ben, other) = (two.ben(), twin.built_in(&two.ben).unwrap());
    // Each has compared its store by the time that it has said something.
    two.says(&ben, "from one").await;
    two.sees(&two.ann(), "from one").await;
    two.says(&other, "from the other").await;
    two.sees(&two.ann(), "from the other").await;
    two.says(&ben, "from one again").await;
    for client in [&ben, &other] {
        two.until("it is said that another runs", async || {
            went_back(&two.notices(client).await).contains(&true).then_some(())
        })
        .await;
    }
    let status = two.alpha.test_node();
    let group = two.group.clone();
    let epoch = status.reads(move |view| view.group(&group)).await.unwrap().epoch;
    assert!(epoch < 30, "they have put each other out {epoch} times");
    twin.kill().await;
}

/// The address beside this one.
fn elsewhere(address: SocketAddr) -> SocketAddr {
    let IpAddr::V4(ip) = address.ip() else { panic!("{address} is none of a test") };
    let [first, second, third, last] = ip.octets();
    SocketAddr::from((Ipv4Addr::new(first, 255 - second, third, last), address.port()))
}

impl Two {
    /// A copy of Ben's provider, which goes on, that runs beside it: the same one, as others know it.
    async fn twin_of_ben(&self, alter: impl FnOnce(&mut Config)) -> DesktopApp {
        self.beta.kill().await;
        let copy = self.federation.copy_of(self.beta.test_node());
        self.beta.start().await;
        // What was asked in the second in which a process began may have been asked by the one before it.
        self.federation.clock().turn(Duration::from_secs(2));
        let twin = self.federation.stopped_node(|own| {
            own.provider = self.beta.test_node().provider().clone();
            own.data_dir = copy;
            alter(own);
        });
        let twin = DesktopApp::of(twin, quick(), self.news.clone());
        twin.start().await;
        twin
    }
}

/// As where a backup is put back elsewhere, and the machine that was given up goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_copies_neither_sends_until_the_operator_has_said_which_goes_on() {
    let two = Two::in_a_group().await;
    let twin = two.twin_of_ben(|_| {}).await;
    let mut raised = Vec::new();
    for copy in [two.beta.test_node(), twin.test_node()] {
        let row = copy.raises(&RepairSubject::Node, "runs-twice").await;
        assert!(row.text.contains("runs elsewhere"), "{}", row.text);
        raised.push(row.id);
    }
    two.alpha.test_node().notes(two.beta.test_node().provider(), "peer-runs-twice").await;
    let (ben, other) = (two.ben(), twin.built_in(&two.ben).unwrap());
    for (client, text) in [(&ben, "from one"), (&other, "from the other")] {
        two.says(client, text).await;
    }
    // It is kept over a restart.
    two.beta.kill().await;
    two.beta.start().await;
    for copy in [&two.beta, &twin] {
        let refused = copy.test_node().node().operator().rotate_key().unwrap_err();
        assert!(refused.to_string().contains("which of them goes on"), "{refused}");
    }
    let said = |messages: Vec<MessageView>| messages.into_iter().map(|one| one.text).collect::<Vec<_>>();
    assert_eq!(said(two.messages(&two.ann()).await), Vec::<String>::new(), "neither has sent anything");

    two.beta.kill().await;
    let node = twin.test_node().node();
    node.operator().go_on_here().await.unwrap();
    twin.test_node().mends(raised[1]).await;
    let ann = two.ann();
    two.sees(&ann, "from the other").await;
    two.says(&ann, "welcome back").await;
    two.sees(&other, "welcome back").await;
    assert_eq!(said(two.messages(&ann).await), ["from the other", "welcome back"]);
    assert_eq!(gaps(&two.notices(&ann).await), 0, "all that Ann was sent can be read");
    let again = node.operator().go_on_here().await.unwrap_err();
    assert!(again.to_string().contains("no other copy"), "{again}");

    // The one that was given up starts once more, and does not stop the one that goes on.
    two.beta.start().await;
    two.says(&ann, "how are you?").await;
    two.sees(&other, "how are you?").await;
    two.says(&other, "well").await;
    two.sees(&ann, "well").await;
    twin.kill().await;
}

impl Two {
    /// Ann's provider loses what Ben's has, and numbers anew what Ann says while Ben's is away. Then Ben's comes back.
    async fn the_owner_numbers_again(&self, is_lost: fn(&str) -> bool) {
        self.alpha.kill().await;
        let copy = self.federation.copy_of(self.alpha.test_node());
        self.alpha.start().await;
        self.says(&self.ann(), "before the loss").await;
        self.sees(&self.ben(), "before the loss").await;
        let group = self.group.clone();
        let row = self.beta.test_node().reads(move |view| view.group(&group)).await.unwrap();
        wait_for_checkpoint(&self.federation, self.beta.test_node(), &self.group, row.head).await;
        self.beta.kill().await;
        self.alpha.kill().await;
        set_back(&self.alpha.test_node().config().data_dir, &copy, is_lost);
        self.federation.clock().turn(Duration::from_secs(2));
        self.alpha.start().await;
        self.says(&self.ann(), "on another branch").await;
        let ann = self.ann();
        self.after_waiting_for_ben(self.sees(&ann, "on another branch")).await;
        self.beta.start().await;
    }

    /// Returns when `done` does. Ann's provider has begun a new life while Ben's is away, and waits a minute for it (section 12).
    async fn after_waiting_for_ben(&self, done: impl Future<Output = ()>) {
        let away = self.beta.test_node().provider().clone();
        let alpha = self.alpha.test_node();
        alpha
            .until("nobody is there", move |view| Ok(view.troubles(&away)?.into_iter().find(|it| !it.over)))
            .await;
        let mut done = std::pin::pin!(done);
        loop {
            // The minute begins with the first event, which may be later than the trouble.
            self.federation.clock().turn(Duration::from_secs(60));
            if tokio::time::timeout(Duration::from_secs(5), done.as_mut()).await.is_ok() {
                return;
            }
        }
    }

    /// Everything that was said is read once by each, in one history.
    async fn expect_one_history(&self) {
        let (ann, ben) = (self.ann(), self.ben());
        self.alpha.test_node().notes(self.beta.test_node().provider(), "own-log-forked").await;
        self.sees(&ben, "on another branch").await;
        for (from, to, text) in [(&ann, &ben, "from ann again"), (&ben, &ann, "from ben again")] {
            self.says(from, text).await;
            self.sees(to, text).await;
        }
        self.rests().await;
        for text in ["before the loss", "on another branch", "from ann again", "from ben again"] {
            let read = self.messages(&ben).await.into_iter().filter(|one| one.text == text).count();
            assert_eq!(read, 1, "Ben reads {text:?} once");
        }
        assert_eq!(gaps(&self.notices(&ben).await), 0, "all that Ben was sent can be read");
        let group = self.group.clone();
        let heads = |app: &DesktopApp| {
            let (group, test_node) = (group.clone(), app.test_node().node());
            async move { test_node.store().read(move |view| view.group(&group)).await.unwrap().unwrap() }
        };
        let (ours, theirs) = (heads(&self.alpha).await, heads(&self.beta).await);
        assert_eq!((ours.head, ours.hash, ours.standing), (theirs.head, theirs.hash, theirs.standing));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_went_back_and_numbered_again_ends_with_one_history() {
    let two = Two::in_a_group().await;
    two.the_owner_numbers_again(|_| true).await;
    two.expect_one_history().await;
    assert_eq!(gaps(&two.notices(&two.ann()).await), 1, "what Ann's client has lost is said to be missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_whose_store_alone_went_back_and_numbered_again_ends_with_one_history() {
    let two = Two::in_a_group().await;
    two.the_owner_numbers_again(|name| name.starts_with("store.sqlite")).await;
    two.expect_one_history().await;
    let notices = two.notices(&two.ann()).await;
    assert!(notices.iter().any(|notice| matches!(notice, Notice::Forked)), "Ann is told: {notices:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owners_client_comes_in_again_though_its_provider_has_lost_a_commit() {
    let two = Two::in_a_group().await;
    two.alpha.kill().await;
    let copy = two.federation.copy_of(two.alpha.test_node());
    two.alpha.start().await;
    two.says(&two.ann(), "before the commit").await;
    two.sees(&two.ben(), "before the commit").await;
    two.ann().renew(&two.group).await.unwrap();
    two.rests().await;
    two.says(&two.ann(), "behind the commit").await;
    two.sees(&two.ben(), "behind the commit").await;
    two.alpha.kill().await;
    set_back(&two.alpha.test_node().config().data_dir, &copy, |_| true);
    two.federation.clock().turn(Duration::from_secs(2));
    two.alpha.start().await;
    let (ann, ben) = (two.ann(), two.ben());
    two.says(&ann, "again").await;
    two.sees(&ben, "again").await;
    two.says(&ben, "welcome back").await;
    two.sees(&ann, "welcome back").await;
    assert_eq!(gaps(&two.notices(&ben).await), 0, "all that Ben was sent can be read");
}

impl Two {
    /// Ann's client makes a commit, which Ben's has or has not, and Ann's provider loses it. Then Ann says "ahead" while Ben's
    /// provider is away.
    async fn anns_provider_loses_anns_commit(&self, ben_has_it: bool) {
        self.alpha.kill().await;
        let copy = self.federation.copy_of(self.alpha.test_node());
        self.alpha.start().await;
        if ben_has_it {
            self.ann().renew(&self.group).await.unwrap();
            self.rests().await;
            let epoch = self.ann().about(&self.group).await.unwrap().epoch;
            self.until("Ben has the commit", async || {
                (self.ben().about(&self.group).await.unwrap().epoch == epoch).then_some(())
            })
            .await;
            self.beta.kill().await;
        } else {
            self.beta.kill().await;
            let ann = self.ann();
            ann.renew(&self.group).await.unwrap();
            let is_at_rest = async || ann.left_to_do().await.unwrap().is_empty().then_some(());
            self.after_waiting_for_ben(self.until("Ann is at rest", is_at_rest)).await;
        }
        self.alpha.kill().await;
        let data_dir = &self.alpha.test_node().config().data_dir;
        set_back(data_dir, &copy, |name| name.starts_with("store.sqlite"));
        self.federation.clock().turn(Duration::from_secs(2));
        self.alpha.start().await;
        self.says(&self.ann(), "ahead").await;
        let ann = self.ann();
        self.after_waiting_for_ben(self.sees(&ann, "ahead")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_ahead_of_its_own_provider_joins_anew() {
    let two = Two::in_a_group().await;
    two.anns_provider_loses_anns_commit(false).await;
    two.beta.start().await;
    two.sees(&two.ben(), "ahead").await;
    assert_eq!(gaps(&two.notices(&two.ben()).await), 0, "all that Ben was sent can be read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_taken_in_a_lost_commit_that_nothing_proves_joins_anew_in_the_end() {
    let two = Two::in_a_group().await;
    two.anns_provider_loses_anns_commit(true).await;
    two.beta.start().await;
    // Ben's provider waits for Ann's to read back what it has, and gives it up in the end.
    two.beta.test_node().notes(two.alpha.test_node().provider(), "log-broken").await;
    let group = two.group.clone();
    let given_up = two.beta.test_node().until("its copy is given up", move |view| {
        let row = view.group(&group)?.unwrap();
        Ok((!view.branches(row.id)?.is_empty()).then_some(()))
    });
    let mut given_up = std::pin::pin!(given_up);
    loop {
        // What is on its way when the clock is turned may be lost by that, and is tried again a minute later.
        two.federation.clock().turn(Duration::from_secs(11 * 60));
        if tokio::time::timeout(Duration::from_secs(10), given_up.as_mut()).await.is_ok() {
            break;
        }
    }
    let (ann, ben) = (two.ann(), two.ben());
    for (from, to, text) in [(&ben, &ann, "from ben again"), (&ann, &ben, "from ann again")] {
        two.says(from, text).await;
        two.sees(to, text).await;
    }
    let notices = two.notices(&ben).await;
    assert!(notices.iter().any(|notice| matches!(notice, Notice::Forked)), "Ben is told: {notices:?}");
    assert!(gaps(&notices) > 0, "Ben was out when \"ahead\" was sent, which is said: {notices:?}");
}

impl Two {
    /// Ben's provider makes a backup, goes on, and is lost with its disk; the backup is put back into another folder, into which
    /// `puts` puts what of the lost one was kept elsewhere, and is started there.
    async fn ben_is_restored(&mut self, keys: bool, puts: impl FnOnce(&Path, &Path)) {
        let (ann, ben) = (self.ann(), self.ben());
        for (from, to, text) in [(&ben, &ann, "from ben before"), (&ann, &ben, "from ann before")] {
            self.says(from, text).await;
            self.sees(to, text).await;
        }
        let (lost, folder) = (self.beta.test_node().config().clone(), self.federation.dir());
        let order = BackupOrder { file: Some(folder.join("ben.drawbridge")), seal: None, keys };
        let made = self.beta.test_node().node().operator().backups().make(order).await.unwrap();
        for (from, to, text) in [(&ben, &ann, "from ben since"), (&ann, &ben, "from ann since")] {
            self.says(from, text).await;
            self.sees(to, text).await;
        }
        self.beta.kill().await;
        let config = Config { data_dir: folder.join("another-machine"), ..lost.clone() };
        let file = folder.join("another-machine.toml");
        std::fs::write(&file, config.to_toml().unwrap()).unwrap();
        backup::restore(&made.file, None, &file).unwrap();
        puts(&lost.data_dir, &config.data_dir);
        std::fs::remove_dir_all(&lost.data_dir).unwrap();
        self.federation.clock().turn(Duration::from_secs(2));
        let restored = self.federation.stopped_node(|own| *own = config);
        self.beta = DesktopApp::of(restored, quick(), self.news.clone());
        self.beta.start().await;
    }

    async fn texts(&self, client: &BuiltIn) -> Vec<String> {
        self.messages(client).await.into_iter().map(|message| message.text).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conversations_of_a_backup_go_on_elsewhere() {
    let mut two = Two::in_a_group().await;
    two.ben_is_restored(true, |_, _| {}).await;
    let texts = two.texts(&two.ben()).await;
    assert!(
        ["from ben before", "from ann before"].iter().all(|text| texts.contains(&(*text).into())),
        "{texts:?}"
    );
    two.ben_goes_on().await;
    // What others sent since the backup is read back; of what Ben sent, it is said that it was.
    two.sees(&two.ben(), "from ann since").await;
    let (texts, notices) = (two.texts(&two.ben()).await, two.notices(&two.ben()).await);
    assert!(!texts.contains(&"from ben since".into()), "{texts:?}");
    assert_eq!((went_back(&notices), sent_before(&notices)), (vec![false], 1), "{notices:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conversations_of_a_backup_without_keys_go_on_with_those_that_were_kept_elsewhere() {
    let mut two = Two::in_a_group().await;
    let name = two.beta.test_node().provider().clone();
    two.ben_is_restored(false, |lost, restored| {
        // What is missing is named, and nothing is made in its place.
        for key in ["identity.key", "clients.key"] {
            let refused = DataFolder::check(restored, &name).unwrap_err();
            assert!(refused.to_string().contains(key), "{refused}");
            std::fs::copy(lost.join(key), restored.join(key)).unwrap();
        }
    })
    .await;
    let texts = two.texts(&two.ben()).await;
    assert!(texts.contains(&"from ann before".into()), "{texts:?}");
    two.ben_goes_on().await;
    two.sees(&two.ben(), "from ann since").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_whose_key_is_lost_for_good_join_anew() {
    let mut two = Two::in_a_group().await;
    two.ben_is_restored(false, |lost, restored| {
        std::fs::copy(lost.join("identity.key"), restored.join("identity.key")).unwrap();
        // As the refusal says: what cannot be read any more is moved away.
        std::fs::rename(restored.join("clients"), restored.join("clients-of-before")).unwrap();
    })
    .await;
    two.rests().await;
    two.ben_goes_on().await;
    let texts = two.texts(&two.ben()).await;
    assert!(!texts.contains(&"from ben before".into()), "{texts:?}");
    assert!(!two.notices(&two.ben()).await.is_empty(), "that something is missing is said");
}

impl Two {
    /// Both providers are set back to the same moment, so that nobody has what was said since.
    async fn both_go_back(&self, is_lost: fn(&str) -> bool) {
        let apps = [&self.alpha, &self.beta];
        let mut copies = Vec::new();
        for app in apps {
            app.kill().await;
            copies.push(self.federation.copy_of(app.test_node()));
        }
        for app in apps {
            app.start().await;
        }
        let (ann, ben) = (self.ann(), self.ben());
        for (from, to, text) in [(&ann, &ben, "lost one"), (&ben, &ann, "lost two")] {
            self.says(from, text).await;
            self.sees(to, text).await;
        }
        for (app, copy) in apps.iter().zip(&copies) {
            app.kill().await;
            set_back(&app.test_node().config().data_dir, copy, is_lost);
        }
        self.federation.clock().turn(Duration::from_secs(2));
        for app in apps {
            app.start().await;
        }
    }

    /// Each reads what the other says, and both providers have one log.
    async fn both_talk(&self) {
        let (ann, ben) = (self.ann(), self.ben());
        for (from, to, text) in [(&ann, &ben, "at last"), (&ben, &ann, "indeed")] {
            self.says(from, text).await;
            self.sees(to, text).await;
        }
        let group = self.group.clone();
        let ours = self.alpha.test_node().reads(move |view| view.group(&group)).await.unwrap();
        let group = self.group.clone();
        let theirs = self.beta.test_node().until("Ben's provider has all", move |view| {
            Ok(view.group(&group)?.filter(|row| row.head >= ours.head))
        });
        let theirs = theirs.await;
        assert_eq!((ours.head, ours.hash), (theirs.head, theirs.hash));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_folders_that_went_back_at_once_go_on_from_there() {
    let two = Two::in_a_group().await;
    two.both_go_back(|_| true).await;
    two.both_talk().await;
    for client in [two.ann(), two.ben()] {
        assert_eq!(gaps(&two.notices(&client).await), 0, "all that was sent since can be read");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_that_went_back_at_once_and_their_clients_not_end_with_one_history() {
    let two = Two::in_a_group().await;
    two.both_go_back(|name| name.starts_with("store.sqlite")).await;
    // By this it comes out that what the clients have read is in no log any more.
    two.says(&two.ann(), "again").await;
    two.until("both know it", async || {
        for client in [two.ann(), two.ben()] {
            let told = two.notices(&client).await;
            if !told.iter().any(|notice| matches!(notice, Notice::Forked)) {
                return None;
            }
        }
        Some(())
    })
    .await;
    two.rests().await;
    two.both_talk().await;
}
