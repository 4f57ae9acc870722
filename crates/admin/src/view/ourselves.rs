//! What is so with this node itself.

use drawbridge_mtp::time::Timestamp;
use drawbridge_node::diagnose;
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
    pub listening_port: u16,
    /// Our certificates.
    pub certificates: Vec<Certificate>,
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
            names: own.facts.names,
            is_ours: own.is_ours,
            self_signed: own.facts.self_signed,
            begins: own.facts.begins,
            ends: own.facts.ends,
            refused: own.refused,
        }
    }
}

impl From<diagnose::StoreTrouble> for StoreTrouble {
    fn from(trouble: diagnose::StoreTrouble) -> Self {
        let diagnose::StoreTrouble { code, text, since, last, lost } = trouble;
        Self { code: code.to_owned(), text, since, last, lost }
    }
}
