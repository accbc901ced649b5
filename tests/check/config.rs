use manifest::config::Config;
use model::diag::DocumentId;
use polwarden::service::check_config::check_config;

use super::*;

fn check_targets(targets: &str, expected: &[&str]) {
    let text = format!("{{apiVersion: polwarden/v1, kind: Config, targets: [{targets}]}}");
    let config: Config =
        serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let file = SourceMap::default().add("polwarden.yaml", "");
    let diagnostics = check_config(&config, DocumentId { file, index: 0 });
    assert_eq!(show(&diagnostics), expected, "{targets}");
    check_wording(&diagnostics);
}

fn target(name: &str, organization: &str, rest: &str) -> String {
    format!("{{name: '{name}', provider: docker, organization: '{organization}', {rest}}}")
}

#[test]
fn a_sound_configuration_has_no_finding() {
    let teams = format!("paths: [policies, a/../b, ./c.yaml], teams: {{security: {SECURITY}}}");
    check_targets(&target("main", "my-org_2", &teams), &[]);
    check_targets(
        &format!(
            "{}, {}",
            target("a", "x", "paths: [p]"),
            target("b", "y", "paths: [p]")
        ),
        &[],
    );
}

#[test]
fn targets_are_told_apart() {
    check_targets("", &["empty-list 0:targets"]);
    check_targets(
        &format!(
            "{}, {}",
            target("a", "x", "paths: [p]"),
            target("a", "y", "paths: [p]")
        ),
        &["target-name-taken 0:targets[1].name 0:targets[0].name"],
    );
    check_targets(
        &format!(
            "{}, {}",
            target("a", "x", "paths: [p]"),
            target("b", "X", "paths: [q]")
        ),
        &["target-overlap 0:targets[1].organization 0:targets[0].organization"],
    );
}

#[test]
fn fields_of_a_target_are_well_formed() {
    for organization in ["", "a/b", "..", "a b", "a?b", "ä", "a.b"] {
        check_targets(
            &target("a", organization, "paths: [p]"),
            &["invalid-value 0:targets[0].organization"],
        );
    }
    check_targets(
        &target("a", "x", "paths: []"),
        &["empty-list 0:targets[0].paths"],
    );
    for path in [
        "''",
        "/etc",
        "../other",
        "a/../../b",
        "'~/x'",
        "'C:\\x'",
        "'\\\\server\\x'",
    ] {
        check_targets(
            &target("a", "x", &format!("paths: [{path}]")),
            &["target-path-invalid 0:targets[0].paths[0]"],
        );
    }
    check_targets(
        &target("a", "x", "paths: [p], teams: {ops: nonsense}"),
        &["invalid-value 0:targets[0].teams.ops"],
    );
    let disguised = format!("paths: [p], teams: {{{SECURITY}: {SECURITY}}}");
    check_targets(
        &target("a", "x", &disguised),
        &[&format!("invalid-value 0:targets[0].teams.{SECURITY}")],
    );
    check_targets(
        &target(" ", "x", "paths: [p]"),
        &["invalid-value 0:targets[0].name"],
    );
}
