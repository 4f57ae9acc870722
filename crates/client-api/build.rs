//! Tells the program when it was built, by which it knows a clock that cannot be right: `SOURCE_DATE_EPOCH` where that is set, else
//! the time of the commit, so that the same sources make the same program.
//!
//! It is not looked up again with each commit, which would compile everything anew: what is built on in a folder keeps the time of
//! the commit that it was begun with, which is as true, since the clock has to be later than both.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let built = seconds(std::env::var("SOURCE_DATE_EPOCH").ok()).or_else(|| seconds(commit_time()));
    println!("cargo:rustc-env=DRAWBRIDGE_BUILT={}", built.unwrap_or(0));
}

fn commit_time() -> Option<String> {
    let asked = Command::new("git").args(["log", "-1", "--format=%ct"]).output().ok()?;
    asked.status.success().then_some(asked.stdout).and_then(|out| String::from_utf8(out).ok())
}

fn seconds(text: Option<String>) -> Option<u64> {
    text?.trim().parse().ok()
}
