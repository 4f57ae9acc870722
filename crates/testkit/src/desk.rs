//! What a hand-made peer answers to those who ask it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drawbridge_mtp::id::{Generation, Id};
use drawbridge_mtp::message::{FeedPage, FeedQuery, Item, ItemBody};
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_mtp::wire::{self, Encoding};
use http::{Method, StatusCode};
use tokio::sync::Notify;

/// Its feed for whoever pulls, and the lies to tell instead.
#[derive(Clone)]
pub struct Desk {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    news: Notify,
}

struct State {
    generation: Generation,
    items: Vec<Item>,
    lies: VecDeque<FeedPage>,
    asked: Vec<(Method, String)>,
    scripts: HashMap<String, Script>,
    shown: HashMap<String, Show>,
    taken: HashMap<String, Take>,
}

/// What is answered at a path: status and content, made from the request's content.
type Script = Arc<dyn Fn(&[u8]) -> (StatusCode, serde_json::Value) + Send + Sync>;
/// What is answered to a query: JSON, or an octet stream for an object.
type Show = Box<dyn Fn(&str) -> Vec<u8> + Send>;
/// What is answered to a content, JSON both.
type Take = Arc<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

impl Desk {
    pub(crate) fn new(generation: Generation) -> Self {
        let state = State {
            generation,
            items: Vec::new(),
            lies: VecDeque::new(),
            asked: Vec::new(),
            scripts: HashMap::new(),
            shown: HashMap::new(),
            taken: HashMap::new(),
        };
        Self { inner: Arc::new(Inner { state: Mutex::new(state), news: Notify::new() }) }
    }

    /// Puts an item at the end of its feed.
    pub fn puts(&self, id: Id, body: ItemBody) {
        let mut state = self.inner.state.lock().unwrap();
        let seq = state.items.len() as u64 + 1;
        state.items.push(Item { seq, id, body });
        self.inner.news.notify_waiters();
    }

    /// The name of its feed's history.
    pub fn generation(&self) -> Generation {
        self.inner.state.lock().unwrap().generation
    }

    /// Begins another history with the same items.
    pub fn resets(&self, generation: Generation) {
        self.inner.state.lock().unwrap().generation = generation;
        self.inner.news.notify_waiters();
    }

    /// Answers the next pull with `page`, whatever is asked.
    pub fn lies(&self, page: FeedPage) {
        self.inner.state.lock().unwrap().lies.push_back(page);
        self.inner.news.notify_waiters();
    }

    /// Answers every `POST` to `path` as `script` says, which is given the content.
    pub fn answers(
        &self,
        path: &str,
        script: impl Fn(&[u8]) -> (StatusCode, serde_json::Value) + Send + Sync + 'static,
    ) {
        self.inner.state.lock().unwrap().scripts.insert(path.to_owned(), Arc::new(script));
    }

    /// Answers `GET` of `path` from now on with what `show` makes of the query.
    pub fn shows(&self, path: &str, show: impl Fn(&str) -> Vec<u8> + Send + 'static) {
        self.inner.state.lock().unwrap().shown.insert(path.to_owned(), Box::new(show));
    }

    /// Answers `POST` to `path` from now on with what `take` makes of the content.
    pub fn takes(&self, path: &str, take: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) {
        self.inner.state.lock().unwrap().taken.insert(path.to_owned(), Arc::new(take));
    }

    /// What it was asked so far, method and resource.
    pub fn asked(&self) -> Vec<(Method, String)> {
        self.inner.state.lock().unwrap().asked.clone()
    }

    /// Answers a request: status, content, and whether that is a problem.
    pub(crate) async fn answer(
        &self,
        method: &Method,
        resource: &str,
        content: &[u8],
    ) -> (StatusCode, Vec<u8>, bool) {
        self.inner.state.lock().unwrap().asked.push((method.clone(), resource.to_owned()));
        let (path, query) = resource.split_once('?').unwrap_or((resource, ""));
        let script = self.inner.state.lock().unwrap().scripts.get(path).cloned();
        if let Some(script) = script.filter(|_| method == Method::POST) {
            let (status, answer) = script(content);
            return (status, answer.to_string().into_bytes(), !status.is_success());
        }
        if *method == Method::GET
            && let Some(show) = self.inner.state.lock().unwrap().shown.get(path)
        {
            return (StatusCode::OK, show(query), false);
        }
        let take = self.inner.state.lock().unwrap().taken.get(path).cloned();
        if let Some(take) = take.filter(|_| *method == Method::POST) {
            return (StatusCode::OK, take(content), false);
        }
        match (method.as_str(), path) {
            ("GET" | "POST", "/peering") => (StatusCode::OK, br#"{"state":"allowed"}"#.to_vec(), false),
            ("POST", "/connections" | "/authorizations") => {
                let ask: serde_json::Value = serde_json::from_slice(content).unwrap();
                let answer = serde_json::json!({"id": ask["id"], "state": "pending"});
                (StatusCode::ACCEPTED, answer.to_string().into_bytes(), false)
            }
            ("DELETE", _) => (StatusCode::NO_CONTENT, Vec::new(), false),
            ("GET", "/feed") => match self.page(&FeedQuery::parse(query).unwrap()).await {
                Ok(page) => (StatusCode::OK, wire::encode(Encoding::Json, &page), false),
                Err(problem) => (problem.status(), problem.to_json(), true),
            },
            _ => {
                let problem = Problem::new(Code::NotFound, "a hand-made peer has no such resource");
                (problem.status(), problem.to_json(), true)
            }
        }
    }

    async fn page(&self, query: &FeedQuery) -> Result<FeedPage, Problem> {
        let deadline = tokio::time::sleep(Duration::from_secs(query.wait));
        tokio::pin!(deadline);
        let mut over = query.wait == 0;
        loop {
            let mut news = std::pin::pin!(self.inner.news.notified());
            news.as_mut().enable();
            {
                let mut state = self.inner.state.lock().unwrap();
                if let Some(lie) = state.lies.pop_front() {
                    return Ok(lie);
                }
                let head = state.items.len() as u64;
                if query.generation.is_some_and(|named| named != state.generation) || query.after > head {
                    return Err(Problem::new(Code::FeedReset, "another history").with_feed(
                        state.generation,
                        1,
                        head,
                    ));
                }
                let items: Vec<_> =
                    state.items.iter().filter(|item| item.seq > query.after).cloned().collect();
                if over || !items.is_empty() {
                    return Ok(FeedPage { generation: state.generation, items, first: 1, head, more: false });
                }
            }
            tokio::select! {
                () = news => {}
                () = &mut deadline => over = true,
            }
        }
    }
}
