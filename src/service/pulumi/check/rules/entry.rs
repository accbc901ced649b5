//! `pack-source-invalid`: a pack whose entry point is not in its archive. Such a pack can be
//! published, but no engine can run it, and its tag cannot be used again.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::service::pulumi::check::context::PackView;
use crate::workspace::project_runtime;
use git::{PACKAGE_FILE, PROJECT_FILE, PackRules, PackTree};
use model::diag::{Code, Diagnostic};

/// The file that Python runs in a folder.
const PYTHON_MAIN: &str = "__main__.py";
/// The description of a Python package.
const PYPROJECT: &str = "pyproject.toml";
/// What Node.js, with the loader for TypeScript that the engine registers, adds to a path.
const EXTENSIONS: [&str; 4] = ["js", "json", "node", "ts"];
/// The conditions of `exports` under which the engine loads a pack.
const CONDITIONS: [&str; 6] = [
    "node",
    "require",
    "default",
    "import",
    "module-sync",
    "node-addons",
];

pub(super) fn check(pack: &PackView<'_>, found: &mut Vec<Diagnostic>) {
    let Some(tree) = pack.tree() else { return };
    // A version whose build output is locked but not committed was checked when it was locked.
    if pack.uncommitted().is_some() {
        return;
    }
    if needs_package(tree) && !tree.entries().contains_key(PACKAGE_FILE) {
        let message = format!("the source of a Node.js pack without `{PACKAGE_FILE}`");
        found.push(
            Diagnostic::new(Code::PackPackageMissing, message, pack.field("source"))
                .label("its entry point and its dependencies are unknown")
                .help(format!(
                    "add a `{PACKAGE_FILE}` with `@pulumi/policy` as a dependency next to `{PROJECT_FILE}`"
                )),
        );
        return;
    }
    // Another rule reports a project file that cannot be read.
    let Some(missing) = missing_entry(tree) else {
        return;
    };
    let MissingEntry { what, help } = missing;
    let message = format!("the pack cannot run: {what}");
    found.push(
        Diagnostic::new(Code::PackSourceInvalid, message, pack.field("source"))
            .label("published like this, its tag could not be used again")
            .help(help),
    );
}

struct MissingEntry {
    what: String,
    help: String,
}

/// Whether an engine loads the pack as a package of Node.js.
fn needs_package(tree: &PackTree) -> bool {
    let runtime = tree
        .project()
        .ok()
        .and_then(|text| project_runtime(text).ok());
    runtime.is_some_and(|runtime| match PackRules::of_runtime(&runtime) {
        PackRules::Npm => true,
        PackRules::Archive => runtime.eq_ignore_ascii_case("bun"),
    })
}

fn missing_entry(tree: &PackTree) -> Option<MissingEntry> {
    let text = tree.project().ok()?;
    let runtime = project_runtime(text).ok()?;
    let files = ArchiveFiles::of(tree);
    let project = manifest::plain_yaml(text).ok()?;
    if let Some(main) = project.get("main").and_then(Value::as_str)
        && !files.exists(main)
    {
        return Some(MissingEntry {
            what: format!("`main` of `{PROJECT_FILE}` is `{main}`, which is not in the archive"),
            help: "write the path of a file or folder of the source, or remove `main`".to_owned(),
        });
    }
    match PackRules::of_runtime(&runtime) {
        PackRules::Npm => package_entry(tree, &files),
        PackRules::Archive if runtime.eq_ignore_ascii_case("bun") => package_entry(tree, &files),
        PackRules::Archive if runtime.eq_ignore_ascii_case("python") => python_entry(tree, &files),
        PackRules::Archive => None,
    }
}

/// The engine runs `python -m pulumi.policy` with the folder of the pack, whatever `main` is.
fn python_entry(tree: &PackTree, files: &ArchiveFiles<'_>) -> Option<MissingEntry> {
    if files.is_file(PYTHON_MAIN) || is_buildable(tree) {
        return None;
    }
    Some(MissingEntry {
        what: format!("`{PYTHON_MAIN}` is not in the archive"),
        help: format!(
            "add `{PYTHON_MAIN}` next to `{PROJECT_FILE}`: the engine runs that file; check that no `.gitignore` excludes it"
        ),
    })
}

/// Whether the engine can install the pack as a Python package and run that instead: `pyproject.toml`
/// has the name of a project and a `build-backend`.
fn is_buildable(tree: &PackTree) -> bool {
    let Some(entry) = tree.entries().get(PYPROJECT) else {
        return false;
    };
    let text = String::from_utf8_lossy(&entry.bytes);
    let mut table = "";
    let mut has = BTreeSet::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[') {
            table = name.split(']').next().unwrap_or_default().trim();
        } else if let Some((key, _)) = line.split_once('=') {
            has.insert((table.to_owned(), key.trim().to_owned()));
        }
    }
    [("project", "name"), ("build-system", "build-backend")]
        .iter()
        .all(|(table, key)| has.contains(&((*table).to_owned(), (*key).to_owned())))
}

/// The engine loads the folder of the pack with `require`.
fn package_entry(tree: &PackTree, files: &ArchiveFiles<'_>) -> Option<MissingEntry> {
    let missing = |field: &str, path: &str| MissingEntry {
        what: format!("`{field}` of `{PACKAGE_FILE}` is `{path}`, which is not in the archive"),
        help: format!(
            "build the pack, and list its output in `files` of `{PACKAGE_FILE}`; an archive contains what `npm pack` would contain"
        ),
    };
    let package = tree.entries().get(PACKAGE_FILE);
    let package: Value = package
        .and_then(|entry| serde_json::from_slice(&entry.bytes).ok())
        .unwrap_or_default();
    let listed = package.get("files").and_then(Value::as_array);
    for file in listed.into_iter().flatten().filter_map(Value::as_str) {
        let is_pattern = file.contains(['*', '?', '[', '{', '!', '\\']);
        // npm leaves these files out even if they are listed.
        let is_never_packed = NEVER_PACKED.contains(&plain(file));
        if !is_pattern && !is_never_packed && !files.exists(file) {
            return Some(missing("files", file));
        }
    }
    let main = package.get("main").and_then(Value::as_str);
    let main = main.filter(|main| !main.is_empty());
    if let Some(main) = main
        && files.module(main).is_none()
    {
        return Some(missing("main", main));
    }
    let mut targets = Vec::new();
    if let Some(exports) = package.get("exports") {
        let own = match exports {
            Value::Object(paths) if paths.keys().any(|path| path.starts_with('.')) => {
                paths.get(".")
            }
            other => Some(other),
        };
        own.into_iter().for_each(|own| collect(own, &mut targets));
    }
    if let Some(target) = targets.iter().find(|target| !files.is_file(target)) {
        return Some(missing("exports", target));
    }
    if main.is_some() || !targets.is_empty() || files.module("index").is_some() {
        return None;
    }
    Some(MissingEntry {
        what: format!(
            "`{PACKAGE_FILE}` has no `main`, and the archive contains no `index.js` or `index.ts`"
        ),
        help: format!("add `main` to `{PACKAGE_FILE}` with the path of the program"),
    })
}

/// Files that npm never packs.
const NEVER_PACKED: [&str; 5] = [
    ".npmrc",
    "package-lock.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lockb",
];

/// The paths that an entry of `exports` leads to when the engine loads the pack.
fn collect<'v>(exports: &'v Value, targets: &mut Vec<&'v str>) {
    match exports {
        Value::String(path) => targets.push(path),
        // The first usable one counts.
        Value::Array(options) => options
            .iter()
            .take(1)
            .for_each(|option| collect(option, targets)),
        Value::Object(conditions) => conditions
            .iter()
            .filter(|(condition, _)| CONDITIONS.contains(&condition.as_str()))
            .for_each(|(_, value)| collect(value, targets)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A path as it is in an archive.
fn plain(path: &str) -> &str {
    let mut path = path;
    while let Some(rest) = path.strip_prefix("./").or_else(|| path.strip_prefix('/')) {
        path = rest;
    }
    if path == "." {
        ""
    } else {
        path.trim_end_matches('/')
    }
}

/// The names of the files of an archive.
struct ArchiveFiles<'t>(BTreeSet<&'t str>);

impl<'t> ArchiveFiles<'t> {
    fn of(tree: &'t PackTree) -> Self {
        Self(tree.entries().keys().map(String::as_str).collect())
    }

    fn is_file(&self, path: &str) -> bool {
        self.0.contains(plain(path))
    }

    /// Whether the archive contains a file or a folder with files.
    fn exists(&self, path: &str) -> bool {
        let path = plain(path);
        let folder = format!("{path}/");
        path.is_empty()
            || self.0.contains(path)
            || self
                .0
                .range(folder.as_str()..)
                .next()
                .is_some_and(|next| next.starts_with(&folder))
    }

    /// The file that Node.js loads for a path: the file itself, with an extension, or the `index` of a
    /// folder.
    fn module(&self, path: &str) -> Option<String> {
        let path = plain(path);
        let with = |path: &str| EXTENSIONS.map(|extension| format!("{path}.{extension}"));
        let index = if path.is_empty() {
            with("index")
        } else {
            with(&format!("{path}/index"))
        };
        [path.to_owned()]
            .into_iter()
            .chain(with(path))
            .chain(index)
            .find(|path| self.0.contains(path.as_str()))
    }
}
