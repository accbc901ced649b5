use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use emulator::{DockerOptions, EmulatorError, EmulatorProfile, StateLocation, start};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Service, client, network, organization};

#[tokio::test]
async fn only_loopback_is_served() {
    let listen: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let error = start(DockerOptions {
        listen,
        ..DockerOptions::default()
    })
    .await
    .unwrap_err();
    assert!(
        matches!(error, EmulatorError::NotLoopback { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let first = start(DockerOptions::default()).await.unwrap();
    let error = start(DockerOptions {
        listen: first.address(),
        ..DockerOptions::default()
    })
    .await
    .unwrap_err();
    assert!(
        error.to_string().contains(&first.address().to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn policies_outlive_the_emulator_and_deleted_ones_stay_away() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("made").join("state.db");
    let mut owner = organization("my-org");
    owner.policies = vec![emulator::PolicySeed {
        name: "seeded".into(),
        ..Default::default()
    }];
    let options = DockerOptions {
        state: StateLocation::File(file.clone()),
        organizations: vec![owner.clone()],
        ..DockerOptions::default()
    };
    let service = Service::with(options.clone()).await;
    let (_, list) = service.policies(Method::GET, "", None).await;
    let seeded = list["data"][0]["id"].as_str().unwrap();
    service
        .policies(Method::DELETE, &format!("/{seeded}"), None)
        .await;
    let kept = service.policy("kept").await;
    service.rule(&kept, network("r", "example.com")).await;
    let before = service.get(&kept).await;
    let old_token = service.token.clone();
    service.running.shutdown().await;

    let team = emulator::TeamSeed {
        uuid: "late".into(),
        name: "late".into(),
    };
    owner.teams.push(team);
    let mut service = Service::with(DockerOptions {
        organizations: vec![owner],
        ..options
    })
    .await;
    let (_, list) = service.policies(Method::GET, "", None).await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_eq!(service.get(&kept).await, before);
    let scoped = json!({"scope": {"teams": ["late"]}});
    let (status, _) = service
        .policies(Method::PATCH, &format!("/{kept}"), Some(scoped))
        .await;
    assert_eq!(status, StatusCode::OK, "a team that was missing was added");
    service.token = old_token;
    assert_eq!(
        service.policies(Method::GET, "", None).await.0,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn what_was_answered_outlives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let service = Service::with(DockerOptions {
        state: StateLocation::File(file.clone()),
        ..DockerOptions::default()
    })
    .await;
    let policy = service.policy("p").await;
    service.rule(&policy, network("r", "example.com")).await;
    // The files as a killed process leaves them: copied before anything is closed.
    let left = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), left.path().join(entry.file_name())).unwrap();
    }
    let state = StateLocation::File(left.path().join("state.db"));
    let second = Service::with(DockerOptions {
        state,
        ..DockerOptions::default()
    })
    .await;
    assert_eq!(second.get(&policy).await, service.get(&policy).await);
}

#[tokio::test]
async fn a_file_that_is_no_state_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = folder.path().join("foreign.db");
    rusqlite::Connection::open(&foreign)
        .unwrap()
        .execute_batch("create table t (x)")
        .unwrap();
    let text = folder.path().join("text.db");
    std::fs::write(
        &text,
        "not a database, and long enough to be read as one".repeat(40),
    )
    .unwrap();
    for file in [foreign, text] {
        let state = StateLocation::File(file.clone());
        let error = start(DockerOptions {
            state,
            ..DockerOptions::default()
        })
        .await
        .unwrap_err();
        assert!(
            error.to_string().contains(file.to_str().unwrap()),
            "{error}"
        );
    }
}

#[tokio::test]
async fn latency_is_added_to_each_request_but_requests_overlap() {
    let latency = Duration::from_millis(500);
    let service = Service::with(DockerOptions {
        latency,
        ..DockerOptions::default()
    })
    .await;
    let started = Instant::now();
    let requests = (0..20).map(|_| {
        let url = format!("{}/v2/orgs/my-org/governance/policies", service.base);
        let request = service.client.get(url).bearer_auth(&service.token);
        tokio::spawn(async move {
            let sent = Instant::now();
            let status = request.send().await.unwrap().status();
            (status, sent.elapsed())
        })
    });
    for request in requests.collect::<Vec<_>>() {
        let (status, took) = request.await.unwrap();
        assert_eq!(status, StatusCode::OK);
        assert!(took >= latency, "{took:?}");
    }
    let elapsed = started.elapsed();
    assert!(
        elapsed < latency * 20,
        "20 requests in a row would take at least that: {elapsed:?}"
    );
}

#[tokio::test]
async fn concurrent_writers_lose_nothing() {
    let service = Service::new(EmulatorProfile::Current).await;
    let policy = service.policy("p").await;
    let writers = (0..60).map(|n| {
        let url = format!(
            "{}/v2/orgs/my-org/governance/policies/{policy}/rules",
            service.base
        );
        let rule = network(&format!("rule {}", n % 30), "example.com");
        let request = service
            .client
            .post(url)
            .bearer_auth(&service.token)
            .json(&rule);
        tokio::spawn(async move { request.send().await.unwrap().status().as_u16() })
    });
    let mut conflicts = 0;
    for writer in writers.collect::<Vec<_>>() {
        conflicts += usize::from(writer.await.unwrap() == 409);
    }
    assert_eq!(conflicts, 30, "each name was offered twice");
    let policy = service.get(&policy).await;
    assert_eq!(
        policy["allowlist_v0"]["rules"].as_array().unwrap().len(),
        30
    );
}

#[tokio::test]
async fn answers_carry_a_request_id_and_the_rate_even_when_refused() {
    let service = Service::new(EmulatorProfile::Current).await;
    let mut ids = HashSet::new();
    for (path, status) in [
        ("/v2/orgs/my-org/governance/policies", 401),
        ("/v2/nothing", 404),
        ("/v2/orgs/my-org/groups", 401),
    ] {
        let response = client()
            .get(format!("{}{path}", service.base))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status().as_u16(), status, "{path}");
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert!(ids.insert(header("x-request-id")));
        let [limit, remaining, reset] = [
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-reset",
        ]
        .map(|name| header(name).parse::<i64>().unwrap());
        assert!(0 < remaining && remaining <= limit && reset >= jiff::Timestamp::now().as_second());
    }
}

#[tokio::test]
async fn the_request_log_holds_every_request_and_no_credential() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("requests.jsonl");
    let service = Service::with(DockerOptions {
        request_log: Some(file.clone()),
        ..DockerOptions::default()
    })
    .await;
    let secret = json!({"identifier": "me", "secret": "hunter2"});
    service
        .call(Method::POST, "/v2/auth/token", Some(secret.clone()))
        .await;
    service
        .call(Method::POST, "/v2/auth/token/", Some(secret.clone()))
        .await;
    service
        .call(Method::POST, "/v2/users/login", Some(secret))
        .await;
    service
        .policies(Method::POST, "", Some(json!({"name": "p"})))
        .await;
    service.policies(Method::GET, "?page_size=5", None).await;

    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        !text.contains("hunter2")
            && !text.contains(&service.token)
            && !text.to_lowercase().contains("bearer")
    );
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        lines
            .iter()
            .map(|line| line["seq"].as_u64().unwrap())
            .collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6]
    );
    assert_eq!(
        lines
            .iter()
            .map(|line| line["status"].as_u64().unwrap())
            .collect::<Vec<_>>(),
        [200, 200, 404, 404, 201, 200]
    );
    assert_eq!(lines[1]["body"], "[redacted]");
    let members: Vec<&str> = lines[4]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let always = [
        "seq",
        "method",
        "path",
        "query",
        "status",
        "body",
        "content_type",
        "duration_ms",
    ];
    assert_eq!(
        members,
        [&always[..], &["operation", "faults", "served"]].concat()
    );
    assert_eq!(
        (&lines[1]["operation"], &lines[2]["operation"]),
        (&json!("signIn"), &Value::Null)
    );
    assert_eq!(
        (
            &lines[4]["operation"],
            &lines[4]["faults"],
            &lines[4]["served"]
        ),
        (&json!("createPolicy"), &json!([]), &json!(201))
    );
    assert_eq!(
        (
            &lines[4]["method"],
            &lines[4]["path"],
            &lines[4]["body"],
            &lines[4]["content_type"]
        ),
        (
            &json!("POST"),
            &json!("/v2/orgs/my-org/governance/policies"),
            &json!({"name": "p"}),
            &json!("application/json")
        )
    );
    assert_eq!(
        (&lines[5]["query"], &lines[5]["body"]),
        (&json!("page_size=5"), &Value::Null)
    );
    assert!(lines[5]["duration_ms"].is_number());
}

#[tokio::test]
async fn shutting_down_finishes_what_is_under_way() {
    let service = Service::new(EmulatorProfile::Current).await;
    let address = service.running.address();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = r#"{"name":"p"}"#;
    let head = format!(
        "POST /v2/orgs/my-org/governance/policies HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        service.token,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 12];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100", "the service waits for the body");

    let shutdown = tokio::spawn(service.running.shutdown());
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("HTTP/1.1 201"), "{answer}");
    shutdown.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn dropping_frees_the_port() {
    let dropped = start(DockerOptions::default()).await.unwrap();
    let address = dropped.address();
    drop(dropped);
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(address).await.is_ok() {
        assert!(
            Instant::now() < deadline,
            "the dropped emulator still listens"
        );
    }
}
