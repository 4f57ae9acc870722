//! `drawbridged`: the provider without a desktop.
fn main() {}
