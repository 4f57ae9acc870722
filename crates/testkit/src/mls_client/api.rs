//! What it asks its provider, by the client API.

use drawbridge_client_api::{Answer as Answered, Home, HomeFault};
use drawbridge_mtp::id::{GroupUri, UserUri};
use drawbridge_mtp::message::{
    AskToAdd, Asked, ClaimReply, ClientClaimRequest, FeedPage, FeedQuery, GroupInfoReply, GroupStatus,
    KeyPackageStock, LogPage, LogQuery, Outcome, OwnGroups, Placed, PublishKeyPackages, RegisterGroup,
    Roster, ShownEvent, Submission, SubmissionResult,
};
use drawbridge_mtp::octets::{Hash32, Octets};
use drawbridge_mtp::problem::{Code, ReceivedProblem};
use http::{Method, StatusCode};

use super::MlsClient;
use super::mls::SUITE;

/// An answer of the client API, which the provider gives: where it does not answer, a test fails.
pub type Answer<T> = Result<T, ReceivedProblem>;

fn told<T>(answer: Answered<T>) -> Answer<T> {
    answer.map_err(|fault| match fault {
        HomeFault::Refused(problem) | HomeFault::NotNow(problem) => *problem,
        HomeFault::Away(why) => panic!("the provider does not answer: {why}"),
    })
}

impl MlsClient {
    /// Publishes so many KeyPackages, and one for when no other is left.
    pub async fn publishes(&self, count: usize) -> KeyPackageStock {
        let key_packages = (0..count).map(|_| self.key_package()).collect();
        self.tries_to_publish(key_packages, Some(self.last_resort())).await.unwrap()
    }

    /// What its provider has left of its KeyPackages.
    pub async fn stock(&self) -> Answer<KeyPackageStock> {
        told(self.home.stock().await)
    }

    /// Publishes KeyPackages, and may be refused.
    pub async fn tries_to_publish(
        &self,
        key_packages: Vec<Octets>,
        last_resort: Option<Octets>,
    ) -> Answer<KeyPackageStock> {
        told(self.home.publish(PublishKeyPackages { key_packages, last_resort }).await)
    }

    /// Asks to add a user to a group.
    pub async fn asks_to_add(&self, group: &GroupUri, user: &UserUri) -> Asked {
        let ask = AskToAdd { group: group.clone(), title: None, user: user.clone() };
        told(self.home.ask_to_add(ask).await).unwrap()
    }

    /// Decides on a request to add its user: `approve`, `decline` or `revoke`.
    pub async fn decides(&self, asked: Asked, decision: &str) {
        let resource = format!("/authorizations/{}/{decision}", asked.id);
        let (status, content) = self.api_client.exchange(Method::POST, &resource, None).await;
        assert!(status.is_success(), "{decision}: {status} {}", String::from_utf8_lossy(&content));
    }

    /// Gets KeyPackages and grants of users.
    pub async fn claims(&self, group: &GroupUri, users: &[&UserUri]) -> ClaimReply {
        let ask = ClientClaimRequest {
            group: group.clone(),
            users: users.iter().copied().cloned().collect(),
            cipher_suites: vec![SUITE.into()],
        };
        told(self.home.claim(ask).await).unwrap()
    }

    /// Registers a group that it says it has created.
    pub async fn registers(&self, group: &RegisterGroup) -> Answer<()> {
        told(self.home.register(group.clone()).await)
    }

    /// Submits to a group, all in one request.
    pub async fn tries_to_submit(
        &self,
        group: &GroupUri,
        events: Vec<Submission>,
    ) -> Answer<Vec<SubmissionResult>> {
        told(self.home.submit(group, events).await)
    }

    /// Submits whatever it is, in JSON: the status and what is answered.
    pub async fn submits_written(
        &self,
        group: &GroupUri,
        written: &serde_json::Value,
    ) -> (StatusCode, serde_json::Value) {
        let resource = format!("/groups/{}@{}/events", group.name(), group.provider());
        let (status, content) =
            self.api_client.exchange(Method::POST, &resource, Some(written.clone())).await;
        (status, serde_json::from_slice(&content).unwrap())
    }

    /// Submits one thing.
    pub async fn submits(&self, group: &GroupUri, submission: &Submission) -> Outcome {
        let results = self.tries_to_submit(group, vec![submission.clone()]).await;
        let [result] = <[SubmissionResult; 1]>::try_from(results.unwrap()).unwrap();
        assert_eq!(result.id, submission.id);
        result.outcome
    }

    /// Submits one thing, which has to be accepted at once.
    pub async fn does(&self, group: &GroupUri, submission: &Submission) -> Placed {
        match self.submits(group, submission).await {
            Outcome::Accepted(placed) => placed,
            other => panic!("{} of {} is not accepted but {other:?}", submission.kind, self.uri),
        }
    }

    /// Submits one thing, which has to be refused with `code`.
    pub async fn expect_refusal(
        &self,
        group: &GroupUri,
        submission: &Submission,
        code: Code,
    ) -> ReceivedProblem {
        match self.submits(group, submission).await {
            Outcome::Rejected(problem) if problem.known() == Some(code) => *problem,
            other => panic!("{} of {} is not {code:?} but {other:?}", submission.kind, self.uri),
        }
    }

    /// The groups of its user.
    pub async fn groups(&self) -> OwnGroups {
        told(self.home.groups().await).unwrap()
    }

    /// How a group stands, as its provider knows it.
    pub async fn status(&self, group: &GroupUri) -> Answer<GroupStatus> {
        told(self.home.status(group).await)
    }

    /// The roster of a group, as its provider knows it.
    pub async fn roster(&self, group: &GroupUri) -> Answer<Roster> {
        told(self.home.roster(group).await)
    }

    /// A page of a group's log, as its provider has it.
    pub async fn log(&self, group: &GroupUri, after: u64) -> Answer<LogPage> {
        let LogPage { events, first, head, more, checkpoint } = self.shown_log(group, after).await?;
        let events = events.into_iter().map(|shown| shown.event).collect();
        Ok(LogPage { events, first, head, more, checkpoint })
    }

    /// The same, with what only clients are told of its events.
    pub async fn shown_log(&self, group: &GroupUri, after: u64) -> Answer<LogPage<ShownEvent>> {
        let query = LogQuery { after, ..LogQuery::default() };
        told(self.home.log(group, query).await)
    }

    /// What an external commit needs.
    pub async fn info(&self, group: &GroupUri) -> Answer<GroupInfoReply> {
        told(self.home.info(group).await)
    }

    /// One pull of its feed.
    pub async fn feed(&self, query: &FeedQuery) -> Answer<FeedPage> {
        let FeedPage { generation, items, first, head, more } = self.shown_feed(query).await?;
        let items = items.into_iter().map(|item| item.map_event(|shown| shown.event)).collect();
        Ok(FeedPage { generation, items, first, head, more })
    }

    /// The same, with what only clients are told of its events.
    pub async fn shown_feed(&self, query: &FeedQuery) -> Answer<FeedPage<ShownEvent>> {
        told(self.home.feed(*query).await)
    }

    /// An object that its feed has named.
    pub async fn object(&self, sha256: &Hash32) -> Answer<Vec<u8>> {
        told(self.home.object(sha256).await)
    }
}
