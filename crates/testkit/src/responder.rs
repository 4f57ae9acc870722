//! What a scripted peer answers to those who ask it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::id::{Generation, Id};
use drawbridge_mtp::message::{FeedPage, FeedQuery, Item, ItemBody};
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_mtp::wire::{self, Encoding};
use http::{HeaderMap, Method, StatusCode};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Its feed for whoever pulls, and the lies to tell instead.
#[derive(Clone)]
pub struct Responder {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    news: Notify,
}

struct State {
    generation: Generation,
    /// The items as they are written, each with the place in the feed that is its number.
    items: Vec<serde_json::Value>,
    lies: VecDeque<FeedPage>,
    /// How long a pull is held at most.
    holds: Duration,
    /// How many pulls are held now, by the number that each has the feed up to.
    held: BTreeMap<u64, usize>,
    asked: Vec<(Method, String)>,
    fields: HashMap<String, HeaderMap>,
    content_type: &'static str,
    scripts: HashMap<String, Script>,
    shown: HashMap<String, Show>,
    taken: HashMap<String, Take>,
    refuses: Option<Refuse>,
    ignored: HashSet<String>,
}

/// Why a request is refused, where it is.
type Refuse = Arc<dyn Fn(&Method, &str) -> Option<Problem> + Send + Sync>;
/// What is answered at a path: status and content, made from the request's content.
type Script = Arc<dyn Fn(&[u8]) -> (StatusCode, serde_json::Value) + Send + Sync>;
/// What is answered to a query: JSON, or an octet stream for an object.
type Show = Box<dyn Fn(&str) -> Vec<u8> + Send>;
/// What is answered to a content, JSON both.
type Take = Arc<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

impl Responder {
    pub(crate) fn new(generation: Generation) -> Self {
        let state = State {
            generation,
            items: Vec::new(),
            lies: VecDeque::new(),
            holds: Duration::MAX,
            held: BTreeMap::new(),
            asked: Vec::new(),
            fields: HashMap::new(),
            content_type: "application/json",
            scripts: HashMap::new(),
            shown: HashMap::new(),
            taken: HashMap::new(),
            refuses: None,
            ignored: HashSet::new(),
        };
        Self { inner: Arc::new(Inner { state: Mutex::new(state), news: Notify::new() }) }
    }

    /// Puts an item at the end of its feed.
    pub fn puts(&self, id: Id, body: ItemBody) {
        let item = serde_json::to_value(Item { seq: 0, id, body }).unwrap();
        self.writes([(id, item)]);
    }

    /// Puts items at the end of its feed, all at once, that a test has written itself but for their numbers and ids.
    pub fn writes(&self, items: impl IntoIterator<Item = (Id, serde_json::Value)>) {
        let mut state = self.inner.state.lock();
        for (id, mut item) in items {
            item["seq"] = (state.items.len() + 1).into();
            item["id"] = serde_json::to_value(id).unwrap();
            state.items.push(item);
        }
        self.inner.news.notify_waiters();
    }

    /// The number of the last item of its feed.
    pub fn head(&self) -> u64 {
        self.inner.state.lock().items.len() as u64
    }

    /// Whether somebody who has all of its feed waits here for more.
    pub fn is_pulled(&self) -> bool {
        let state = self.inner.state.lock();
        state.held.contains_key(&(state.items.len() as u64))
    }

    /// The name of its feed's history.
    pub fn generation(&self) -> Generation {
        self.inner.state.lock().generation
    }

    /// Begins another history with the same items.
    pub fn resets(&self, generation: Generation) {
        self.inner.state.lock().generation = generation;
        self.inner.news.notify_waiters();
    }

    /// Answers the next pull with `page`, whatever is asked.
    pub fn lies(&self, page: FeedPage) {
        self.inner.state.lock().lies.push_back(page);
        self.inner.news.notify_waiters();
    }

    /// From now on ends each wait of a pull after `most`, with an empty page where there is nothing.
    pub fn holds_at_most(&self, most: Duration) {
        self.inner.state.lock().holds = most;
    }

    /// Answers every `POST` to `path` as `script` says, which is given the content.
    pub fn answers(
        &self,
        path: &str,
        script: impl Fn(&[u8]) -> (StatusCode, serde_json::Value) + Send + Sync + 'static,
    ) {
        self.inner.state.lock().scripts.insert(path.to_owned(), Arc::new(script));
    }

    /// Answers `GET` of `path` from now on with what `show` makes of the query.
    pub fn shows(&self, path: &str, show: impl Fn(&str) -> Vec<u8> + Send + 'static) {
        self.inner.state.lock().shown.insert(path.to_owned(), Box::new(show));
    }

    /// Answers `POST` to `path` from now on with what `take` makes of the content.
    pub fn takes(&self, path: &str, take: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) {
        self.inner.state.lock().taken.insert(path.to_owned(), Arc::new(take));
    }

    /// Refuses from now on every request for whose method and path `refuse` has a problem.
    pub fn refuses(&self, refuse: impl Fn(&Method, &str) -> Option<Problem> + Send + Sync + 'static) {
        self.inner.state.lock().refuses = Some(Arc::new(refuse));
    }

    /// Never answers a request for `path` from now on.
    pub fn ignores(&self, path: &str) {
        self.inner.state.lock().ignored.insert(path.to_owned());
    }

    /// Calls the content of its answers so from now on, whatever it is.
    pub fn calls_content(&self, content_type: &'static str) {
        self.inner.state.lock().content_type = content_type;
    }

    pub(crate) fn content_type(&self) -> &'static str {
        self.inner.state.lock().content_type
    }

    /// The fields of the last request for `path`.
    pub fn fields_of(&self, path: &str) -> Option<HeaderMap> {
        self.inner.state.lock().fields.get(path).cloned()
    }

    /// How often it was asked for `path` so far.
    pub fn times_asked(&self, method: &Method, path: &str) -> usize {
        let asked = self.asked();
        let alike = asked.iter().filter(|(by, resource)| {
            by == method && resource.split_once('?').map_or(resource.as_str(), |(path, _)| path) == path
        });
        alike.count()
    }

    /// What it was asked so far, method and resource.
    pub fn asked(&self) -> Vec<(Method, String)> {
        self.inner.state.lock().asked.clone()
    }

    /// Answers a request: status, content, and whether that is a problem.
    pub(crate) async fn answer(
        &self,
        method: &Method,
        resource: &str,
        fields: &HeaderMap,
        content: &[u8],
    ) -> (StatusCode, Vec<u8>, bool) {
        let (path, query) = resource.split_once('?').unwrap_or((resource, ""));
        {
            let mut state = self.inner.state.lock();
            state.asked.push((method.clone(), resource.to_owned()));
            state.fields.insert(path.to_owned(), fields.clone());
        }
        let is_ignored = self.inner.state.lock().ignored.contains(path);
        if is_ignored {
            return std::future::pending().await;
        }
        let refuse = self.inner.state.lock().refuses.clone();
        if let Some(problem) = refuse.and_then(|refuse| refuse(method, path)) {
            return (problem.status(), problem.to_json(), true);
        }
        let script = self.inner.state.lock().scripts.get(path).cloned();
        if let Some(script) = script.filter(|_| method == Method::POST) {
            let (status, answer) = script(content);
            return (status, answer.to_string().into_bytes(), !status.is_success());
        }
        if *method == Method::GET
            && let Some(show) = self.inner.state.lock().shown.get(path)
        {
            return (StatusCode::OK, show(query), false);
        }
        let take = self.inner.state.lock().taken.get(path).cloned();
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
                Ok(page) => (StatusCode::OK, page, false),
                Err(problem) => (problem.status(), problem.to_json(), true),
            },
            _ => {
                let problem = Problem::new(Code::NotFound, "a scripted peer has no such resource");
                (problem.status(), problem.to_json(), true)
            }
        }
    }

    async fn page(&self, query: &FeedQuery) -> Result<Vec<u8>, Problem> {
        let _held = (query.wait > 0).then(|| HeldPull::begin(&self.inner, query.after));
        let holds = self.inner.state.lock().holds;
        let deadline = tokio::time::sleep(holds.min(Duration::from_secs(query.wait)));
        tokio::pin!(deadline);
        let mut over = query.wait == 0;
        loop {
            let mut news = std::pin::pin!(self.inner.news.notified());
            news.as_mut().enable();
            {
                let mut state = self.inner.state.lock();
                if let Some(lie) = state.lies.pop_front() {
                    return Ok(wire::encode(Encoding::Json, &lie));
                }
                let head = state.items.len() as u64;
                if query.generation.is_some_and(|named| named != state.generation) || query.after > head {
                    return Err(Problem::new(Code::FeedReset, "another history").with_feed(
                        state.generation,
                        1,
                        head,
                    ));
                }
                let have = usize::try_from(query.after).unwrap();
                if over || query.after < head {
                    let (generation, items) = (state.generation, &state.items[have..]);
                    let page = serde_json::json!({
                        "generation": generation, "items": items, "first": 1, "head": head, "more": false,
                    });
                    return Ok(page.to_string().into_bytes());
                }
            }
            tokio::select! {
                () = news => {}
                () = &mut deadline => over = true,
            }
        }
    }
}

/// A pull that is held, counted until it is answered or given up.
struct HeldPull<'a> {
    inner: &'a Inner,
    after: u64,
}

impl<'a> HeldPull<'a> {
    fn begin(inner: &'a Inner, after: u64) -> Self {
        *inner.state.lock().held.entry(after).or_default() += 1;
        Self { inner, after }
    }
}

impl Drop for HeldPull<'_> {
    fn drop(&mut self) {
        let mut state = self.inner.state.lock();
        if let Entry::Occupied(mut held) = state.held.entry(self.after) {
            *held.get_mut() -= 1;
            if *held.get() == 0 {
                held.remove();
            }
        }
    }
}
