//! What stands between two providers and breaks what goes through it: for the demo, in which an operator learns what each
//! failure looks like, and for tests.
//!
//! | what | what it is |
//! | --- | --- |
//! | [`FaultyNetwork`] | a way for connections, which cuts, delays, splits, holds or repeats what comes back over it |
//! | [`FaultyProxy`] | a reverse proxy, which cuts what waits, takes or gives no large content, or changes paths |

mod network;
mod proxy;

pub use network::FaultyNetwork;
pub use proxy::FaultyProxy;
