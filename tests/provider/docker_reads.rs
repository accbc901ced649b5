//! Reading: completely or not at all.

use http::ErrorKind;
use http::OrganizationName;
use model::docker::{LiveContent, Profile};
use serde_json::{Value, json};
use wiremock::matchers::{method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{POLICIES, answers, asked, error, policy, reader, rule, summary};

fn at(id: &str) -> String {
    format!("{POLICIES}/{id}")
}

/// A list in the shape of a profile.
fn list(profile: Profile, ids: &[&str]) -> Value {
    let data: Vec<Value> = ids.iter().map(|id| summary(id)).collect();
    match profile {
        Profile::Seed => json!(data),
        Profile::Intermediate => json!({ "data": data }),
        Profile::Current => json!({ "data": data, "next_page_token": null }),
    }
}

async fn page(server: &MockServer, cursor: Option<&str>, ids: &[&str], next: Option<&str>) {
    let data: Vec<Value> = ids.iter().map(|id| summary(id)).collect();
    let answer =
        ResponseTemplate::new(200).set_body_json(json!({"data": data, "next_page_token": next}));
    let page = Mock::given(method("GET"))
        .and(path(POLICIES))
        .and(query_param("page_size", "100"));
    let page = match cursor {
        Some(cursor) => page.and(query_param("page_token", cursor)),
        None => page.and(query_param_is_missing("page_token")),
    };
    page.respond_with(answer).mount(server).await;
}

#[tokio::test]
async fn every_profile_is_read_completely() {
    for profile in Profile::ALL {
        let (server, reader) = reader(*profile).await;
        answers(&server, "GET", POLICIES, 200, list(*profile, &["b", "a"])).await;
        answers(&server, "GET", &at("a"), 200, policy("a")).await;
        let mut with_rule = policy("b");
        with_rule["allowlist_v0"] = json!({"domain": "network", "rules": [rule("r")]});
        answers(&server, "GET", &at("b"), 200, with_rule).await;
        let live = reader.live_state().await.unwrap();
        let ids: Vec<_> = live
            .policies
            .iter()
            .map(|policy| policy.id.as_str())
            .collect();
        assert_eq!(ids, ["b", "a"], "{profile}");
        assert!(matches!(&live.policies[0].content, LiveContent::Rules(rules) if rules.len() == 1));
        let listed = server
            .received_requests()
            .await
            .unwrap()
            .into_iter()
            .find(|r| r.url.path() == POLICIES)
            .unwrap();
        assert_eq!(
            listed.url.query(),
            (*profile == Profile::Current).then_some("page_size=100")
        );
    }
}

#[tokio::test]
async fn pages_are_followed_to_the_end() {
    let (server, reader) = reader(Profile::Current).await;
    page(&server, None, &["a", "b"], Some("x&y=1/+#")).await;
    page(&server, Some("x&y=1/+#"), &[], Some("last")).await;
    page(&server, Some("last"), &["c"], None).await;
    for id in ["a", "b", "c"] {
        answers(&server, "GET", &at(id), 200, policy(id)).await;
    }
    let listed = reader.list_policies().await.unwrap();
    assert_eq!(
        listed
            .iter()
            .map(|policy| policy.id.as_str())
            .collect::<Vec<_>>(),
        ["a", "b", "c"]
    );
    assert_eq!(reader.live_state().await.unwrap().policies.len(), 3);
}

#[tokio::test]
async fn a_listing_that_repeats_itself_is_incomplete() {
    for (second, next) in [(["b"], Some("1")), (["a"], None)] {
        let (server, reader) = reader(Profile::Current).await;
        page(&server, None, &["a"], Some("1")).await;
        page(&server, Some("1"), &second, next).await;
        answers(&server, "GET", &at("a"), 200, policy("a")).await;
        answers(&server, "GET", &at("b"), 200, policy("b")).await;
        let error = reader.live_state().await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Incomplete { .. }),
            "{error}"
        );
        assert!(matches!(
            reader.list_policies().await.unwrap_err().kind(),
            ErrorKind::Incomplete { .. }
        ));
    }
}

#[tokio::test]
async fn the_last_page_that_fails_fails_the_reading() {
    let (server, reader) = reader(Profile::Current).await;
    page(&server, None, &["a"], Some("1")).await;
    answers(&server, "GET", &at("a"), 200, policy("a")).await;
    let refusal =
        ResponseTemplate::new(403).set_body_json(error("permission_denied", "permission denied"));
    Mock::given(query_param("page_token", "1"))
        .respond_with(refusal)
        .mount(&server)
        .await;
    assert_eq!(
        reader.live_state().await.unwrap_err().code(),
        Some("permission_denied")
    );
}

#[tokio::test]
async fn an_organization_that_is_not_found_is_not_empty() {
    for profile in Profile::ALL {
        let (server, reader) = reader(*profile).await;
        answers(
            &server,
            "GET",
            POLICIES,
            404,
            error("not_found", "organization not found"),
        )
        .await;
        let error = reader.live_state().await.unwrap_err();
        assert_eq!(
            (error.operation(), error.status()),
            ("listPolicies", Some(404))
        );
        assert!(error.to_string().contains("organization `acme`"), "{error}");
        assert_eq!(asked(&server, POLICIES).await, 1);
    }
}

#[tokio::test]
async fn one_policy_that_cannot_be_read_fails_all() {
    let mut foreign = policy("other");
    foreign["id"] = json!("other");
    let mut broken = policy("b");
    broken["allowlist_v0"] = json!({"rules": [{"id": "r", "name": 1}]});
    for (body, place) in [
        (broken, "$.allowlist_v0.rules[0].name"),
        (foreign, "$.id"),
        (json!([]), "$,"),
    ] {
        let (server, reader) = reader(Profile::Seed).await;
        answers(
            &server,
            "GET",
            POLICIES,
            200,
            list(Profile::Seed, &["a", "b"]),
        )
        .await;
        answers(&server, "GET", &at("a"), 200, policy("a")).await;
        answers(&server, "GET", &at("b"), 200, body).await;
        let error = reader.live_state().await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Malformed { .. }),
            "{error}"
        );
        assert!(
            error.to_string().contains(place) && error.to_string().contains("`name of b` (b)"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_policy_deleted_meanwhile_starts_the_reading_again_once() {
    let (server, reader) = reader(Profile::Seed).await;
    let first = ResponseTemplate::new(200).set_body_json(list(Profile::Seed, &["a", "gone"]));
    Mock::given(path(POLICIES))
        .respond_with(first)
        .up_to_n_times(1)
        .mount(&server)
        .await;
    answers(&server, "GET", POLICIES, 200, list(Profile::Seed, &["a"])).await;
    answers(&server, "GET", &at("a"), 200, policy("a")).await;
    answers(
        &server,
        "GET",
        &at("gone"),
        404,
        error("not_found", "policy not found"),
    )
    .await;
    assert_eq!(reader.live_state().await.unwrap().policies.len(), 1);
    assert_eq!(asked(&server, POLICIES).await, 2);
}

#[tokio::test]
async fn a_policy_that_is_listed_but_never_found_is_an_error() {
    let (server, reader) = reader(Profile::Seed).await;
    answers(
        &server,
        "GET",
        POLICIES,
        200,
        list(Profile::Seed, &["ghost"]),
    )
    .await;
    answers(
        &server,
        "GET",
        &at("ghost"),
        404,
        error("not_found", "policy not found"),
    )
    .await;
    let error = reader.live_state().await.unwrap_err();
    assert_eq!(
        (error.operation(), error.status()),
        ("getPolicy", Some(404))
    );
    assert_eq!(asked(&server, POLICIES).await, 2);
}

#[tokio::test]
async fn a_type_that_is_not_known_is_kept() {
    let (server, reader) = reader(Profile::Seed).await;
    let mut listed = summary("a");
    listed["type"] = json!("flow_v1");
    let mut full = policy("a");
    full["flow_v1"] = json!({"nodes": [1, 2]});
    answers(&server, "GET", POLICIES, 200, json!([listed])).await;
    answers(&server, "GET", &at("a"), 200, full.clone()).await;
    let live = reader.live_state().await.unwrap();
    let LiveContent::Opaque(opaque) = &live.policies[0].content else {
        panic!("{live:?}")
    };
    assert_eq!(opaque.raw, full);
    assert_eq!(
        live.policies[0].unknown_fields["flow_v1"],
        json!({"nodes": [1, 2]})
    );
}

#[tokio::test]
async fn teams_are_read_from_this_host_to_the_end() {
    let (server, reader) = reader(Profile::Current).await;
    let groups = "/v2/orgs/acme/groups";
    let team = |n: u8| json!({"id": n, "uuid": format!("u-{n}"), "name": format!("team {n}"), "member_count": 1});
    let next = "https://evil.example.com/v2/orgs/acme/groups?page=2";
    let first = json!({"count": 2, "next": next, "previous": null, "results": [team(1)]});
    let second = json!({"count": 2, "next": null, "previous": "x", "results": [team(2)]});
    let first = ResponseTemplate::new(200).set_body_json(first);
    let second = ResponseTemplate::new(200).set_body_json(second);
    Mock::given(path(groups))
        .and(query_param("page", "2"))
        .respond_with(second)
        .mount(&server)
        .await;
    Mock::given(path(groups))
        .respond_with(first)
        .with_priority(9)
        .mount(&server)
        .await;
    let teams = reader.teams().await.unwrap();
    assert_eq!(
        teams
            .iter()
            .map(|team| team.id.as_str())
            .collect::<Vec<_>>(),
        ["u-1", "u-2"]
    );
}

#[tokio::test]
async fn teams_that_are_missing_or_go_round_are_an_error() {
    for body in [
        json!({"count": 2, "next": null, "previous": null, "results": []}),
        json!({"count": 0, "next": "?page_size=100", "previous": null, "results": []}),
    ] {
        let (server, reader) = reader(Profile::Current).await;
        answers(&server, "GET", "/v2/orgs/acme/groups", 200, body).await;
        let error = reader.teams().await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Incomplete { .. }),
            "{error}"
        );
    }
}

#[test]
fn an_organization_is_one_segment_of_a_path() {
    assert!("my-org".parse::<OrganizationName>().is_ok());
    for bad in ["", "..", "a/b", "a?b", "a#b", "a%2fb", "a b", "a\n", "ä"] {
        assert!(bad.parse::<OrganizationName>().is_err(), "{bad:?}");
    }
}
