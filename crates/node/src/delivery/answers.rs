//! What a participant, or a client of ours, may ask of a group (section 10).

use std::time::Duration;

use drawbridge_mtp::checkpoint::{CheckpointClaims, LIFETIME_S, UnverifiedCheckpoint};
use drawbridge_mtp::document::Limits;
use drawbridge_mtp::id::{GroupUri, Name, Provider};
use drawbridge_mtp::message::{CheckpointReply, GroupInfoReply, GroupStatus, LogPage, LogQuery, Roster};
use drawbridge_mtp::octets::{Hash32, Octets};
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_mtp::signature::Signer;
use drawbridge_mtp::time::Timestamp;

use super::Delivery;
use crate::delivery::signed::signed_of_ours;
use crate::identity::Keys;
use crate::refusal::Refusal;
use crate::store::{GroupRow, Reader, Standing, StoreFault, View};

/// When to ask again for a GroupInfo that only the next commit brings.
const NEXT_INFO: Duration = Duration::from_secs(60);

pub(super) fn absent() -> Refusal {
    Problem::new(Code::NotFound, "there is no such group here, or you have nobody in it").into()
}

/// The group `name` that `reader` may ask us about: one of ours in which it has a member, or, for its log, one that we
/// both are in. `at` names the owner where the caller does.
pub(crate) fn visible(
    view: &View<'_>,
    ours: &Provider,
    name: &Name,
    at: Option<&Provider>,
    reader: &Reader,
) -> Result<GroupRow, Refusal> {
    let own = GroupUri::new(at.unwrap_or(ours), name);
    let mut rows: Vec<_> = view.group(&own)?.into_iter().collect();
    // Others' groups have our path without their owner's name in it: the caller's own comes first.
    if let (None, Reader::Peer(peer)) = (at, reader) {
        let theirs = GroupUri::new(peer, name);
        let mut others = view.groups_named(name)?;
        others.retain(|row| row.uri != own);
        others.sort_by_key(|row| row.uri != theirs);
        rows.extend(others);
    }
    for row in rows {
        if is_in(view, &row, reader)? {
            return Ok(row);
        }
    }
    Err(absent())
}

/// Whether `reader` has a member in the group, or owns it.
pub(super) fn is_in(view: &View<'_>, row: &GroupRow, reader: &Reader) -> Result<bool, StoreFault> {
    match reader {
        Reader::Peer(peer) if row.owner() == peer => Ok(true),
        Reader::Peer(peer) => view.is_provider_in(row.id, peer),
        Reader::Client(client) => {
            let user = client.user();
            let of_user = view.members(row.id)?.into_iter().any(|row| row.member.user == *user);
            Ok(of_user || view.audience_of(row.id, reader)?.is_some_and(|audience| audience.until.is_none()))
        }
    }
}

/// `GET /groups/{name}`.
pub(crate) fn status(view: &View<'_>, row: &GroupRow) -> Result<GroupStatus, StoreFault> {
    let mut participants = view.providers_in(row.id)?;
    participants.retain(|provider| provider != row.owner());
    Ok(GroupStatus {
        group: row.uri.clone(),
        epoch: row.epoch,
        head: row.head,
        hash: row.hash.unwrap_or_default(),
        participants,
        created: row.created,
    })
}

/// `GET /groups/{name}/roster`.
pub(crate) fn roster(view: &View<'_>, row: &GroupRow) -> Result<Roster, StoreFault> {
    let members = view.members(row.id)?.into_iter().map(|row| row.member).collect();
    Ok(Roster { epoch: row.epoch, members })
}

/// `GET /groups/{name}/log`: nobody is told of what came before it was in the group. With it goes the newest checkpoint of
/// the owner's: ours, made by `signer` at `now` where one can sign, or the one that we keep.
pub(crate) fn log(
    view: &View<'_>,
    ours: &Provider,
    signer: Option<&Signer>,
    now: Timestamp,
    row: &GroupRow,
    reader: &Reader,
    query: &LogQuery,
) -> Result<LogPage, StoreFault> {
    let audience = view.audience_of(row.id, reader)?;
    let since = match (&audience, reader) {
        (Some(audience), _) => audience.since,
        // Its owner is told what we have; another participant, what it was told by the owner.
        (None, Reader::Peer(peer)) if row.owner() == peer => row.first,
        (None, Reader::Peer(peer)) if row.owner() != ours => view.participates_since(row.id, peer)?,
        (None, _) => row.head + 1,
    };
    let until = audience.and_then(|audience| audience.until).unwrap_or(row.head);
    let limits = Limits::default();
    let slice = view.log_slice(
        row,
        query.after.max(since.saturating_sub(1)),
        until,
        query.max_events.unwrap_or(limits.pull_events).min(limits.pull_events),
        query.max_bytes.unwrap_or(limits.pull_bytes).min(limits.pull_bytes),
    )?;
    let checkpoint = if row.owner() == ours {
        signer.map(|signer| checkpoint(signer, now, row).checkpoint)
    } else {
        // Of the owner's word, what covers our copy: the newest may be of another story, or of what is not here.
        let covers = signed_of_ours(view, row, row.head)?;
        covers.map_or_else(|| view.checkpoint(row.id), |kept| Ok(Some(kept)))?.map(|kept| kept.jws)
    };
    let first = since.max(row.first);
    Ok(LogPage { events: slice.events, first, head: until, more: slice.more, checkpoint })
}

impl Delivery {
    /// `GET /groups/{name}/info` of a group of ours.
    pub(crate) async fn group_info_of(&self, group: &GroupUri) -> Result<GroupInfoReply, Refusal> {
        let state = self.groups.read(group).await?.ok_or_else(absent)?;
        let (epoch, ratchet_tree) = (state.epoch(), Octets(state.ratchet_tree()?));
        let uri = group.clone();
        let group_info = self
            .store
            .read(move |view| match view.group(&uri)? {
                Some(row) => view.group_info(row.id),
                None => Ok::<_, StoreFault>(None),
            })
            .await?;
        drop(state);
        let group_info = group_info.ok_or_else(|| {
            let text = "what new clients need of this epoch was lost; the next commit brings it anew";
            Refusal::after(Problem::new(Code::Unavailable, text), NEXT_INFO)
        })?;
        Ok(GroupInfoReply { epoch, group_info: Octets(group_info), ratchet_tree })
    }
}

/// `GET /groups/{name}/checkpoint` of a group of ours.
pub(crate) fn checkpoint(signer: &Signer, now: Timestamp, row: &GroupRow) -> CheckpointReply {
    let now = now.as_secs();
    let claims = CheckpointClaims {
        iss: signer.provider().clone(),
        group: row.uri.clone(),
        seq: row.head,
        hash: row.hash.unwrap_or_default(),
        epoch: row.epoch,
        iat: now,
        exp: now + LIFETIME_S,
    };
    CheckpointReply { checkpoint: claims.sign(signer.key()) }
}

/// What a checkpoint says that a participant has kept of `group`, where it is of `ours` by one of our `keys`, also a former one. It may
/// have ended: what we have said stays said.
pub(super) fn own_checkpoint(
    ours: &Provider,
    keys: &Keys,
    group: &GroupUri,
    jws: &str,
) -> Option<CheckpointClaims> {
    let parsed = UnverifiedCheckpoint::parse(jws).ok()?;
    let key = keys.get(parsed.kid())?;
    let claims = parsed.verify(&key)?;
    (claims.iss == *ours && claims.group == *group).then_some(claims)
}

impl Delivery {
    /// `GET /objects/{sha256}`: the same answer where it is not there and where it is for others.
    pub(crate) async fn object_for(&self, reader: Reader, sha256: Hash32) -> Result<Vec<u8>, Refusal> {
        let found = self.store.read(move |view| view.object(&reader, &sha256)).await?;
        let text = "there is no such object here, or it is not for you";
        found.ok_or_else(|| Problem::new(Code::NotFound, text).into())
    }
}

/// Whether events of the group are taken in.
pub(crate) fn is_current(row: &GroupRow) -> bool {
    matches!(row.standing, Standing::Live | Standing::Joining)
}
