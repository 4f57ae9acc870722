//! The demo federation: three providers on this machine, each a whole node with its own store, keys and TLS
//! certificate, and people in them.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use drawbridge_mtp::id::{Name, Provider, UserUri};
use drawbridge_node::config::{Config, LimitsConfig, ListenConfig, MtpConfig, PeersConfig};
use drawbridge_node::store::UserRule;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::demo_talk::talk;
use crate::error::AdminError;
use crate::host::HostFault;
use crate::keys::KeyPlace;
use crate::site::Site;
use crate::view::{Demo, DemoNode};

/// The providers and their people; the first is the window's own.
const CAST: [(&str, &[&str]); 3] =
    [("alpha", &["alice", "anton"]), ("beta", &["bob", "berta"]), ("gamma", &["carol", "chris"])];
const PLAN: &str = "demo.json";

/// The running demo.
pub(crate) struct Federation {
    places: Vec<Place>,
    /// The one that is shown.
    shown: usize,
    /// What the people of a new demo do by themselves.
    talking: Option<JoinHandle<()>>,
}

struct Place {
    name: &'static str,
    people: &'static [&'static str],
    config: Config,
    site: Option<Site>,
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
            place.site = Some(Site::start(place.config.clone(), KeyPlace::File).await?);
        }
        let mut federation = Self { places, shown: 0, talking: None };
        if is_new {
            federation
                .populate()
                .await
                .map_err(|fault| HostFault::Home { path: dir.to_owned(), reason: fault.detail })?;
        }
        Ok(federation)
    }

    /// Brings in the people, who have their accounts here: one asks, and the others begin to talk.
    async fn populate(&mut self) -> Result<(), AdminError> {
        for place in &self.places {
            let Some(site) = &place.site else { continue };
            for person in place.people {
                let person = name(person)?;
                site.node.create_user(person.clone(), UserRule::Ask).await?;
                site.people.use_here(&person).await?;
            }
        }
        let [alpha, beta, _] = &self.places[..] else { return Ok(()) };
        beta.asks("bob", &alpha.person("alice")?).await?;
        let sites: Vec<Site> = self.places.iter().filter_map(|place| place.site.clone()).collect();
        self.talking = Some(tokio::spawn(async move {
            let [alpha, beta, gamma] = &sites[..] else { return };
            if let Err(fault) = talk(alpha, beta, gamma).await {
                tracing::warn!(%fault, "the people of the demo did not get to talk");
            }
        }));
        Ok(())
    }

    /// What the window shows.
    pub(crate) fn shown(&self) -> Option<Site> {
        self.places.get(self.shown).and_then(|place| place.site.clone())
    }

    /// Shows the provider `name` from now on.
    pub(crate) fn look_at(&mut self, name: &str) -> Result<Site, AdminError> {
        let place = self.places.iter().position(|place| place.name == name).ok_or_else(|| no_such(name))?;
        let site = self.places[place].site.clone();
        let site = site.ok_or_else(|| stopped(name))?;
        self.shown = place;
        Ok(site)
    }

    pub(crate) fn view(&self) -> Result<Demo, AdminError> {
        let nodes = self.places.iter().enumerate().map(|(number, place)| {
            let people = place.people.iter().map(|person| place.person(person)).collect::<Result<_, _>>()?;
            Ok(DemoNode {
                name: place.name.to_owned(),
                provider: place.config.provider.clone(),
                running: place.site.is_some(),
                shown: number == self.shown,
                people,
            })
        });
        Ok(Demo { nodes: nodes.collect::<Result<_, AdminError>>()? })
    }

    /// Starts or stops one that is not shown.
    pub(crate) async fn run(&mut self, name: &str, running: bool) -> Result<(), AdminError> {
        let number = self.places.iter().position(|place| place.name == name).ok_or_else(|| no_such(name))?;
        if number == self.shown {
            let text =
                format!("{name} is what this window shows; look at another one, and stop it from there");
            return Err(AdminError::new("shown", text));
        }
        let place = &mut self.places[number];
        match (running, place.site.take()) {
            (false, Some(site)) => site.stop().await,
            (true, None) => {
                let started = Site::start(place.config.clone(), KeyPlace::File).await;
                place.site =
                    Some(started.map_err(|fault| AdminError::new("demo-failed", fault.to_string()))?);
            }
            (_, unchanged) => place.site = unchanged,
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
        if let Some(talking) = self.talking {
            talking.abort();
        }
        for place in self.places {
            if let Some(site) = place.site {
                site.stop().await;
            }
        }
    }
}

impl Place {
    fn person(&self, person: &str) -> Result<UserUri, AdminError> {
        Ok(UserUri::new(&self.config.provider, &name(person)?))
    }

    async fn asks(&self, person: &str, to: &UserUri) -> Result<drawbridge_mtp::id::Id, AdminError> {
        let site = self.site.as_ref().ok_or_else(|| stopped(self.name))?;
        Ok(site.node.connect(&name(person)?, to.clone(), None).await?.id)
    }
}

fn no_such(name: &str) -> AdminError {
    AdminError::new(
        "no-such-node",
        format!("{name:?} is not a provider of the demo; name alpha, beta or gamma"),
    )
}

fn stopped(name: &str) -> AdminError {
    AdminError::new("stopped", format!("{name} is stopped; start it first"))
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
        Ok(Place { name, people, config, site: None })
    });
    places.collect()
}
