//! The checks of the structure. `cargo run -p xtask -- structure` prints what they measure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use xtask::measures::{Structure, words};
use xtask::workspace::is_below;

/// Number of nodes that are part of a cycle, matched exactly.
const FILES_IN_CYCLES: usize = 0;
const MODULES_IN_CYCLES: usize = 0;
const PACKAGES_IN_CYCLES: usize = 0;

/// Type names that are defined more than once, in percent of all type names.
const MAX_DUPLICATE_TYPE_NAMES_PERCENT: f64 = 3.0;

/// Number of `pub(in …)`, matched exactly.
const RESTRICTED_VISIBILITIES: usize = 0;

/// What a member of the workspace may use of the other members, in all kinds of dependencies.
const ALLOWED_DEPENDENCIES: &[(&str, &[&str])] = &[
    ("polwarden-model", &[]),
    ("polwarden-emulator", &[]),
    ("polwarden-access", &["polwarden-model"]),
    ("polwarden-manifest", &["polwarden-model"]),
    ("polwarden-git", &["polwarden-model"]),
    ("polwarden-http", &["polwarden-model"]),
    // Records are about requests, which the access engine decides.
    (
        "polwarden-traffic",
        &["polwarden-model", "polwarden-access"],
    ),
    (
        "polwarden",
        &[
            "polwarden-model",
            "polwarden-emulator",
            "polwarden-access",
            "polwarden-manifest",
            "polwarden-git",
            "polwarden-http",
            "polwarden-traffic",
        ],
    ),
    // The checks use nothing of what they check.
    ("xtask", &[]),
];

/// The top-level modules of the root package: each may use only those before it.
const MODULE_ORDER: &[&str] = &[
    "workspace",
    "plan",
    "run",
    "render",
    "service",
    "traffic",
    "reconcile",
    "cli",
];

/// Where services may be named: what is made for one service, and file formats.
const SERVICE_FOLDERS: &[&str] = &[
    "src/service",
    "crates/model",
    "crates/access",
    // Reads the audit records of Docker's sandboxes.
    "crates/traffic",
    "crates/manifest",
    "crates/emulator",
    "xtask",
];

/// Other files that name a service, with the reason. Matched exactly.
const SERVICE_EXCEPTIONS: &[(&str, &str)] = &[
    (
        "crates/git/src/pack/tree.rs",
        "the project file of a policy pack has a fixed name",
    ),
    (
        "crates/http/src/answer.rs",
        "a header in which a service sends warnings",
    ),
    (
        "crates/http/src/refusal.rs",
        "a header in which a service sends the id of a request",
    ),
    ("src/cli/apply/mod.rs", "example in the help"),
    ("src/cli/emulate.rs", "example in the help"),
    ("src/cli/init.rs", "example in the text that `init` prints"),
    ("src/cli/mod.rs", "example in the help"),
    ("src/cli/plan.rs", "example in the help"),
    (
        "src/plan/fingerprint.rs",
        "file format: what a fingerprint covers",
    ),
    (
        "src/plan/replay.rs",
        "the error of a rule that cannot be patched",
    ),
    (
        "src/plan/types/call.rs",
        "file format: plans contain the operations and resources of every service",
    ),
    (
        "src/plan/types/change.rs",
        "file format: plans contain the operations and resources of every service",
    ),
    (
        "src/plan/types/document.rs",
        "file format: plans contain the operations and resources of every service",
    ),
    (
        "src/plan/types/field.rs",
        "file format: plans contain the operations and resources of every service",
    ),
    (
        "src/plan/types/impact.rs",
        "file format: plans contain the operations and resources of every service",
    ),
    (
        "src/plan/types/plan.rs",
        "file format: plans contain the operations and resources of every service",
    ),
    (
        "src/plan/types/resource.rs",
        "file format: plans contain the operations and resources of every service",
    ),
    (
        "src/render/decided.rs",
        "text of a file format: the rules that decide a request",
    ),
    (
        "src/render/explain/change.rs",
        "text of a file format: the rules that decide a request",
    ),
    (
        "src/render/plan/wording.rs",
        "text of a file format: enforcement levels in plans",
    ),
    (
        "src/render/report.rs",
        "text of a file format: operations and objects in journals",
    ),
    ("src/run/journal/upgrade.rs", "file format: older journals"),
    ("src/run/object.rs", "file format: the objects in journals"),
    (
        "src/workspace/inline.rs",
        "files that documents contain are read with the manifests, from the same source",
    ),
    (
        "src/workspace/packs.rs",
        "file format: the manifests of policy packs and what their builds write",
    ),
];

/// The only files of `src/cli` that may name the trait `Writes` or open a target for writing: the commands
/// that change a server, and what they share.
const WRITING_COMMANDS: &[&str] = &[
    "src/cli/apply",
    "src/cli/call.rs",
    "src/cli/connect.rs",
    "src/cli/rollback.rs",
    "src/cli/steps.rs",
];

/// Words that no type, function or module has in its name.
const BANNED_WORDS: &[&str] = &[
    "teller",
    "agenda",
    "meeting",
    "situations",
    "survey",
    "scene",
    "settle",
    "entangled",
    "likeness",
    "handover",
];

/// Complete names that no type has.
const BANNED_TYPES: &[&str] = &["One", "Made", "Turn", "Whole"];

/// Names that are older than the rule, matched exactly, so that the list can only shrink.
const BANNED_NAMES_LEFT: &[&str] = &[];

// The attribute tells clippy that this is test code.
#[cfg(test)]
static STRUCTURE: LazyLock<Structure> = LazyLock::new(|| Structure::load().unwrap());

/// Compares a number that may only shrink with its present value.
fn assert_shrinks(what: &str, found: &[String], known: usize) {
    assert!(
        found.len() <= known,
        "{} {what}, expected at most {known}:\n{}",
        found.len(),
        found.join("\n")
    );
    assert!(
        found.len() == known,
        "only {} {what} are left: lower the constant in xtask/tests/structure.rs from {known}",
        found.len()
    );
}

/// The nodes of all cycles, each followed by the uses that form the cycle.
fn nodes(cycles: &[Vec<String>]) -> Vec<String> {
    let mut nodes = Vec::new();
    for cycle in cycles {
        let uses = format!("\n    {}", STRUCTURE.explain(cycle).join("\n    "));
        for (index, node) in cycle.iter().enumerate() {
            let is_last = index + 1 == cycle.len();
            nodes.push(format!("- {node}{}", if is_last { &uses } else { "" }));
        }
    }
    nodes
}

#[test]
fn files_modules_and_crates_form_no_new_cycles() {
    let files = nodes(&STRUCTURE.file_cycles());
    assert_shrinks("files in cycles", &files, FILES_IN_CYCLES);
    let modules = nodes(&STRUCTURE.module_cycles());
    assert_shrinks("modules in cycles", &modules, MODULES_IN_CYCLES);
    let packages = nodes(&STRUCTURE.package_cycles());
    assert_shrinks("crates in cycles", &packages, PACKAGES_IN_CYCLES);
    assert!(
        STRUCTURE.edges.len() > 1000,
        "uses between files are not found"
    );
}

#[test]
fn crates_depend_only_on_what_is_allowed() {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED_DEPENDENCIES.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in &STRUCTURE.workspace.packages {
        let name = package.name.as_str();
        let Some(may_use) = allowed.get(name) else {
            // Programs of their own may use everything.
            let is_program = package.library.is_none() && !package.folder.starts_with("crates/");
            if !is_program {
                wrong.push(format!("{name}: add it to ALLOWED_DEPENDENCIES"));
            }
            continue;
        };
        for used in &package.dependencies {
            if !may_use.contains(&used.package.as_str()) {
                let manifest = format!("{}/Cargo.toml", package.folder);
                let manifest = manifest.trim_start_matches('/');
                let kind = &used.kind;
                wrong.push(format!(
                    "{manifest}: {name} must not use {} ({kind})",
                    used.package
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "invalid dependencies:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn visibility_is_not_restricted_to_paths() {
    let found = STRUCTURE.places(|facts| &facts.restricted);
    assert_shrinks("uses of pub(in …)", &found, RESTRICTED_VISIBILITIES);
}

#[test]
fn one_type_name_has_one_meaning() {
    let names = STRUCTURE.type_names();
    let repeated: Vec<String> = names
        .iter()
        .filter(|(_, places)| places.len() > 1)
        .map(|(name, places)| format!("{name}: {}", places.join(", ")))
        .collect();
    let percent = 100.0 * repeated.len() as f64 / names.len() as f64;
    assert!(
        percent <= MAX_DUPLICATE_TYPE_NAMES_PERCENT,
        "{percent:.1} % of {} type names are defined more than once, expected at most \
         {MAX_DUPLICATE_TYPE_NAMES_PERCENT} %; rename some of them:\n{}",
        names.len(),
        repeated.join("\n")
    );
}

#[test]
fn only_files_of_a_service_name_services() {
    let workspace = &STRUCTURE.workspace;
    let registry = "src/service/registry.rs";
    assert!(
        workspace.files.contains_key(registry),
        "{registry} does not exist"
    );
    let may = |file: &str| SERVICE_FOLDERS.iter().any(|folder| is_below(file, folder));
    let found = STRUCTURE.files_that_name_services(may);
    let known: BTreeMap<&str, &str> = SERVICE_EXCEPTIONS.iter().copied().collect();
    let new: Vec<&str> = found
        .iter()
        .filter(|(file, _)| !known.contains_key(*file))
        .map(|(_, place)| place.as_str())
        .collect();
    assert!(
        new.is_empty(),
        "these files name a service: move that code to src/service, or add the file to \
         SERVICE_EXCEPTIONS with the reason:\n{}",
        new.join("\n")
    );
    let stale: Vec<_> = known
        .keys()
        .filter(|file| !found.contains_key(*file))
        .collect();
    assert!(
        stale.is_empty(),
        "remove from SERVICE_EXCEPTIONS: {stale:?}"
    );
}

#[test]
fn only_commands_that_change_a_server_can_write() {
    let writing = [
        "dyn Writes",
        "open_for_writing",
        "Session::writes",
        "session.writes(",
    ];
    let may = |file: &str| {
        let mut files = WRITING_COMMANDS.iter();
        files.any(|may| file == *may || is_below(file, may))
    };
    let found: Vec<&String> = STRUCTURE
        .workspace
        .files
        .iter()
        .filter(|(file, _)| is_below(file, "src/cli"))
        .filter(|(file, _)| !may(file))
        .filter(|(_, text)| writing.iter().any(|word| text.contains(word)))
        .map(|(file, _)| file)
        .collect();
    assert!(found.is_empty(), "these files can write: {found:?}");
}

#[test]
fn modules_use_only_earlier_modules() {
    let wrong = STRUCTURE.against_order(MODULE_ORDER);
    assert!(
        wrong.is_empty(),
        "uses against MODULE_ORDER:\n{}",
        wrong.join("\n")
    );
    let from_emulator: Vec<&(String, String)> = STRUCTURE
        .edges
        .keys()
        .filter(|(from, to)| is_below(from, "src/emulator") && !is_below(to, "src/emulator"))
        .collect();
    assert!(
        from_emulator.is_empty(),
        "the emulator must use nothing: {from_emulator:?}"
    );
}

#[test]
fn the_library_declares_its_modules_in_their_order() {
    let library = &STRUCTURE.workspace.files["src/lib.rs"];
    let declared: Vec<&str> = library
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let is_declared = |module: &&&str| declared.contains(*module);
    let expected: Vec<&str> = MODULE_ORDER.iter().filter(is_declared).copied().collect();
    assert_eq!(declared, expected, "order of `pub mod` in src/lib.rs");
    assert!(
        declared.len() >= 5,
        "modules of src/lib.rs are not found: {declared:?}"
    );
}

#[test]
fn names_are_nouns_of_the_field() {
    let mut found: BTreeMap<&str, String> = BTreeMap::new();
    for (file, item) in STRUCTURE.modules.definitions() {
        let is_banned_type = item.is_type() && BANNED_TYPES.contains(&item.name.as_str());
        let has_banned_word = words(&item.name)
            .iter()
            .any(|word| BANNED_WORDS.contains(&word.as_str()));
        if item.kind != "other" && (is_banned_type || has_banned_word) {
            found.insert(
                &item.name,
                format!("{file}:{}: {} {}", item.line, item.kind, item.name),
            );
        }
    }
    let known: BTreeSet<&str> = BANNED_NAMES_LEFT.iter().copied().collect();
    let new: Vec<&str> = found
        .iter()
        .filter(|(name, _)| !known.contains(*name))
        .map(|(_, place)| place.as_str())
        .collect();
    assert!(
        new.is_empty(),
        "banned names; use nouns of the field, such as scheduler, overlap or RuleContext:\n{}",
        new.join("\n")
    );
    let stale: Vec<_> = known
        .iter()
        .filter(|name| !found.contains_key(*name))
        .collect();
    assert!(stale.is_empty(), "remove from BANNED_NAMES_LEFT: {stale:?}");
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
    let folders = [
        "src", "crates", "operator", "xtask", "schemas", "docs", "examples", "tests", "benches",
    ];
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (path, text) in &STRUCTURE.workspace.files {
        let Some(folder) = folders.iter().find(|folder| is_below(path, folder)) else {
            continue;
        };
        seen.insert(*folder);
        let is_test = *folder == "tests" || path.contains("/tests/");
        let mut words: Vec<&String> = forbidden.iter().collect();
        words.extend(Some(&temporary).filter(|_| !is_test));
        let named = words.into_iter().filter(|word| text.contains(*word));
        found.extend(named.map(|word| format!("{path}: {word}")));
    }
    assert!(
        found.is_empty(),
        "paths of a machine or hosts of a registry:\n{}",
        found.join("\n")
    );
    for folder in ["src", "schemas", "docs", "examples", "tests"] {
        assert!(seen.contains(folder), "no files were read in {folder}");
    }
}
