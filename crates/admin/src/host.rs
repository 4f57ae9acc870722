//! The installation: nothing yet, a provider of the operator's own, or the demo federation.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use drawbridge_node::backup::{Opener, restore};
use drawbridge_node::config::Config;
use drawbridge_node::identity::Certificate;
use drawbridge_node::operator::UserRule;
use drawbridge_node::typed::ShortNames;
use drawbridge_node::{Node, StartFault};
use tokio::sync::{Mutex, Notify, RwLock};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::backup_orders::BackupOrders;
use crate::built_in_clients::BuiltInClients;
use crate::demo::DemoFederation;
use crate::error::AdminError;
use crate::events::{Hub, Subscription, follow};
use crate::host_fault::HostFault;
use crate::keys::KeyPlace;
use crate::pages_at::PagesAt;
use crate::request::SetUp;
use crate::sessions::Sessions;
use crate::set_up::{self, Place};
use crate::site::Site;
use crate::view::{Demo, Event, Mode, SetUpLook};

/// The installation that a GUI speaks to; cheap to clone.
#[derive(Clone)]
pub struct Host {
    inner: Arc<Inner>,
}

struct Inner {
    /// Where a demo is kept; absent where the node is one of a configuration file.
    home: Option<PathBuf>,
    /// Where a provider is set up; absent where a configuration file has set up the node.
    place: Option<Place>,
    /// Whether `home` is removed when the program ends, so that no provider is set up in it.
    is_temporary: bool,
    /// Held by whoever changes what is installed: two who did that at the same time would stop and remove each other's.
    changing: Mutex<()>,
    keys: KeyPlace,
    sessions: Sessions,
    /// Where the pages are served, for browsers.
    pages: OnceLock<PagesAt>,
    backup_orders: BackupOrders,
    installation: RwLock<Installation>,
    hub: Arc<Hub>,
    /// Commands that are being carried out.
    commands: TaskTracker,
}

/// What runs here.
enum Installation {
    Nothing,
    Own(Followed),
    Demo(Arc<DemoFederation>, Followed, Watched),
}

/// The node that the GUI shows, and the task that tells of its changes.
struct Followed {
    site: Site,
    task: JoinHandle<()>,
}

impl Followed {
    fn new(hub: &Arc<Hub>, site: Site) -> Self {
        Self { task: follow(hub.clone(), site.clone()), site }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The task that tells of what changes at the demo's providers, shown or not.
struct Watched(JoinHandle<()>);

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Host {
    /// Opens the installation below `home` and starts what it was: nothing, a provider, or the demo.
    pub async fn open(home: &Path, keys: KeyPlace) -> Result<Self, HostFault> {
        make_home(home)?;
        let place = Place::in_home(home);
        let host = Self::new(Some(home.to_owned()), Some(place.clone()), keys, Sessions::open(home), false);
        if DemoFederation::is_in(&home.join(DEMO)) {
            host.run_demo().await?;
        } else if place.config.exists() {
            host.run_own(Config::load(&place.config).map_err(StartFault::from)?).await?;
        } else {
            place.undo_cut_off()?;
        }
        Ok(host)
    }

    /// For a service that is to be set up in the configuration file `config`, which names no provider yet.
    pub fn for_service(config: &Path) -> Result<Self, HostFault> {
        let place = Place::of_service(config)?;
        place.undo_cut_off()?;
        let (pages, sessions) = (place.pages(), Sessions::open(&place.data));
        let host = Self::new(None, Some(place), KeyPlace::File, sessions, false);
        if let Some(listen) = pages {
            host.set_pages(PagesAt { listen, certificate: None, origins: Vec::new() });
        }
        Ok(host)
    }

    /// Starts the demo in `home`, which is new, and which the caller removes at the end: no provider can be set up in it.
    pub async fn open_demo(home: &Path) -> Result<Self, HostFault> {
        make_home(home)?;
        let place = Place::in_home(home);
        let host = Self::new(Some(home.to_owned()), Some(place), KeyPlace::File, Sessions::open(home), true);
        host.run_demo().await?;
        Ok(host)
    }

    /// Starts the node of a configuration file.
    pub async fn serve(config: Config) -> Result<Self, HostFault> {
        let site = Site::start(config, KeyPlace::File).await?;
        // The folder is ours only now.
        let sessions = Sessions::open(&site.node.config().data_dir);
        let host = Self::new(None, None, KeyPlace::File, sessions, false);
        host.show(site).await;
        Ok(host)
    }

    fn new(
        home: Option<PathBuf>,
        place: Option<Place>,
        keys: KeyPlace,
        sessions: Sessions,
        is_temporary: bool,
    ) -> Self {
        let inner = Inner {
            home,
            place,
            is_temporary,
            changing: Mutex::new(()),
            keys,
            sessions,
            pages: OnceLock::new(),
            backup_orders: BackupOrders::default(),
            installation: RwLock::new(Installation::Nothing),
            hub: Hub::new(),
            commands: TaskTracker::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Carries out `command` to its end, whatever becomes of the caller: a page that is closed half way would otherwise
    /// leave a provider that runs and is taken for stopped, or the first half of a set-up. [`Host::stop`] waits for it.
    pub(crate) async fn carry_out<T: Send + 'static>(
        &self,
        command: impl Future<Output = Result<T, AdminError>> + Send + 'static,
    ) -> Result<T, AdminError> {
        let carried_out = self.inner.commands.spawn(command);
        carried_out.await.unwrap_or_else(|fault| Err(AdminError::internal(&fault)))
    }

    /// Listens to events behind `after` (incarnation and cursor), or from now on.
    pub fn subscribe(&self, after: Option<(String, u64)>) -> Subscription {
        self.inner.hub.subscribe(after)
    }

    /// Stops whatever runs, and lets it finish what is under way.
    pub async fn stop(self) {
        self.inner.commands.close();
        // One that waits for another provider is not waited for: what it wants of the node is refused by a closed store.
        let _ = tokio::time::timeout(FINISH, self.inner.commands.wait()).await;
        self.halt().await;
        if let Some(place) = &self.inner.place {
            place.hand_over();
        }
    }

    /// Tells the pages that a browser was let in.
    pub fn tell_sessions(&self) {
        self.publish(Event::Settings);
    }

    /// Reads the certificates of the node anew. Returns one sentence for each that could not be taken, in whose place the one
    /// before goes on.
    pub async fn reload(&self) -> Vec<String> {
        match self.node().await {
            Ok(node) => node.reload(),
            Err(_) => Vec::new(),
        }
    }

    /// Has the certificate of `section`, which something else than the node listens with, read anew and shown with the node's.
    pub async fn add_certificate(&self, section: &'static str, certificate: Arc<Certificate>) {
        if let Ok(node) = self.node().await {
            node.add_certificate(section, certificate);
        }
    }

    /// What a monitoring system is told of the node that the GUI shows, in the text format of Prometheus.
    pub async fn scrape(&self) -> Result<String, AdminError> {
        Ok(self.node().await?.operator().scrape().await?)
    }

    /// Returns once the node that the GUI shows has taken up a write and a read, whatever came of them; at once where there is none.
    pub async fn answers(&self) {
        if let Ok(node) = self.node().await {
            node.answers().await;
        }
    }

    /// Where the pages are served, so that no provider is set up there, and that other devices find them.
    pub fn set_pages(&self, pages: PagesAt) {
        let _ = self.inner.pages.set(pages);
    }

    pub(crate) fn backup_orders(&self) -> &BackupOrders {
        &self.inner.backup_orders
    }

    pub(crate) fn pages(&self) -> Option<&PagesAt> {
        self.inner.pages.get()
    }

    /// Whether a configuration file has set up the node, which says where the pages are served.
    pub(crate) fn is_configured(&self) -> bool {
        self.inner.home.is_none()
    }

    /// The browsers that may use the pages.
    pub fn sessions(&self) -> &Sessions {
        &self.inner.sessions
    }

    /// What the GUI shows.
    async fn site(&self) -> Result<Site, AdminError> {
        match &*self.inner.installation.read().await {
            Installation::Nothing => Err(AdminError::no_node()),
            Installation::Own(followed) | Installation::Demo(_, followed, _) => Ok(followed.site.clone()),
        }
    }

    /// The node that the GUI shows.
    pub(crate) async fn node(&self) -> Result<Node, AdminError> {
        Ok(self.site().await?.node)
    }

    /// The accounts of that node that are used on this computer.
    pub(crate) async fn built_in_clients(&self) -> Result<BuiltInClients, AdminError> {
        Ok(self.site().await?.clients)
    }

    /// Shows another provider of the demo.
    pub(crate) async fn look_at(&self, name: &str) -> Result<(), AdminError> {
        if let Installation::Demo(federation, followed, _) = &mut *self.inner.installation.write().await {
            *followed = Followed::new(&self.inner.hub, federation.look_at(name)?);
        } else {
            return Err(AdminError::new("no-demo", "the demo federation is not running"));
        }
        self.inner.hub.publish(Event::Reload);
        Ok(())
    }

    pub(crate) async fn mode(&self) -> Mode {
        match &*self.inner.installation.read().await {
            Installation::Nothing if self.inner.is_temporary => Mode::DemoLeft,
            Installation::Nothing => Mode::New,
            Installation::Own(_) => Mode::Own,
            Installation::Demo(..) => Mode::Demo,
        }
    }

    /// What the answers of the first start are worth.
    pub(crate) async fn look_at_set_up(&self, ask: &SetUp) -> Result<SetUpLook, AdminError> {
        self.refuse_temporary()?;
        self.free_place().await?;
        Ok(set_up::look(ask, self.pages().map(|pages| pages.listen)).await.view)
    }

    /// Sets up a provider of the operator's own, and starts it; nothing is kept of it where it does not start.
    pub(crate) async fn set_up(&self, ask: SetUp) -> Result<(), AdminError> {
        let _changing = self.inner.changing.lock().await;
        self.refuse_temporary()?;
        let place = self.free_place().await?;
        let plan = set_up::look(&ask, self.pages().map(|pages| pages.listen)).await.plan()?;
        let failed = |fault: &dyn std::fmt::Display| AdminError::new("set-up-failed", fault.to_string());
        if !place.is_empty() {
            let text = format!(
                "there is something in {} already, where the provider's data is to be",
                place.data.display()
            );
            return Err(AdminError::new("set-up-failed", text));
        }
        place.begin(&plan).map_err(|fault| failed(&fault))?;
        let started = async {
            let mut config = Config::load(&place.draft()).map_err(|fault| failed(&fault))?;
            // There it is once all of this has gone well.
            config.file = Some(place.config.clone());
            self.run_own(config).await.map_err(|fault| failed(&fault))?;
            let site = self.site().await?;
            site.node.operator().create_user(plan.user.clone(), UserRule::Ask).await?;
            site.clients.open_account(&plan.user).await?;
            place.finish().map_err(|fault| failed(&fault))
        };
        let outcome = started.await;
        if outcome.is_err() {
            self.halt().await;
            let _ = place.undo();
        }
        self.inner.hub.publish(Event::Reload);
        outcome
    }

    /// Puts back a backup, and starts the provider that is in it; nothing is kept of it where it does not start.
    pub(crate) async fn restore(&self, file: PathBuf, opener: Option<Opener>) -> Result<(), AdminError> {
        let _changing = self.inner.changing.lock().await;
        self.refuse_temporary()?;
        let path = self.free_place().await?.config;
        let config = path.clone();
        let restored = tokio::task::spawn_blocking(move || restore(&file, opener.as_ref(), &config));
        let restored = restored.await.map_err(|fault| AdminError::internal(&fault))??;
        let failed = |fault: &dyn std::fmt::Display| AdminError::new("restore-failed", fault.to_string());
        let started = async {
            let config = Config::load(&path).map_err(|fault| failed(&fault))?;
            self.run_own(config).await.map_err(|fault| failed(&fault))
        };
        let outcome = started.await;
        if outcome.is_err() {
            let _ = std::fs::remove_dir_all(&restored.data_dir);
            let _ = std::fs::remove_file(&path);
        }
        self.inner.hub.publish(Event::Reload);
        outcome
    }

    /// Starts the demo federation, anew.
    pub(crate) async fn start_demo(&self) -> Result<(), AdminError> {
        let _changing = self.inner.changing.lock().await;
        let home = self.free_home().await?;
        DemoFederation::remove(&home.join(DEMO));
        let started =
            self.run_demo().await.map_err(|fault| AdminError::new("demo-failed", fault.to_string()));
        if started.is_err() {
            DemoFederation::remove(&home.join(DEMO));
        }
        self.inner.hub.publish(Event::Reload);
        started
    }

    /// Ends the demo and forgets all of it.
    pub(crate) async fn leave_demo(&self) -> Result<(), AdminError> {
        let _changing = self.inner.changing.lock().await;
        if self.mode().await != Mode::Demo {
            return Err(AdminError::new("no-demo", "the demo federation is not running"));
        }
        self.halt().await;
        if let Some(home) = &self.inner.home {
            DemoFederation::remove(&home.join(DEMO));
        }
        self.inner.hub.publish(Event::Reload);
        Ok(())
    }

    fn refuse_temporary(&self) -> Result<(), AdminError> {
        if self.inner.is_temporary {
            let text = "this program shows the demo only, and its folder is removed when it ends; set up a provider with \
                        the desktop app, or with drawbridged run";
            return Err(AdminError::new("demo-only", text));
        }
        Ok(())
    }

    /// The demo, where that is what runs. Nobody waits for what is done with it.
    pub(crate) async fn federation(&self) -> Result<Arc<DemoFederation>, AdminError> {
        match &*self.inner.installation.read().await {
            Installation::Demo(federation, ..) => Ok(federation.clone()),
            _ => Err(AdminError::new("no-demo", "the demo federation is not running")),
        }
    }

    /// What the demo's providers are called, as its bar shows them; nothing where no demo runs.
    pub(crate) async fn short_names(&self) -> ShortNames {
        match &*self.inner.installation.read().await {
            Installation::Demo(federation, ..) => federation.short_names(),
            _ => ShortNames::new(),
        }
    }

    /// The demo as it is.
    pub(crate) async fn demo(&self) -> Result<Demo, AdminError> {
        self.federation().await?.view().await
    }

    /// Tells whenever the demo is seen to be another than before.
    fn watch_demo(&self, changed: Arc<Notify>) -> Watched {
        let host = self.clone();
        Watched(tokio::spawn(async move {
            let mut told = None;
            loop {
                changed.notified().await;
                tokio::time::sleep(GATHER_DEMO).await;
                let Ok(now) = host.demo().await else { continue };
                if told.as_ref() != Some(&now) {
                    told = Some(now);
                    host.publish(Event::Demo);
                }
            }
        }))
    }

    pub(crate) fn publish(&self, event: Event) {
        self.inner.hub.publish(event);
    }

    /// The folder for a demo, where no provider and no demo is there yet.
    async fn free_home(&self) -> Result<PathBuf, AdminError> {
        self.is_free(self.inner.home.as_ref()).await
    }

    /// Where a provider is set up, where no provider and no demo is there yet.
    async fn free_place(&self) -> Result<Place, AdminError> {
        self.is_free(self.inner.place.as_ref()).await
    }

    async fn is_free<T: Clone>(&self, place: Option<&T>) -> Result<T, AdminError> {
        let text = "this node is set up by its configuration file; change that one and start it again";
        let place = place.ok_or_else(|| AdminError::new("configured", text))?;
        match self.mode().await {
            Mode::New | Mode::DemoLeft => Ok(place.clone()),
            Mode::Own => Err(AdminError::new("already-set-up", "a provider is already set up here")),
            Mode::Demo => Err(AdminError::new("demo-running", "leave the demo federation first")),
        }
    }

    async fn run_own(&self, config: Config) -> Result<(), HostFault> {
        let site = Site::start(config, self.inner.keys).await?;
        self.show(site).await;
        Ok(())
    }

    async fn show(&self, site: Site) {
        *self.inner.installation.write().await = Installation::Own(Followed::new(&self.inner.hub, site));
    }

    async fn run_demo(&self) -> Result<(), HostFault> {
        let Some(home) = &self.inner.home else { return Ok(()) };
        let federation = Arc::new(DemoFederation::start(&home.join(DEMO)).await?);
        let Some(shown) = federation.shown() else { return Ok(()) };
        let followed = Followed::new(&self.inner.hub, shown);
        let watched = self.watch_demo(federation.changed());
        *self.inner.installation.write().await = Installation::Demo(federation, followed, watched);
        Ok(())
    }

    async fn halt(&self) {
        let installation =
            std::mem::replace(&mut *self.inner.installation.write().await, Installation::Nothing);
        match installation {
            Installation::Nothing => {}
            Installation::Own(followed) => followed.site.clone().stop().await,
            Installation::Demo(federation, followed, watched) => {
                drop((followed, watched));
                federation.stop().await;
            }
        }
    }
}

fn make_home(home: &Path) -> Result<(), HostFault> {
    std::fs::create_dir_all(home)
        .map_err(|fault| HostFault::Home { path: home.to_owned(), reason: fault.to_string() })
}

/// Commands that are under way at the end may take so long to finish.
const FINISH: Duration = Duration::from_secs(5);
/// What changes at the demo's providers within this is looked at together.
const GATHER_DEMO: Duration = Duration::from_millis(100);
const DEMO: &str = "demo";
