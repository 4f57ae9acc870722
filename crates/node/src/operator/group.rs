//! One group with all that is known of it: its roster with the grants, its readers, its latest events.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use drawbridge_mtp::grant::{GrantClaims, UnverifiedGrant};
use drawbridge_mtp::id::{ClientUri, GroupUri, Name, Provider, UserUri};
use drawbridge_mtp::keys::{PublicKey, Thumbprint};
use drawbridge_mtp::message::{Body, Event, EventKind, RosterMember};
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::policy::Policy;
use drawbridge_mtp::time::Timestamp;
use futures_util::future::join_all;

use super::forks::{Fork, forks};
use super::groups::{GroupSummary, Listed};
use super::{Operator, ReadFault};
use crate::store::{AudienceRow, Branch, GroupRow, MemberRow, Proof, Reader, StoreFault, UnprovedRow, View};

/// The keys of providers that are known, by their thumbprints.
type Keys = HashMap<(Provider, Thumbprint), PublicKey>;

/// The latest events that are shown.
const EVENTS: u64 = 50;

/// A group with all that is known of it; never what is said in it.
#[derive(Clone, Debug)]
pub struct GroupDetail {
    /// As it is in the list.
    pub summary: GroupSummary,
    /// Its MLS cipher suite (RFC 9420, section 17.1); 0 where that is not known.
    pub suite: u16,
    /// Who may do what in it, as far as that is known.
    pub policy: Option<Policy>,
    /// The hash of the last event here; none where nothing of the log has come yet.
    pub hash: Option<Hash32>,
    /// The members by provider, the owner first.
    pub roster: Vec<RosterProvider>,
    /// How far each provider has its log, we first. The others are known at the owner alone.
    pub participants: Vec<Participant>,
    /// Our users in it, by name.
    pub accounts: Vec<GroupAccount>,
    /// The latest 50 events, the newest first.
    pub events: Vec<LogEntry>,
    /// Events that do not count, since its owner's store went back and the history from before that counts; the latest first.
    pub branches: Vec<LostBranch>,
    /// Messages of a group of ours that rest on the word of the participant that they were read back from.
    pub unproved: Vec<UnprovedRow>,
    /// Where its owner has told two stories of its log, the latest found first.
    pub forks: Vec<Fork>,
}

/// The members of a group at one provider.
#[derive(Clone, Debug)]
pub struct RosterProvider {
    /// The provider.
    pub provider: Provider,
    /// Its users in the group.
    pub users: Vec<RosterUser>,
}

/// A user in a group.
#[derive(Clone, Debug)]
pub struct RosterUser {
    /// Who.
    pub user: UserUri,
    /// Whether it is among the admins of the policy.
    pub is_admin: bool,
    /// Whether the group's owner has not proved that it agreed to be added.
    pub is_unproved: bool,
    /// Its clients in the group, by leaf.
    pub clients: Vec<RosterMember>,
    /// Who added the first of them: the one that others have let in.
    pub added_by: UserUri,
    /// The grant under which that one was added, where one was needed.
    pub grant: Option<ShownGrant>,
}

/// A grant opened.
#[derive(Clone, Debug)]
pub struct ShownGrant {
    /// What it says.
    pub claims: GrantClaims,
    /// In one sentence each: that its issuer has signed it and for what the roster says, or why it does not prove that.
    pub verdict: Result<String, String>,
}

/// A provider that is told of a group's events, and how far it is.
#[derive(Clone, Debug)]
pub struct Participant {
    /// Which.
    pub provider: Provider,
    /// The last event that it has acknowledged, 0 for none.
    pub acknowledged: u64,
    /// How many events it has still to acknowledge.
    pub behind: u64,
    /// Up to which event it is told, where that is settled.
    pub until: Option<u64>,
    /// When it last pulled, as far as the store knows.
    pub last_pull: Option<Timestamp>,
    /// Whether a pull of it waits here.
    pub is_waiting: bool,
}

/// A user of ours in a group.
#[derive(Clone, Debug)]
pub struct GroupAccount {
    /// Its local name.
    pub user: Name,
    /// Whether it is among the admins of the policy.
    pub is_admin: bool,
    /// The names of all its clients, in the group or not.
    pub clients: Vec<Name>,
}

/// An event of a log; never its body.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// Its number.
    pub seq: u64,
    /// What it is.
    pub kind: EventKind,
    /// In which epoch.
    pub epoch: u64,
    /// Who made it.
    pub sender: ClientUri,
    /// When it was accepted.
    pub time: Timestamp,
    /// Octets of its body; 0 where that was dropped.
    pub bytes: u64,
    /// Its hash.
    pub hash: Hash32,
}

/// Events that do not count any more.
#[derive(Clone, Debug)]
pub struct LostBranch {
    /// The number of the first.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
    /// When the first was numbered.
    pub begun: Timestamp,
    /// When it was found that they do not count.
    pub at: Timestamp,
    /// The latest 50 of them, the newest first.
    pub events: Vec<LogEntry>,
}

/// What the store has of a group.
struct Known {
    listed: Listed,
    policy: Option<Policy>,
    members: Vec<MemberRow>,
    readers: Vec<ReaderPlace>,
    accounts: Vec<GroupAccount>,
    events: Vec<LogEntry>,
    branches: Vec<LostBranch>,
    unproved: Vec<UnprovedRow>,
    forks: Vec<Fork>,
}

/// How far a reader of a group's events is.
struct ReaderPlace {
    audience: AudienceRow,
    acknowledged: u64,
    last_pull: Option<Timestamp>,
}

impl Operator {
    /// A group; none where it is not known here.
    pub async fn group(&self, group: GroupUri) -> Result<Option<GroupDetail>, ReadFault> {
        let ours = self.ground.ours.clone();
        let known = self.store.read::<_, ReadFault>(move |view| {
            let Some(row) = view.group(&group)? else { return Ok(None) };
            Ok(Some(Known::of(view, &ours, row)?))
        });
        let Some(known) = known.await? else { return Ok(None) };
        let Known { listed, policy, members, readers, accounts, events, branches, unproved, forks } = known;
        let row = listed.row.clone();
        Ok(Some(GroupDetail {
            summary: self.summary(listed),
            suite: row.suite,
            hash: row.hash,
            roster: self.roster(&row, members, policy.as_ref()).await,
            participants: self.participants(&row, readers),
            policy,
            accounts,
            events,
            branches,
            unproved,
            forks,
        }))
    }

    fn participants(&self, row: &GroupRow, readers: Vec<ReaderPlace>) -> Vec<Participant> {
        let mut participants = vec![Participant {
            provider: self.ground.ours.clone(),
            acknowledged: row.head,
            behind: 0,
            until: None,
            last_pull: None,
            is_waiting: false,
        }];
        for ReaderPlace { audience, acknowledged, last_pull } in readers {
            let Reader::Peer(provider) = audience.reader else { continue };
            let head = audience.until.unwrap_or(row.head);
            participants.push(Participant {
                behind: head.saturating_sub(acknowledged.max(audience.since.saturating_sub(1))),
                acknowledged,
                until: audience.until,
                last_pull,
                is_waiting: self.is_pulled_by(&provider),
                provider,
            });
        }
        participants
    }

    async fn roster(
        &self,
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
        // The first of a user's clients is the one that others let in.
        let first_of = |clients: &[RosterMember]| {
            clients.iter().min_by_key(|member| (member.grant.is_none(), member.since_epoch)).cloned()
        };
        let firsts: Vec<RosterMember> = users.values().filter_map(|clients| first_of(clients)).collect();
        let keys = self.keys_of_grants(&firsts).await;
        let mut providers: BTreeMap<(bool, Provider), Vec<RosterUser>> = BTreeMap::new();
        for (user, clients) in users {
            let Some(first) = first_of(&clients) else { continue };
            let shown = RosterUser {
                is_admin: policy.is_some_and(|policy| policy.is_admin(&user)),
                is_unproved: unproved.contains(&user),
                added_by: first.added_by.clone(),
                grant: first.grant.as_deref().and_then(|jws| open_grant(row, &first, jws, &keys)),
                clients,
                user: user.clone(),
            };
            let place = (user.provider() != row.owner(), user.provider().clone());
            providers.entry(place).or_default().push(shown);
        }
        providers.into_iter().map(|((_, provider), users)| RosterProvider { provider, users }).collect()
    }

    /// The keys by which the grants of `members` say that they are signed. A document that is not at hand is asked for; so all are
    /// waited for at the same time.
    async fn keys_of_grants(&self, members: &[RosterMember]) -> Keys {
        let grants = members.iter().filter_map(|member| member.grant.as_deref());
        let signed_by = grants.filter_map(|jws| {
            let grant = UnverifiedGrant::parse(jws).ok()?;
            Some((grant.issuer().clone(), *grant.kid()))
        });
        let signed_by: BTreeSet<(Provider, Thumbprint)> = signed_by.collect();
        let found = signed_by.into_iter().map(|(provider, kid)| async move {
            let key = self.key_for(&provider, &kid).await?;
            Some(((provider, kid), key))
        });
        join_all(found).await.into_iter().flatten().collect()
    }

    /// The key `kid` of `provider`, ours or a peer's, where it is to be had.
    async fn key_for(&self, provider: &Provider, kid: &Thumbprint) -> Option<PublicKey> {
        if *provider == self.ground.ours {
            return self.ground.keys.get(kid);
        }
        self.peers.key_of(provider, kid).await.ok()
    }
}

/// What a grant says, and whether its issuer said it. One that cannot be read was never accepted here.
fn open_grant(row: &GroupRow, member: &RosterMember, jws: &str, keys: &Keys) -> Option<ShownGrant> {
    let parsed = UnverifiedGrant::parse(jws).ok()?;
    let claims = parsed.unverified_claims().clone();
    let says_so = (&claims.sub, &claims.adder, &claims.group) == (&member.user, &member.added_by, &row.uri);
    let verdict = match keys.get(&(parsed.issuer().clone(), *parsed.kid())) {
        // It is judged as of when it was given: it was used since.
        Some(key) => match parsed.verify(key, row.owner(), Timestamp::from_secs(claims.iat)) {
            Ok(_) if says_so => Ok(format!("signed by {} and for what the roster says", claims.iss)),
            Ok(_) => Err("it is signed, but says something else than the roster".to_owned()),
            Err(fault) => Err(fault.to_string()),
        },
        None => Err(format!("the key of {} that signed it is not to be had", claims.iss)),
    };
    Some(ShownGrant { claims, verdict })
}

impl Known {
    fn of(view: &View<'_>, ours: &Provider, row: GroupRow) -> Result<Self, StoreFault> {
        let mut readers = Vec::new();
        for audience in view.audience(row.id)? {
            let acknowledged = view.acknowledged_in(row.id, &audience.reader)?;
            let last_pull = view.feed(&audience.reader)?.and_then(|feed| feed.pulled);
            readers.push(ReaderPlace { audience, acknowledged, last_pull });
        }
        let from = row.head.saturating_sub(EVENTS);
        let events = view.log_slice(&row, from, row.head, EVENTS, u64::MAX)?.events;
        let branches = view.branches(row.id)?.into_iter().map(|branch| {
            let events = entries(view.branch_events(&row, &branch, EVENTS)?);
            let Branch { first, last, begun, at } = branch;
            Ok(LostBranch { first, last, begun, at, events })
        });
        let (policy, members) = (view.policy(row.id)?, view.members(row.id)?);
        Ok(Self {
            accounts: accounts(view, ours, &members, policy.as_ref())?,
            policy,
            members,
            readers,
            events: entries(events),
            branches: branches.collect::<Result<_, StoreFault>>()?,
            unproved: view.unproved(row.id)?,
            forks: forks(view, &row)?,
            listed: Listed::of(view, row)?,
        })
    }
}

/// Our users among `members`.
fn accounts(
    view: &View<'_>,
    ours: &Provider,
    members: &[MemberRow],
    policy: Option<&Policy>,
) -> Result<Vec<GroupAccount>, StoreFault> {
    let users = members.iter().map(|row| &row.member.user).filter(|user| user.provider() == ours);
    let users: BTreeSet<_> = users.map(|user| (user.name(), user)).collect();
    let account = |(name, user): (&Name, &UserUri)| {
        Ok(GroupAccount {
            user: name.clone(),
            is_admin: policy.is_some_and(|policy| policy.is_admin(user)),
            clients: view.clients_of(name)?.into_iter().map(|client| client.name).collect(),
        })
    };
    users.into_iter().map(account).collect()
}

/// Events as they are shown, the newest first.
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
