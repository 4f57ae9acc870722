//! What this provider answers to itself at `/own-check`.

use serde::{Deserialize, Serialize};

/// From where a request of ours has come to us.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OwnPong {
    /// The other end of the connection, as it is here. Where that is not the end from which it was sent, something in between has
    /// ended the one and begun the other. Address and port as text, as addresses are in all messages.
    pub(crate) came_from: String,
}
