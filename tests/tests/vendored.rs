//! `vendor/openmls` is the registry's crate with `vendor/openmls.patch` applied, and nothing else (`vendor/README.md`).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use drawbridge_mtp::octets::Hash32;

#[test]
fn the_copy_is_the_registrys_crate_and_the_patch() {
    let vendor = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("vendor");
    let folder = std::env::temp_dir().join(format!("drawbridge-vendored-{}", std::process::id()));
    let crate_folder = folder.join("openmls");
    for name in files(&vendor.join("openmls"), Path::new("")) {
        let to = crate_folder.join(&name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(vendor.join("openmls").join(&name), to).unwrap();
    }
    let patch = vendor.join("openmls.patch");
    let taken_back =
        Command::new("git").args(["apply", "--reverse"]).arg(patch).current_dir(&folder).output().unwrap();
    assert!(taken_back.status.success(), "{}", String::from_utf8_lossy(&taken_back.stderr));

    let found: BTreeMap<PathBuf, String> = files(&crate_folder, Path::new(""))
        .into_iter()
        .map(|name| {
            let sum = Hash32::of(&fs::read(crate_folder.join(&name)).unwrap());
            (name, sum.0.iter().map(|byte| format!("{byte:02x}")).collect())
        })
        .collect();
    fs::remove_dir_all(&folder).unwrap();
    let list = fs::read_to_string(vendor.join("openmls.sha256")).unwrap();
    let listed: BTreeMap<PathBuf, String> = list
        .lines()
        .map(|line| line.split_once("  ").unwrap())
        .map(|(sum, name)| (name.into(), sum.to_owned()))
        .collect();
    let other: Vec<_> = found.iter().filter(|(name, sum)| listed.get(*name) != Some(sum)).collect();
    assert!(other.is_empty(), "these files are not the registry's: {other:#?}");
    let gone: Vec<_> = listed.keys().filter(|name| !found.contains_key(*name)).collect();
    assert!(gone.is_empty(), "these files are listed and not there: {gone:#?}");
}

/// The files below `root`/`folder`, by their path from `root`.
fn files(root: &Path, folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap()) {
        let name = folder.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(root, &name));
        } else {
            found.push(name);
        }
    }
    found
}
