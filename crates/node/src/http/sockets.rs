//! The sockets that are open at a listener: how long each may stay in which state, and which one goes where there is
//! no room for the next.

use parking_lot::Mutex;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::shares::{Source, fair_share};

/// TLS, the version of HTTP and the head of the first request have to come within this.
const OPENING_TIME: Duration = Duration::from_secs(15);
/// A socket on which nothing is asked any more is closed after this.
const IDLE_TIME: Duration = Duration::from_secs(120);
/// An answer of which nothing is taken for so long is given up, and its socket closed.
const ANSWER_TIME: Duration = Duration::from_secs(60);
/// What is asked at the moment in which an idle socket is closed may take so long to be answered.
const CLOSING_TIME: Duration = Duration::from_secs(5);

/// What is known of those who use a socket. Where there is no room, who is known less goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Trust {
    /// Nothing.
    Unknown,
    /// One has proved who it is.
    Proved,
    /// One is let in.
    LetIn,
}

/// What becomes of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Ending {
    /// What was asked is answered, and no more is taken.
    Finish = 1,
    /// It is closed at once.
    Cut = 2,
}

/// One open socket, as those who answer its requests see it: each request has it among its extensions.
#[derive(Debug)]
pub struct Socket {
    id: u64,
    /// None where it is of a trusted proxy, by which everybody comes.
    source: Option<Source>,
    /// When a request last began or ended on it, or it was opened, in milliseconds since the listener began.
    used: AtomicU64,
    was_asked: AtomicBool,
    under_way: AtomicU32,
    /// Of what is under way, the answers that are being taken, and when something of one was last taken.
    leaving: AtomicU32,
    moved: AtomicU64,
    trust: AtomicU8,
    ending: AtomicU8,
    told: Notify,
}

impl Socket {
    /// Notes who uses it.
    pub fn prove(&self, trust: Trust) {
        self.trust.fetch_max(trust as u8, Ordering::Relaxed);
    }

    /// Returns when it is to end.
    pub(super) async fn told(&self) -> Ending {
        loop {
            match self.ending.load(Ordering::Acquire) {
                0 => self.told.notified().await,
                ending if ending == Ending::Finish as u8 => return Ending::Finish,
                _ => return Ending::Cut,
            }
        }
    }

    /// Returns when it is to be closed at once.
    pub(super) async fn told_to_cut(&self) {
        while self.ending.load(Ordering::Acquire) != Ending::Cut as u8 {
            self.told.notified().await;
        }
    }

    fn end(&self, ending: Ending) {
        if self.ending.fetch_max(ending as u8, Ordering::AcqRel) < ending as u8 {
            self.told.notify_one();
        }
    }

    /// The less, the sooner it goes: who is known least, asks nothing at the moment, and has not asked for longest.
    fn worth(&self) -> (u8, bool, u64) {
        let is_used = self.under_way.load(Ordering::Relaxed) > 0;
        (self.trust.load(Ordering::Relaxed), is_used, self.used.load(Ordering::Relaxed))
    }
}

/// All open sockets of one listener. None waits for room: another one makes it.
pub(super) struct Sockets {
    limit: usize,
    began: Instant,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    next: u64,
    open: HashMap<u64, Arc<Socket>>,
    by_source: HashMap<Source, usize>,
}

/// A socket's place among the open ones; given up when it is dropped.
pub(super) struct Place {
    sockets: Arc<Sockets>,
    socket: Arc<Socket>,
}

impl Sockets {
    /// `limit` sockets may be open at one time.
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit: limit.max(1), began: Instant::now(), table: Mutex::default() })
    }

    /// Takes a new socket in. Where its source has had its share already and no other has more, another one of that
    /// source makes room; where there is no room otherwise, the one that is worth least.
    ///
    /// Without an `address` it is of a trusted proxy, which has no share: whoever comes by it is bounded request by request.
    pub(super) fn enter(self: &Arc<Self>, address: Option<IpAddr>) -> Place {
        let source = address.map(Source::from);
        let mut table = self.table.lock();
        let of_source = source.and_then(|source| table.by_source.get(&source)).copied().unwrap_or_default();
        let most = table.by_source.values().copied().max().unwrap_or_default();
        if of_source > 0 && of_source == most && of_source >= fair_share(self.limit, table.open.len()) {
            table.make_room_of(source);
        } else if table.open.len() >= self.limit {
            table.make_room();
        }
        let id = table.next;
        table.next += 1;
        let socket = Arc::new(Socket {
            id,
            source,
            used: self.elapsed().into(),
            was_asked: false.into(),
            under_way: 0.into(),
            leaving: 0.into(),
            moved: 0.into(),
            trust: (Trust::Unknown as u8).into(),
            ending: 0.into(),
            told: Notify::new(),
        });
        table.open.insert(id, socket.clone());
        if let Some(source) = source {
            *table.by_source.entry(source).or_default() += 1;
        }
        drop(table);
        Place { sockets: self.clone(), socket }
    }

    /// Closes the socket that is worth least: the system has no room for more.
    pub(super) fn make_room(&self) {
        self.table.lock().make_room();
    }

    /// Ends what has been in its state for too long.
    pub(super) fn sweep(&self) {
        let now = Duration::from_millis(self.elapsed());
        for socket in self.table.lock().open.values() {
            let since =
                |then: &AtomicU64| now.saturating_sub(Duration::from_millis(then.load(Ordering::Relaxed)));
            let unused = since(&socket.used);
            if socket.leaving.load(Ordering::Relaxed) > 0 && since(&socket.moved) > ANSWER_TIME {
                socket.end(Ending::Cut);
            }
            if !socket.was_asked.load(Ordering::Relaxed) {
                if unused > OPENING_TIME {
                    socket.end(Ending::Cut);
                }
            } else if socket.under_way.load(Ordering::Relaxed) == 0 && unused > IDLE_TIME {
                let ending = if unused > IDLE_TIME + CLOSING_TIME { Ending::Cut } else { Ending::Finish };
                socket.end(ending);
            }
        }
    }

    /// Ends all.
    pub(super) fn end_all(&self, ending: Ending) {
        self.table.lock().open.values().for_each(|socket| socket.end(ending));
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Table {
    /// Cuts the socket that is worth least; of those that are known equally little, one of the source with most.
    fn make_room(&mut self) {
        let many = |socket: &Socket| {
            socket.source.and_then(|source| self.by_source.get(&source)).copied().unwrap_or_default()
        };
        let least = self.open.values().min_by_key(|socket| {
            let worth = socket.worth();
            (worth.0, Reverse(many(socket)), worth)
        });
        self.cut(least.map(|socket| socket.id));
    }

    /// Cuts the socket of `source` that is worth least.
    fn make_room_of(&mut self, source: Option<Source>) {
        let of_source = self.open.values().filter(|socket| socket.source == source);
        self.cut(of_source.min_by_key(|socket| socket.worth()).map(|socket| socket.id));
    }

    fn cut(&mut self, id: Option<u64>) {
        if let Some(socket) = id.and_then(|id| self.remove(id)) {
            socket.end(Ending::Cut);
        }
    }

    fn remove(&mut self, id: u64) -> Option<Arc<Socket>> {
        let socket = self.open.remove(&id)?;
        if let Some(source) = socket.source
            && let Some(open) = self.by_source.get_mut(&source)
        {
            *open -= 1;
            if *open == 0 {
                self.by_source.remove(&source);
            }
        }
        Some(socket)
    }
}

impl Place {
    pub(super) fn socket(&self) -> &Arc<Socket> {
        &self.socket
    }

    /// Notes that a request is under way, until what is returned is dropped.
    pub(super) fn begin_request(self: &Arc<Self>) -> UnderWay {
        self.socket.was_asked.store(true, Ordering::Relaxed);
        let under_way = self.socket.under_way.fetch_add(1, Ordering::Relaxed);
        if self.socket.source.is_none() && under_way == 0 {
            // By a proxy somebody else may ask now, of whom nothing is known.
            self.socket.trust.store(Trust::Unknown as u8, Ordering::Relaxed);
        }
        self.socket.used.store(self.sockets.elapsed(), Ordering::Relaxed);
        UnderWay { place: self.clone(), is_leaving: false }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // It may have had to make room before.
        self.sockets.table.lock().remove(self.socket.id);
    }
}

/// A request whose answer is not taken yet.
pub(super) struct UnderWay {
    place: Arc<Place>,
    is_leaving: bool,
}

impl UnderWay {
    /// Notes that its answer is there, and that something of it is taken now.
    pub(super) fn leaves(&mut self) {
        let Place { sockets, socket } = &*self.place;
        socket.moved.store(sockets.elapsed(), Ordering::Relaxed);
        if !std::mem::replace(&mut self.is_leaving, true) {
            socket.leaving.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Place { sockets, socket } = &*self.place;
        socket.used.store(sockets.elapsed(), Ordering::Relaxed);
        socket.leaving.fetch_sub(u32::from(self.is_leaving), Ordering::Relaxed);
        socket.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRANGER: &str = "192.0.2.1";
    const OTHER: &str = "192.0.2.2";

    fn enter(sockets: &Arc<Sockets>, address: &str) -> Arc<Place> {
        Arc::new(sockets.enter(Some(address.parse().unwrap())))
    }

    fn is_cut(place: &Place) -> bool {
        place.socket.ending.load(Ordering::Relaxed) == Ending::Cut as u8
    }

    fn open(places: &[Arc<Place>]) -> usize {
        places.iter().filter(|place| !is_cut(place)).count()
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_has_a_third_and_its_idlest_socket_makes_room_for_its_next() {
        let sockets = Sockets::new(300);
        let mut places = Vec::new();
        for _ in 0..1000 {
            places.push(enter(&sockets, STRANGER));
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(open(&places), 100);
        assert!(places[900..].iter().all(|place| !is_cut(place)), "the oldest went");
        let other = enter(&sockets, OTHER);
        assert!(!is_cut(&other));
        assert_eq!(open(&places), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn of_an_address_who_is_let_in_and_waits_goes_last() {
        let sockets = Sockets::new(9);
        let places: Vec<_> = (0..3).map(|_| enter(&sockets, STRANGER)).collect();
        let _asked = places[0].begin_request();
        places[0].socket.prove(Trust::LetIn);
        places[1].socket.prove(Trust::Proved);
        tokio::time::advance(Duration::from_secs(1)).await;
        let next = enter(&sockets, STRANGER);
        assert_eq!(places.iter().map(|place| is_cut(place)).collect::<Vec<_>>(), [false, false, true]);
        next.socket.prove(Trust::LetIn);
        let last = enter(&sockets, STRANGER);
        assert_eq!(places.iter().map(|place| is_cut(place)).collect::<Vec<_>>(), [false, true, true]);
        last.socket.prove(Trust::LetIn);
        tokio::time::advance(Duration::from_secs(1)).await;
        drop(last.begin_request());
        enter(&sockets, STRANGER);
        assert!(is_cut(&next) && !is_cut(&places[0]), "who waits is not idle");
    }

    #[tokio::test(start_paused = true)]
    async fn where_many_addresses_fill_all_of_it_who_is_let_in_stays_and_who_is_alone_comes_in() {
        let sockets = Sockets::new(60);
        let peer = enter(&sockets, OTHER);
        peer.socket.prove(Trust::LetIn);
        let mut crowd = Vec::new();
        for _ in 0..20 {
            for source in 0..12 {
                crowd.push(enter(&sockets, &format!("198.51.100.{source}")));
            }
        }
        assert!(open(&crowd) <= 60);
        let alone = enter(&sockets, "203.0.113.1");
        let beside = enter(&sockets, "203.0.113.1");
        for source in 0..12 {
            crowd.push(enter(&sockets, &format!("198.51.100.{source}")));
        }
        assert!(!is_cut(&peer), "a peer was thrown out by strangers");
        assert!(!is_cut(&alone) && !is_cut(&beside), "who came alone was thrown out by those who are many");
        assert!(sockets.table.lock().open.len() <= 60);
    }

    #[tokio::test(start_paused = true)]
    async fn each_state_has_its_time() {
        let sockets = Sockets::new(100);
        let after = |secs| tokio::time::advance(Duration::from_secs(secs));
        let ending = |place: &Place| place.socket.ending.load(Ordering::Relaxed);
        let (silent, waiting, idle) =
            (enter(&sockets, STRANGER), enter(&sockets, STRANGER), enter(&sockets, STRANGER));
        let under_way = waiting.begin_request();
        drop(idle.begin_request());
        after(14).await;
        sockets.sweep();
        assert_eq!([&silent, &waiting, &idle].map(|place| ending(place)), [0, 0, 0]);
        after(2).await;
        sockets.sweep();
        assert!(is_cut(&silent), "nothing was asked on it");
        assert_eq!(silent.socket.told().await, Ending::Cut);
        after(105).await;
        sockets.sweep();
        assert_eq!(idle.socket.told().await, Ending::Finish);
        assert_eq!(ending(&waiting), 0, "what is under way is not idle");
        after(6).await;
        sockets.sweep();
        idle.socket.told_to_cut().await;
        // Its time begins when what was under way has ended.
        drop(under_way);
        after(119).await;
        sockets.sweep();
        assert_eq!(ending(&waiting), 0);
        after(2).await;
        sockets.sweep();
        assert_eq!(ending(&waiting), Ending::Finish as u8);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_takes_is_given_up() {
        let sockets = Sockets::new(100);
        let place = enter(&sockets, STRANGER);
        let _pull = place.begin_request();
        let mut answered = place.begin_request();
        for _ in 0..5 {
            answered.leaves();
            tokio::time::advance(Duration::from_secs(59)).await;
            sockets.sweep();
            assert!(!is_cut(&place), "it is being taken");
        }
        tokio::time::advance(Duration::from_secs(2)).await;
        sockets.sweep();
        assert!(is_cut(&place));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trusted_proxy_has_no_share_and_who_is_known_by_it_is_known_while_it_asks() {
        let sockets = Sockets::new(60);
        let by_proxy: Vec<_> = (0..60).map(|_| Arc::new(sockets.enter(None))).collect();
        assert_eq!(open(&by_proxy), 60, "the whole of it is the proxy's");
        let waiting = by_proxy[0].begin_request();
        by_proxy[0].socket.prove(Trust::LetIn);
        let asked = by_proxy[1].begin_request();
        by_proxy[1].socket.prove(Trust::LetIn);
        drop(asked);
        // A stranger is next on that connection.
        let _stranger = by_proxy[1].begin_request();
        tokio::time::advance(Duration::from_secs(1)).await;
        let more: Vec<_> = (0..59).map(|_| Arc::new(sockets.enter(None)).begin_request()).collect();
        assert!(!is_cut(&by_proxy[0]), "a peer that waits was thrown out by strangers");
        assert!(is_cut(&by_proxy[1]), "a stranger stays as the peer that asked before it");
        drop((waiting, more, by_proxy));
        assert!(sockets.table.lock().open.is_empty());
    }

    #[tokio::test]
    async fn whoever_is_gone_leaves_room() {
        let sockets = Sockets::new(3);
        for _ in 0..10 {
            let place = enter(&sockets, STRANGER);
            drop(place.begin_request());
        }
        let table = sockets.table.lock();
        assert!(table.open.is_empty() && table.by_source.is_empty());
    }
}
