//! A user's client under a test's control: real MLS on openmls's in-memory provider, real HTTP to its provider, and every
//! step only when it is told to.

mod api;
mod commit;
mod follow;
mod keys;
mod mls;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use drawbridge_client_api::http::{HttpApi, HttpHome};
use drawbridge_mtp::id::{ClientUri, Generation, GroupUri, Id, UserUri};
use drawbridge_mtp::message::{Event, FeedQuery, Item, ResultItem, SubmissionResult};
use drawbridge_mtp::policy::{Policy, Who};
use openmls::group::MlsGroup;
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use parking_lot::{Mutex, MutexGuard};

pub use api::Answer;
pub use commit::{CommitPlan, reference};

use self::mls::{SUITE, client_of, policy_of};
use crate::{ApiClient, Clock};

/// A client of a user. It keeps its keys and groups whether or not its provider runs.
pub struct MlsClient {
    uri: ClientUri,
    home: HttpHome,
    /// The same client, for what it writes by hand.
    api_client: ApiClient,
    mls: OpenMlsRustCrypto,
    keys: SignatureKeyPair,
    clock: Arc<Clock>,
    memory: Mutex<Memory>,
}

/// What it knows.
#[derive(Default)]
struct Memory {
    groups: HashMap<GroupUri, Joined>,
    place: FeedQuery,
    generation: Option<Generation>,
    items: Vec<Item>,
    said: Vec<ReceivedMessage>,
    results: Vec<ResultItem>,
    /// The extensions that its leaves say they know, beside the policy's.
    knows: Vec<u16>,
    /// Whether its feed has begun anew: then what was told before may be told again.
    began_anew: bool,
}

/// A group that it is in.
struct Joined {
    mls: MlsGroup,
    /// The commit by which it came in, or 1; none while its own commit from outside is on its way.
    since: Option<u64>,
    /// The bytes of its own commit that is on its way.
    pending: Option<Vec<u8>>,
    events: Vec<Event>,
}

/// An application message that it could read, or has sent itself and got back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// In which group.
    pub group: GroupUri,
    /// Its number there.
    pub seq: u64,
    /// Who.
    pub by: ClientUri,
    /// What; nothing for its own, which cannot be read again.
    pub text: Option<String>,
}

/// A policy with these admins, where all members may add and send.
pub fn policy(admins: &[&UserUri]) -> Policy {
    Policy {
        name: "Tea".into(),
        admins: admins.iter().copied().cloned().collect(),
        add: Who::Members,
        send: Who::Members,
    }
}

impl MlsClient {
    pub(crate) fn new(uri: ClientUri, token: String, listen: SocketAddr, clock: Arc<Clock>) -> Self {
        let mls = OpenMlsRustCrypto::default();
        let keys = SignatureKeyPair::new(SUITE.signature_algorithm()).unwrap();
        let url = format!("http://{listen}/client/v1").parse().unwrap();
        let api = HttpApi::new(url, token.parse().unwrap(), b"").unwrap();
        let (home, api_client) = (HttpHome::new(api, uri.clone()), ApiClient::at(listen, uri.clone(), token));
        Self { uri, home, api_client, mls, keys, clock, memory: Mutex::default() }
    }

    /// A client of a provider that has no node, so that it can ask nobody: it makes what it is told to.
    pub(crate) fn without_provider(uri: ClientUri, clock: Arc<Clock>) -> Self {
        Self::new(uri, "none".to_owned(), SocketAddr::from(([127, 0, 0, 1], 1)), clock)
    }

    /// The same client with nothing but its token and its place in its feed: its keys and its groups are lost.
    pub fn emptied(&self) -> Self {
        let keys = SignatureKeyPair::new(SUITE.signature_algorithm()).unwrap();
        let Memory { place, generation, .. } = *self.memory();
        Self {
            uri: self.uri.clone(),
            home: self.home.clone(),
            api_client: self.api_client.clone(),
            mls: OpenMlsRustCrypto::default(),
            keys,
            clock: self.clock.clone(),
            memory: Mutex::new(Memory { place, generation, ..Memory::default() }),
        }
    }

    /// Its address.
    pub fn uri(&self) -> &ClientUri {
        &self.uri
    }

    /// Its token.
    pub fn token(&self) -> &str {
        self.api_client.token()
    }

    /// Whose it is.
    pub fn user(&self) -> &UserUri {
        self.uri.user()
    }

    /// The epoch of a group as it knows it.
    pub fn epoch(&self, group: &GroupUri) -> u64 {
        self.with(group, |joined| joined.mls.epoch().as_u64())
    }

    /// The types of the extensions in a group's context, in their order.
    pub fn context_extensions(&self, group: &GroupUri) -> Vec<u16> {
        self.with(group, |joined| {
            joined.mls.extensions().iter().map(|extension| extension.extension_type().into()).collect()
        })
    }

    /// The epoch authenticator of a group: who has the same is in the same epoch of the same group.
    pub fn authenticator(&self, group: &GroupUri) -> Vec<u8> {
        self.with(group, |joined| joined.mls.epoch_authenticator().as_slice().to_vec())
    }

    /// The clients in a group as it knows it.
    pub fn members(&self, group: &GroupUri) -> Vec<ClientUri> {
        self.with(group, |joined| {
            let members = joined.mls.members();
            members.map(|member| client_of(&member.credential)).collect()
        })
    }

    /// The policy of a group as it knows it.
    pub fn policy(&self, group: &GroupUri) -> Policy {
        self.with(group, |joined| policy_of(&joined.mls))
    }

    /// Whether it is in a group, as far as it knows.
    pub fn is_in(&self, group: &GroupUri) -> bool {
        self.memory().groups.get(group).is_some_and(|joined| joined.mls.is_active())
    }

    /// The events of a group that its feed has brought.
    pub fn events(&self, group: &GroupUri) -> Vec<Event> {
        self.with(group, |joined| joined.events.clone())
    }

    /// All items that its feed has brought.
    pub fn items(&self) -> Vec<Item> {
        self.memory().items.clone()
    }

    /// What was said in a group, as far as it has heard.
    pub fn heard(&self, group: &GroupUri) -> Vec<ReceivedMessage> {
        self.memory().said.iter().filter(|said| said.group == *group).cloned().collect()
    }

    /// What others said in a group, the words alone.
    pub fn texts(&self, group: &GroupUri) -> Vec<String> {
        self.heard(group).into_iter().filter_map(|said| said.text).collect()
    }

    /// What its feed has told last of a submission to a group.
    pub fn result(&self, group: &GroupUri, id: Id) -> Option<SubmissionResult> {
        let memory = self.memory();
        let item = memory.results.iter().rfind(|item| item.group == *group && item.result.id == id);
        item.map(|item| item.result.clone())
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock()
    }

    fn with<T>(&self, group: &GroupUri, look: impl FnOnce(&mut Joined) -> T) -> T {
        let mut memory = self.memory();
        let joined = memory.groups.get_mut(group);
        look(joined.unwrap_or_else(|| panic!("{} is not in {group}", self.uri)))
    }
}
