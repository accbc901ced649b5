//! Formats against the schemas that others publish, and what the schemas do not say.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use model::diag::{Code, Diagnostic, Place, Replacement, SourceMap};
use polwarden::render::annotations::{Annotation, PackDiagnostics, RepositoryPrefix};
use polwarden::render::{gitlab, sarif};
use serde_json::Value;

use super::world::Words;

pub(super) fn format(words: &Words, name: &str) -> String {
    words
        .formats()
        .into_iter()
        .find(|(format, _)| *format == name)
        .unwrap()
        .1
}

/// Violations of the published schema in a log.
pub(super) fn sarif_faults(log: &str) -> Vec<String> {
    static SCHEMA: std::sync::LazyLock<jsonschema::Validator> = std::sync::LazyLock::new(|| {
        // One pattern of the standard, for `language`, is not a valid regular expression. The field is not used here.
        let text = include_str!("published/sarif-schema-2.1.0.json");
        let broken = "\"^[a-zA-Z]{2}|^[a-zA-Z]{2}-[a-zA-Z]{2}]?$\"";
        assert!(text.contains(broken));
        let schema: Value =
            serde_json::from_str(&text.replace(broken, "\"^[a-zA-Z]{2}\"")).unwrap();
        jsonschema::validator_for(&schema).unwrap()
    });
    let log: Value = serde_json::from_str(log).unwrap();
    SCHEMA
        .iter_errors(&log)
        .map(|error| error.to_string())
        .collect()
}

#[test]
fn sarif_is_what_the_standard_says() {
    let text = format(&Words::ordinary(), "sarif");
    assert_eq!(sarif_faults(&text), Vec::<String>::new());
    assert!(
        !sarif_faults(&text.replace("\"2.1.0\"", "\"2.0.0\"")).is_empty(),
        "the schema says something"
    );
    assert!(
        !sarif_faults(&text.replace("\"ruleId\"", "\"rule\"")).is_empty(),
        "the schema says something"
    );

    let log: Value = serde_json::from_str(&text).unwrap();
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in run["results"].as_array().unwrap() {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(
            rule["help"]["text"]
                .as_str()
                .unwrap()
                .contains("polwarden explain"),
            "{rule}"
        );
        assert_eq!(
            result["partialFingerprints"]["polwarden/v1"]
                .as_str()
                .unwrap()
                .len(),
            64
        );
        for location in result["locations"].as_array().unwrap() {
            let file = &location["physicalLocation"]["artifactLocation"];
            assert_eq!(file["uriBaseId"], "%SRCROOT%");
            assert!(
                file["uri"]
                    .as_str()
                    .unwrap()
                    .starts_with("deploy/policies%20here/"),
                "{file}"
            );
        }
    }
    let duplicate = run["results"]
        .as_array()
        .unwrap()
        .iter()
        .find(|result| result["ruleId"] == "duplicate-key")
        .unwrap();
    assert_eq!(
        duplicate["relatedLocations"][0]["message"]["text"],
        "first here"
    );
    assert_eq!(
        duplicate["locations"][0]["physicalLocation"]["region"]["startLine"],
        3
    );
}

#[test]
fn code_quality_has_what_gitlab_asks_for() {
    let issues: Value = serde_json::from_str(&format(&Words::ordinary(), "gitlab")).unwrap();
    let mut fingerprints = BTreeSet::new();
    for issue in issues.as_array().unwrap() {
        let text = |key: &str| issue[key].as_str().unwrap().to_owned();
        assert!(!text("description").is_empty() && !text("check_name").is_empty());
        assert!(
            ["info", "minor", "major", "critical", "blocker"].contains(&&*text("severity")),
            "{issue}"
        );
        let path = issue["location"]["path"].as_str().unwrap();
        assert!(
            !path.starts_with(['/', '.']) && path.starts_with("deploy/policies here/"),
            "{path}"
        );
        assert!(issue["location"]["lines"]["begin"].as_u64().unwrap() >= 1);
        assert!(
            fingerprints.insert(text("fingerprint")),
            "two with one fingerprint: {issue}"
        );
    }
    assert!(fingerprints.len() >= 10, "{}", fingerprints.len());
}

/// The fingerprints of a text with a diagnostic at each `bad`.
fn fingerprints(text: &str) -> Vec<String> {
    let mut sources = SourceMap::default();
    let file = sources.add("p.yaml", text);
    let finding = |(at, _): (usize, &str)| {
        Diagnostic::new(
            Code::InvalidValue,
            "a bad value",
            Place::Bytes {
                file,
                range: at..at + 4,
            },
        )
    };
    let list: Vec<Annotation> = text
        .match_indices("bad")
        .map(finding)
        .map(|finding| Annotation::of_file(&sources, &finding))
        .collect();
    let findings = PackDiagnostics::new(list, Vec::new());
    let issues: Value =
        serde_json::from_str(&gitlab::gitlab(&findings, &RepositoryPrefix::default()).unwrap())
            .unwrap();
    let log: Value =
        serde_json::from_str(&sarif::sarif(&findings, &RepositoryPrefix::default()).unwrap())
            .unwrap();
    let prints: Vec<String> = issues
        .as_array()
        .unwrap()
        .iter()
        .map(|issue| issue["fingerprint"].as_str().unwrap().to_owned())
        .collect();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let others: Vec<&str> = results
        .iter()
        .map(|result| {
            result["partialFingerprints"]["polwarden/v1"]
                .as_str()
                .unwrap()
        })
        .collect();
    assert_eq!(prints, others, "both formats tell the same apart");
    prints
}

#[test]
fn fingerprints_stay_when_lines_move() {
    let one = fingerprints("a: bad1\nb: bad2\n");
    assert_eq!(one.len(), 2);
    assert_ne!(one[0], one[1], "another text is another diagnostic");
    assert_eq!(
        one,
        fingerprints("# a comment\n\n\na: bad1\nc: 1\nb:   bad2\n"),
        "lines and columns do not count"
    );
    assert_eq!(
        one[1..],
        fingerprints("b: bad2\n")[..],
        "one that is fixed changes no other"
    );
    let twice = fingerprints("a: bad1\nb: bad1\n");
    assert_eq!(twice[0], one[0]);
    assert_ne!(twice[0], twice[1], "the same twice is two");
}

/// The XML without an attribute, given as it begins.
fn without(xml: String, attribute: &str) -> String {
    let mut parts = xml.split(attribute);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + part.split_once('"').unwrap().1)
}

/// Validates JUnit XML with xmllint and the published schema, if it is installed, and checks its main points.
pub(super) fn assert_junit(xml: &str) {
    let document = roxmltree::Document::parse(xml).unwrap();
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    for suite in root.children().filter(roxmltree::Node::is_element) {
        assert_eq!(suite.tag_name().name(), "testsuite");
        let cases: Vec<_> = suite
            .children()
            .filter(|node| node.has_tag_name("testcase"))
            .collect();
        let failures = cases
            .iter()
            .filter(|case| case.children().any(|child| child.has_tag_name("failure")))
            .count();
        assert_eq!(suite.attribute("tests").unwrap(), cases.len().to_string());
        assert_eq!(suite.attribute("failures").unwrap(), failures.to_string());
        for case in cases {
            assert!(case.attribute("name").is_some() && case.attribute("classname").is_some());
        }
    }
    // Three attributes are more than the schema knows: `file` and `line`, which GitLab reads, and the sum of what is
    // skipped.
    let plain = [" file=\"", " line=\"", " skipped=\""]
        .into_iter()
        .fold(xml.to_owned(), without);
    let schema = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/formats/published/junit-10.xsd"
    );
    let lint = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema", schema, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut lint) = lint else {
        crate::skip::needs("xmllint");
        return;
    };
    lint.stdin
        .take()
        .unwrap()
        .write_all(plain.as_bytes())
        .unwrap();
    let output = lint.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}\n{plain}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn junit_is_what_servers_read() {
    assert_junit(&format(&Words::ordinary(), "junit"));
    let findings = Words::ordinary().findings();
    assert_junit(
        &polwarden::render::junit::diagnostics("validate", &findings, &RepositoryPrefix::default())
            .unwrap(),
    );
    assert_junit(
        &polwarden::render::junit::plan(None, &findings, &RepositoryPrefix::default()).unwrap(),
    );
}

#[test]
fn suggestions_are_fixes_of_sarif() {
    let text = "actions: [\"é\", conect]\n";
    let mut sources = SourceMap::default();
    let file = sources.add("p a.yaml", text);
    let at = text.find("conect").unwrap();
    let place = Place::Bytes {
        file,
        range: at..at + 6,
    };
    let finding = Diagnostic::new(Code::InvalidValue, "unknown action", place.clone())
        .help("did you mean `connect`?")
        .suggest(Replacement::Similar("connect".to_owned()));
    let without = Diagnostic::new(Code::InvalidValue, "another", place);
    let list = [&finding, &without].map(|finding| Annotation::of_file(&sources, finding));
    let findings = PackDiagnostics::new(list.to_vec(), Vec::new());
    let log = sarif::sarif(&findings, &RepositoryPrefix::new("gov")).unwrap();
    assert_eq!(sarif_faults(&log), Vec::<String>::new());
    let log: Value = serde_json::from_str(&log).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let fixes: Vec<&Value> = results
        .iter()
        .map(|result| &result["fixes"])
        .filter(|fixes| !fixes.is_null())
        .collect();
    let expected = serde_json::json!([{
        "description": { "text": "did you mean `connect`?" },
        "artifactChanges": [{
            "artifactLocation": { "uri": "gov/p%20a.yaml", "uriBaseId": "%SRCROOT%" },
            "replacements": [{
                "deletedRegion": {
                    "startLine": 1, "startColumn": 16, "endLine": 1, "endColumn": 22,
                },
                "insertedContent": { "text": "connect" },
            }],
        }],
    }]);
    assert_eq!(fixes, [&expected]);
}
