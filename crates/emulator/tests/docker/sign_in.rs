use std::time::Duration;

use emulator::{DockerOptions, EmulatorProfile};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Service, client, outcome};

async fn post(service: &Service, path: &str, body: &str) -> (u16, Value) {
    let request = client()
        .post(format!("{}{path}", service.base))
        .header("content-type", "application/json");
    let response = request.body(body.to_owned()).send().await.unwrap();
    (
        response.status().as_u16(),
        response.json().await.unwrap_or(Value::Null),
    )
}

#[tokio::test]
async fn only_the_profiles_own_endpoint_exists() {
    for (profile, here, there) in [
        (EmulatorProfile::Seed, "/v2/users/login", "/v2/auth/token"),
        (
            EmulatorProfile::Intermediate,
            "/v2/auth/token",
            "/v2/users/login",
        ),
        (
            EmulatorProfile::Current,
            "/v2/auth/token",
            "/v2/users/login",
        ),
    ] {
        let service = Service::new(profile).await;
        let both = r#"{"username":"u","password":"p","identifier":"u","secret":"p"}"#;
        assert_eq!(post(&service, there, both).await.0, 404, "{profile}");
        let (status, body) = post(&service, here, both).await;
        assert_eq!(
            status, 400,
            "members of the other endpoint are unknown: {profile} {body}"
        );
        assert_eq!(service.token.split('.').count(), 3);
    }
}

#[tokio::test]
async fn refused_credentials_get_the_hubs_error_and_are_not_quoted() {
    let service = Service::new(EmulatorProfile::Current).await;
    let strict = DockerOptions {
        secret: Some("s".into()),
        ..DockerOptions::default()
    };
    let strict = Service::with(strict).await;
    for (service, body, status) in [
        (&service, r#"{"identifier":"u","secret":"hunter2"}"#, 200),
        (&service, r#"{"identifier":"u","secret":""}"#, 401),
        (&service, r#"{"identifier":"","secret":"hunter2"}"#, 401),
        (&service, r#"{"identifier":"u"}"#, 400),
        (&service, r#"{"identifier":"u","secret":"hunter2"#, 400),
        (
            &service,
            r#"{"identifier":"u","secret":{"hunter2":1}}"#,
            400,
        ),
        (&strict, r#"{"identifier":"u","secret":"hunter2"}"#, 401),
        (&strict, r#"{"identifier":"u","secret":"s"}"#, 200),
    ] {
        let (found, answer) = post(service, "/v2/auth/token", body).await;
        assert_eq!(found, status, "{body}: {answer}");
        if status != 200 {
            assert!(
                answer["detail"].is_string()
                    && answer["message"].is_string()
                    && answer["errinfo"].is_object()
            );
            assert!(!answer.to_string().contains("hunter2"), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_request_needs_a_token_that_was_issued_here() {
    for profile in EmulatorProfile::ALL {
        let mut service = Service::new(profile).await;
        let other = Service::new(profile).await;
        let good = service.token.clone();
        for (token, status) in [
            (good.clone(), 200),
            (String::new(), 401),
            ("a.b.c".to_owned(), 401),
            (format!("{good}x"), 401),
            (other.token, 401),
        ] {
            service.token = token;
            let answer = service.policies(Method::GET, "", None).await;
            let code = if status == 401 { "unauthenticated" } else { "" };
            assert_eq!(outcome(&answer), (status, code.to_owned()), "{profile}");
        }
    }
}

#[tokio::test]
async fn a_token_expires() {
    let ttl = Duration::from_secs(1);
    let before = tokio::time::Instant::now();
    let service = Service::with(DockerOptions {
        token_ttl: ttl,
        ..DockerOptions::default()
    })
    .await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while service.policies(Method::GET, "", None).await.0 != StatusCode::UNAUTHORIZED {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the token never expired"
        );
    }
    assert!(before.elapsed() >= ttl, "the token expired too early");
}

#[tokio::test]
async fn teams_are_listed_by_pages() {
    let mut organization = super::organization("my-org");
    organization.teams = (0..23)
        .map(|n| emulator::TeamSeed {
            uuid: format!("uuid-{n}"),
            name: format!("team {n}"),
        })
        .collect();
    let service = Service::with(DockerOptions {
        organizations: vec![organization],
        ..DockerOptions::default()
    })
    .await;
    let mut path = "/v2/orgs/my-org/groups".to_owned();
    let mut names = Vec::new();
    loop {
        let (status, page) = service.call(Method::GET, &path, None).await;
        assert_eq!((status.as_u16(), page["count"].as_u64()), (200, Some(23)));
        names.extend(
            page["results"]
                .as_array()
                .unwrap()
                .iter()
                .map(|team| team["name"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = next.strip_prefix(&service.base).unwrap().to_owned();
    }
    assert_eq!(
        names,
        (0..23).map(|n| format!("team {n}")).collect::<Vec<_>>()
    );

    for (query, status) in [
        ("?page_size=100", 200),
        ("?page=3&page_size=10", 200),
        ("?page=4", 404),
        ("?page=0", 400),
    ] {
        let (found, page) = service
            .call(Method::GET, &format!("/v2/orgs/my-org/groups{query}"), None)
            .await;
        assert_eq!(found.as_u16(), status, "{query} {page}");
    }
    let (status, error) = service
        .call(Method::GET, "/v2/orgs/nobody/groups", None)
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(error["errinfo"], json!({}));
}
