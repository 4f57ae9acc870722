//! `/own-check`: what this provider asks of itself under its own name, to find out whether what stands in front of it lets a large
//! request through, and one that waits. Nobody else is answered.

use std::net::SocketAddr;
use std::time::Duration;

use drawbridge_mtp::document::Limits;
use drawbridge_mtp::message::PeeringQuery;
use drawbridge_mtp::problem::{Code, Problem};
use http::StatusCode;

use super::passed::Passed;
use super::reply::Reply;
use crate::diagnose::OwnPong;
use crate::refusal::Refusal;

/// Its path below the endpoint.
pub(super) const OWN_CHECK: [&str; 1] = ["own-check"];

/// Whether it is ourselves who ask.
pub(super) fn is_own(passed: &Passed<'_>) -> bool {
    passed.caller.provider == passed.server.ground.ours
}

/// `POST /own-check`: its content has come.
pub(super) fn take(passed: &Passed<'_>) -> Reply {
    let caller = &passed.caller;
    let pong = OwnPong { came_from: SocketAddr::new(caller.address, caller.port).to_string() };
    Reply::message(StatusCode::OK, passed.wanted(), &pong)
}

/// `GET /own-check?wait=`: answered after so long, as a pull is for which there is no news.
pub(super) async fn hold(passed: Box<Passed<'_>>) -> Result<Reply, Refusal> {
    let query = PeeringQuery::parse(passed.query)
        .map_err(|fault| Problem::new(Code::Malformed, format!("the query is malformed: {fault}")))?;
    let wait = Duration::from_secs(query.wait.min(Limits::default().pull_wait_s));
    tokio::select! {
        () = tokio::time::sleep(wait) => {}
        () = passed.server.ground.stop.cancelled() => {}
    }
    Ok(take(&passed))
}
