//! Changes of groups.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Service, message};

/// A service with packs `guard` (1.0.0, 1.1.0) and `other` (1.0.0), a group `g` of stacks and `a` of accounts.
async fn service() -> Service {
    let service = Service::new().await;
    for (name, tag) in [("guard", "1.0.0"), ("guard", "1.1.0"), ("other", "1.0.0")] {
        service.publish(name, tag).await;
    }
    service.group("g").await;
    let accounts = json!({"name": "a", "entityType": "accounts"});
    service
        .org(Method::POST, "/policygroups", Some(accounts))
        .await;
    service
}

#[tokio::test]
async fn a_pack_is_added_switched_configured_and_removed() {
    let service = service().await;
    for (change, wanted) in [
        (
            json!({"addPolicyPack": {"name": "guard", "versionTag": "1.0.0"}}),
            vec!["guard 1.0.0"],
        ),
        (
            json!({"addPolicyPack": {"name": "other", "version": 1}}),
            vec!["guard 1.0.0", "other 1.0.0"],
        ),
        (
            json!({"addPolicyPack": {"name": "guard", "versionTag": "1.1.0"}}),
            vec!["guard 1.1.0", "other 1.0.0"],
        ),
        (
            json!({"addPolicyPack": {"name": "guard", "displayName": "x", "version": 1, "versionTag": "1.0.0"}}),
            vec!["guard 1.0.0", "other 1.0.0"],
        ),
        (
            json!({"addPolicyPack": {"name": "guard", "versionTag": "latest"}}),
            vec!["guard 1.1.0", "other 1.0.0"],
        ),
        (
            json!({"removePolicyPack": {"name": "other", "versionTag": "1.0.0"}}),
            vec!["guard 1.1.0"],
        ),
        (json!({"removePolicyPack": {"name": "guard"}}), vec![]),
        (
            json!({"policyPacks": [{"name": "other"}, {"name": "guard"}]}),
            vec!["other 1.0.0", "guard 1.1.0"],
        ),
        (
            json!({"policyPacks": [{"name": "guard", "versionTag": "1.0.0"}]}),
            vec!["guard 1.0.0"],
        ),
        (json!({"policyPacks": []}), vec![]),
    ] {
        assert_eq!(
            service.update("g", change.clone()).await.status,
            204,
            "{change}"
        );
        assert_eq!(service.packs_of("g").await, wanted, "{change}");
    }
    let config = json!({"size": {"max": 3, "enforcementLevel": "advisory"}, "all": {"enforcementLevel": "mandatory"}});
    let pack =
        json!({"name": "guard", "versionTag": "1.1.0", "config": config, "environments": ["p/e"]});
    assert_eq!(
        service
            .update("g", json!({"addPolicyPack": pack}))
            .await
            .status,
        204
    );
    let group = service.get("/policygroups/g").await;
    let wanted = json!({"name": "guard", "displayName": "The guard", "version": 2, "versionTag": "1.1.0",
                        "config": config, "environments": ["p/e"]});
    assert_eq!(group.body["appliedPolicyPacks"], json!([wanted]));
    // Omitted fields are not kept: the whole entry is replaced.
    service
        .update(
            "g",
            json!({"addPolicyPack": {"name": "guard", "versionTag": "1.1.0"}}),
        )
        .await;
    assert!(
        service.get("/policygroups/g").await.body["appliedPolicyPacks"][0]
            .get("config")
            .is_none()
    );
}

#[tokio::test]
async fn members_are_added_removed_and_replaced() {
    let service = service().await;
    let stack = |name: &str| json!({"name": name, "routingProject": "web"});
    for (change, wanted) in [
        (json!({"addStack": stack("dev")}), vec!["dev"]),
        (json!({"addStack": stack("dev")}), vec!["dev"]),
        (
            json!({"stacks": [stack("prod"), stack("dev")]}),
            vec!["prod", "dev"],
        ),
        (json!({"removeStack": stack("prod")}), vec!["dev"]),
        (json!({"stacks": []}), vec![]),
    ] {
        assert_eq!(
            service.update("g", change.clone()).await.status,
            204,
            "{change}"
        );
        let group = service.get("/policygroups/g").await.body;
        let names: Vec<&Value> = group["stacks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|stack| &stack["name"])
            .collect();
        assert_eq!(names, wanted, "{change}");
    }
    let account = json!({"id": "1", "name": "aws", "ownedBy": {}, "provider": "aws", "scheduledScanEnabled": false});
    for (change, wanted) in [
        (json!({"addInsightsAccount": account}), json!(["aws"])),
        (json!({"removeInsightsAccount": {"name": "aws"}}), json!([])),
        (json!({"insightsAccounts": ["aws"]}), json!(["aws"])),
    ] {
        assert_eq!(
            service.update("a", change.clone()).await.status,
            204,
            "{change}"
        );
        assert_eq!(
            service.get("/policygroups/a").await.body["accounts"],
            wanted,
            "{change}"
        );
    }
    for (pool, shown) in [("p", json!("p")), ("", Value::Null)] {
        service.update("a", json!({"agentPoolId": pool})).await;
        assert_eq!(
            service.get("/policygroups/a").await.body["agentPoolId"],
            shown
        );
    }
}

#[tokio::test]
async fn a_group_is_renamed_and_keeps_what_it_has() {
    let service = service().await;
    service
        .update("g", json!({"addPolicyPack": {"name": "guard"}}))
        .await;
    assert_eq!(
        service.update("g", json!({"newName": "h"})).await.status,
        204
    );
    assert_eq!(service.get("/policygroups/g").await.status, 404);
    assert_eq!(service.packs_of("h").await, ["guard 1.1.0"]);
    for name in ["a", "default-policy-group", "a b", "metadata"] {
        assert_eq!(
            service.update("h", json!({"newName": name})).await.status,
            400,
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_change_that_cannot_be_made_changes_nothing() {
    let service = service().await;
    service
        .update(
            "g",
            json!({"addPolicyPack": {"name": "guard", "versionTag": "1.0.0"}}),
        )
        .await;
    let before = service.get("/policygroups/g").await;
    let add = |pack: Value| json!({"addPolicyPack": pack});
    for (change, status, wanted) in [
        (json!({}), 400, "changes nothing"),
        (json!({"mode": "audit"}), 400, "unknown field `mode`"),
        (
            json!({"entityType": "accounts"}),
            400,
            "unknown field `entityType`",
        ),
        (json!({"policyPacks": null}), 400, "must not be null"),
        (add(json!({"name": "none"})), 404, "Policy Pack"),
        (
            add(json!({"name": "guard", "versionTag": "9.9.9"})),
            404,
            "Policy Pack",
        ),
        (
            add(json!({"name": "guard", "versionTag": ""})),
            400,
            "must not be empty",
        ),
        (
            add(json!({"name": "guard", "versionTag": "1.0.0", "version": 2})),
            400,
            "is not the version",
        ),
        (
            add(json!({"name": "guard", "config": {"size": "advisory"}})),
            400,
            "must be an object",
        ),
        (
            add(json!({"name": "guard", "config": {"size": {"max": 11}}})),
            400,
            "11 is greater",
        ),
        (
            add(json!({"name": "guard", "config": {"size": {"max": null}}})),
            400,
            "null is not of type",
        ),
        (
            add(json!({"name": "guard", "config": {"none": {}}})),
            400,
            "no such policy",
        ),
        (
            add(json!({"name": "guard", "config": {"plain": {"enforcementLevel": "x"}}})),
            400,
            "enforcementLevel",
        ),
        (
            json!({"removePolicyPack": {"name": "other"}}),
            404,
            "Policy Pack",
        ),
        (
            json!({"removePolicyPack": {"name": "guard", "versionTag": "1.1.0"}}),
            404,
            "Policy Pack",
        ),
        (
            json!({"policyPacks": [{"name": "other"}, {"name": "other"}]}),
            400,
            "there twice",
        ),
        (
            json!({"policyPacks": [{"name": "other"}, {"name": "none"}]}),
            404,
            "Policy Pack",
        ),
        (
            json!({"addStack": {"name": "none", "routingProject": "web"}}),
            404,
            "Stack",
        ),
        (json!({"addStack": {"name": "dev"}}), 400, "routingProject"),
        (
            json!({"removeStack": {"name": "dev", "routingProject": "web"}}),
            404,
            "Stack",
        ),
        (
            json!({"addInsightsAccount": {"name": "aws"}}),
            400,
            "another type of entity",
        ),
        (
            json!({"addPolicyPack": {"name": "other"}, "newName": "a"}),
            400,
            "already exists",
        ),
    ] {
        let refused = service.update("g", change.clone()).await;
        assert_eq!(refused.status, status, "{change}: {refused:?}");
        assert!(message(&refused).contains(wanted), "{change}: {refused:?}");
        assert_eq!(service.get("/policygroups/g").await, before, "{change}");
    }
    let refused = service
        .update("a", json!({"addInsightsAccount": {"name": "none"}}))
        .await;
    assert_eq!(refused.status, 404);
}

#[tokio::test]
async fn several_operations_are_added_first_and_removed_after() {
    let service = service().await;
    let stack = json!({"name": "dev", "routingProject": "web"});
    let change = json!({"addPolicyPack": {"name": "guard"}, "addStack": stack, "newName": "h"});
    assert_eq!(service.update("g", change).await.status, 204);
    assert_eq!(service.packs_of("h").await, ["guard 1.1.0"]);

    let batch = |changes: Value| service.org(Method::PATCH, "/policygroups/h/batch", Some(changes));
    let changes = json!([{"removePolicyPack": {"name": "guard"}}, {"addPolicyPack": {"name": "other"}}, {"removeStack": stack}]);
    assert_eq!(batch(changes).await.status, 204);
    assert_eq!(service.packs_of("h").await, ["other 1.0.0"]);
    // A removal applies even if another member of the batch adds the same item.
    let changes =
        json!([{"removePolicyPack": {"name": "guard"}}, {"addPolicyPack": {"name": "guard"}}]);
    assert_eq!(batch(changes).await.status, 204);
    assert_eq!(service.packs_of("h").await, ["other 1.0.0"]);
    let changes =
        json!([{"addPolicyPack": {"name": "guard"}}, {"addPolicyPack": {"name": "none"}}]);
    assert_eq!(batch(changes).await.status, 404);
    assert_eq!(
        service.packs_of("h").await,
        ["other 1.0.0"],
        "all of it or nothing"
    );
    for changes in [
        json!({"addPolicyPack": {"name": "guard"}}),
        json!([[]]),
        json!([{}]),
    ] {
        assert_eq!(batch(changes.clone()).await.status, 400, "{changes}");
    }
}
