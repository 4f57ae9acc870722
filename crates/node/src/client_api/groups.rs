//! Groups and objects (`docs/mtp.md`, section 10).

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use drawbridge_mtp::id::{ClientUri, GroupUri};
use drawbridge_mtp::message::{
    GroupInfoReply, GroupStatus, LogPage, LogQuery, Outcome, OwnGroup, OwnGroups, ReceivedSubmission,
    RegisterGroup, Roster, SetAside, ShownEvent, SubmissionResults, Submissions,
};
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::problem::{Code, Problem};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use super::api::ClientApi;
use super::caller::{Caller, Content, Told};
use super::refused::Refused;
use crate::delivery;
use crate::ground::unsigned::Unsigned;
use crate::peers::Ask;
use crate::refusal::Refusal;
use crate::store::Reader;

type Api = State<Arc<ClientApi>>;

fn absent() -> Refusal {
    Problem::new(Code::NotFound, "there is no such group here, or your user is not in it").into()
}

/// Reads `{name}@{provider}`.
fn named(text: &str) -> Result<GroupUri, Refusal> {
    let (name, provider) = text.split_once('@').ok_or_else(absent)?;
    format!("mimi://{provider}/g/{name}").parse().map_err(|_| absent())
}

impl ClientApi {
    /// The groups that the user of `client` is in.
    pub(crate) async fn groups_of_client(&self, client: &ClientUri) -> Result<OwnGroups, Refusal> {
        let user = client.user().clone();
        let groups = self.store.read(move |view| {
            let mut groups = Vec::new();
            for row in view.groups_of(&user)? {
                groups.push(OwnGroup {
                    owner: row.owner().clone(),
                    epoch: row.epoch,
                    head: row.head,
                    members: view.roster_size(row.id)?.clients,
                    group: row.uri,
                });
            }
            Ok::<_, Refusal>(OwnGroups { groups })
        });
        groups.await
    }

    /// How a group stands: by it a client knows whether it has everything, so it has to be current, as its owner has it.
    pub(crate) async fn status_for(
        &self,
        client: &ClientUri,
        group: &GroupUri,
    ) -> Result<GroupStatus, Refusal> {
        // Another copy may have numbered what is not here.
        self.ground.copies.check().map_err(Unsigned::from)?;
        let (ours, uri, reader) = (self.ground.ours.clone(), group.clone(), Reader::Client(client.clone()));
        let is_ours = *group.provider() == self.ground.ours;
        if is_ours && !self.delivery.recover(group).await? {
            return Err(delivery::still_recovering().into());
        }
        let status = self.store.read(move |view| {
            let row = delivery::visible(view, &ours, uri.name(), Some(uri.provider()), &reader)?;
            Ok::<_, Refusal>(delivery::status(view, &row)?)
        });
        let status = status.await?;
        if is_ours {
            return Ok(status);
        }
        self.ask_owner(group, format!("/groups/{}", group.name())).await
    }

    /// The roster of a group, from our own copy.
    pub(crate) async fn roster_for(&self, client: &ClientUri, group: &GroupUri) -> Result<Roster, Refusal> {
        let (ours, group, reader) = (self.ground.ours.clone(), group.clone(), Reader::Client(client.clone()));
        let roster = self.store.read(move |view| {
            let row = delivery::visible(view, &ours, group.name(), Some(group.provider()), &reader)?;
            Ok::<_, Refusal>(delivery::roster(view, &row)?)
        });
        roster.await
    }

    /// A page of a group's log, from our own copy.
    pub(crate) async fn log_for(
        &self,
        client: &ClientUri,
        group: &GroupUri,
        query: LogQuery,
    ) -> Result<LogPage<ShownEvent>, Refusal> {
        let (ours, group, reader) = (self.ground.ours.clone(), group.clone(), Reader::Client(client.clone()));
        let (signer, now) = (self.ground.signer().ok(), self.ground.ambient.now());
        self.delivery.recover_for(&group, &reader).await?;
        let page = self.store.read(move |view| {
            let row = delivery::visible(view, &ours, group.name(), Some(group.provider()), &reader)?;
            let page = delivery::log(view, &ours, signer.as_ref(), now, &row, &reader, &query)?;
            Ok::<_, Refusal>(delivery::shown_log(view, &row.uri, page)?)
        });
        page.await
    }

    /// What an external commit needs: it has to be current, so it is the owner's.
    pub(crate) async fn info_for(
        &self,
        client: &ClientUri,
        group: &GroupUri,
    ) -> Result<GroupInfoReply, Refusal> {
        let (ours, uri, reader) = (self.ground.ours.clone(), group.clone(), Reader::Client(client.clone()));
        self.delivery.recover_for(group, &reader).await?;
        let seen = self.store.read(move |view| {
            delivery::visible(view, &ours, uri.name(), Some(uri.provider()), &reader).map(drop)
        });
        seen.await?;
        if *group.provider() == self.ground.ours {
            return self.delivery.group_info_of(group).await;
        }
        self.ask_owner(group, format!("/groups/{}/info", group.name())).await
    }

    /// What the owner of `group` has of it now.
    async fn ask_owner<T: DeserializeOwned>(&self, group: &GroupUri, resource: String) -> Result<T, Refusal> {
        let owner = group.provider();
        let unavailable = |text: String| Refusal::from(Problem::new(Code::Unavailable, text));
        let asked = self.peers.call(owner, Ask::get(resource)).await;
        let answer = asked.map_err(|fault| unavailable(format!("{owner} says: {fault}")))?;
        answer.message().map_err(|fault| unavailable(format!("{owner} answers badly: {fault}")))
    }
}

pub(super) async fn list(State(api): Api, caller: Caller) -> Result<Told, Refused> {
    Ok(caller.shown(&api.groups_of_client(&caller.client).await?))
}

pub(super) async fn register(
    State(api): Api,
    caller: Caller,
    Content(ask): Content<RegisterGroup>,
) -> Result<StatusCode, Refused> {
    api.delivery.register(&caller.client, ask).await?;
    Ok(StatusCode::CREATED)
}

pub(super) async fn status(
    State(api): Api,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Told, Refused> {
    Ok(caller.shown(&api.status_for(&caller.client, &named(&name)?).await?))
}

pub(super) async fn roster(
    State(api): Api,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Told, Refused> {
    Ok(caller.shown(&api.roster_for(&caller.client, &named(&name)?).await?))
}

pub(super) async fn log(
    State(api): Api,
    caller: Caller,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Told, Refused> {
    let query = LogQuery::parse(&query.unwrap_or_default())
        .map_err(|fault| Problem::new(Code::Malformed, format!("the query is malformed: {fault}")))?;
    Ok(caller.shown(&api.log_for(&caller.client, &named(&name)?, query).await?))
}

pub(super) async fn info(State(api): Api, caller: Caller, Path(name): Path<String>) -> Result<Told, Refused> {
    Ok(caller.shown(&api.info_for(&caller.client, &named(&name)?).await?))
}

/// `POST /groups/{name}@{provider}/events`: 200 where the owner has answered all, else 202.
pub(super) async fn submit(
    State(api): Api,
    caller: Caller,
    Path(name): Path<String>,
    Content(received): Content<Submissions<ReceivedSubmission>>,
) -> Result<Told, Refused> {
    let (submissions, aside) = SetAside::part(received.events);
    let results = api.outbox.submit(&caller.client, &named(&name)?, submissions).await?;
    let waits = results.iter().any(|result| result.outcome == Outcome::Queued);
    let status = if waits { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok(caller.told(status, &SubmissionResults { results: aside.answer(results) }))
}

/// `GET /objects/{sha256}`: what this client's feed has named.
pub(super) async fn object(
    State(api): Api,
    caller: Caller,
    Path(sha256): Path<String>,
) -> Result<Response, Refused> {
    let text = "there is no such object here, or it is not for you";
    let sha256: Hash32 = sha256.parse().map_err(|_| Problem::new(Code::NotFound, text))?;
    let bytes = api.delivery.object_for(Reader::Client(caller.client), sha256).await?;
    Ok(([(CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn a_group_is_named_in_a_path_whatever_its_provider_is() {
        for (text, uri) in [
            ("tea@a.example", "mimi://a.example/g/tea"),
            ("tea@a.example:8443", "mimi://a.example:8443/g/tea"),
            // As the server gives it, its brackets decoded.
            ("tea@[::1]:8443", "mimi://[::1]:8443/g/tea"),
        ] {
            assert_eq!(named(text).map_err(|_| ()), Ok(uri.parse().unwrap()), "{text}");
        }
        for text in ["tea", "@a.example", "tea@", "Tea@a.example", "tea@a.example:443", "tea@a@b.example"] {
            assert!(named(text).is_err(), "{text}");
        }
    }
}
