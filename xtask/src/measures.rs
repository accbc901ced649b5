//! What is counted and checked about the structure of the workspace.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::graph::{UseGraph, cycles, graph};
use crate::lexer::{LineCounts, lex};
use crate::resolve::{Edges, Modules};
use crate::workspace::{Repository, is_below};

/// The names of the services, which only their own modules may use.
const SERVICES: [&str; 3] = ["docker", "pulumi", "chainloop"];

/// The workspace with all that is read from it.
#[derive(Debug)]
pub struct Structure {
    /// The packages and files.
    pub workspace: Repository,
    /// The module trees.
    pub modules: Modules,
    /// Uses of one file by another.
    pub edges: Edges,
}

/// The size of a package or file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Size {
    /// Number of files.
    pub files: usize,
    /// Their lines.
    pub lines: LineCounts,
}

/// A type name and the places of its definitions (`file:line`).
pub type TypePlaces = BTreeMap<String, Vec<String>>;

impl Structure {
    /// Reads the workspace that contains this package.
    ///
    /// # Errors
    /// If a file cannot be read or parsed.
    pub fn load() -> Result<Self> {
        Self::of(Repository::load()?)
    }

    /// Reads a given workspace.
    ///
    /// # Errors
    /// If a file cannot be parsed.
    pub fn of(workspace: Repository) -> Result<Self> {
        let modules = Modules::build(&workspace)?;
        let edges = modules.edges();
        Ok(Self {
            workspace,
            modules,
            edges,
        })
    }

    /// Size of the product code of each package, and of all its other Rust files (tests, benches).
    pub fn sizes(&self) -> BTreeMap<(String, &'static str), Size> {
        let product = self.modules.files();
        let mut sizes: BTreeMap<_, Size> = BTreeMap::new();
        for (path, text) in self.workspace.rust_files() {
            let Some(package) = self.workspace.package_of(path) else {
                continue;
            };
            let sort = match product.contains_key(path) {
                true => "product",
                false => "tests",
            };
            let size = sizes.entry((package.name.clone(), sort)).or_default();
            let lines = lex(text).1;
            size.files += 1;
            size.lines.total += lines.total;
            size.lines.code += lines.code;
            size.lines.comment += lines.comment;
            size.lines.doc += lines.doc;
        }
        sizes
    }

    /// Product files with fewer lines than a limit.
    pub fn short_files(&self, limit: usize) -> Vec<(&str, usize)> {
        let files = self.modules.files().into_keys();
        files
            .filter_map(|file| Some((file, self.workspace.files.get(file)?.lines().count())))
            .filter(|(_, lines)| *lines < limit)
            .collect()
    }

    /// The uses that count for cycles: all but those of a module's own file (`mod.rs`) by files of
    /// the same module (`super::Rule`). A module is allowed to define what its children share, and
    /// to call them.
    pub fn uses(&self) -> Edges {
        let edges = self.edges.iter();
        edges
            .filter(|((from, to), _)| !self.is_parent(to, from))
            .map(|(files, line)| (files.clone(), *line))
            .collect()
    }

    /// Whether the file is that of a module which contains the other file.
    fn is_parent(&self, file: &str, other: &str) -> bool {
        let module = self.as_folder(file);
        let folder = ["mod.rs", "lib.rs", "main.rs"]
            .iter()
            .find_map(|name| module.strip_suffix(name)?.strip_suffix('/'));
        folder.is_some_and(|folder| is_below(other, folder))
    }

    /// Cycles among files.
    pub fn file_cycles(&self) -> Vec<Vec<String>> {
        let node = |file: &str| file.to_owned();
        cycles(&graph(&self.uses(), |from, to| (node(from), node(to))))
    }

    /// Cycles among the modules in each folder. A use counts for the two modules in the nearest
    /// folder that contains both files, so a module may use its own children.
    pub fn module_cycles(&self) -> Vec<Vec<String>> {
        cycles(&graph(&self.uses(), |from, to| {
            let from = self.as_folder(from);
            let to = self.as_folder(to);
            let pairs = from.split('/').zip(to.split('/'));
            let common = pairs.take_while(|(a, b)| a == b).count();
            let node = |path: &str| {
                let parts: Vec<&str> = path.split('/').take(common + 1).collect();
                parts.join("/")
            };
            (node(&from), node(&to))
        }))
    }

    /// The path of a module's file as if it was written as `mod.rs`.
    fn as_folder(&self, file: &str) -> String {
        match file.strip_suffix(".rs") {
            Some(folder) if self.workspace.has_folder(folder) => format!("{folder}/mod.rs"),
            _ => file.to_owned(),
        }
    }

    /// Dependencies between packages, from their `Cargo.toml` files.
    pub fn package_edges(&self) -> UseGraph {
        let packages = self.workspace.packages.iter();
        packages
            .map(|package| {
                let used = package.dependencies.iter();
                (
                    package.name.clone(),
                    used.map(|it| it.package.clone()).collect(),
                )
            })
            .collect()
    }

    /// Cycles among packages. Cargo refuses all but those through `dev-dependencies`.
    pub fn package_cycles(&self) -> Vec<Vec<String>> {
        cycles(&self.package_edges())
    }

    /// The edges between the nodes of a cycle, as `file:line uses file`.
    pub fn explain(&self, cycle: &[String]) -> Vec<String> {
        let is_part = |file: &String| {
            let module = self.as_folder(file);
            let part =
                |node: &&String| module == **node || is_below(&module, node) || file == *node;
            cycle.iter().find(part)
        };
        let edges = self.uses();
        edges
            .iter()
            .filter(|((from, to), _)| match (is_part(from), is_part(to)) {
                (Some(from), Some(to)) => from != to,
                _ => false,
            })
            .map(|((from, to), line)| format!("{from}:{line} uses {to}"))
            .collect()
    }

    /// The names of structs, enums, traits and type aliases in product code.
    pub fn type_names(&self) -> TypePlaces {
        let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (file, item) in self
            .modules
            .definitions()
            .filter(|(_, item)| item.is_type())
        {
            let place = format!("{file}:{}", item.line);
            places.entry(item.name.clone()).or_default().insert(place);
        }
        let sorted = |(name, places): (_, BTreeSet<_>)| (name, places.into_iter().collect());
        places.into_iter().map(sorted).collect()
    }

    /// LineCounts of all Rust files that a fact names, as `file:line`.
    pub fn places(&self, lines: impl Fn(&crate::facts::Facts) -> &[usize]) -> Vec<String> {
        let facts = self.modules.facts.iter();
        facts
            .flat_map(|(file, facts)| lines(facts).iter().map(move |at| format!("{file}:{at}")))
            .collect()
    }

    /// Product files that name a service in an identifier or a string literal, with the first
    /// place. `may` says which files may.
    pub fn files_that_name_services(&self, may: impl Fn(&str) -> bool) -> BTreeMap<&str, String> {
        let mut found = BTreeMap::new();
        for file in self.modules.files().into_keys().filter(|file| !may(file)) {
            let words = self.modules.facts.get(file).map(|facts| &facts.words);
            let named = words.into_iter().flatten().filter(|(word, _)| {
                let word = word.to_lowercase();
                SERVICES.iter().any(|service| word.contains(service))
            });
            if let Some((word, line)) = named.min_by_key(|(_, line)| **line) {
                found.insert(file, format!("{file}:{line}: {word:?}"));
            }
        }
        found
    }

    /// Uses of a top-level module of the root package by one that comes before it in `order`, and
    /// modules that `order` does not list.
    pub fn against_order(&self, order: &[&str]) -> Vec<String> {
        let position = |name: &str| order.iter().position(|other| *other == name);
        let mut wrong = Vec::new();
        for file in self.modules.files().into_keys() {
            if let Some(module) = top_module(file)
                && position(module).is_none()
            {
                wrong.push(format!(
                    "{file}: module `{module}` is missing from the order"
                ));
            }
        }
        for ((from, to), line) in &self.edges {
            if let (Some(user), Some(used)) = (top_module(from), top_module(to))
                && position(user) < position(used)
            {
                wrong.push(format!(
                    "{from}:{line}: `{user}` must not use `{used}` ({to})"
                ));
            }
        }
        wrong
    }
}

/// The top-level module of the root package that a file belongs to.
fn top_module(file: &str) -> Option<&str> {
    let below = file.strip_prefix("src/")?;
    let module = below.split('/').next()?.trim_end_matches(".rs");
    (!matches!(module, "lib" | "main")).then_some(module)
}

/// The words of an identifier in lower case: `HttpClient` and `http_client` have the same.
pub fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in name.chars() {
        if (c == '_' || c.is_uppercase()) && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut()
            && c != '_'
        {
            word.extend(c.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Package;

    fn structure(files: &[(&str, &str)]) -> Structure {
        let package = Package {
            name: "p".into(),
            library: Some("src/lib.rs".into()),
            library_name: "p".into(),
            ..Package::default()
        };
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        Structure::of(Repository {
            packages: vec![package],
            files: files.iter().map(owned).collect(),
        })
        .unwrap()
    }

    #[test]
    fn sibling_modules_that_use_each_other_are_a_cycle_but_a_facade_is_not() {
        let found = structure(&[
            (
                "src/lib.rs",
                "mod a; mod b; pub use a::One; pub use b::Two;",
            ),
            (
                "src/a/mod.rs",
                "mod x; mod y; pub use x::One; pub use y::Three; pub struct Own; fn f() { y::g() }",
            ),
            ("src/a/x.rs", "pub struct One(crate::b::Two);"),
            (
                "src/a/y.rs",
                "pub struct Three; use super::Own; pub fn g() {}",
            ),
            ("src/b.rs", "mod deep; pub use deep::Two;"),
            (
                "src/b/deep.rs",
                "pub struct Two; use crate::Three; use crate::a::Three;",
            ),
        ]);
        assert_eq!(found.file_cycles(), Vec::<Vec<String>>::new());
        let cycle = ["src/a", "src/b"].map(str::to_owned);
        assert_eq!(found.module_cycles(), [cycle.to_vec()]);
        let expected = [
            "src/a/x.rs:1 uses src/b/deep.rs",
            "src/b/deep.rs:1 uses src/a/y.rs",
        ];
        assert_eq!(found.explain(&cycle), expected);
    }

    #[test]
    fn type_names_are_counted_outside_of_tests() {
        let found = structure(&[
            (
                "src/lib.rs",
                "mod a; struct T; mod m { trait T {} } fn f() { enum U {} }",
            ),
            (
                "src/a.rs",
                "type U = u8; fn T() {} #[cfg(test)] mod tests { struct U; }",
            ),
        ]);
        let names = found.type_names();
        assert_eq!(names["T"], ["src/lib.rs:1"; 1]);
        assert_eq!(names["U"], ["src/a.rs:1", "src/lib.rs:1"]);
    }

    #[test]
    fn identifiers_and_literals_name_services_but_documentation_does_not() {
        let found = structure(&[
            ("src/lib.rs", "mod a; mod b; mod c; mod d;"),
            (
                "src/a.rs",
                "/// Docker.\n// pulumi\nfn f() {}\n#[cfg(test)] fn docker() {}",
            ),
            ("src/b.rs", "fn f() {\n g(DockerPolicy) }"),
            ("src/c.rs", "fn f() { format!(\"a {} in Chainloop\", 1) }"),
            ("src/d.rs", "fn pulumi() {}"),
        ]);
        let named = found.files_that_name_services(|file| file == "src/d.rs");
        let expected = [
            ("src/b.rs", "src/b.rs:2: \"DockerPolicy\"".to_owned()),
            ("src/c.rs", "src/c.rs:1: \"a {} in Chainloop\"".to_owned()),
        ];
        assert_eq!(named, expected.into());
    }

    #[test]
    fn modules_use_only_earlier_ones() {
        let found = structure(&[
            (
                "src/lib.rs",
                "mod plan; mod run; mod extra; pub use run::R;",
            ),
            ("src/plan.rs", "use crate::run::R;"),
            ("src/run.rs", "pub struct R;"),
            ("src/extra.rs", ""),
        ]);
        let expected = [
            "src/extra.rs: module `extra` is missing from the order",
            "src/plan.rs:1: `plan` must not use `run` (src/run.rs)",
        ];
        assert_eq!(found.against_order(&["plan", "run"]), expected);
        assert_eq!(found.against_order(&["run", "plan", "extra"]), [""; 0]);
    }

    #[test]
    fn identifiers_are_split_into_words() {
        assert_eq!(words("HttpClient_two"), ["http", "client", "two"]);
        assert_eq!(words("RUN"), ["r", "u", "n"]);
    }
}
