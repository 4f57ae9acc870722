//! Groups of ours: what is submitted to them is judged and numbered here, and what our store has lost of them is read back
//! from their participants (sections 10 and 12).

pub(super) mod fork;
mod grants;
mod group;
mod receive;
pub(super) mod recover;
pub(super) mod recovery;
mod register;
mod submit;
mod walk;
