//! A provider and the built-in clients of its people, as one program.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use drawbridge_client::{Client, Settings, StorageKey};
use drawbridge_mtp::id::{ClientUri, UserUri};
use drawbridge_node::ambient::System;
use drawbridge_node::store::UserRule;
use drawbridge_node::{InProcessHome, Misuse, Node};
use parking_lot::{Mutex, MutexGuard};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::TestNode;

/// A client that is built in.
pub type BuiltIn = Client<InProcessHome>;

/// A provider and the built-in clients of its people, as one program that can be lost at any instant.
///
/// All of it runs in a runtime of its own. To kill it is to drop that: every task of node and clients ends wherever it
/// happens to wait, nothing is drained, and nothing but the files is left. What does not end so is a transaction that
/// SQLite has begun; a process that is killed ends amid those too, which `tests/kill.rs` is for.
pub struct DesktopApp {
    test_node: TestNode,
    settings: Settings,
    news: watch::Sender<u64>,
    started: Mutex<Option<Started>>,
}

struct Started {
    runtime: Option<Runtime>,
    clients: BTreeMap<ClientUri, RunningClient>,
}

struct RunningClient {
    client: BuiltIn,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl DesktopApp {
    /// The app of `test_node`, which does not run yet. Whatever happens in it moves `news`.
    pub fn of(test_node: TestNode, settings: Settings, news: watch::Sender<u64>) -> Self {
        Self { test_node, settings, news, started: Mutex::default() }
    }

    /// Its node.
    pub fn test_node(&self) -> &TestNode {
        &self.test_node
    }

    /// A new client, of a new user where there is none of that name.
    pub async fn client(&self, user: &str, client: &str) -> ClientUri {
        let node = self.test_node.node();
        match node.operator().create_user(user.parse().unwrap(), UserRule::Ask).await {
            Ok(_) | Err(Misuse::Taken(_)) => {}
            Err(misuse) => panic!("no user {user}: {misuse}"),
        }
        node.operator().create_client(user.parse().unwrap(), client.parse().unwrap()).await.unwrap();
        let uri = ClientUri::new(&self.test_node.address(user), &client.parse().unwrap());
        let running = self.runs(&node, &uri).await;
        self.started().as_mut().unwrap().clients.insert(uri.clone(), running);
        uri
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.started().is_some()
    }

    /// Starts everything.
    pub async fn start(&self) {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
        let node = runtime.spawn(self.test_node.node_to_be()).await.unwrap().unwrap();
        runtime.spawn(tells(node.changes().listen(), self.news.clone()));
        self.test_node.runs(node.clone());
        *self.started() = Some(Started { runtime: Some(runtime), clients: BTreeMap::new() });
        for row in node.store().read(|view| view.clients()).await.unwrap() {
            let uri = ClientUri::new(&UserUri::new(self.test_node.provider(), &row.user), &row.name);
            let running = self.runs(&node, &uri).await;
            self.started().as_mut().unwrap().clients.insert(uri, running);
        }
    }

    /// Kills everything, and returns when it is gone.
    pub async fn kill(&self) {
        let mut started = self.started().take().expect("the app does not run");
        let runtime = started.runtime.take().unwrap();
        tokio::task::spawn_blocking(move || {
            runtime.shutdown_timeout(Duration::from_secs(20));
            drop(started);
        })
        .await
        .unwrap();
        // The thread that writes is no task; the kill comes just behind its last transaction.
        self.test_node.loses().store().close().await;
        // Closing moves the log into the file and deletes it, and a kill leaves it where it is.
        let log = self.test_node.config().data_dir.join("store.sqlite-wal");
        std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
    }

    /// Stops a client wherever it is, and starts it again from its file.
    pub async fn crashes(&self, client: &ClientUri) {
        let Some(running) = self.started().as_mut().and_then(|started| started.clients.remove(client)) else {
            return;
        };
        for task in running.tasks {
            task.abort();
            let _ = task.await;
        }
        drop(running.client);
        let running = self.runs(&self.test_node.node(), client).await;
        self.started().as_mut().unwrap().clients.insert(client.clone(), running);
    }

    /// Does something in the app; `None` where it is killed before that is done.
    pub async fn does<T: Send + 'static>(&self, what: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let doing = match self.started().as_ref()?.runtime.as_ref() {
            Some(runtime) => runtime.spawn(what),
            None => return None,
        };
        match doing.await {
            Ok(done) => Some(done),
            Err(ended) if ended.is_cancelled() => None,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }

    /// A client that runs here.
    pub fn built_in(&self, client: &ClientUri) -> Option<BuiltIn> {
        self.started().as_ref()?.clients.get(client).map(|running| running.client.clone())
    }

    fn started(&self) -> MutexGuard<'_, Option<Started>> {
        self.started.lock()
    }

    fn path_of(&self, client: &ClientUri) -> PathBuf {
        let (user, name) = (client.user().name(), client.name());
        self.test_node.config().data_dir.join("clients").join(format!("{user}-{name}.sqlite"))
    }

    async fn runs(&self, node: &Node, uri: &ClientUri) -> RunningClient {
        let (path, key) = (self.path_of(uri), self.test_node.config().data_dir.join("clients.key"));
        let (home, settings, news) = (node.home_of(uri.clone()), self.settings.clone(), self.news.clone());
        self.does(async move {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let key = StorageKey::load_or_make(&key, &System).unwrap();
            let client = Client::open(home, &path, key, settings).await.unwrap();
            let telling = tokio::spawn(tells(client.changes(), news));
            let own = client.clone();
            RunningClient { client, tasks: [tokio::spawn(async move { own.run().await }), telling] }
        })
        .await
        .expect("nobody kills an app that starts")
    }
}

/// Passes on that something has changed.
async fn tells<T: Clone>(mut changes: tokio::sync::broadcast::Receiver<T>, news: watch::Sender<u64>) {
    use tokio::sync::broadcast::error::RecvError;
    while !matches!(changes.recv().await, Err(RecvError::Closed)) {
        news.send_modify(|count| *count += 1);
    }
}
