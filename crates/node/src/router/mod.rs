//! Has the router of this computer's network lead the ports here that others come to, and knows what the router says, also of its
//! own address. Nothing waits for it: a router that is silent, or lies, keeps nothing from going on.
//!
//! - `wanted`: what it is asked for
//! - `gateway`: which router
//! - `nat_pmp`, `upnp`: how it is asked
//! - `xml`: what it writes
//! - `held`: what it was asked for, and is asked again in time
//! - `watch`: when it is asked
//! - `standing`: what it said, and what keeps others from coming

mod gateway;
mod held;
mod nat_pmp;
mod standing;
mod upnp;
mod wanted;
mod watch;
mod xml;

pub use self::standing::{
    ExternalAddress, OpenPort, RouterCode, RouterFault, RouterProtocol, RouterStanding,
};
pub(crate) use self::standing::{is_shared, trouble};
pub(crate) use self::wanted::wanted_ports;
pub(crate) use self::watch::{Router, ask_once};
