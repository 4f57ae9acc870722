//! Feeds: how a pull of a peer or a client is answered, at once or when there is something (section 11).

pub(super) mod feed;
pub(super) mod waits;
