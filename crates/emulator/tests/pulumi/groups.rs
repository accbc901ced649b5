//! Policy groups, built-in and created, and how they apply to stacks and accounts.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Service, message};

const DEFAULT: &str = "/policygroups/default-policy-group";

#[tokio::test]
async fn two_groups_are_built_in_and_hold_what_no_other_group_has() {
    let service = Service::new().await;
    let list = service.get("/policygroups").await;
    let group = |name: &str, entity: &str, mode: &str, stacks: u32, accounts: u32| {
        json!({"name": name, "isOrgDefault": true, "numStacks": stacks, "numAccounts": accounts, "entityType": entity,
               "mode": mode, "numEnabledPolicyPacks": 0})
    };
    let accounts = group("default-accounts-policy-group", "accounts", "audit", 0, 1);
    let stacks = group("default-policy-group", "stacks", "preventative", 2, 0);
    assert_eq!(list.body, json!({"policyGroups": [stacks, accounts]}));

    service.group("prod").await;
    let prod = json!({"name": "prod", "routingProject": "web"});
    assert_eq!(
        service
            .update("prod", json!({"addStack": prod}))
            .await
            .status,
        204
    );
    let default = service.get(DEFAULT).await;
    assert_eq!(
        default.body["stacks"],
        json!([{"name": "dev", "routingProject": "web"}])
    );
    assert_eq!(
        service
            .org(Method::DELETE, "/policygroups/prod", None)
            .await
            .status,
        204
    );
    let default = service.get(DEFAULT).await;
    assert_eq!(
        default.body["stacks"].as_array().unwrap().len(),
        2,
        "it has them back"
    );
}

#[tokio::test]
async fn built_in_groups_are_not_deleted_renamed_or_given_members() {
    let service = Service::new().await;
    let stack = json!({"name": "dev", "routingProject": "web"});
    for (name, change) in [
        ("default-policy-group", json!({"addStack": stack})),
        ("default-policy-group", json!({"removeStack": stack})),
        ("default-policy-group", json!({"stacks": [stack]})),
        (
            "default-accounts-policy-group",
            json!({"addInsightsAccount": {"name": "aws"}}),
        ),
        ("default-policy-group", json!({"newName": "mine"})),
    ] {
        let refused = service.update(name, change.clone()).await;
        assert_eq!(refused.status, 400, "{name} {change}");
    }
    let refused = service.org(Method::DELETE, DEFAULT, None).await;
    assert_eq!(
        (refused.status, message(&refused)),
        (400, "Cannot delete the default Policy Group")
    );
    assert_eq!(service.get(DEFAULT).await.body["isOrgDefault"], true);
}

#[tokio::test]
async fn a_group_is_created_with_the_mode_of_its_type_and_read_back() {
    let service = Service::new().await;
    for (request, mode) in [
        (json!({"name": "s", "entityType": "stacks"}), "preventative"),
        (json!({"name": "a", "entityType": "accounts"}), "audit"),
        (
            json!({"name": "sa", "entityType": "stacks", "mode": "audit"}),
            "audit",
        ),
        (
            json!({"name": "ap", "entityType": "accounts", "mode": "preventative", "agentPoolId": "pool"}),
            "preventative",
        ),
    ] {
        assert_eq!(
            service
                .org(Method::POST, "/policygroups", Some(request.clone()))
                .await
                .status,
            204
        );
        let name = request["name"].as_str().unwrap();
        let mut wanted = json!({"name": name, "isOrgDefault": false, "entityType": request["entityType"], "mode": mode,
                                "stacks": [], "accounts": [], "appliedPolicyPacks": []});
        if let Some(pool) = request.get("agentPoolId") {
            wanted["agentPoolId"] = pool.clone();
        }
        assert_eq!(
            service.get(&format!("/policygroups/{name}")).await.body,
            wanted
        );
    }
}

#[tokio::test]
async fn a_group_that_cannot_be_is_refused() {
    let service = Service::new().await;
    service.group("taken").await;
    for (request, status) in [
        (json!({"name": "taken", "entityType": "stacks"}), 409),
        (
            json!({"name": "default-policy-group", "entityType": "stacks"}),
            409,
        ),
        (json!({"name": "a b", "entityType": "stacks"}), 400),
        (json!({"name": "metadata", "entityType": "stacks"}), 400),
        (json!({"name": "g", "entityType": "clusters"}), 400),
        (json!({"name": "g"}), 400),
        (json!({"entityType": "stacks"}), 400),
        (
            json!({"name": "g", "entityType": "stacks", "mode": "strict"}),
            400,
        ),
        (
            json!({"name": "g", "entityType": "stacks", "stacks": []}),
            400,
        ),
    ] {
        let refused = service
            .org(Method::POST, "/policygroups", Some(request.clone()))
            .await;
        assert_eq!(refused.status, status, "{request}: {refused:?}");
    }
    for (method, path) in [
        (Method::GET, "/api/orgs/none/policygroups"),
        (Method::POST, "/api/orgs/none/policygroups"),
        (Method::GET, "/api/orgs/my-org/policygroups/none"),
        (Method::PATCH, "/api/orgs/my-org/policygroups/none"),
        (Method::DELETE, "/api/orgs/my-org/policygroups/none"),
        (Method::GET, "/api/orgs/none/policygroups/metadata"),
    ] {
        let body = match method {
            Method::POST => Some(json!({"name": "g", "entityType": "stacks"})),
            Method::PATCH => Some(json!({"agentPoolId": "p"})),
            _ => None,
        };
        assert_eq!(
            service.call(method.clone(), path, body).await.status,
            404,
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn what_groups_protect_is_counted() {
    let service = Service::new().await;
    let audit = json!({"name": "watched", "entityType": "stacks", "mode": "audit"});
    service
        .org(Method::POST, "/policygroups", Some(audit))
        .await;
    service
        .update(
            "watched",
            json!({"addStack": {"name": "dev", "routingProject": "web"}}),
        )
        .await;
    let counts = service.get("/policygroups/metadata").await.body;
    let wanted = [
        ("ProtectedStacks", 2),
        ("ProtectedStackResources", 20),
        ("PreventativeStacks", 1),
        ("PreventativeStackResources", 10),
        ("AuditStacks", 1),
        ("AuditStackResources", 10),
        ("TotalStacks", 2),
        ("TotalStackResources", 20),
        ("ProtectedAccounts", 1),
        ("ProtectedAccountResources", 5),
        ("TotalAccounts", 1),
        ("TotalAccountResources", 5),
    ];
    for (name, count) in wanted {
        assert_eq!(counts[name], count, "{name}");
    }
}

#[tokio::test]
async fn a_stack_must_pass_the_packs_of_its_groups() {
    let service = Service::new().await;
    service.publish("guard", "1.0.0").await;
    service.publish("guard", "1.1.0").await;
    let audit = json!({"name": "watched", "entityType": "stacks", "mode": "audit"});
    service
        .org(Method::POST, "/policygroups", Some(audit))
        .await;
    service.group("prod").await;
    let stack = json!({"name": "prod", "routingProject": "web"});
    for (group, tag) in [("watched", "1.1.0"), ("prod", "1.0.0")] {
        service.update(group, json!({"addStack": stack})).await;
        let config = json!({"size": {"max": 3}});
        let pack =
            json!({"name": "guard", "versionTag": tag, "config": config, "environments": ["env"]});
        assert_eq!(
            service
                .update(group, json!({"addPolicyPack": pack}))
                .await
                .status,
            204
        );
    }
    let base = "/api/stacks/my-org/web/prod";
    let groups = service
        .call(Method::GET, &format!("{base}/policygroups"), None)
        .await;
    let names: Vec<&Value> = groups.body["policyGroups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| &group["name"])
        .collect();
    assert_eq!(names, ["watched", "prod"]);
    for (query, tags) in [
        ("", vec!["1.1.0", "1.0.0"]),
        ("?mode=audit", vec!["1.1.0"]),
        ("?mode=preventative", vec!["1.0.0"]),
    ] {
        let packs = service
            .call(Method::GET, &format!("{base}/policypacks{query}"), None)
            .await;
        let packs = packs.body["requiredPolicies"].as_array().unwrap().clone();
        assert_eq!(
            packs
                .iter()
                .map(|pack| &pack["versionTag"])
                .collect::<Vec<_>>(),
            tags,
            "{query}"
        );
        for pack in packs {
            assert_eq!(
                (&pack["config"], &pack["environments"]),
                (&json!({"size": {"max": 3}}), &json!(["env"]))
            );
            let archive = service
                .client
                .get(pack["packLocation"].as_str().unwrap())
                .send()
                .await
                .unwrap();
            let wanted = format!("guard {}", pack["versionTag"].as_str().unwrap());
            assert_eq!(archive.text().await.unwrap(), wanted, "what was uploaded");
        }
    }
    let wrong = service
        .call(
            Method::GET,
            &format!("{base}/policypacks?mode=strict"),
            None,
        )
        .await;
    assert_eq!(
        (wrong.status, message(&wrong)),
        (400, "Invalid mode parameter value")
    );
    for path in [
        "/api/stacks/my-org/web/none/policygroups",
        "/api/stacks/my-org/other/prod/policypacks",
    ] {
        assert_eq!(
            service.call(Method::GET, path, None).await.status,
            404,
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_account_is_analyzed_with_the_packs_of_its_groups() {
    let service = Service::new().await;
    service.publish("guard", "1.0.0").await;
    let group = json!({"name": "clouds", "entityType": "accounts"});
    service
        .org(Method::POST, "/policygroups", Some(group))
        .await;
    for change in [
        json!({"addInsightsAccount": {"name": "aws"}}),
        json!({"addPolicyPack": {"name": "guard"}}),
    ] {
        assert_eq!(service.update("clouds", change).await.status, 204);
    }
    let base = "/api/preview/insights/my-org/accounts";
    let packs = service
        .call(Method::GET, &format!("{base}/aws/policy/packs"), None)
        .await;
    assert_eq!(packs.body["packs"][0]["name"], "guard");
    let wrong = service
        .call(
            Method::GET,
            &format!("{base}/aws/policy/packs?continuationToken=x"),
            None,
        )
        .await;
    assert_eq!(
        (wrong.status, message(&wrong)),
        (400, "invalid continuation token")
    );
    assert_eq!(
        service
            .call(Method::GET, &format!("{base}/gcp/policy/packs"), None)
            .await
            .status,
        404
    );
}
