//! The client of Chainloop against servers that answer what a test wants.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{ApiError, ErrorKind, FailedCallOutcome};
use manifest::config::RawSchemaEncoding;
use model::chainloop::{DocumentBytes, LiveDocument};
use model::digest::Digest;
use polwarden::service::chainloop::client::{ChainloopReader, ChainloopWriter};
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::chainloop::{TOKEN, connect, name};
use super::{acme, answers, asked};

const POLICY: &str = "/v1/policies/p";
const TEXT: &[u8] = b"kind: Policy\r\n# \xc3\xbf\xc3\xbe?>\n";

async fn mock() -> (MockServer, ChainloopReader, ChainloopWriter) {
    let server = MockServer::start().await;
    let connection = connect(&server.uri());
    let writer = ChainloopWriter::new(&connection, &acme(), RawSchemaEncoding::Base64);
    (server, ChainloopReader::new(&connection, &acme()), writer)
}

/// What a good server says.
fn answer() -> Value {
    json!({
        "policy": {"metadata": {"name": "p"}}, "digest": Digest::of(TEXT).as_str(), "latest": true, "builtin": false,
        "raw": {"format": "FORMAT_YAML", "body": STANDARD.encode(TEXT)}, "organization_name": "acme",
        "version_references": [{"digest": Digest::of(TEXT).as_str(), "created_at": "2026-01-02T03:04:05Z"}],
        "inputs_json_schema": "", "new_field": {"a": 1},
    })
}

/// What the client makes of an answer that differs from a good one in these members; null takes one away.
async fn read_with(changes: Value) -> Result<Option<LiveDocument>, ApiError> {
    let mut body = answer();
    for (key, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(body.as_object_mut().unwrap().remove(key)),
            value => body[key] = value.clone(),
        }
    }
    let (server, reader, _) = mock().await;
    answers(&server, "GET", POLICY, 200, body).await;
    reader.policy(&name("p"), None).await
}

#[tokio::test]
async fn spelling_and_what_is_left_out_are_taken_leniently() {
    let raw = |body: String| json!({"raw": {"format": "FORMAT_JSON", "body": body}});
    let camel = json!({
        "organization_name": null, "organizationName": "acme", "version_references": null, "inputs_json_schema": null,
        "versionReferences": [{"digest": Digest::of(TEXT).as_str(), "createdAt": "2026-01-02T03:04:05.123Z"}],
        "inputsJsonSchema": "{\"properties\": {\"a\": {}}}",
    });
    for changes in [
        json!({}),
        camel,
        json!({"latest": null, "builtin": null, "version_references": null, "inputs_json_schema": null}),
        json!({"policy": null, "data": {"metadata": {"name": "p"}}}),
        json!({"policy": null}),
        raw(STANDARD.encode(TEXT)),
        raw(URL_SAFE_NO_PAD.encode(TEXT)),
    ] {
        let live = read_with(changes.clone())
            .await
            .unwrap_or_else(|error| panic!("{changes}: {error}"))
            .unwrap();
        assert_eq!(
            (live.bytes.as_slice(), live.latest, live.is_of("acme")),
            (TEXT, true, true),
            "{changes}"
        );
    }
}

#[tokio::test]
async fn owner_builtin_and_digest_are_never_guessed() {
    let other = Digest::of(b"other").to_string();
    for (changes, at) in [
        (json!({"digest": null}), "$.digest"),
        (json!({"digest": ""}), "$.digest"),
        (json!({"digest": "sha256:abc"}), "$.digest"),
        (
            json!({"digest": Digest::of(TEXT).as_str().to_uppercase()}),
            "$.digest",
        ),
        (json!({"builtin": "no"}), "$.builtin"),
        (json!({"organization_name": null}), "$.organization_name"),
        (json!({"organization_name": ""}), "$.organization_name"),
        (json!({"organization_name": 7}), "$.organization_name"),
        (
            json!({"organization_name": "", "builtin": null}),
            "$.organization_name",
        ),
        (json!({"raw": null}), "$.raw"),
        (json!({"raw": "text"}), "$.raw"),
        (json!({"raw": {"format": "FORMAT_YAML"}}), "$.raw.body"),
        (json!({"raw": {"body": "%%%"}}), "$.raw.body"),
        (json!({"latest": 1}), "$.latest"),
        (json!({"latest": false}), "$.latest"),
        (
            json!({"policy": {"metadata": {"name": "q"}}}),
            "$.policy.metadata.name",
        ),
        (json!({"version_references": {}}), "$.version_references"),
        (
            json!({"version_references": [{"digest": "x"}]}),
            "$.version_references[0].digest",
        ),
        (
            json!({"version_references": [{"digest": other, "created_at": "yesterday"}]}),
            "$.version_references[0].created_at",
        ),
        (json!({"inputs_json_schema": "{"}), "$.inputs_json_schema"),
    ] {
        let error = read_with(changes.clone()).await.unwrap_err();
        let ErrorKind::Malformed { at: found, .. } = error.kind() else {
            panic!("{changes}: {error}")
        };
        assert_eq!(found, at, "{changes}");
    }
    let error = read_with(json!({"digest": other})).await.unwrap_err();
    let both = ErrorKind::WrongDigest {
        said: other,
        computed: Digest::of(TEXT).to_string(),
    };
    assert_eq!(error.kind(), &both);
    // Another owner, or the service as owner, is reported and never treated as our organization.
    let live = read_with(json!({"organization_name": "evil"}))
        .await
        .unwrap()
        .unwrap();
    assert!(!live.is_of("acme"));
    let live = read_with(json!({"builtin": true})).await.unwrap().unwrap();
    assert!(live.builtin && !live.is_of("acme"));
}

#[tokio::test]
async fn another_version_than_was_asked_for_is_a_failed_read() {
    let (server, reader, _) = mock().await;
    answers(&server, "GET", POLICY, 200, answer()).await;
    let wanted = Digest::of(b"wanted");
    let error = reader.policy(&name("p"), Some(&wanted)).await.unwrap_err();
    assert!(error.to_string().contains(wanted.as_str()), "{error}");
}

#[tokio::test]
async fn only_a_404_says_that_a_policy_is_missing() {
    let respond = |status: u16, body: &str, kind: &str| {
        ResponseTemplate::new(status).set_body_raw(body.to_owned(), kind)
    };
    for (response, said) in [
        (respond(404, "", "text/plain"), None),
        (respond(404, "404 page not found\n", "text/plain"), None),
        (
            respond(
                404,
                r#"{"code":5,"message":"no","details":[]}"#,
                "application/json",
            ),
            None,
        ),
        (
            respond(
                403,
                r#"{"level":"error","code":"x","reason":"not yours"}"#,
                "application/json",
            ),
            Some("403 x: not yours"),
        ),
        (
            respond(400, "bad name\nmore\n", "text/plain; charset=utf-8"),
            Some("400: bad name. "),
        ),
        (
            respond(500, "", "application/json"),
            Some("the server answered 500."),
        ),
        (respond(204, "", "application/json"), Some("not JSON")),
        (respond(200, "", "application/json"), Some("not JSON")),
        (respond(200, "<html>", "text/html"), Some("text/html")),
        (
            respond(200, "[]", "application/json"),
            Some("expected an object, found a list"),
        ),
        (
            respond(200, "null", "application/json"),
            Some("expected an object, found null"),
        ),
        (
            ResponseTemplate::new(302).insert_header("location", "https://evil.example.com/"),
            Some("evil.example.com"),
        ),
        (
            respond(200, &" ".repeat(17 * 1024 * 1024), "application/json"),
            Some("longer than"),
        ),
    ] {
        let (server, reader, _) = mock().await;
        Mock::given(method("GET"))
            .and(path(POLICY))
            .respond_with(response)
            .mount(&server)
            .await;
        match (reader.policy(&name("p"), None).await, said) {
            (Ok(None), None) => {}
            (Err(error), Some(said)) => {
                assert!(error.to_string().contains(said), "{said}: {error}")
            }
            (other, said) => panic!("{said:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_organization_and_the_token_go_with_every_read() {
    let (server, reader, _) = mock().await;
    Mock::given(method("GET"))
        .and(path("/v1/groups/p"))
        .and(query_param("organization_name", "acme"))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .respond_with(ResponseTemplate::new(404))
        .expect(1)
        .mount(&server)
        .await;
    assert_eq!(reader.group(&name("p")).await.unwrap(), None);
    // What a server repeats of the token is not shown.
    let said = json!({"code": 16, "message": format!("bad token {TOKEN}")});
    answers(&server, "GET", POLICY, 401, said).await;
    let error = reader.policy(&name("p"), None).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_write_has_fields_and_bytes_and_is_made_once() {
    let (server, _, writer) = mock().await;
    let broken = ResponseTemplate::new(502);
    Mock::given(method("PUT"))
        .and(path("/v1/policies"))
        .respond_with(broken)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/v1/policies"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let text = "apiVersion: chainloop.dev/v1\nkind: Policy\nmetadata:\n  name: p\nspec: {inputs: [{name: a, default: 1.10, required: false}]}\n";
    let bytes = DocumentBytes::from(text.as_bytes());
    writer.create(&name("p"), &bytes).await.unwrap();
    let error = writer.update(&name("p"), &bytes).await.unwrap_err();
    assert_eq!(
        (error.outcome(), asked(&server, "/v1/policies").await),
        (FailedCallOutcome::Unknown, 2)
    );
    for request in server.received_requests().await.unwrap() {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let policy = json!({
            "apiVersion": "chainloop.dev/v1", "kind": "Policy", "metadata": {"name": "p", "organization": "acme"},
            "spec": {"inputs": [{"name": "a", "default": "1.10", "required": false}]},
        });
        assert_eq!(
            body,
            json!({"policy": policy, "raw_schema": STANDARD.encode(text)})
        );
    }
}
