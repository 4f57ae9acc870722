//! An owner of the demo that forks the log of a group, as it comes about where a backup of a data folder is put back.
//!
//! Its folder is copied, and something is said in a group of its, which a participant stores. Then the copy is put in the folder's
//! place, the owner is started where it reaches nobody, and something else is said: two events have one number. What comes of
//! that is what the program does by itself. The folder as it was is kept beside, and put back in the end.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use drawbridge_client::Format;
use drawbridge_mtp::id::{GroupUri, Name, Provider};
use drawbridge_node::operator::GroupDetail;

use super::key::KEY;
use super::provider::{DemoProvider, RunningSite, failed, stopped};
use crate::error::AdminError;
use crate::site::Site;
use crate::view::DemoSwitch;

/// What is said before the backup is put back, and after.
const BEFORE: &str = "This was said before the backup was put back.";
const AFTER: &str = "This was said after the backup was put back, and has the number of something else.";
/// The longest that one of the steps may take.
const LIMIT: Duration = Duration::from_secs(60);
/// How often it is looked whether one is done.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Longer than an owner waits for participants that it cannot reach (section 12).
const PATIENCE: Duration = Duration::from_secs(61);

/// A group of a provider, and who speaks in it.
struct Place {
    group: GroupUri,
    speaker: Name,
    /// Those others of the demo that take part and run.
    participants: Vec<Provider>,
}

/// Has `provider` fork the log of a group that it owns.
pub(super) async fn fork(provider: &DemoProvider, others: &[Arc<DemoProvider>]) -> Result<(), AdminError> {
    let site = provider.site().ok_or_else(|| stopped(provider.name))?;
    let place = find_place(provider, &site, others).await?;
    let [data, backup, whole] = folders(&provider.dir, provider.name);
    provider.stop().await;
    let copied = copy(&data, &backup).await;
    if copied.is_err() {
        put_back(&provider.dir, provider.name).map_err(|fault| failed(&fault))?;
    }
    provider.start_again().await?;
    copied.map_err(|fault| failed(&fault))?;

    let forked = async {
        say_before(provider, &place).await?;
        provider.stop().await;
        std::fs::rename(&data, &whole)
            .and_then(|()| std::fs::rename(&backup, &data))
            .map_err(|fault| failed(&fault))?;
        let ways: Vec<_> = others.iter().filter_map(|other| other.running()).collect();
        ways.iter().for_each(|way| shut(way));
        let said = say_after(provider, &place).await;
        for (other, way) in others.iter().filter_map(|other| Some((other, other.running()?))) {
            other.break_network(&way).map_err(|fault| failed(&fault))?;
        }
        said
    };
    match forked.await {
        Ok(()) => {
            provider.note(DemoSwitch::Forked, true);
            provider.start_again().await
        }
        Err(fault) => {
            provider.stop().await;
            put_back(&provider.dir, provider.name).map_err(|fault| failed(&fault))?;
            provider.start_again().await?;
            Err(fault)
        }
    }
}

/// Whether `provider` has a log to fork.
pub(super) async fn is_possible(provider: &DemoProvider, others: &[Arc<DemoProvider>]) -> bool {
    match provider.site() {
        Some(site) => find_place(provider, &site, others).await.is_ok(),
        None => false,
    }
}

/// Puts the folder back as it was before.
pub(super) async fn mend(provider: &DemoProvider) -> Result<(), AdminError> {
    let ran = provider.stop().await;
    put_back(&provider.dir, provider.name).map_err(|fault| failed(&fault))?;
    provider.note(DemoSwitch::Forked, false);
    if ran { provider.start_again().await } else { Ok(()) }
}

/// The data folder, its copy, and where the folder itself is while the copy is in its place.
fn folders(dir: &Path, name: &str) -> [PathBuf; 3] {
    [dir.join(name), dir.join(format!("{name}-backup")), dir.join(format!("{name}-whole"))]
}

/// Puts the folder of the provider `name` back, where a copy is in its place.
pub(super) fn put_back(dir: &Path, name: &str) -> io::Result<()> {
    let [data, backup, whole] = folders(dir, name);
    if whole.exists() {
        if data.exists() {
            // The key may have been changed meanwhile, which is another switch.
            std::fs::copy(data.join(KEY), whole.join(KEY))?;
            std::fs::remove_dir_all(&data)?;
        }
        std::fs::rename(whole, data)?;
    }
    if backup.exists() { std::fs::remove_dir_all(backup) } else { Ok(()) }
}

async fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (from.to_owned(), to.to_owned());
    tokio::task::spawn_blocking(move || copy_folder(&from, &to)).await.map_err(io::Error::other)?
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// A group that `provider` owns, in which people of others take part that run, and one of its people who may speak in it.
async fn find_place(
    provider: &DemoProvider,
    site: &Site,
    others: &[Arc<DemoProvider>],
) -> Result<Place, AdminError> {
    let running = || others.iter().filter(|other| other.running().is_some());
    for speaker in &provider.people {
        let Ok(client) = site.clients.of(speaker) else { continue };
        for view in client.conversations().await? {
            let takes_part = |other: &&Arc<DemoProvider>| {
                view.members.iter().any(|member| member.user.provider() == &other.config.provider)
            };
            let participants: Vec<_> =
                running().filter(takes_part).map(|other| other.config.provider.clone()).collect();
            if view.group.provider() == &provider.config.provider && view.can_send && !participants.is_empty()
            {
                return Ok(Place { group: view.group, speaker: speaker.clone(), participants });
            }
        }
    }
    let text = format!(
        "{} keeps no group yet in which people of another provider take part that runs; make one as one of its people first",
        provider.name
    );
    Err(AdminError::new("no-group-to-fork", text))
}

/// Says something that every participant stores.
async fn say_before(provider: &DemoProvider, place: &Place) -> Result<(), AdminError> {
    let site = provider.site().ok_or_else(|| stopped(provider.name))?;
    let head = say(&site, place, BEFORE).await?;
    let is_stored = |detail: &GroupDetail| {
        let mut told = detail.participants.iter().filter(|told| place.participants.contains(&told.provider));
        detail.summary.head > head && told.all(|told| told.behind == 0)
    };
    until(provider, &site, place, is_stored, || {}).await
}

/// Starts the provider where nobody reaches it, and says something that it numbers without having reached anybody.
async fn say_after(provider: &DemoProvider, place: &Place) -> Result<(), AdminError> {
    let running = provider.start_apart().await.map_err(|fault| failed(&fault))?;
    shut(&running);
    let numbered = async {
        let head = say(&running.site, place, AFTER).await?;
        let is_numbered = |detail: &GroupDetail| detail.summary.head > head;
        // It waits for a minute for those whom it cannot reach.
        let waits = || provider.machine.let_pass(PATIENCE);
        until(provider, &running.site, place, is_numbered, waits).await
    };
    let numbered = numbered.await;
    running.stop().await;
    numbered
}

/// Has somebody say something. Returns up to where the log went before.
async fn say(site: &Site, place: &Place, text: &str) -> Result<u64, AdminError> {
    let head = detail(site, &place.group).await?.summary.head;
    // A client that was only just started may not have caught up, and says what it is asked to all the same.
    site.clients.of(&place.speaker)?.send(&place.group, text, Format::Markdown, None).await?;
    Ok(head)
}

async fn detail(site: &Site, group: &GroupUri) -> Result<GroupDetail, AdminError> {
    let found = site.node.operator().group(group.clone()).await?;
    found.ok_or_else(|| AdminError::new("no-such-group", format!("{group} is not known here")))
}

/// Returns when the group is so at its owner, and does `meanwhile` each time that it is not.
async fn until(
    provider: &DemoProvider,
    site: &Site,
    place: &Place,
    is_so: impl Fn(&GroupDetail) -> bool,
    meanwhile: impl Fn(),
) -> Result<(), AdminError> {
    let looking = async {
        while !is_so(&detail(site, &place.group).await?) {
            if provider.is_over() {
                return Err(AdminError::new("no-demo", "the demo federation is not running"));
            }
            meanwhile();
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    };
    let late =
        |_| AdminError::new("demo-late", format!("{} did not get so far in time; try again", provider.name));
    tokio::time::timeout(LIMIT, looking).await.map_err(late)?
}

/// Lets nothing come back from a provider, so that nobody reaches it.
fn shut(way: &RunningSite) {
    way.network.heals();
    way.network.cuts_after(0);
    way.network.cuts();
}
