//! `/keypackages` (section 9).

use drawbridge_mtp::message::ClaimRequest;
use http::StatusCode;

use super::passed::Passed;
use super::reply::Reply;
use crate::key_packages::Wanted;
use crate::refusal::Refusal;

/// `POST /keypackages/claim`.
pub(super) async fn claim(passed: &Passed<'_>) -> Result<Reply, Refusal> {
    let ask: ClaimRequest = passed.message()?;
    passed.must_be_theirs(&ask.adder)?;
    ask.users.iter().try_for_each(|user| passed.must_be_ours(user))?;
    let wanted = Wanted::of(&ask)?;
    let _turn = passed.server.turns.take(&passed.caller.provider).await;
    let reply = passed.server.key_packages.claim(ask, wanted).await?;
    Ok(Reply::message(StatusCode::OK, passed.wanted(), &reply))
}
