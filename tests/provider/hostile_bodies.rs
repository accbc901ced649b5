//! The clients of all services against answers of arbitrary bytes.

use std::panic::AssertUnwindSafe;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::ApiError;
use manifest::config::RawSchemaEncoding;
use model::chainloop::DocumentBytes;
use model::digest::Digest;
use model::docker::{PolicyId, Profile};
use model::pulumi::PackName;
use polwarden::service::chainloop::client::{ChainloopReader, ChainloopWriter};
use polwarden::service::docker::client::{DockerReader, DockerWriter};
use polwarden::service::pulumi::client::{PulumiReader, PulumiWriter};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{acme, chainloop, connect, policy, pulumi, rule, sign_in, summary};

/// The requests by `POST` that read.
const READS: [&str; 4] = [
    "/v2/users/login",
    "/v2/auth/token",
    "/api/registry/policypacks",
    "/api/preview/registry/policypacks",
];

/// Answers that some request of some client expects.
fn expected() -> Vec<Value> {
    let mut with_rule = policy("a");
    with_rule["allowlist_v0"] = json!({"domain": "network", "rules": [rule("r")]});
    let text = b"kind: Policy\n";
    vec![
        json!({"data": [summary("a")], "next_page_token": null}),
        json!([summary("a")]),
        with_rule,
        json!({"policyPacks": [{"name": "guard", "displayName": "guard", "versions": [1], "policies": []}]}),
        json!({"policyGroups": [{"name": "g", "isOrgDefault": true, "entityType": "stacks", "numStacks": 1}]}),
        json!({
            "digest": Digest::of(text).as_str(), "latest": true, "builtin": false, "organization_name": "acme",
            "raw": {"format": "FORMAT_YAML", "body": STANDARD.encode(text)},
            "version_references": [{"digest": Digest::of(text).as_str(), "created_at": "2026-01-02T03:04:05Z"}],
            "inputs_json_schema": "{}"
        }),
        json!({}),
    ]
}

/// JSON that replaces a value. It is text, because some of it is not a value of `serde_json`.
const VALUES: &[&str] = &[
    "null",
    "true",
    "-1",
    "0.5",
    "1e99999",
    "18446744073709551616",
    "-9223372036854775809",
    "\"\"",
    "\"\\u0000\\u001b[31m\\ud800\"",
    "\"../../etc/passwd\"",
    "\"9999-99-99T99:99:99Z\"",
    "[]",
    "{}",
    "[[[[]]]]",
    "{\"a\": 1, \"a\": 2}",
];

/// Replaces the value with this number.
fn replaced(text: &Value, at: Index, with: &str) -> String {
    fn size(value: &Value) -> usize {
        1 + match value {
            Value::Array(items) => items.iter().map(size).sum(),
            Value::Object(fields) => fields.values().map(size).sum(),
            _ => 0,
        }
    }
    fn replace(value: &mut Value, number: &mut usize) {
        if *number == 0 {
            *value = json!("REPLACED HERE");
        }
        *number = number.wrapping_sub(1);
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| replace(item, number)),
            Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, number)),
            _ => {}
        }
    }
    let mut value = text.clone();
    let mut number = at.index(size(text));
    replace(&mut value, &mut number);
    value.to_string().replace("\"REPLACED HERE\"", with)
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let text = || select(expected());
    let deep = |open: &'static str| {
        (1..200_000_usize).prop_map(move |depth| open.repeat(depth).into_bytes())
    };
    prop_oneof![
        3 => proptest::collection::vec(any::<u8>(), 0..200),
        4 => (text(), any::<Index>()).prop_map(|(value, at)| {
            let mut bytes = value.to_string().into_bytes();
            bytes.truncate(at.index(bytes.len()));
            bytes
        }),
        3 => (text(), any::<Index>(), any::<u8>()).prop_map(|(value, at, byte)| {
            let mut bytes = value.to_string().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
        6 => (text(), any::<Index>(), select(VALUES))
            .prop_map(|(value, at, with)| replaced(&value, at, with).into_bytes()),
        1 => deep("["),
        1 => deep("{\"data\":"),
        1 => (1..100_000_usize).prop_map(|digits| "9".repeat(digits).into_bytes()),
        1 => text().prop_map(|value| format!("\u{feff}{value}").into_bytes()),
    ]
}

#[derive(Debug, Clone)]
struct Answer {
    status: u16,
    kind: &'static str,
    body: Vec<u8>,
}

fn answer() -> impl Strategy<Value = Answer> {
    let status =
        prop_oneof![6 => Just(200_u16), 4 => select(&[201, 204, 400, 403, 404, 409, 422, 500][..])];
    let kind = prop_oneof![
        3 => Just("application/json"),
        1 => Just("text/html; charset=utf-16"),
        1 => Just(""),
    ];
    (status, kind, body()).prop_map(|(status, kind, body)| Answer { status, kind, body })
}

/// Whether an answer cannot be anything that a client may understand.
fn is_garbage(answer: &Answer) -> bool {
    answer.status == 200 && serde_json::from_slice::<Value>(&answer.body).is_err()
}

/// Lets the server give this answer to every request except for signing in.
async fn answers_all(server: &MockServer, answer: &Answer) {
    server.reset().await;
    for (at, field) in [
        ("/v2/users/login", "token"),
        ("/v2/auth/token", "access_token"),
    ] {
        let signed_in = ResponseTemplate::new(200).set_body_json(json!({ field: super::TOKEN }));
        Mock::given(method("POST"))
            .and(path(at))
            .respond_with(signed_in)
            .with_priority(1)
            .mount(server)
            .await;
    }
    let template = ResponseTemplate::new(answer.status);
    let template = template.set_body_raw(answer.body.clone(), answer.kind);
    Mock::given(wiremock::matchers::any())
        .respond_with(template)
        .mount(server)
        .await;
}

/// The number of requests that change something.
async fn writes(server: &MockServer) -> usize {
    let requests = server.received_requests().await.unwrap();
    let is_write = |request: &&wiremock::Request| {
        let path = request.url.path();
        request.method.as_str() != "GET" && !READS.contains(&path)
    };
    requests.iter().filter(is_write).count()
}

/// Tries random answers on one server.
fn each_answer(test: impl Fn(&Runtime, &MockServer, &Answer) -> Result<(), TestCaseError>) {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(MockServer::start());
    let mut runner = TestRunner::new(Config {
        source_file: Some(file!()),
        ..Config::with_cases(256)
    });
    let test = AssertUnwindSafe(test);
    runner
        .run(&answer(), |answer| {
            runtime.block_on(answers_all(&server, &answer));
            test(&runtime, &server, &answer)
        })
        .unwrap();
}

/// What was read: garbage is an error, and reading never writes.
fn check_read<T: std::fmt::Debug>(
    runtime: &Runtime,
    server: &MockServer,
    answer: &Answer,
    read: Result<T, ApiError>,
) -> Result<(), TestCaseError> {
    prop_assert!(read.is_err() || !is_garbage(answer), "{:?}", read);
    if let Err(error) = read {
        let said = format!("{error} {error:?}");
        prop_assert!(!said.contains(super::TOKEN) && !said.contains(super::SECRET));
    }
    prop_assert_eq!(runtime.block_on(writes(server)), 0);
    Ok(())
}

#[test]
fn any_answer_to_a_read_of_docker_is_read_or_an_error() {
    for profile in Profile::ALL {
        each_answer(|runtime, server, answer| {
            let connection = connect(server, sign_in());
            let reader = DockerReader::new(&connection, &acme(), *profile);
            let read = runtime.block_on(reader.live_state());
            check_read(runtime, server, answer, read)
        });
    }
}

#[test]
fn any_answer_to_a_read_of_pulumi_is_read_or_an_error() {
    each_answer(|runtime, server, answer| {
        let connection = pulumi::connect(&server.uri());
        let reader = PulumiReader::new(&connection, &acme());
        let read = runtime.block_on(reader.live_state());
        check_read(runtime, server, answer, read)
    });
}

#[test]
fn any_answer_to_a_read_of_chainloop_is_read_or_an_error() {
    each_answer(|runtime, server, answer| {
        let connection = chainloop::connect(&server.uri());
        let reader = ChainloopReader::new(&connection, &acme());
        let name = chainloop::name("p");
        let read = runtime.block_on(reader.policy(&name, None));
        check_read(runtime, server, answer, read)
    });
}

#[test]
fn any_answer_to_a_write_is_taken_once() {
    let text =
        "apiVersion: chainloop.dev/v1\nkind: Policy\nmetadata: {name: p}\nspec: {embedded: x}\n";
    each_answer(|runtime, server, answer| {
        let connection = chainloop::connect(&server.uri());
        let writer = ChainloopWriter::new(&connection, &acme(), RawSchemaEncoding::Base64);
        let bytes = DocumentBytes::from(text.as_bytes());
        let _ = runtime.block_on(writer.create(&chainloop::name("p"), &bytes));
        prop_assert_eq!(runtime.block_on(writes(server)), 1, "{}", answer.status);
        let connection = pulumi::connect(&server.uri());
        let writer = PulumiWriter::new(&connection, &acme());
        let _ = runtime.block_on(writer.delete_pack(&PackName::new("guard").unwrap()));
        prop_assert_eq!(runtime.block_on(writes(server)), 2, "{}", answer.status);
        let connection = connect(server, sign_in());
        let writer = DockerWriter::new(&connection, &acme(), Profile::Current);
        let _ = runtime.block_on(writer.delete_policy(&PolicyId::new("p")));
        prop_assert_eq!(runtime.block_on(writes(server)), 3, "{}", answer.status);
        Ok(())
    });
}
