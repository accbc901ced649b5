//! The registry, with and without `preview` in its paths.

use emulator::pulumi::{PulumiOptions, PulumiSeed};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Service, message, pack};

const ROOTS: [&str; 2] = [
    "/api/registry/policypacks",
    "/api/preview/registry/policypacks",
];

const SEED: &str = r#"{"organizations": [
    {"name": "vendor", "foreign": true, "policyPacks": [
        {"name": "cis", "public": true, "source": "pulumi", "versions": [{"versionTag": "3.0.0"}]},
        {"name": "pci", "public": true, "id": "5b0ff9a6-2b3c-4f0e-9f6c-0d9b5a1c2e3f", "versions": [{"versionTag": "1.0.0"}]},
        {"name": "secret", "versions": [{"versionTag": "1.0.0"}]}]},
    {"name": "my-org", "added": [{"publisher": "vendor", "name": "cis"}], "policyPacks": [
        {"name": "guard", "versions": [{"versionTag": "1.0.0", "displayName": "Guard",
            "policies": [{"name": "p", "displayName": "P", "description": "", "enforcementLevel": "advisory", "message": "m"}]},
            {"versionTag": "1.1.0", "displayName": "Guard"}, {"versionTag": "1.2.0", "incomplete": true}]},
        {"name": "kept-back", "withheld": true, "versions": [{}]},
        {"name": "unfinished", "versions": [{"incomplete": true}]}]},
    {"name": "second", "policyPacks": [{"name": "own", "public": true, "versions": [{"versionTag": "0.1.0"}]}]}]}"#;

async fn service() -> Service {
    Service::with(PulumiOptions {
        seed: Some(PulumiSeed::from_json(SEED).unwrap()),
        ..PulumiOptions::default()
    })
    .await
}

fn names(list: &Value) -> Vec<String> {
    let packs = list["policyPacks"].as_array().unwrap();
    packs
        .iter()
        .map(|pack| pack["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn packs_are_listed_by_the_access_that_an_organization_has() {
    let service = service().await;
    for root in ROOTS {
        for (body, wanted) in [
            (json!({"orgLogin": "my-org"}), vec!["guard"]),
            (
                json!({"orgLogin": "my-org", "access": "enabled"}),
                vec!["guard"],
            ),
            (
                json!({"orgLogin": "my-org", "access": "private"}),
                vec!["guard", "kept-back"],
            ),
            (
                json!({"orgLogin": "my-org", "access": "added"}),
                vec!["cis"],
            ),
            (
                json!({"orgLogin": "my-org", "access": "available"}),
                vec!["pci", "own"],
            ),
            (json!({}), vec!["guard", "own"]),
            (json!({"orgLogin": "none"}), vec![]),
            (
                json!({"access": "available", "ids": ["5b0ff9a6-2b3c-4f0e-9f6c-0d9b5a1c2e3f", "x"]}),
                vec!["pci"],
            ),
        ] {
            let list = service.call(Method::POST, root, Some(body.clone())).await;
            assert_eq!(
                (list.status, names(&list.body)),
                (
                    200,
                    wanted
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<String>>()
                ),
                "{body}"
            );
        }
        for (query, wanted) in [
            ("orgLogin=my-org", vec!["guard", "kept-back"]),
            ("orgLogin=my-org&access=enabled", vec!["guard"]),
            ("orgLogin=my-org&access=added", vec![]),
            ("orgLogin=vendor", vec!["cis", "pci"]),
        ] {
            let list = service
                .call(Method::GET, &format!("{root}?{query}"), None)
                .await;
            assert_eq!(
                (list.status, names(&list.body)),
                (
                    200,
                    wanted
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<String>>()
                ),
                "{query}"
            );
        }
        let wrong = service
            .call(
                Method::GET,
                &format!("{root}?orgLogin=my-org&access=some"),
                None,
            )
            .await;
        assert_eq!(
            (wrong.status, message(&wrong)),
            (400, "Policy pack access is not valid")
        );
        let wrong = service
            .call(Method::POST, root, Some(json!({"access": "some"})))
            .await;
        assert_eq!(
            (wrong.status, message(&wrong)),
            (400, "Policy pack access is not valid")
        );
        assert_eq!(
            service.call(Method::GET, root, None).await.status,
            400,
            "orgLogin is required"
        );
    }
}

#[tokio::test]
async fn who_has_no_token_sees_what_is_public() {
    let mut service = service().await;
    service.token = String::new();
    for root in ROOTS {
        let list = service
            .call(Method::GET, &format!("{root}?orgLogin=vendor"), None)
            .await;
        assert_eq!(names(&list.body), ["cis", "pci"]);
        assert_eq!(list.body["policyPacks"][0]["accessLevel"], "view-only");
        let list = service.call(Method::POST, root, Some(json!({}))).await;
        assert_eq!(names(&list.body), ["own"]);
        let path = format!("{root}/private/my-org/guard/versions");
        assert_eq!(service.call(Method::GET, &path, None).await.status, 401);
    }
}

#[tokio::test]
async fn entries_tell_where_a_pack_is_from_and_how_far_it_may_be_used() {
    let service = service().await;
    let list = service
        .call(
            Method::POST,
            ROOTS[0],
            Some(json!({"orgLogin": "my-org", "access": "added"})),
        )
        .await;
    let cis = &list.body["policyPacks"][0];
    let id = cis["id"].as_str().unwrap();
    assert_eq!(
        *cis,
        json!({"id": id, "source": "pulumi", "publisher": "vendor", "name": "cis", "version": "3.0.0", "displayName": "cis",
               "accessLevel": "full", "enforcementLevels": ["advisory", "mandatory", "remediate", "disabled"]})
    );
    let list = service
        .call(
            Method::POST,
            ROOTS[0],
            Some(json!({"orgLogin": "my-org", "access": "available"})),
        )
        .await;
    assert_eq!(list.body["policyPacks"][0]["accessLevel"], "view-only");

    let light = service.get("/registry/policypacks/guard").await;
    assert_eq!(light.body["policyPack"]["version"], "1.1.0");
    assert!(light.body.get("policies").is_none());
    for (tag, version) in [("latest", "1.1.0"), ("1.0.0", "1.0.0")] {
        let light = service
            .get(&format!("/registry/policypacks/guard?tag={tag}"))
            .await;
        assert_eq!(light.body["policyPack"]["version"], version);
    }
    assert_eq!(
        service
            .get("/registry/policypacks/guard?tag=1.2.0")
            .await
            .status,
        404,
        "it is incomplete"
    );
    assert_eq!(service.get("/registry/policypacks/cis").await.status, 200);
    assert_eq!(
        service.get("/registry/policypacks/pci").await.status,
        404,
        "it is not added"
    );
}

#[tokio::test]
async fn versions_are_read_by_tag_or_as_the_latest() {
    let service = service().await;
    for root in ROOTS {
        let pack = format!("{root}/private/my-org/guard/versions");
        let list = service.call(Method::GET, &pack, None).await;
        let versions: Vec<&Value> = list.body["policyPacks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| &v["version"])
            .collect();
        assert_eq!(versions, ["1.0.0", "1.1.0"]);
        for (version, wanted) in [("1.0.0", "1.0.0"), ("latest", "1.1.0"), ("2", "1.1.0")] {
            let read = service
                .call(Method::GET, &format!("{pack}/{version}"), None)
                .await;
            assert_eq!(read.body["policyPack"]["version"], wanted);
        }
        let first = service
            .call(Method::GET, &format!("{pack}/1.0.0"), None)
            .await;
        assert_eq!(first.body["policies"][0]["name"], "p");
        for path in [
            "private/my-org/guard/versions/1.2.0",
            "private/my-org/guard/versions/9.9.9",
            "pulumi/my-org/guard/versions/1.0.0",
            "private/my-org/none/versions",
            "private/my-org/unfinished/versions",
            "private/vendor/secret/versions",
            "private/vendor/secret/versions/latest",
        ] {
            let answer = service
                .call(Method::GET, &format!("{root}/{path}"), None)
                .await;
            assert_eq!(answer.status, 404, "{path}");
        }
        let public = service
            .call(
                Method::GET,
                &format!("{root}/private/vendor/pci/versions/latest"),
                None,
            )
            .await;
        assert_eq!(public.body["policyPack"]["accessLevel"], "view-only");
    }
}

#[tokio::test]
async fn a_version_is_published_completed_and_deleted_through_the_registry() {
    let service = service().await;
    let mut tags = Vec::new();
    for (root, tag) in ROOTS.into_iter().zip(["2.0.0", "2.1.0"]) {
        let versions = format!("{root}/private/my-org/guard/versions");
        let created = service
            .call(Method::POST, &versions, Some(pack("guard", tag)))
            .await;
        assert_eq!(created.status, 201, "{created:?}");
        let complete = format!("{versions}/{tag}/complete");
        assert_eq!(
            service.call(Method::POST, &complete, None).await.status,
            400,
            "nothing is uploaded"
        );
        assert_eq!(service.upload(&created.body, "archive").await, 200);
        assert_eq!(
            service.call(Method::POST, &complete, None).await.status,
            204
        );
        assert_eq!(
            service
                .call(Method::GET, &format!("{versions}/latest"), None)
                .await
                .body["policyPack"]["version"],
            tag
        );
        assert_eq!(
            service
                .call(Method::POST, &versions, Some(pack("guard", tag)))
                .await
                .status,
            400
        );
        assert_eq!(
            service
                .call(Method::POST, &versions, Some(pack("other", "9.0.0")))
                .await
                .status,
            400
        );
        tags.push(tag);
    }
    // The contract defines no body. Without one, the version gets the policies of the newest
    // version.
    let versions = format!("{}/private/my-org/guard/versions", ROOTS[0]);
    let created = service.call(Method::POST, &versions, None).await;
    assert_eq!((created.status, &created.body["version"]), (201, &json!(6)));
    service.upload(&created.body, "archive").await;
    assert_eq!(
        service
            .call(Method::POST, &format!("{versions}/6/complete"), None)
            .await
            .status,
        204
    );
    assert_eq!(
        service.get("/policypacks/guard/versions/6").await.body["policies"],
        pack("guard", "")["policies"]
    );

    service
        .update(
            "default-policy-group",
            json!({"addPolicyPack": {"name": "guard", "versionTag": "2.0.0"}}),
        )
        .await;
    assert_eq!(
        service
            .call(Method::DELETE, &format!("{versions}/2.0.0"), None)
            .await
            .status,
        409
    );
    assert_eq!(
        service
            .call(Method::DELETE, &format!("{versions}/2.1.0"), None)
            .await
            .status,
        204
    );
    assert_eq!(
        service
            .call(Method::DELETE, &format!("{versions}/2.1.0"), None)
            .await
            .status,
        404
    );
    let guard = format!("{}/private/my-org/guard", ROOTS[1]);
    assert_eq!(
        service.call(Method::DELETE, &guard, None).await.status,
        400,
        "a group has a version of it"
    );
    service
        .update(
            "default-policy-group",
            json!({"removePolicyPack": {"name": "guard"}}),
        )
        .await;
    assert_eq!(service.call(Method::DELETE, &guard, None).await.status, 204);
    assert_eq!(service.call(Method::DELETE, &guard, None).await.status, 404);
    assert_eq!(
        service
            .call(Method::POST, &versions, Some(pack("guard", "3.0.0")))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn nobody_publishes_for_an_organization_that_is_not_theirs() {
    let service = service().await;
    for root in ROOTS {
        for (path, status) in [
            ("private/vendor/pci/versions", 403),
            ("private/vendor/secret/versions", 404),
            ("private/my-org/none/versions", 404),
        ] {
            let refused = service
                .call(
                    Method::POST,
                    &format!("{root}/{path}"),
                    Some(pack("pci", "2.0.0")),
                )
                .await;
            assert_eq!(refused.status, status, "{path}");
        }
        for path in ["private/vendor/pci", "private/vendor/pci/versions/1.0.0"] {
            assert_eq!(
                service
                    .call(Method::DELETE, &format!("{root}/{path}"), None)
                    .await
                    .status,
                403,
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn lists_come_in_pages_that_a_token_continues() {
    let service = Service::with(PulumiOptions {
        page_size: 2,
        ..PulumiOptions::default()
    })
    .await;
    for name in ["a", "b", "c", "d", "e"] {
        service.publish(name, "1.0.0").await;
    }
    for tag in ["1.1.0", "1.2.0"] {
        service.publish("a", tag).await;
    }
    let versions = format!("{}/private/my-org/a/versions", ROOTS[1]);
    for (method, path, body, sizes) in [
        (
            Method::GET,
            format!("{}?orgLogin=my-org", ROOTS[0]),
            None,
            vec![2, 2, 1],
        ),
        (
            Method::POST,
            format!("{}?", ROOTS[1]),
            Some(json!({"orgLogin": "my-org"})),
            vec![2, 2, 1],
        ),
        (Method::GET, format!("{versions}?"), None, vec![2, 1]),
    ] {
        let mut found = Vec::new();
        let mut token = String::new();
        loop {
            let continued = format!("{path}&continuationToken={token}");
            let page = service.call(method.clone(), &continued, body.clone()).await;
            found.push(page.body["policyPacks"].as_array().unwrap().len());
            match page.body["continuationToken"].as_str() {
                Some(next) => token = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(found, sizes, "{path}");
        let foreign = format!("{path}&continuationToken=invented");
        let refused = service.call(method, &foreign, body).await;
        assert_eq!(
            (refused.status, message(&refused)),
            (400, "invalid continuation token")
        );
    }
}
