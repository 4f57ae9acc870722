//! `/connections` (section 7).

use drawbridge_mtp::id::Id;
use drawbridge_mtp::message::{ConnectionReply, ConnectionRequest};
use drawbridge_mtp::problem::{Code, Problem};
use http::StatusCode;

use super::reply::Reply;
use super::{Passed, Refusal};
use crate::consent;

/// `POST /connections`.
pub(super) async fn request(passed: &Passed<'_>) -> Result<Reply, Refusal> {
    let ask: ConnectionRequest = passed.message()?;
    let core = passed.core;
    if *ask.from.provider() != passed.caller.provider {
        let text = format!("{} is not a user of {}, who asks", ask.from, passed.caller.provider);
        return Err(Problem::new(Code::NotAuthorized, text).into());
    }
    if *ask.to.provider() != core.ours {
        return Err(Problem::new(Code::NotHere, format!("{} is not a user of {}", ask.to, core.ours)).into());
    }
    let (ours, peer, strangers) =
        (core.ours.clone(), passed.caller.provider.clone(), core.choices().strangers);
    let (keys, limits, id) = (core.documents.thumbprints(&peer), core.config.limits.clone(), ask.id);
    let received = core
        .store
        .write(move |tx| consent::receive(tx, &ours, &peer, ask, strangers, &keys, &limits))
        .await?;
    Ok(Reply::message(received.status, passed.wanted(), &ConnectionReply { id, state: received.state }))
}

/// `DELETE /connections/{id}`.
pub(super) async fn take_back(passed: &Passed<'_>, id: &str) -> Result<Reply, Refusal> {
    let id: Id = id.parse().map_err(|fault| {
        Problem::new(Code::Malformed, format!("the id in the path is malformed: {fault}"))
    })?;
    let core = passed.core;
    let (ours, peer, strangers) =
        (core.ours.clone(), passed.caller.provider.clone(), core.choices().strangers);
    let taken = core.store.write(move |tx| consent::take_back(tx, &ours, &peer, id, strangers));
    taken.await.map_err(Refusal::Store)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
