//! `drawbridged` as a process of its own, which can be killed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use drawbridge_node::config::{Config, ListenConfig};
use serde_json::Value;

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
        Self::run(Self::serve(config).stdout(Stdio::piped()))
    }

    /// Runs `command`, which is one of [`Daemon::serve`].
    pub fn run(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// `drawbridged serve` with the configuration of `config`, which is written beside its data folder.
    pub fn serve(config: &Config) -> Command {
        Self::write(config);
        Self::command("serve", config)
    }

    /// Writes the configuration, as an operator changes it while the provider runs.
    pub fn write(config: &Config) {
        std::fs::write(file(config), text(config)).unwrap();
    }

    /// `drawbridged`, with the configuration that was written.
    pub fn command(name: &str, config: &Config) -> Command {
        let mut command = Command::new(binary());
        command.arg(name).arg("--config").arg(file(config)).env_remove("RUST_LOG");
        command
    }

    /// What `drawbridged admin` prints and how it ends.
    pub fn asks(config: &Config, command: &str, request: &Value) -> Output {
        Self::command("admin", config).arg(command).arg(request.to_string()).output().unwrap()
    }

    /// What the running provider answers to a command that it does not refuse.
    pub fn answer(config: &Config, command: &str, request: &Value) -> Value {
        let said = Self::asks(config, command, request);
        assert!(said.status.success(), "{said:?}");
        serde_json::from_slice(&said.stdout).unwrap()
    }

    /// Asks `status` again and again until `look` finds something in it.
    pub async fn until<T>(config: &Config, what: &str, look: impl Fn(&Value) -> Option<T>) -> T {
        let end = tokio::time::Instant::now() + crate::PATIENCE;
        loop {
            let said = Self::asks(config, "status", &serde_json::json!({}));
            let status: Value = serde_json::from_slice(&said.stdout).unwrap_or_default();
            if let Some(found) = look(&status) {
                return found;
            }
            assert!(tokio::time::Instant::now() < end, "it did not come about: {what}: {said:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Sends it the signal `name`, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Ends it in order, and returns how it ended.
    pub fn stop(mut self) -> std::process::ExitStatus {
        self.signal("TERM");
        self.0.wait().unwrap()
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

fn file(config: &Config) -> PathBuf {
    config.data_dir.with_extension("toml")
}

fn admin(admin: &ListenConfig) -> String {
    let files = [("tls_cert", &admin.tls_cert), ("tls_key", &admin.tls_key)].into_iter();
    let files = files.filter_map(|(name, path)| Some(format!("{name} = \"{}\"", path.as_ref()?.display())));
    format!("[admin]\nlisten = \"{}\"\n{}", admin.listen, files.collect::<Vec<_>>().join("\n"))
}

/// The configuration as a file.
fn text(config: &Config) -> String {
    let path = |path: &Option<PathBuf>| path.as_deref().map(Path::display).unwrap().to_string();
    format!(
        r#"
        provider = "{}"
        data_dir = "{}"
        {}
        [mtp]
        listen = "{}"
        tls_cert = "{}"
        tls_key = "{}"
        {}
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
        config.log.as_ref().map(|log| format!("log = \"{log}\"")).unwrap_or_default(),
        config.mtp.listen,
        path(&config.mtp.tls_cert),
        path(&config.mtp.tls_key),
        config.mtp.endpoint.as_ref().map(|endpoint| format!("endpoint = \"{endpoint}\"")).unwrap_or_default(),
        config.admin.as_ref().map(admin).unwrap_or_default(),
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
