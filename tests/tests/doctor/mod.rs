//! What the doctor says of each fault that there may be between two providers: at which step, by what code, and which side
//! has to change something. Each fault is there in earnest, with real listeners, and each test prints its line of the table:
//!
//! fault | step | verdict, code | side | what a person reads

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod answers;
mod certificates;
mod clocks;
mod connections;
mod decisions;
mod documents;
mod endpoints;
mod faults;
mod ourselves;
mod scene;
mod visits;
