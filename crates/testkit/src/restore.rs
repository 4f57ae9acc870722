//! Setting a provider's store back to an older copy, and what is waited for then.

use std::path::{Path, PathBuf};
use std::time::Duration;

use drawbridge_mtp::id::{Generation, GroupUri};
use drawbridge_mtp::message::{Outcome, Placed, Submission, SubmissionResult};
use drawbridge_mtp::problem::Code;
use drawbridge_node::store::Reader;

use crate::{Federation, MlsClient, MutualPeers, TestNode, WAIT_LIMIT};

/// A copy of a provider's store, which goes on.
pub async fn copy_store(peers: &MutualPeers, test_node: &TestNode) -> PathBuf {
    test_node.stop().await;
    let copy = peers.federation.copy_of(test_node);
    test_node.start().await;
    copy
}

/// Sets the store of a provider back to a copy, and starts it.
pub async fn restore_store(peers: &MutualPeers, test_node: &TestNode, copy: &Path) {
    test_node.stop().await;
    peers.federation.restore(test_node, copy);
    // Pulls are told apart by the second in which they are signed, and nobody restores a copy within one.
    peers.federation.clock().turn(Duration::from_secs(2));
    test_node.start().await;
}

/// Whether `test_node` pulls from its peer; what its users submit goes on.
pub async fn pause_pulls(test_node: &TestNode, peer: &TestNode, paused: bool) {
    test_node.node().operator().pause_peer(peer.provider().clone(), paused).await.unwrap();
}

/// Returns when a provider has the log of a group up to this event.
pub async fn wait_for_event(test_node: &TestNode, group: &GroupUri, seq: u64) {
    let uri = group.clone();
    let until = format!("it has event {seq}");
    test_node.until(&until, move |view| Ok(view.group(&uri)?.filter(|row| row.head >= seq))).await;
}

/// The history of a provider's feed for another.
pub async fn feed_generation(test_node: &TestNode, peer: &TestNode) -> Generation {
    let reader = Reader::Peer(peer.provider().clone());
    test_node.reads(move |view| view.feed(&reader)).await.unwrap().generation
}

/// Submits something, which is accepted, by the feed where the owner has only just come back; its place.
///
/// What a provider's feed told before its log was set right may still be looked at then, and breaks the group for a moment: that
/// is answered as unavailable, and a client comes again.
pub async fn accepted(client: &MlsClient, group: &GroupUri, submission: &Submission) -> Placed {
    let end = tokio::time::Instant::now() + WAIT_LIMIT;
    let outcome = loop {
        match client.tries_to_submit(group, vec![submission.clone()]).await {
            Ok(results) => break <[SubmissionResult; 1]>::try_from(results).unwrap()[0].outcome.clone(),
            Err(problem)
                if problem.known() == Some(Code::Unavailable) && tokio::time::Instant::now() < end => {}
            Err(problem) => panic!("{problem:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let outcome = match outcome {
        Outcome::Queued => {
            client.hears("its result", |client| client.result(group, submission.id)).await.outcome
        }
        outcome => outcome,
    };
    let Outcome::Accepted(placed) = outcome else {
        panic!("{} of {} is not accepted but {outcome:?}", submission.kind, client.uri());
    };
    placed
}

/// Says something, which is accepted so; what was submitted, and its place.
pub async fn says(client: &MlsClient, group: &GroupUri, text: &str) -> (Submission, Placed) {
    let said = client.says(group, text);
    let placed = accepted(client, group, &said).await;
    (said, placed)
}

/// Returns when `test_node` has been told that nobody is there at `peer`.
pub async fn wait_until_unreachable(test_node: &TestNode, peer: &TestNode) {
    let provider = peer.provider().clone();
    test_node
        .until("nobody is there", move |view| Ok(view.troubles(&provider)?.into_iter().find(|it| !it.over)))
        .await;
}

/// Returns when a participant has a checkpoint that covers this event. A minute may pass before it is known there that
/// something was stored.
pub async fn wait_for_checkpoint(federation: &Federation, test_node: &TestNode, group: &GroupUri, seq: u64) {
    for _ in 0..10 {
        federation.clock().turn(Duration::from_secs(61));
        let uri = group.clone();
        let asked = test_node.until("it has a checkpoint", move |view| {
            let Some(row) = view.group(&uri)? else { return Ok(None) };
            let kept = [view.checkpoint(row.id)?, view.agreed_checkpoint(row.id)?];
            // One far beyond the log is of no event that there is.
            Ok(kept.into_iter().flatten().find(|kept| (seq..=row.head.max(seq)).contains(&kept.seq)))
        });
        if tokio::time::timeout(Duration::from_secs(4), asked).await.is_ok() {
            return;
        }
    }
    panic!("there is no checkpoint of event {seq}");
}
