//! The client of Chainloop against the emulator.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use emulator::RunningEmulator;
use emulator::chainloop::{
    ChainloopOptions, ChainloopOrganizationSeed, ChainloopSeed, DocumentSeed, ErrorShape,
    RawSchema, Spelling, VersionSeed, start,
};
use http::operation::OperationRequest;
use http::{Endpoint, ErrorKind, FailedCallOutcome, HttpClient};
use manifest::config::RawSchemaEncoding;
use model::chainloop::{DocumentBytes, DocumentKind, PolicyName};
use model::digest::Digest;
use polwarden::service::chainloop::client::{
    ChainloopConnection, ChainloopReader, ChainloopWriter, OPERATIONS,
};
use serde_json::{Value, json};

use super::{acme, quick};
use crate::contract::chainloop as contract;

pub(super) const TOKEN: &str = "cl-hunter2hunter2hunter2";

pub(super) fn connect(url: &str) -> ChainloopConnection {
    let endpoint: Endpoint = url.parse().unwrap();
    ChainloopConnection::new(
        &HttpClient::new(quick()),
        &endpoint,
        &TOKEN.to_owned().into(),
    )
    .unwrap()
}

/// The emulator with the organization of the tests, which knows one token.
async fn service(more: ChainloopOptions) -> (RunningEmulator, ChainloopConnection) {
    let acme = ChainloopOrganizationSeed {
        name: "acme".to_owned(),
        ..ChainloopOrganizationSeed::default()
    };
    let other = ChainloopOrganizationSeed {
        name: "other".to_owned(),
        foreign: true,
        policies: vec![DocumentSeed {
            name: "theirs".to_owned(),
            versions: vec![VersionSeed {
                text: "kind: Policy\n".to_owned(),
                ..VersionSeed::default()
            }],
        }],
        ..ChainloopOrganizationSeed::default()
    };
    let token = Some(TOKEN.to_owned().into());
    let running = start(ChainloopOptions {
        organizations: vec![acme, other],
        token,
        ..more
    })
    .await
    .unwrap();
    let connection = connect(&running.url());
    (running, connection)
}

pub(super) fn name(text: &str) -> PolicyName {
    PolicyName::new(text).unwrap()
}

fn text(name: &str, script: &str) -> String {
    format!(
        "\u{feff}apiVersion: workflowcontract.chainloop.dev/v1\r\nkind: Policy # a note\r\nmetadata:\r\n  name: {name}\r\n  \
         annotations: {{weight: 1.10}}\r\nspec:\r\n  policies:\r\n    - kind: SARIF\r\n      embedded: |\r\n        {script}\r\n  \
         inputs:\r\n    - name: limit\r\n      default: 007\r\n    - name: must\r\n      required: true\r\n"
    )
}

fn bytes(text: &str) -> DocumentBytes {
    DocumentBytes::from(text.as_bytes())
}

#[tokio::test]
async fn policies_are_written_and_read_byte_for_byte() {
    for (raw_schema, encoding) in [
        (RawSchema::Base64, RawSchemaEncoding::Base64),
        (RawSchema::Text, RawSchemaEncoding::Text),
    ] {
        for spelling in [Spelling::Snake, Spelling::Camel] {
            let (running, connection) = service(ChainloopOptions {
                raw_schema,
                spelling,
                ..ChainloopOptions::default()
            })
            .await;
            let reader = ChainloopReader::new(&connection, &acme());
            let writer = ChainloopWriter::new(&connection, &acme(), encoding);
            let p = name("p");
            let first = bytes(&text("p", "one"));
            let second = bytes(&text("p", "two"));
            assert_eq!(reader.policy(&p, None).await.unwrap(), None);
            writer.create(&p, &first).await.unwrap();
            writer.update(&p, &second).await.unwrap();

            let live = reader.policy(&p, None).await.unwrap().unwrap();
            assert_eq!((&live.bytes, &live.digest), (&second, &second.digest()));
            assert!(live.latest && live.is_of("acme") && !live.is_of("other"));
            let digests: Vec<&Digest> = live
                .versions
                .iter()
                .map(|version| &version.digest)
                .collect();
            assert_eq!(digests, [&second.digest(), &first.digest()]);
            assert!(
                live.created_at() >= live.versions[1].created_at && live.created_at().is_some()
            );
            let schema = live.inputs_schema.unwrap();
            assert_eq!(
                schema.properties["limit"],
                json!({"type": "string", "default": "007"})
            );
            assert!(schema.required.contains("must"));

            let old = reader
                .policy(&p, Some(&first.digest()))
                .await
                .unwrap()
                .unwrap();
            assert_eq!((&old.bytes, old.latest), (&first, false));
            assert_eq!(
                reader.policy(&p, Some(&Digest::of(b"x"))).await.unwrap(),
                None
            );
            running.shutdown().await;
        }
    }
}

#[tokio::test]
async fn what_is_builtin_or_of_another_owner_says_so() {
    let (running, connection) = service(ChainloopOptions::default()).await;
    let reader = ChainloopReader::new(&connection, &acme());
    let builtin = reader
        .policy(&name("builtin-licenses"), None)
        .await
        .unwrap()
        .unwrap();
    assert!(builtin.builtin && builtin.organization.is_none() && !builtin.is_of("acme"));
    assert_eq!(builtin.versions.len(), 2);
    let group = reader
        .group(&name("builtin-quality"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (group.kind, group.builtin),
        (DocumentKind::PolicyGroup, true)
    );
    assert_eq!(reader.group(&name("builtin-licenses")).await.unwrap(), None);
    // The organization is named, so another owner's is never taken for ours.
    assert_eq!(reader.policy(&name("theirs"), None).await.unwrap(), None);
    let other = ChainloopReader::new(&connection, &"other".parse().unwrap());
    assert_eq!(
        other
            .policy(&name("theirs"), None)
            .await
            .unwrap()
            .unwrap()
            .organization
            .as_deref(),
        Some("other")
    );
    running.shutdown().await;
}

#[tokio::test]
async fn a_token_writes_into_its_own_organization_alone() {
    let (running, connection) = service(ChainloopOptions::default()).await;
    let writer = ChainloopWriter::new(
        &connection,
        &"other".parse().unwrap(),
        RawSchemaEncoding::Base64,
    );
    let error = writer
        .create(&name("p"), &bytes(&text("p", "x")))
        .await
        .unwrap_err();
    assert_eq!(
        (error.status(), error.outcome()),
        (Some(403), FailedCallOutcome::NotApplied)
    );
    let writer = ChainloopWriter::new(&connection, &acme(), RawSchemaEncoding::Base64);
    for (document, why) in [
        (text("q", "x"), "does not have the name `p`"),
        (
            text("p", "x").replace("  name: p\r\n", "  name: p\r\n  organization: other\r\n"),
            "another organization",
        ),
        ("a: [".to_owned(), "not YAML"),
    ] {
        let error = writer
            .create(&name("p"), &bytes(&document))
            .await
            .unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::NotSent { .. }) && error.to_string().contains(why),
            "{error}"
        );
    }
    let error = writer
        .create(&name("p"), &DocumentBytes::from(&b"\xff"[..]))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("not UTF-8"), "{error}");
    assert_eq!(
        ChainloopReader::new(&connection, &acme())
            .policy(&name("p"), None)
            .await
            .unwrap(),
        None
    );
    running.shutdown().await;
}

#[tokio::test]
async fn a_reading_is_of_all_that_was_asked_for_or_fails() {
    let (running, connection) = service(ChainloopOptions::default()).await;
    ChainloopWriter::new(&connection, &acme(), RawSchemaEncoding::Base64)
        .create(&name("p"), &bytes(&text("p", "x")))
        .await
        .unwrap();
    let wanted = [
        (DocumentKind::Policy, name("p")),
        (DocumentKind::Policy, name("none")),
        (DocumentKind::PolicyGroup, name("p")),
        (DocumentKind::PolicyGroup, name("builtin-quality")),
    ];
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let tell = std::sync::Arc::clone(&told);
    let reader = ChainloopReader::new(&connection, &acme()).with_progress(std::sync::Arc::new(
        move |done, all| {
            tell.lock().unwrap().push((done, all));
        },
    ));
    assert_eq!(reader.live_state().await.unwrap().documents.len(), 0);
    let live = reader
        .with_documents(wanted.clone())
        .live_state()
        .await
        .unwrap();
    let found: Vec<bool> = wanted
        .iter()
        .map(|(kind, name)| live.document(*kind, name).unwrap().is_some())
        .collect();
    assert_eq!(found, [true, false, false, true]);
    assert_eq!(
        live.document(DocumentKind::Policy, &name("builtin-commit")),
        None,
        "nobody asked for it"
    );
    assert_eq!(told.lock().unwrap().last(), Some(&(4, 4)));
    running.shutdown().await;

    let faults = vec!["before-500@2..".parse().unwrap()];
    let (running, connection) = service(ChainloopOptions {
        faults,
        ..ChainloopOptions::default()
    })
    .await;
    let error = ChainloopReader::new(&connection, &acme())
        .with_documents(wanted)
        .live_state()
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(500));
    running.shutdown().await;
}

#[tokio::test]
async fn errors_of_every_shape_are_told() {
    for (errors, said) in [
        (
            ErrorShape::Code,
            "403 7: builtin policies cannot be changed",
        ),
        (ErrorShape::Level, "403: builtin policies cannot be changed"),
        (ErrorShape::Text, "403: builtin policies cannot be changed"),
        (ErrorShape::Empty, "the server answered 403."),
    ] {
        let (running, connection) = service(ChainloopOptions {
            errors,
            ..ChainloopOptions::default()
        })
        .await;
        let reader = ChainloopReader::new(&connection, &acme());
        let writer = ChainloopWriter::new(&connection, &acme(), RawSchemaEncoding::Base64);
        let builtin = name("builtin-commit");
        let error = writer
            .update(&builtin, &bytes(&text("builtin-commit", "x")))
            .await
            .unwrap_err();
        assert!(error.to_string().contains(said), "{errors}: {error}");
        assert_eq!(error.outcome(), FailedCallOutcome::NotApplied);
        assert_eq!(
            reader.policy(&name("none"), None).await.unwrap(),
            None,
            "{errors}"
        );
        let stranger = ChainloopConnection::new(
            &HttpClient::new(quick()),
            &running.url().parse().unwrap(),
            &"wrong-hunter2-token".to_owned().into(),
        );
        let error = ChainloopReader::new(&stranger.unwrap(), &acme())
            .policy(&name("none"), None)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("CHAINLOOP_TOKEN is not accepted") && !error.contains("hunter2"),
            "{error}"
        );
        running.shutdown().await;
    }
}

#[tokio::test]
async fn a_digest_that_is_not_that_of_the_bytes_is_a_failed_read() {
    let seed = r#"{"organizations": [{"name": "acme", "policies": [{"name": "p", "versions": [{"text": "kind: Policy\n",
        "digest": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]}]}]}"#;
    let seed = Some(ChainloopSeed::from_json(seed).unwrap());
    let (running, connection) = service(ChainloopOptions {
        seed,
        ..ChainloopOptions::default()
    })
    .await;
    let error = ChainloopReader::new(&connection, &acme())
        .policy(&name("p"), None)
        .await
        .unwrap_err();
    let computed = Digest::of(b"kind: Policy\n").to_string();
    assert!(
        matches!(error.kind(), ErrorKind::WrongDigest { said, computed: found }
        if said.ends_with("7852b855") && *found == computed)
    );
    assert!(error.to_string().contains(&computed), "{error}");
    running.shutdown().await;
}

#[tokio::test]
async fn every_operation_of_the_contract_can_be_called() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("requests.jsonl");
    let (running, connection) = service(ChainloopOptions {
        request_log: Some(log.clone()),
        ..ChainloopOptions::default()
    })
    .await;
    let reader = ChainloopReader::new(&connection, &acme());
    let writer = ChainloopWriter::new(&connection, &acme(), RawSchemaEncoding::Base64);
    writer
        .create(&name("p"), &bytes(&text("p", "x")))
        .await
        .unwrap();
    let fields = |text: &str| {
        let policy = json!({"apiVersion": "chainloop.dev/v1", "kind": "Policy", "metadata": {"name": text},
            "spec": {"policies": [{"kind": "SARIF", "embedded": "x"}]}});
        vec![
            ("policy".to_owned(), policy.to_string()),
            (
                "raw_schema".to_owned(),
                STANDARD.encode(super::chainloop::text(text, "y")),
            ),
        ]
    };
    for (operation, fields) in OPERATIONS.iter().zip([
        vec![("policy_name".to_owned(), "p".to_owned())],
        vec![
            ("group_name".to_owned(), "builtin-quality".to_owned()),
            ("organization_name".to_owned(), String::new()),
        ],
        fields("q"),
        fields("q"),
    ]) {
        let request = OperationRequest::new(OPERATIONS, operation.name, &fields).unwrap();
        let answer = match request.sort() {
            Ok(read) => reader.call(&read).await,
            Err(write) => writer.call(&write).await,
        };
        answer.unwrap_or_else(|error| panic!("{}: {error}", operation.name));
    }
    running.shutdown().await;
    let log = std::fs::read_to_string(log).unwrap();
    assert!(!log.contains("hunter2"));
    let served: Vec<String> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| line["operation"].as_str().unwrap().to_owned())
        .collect();
    // The first one made the policy that is read.
    let all: Vec<&str> = OPERATIONS.iter().map(|operation| operation.name).collect();
    assert_eq!(served[1..], all);
    for line in log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
    {
        match line["method"].as_str() {
            Some("GET") => assert_eq!(line["query"], "organization_name=acme", "{line}"),
            _ => contract::check("PolicyRequest", &line["body"]),
        }
    }
}
