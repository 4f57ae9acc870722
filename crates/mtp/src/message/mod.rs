//! What is sent: one file for each part of the contract.
//!
//! These are shapes, with the checks that the contract counts as form. Read them with
//! [`wire::decode`](crate::wire::decode) and the checks are done; who may say what, and when, is the node's.

mod consent;
mod feed;
mod peering;
mod query;

pub use consent::{
    AuthorizationItem, AuthorizationReply, AuthorizationRequest, ConnectionItem, ConnectionReply,
    ConnectionRequest, ConnectionState, MAX_REQUEST_LIFETIME,
};
pub use feed::{
    Body, Event, EventKind, FeedPage, Item, ItemBody, MAX_INLINE_BYTES, ObjectRef, Removed, Welcome,
};
pub use peering::{PeerItem, PeerState, PeeringReply, PeeringRequest, Ping};
pub use query::{FeedQuery, PeeringQuery};
