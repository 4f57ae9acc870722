//! What waits for the operator's decision. What counts as waiting is said here, once for what is shown and for what is counted.

use std::collections::HashSet;

use drawbridge_mtp::id::{Id, Provider};
use drawbridge_mtp::message::PeerState;

use super::requests::{RequestRow, Subject};
use super::{PeerRow, StoreFault, View, unsigned};

/// A request that waits: of others, open, and neither set aside nor kept from everybody's sight.
const REQUEST_WAITS: &str = "state = 'pending' AND NOT outgoing AND NOT ignored AND NOT unseen";

impl PeerRow {
    /// Whether it waits to be let in, and is not set aside.
    pub fn is_waiting(&self) -> bool {
        self.state == PeerState::Pending && !self.ignored
    }
}

impl View<'_> {
    /// The requests that wait, the newest first. Of those for the same, however often it was asked for, the newest.
    pub fn waiting_requests<S: Subject>(&self) -> Result<Vec<RequestRow<S>>, StoreFault> {
        let mut rows: Vec<RequestRow<S>> =
            self.requests_where(&format!("{REQUEST_WAITS} ORDER BY created DESC, id DESC"), &[])?;
        let mut shown = HashSet::new();
        rows.retain(|row| shown.insert((row.about.group().cloned(), row.from.clone(), row.to.clone())));
        Ok(rows)
    }

    /// The request `id` of `peer`, where it waits.
    pub fn waiting_request<S: Subject>(
        &self,
        peer: &Provider,
        id: Id,
    ) -> Result<Option<RequestRow<S>>, StoreFault> {
        let found = self.requests_where(
            &format!("peer = ?1 AND id = ?2 AND {REQUEST_WAITS}"),
            &[&peer.as_str(), &id.as_bytes().as_slice()],
        )?;
        Ok(found.into_iter().next())
    }

    /// How many providers wait.
    pub fn count_waiting_peers(&self) -> Result<u64, StoreFault> {
        Ok(self.peers_in(PeerState::Pending)?.iter().filter(|peer| peer.is_waiting()).count() as u64)
    }

    /// How many requests wait, as [`View::waiting_requests`] has them.
    pub fn count_waiting<S: Subject>(&self) -> Result<u64, StoreFault> {
        let (alike, table) = (S::ALIKE, S::TABLE);
        self.count(&format!("(SELECT DISTINCT {alike} FROM {table} WHERE {REQUEST_WAITS})"))
    }

    /// How many rows there are of what is named as after `FROM`.
    pub(super) fn count(&self, what: &str) -> Result<u64, StoreFault> {
        let count: i64 = self
            .sql
            .prepare_cached(&format!("SELECT count(*) FROM {what}"))?
            .query_row([], |row| row.get(0))?;
        Ok(unsigned(count))
    }
}
