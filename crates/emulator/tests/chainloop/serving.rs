use emulator::chainloop::{ChainloopOptions, ChainloopSeed, ErrorShape, start};
use emulator::{EmulatorError, StateLocation};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Service, policy, two};
use crate::shared::emulator::client;

#[tokio::test]
async fn the_state_outlives_the_service_and_seeds_do_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateLocation::File(folder.path().join("new/chainloop.sqlite"));
    let options = || ChainloopOptions {
        state: state.clone(),
        organizations: two(),
        ..ChainloopOptions::default()
    };
    let service = Service::with(options()).await;
    let text = policy("p", "third");
    assert_eq!(service.update(&text).await.status, 200);
    let before = service.get("p").await;
    let builtin = service.get("builtin-licenses").await;
    service.running.shutdown().await;

    let service = Service::with(options()).await;
    assert_eq!(service.get("p").await, before);
    assert_eq!(service.get("builtin-licenses").await, builtin);
    service.running.shutdown().await;
    let error = emulator::start(emulator::DockerOptions {
        state,
        ..Default::default()
    })
    .await;
    assert!(matches!(
        error.unwrap_err(),
        EmulatorError::StateOfAnother { .. }
    ));
}

#[tokio::test]
async fn it_listens_on_loopback_only() {
    let options = ChainloopOptions {
        listen: "0.0.0.0:0".parse().unwrap(),
        ..ChainloopOptions::default()
    };
    assert!(matches!(
        start(options).await.unwrap_err(),
        EmulatorError::NotLoopback { .. }
    ));
}

#[tokio::test]
async fn a_bearer_token_is_wanted() {
    let service = Service::with(ChainloopOptions {
        token: Some("right".into()),
        organizations: two(),
        ..ChainloopOptions::default()
    })
    .await;
    let url = format!(
        "{}/v1/policies/p?organization_name=my-org",
        service.running.url()
    );
    for (header, status) in [
        (Some("Bearer right"), 200),
        (Some("bearer right"), 200),
        (Some("Bearer wrong"), 401),
        (Some("token right"), 401),
        (None, 401),
    ] {
        let request = client().get(&url);
        let request = header.into_iter().fold(request, |request, header| {
            request.header("authorization", header)
        });
        assert_eq!(
            request.send().await.unwrap().status().as_u16(),
            status,
            "{header:?}"
        );
    }
}

#[tokio::test]
async fn errors_have_the_shape_that_was_asked_for() {
    for (errors, wanted) in [
        (
            ErrorShape::Code,
            r#"{"code":5,"message":"policy not found","details":[]}"#,
        ),
        (
            ErrorShape::Level,
            r#"{"level":"error","code":"404","reason":"policy not found"}"#,
        ),
        (ErrorShape::Text, "policy not found\n"),
        (ErrorShape::Empty, ""),
    ] {
        let faults = vec!["before-429=2s@2".parse().unwrap()];
        let service = Service::with(ChainloopOptions {
            errors,
            faults,
            ..ChainloopOptions::default()
        })
        .await;
        let answer = service.get("none").await;
        assert_eq!((answer.status, answer.text.as_str()), (404, wanted));
        let request = client()
            .get(format!("{}/v1/policies/none", service.running.url()))
            .header("authorization", "Bearer t");
        let limited = request.send().await.unwrap();
        assert_eq!(
            (
                limited.status().as_u16(),
                limited.headers()["retry-after"].to_str().unwrap()
            ),
            (429, "2")
        );
        assert_eq!(
            limited.text().await.unwrap().is_empty(),
            errors == ErrorShape::Empty
        );
    }
    let service = Service::with(ChainloopOptions::default()).await;
    let answer = service.call(Method::GET, "/v1/nothing", None).await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (404, "404 page not found\n")
    );
}

#[tokio::test]
async fn the_request_log_holds_requests_and_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("requests.jsonl");
    let service = Service::with(ChainloopOptions {
        request_log: Some(file.clone()),
        ..ChainloopOptions::default()
    })
    .await;
    service.create(&policy("new", "x")).await;
    service.get("new").await;
    service.get("none").await;
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("Bearer"));
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<(&Value, &Value)> = lines
        .iter()
        .map(|line| (&line["operation"], &line["status"]))
        .collect();
    let get = json!("PolicyService_Get");
    let create = json!("PolicyService_Create");
    assert_eq!(
        told,
        [
            (&create, &json!(200)),
            (&get, &json!(200)),
            (&get, &json!(404))
        ]
    );
    assert_eq!(lines[0]["body"]["policy"]["metadata"]["name"], "new");
    assert_eq!(lines[1]["query"], "organization_name=my-org");
}

fn seeded(text: &str) -> ChainloopOptions {
    ChainloopOptions {
        seed: Some(ChainloopSeed::from_json(text).unwrap()),
        ..ChainloopOptions::default()
    }
}

#[tokio::test]
async fn a_seed_can_say_what_a_service_should_not() {
    let text = r#"{"organizations": [{"name": "my-org", "policies": [{"name": "p", "versions": [
        {"text": "no policy", "createdAt": "2026-01-02T03:04:05Z", "digest": "sha256:wrong", "format": "FORMAT_JSON"}]}]}]}"#;
    let service = Service::with(seeded(text)).await;
    let answer = service.call(Method::GET, "/v1/policies/p", None).await.body;
    assert_eq!(
        (&answer["digest"], &answer["raw"]["format"]),
        (&json!("sha256:wrong"), &json!("FORMAT_JSON"))
    );
    assert_eq!(
        answer["version_references"][0]["created_at"],
        "2026-01-02T03:04:05Z"
    );
    for (text, wanted) in [
        (
            r#"{"organizations": [{"name": "o", "policies": [{"name": "p", "versions": []}]}]}"#,
            "policy p: it has no version",
        ),
        (r#"{"organizations": [{"name": ""}]}"#, "a name is empty"),
        (
            r#"{"organizations": [{"name": "o", "groups": [{"name": "g", "versions": [{"text": "", "createdAt": "x"}]}]}]}"#,
            "is no moment",
        ),
    ] {
        let error = start(seeded(text)).await.unwrap_err();
        assert!(
            matches!(error, EmulatorError::SeedInvalid { .. })
                && error.to_string().contains(wanted),
            "{error}"
        );
    }
    let twice = r#"{"organizations": [{"name": "o", "policies": [{"name": "p", "versions": [{"text": ""}]}, {"name": "p", "versions": [{"text": ""}]}]}]}"#;
    assert!(matches!(
        start(seeded(twice)).await.unwrap_err(),
        EmulatorError::SeedRepeats { .. }
    ));
    let error = ChainloopSeed::from_json("{\"organizations\":[\n {\"name\":\"o\",\"packs\":[]}]}")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("unknown field `packs`") && error.contains("line 2"),
        "{error}"
    );
}

#[tokio::test]
async fn the_example_in_the_documentation_works() {
    let text = include_str!("../../../../docs/reference/emulator-chainloop.md");
    let chainloop = text.split("# Chainloop").nth(1).unwrap();
    let example = chainloop
        .split("```json\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let service = Service::with(seeded(example)).await;
    let answer = service.get("sbom-fresh").await.body;
    assert_eq!(answer["version_references"].as_array().unwrap().len(), 2);
    assert_eq!(
        service
            .get_with("shared", "organization_name=other-org")
            .await
            .status,
        200
    );
    let builtin = service.get("house-rules").await;
    assert_eq!(builtin.body["builtin"], true);
}
