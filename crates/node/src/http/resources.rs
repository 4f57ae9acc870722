//! The resources of the server for other providers.

use drawbridge_mtp::problem::{Code, Problem};
use http::Method;

use super::passed::Passed;
use super::reply::Reply;
use super::{checks, feed, groups, key_packages, own_check, peering, requests};
use crate::refusal::Refusal;
use crate::store::{Addition, Connection};

/// The resources: one handler each.
pub(super) async fn answer(
    method: &Method,
    path: &[&str],
    passed: Box<Passed<'_>>,
) -> Result<Reply, Refusal> {
    match (method.as_str(), path) {
        // These wait, thousands at a time: they let go of what they do not need for that, and keep no room for others.
        ("GET", ["feed"]) => feed::pull(passed).await,
        ("GET", ["peering"]) => peering::state(passed).await,
        ("GET", ["own-check"]) if own_check::is_own(&passed) => own_check::hold(passed).await,
        _ => Box::pin(answer_at_once(method, path, passed)).await,
    }
}

async fn answer_at_once(method: &Method, path: &[&str], passed: Box<Passed<'_>>) -> Result<Reply, Refusal> {
    match (method.as_str(), path) {
        ("GET", ["ping"]) => peering::ping(&passed).await,
        ("POST", ["peering"]) => peering::introduce(&passed).await,
        ("POST", ["own-check"]) if own_check::is_own(&passed) => Ok(own_check::take(&passed)),
        ("POST", ["checks"]) => checks::look_back(&passed),
        ("POST", ["connections"]) => requests::request::<Connection>(&passed).await,
        ("DELETE", ["connections", id]) => requests::take_back::<Connection>(&passed, id).await,
        ("POST", ["authorizations"]) => requests::request::<Addition>(&passed).await,
        ("DELETE", ["authorizations", id]) => requests::take_back::<Addition>(&passed, id).await,
        ("POST", ["keypackages", "claim"]) => key_packages::claim(&passed).await,
        ("POST", ["submissions"]) => groups::submit(&passed).await,
        ("GET", ["groups", name]) => groups::status(&passed, name).await,
        ("GET", ["groups", name, "roster"]) => groups::roster(&passed, name).await,
        ("GET", ["groups", name, "log"]) => groups::log(&passed, name).await,
        ("GET", ["groups", name, "info"]) => groups::info(&passed, name).await,
        ("GET", ["groups", name, "trace"]) => groups::trace(&passed, name).await,
        ("GET", ["groups", name, "checkpoint"]) => groups::checkpoint(&passed, name).await,
        ("GET", ["objects", sha256]) => groups::object(&passed, sha256).await,
        _ => Err(Problem::new(
            Code::NotFound,
            "there is no such resource here; look at the path and the method",
        )
        .into()),
    }
}
