//! The three apps and their people.

use std::collections::BTreeMap;
use std::time::Duration;

use drawbridge_client::{ClientFault, Home, HomeFault, Settings, Standing};
use drawbridge_mtp::id::{ClientUri, GroupUri, Provider, UserUri};
use drawbridge_mtp::message::GroupInfoReply;
use drawbridge_node::store::{StoreFault, View};
use drawbridge_testkit::{BuiltIn, DesktopApp, FaultyNetwork, Federation};
use parking_lot::Mutex;
use tokio::sync::watch;

/// The people of each app; one of them has two clients.
const PEOPLE: [(&str, &str); 4] = [("ann", "desk"), ("bob", "desk"), ("cat", "desk"), ("cat", "phone")];

/// Three providers with four clients each.
pub(crate) struct ThreeApps {
    pub(crate) apps: Vec<DesktopApp>,
    /// The network before each app.
    pub(crate) networks: Vec<FaultyNetwork>,
    pub(crate) clients: Vec<ClientUri>,
    /// How groups were when they were made, where their histories of membership begin.
    starts: Mutex<BTreeMap<GroupUri, GroupInfoReply>>,
    /// What nobody expects.
    unexpected: Mutex<Vec<String>>,
    news: watch::Sender<u64>,
    _federation: Federation,
}

/// Everything that a client waits for is short, so that much happens in little time.
fn quick() -> Settings {
    Settings {
        stagger: Duration::from_millis(150),
        renew: Duration::from_secs(2),
        pause: Duration::from_millis(40),
        stock_low: 6,
        stock_full: 14,
        look_every: Duration::from_secs(1),
        ..Settings::default()
    }
}

impl ThreeApps {
    pub(crate) async fn new() -> Self {
        let federation = Federation::new();
        let news = watch::Sender::new(0);
        let (mut apps, mut networks, mut clients) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..3 {
            let mut config = federation.config(|_| {});
            networks.push(federation.faulty_network_before(&mut config).await);
            let app = DesktopApp::of(federation.stopped_node(|own| *own = config), quick(), news.clone());
            app.start().await;
            apps.push(app);
        }
        for app in &apps {
            for other in
                apps.iter().filter(|other| other.test_node().provider() != app.test_node().provider())
            {
                app.test_node().allows(other.test_node().provider()).await;
            }
            for (user, client) in PEOPLE {
                clients.push(app.client(user, client).await);
            }
        }
        let (starts, unexpected) = (Mutex::default(), Mutex::default());
        Self { apps, networks, clients, starts, unexpected, news, _federation: federation }
    }

    /// What moves whenever something happens.
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// The app of a provider.
    pub(crate) fn app(&self, provider: &Provider) -> &DesktopApp {
        let app = self.apps.iter().find(|app| app.test_node().provider() == provider);
        app.expect("a provider of the setup")
    }

    /// All users.
    pub(crate) fn users(&self) -> Vec<UserUri> {
        let mut users: Vec<UserUri> = self.clients.iter().map(|client| client.user().clone()).collect();
        users.dedup();
        users
    }

    /// A client whose app lives.
    pub(crate) fn someone(&self, pick: usize) -> Option<(&DesktopApp, BuiltIn)> {
        let count = self.clients.len();
        (pick..pick + count).map(|n| &self.clients[n % count]).find_map(|client| {
            let app = self.app(client.provider());
            Some((app, app.built_in(client)?))
        })
    }

    /// A client that is in a group, and the group.
    pub(crate) async fn member(&self, pick: usize, place: usize) -> Option<(&DesktopApp, BuiltIn, GroupUri)> {
        for step in 0..self.clients.len() {
            let (app, client) = self.someone(pick + step)?;
            let groups = self.groups_of(app, &client).await;
            if !groups.is_empty() {
                let group = groups[place % groups.len()].clone();
                return Some((app, client, group));
            }
        }
        None
    }

    /// The groups that a client is in.
    pub(crate) async fn groups_of(&self, app: &DesktopApp, client: &BuiltIn) -> Vec<GroupUri> {
        let client = client.clone();
        let found = app.does(async move { client.conversations().await });
        let conversations = self.expects("reads its conversations", found.await).unwrap_or_default();
        let mut groups: Vec<GroupUri> = conversations
            .into_iter()
            .filter(|about| !matches!(about.standing, Standing::Left | Standing::Removed))
            .map(|about| about.group)
            .collect();
        groups.sort();
        groups
    }

    /// Reads what an app's provider remembers; `None` where it is dead.
    pub(crate) async fn reads<T: Send + 'static>(
        &self,
        app: &DesktopApp,
        look: impl FnOnce(&View<'_>) -> Result<T, StoreFault> + Send + 'static,
    ) -> Option<T> {
        let node = app.is_running().then(|| app.test_node().node())?;
        app.does(async move { node.store().read(look).await }).await?.ok()
    }

    /// Keeps how a group is, where that is not kept.
    pub(crate) async fn keeps_start(&self, app: &DesktopApp, by: &ClientUri, group: &GroupUri) {
        if self.starts.lock().contains_key(group) || !app.is_running() {
            return;
        }
        let (home, name) = (app.test_node().node().home_of(by.clone()), group.clone());
        if let Some(Ok(info)) = app.does(async move { home.info(&name).await }).await {
            self.starts.lock().entry(group.clone()).or_insert(info);
        }
    }

    /// How a group was when it was first seen.
    pub(crate) fn start_of(&self, group: &GroupUri) -> Option<GroupInfoReply> {
        self.starts.lock().get(group).cloned()
    }

    /// Takes what a client did. That it may not, or that its provider will not, is in the game; nothing else is.
    pub(crate) fn expects<T>(&self, what: &str, done: Option<Result<T, ClientFault>>) -> Option<T> {
        match done? {
            Ok(done) => Some(done),
            Err(ClientFault::NotAllowed(_) | ClientFault::NoConversation(_) | ClientFault::Stopping) => None,
            Err(ClientFault::Home(HomeFault::Refused(problem)))
                if !["malformed", "invalid-mls"].contains(&problem.code.as_str()) =>
            {
                None
            }
            Err(ClientFault::Home(HomeFault::NotNow(_) | HomeFault::Away(_))) => None,
            Err(fault) => {
                self.note_unexpected(format!("who {what} fails: {fault}"));
                None
            }
        }
    }

    /// Notes what nobody expects.
    pub(crate) fn note_unexpected(&self, what: String) {
        self.unexpected.lock().push(what);
    }

    /// What was noted as unexpected.
    pub(crate) fn unexpected(&self) -> Vec<String> {
        self.unexpected.lock().clone()
    }
}
