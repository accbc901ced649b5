//! The house plan: which module may use which, how long a file may be, and what no file may name.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the library. Each may use only those before it.
const PLAN: &[&str] = &["workspace", "plan", "run", "render", "service", "cli"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder of the project, with their path relative to it.
fn files(folder: &str) -> Vec<(PathBuf, String)> {
    let mut open = vec![root().join(folder)];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if let Ok(text) = fs::read_to_string(&path) {
            found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
        }
    }
    found.sort();
    found
}

fn rust_files() -> Vec<(PathBuf, String)> {
    files("src")
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|ending| ending == "rs"))
        .collect()
}

/// The code of a file without what only its tests use, and without comments.
fn code(text: &str) -> String {
    let product = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    product
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The top-level modules that a text names after `crate::`, braces included.
fn named(code: &str) -> BTreeSet<String> {
    let mut modules = BTreeSet::new();
    for (at, marker) in code.match_indices("crate::") {
        // `$crate::` and `other_crate::` are something else.
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + marker.len()..];
        let heads = match rest.strip_prefix('{') {
            Some(group) => top_level_parts(group),
            None => vec![rest],
        };
        for head in heads {
            let name: String = head
                .trim()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            modules.insert(name);
        }
    }
    modules
}

/// The parts of `a::{b, c}, d}…` that stand at its top: `a::{b, c}` and `d`.
fn top_level_parts(group: &str) -> Vec<&str> {
    let mut depth = 0;
    let mut start = 0;
    let mut parts = Vec::new();
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' => {
                parts.push(&group[start..at]);
                break;
            }
            ',' if depth == 0 => {
                parts.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts
}

fn module_of(path: &Path) -> String {
    let below = path.strip_prefix("src").unwrap();
    let first = below
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_str()
        .unwrap();
    first.trim_end_matches(".rs").to_owned()
}

#[test]
fn uses_are_understood() {
    let text = "use crate::diag::Code;\nuse crate::{model::Name, plan::{Plan, Call}, repo};\n// crate::cli\nlet x = \
                crate::apply::run; use notcrate::render;";
    let expected = ["apply", "diag", "model", "plan", "repo"];
    assert_eq!(named(&code(text)), expected.map(str::to_owned).into());
}

#[test]
fn modules_use_only_what_stands_above_them() {
    let position = |module: &str| PLAN.iter().position(|other| *other == module);
    let mut wrong = Vec::new();
    for (path, text) in rust_files() {
        let module = module_of(&path);
        if matches!(module.as_str(), "lib" | "main") {
            continue;
        }
        let own = position(&module);
        assert!(
            own.is_some(),
            "{} belongs to no module of the house plan",
            path.display()
        );
        for used in named(&code(&text)) {
            let fine = used == module
                || (module == "run" && used == "service")
                || (position(&used).is_some_and(|other| Some(other) < own));
            if !fine {
                wrong.push(format!("{}: crate::{used}", path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn no_file_names_a_machine_or_a_registry() {
    // Put together here, so that this file does not name them either.
    let forbidden = [
        ["/wo", "rk/"].concat(),
        ["/ro", "ot/"].concat(),
        ["crates", ".io/"].concat(),
        ["index.crates", ".io"].concat(),
        ["registry.npmjs", ".org"].concat(),
        ["pypi", ".org"].concat(),
    ];
    let temporary = ["/t", "mp/"].concat();
    let mut found = Vec::new();
    for folder in ["src", "schemas", "docs", "examples", "tests"] {
        if !root().join(folder).exists() {
            continue;
        }
        for (path, text) in files(folder) {
            let mut words: Vec<&String> = forbidden.iter().collect();
            if folder != "tests" {
                words.push(&temporary);
            }
            found.extend(
                words
                    .iter()
                    .filter(|word| text.contains(**word))
                    .map(|word| format!("{}: {word}", path.display())),
            );
        }
    }
    assert_eq!(found, Vec::<String>::new());
}
