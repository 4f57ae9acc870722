//! The tests that cross crates, one module each. They are one program: each of its own would take a hundred megabytes and be
//! linked for itself.

mod acme;
mod authorizations;
mod backups;
mod cards;
mod certificates;
mod checkpoints;
mod client_api;
mod clocks;
mod comparison;
mod conformance;
mod connections;
mod consent;
mod demo;
mod discovery;
mod doctor;
mod dry_run;
mod elsewhere;
mod federation;
mod feeds;
mod first_start;
mod flood;
mod forks;
mod gate;
mod grants;
mod groups;
mod http_home;
mod imports;
mod invariants;
mod key_packages;
mod keys;
mod kill;
mod letting_go;
mod lies;
mod logs;
mod look_back;
mod lost_welcome;
mod memory;
mod metrics;
mod mls_vectors;
mod network;
mod notify;
mod operator;
mod owners;
mod peering;
mod port_mapping;
mod proxies;
mod pulls;
mod reach;
mod reachable;
mod refusals;
mod releases;
mod remedies;
mod repairs;
mod restored;
mod restored_clients;
mod script;
mod served;
mod service;
mod shown;
mod sockets;
mod storage;
mod store_access;
mod submissions;
mod traces;
mod traffic;
mod vendored;

/// A file that is not named above would not be run.
#[test]
fn every_file_is_a_part_of_this_program() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut missing = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder of this file").flatten() {
        let name = entry.file_name().to_string_lossy().trim_end_matches(".rs").to_owned();
        if name != "all" && !include_str!("all.rs").contains(&format!("\nmod {name};\n")) {
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}
