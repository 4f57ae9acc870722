//! What is so with this node itself.

use std::net::{Ipv4Addr, Ipv6Addr};

use drawbridge_mtp::time::Timestamp;
use drawbridge_node::address_hook::HookStanding;
use drawbridge_node::router::{ExternalAddress, OpenPort, RouterFault, RouterStanding};
use drawbridge_node::{diagnose, identity};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What is so with this node itself. Nothing in it is taken for well that was not looked at.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Ourselves {
    /// Whether other providers can find us under our name, by the rules that we find others by.
    pub name: NameStanding,
    /// Why not, in one sentence; `null` where they can, or where it was not looked at. Of a name that was found it says where
    /// its address is this computer's own, which only providers on this computer reach.
    pub name_text: Option<String>,
    /// When the name was last looked up.
    #[ts(type = "string | null")]
    pub looked: Option<Timestamp>,
    /// The port that our name leads others to.
    pub named_port: u16,
    /// The port that we listen on for them. Another one than they are led to is right only where something forwards it.
    /// None where a proxy listens for them in our place.
    pub listening_port: Option<u16>,
    /// Our certificates.
    pub certificates: Vec<Certificate>,
    /// How it goes with getting one by ACME; `null` where that is not configured.
    pub issuance: Option<Issuance>,
    /// What the router of this computer's network said; `null` where it is asked for nothing.
    pub router: Option<Router>,
    /// How it goes with the command for a changed address; `null` where there is none.
    pub address_hook: Option<AddressHook>,
    /// What the store cannot do at the moment.
    pub store: Option<StoreTrouble>,
    /// Bytes that are free on the disk with the data folder, once that is known.
    #[ts(type = "number | null")]
    pub free: Option<u64>,
}

/// Whether other providers can find us under our name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum NameStanding {
    /// It has not been looked up yet.
    Unlooked,
    /// It leads to an address that others may connect to.
    Found,
    /// It leads to no address.
    Unresolved,
    /// It leads only to addresses of this machine or of a private network, which is not among `allow_networks`.
    Private,
}

/// A certificate of ours.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Certificate {
    /// What it is for: `mtp`, `client` or `admin`.
    pub section: String,
    /// The file that it was read from.
    pub file: String,
    /// Its SHA-256, in pairs of hexadecimal digits with colons between them.
    pub fingerprint: String,
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// Whether it is for the host of our name; that of the pages may be for any.
    pub is_ours: bool,
    /// Whether its own key has signed it, so that nobody trusts it who was not told to.
    pub self_signed: bool,
    /// It holds from then on.
    #[ts(type = "string")]
    pub begins: Timestamp,
    /// It holds up to then.
    #[ts(type = "string")]
    pub ends: Timestamp,
    /// Why what its files held when they were last read was not taken, in one sentence; the one before goes on.
    pub refused: Option<String>,
}

/// How it goes with getting a certificate by ACME.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Issuance {
    /// The directory's URL.
    pub directory: String,
    /// By which kind of challenge the name is proved, such as `tls-alpn-01`.
    pub challenge: String,
    /// How it goes, in one sentence.
    pub text: String,
    /// Whether a certificate is being ordered now.
    pub is_ordering: bool,
    /// When the one in use was got; `null` where there is none from this directory yet.
    #[ts(type = "string | null")]
    pub issued: Option<Timestamp>,
    /// When one is ordered next; `null` where that goes on now, or does not go on.
    #[ts(type = "string | null")]
    pub next: Option<Timestamp>,
    /// What went wrong since it last went well.
    pub failure: Option<IssuanceFailure>,
}

/// Why no new certificate was got.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct IssuanceFailure {
    /// A stable code, by which Repairs lists it too.
    pub code: String,
    /// One sentence, in which the directory's own words are where it has given any.
    pub text: String,
    /// The first failure in a row.
    #[ts(type = "string")]
    pub first: Timestamp,
    /// The last.
    #[ts(type = "string")]
    pub last: Timestamp,
}

/// What the router of this computer's network said.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Router {
    /// How it goes, in one sentence.
    pub text: String,
    /// Its address in this network, where one is known.
    #[ts(type = "string | null")]
    pub router: Option<Ipv4Addr>,
    /// How it was asked, where it has answered: `upnp` or `nat-pmp`.
    pub by: Option<String>,
    /// Its address as others see it, where it has named one.
    #[ts(type = "string | null")]
    pub external: Option<Ipv4Addr>,
    /// The ports that it is asked to lead here; none where it is only asked for its address.
    pub ports: Vec<RouterPort>,
    /// When it was last asked.
    #[ts(type = "string | null")]
    pub looked: Option<Timestamp>,
    /// When it is asked again.
    #[ts(type = "string | null")]
    pub next: Option<Timestamp>,
    /// What keeps others from coming by it: a stable code, by which Repairs lists it too.
    pub trouble: Option<String>,
}

/// A port that the router is asked to lead here.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct RouterPort {
    /// The one that others come to.
    pub external: u16,
    /// The one of this computer that it leads to.
    pub local: u16,
    /// Whether it does.
    pub is_open: bool,
    /// Until when, where it is not renewed; `null` where it is closed, or stays open until it is taken back.
    #[ts(type = "string | null")]
    pub until: Option<Timestamp>,
}

/// How it goes with the command for a changed address.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct AddressHook {
    /// The IPv4 address that it was last told.
    #[ts(type = "string | null")]
    pub told_v4: Option<Ipv4Addr>,
    /// The IPv6 address that it was last told.
    #[ts(type = "string | null")]
    pub told_v6: Option<Ipv6Addr>,
    /// When that was, since the program was started.
    #[ts(type = "string | null")]
    pub at: Option<Timestamp>,
    /// Why it fails, in one sentence, with what it has printed.
    pub failure: Option<String>,
    /// When it is run again after a failure.
    #[ts(type = "string | null")]
    pub next: Option<Timestamp>,
}

/// The store does not keep what it is given.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct StoreTrouble {
    /// `disk-full`, `store-damaged` or `store-unwritable`.
    pub code: String,
    /// What the system says.
    pub text: String,
    /// The first failure.
    #[ts(type = "string")]
    pub since: Timestamp,
    /// The last.
    #[ts(type = "string")]
    pub last: Timestamp,
    /// Changes that were not kept since then.
    #[ts(type = "number")]
    pub lost: u64,
}

impl From<diagnose::Ourselves> for Ourselves {
    fn from(own: diagnose::Ourselves) -> Self {
        let (name, name_text) = match own.name {
            diagnose::NameStanding::Unlooked => (NameStanding::Unlooked, None),
            diagnose::NameStanding::Found => (NameStanding::Found, own.only_here),
            diagnose::NameStanding::Unresolved { text } => (NameStanding::Unresolved, Some(text)),
            diagnose::NameStanding::Private { text } => (NameStanding::Private, Some(text)),
        };
        Self {
            name,
            name_text,
            looked: own.looked,
            named_port: own.named_port,
            listening_port: own.listening_port,
            certificates: own.certificates.into_iter().map(Into::into).collect(),
            issuance: own.issuance.map(Into::into),
            router: own.router.map(|standing| Router::of(standing, own.router_trouble)),
            address_hook: own.address_hook.map(Into::into),
            store: own.store.map(Into::into),
            free: own.free,
        }
    }
}

impl From<diagnose::OwnCertificate> for Certificate {
    fn from(own: diagnose::OwnCertificate) -> Self {
        Self {
            section: own.section.to_owned(),
            file: own.facts.file.display().to_string(),
            fingerprint: own.facts.fingerprint.to_string(),
            names: own.facts.names,
            is_ours: own.is_ours,
            self_signed: own.facts.self_signed,
            begins: own.facts.begins,
            ends: own.facts.ends,
            refused: own.refused,
        }
    }
}

impl From<identity::IssuanceStanding> for Issuance {
    fn from(standing: identity::IssuanceStanding) -> Self {
        let text = how_it_goes(&standing);
        let identity::IssuanceStanding { directory, challenge, is_ordering, issued, next, failure } =
            standing;
        let failure = failure.map(|failure| IssuanceFailure {
            code: failure.code.to_string(),
            text: failure.text,
            first: failure.first,
            last: failure.last,
        });
        Self { directory, challenge: challenge.to_owned(), text, is_ordering, issued, next, failure }
    }
}

/// What a person reads first of it.
fn how_it_goes(standing: &identity::IssuanceStanding) -> String {
    let directory = &standing.directory;
    let then = standing.next.map_or_else(String::new, |next| format!(" at {next}"));
    match (standing.is_ordering, standing.issued, &standing.failure) {
        (true, None, _) => format!("The first certificate is being ordered at {directory}."),
        (true, Some(_), _) => format!("A new certificate is being ordered at {directory}."),
        (false, None, None) => format!("There is no certificate from {directory} yet; one is ordered{then}."),
        (false, None, Some(failure)) => format!(
            "There is no certificate from {directory} yet, and it is tried again{then}: {}.",
            failure.text.trim_end_matches('.')
        ),
        (false, Some(_), None) => format!("The certificate is from {directory}, and is renewed{then}."),
        (false, Some(_), Some(failure)) => format!(
            "The certificate from {directory} is not renewed, and it is tried again{then}: {}.",
            failure.text.trim_end_matches('.')
        ),
    }
}

impl Router {
    fn of(standing: RouterStanding, trouble: Option<RouterFault>) -> Self {
        let external = match standing.external {
            ExternalAddress::Named(address) => Some(address),
            ExternalAddress::Unknown | ExternalAddress::Unnamed => None,
        };
        Self {
            text: what_it_does(&standing, trouble.as_ref()),
            router: standing.router,
            by: standing.by.map(|by| by.to_string()),
            external,
            ports: standing.ports.iter().map(Into::into).collect(),
            looked: standing.looked,
            next: standing.next,
            trouble: trouble.map(|trouble| trouble.code.to_string()),
        }
    }
}

/// What a person reads first of the router.
fn what_it_does(standing: &RouterStanding, trouble: Option<&RouterFault>) -> String {
    if let Some(trouble) = trouble {
        let mut text = trouble.text.clone();
        // It is a sentence of its own here.
        if let Some(first) = text.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        return format!("{}.", text.trim_end_matches('.'));
    }
    if let Some(own) = standing.own_public {
        return format!("This computer has the public address {own} itself, so no router has to lead here.");
    }
    if standing.looked.is_none() {
        return "The router is being asked.".into();
    }
    let at = match standing.external {
        ExternalAddress::Named(address) => format!(" of {address}"),
        ExternalAddress::Unknown | ExternalAddress::Unnamed => String::new(),
    };
    let ports: Vec<_> = standing.ports.iter().map(|port| port.external.to_string()).collect();
    match ports.as_slice() {
        [] => match standing.external {
            ExternalAddress::Named(address) => format!("The router's public address is {address}."),
            ExternalAddress::Unknown | ExternalAddress::Unnamed => "The router names no address.".into(),
        },
        [port] => format!("The router leads port {port}{at} here."),
        several => format!("The router leads the ports {}{at} here.", several.join(" and ")),
    }
}

impl From<&OpenPort> for RouterPort {
    fn from(port: &OpenPort) -> Self {
        let OpenPort { external, local, is_open, until } = *port;
        Self { external, local, is_open, until }
    }
}

impl From<HookStanding> for AddressHook {
    fn from(HookStanding { told, at, failure, next }: HookStanding) -> Self {
        Self { told_v4: told.v4, told_v6: told.v6, at, failure: failure.map(|failure| failure.text), next }
    }
}

impl From<diagnose::StoreTrouble> for StoreTrouble {
    fn from(trouble: diagnose::StoreTrouble) -> Self {
        let diagnose::StoreTrouble { code, text, since, last, lost } = trouble;
        Self { code: code.to_owned(), text, since, last, lost }
    }
}
