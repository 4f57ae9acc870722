//! Imports between files make no circle.
//!
//! A file imports another where it names something that the other defines, whether the name comes by way of a
//! re-export or not. A module's file that only re-exports what its children define does not import them. Code behind
//! `#[cfg(test)]` does not count. Calls of methods are not seen, since their names do not say where they are defined.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

#[test]
fn no_file_comes_into_a_circle_of_imports() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let crates = fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let mut roots: Vec<_> =
        crates.flat_map(|path| [path.join("src/lib.rs"), path.join("src/main.rs")]).collect();
    roots
        .extend(["benches/src/main.rs", "tests/src/lib.rs", "src-tauri/main.rs"].map(|path| root.join(path)));

    let mut found = BTreeSet::new();
    for main in roots.into_iter().filter(|path| path.exists()) {
        for circle in circles(&Program::read(&main).imports()) {
            let names = circle.iter().map(|file| file.strip_prefix(root).unwrap().display().to_string());
            found.extend(names);
        }
    }
    assert!(found.is_empty(), "these files import each other in a circle: {found:#?}");
}

/// The lint sees a circle that goes by way of a re-export, and one that goes by way of a module's name.
#[test]
fn a_circle_is_found_whatever_it_goes_by() {
    let folder = std::env::temp_dir().join(format!("drawbridge-imports-{}", std::process::id()));
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("lib.rs", "mod room; mod hall; mod attic; mod roof; mod yard; mod shed;");
    write("room/mod.rs", "mod chair; pub(crate) use chair::Chair;");
    write("room/chair.rs", "use crate::hall::Door; pub(crate) struct Chair(Door);");
    write("hall.rs", "use crate::room::Chair; pub(crate) struct Door; fn sit(_: Chair) {}");
    write("attic.rs", "use crate::roof; pub(crate) struct Beam; fn up() { roof::lift() }");
    write(
        "roof.rs",
        "pub(crate) fn lift() { let _ = super::attic::Beam; } #[cfg(test)] mod tests { use crate::hall; }",
    );
    write(
        "yard.rs",
        "use crate::shed::Tool; words! { /// What grows.\n Plant { Tree = \"tree\", } } fn dig(_: Tool) {}",
    );
    write("shed.rs", "use crate::yard::Plant; pub(crate) struct Tool(Plant);");
    let imports = Program::read(&folder.join("lib.rs")).imports();
    fs::remove_dir_all(&folder).unwrap();
    let found: BTreeSet<BTreeSet<_>> = circles(&imports)
        .iter()
        .map(|circle| {
            circle.iter().map(|file| file.strip_prefix(&folder).unwrap().display().to_string()).collect()
        })
        .collect();
    let expected = [["hall.rs", "room/chair.rs"], ["attic.rs", "roof.rs"], ["shed.rs", "yard.rs"]];
    assert_eq!(found, expected.map(|circle| circle.map(str::to_owned).into()).into());
}

/// A crate's modules, by their paths from its root.
struct Program {
    modules: HashMap<ModulePath, Module>,
}

type ModulePath = Vec<String>;

struct Module {
    file: PathBuf,
    /// Names that the module defines itself.
    defined: BTreeSet<String>,
    /// Names that stand for something in this crate, with the paths they stand for.
    imported: HashMap<String, Vec<String>>,
    /// The modules whose whole content is imported.
    globs: Vec<Vec<String>>,
    /// Paths that the module's code names. A re-export is none of them.
    named: Vec<Vec<String>>,
}

impl Program {
    fn read(main: &Path) -> Self {
        let mut program = Self { modules: HashMap::new() };
        program.read_file(main, main.parent().unwrap(), Vec::new());
        program
    }

    /// Reads a module's file; its children are in `folder`.
    fn read_file(&mut self, file: &Path, folder: &Path, path: ModulePath) {
        let text = fs::read_to_string(file).unwrap_or_else(|fault| panic!("{}: {fault}", file.display()));
        let items =
            syn::parse_file(&text).unwrap_or_else(|fault| panic!("{}: {fault}", file.display())).items;
        self.read_items(items, file, folder, path);
    }

    fn read_items(&mut self, items: Vec<Item>, file: &Path, folder: &Path, path: ModulePath) {
        let mut module = Module {
            file: file.to_owned(),
            defined: BTreeSet::new(),
            imported: HashMap::new(),
            globs: Vec::new(),
            named: Vec::new(),
        };
        for item in items {
            match item {
                Item::Mod(child) if !is_for_tests(&child.attrs) => {
                    let name = child.ident.to_string();
                    let (inside, below) =
                        (folder.join(&name), [path.as_slice(), std::slice::from_ref(&name)].concat());
                    match child.content {
                        Some((_, items)) => self.read_items(items, file, &inside, below),
                        None => {
                            let beside = folder.join(format!("{name}.rs"));
                            let file = if beside.exists() { beside } else { inside.join("mod.rs") };
                            self.read_file(&file, &inside, below);
                        }
                    }
                }
                Item::Mod(_) => {}
                Item::Use(import) if !is_for_tests(&import.attrs) => {
                    module.import(&import.tree, &mut Vec::new(), matches!(import.vis, Visibility::Inherited));
                }
                item => {
                    module.defined.extend(name_of(&item));
                    Named(&mut module.named).visit_item(&item);
                }
            }
        }
        self.modules.insert(path, module);
    }

    /// Which file imports which.
    fn imports(&self) -> BTreeMap<PathBuf, BTreeSet<PathBuf>> {
        let mut imports: BTreeMap<PathBuf, BTreeSet<PathBuf>> = BTreeMap::new();
        for (path, module) in &self.modules {
            let files = module.named.iter().filter_map(|named| self.defining_file(path, named, 0));
            let others = files.filter(|file| **file != module.file).cloned();
            imports.entry(module.file.clone()).or_default().extend(others);
        }
        imports
    }

    /// The file that defines what `named` stands for in the module at `path`; none where it is not of this crate, or
    /// is a module.
    fn defining_file(&self, path: &[String], named: &[String], depth: usize) -> Option<&PathBuf> {
        let (first, rest) = named.split_first()?;
        match first.as_str() {
            // Re-exports that lead back to themselves are the compiler's to refuse.
            _ if depth > 32 => None,
            "crate" => self.defining_file(&[], rest, depth + 1),
            "self" => self.defining_file(path, rest, depth + 1),
            "super" => self.defining_file(path.split_last()?.1, rest, depth + 1),
            _ => {
                let module = self.modules.get(path)?;
                let below = [path, std::slice::from_ref(first)].concat();
                if module.defined.contains(first) {
                    return Some(&module.file);
                } else if self.modules.contains_key(&below) {
                    return self.defining_file(&below, rest, depth + 1);
                } else if let Some(target) = module.imported.get(first) {
                    return self.defining_file(path, &[target.as_slice(), rest].concat(), depth + 1);
                }
                module
                    .globs
                    .iter()
                    .find_map(|glob| self.defining_file(path, &[glob.as_slice(), named].concat(), depth + 1))
            }
        }
    }
}

impl Module {
    fn import(&mut self, tree: &UseTree, before: &mut Vec<String>, is_private: bool) {
        let (name, target) = match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(&path.tree, before, is_private);
                before.pop();
                return;
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.import(tree, before, is_private));
                return;
            }
            UseTree::Glob(_) => {
                // What it brings is seen where it is named.
                self.globs.push(before.clone());
                return;
            }
            UseTree::Name(name) if name.ident == "self" => {
                (before.last().cloned().unwrap_or_default(), before.clone())
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                (name.clone(), [before.as_slice(), &[name]].concat())
            }
            UseTree::Rename(renamed) => {
                (renamed.rename.to_string(), [before.as_slice(), &[renamed.ident.to_string()]].concat())
            }
        };
        if is_private {
            self.named.push(target.clone());
        }
        // A name that stands for itself is of another crate.
        if target.first() != Some(&name) {
            self.imported.insert(name, target);
        }
    }
}

/// Collects the paths that code names.
struct Named<'a>(&'a mut Vec<Vec<String>>);

impl<'ast> Visit<'ast> for Named<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.0.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

fn name_of(item: &Item) -> Option<String> {
    Some(match item {
        Item::Const(item) => item.ident.to_string(),
        Item::Enum(item) => item.ident.to_string(),
        Item::Fn(item) => item.sig.ident.to_string(),
        Item::Macro(item) => match &item.ident {
            Some(ident) => ident.to_string(),
            None => made_by(&item.mac)?,
        },
        Item::Static(item) => item.ident.to_string(),
        Item::Struct(item) => item.ident.to_string(),
        Item::Trait(item) => item.ident.to_string(),
        Item::TraitAlias(item) => item.ident.to_string(),
        Item::Type(item) => item.ident.to_string(),
        Item::Union(item) => item.ident.to_string(),
        _ => return None,
    })
}

/// The name of what a macro makes, where it is called as `words! { Name { … } }`.
fn made_by(call: &syn::Macro) -> Option<String> {
    let mut name = None;
    let read = |input: syn::parse::ParseStream<'_>| {
        input.call(Attribute::parse_outer)?;
        name = Some(input.parse::<syn::Ident>()?.to_string());
        Ok(())
    };
    // What follows the name is not read, which is no fault here.
    let _ = syn::parse::Parser::parse2(read, call.tokens.clone());
    name
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let of = |list: &syn::MetaList| list.tokens.to_string() == "test";
        attribute.path().is_ident("cfg") && attribute.meta.require_list().is_ok_and(of)
    })
}

/// The sets of files that reach each other by their imports.
fn circles(imports: &BTreeMap<PathBuf, BTreeSet<PathBuf>>) -> Vec<BTreeSet<&PathBuf>> {
    let reached: BTreeMap<_, _> = imports.keys().map(|file| (file, reachable(imports, file))).collect();
    let mut circles: Vec<BTreeSet<&PathBuf>> = Vec::new();
    for (file, reaches) in reached.iter().filter(|(file, reaches)| reaches.contains(**file)) {
        if circles.iter().any(|circle| circle.contains(file)) {
            continue;
        }
        circles.push(reaches.iter().copied().filter(|other| reached[other].contains(*file)).collect());
    }
    circles
}

fn reachable<'a>(imports: &'a BTreeMap<PathBuf, BTreeSet<PathBuf>>, from: &PathBuf) -> BTreeSet<&'a PathBuf> {
    let (mut reached, mut next) =
        (BTreeSet::new(), imports.get(from).into_iter().flatten().collect::<Vec<_>>());
    while let Some(file) = next.pop() {
        if reached.insert(file) {
            next.extend(imports.get(file).into_iter().flatten());
        }
    }
    reached
}
