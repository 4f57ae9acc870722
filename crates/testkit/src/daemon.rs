//! `drawbridged` as a process of its own, which can be killed.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use drawbridge_node::config::Config;
use serde_json::Value;

/// A running `drawbridged`; killed when it is dropped.
pub struct Daemon(Child);

impl Daemon {
    /// Starts the provider of `config` and returns when it says that it runs.
    pub async fn start(config: &Config) -> Self {
        Self::ready(&mut Self::serve(config), config).await
    }

    /// Runs `command`, which is [`Daemon::serve`] of `config`, and returns when it says that it runs.
    pub async fn ready(command: &mut Command, config: &Config) -> Self {
        let mut daemon = Self::run(command.stdout(Stdio::piped()));
        let mut said = BufReader::new(daemon.0.stdout.take().unwrap());
        let first = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            said.read_line(&mut line).map(|_| line)
        });
        let first = tokio::time::timeout(crate::WAIT_LIMIT, first).await;
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
        std::fs::write(file(config), config.to_toml().unwrap()).unwrap();
    }

    /// `drawbridged`, with the configuration that was written.
    pub fn command(name: &str, config: &Config) -> Command {
        let mut command = Command::new(binary());
        command.arg(name).arg("--config").arg(file(config)).env_remove("RUST_LOG");
        command
    }

    /// The program, to be run for no node that there is already.
    pub fn program() -> PathBuf {
        binary()
    }

    /// What `drawbridged admin` prints and how it ends.
    pub fn admin(config: &Config, command: &str, request: &Value) -> Output {
        Self::command("admin", config).arg(command).arg(request.to_string()).output().unwrap()
    }

    /// What the running provider answers to a command that it does not refuse.
    pub fn answer(config: &Config, command: &str, request: &Value) -> Value {
        let said = Self::admin(config, command, request);
        assert!(said.status.success(), "{said:?}");
        serde_json::from_slice(&said.stdout).unwrap()
    }

    /// Returns when a provider whose output nobody can read answers.
    ///
    /// It asks again and again: until its pages listen, another process has nothing else by which it could tell that it runs.
    pub async fn answers(config: &Config) {
        let end = tokio::time::Instant::now() + crate::WAIT_LIMIT;
        loop {
            let said = Self::admin(config, "status", &serde_json::json!({}));
            if said.status.success() {
                return;
            }
            assert!(tokio::time::Instant::now() < end, "it does not answer: {said:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Asks the running provider `command` after each event that it tells its pages, until `look` finds something in the
    /// answer.
    pub async fn until<T>(
        config: &Config,
        what: &str,
        command: &str,
        look: impl Fn(&Value) -> Option<T>,
    ) -> T {
        let mut seen = Value::Null;
        let found = async {
            let mut events = Events::of(config).await;
            loop {
                events.next().await;
                seen = Self::answer(config, command, &serde_json::json!({}));
                if let Some(found) = look(&seen) {
                    return found;
                }
            }
        };
        match tokio::time::timeout(crate::WAIT_LIMIT, found).await {
            Ok(found) => found,
            Err(_) => panic!("it did not come about: {what}: {seen:#}"),
        }
    }

    /// The next beat that the running provider tells its pages while there is no news, as it is written.
    pub async fn beat(config: &Config) -> String {
        let beat = async {
            let mut events = Events::of(config).await;
            loop {
                let event = events.any().await;
                if event.contains("event: beat") {
                    return event;
                }
            }
        };
        tokio::time::timeout(crate::WAIT_LIMIT, beat).await.expect("it gives a sign of life")
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

/// The events that a running provider tells its pages, as server-sent events.
struct Events {
    response: reqwest::Response,
    /// The beginning of one that has not come whole.
    begun: Vec<u8>,
}

impl Events {
    async fn of(config: &Config) -> Self {
        let key = std::fs::read(config.data_dir.join("admin.json")).unwrap();
        let key: Value = serde_json::from_slice(&key).unwrap();
        // Another part of the process may have chosen the same one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let asked = client.get(format!("{}/admin/v1/events", key["url"].as_str().unwrap()));
        let response = asked.bearer_auth(key["token"].as_str().unwrap()).send().await.unwrap();
        Self { response: response.error_for_status().unwrap(), begun: Vec::new() }
    }

    /// Returns with the next one; the first comes at once. A beat is none: nothing has changed.
    async fn next(&mut self) {
        while !self.any().await.starts_with("id:") {}
    }

    /// The next one of any kind, as it is written.
    async fn any(&mut self) -> String {
        loop {
            if let Some(end) = self.begun.windows(2).position(|pair| pair == b"\n\n") {
                return String::from_utf8(self.begun.drain(..end + 2).collect()).unwrap();
            }
            let piece = self.response.chunk().await.unwrap().expect("the provider runs");
            self.begun.extend_from_slice(&piece);
        }
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
