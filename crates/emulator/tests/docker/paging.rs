use emulator::{DockerOptions, EmulatorProfile, PolicySeed, ServiceLimits};
use reqwest::Method;
use serde_json::Value;

use super::{Service, organization, outcome};

async fn service(profile: EmulatorProfile, count: usize) -> Service {
    let mut owner = organization("my-org");
    owner.policies = (0..count)
        .map(|n| PolicySeed {
            name: format!("p{n}"),
            ..PolicySeed::default()
        })
        .collect();
    let limits = ServiceLimits {
        policies: 1_000,
        ..ServiceLimits::default()
    };
    let organizations = vec![owner, organization("other")];
    Service::with(DockerOptions {
        profile,
        limits,
        organizations,
        ..DockerOptions::default()
    })
    .await
}

fn names(list: &Value) -> Vec<String> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|policy| policy["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn earlier_profiles_answer_everything_at_once() {
    for (profile, pointer) in [
        (EmulatorProfile::Seed, ""),
        (EmulatorProfile::Intermediate, "/data"),
    ] {
        let service = service(profile, 230).await;
        let (_, list) = service.policies(Method::GET, "?page_size=2", None).await;
        assert_eq!(names(list.pointer(pointer).unwrap()).len(), 230);
    }
}

#[tokio::test]
async fn pages_show_every_policy_once_and_end_with_null() {
    let service = service(EmulatorProfile::Current, 230).await;
    for (size, pages) in [
        ("", 3),
        ("page_size=0&", 3),
        ("page_size=1000&", 3),
        ("page_size=115&", 3),
        ("page_size=23&", 10),
    ] {
        let mut found = Vec::new();
        let mut count = 0;
        let mut query = format!("?{size}");
        loop {
            let (_, page) = service.policies(Method::GET, &query, None).await;
            found.extend(names(&page["data"]));
            count += 1;
            let Some(token) = page.get("next_page_token").unwrap().as_str() else {
                break;
            };
            query = format!("?{size}page_token={token}");
        }
        assert_eq!(count, pages, "{size}");
        assert_eq!(
            found,
            (0..230).map(|n| format!("p{n}")).collect::<Vec<_>>(),
            "{size}"
        );
    }
}

#[tokio::test]
async fn a_cursor_survives_the_deletion_of_what_was_shown() {
    let service = service(EmulatorProfile::Current, 4).await;
    let (_, page) = service.policies(Method::GET, "?page_size=2", None).await;
    for policy in page["data"].as_array().unwrap() {
        let path = format!("/{}", policy["id"].as_str().unwrap());
        service.policies(Method::DELETE, &path, None).await;
    }
    let query = format!("?page_token={}", page["next_page_token"].as_str().unwrap());
    let (_, rest) = service.policies(Method::GET, &query, None).await;
    assert_eq!(names(&rest["data"]), ["p2", "p3"]);
}

#[tokio::test]
async fn pages_that_nobody_could_have_asked_for_are_refused() {
    let service = service(EmulatorProfile::Current, 3).await;
    let (_, page) = service.policies(Method::GET, "?page_size=1", None).await;
    let token = page["next_page_token"].as_str().unwrap();
    let mine = "/v2/orgs/my-org";
    let other = "/v2/orgs/other";
    for (owner, query) in [
        (mine, "page_size=-1".to_owned()),
        (mine, "page_size=many".to_owned()),
        (mine, "page_token=invented".to_owned()),
        (other, format!("page_token={token}")),
    ] {
        let answer = service
            .call(
                Method::GET,
                &format!("{owner}/governance/policies?{query}"),
                None,
            )
            .await;
        assert_eq!(
            outcome(&answer),
            (400, "invalid_argument".to_owned()),
            "{query}"
        );
    }
}
