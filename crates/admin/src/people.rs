//! The accounts that are used on this computer: each with a client that is built in, and runs as long as the node does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use drawbridge_client::{Answer, Client, ClientFault, Home, HomeFault, Settings, StorageKey};
use drawbridge_mtp::id::{ClientUri, GroupUri, Name, UserUri};
use drawbridge_mtp::message::{
    AskToAdd, AskToConnect, Asked, ClaimReply, ClientClaimRequest, FeedPage, FeedQuery, GroupInfoReply,
    KeyPackageStock, LogPage, LogQuery, OwnGroups, PublishKeyPackages, RegisterGroup, Roster,
    ShownAuthorizations, ShownConnections, Submission, SubmissionResult,
};
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::problem::{Code, ReceivedProblem};
use drawbridge_node::{ClientDoor, Misuse, Node};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OnceCell, broadcast};
use tokio::task::JoinHandle;

use crate::accounts::BUILT_IN;
use crate::error::AdminError;
use crate::keys::{KeyPlace, storage_key};

/// Changes that a listener can be behind.
const BACKLOG: usize = 1024;

/// A client that is built in.
pub(crate) type BuiltIn = Client<AtNode>;

/// What changes for an account.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) user: Name,
    pub(crate) change: drawbridge_client::Change,
}

/// The built-in clients of one node.
#[derive(Clone)]
pub(crate) struct People {
    inner: Arc<Inner>,
}

struct Inner {
    node: Node,
    keys: KeyPlace,
    /// Had when the first of them needs it.
    key: OnceCell<StorageKey>,
    open: Mutex<BTreeMap<Name, Running>>,
    told: broadcast::Sender<Told>,
}

/// A client and what it does by itself.
struct Running {
    client: BuiltIn,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl People {
    /// Opens the clients of those accounts of `node` that are used here.
    pub(crate) async fn open(node: Node, keys: KeyPlace) -> Result<Self, AdminError> {
        let inner = Inner {
            node,
            keys,
            key: OnceCell::new(),
            open: Mutex::default(),
            told: broadcast::channel(BACKLOG).0,
        };
        let people = Self { inner: Arc::new(inner) };
        let clients = people.inner.node.store().read(|view| view.clients()).await?;
        for client in clients.into_iter().filter(|client| client.name.as_str() == BUILT_IN) {
            // One that does not open must not keep the provider from running.
            if let Err(fault) = people.start(&client.user).await {
                tracing::error!(user = %client.user, %fault, "an account's client does not open");
            }
        }
        Ok(people)
    }

    /// Uses an account on this computer from now on.
    pub(crate) async fn use_here(&self, user: &Name) -> Result<(), AdminError> {
        match self.inner.node.create_client(user.clone(), built_in_name()?).await {
            // Its token is told to nobody: the client is in this process.
            Ok(_) | Err(Misuse::Taken(_)) => {}
            Err(misuse) => return Err(misuse.into()),
        }
        self.start(user).await
    }

    /// Uses an account here no more: its client is removed, with everything that it has read.
    pub(crate) async fn use_no_more(&self, user: &Name) -> Result<(), AdminError> {
        drop(self.running().remove(user));
        self.inner.node.delete_client(user.clone(), built_in_name()?).await?;
        for suffix in ["", "-wal", "-shm"] {
            let mut path = self.path_of(user).into_os_string();
            path.push(suffix);
            let _ = std::fs::remove_file(path);
        }
        Ok(())
    }

    /// The client of an account that is used here.
    pub(crate) fn of(&self, user: &Name) -> Result<BuiltIn, AdminError> {
        self.running().get(user).map(|running| running.client.clone()).ok_or_else(|| {
            AdminError::new(
                "not-open",
                format!("the account {user} is not used on this computer; open it under Accounts first"),
            )
        })
    }

    /// Listens to what changes for all accounts.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Told> {
        self.inner.told.subscribe()
    }

    /// Lets all clients rest; what they were about to do is remembered in their stores.
    pub(crate) fn close(&self) {
        self.running().clear();
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<Name, Running>> {
        self.inner.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path_of(&self, user: &Name) -> std::path::PathBuf {
        self.inner.node.config().data_dir.join("clients").join(format!("{user}.sqlite"))
    }

    async fn start(&self, user: &Name) -> Result<(), AdminError> {
        if self.running().contains_key(user) {
            return Ok(());
        }
        let data_dir = self.inner.node.config().data_dir.clone();
        let failed = |fault: &dyn std::fmt::Display| {
            AdminError::new("client-store", format!("the conversations of {user} cannot be opened: {fault}"))
        };
        std::fs::create_dir_all(data_dir.join("clients")).map_err(|fault| failed(&fault))?;
        let provider = self.inner.node.provider().clone();
        let key = self.inner.key.get_or_try_init(|| storage_key(self.inner.keys, data_dir.clone(), provider));
        let key = key.await.map_err(|fault| failed(&fault))?.clone();
        let uri = ClientUri::new(&UserUri::new(self.inner.node.provider(), user), &built_in_name()?);
        let home = AtNode::new(self.inner.node.door(uri));
        let client = Client::open(home, &self.path_of(user), key, Settings::default())
            .await
            .map_err(|fault| failed(&fault))?;
        let running = {
            let client = client.clone();
            tokio::spawn(async move { client.run().await })
        };
        let telling = tokio::spawn(tell(client.changes(), user.clone(), self.inner.told.clone()));
        self.running().insert(user.clone(), Running { client, tasks: [running, telling] });
        Ok(())
    }
}

fn built_in_name() -> Result<Name, AdminError> {
    BUILT_IN.parse().map_err(|fault| AdminError::internal(&fault))
}

/// Passes on what changes for `user`.
async fn tell(
    mut changes: broadcast::Receiver<drawbridge_client::Change>,
    user: Name,
    told: broadcast::Sender<Told>,
) {
    loop {
        let change = match changes.recv().await {
            Ok(change) => change,
            Err(RecvError::Lagged(_)) => drawbridge_client::Change::Conversations,
            Err(RecvError::Closed) => return,
        };
        // Nobody looks: nobody misses it.
        let _ = told.send(Told { user: user.clone(), change });
    }
}

/// The provider of a built-in client: the node of this process.
pub struct AtNode(ClientDoor);

impl AtNode {
    /// The provider behind `door`.
    pub fn new(door: ClientDoor) -> Self {
        Self(door)
    }
}

/// What the node has no answer to now is asked again; the rest it refuses.
fn fault(problem: ReceivedProblem) -> HomeFault {
    match problem.known() {
        Some(Code::Unavailable | Code::RateLimited) => {
            HomeFault::Away(problem.detail.unwrap_or_else(|| problem.code.clone()))
        }
        _ => HomeFault::Refused(Box::new(problem)),
    }
}

impl Home for AtNode {
    fn client(&self) -> &ClientUri {
        self.0.client()
    }

    async fn publish(&self, packages: PublishKeyPackages) -> Answer<KeyPackageStock> {
        self.0.publish(packages).await.map_err(fault)
    }

    async fn stock(&self) -> Answer<KeyPackageStock> {
        self.0.stock().await.map_err(fault)
    }

    async fn connections(&self) -> Answer<ShownConnections> {
        self.0.connections().await.map_err(fault)
    }

    async fn ask_to_connect(&self, ask: AskToConnect) -> Answer<Asked> {
        self.0.ask_to_connect(ask).await.map_err(fault)
    }

    async fn ask_to_add(&self, ask: AskToAdd) -> Answer<Asked> {
        self.0.ask_to_add(ask).await.map_err(fault)
    }

    async fn authorizations(&self) -> Answer<ShownAuthorizations> {
        self.0.authorizations().await.map_err(fault)
    }

    async fn claim(&self, claim: ClientClaimRequest) -> Answer<ClaimReply> {
        self.0.claim(claim).await.map_err(fault)
    }

    async fn register(&self, group: RegisterGroup) -> Answer<()> {
        self.0.register(group).await.map_err(fault)
    }

    async fn groups(&self) -> Answer<OwnGroups> {
        self.0.groups().await.map_err(fault)
    }

    async fn roster(&self, group: &GroupUri) -> Answer<Roster> {
        self.0.roster(group).await.map_err(fault)
    }

    async fn info(&self, group: &GroupUri) -> Answer<GroupInfoReply> {
        self.0.info(group).await.map_err(fault)
    }

    async fn log(&self, group: &GroupUri, query: LogQuery) -> Answer<LogPage> {
        self.0.log(group, query).await.map_err(fault)
    }

    async fn submit(&self, group: &GroupUri, events: Vec<Submission>) -> Answer<Vec<SubmissionResult>> {
        self.0.submit(group, events).await.map_err(fault)
    }

    async fn feed(&self, query: FeedQuery) -> Answer<FeedPage> {
        self.0.feed(query).await.map_err(fault)
    }

    async fn object(&self, hash: &Hash32) -> Answer<Vec<u8>> {
        self.0.object(*hash).await.map_err(fault)
    }
}

impl From<ClientFault> for AdminError {
    fn from(fault: ClientFault) -> Self {
        match fault {
            // The reason says more than that there is one.
            ClientFault::Home(HomeFault::Refused(problem)) => {
                let detail =
                    problem.detail.unwrap_or_else(|| format!("the provider refuses it ({})", problem.code));
                Self::new(&problem.code, detail)
            }
            fault => Self::new(fault.code(), fault.to_string()),
        }
    }
}
