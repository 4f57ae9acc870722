//! The demo federation: three providers on this machine, each a whole node with its own store, keys and TLS
//! certificate, and people in them.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use drawbridge_mtp::id::{Name, Provider, UserUri};
use drawbridge_node::config::{Config, LimitsConfig, ListenConfig, MtpConfig, PeersConfig};
use drawbridge_node::store::UserRule;
use drawbridge_node::{Node, StartFault};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde::{Deserialize, Serialize};

use crate::error::AdminError;
use crate::host::HostFault;
use crate::view::{Demo, DemoNode};

/// The providers and their people; the first is the window's own.
const CAST: [(&str, &[&str]); 3] =
    [("alpha", &["alice", "anton"]), ("beta", &["bob", "berta"]), ("gamma", &["carol", "chris"])];
const PLAN: &str = "demo.json";

/// The running demo.
pub(crate) struct Federation {
    places: Vec<Place>,
}

struct Place {
    name: &'static str,
    people: &'static [&'static str],
    config: Config,
    node: Option<Node>,
}

/// What is kept of a demo, beside its nodes' own folders.
#[derive(Serialize, Deserialize)]
struct Plan {
    ports: Vec<u16>,
}

impl Federation {
    /// Whether there is a demo in the folder `dir`.
    pub(crate) fn is_in(dir: &Path) -> bool {
        dir.join(PLAN).exists()
    }

    /// Forgets the demo in the folder `dir`.
    pub(crate) fn remove(dir: &Path) {
        if let Err(fault) = std::fs::remove_dir_all(dir)
            && fault.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%fault, "the demo's folder could not be removed");
        }
    }

    /// Starts the demo in the folder `dir`; a new one, where there is none.
    pub(crate) async fn start(dir: &Path) -> Result<Self, HostFault> {
        let is_new = !Self::is_in(dir);
        if is_new {
            prepare(dir).map_err(|reason| HostFault::Home { path: dir.to_owned(), reason })?;
        }
        let mut places = read(dir).map_err(|reason| HostFault::Home { path: dir.to_owned(), reason })?;
        for place in &mut places {
            place.node = Some(Node::start(place.config.clone()).await?);
        }
        let federation = Self { places };
        if is_new {
            federation
                .populate()
                .await
                .map_err(|fault| HostFault::Home { path: dir.to_owned(), reason: fault.detail })?;
        }
        Ok(federation)
    }

    /// Brings in the people: one pair is connected already, and one asks.
    async fn populate(&self) -> Result<(), AdminError> {
        for place in &self.places {
            for person in place.people {
                let Some(node) = &place.node else { continue };
                node.create_user(name(person)?, UserRule::Ask).await?;
            }
        }
        let [alpha, beta, gamma] = &self.places[..] else { return Ok(()) };
        alpha.asks("alice", &gamma.person("carol")?).await?;
        gamma.asks("carol", &alpha.person("alice")?).await?;
        beta.asks("bob", &alpha.person("alice")?).await?;
        Ok(())
    }

    /// The window's own node.
    pub(crate) fn alpha(&self) -> Node {
        #[expect(
            clippy::expect_used,
            reason = "every node is started by `start`, and `run` never stops the first"
        )]
        self.places.first().and_then(|place| place.node.clone()).expect("alpha runs as long as the demo")
    }

    pub(crate) fn view(&self) -> Result<Demo, AdminError> {
        let nodes = self.places.iter().map(|place| {
            let people = place.people.iter().map(|person| place.person(person)).collect::<Result<_, _>>()?;
            Ok(DemoNode {
                name: place.name.to_owned(),
                provider: place.config.provider.clone(),
                running: place.node.is_some(),
                people,
            })
        });
        Ok(Demo { nodes: nodes.collect::<Result<_, AdminError>>()? })
    }

    /// Starts or stops one of the others.
    pub(crate) async fn run(&mut self, name: &str, running: bool) -> Result<(), AdminError> {
        let place = self.places.iter_mut().skip(1).find(|place| place.name == name).ok_or_else(|| {
            AdminError::new(
                "no-such-node",
                format!("{name:?} is not a provider of the demo that can be stopped; name beta or gamma"),
            )
        })?;
        match (running, place.node.take()) {
            (false, Some(node)) => node.stop().await,
            (true, None) => {
                let started: Result<Node, StartFault> = Node::start(place.config.clone()).await;
                place.node =
                    Some(started.map_err(|fault| AdminError::new("demo-failed", fault.to_string()))?);
            }
            (_, unchanged) => place.node = unchanged,
        }
        Ok(())
    }

    /// A person of the demo asks another.
    pub(crate) async fn ask(
        &self,
        from: &UserUri,
        to: &UserUri,
    ) -> Result<drawbridge_mtp::id::Id, AdminError> {
        let place = self.places.iter().find(|place| place.config.provider == *from.provider());
        let place =
            place.ok_or_else(|| AdminError::new("no-such-node", format!("{from} is not of the demo")))?;
        place.asks(from.name().as_str(), to).await
    }

    pub(crate) async fn stop(self) {
        for place in self.places {
            if let Some(node) = place.node {
                node.stop().await;
            }
        }
    }
}

impl Place {
    fn person(&self, person: &str) -> Result<UserUri, AdminError> {
        Ok(UserUri::new(&self.config.provider, &name(person)?))
    }

    async fn asks(&self, person: &str, to: &UserUri) -> Result<drawbridge_mtp::id::Id, AdminError> {
        let node = self
            .node
            .as_ref()
            .ok_or_else(|| AdminError::new("stopped", format!("{} is stopped; start it first", self.name)))?;
        Ok(node.connect(&name(person)?, to.clone(), None).await?.id)
    }
}

fn name(text: &str) -> Result<Name, AdminError> {
    text.parse().map_err(|fault| AdminError::internal(&fault))
}

/// Makes the folder: ports that are free, a certificate authority, a certificate for each.
fn prepare(dir: &Path) -> Result<(), String> {
    let text = |fault: &dyn std::fmt::Display| fault.to_string();
    // All are held until all are known, so that none is given twice.
    let held: Vec<_> = CAST
        .iter()
        .map(|_| TcpListener::bind("127.0.0.1:0"))
        .collect::<Result<_, _>>()
        .map_err(|f| text(&f))?;
    let ports: Vec<u16> = held
        .iter()
        .map(|held| held.local_addr().map(|at| at.port()))
        .collect::<Result<_, _>>()
        .map_err(|f| text(&f))?;
    std::fs::create_dir_all(dir).map_err(|f| text(&f))?;
    let write = |name: String, content: String| std::fs::write(dir.join(name), content).map_err(|f| text(&f));

    let authority_key = KeyPair::generate().map_err(|f| text(&f))?;
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "Drawbridge demo");
    write("ca.pem".into(), authority.self_signed(&authority_key).map_err(|f| text(&f))?.pem())?;
    let issuer = Issuer::new(authority, authority_key);
    for (name, _) in CAST {
        let key = KeyPair::generate().map_err(|f| text(&f))?;
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).map_err(|f| text(&f))?;
        let certificate = params.signed_by(&key, &issuer).map_err(|f| text(&f))?;
        write(format!("{name}-cert.pem"), certificate.pem())?;
        write(format!("{name}-key.pem"), key.serialize_pem())?;
    }
    // Written last: with it the demo is whole.
    write(PLAN.to_owned(), serde_json::to_string(&Plan { ports }).map_err(|f| text(&f))?)
}

fn read(dir: &Path) -> Result<Vec<Place>, String> {
    let plan = std::fs::read_to_string(dir.join(PLAN)).map_err(|fault| fault.to_string())?;
    let plan: Plan = serde_json::from_str(&plan).map_err(|fault| fault.to_string())?;
    let places = CAST.into_iter().zip(plan.ports).map(|((name, people), port)| {
        let provider: Provider = format!("127.0.0.1:{port}").parse().map_err(|fault| format!("{fault}"))?;
        let file = |suffix: &str| -> Option<PathBuf> { Some(dir.join(format!("{name}-{suffix}.pem"))) };
        let listen = std::net::SocketAddr::from(([127, 0, 0, 1], port));
        let config = Config {
            provider,
            data_dir: dir.join(name),
            mtp: MtpConfig { listen, tls_cert: file("cert"), tls_key: file("key"), endpoint: None },
            client: Some(ListenConfig {
                listen: std::net::SocketAddr::from(([127, 0, 0, 1], 0)),
                tls_cert: None,
                tls_key: None,
            }),
            admin: None,
            peers: PeersConfig {
                allow_networks: vec!["127.0.0.0/8".parse().map_err(|fault| format!("{fault}"))?],
                extra_roots: Some(dir.join("ca.pem")),
                ..PeersConfig::default()
            },
            limits: LimitsConfig::default(),
        };
        Ok(Place { name, people, config, node: None })
    });
    places.collect()
}
