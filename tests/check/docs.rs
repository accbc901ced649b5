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
    for (path, document, least) in [
        (
            "docs/explanation/safety.md",
            include_str!("../../docs/explanation/safety.md"),
            25,
        ),
        (
            "docs/explanation/security.md",
            include_str!("../../docs/explanation/security.md"),
            50,
        ),
        (
            "docs/reference/apply-requirements.md",
            include_str!("../../docs/reference/apply-requirements.md"),
            25,
        ),
        (
            "docs/reference/guards.md",
            include_str!("../../docs/reference/guards.md"),
            3,
        ),
        (
            "docs/reference/runs.md",
            include_str!("../../docs/reference/runs.md"),
            15,
        ),
        (
            "docs/how-to/incidents.md",
            include_str!("../../docs/how-to/incidents.md"),
            8,
        ),
    ] {
        let rows = named_tests(document);
        assert!(rows.len() > least, "{path} names only {} tests", rows.len());
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

/// The Markdown files of the repository, by path. `target` and other folders without documentation are not read.
fn markdown() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("docs"), root.join("examples")];
    let mut paths = vec![
        root.join("README.md"),
        root.join("CONTRIBUTING.md"),
        root.join("CHANGELOG.md"),
    ];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    let name = |path: &Path| path.strip_prefix(root).unwrap().display().to_string();
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    paths.iter().map(|path| (name(path), read(path))).collect()
}

/// The lines outside of code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// The anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        c if c.is_alphanumeric() => Some(c),
        _ => None,
    });
    kept.collect::<String>().to_lowercase()
}

#[test]
fn links_of_the_documentation_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut broken = Vec::new();
    let mut checked = 0;
    for (path, text) in markdown() {
        let links = prose(&text)
            .flat_map(|line| line.split("](").skip(1))
            .filter_map(|rest| rest.split_once(')').map(|(link, _)| link))
            .filter(|link| !link.starts_with("https://"));
        for link in links {
            checked += 1;
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let folder = root.join(&path).parent().unwrap().to_owned();
            let target = if file.is_empty() {
                root.join(&path)
            } else {
                folder.join(file)
            };
            let has_heading = || {
                let text = std::fs::read_to_string(&target).unwrap_or_default();
                prose(&text)
                    .filter_map(|line| line.strip_prefix('#'))
                    .any(|found| anchor(found.trim_start_matches('#')) == heading)
            };
            if !target.exists() || (!heading.is_empty() && !has_heading()) {
                broken.push(format!("{path}: {link}"));
            }
        }
    }
    assert!(checked > 100, "only {checked} links were found");
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

#[test]
fn the_readme_is_short_and_begins_with_output() {
    let text = include_str!("../../README.md");
    let words = text.split_whitespace().count();
    assert!(words <= 1200, "README.md has {words} words");
    let plan = text.find("$ polwarden plan").unwrap();
    let quick_start = text.find("## Quick start").unwrap();
    let links = text.find("## Documentation").unwrap();
    assert!(plan < quick_start && quick_start < links);
}

#[test]
fn the_index_names_every_page() {
    let index = include_str!("../../docs/README.md");
    for (path, _) in markdown() {
        if let Some(page) = path
            .strip_prefix("docs/")
            .filter(|page| *page != "README.md")
        {
            assert!(
                index.contains(&format!("]({page})")),
                "docs/README.md: {page}"
            );
        }
    }
}

#[test]
fn every_page_begins_with_its_purpose_and_an_example() {
    for (path, text) in markdown() {
        if !path.starts_with("docs/") || path == "docs/README.md" {
            continue;
        }
        let mut lines = text.lines();
        assert!(lines.next().unwrap().starts_with("# "), "{path}: title");
        assert_eq!(lines.next(), Some(""), "{path}");
        let purpose = lines.next().unwrap_or_default();
        assert!(
            purpose.starts_with(|c: char| c.is_alphabetic() || c == '`'),
            "{path}: {purpose}"
        );
        let before_example = text.lines().take_while(|line| !line.starts_with("```"));
        let count = before_example.count();
        assert!(count <= 25, "{path}: the first example is in line {count}");
    }
}
