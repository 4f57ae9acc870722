//! Where a provider is set up: in a folder that has all of it, or for a service, whose configuration file may have settings already.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use drawbridge_node::config;
use drawbridge_node::identity::{DataFolder, write_secret};
use toml::{Table, Value};

use super::configuration::{Plan, quoted};
use crate::host_fault::HostFault;

/// Where a service has its pages, unless its configuration says another address.
const PAGES: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9103);

/// Where a provider is set up.
#[derive(Clone)]
pub(crate) struct Place {
    /// The configuration file.
    pub(crate) config: PathBuf,
    /// The data folder.
    pub(crate) data: PathBuf,
    /// Of a service: where it has its pages, and what is set in its configuration.
    service: Option<(SocketAddr, Table)>,
}

impl Place {
    /// In the folder `home`.
    pub(crate) fn in_home(home: &Path) -> Self {
        Self { config: home.join("config.toml"), data: home.join(DATA), service: None }
    }

    /// For a service whose configuration is to be in the file `config`. What is set there stays, except what is asked for.
    pub(crate) fn of_service(config: &Path) -> Result<Self, HostFault> {
        let fault = |reason: String| HostFault::Home { path: config.to_owned(), reason };
        let set = config::unclaimed(config).map_err(|unread| fault(unread.to_string()))?;
        let set = set.ok_or_else(|| fault("a provider is set up in it already".into()))?;
        let data = set.get("data_dir").and_then(Value::as_str).unwrap_or(DATA);
        let pages = set.get("admin").and_then(|admin| admin.get("listen")).and_then(Value::as_str);
        let pages = pages.and_then(|pages| pages.parse().ok()).unwrap_or(PAGES);
        let data = config.parent().unwrap_or(Path::new("")).join(data);
        Ok(Self { config: config.to_owned(), data, service: Some((pages, set)) })
    }

    /// Where a service has its pages.
    pub(crate) fn pages(&self) -> Option<SocketAddr> {
        self.service.as_ref().map(|(pages, _)| *pages)
    }

    /// The configuration of a set-up that has not come to its end.
    pub(crate) fn draft(&self) -> PathBuf {
        self.config.with_extension("new.toml")
    }

    /// Whether nothing is in the data folder.
    pub(crate) fn is_empty(&self) -> bool {
        fs::read_dir(&self.data)
            .map_or_else(|fault| fault.kind() == ErrorKind::NotFound, |mut found| found.next().is_none())
    }

    /// Writes the configuration of `plan`, of which nothing is said to have come to its end yet.
    pub(crate) fn begin(&self, plan: &Plan) -> io::Result<()> {
        write_secret(&self.draft(), self.text(plan).as_bytes())
    }

    /// Puts the configuration where it is looked for.
    pub(crate) fn finish(&self) -> io::Result<()> {
        config::put(&self.config, &fs::read_to_string(self.draft())?, &self.data)?;
        fs::remove_file(self.draft())
    }

    /// Removes what a set-up has made that does not come to its end. A data folder that was made for a service stays, as whose it is.
    pub(crate) fn undo(&self) -> io::Result<()> {
        let removed = match &self.service {
            None => fs::remove_dir_all(&self.data),
            Some(_) => clear(&self.data),
        };
        for removed in [removed, fs::remove_file(self.draft())] {
            removed.or_else(|fault| if fault.kind() == ErrorKind::NotFound { Ok(()) } else { Err(fault) })?;
        }
        Ok(())
    }

    /// Undoes a set-up that was cut off half way. A provider that is there without its configuration is not set up anew.
    pub(crate) fn undo_cut_off(&self) -> Result<(), HostFault> {
        if self.draft().exists() {
            let undone = self.undo();
            return undone
                .map_err(|fault| HostFault::Home { path: self.data.clone(), reason: fault.to_string() });
        }
        if self.data.join("provider").exists() {
            let reason = format!(
                "it is missing, while {} holds a provider; put it back from a backup, or write it anew as the operator's guide says",
                self.data.display()
            );
            return Err(HostFault::Home { path: self.config.clone(), reason });
        }
        Ok(())
    }

    /// Gives the data of a service to the user that its folder belongs to, who is not the one that sets it up.
    pub(crate) fn hand_over(&self) {
        if self.service.is_some()
            && self.data.exists()
            && let Err(fault) = DataFolder::give_to_owner(&self.data)
        {
            tracing::error!(%fault, "what is in {} could not be given to the user that it belongs to", self.data.display());
        }
    }

    /// The text of the configuration.
    fn text(&self, plan: &Plan) -> String {
        let Some((pages, set)) = &self.service else { return plan.to_toml(DATA) };
        let data = set.get("data_dir").and_then(Value::as_str).unwrap_or(DATA);
        let pages = quoted(&pages.to_string());
        let text = plan.to_toml(data)
            + &format!("\n# For the pages and for commands, on this computer.\n[admin]\nlisten = {pages}\n");
        let asked: Table = toml::from_str(&text).unwrap_or_default();
        let mut whole = asked.clone();
        add(&mut whole, set);
        match toml::to_string(&whole) {
            Ok(whole_text) if whole != asked => format!(
                "# Made by drawbridged setup, of its answers and what was set here before.\n{whole_text}"
            ),
            _ => text,
        }
    }
}

/// Adds to `table` what `other` has and it has not.
fn add(table: &mut Table, other: &Table) {
    for (key, value) in other {
        match (table.get_mut(key), value) {
            (Some(Value::Table(table)), Value::Table(other)) => add(table, other),
            (Some(_), _) => {}
            (None, value) => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Removes what is in `folder`.
fn clear(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?
        } else {
            fs::remove_file(entry.path())?
        }
    }
    Ok(())
}

const DATA: &str = "data";
