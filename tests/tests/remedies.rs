//! Each trouble that a node can note with a peer has a text in the pages that says what to do, and no text is for one that it
//! never notes.
//!
//! The codes are read from the node's sources: the code that each fault is made with, and those that the protocol names, which
//! peers answer with.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use drawbridge_mtp::problem::Code;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Expr, ImplItemFn, ItemConst, ItemFn, ItemMod, Lit};

/// By which call a code comes into a trouble, and which of its arguments it is.
const MAKERS: [(&str, usize); 6] =
    [("new", 1), ("warn", 1), ("wait", 1), ("note_trouble", 2), ("no_connection", 0), ("wrong", 0)];

#[test]
fn each_trouble_has_a_text_that_says_what_to_do_and_each_text_a_trouble() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let noted = codes(&root.join("crates/node/src"));
    assert!(noted.contains("added-unproved") && noted.contains("certificate-expired"), "{noted:?}");
    let texts = texts(&std::fs::read_to_string(root.join("ui/src/text/en/trouble.ts")).unwrap());
    let missing: Vec<_> = noted.difference(&texts).collect();
    assert!(missing.is_empty(), "these have no text in ui/src/text/en/trouble.ts: {missing:#?}");
    let stale: Vec<_> = texts.difference(&noted).collect();
    assert!(stale.is_empty(), "nobody notes these; take them out of ui/src/text/en/trouble.ts: {stale:#?}");
}

#[test]
fn each_fault_of_our_own_has_a_text_that_says_what_to_do() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let listed = std::fs::read_to_string(root.join("crates/node/src/diagnose/own_fault.rs")).unwrap();
    let (_, faults) = listed.split_once("    OwnFault {").unwrap();
    let (faults, _) = faults.split_once("\n    }").unwrap();
    let codes: BTreeSet<String> = faults.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    assert!(codes.contains("disk-full") && codes.contains("certificate-expired"), "{codes:?}");
    let texts = std::fs::read_to_string(root.join("ui/src/text/en/trouble.ts")).unwrap();
    let known: BTreeSet<String> = ["own", "code"].into_iter().flat_map(|of| texts_of(&texts, of)).collect();
    let missing: Vec<_> = codes.difference(&known).collect();
    assert!(missing.is_empty(), "these have no text in ui/src/text/en/trouble.ts: {missing:#?}");
}

fn texts(source: &str) -> BTreeSet<String> {
    texts_of(source, "code")
}

/// The keys of the object `of` in the pages' texts, one in each line that begins an entry.
fn texts_of(source: &str, of: &str) -> BTreeSet<String> {
    let (_, entries) = source.split_once(&format!("\n  {of}: {{\n")).unwrap();
    let (entries, _) = entries.split_once("\n  }").unwrap();
    let keys = entries.lines().filter_map(|line| {
        let key = line.strip_prefix("    ")?.split_once(':')?.0.trim_matches('"');
        is_code(key).then(|| key.to_owned())
    });
    keys.collect()
}

fn is_code(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|octet| octet.is_ascii_lowercase() || matches!(octet, b'3' | b'6'))
    };
    text.split('-').all(is_word)
}

/// All codes that troubles are made with in the sources below `folder`, and those of the protocol that a peer may answer with.
fn codes(folder: &Path) -> BTreeSet<String> {
    let mut files = Vec::new();
    collect(folder, &mut files);
    let files: Vec<syn::File> = files
        .into_iter()
        .map(|path| syn::parse_file(&std::fs::read_to_string(path).unwrap()).unwrap())
        .collect();
    let mut consts = Consts::default();
    files.iter().for_each(|file| consts.visit_file(file));
    let mut made = Made { consts: consts.0, ..Made::default() };
    files.iter().for_each(|file| made.visit_file(file));
    // To a client only.
    let protocol = Code::ALL.iter().filter(|code| **code != Code::TokenUnknown);
    made.codes.extend(protocol.map(|code| code.as_str().to_owned()));
    made.codes
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || (attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Path>().is_ok_and(|what| what.is_ident("test")))
    })
}

/// What constants of text hold.
#[derive(Default)]
struct Consts(BTreeMap<String, String>);

impl<'ast> Visit<'ast> for Consts {
    fn visit_item_const(&mut self, item: &'ast ItemConst) {
        if let Some(text) = literal(&item.expr) {
            self.0.insert(item.ident.to_string(), text);
        }
    }
}

fn literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// The codes that troubles are made with.
#[derive(Default)]
struct Made {
    consts: BTreeMap<String, String>,
    codes: BTreeSet<String>,
    /// A fault of this function is made with a code that a variable holds: any text in it that may be a code is one.
    by_variable: bool,
}

impl Made {
    fn function(&mut self, block: &Block, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::take(&mut self.by_variable);
        visit(self);
        if std::mem::replace(&mut self.by_variable, before) {
            let mut texts = Texts(&mut self.codes);
            texts.visit_block(block);
        }
    }

    fn argument(&mut self, expr: &Expr) {
        if let Some(code) = literal(expr) {
            self.codes.insert(code);
        } else if let Expr::Path(path) = expr
            && let Some(code) = path.path.get_ident().and_then(|name| self.consts.get(&name.to_string()))
        {
            self.codes.insert(code.clone());
        } else {
            self.by_variable = true;
        }
    }
}

impl<'ast> Visit<'ast> for Made {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.function(&item.block, |made| visit::visit_item_fn(made, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.function(&item.block, |made| visit::visit_impl_item_fn(made, item));
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let Expr::Path(path) = &*call.func {
            let names: Vec<_> = path.path.segments.iter().map(|part| part.ident.to_string()).collect();
            let maker = MAKERS.iter().find(|(name, _)| names.last().is_some_and(|last| last == name));
            let is_fault = names.len() < 2 || matches!(names[names.len() - 2].as_str(), "PeerFault" | "Self");
            if let Some((name, place)) = maker
                && (*name != "new" || (is_fault && call.args.len() == 3))
                && let Some(code) = call.args.iter().nth(*place)
            {
                self.argument(code);
            }
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if call.method == "note_trouble"
            && call.args.len() == 4
            && let Some(code) = call.args.iter().nth(2)
        {
            self.argument(code);
        }
        visit::visit_expr_method_call(self, call);
    }
}

/// The texts of a function that may be codes, but for the stages.
struct Texts<'a>(&'a mut BTreeSet<String>);

impl<'ast> Visit<'ast> for Texts<'_> {
    fn visit_expr_lit(&mut self, lit: &'ast syn::ExprLit) {
        if let Lit::Str(text) = &lit.lit
            && is_code(&text.value())
        {
            self.0.insert(text.value());
        }
    }
}
