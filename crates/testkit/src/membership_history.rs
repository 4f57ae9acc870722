//! Who was in a group and when, as its log tells one who follows MLS alone.

use std::collections::{BTreeMap, BTreeSet};

use drawbridge_mtp::id::ClientUri;
use drawbridge_mtp::message::{Body, Event, EventKind, GroupInfoReply};
use openmls::group::{ProposalStore, PublicGroup};
use openmls::prelude::tls_codec::DeserializeBytes;
use openmls::prelude::{
    BasicCredential, Credential, MlsMessageBodyIn, MlsMessageIn, OpenMlsProvider, ProcessedMessageContent,
    RatchetTreeIn, Sender,
};
use openmls_rust_crypto::OpenMlsRustCrypto;

/// One who follows a group from the state that a GroupInfo and its tree tell of, by nothing but the handshakes in the
/// log; with it, what providers and clients say of the group can be held against what MLS says.
pub struct MembershipHistory {
    mls: OpenMlsRustCrypto,
    group: PublicGroup,
    seq: u64,
    stays: BTreeMap<ClientUri, Vec<Stay>>,
}

/// A time for which a client was in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// The event with which it came in, which it is told of.
    pub from: u64,
    /// Its first epoch as a member.
    pub epoch: u64,
    /// The event with which it was out, the last that it is told of.
    pub until: Option<u64>,
    /// Whether it came in by a commit of its own.
    pub by_itself: bool,
}

impl MembershipHistory {
    /// Follows `log`, which is all of a group's log, from where `start` is.
    pub fn of(start: &GroupInfoReply, log: &[Event]) -> Self {
        let mls = OpenMlsRustCrypto::default();
        let MlsMessageBodyIn::GroupInfo(info) = message(start.group_info.as_slice()).extract() else {
            panic!("a GroupInfo is an MLSMessage")
        };
        let tree = RatchetTreeIn::tls_deserialize_exact_bytes(start.ratchet_tree.as_slice()).unwrap();
        let (group, _) =
            PublicGroup::from_external(mls.crypto(), mls.storage(), tree, info, ProposalStore::new())
                .unwrap();
        let began =
            log.iter().find(|event| event.kind == EventKind::Commit && event.epoch + 1 == start.epoch);
        let seq = began.map_or(1, |event| event.seq);
        let stay = Stay { from: seq, epoch: start.epoch, until: None, by_itself: false };
        let mut history = Self { mls, group, seq, stays: BTreeMap::new() };
        history.stays = history.leaves().into_values().map(|client| (client, vec![stay])).collect();
        log.iter().filter(|event| event.seq > seq).for_each(|event| history.follows(event));
        history
    }

    /// From which event on it knows who was in the group.
    pub fn since(&self) -> u64 {
        self.stays.values().flatten().map(|stay| stay.from).min().unwrap_or_default()
    }

    /// Whether it knows who could read a message: one who was in the group before it began to follow may have sent it late.
    pub fn knows_of(&self, message: &Event) -> bool {
        let first = self.stays.values().flatten().map(|stay| stay.epoch).min();
        message.seq >= self.since() && first.is_some_and(|first| message.epoch >= first)
    }

    /// The group's epoch.
    pub fn epoch(&self) -> u64 {
        self.group.group_context().epoch().as_u64()
    }

    /// Who holds which leaf.
    pub fn leaves(&self) -> BTreeMap<u32, ClientUri> {
        let members = self.group.members();
        members.map(|member| (member.index.u32(), client_of(&member.credential))).collect()
    }

    /// When which client was in the group.
    pub fn stays(&self) -> &BTreeMap<ClientUri, Vec<Stay>> {
        &self.stays
    }

    fn follows(&mut self, event: &Event) {
        self.seq = event.seq;
        if !matches!(event.kind, EventKind::Proposal | EventKind::Commit) {
            return;
        }
        let Some(Body::Here(body)) = &event.body else { panic!("event {} has no body here", event.seq) };
        let message = message(body.as_slice()).try_into_protocol_message().unwrap();
        let before: BTreeSet<ClientUri> = self.leaves().into_values().collect();
        let processed = self.group.process_message(self.mls.crypto(), message).unwrap();
        let by_itself = *processed.sender() == Sender::NewMemberCommit;
        assert_eq!(client_of(processed.credential()), event.sender, "event {} has another sender", event.seq);
        match processed.into_content() {
            ProcessedMessageContent::ProposalMessage(proposal) => {
                self.group.add_proposal(self.mls.storage(), *proposal).unwrap();
            }
            ProcessedMessageContent::StagedCommitMessage(staged) => {
                self.group.merge_commit(self.mls.storage(), *staged).unwrap();
                self.notes(event, &before, by_itself);
            }
            _ => panic!("event {} is neither a proposal nor a commit", event.seq),
        }
    }

    fn notes(&mut self, event: &Event, before: &BTreeSet<ClientUri>, by_itself: bool) {
        let after: BTreeSet<ClientUri> = self.leaves().into_values().collect();
        let again = by_itself.then(|| event.sender.clone()).filter(|joiner| before.contains(joiner));
        for client in before.difference(&after).chain(&again) {
            let stay = self.stays.get_mut(client).and_then(|stays| stays.last_mut());
            stay.expect("who goes was there").until = Some(event.seq);
        }
        for client in after.difference(before).chain(&again) {
            let by_itself = by_itself && *client == event.sender;
            let stay = Stay { from: event.seq, epoch: self.epoch(), until: None, by_itself };
            self.stays.entry(client.clone()).or_default().push(stay);
        }
    }
}

fn message(bytes: &[u8]) -> MlsMessageIn {
    MlsMessageIn::tls_deserialize_exact_bytes(bytes).unwrap()
}

fn client_of(credential: &Credential) -> ClientUri {
    let basic = BasicCredential::try_from(credential.clone()).unwrap();
    std::str::from_utf8(basic.identity()).unwrap().parse().unwrap()
}
