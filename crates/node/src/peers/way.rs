//! What the way to a peer takes: looking up its name, connecting, the TLS handshake.
//!
//! The HTTP client does these where they are needed, so whoever asks hands it a [`Way`] for the time of the request, and each part
//! notes itself there. A connection that was open already notes nothing.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustls::NamedGroup;
use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::pki_types::ServerName;
use tower::{Layer, Service};

use crate::traffic::Timing;

tokio::task_local! {
    static WAY: Way;
}

/// Sessions that are remembered, for handshakes without a certificate.
const SESSIONS: usize = 256;

/// The way of one request.
#[derive(Clone, Default)]
pub(super) struct Way(Arc<Mutex<Marks>>);

#[derive(Default)]
struct Marks {
    looked_up: Option<Duration>,
    began: Option<Instant>,
    handshake: Option<Instant>,
    ended: Option<Instant>,
}

impl Way {
    /// Carries out `request`, whose connection notes itself here.
    pub(super) async fn of<T>(&self, request: impl Future<Output = T>) -> T {
        WAY.scope(self.clone(), request).await
    }

    fn now() -> Option<Self> {
        WAY.try_with(Clone::clone).ok()
    }

    fn mark(&self, mark: impl FnOnce(&mut Marks)) {
        mark(&mut self.0.lock());
    }

    /// What was noted until now, with what has passed since as `wait` where the connection is there.
    pub(super) fn timing(&self, asked: Instant) -> Timing {
        let (marks, now) = (self.0.lock(), Instant::now());
        let looked_up = marks.looked_up;
        let Some(began) = marks.began else {
            return Timing { dns: looked_up, wait: Some(now - asked), ..Timing::default() };
        };
        let ended = marks.ended.unwrap_or(now);
        let connected = marks.handshake.unwrap_or(ended);
        Timing {
            dns: looked_up,
            connect: Some(
                connected.saturating_duration_since(began).saturating_sub(looked_up.unwrap_or_default()),
            ),
            tls: marks.handshake.map(|handshake| ended.saturating_duration_since(handshake)),
            wait: marks.ended.map(|ended| now.saturating_duration_since(ended)),
            ..Timing::default()
        }
    }
}

/// Carries out `look_up`, which is noted as the look-up of the request that is being carried out.
pub(super) fn looking_up<T>(look_up: impl Future<Output = T>) -> impl Future<Output = T> {
    let way = Way::now();
    async move {
        let began = Instant::now();
        let found = look_up.await;
        if let Some(way) = way {
            way.mark(|marks| marks.looked_up = Some(began.elapsed()));
        }
        found
    }
}

/// Notes when a connection begins to be made and when it is there.
#[derive(Clone)]
pub(super) struct NoteConnecting;

impl<S> Layer<S> for NoteConnecting {
    type Service = NotedConnecting<S>;

    fn layer(&self, connector: S) -> NotedConnecting<S> {
        NotedConnecting(connector)
    }
}

/// A connector whose connections are noted.
#[derive(Clone)]
pub(super) struct NotedConnecting<S>(S);

impl<S, To> Service<To> for NotedConnecting<S>
where
    S: Service<To, Future: Send + 'static>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, to: To) -> Self::Future {
        let way = Way::now();
        let connecting = self.0.call(to);
        Box::pin(async move {
            let mark = |mark: fn(&mut Marks)| way.iter().for_each(|way| way.mark(mark));
            mark(|marks| marks.began = Some(Instant::now()));
            let connected = connecting.await;
            mark(|marks| marks.ended = Some(Instant::now()));
            connected
        })
    }
}

/// The memory of earlier handshakes, where there is one. It is asked for the server's key exchange when a handshake begins, which
/// is the one sign of that which there is.
#[derive(Debug)]
pub(super) struct NotedSessions(Option<ClientSessionMemoryCache>);

impl NotedSessions {
    pub(super) fn with_memory() -> Self {
        Self(Some(ClientSessionMemoryCache::new(SESSIONS)))
    }

    pub(super) fn without_memory() -> Self {
        Self(None)
    }
}

impl ClientSessionStore for NotedSessions {
    fn set_kx_hint(&self, server: ServerName<'static>, group: NamedGroup) {
        if let Some(memory) = &self.0 {
            memory.set_kx_hint(server, group);
        }
    }

    fn kx_hint(&self, server: &ServerName<'_>) -> Option<NamedGroup> {
        if let Some(way) = Way::now() {
            way.mark(|marks| marks.handshake = Some(Instant::now()));
        }
        self.0.as_ref()?.kx_hint(server)
    }

    // TLS 1.2 is not spoken.
    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, server: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        if let Some(memory) = &self.0 {
            memory.insert_tls13_ticket(server, ticket);
        }
    }

    fn take_tls13_ticket(&self, server: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.0.as_ref()?.take_tls13_ticket(server)
    }
}
