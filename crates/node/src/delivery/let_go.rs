//! A group that the operator lets go of: its clients here are told that they are out, and all that is kept of it goes.

use drawbridge_mtp::id::GroupUri;

use crate::delivery::Delivery;
use crate::delivery::epoch::dismiss_client;
use crate::misuse::Misuse;
use crate::store::{GroupRow, Reader, Tx};

impl Delivery {
    /// Forgets `group`, where `may` says so in the same transaction, which returns the group as it is.
    pub(crate) async fn forget_group(
        &self,
        group: &GroupUri,
        may: impl FnOnce(&Tx<'_>) -> Result<GroupRow, Misuse> + Send + 'static,
    ) -> Result<(), Misuse> {
        // Whoever is at a page that tells of it has stored that before, or finds nothing of it after.
        let mut locked = self.groups.lock(group).await;
        let forgotten = self.store.write(move |tx| {
            let row = may(tx)?;
            for told in tx.audience(row.id)? {
                if let Reader::Client(_) = told.reader {
                    dismiss_client(tx, &row, &told.reader, row.head)?;
                }
            }
            Ok(tx.forget_group(&row)?)
        });
        let forgotten: Result<(), Misuse> = forgotten.await;
        if forgotten.is_ok() {
            locked.forget();
            self.forks.end(group);
        }
        forgotten
    }
}
