use emulator::{DockerOptions, EmulatorProfile, ServiceLimits};
use reqwest::Method;
use serde_json::json;

use super::{Service, network, outcome};

async fn service(profile: EmulatorProfile, limits: ServiceLimits) -> Service {
    Service::with(DockerOptions {
        profile,
        limits,
        ..DockerOptions::default()
    })
    .await
}

/// The answer of a full organization or policy.
fn full(profile: EmulatorProfile) -> (u16, String) {
    let (status, code) = if profile == EmulatorProfile::Seed {
        (400, "invalid_argument")
    } else {
        (403, "limit_exceeded")
    };
    (status, code.to_owned())
}

#[test]
fn the_defaults_are_those_of_the_manual() {
    let ServiceLimits {
        policies,
        rules,
        policy_bytes,
    } = ServiceLimits::default();
    assert_eq!((policies, rules, policy_bytes), (100, 250, 400 * 1024));
}

#[tokio::test]
async fn an_organization_has_room_for_so_many_policies() {
    for profile in EmulatorProfile::ALL {
        let service = service(
            profile,
            ServiceLimits {
                policies: 2,
                ..ServiceLimits::default()
            },
        )
        .await;
        service.policy("a").await;
        service.policy("b").await;
        let answer = service
            .policies(Method::POST, "", Some(json!({"name": "c"})))
            .await;
        assert_eq!(outcome(&answer), full(profile));
        let answer = service
            .policies(Method::POST, "", Some(json!({"name": "a"})))
            .await;
        assert_eq!(
            outcome(&answer),
            (409, "conflict".to_owned()),
            "a taken name is reported first"
        );
    }
}

#[tokio::test]
async fn a_policy_has_room_for_so_many_rules() {
    for profile in EmulatorProfile::ALL {
        let service = service(
            profile,
            ServiceLimits {
                rules: 2,
                ..ServiceLimits::default()
            },
        )
        .await;
        let policy = service.policy("p").await;
        service.rule(&policy, network("a", "example.com")).await;
        service.rule(&policy, network("b", "example.com")).await;
        let rule = network("c", "example.com");
        let answer = service
            .policies(Method::POST, &format!("/{policy}/rules"), Some(rule))
            .await;
        assert_eq!(outcome(&answer), full(profile));
    }
}

#[tokio::test]
async fn a_policy_has_room_for_so_many_bytes() {
    for profile in EmulatorProfile::ALL {
        let service = service(
            profile,
            ServiceLimits {
                policy_bytes: 1_000,
                ..ServiceLimits::default()
            },
        )
        .await;
        let policy = service.policy("p").await;
        let id = service.rule(&policy, network("a", "example.com")).await;
        let hosts: Vec<String> = (0..100).map(|n| format!("host-{n}.example.com")).collect();
        let mut rule = network("b", "example.com");
        rule["resources"] = json!(hosts);
        let too_long = (400, "invalid_argument".to_owned());
        let answer = service
            .policies(Method::POST, &format!("/{policy}/rules"), Some(rule))
            .await;
        assert_eq!(outcome(&answer), too_long, "{profile}");
        let patch = json!({"resources": hosts});
        let answer = service
            .policies(Method::PATCH, &format!("/{policy}/rules/{id}"), Some(patch))
            .await;
        assert_eq!(outcome(&answer), too_long, "{profile}");
        let answer = service
            .policies(Method::POST, "", Some(json!({"name": "x".repeat(2_000)})))
            .await;
        assert_eq!(outcome(&answer), too_long, "{profile}");
    }
}
