//! The groups that this node owns or has members in.

use drawbridge_mtp::policy::Policy;
use drawbridge_mtp::time::Timestamp;
use drawbridge_node::operator;

use crate::built_in_clients::BUILT_IN;
use crate::convert::small;
use crate::error::AdminError;
use crate::host::Host;
use crate::request::{Empty, Groups, NamedGroup};
use crate::view::{
    GrantView, GroupAccount, GroupDetail, GroupPolicy, GroupSummary, LogEntry, LostBranch, Participant,
    RosterClient, RosterProvider, RosterUser, UnprovedMessages,
};

pub(crate) async fn groups(host: &Host, Empty {}: Empty) -> Result<Groups, AdminError> {
    let groups = host.node().await?.operator().groups().await?;
    Ok(Groups { groups: groups.into_iter().map(Into::into).collect() })
}

pub(crate) async fn group(host: &Host, ask: NamedGroup) -> Result<GroupDetail, AdminError> {
    let group = host.node().await?.operator().group(ask.group).await?;
    Ok(group.ok_or_else(AdminError::no_such_group)?.into())
}

impl From<operator::GroupSummary> for GroupSummary {
    fn from(group: operator::GroupSummary) -> Self {
        Self {
            name: group.name.unwrap_or_default(),
            owner: group.group.provider().clone(),
            ours: group.is_ours,
            epoch: group.epoch,
            head: group.head,
            users: small(group.users),
            clients: small(group.clients),
            providers: small(group.providers),
            created: group.created,
            standing: group.standing.into(),
            owner_let_go: group.is_owner_let_go,
            owner_away_since: group.owner_away_since,
            fault: group.fault,
            bytes: group.bytes,
            group: group.group,
        }
    }
}

impl From<operator::GroupDetail> for GroupDetail {
    fn from(group: operator::GroupDetail) -> Self {
        Self {
            summary: group.summary.into(),
            cipher_suite: suite_name(group.suite),
            policy: group.policy.map(|Policy { name, admins, add, send }| GroupPolicy {
                name,
                admins,
                add,
                send,
            }),
            hash: group.hash.unwrap_or_default(),
            roster: group.roster.into_iter().map(Into::into).collect(),
            participants: group.participants.into_iter().map(Into::into).collect(),
            accounts: group.accounts.into_iter().map(Into::into).collect(),
            events: group.events.into_iter().map(Into::into).collect(),
            branches: group.branches.into_iter().map(Into::into).collect(),
            unproved: group.unproved.into_iter().map(Into::into).collect(),
            forks: group.forks.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<operator::RosterProvider> for RosterProvider {
    fn from(operator::RosterProvider { provider, users }: operator::RosterProvider) -> Self {
        Self { provider, users: users.into_iter().map(Into::into).collect() }
    }
}

impl From<operator::RosterUser> for RosterUser {
    fn from(user: operator::RosterUser) -> Self {
        let operator::RosterUser { user, is_admin, is_unproved, clients, added_by, grant } = user;
        Self {
            user,
            admin: is_admin,
            unproved: is_unproved,
            added_by,
            since_epoch: clients.iter().map(|client| client.since_epoch).min().unwrap_or_default(),
            clients: clients
                .into_iter()
                .map(|member| RosterClient {
                    client: member.client,
                    leaf: member.leaf,
                    since_epoch: member.since_epoch,
                })
                .collect(),
            grant: grant.map(Into::into),
        }
    }
}

impl From<operator::ShownGrant> for GrantView {
    fn from(operator::ShownGrant { claims, verdict }: operator::ShownGrant) -> Self {
        Self {
            issued: Timestamp::from_secs(claims.iat),
            expires: Timestamp::from_secs(claims.exp),
            iss: claims.iss,
            aud: claims.aud,
            sub: claims.sub,
            adder: claims.adder,
            group: claims.group,
            jti: claims.jti,
            verified: verdict.is_ok(),
            verdict: verdict.unwrap_or_else(|fault| fault),
        }
    }
}

impl From<operator::Participant> for Participant {
    fn from(participant: operator::Participant) -> Self {
        let operator::Participant { provider, acknowledged, behind, until, last_pull, is_waiting } =
            participant;
        Self { provider, acknowledged, behind, until, last_pull, waiting: is_waiting }
    }
}

impl From<operator::GroupAccount> for GroupAccount {
    fn from(operator::GroupAccount { user, is_admin, clients }: operator::GroupAccount) -> Self {
        let built_in = clients.iter().any(|client| client.as_str() == BUILT_IN);
        Self { user, admin: is_admin, built_in }
    }
}

impl From<operator::LogEntry> for LogEntry {
    fn from(entry: operator::LogEntry) -> Self {
        let operator::LogEntry { seq, kind, epoch, sender, time, bytes, hash } = entry;
        Self { seq, kind, epoch, sender, time, bytes, hash }
    }
}

impl From<operator::LostBranch> for LostBranch {
    fn from(branch: operator::LostBranch) -> Self {
        let operator::LostBranch { first, last, begun, at, events } = branch;
        Self { first, last, begun, at, events: events.into_iter().map(Into::into).collect() }
    }
}

impl From<operator::UnprovedRow> for UnprovedMessages {
    fn from(row: operator::UnprovedRow) -> Self {
        let operator::UnprovedRow { from, messages, first, last } = row;
        Self { from, messages, first, last }
    }
}

/// The name of an MLS cipher suite (RFC 9420, section 17.1).
fn suite_name(suite: u16) -> String {
    let name = match suite {
        0 => "not known yet",
        1 => "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
        2 => "MLS_128_DHKEMP256_AES128GCM_SHA256_P256",
        3 => "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519",
        5 => "MLS_256_DHKEMP521_AES256GCM_SHA512_P521",
        6 => "MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448",
        7 => "MLS_256_DHKEMP384_AES256GCM_SHA384_P384",
        other => return format!("MLS cipher suite {other}"),
    };
    name.to_owned()
}
