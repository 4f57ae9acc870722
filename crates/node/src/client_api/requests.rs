//! `/connections` and `/authorizations`.

use std::sync::Arc;

use axum::extract::{Path, State};
use drawbridge_mtp::id::UserUri;
use drawbridge_mtp::message::{
    AskToAdd, AskToConnect, Asked, ConnectionState, ShownAuthorization, ShownAuthorizations, ShownConnection,
    ShownConnections,
};
use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::api::ClientApi;
use super::caller::{Caller, Content, Told};
use super::refused::{Refused, not_found};
use crate::consent::Decision;
use crate::consent::requests::Kind;
use crate::http::{read_id, state_status};
use crate::misuse::Misuse;
use crate::store::{Addition, Connection, RequestRow, StoreFault};

/// What a client says of a kind of request, and is shown of it.
pub(super) trait Shown: Kind {
    /// What it posts to ask.
    type AskTo: DeserializeOwned + Send + 'static;
    /// All that its user has made or is asked.
    type All: Serialize;

    /// What it asks, and whom.
    fn asked(ask: Self::AskTo) -> (Self, UserUri);

    /// The status with which a new request is answered.
    fn status(state: ConnectionState) -> StatusCode;

    /// `rows`, each with its state as `user` may know it.
    fn show(user: &UserUri, rows: Vec<RequestRow<Self>>) -> Self::All;
}

impl Shown for Connection {
    type AskTo = AskToConnect;
    type All = ShownConnections;

    fn asked(ask: AskToConnect) -> (Self, UserUri) {
        (Self, ask.to)
    }

    fn status(_: ConnectionState) -> StatusCode {
        StatusCode::ACCEPTED
    }

    fn show(user: &UserUri, rows: Vec<RequestRow<Self>>) -> ShownConnections {
        let connections = rows.into_iter().map(|row| ShownConnection {
            id: row.id,
            state: row.state_for(user),
            from: row.from,
            to: row.to,
            created: row.created,
            expires: row.expires,
            time: row.changed,
        });
        ShownConnections { connections: connections.collect() }
    }
}

impl Shown for Addition {
    type AskTo = AskToAdd;
    type All = ShownAuthorizations;

    fn asked(ask: AskToAdd) -> (Self, UserUri) {
        (Self { group: ask.group, title: ask.title, grant: None, used: false }, ask.user)
    }

    fn status(state: ConnectionState) -> StatusCode {
        state_status(state)
    }

    fn show(user: &UserUri, rows: Vec<RequestRow<Self>>) -> ShownAuthorizations {
        let authorizations = rows.into_iter().map(|row| ShownAuthorization {
            id: row.id,
            state: row.state_for(user),
            group: row.about.group,
            title: row.about.title,
            adder: row.from,
            user: row.to,
            expires: row.expires,
            time: row.changed,
        });
        ShownAuthorizations { authorizations: authorizations.collect() }
    }
}

/// All requests that `user` has made or is asked.
pub(super) async fn all<K: Shown>(api: &ClientApi, user: &UserUri) -> Result<K::All, StoreFault> {
    let of = user.clone();
    let rows = api.store.read(move |view| view.requests_of(&of)).await?;
    Ok(K::show(user, rows))
}

/// `user` asks somebody else.
pub(super) async fn ask_as<K: Shown>(
    api: &ClientApi,
    user: &UserUri,
    ask: K::AskTo,
) -> Result<Asked, Misuse> {
    let (about, to) = K::asked(ask);
    let row = api.consent.ask(user.clone(), to, about, None).await?;
    Ok(Asked { id: row.id, state: row.state_for(user) })
}

/// `GET /connections`, `GET /authorizations`.
pub(super) async fn list<K: Shown>(
    State(api): State<Arc<ClientApi>>,
    caller: Caller,
) -> Result<Told, Refused> {
    Ok(caller.shown(&all::<K>(&api, &caller.user).await?))
}

/// `POST /connections`, `POST /authorizations`.
pub(super) async fn ask<K: Shown>(
    State(api): State<Arc<ClientApi>>,
    caller: Caller,
    Content(ask): Content<K::AskTo>,
) -> Result<Told, Refused> {
    let asked = ask_as::<K>(&api, &caller.user, ask).await?;
    Ok(caller.told(K::status(asked.state), &asked))
}

/// `POST /connections/{id}/{decision}`, `POST /authorizations/{id}/{decision}`.
pub(super) async fn decide<K: Shown>(
    State(api): State<Arc<ClientApi>>,
    caller: Caller,
    Path((id, decision)): Path<(String, String)>,
) -> Result<Told, Refused> {
    let decision = match decision.as_str() {
        "approve" => Decision::Approve,
        "decline" => Decision::Decline,
        word if word == K::WORDS.end => Decision::End,
        _ => return Err(not_found().await),
    };
    let row = api.consent.decide_as::<K>(&caller.user, read_id(&id)?, decision).await?;
    Ok(caller.shown(&Asked { id: row.id, state: row.state_for(&caller.user) }))
}
