//! The three houses and their people.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use drawbridge_client::{ClientFault, Home, HomeFault, Settings, Standing};
use drawbridge_mtp::id::{ClientUri, GroupUri, Provider, UserUri};
use drawbridge_mtp::message::GroupInfoReply;
use drawbridge_node::store::{StoreFault, View};
use drawbridge_testkit::{BuiltIn, Fault, House, Realm};
use tokio::sync::watch;

/// The people of each house; one of them has two clients.
const PEOPLE: [(&str, &str); 4] = [("ann", "desk"), ("bob", "desk"), ("cat", "desk"), ("cat", "phone")];

/// Three providers with four clients each.
pub(crate) struct Town {
    pub(crate) houses: Vec<House>,
    /// The way to each house.
    pub(crate) ways: Vec<Fault>,
    pub(crate) clients: Vec<ClientUri>,
    /// How groups were when they were made, for the witness.
    starts: Mutex<BTreeMap<GroupUri, GroupInfoReply>>,
    /// What nobody expects.
    surprises: Mutex<Vec<String>>,
    news: watch::Sender<u64>,
    _realm: Realm,
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

impl Town {
    pub(crate) async fn new() -> Self {
        let realm = Realm::new();
        let news = watch::Sender::new(0);
        let (mut houses, mut ways, mut clients) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..3 {
            let mut config = realm.config(|_| {});
            ways.push(realm.fault_in_front_of(&mut config).await);
            let house = House::of(realm.stopped_station(|own| *own = config), quick(), news.clone());
            house.start().await;
            houses.push(house);
        }
        for house in &houses {
            for other in
                houses.iter().filter(|other| other.station().provider() != house.station().provider())
            {
                house.station().lets_in(other.station().provider()).await;
            }
            for (user, client) in PEOPLE {
                clients.push(house.client(user, client).await);
            }
        }
        let (starts, surprises) = (Mutex::default(), Mutex::default());
        Self { houses, ways, clients, starts, surprises, news, _realm: realm }
    }

    /// What moves whenever something happens.
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// The house of a provider.
    pub(crate) fn house(&self, provider: &Provider) -> &House {
        let house = self.houses.iter().find(|house| house.station().provider() == provider);
        house.expect("a provider of the town")
    }

    /// All users.
    pub(crate) fn users(&self) -> Vec<UserUri> {
        let mut users: Vec<UserUri> = self.clients.iter().map(|client| client.user().clone()).collect();
        users.dedup();
        users
    }

    /// A client whose house lives.
    pub(crate) fn someone(&self, pick: usize) -> Option<(&House, BuiltIn)> {
        let count = self.clients.len();
        (pick..pick + count).map(|n| &self.clients[n % count]).find_map(|client| {
            let house = self.house(client.provider());
            Some((house, house.built_in(client)?))
        })
    }

    /// A client that is in a group, and the group.
    pub(crate) async fn member(&self, pick: usize, place: usize) -> Option<(&House, BuiltIn, GroupUri)> {
        for step in 0..self.clients.len() {
            let (house, client) = self.someone(pick + step)?;
            let groups = self.groups_of(house, &client).await;
            if !groups.is_empty() {
                let group = groups[place % groups.len()].clone();
                return Some((house, client, group));
            }
        }
        None
    }

    /// The groups that a client is in.
    pub(crate) async fn groups_of(&self, house: &House, client: &BuiltIn) -> Vec<GroupUri> {
        let client = client.clone();
        let found = house.does(async move { client.conversations().await });
        let conversations = self.expects("reads its conversations", found.await).unwrap_or_default();
        let mut groups: Vec<GroupUri> = conversations
            .into_iter()
            .filter(|about| !matches!(about.standing, Standing::Left | Standing::Removed))
            .map(|about| about.group)
            .collect();
        groups.sort();
        groups
    }

    /// Reads what a house's provider remembers; `None` where it is dead.
    pub(crate) async fn reads<T: Send + 'static>(
        &self,
        house: &House,
        look: impl FnOnce(&View<'_>) -> Result<T, StoreFault> + Send + 'static,
    ) -> Option<T> {
        let node = house.lives().then(|| house.station().node())?;
        house.does(async move { node.store().read(look).await }).await?.ok()
    }

    /// Keeps how a group is, where that is not kept.
    pub(crate) async fn keeps_start(&self, house: &House, by: &ClientUri, group: &GroupUri) {
        if self.starts.lock().unwrap().contains_key(group) || !house.lives() {
            return;
        }
        let (home, name) = (house.station().node().home_of(by.clone()), group.clone());
        if let Some(Ok(info)) = house.does(async move { home.info(&name).await }).await {
            self.starts.lock().unwrap().entry(group.clone()).or_insert(info);
        }
    }

    /// How a group was when it was first seen.
    pub(crate) fn start_of(&self, group: &GroupUri) -> Option<GroupInfoReply> {
        self.starts.lock().unwrap().get(group).cloned()
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
                self.surprises(format!("who {what} fails: {fault}"));
                None
            }
        }
    }

    /// Notes what nobody expects.
    pub(crate) fn surprises(&self, what: String) {
        self.surprises.lock().unwrap().push(what);
    }

    /// What nobody expected.
    pub(crate) fn surprised(&self) -> Vec<String> {
        self.surprises.lock().unwrap().clone()
    }
}
