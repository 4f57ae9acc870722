//! What counts as waiting for the operator, on every screen.

use std::collections::HashSet;

use drawbridge_mtp::message::{ConnectionState, PeerState};
use drawbridge_node::store::{AuthorizationRow, ConnectionRow, PeerRow};

/// How much waits.
pub(crate) struct Waiting {
    pub(crate) providers: usize,
    pub(crate) connections: usize,
    pub(crate) additions: usize,
}

impl Waiting {
    /// Counts what waits among all that the store has.
    pub(crate) fn among(
        peers: &[PeerRow],
        connections: &[ConnectionRow],
        additions: &[AuthorizationRow],
    ) -> Self {
        Self {
            providers: peers.iter().filter(|peer| is_provider_waiting(peer)).count(),
            connections: self::connections(connections).count(),
            additions: self::additions(additions).count(),
        }
    }

    pub(crate) fn total(&self) -> usize {
        self.providers + self.connections + self.additions
    }
}

/// Whether a provider waits to be let in.
pub(crate) fn is_provider_waiting(peer: &PeerRow) -> bool {
    peer.state == PeerState::Pending && !peer.ignored
}

/// The requests for a connection that wait: one for each pair of users.
pub(crate) fn connections(rows: &[ConnectionRow]) -> impl Iterator<Item = &ConnectionRow> {
    rows.iter()
        .enumerate()
        .filter(|(place, row)| {
            is_incoming_open(row) && {
                let pair = |other: &&ConnectionRow| {
                    is_incoming_open(other) && (&other.from, &other.to) == (&row.from, &row.to)
                };
                !rows[..*place].iter().any(|other| pair(&other))
            }
        })
        .map(|(_, row)| row)
}

fn is_incoming_open(row: &ConnectionRow) -> bool {
    !row.outgoing && row.state == ConnectionState::Pending && !row.ignored
}

/// The requests to add somebody to a group that wait: one for each addition, however often it was asked for.
pub(crate) fn additions(rows: &[AuthorizationRow]) -> impl Iterator<Item = &AuthorizationRow> {
    let mut shown = HashSet::new();
    rows.iter().filter(move |row| {
        let waits = !row.outgoing && row.state == ConnectionState::Pending && !row.ignored;
        waits && shown.insert((&row.about.group, &row.from, &row.to))
    })
}
