//! What one request to an owner carries.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::message::{GroupSubmissions, Submission, SubmitRequest};
use tokio::time::Instant;

use crate::store::QueuedSubmission;

/// Submissions in one request.
const AT_ONCE: usize = 1024;
/// Bytes in one request, before they are encoded.
const BYTES_AT_ONCE: usize = 3 << 20;
/// For so long it is remembered how much was too large for one request: it may be raised meanwhile.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// Submissions to any number of an owner's groups, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Batch(pub(super) Vec<QueuedSubmission>);

impl Batch {
    /// As much of what waits as one request may carry, but at least one submission. What comes in a group after one that has
    /// no room waits behind it; other groups go on.
    pub(super) fn of(queued: Vec<QueuedSubmission>, room: usize) -> Self {
        let (mut taken, mut bytes, mut closed) = (Vec::new(), 0_usize, HashSet::new());
        for queued in queued {
            let with_it = bytes.saturating_add(queued.submission.size());
            let has_room = taken.len() < AT_ONCE && with_it <= room;
            if closed.contains(&queued.group) {
                continue;
            }
            if has_room || taken.is_empty() {
                bytes = with_it;
                taken.push(queued);
            } else {
                closed.insert(queued.group);
            }
        }
        Self(taken)
    }

    /// How many bytes it is, before it is encoded.
    pub(super) fn size(&self) -> usize {
        self.0.iter().map(|queued| queued.submission.size()).sum()
    }

    /// Two batches of about half the size each, where there are two submissions at least.
    pub(super) fn halve(mut self) -> (Self, Self) {
        let (half, mut bytes) = (self.size() / 2, 0);
        let place = self.0.iter().position(|queued| {
            bytes += queued.submission.size();
            bytes > half
        });
        let place = place.unwrap_or(0).clamp(1, self.0.len().saturating_sub(1).max(1));
        let rest = self.0.split_off(place.min(self.0.len()));
        (self, Self(rest))
    }

    /// The request, and which of the batch's submissions each of its groups has, by their places.
    pub(super) fn request(&self) -> (SubmitRequest<&Submission>, Vec<Vec<usize>>) {
        let (mut groups, mut places) = (Vec::new(), Vec::<Vec<usize>>::new());
        let mut known: HashMap<&GroupUri, usize> = HashMap::new();
        for (place, queued) in self.0.iter().enumerate() {
            let at = *known.entry(&queued.group).or_insert_with(|| {
                groups.push(GroupSubmissions { group: queued.group.name().to_string(), events: Vec::new() });
                places.push(Vec::new());
                groups.len() - 1
            });
            groups[at].events.push(&queued.submission);
            places[at].push(place);
        }
        (SubmitRequest { groups }, places)
    }
}

/// How many bytes one request to an owner may have, as far as is known.
#[derive(Debug, Default)]
pub(super) struct Room(Option<(usize, Instant)>);

impl Room {
    /// The most bytes of a batch.
    pub(super) fn bytes(&self) -> usize {
        match self.0 {
            Some((bytes, until)) if Instant::now() < until => bytes,
            _ => BYTES_AT_ONCE,
        }
    }

    /// A batch of so many bytes was too large.
    pub(super) fn refused(&mut self, bytes: usize) {
        self.0 = Some((self.bytes().min(bytes / 2), Instant::now() + REMEMBERED));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::{AmbientExt, System};
    use drawbridge_mtp::message::SubmissionKind;
    use drawbridge_mtp::octets::Octets;

    fn queued(group: &str, bytes: usize) -> QueuedSubmission {
        let submission = Submission {
            id: System.id(),
            kind: SubmissionKind::Application,
            sender: "mimi://b.example/u/bob/d/phone".parse().unwrap(),
            mls: Octets(vec![0; bytes]),
            welcome: None,
            group_info: None,
            grants: Vec::new(),
        };
        QueuedSubmission { group: format!("mimi://a.example/g/{group}").parse().unwrap(), submission }
    }

    fn sizes(batch: &Batch) -> Vec<usize> {
        batch.0.iter().map(|queued| queued.submission.mls.as_slice().len()).collect()
    }

    #[test]
    fn nothing_overtakes_a_submission_of_its_group_that_has_no_room() {
        let waiting = [("a", 100), ("a", 1000), ("b", 200), ("a", 1), ("c", 700), ("b", 2)];
        let batch = Batch::of(waiting.map(|(group, bytes)| queued(group, bytes)).into(), 1000);
        assert_eq!(sizes(&batch), [100, 200, 700], "the second of a and the last of b wait");
        let large = Batch::of(vec![queued("a", 1001), queued("b", 1)], 1000);
        assert_eq!(sizes(&large), [1001], "one that is too large for any goes alone");
    }

    #[test]
    fn halves_have_about_half_the_bytes_each_and_at_least_one_submission() {
        for (whole, first) in [
            (vec![1, 1], 1),
            (vec![9, 1], 1),
            (vec![1, 9], 1),
            (vec![0, 0, 0], 1),
            (vec![1, 1, 1, 1], 2),
            (vec![1, 1, 9, 1], 2),
            (vec![5, 1, 1, 1], 1),
        ] {
            let batch = Batch(whole.iter().map(|bytes| queued("a", *bytes)).collect());
            let (one, other) = batch.halve();
            assert_eq!((sizes(&one), sizes(&other)), (whole[..first].to_vec(), whole[first..].to_vec()));
        }
    }

    #[test]
    fn a_request_has_each_group_once_and_the_order_within_it() {
        let batch = Batch([("a", 1), ("b", 2), ("a", 3)].map(|(group, bytes)| queued(group, bytes)).into());
        let (request, places) = batch.request();
        let told: Vec<_> = request
            .groups
            .iter()
            .map(|group| {
                (group.group.as_str(), group.events.iter().map(|event| event.id).collect::<Vec<_>>())
            })
            .collect();
        let id = |place: usize| batch.0[place].submission.id;
        assert_eq!(told, [("a", vec![id(0), id(2)]), ("b", vec![id(1)])]);
        assert_eq!(places, [vec![0, 2], vec![1]]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_too_large_is_halved_again_and_again_and_forgotten_after_an_hour() {
        let mut room = Room::default();
        assert_eq!(room.bytes(), BYTES_AT_ONCE);
        room.refused(1000);
        room.refused(900);
        assert_eq!(room.bytes(), 450);
        room.refused(3000);
        assert_eq!(room.bytes(), 450, "a single thing is sent whatever its size, and says nothing new");
        tokio::time::advance(REMEMBERED).await;
        assert_eq!(room.bytes(), BYTES_AT_ONCE);
    }
}
