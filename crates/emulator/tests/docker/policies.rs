use emulator::{DockerOptions, EmulatorProfile};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Service, TEAM, files, network, outcome};

const ALL: &[EmulatorProfile] = &EmulatorProfile::ALL;
const SEED: &[EmulatorProfile] = &[EmulatorProfile::Seed];
const LATER: &[EmulatorProfile] = &[EmulatorProfile::Intermediate, EmulatorProfile::Current];
const CURRENT: &[EmulatorProfile] = &[EmulatorProfile::Current];
const BEFORE: &[EmulatorProfile] = &[EmulatorProfile::Seed, EmulatorProfile::Intermediate];

fn cedar(text: &str) -> Value {
    json!({"text": text, "schema_url": "https://schemas.docker.com/policy/cedar/v1/mcp/v0"})
}

const PERMIT: &str = "permit(principal, action, resource);";

#[tokio::test]
async fn what_can_be_created() {
    let table: Vec<(&[EmulatorProfile], Value, u16, &str)> = vec![
        (ALL, json!({"name": "a"}), 201, ""),
        (
            ALL,
            json!({"name": "Security Research — hardened"}),
            201,
            "",
        ),
        (ALL, json!({"name": "a", "scope": {}}), 201, ""),
        (ALL, json!({"name": "a", "scope": {"teams": []}}), 201, ""),
        (
            ALL,
            json!({"name": "a", "scope": {"teams": [TEAM]}}),
            201,
            "",
        ),
        (
            ALL,
            json!({"name": "a", "scope": {"teams": ["nobody"]}}),
            400,
            "invalid_argument",
        ),
        (
            SEED,
            json!({"name": "a", "scope": {"profiles": ["security"]}}),
            201,
            "",
        ),
        (
            SEED,
            json!({"name": "a", "scope": {"profiles": [""]}}),
            400,
            "invalid_argument",
        ),
        (
            LATER,
            json!({"name": "a", "scope": {"profiles": ["security"]}}),
            400,
            "invalid_argument",
        ),
        (ALL, json!({}), 400, "invalid_argument"),
        (ALL, json!({"name": ""}), 400, "invalid_argument"),
        (ALL, json!({"name": "  "}), 400, "invalid_argument"),
        (ALL, json!({"name": 1}), 400, "invalid_argument"),
        (ALL, json!({"name": null}), 400, "invalid_argument"),
        (
            ALL,
            json!({"name": "a", "scope": null}),
            400,
            "invalid_argument",
        ),
        (
            ALL,
            json!({"name": "a", "scope": {"teams": [null]}}),
            400,
            "invalid_argument",
        ),
        (
            ALL,
            json!({"name": "a", "scope": {"users": []}}),
            400,
            "invalid_argument",
        ),
        (
            ALL,
            json!({"name": "a", "rules": []}),
            400,
            "invalid_argument",
        ),
        (ALL, json!(["a"]), 400, "invalid_argument"),
        (
            CURRENT,
            json!({"name": "a", "cedar_v1": cedar(PERMIT)}),
            201,
            "",
        ),
        (
            BEFORE,
            json!({"name": "a", "cedar_v1": cedar(PERMIT)}),
            400,
            "invalid_argument",
        ),
        (
            CURRENT,
            json!({"name": "a", "cedar_v1": cedar("permit(")}),
            400,
            "invalid_argument",
        ),
        (
            CURRENT,
            json!({"name": "a", "cedar_v1": cedar(&format!("@id(\"x\") {PERMIT}"))}),
            400,
            "invalid_argument",
        ),
        (
            CURRENT,
            json!({"name": "a", "cedar_v1": {"text": PERMIT}}),
            400,
            "invalid_argument",
        ),
    ];
    for (profiles, body, status, code) in table {
        for profile in profiles {
            let service = Service::new(*profile).await;
            let answer = service.policies(Method::POST, "", Some(body.clone())).await;
            assert_eq!(
                outcome(&answer),
                (status, code.to_owned()),
                "{profile} {body} {}",
                answer.1
            );
        }
    }
}

#[tokio::test]
async fn a_new_policy_is_shown_alike_everywhere() {
    for profile in EmulatorProfile::ALL {
        let service = Service::new(profile).await;
        let body = json!({"name": "p", "scope": {"teams": [TEAM]}});
        let (_, created) = service.policies(Method::POST, "", Some(body)).await;
        let id = created["id"].as_str().unwrap();
        assert!(
            id.strip_prefix("pol_").is_some_and(|rest| rest.len() == 28),
            "{id}"
        );
        assert_eq!(created["org"], "my-org");
        assert_eq!(created["scope"], json!({"teams": [TEAM]}));
        assert_eq!(created["created_at"], created["updated_at"]);
        for absent in ["type", "allowlist_v0", "cedar_v1"] {
            assert!(created.get(absent).is_none(), "{absent}");
        }
        assert_eq!(service.get(id).await, created);

        let (_, list) = service.policies(Method::GET, "", None).await;
        let mut summary = created.clone();
        summary["type"] = json!("allowlist_v0");
        let expected = match profile {
            EmulatorProfile::Seed => json!([summary]),
            EmulatorProfile::Intermediate => json!({"data": [summary]}),
            EmulatorProfile::Current => json!({"data": [summary], "next_page_token": null}),
        };
        assert_eq!(list, expected);
    }
}

#[tokio::test]
async fn names_are_unique_in_an_organization() {
    for profile in EmulatorProfile::ALL {
        let service = Service::new(profile).await;
        let first = service.policy("first").await;
        let answer = service
            .policies(Method::POST, "", Some(json!({"name": "first"})))
            .await;
        assert_eq!(outcome(&answer), (409, "conflict".to_owned()));
        if profile == EmulatorProfile::Seed {
            continue;
        }
        service.policy("second").await;
        for (name, status) in [("second", 409), ("first", 200), ("third", 200)] {
            let (found, _) = service
                .policies(
                    Method::PATCH,
                    &format!("/{first}"),
                    Some(json!({"name": name})),
                )
                .await;
            assert_eq!(found.as_u16(), status, "{name}");
        }
    }
}

#[tokio::test]
async fn what_a_policy_patch_may_hold() {
    let table: Vec<(&[EmulatorProfile], Value, u16)> = vec![
        (LATER, json!({"name": "new"}), 200),
        (LATER, json!({"scope": {"teams": [TEAM]}}), 200),
        (LATER, json!({"name": "new", "scope": {"teams": []}}), 200),
        (LATER, json!({}), 400),
        (LATER, json!({"name": ""}), 400),
        (LATER, json!({"name": null}), 400),
        (LATER, json!({"scope": {"teams": null}}), 400),
        (LATER, json!({"scope": {"teams": ["nobody"]}}), 400),
        (LATER, json!({"scope": {"profiles": ["x"]}}), 400),
        (LATER, json!({"rules": []}), 400),
        (LATER, json!({"cedar_v1": cedar(PERMIT)}), 400),
        (SEED, json!({"name": "new"}), 405),
    ];
    for (profiles, body, status) in table {
        for profile in profiles {
            let service = Service::new(*profile).await;
            let id = service.policy("old").await;
            let (found, answer) = service
                .policies(Method::PATCH, &format!("/{id}"), Some(body.clone()))
                .await;
            assert_eq!(found.as_u16(), status, "{profile} {body} {answer}");
        }
    }
}

#[tokio::test]
async fn a_policy_patch_answers_old_and_new_and_leaves_the_rest_alone() {
    for profile in LATER {
        let service = Service::new(*profile).await;
        let body = json!({"name": "old", "scope": {"teams": [TEAM]}});
        let (_, created) = service.policies(Method::POST, "", Some(body)).await;
        let path = format!("/{}", created["id"].as_str().unwrap());
        service
            .policies(
                Method::POST,
                &format!("{path}/rules"),
                Some(network("r", "example.com")),
            )
            .await;
        let before = service.get(&path[1..]).await;

        let (_, renamed) = service
            .policies(
                Method::PATCH,
                &path,
                Some(json!({"name": "new", "scope": {}})),
            )
            .await;
        assert_eq!(renamed["old"], before);
        assert_eq!(
            renamed["new"]["scope"],
            json!({"teams": [TEAM]}),
            "an absent sub-field stays"
        );
        assert_eq!(renamed["new"]["allowlist_v0"], before["allowlist_v0"]);
        assert_ne!(renamed["new"]["updated_at"], before["updated_at"]);

        let (_, emptied) = service
            .policies(Method::PATCH, &path, Some(json!({"scope": {"teams": []}})))
            .await;
        assert_eq!(
            emptied["new"]["scope"],
            json!({}),
            "an empty list is the whole organization"
        );
        assert_eq!(service.get(&path[1..]).await, emptied["new"]);
    }
}

#[tokio::test]
async fn a_policy_is_deleted_with_its_rules() {
    for profile in LATER {
        let service = Service::new(*profile).await;
        let id = service.policy("p").await;
        service.rule(&id, files("r")).await;
        let before = service.get(&id).await;
        let (status, answer) = service
            .policies(Method::DELETE, &format!("/{id}"), None)
            .await;
        assert_eq!(
            (status, &answer["deleted"]),
            (StatusCode::OK, &before),
            "the time of change stays too"
        );
        let again = service
            .policies(Method::DELETE, &format!("/{id}"), None)
            .await;
        assert_eq!(outcome(&again), (404, "not_found".to_owned()));
        service.policy("p").await;
    }
    let service = Service::new(EmulatorProfile::Seed).await;
    let id = service.policy("p").await;
    let answer = service
        .policies(Method::DELETE, &format!("/{id}"), None)
        .await;
    assert_eq!(outcome(&answer), (405, "unimplemented".to_owned()));
}

#[tokio::test]
async fn what_does_not_exist() {
    for profile in EmulatorProfile::ALL {
        let service = Service::new(profile).await;
        let hidden = if profile == EmulatorProfile::Seed {
            (403, "permission_denied")
        } else {
            (404, "not_found")
        };
        let policies = "/v2/orgs/my-org/governance/policies";
        let id = service.policy("p").await;
        for (method, path, body, (status, code)) in [
            (
                Method::GET,
                "/v2/orgs/nobody/governance/policies".to_owned(),
                None,
                hidden,
            ),
            (
                Method::POST,
                "/v2/orgs/nobody/governance/policies".to_owned(),
                Some(json!({"name": "a"})),
                hidden,
            ),
            (
                Method::GET,
                format!("{policies}/pol_0"),
                None,
                (404, "not_found"),
            ),
            (
                Method::POST,
                format!("{policies}/pol_0/rules"),
                Some(files("r")),
                (404, "not_found"),
            ),
            (
                Method::DELETE,
                format!("{policies}/{id}/rules/rule_0"),
                None,
                (404, "not_found"),
            ),
            (
                Method::PATCH,
                format!("{policies}/{id}/rules/rule_0"),
                Some(json!({"name": "r"})),
                (404, "not_found"),
            ),
            (
                Method::GET,
                format!("{policies}/{id}/rules"),
                None,
                (405, "unimplemented"),
            ),
            (
                Method::GET,
                "/v2/orgs/my-org/governance/other".to_owned(),
                None,
                (404, "not_found"),
            ),
        ] {
            let answer = service.call(method.clone(), &path, body).await;
            assert_eq!(
                outcome(&answer),
                (status, code.to_owned()),
                "{profile} {method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn cedar_policies_hold_text_instead_of_rules() {
    let service = Service::new(EmulatorProfile::Current).await;
    let body = json!({"name": "c", "cedar_v1": cedar(PERMIT)});
    let (_, created) = service.policies(Method::POST, "", Some(body)).await;
    let id = created["id"].as_str().unwrap();
    assert_eq!(created["cedar_v1"], cedar(PERMIT));
    let (_, list) = service.policies(Method::GET, "", None).await;
    assert_eq!(list["data"][0]["type"], "cedar_v1");
    assert!(list["data"][0].get("cedar_v1").is_none());

    let answer = service
        .policies(Method::POST, &format!("/{id}/rules"), Some(files("r")))
        .await;
    assert_eq!(outcome(&answer), (400, "invalid_argument".to_owned()));
    let forbid = cedar("forbid(principal, action, resource);");
    let (status, answer) = service
        .policies(
            Method::PATCH,
            &format!("/{id}"),
            Some(json!({"name": "d", "cedar_v1": forbid})),
        )
        .await;
    assert_eq!(
        (status, &answer["new"]["cedar_v1"]),
        (StatusCode::OK, &forbid)
    );
    assert_eq!(answer["old"]["cedar_v1"], cedar(PERMIT));
}

#[tokio::test]
async fn extra_fields_are_stored_and_patched_as_a_merge_patch() {
    for profile in LATER {
        let service = Service::with(DockerOptions {
            profile: *profile,
            extra_fields: vec!["approval".to_owned()],
            ..DockerOptions::default()
        })
        .await;
        let body = json!({"name": "p", "approval": {"required": true, "by": ["ann"]}});
        let (status, made) = service.policies(Method::POST, "", Some(body)).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        assert_eq!(made["approval"]["by"], json!(["ann"]));
        let path = format!("/{}", made["id"].as_str().unwrap());
        let patch = json!({"approval": {"by": null, "ttl": 5}});
        let (status, answer) = service.policies(Method::PATCH, &path, Some(patch)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(answer["old"]["approval"], made["approval"]);
        let expected = json!({"required": true, "ttl": 5});
        assert_eq!(answer["new"]["approval"], expected);
        let mut rule = network("r", "example.com");
        rule["approval"] = json!("asked");
        let rules = format!("{path}/rules");
        let (_, rule) = service.policies(Method::POST, &rules, Some(rule)).await;
        assert_eq!(rule["approval"], "asked");
        let rule_path = format!("{rules}/{}", rule["id"].as_str().unwrap());
        let gone = json!({"approval": null});
        let (status, answer) = service
            .policies(Method::PATCH, &rule_path, Some(gone))
            .await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(answer["new"]["approval"], Value::Null);
        // Every other field is still refused.
        let other = json!({"name": "q", "aproval": true});
        let (status, _) = service.policies(Method::POST, "", Some(other)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
}
