//! A provider that is asked over HTTP, as a client's home.

use std::time::Duration;

use drawbridge_mtp::{
    id::{ClientUri, GroupUri},
    message::{
        AskToAdd, AskToConnect, Asked, ClaimReply, ClientClaimRequest, FeedPage, FeedQuery, GroupInfoReply,
        GroupStatus, KeyPackageStock, LogPage, LogQuery, Outcome, OwnGroups, PublishKeyPackages,
        RegisterGroup, Roster, ShownAuthorizations, ShownConnections, ShownEvent, Submission,
        SubmissionResult, SubmissionResults, Submissions,
    },
    octets::Hash32,
    problem::Code,
};
use reqwest::Method;

use super::api::HttpApi;
use crate::{Answer, Home, HomeFault};

/// The provider of a client, asked over HTTP.
#[derive(Clone, Debug)]
pub struct HttpHome {
    api: HttpApi,
    client: ClientUri,
}

impl HttpHome {
    /// The provider behind `api`, as `client` sees it, which has to be the client that the token speaks for
    /// ([`HttpApi::me`]).
    pub fn new(api: HttpApi, client: ClientUri) -> Self {
        Self { api, client }
    }

    async fn of_group<T: serde::de::DeserializeOwned>(&self, group: &GroupUri, below: &str) -> Answer<T> {
        self.api.get(&format!("/groups/{}{below}", in_path(group)), Duration::ZERO).await
    }
}

impl Home for HttpHome {
    fn client(&self) -> &ClientUri {
        &self.client
    }

    async fn publish(&self, packages: PublishKeyPackages) -> Answer<KeyPackageStock> {
        self.api.post("/key-packages", &packages).await
    }

    async fn stock(&self) -> Answer<KeyPackageStock> {
        self.api.get("/key-packages", Duration::ZERO).await
    }

    async fn connections(&self) -> Answer<ShownConnections> {
        self.api.get("/connections", Duration::ZERO).await
    }

    async fn ask_to_connect(&self, ask: AskToConnect) -> Answer<Asked> {
        self.api.post("/connections", &ask).await
    }

    async fn ask_to_add(&self, ask: AskToAdd) -> Answer<Asked> {
        self.api.post("/authorizations", &ask).await
    }

    async fn authorizations(&self) -> Answer<ShownAuthorizations> {
        self.api.get("/authorizations", Duration::ZERO).await
    }

    async fn claim(&self, claim: ClientClaimRequest) -> Answer<ClaimReply> {
        self.api.post("/key-packages/claim", &claim).await
    }

    async fn register(&self, group: RegisterGroup) -> Answer<()> {
        self.api.send("/groups", &group).await.map(drop)
    }

    async fn groups(&self) -> Answer<OwnGroups> {
        self.api.get("/groups", Duration::ZERO).await
    }

    async fn status(&self, group: &GroupUri) -> Answer<GroupStatus> {
        self.of_group(group, "").await
    }

    async fn roster(&self, group: &GroupUri) -> Answer<Roster> {
        self.of_group(group, "/roster").await
    }

    async fn info(&self, group: &GroupUri) -> Answer<GroupInfoReply> {
        self.of_group(group, "/info").await
    }

    async fn log(&self, group: &GroupUri, query: LogQuery) -> Answer<LogPage<ShownEvent>> {
        self.of_group(group, &format!("/log?{}", query.to_query())).await
    }

    /// As [`Home::submit`]. Where a request is too large for the provider, or for a proxy before it, half of it is tried,
    /// until what is refused is a single submission (`docs/mtp.md`, section 5). Where the provider stops answering on the
    /// way, the results that it has given are returned, which are fewer than the submissions.
    async fn submit(&self, group: &GroupUri, events: Vec<Submission>) -> Answer<Vec<SubmissionResult>> {
        let resource = format!("/groups/{}/events", in_path(group));
        let mut results = Vec::with_capacity(events.len());
        let mut at_once = events.len();
        while let Some(first) = events.get(results.len()) {
            let batch: Vec<_> = events.iter().skip(results.len()).take(at_once).cloned().collect();
            let count = batch.len();
            let answer: Answer<SubmissionResults> =
                self.api.post(&resource, &Submissions { events: batch }).await;
            match answer {
                Ok(answer) if answer.results.len() == count => results.extend(answer.results),
                Ok(answer) => {
                    let given = answer.results.len();
                    let text = format!("it answers {count} submissions with {given} results");
                    return Err(HomeFault::Away(text));
                }
                Err(HomeFault::Refused(problem)) if problem.known() == Some(Code::TooLarge) => {
                    if count == 1 {
                        let outcome = Outcome::Rejected(problem);
                        results.push(SubmissionResult { id: first.id, outcome });
                    }
                    at_once = count.div_ceil(2);
                }
                Err(_) if !results.is_empty() => break,
                Err(fault) => return Err(fault),
            }
        }
        Ok(results)
    }

    async fn feed(&self, query: FeedQuery) -> Answer<FeedPage<ShownEvent>> {
        self.api.get(&format!("/feed?{}", query.to_query()), Duration::from_secs(query.wait)).await
    }

    async fn object(&self, hash: &Hash32) -> Answer<Vec<u8>> {
        let resource = format!("/objects/{hash}");
        self.api.ask(Method::GET, &resource, None, Duration::ZERO).await.map(|answered| answered.content)
    }
}

/// `{name}@{provider}` in a path: the brackets of an IPv6 literal are escaped, `@` and `:` stand as they are.
fn in_path(group: &GroupUri) -> String {
    let provider = group.provider().as_str().replace('[', "%5B").replace(']', "%5D");
    format!("{}@{provider}", group.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_named_in_a_path_whatever_its_provider_is() {
        for (uri, path) in [
            ("mimi://a.example/g/tea", "tea@a.example"),
            ("mimi://a.example:8443/g/tea", "tea@a.example:8443"),
            ("mimi://[::1]:8443/g/tea", "tea@%5B::1%5D:8443"),
        ] {
            assert_eq!(in_path(&uri.parse().unwrap()), path);
        }
    }
}
