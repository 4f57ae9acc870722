//! What its feed tells, and what it makes of that.

use drawbridge_mtp::id::{Generation, GroupUri};
use drawbridge_mtp::message::{Body, Event, EventKind, FeedQuery, Item, ItemBody, Welcome};
use drawbridge_mtp::problem::Code;
use openmls::group::{JoinBuilder, ProcessedWelcome};
use openmls::prelude::tls_codec::{Deserialize, DeserializeBytes};
use openmls::prelude::{
    MlsMessageBodyIn, MlsMessageIn, OpenMlsProvider, ProcessedMessageContent, RatchetTreeIn,
};

use super::mls::join_config;
use super::{Joined, MlsClient, ReceivedMessage};
use crate::WAIT_LIMIT;

impl MlsClient {
    /// Pulls until there is what is looked for.
    pub async fn hears<T>(&self, what: &str, look: impl Fn(&Self) -> Option<T>) -> T {
        let found = tokio::time::timeout(WAIT_LIMIT, async {
            loop {
                if let Some(found) = look(self) {
                    return found;
                }
                self.pulls(5).await;
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_) => panic!("{} never heard that {what}; it has {:#?}", self.uri, self.items()),
        }
    }

    /// Pulls until it has come into a group.
    pub async fn comes_into(&self, group: &GroupUri) {
        self.hears("it is in the group", |client| client.is_in(group).then_some(())).await;
    }

    /// Pulls until its group is in this epoch.
    pub async fn reaches(&self, group: &GroupUri, epoch: u64) {
        self.hears("the epoch has come", |client| (client.epoch(group) >= epoch).then_some(())).await;
        assert_eq!(self.epoch(group), epoch);
    }

    /// Pulls until it has heard the event `seq` of a group.
    pub async fn hears_of(&self, group: &GroupUri, seq: u64) -> Event {
        self.hears(&format!("event {seq} has come"), |client| {
            client.events(group).into_iter().find(|event| event.seq == seq)
        })
        .await
    }

    /// Pulls until somebody has said something.
    pub async fn hears_said(&self, group: &GroupUri, text: &str) -> ReceivedMessage {
        self.hears(&format!("{text:?} is said"), |client| {
            client.heard(group).into_iter().find(|said| said.text.as_deref() == Some(text))
        })
        .await
    }

    /// Pulls one page, waiting up to `wait` seconds for it, and takes it in. Returns how many items it had.
    ///
    /// Where its feed has begun anew, it starts at the beginning, and skips what it has.
    pub async fn pulls(&self, wait: u64) -> usize {
        let query = || {
            let memory = self.memory();
            FeedQuery { wait, generation: memory.generation, ..memory.place }
        };
        // It may begin anew again, while this waits for its first page.
        let page = loop {
            match self.feed(&query()).await {
                Err(problem) if problem.known() == Some(Code::FeedReset) => {
                    self.begins_anew(problem.members.generation);
                }
                answer => break answer.unwrap(),
            }
        };
        let count = page.items.len();
        for item in page.items {
            if !self.has_known(&item) {
                self.takes(item.clone()).await;
            }
            let mut memory = self.memory();
            memory.place.after = item.seq;
            memory.place.last = Some(item.id);
            memory.generation = Some(page.generation);
        }
        count
    }

    /// Whether it knows an item from before its feed began anew.
    fn has_known(&self, item: &Item) -> bool {
        let memory = self.memory();
        memory.began_anew && memory.items.iter().any(|known| known.id == item.id)
    }

    fn begins_anew(&self, generation: Option<Generation>) {
        let mut memory = self.memory();
        (memory.place, memory.generation, memory.began_anew) = (FeedQuery::default(), generation, true);
    }

    /// Pulls until there is nothing more for now.
    pub async fn catches_up(&self) {
        while self.pulls(0).await > 0 {}
    }

    /// Takes in one item.
    pub async fn takes(&self, item: Item) {
        self.memory().items.push(item.clone());
        match item.body {
            ItemBody::Welcome(welcome) => self.takes_welcome(welcome).await,
            ItemBody::Event(event) => self.takes_event(event).await,
            ItemBody::Result(item) => self.memory().results.push(item),
            _ => {}
        }
    }

    /// The bytes of a body, fetched where it is an object.
    pub async fn bytes(&self, body: &Body) -> Vec<u8> {
        match body {
            Body::Here(bytes) => bytes.as_slice().to_vec(),
            Body::Object(object) => {
                let bytes = self.object(&object.sha256).await.unwrap();
                assert_eq!(bytes.len() as u64, object.size);
                bytes
            }
        }
    }

    async fn takes_welcome(&self, welcome: Welcome) {
        let ours = welcome.key_package_refs.iter().any(|reference| self.has_package(reference.as_slice()));
        assert!(ours, "a Welcome for another: {welcome:?}");
        let message = self.bytes(&welcome.welcome).await;
        let tree = self.bytes(&welcome.ratchet_tree).await;
        let message = MlsMessageIn::tls_deserialize_exact_bytes(&message).unwrap();
        let MlsMessageBodyIn::Welcome(message) = message.extract() else { panic!("no Welcome") };
        let processed = ProcessedWelcome::new_from_welcome(&self.mls, &join_config(), message).unwrap();
        let mls = JoinBuilder::new(&self.mls, processed)
            .with_ratchet_tree(RatchetTreeIn::tls_deserialize_exact(tree.as_slice()).unwrap())
            .skip_lifetime_validation()
            .replace_old_group()
            .build()
            .unwrap()
            .into_group(&self.mls)
            .unwrap();
        let joined = Joined { mls, since: Some(welcome.from_seq), pending: None, events: Vec::new() };
        self.memory().groups.insert(welcome.group, joined);
    }

    async fn takes_event(&self, event: Event) {
        // What a message said may have been removed from the log; a handshake is there always.
        let body = match &event.body {
            Some(body) => self.bytes(body).await,
            None if event.kind == EventKind::Application => Vec::new(),
            None => panic!("{event:?} has no body"),
        };
        let mut memory = self.memory();
        let began_anew = memory.began_anew;
        let Some(joined) = memory.groups.get_mut(&event.group) else { return };
        let Some(since) = joined.since else {
            // Nothing before its own commit can be read.
            if joined.pending.as_deref() == Some(&body) {
                (joined.since, joined.pending) = (Some(event.seq), None);
                joined.events.push(event);
            }
            return;
        };
        if let Some(first) = joined.events.first().filter(|_| began_anew)
            && let Some(known) = joined.events.get(event.seq.wrapping_sub(first.seq) as usize)
        {
            assert_eq!(known.hash, event.hash, "{} is told another event {}", self.uri, event.seq);
            return;
        }
        if let Some(last) = joined.events.last() {
            assert_eq!(event.seq, last.seq + 1, "{} skips or repeats an event", self.uri);
        }
        joined.events.push(event.clone());
        let own = event.sender == self.uri;
        if event.kind == EventKind::Created || event.seq <= since || !joined.mls.is_active() {
            return;
        }
        let said = |text| ReceivedMessage {
            group: event.group.clone(),
            seq: event.seq,
            by: event.sender.clone(),
            text,
        };
        match event.kind {
            EventKind::Commit if joined.pending.as_deref() == Some(&body) => {
                joined.pending = None;
                joined.mls.merge_pending_commit(&self.mls).unwrap();
            }
            EventKind::Application if own => memory.said.push(said(None)),
            EventKind::Application if event.body.is_none() => {}
            EventKind::Proposal if own => {}
            _ => {
                let message = MlsMessageIn::tls_deserialize_exact_bytes(&body).unwrap();
                let message = message.try_into_protocol_message().unwrap();
                let processed = joined.mls.process_message(&self.mls, message);
                let processed =
                    processed.unwrap_or_else(|fault| panic!("{} cannot take {event:?}: {fault}", self.uri));
                match processed.into_content() {
                    ProcessedMessageContent::ApplicationMessage(text) => {
                        let text = String::from_utf8(text.into_bytes()).unwrap();
                        memory.said.push(said(Some(text)));
                    }
                    ProcessedMessageContent::ProposalMessage(proposal) => {
                        joined.mls.store_pending_proposal(self.mls.storage(), *proposal).unwrap();
                    }
                    ProcessedMessageContent::StagedCommitMessage(staged) => {
                        joined.pending = None;
                        joined.mls.merge_staged_commit(&self.mls, *staged).unwrap();
                    }
                    _ => panic!("something else"),
                }
            }
        }
    }
}
