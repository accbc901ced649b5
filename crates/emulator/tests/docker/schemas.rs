//! The schemas accept valid bodies and reject invalid ones.

use serde_json::{Value, json};

use crate::shared::contract::Direction::{Request, Response};
use crate::shared::contract::{check, contract};

const EVERY: &[&str] = &["seed", "intermediate", "current"];
const LATER: &[&str] = &["intermediate", "current"];
const BEFORE: &[&str] = &["seed", "intermediate"];

#[test]
fn each_profile_has_its_operations() {
    for (profile, count) in [("seed", 6), ("intermediate", 8), ("current", 8)] {
        let governance = contract(profile)
            .operations
            .iter()
            .filter(|operation| operation.authenticated);
        assert_eq!(
            governance
                .filter(|operation| operation.name != "listGroups")
                .count(),
            count,
            "{profile}"
        );
    }
    let media_type = |profile| {
        let path = "/v2/orgs/o/governance/policies/p/rules/r";
        contract(profile)
            .operation("PATCH", path)
            .unwrap()
            .request_media_type
            .as_deref()
    };
    assert_eq!(media_type("seed"), Some("application/merge-patch+json"));
    assert_eq!(media_type("current"), Some("application/json"));
}

#[test]
fn what_a_request_may_hold() {
    let rule = json!({"name": "r", "actions": ["connect:tcp"], "resources": ["a.com"], "decision": "allow"});
    let http = json!({"name": "r", "actions": ["request:get"], "decision": "allow",
                      "http_resources": [{"host": "a.com", "path": "/"}]});
    let mixed = json!({"name": "r", "actions": ["read", "connect:tcp"], "resources": ["/"], "decision": "allow"});
    let both = json!({"resources": ["a.com"], "http_resources": [{"host": "a.com", "path": "/"}]});
    let table: Vec<(&[&str], &str, Value, bool)> = vec![
        (EVERY, "createPolicy", json!({"name": "p"}), true),
        (
            EVERY,
            "createPolicy",
            json!({"name": "p", "extra": 1}),
            false,
        ),
        (
            &["seed"],
            "createPolicy",
            json!({"name": "p", "scope": {"profiles": ["x"]}}),
            true,
        ),
        (
            LATER,
            "createPolicy",
            json!({"name": "p", "scope": {"profiles": ["x"]}}),
            false,
        ),
        (LATER, "updatePolicy", json!({}), false),
        (LATER, "updatePolicy", json!({"name": null}), false),
        (LATER, "updatePolicy", json!({"scope": {"teams": []}}), true),
        (&["seed"], "updatePolicy", json!({"name": "p"}), false),
        (EVERY, "createRule", rule, true),
        (EVERY, "createRule", mixed, false),
        (BEFORE, "createRule", http.clone(), false),
        (&["current"], "createRule", http, true),
        (EVERY, "updateRule", json!({"resources": ["a.com"]}), true),
        (EVERY, "updateRule", json!({"resources": []}), false),
        (EVERY, "updateRule", json!({"name": null}), false),
        (EVERY, "updateRule", json!({}), false),
        (EVERY, "updateRule", both, false),
        (
            &["current"],
            "updateRule",
            json!({"actions": ["request:get"], "resources": ["a.com"]}),
            false,
        ),
        (
            &["seed"],
            "signIn",
            json!({"username": "u", "password": "p"}),
            true,
        ),
        (
            LATER,
            "signIn",
            json!({"username": "u", "password": "p"}),
            false,
        ),
        (
            LATER,
            "signIn",
            json!({"identifier": "u", "secret": "p"}),
            true,
        ),
    ];
    for (profiles, operation, body, good) in table {
        for profile in profiles {
            let result = check(profile, operation, Request, 0, &body);
            assert_eq!(
                result.is_ok(),
                good,
                "{profile} {operation} {body}: {result:?}"
            );
        }
    }
}

#[test]
fn what_an_answer_may_hold() {
    let at = "2026-04-22T00:00:00Z";
    let policy = json!({"id": "p", "name": "n", "org": "o", "scope": {}, "created_at": at, "updated_at": at});
    let with = |changes: Value| {
        let mut changed = policy.clone();
        json_patch::merge(&mut changed, &changes);
        changed
    };
    let rule = json!({"id": "r", "name": "r", "actions": ["read"], "resources": ["/"], "decision": "allow"});
    let error = |code: &str| json!({"error": {"code": code, "message": "m"}});
    let table: Vec<(&[&str], &str, u16, Value, bool)> = vec![
        (EVERY, "getPolicy", 200, policy.clone(), true),
        (
            EVERY,
            "getPolicy",
            200,
            with(json!({"type": "allowlist_v0"})),
            false,
        ),
        (
            EVERY,
            "getPolicy",
            200,
            with(json!({"updated_at": "yesterday"})),
            false,
        ),
        (
            EVERY,
            "getPolicy",
            200,
            with(json!({"allowlist_v0": {"domain": "filesystem", "rules": [rule]}})),
            true,
        ),
        (
            EVERY,
            "getPolicy",
            200,
            with(json!({"allowlist_v0": {"domain": "network", "rules": [rule]}})),
            false,
        ),
        (
            EVERY,
            "getPolicy",
            200,
            with(json!({"allowlist_v0": {"domain": "network", "rules": []}})),
            false,
        ),
        (
            &["current"],
            "listPolicies",
            200,
            json!({"data": [], "next_page_token": null}),
            true,
        ),
        (
            &["current"],
            "listPolicies",
            200,
            json!({"data": []}),
            false,
        ),
        (
            &["intermediate"],
            "listPolicies",
            200,
            json!({"data": []}),
            true,
        ),
        (
            &["seed"],
            "listPolicies",
            200,
            json!([with(json!({"type": "allowlist_v0"}))]),
            true,
        ),
        (EVERY, "getPolicy", 404, error("not_found"), true),
        (EVERY, "getPolicy", 404, error("conflict"), false),
        (EVERY, "getPolicy", 418, error("not_found"), false),
        (LATER, "createPolicy", 403, error("limit_exceeded"), true),
        (
            &["seed"],
            "createPolicy",
            403,
            error("limit_exceeded"),
            false,
        ),
        (&["seed"], "createRule", 409, error("conflict"), false),
        (
            EVERY,
            "signIn",
            401,
            json!({"detail": "d", "message": "m", "errinfo": {}}),
            true,
        ),
        (EVERY, "signIn", 401, error("unauthenticated"), false),
    ];
    for (profiles, operation, status, body, good) in table {
        for profile in profiles {
            let result = check(profile, operation, Response, status, &body);
            assert_eq!(
                result.is_ok(),
                good,
                "{profile} {operation} {status} {body}: {result:?}"
            );
        }
    }
}
