//! A real proxy, as its package has it, with the configuration that the product gives out for it.

use std::fmt::Write;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use drawbridge_admin::proxy_config;
use drawbridge_admin::view::ProxyProgram;
use drawbridge_node::config::Config;
use drawbridge_testkit::{Federation, WAIT_LIMIT};

/// Where packages have the modules of Apache.
const APACHE_MODULES: [&str; 3] =
    ["/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules"];
const APACHE_LOADS: [&str; 12] = [
    "mpm_event",
    "authz_core",
    "env",
    "setenvif",
    "filter",
    "deflate",
    "headers",
    "rewrite",
    "proxy",
    "proxy_http",
    "proxy_http2",
    "ssl",
];

/// A running proxy; it is ended when this is dropped.
pub(super) struct Program {
    child: Child,
    is_one_process: bool,
    log: PathBuf,
}

/// What differs between the machine of a test and that of an operator: the address, the files of the certificate, and
/// what is changed in the configuration to be wrong.
pub(super) struct Changes<'a> {
    /// The address in whose port the provider's name ends.
    pub(super) address: SocketAddr,
    /// A text of the configuration, and what takes its place.
    pub(super) replaced: &'a [(&'a str, &'a str)],
}

impl Program {
    /// Starts `program` before the node of `config`, and returns when it listens.
    pub(super) async fn start(
        program: ProxyProgram,
        config: &Config,
        federation: &Federation,
        changes: Changes<'_>,
    ) -> Self {
        let Changes { address, replaced } = changes;
        let mut text = proxy_config(program, config).text;
        for (from, to) in replaced {
            assert!(text.contains(from), "{from:?} is not in the configuration of {program:?}: {text}");
            text = text.replace(from, to);
        }
        let dir = federation.dir().join(format!("proxy-{}", address.port()));
        fs::create_dir(&dir).unwrap();
        let certificate = federation.certificate(&address.ip().to_string(), address.port());
        let text = adapt(program, &text, address, &certificate, &dir);
        let (file, log) = (dir.join("configuration"), dir.join("log"));
        fs::write(&file, text).unwrap();
        let mut command = command(program, &file, &dir);
        let output = File::create(&log).unwrap();
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        let child = command.spawn().unwrap_or_else(|fault| {
            panic!("{program:?} cannot be started ({fault}); scripts/need test installs it")
        });
        let mut started = Self {
            child,
            is_one_process: matches!(program, ProxyProgram::Caddy | ProxyProgram::Haproxy),
            log,
        };
        let end = tokio::time::Instant::now() + WAIT_LIMIT;
        // It tells nobody that it listens.
        while TcpStream::connect(address).is_err() {
            let ended = started.child.try_wait().unwrap();
            assert!(ended.is_none(), "{program:?} has ended: {ended:?}: {}", started.log());
            assert!(tokio::time::Instant::now() < end, "{program:?} does not listen: {}", started.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        started
    }

    /// What it has said.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.is_one_process {
            // In order, it would wait for what waits.
            let _ = self.child.kill();
        } else {
            // It ends those that it has started itself.
            let _ = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        }
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the proxy said: {}", self.log());
        }
    }
}

/// The configuration with a test's address and certificate, and what is around it in the whole of a program's.
fn adapt(
    program: ProxyProgram,
    text: &str,
    address: SocketAddr,
    (cert, key): &(PathBuf, PathBuf),
    dir: &Path,
) -> String {
    let (port, ip) = (address.port(), address.ip());
    let (cert, key, dir) = (cert.display(), key.display(), dir.display());
    let name = ip.to_string();
    let mut text = text
        .replace(&format!("/etc/ssl/{name}/fullchain.pem"), &cert.to_string())
        .replace(&format!("/etc/ssl/{name}/privkey.pem"), &key.to_string());
    // What is for all addresses of a port is for that of the test alone: others may have the port at another one.
    let mut once = |from: String, to: String| {
        assert_eq!(text.matches(&from).count(), 1, "{from:?} in {text}");
        text = text.replace(&from, &to);
    };
    match program {
        ProxyProgram::Nginx => {
            once(format!("    listen {port} ssl http2;\n"), format!("    listen {address} ssl http2;\n"));
            once(format!("    listen [::]:{port} ssl http2;\n"), String::new());
            let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
            let folders = folders.map(|of| format!("{of}_temp_path {dir}/{of};")).join("\n");
            format!(
                "daemon off;\nuser root;\npid {dir}/pid;\nerror_log stderr;\nworker_processes 1;\n\
                 events {{ worker_connections 512; }}\nhttp {{\naccess_log off;\n{folders}\n{text}\n}}\n"
            )
        }
        ProxyProgram::Caddy => {
            let host = if ip.is_ipv6() { format!("[{ip}]") } else { name };
            once(format!("{host}:{port} {{\n"), format!("{host}:{port} {{\n\tbind {ip}\n"));
            format!(
                "{{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system {dir}\n}}\n{text}"
            )
        }
        ProxyProgram::Haproxy => {
            let both = format!("{dir}/chain-and-key.pem");
            let content = [cert.to_string(), key.to_string()].map(|file| fs::read_to_string(file).unwrap());
            fs::write(&both, content.concat()).unwrap();
            text = text.replace(&format!("/etc/ssl/{name}/chain-and-key.pem"), &both);
            let start = text.find(&format!("    bind :::{port} v6only")).unwrap();
            let end = start + text[start..].find('\n').unwrap() + 1;
            text.replace_range(start..end, "");
            let text = text.replacen(&format!("bind :{port} "), &format!("bind {address} "), 1);
            format!("global\n    maxconn 512\n\n{text}")
        }
        ProxyProgram::Apache => {
            once(format!("Listen {port}\n"), format!("Listen {address}\n"));
            let modules = APACHE_MODULES.iter().find(|folder| Path::new(folder).is_dir());
            let modules = modules.unwrap();
            let mut around = format!(
                "ServerRoot {dir}\nDefaultRuntimeDir {dir}\nPidFile {dir}/pid\nErrorLog {dir}/log\nLogLevel info\n"
            );
            for module in APACHE_LOADS.iter().chain(&["http2", "socache_shmcb"]) {
                let _ = writeln!(around, "LoadModule {module}_module {modules}/mod_{module}.so");
            }
            if is_root() {
                // It does not serve as root.
                around.push_str("User nobody\nGroup nogroup\n");
            }
            around + &text
        }
        ProxyProgram::Traefik => unreachable!("there is no package of it"),
    }
}

fn command(program: ProxyProgram, file: &Path, dir: &Path) -> Command {
    let mut command = match program {
        ProxyProgram::Nginx => {
            let mut command = Command::new("nginx");
            command.arg("-p").arg(dir).arg("-c").arg(file);
            command
        }
        ProxyProgram::Caddy => {
            let mut command = Command::new("caddy");
            command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file).env("HOME", dir);
            command
        }
        ProxyProgram::Haproxy => {
            let mut command = Command::new("haproxy");
            command.arg("-db").arg("-f").arg(file);
            command
        }
        ProxyProgram::Apache => {
            let debian = Path::new("/usr/sbin/apache2").exists();
            let mut command = Command::new(if debian { "apache2" } else { "httpd" });
            command.arg("-DFOREGROUND").arg("-f").arg(file);
            command
        }
        ProxyProgram::Traefik => unreachable!("there is no package of it"),
    };
    // Where packages put them is not in everybody's path.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command
}

/// Whether the tests run as root, as in a container.
pub(super) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
