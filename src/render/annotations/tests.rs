use super::*;

fn finding(rule: PlanRule, line: u32) -> Annotation {
    let rule = AnnotationRule::Plan(rule);
    let mut finding = Annotation::new(rule, rule.weight(), format!("at {line}"));
    finding.spot = Some(AnnotationLocation::line("p.yaml", line));
    finding
}

#[test]
fn the_weightiest_come_first_and_each_once() {
    let list = vec![
        finding(PlanRule::AccessCloses, 1),
        finding(PlanRule::Held, 9),
        finding(PlanRule::Held, 2),
        finding(PlanRule::GateShut, 7),
        finding(PlanRule::Held, 9),
    ];
    let findings = PackDiagnostics::new(list, vec!["b".to_owned(), "a".to_owned(), "b".to_owned()]);
    let lines: Vec<String> = findings
        .list()
        .iter()
        .filter_map(Annotation::place)
        .collect();
    assert_eq!(lines, ["p.yaml:7", "p.yaml:2", "p.yaml:9", "p.yaml:1"]);
    assert_eq!(findings.files(), ["a", "b"]);
    assert_eq!(
        findings.counts().as_deref(),
        Some("1 error, 2 warnings, 1 notice")
    );
    assert_eq!(PackDiagnostics::default().counts(), None);
}

#[test]
fn files_are_found_from_the_top_of_the_repository() {
    assert_eq!(RepositoryPrefix::new("").file("p.yaml"), "p.yaml");
    assert_eq!(RepositoryPrefix::default().file("p.yaml"), "p.yaml");
    assert_eq!(RepositoryPrefix::new("a/b").file("p.yaml"), "a/b/p.yaml");
    assert_eq!(RepositoryPrefix::new("a/b/").file("p.yaml"), "a/b/p.yaml");
}

#[test]
fn codes_are_different() {
    let mut codes: Vec<&str> = AnnotationRule::all().map(AnnotationRule::as_str).collect();
    let all = codes.len();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), all);
}
