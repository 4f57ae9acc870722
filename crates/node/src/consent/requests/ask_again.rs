//! Our requests are sent again to a provider that may have lost them, or its word of what became of them.

use drawbridge_mtp::id::Provider;

use super::kind::Kind;
use crate::store::{Addition, Connection, StoreFault, Tx, Unsent};

/// After the feed of `peer` was reset, or where it has let us in just now and may have forgotten what we asked before
/// (`listed`), everything that we hold as open or approved there is asked again; the answers are the states (section 11).
pub(crate) fn ask_again(tx: &Tx<'_>, peer: &Provider) -> Result<(), StoreFault> {
    ask_again_of::<Connection>(tx, peer)?;
    ask_again_of::<Addition>(tx, peer)
}

fn ask_again_of<K: Kind>(tx: &Tx<'_>, peer: &Provider) -> Result<(), StoreFault> {
    for mut row in tx.requests_with::<K>(peer)? {
        if row.outgoing && row.unsent.is_none() && K::is_asked_again(&row, tx.now()) {
            row.unsent = Some(Unsent::Post);
            tx.put_request(&row)?;
        }
    }
    Ok(())
}
