//! The life cycle of the service, tokens, bodies and the request log.

use emulator::pulumi::{PulumiOptions, PulumiSeed, start};
use emulator::{EmulatorError, StateLocation};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Service, client, message, organization, pack};

#[tokio::test]
async fn a_restart_keeps_everything_and_brings_nothing_back() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateLocation::File(folder.path().join("new/pulumi.sqlite"));
    let seed = r#"{"organizations": [{"name": "my-org", "policyPacks": [{"name": "seeded", "versions": [{}]}]}]}"#;
    let options = || PulumiOptions {
        state: state.clone(),
        seed: Some(PulumiSeed::from_json(seed).unwrap()),
        organizations: vec![organization("my-org")],
        ..PulumiOptions::default()
    };
    let service = Service::with(options()).await;
    service.publish("guard", "1.0.0").await;
    service.group("g").await;
    let change = json!({"addPolicyPack": {"name": "guard", "config": {"size": {"max": 3}}}});
    assert_eq!(service.update("g", change).await.status, 204);
    assert_eq!(
        service
            .org(Method::DELETE, "/policypacks/seeded", None)
            .await
            .status,
        200
    );
    let created = service
        .org(Method::POST, "/policypacks", Some(pack("guard", "1.1.0")))
        .await;
    assert_eq!(service.upload(&created.body, "archive").await, 200);
    let paths = [
        "/policypacks",
        "/policypacks/guard/versions/1.0.0",
        "/policygroups",
        "/policygroups/g",
    ];
    let mut before = Vec::new();
    for path in paths {
        before.push(service.get(path).await);
    }
    service.running.shutdown().await;

    let service = Service::with(options()).await;
    for (path, before) in paths.into_iter().zip(before) {
        assert_eq!(service.get(path).await, before, "{path}");
    }
    let complete = "/policypacks/guard/versions/1.1.0/complete";
    assert_eq!(
        service.org(Method::POST, complete, None).await.status,
        204,
        "the upload is kept"
    );
    service.running.shutdown().await;

    // A file of one service is invalid for another.
    let other = emulator::DockerOptions {
        state: state.clone(),
        ..emulator::DockerOptions::default()
    };
    let error = emulator::start(other).await.unwrap_err();
    assert!(
        matches!(error, EmulatorError::StateOfAnother { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn it_listens_on_loopback_only() {
    let anywhere = "0.0.0.0:0".parse().unwrap();
    for options in [
        PulumiOptions {
            listen: anywhere,
            ..PulumiOptions::default()
        },
        PulumiOptions {
            listen_uploads: anywhere,
            ..PulumiOptions::default()
        },
    ] {
        let error = start(options).await.unwrap_err();
        assert!(
            matches!(error, EmulatorError::NotLoopback { .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_token_is_wanted_in_the_words_of_this_service() {
    let service = Service::with(PulumiOptions {
        token: Some("right".into()),
        ..PulumiOptions::default()
    })
    .await;
    let url = format!("{}/api/orgs/my-org/policypacks", service.running.url());
    for (header, status) in [
        (Some("token right"), 200),
        (Some("Token right"), 200),
        (Some("token wrong"), 401),
        (Some("bearer right"), 401),
        (Some("right"), 401),
        (None, 401),
    ] {
        let request = client().get(&url);
        let request = header.into_iter().fold(request, |request, header| {
            request.header("authorization", header)
        });
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{header:?}");
        if status == 401 {
            let error: Value = answer.json().await.unwrap();
            assert_eq!(error["code"], 401);
        }
    }
    // A wrong token differs from no token.
    let url = format!(
        "{}/api/registry/policypacks?orgLogin=my-org",
        service.running.url()
    );
    let answer = client()
        .get(&url)
        .header("authorization", "token wrong")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(client().get(&url).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn what_is_not_routed_answers_in_plain_text() {
    let service = Service::new().await;
    for (method, path, status) in [
        (Method::GET, "/api/orgs/my-org/nothing", 404),
        (Method::GET, "/api/preview/orgs/my-org/policypacks", 404),
        (Method::GET, "/policypacks/x", 404),
        (Method::PUT, "/api/orgs/my-org/policypacks", 405),
    ] {
        let request = client().request(method, format!("{}{path}", service.running.url()));
        let answer = request
            .header("authorization", "token t")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        assert!(
            answer.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/plain"),
            "{path}"
        );
        assert!(serde_json::from_str::<Value>(&answer.text().await.unwrap()).is_err());
    }
}

#[tokio::test]
async fn bodies_are_json_objects_of_their_media_type() {
    let service = Service::new().await;
    let url = format!("{}/api/orgs/my-org/policygroups", service.running.url());
    let group = r#"{"name":"g","entityType":"stacks"}"#;
    for (media_type, body, status) in [
        ("application/json; charset=utf-8", group, 204),
        ("text/plain", group, 415),
        ("application/json", "", 400),
        ("application/json", "[]", 400),
        (
            "application/json",
            r#"{"name":"h","name":"i","entityType":"stacks"}"#,
            400,
        ),
        ("application/json", "{", 400),
    ] {
        let request = client()
            .post(&url)
            .header("authorization", "token t")
            .header("content-type", media_type);
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{media_type} {body}");
    }
    let long = json!({"name": "x".repeat(5 * 1024 * 1024), "entityType": "stacks"});
    let answer = service.org(Method::POST, "/policygroups", Some(long)).await;
    assert_eq!(answer.status, 413);
    assert!(message(&answer).contains("too large"));
}

#[tokio::test]
async fn a_warning_goes_with_every_answer() {
    let service = Service::with(PulumiOptions {
        warning: Some("end of life\n".to_owned()),
        ..PulumiOptions::default()
    })
    .await;
    for path in [
        "/api/orgs/my-org/policypacks",
        "/api/orgs/none/policypacks",
        "/nothing",
    ] {
        let request = client()
            .get(format!("{}{path}", service.running.url()))
            .header("authorization", "token t");
        assert_eq!(
            request.send().await.unwrap().headers()["x-pulumi-warning"],
            "end of life?",
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_request_log_holds_the_requests_of_both_hosts_and_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("requests.jsonl");
    let mut service = Service::with(PulumiOptions {
        request_log: Some(file.clone()),
        ..PulumiOptions::default()
    })
    .await;
    service.token = "hunter2".to_owned();
    service.publish("guard", "1.0.0").await;
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("hunter2"));
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<_> = lines
        .iter()
        .map(|line| (&line["seq"], &line["operation"], &line["status"]))
        .collect();
    let wanted = [
        (json!(1), json!("CreatePolicyPack"), json!(201)),
        (json!(2), json!("UploadPolicyPack"), json!(200)),
        (json!(3), json!("CompletePolicyPack"), json!(204)),
    ];
    assert_eq!(
        told,
        wanted
            .iter()
            .map(|(seq, operation, status)| (seq, operation, status))
            .collect::<Vec<_>>()
    );
    assert_eq!(lines[0]["body"]["versionTag"], "1.0.0");
    assert_eq!(lines[1]["body"]["bytes"], "guard 1.0.0".len());
    assert_eq!(lines[2]["body"], Value::Null);
}
