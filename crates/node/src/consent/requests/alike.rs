//! Requests for the same, which are decided as one.

use drawbridge_mtp::message::ConnectionState;

use super::kind::Kind;
use crate::store::{RequestRow, StoreFault, View};

/// The requests of the same user to the same one for the same, `row` among them, that are open or refused: the user is shown
/// one (section 7).
pub(super) fn asked_alike<K: Kind>(
    view: &View<'_>,
    row: &RequestRow<K>,
) -> Result<Vec<RequestRow<K>>, StoreFault> {
    let mut alike = view.requests_from_to::<K>(&row.from, &row.to)?;
    alike.retain(|other| {
        !other.outgoing && other.state != ConnectionState::Approved && other.about.is_like(&row.about)
    });
    Ok(alike)
}
