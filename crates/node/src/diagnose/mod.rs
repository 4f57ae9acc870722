//! Why federation does not work: the doctor, which looks at a provider step by step, and what is so with this node itself.

mod doctor;
mod ourselves;

pub(crate) use doctor::Doctor;
pub use doctor::{Evidence, Report, Step, StepName, Verdict};
pub(crate) use ourselves::OwnState;
pub use ourselves::{NameStanding, Ourselves, OwnCertificate};

pub use crate::store::StoreTrouble;
