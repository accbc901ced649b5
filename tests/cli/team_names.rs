//! Names of teams that only the server knows.

use emulator::{DockerOptions, DockerOrganizationSeed, TeamSeed};

use super::sandbox::{Sandbox, policy, tcp};
use crate::emulator::TEAM;

fn sandbox(more: &str, options: DockerOptions) -> Sandbox {
    let seed = DockerOrganizationSeed {
        name: "my-org".to_owned(),
        teams: vec![TeamSeed {
            uuid: TEAM.to_owned(),
            name: "the-security-team".to_owned(),
        }],
        policies: vec![],
    };
    let sandbox = Sandbox::new(more).serve(DockerOptions {
        organizations: vec![seed],
        ..options
    });
    let spec = format!(
        "scope: {{teams: [{TEAM}]}}\nrules:\n{}",
        tcp("r", "allow", "a.example.com")
    );
    sandbox.write("policies/p.yaml", policy("p", &spec));
    sandbox
}

#[test]
fn text_shows_names_that_only_the_server_knows_and_json_does_not() {
    let sandbox = sandbox("", DockerOptions::default());
    for format in ["human", "markdown", "html", "github"] {
        let text = sandbox.expect(0, &["plan", "--format", format]).out;
        assert!(text.contains("members of the-security-team"), "{text}");
    }
    let json = sandbox.expect(0, &["plan", "--format", "json"]).json();
    let who = &json["targets"][0]["access"]["opens"][0]["who"];
    assert_eq!(who[0]["allOf"][0], TEAM, "{who}");
    let applied = sandbox.expect(0, &["apply", "--auto-approve"]).out;
    assert!(
        applied.contains("members of the-security-team"),
        "{applied}"
    );
    let spec = format!("scope: {{teams: [{TEAM}]}}\nrules: []\n");
    sandbox.write("policies/p.yaml", policy("p", &spec));
    let drift = sandbox.expect(8, &["drift"]).out;
    assert!(drift.contains("members of the-security-team"), "{drift}");
}

#[test]
fn an_alias_comes_first_and_a_refusal_is_no_error() {
    let more = format!("teams: {{sec: {TEAM}}}\n");
    let with_alias = sandbox(&more, DockerOptions::default());
    let text = with_alias.expect(0, &["plan"]).out;
    assert!(text.contains("members of sec"), "{text}");
    let refused = DockerOptions {
        faults: vec!["before-403@listGroups".parse().unwrap()],
        ..DockerOptions::default()
    };
    let text = sandbox("", refused).expect(0, &["plan"]).out;
    assert!(text.contains(&format!("members of {TEAM}")), "{text}");
}

/// The fields of a change and the notes about gaps name teams as well.
#[test]
fn changes_of_scopes_show_names_and_json_does_not() {
    let spec = |teams: &str| {
        let rule = tcp("r", "allow", "a.example.com");
        policy("p", &format!("scope: {{teams: [{teams}]}}\nrules:\n{rule}"))
    };
    let sandbox = sandbox("", DockerOptions::default());
    let text = sandbox.expect(0, &["plan", "-v"]).out;
    assert!(!text.contains(TEAM), "{text}");
    let json = sandbox.expect(0, &["plan", "--format", "json"]).json();
    let fields = &json["targets"][0]["changes"][0]["fields"];
    assert!(fields.to_string().contains(TEAM), "{fields:#}");
    // An alias of the configuration, also for drift.
    let configured = sandbox.read("polwarden.yaml");
    sandbox.expect(0, &["apply", "--auto-approve"]);
    sandbox.write(
        "polwarden.yaml",
        format!(
            "{configured}    teams: {{sec: {TEAM}, other: 00000000-0000-4000-8000-000000000001}}\n"
        ),
    );
    sandbox.write("policies/p.yaml", spec("other"));
    let text = sandbox.expect(0, &["plan", "-v"]).out;
    assert!(!text.contains(TEAM) && text.contains("sec"), "{text}");
    let drift = sandbox.expect(8, &["drift", "-v"]).out;
    assert!(!drift.contains(TEAM), "{drift}");
}
