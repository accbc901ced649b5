use polwarden::diag::{Code, Severity};
use polwarden::render::findings::{PlanRule, RuleId, Weight};

const RULES: &str = include_str!("../../docs/rules.md");

/// The cells of the table's rows.
fn rows() -> Vec<Vec<&'static str>> {
    let lines = RULES.lines().filter(|line| line.starts_with("| `"));
    lines.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

#[test]
fn every_code_has_its_row() {
    let rows = rows();
    let documented: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(documented, codes, "docs/rules.md lists the codes in the order of src/diag/code.rs");
    for (row, code) in rows.iter().zip(Code::ALL) {
        let [_, severity, meaning, wrong, right] = row.as_slice() else { panic!("{code} has {} cells", row.len()) };
        let expected = if code.severity() == Severity::Error { "error" } else { "warning" };
        assert_eq!(*severity, expected, "{code}");
        assert_eq!(*meaning, code.description(), "{code}");
        assert!(!wrong.is_empty() && !right.is_empty(), "{code} has no example");
    }
}

#[test]
fn every_finding_of_a_plan_has_its_row() {
    let lines = include_str!("../../docs/formats.md").lines();
    let rows: Vec<Vec<&str>> = lines
        .filter(|line| line.starts_with("| `plan-") || line.starts_with("| `policy-test"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    assert_eq!(rows.len(), PlanRule::ALL.len());
    for (row, rule) in rows.iter().zip(PlanRule::ALL) {
        let rule = RuleId::Plan(*rule);
        let weight = match rule.weight() {
            Weight::Error => "error",
            Weight::Warning => "warning",
            Weight::Notice => "notice",
        };
        assert_eq!((row[0].trim_matches('`'), row[1]), (rule.as_str(), weight));
        assert!(!rule.description().is_empty());
    }
}
