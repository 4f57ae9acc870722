//! The provider inside, from its start to its stop, and those on other machines that the window can show in its place.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use drawbridge_admin::{Host, KeyPlace};
use drawbridge_remote::Machines;
use parking_lot::Mutex;
use tauri::async_runtime::{self, JoinHandle};
use tauri::{AppHandle, Manager};
use tokio::sync::{OnceCell, watch};

use crate::provider::{Provider, Refused};

/// Where the installation keeps what it keeps.
pub(crate) struct DataFolder {
    path: PathBuf,
    instance: String,
}

impl DataFolder {
    /// `DRAWBRIDGE_HOME`, or `drawbridge` in the user's data folder.
    pub(crate) fn find(app: &AppHandle) -> tauri::Result<Self> {
        let identifier = &app.config().identifier;
        match std::env::var_os("DRAWBRIDGE_HOME").filter(|path| !path.is_empty()) {
            Some(path) => {
                let path = std::path::absolute(path)?;
                // Two installations may run side by side, each of them once.
                let mut hasher = DefaultHasher::new();
                path.hash(&mut hasher);
                Ok(Self { instance: format!("{identifier}.h{:016x}", hasher.finish()), path })
            }
            None => {
                // Where `drawbridged run` looks too: with or without a desktop, it is the same provider.
                let folders = directories::ProjectDirs::from("", "", "drawbridge");
                let path = folders.ok_or(tauri::Error::UnknownPath)?.data_dir().to_owned();
                Ok(Self { instance: identifier.clone(), path })
            }
        }
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The name by which a second start finds the first.
    pub(crate) fn instance(&self) -> &str {
        &self.instance
    }
}

/// How far the provider has come.
#[derive(Clone)]
enum Opening {
    Underway,
    Open(Host),
    /// One sentence.
    Failed(String),
}

/// What is sent to the pages without their asking each time.
#[derive(Clone, Copy)]
pub(crate) enum Feed {
    /// What happens at the provider that they show.
    Events,
    /// Which other machines there are, and how it goes with them.
    Machines,
}

/// What feeds the pages, and the turn in which that was asked for.
type Fed = (u64, JoinHandle<()>);

/// What the shell knows: Tauri's managed state.
pub(crate) struct Shell {
    folder: DataFolder,
    opening: watch::Receiver<Opening>,
    machines: Machines,
    /// What feeds the pages that are there, one for each [`Feed`].
    feeds: Mutex<[Option<Fed>; 2]>,
    /// How many feeds were asked for.
    turns: AtomicU64,
    ending: AtomicBool,
    stopped: OnceCell<()>,
}

impl Shell {
    /// Opens the installation in the background: the window need not wait for it.
    pub(crate) fn start(app: &AppHandle, folder: DataFolder) {
        let (tell, opening) = watch::channel(Opening::Underway);
        let path = folder.path.clone();
        // Before anything that asks for it can run.
        let machines = Machines::open(&path, KeyPlace::Keychain);
        app.manage(Self {
            folder,
            opening,
            machines,
            feeds: Mutex::default(),
            turns: AtomicU64::new(0),
            ending: AtomicBool::new(false),
            stopped: OnceCell::new(),
        });
        async_runtime::spawn(async move {
            tell.send_replace(match Host::open(&path, KeyPlace::Keychain).await {
                Ok(host) => Opening::Open(host),
                Err(fault) => {
                    tracing::error!("{fault}");
                    Opening::Failed(fault.to_string())
                }
            });
        });
    }

    /// Where the installation is.
    pub(crate) fn home(&self) -> &Path {
        self.folder.path()
    }

    /// The provider, once it is open; else why it could not be opened, in one sentence.
    pub(crate) async fn host(&self) -> Result<Host, String> {
        let mut opening = self.opening.clone();
        let opening = match opening.wait_for(|now| !matches!(now, Opening::Underway)).await {
            Ok(now) => now.clone(),
            Err(_) => Opening::Failed("the provider stopped while it was being opened".to_owned()),
        };
        match opening {
            Opening::Open(host) => Ok(host),
            Opening::Failed(fault) => Err(fault),
            Opening::Underway => Err("the provider is still being opened".to_owned()),
        }
    }

    /// The providers on other machines.
    pub(crate) fn machines(&self) -> &Machines {
        &self.machines
    }

    /// The provider on `machine`; without one this computer's own, once it is open.
    pub(crate) async fn provider(&self, machine: Option<&str>) -> Result<Provider, Refused> {
        match machine {
            Some(id) => Ok(Provider::Elsewhere(self.machines.get(id)?)),
            None => match self.host().await {
                Ok(host) => Ok(Provider::Here(host)),
                Err(detail) => Err(Refused::Shell { code: "provider-not-running", detail }),
            },
        }
    }

    /// The turn of a feed that is asked for now.
    pub(crate) fn turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::SeqCst)
    }

    /// Keeps what feeds the pages, ending what fed them so before. What was asked for earlier and comes later is ended itself.
    pub(crate) fn feed_pages(&self, feed: Feed, turn: u64, task: JoinHandle<()>) {
        let mut feeds = self.feeds.lock();
        let kept = &mut feeds[feed as usize];
        match kept {
            Some((later, _)) if *later > turn => task.abort(),
            _ => {
                if let Some((_, before)) = kept.replace((turn, task)) {
                    before.abort();
                }
            }
        }
    }

    /// Ends what feeds the pages: they are gone.
    pub(crate) fn stop_feeding_pages(&self) {
        std::mem::take(&mut *self.feeds.lock()).into_iter().flatten().for_each(|(_, task)| task.abort());
    }

    /// Notes that the program is to end. Returns whether that was noted before.
    pub(crate) fn mark_ending(&self) -> bool {
        self.ending.swap(true, Ordering::SeqCst)
    }

    /// Whether the program is to end.
    pub(crate) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::SeqCst)
    }

    /// Lets the provider finish what it is doing, and close.
    pub(crate) async fn stop(&self) {
        let stop = async {
            if let Ok(host) = self.host().await {
                host.stop().await;
            }
        };
        self.stopped.get_or_init(|| stop).await;
    }
}
