//! Evidence that the owner of a group told two stories of its log (section 10), for whoever has nothing but this: what the
//! owner has signed, the documents in which its keys stood, and the events by which what was signed hangs together.

use serde::{Deserialize, Serialize};

use crate::{
    chain::Head,
    checkpoint::{CheckpointClaims, UnverifiedCheckpoint},
    document::{DocumentFault, ProviderDocument},
    id::GroupUri,
    keys::Thumbprint,
    message::Event,
    octets::Hash32,
    time::Timestamp,
    wire::{self, Encoding, Malformed},
};

/// All that is kept against the owner of one group, which is named by the group's address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForkEvidence {
    /// The group.
    pub group: GroupUri,
    /// What contradicts itself, in the order in which it was found.
    pub contradictions: Vec<Contradiction>,
}

/// Two stories of one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contradiction {
    /// The number of the event.
    pub seq: u64,
    /// When they were found to differ.
    pub found: Timestamp,
    /// As it was told first.
    pub first: Story,
    /// As it was told otherwise.
    pub second: Story,
}

/// What the owner has told of an event, and what proves that it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// The hash that the event has in it.
    pub hash: Hash32,
    /// What the owner has signed: a checkpoint of this event or a later one, a compact JWS. Absent where nothing that it has
    /// signed is known; the event itself came over a connection that proved it to whoever kept this, and to nobody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// The owner's provider document, JSON, as it was when that signature was verified: it has the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// The log from this event on up to that of the checkpoint, without bodies: their hashes are in it. Empty where the
    /// checkpoint is of this event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
}

/// What a contradiction proves: that whoever has the two keys has signed both stories.
///
/// That the keys are the owner's, the documents say, and those are no more than text in the evidence: anybody can write one with a key
/// of their own. Compare `keys` with what is known of the owner from elsewhere, as by one's own provider, before it is blamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    /// What is signed.
    pub signed: [CheckpointClaims; 2],
    /// By which keys.
    pub keys: [Thumbprint; 2],
    /// Whether the two stories agree on everything before the event, so that this is the first that differs.
    pub is_first: bool,
}

/// Why a contradiction proves nothing. The text names the story, `first` or `second`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceFault {
    /// Both stories are the same.
    #[error("both stories have the same event, so they do not contradict each other")]
    Same,
    /// Nothing signed covers the event.
    #[error("nothing that the owner has signed covers the event of the {0} story")]
    Unsigned(&'static str),
    /// The document is missing, or not the owner's.
    #[error("the document of the {story} story is not the owner's: {fault}")]
    Document {
        /// Which story.
        story: &'static str,
        /// Why.
        fault: DocumentFault,
    },
    /// The signature is not the owner's.
    #[error("the checkpoint of the {0} story is not signed by a key of its document for this group")]
    Signature(&'static str),
    /// The events do not lead to what was signed.
    #[error("the events of the {0} story do not lead from the event to what the checkpoint says")]
    Chain(&'static str),
}

impl ForkEvidence {
    /// Reads evidence.
    ///
    /// # Errors
    ///
    /// Where it is not one of this form.
    pub fn parse(json: &[u8]) -> Result<Self, Malformed> {
        wire::decode(Encoding::Json, json)
    }

    /// Verifies each contradiction by itself, in order. Whose the keys are is left to whoever reads it; see [`Proved`].
    pub fn verify(&self) -> Vec<Result<Proved, EvidenceFault>> {
        self.contradictions.iter().map(|contradiction| contradiction.verify(&self.group)).collect()
    }
}

impl Contradiction {
    /// Whether two things are signed as the owner of `group` that cannot both be so.
    ///
    /// # Errors
    ///
    /// What is missing of that, or wrong.
    pub fn verify(&self, group: &GroupUri) -> Result<Proved, EvidenceFault> {
        if self.first.hash == self.second.hash {
            return Err(EvidenceFault::Same);
        }
        let first = self.first.verify(group, self.seq, "first")?;
        let second = self.second.verify(group, self.seq, "second")?;
        let before = |story: &Story| story.events.first().map(|event| event.prev);
        let is_first = before(&self.first).is_some_and(|prev| before(&self.second) == Some(prev));
        let ((first, one), (second, other)) = (first, second);
        Ok(Proved { signed: [first, second], keys: [one, other], is_first })
    }
}

impl Story {
    /// Whether the owner has signed a log in which the event `seq` has this hash.
    fn verify(
        &self,
        group: &GroupUri,
        seq: u64,
        story: &'static str,
    ) -> Result<(CheckpointClaims, Thumbprint), EvidenceFault> {
        let jws = self.checkpoint.as_deref().ok_or(EvidenceFault::Unsigned(story))?;
        let document = self.document.as_deref().unwrap_or_default();
        let document = ProviderDocument::parse(document.as_bytes(), group.provider())
            .map_err(|fault| EvidenceFault::Document { story, fault })?;
        let (claims, key) = UnverifiedCheckpoint::parse(jws)
            .ok()
            .and_then(|checkpoint| {
                let kid = *checkpoint.kid();
                let key = document.keys.get(&kid)?.clone();
                Some((checkpoint.verify(&key)?, kid))
            })
            .filter(|(claims, _)| claims.group == *group)
            .ok_or(EvidenceFault::Signature(story))?;
        if claims.seq < seq {
            return Err(EvidenceFault::Unsigned(story));
        }
        let end = match self.events.first() {
            // Without events the checkpoint has to be of the event itself.
            None => Head { seq, hash: self.hash },
            Some(first) if first.seq == seq && first.hash == self.hash => {
                self.follow(group, first).ok_or(EvidenceFault::Chain(story))?
            }
            Some(_) => return Err(EvidenceFault::Chain(story)),
        };
        if (end.seq, end.hash) != (claims.seq, claims.hash) {
            return Err(EvidenceFault::Chain(story));
        }
        Ok((claims, key))
    }

    /// Where the events lead to, each following the one before.
    fn follow(&self, group: &GroupUri, first: &Event) -> Option<Head> {
        let before = Head { seq: first.seq.checked_sub(1)?, hash: first.prev };
        self.events.iter().try_fold(before, |head, event| {
            event.clone().follow(group, &head).ok().map(|followed| followed.head())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::LIFETIME_S;
    use crate::document::Limits;
    use crate::keys::{KeySet, SecretKey};
    use crate::message::EventKind;

    fn group() -> GroupUri {
        "mimi://a.example/g/tea".parse().unwrap()
    }

    /// Events 5 to 7 of a log in which the fifth was made by `client`.
    fn log(client: &str) -> Vec<Event> {
        let mut prev = Hash32([4; 32]);
        let event = |seq| {
            let mut event = Event {
                group: group(),
                seq,
                kind: EventKind::Application,
                epoch: 1,
                sender: format!("mimi://a.example/u/ann/d/{client}").parse().unwrap(),
                time: Timestamp::from_secs(1_790_000_000 + seq),
                grants: Vec::new(),
                body: None,
                body_hash: Hash32([seq as u8; 32]),
                prev,
                hash: Hash32::default(),
            };
            event.hash = event.computed_hash();
            prev = event.hash;
            event
        };
        (5..=7).map(event).collect()
    }

    fn story(client: &str, key: &SecretKey) -> Story {
        let events = log(client);
        let (first, last) = (events.first().unwrap(), events.last().unwrap());
        let iat = 1_790_000_100;
        let claims = CheckpointClaims {
            iss: "a.example".parse().unwrap(),
            group: group(),
            seq: last.seq,
            hash: last.hash,
            epoch: 1,
            iat,
            exp: iat + LIFETIME_S,
        };
        let document = ProviderDocument {
            provider: "a.example".parse().unwrap(),
            versions: vec!["1".into()],
            endpoint: "https://a.example/mtp/v1".parse().unwrap(),
            keys: KeySet::from_iter([key.public()]),
            software: None,
            limits: Limits::default(),
            contact: None,
        };
        Story {
            hash: first.hash,
            checkpoint: Some(claims.sign(key)),
            document: Some(String::from_utf8(document.to_json()).unwrap()),
            events,
        }
    }

    fn contradiction() -> Contradiction {
        // A key that was changed in between is no matter: each document has its own.
        let [first, second] = [("phone", 7), ("laptop", 8)]
            .map(|(client, seed)| story(client, &SecretKey::from_seed([seed; 32])));
        Contradiction { seq: 5, found: Timestamp::from_secs(1_790_000_200), first, second }
    }

    #[test]
    fn two_signed_logs_that_part_are_proof_for_whoever_reads_them() {
        let evidence = ForkEvidence { group: group(), contradictions: vec![contradiction()] };
        let json = serde_json::to_vec(&evidence).unwrap();
        let read = ForkEvidence::parse(&json).unwrap();
        assert_eq!(read, evidence);
        let proved = read.verify().remove(0).unwrap();
        assert!(proved.is_first);
        assert_eq!(proved.signed.map(|claims| claims.seq), [7, 7]);
        // Whose they are is for the reader to know: anybody can write a document with a key of their own.
        assert_eq!(proved.keys, [7, 8].map(|seed| *SecretKey::from_seed([seed; 32]).public().thumbprint()));
    }

    #[test]
    fn a_checkpoint_of_the_event_itself_needs_no_events() {
        let mut found = contradiction();
        found.seq = 7;
        for story in [&mut found.first, &mut found.second] {
            story.hash = story.events.pop().unwrap().hash;
            story.events.clear();
        }
        let proved = found.verify(&group()).unwrap();
        assert!(!proved.is_first, "whether they part earlier is not shown");
    }

    #[test]
    fn what_was_changed_or_left_out_proves_nothing() {
        let fault = |change: fn(&mut Contradiction)| {
            let mut found = contradiction();
            change(&mut found);
            found.verify(&group()).unwrap_err()
        };
        assert_eq!(fault(|found| found.second = found.first.clone()), EvidenceFault::Same);
        assert_eq!(fault(|found| found.first.checkpoint = None), EvidenceFault::Unsigned("first"));
        assert!(matches!(fault(|found| found.second.document = None), EvidenceFault::Document { .. }));
        let of_other_key = |found: &mut Contradiction| found.second.document = found.first.document.clone();
        assert_eq!(fault(of_other_key), EvidenceFault::Signature("second"));
        let other_hash = |found: &mut Contradiction| found.second.hash = Hash32([9; 32]);
        assert_eq!(fault(other_hash), EvidenceFault::Chain("second"));
        let changed = |found: &mut Contradiction| found.second.events[1].epoch = 2;
        assert_eq!(fault(changed), EvidenceFault::Chain("second"));
        let cut = |found: &mut Contradiction| drop(found.second.events.pop());
        assert_eq!(fault(cut), EvidenceFault::Chain("second"));
        let later = |found: &mut Contradiction| found.seq = 8;
        assert_eq!(fault(later), EvidenceFault::Unsigned("first"));
        let elsewhere: GroupUri = "mimi://a.example/g/other".parse().unwrap();
        assert_eq!(contradiction().verify(&elsewhere), Err(EvidenceFault::Signature("first")));
    }
}
