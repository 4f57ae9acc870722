//! What is shipped has no access to a node's store: it asks the node's `operator`.
//!
//! Without the feature `inspect` the compiler refuses it. Where the whole workspace is built, tests turn that on for all.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// The packages that are shipped and use a node, by the folder of each, with what is in it.
const SHIPPED: [(&str, &str); 4] =
    [("crates/admin", ""), ("crates/client", "src"), ("crates/daemon", ""), (".", "src-tauri")];

#[test]
fn nothing_that_is_shipped_names_the_store_of_a_node() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for (package, code) in SHIPPED {
        let package = root.join(package);
        let manifest = fs::read_to_string(package.join("Cargo.toml")).unwrap();
        assert!(!manifest.contains("\"inspect\""), "{} looks into the store", package.display());
        let files = sources(&package.join(code));
        assert!(!files.is_empty(), "{} has no code", package.display());
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            assert!(!names_the_store(&text), "{} names the store of a node", file.display());
        }
    }
}

#[test]
fn the_store_is_found_however_it_is_named() {
    for code in [
        "use drawbridge_node::store;",
        "use drawbridge_node::store::View;",
        "use drawbridge_node::{Node, store::View};",
        "use drawbridge_node::{\n    store,\n    Node,\n};",
        "let row: drawbridge_node::store::PeerRow = row;",
        "node\n    .store()\n    .read(|view| view.peers())",
    ] {
        assert!(names_the_store(code), "{code}");
    }
    for code in [
        "use drawbridge_node::operator::{self, ReadFault};",
        "use drawbridge_node::{Node, restore};",
        "use crate::store::Tx;",
        "WAITING.store(waiting, Ordering::SeqCst);",
    ] {
        assert!(!names_the_store(code), "{code}");
    }
}

/// All Rust files below `folder`.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    entries.flat_map(below).filter(|path| path.extension().is_some_and(|kind| kind == "rs")).collect()
}

/// Whether a text names the module `store` of a node, or asks a node for its store, inside macros too.
fn names_the_store(text: &str) -> bool {
    let code: String = text.split_whitespace().collect();
    let is_grouped = |group: &str| {
        let mut names = group.split(',').map(|name| name.trim_matches(['{', '}']));
        names.any(|name| name == "store" || name.starts_with("store::"))
    };
    let mut groups = code.split("usedrawbridge_node::{").skip(1).filter_map(|rest| rest.split(';').next());
    code.contains("drawbridge_node::store") || code.contains(".store()") || groups.any(is_grouped)
}
