//! What it asks its provider, by the client API.

use drawbridge_mtp::id::{GroupUri, UserUri};
use drawbridge_mtp::message::{
    AskToAdd, Asked, ClaimReply, ClientClaimRequest, FeedPage, FeedQuery, GroupInfoReply, GroupStatus,
    KeyPackageStock, LogPage, LogQuery, Outcome, OwnGroups, Placed, PublishKeyPackages, RegisterGroup,
    Roster, ShownEvent, Submission, SubmissionResult, SubmissionResults, Submissions,
};
use drawbridge_mtp::octets::{Hash32, Octets};
use drawbridge_mtp::problem::{Code, ReceivedProblem};
use drawbridge_mtp::wire::{self, Encoding};
use http::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::MlsClient;
use super::mls::SUITE;

/// An answer of the client API.
pub type Answer<T> = Result<T, ReceivedProblem>;

impl MlsClient {
    /// One call: its status and its content.
    async fn call(&self, method: Method, resource: &str, content: Option<Vec<u8>>) -> (StatusCode, Vec<u8>) {
        let mut request = self.http.request(method, format!("{}{resource}", self.base));
        request = request.bearer_auth(&self.token);
        if let Some(content) = content {
            request = request.header("content-type", "application/cbor").body(content);
        }
        let response =
            request.header("accept", "application/cbor").send().await.expect("the provider answers");
        (response.status(), response.bytes().await.unwrap().to_vec())
    }

    async fn get<T: DeserializeOwned>(&self, resource: &str) -> Answer<T> {
        let (status, content) = self.call(Method::GET, resource, None).await;
        read(status, &content)
    }

    async fn post<T: DeserializeOwned>(&self, resource: &str, message: &impl Serialize) -> Answer<T> {
        let content = wire::encode(Encoding::Cbor, message);
        let (status, content) = self.call(Method::POST, resource, Some(content)).await;
        read(status, &content)
    }

    /// Publishes so many KeyPackages, and one for when no other is left.
    pub async fn publishes(&self, count: usize) -> KeyPackageStock {
        let key_packages = (0..count).map(|_| self.key_package()).collect();
        self.tries_to_publish(key_packages, Some(self.last_resort())).await.unwrap()
    }

    /// What its provider has left of its KeyPackages.
    pub async fn stock(&self) -> Answer<KeyPackageStock> {
        self.get("/key-packages").await
    }

    /// Publishes KeyPackages, and may be refused.
    pub async fn tries_to_publish(
        &self,
        key_packages: Vec<Octets>,
        last_resort: Option<Octets>,
    ) -> Answer<KeyPackageStock> {
        self.post("/key-packages", &PublishKeyPackages { key_packages, last_resort }).await
    }

    /// Asks to add a user to a group.
    pub async fn asks_to_add(&self, group: &GroupUri, user: &UserUri) -> Asked {
        let ask = AskToAdd { group: group.clone(), title: None, user: user.clone() };
        self.post("/authorizations", &ask).await.unwrap()
    }

    /// Decides on a request to add its user: `approve`, `decline` or `revoke`.
    pub async fn decides(&self, asked: Asked, decision: &str) {
        let resource = format!("/authorizations/{}/{decision}", asked.id);
        let (status, content) = self.call(Method::POST, &resource, None).await;
        assert!(status.is_success(), "{decision}: {status} {}", String::from_utf8_lossy(&content));
    }

    /// Gets KeyPackages and grants of users.
    pub async fn claims(&self, group: &GroupUri, users: &[&UserUri]) -> ClaimReply {
        let ask = ClientClaimRequest {
            group: group.clone(),
            users: users.iter().copied().cloned().collect(),
            cipher_suites: vec![SUITE.into()],
        };
        self.post("/key-packages/claim", &ask).await.unwrap()
    }

    /// Registers a group that it says it has created.
    pub async fn registers(&self, group: &RegisterGroup) -> Answer<()> {
        let content = wire::encode(Encoding::Cbor, group);
        let (status, content) = self.call(Method::POST, "/groups", Some(content)).await;
        if status == StatusCode::CREATED { Ok(()) } else { Err(problem(status, &content)) }
    }

    /// Submits to a group, all in one request.
    pub async fn tries_to_submit(
        &self,
        group: &GroupUri,
        events: Vec<Submission>,
    ) -> Answer<Vec<SubmissionResult>> {
        let resource = format!("/groups/{}/events", at(group));
        let answer: SubmissionResults = self.post(&resource, &Submissions { events }).await?;
        Ok(answer.results)
    }

    /// Submits whatever it is, in JSON: the status and what is answered.
    pub async fn submits_written(
        &self,
        group: &GroupUri,
        written: &serde_json::Value,
    ) -> (StatusCode, serde_json::Value) {
        let request = self.http.post(format!("{}/groups/{}/events", self.base, at(group)));
        let request = request.bearer_auth(&self.token).header("content-type", "application/json");
        let response = request.body(written.to_string()).send().await.expect("the provider answers");
        (response.status(), serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
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
        self.get("/groups").await.unwrap()
    }

    /// How a group stands, as its provider knows it.
    pub async fn status(&self, group: &GroupUri) -> Answer<GroupStatus> {
        self.get(&format!("/groups/{}", at(group))).await
    }

    /// The roster of a group, as its provider knows it.
    pub async fn roster(&self, group: &GroupUri) -> Answer<Roster> {
        self.get(&format!("/groups/{}/roster", at(group))).await
    }

    /// A page of a group's log, as its provider has it.
    pub async fn log(&self, group: &GroupUri, after: u64) -> Answer<LogPage> {
        let query = LogQuery { after, ..LogQuery::default() };
        self.get(&format!("/groups/{}/log?{}", at(group), query.to_query())).await
    }

    /// The same, with what only clients are told of its events.
    pub async fn shown_log(&self, group: &GroupUri, after: u64) -> Answer<LogPage<ShownEvent>> {
        let query = LogQuery { after, ..LogQuery::default() };
        self.get(&format!("/groups/{}/log?{}", at(group), query.to_query())).await
    }

    /// What an external commit needs.
    pub async fn info(&self, group: &GroupUri) -> Answer<GroupInfoReply> {
        self.get(&format!("/groups/{}/info", at(group))).await
    }

    /// One pull of its feed.
    pub async fn feed(&self, query: &FeedQuery) -> Answer<FeedPage> {
        self.get(&format!("/feed?{}", query.to_query())).await
    }

    /// The same, with what only clients are told of its events.
    pub async fn shown_feed(&self, query: &FeedQuery) -> Answer<FeedPage<ShownEvent>> {
        self.get(&format!("/feed?{}", query.to_query())).await
    }

    /// An object that its feed has named.
    pub async fn object(&self, sha256: &Hash32) -> Answer<Vec<u8>> {
        let (status, content) = self.call(Method::GET, &format!("/objects/{sha256}"), None).await;
        if status == StatusCode::OK { Ok(content) } else { Err(problem(status, &content)) }
    }
}

/// `{name}@{provider}` in a path.
fn at(group: &GroupUri) -> String {
    let provider = group.provider().as_str().replace('[', "%5B").replace(']', "%5D");
    format!("{}@{provider}", group.name())
}

fn read<T: DeserializeOwned>(status: StatusCode, content: &[u8]) -> Answer<T> {
    if !status.is_success() {
        return Err(problem(status, content));
    }
    Ok(wire::decode(Encoding::Cbor, content).unwrap())
}

fn problem(status: StatusCode, content: &[u8]) -> ReceivedProblem {
    ReceivedProblem::parse(content)
        .unwrap_or_else(|fault| panic!("{status} {:?}: {fault}", String::from_utf8_lossy(content)))
}
