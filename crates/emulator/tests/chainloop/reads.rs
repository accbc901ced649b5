use emulator::chainloop::{ChainloopOptions, Spelling};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Service, digest, policy, two};

async fn service() -> Service {
    Service::with(ChainloopOptions {
        organizations: two(),
        ..ChainloopOptions::default()
    })
    .await
}

#[tokio::test]
async fn a_policy_is_its_bytes_with_all_its_versions() {
    let service = service().await;
    let first = policy("p", "first");
    let second = policy("p", "second");
    let answer = service.get("p").await.body;
    assert_eq!(answer["digest"], digest(&second));
    assert_eq!(service.bytes("p").await, second.as_bytes());
    assert_eq!(
        (&answer["latest"], &answer["builtin"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(answer["organization_name"], "my-org");
    assert_eq!(answer["raw"]["format"], "FORMAT_YAML");
    let digests: Vec<&Value> = answer["version_references"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| &v["digest"])
        .collect();
    assert_eq!(digests, [&json!(digest(&second)), &json!(digest(&first))]);
    assert_eq!(answer["policy"]["metadata"]["name"], "p");
    assert_eq!(answer["policy"], answer["data"]);

    let old = service
        .get_with(
            "p",
            &format!("organization_name=my-org&digest={}", digest(&first)),
        )
        .await
        .body;
    assert_eq!(
        (&old["digest"], &old["latest"]),
        (&json!(digest(&first)), &json!(false))
    );
    assert_eq!(old["version_references"], answer["version_references"]);
    for (name, query) in [
        ("none", "organization_name=my-org".to_owned()),
        ("q", "organization_name=my-org".to_owned()),
        ("p", "organization_name=nobody".to_owned()),
        (
            "p",
            format!("organization_name=my-org&digest={}", digest("x")),
        ),
    ] {
        let answer = service.get_with(name, &query).await;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (404, &json!(5)),
            "{name} {query}"
        );
    }
}

#[tokio::test]
async fn inputs_are_told_as_a_schema_inside_a_text() {
    let service = service().await;
    let schema: Value = serde_json::from_str(
        service.get("p").await.body["inputs_json_schema"]
            .as_str()
            .unwrap(),
    )
    .unwrap();
    assert_eq!(
        schema["properties"]["limit"],
        json!({"type": "string", "description": "how many", "default": "1.10"})
    );
    assert_eq!(
        (&schema["required"], &schema["additionalProperties"]),
        (&json!(["must"]), &json!(false))
    );
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&json!({"must": "x"})));
    assert!(
        !validator.is_valid(&json!({"limit": "x"}))
            && !validator.is_valid(&json!({"must": "x", "y": "z"}))
    );
    assert_eq!(
        service.get("builtin-commit").await.body["inputs_json_schema"],
        ""
    );
}

#[tokio::test]
async fn without_an_organization_the_best_fit_answers_whosever_it_is() {
    let service = service().await;
    for (name, query, owner, builtin) in [
        ("p", "", "my-org", false),
        ("p", "organization_name=", "my-org", false),
        ("p", "organization_name=other", "other", false),
        ("q", "", "other", false),
        ("builtin-licenses", "", "", true),
        ("builtin-licenses", "organization_name=my-org", "", true),
    ] {
        let answer = service.get_with(name, query).await;
        assert_eq!(answer.status, 200, "{name} {query}");
        assert_eq!(answer.body["organization_name"], owner, "{name} {query}");
        assert_eq!(answer.body["builtin"], builtin, "{name} {query}");
        assert_eq!(answer.body["organization_id"] == "", builtin);
    }
}

#[tokio::test]
async fn groups_can_be_read() {
    let service = service().await;
    let answer = service
        .call(Method::GET, "/v1/groups/g?organization_name=my-org", None)
        .await
        .body;
    assert_eq!(
        (&answer["builtin"], &answer["organization_name"]),
        (&json!(false), &json!("my-org"))
    );
    assert_eq!(answer["group"]["name"], "g");
    assert_eq!(answer["group"]["description"], "d");
    assert_eq!(answer["group"]["attestation"], json!([{"ref": "p"}]));
    assert_eq!(answer["group"]["raw_group"], answer["raw"]);
    assert!(
        answer["inputs_json_schema"]
            .as_str()
            .unwrap()
            .contains("limit")
    );
    let builtin = service
        .call(
            Method::GET,
            "/v1/groups/builtin-quality?organization_name=my-org",
            None,
        )
        .await
        .body;
    assert_eq!(builtin["builtin"], true);
    // A policy is not a group.
    assert_eq!(
        service
            .call(Method::GET, "/v1/groups/p?organization_name=my-org", None)
            .await
            .status,
        404
    );
    assert_eq!(
        service
            .call(Method::PUT, "/v1/groups/g", Some(json!({})))
            .await
            .status,
        405
    );
}

#[tokio::test]
async fn names_of_fields_come_in_either_spelling() {
    let options = ChainloopOptions {
        organizations: two(),
        spelling: Spelling::Camel,
        ..ChainloopOptions::default()
    };
    let mut service = Service::with(options).await;
    service.is_checked = false;
    let answer = service.get_with("p", "organizationName=my-org").await.body;
    assert!(answer["versionReferences"][0]["createdAt"].is_string());
    assert!(
        answer["inputsJsonSchema"]
            .as_str()
            .unwrap()
            .contains("limit")
    );
    assert_eq!(
        (&answer["organizationName"], &answer["policy"]["apiVersion"]),
        (&json!("my-org"), &json!("chainloop.dev/v1"))
    );
    let is_snake = |(key, _): (&String, &Value)| key.contains('_');
    assert!(!answer.as_object().unwrap().iter().any(is_snake));
}
