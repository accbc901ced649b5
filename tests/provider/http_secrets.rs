//! Where a credential goes, and where it never shows.

use http::{Endpoint, ErrorKind, FailedCallOutcome};
use model::docker::Profile;
use polwarden::service::docker::client::{DockerCredentials, DockerReader};
use serde_json::json;
use wiremock::matchers::{any, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{POLICIES, SECRET, TOKEN, acme, answers, asked, connect, service};

fn shows_nothing(error: &(impl std::fmt::Debug + std::fmt::Display)) {
    let texts = format!("{error} {error:?} {error:#?}");
    assert!(!texts.contains(SECRET) && !texts.contains(TOKEN), "{texts}");
}

#[tokio::test]
async fn a_redirect_to_another_host_gets_nothing() {
    for status in [301, 302, 303, 307, 308] {
        let other = MockServer::start().await;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(200).set_body_json(json!([])))
            .mount(&other)
            .await;
        let (server, connection) = service().await;
        let to = format!("{}/x?leak={TOKEN}", other.uri());
        let away = ResponseTemplate::new(status).insert_header("location", to.as_str());
        Mock::given(method("GET"))
            .respond_with(away)
            .mount(&server)
            .await;
        let error = DockerReader::new(&connection, &acme(), Profile::Seed)
            .list_policies()
            .await
            .unwrap_err();
        assert_eq!(
            error.kind(),
            &ErrorKind::Redirected {
                status,
                to: Some("127.0.0.1".to_owned())
            }
        );
        assert_eq!(other.received_requests().await.unwrap().len(), 0);
        shows_nothing(&error);
    }
}

#[tokio::test]
async fn a_sign_in_that_is_redirected_does_not_take_the_secret_along() {
    let other = MockServer::start().await;
    let server = MockServer::start().await;
    let away = ResponseTemplate::new(307).insert_header("location", other.uri().as_str());
    Mock::given(any()).respond_with(away).mount(&server).await;
    let connection = connect(&server, super::sign_in());
    let error = DockerReader::new(&connection, &acme(), Profile::Current)
        .list_policies()
        .await
        .unwrap_err();
    assert_eq!((error.operation(), error.status()), ("signIn", Some(307)));
    assert_eq!(other.received_requests().await.unwrap().len(), 0);
    shows_nothing(&error);
}

#[tokio::test]
async fn the_token_goes_to_its_host_as_a_bearer() {
    let (server, connection) = service().await;
    let answer = ResponseTemplate::new(200).set_body_json(json!([]));
    let bearer = format!("Bearer {TOKEN}");
    let expected = Mock::given(path(POLICIES)).and(header("authorization", bearer.as_str()));
    expected.respond_with(answer).expect(1).mount(&server).await;
    assert_eq!(
        DockerReader::new(&connection, &acme(), Profile::Seed)
            .list_policies()
            .await
            .unwrap(),
        []
    );
    let sign_in = &server.received_requests().await.unwrap()[0];
    assert!(!sign_in.headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_server_that_echoes_secrets_does_not_get_them_shown() {
    let (server, connection) = service().await;
    let echo = json!({"error": {"code": TOKEN, "message": format!("bad token {TOKEN} of {SECRET}\u{1b}[31m")}});
    let answer = ResponseTemplate::new(403)
        .set_body_json(echo)
        .insert_header("x-request-id", TOKEN);
    Mock::given(method("GET"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let error = DockerReader::new(&connection, &acme(), Profile::Seed)
        .list_policies()
        .await
        .unwrap_err();
    shows_nothing(&error);
    assert_eq!(error.code(), Some("[redacted]"));
    assert_eq!(error.request_id(), Some("[redacted]"));
    assert!(
        error
            .to_string()
            .contains("bad token [redacted] of [redacted] [31m"),
        "{error}"
    );
}

#[tokio::test]
async fn a_refused_sign_in_does_not_show_the_secret() {
    let server = MockServer::start().await;
    let detail =
        json!({"detail": format!("wrong password {SECRET}"), "message": "", "errinfo": {}});
    answers(&server, "POST", "/v2/auth/token", 401, detail).await;
    let connection = connect(&server, super::sign_in());
    let error = DockerReader::new(&connection, &acme(), Profile::Current)
        .list_policies()
        .await
        .unwrap_err();
    shows_nothing(&error);
    assert!(
        error.to_string().contains("wrong password [redacted]"),
        "{error}"
    );
    assert_eq!(error.outcome(), FailedCallOutcome::NotApplied);
}

#[tokio::test]
async fn a_token_that_cannot_be_a_header_is_not_sent_or_shown() {
    let server = MockServer::start().await;
    let evil = json!({"access_token": format!("{TOKEN}\r\nX-Evil: 1")});
    answers(&server, "POST", "/v2/auth/token", 200, evil).await;
    let connection = connect(&server, super::sign_in());
    let error = DockerReader::new(&connection, &acme(), Profile::Current)
        .list_policies()
        .await
        .unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotSent { .. }), "{error}");
    shows_nothing(&error);
    assert_eq!(asked(&server, POLICIES).await, 0);
}

#[tokio::test]
async fn a_ready_token_that_is_refused_is_explained() {
    let server = MockServer::start().await;
    answers(
        &server,
        "GET",
        POLICIES,
        401,
        super::error("unauthenticated", TOKEN),
    )
    .await;
    let connection = connect(&server, DockerCredentials::Token(TOKEN.into()));
    let error = DockerReader::new(&connection, &acme(), Profile::Seed)
        .list_policies()
        .await
        .unwrap_err();
    assert!(error.help().contains("POLWARDEN_DOCKER_TOKEN"), "{error}");
    shows_nothing(&error);
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[test]
fn plain_http_to_another_machine_is_refused_before_any_request() {
    assert!("http://hub.example.com".parse::<Endpoint>().is_err());
    assert!("http://192.0.2.1:8080".parse::<Endpoint>().is_err());
}
