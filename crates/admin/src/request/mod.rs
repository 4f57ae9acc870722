//! What a GUI or a script asks: the requests of the commands, and the answers that are not views.
//!
//! Users are named by their local name, peers by their authority. An unknown member is refused, so that a
//! script learns of a slip of the pen.

use drawbridge_mtp::id::{ClientUri, Id, Name, Provider, UserUri};
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_node::typed::de_as;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::view::{Connection, DemoSwitch, Peer, Qr, Rule, RuleKind, Strangers, User, UserRule};

/// Declares requests and answers that are plain records.
macro_rules! records {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Serialize, Deserialize, TS)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }
    )*};
}

mod backups;
mod cards;
mod consent;
mod conversations;
mod groups;
mod letting_go;
mod set_up;
mod storage;
mod traffic;

pub use backups::*;
pub use cards::*;
pub use consent::*;
pub use conversations::*;
pub use groups::*;
pub use letting_go::*;
pub use set_up::*;
pub use storage::*;
pub use traffic::*;

records! {
    /// Nothing is asked, or nothing is to be said.
    Empty {}

    /// `signed-with`, `revoke-key`: one of the provider's own signing keys.
    NamedKey {
        /// Its thumbprint.
        #[ts(type = "string")]
        fingerprint: Thumbprint,
    }

    /// `accept-key`: the keys that a peer's document shows are its keys from now on. They are named, so that none is accepted
    /// but those that were looked at.
    AcceptKey {
        /// The peer.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::provider")]
        provider: Provider,
        /// Their thumbprints, the `new_fingerprints` of `peer`.
        #[ts(type = "string[]")]
        fingerprints: Vec<Thumbprint>,
    }

    /// `end-session`: a browser is shut out.
    NamedSession {
        /// Which of `sessions`.
        id: String,
    }

    /// `end-other-sessions`: all browsers but one are shut out.
    OtherSessions {
        /// Which of `sessions` stays.
        keep: String,
    }

    /// `link-device`: a link by which another device opens the pages, in the place of the one before.
    LinkDevice {
        /// Where who asks has the pages open, which is offered first [default: none is known].
        #[serde(default)]
        #[ts(optional)]
        origin: Option<String>,
    }

    /// `support-bundle`: what helps somebody else to find out what is wrong here, without names and secrets.
    SupportBundle {
        /// The file, JSON.
        text: String,
    }

    /// `set-log`: which lines the log has from now on; answered with what is so then.
    LogFilter {
        /// A level, or levels for modules, such as `warn,drawbridge_node=debug`.
        filter: String,
    }

    /// `ignore-repair`, `unignore-repair`: something that is wrong, which is shown again where it changes.
    NamedRepair {
        /// Which of `repairs`.
        #[ts(type = "string")]
        id: Id,
    }

    /// `run-demo-node`: starts or stops a provider of the demo.
    RunDemoNode {
        /// `beta` or `gamma`.
        name: String,
        /// Whether it is to run.
        running: bool,
    }

    /// `demo-switch`: turns on or off what is wrong with a provider of the demo.
    TurnDemoSwitch {
        /// `alpha`, `beta` or `gamma`.
        provider: String,
        /// What.
        switch: DemoSwitch,
        /// Whether it is to be so.
        on: bool,
    }

    /// `look-at-demo-node`: the window shows another provider of the demo.
    LookAtDemoNode {
        /// `alpha`, `beta` or `gamma`.
        name: String,
    }

    /// `demo-ask`: a person of the demo asks another for a connection.
    DemoAsk {
        /// Who asks.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::user")]
        from: UserUri,
        /// Who is asked.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::user")]
        to: UserUri,
    }

    /// `read-name`: what is meant by something that a person has typed, before it is used.
    ReadName {
        /// What it is to be.
        kind: NameKind,
        /// As it was typed.
        text: String,
    }

    /// `read-name`.
    NameRead {
        /// The one spelling that is used everywhere.
        name: String,
    }

    /// Names a peer: `peer`, `retry-peer`, `check`, `ignore-peer`, `end-connections`.
    NamedPeer {
        /// Which.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::provider")]
        provider: Provider,
    }

    /// `pause-peer`: stops or resumes pulling from a peer.
    PausePeer {
        /// Which.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::provider")]
        provider: Provider,
        /// Whether pulling rests.
        paused: bool,
    }

    /// `peers`.
    Peers {
        /// All that are not unknown, by name.
        peers: Vec<Peer>,
    }

    /// `check`: begins to look at a provider, whether or not it was met before.
    StartCheck {
        /// Its name, as it is typed; where it is left out, it is this provider, as others find it.
        #[serde(default)]
        #[ts(optional)]
        provider: Option<String>,
    }

    /// `check`, `look-back`, `compare-log`: the report that is being made.
    Check {
        /// Its number, for `check-report`, or for `comparison` where logs are compared.
        #[ts(type = "number")]
        id: u64,
    }

    /// `check-report`, `comparison`: answered once there are more steps or findings than `after`, or the report is finished; after
    /// some seconds as it is.
    ReadCheck {
        /// Its number.
        #[ts(type = "number")]
        id: u64,
        /// How many steps or findings are known already.
        #[serde(default)]
        #[ts(as = "Option<u32>", optional)]
        after: u32,
    }

    /// `dry-run`: what would happen if somebody asked something here.
    DryRunOf {
        /// A provider or a person, as it is typed.
        who: String,
    }

    /// `strangers`: how strangers become peers.
    SetStrangers {
        /// The way.
        mode: Strangers,
    }

    /// `tell-declined`: whether requesters learn that they were declined.
    TellDeclined {
        /// Whether.
        on: bool,
    }

    /// `connect`: one of our users asks another for a connection.
    Connect {
        /// Our user.
        #[ts(type = "string")]
        user: Name,
        /// Whom.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::user")]
        to: UserUri,
        /// Seconds until the request lapses; 30 days unless told.
        #[serde(default)]
        #[ts(optional, type = "number")]
        ttl: Option<u64>,
    }

    /// `connect`: the request that was made.
    Connecting {
        /// Its id.
        #[ts(type = "string")]
        id: Id,
    }

    /// `connections`.
    Connections {
        /// All that are known, newest first.
        connections: Vec<Connection>,
    }

    /// `create-user`.
    CreateUser {
        /// Its local name.
        #[ts(type = "string")]
        name: Name,
        /// What happens with requests that no other rule covers; `ask` unless told.
        #[serde(default)]
        #[ts(as = "Option<UserRule>", optional)]
        rule: UserRule,
    }

    /// `create-user`: the account.
    CreatedUser {
        /// What others know it as.
        #[ts(type = "string")]
        user: UserUri,
    }

    /// `users`.
    Users {
        /// All, by name.
        users: Vec<User>,
    }

    /// `set-user-rule`.
    SetUserRule {
        /// Which user.
        #[ts(type = "string")]
        user: Name,
        /// What happens with requests that no other rule covers.
        rule: UserRule,
    }

    /// Names an account: `open-account` makes the built-in client by which its conversations are used on this
    /// computer, `close-account` removes it, and with it what only that client has.
    NamedUser {
        /// Its local name.
        #[ts(type = "string")]
        user: Name,
    }

    /// Names a client: `create-client`, `new-token`, `delete-client`.
    NamedClient {
        /// Its user.
        #[ts(type = "string")]
        user: Name,
        /// Its local name.
        #[ts(type = "string")]
        name: Name,
    }

    /// A client's token. It is kept only as a hash and cannot be shown again.
    Token {
        /// What the client's leaf says.
        #[ts(type = "string")]
        client: ClientUri,
        /// The bearer token for the client API.
        token: String,
        /// Where the client comes with it; `null` where clients are not served.
        address: Option<String>,
        /// The address, as a QR code.
        qr: Option<Qr>,
    }

    /// `rules`.
    Rules {
        /// All, newest first.
        rules: Vec<Rule>,
    }

    /// `set-rule`: a standing decision; without `rule` it is taken back.
    SetRule {
        /// The local user that it holds for; all, where absent.
        #[serde(default)]
        #[ts(optional, type = "string")]
        user: Option<Name>,
        /// A user's URI or a provider's authority.
        from: String,
        /// What happens from now on.
        #[serde(default)]
        #[ts(optional)]
        rule: Option<RuleKind>,
    }
}

/// What can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum NameKind {
    /// A provider.
    Provider,
    /// A user.
    User,
    /// A group.
    Group,
}
