//! The TypeScript in `ui/src/bindings` is what the Rust types say. `make bindings` writes it anew.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use ts_rs::Config;

fn files(dir: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "ts"))
        .map(|path| {
            (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn export_is_what_is_committed() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/src/bindings");
    let made = tempfile::tempdir().unwrap();
    let config = Config::new().with_large_int("number").with_out_dir(made.path());
    drawbridge_admin::commands::export_typescript(&config).unwrap();
    drawbridge_remote::export_typescript(&config).unwrap();
    let made = files(made.path());
    if std::env::var_os("WRITE_BINDINGS").is_some() {
        for stale in files(&committed).keys().filter(|name| !made.contains_key(*name)) {
            std::fs::remove_file(committed.join(stale)).unwrap();
        }
        for (name, text) in &made {
            std::fs::write(committed.join(name), text).unwrap();
        }
    }
    let committed = files(&committed);
    assert_eq!(committed.keys().collect::<Vec<_>>(), made.keys().collect::<Vec<_>>(), "run make bindings");
    for (name, text) in made {
        assert_eq!(committed[&name], text, "{name} is stale: run make bindings");
    }
}
