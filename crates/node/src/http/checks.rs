//! `POST /checks`: a peer asks to be looked at (`docs/checks.md`).

use http::StatusCode;

use super::passed::Passed;
use super::reply::Reply;
use crate::refusal::Refusal;

/// Takes the request; what is seen comes through the feed.
pub(super) fn look_back(passed: &Passed<'_>) -> Result<Reply, Refusal> {
    let caller = &passed.caller;
    let accepted = passed.server.doctor.look_back_at(&caller.provider, caller.address, passed.message()?)?;
    Ok(Reply::message(StatusCode::ACCEPTED, passed.wanted(), &accepted))
}
