use data_encoding::BASE64;
use emulator::chainloop::{ChainloopOptions, RawSchema};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Service, digest, policy, two, write};

async fn service() -> Service {
    Service::with(ChainloopOptions {
        organizations: two(),
        ..ChainloopOptions::default()
    })
    .await
}

#[tokio::test]
async fn a_policy_is_kept_byte_for_byte() {
    let service = service().await;
    let text = format!(
        "\u{feff}# a note\r\n{}",
        policy("new", "x").replace('\n', "\r\n")
    );
    let answer = service.create(&text).await;
    assert_eq!((answer.status, &answer.body), (200, &json!({})));
    assert_eq!(service.bytes("new").await, text.as_bytes());
    assert_eq!(service.get("new").await.body["digest"], digest(&text));
    assert_eq!(service.get("new").await.body["organization_name"], "my-org");

    // A comment creates another version; identical bytes do not.
    let commented = format!("{text}# more\r\n");
    for _ in 0..2 {
        assert_eq!(service.update(&commented).await.status, 200);
        let references = service.get("new").await.body["version_references"].clone();
        let digests: Vec<&Value> = references
            .as_array()
            .unwrap()
            .iter()
            .map(|version| &version["digest"])
            .collect();
        assert_eq!(digests, [&json!(digest(&commented)), &json!(digest(&text))]);
    }
    // Earlier bytes can be written again.
    assert_eq!(service.update(&text).await.status, 200);
    assert_eq!(service.get("new").await.body["digest"], digest(&text));
}

#[tokio::test]
async fn what_is_there_is_not_created_and_what_is_not_is_not_updated() {
    let service = service().await;
    for (answer, status) in [
        (service.create(&policy("p", "x")).await, 409),
        (service.create(&policy("builtin-commit", "x")).await, 409),
        (service.update(&policy("builtin-commit", "x")).await, 403),
        (service.update(&policy("none", "x")).await, 404),
        (service.update(&policy("q", "x")).await, 404),
    ] {
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(
            answer.body["message"].is_string() && answer.body["details"] == json!([]),
            "{answer:?}"
        );
    }
    assert_eq!(service.bytes("p").await, policy("p", "second").as_bytes());
}

#[tokio::test]
async fn a_write_goes_to_an_organization_of_the_caller() {
    let service = service().await;
    let named = |organization: &str| {
        let mut body = write(&policy("new", "x"));
        body["policy"]["metadata"]["organization"] = json!(organization);
        body
    };
    for (organization, status) in [("other", 403), ("nobody", 403), ("my-org", 200)] {
        let answer = service
            .call(Method::POST, "/v1/policies", Some(named(organization)))
            .await;
        assert_eq!(answer.status, status, "{organization}");
    }
    assert_eq!(
        service
            .call(Method::PUT, "/v1/policies", Some(named("other")))
            .await
            .status,
        403
    );
    assert_eq!(
        service
            .get_with("new", "organization_name=other")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn raw_schema_is_what_the_option_says() {
    let text = policy("new", "x");
    let plain = json!(text);
    let encoded = json!(BASE64.encode(text.as_bytes()));
    for (raw_schema, sent, status) in [
        (RawSchema::Base64, &encoded, 200),
        (RawSchema::Base64, &plain, 400),
        (RawSchema::Text, &plain, 200),
        (RawSchema::Text, &encoded, 400),
        (RawSchema::Either, &plain, 200),
        (RawSchema::Either, &encoded, 200),
    ] {
        let service = Service::with(ChainloopOptions {
            raw_schema,
            ..ChainloopOptions::default()
        })
        .await;
        let mut body = write(&text);
        body["raw_schema"] = sent.clone();
        assert_eq!(
            service
                .call(Method::POST, "/v1/policies", Some(body))
                .await
                .status,
            status,
            "{raw_schema}"
        );
        if status == 200 {
            assert_eq!(service.bytes("new").await, text.as_bytes(), "{raw_schema}");
        }
    }
}

#[tokio::test]
async fn texts_that_break_a_rule_are_refused_with_the_place() {
    let service = service().await;
    let spec = |spec: &str| {
        format!("apiVersion: chainloop.dev/v1\nkind: Policy\nmetadata:\n  name: p2\nspec: {spec}\n")
    };
    for (text, wanted) in [
        ("a: [".to_owned(), "is not a YAML document"),
        (
            format!("{}---\n{}", policy("p2", "x"), policy("p2", "x")),
            "is not a YAML document",
        ),
        (policy("P2", "x"), "metadata.name"),
        (
            policy("p2", "x").replace("chainloop.dev/v1", "v1"),
            "apiVersion",
        ),
        (
            policy("p2", "x").replace("kind: Policy\n", "kind: PolicyGroup\n"),
            "kind: must be Policy",
        ),
        (
            policy("p2", "x").replace("metadata:", "status: x\nmetadata:"),
            "unknown field `status`",
        ),
        (
            policy("p2", "x").replace("SARIF", "ARTIFACT"),
            "spec.policies[0].kind",
        ),
        (
            policy("p2", "x").replace("required: true", "required: true\n      default: x"),
            "spec.inputs[1]",
        ),
        (
            policy("p2", "x").replace("name: must", "name: 1must"),
            "spec.inputs[1].name",
        ),
        (spec("{}"), "exactly one of path, embedded and policies"),
        (spec("{policies: []}"), "policies must not be empty"),
        (
            spec("{embedded: x, policies: [{kind: SARIF, embedded: x}]}"),
            "exactly one of",
        ),
        (
            spec("{policies: [{kind: SARIF, embedded: x, ref: https://files.example.com/x}]}"),
            "spec.policies[0]: exactly one",
        ),
        (
            spec("{policies: [{kind: SARIF, path: x.rego}]}"),
            "spec.policies[0].path: `x.rego` cannot be read",
        ),
        (
            spec("{policies: [{kind: SARIF, ref: 'file://x.rego'}]}"),
            "embed the script",
        ),
        (
            spec("{policies: [{embedded: x}]}"),
            "spec.policies[0].kind: is required",
        ),
    ] {
        let mut body = write(&text);
        body["policy"]["metadata"]["name"] = json!("p2");
        let answer = service.call(Method::POST, "/v1/policies", Some(body)).await;
        let message = answer.body["message"].as_str().unwrap_or_default();
        assert!(
            answer.status == 400 && message.starts_with("raw_schema: ") && message.contains(wanted),
            "{text}: {answer:?}"
        );
    }
    assert_eq!(
        service
            .create(&spec(
                "{policies: [{kind: SARIF, ref: https://files.example.com/x}]}"
            ))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn the_fields_are_held_to_the_rules_too() {
    let service = service().await;
    let good = write(&policy("new", "x"));
    for (pointer, value, wanted) in [
        (
            "/policy/metadata/name",
            json!("another"),
            "has another name",
        ),
        ("/policy/kind", json!("Nothing"), "policy: kind"),
        ("/policy/spec", json!({"policies": []}), "policy: spec"),
        (
            "/policy",
            json!("text"),
            "policy: the policy: must be an object",
        ),
        ("/raw_schema", json!(7), "invalid type"),
    ] {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        let answer = service.call(Method::POST, "/v1/policies", Some(body)).await;
        assert!(
            answer.status == 400 && answer.text.contains(wanted),
            "{pointer}: {answer:?}"
        );
    }
    let mut camel = good.clone();
    let raw = camel.as_object_mut().unwrap().remove("raw_schema").unwrap();
    camel["rawSchema"] = raw;
    assert_eq!(
        service
            .call(Method::POST, "/v1/policies", Some(camel))
            .await
            .status,
        200
    );
    let long = json!({"policy": {}, "raw_schema": "x".repeat(5 * 1024 * 1024)});
    assert_eq!(
        service
            .call(Method::POST, "/v1/policies", Some(long))
            .await
            .status,
        413
    );
}
