//! Sign-ins: one for many, renewed when needed, never repeated after a refusal.

use model::docker::Profile;
use serde_json::{Value, json};
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{POLICIES, SECRET, acme, answers, asked, connect, service, sign_in};
use polwarden::service::docker::client::DockerReader;

const TOKEN_PATH: &str = "/v2/auth/token";

/// Gives these tokens, one after the other.
async fn gives(server: &MockServer, tokens: &[&str]) {
    for token in tokens {
        let answer = ResponseTemplate::new(200).set_body_json(json!({ "access_token": token }));
        Mock::given(path(TOKEN_PATH))
            .respond_with(answer)
            .up_to_n_times(1)
            .mount(server)
            .await;
    }
}

/// Accepts only this token.
async fn accepts(server: &MockServer, token: &str) {
    let empty =
        ResponseTemplate::new(200).set_body_json(json!({"data": [], "next_page_token": null}));
    let bearer = format!("Bearer {token}");
    Mock::given(method("GET"))
        .and(header("authorization", bearer.as_str()))
        .respond_with(empty)
        .mount(server)
        .await;
    let refusal = ResponseTemplate::new(401)
        .set_body_json(super::error("unauthenticated", "unauthenticated"));
    Mock::given(path(POLICIES))
        .respond_with(refusal)
        .with_priority(9)
        .mount(server)
        .await;
}

#[tokio::test]
async fn each_profile_has_its_sign_in() {
    for (profile, at, body, field) in [
        (
            Profile::Seed,
            "/v2/users/login",
            json!({"username": "me", "password": SECRET}),
            "token",
        ),
        (
            Profile::Intermediate,
            TOKEN_PATH,
            json!({"identifier": "me", "secret": SECRET}),
            "access_token",
        ),
        (
            Profile::Current,
            TOKEN_PATH,
            json!({"identifier": "me", "secret": SECRET}),
            "access_token",
        ),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(200).set_body_json(json!({ field: "t-t-t-t" }));
        let expected = Mock::given(method("POST"))
            .and(path(at))
            .and(body_json(body));
        expected.respond_with(answer).expect(1).mount(&server).await;
        DockerReader::new(&connect(&server, sign_in()), &acme(), profile)
            .list_policies()
            .await
            .unwrap_err();
        let last = server.received_requests().await.unwrap().pop().unwrap();
        assert_eq!(last.headers["authorization"], "Bearer t-t-t-t", "{profile}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_sign_in_once() {
    let (server, connection) = service().await;
    answers(&server, "GET", POLICIES, 200, json!([])).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        // Another profile that signs in alike shares the token.
        let reader = DockerReader::new(&connection, &acme(), Profile::Seed);
        tasks.spawn(async move { reader.list_policies().await });
    }
    assert!(tasks.join_all().await.iter().all(Result::is_ok));
    assert_eq!(asked(&server, "/v2/users/login").await, 1);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let server = MockServer::start().await;
    gives(&server, &["old-token", "new-token"]).await;
    accepts(&server, "new-token").await;
    let reader = DockerReader::new(&connect(&server, sign_in()), &acme(), Profile::Current);
    assert_eq!(reader.list_policies().await, Ok(Vec::new()));
    assert_eq!(reader.list_policies().await, Ok(Vec::new()));
    assert_eq!(
        (
            asked(&server, TOKEN_PATH).await,
            asked(&server, POLICIES).await
        ),
        (2, 3)
    );
}

#[tokio::test]
async fn a_second_refusal_is_an_error() {
    let server = MockServer::start().await;
    gives(&server, &["old-token", "new-token", "third-token"]).await;
    accepts(&server, "none of them").await;
    let reader = DockerReader::new(&connect(&server, sign_in()), &acme(), Profile::Current);
    let error = reader.list_policies().await.unwrap_err();
    assert_eq!(
        (error.operation(), error.status(), error.code()),
        ("listPolicies", Some(401), Some("unauthenticated"))
    );
    assert_eq!(
        (
            asked(&server, TOKEN_PATH).await,
            asked(&server, POLICIES).await
        ),
        (2, 2)
    );
}

#[tokio::test]
async fn a_token_at_its_end_is_renewed_before_it_is_used() {
    // {"exp":1000.0000001,"iat":1000}: it lives for a tenth of a microsecond.
    let ended = "x.eyJleHAiOjEwMDAuMDAwMDAwMSwiaWF0IjoxMDAwfQ.x";
    // {"exp":4600,"iat":1000}: it lives for an hour.
    let hour = "x.eyJleHAiOjQ2MDAsImlhdCI6MTAwMH0.x";
    let server = MockServer::start().await;
    gives(&server, &[ended, hour, "never-asked-for"]).await;
    let list = json!({"data": [], "next_page_token": null});
    answers(&server, "GET", POLICIES, 200, list).await;
    let reader = DockerReader::new(&connect(&server, sign_in()), &acme(), Profile::Current);
    for sign_ins in [1, 2, 2] {
        assert_eq!(reader.list_policies().await, Ok(Vec::new()));
        assert_eq!(asked(&server, TOKEN_PATH).await, sign_ins);
    }
}

#[tokio::test]
async fn a_refused_sign_in_is_never_tried_again() {
    for status in [400, 401, 403, 404] {
        let server = MockServer::start().await;
        answers(
            &server,
            "POST",
            TOKEN_PATH,
            status,
            json!({"detail": "no", "message": "no", "errinfo": {}}),
        )
        .await;
        let connection = connect(&server, sign_in());
        let current = DockerReader::new(&connection, &acme(), Profile::Current);
        let first = current.list_policies().await.unwrap_err();
        assert_eq!(
            (first.operation(), first.status()),
            ("signIn", Some(status))
        );
        assert_eq!(current.list_policies().await.unwrap_err(), first);
        // Nor by way of the other sign-in: it is the same account.
        assert_eq!(
            DockerReader::new(&connection, &acme(), Profile::Seed)
                .list_policies()
                .await
                .unwrap_err(),
            first
        );
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_sign_in_that_failed_otherwise_may_be_tried_again() {
    let server = MockServer::start().await;
    let fault = ResponseTemplate::new(503);
    Mock::given(path(TOKEN_PATH))
        .respond_with(fault)
        .up_to_n_times(3)
        .mount(&server)
        .await;
    gives(&server, &["new-token"]).await;
    accepts(&server, "new-token").await;
    let reader = DockerReader::new(&connect(&server, sign_in()), &acme(), Profile::Current);
    assert_eq!(
        reader.list_policies().await.unwrap_err().status(),
        Some(503)
    );
    assert_eq!(reader.list_policies().await, Ok(Vec::new()));
}

#[tokio::test]
async fn an_answer_without_a_token_is_an_error() {
    for body in [
        json!({}),
        json!({"access_token": ""}),
        json!({"access_token": 7}),
        json!({"token": "t"}),
        Value::Null,
    ] {
        let server = MockServer::start().await;
        answers(&server, "POST", TOKEN_PATH, 200, body.clone()).await;
        let reader = DockerReader::new(&connect(&server, sign_in()), &acme(), Profile::Current);
        let error = reader.list_policies().await.unwrap_err();
        assert_eq!(error.operation(), "signIn", "{body}");
        assert_eq!(asked(&server, POLICIES).await, 0);
    }
}
