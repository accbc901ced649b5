use emulator::EmulatorError;
use emulator::pulumi::{PulumiOptions, PulumiSeed, start};
use reqwest::Method;
use serde_json::json;

use super::Service;

fn seed(text: &str) -> Option<PulumiSeed> {
    Some(PulumiSeed::from_json(text).unwrap())
}

#[tokio::test]
async fn what_the_contract_does_not_know_is_shown_and_outlives_a_change() {
    let text = r#"{"organizations": [{"name": "my-org",
        "policyPacks": [{"name": "guard", "versions": [{"versionTag": "1.0.0", "signedBy": "x",
            "policies": [{"name": "a", "enforcementLevel": "quarantine", "since": 3}]}]}],
        "policyGroups": [{"name": "g", "schedule": "nightly", "policyPacks": [{"name": "guard", "config": {"a": {"x": 1}}}]},
                         {"name": "default-policy-group", "policyPacks": [{"name": "guard", "versionTag": "1.0.0"}]}]}]}"#;
    let mut service = Service::with(PulumiOptions {
        seed: seed(text),
        ..PulumiOptions::default()
    })
    .await;
    service.is_checked = false;
    let version = service.get("/policypacks/guard/versions/1.0.0").await.body;
    assert_eq!(version["signedBy"], "x");
    assert_eq!(
        version["policies"],
        json!([{"name": "a", "enforcementLevel": "quarantine", "since": 3}])
    );
    assert_eq!(version["applied"], true);
    assert_eq!(
        service
            .update("g", json!({"agentPoolId": "p"}))
            .await
            .status,
        204
    );
    let group = service.get("/policygroups/g").await.body;
    assert_eq!(
        (
            &group["schedule"],
            &group["appliedPolicyPacks"][0]["config"]
        ),
        (&json!("nightly"), &json!({"a": {"x": 1}}))
    );
    assert_eq!(
        service.packs_of("default-policy-group").await,
        ["guard 1.0.0"]
    );
}

#[tokio::test]
async fn without_a_seed_there_is_one_organization() {
    let running = start(PulumiOptions::default()).await.unwrap();
    let url = format!("{}/api/orgs/my-org/policygroups", running.url());
    let answer = crate::shared::emulator::client()
        .get(url)
        .header("authorization", "token t")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_seed_that_cannot_be_is_refused_with_the_place() {
    let of = |inside: &str| format!(r#"{{"organizations": [{{"name": "my-org", {inside}}}]}}"#);
    for (text, wanted) in [
        (
            of(r#""added": [{"publisher": "p", "name": "n"}]"#),
            "my-org, added: there is no pack `n` of `p`",
        ),
        (
            of(r#""policyGroups": [{"name": "g", "policyPacks": [{"name": "n"}]}]"#),
            "group g: the organization has no pack",
        ),
        (
            of(r#""policyGroups": [{"name": "g", "mode": "strict"}]"#),
            "group g: there is no mode `strict`",
        ),
        (
            of(r#""policyGroups": [{"name": "g", "entityType": "x"}]"#),
            "group g: there is no entity type `x`",
        ),
        (
            of(r#""policyGroups": [{"name": "g"}, {"name": "g"}]"#),
            "group g: the name is there twice",
        ),
        (
            of(r#""policyGroups": [{"name": "default-policy-group", "accounts": ["a"]}]"#),
            "a built-in group has what no other group has",
        ),
        (
            of(
                r#""policyPacks": [{"name": "p"}], "policyGroups": [{"name": "g", "policyPacks": [{"name": "p"}]}]"#,
            ),
            "the pack `p` has no such version",
        ),
    ] {
        let error = start(PulumiOptions {
            seed: seed(&text),
            ..PulumiOptions::default()
        })
        .await
        .unwrap_err();
        assert!(
            matches!(error, EmulatorError::SeedInvalid { .. }),
            "{text}: {error}"
        );
        assert!(error.to_string().contains(wanted), "{text}: {error}");
    }
    let twice = of(r#""policyPacks": [{"name": "p"}, {"name": "p"}]"#);
    let error = start(PulumiOptions {
        seed: seed(&twice),
        ..PulumiOptions::default()
    })
    .await
    .unwrap_err();
    assert!(
        matches!(error, EmulatorError::SeedRepeats { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn the_example_in_the_documentation_works() {
    let text = include_str!("../../../../docs/reference/emulator-pulumi.md");
    let pulumi = text.split("# Pulumi").nth(1).unwrap();
    let example = pulumi
        .split("```json\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let service = Service::with(PulumiOptions {
        seed: seed(example),
        ..PulumiOptions::default()
    })
    .await;
    assert_eq!(service.packs_of("prod").await, ["guard 1.0.0", "cis 3.0.0"]);
    let stacks = service.get("/policygroups/prod").await;
    assert_eq!(
        stacks.body["stacks"],
        json!([{"name": "prod", "routingProject": "web"}])
    );
    let hidden = service
        .org(Method::GET, "/policypacks/guard/versions/1.1.0", None)
        .await;
    assert_eq!(hidden.status, 400);
}
