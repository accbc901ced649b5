//! The packs of an organization: list, read, delete.

use emulator::pulumi::{PulumiOptions, PulumiSeed};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Service, message, pack};

#[tokio::test]
async fn a_published_version_is_listed_and_reads_back_what_was_sent() {
    let service = Service::new().await;
    assert_eq!(
        service.get("/policypacks").await.body,
        json!({"policyPacks": []})
    );
    service.publish("guard", "1.0.0").await;
    service.publish("other", "1.0.0").await;
    service.publish("guard", "1.1.0").await;
    let guard = json!({"name": "guard", "displayName": "The guard", "versions": [1, 2], "versionTags": ["1.0.0", "1.1.0"]});
    let other = json!({"name": "other", "displayName": "The other", "versions": [1], "versionTags": ["1.0.0"]});
    assert_eq!(
        service.get("/policypacks").await.body,
        json!({"policyPacks": [guard, other]})
    );
    assert_eq!(
        service.get("/policypacks?policypack=guard").await.body,
        json!({"policyPacks": [guard]})
    );
    assert_eq!(
        service.get("/policypacks?policypack=none").await.body,
        json!({"policyPacks": []})
    );

    let sent = pack("guard", "1.1.0");
    let wanted = json!({"name": "guard", "displayName": "The guard", "version": 2, "versionTag": "1.1.0",
                        "policies": sent["policies"], "applied": false});
    for version in ["1.1.0", "2", "latest"] {
        assert_eq!(
            service
                .get(&format!("/policypacks/guard/versions/{version}"))
                .await
                .body,
            wanted,
            "{version}"
        );
    }
    let schema = service
        .get("/policypacks/guard/versions/1.1.0/schema")
        .await;
    assert_eq!(
        schema.body,
        json!({"configSchema": {"size": sent["policies"][0]["configSchema"]}})
    );
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let service = Service::new().await;
    service.publish("guard", "1.0.0").await;
    for (method, path) in [
        (Method::GET, "/api/orgs/none/policypacks"),
        (Method::GET, "/api/orgs/my-org/policypacks/none/versions/1"),
        (Method::GET, "/api/orgs/my-org/policypacks/guard/versions/2"),
        (
            Method::GET,
            "/api/orgs/my-org/policypacks/guard/versions/1.0.1/schema",
        ),
        (
            Method::POST,
            "/api/orgs/my-org/policypacks/guard/versions/1.0.1/complete",
        ),
        (
            Method::DELETE,
            "/api/orgs/my-org/policypacks/guard/versions/latest",
        ),
        (
            Method::DELETE,
            "/api/orgs/my-org/policypacks/none/versions/1",
        ),
        (Method::DELETE, "/api/orgs/my-org/policypacks/none"),
        (Method::GET, "/api/orgs/my-org/registry/policypacks/none"),
    ] {
        let answer = service.call(method.clone(), path, None).await;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (404, &json!(404)),
            "{method} {path}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_deleted_version_is_gone_and_its_tag_and_number_stay_taken() {
    let service = Service::new().await;
    service.publish("guard", "1.0.0").await;
    service.publish("guard", "1.1.0").await;
    let deleted = service
        .org(Method::DELETE, "/policypacks/guard/versions/1.1.0", None)
        .await;
    assert_eq!((deleted.status, deleted.body), (200, Value::Null));
    assert_eq!(
        service
            .get("/policypacks/guard/versions/1.1.0")
            .await
            .status,
        404
    );
    assert_eq!(
        service.get("/policypacks/guard/versions/latest").await.body["versionTag"],
        "1.0.0"
    );
    let again = service
        .org(Method::POST, "/policypacks", Some(pack("guard", "1.1.0")))
        .await;
    assert_eq!(again.status, 400);
    assert!(
        message(&again).contains("already been published"),
        "{again:?}"
    );
    service.publish("guard", "1.2.0").await;
    let list = service.get("/policypacks").await;
    assert_eq!(list.body["policyPacks"][0]["versions"], json!([1, 3]));

    // The same applies to the whole pack.
    assert_eq!(
        service
            .org(Method::DELETE, "/policypacks/guard", None)
            .await
            .status,
        200
    );
    assert_eq!(
        service.get("/policypacks").await.body["policyPacks"],
        json!([])
    );
    assert_eq!(
        service
            .org(Method::DELETE, "/policypacks/guard", None)
            .await
            .status,
        404
    );
    let again = service
        .org(Method::POST, "/policypacks", Some(pack("guard", "1.0.0")))
        .await;
    assert_eq!(again.status, 400);
    service.publish("guard", "2.0.0").await;
    assert_eq!(
        service.get("/policypacks").await.body["policyPacks"][0]["versions"],
        json!([4])
    );
}

#[tokio::test]
async fn what_a_group_has_cannot_be_deleted() {
    let service = Service::new().await;
    service.publish("guard", "1.0.0").await;
    service.publish("guard", "1.1.0").await;
    service.group("prod").await;
    let change = json!({"addPolicyPack": {"name": "guard", "versionTag": "1.0.0"}});
    assert_eq!(service.update("prod", change).await.status, 204);
    assert_eq!(
        service.get("/policypacks/guard/versions/1.0.0").await.body["applied"],
        true
    );
    assert_eq!(
        service.get("/policypacks/guard/versions/1.1.0").await.body["applied"],
        false
    );

    let refused = service
        .org(Method::DELETE, "/policypacks/guard/versions/1.0.0", None)
        .await;
    assert_eq!(
        (refused.status, message(&refused)),
        (
            409,
            "Cannot delete a Policy Pack that is applied to Policy Groups"
        )
    );
    let refused = service
        .org(Method::DELETE, "/policypacks/guard", None)
        .await;
    assert_eq!(
        (refused.status, message(&refused)),
        (400, "Cannot delete an enabled Policy Pack")
    );
    assert_eq!(
        service
            .get("/policypacks/guard/versions/1.1.0")
            .await
            .status,
        200,
        "nothing of it was deleted"
    );

    assert_eq!(
        service
            .org(Method::DELETE, "/policypacks/guard/versions/1.1.0", None)
            .await
            .status,
        200
    );
    let change = json!({"removePolicyPack": {"name": "guard"}});
    assert_eq!(service.update("prod", change).await.status, 204);
    assert_eq!(
        service
            .org(Method::DELETE, "/policypacks/guard", None)
            .await
            .status,
        200
    );
}

const PUBLISHERS: &str = r#"{"organizations": [
    {"name": "vendor", "foreign": true, "policyPacks": [
        {"name": "cis", "public": true, "versions": [{"versionTag": "3.0.0", "policies": []}]},
        {"name": "secret", "versions": [{"versionTag": "1.0.0", "policies": []}]}]},
    {"name": "my-org", "added": [{"publisher": "vendor", "name": "cis"}]},
    {"name": "without", "withoutPolicyAsCode": true}]}"#;

#[tokio::test]
async fn packs_of_other_publishers_are_read_and_applied_and_not_deleted() {
    let seed = Some(PulumiSeed::from_json(PUBLISHERS).unwrap());
    let service = Service::with(PulumiOptions {
        seed,
        ..PulumiOptions::default()
    })
    .await;
    let list = service.get("/policypacks").await;
    assert_eq!(list.body["policyPacks"][0]["name"], "cis");
    assert_eq!(
        service.get("/policypacks/cis/versions/3.0.0").await.status,
        200
    );
    for path in ["/policypacks/cis/versions/3.0.0", "/policypacks/cis"] {
        let refused = service.org(Method::DELETE, path, None).await;
        assert_eq!(
            (refused.status, message(&refused)),
            (400, "Cannot delete external policy packs")
        );
    }
    assert_eq!(
        service
            .org(
                Method::POST,
                "/policypacks/cis/versions/3.0.0/complete",
                None
            )
            .await
            .status,
        404
    );
    let change = json!({"addPolicyPack": {"name": "cis"}});
    assert_eq!(
        service.update("default-policy-group", change).await.status,
        204
    );
    assert_eq!(
        service.packs_of("default-policy-group").await,
        ["cis 3.0.0"]
    );
    assert_eq!(
        service
            .get("/policypacks/secret/versions/1.0.0")
            .await
            .status,
        404
    );
    // The caller is not a member of the vendor.
    assert_eq!(
        service
            .call(Method::GET, "/api/orgs/vendor/policypacks", None)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn an_organization_without_the_feature_says_so() {
    let seed = Some(PulumiSeed::from_json(PUBLISHERS).unwrap());
    let service = Service::with(PulumiOptions {
        seed,
        ..PulumiOptions::default()
    })
    .await;
    for (method, path, body) in [
        (Method::GET, "policypacks", None),
        (Method::POST, "policypacks", Some(pack("guard", "1.0.0"))),
        (Method::GET, "policypacks/guard/versions/1/schema", None),
        (Method::GET, "policygroups", None),
    ] {
        let refused = service
            .call(method, &format!("/api/orgs/without/{path}"), body)
            .await;
        assert_eq!(
            (refused.status, message(&refused)),
            (400, "Policy as code feature not enabled"),
            "{path}"
        );
    }
}
