//! Backups that were ordered for download.

use std::time::{Duration, Instant};

use drawbridge_node::backup::BackupOrder;
use parking_lot::Mutex;

use crate::sessions::secret;

/// A backup that was ordered for download has to be fetched within this.
const FETCHED_WITHIN: Duration = Duration::from_secs(60);
/// So many orders are kept at one time.
const ORDERS: usize = 8;

/// Backups that were ordered for download, each to be fetched once. A passphrase is in none of their addresses.
#[derive(Default)]
pub(crate) struct BackupOrders(Mutex<Vec<(String, Instant, BackupOrder)>>);

impl BackupOrders {
    /// Keeps an order, and says under which name.
    pub(crate) fn add(&self, order: BackupOrder) -> String {
        let id = secret(32);
        let mut orders = self.0.lock();
        orders.retain(|(_, at, _)| at.elapsed() < FETCHED_WITHIN);
        let surplus = (orders.len() + 1).saturating_sub(ORDERS);
        orders.drain(..surplus);
        orders.push((id.clone(), Instant::now(), order));
        id
    }

    /// The order of that name, which is gone then; none where it was fetched, or lapsed.
    pub(crate) fn take(&self, id: &str) -> Option<BackupOrder> {
        let mut orders = self.0.lock();
        let place = orders.iter().position(|(known, at, _)| known == id && at.elapsed() < FETCHED_WITHIN)?;
        Some(orders.remove(place).2)
    }
}
