//! How other providers are met.

use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::text::{all_as_text, networks};

/// How other providers are met.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PeersConfig {
    /// How strangers become peers, until the operator chooses another way in the GUI.
    pub strangers: Strangers,
    /// Private networks that peers may be on.
    #[serde(deserialize_with = "networks", serialize_with = "all_as_text")]
    pub allow_networks: Vec<IpNet>,
    /// Certificates, PEM, trusted besides the system's.
    pub extra_roots: Option<PathBuf>,
    /// Whether a peer that is let in may have us look at it, to find out how others see it (`docs/checks.md`).
    pub look_back: bool,
    /// Whether peers are told how far an event of a group is that they are told of (`docs/traces.md`).
    pub tell_traces: bool,
}

/// How strangers become peers (section 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strangers {
    /// A stranger waits until the operator has approved it.
    #[default]
    Ask,
    /// A stranger is let in as soon as it introduces itself.
    Open,
    /// Only providers that the operator has added are spoken with.
    Listed,
}
