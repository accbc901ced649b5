//! The emulator follows the contract in all profiles, and the proxy detects deviations.

use std::collections::BTreeSet;

use emulator::{DockerOptions, EmulatorProfile, ServiceLimits, start};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Service, TEAM, files, http, network, organization};
use crate::shared::contract::{Recorder, contract};

async fn recorded(profile: EmulatorProfile) -> (Service, Recorder) {
    let limits = ServiceLimits {
        policies: 3,
        rules: 2,
        ..ServiceLimits::default()
    };
    let organizations = vec![organization("my-org")];
    let running = start(DockerOptions {
        profile,
        limits,
        organizations,
        ..DockerOptions::default()
    })
    .await
    .unwrap();
    let recorder = Recorder::start(profile.as_str(), &running.url()).await;
    let service = Service::at(running, profile, recorder.url()).await;
    (service, recorder)
}

/// Calls every operation of the profile with its common answers.
async fn talk(service: &mut Service) {
    let profile = service.profile;
    service
        .call(Method::GET, "/v2/orgs/my-org/groups", None)
        .await;
    let scoped = json!({"name": "scoped", "scope": {"teams": [TEAM]}});
    let (_, policy) = service
        .policies(Method::POST, "", Some(scoped.clone()))
        .await;
    service.policies(Method::POST, "", Some(scoped)).await;
    let policy = policy["id"].as_str().unwrap().to_owned();
    let rule = service.rule(&policy, network("a", "example.com")).await;
    service
        .policies(Method::POST, &format!("/{policy}/rules"), Some(files("b")))
        .await;
    service
        .policies(
            Method::POST,
            &format!("/{policy}/rules"),
            Some(network("a", "*.example.com")),
        )
        .await;
    let path = format!("/{policy}/rules/{rule}");
    service
        .policies(Method::PATCH, &path, Some(json!({"decision": "deny"})))
        .await;
    service
        .policies(
            Method::PATCH,
            &format!("/{policy}/rules/none"),
            Some(json!({"name": "x"})),
        )
        .await;
    if profile == EmulatorProfile::Current {
        let body = http("h");
        let patch = json!({"actions": body["actions"], "http_resources": body["http_resources"]});
        service.policies(Method::PATCH, &path, Some(patch)).await;
        let cedar = json!({"text": "permit(principal, action, resource);", "schema_url": "https://s.example.com"});
        service
            .policies(
                Method::POST,
                "",
                Some(json!({"name": "cedar", "cedar_v1": cedar})),
            )
            .await;
        service.policies(Method::GET, "?page_size=1", None).await;
        service
            .policies(Method::GET, "?page_token=invented", None)
            .await;
    }
    for name in ["third", "fourth", "fifth"] {
        service
            .policies(Method::POST, "", Some(json!({"name": name})))
            .await;
    }
    service.get(&policy).await;
    service.policies(Method::GET, "/pol_none", None).await;
    service.policies(Method::GET, "", None).await;
    service.policies(Method::DELETE, &path, None).await;
    service.policies(Method::DELETE, &path, None).await;
    if profile != EmulatorProfile::Seed {
        service
            .policies(
                Method::PATCH,
                &format!("/{policy}"),
                Some(json!({"scope": {"teams": []}})),
            )
            .await;
        service
            .policies(
                Method::PATCH,
                &format!("/{policy}"),
                Some(json!({"name": "third"})),
            )
            .await;
        service
            .policies(Method::DELETE, &format!("/{policy}"), None)
            .await;
    }
    service
        .call(Method::GET, "/v2/orgs/nobody/governance/policies", None)
        .await;
    service
        .call(Method::GET, "/v2/orgs/nobody/groups", None)
        .await;
    service.token = "a.b.c".to_owned();
    service.policies(Method::GET, "", None).await;
    service
        .call(Method::GET, "/v2/orgs/my-org/groups", None)
        .await;
}

#[tokio::test]
async fn the_emulator_keeps_the_contract() {
    for profile in EmulatorProfile::ALL {
        let (mut service, recorder) = recorded(profile).await;
        talk(&mut service).await;
        assert_eq!(recorder.violations(), Vec::<String>::new(), "{profile}");

        let first = recorder
            .exchanges()
            .into_iter()
            .find(|exchange| exchange.operation == "createPolicy")
            .unwrap();
        assert_eq!(first.body["name"], "scoped");
        assert_eq!(first.media_type, "application/json");
        let called: BTreeSet<String> = recorder
            .exchanges()
            .into_iter()
            .map(|exchange| exchange.operation)
            .collect();
        let all: BTreeSet<String> = contract(profile.as_str())
            .operations
            .iter()
            .map(|operation| operation.name.clone())
            .collect();
        assert_eq!(called, all, "{profile}");
        let statuses: BTreeSet<u16> = recorder
            .exchanges()
            .into_iter()
            .map(|exchange| exchange.status)
            .collect();
        assert!(
            statuses.is_superset(&BTreeSet::from([200, 201, 400, 401, 403, 404, 409])),
            "{profile} {statuses:?}"
        );
    }
}

#[tokio::test]
async fn departures_are_caught() {
    let (service, recorder) = recorded(EmulatorProfile::Current).await;
    let policy = service.policy("p").await;
    let rule = service.rule(&policy, network("r", "example.com")).await;
    assert_eq!(recorder.violations(), Vec::<String>::new());
    let url = format!("{}/v2/orgs/my-org/governance/policies", service.base);
    let rule_url = format!("{url}/{policy}/rules/{rule}");
    let patch = |body: Value, media_type: &str| {
        let request = service
            .client
            .patch(&rule_url)
            .header("content-type", media_type.to_owned());
        request.bearer_auth(&service.token).body(body.to_string())
    };
    let cases = [
        (
            patch(json!({"name": "s"}), "application/merge-patch+json"),
            "content type",
        ),
        (
            patch(json!({"name": null}), "application/json"),
            "null is not of type",
        ),
        (patch(json!({}), "application/json"), "less than 1 property"),
        (service.client.get(&url), "no bearer token"),
        (
            service
                .client
                .get(format!("{url}?limit=5"))
                .bearer_auth(&service.token),
            "no parameter `limit`",
        ),
        (
            service.client.put(&url).bearer_auth(&service.token),
            "no such operation",
        ),
        (
            service
                .client
                .get(&url)
                .bearer_auth(&service.token)
                .body("{}"),
            "has a body",
        ),
    ];
    for (request, expected) in cases {
        let before = recorder.violations().len();
        request.send().await.unwrap();
        let found = recorder.violations()[before..].join("\n");
        assert!(found.contains(expected), "{expected}: {found}");
    }
}
