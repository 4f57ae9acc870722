//! That a peer's pulls come here and are refused: then it is neither away nor unwilling, and why they are refused is known.

use std::time::Duration;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;

use crate::peer_fault::{PeerFault, Stage};
use crate::peers::{COMES_AGAIN, ClockOffset, Peers};
use crate::side::Side;
use crate::traffic::{Direction, TrafficFilter, TrafficKind, TrafficRecord};

/// So many of a peer's latest pulls are looked at for one that was judged.
const LATEST: usize = 16;

/// The latest pull of a peer, which was refused.
#[derive(Clone, Debug)]
pub struct RefusedPull {
    /// When it came.
    pub at: Timestamp,
    /// Why, in the words of whom looks: a code that a remedy hangs on, and a sentence.
    pub fault: PeerFault,
    /// Who has to act.
    pub side: Side,
    /// Whether it is proved that it came from the peer.
    pub is_proved: bool,
}

impl RefusedPull {
    /// The latest pull of `peer`, where that was refused lately for a reason that goes on at `now`. What the operator has decided
    /// on the peer is none: that is known from its state.
    pub(crate) async fn latest(peers: &Peers, peer: &Provider, now: Timestamp) -> Option<Self> {
        let filter = TrafficFilter {
            peer: Some(peer.clone()),
            direction: Some(Direction::In),
            kind: Some(TrafficKind::Pull),
            ..TrafficFilter::default()
        };
        // One that is still being checked says nothing yet; one that was let in and waits says that all is well.
        let latest = peers.traffic.select(filter, None, LATEST).await.ok()?;
        let record = latest.into_iter().find(|record| record.verified || !record.waiting)?;
        let status = record.status.filter(|status| *status >= 400)?;
        if now.since(record.at) > COMES_AGAIN {
            return None;
        }
        let code = record.code.as_deref().unwrap_or("other");
        let seen = peers.board.clock_since(peer, record.at);
        let is_over = match code {
            // The last two pass with the next pull.
            "peer-key-changed" | "peer-blocked" | "peer-pending" | "feed-reset" | "feed-truncated"
            | "rate-limited" | "unavailable" => true,
            // The clocks were found to be level since.
            "clock-skew" | "signature-expired" => seen.is_some_and(ClockOffset::is_tolerated),
            // Its document was read since, and has the key.
            "key-unknown" => record.signature().and_then(|signature| signature.key).is_some_and(|key| {
                let known = peers.documents.thumbprints(peer);
                known.iter().any(|known| key.ends_with(&format!("#{known}")))
            }),
            _ => false,
        };
        if is_over {
            return None;
        }
        let clock = seen.or_else(|| offset_in(&record)).map(|offset| {
            let (side, others) = peers.board.whose_clock(peer, offset);
            (side, format!("its clock is {}; {others}", offset.words(Duration::ZERO)))
        });
        let (fault, side) = explain(code, status, clock, peers.documents.why_unread(peer));
        Some(Self { at: record.at, fault, side, is_proved: record.verified })
    }
}

/// How far the clock is from ours by which a request says that it was signed.
fn offset_in(record: &TrafficRecord) -> Option<ClockOffset> {
    let is_input = |line: &&String| line.starts_with("signature-input: ");
    let (_, behind) = record.request_headers.iter().find(is_input)?.split_once(";created=")?;
    let digits: String = behind.chars().take_while(char::is_ascii_digit).collect();
    Some(ClockOffset::of(Timestamp::from_secs(digits.parse().ok()?), record.at))
}

/// What it means that a pull was answered with that code; `clock` is whose clock is wrong, and why, where that is known, and `unread` why
/// its document cannot be had.
fn explain(
    code: &str,
    status: u16,
    clock: Option<(Side, String)>,
    unread: Option<PeerFault>,
) -> (PeerFault, Side) {
    let said = format!("its pulls come here and are refused ({status} {code})");
    if let Some(fault) = unread.filter(|_| code == "key-unknown") {
        let (side, text) = (
            Side::of(&fault.code),
            format!("{said}, since its document, which has its key, cannot be read: {fault}"),
        );
        return (fault.told_as(&text), side);
    }
    let (code, why, side) = match code {
        "clock-skew" | "signature-expired" => match clock {
            Some((Side::Ours, why)) => ("own-clock", why, Side::Ours),
            Some((side, why)) => ("clock-skew", why, side),
            None => ("clock-skew", "its clock and this computer's differ by too much".into(), Side::Either),
        },
        "key-unknown" => (
            "pull-key-unknown",
            "its document does not have the key by which it signs, or could not be read from here".into(),
            Side::Either,
        ),
        "signature-invalid" | "digest-mismatch" => {
            ("signature-invalid", "what comes here is not what was signed".into(), Side::Either)
        }
        "signature-missing" => ("signature-missing", "they come without a signature".into(), Side::Either),
        _ => ("pull-refused", "they are not as they should be".into(), Side::Theirs),
    };
    (PeerFault::new(Stage::Policy, code, format!("{said}: {why}")), side)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_to_act_is_who_has_the_clock_that_is_wrong() {
        for (side, code) in
            [(Side::Ours, "own-clock"), (Side::Theirs, "clock-skew"), (Side::Either, "clock-skew")]
        {
            let (fault, blamed) =
                explain("clock-skew", 401, Some((side, "its clock is 10 min ahead".into())), None);
            assert_eq!((fault.code.as_ref(), blamed), (code, side));
            assert_eq!(
                fault.text,
                "its pulls come here and are refused (401 clock-skew): its clock is 10 min ahead"
            );
        }
        assert_eq!(explain("clock-skew", 401, None, None).1, Side::Either);
    }

    #[test]
    fn why_a_document_cannot_be_read_is_what_is_told_of_a_key_that_is_not_known() {
        let expired = PeerFault::new(Stage::Tls, "certificate-expired", "its certificate ran out");
        let (fault, side) = explain("key-unknown", 401, None, Some(expired.clone()));
        assert_eq!(
            (fault.stage, fault.code.as_ref(), side),
            (Stage::Tls, "certificate-expired", Side::Theirs)
        );
        assert!(fault.text.ends_with("cannot be read: its certificate ran out"), "{}", fault.text);
        // The document was read, or it was refused for something else.
        assert_eq!(explain("key-unknown", 401, None, None).0.code, "pull-key-unknown");
        assert_eq!(explain("signature-missing", 401, None, Some(expired)).0.code, "signature-missing");
    }
}
