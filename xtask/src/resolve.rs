//! Which file defines what a path names: the module trees of all packages, and the edges between
//! files.
//!
//! An edge always leads to the file that *defines* an item, however many re-exports are between.
//! A `mod.rs` that only declares and re-exports its children therefore has edges to them, and no
//! file has an edge to it. A module name alone is not an edge; an item in the module is.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, anyhow, bail};

use crate::facts::{self, Definition, Facts, ImportedName};
use crate::workspace::{Package, Repository};

/// A use of one file by another: the first line with it, by the pair of paths.
pub type Edges = BTreeMap<(String, String), usize>;

/// All modules of product code, and how they are found.
#[derive(Debug, Default)]
pub struct Modules {
    modules: Vec<Module>,
    /// Root module of each library, by package.
    libraries: BTreeMap<String, usize>,
    /// Names of other crates, by package: the root module that each stands for.
    externs: BTreeMap<String, BTreeMap<String, usize>>,
    /// Facts by file, also for files of tests.
    pub facts: BTreeMap<String, Facts>,
}

#[derive(Debug)]
struct Module {
    package: String,
    file: String,
    root: usize,
    parent: Option<usize>,
    /// Index of its scope in the facts of its file.
    scope: usize,
    children: BTreeMap<String, usize>,
    items: BTreeMap<String, Vec<Definition>>,
}

/// What a path may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PathTarget {
    Module(usize),
    /// An item that this module defines.
    Item(usize),
}

/// Imports that are being followed: re-exports may form a circle.
type FollowedImports = BTreeSet<(usize, usize)>;

impl Modules {
    /// Reads all files and builds the module trees of all libraries and binaries.
    ///
    /// # Errors
    /// If a file is not valid Rust, or a declared module has no file.
    pub fn build(workspace: &Repository) -> Result<Self> {
        let mut this = Self {
            facts: read_all(workspace)?,
            ..Self::default()
        };
        for package in &workspace.packages {
            if let Some(root) = &package.library {
                let module = this.add_crate(package, root)?;
                this.libraries.insert(package.name.clone(), module);
            }
        }
        for package in &workspace.packages {
            this.add_externs(package);
            for root in &package.binaries {
                this.add_crate(package, root)?;
            }
        }
        Ok(this)
    }

    fn add_externs(&mut self, package: &Package) {
        let own = (package.library_name.clone(), package.name.clone());
        let others = package.dependencies.iter();
        let names = others
            .map(|it| (it.import.clone(), it.package.clone()))
            .chain([own]);
        let roots = names
            .filter_map(|(name, package)| Some((name, *self.libraries.get(&package)?)))
            .collect();
        self.externs.insert(package.name.clone(), roots);
    }

    fn add_crate(&mut self, package: &Package, root: &str) -> Result<usize> {
        let module = self.modules.len();
        let folder = folder_of(root).to_owned();
        self.add_file(package, root, module, None, &folder)?;
        Ok(module)
    }

    /// Adds the module of a file, its inline modules, and all files that they declare.
    fn add_file(
        &mut self,
        package: &Package,
        file: &str,
        root: usize,
        parent: Option<usize>,
        folder: &str,
    ) -> Result<usize> {
        let Some(facts) = self.facts.get(file) else {
            bail!("{file}: the file does not exist");
        };
        let first = self.modules.len();
        let mut declared = Vec::new();
        let mut folders: Vec<String> = Vec::new();
        for (index, scope) in facts.scopes.iter().enumerate() {
            let below = match scope.parent {
                Some(outer) => join(&folders[outer], &scope.name),
                None => folder.to_owned(),
            };
            for (name, path) in &scope.declared {
                declared.push((first + index, below.clone(), name.clone(), path.clone()));
            }
            folders.push(below);
            let inline_parent = scope.parent.map(|outer| first + outer);
            if let Some(outer) = inline_parent {
                let children = &mut self.modules[outer].children;
                children.insert(scope.name.clone(), first + index);
            }
            self.modules.push(Module {
                package: package.name.clone(),
                file: file.to_owned(),
                root,
                parent: inline_parent.or(parent),
                scope: index,
                children: BTreeMap::new(),
                items: items(&scope.items),
            });
        }
        for (module, folder, name, path) in declared {
            let child = match &path {
                Some(path) => join(folder_of(file), path),
                None => self.module_file(file, &folder, &name)?,
            };
            let below = match path.is_some() || child.ends_with("/mod.rs") {
                true => folder_of(&child).to_owned(),
                false => join(&folder, &name),
            };
            let added = self.add_file(package, &child, root, Some(module), &below)?;
            self.modules[module].children.insert(name, added);
        }
        Ok(first)
    }

    fn module_file(&self, file: &str, folder: &str, name: &str) -> Result<String> {
        [format!("{name}.rs"), format!("{name}/mod.rs")]
            .iter()
            .map(|below| join(folder, below))
            .find(|path| self.facts.contains_key(path))
            .ok_or_else(|| anyhow!("{file}: no file for `mod {name};` in {folder}"))
    }

    /// The files of product code, each once, with the package that it belongs to.
    pub fn files(&self) -> BTreeMap<&str, &str> {
        self.modules
            .iter()
            .map(|module| (module.file.as_str(), module.package.as_str()))
            .collect()
    }

    /// The definitions in product code, with their files.
    pub fn definitions(&self) -> impl Iterator<Item = (&str, &Definition)> {
        let scopes = self.modules.iter().filter_map(|module| {
            let scope = self.facts.get(&module.file)?.scopes.get(module.scope)?;
            Some((module.file.as_str(), scope))
        });
        scopes.flat_map(|(file, scope)| scope.items.iter().map(move |item| (file, item)))
    }

    /// All uses of one file by another, from imports and from paths.
    pub fn edges(&self) -> Edges {
        let mut edges = Edges::new();
        for (index, module) in self.modules.iter().enumerate() {
            let Some(facts) = self.facts.get(&module.file) else {
                continue;
            };
            let scope = &facts.scopes[module.scope];
            let imports = scope.imports.iter().filter(|import| import.name.is_some());
            let uses = imports
                .map(|import| (&import.path, import.line))
                .chain(scope.paths.iter().map(|(path, line)| (path, *line)));
            for (path, line) in uses {
                for found in self.resolve(index, path, &mut FollowedImports::new()) {
                    let PathTarget::Item(target) = found else {
                        continue;
                    };
                    let target = &self.modules[target].file;
                    if *target != module.file {
                        let first = edges.entry((module.file.clone(), target.clone()));
                        let first = first.or_insert(line);
                        *first = line.min(*first);
                    }
                }
            }
        }
        edges
    }

    fn resolve(
        &self,
        module: usize,
        path: &[String],
        seen: &mut FollowedImports,
    ) -> BTreeSet<PathTarget> {
        let here = &self.modules[module];
        let Some((first, rest)) = path.split_first() else {
            return BTreeSet::new();
        };
        match first.as_str() {
            "crate" => self.walk(here.root, rest, seen),
            "self" => self.walk(module, rest, seen),
            "super" => {
                let mut at = here.parent;
                let mut rest = rest;
                while let Some(("super", further)) = rest
                    .split_first()
                    .map(|(first, rest)| (first.as_str(), rest))
                {
                    at = at.and_then(|at| self.modules[at].parent);
                    rest = further;
                }
                at.map_or_else(BTreeSet::new, |at| self.walk(at, rest, seen))
            }
            "" => self.external(here, rest, seen),
            _ => {
                let found = self.walk(module, path, seen);
                match found.is_empty() {
                    true => self.external(here, path, seen),
                    false => found,
                }
            }
        }
    }

    fn external(
        &self,
        here: &Module,
        path: &[String],
        seen: &mut FollowedImports,
    ) -> BTreeSet<PathTarget> {
        let root = path
            .split_first()
            .and_then(|(first, rest)| Some((self.externs.get(&here.package)?.get(first)?, rest)));
        root.map_or_else(BTreeSet::new, |(root, rest)| self.walk(*root, rest, seen))
    }

    /// Follows a path from inside of a module.
    fn walk(
        &self,
        module: usize,
        path: &[String],
        seen: &mut FollowedImports,
    ) -> BTreeSet<PathTarget> {
        let here = &self.modules[module];
        let Some((name, rest)) = path.split_first() else {
            return [PathTarget::Module(module)].into();
        };
        let mut found = BTreeSet::new();
        if let Some(child) = here.children.get(name) {
            found = self.walk(*child, rest, seen);
            if !found.is_empty() && !rest.is_empty() {
                return found;
            }
        }
        let items = here.items.get(name).map_or(&[][..], Vec::as_slice);
        if items.iter().any(|item| rest.is_empty() || item.is_type()) {
            found.insert(PathTarget::Item(module));
        }
        if !found.is_empty() {
            return found;
        }
        let imports = &self.facts[&here.file].scopes[here.scope].imports;
        let named = |import: &ImportedName| import.name.as_ref() == Some(name);
        for (index, import) in imports.iter().enumerate().filter(|(_, it)| named(it)) {
            if seen.insert((module, index)) {
                let path: Vec<String> = import.path.iter().chain(rest).cloned().collect();
                found.extend(self.resolve(module, &path, seen));
                seen.remove(&(module, index));
            }
        }
        if !found.is_empty() {
            return found;
        }
        let globs = imports
            .iter()
            .enumerate()
            .filter(|(_, it)| it.name.is_none());
        for (index, import) in globs {
            if seen.insert((module, index)) {
                let path: Vec<String> = import.path.iter().chain(path).cloned().collect();
                found.extend(self.resolve(module, &path, seen));
                seen.remove(&(module, index));
            }
        }
        found
    }
}

/// Reads the facts of all Rust files, on all cores: parsing is most of the work.
fn read_all(workspace: &Repository) -> Result<BTreeMap<String, Facts>> {
    let files: Vec<(&str, &str)> = workspace.rust_files().collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let parts = std::thread::scope(|scope| {
        let read_part = |first: usize| {
            let files = files.iter().skip(first).step_by(threads);
            files
                .map(|(path, text)| Ok(((*path).to_owned(), facts::read(path, text)?)))
                .collect::<Result<Vec<_>>>()
        };
        let workers: Vec<_> = (0..threads)
            .map(|first| scope.spawn(move || read_part(first)))
            .collect();
        let joined = workers.into_iter().map(|worker| worker.join());
        joined.collect::<Vec<_>>()
    });
    let mut all = BTreeMap::new();
    for part in parts {
        all.extend(part.map_err(|_| anyhow!("a reader of Rust files panicked"))??);
    }
    Ok(all)
}

/// The items that a path can name, by name.
fn items(definitions: &[Definition]) -> BTreeMap<String, Vec<Definition>> {
    let mut items: BTreeMap<String, Vec<Definition>> = BTreeMap::new();
    for item in definitions {
        if !matches!(item.kind, "method" | "mod") {
            items
                .entry(item.name.clone())
                .or_default()
                .push(item.clone());
        }
    }
    items
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Joins a folder and a relative path, in which `..` is resolved.
fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            ".." => {
                parts.pop();
            }
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn package(name: &str, folder: &str, dependencies: &[(&str, &str)]) -> Package {
        Package {
            name: name.into(),
            folder: folder.into(),
            library: Some(join(folder, "src/lib.rs")),
            library_name: name.into(),
            binaries: Vec::new(),
            dependencies: dependencies
                .iter()
                .map(|(import, package)| Dependency {
                    import: (*import).into(),
                    package: (*package).into(),
                    kind: "normal".into(),
                })
                .collect(),
        }
    }

    fn workspace(packages: Vec<Package>, files: &[(&str, &str)]) -> Repository {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        Repository {
            packages,
            files: files.iter().map(owned).collect(),
        }
    }

    /// Edges as `from -> to`, without `src/` and `.rs`.
    fn edges(files: &[(&str, &str)]) -> Vec<String> {
        let workspace = workspace(vec![package("p", "", &[])], files);
        let short = |path: &str| {
            path.trim_start_matches("src/")
                .trim_end_matches(".rs")
                .to_owned()
        };
        let edges = Modules::build(&workspace).unwrap().edges();
        edges
            .keys()
            .map(|(from, to)| format!("{} -> {}", short(from), short(to)))
            .collect()
    }

    #[test]
    fn super_super_and_nested_trees_are_followed() {
        let files = [
            ("src/lib.rs", "mod a; mod b; pub struct Top;"),
            ("src/a/mod.rs", "mod deep;"),
            (
                "src/a/deep.rs",
                "use super::super::b::{self, C, d::{E as F, g}};",
            ),
            ("src/b/mod.rs", "pub mod d; pub struct C;"),
            (
                "src/b/d.rs",
                "pub enum E {} pub fn g() { super::super::Top; }",
            ),
        ];
        let expected = ["a/deep -> b/d", "a/deep -> b/mod", "b/d -> lib"];
        assert_eq!(edges(&files), expected);
    }

    #[test]
    fn a_re_export_leads_to_the_definition_and_not_to_the_facade() {
        let files = [
            ("src/lib.rs", "mod a; mod user;"),
            (
                "src/a/mod.rs",
                "mod x; mod y; pub use x::X; pub use self::y::*;",
            ),
            ("src/a/x.rs", "use super::Y; pub struct X;"),
            ("src/a/y.rs", "pub struct Y;"),
            (
                "src/user.rs",
                "fn f() { crate::a::X::new(); let _: crate::a::Y; }",
            ),
        ];
        let expected = ["a/mod -> a/x", "a/x -> a/y", "user -> a/x", "user -> a/y"];
        assert_eq!(edges(&files), expected);
    }

    #[test]
    fn paths_in_expressions_types_and_macros_count() {
        let files = [
            ("src/lib.rs", "mod a; mod b; mod c; mod d; mod e; mod f;"),
            (
                "src/a.rs",
                "use crate::b; fn f(x: crate::c::C) { b::go(); println!(\"{}\", super::d::D); }",
            ),
            ("src/b.rs", "pub fn go() {}"),
            (
                "src/c.rs",
                "pub struct C; macro_rules! m { ($t:ident) => { $crate::e::E; $t::f() } }",
            ),
            ("src/d.rs", "pub const D: u8 = 1;"),
            (
                "src/e.rs",
                "#[serde(with = \"crate::f::text\")] pub struct E;",
            ),
            ("src/f.rs", "pub mod text { pub fn serialize() {} }"),
        ];
        let expected = ["a -> b", "a -> c", "a -> d", "c -> e", "e -> f"];
        assert_eq!(edges(&files), expected);
    }

    #[test]
    fn inline_modules_and_path_attributes_have_their_own_scope() {
        let files = [
            (
                "src/lib.rs",
                "mod a { pub mod b { use super::super::c::C; } mod d; } #[path = \"x/y.rs\"] mod c;",
            ),
            ("src/x/y.rs", "pub struct C;"),
            (
                "src/a/d.rs",
                "use super::b; use crate::c::C; fn f() { b::None; }",
            ),
        ];
        assert_eq!(edges(&files), ["a/d -> x/y", "lib -> x/y"]);
    }

    #[test]
    fn code_for_tests_and_unresolved_paths_do_not_count() {
        let files = [
            ("src/lib.rs", "mod a; mod b;"),
            (
                "src/a.rs",
                "#[cfg(test)] mod tests; #[cfg(test)] use crate::b::B; use std::fmt;\n\
                 #[cfg(all(test, unix))] mod t { use crate::b::B; } impl X { #[cfg(test)] fn f(_: crate::b::B) {} }",
            ),
            (
                "src/b.rs",
                "pub struct B; #[cfg(not(test))] use crate::a::Missing;",
            ),
        ];
        assert_eq!(edges(&files), Vec::<String>::new());
    }

    #[test]
    fn renamed_dependencies_are_followed_into_their_crate() {
        let packages = vec![
            package("p", "", &[("model", "p-model")]),
            package("p-model", "crates/model", &[]),
        ];
        let files = [
            ("src/lib.rs", "pub use model::docker; use docker::Rule;"),
            ("crates/model/src/lib.rs", "pub mod docker;"),
            ("crates/model/src/docker.rs", "pub struct Rule;"),
        ];
        let edges = Modules::build(&workspace(packages, &files))
            .unwrap()
            .edges();
        let expected = (
            "src/lib.rs".to_owned(),
            "crates/model/src/docker.rs".to_owned(),
        );
        assert_eq!(edges.into_keys().collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn a_declared_module_without_a_file_is_an_error() {
        let files = workspace(vec![package("p", "", &[])], &[("src/lib.rs", "mod gone;")]);
        let error = Modules::build(&files).unwrap_err().to_string();
        assert_eq!(error, "src/lib.rs: no file for `mod gone;` in src");
    }
}
