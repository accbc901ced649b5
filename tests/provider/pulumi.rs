//! The client of Pulumi Cloud: against the emulator, and against servers that answer what a test wants.

use std::collections::{BTreeMap, BTreeSet};

use emulator::RunningEmulator;
use emulator::pulumi::{PulumiOptions, PulumiOrganizationSeed, start};
use http::operation::{FieldPlacement, OperationRequest};
use http::{Endpoint, ErrorKind, FailedCallOutcome, HttpClient, Upload};
use model::pulumi::{
    ConfigSchema, EnforcementLevel, EntityType, GroupChange, GroupName, NewGroup, NewVersion,
    PackName, PackPolicy, PolicyName, PulumiLiveState, StackReference, VersionRef, VersionTag,
};
use polwarden::service::pulumi::client::{
    OPERATIONS, PulumiConnection, PulumiReader, PulumiWriter,
};
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{acme, answers, asked, quick};

const TOKEN: &str = "pul-hunter2hunter2hunter2";
const PACKS: &str = "/api/orgs/acme/policypacks";
const GROUPS: &str = "/api/orgs/acme/policygroups";
const REGISTRY: &str = "/api/registry/policypacks";

pub(super) fn connect(url: &str) -> PulumiConnection {
    let endpoint: Endpoint = url.parse().unwrap();
    PulumiConnection::new(
        &HttpClient::new(quick()),
        &endpoint,
        &TOKEN.to_owned().into(),
    )
    .unwrap()
}

/// The emulator with one organization, which knows one token.
async fn service(more: PulumiOptions) -> (RunningEmulator, PulumiConnection) {
    let organization = PulumiOrganizationSeed {
        name: "acme".to_owned(),
        ..PulumiOrganizationSeed::default()
    };
    let token = Some(TOKEN.to_owned().into());
    let running = start(PulumiOptions {
        organizations: vec![organization],
        any_stack: true,
        token,
        ..more
    })
    .await
    .unwrap();
    let connection = connect(&running.url());
    (running, connection)
}

fn pack() -> PackName {
    PackName::new("guard").unwrap()
}

fn tag(text: &str) -> VersionTag {
    VersionTag::new(text).unwrap()
}

fn version(text: &str) -> NewVersion {
    let largest = json!({"type": "integer", "default": 4})
        .as_object()
        .unwrap()
        .clone();
    let policy = PackPolicy {
        name: PolicyName::new("size").unwrap(),
        display_name: "Size".to_owned(),
        description: String::new(),
        enforcement_level: EnforcementLevel::Mandatory,
        message: "too large".to_owned(),
        config_schema: Some(ConfigSchema::new(
            BTreeMap::from([("largest".to_owned(), largest)]),
            Vec::new(),
        )),
        severity: None,
        framework: None,
        tags: vec!["cost".to_owned()],
        remediation_steps: None,
        url: None,
    };
    NewVersion {
        name: pack(),
        display_name: "Guard".to_owned(),
        version_tag: tag(text),
        policies: vec![policy],
        description: Some("d".to_owned()),
        readme: None,
        provider: None,
        tags: Vec::new(),
        repository: None,
        runtime: Some("nodejs".to_owned()),
        metadata: BTreeMap::from([("git.head".to_owned(), "abc".to_owned())]),
    }
}

async fn publish(writer: &PulumiWriter, text: &str) {
    let created = writer.create_version(&version(text)).await.unwrap();
    writer
        .put_archive(&pack(), &tag(text), &created.upload, b"archive".to_vec())
        .await
        .unwrap();
    writer.complete_version(&pack(), &tag(text)).await.unwrap();
}

#[tokio::test]
async fn versions_are_published_switched_and_retired() {
    let (running, connection) = service(PulumiOptions::default()).await;
    let reader = PulumiReader::new(&connection, &acme());
    let writer = PulumiWriter::new(&connection, &acme());
    let empty = reader.live_state().await.unwrap();
    assert_eq!((empty.packs.len(), empty.groups.len()), (0, 2));

    publish(&writer, "1.0.0").await;
    publish(&writer, "1.1.0").await;
    publish(&writer, "1.2.0").await;
    let group = GroupName::new("prod").unwrap();
    let new = NewGroup {
        name: group.clone(),
        entity_type: EntityType::Stacks,
        mode: None,
        agent_pool_id: None,
    };
    writer.create_group(&new).await.unwrap();
    let config = json!({"size": {"largest": 8}}).as_object().cloned();
    let add = |text: &str| GroupChange::AddPack {
        pack: pack(),
        tag: tag(text),
        config: config.clone(),
        environments: vec![],
    };
    let stack = StackReference {
        routing_project: "web".to_owned(),
        name: "prod".to_owned(),
    };
    for change in [
        add("1.0.0"),
        add("1.1.0"),
        GroupChange::AddStack {
            stack: stack.clone(),
        },
    ] {
        writer.update_group(&group, &change).await.unwrap();
    }

    let live = reader.live_state().await.unwrap();
    let read = live.pack("guard").unwrap();
    assert_eq!(read.publisher.as_deref(), Some("acme"));
    assert_eq!(
        read.versions
            .iter()
            .map(|version| version.tag.as_str())
            .collect::<Vec<_>>(),
        ["1.0.0", "1.1.0", "1.2.0"]
    );
    // The newest, and the one that a group uses.
    assert_eq!(
        read.versions
            .iter()
            .map(|version| version.detail.is_some())
            .collect::<Vec<_>>(),
        [false, true, true]
    );
    let detail = read.newest().unwrap().detail.as_ref().unwrap();
    assert_eq!(
        *detail.policies[0].policy.as_ref().unwrap(),
        version("1.2.0").policies[0]
    );
    let body = live.group("prod").unwrap().body.as_ref().unwrap();
    assert_eq!(
        (body.stacks.as_slice(), body.packs[0].tag.as_str()),
        (&[stack.clone()][..], "1.1.0")
    );
    assert_eq!(body.packs[0].config, config);
    let more = reader
        .with_versions(live, [(&pack(), &tag("1.0.0")), (&pack(), &tag("9"))])
        .await
        .unwrap();
    assert!(
        more.pack("guard")
            .unwrap()
            .versions
            .iter()
            .all(|version| version.detail.is_some())
    );
    assert!(
        reader
            .find_version(&pack(), &tag("1.0.0"))
            .await
            .unwrap()
            .unwrap()
            .detail
            .is_some()
    );
    assert_eq!(reader.find_version(&pack(), &tag("9")).await.unwrap(), None);
    assert_eq!(reader.find_group("nobody").await.unwrap(), None);

    // What is in use cannot go; what was published is never published again.
    let error = writer
        .delete_version(&pack(), &VersionRef::Tag(tag("1.1.0")))
        .await
        .unwrap_err();
    assert_eq!(
        (error.status(), error.outcome()),
        (Some(409), FailedCallOutcome::NotApplied)
    );
    let error = writer.create_version(&version("1.0.0")).await.unwrap_err();
    assert_eq!(error.status(), Some(400), "{error}");
    writer
        .delete_version(&pack(), &VersionRef::Tag(tag("1.0.0")))
        .await
        .unwrap();
    let removals = [
        GroupChange::RemoveStack { stack },
        GroupChange::RemovePack {
            pack: pack(),
            version: VersionRef::Tag(tag("1.1.0")),
        },
        GroupChange::Rename {
            name: GroupName::new("live").unwrap(),
        },
    ];
    for change in removals {
        writer.update_group(&group, &change).await.unwrap();
    }
    writer
        .delete_group(&GroupName::new("live").unwrap())
        .await
        .unwrap();
    writer.delete_pack(&pack()).await.unwrap();
    let left = reader.live_state().await.unwrap();
    assert_eq!((left.packs.len(), left.groups.len()), (0, 2));
    running.shutdown().await;
}

/// Schemas `NewPolicyGroupRequest`, `UpdatePolicyGroupRequest` and `PolicyGroup` of the contract.
#[tokio::test]
async fn groups_of_accounts_have_accounts_environments_and_an_agent_pool() {
    let options = PulumiOptions {
        any_stack: true,
        ..PulumiOptions::default()
    };
    let (running, connection) = service(options).await;
    let reader = PulumiReader::new(&connection, &acme());
    let writer = PulumiWriter::new(&connection, &acme());
    publish(&writer, "1.0.0").await;
    let group = GroupName::new("cloud").unwrap();
    let new = NewGroup {
        name: group.clone(),
        entity_type: EntityType::Accounts,
        mode: None,
        agent_pool_id: Some("pool-1".to_owned()),
    };
    writer.create_group(&new).await.unwrap();
    let account = |name: &str| name.to_owned();
    let changes = [
        GroupChange::AddAccount {
            account: account("aws"),
        },
        GroupChange::AddAccount {
            account: account("gcp"),
        },
        GroupChange::RemoveAccount {
            account: account("aws"),
        },
        GroupChange::AddPack {
            pack: pack(),
            tag: tag("1.0.0"),
            config: None,
            environments: vec!["b/two".to_owned(), "a/one".to_owned()],
        },
    ];
    for change in &changes {
        writer.update_group(&group, change).await.unwrap();
    }
    let read = async || {
        let group = reader.find_group("cloud").await.unwrap().unwrap();
        group.body.unwrap()
    };
    let body = read().await;
    assert_eq!(body.accounts, ["gcp"]);
    assert_eq!(body.agent_pool.as_deref(), Some("pool-1"));
    assert_eq!(body.packs[0].environments, ["b/two", "a/one"]);
    for (pool, wanted) in [("pool-2", Some("pool-2")), ("", None)] {
        let agent_pool_id = pool.to_owned();
        let change = GroupChange::SetAgentPool { agent_pool_id };
        writer.update_group(&group, &change).await.unwrap();
        assert_eq!(read().await.agent_pool.as_deref(), wanted);
    }
    running.shutdown().await;
}

#[tokio::test]
async fn every_operation_of_the_contract_can_be_called() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("requests.jsonl");
    let (running, connection) = service(PulumiOptions {
        request_log: Some(log.clone()),
        ..PulumiOptions::default()
    })
    .await;
    let reader = PulumiReader::new(&connection, &acme());
    let writer = PulumiWriter::new(&connection, &acme());
    publish(&writer, "1.0.0").await;
    for operation in OPERATIONS {
        let value = |name: &str| match name {
            "policyPackName" | "name" => "guard",
            "version" => "1.0.0",
            "source" => "private",
            "publisher" => "acme",
            "policies" => "[]",
            "entityType" => "stacks",
            _ => "nothing",
        };
        let needed = operation
            .fields
            .iter()
            .filter(|field| field.required || field.place == FieldPlacement::Path);
        let fields: Vec<_> = needed
            .map(|field| (field.name.to_owned(), value(field.name).to_owned()))
            .collect();
        let request = OperationRequest::new(OPERATIONS, operation.name, &fields).unwrap();
        let answer = match request.sort() {
            Ok(read) => reader.call(&read).await,
            Err(write) => writer.call(&write).await,
        };
        // The service knows the operation: it does it, or says in its own words why not.
        if let Err(error) = answer {
            let ErrorKind::Refused { code, message, .. } = error.kind() else {
                panic!("{}: {error}", operation.name)
            };
            assert!(
                code.is_some() && message.is_some(),
                "{}: {error}",
                operation.name
            );
        }
    }
    running.shutdown().await;
    let log = std::fs::read_to_string(log).unwrap();
    let served: BTreeSet<String> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|line| line["operation"].as_str().map(str::to_owned))
        .collect();
    for operation in OPERATIONS {
        assert!(
            served.contains(operation.name),
            "{}: {served:?}",
            operation.name
        );
    }
}

async fn mock() -> (MockServer, PulumiReader, PulumiWriter, PulumiConnection) {
    let server = MockServer::start().await;
    let connection = connect(&server.uri());
    let reader = PulumiReader::new(&connection, &acme());
    let writer = PulumiWriter::new(&connection, &acme());
    (server, reader, writer, connection)
}

/// An organization without anything.
async fn nothing(server: &MockServer) {
    answers(server, "GET", PACKS, 200, json!({"policyPacks": []})).await;
    answers(server, "GET", GROUPS, 200, json!({"policyGroups": []})).await;
    answers(server, "POST", REGISTRY, 200, json!({"policyPacks": []})).await;
}

#[tokio::test]
async fn a_read_that_fails_is_never_empty() {
    for (at, body) in [
        (PACKS, json!({})),
        (PACKS, json!([])),
        (GROUPS, json!({"policyGroups": [{}]})),
        (GROUPS, json!({"groups": []})),
        (REGISTRY, json!({"packs": []})),
    ] {
        let (server, reader, ..) = mock().await;
        answers(
            &server,
            if at == REGISTRY { "POST" } else { "GET" },
            at,
            200,
            body.clone(),
        )
        .await;
        nothing(&server).await;
        let error = reader.live_state().await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Malformed { .. }),
            "{body}: {error}"
        );
    }
    // A service in Go writes an empty list as `null`.
    let (server, reader, ..) = mock().await;
    answers(&server, "GET", PACKS, 200, json!({"policyPacks": null})).await;
    answers(&server, "GET", GROUPS, 200, json!({"policyGroups": null})).await;
    nothing(&server).await;
    let live = reader.live_state().await.unwrap();
    assert!(live.packs.is_empty() && live.groups.is_empty());
    let (server, reader, ..) = mock().await;
    let message = "Policy as code feature not enabled";
    answers(
        &server,
        "GET",
        PACKS,
        400,
        json!({"code": 400, "message": message}),
    )
    .await;
    nothing(&server).await;
    assert!(
        reader
            .live_state()
            .await
            .unwrap_err()
            .to_string()
            .contains(message)
    );
    let (server, reader, ..) = mock().await;
    let html = ResponseTemplate::new(200).set_body_raw("<html>", "text/html");
    Mock::given(method("GET"))
        .and(path(PACKS))
        .respond_with(html)
        .mount(&server)
        .await;
    nothing(&server).await;
    assert!(matches!(
        reader.live_state().await.unwrap_err().kind(),
        ErrorKind::NotJson { .. }
    ));
    let (server, reader, ..) = mock().await;
    nothing(&server).await;
    assert_eq!(
        reader.live_state().await.unwrap(),
        PulumiLiveState::default()
    );
}

#[tokio::test]
async fn what_answers_for_another_thing_is_refused() {
    let (server, reader, ..) = mock().await;
    let pack =
        json!({"name": "guard", "displayName": "G", "versions": [3], "versionTags": ["1.0.0"]});
    answers(&server, "GET", PACKS, 200, json!({"policyPacks": [pack]})).await;
    nothing(&server).await;
    let other = json!({"name": "guard", "displayName": "G", "version": 4, "versionTag": "1.0.0", "policies": [], "applied": false});
    answers(
        &server,
        "GET",
        &format!("{PACKS}/guard/versions/1.0.0"),
        200,
        other,
    )
    .await;
    let error = reader.live_state().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Malformed { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn the_registry_is_found_with_and_without_preview() {
    let (server, reader, ..) = mock().await;
    let plain = ResponseTemplate::new(404).set_body_string("404 page not found");
    Mock::given(method("POST"))
        .and(path(REGISTRY))
        .respond_with(plain)
        .mount(&server)
        .await;
    let preview = "/api/preview/registry/policypacks";
    let packs = json!({"policyPacks": [{"name": "guard", "publisher": "acme"}]});
    answers(&server, "POST", preview, 200, packs).await;
    for _ in 0..2 {
        assert_eq!(reader.publishers().await.unwrap()["guard"], "acme");
    }
    // It is asked once, and known from then on.
    assert_eq!(
        (
            asked(&server, REGISTRY).await,
            asked(&server, preview).await
        ),
        (1, 2)
    );
    // What the service itself says is not there is not looked for elsewhere.
    let (server, reader, ..) = mock().await;
    answers(
        &server,
        "POST",
        REGISTRY,
        404,
        json!({"code": 404, "message": "Organization not found"}),
    )
    .await;
    assert!(reader.publishers().await.unwrap().is_empty());
    assert_eq!(asked(&server, preview).await, 0);
}

#[tokio::test]
async fn pages_are_followed_and_do_not_go_round() {
    let (running, connection) = service(PulumiOptions {
        page_size: 1,
        ..PulumiOptions::default()
    })
    .await;
    let reader = PulumiReader::new(&connection, &acme());
    let writer = PulumiWriter::new(&connection, &acme());
    for name in ["a", "b", "c"] {
        let new = NewVersion {
            name: PackName::new(name).unwrap(),
            ..version("1")
        };
        let created = writer.create_version(&new).await.unwrap();
        writer
            .put_archive(&new.name, &tag("1"), &created.upload, vec![1])
            .await
            .unwrap();
        writer.complete_version(&new.name, &tag("1")).await.unwrap();
    }
    assert_eq!(reader.publishers().await.unwrap().len(), 3);
    running.shutdown().await;
    let (server, reader, ..) = mock().await;
    answers(
        &server,
        "POST",
        REGISTRY,
        200,
        json!({"policyPacks": [], "continuationToken": "x"}),
    )
    .await;
    let error = reader.publishers().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Incomplete { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn the_token_goes_to_the_service_and_never_to_the_upload_host() {
    let (server, _, writer, connection) = mock().await;
    let uploads = MockServer::start().await;
    Mock::given(method("PUT"))
        .and(header("x-asked", "for"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&uploads)
        .await;
    let created = json!({"version": 1, "uploadURI": format!("{}/a?signature=s", uploads.uri()), "requiredHeaders": {"x-asked": "for"}});
    let answer = ResponseTemplate::new(201)
        .set_body_json(created)
        .insert_header("x-pulumi-warning", "old\u{9}client");
    let with_token = header("authorization", format!("token {TOKEN}").as_str());
    let accept = header("accept", "application/vnd.pulumi+8");
    Mock::given(method("POST"))
        .and(path(PACKS))
        .and(with_token)
        .and(accept)
        .respond_with(answer)
        .mount(&server)
        .await;
    let created = writer.create_version(&version("1.0.0")).await.unwrap();
    writer
        .put_archive(&pack(), &tag("1.0.0"), &created.upload, vec![1, 2, 3])
        .await
        .unwrap();
    let [request] = uploads
        .received_requests()
        .await
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(request.body, [1, 2, 3]);
    assert!(
        request.headers.get("authorization").is_none()
            && request.headers.get("content-type").is_none()
    );
    assert_eq!(connection.take_warnings().len(), 1);
    assert_eq!(connection.take_warnings().len(), 0);
    let sent: Value =
        serde_json::from_slice(&server.received_requests().await.unwrap()[0].body).unwrap();
    assert_eq!(sent["policies"][0]["configSchema"]["type"], "object");
    assert_eq!(sent.get("readme"), None);
}

#[tokio::test]
async fn an_upload_is_checked_and_leads_nowhere_else() {
    let (_, _, writer, _) = mock().await;
    let put = |url: String, headers: &[(&str, &str)]| {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let writer = writer.clone();
        let upload = Upload::new(url, headers);
        async move {
            writer
                .put_archive(&pack(), &tag("1"), &upload, b"x".to_vec())
                .await
                .unwrap_err()
        }
    };
    for (url, headers) in [
        ("http://files.example.com/a?signature=hunter2", &[][..]),
        ("https://me:hunter2@files.example.com/a", &[]),
        (
            "https://files.example.com/a",
            &[("Authorization", "hunter2")],
        ),
        ("https://files.example.com/a", &[("x", "a\r\nhunter2: b")]),
    ] {
        let error = put(url.to_owned(), headers).await;
        assert!(
            matches!(error.kind(), ErrorKind::NotSent { .. }),
            "{url}: {error}"
        );
        assert_eq!(error.outcome(), FailedCallOutcome::NotApplied);
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
    let uploads = MockServer::start().await;
    let moved = ResponseTemplate::new(307).insert_header("location", "/other");
    Mock::given(method("PUT"))
        .and(path("/moved"))
        .respond_with(moved)
        .mount(&uploads)
        .await;
    let denied = ResponseTemplate::new(403).set_body_string("<Error><Code>hunter2</Code></Error>");
    Mock::given(method("PUT"))
        .and(path("/denied"))
        .respond_with(denied)
        .mount(&uploads)
        .await;
    let error = put(format!("{}/moved?signature=hunter2", uploads.uri()), &[]).await;
    assert!(
        matches!(error.kind(), ErrorKind::Redirected { status: 307, .. }),
        "{error}"
    );
    let error = put(format!("{}/denied?signature=hunter2", uploads.uri()), &[]).await;
    assert_eq!(
        (error.status(), error.outcome()),
        (Some(403), FailedCallOutcome::NotApplied)
    );
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    assert_eq!(asked(&uploads, "/other").await, 0);
}

#[tokio::test]
async fn a_token_is_in_no_text_and_a_write_is_made_once() {
    let (server, reader, writer, _) = mock().await;
    answers(
        &server,
        "GET",
        PACKS,
        401,
        json!({"code": 401, "message": format!("bad {TOKEN}")}),
    )
    .await;
    nothing(&server).await;
    let error = reader.live_state().await.unwrap_err().to_string();
    assert!(
        error.contains("PULUMI_ACCESS_TOKEN") && !error.contains("hunter2"),
        "{error}"
    );
    let broken = ResponseTemplate::new(502).insert_header("x-pulumi-request-id", "r-1");
    Mock::given(method("DELETE"))
        .respond_with(broken)
        .mount(&server)
        .await;
    let error = writer.delete_pack(&pack()).await.unwrap_err();
    assert_eq!(
        (error.outcome(), error.request_id()),
        (FailedCallOutcome::Unknown, Some("r-1"))
    );
    assert_eq!(asked(&server, &format!("{PACKS}/guard")).await, 1);
}
