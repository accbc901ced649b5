use emulator::EmulatorProfile;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Service, files, http, network, outcome};

const ALL: &[EmulatorProfile] = &EmulatorProfile::ALL;
const SEED: &[EmulatorProfile] = &[EmulatorProfile::Seed];
const LATER: &[EmulatorProfile] = &[EmulatorProfile::Intermediate, EmulatorProfile::Current];
const CURRENT: &[EmulatorProfile] = &[EmulatorProfile::Current];
const BEFORE: &[EmulatorProfile] = &[EmulatorProfile::Seed, EmulatorProfile::Intermediate];

/// `rule` with some fields replaced; null removes a field.
fn with(mut rule: Value, changes: Value) -> Value {
    json_patch::merge(&mut rule, &changes);
    rule
}

/// `rule` with a field that is null.
fn nulled(mut rule: Value, member: &str) -> Value {
    rule[member] = Value::Null;
    rule
}

#[tokio::test]
async fn what_can_be_created() {
    let net = || network("r", "example.com");
    let target = |host: &str, path: &str| json!({"http_resources": [{"host": host, "path": path}]});
    let table: Vec<(&[EmulatorProfile], Value, u16)> = vec![
        (ALL, net(), 201),
        (ALL, files("r"), 201),
        (CURRENT, http("r"), 201),
        (BEFORE, http("r"), 400),
        (
            ALL,
            with(net(), json!({"actions": ["connect:tcp", "connect:udp"]})),
            201,
        ),
        (
            ALL,
            with(
                net(),
                json!({"resources": ["crl*.digicert.com:80", "2001:db8::/32"]}),
            ),
            201,
        ),
        (ALL, with(net(), json!({"decision": "deny"})), 201),
        (ALL, with(net(), json!({"decision": "maybe"})), 400),
        (ALL, with(net(), json!({"actions": []})), 400),
        (ALL, with(net(), json!({"actions": ["connect:quic"]})), 400),
        (
            ALL,
            with(net(), json!({"actions": ["connect:tcp", "read"]})),
            400,
        ),
        (ALL, with(net(), json!({"resources": []})), 400),
        (
            ALL,
            with(net(), json!({"resources": ["https://example.com"]})),
            400,
        ),
        (ALL, with(net(), json!({"resources": ["10.0.0.0/99"]})), 400),
        (
            ALL,
            with(net(), json!({"resources": ["example.com:0"]})),
            400,
        ),
        (ALL, with(net(), json!({"resources": "example.com"})), 400),
        (ALL, with(net(), json!({"name": null})), 400),
        (ALL, with(net(), json!({"name": " "})), 400),
        (ALL, with(net(), json!({"actions": null})), 400),
        (ALL, with(net(), json!({"resources": null})), 400),
        (ALL, with(net(), json!({"decision": null})), 400),
        (ALL, nulled(net(), "decision"), 400),
        (ALL, with(net(), json!({"id": "rule_1"})), 400),
        (
            ALL,
            with(net(), json!({"expires_at": "2030-01-01T00:00:00Z"})),
            400,
        ),
        (ALL, with(files("r"), json!({"resources": ["data"]})), 400),
        (
            ALL,
            with(files("r"), json!({"resources": ["~/src/**", "C:\\data"]})),
            201,
        ),
        (CURRENT, with(net(), http("r")), 400),
        (
            CURRENT,
            with(net(), json!({"actions": ["request:get"]})),
            400,
        ),
        (
            CURRENT,
            with(http("r"), json!({"actions": ["connect:tcp"]})),
            400,
        ),
        (
            CURRENT,
            with(
                http("r"),
                json!({"actions": ["request:get", "connect:tcp"]}),
            ),
            400,
        ),
        (CURRENT, with(http("r"), json!({"http_resources": []})), 400),
        (CURRENT, with(http("r"), target("api.github.com", "/")), 201),
        (
            CURRENT,
            with(http("r"), target("api.github.com", "repos")),
            400,
        ),
        (
            CURRENT,
            with(http("r"), target("api.github.com", "/a/../b")),
            400,
        ),
        (
            CURRENT,
            with(http("r"), target("api.github.com:443", "/")),
            400,
        ),
        (CURRENT, with(http("r"), target("10.0.0.0/8", "/")), 400),
        (
            CURRENT,
            with(
                http("r"),
                json!({"http_resources": [{"host": "a.com", "path": "/", "port": 0}]}),
            ),
            400,
        ),
        (
            CURRENT,
            with(
                http("r"),
                json!({"http_resources": [{"host": "a.com", "path": "/", "port": 65536}]}),
            ),
            400,
        ),
        (
            CURRENT,
            with(
                http("r"),
                json!({"http_resources": [{"host": "a.com", "path": "/", "tls": true}]}),
            ),
            400,
        ),
    ];
    for (profiles, body, status) in table {
        for profile in profiles {
            let service = Service::new(*profile).await;
            let policy = service.policy("p").await;
            let answer = service
                .policies(
                    Method::POST,
                    &format!("/{policy}/rules"),
                    Some(body.clone()),
                )
                .await;
            let code = if status == 400 {
                "invalid_argument"
            } else {
                ""
            };
            assert_eq!(
                outcome(&answer),
                (status, code.to_owned()),
                "{profile} {body} {}",
                answer.1
            );
            if status == 201 {
                let id = answer.1["id"].as_str().unwrap();
                assert!(
                    id.strip_prefix("rule_")
                        .is_some_and(|rest| rest.len() == 28),
                    "{id}"
                );
                assert_eq!(answer.1, with(body.clone(), json!({"id": id})));
            }
        }
    }
}

#[tokio::test]
async fn the_rules_of_a_policy_share_a_domain() {
    for profile in EmulatorProfile::ALL {
        let service = Service::new(profile).await;
        let first = service.policy("network").await;
        let second = service.policy("files").await;
        let rule = service.rule(&first, network("n", "example.com")).await;
        service.rule(&second, files("f")).await;
        assert_eq!(
            service.get(&first).await["allowlist_v0"]["domain"],
            "network"
        );
        assert_eq!(
            service.get(&second).await["allowlist_v0"]["domain"],
            "filesystem"
        );
        for (policy, rule) in [(&first, files("x")), (&second, network("x", "example.com"))] {
            let answer = service
                .policies(Method::POST, &format!("/{policy}/rules"), Some(rule))
                .await;
            assert_eq!(outcome(&answer), (400, "invalid_argument".to_owned()));
        }
        if profile == EmulatorProfile::Current {
            service.rule(&first, http("h")).await;
            assert_eq!(
                service.get(&first).await["allowlist_v0"]["domain"],
                "network"
            );
            continue;
        }
        service
            .policies(Method::DELETE, &format!("/{first}/rules/{rule}"), None)
            .await;
        service
            .rule(&first, files("an emptied policy may change its domain"))
            .await;
    }
}

#[tokio::test]
async fn rule_names_are_unique_from_intermediate_on() {
    for (profiles, create, update) in [(SEED, 201, 200), (LATER, 409, 409)] {
        for profile in profiles {
            let service = Service::new(*profile).await;
            let policy = service.policy("p").await;
            service.rule(&policy, network("a", "example.com")).await;
            let second = service.rule(&policy, network("b", "example.com")).await;
            let path = format!("/{policy}/rules/{second}");
            let (status, _) = service
                .policies(Method::PATCH, &path, Some(json!({"name": "a"})))
                .await;
            assert_eq!(status.as_u16(), update, "{profile}");
            let rules = format!("/{policy}/rules");
            let (status, _) = service
                .policies(Method::POST, &rules, Some(network("a", "example.org")))
                .await;
            assert_eq!(status.as_u16(), create, "{profile}");
            let (status, _) = service
                .policies(Method::PATCH, &path, Some(json!({"name": "c"})))
                .await;
            assert_eq!(status, StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn what_a_patch_may_hold() {
    let net = || network("r", "example.com");
    let to_http =
        json!({"actions": ["request:get"], "http_resources": [{"host": "a.com", "path": "/"}]});
    let to_files = json!({"actions": ["read"], "resources": ["/data"]});
    let table: Vec<(&[EmulatorProfile], Value, Value, u16)> = vec![
        (ALL, net(), json!({"resources": ["example.org"]}), 200),
        (ALL, net(), json!({"decision": "deny", "name": "s"}), 200),
        (ALL, net(), json!({"actions": ["connect:udp"]}), 200),
        (ALL, net(), json!({}), 400),
        (ALL, net(), json!({"name": null}), 400),
        (ALL, net(), json!({"resources": null}), 400),
        (ALL, net(), json!({"resources": []}), 400),
        (ALL, net(), json!({"actions": []}), 400),
        (ALL, net(), json!({"name": ""}), 400),
        (ALL, net(), json!({"id": "x"}), 400),
        (ALL, net(), json!({"resources": ["not a host"]}), 400),
        (CURRENT, net(), to_http.clone(), 200),
        (BEFORE, net(), to_http.clone(), 400),
        (CURRENT, net(), json!({"actions": ["request:get"]}), 400),
        (
            CURRENT,
            net(),
            json!({"http_resources": [{"host": "a.com", "path": "/"}]}),
            400,
        ),
        (
            CURRENT,
            http("r"),
            json!({"actions": ["connect:tcp"], "resources": ["a.com"]}),
            200,
        ),
        (CURRENT, http("r"), json!({"actions": ["connect:tcp"]}), 400),
        (
            CURRENT,
            http("r"),
            with(to_http.clone(), json!({"resources": ["a.com"]})),
            400,
        ),
        (CURRENT, net(), to_files.clone(), 200),
        (CURRENT, net(), json!({"actions": ["read"]}), 400),
        (BEFORE, net(), to_files, 400),
    ];
    for (profiles, rule, patch, status) in table {
        for profile in profiles {
            let service = Service::new(*profile).await;
            let policy = service.policy("p").await;
            let id = service.rule(&policy, rule.clone()).await;
            let before = service.get(&policy).await;
            let path = format!("/{policy}/rules/{id}");
            let answer = service
                .policies(Method::PATCH, &path, Some(patch.clone()))
                .await;
            let code = if status == 400 {
                "invalid_argument"
            } else {
                ""
            };
            assert_eq!(
                outcome(&answer),
                (status, code.to_owned()),
                "{profile} {patch} {}",
                answer.1
            );
            let after = service.get(&policy).await;
            if status == 200 {
                assert_eq!(answer.1["old"], before["allowlist_v0"]["rules"][0]);
                assert_eq!(answer.1["new"], after["allowlist_v0"]["rules"][0]);
                assert_ne!(before["updated_at"], after["updated_at"]);
            } else {
                assert_eq!(before, after, "a refused patch changes nothing");
            }
        }
    }
}

#[tokio::test]
async fn a_switch_between_network_and_http_swaps_the_resources() {
    let service = Service::new(EmulatorProfile::Current).await;
    let policy = service.policy("p").await;
    let id = service.rule(&policy, network("r", "example.com")).await;
    service.rule(&policy, network("other", "example.com")).await;
    let path = format!("/{policy}/rules/{id}");
    let body = http("r");
    let patch = json!({"actions": body["actions"], "http_resources": body["http_resources"]});
    let (_, answer) = service.policies(Method::PATCH, &path, Some(patch)).await;
    assert!(answer["new"].get("resources").is_none(), "{answer}");
    let patch = json!({"actions": ["connect:tcp"], "resources": ["example.org"]});
    let (_, answer) = service.policies(Method::PATCH, &path, Some(patch)).await;
    assert!(answer["new"].get("http_resources").is_none(), "{answer}");
}

#[tokio::test]
async fn a_rule_with_neighbours_keeps_its_domain() {
    for profile in EmulatorProfile::ALL {
        let service = Service::new(profile).await;
        let policy = service.policy("p").await;
        let id = service.rule(&policy, network("r", "example.com")).await;
        service.rule(&policy, network("other", "example.com")).await;
        let patch = json!({"actions": ["read"], "resources": ["/data"]});
        let answer = service
            .policies(Method::PATCH, &format!("/{policy}/rules/{id}"), Some(patch))
            .await;
        assert_eq!(
            outcome(&answer),
            (400, "invalid_argument".to_owned()),
            "{profile}"
        );
    }
}

#[tokio::test]
async fn each_operation_has_its_media_type() {
    let json = "application/json";
    let merge = "application/merge-patch+json";
    for (profile, media_type, status) in [
        (EmulatorProfile::Seed, Some(merge), 200),
        (EmulatorProfile::Seed, Some(json), 415),
        (EmulatorProfile::Intermediate, Some(json), 200),
        (EmulatorProfile::Intermediate, Some(merge), 415),
        (
            EmulatorProfile::Current,
            Some("application/JSON; charset=utf-8"),
            200,
        ),
        (EmulatorProfile::Current, Some(merge), 415),
        (EmulatorProfile::Current, Some("text/plain"), 415),
        (EmulatorProfile::Current, None, 415),
    ] {
        let service = Service::new(profile).await;
        let policy = service.policy("p").await;
        let rule = service.rule(&policy, network("r", "example.com")).await;
        let url = format!(
            "{}/v2/orgs/my-org/governance/policies/{policy}/rules/{rule}",
            service.base
        );
        let mut request = service
            .client
            .patch(url)
            .bearer_auth(&service.token)
            .body(r#"{"name":"s"}"#);
        if let Some(media_type) = media_type {
            request = request.header("content-type", media_type);
        }
        assert_eq!(
            request.send().await.unwrap().status().as_u16(),
            status,
            "{profile} {media_type:?}"
        );
    }
}

#[tokio::test]
async fn a_deleted_rule_is_answered_and_the_last_one_leaves_no_allowlist() {
    for profile in EmulatorProfile::ALL {
        let service = Service::new(profile).await;
        let policy = service.policy("p").await;
        let id = service.rule(&policy, network("r", "example.com")).await;
        let before = service.get(&policy).await;
        let (status, answer) = service
            .policies(Method::DELETE, &format!("/{policy}/rules/{id}"), None)
            .await;
        assert_eq!(
            (status, &answer["deleted"]),
            (StatusCode::OK, &before["allowlist_v0"]["rules"][0])
        );
        let after = service.get(&policy).await;
        assert!(after.get("allowlist_v0").is_none());
        assert_ne!(before["updated_at"], after["updated_at"]);
    }
}

#[tokio::test]
async fn repeated_members_of_a_body_are_refused() {
    let service = Service::new(EmulatorProfile::Current).await;
    let url = format!("{}/v2/orgs/my-org/governance/policies", service.base);
    let request = service
        .client
        .post(url)
        .bearer_auth(&service.token)
        .header("content-type", "application/json");
    let response = request
        .body(r#"{"name":"a","name":"b"}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}
