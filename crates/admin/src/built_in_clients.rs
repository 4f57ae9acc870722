//! The accounts that are used on this computer: each with a client that is built in, and runs as long as the node does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use drawbridge_client::{Client, ClientFault, HomeFault, Settings, StorageKey};
use drawbridge_mtp::id::{ClientUri, Name, UserUri};
use drawbridge_node::{InProcessHome, Misuse, Node};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OnceCell, broadcast};
use tokio::task::JoinHandle;

use crate::error::AdminError;
use crate::keys::{KEY_FILE, KeyPlace, storage_key};
use crate::view::Here;

/// Changes that a listener can be behind.
const BACKLOG: usize = 1024;
/// How long a start waits for the clients to be open.
const OPEN_LIMIT: Duration = Duration::from_secs(2);

/// The name of each client that is built in.
pub(crate) const BUILT_IN: &str = "drawbridge";

/// A client that is built in.
pub(crate) type BuiltIn = Client<InProcessHome>;

/// What changes for an account.
#[derive(Clone, Debug)]
pub(crate) struct AccountChange {
    pub(crate) user: Name,
    pub(crate) what: ChangedPart,
}

/// What may have changed for an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ChangedPart {
    /// Whether it is open.
    Account,
    /// What its client has.
    Client(drawbridge_client::ClientChange),
}

/// The built-in clients of one node.
#[derive(Clone)]
pub(crate) struct BuiltInClients {
    inner: Arc<Inner>,
}

struct Inner {
    node: Node,
    keys: KeyPlace,
    /// Had when the first of them needs it.
    key: OnceCell<StorageKey>,
    accounts: Mutex<BTreeMap<Name, Account>>,
    /// Held while one is opened, so that none is opened twice.
    opening: tokio::sync::Mutex<()>,
    told: broadcast::Sender<AccountChange>,
}

/// An account that is used here.
enum Account {
    /// Its client is being opened: a keychain may ask a person first.
    Opening,
    Open(OpenClient),
    /// Its client does not open, and why.
    Shut(AdminError),
}

/// Whether a client's file has to be there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Store {
    /// It was used here before.
    There,
    /// It is new.
    New,
}

/// A client and what it does by itself.
struct OpenClient {
    client: BuiltIn,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for OpenClient {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl BuiltInClients {
    /// Opens the clients of those accounts of `node` that are used here. What takes longer than [`OPEN_LIMIT`] goes on by
    /// itself: a provider need not wait for a person to unlock a keychain.
    pub(crate) async fn open(node: Node, keys: KeyPlace) -> Result<Self, AdminError> {
        let users = node.operator().users_with_client(built_in_name()?).await?;
        let inner = Inner {
            node,
            keys,
            key: OnceCell::new(),
            accounts: Mutex::new(users.iter().map(|user| (user.clone(), Account::Opening)).collect()),
            opening: tokio::sync::Mutex::new(()),
            told: broadcast::channel(BACKLOG).0,
        };
        let clients = Self { inner: Arc::new(inner) };
        for gone in clients.inner.node.operator().accounts_let_go().await? {
            // A new account may have the name of one that is gone, and used here.
            if clients.has(&gone) {
                clients.inner.node.operator().settle_account(gone).await?;
            } else {
                clients.remove_leftover(&gone).await?;
            }
        }
        let opening = clients.clone();
        let all = tokio::spawn(async move {
            for user in users {
                // One that does not open must not keep the provider from running.
                if let Err(fault) = opening.start(&user, Store::There).await {
                    tracing::error!(%user, %fault, "an account's client does not open");
                }
            }
        });
        let _ = tokio::time::timeout(OPEN_LIMIT, all).await;
        Ok(clients)
    }

    /// Whether `others` are the same, of the same life of their node.
    pub(crate) fn are(&self, others: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &others.inner)
    }

    /// Uses an account on this computer from now on; where its client did not open, it is tried again.
    pub(crate) async fn open_account(&self, user: &Name) -> Result<(), AdminError> {
        self.accounts().entry(user.clone()).or_insert(Account::Opening);
        let store = match self.inner.node.operator().create_client(user.clone(), built_in_name()?).await {
            // Its token is told to nobody: the client is in this process.
            Ok(_) => {
                // What a client before it has left would be taken for its own.
                self.remove_store(user);
                Store::New
            }
            Err(Misuse::Taken(_)) => Store::There,
            Err(misuse) => {
                self.accounts().remove(user);
                return Err(misuse.into());
            }
        };
        let started = self.start(user, store).await;
        if started.is_err() && store == Store::New {
            // A client without a file would be missed at the next start. Where this fails too, it is said then.
            let _ = self.close_account(user).await;
        }
        started
    }

    /// Uses an account here no more: its client is removed, with everything that it has read.
    pub(crate) async fn close_account(&self, user: &Name) -> Result<(), AdminError> {
        drop(self.accounts().remove(user));
        self.inner.node.operator().delete_client(user.clone(), built_in_name()?).await?;
        self.remove_store(user);
        Ok(())
    }

    /// Closes the client of an account, has it `forgotten`, and removes everything that its client has read; where it cannot be forgotten,
    /// the client opens again.
    pub(crate) async fn forget_account(
        &self,
        user: &Name,
        forgotten: impl Future<Output = Result<(), AdminError>>,
    ) -> Result<(), AdminError> {
        let was_here = self.accounts().remove(user).is_some();
        if let Err(fault) = forgotten.await {
            if was_here {
                self.accounts().insert(user.clone(), Account::Opening);
                // Where it does not open, that is said of the account.
                let _ = self.start(user, Store::There).await;
            }
            return Err(fault);
        }
        self.remove_leftover(user).await
    }

    /// Removes the files of an account that is no more, and notes that it has: where it is cut off in between, the next start does it.
    async fn remove_leftover(&self, user: &Name) -> Result<(), AdminError> {
        self.remove_store(user);
        Ok(self.inner.node.operator().settle_account(user.clone()).await?)
    }

    /// Whether an account is used here, open or not.
    pub(crate) fn has(&self, user: &Name) -> bool {
        self.accounts().contains_key(user)
    }

    fn remove_store(&self, user: &Name) {
        for suffix in ["", "-wal", "-shm"] {
            let mut path = self.path_of(user).into_os_string();
            path.push(suffix);
            let _ = std::fs::remove_file(path);
        }
    }

    /// The client of an account that is used here.
    pub(crate) fn of(&self, user: &Name) -> Result<BuiltIn, AdminError> {
        match self.accounts().get(user) {
            Some(Account::Open(running)) => Ok(running.client.clone()),
            Some(Account::Shut(fault)) => Err(fault.clone()),
            Some(Account::Opening) => Err(AdminError::new(
                "opening",
                format!(
                    "the conversations of {user} are being opened; this computer's keychain may be asking for its password"
                ),
            )),
            None => Err(AdminError::new(
                "not-open",
                format!("the account {user} is not used on this computer; open it under Accounts first"),
            )),
        }
    }

    /// Whether an account is used here.
    pub(crate) fn here(&self, user: &Name) -> Here {
        match self.accounts().get(user) {
            None => Here::Unused,
            Some(Account::Opening) => Here::Opening,
            Some(Account::Open(_)) => Here::Open,
            Some(Account::Shut(fault)) => Here::Shut { why: fault.detail.clone() },
        }
    }

    /// Whether a client is built in and runs, so that it makes what it lacks by itself.
    pub(crate) fn runs(&self, client: &ClientUri) -> bool {
        client.name().as_str() == BUILT_IN && self.here(client.user().name()) == Here::Open
    }

    /// Listens to what changes for all accounts.
    pub(crate) fn listen(&self) -> broadcast::Receiver<AccountChange> {
        self.inner.told.subscribe()
    }

    /// Stops all clients; what they were about to do is remembered in their stores.
    pub(crate) fn close(&self) {
        self.accounts().clear();
    }

    fn accounts(&self) -> MutexGuard<'_, BTreeMap<Name, Account>> {
        self.inner.accounts.lock()
    }

    fn path_of(&self, user: &Name) -> std::path::PathBuf {
        self.inner.node.config().data_dir.join("clients").join(format!("{user}.sqlite"))
    }

    /// Opens the client of an account that is used here, unless it is open; told is how that went.
    async fn start(&self, user: &Name, store: Store) -> Result<(), AdminError> {
        let _alone = self.inner.opening.lock().await;
        // A person may have been asked for the key, and meanwhile the account be used here no more, or the provider stop.
        let is_to_be = matches!(self.accounts().get(user), Some(Account::Opening | Account::Shut(_)));
        if !is_to_be {
            return Ok(());
        }
        let opened = self.open_client(user, store).await;
        {
            let mut accounts = self.accounts();
            let Some(account) = accounts.get_mut(user) else { return Ok(()) };
            *account = match &opened {
                Ok(client) => Account::Open(self.run(user, client)),
                Err(fault) => Account::Shut(fault.clone()),
            };
        }
        // Nobody looks: nobody misses it.
        let _ = self.inner.told.send(AccountChange { user: user.clone(), what: ChangedPart::Account });
        opened.map(drop)
    }

    async fn open_client(&self, user: &Name, store: Store) -> Result<BuiltIn, AdminError> {
        let data_dir = self.inner.node.config().data_dir.clone();
        let failed = |fault: &dyn std::fmt::Display| {
            AdminError::new("client-store", format!("the conversations of {user} cannot be opened: {fault}"))
        };
        let path = self.path_of(user);
        if store == Store::There && std::fs::metadata(&path).map_or(0, |found| found.len()) == 0 {
            // Another one would have none of its keys, and nobody could tell why its messages are not read.
            let text = format!(
                "{} is missing, or empty; put it back from a backup of the data folder, or close the account and open it anew",
                path.display()
            );
            return Err(failed(&text));
        }
        std::fs::create_dir_all(data_dir.join("clients")).map_err(|fault| failed(&fault))?;
        let provider = self.inner.node.provider().clone();
        let key = self.inner.key.get_or_try_init(|| storage_key(self.inner.keys, data_dir.clone(), provider));
        let key = key.await.map_err(|fault| failed(&fault))?.clone();
        // A backup holds it, wherever this computer keeps it.
        self.inner.node.operator().backups().include(KEY_FILE, key.as_bytes().to_vec());
        let uri = ClientUri::new(&UserUri::new(self.inner.node.provider(), user), &built_in_name()?);
        let home = self.inner.node.home_of(uri);
        Client::open(home, &path, key, Settings::default())
            .await
            .map_err(|fault| failed(&format!("{}: {fault}", path.display())))
    }

    fn run(&self, user: &Name, client: &BuiltIn) -> OpenClient {
        let running = {
            let client = client.clone();
            tokio::spawn(async move { client.run().await })
        };
        let telling = tokio::spawn(tell(client.changes(), user.clone(), self.inner.told.clone()));
        OpenClient { client: client.clone(), tasks: [running, telling] }
    }
}

fn built_in_name() -> Result<Name, AdminError> {
    BUILT_IN.parse().map_err(|fault| AdminError::internal(&fault))
}

/// Passes on what changes for `user`.
async fn tell(
    mut changes: broadcast::Receiver<drawbridge_client::ClientChange>,
    user: Name,
    told: broadcast::Sender<AccountChange>,
) {
    loop {
        let change = match changes.recv().await {
            Ok(change) => change,
            Err(RecvError::Lagged(_)) => drawbridge_client::ClientChange::Conversations,
            Err(RecvError::Closed) => return,
        };
        // Nobody looks: nobody misses it.
        let _ = told.send(AccountChange { user: user.clone(), what: ChangedPart::Client(change) });
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
