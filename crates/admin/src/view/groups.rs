//! The groups that this node owns or has members in, as their provider sees them: never what is said in them.

use drawbridge_mtp::id::{ClientUri, GroupUri, Id, Name, Provider, UserUri};
use drawbridge_mtp::message::EventKind;
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::policy::Who;
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::GroupFork;

/// A group at a glance.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct GroupSummary {
    /// Its identifier.
    #[ts(type = "string")]
    pub group: GroupUri,
    /// What its members call it; empty where they have not named it, nothing of that
    /// would be seen, or its policy is not here yet.
    pub name: String,
    /// The provider that owns it and keeps its log.
    #[ts(type = "string")]
    pub owner: Provider,
    /// Whether that is us.
    pub ours: bool,
    /// Its current MLS epoch.
    #[ts(type = "number")]
    pub epoch: u64,
    /// The number of the last event here.
    #[ts(type = "number")]
    pub head: u64,
    /// Users in it.
    pub users: u32,
    /// Clients in it: the leaves of its tree.
    pub clients: u32,
    /// Providers with a member in it.
    pub providers: u32,
    /// When it was made, as its owner says.
    #[ts(type = "string")]
    pub created: Timestamp,
    /// How it stands here.
    pub standing: GroupStanding,
    /// Whether nothing of it comes any more, though it goes on, since its owner was let go of here and is no peer.
    pub owner_let_go: bool,
    /// Since when its owner has not been reached, where our pulls there fail or are stopped: what it has numbered since
    /// then is not here. `null` while our pull there is well, and for a group of ours.
    #[ts(type = "string | null")]
    pub owner_away_since: Option<Timestamp>,
    /// One sentence on why it is broken.
    pub fault: Option<String>,
    /// Octets of what its events say, as they are kept here.
    #[ts(type = "number")]
    pub bytes: u64,
}

/// How a group stands at this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum GroupStanding {
    /// It goes on.
    Live,
    /// Its public state is on its way here.
    Joining,
    /// No member is left here; its log ends where the last one left.
    Over,
    /// An event broke the chain or the rules, and nothing after it is taken.
    Broken,
}

/// `group`: everything that a provider knows of a group.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct GroupDetail {
    /// At a glance.
    pub summary: GroupSummary,
    /// The name of its MLS cipher suite.
    pub cipher_suite: String,
    /// Who may do what in it; `null` until its public state is here.
    pub policy: Option<GroupPolicy>,
    /// The hash of the last event here, which speaks for all before it.
    #[ts(type = "string")]
    pub hash: Hash32,
    /// Its members, by provider: the owner first, then by name.
    pub roster: Vec<RosterProvider>,
    /// How far each provider has its log. Known in full at the owner; elsewhere only our own place.
    pub participants: Vec<Participant>,
    /// Our users in it, by name.
    pub accounts: Vec<GroupAccount>,
    /// The latest entries of its log, newest first, at most 50.
    pub events: Vec<LogEntry>,
    /// Events that do not count, since its owner's store went back and the history from before that counts; the latest first.
    pub branches: Vec<LostBranch>,
    /// Messages of a group of ours that were read back from other providers after our data was set back to an older copy,
    /// and that no signed checkpoint of ours covers, by provider. None where all is proved.
    pub unproved: Vec<UnprovedMessages>,
    /// Where its owner has told two stories of its log, the latest found first; `evidence` has what proves it.
    pub forks: Vec<GroupFork>,
}

/// Events that were in a group's log and do not count (section 12).
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct LostBranch {
    /// The number of the first of them.
    #[ts(type = "number")]
    pub first: u64,
    /// The number of the last of them.
    #[ts(type = "number")]
    pub last: u64,
    /// When the first was numbered.
    #[ts(type = "string")]
    pub begun: Timestamp,
    /// When it was found that they do not count.
    #[ts(type = "string")]
    pub at: Timestamp,
    /// The latest of them, newest first, at most 50.
    pub events: Vec<LogEntry>,
}

/// Messages that rest on the word of the provider that they were read back from (section 12).
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct UnprovedMessages {
    /// The provider.
    #[ts(type = "string")]
    pub from: Provider,
    /// How many there are.
    #[ts(type = "number")]
    pub messages: u64,
    /// The number of the first.
    #[ts(type = "number")]
    pub first: u64,
    /// The number of the last.
    #[ts(type = "number")]
    pub last: u64,
}

/// A user of ours in a group, and what can be done here in their name.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct GroupAccount {
    /// Local name.
    #[ts(type = "string")]
    pub user: Name,
    /// Whether the policy names them as an admin.
    pub admin: bool,
    /// Whether their account is used on this computer: only then they can leave or remove others from here, since
    /// a provider alone changes nothing in a group.
    pub built_in: bool,
}

/// Who may do something in a group, for TypeScript; in Rust it is the protocol's own [`Who`].
#[derive(TS)]
#[ts(rename = "Who", rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its shape is used")]
pub(crate) enum WhoWord {
    Admins,
    Members,
}

/// A group's policy, on which its members agree by MLS (section 10).
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct GroupPolicy {
    /// What its members call it; may be empty.
    pub name: String,
    /// Who may remove others and change the policy.
    #[ts(type = "string[]")]
    pub admins: Vec<UserUri>,
    /// Who may add others.
    #[ts(as = "WhoWord")]
    pub add: Who,
    /// Who may send messages.
    #[ts(as = "WhoWord")]
    pub send: Who,
}

/// The members of one provider.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct RosterProvider {
    /// Which.
    #[ts(type = "string")]
    pub provider: Provider,
    /// Its users in the group, by name.
    pub users: Vec<RosterUser>,
}

/// A user in a group.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct RosterUser {
    /// Who.
    #[ts(type = "string")]
    pub user: UserUri,
    /// Whether the policy names them as an admin.
    pub admin: bool,
    /// Whether the group's owner let them be added without a grant that holds: nobody has proved that they agreed.
    pub unproved: bool,
    /// Who added them; themselves, for the creator.
    #[ts(type = "string")]
    pub added_by: UserUri,
    /// Since which epoch they are in.
    #[ts(type = "number")]
    pub since_epoch: u64,
    /// Their clients in the group, by leaf.
    pub clients: Vec<RosterClient>,
    /// What allowed adding them; `null` for the creator.
    pub grant: Option<GrantView>,
}

/// A client in a group.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct RosterClient {
    /// Which.
    #[ts(type = "string")]
    pub client: ClientUri,
    /// Its leaf in the tree.
    pub leaf: u32,
    /// Since which epoch it is in.
    #[ts(type = "number")]
    pub since_epoch: u64,
}

/// A grant: the proof that a member's own provider agreed (section 8).
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct GrantView {
    /// The user's provider, which signed it.
    #[ts(type = "string")]
    pub iss: Provider,
    /// The group's owner, for whom it was.
    #[ts(type = "string")]
    pub aud: Provider,
    /// The user who agreed.
    #[ts(type = "string")]
    pub sub: UserUri,
    /// Who was allowed to add them.
    #[ts(type = "string")]
    pub adder: UserUri,
    /// To which group.
    #[ts(type = "string")]
    pub group: GroupUri,
    /// The authorization's id.
    #[ts(type = "string")]
    pub jti: Id,
    /// When it was given.
    #[ts(type = "string")]
    pub issued: Timestamp,
    /// When it ended, if it had not been used.
    #[ts(type = "string")]
    pub expires: Timestamp,
    /// Whether its signature was checked here with a key of its issuer and it says what the roster says.
    pub verified: bool,
    /// That, or what is wrong, in one sentence.
    pub verdict: String,
}

/// How far a provider has a group's log.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Participant {
    /// Which.
    #[ts(type = "string")]
    pub provider: Provider,
    /// Number of the last event that it has acknowledged.
    #[ts(type = "number")]
    pub acknowledged: u64,
    /// Events that it has not acknowledged yet.
    #[ts(type = "number")]
    pub behind: u64,
    /// Number of the last event that it gets, where nobody there is in the group any more.
    #[ts(type = "number | null")]
    pub until: Option<u64>,
    /// When a pull of its feed was last answered; `null` for ourselves and where it never was.
    #[ts(type = "string | null")]
    pub last_pull: Option<Timestamp>,
    /// Whether a pull of it waits here right now.
    pub waiting: bool,
}

/// An entry of a group's log, without its content.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct LogEntry {
    /// Its number.
    #[ts(type = "number")]
    pub seq: u64,
    /// What it is.
    #[ts(type = "\"created\" | \"application\" | \"proposal\" | \"commit\"")]
    pub kind: EventKind,
    /// The epoch in its framing.
    #[ts(type = "number")]
    pub epoch: u64,
    /// Who sent it.
    #[ts(type = "string")]
    pub sender: ClientUri,
    /// When its owner took it.
    #[ts(type = "string")]
    pub time: Timestamp,
    /// Size of its body.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Its hash, which speaks for all before it.
    #[ts(type = "string")]
    pub hash: Hash32,
}
