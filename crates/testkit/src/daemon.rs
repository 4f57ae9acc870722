//! `drawbridged` as a process of its own, which can be killed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use drawbridge_node::config::Config;

/// A running `drawbridged`; killed when it is dropped.
pub struct Daemon(Child);

impl Daemon {
    /// Starts the provider of `config` and returns when it says that it runs.
    pub async fn start(config: &Config) -> Self {
        let mut daemon = Self::spawn(config);
        let mut said = BufReader::new(daemon.0.stdout.take().unwrap());
        let first = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            said.read_line(&mut line).map(|_| line)
        });
        let first = tokio::time::timeout(crate::PATIENCE, first).await;
        let first = first.expect("drawbridged says something").unwrap().unwrap();
        assert_eq!(first.trim_end(), format!("{} is running", config.provider));
        daemon
    }

    /// Starts the provider of `config`.
    pub fn spawn(config: &Config) -> Self {
        let path = config.data_dir.with_extension("toml");
        std::fs::write(&path, text(config)).unwrap();
        let mut command = Command::new(binary());
        command.arg("serve").arg("--config").arg(path).stdout(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// Kills it as a lost machine would, and returns when it is gone.
    pub fn kill(self) {
        drop(self);
    }

    /// The memory that it has in use, in bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        kilobytes * 1024
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself, which is for the test to notice.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The configuration as a file.
fn text(config: &Config) -> String {
    let path = |path: &Option<PathBuf>| path.as_deref().map(Path::display).unwrap().to_string();
    format!(
        r#"
        provider = "{}"
        data_dir = "{}"
        [mtp]
        listen = "{}"
        tls_cert = "{}"
        tls_key = "{}"
        {}
        [peers]
        allow_networks = ["127.0.0.0/8"]
        extra_roots = "{}"
        [limits]
        stranger_requests = {}
        peer_requests = {}
        "#,
        config.provider,
        config.data_dir.display(),
        config.mtp.listen,
        path(&config.mtp.tls_cert),
        path(&config.mtp.tls_key),
        config.mtp.endpoint.as_ref().map(|endpoint| format!("endpoint = \"{endpoint}\"")).unwrap_or_default(),
        path(&config.peers.extra_roots),
        config.limits.stranger_requests,
        config.limits.peer_requests,
    )
}

/// The program, beside the tests; built where it is not there yet.
fn binary() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let folder = tests.ancestors().nth(2).unwrap();
    let binary = folder.join("drawbridged");
    if !binary.exists() {
        let built = Command::new(env!("CARGO")).args(["build", "-p", "drawbridge-daemon"]).status().unwrap();
        assert!(built.success(), "drawbridged is not built");
    }
    binary
}
