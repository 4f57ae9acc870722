//! What waits for the operator and what is wrong, told elsewhere than on the screens: to a program (a webhook), to a topic of
//! ntfy, by mail.
//!
//! What is so now is held against what each target was told, which is kept over restarts: so nothing is told twice, and nothing
//! is lost while a target cannot be reached. The operator names the targets, so the address guard does not hold here: a server
//! on this computer or in a private network is what many have.
//!
//! - `words`: what is said, here and by the desktop
//! - `current`: what is so now and is worth telling
//! - `told`: what one target was told, and what it is yet to be told
//! - `message`: what is sent at a time
//! - `http`, `smtp`: how it is sent
//! - `notifier`: the targets, how it goes with them, and their sending
//! - `look`: looks at what is so whenever something has changed

mod current;
mod http;
mod look;
mod message;
mod notifier;
mod smtp;
mod told;
mod words;

pub(crate) use look::watch;
pub(crate) use notifier::roots;
pub use notifier::{FailingTarget, Notifier, TargetKind, TargetStanding, TestResult};
pub use words::{WaitingItem, many_wait, many_wrong};
