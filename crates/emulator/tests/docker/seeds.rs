use emulator::{DockerOptions, DockerSeed, EmulatorError, EmulatorProfile, start};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Service, TEAM, organization};

const SEED: &str = r#"{"organizations": [{
    "name": "my-org",
    "teams": [{"uuid": "d290f1ee-6c54-4b01-90e6-d701748f0851", "name": "security"}],
    "policies": [
        {"name": "rules", "id": "pol_a", "created_at": "2026-04-22T00:00:00Z", "owner": {"mail": "a@example.com"},
         "rules": [
            {"id": "rule_a", "name": "known", "actions": ["connect:tcp"], "resources": ["example.com"],
             "decision": "allow", "expires_at": "2030-01-01T00:00:00Z"},
            {"name": "unknown", "actions": ["connect:quic"], "resources": ["example.com"], "decision": "allow"}]},
        {"name": "future", "type": "rego_v1", "rego_v1": {"text": "package x"}},
        {"name": "cedar", "cedar_v1": {"text": "permit(principal, action, resource);", "schema_url": "https://s.example.com"}}
    ]}]}"#;

fn options() -> DockerOptions {
    DockerOptions {
        seed: Some(DockerSeed::from_json(SEED).unwrap()),
        ..DockerOptions::default()
    }
}

#[tokio::test]
async fn what_a_seed_brought_is_shown_and_outlives_a_patch() {
    let service = Service::with(options()).await;
    let (_, list) = service.policies(Method::GET, "", None).await;
    let kinds: Vec<_> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|policy| policy["type"].clone())
        .collect();
    assert_eq!(
        kinds,
        [json!("allowlist_v0"), json!("rego_v1"), json!("cedar_v1")]
    );

    let policy = service.get("pol_a").await;
    assert_eq!(
        (&policy["created_at"], &policy["updated_at"]),
        (
            &json!("2026-04-22T00:00:00Z"),
            &json!("2026-04-22T00:00:00Z")
        )
    );
    assert_eq!(policy["owner"]["mail"], "a@example.com");
    assert_eq!(
        policy["allowlist_v0"]["rules"][1]["actions"],
        json!(["connect:quic"])
    );
    let patch = json!({"resources": ["example.org"]});
    let (status, answer) = service
        .policies(Method::PATCH, "/pol_a/rules/rule_a", Some(patch))
        .await;
    assert_eq!(
        (status, &answer["new"]["expires_at"]),
        (StatusCode::OK, &json!("2030-01-01T00:00:00Z"))
    );
    let patch = json!({"scope": {"teams": [TEAM]}});
    let (_, answer) = service.policies(Method::PATCH, "/pol_a", Some(patch)).await;
    assert_eq!(answer["new"]["owner"], policy["owner"]);
}

#[tokio::test]
async fn a_policy_of_an_unknown_type_keeps_its_body_and_takes_no_rules() {
    let service = Service::with(options()).await;
    let (_, list) = service.policies(Method::GET, "", None).await;
    let id = list["data"][1]["id"].as_str().unwrap();
    let (_, answer) = service
        .policies(
            Method::PATCH,
            &format!("/{id}"),
            Some(json!({"name": "renamed"})),
        )
        .await;
    assert_eq!(answer["new"]["rego_v1"], json!({"text": "package x"}));
    let rule = super::files("r");
    let (status, _) = service
        .policies(Method::POST, &format!("/{id}/rules"), Some(rule))
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn without_a_seed_there_is_one_empty_organization() {
    let running = start(DockerOptions::default()).await.unwrap();
    let base = running.url();
    let service = Service::at(running, EmulatorProfile::Current, base).await;
    let (status, list) = service.policies(Method::GET, "", None).await;
    assert_eq!(
        (status, list),
        (StatusCode::OK, json!({"data": [], "next_page_token": null}))
    );
}

#[tokio::test]
async fn a_seed_that_repeats_a_name_is_refused() {
    let mut owner = organization("my-org");
    owner.policies = vec![Default::default(), Default::default()];
    let error = start(DockerOptions {
        organizations: vec![owner],
        ..DockerOptions::default()
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
    let text = include_str!("../../../../docs/reference/emulator.md");
    let example = text
        .split("```json\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let seed = Some(DockerSeed::from_json(example).unwrap());
    let service = Service::with(DockerOptions {
        seed,
        ..DockerOptions::default()
    })
    .await;
    let (_, list) = service.policies(Method::GET, "", None).await;
    assert_eq!(list["data"].as_array().unwrap().len(), 3);
}
