use std::path::Path;

use model::diag::{Code, Severity};
use polwarden::render::annotations::{AnnotationLevel, AnnotationRule, PlanRule};

const RULES: &str = include_str!("../../docs/reference/rules.md");

/// The cells of the table's rows.
fn rows() -> Vec<Vec<&'static str>> {
    // The tables below it have other columns.
    let table = RULES.split("\n## ").next().unwrap();
    let lines = table.lines().filter(|line| line.starts_with("| `"));
    lines
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect()
}

#[test]
fn every_code_has_its_row() {
    let rows = rows();
    let documented: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(
        documented, codes,
        "docs/reference/rules.md lists the codes in the order of crates/model/src/diag/code.rs"
    );
    for (row, code) in rows.iter().zip(Code::ALL) {
        let [_, severity, meaning, wrong, right] = row.as_slice() else {
            panic!("{code} has {} cells", row.len())
        };
        let expected = match code.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        assert_eq!(*severity, expected, "{code}");
        assert_eq!(*meaning, code.description(), "{code}");
        assert!(
            !wrong.is_empty() && !right.is_empty(),
            "{code} has no example"
        );
    }
}

#[test]
fn every_finding_of_a_plan_has_its_row() {
    let lines = include_str!("../../docs/reference/formats.md").lines();
    let rows: Vec<Vec<&str>> = lines
        .filter(|line| {
            ["plan-", "policy-test", "drift", "apply-"]
                .iter()
                .any(|word| line.starts_with(&format!("| `{word}")))
        })
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    assert_eq!(rows.len(), PlanRule::ALL.len());
    for (row, rule) in rows.iter().zip(PlanRule::ALL) {
        let rule = AnnotationRule::Plan(*rule);
        let weight = match rule.weight() {
            AnnotationLevel::Error => "error",
            AnnotationLevel::Warning => "warning",
            AnnotationLevel::Notice => "notice",
        };
        assert_eq!((row[0].trim_matches('`'), row[1]), (rule.as_str(), weight));
        assert!(!rule.description().is_empty());
    }
}

#[test]
fn the_page_of_rules_is_not_stale() {
    assert_eq!(
        RULES,
        polwarden::render::rules::page(),
        "run `polwarden man --rules docs/reference/rules.md`"
    );
}

#[test]
fn every_entry_has_a_reason_and_a_fix() {
    for entry in polwarden::render::rules::all() {
        for text in [entry.meaning, entry.reason, entry.fix] {
            assert!(text.ends_with(['.', ')']), "{}: {text}", entry.code);
        }
        assert_eq!(polwarden::render::rules::find(entry.code), Some(entry));
    }
}

/// Whether a test of this name, or a module of tests, exists: `cli::guards::each_guard_refuses`, `cli::guards`.
fn is_test(name: &str) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let holds = |path: &Path, line: &str| {
        std::fs::read_to_string(path)
            .is_ok_and(|text| text.lines().any(|found| found.trim_start().contains(line)))
    };
    // `http::faults` is in tests/http/faults.rs, or in crates/http/tests/faults.rs.
    let files = |parts: &[&str]| {
        let mut paths = Vec::new();
        for top in ["tests", "src"] {
            let base = root.join(top);
            paths.push(parts.iter().fold(base, |path, part| path.join(part)));
            if let Some((name, inner)) = parts.split_first() {
                let base = root.join("crates").join(name).join(top);
                paths.push(inner.iter().fold(base, |path, part| path.join(part)));
            }
        }
        paths
            .into_iter()
            .map(|path| [path.with_extension("rs"), path.join("mod.rs")])
            .collect::<Vec<_>>()
    };
    let parts: Vec<&str> = name.split("::").collect();
    let Some((last, modules)) = parts.split_last() else {
        return false;
    };
    let inside = format!("fn {last}(");
    // The module may stand in a file of its own, or as a block in the file of the module above it.
    let above = modules
        .split_last()
        .filter(|(module, _)| **module == "tests")
        .map_or(&[][..], |(_, above)| above);
    files(modules)
        .iter()
        .flatten()
        .any(|path| holds(path, &inside))
        || (!above.is_empty()
            && files(above)
                .iter()
                .flatten()
                .any(|path| holds(path, &inside)))
        || files(&parts)
            .iter()
            .flatten()
            .any(|path| holds(path, "#[test]") || holds(path, "#[tokio::test"))
}

/// The names of tests in the tables of a document, each with its row. A name that begins with `…` goes on another.
fn named_tests(document: &'static str) -> Vec<(&'static str, Vec<&'static str>)> {
    let rows = document
        .lines()
        .filter(|line| line.starts_with('|') && line.contains("::"));
    rows.map(|row| {
        let cell = row
            .trim_end_matches('|')
            .rsplit(" | ")
            .next()
            .unwrap_or_default();
        (
            row,
            cell.split('`')
                .skip(1)
                .step_by(2)
                .filter(|name| !name.starts_with('…'))
                .collect(),
        )
    })
    .collect()
}

#[test]
fn the_tests_that_documents_name_exist() {
    for (path, document) in [
        (
            "docs/explanation/safety.md",
            include_str!("../../docs/explanation/safety.md"),
        ),
        (
            "docs/explanation/security.md",
            include_str!("../../docs/explanation/security.md"),
        ),
    ] {
        let rows = named_tests(document);
        assert!(rows.len() > 10, "{path} names no tests");
        for (row, names) in rows {
            assert!(!names.is_empty(), "{path}: {row}");
            for name in names {
                assert!(is_test(name), "{path} names `{name}`, which is no test");
            }
        }
    }
    assert!(
        !is_test("cli::guards::no_such_test")
            && !is_test("no::such::module")
            && !is_test("each_guard_refuses")
    );
}
