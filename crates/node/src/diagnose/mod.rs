//! Why federation does not work: the doctor, which looks at a provider step by step, the comparison of a group's logs, the tracer of an
//! event, and what is so with this node itself.

mod compare;
mod doctor;
mod ourselves;
mod own_fault;
mod refused;
pub(crate) mod repairs;
mod reports;
mod trace;

pub(crate) use compare::Comparer;
pub use compare::{Comparison, CopyVerdict, Finding, ShownCheckpoint};
pub(crate) use doctor::{Doctor, OwnPong};
pub use doctor::{Evidence, Report, Step, StepName, Verdict};
pub(crate) use ourselves::{LOW_OCTETS, OwnState, WayIn};
pub use ourselves::{NameStanding, Ourselves, OwnCertificate};
pub use own_fault::OwnFault;
pub use refused::RefusedPull;
pub use repairs::RepairFinding;
pub(crate) use trace::Tracer;
pub use trace::{Elsewhere, ForeignClock, Trace, TraceCode, TraceState, TraceStep, TraceStepName, Traced};

pub use crate::store::StoreTrouble;
