//! The HTTP client and the Docker client against a server that answers what a test wants.

mod chainloop;
mod chainloop_wire;
mod docker_reads;
mod docker_session;
mod docker_writes;
mod faults;
mod hostile_bodies;
mod http_secrets;
mod http_slots;
mod pulumi;

use std::time::Duration;

use http::OrganizationName;
use http::{Endpoint, HttpClient, HttpOptions, RetryPolicy};
use model::docker::Profile;
use polwarden::service::docker::client::{
    DockerConnection, DockerCredentials, DockerReader, DockerWriter,
};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// The credential of all tests. It must appear in no output.
const SECRET: &str = "hunter2-hunter2";
/// The token that the test service gives.
const TOKEN: &str = "first-token-of-the-test";
const POLICIES: &str = "/v2/orgs/acme/governance/policies";

/// Quick retries, so that tests do not wait.
fn quick() -> HttpOptions {
    let retry = RetryPolicy {
        faults: 2,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(2),
        max_wait: Duration::from_millis(1500),
    };
    HttpOptions {
        retry,
        ..HttpOptions::default()
    }
}

fn sign_in() -> DockerCredentials {
    DockerCredentials::SignIn {
        identifier: "me".to_owned(),
        secret: SECRET.into(),
    }
}

fn connect(server: &MockServer, credentials: DockerCredentials) -> DockerConnection {
    let endpoint: Endpoint = server.uri().parse().unwrap();
    DockerConnection::new(&HttpClient::new(quick()), &endpoint, credentials).unwrap()
}

fn acme() -> OrganizationName {
    "acme".parse().unwrap()
}

/// A service that accepts all credentials, and its connection.
async fn service() -> (MockServer, DockerConnection) {
    let server = MockServer::start().await;
    for (at, field) in [
        ("/v2/users/login", "token"),
        ("/v2/auth/token", "access_token"),
    ] {
        let answer = ResponseTemplate::new(200).set_body_json(json!({ field: TOKEN }));
        Mock::given(method("POST"))
            .and(path(at))
            .respond_with(answer)
            .mount(&server)
            .await;
    }
    let connection = connect(&server, sign_in());
    (server, connection)
}

async fn reader(profile: Profile) -> (MockServer, DockerReader) {
    let (server, connection) = service().await;
    let reader = DockerReader::new(&connection, &acme(), profile);
    (server, reader)
}

async fn writer(profile: Profile) -> (MockServer, DockerWriter) {
    let (server, connection) = service().await;
    let writer = DockerWriter::new(&connection, &acme(), profile);
    (server, writer)
}

/// The service answers a request with JSON.
async fn answers(server: &MockServer, verb: &str, at: &str, status: u16, body: Value) {
    let answer = ResponseTemplate::new(status).set_body_json(body);
    Mock::given(method(verb))
        .and(path(at))
        .respond_with(answer)
        .mount(server)
        .await;
}

/// How often a path was asked for.
async fn asked(server: &MockServer, at: &str) -> usize {
    let requests = server.received_requests().await.unwrap();
    requests
        .iter()
        .filter(|request| request.url.path() == at)
        .count()
}

fn summary(id: &str) -> Value {
    let mut summary = policy(id);
    summary["type"] = json!("allowlist_v0");
    summary
}

fn policy(id: &str) -> Value {
    json!({"id": id, "name": format!("name of {id}"), "org": "acme", "scope": {},
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"})
}

fn rule(id: &str) -> Value {
    json!({"id": id, "name": "r", "actions": ["connect:tcp"], "resources": ["a.example.com"], "decision": "allow"})
}

fn error(code: &str, message: &str) -> Value {
    json!({"error": {"code": code, "message": message}})
}
