//! What the clients of our users are told of requests.

use drawbridge_mtp::id::{ClientUri, UserUri};
use drawbridge_mtp::message::ItemBody;

use crate::store::{Reader, StoreFault, Tx};

/// Tells all clients of `user`, who lives here.
pub(super) fn tell_user(tx: &Tx<'_>, user: &UserUri, item: &ItemBody) -> Result<(), StoreFault> {
    for client in tx.clients_of(user.name())? {
        tx.append(&Reader::Client(ClientUri::new(user, &client.name)), item)?;
    }
    Ok(())
}
