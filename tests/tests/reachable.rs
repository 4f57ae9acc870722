//! A provider that is reached through a small server of the operator's own, as docs/reachable.md tells how: HAProxy there passes
//! TLS on as it is, into a tunnel that SSH has opened from home. Both are the real programs, with the texts of that page.

#![allow(clippy::unwrap_used, reason = "these are tests")]
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use drawbridge_testkit::{Federation, MutualPeers, WAIT_LIMIT};

const PAGE: &str = include_str!("../../docs/reachable.md");
/// The ends of the tunnel in that page: at the server, and at home.
const THERE: &str = "127.0.0.1:8443";
const HOME: &str = "127.0.0.1:443";

/// The first block of the page in that language.
fn block(language: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("\n```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

/// `text` with each of `replaced`, all of which it has.
fn with(text: &str, replaced: &[(&str, &str)]) -> String {
    replaced.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from:?} is not in {text}");
        text.replace(from, to)
    })
}

/// A program that runs; it is ended when this is dropped.
struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    fn start(command: &mut Command, log: PathBuf) -> Self {
        let output = File::create(&log).unwrap();
        // Where packages put servers is not in everybody's path.
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        let child = command.spawn().unwrap_or_else(|fault| {
            panic!("{command:?}: {fault}; scripts/need test installs what is missing")
        });
        Self { child, log }
    }

    /// Returns when something listens at `address`. These programs tell nobody that they do.
    async fn listens(mut self, address: SocketAddr) -> Self {
        let end = tokio::time::Instant::now() + WAIT_LIMIT;
        while TcpStream::connect(address).is_err() {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it has ended: {ended:?}: {}", self.said());
            assert!(tokio::time::Instant::now() < end, "nothing listens at {address}: {}", self.said());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}: {}", self.log.display(), self.said());
        }
    }
}

/// The server in between, with an account for the tunnel.
struct Server {
    dir: PathBuf,
    ssh: SocketAddr,
    /// Where HAProxy finds the tunnel.
    tunnel: SocketAddr,
    _sshd: Program,
    _haproxy: Program,
}

impl Server {
    /// One that passes on what comes to `address`.
    async fn start(federation: &Federation, address: SocketAddr) -> Self {
        let dir = federation.dir().join("server");
        fs::create_dir(&dir).unwrap();
        let ssh = federation.free_address();
        // SSH opens ports for the server alone at this address.
        let tunnel = SocketAddr::from(([127, 0, 0, 1], federation.free_address().port()));

        for key in ["host", "tunnel"] {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(dir.join(key)).stdin(Stdio::null());
            assert!(keygen.status().unwrap().success());
        }
        let public = fs::read_to_string(dir.join("tunnel.pub")).unwrap();
        let may = PAGE.split("begins with `").nth(1).unwrap().split_once('`').unwrap().0;
        let may = with(may, &[(THERE, &tunnel.to_string())]);
        fs::write(dir.join("authorized_keys"), format!("{may} {public}")).unwrap();
        let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
        if is_root {
            fs::create_dir_all("/run/sshd").unwrap();
            fs::set_permissions("/run/sshd", fs::Permissions::from_mode(0o755)).unwrap();
        }
        let config = format!(
            "ListenAddress {ssh}\nHostKey {dir}/host\nAuthorizedKeysFile {dir}/authorized_keys\nPidFile none\nUsePAM no\n\
             StrictModes no\nLogLevel VERBOSE\n",
            dir = dir.display()
        );
        fs::write(dir.join("sshd_config"), config).unwrap();
        // It starts itself anew for each connection, so it has to be called by its whole path. scripts/need test installs it.
        let sshd = ["/usr/sbin/sshd", "/usr/bin/sshd"].into_iter().find(|path| Path::new(path).exists());
        let mut sshd = Command::new(sshd.unwrap());
        sshd.args(["-D", "-e", "-f"]).arg(dir.join("sshd_config"));
        let sshd = Program::start(&mut sshd, dir.join("sshd.log")).listens(ssh).await;

        let config =
            with(block("haproxy"), &[(":443", &format!(" {address}")), (THERE, &tunnel.to_string())]);
        fs::write(dir.join("haproxy.cfg"), config.replace("bind  ", "bind ")).unwrap();
        let mut haproxy = Command::new("haproxy");
        haproxy.arg("-db").arg("-f").arg(dir.join("haproxy.cfg"));
        let haproxy = Program::start(&mut haproxy, dir.join("haproxy.log")).listens(address).await;
        Self { dir, ssh, tunnel, _sshd: sshd, _haproxy: haproxy }
    }

    /// The tunnel from `home`.
    async fn tunnel(&self, home: SocketAddr, log: &Path) -> Program {
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = String::from_utf8(user).unwrap();
        let key = self.dir.join("tunnel");
        let more = format!(
            "ssh -F /dev/null -p {} -i {} -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no \
             -o UserKnownHostsFile=/dev/null",
            self.ssh.port(),
            key.display()
        );
        let there = format!("{}@{}", user.trim(), self.ssh.ip());
        let replaced = [
            ("ssh -N", format!("{more} -N")),
            (THERE, self.tunnel.to_string()),
            (HOME, home.to_string()),
            ("tunnel@server.example", there),
        ];
        let replaced = replaced.each_ref().map(|(from, to)| (*from, to.as_str()));
        let line = with(block("sh"), &replaced);
        Program::start(Command::new("sh").arg("-c").arg(format!("exec {line}")), log.to_owned())
            .listens(self.tunnel)
            .await
    }
}

#[tokio::test]
async fn a_server_in_between_passes_on_to_home_and_the_tunnel_may_break() {
    let federation = Federation::new();
    let address = federation.free_address();
    let alpha = federation.stopped_node(|config| {
        config.provider = address.to_string().parse().unwrap();
        let (cert, key) = federation.certificate(&address.ip().to_string(), address.port());
        (config.mtp.tls_cert, config.mtp.tls_key) = (Some(cert), Some(key));
    });
    alpha.start().await;
    let home = alpha.config().mtp.listen.ip().unwrap();
    assert_ne!(home, address);
    let server = Server::start(&federation, address).await;
    let tunnel = server.tunnel(home, &server.dir.join("ssh-1.log")).await;

    let beta = federation.node(|_| {}).await;
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let peers = MutualPeers { federation, nodes: vec![alpha, beta] };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    ben.does(&tea, &ben.says(&tea, "good morning")).await;
    ann.hears_said(&tea, "good morning").await;

    drop(tunnel);
    ann.does(&tea, &ann.says(&tea, "is anybody there?")).await;
    let _tunnel = server.tunnel(home, &server.dir.join("ssh-2.log")).await;
    ben.hears_said(&tea, "is anybody there?").await;
    ben.does(&tea, &ben.says(&tea, "now I am")).await;
    ann.hears_said(&tea, "now I am").await;
}
