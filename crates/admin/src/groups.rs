//! The groups that this node owns or has members in.

use std::collections::{BTreeMap, BTreeSet};

use drawbridge_mtp::grant::UnverifiedGrant;
use drawbridge_mtp::id::{Provider, UserUri};
use drawbridge_mtp::message::{Body, Event, RosterMember};
use drawbridge_mtp::policy::Policy;
use drawbridge_mtp::seen::shows_nothing;
use drawbridge_mtp::time::Timestamp;
use drawbridge_node::Node;
use drawbridge_node::store::{
    AudienceRow, Branch, GroupRow, MemberRow, Proof, Reader, StoreFault, UnprovedRow, View,
};

use crate::built_in_clients::BUILT_IN;
use crate::error::AdminError;
use crate::host::Host;
use crate::request::{Empty, Groups, NamedGroup};
use crate::view::{
    GrantView, GroupAccount, GroupDetail, GroupPolicy, GroupStanding, GroupSummary, LogEntry, LostBranch,
    Participant, RosterClient, RosterProvider, RosterUser, UnprovedMessages,
};

/// The latest events that are shown.
const EVENTS: u64 = 50;

pub(crate) async fn groups(host: &Host, Empty {}: Empty) -> Result<Groups, AdminError> {
    let node = host.node().await?;
    let ours = node.provider().clone();
    let groups = node.store().read(move |view| {
        view.groups()?.iter().map(|row| summary(view, &ours, row)).collect::<Result<Vec<_>, StoreFault>>()
    });
    let mut groups = groups.await?;
    for group in &mut groups {
        group.owner_away_since = owner_away_since(&node, group);
    }
    groups.sort_by_cached_key(|group| (group.name.to_lowercase(), group.group.clone()));
    Ok(Groups { groups })
}

fn summary(view: &View<'_>, ours: &Provider, row: &GroupRow) -> Result<GroupSummary, StoreFault> {
    let (clients, users) = view.count_members(row.id)?;
    let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(GroupSummary {
        group: row.uri.clone(),
        // A client of another make may have given one of which nothing is seen.
        name: view
            .policy(row.id)?
            .map(|policy| policy.name)
            .filter(|name| !shows_nothing(name))
            .unwrap_or_default(),
        owner: row.owner().clone(),
        ours: row.owner() == ours,
        epoch: row.epoch,
        head: row.head,
        users: small(users),
        clients: small(clients),
        providers: small(view.providers_in(row.id)?.len() as u64),
        created: row.created,
        standing: row.standing.into(),
        owner_away_since: view.peer(row.owner())?.and_then(|owner| owner.last_pull),
        fault: row.fault.clone(),
        bytes: view.log_size(row.id)?.0,
    })
}

/// Since when the owner of a group that goes on has not been reached by our puller, which is what brings its events. In
/// `group`, that is still the last pull that the store knows of.
fn owner_away_since(node: &Node, group: &GroupSummary) -> Option<Timestamp> {
    if group.ours || group.standing != GroupStanding::Live {
        return None;
    }
    let pulling = node.pulling(&group.owner);
    match pulling {
        Some(pulling) if pulling.failures == 0 && pulling.status.is_well() => None,
        pulling => {
            let in_this_life = pulling.and_then(|pulling| pulling.last_pull);
            in_this_life.or(group.owner_away_since).or(Some(node.started()))
        }
    }
}

/// What the store has of one group.
struct Seen {
    summary: GroupSummary,
    row: GroupRow,
    policy: Option<Policy>,
    members: Vec<MemberRow>,
    places: Vec<(AudienceRow, u64, Option<Timestamp>)>,
    built_in: Vec<UserUri>,
    events: Vec<LogEntry>,
    branches: Vec<LostBranch>,
    unproved: Vec<UnprovedMessages>,
}

pub(crate) async fn group(host: &Host, ask: NamedGroup) -> Result<GroupDetail, AdminError> {
    let node = host.node().await?;
    let ours = node.provider().clone();
    let seen = node.store().read(move |view| {
        let Some(row) = view.group(&ask.group)? else { return Ok::<_, StoreFault>(None) };
        see(view, &ours, row).map(Some)
    });
    let text = "there is no such group here; the command groups lists those that there are";
    let seen = seen.await?.ok_or_else(|| AdminError::new("no-such-group", text))?;
    let Seen { mut summary, row, policy, members, places, built_in, events, branches, unproved } = seen;
    summary.owner_away_since = owner_away_since(&node, &summary);
    let mut participants = vec![Participant {
        provider: node.provider().clone(),
        acknowledged: row.head,
        behind: 0,
        until: None,
        last_pull: None,
        waiting: false,
    }];
    for (audience, acknowledged, last_pull) in places {
        let Reader::Peer(provider) = audience.reader else { continue };
        let head = audience.until.unwrap_or(row.head);
        participants.push(Participant {
            behind: head.saturating_sub(acknowledged.max(audience.since.saturating_sub(1))),
            acknowledged,
            until: audience.until,
            last_pull,
            waiting: node.is_pulled_by(&provider),
            provider,
        });
    }
    let accounts = accounts(&node, &members, policy.as_ref(), &built_in);
    let roster = roster(&node, &row, members, policy.as_ref()).await;
    Ok(GroupDetail {
        summary,
        cipher_suite: suite_name(row.suite),
        policy: policy.map(|Policy { name, admins, add, send }| GroupPolicy { name, admins, add, send }),
        hash: row.hash.unwrap_or_default(),
        roster,
        participants,
        accounts,
        events,
        branches,
        unproved,
    })
}

fn see(view: &View<'_>, ours: &Provider, row: GroupRow) -> Result<Seen, StoreFault> {
    let mut places = Vec::new();
    for audience in view.audience(row.id)? {
        let acknowledged = view.acknowledged_in(row.id, &audience.reader)?;
        let pulled = view.feed(&audience.reader)?.and_then(|feed| feed.pulled);
        places.push((audience, acknowledged, pulled));
    }
    let from = row.head.saturating_sub(EVENTS);
    let events = view.log_slice(&row, from, row.head, EVENTS, u64::MAX)?.events;
    let branches = view.branches(row.id)?.into_iter().map(|branch| {
        let events = view.branch_events(&row, &branch, EVENTS)?;
        let Branch { first, last, begun, at } = branch;
        Ok(LostBranch { first, last, begun, at, events: entries(events) })
    });
    let branches = branches.collect::<Result<Vec<_>, StoreFault>>()?;
    let clients = view.clients()?.into_iter().filter(|client| client.name.as_str() == BUILT_IN);
    Ok(Seen {
        summary: summary(view, ours, &row)?,
        policy: view.policy(row.id)?,
        members: view.members(row.id)?,
        places,
        built_in: clients.map(|client| UserUri::new(ours, &client.user)).collect(),
        events: entries(events),
        branches,
        unproved: view.unproved(row.id)?.into_iter().map(Into::into).collect(),
        row,
    })
}

/// Events as they are shown, newest first.
fn entries(events: Vec<Event>) -> Vec<LogEntry> {
    let entry = |event: Event| LogEntry {
        seq: event.seq,
        kind: event.kind,
        epoch: event.epoch,
        sender: event.sender,
        time: event.time,
        bytes: match event.body {
            Some(Body::Here(body)) => body.as_slice().len() as u64,
            Some(Body::Object(object)) => object.size,
            None => 0,
        },
        hash: event.hash,
    };
    events.into_iter().rev().map(entry).collect()
}

impl From<UnprovedRow> for UnprovedMessages {
    fn from(row: UnprovedRow) -> Self {
        let UnprovedRow { from, messages, first, last } = row;
        Self { from, messages, first, last }
    }
}

/// Our users in a group.
fn accounts(
    node: &Node,
    members: &[MemberRow],
    policy: Option<&Policy>,
    built_in: &[UserUri],
) -> Vec<GroupAccount> {
    let ours = members.iter().map(|row| &row.member.user).filter(|user| user.provider() == node.provider());
    let mut accounts: Vec<_> = ours
        .map(|user| GroupAccount {
            user: user.name().clone(),
            admin: policy.is_some_and(|policy| policy.is_admin(user)),
            built_in: built_in.contains(user),
        })
        .collect();
    accounts.sort_by(|one, other| one.user.cmp(&other.user));
    accounts.dedup_by(|one, other| one.user == other.user);
    accounts
}

/// The members by provider, the owner first, each user with its clients.
async fn roster(
    node: &Node,
    row: &GroupRow,
    members: Vec<MemberRow>,
    policy: Option<&Policy>,
) -> Vec<RosterProvider> {
    let mut users: BTreeMap<UserUri, Vec<RosterMember>> = BTreeMap::new();
    let mut unproved: BTreeSet<UserUri> = BTreeSet::new();
    for MemberRow { member, proof, .. } in members {
        if proof == Some(Proof::Unproved) {
            unproved.insert(member.user.clone());
        }
        users.entry(member.user.clone()).or_default().push(member);
    }
    let mut providers: BTreeMap<(bool, Provider), Vec<RosterUser>> = BTreeMap::new();
    for (user, members) in users {
        // The first of a user's clients is the one that others let in.
        let Some(first) = members.iter().min_by_key(|member| (member.grant.is_none(), member.since_epoch))
        else {
            continue;
        };
        let shown = RosterUser {
            admin: policy.is_some_and(|policy| policy.is_admin(&user)),
            unproved: unproved.contains(&user),
            added_by: first.added_by.clone(),
            since_epoch: members.iter().map(|member| member.since_epoch).min().unwrap_or_default(),
            grant: match &first.grant {
                Some(jws) => grant(node, row, first, jws).await,
                None => None,
            },
            clients: members
                .iter()
                .map(|member| RosterClient {
                    client: member.client.clone(),
                    leaf: member.leaf,
                    since_epoch: member.since_epoch,
                })
                .collect(),
            user: user.clone(),
        };
        let place = (user.provider() != row.owner(), user.provider().clone());
        providers.entry(place).or_default().push(shown);
    }
    providers.into_iter().map(|((_, provider), users)| RosterProvider { provider, users }).collect()
}

/// A grant opened: what it says, and whether its issuer said it. One that cannot be read was never accepted here.
async fn grant(node: &Node, row: &GroupRow, member: &RosterMember, jws: &str) -> Option<GrantView> {
    let parsed = UnverifiedGrant::parse(jws).ok()?;
    let claims = parsed.unverified_claims().clone();
    let says_so = (&claims.sub, &claims.adder, &claims.group) == (&member.user, &member.added_by, &row.uri);
    let verdict = match node.key_for(parsed.issuer(), parsed.kid()).await {
        // It is judged as of when it was given: it was used since.
        Some(key) => match parsed.verify(&key, row.owner(), Timestamp::from_secs(claims.iat)) {
            Ok(_) if says_so => Ok(format!("signed by {} and for what the roster says", claims.iss)),
            Ok(_) => Err("it is signed, but says something else than the roster".to_owned()),
            Err(fault) => Err(fault.to_string()),
        },
        None => Err(format!("the key of {} that signed it is not to be had", claims.iss)),
    };
    Some(GrantView {
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
    })
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
