//! Who asks, what it sends, and how it is answered.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use drawbridge_mtp::document::Limits;
use drawbridge_mtp::id::{ClientUri, UserUri};
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_mtp::wire::{self, Encoding};
use http::StatusCode;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::api::ClientApi;
use super::refused::Refused;
use crate::accounts::hash_token;
use crate::http::{NOT_KEPT, Socket, Trust, Unread, read_message, wanted};
use crate::refusal::Refusal;
use crate::store::StoreFault;

/// The client that asks, by its token.
pub(super) struct Caller {
    pub(super) user: UserUri,
    pub(super) client: ClientUri,
    wanted: Encoding,
}

impl Caller {
    /// An answer in the encoding that it wants.
    pub(super) fn told<T: Serialize>(&self, status: StatusCode, message: &T) -> Told {
        Told { status, encoding: self.wanted, content: wire::encode(self.wanted, message) }
    }

    /// An answer with status 200.
    pub(super) fn shown<T: Serialize>(&self, message: &T) -> Told {
        self.told(StatusCode::OK, message)
    }
}

impl FromRequestParts<Arc<ClientApi>> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<ClientApi>) -> Result<Self, Refused> {
        let credentials =
            parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once(' '));
        let token = credentials
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim_start());
        let refused = |text| Problem::new(Code::TokenUnknown, text);
        let absent = || refused("give a client's token as Authorization: Bearer …");
        let unknown =
            || refused("no client here has this token; the operator can make a new one for the client");
        let hash = hash_token(token.ok_or_else(absent)?);
        let found: Result<_, StoreFault> = api.store.glance(|view| view.client_by_token(&hash));
        let found = found?;
        let (user, client) = found.ok_or_else(unknown)?;
        api.accounts.saw(&user, &client);
        if let Some(socket) = parts.extensions.get::<Arc<Socket>>() {
            socket.prove(Trust::LetIn);
        }
        let user = api.ground.user(&user);
        Ok(Self { client: ClientUri::new(&user, &client), user, wanted: wanted(&parts.headers) })
    }
}

/// The content of a request, which has to be there (`docs/mtp.md`, section 5).
pub(super) struct Content<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<ClientApi>> for Content<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, api: &Arc<ClientApi>) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        let content = Unread::new(body, Limits::default().request_bytes)?;
        let address =
            parts.extensions.get().map(|ConnectInfo(address): &ConnectInfo<SocketAddr>| address.ip());
        let address = address.unwrap_or(Ipv4Addr::LOCALHOST.into());
        let held = api.throttle.take_clients_content(address, content.at_most()).ok_or_else(|| {
            let text = "too much that you send is being read at this moment; send this again a little later";
            Refusal::after(Problem::new(Code::Unavailable, text), Duration::from_secs(1))
        })?;
        let content = content.read(Some(held), |_| ()).await?;
        Ok(Self(read_message(&parts.headers, &content)?))
    }
}

/// An answer.
pub(super) struct Told {
    status: StatusCode,
    encoding: Encoding,
    content: Vec<u8>,
}

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        let headers = [(CONTENT_TYPE, self.encoding.content_type()), (CACHE_CONTROL, NOT_KEPT)];
        (self.status, headers, self.content).into_response()
    }
}
