//! `docs/conformance.md` says which test holds each sentence of the two pages of the wire. This holds the table itself:
//! it has every sentence, in the pages' order, and every test that it names is there.
//!
//! A row begins with the first words of its sentence, as far as they tell it from others. Its second cell names tests as
//! `file::test`, where `file` is the last part of a file's or folder's name; or it says, behind a dash, why there is
//! nothing to test.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_sentence_of_the_wire_has_its_tests() {
    let docs = root().join("docs");
    let table = fs::read_to_string(docs.join("conformance.md")).unwrap();
    let tests = tests();
    let mut wrong = Vec::new();
    for page in ["mtp.md", "client-api.md"] {
        let begin = table.find(&format!("\n## `{page}`")).expect(page) + 1;
        let end = table[begin..].find("\n## ").map_or(table.len(), |at| begin + at);
        let mut rows = table[begin..end].lines().filter_map(row).peekable();
        for sentence in sentences(&fs::read_to_string(docs.join(page)).unwrap()) {
            match rows.next_if(|(opening, _)| sentence.starts_with(opening)) {
                None => {
                    wrong.push(format!("{page} has, and the table does not have at its place: {sentence}"))
                }
                Some((_, held)) if held.starts_with('–') && held.len() > 8 => {}
                Some((opening, held)) => {
                    let quoted = held.split('`').skip(1).step_by(2);
                    let named: Vec<_> = quoted.filter(|name| name.contains("::")).collect();
                    let missing: Vec<_> = named.iter().filter(|name| !is_there(&tests, name)).collect();
                    if named.is_empty() || !missing.is_empty() {
                        wrong.push(format!("{page}, {opening}: no such test: {missing:?}"));
                    }
                }
            }
        }
        wrong.extend(rows.map(|(opening, _)| format!("{page} does not have at this place: {opening}")));
    }
    // After the first row that is not at its place, all that follow are not.
    wrong.truncate(20);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The two cells of a row of the table; the first without its ellipsis. A bar within a cell is written `\|`.
fn row(line: &str) -> Option<(String, String)> {
    let line = line.strip_prefix("| ")?.strip_suffix(" |")?.replace("\\|", "\u{0}");
    let (opening, held) = line.split_once(" | ")?;
    let cell = |text: &str| text.replace('\u{0}', "|").trim().to_owned();
    let opening = cell(opening.trim_end_matches('…'));
    (!opening.starts_with("---") && opening != "sentence").then(|| (opening, cell(held)))
}

/// The sentences of a page: of its paragraphs, of the items of its lists, and each row of a table. What is fenced as code
/// belongs to the sentence before it.
fn sentences(page: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    let (mut is_code, mut goes_on) = (false, false);
    for line in page.lines().map(str::trim) {
        if line.starts_with("```") {
            is_code = !is_code;
            goes_on = false;
        } else if is_code {
        } else if line.is_empty() || line.starts_with('#') || line.starts_with("| -") {
            goes_on = false;
        } else if line.starts_with('|') {
            blocks.push(line.to_owned());
            goes_on = false;
        } else if let (true, false, Some(block)) = (goes_on, line.starts_with("- "), blocks.last_mut()) {
            block.push(' ');
            block.push_str(line);
        } else {
            blocks.push(line.strip_prefix("- ").unwrap_or(line).to_owned());
            goes_on = true;
        }
    }
    blocks
        .iter()
        .flat_map(|block| if block.starts_with('|') { vec![block.clone()] } else { split(block) })
        .collect()
}

/// Splits a paragraph behind each full stop that a sentence follows.
fn split(paragraph: &str) -> Vec<String> {
    let mut sentences = vec![String::new()];
    let mut rest = paragraph;
    while let Some(at) = rest.find(' ') {
        let (word, after) = (&rest[..at], &rest[at + 1..]);
        let current = sentences.last_mut().unwrap();
        current.push_str(word);
        let ends = [".", ".)", ".**", ".*"].iter().any(|end| word.ends_with(end));
        if ends && after.starts_with(|next: char| next.is_uppercase() || "`*(".contains(next)) {
            sentences.push(String::new());
        } else {
            current.push(' ');
        }
        rest = after;
    }
    sentences.last_mut().unwrap().push_str(rest);
    sentences
}

/// The text of each file that may hold tests, by its path.
fn tests() -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root().join("crates"), root().join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
            let (path, name) = (entry.path(), entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                if name != "node_modules" && name != "target" {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.insert(path.clone(), fs::read_to_string(path).unwrap());
            }
        }
    }
    files
}

/// Whether a file has a test of the name `file::test`.
fn is_there(tests: &BTreeMap<PathBuf, String>, name: &str) -> bool {
    let Some((file, test)) = name.rsplit_once("::") else { return false };
    let is_meant = |path: &Path| {
        path.file_stem().is_some_and(|stem| stem == file)
            || path.parent().and_then(Path::file_name).is_some_and(|folder| folder == file)
    };
    let head = format!("fn {test}(");
    tests.iter().filter(|(path, _)| is_meant(path)).any(|(_, text)| {
        // A property's test stands in a macro, so what precedes it is looked at as text.
        text.match_indices(&head).any(|(at, _)| {
            let before: String =
                text[..at].chars().rev().take(200).collect::<Vec<_>>().into_iter().rev().collect();
            before.contains("#[test]") || before.contains("#[tokio::test")
        })
    })
}
