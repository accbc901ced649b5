//! Publishing in three steps, and the upload host.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Service, message, pack, policy};

#[tokio::test]
async fn an_incomplete_version_is_hidden_until_it_is_complete() {
    let service = Service::new().await;
    service.publish("guard", "1.0.0").await;
    service.group("prod").await;
    let created = service
        .org(Method::POST, "/policypacks", Some(pack("guard", "1.1.0")))
        .await;
    assert_eq!((created.status, &created.body["version"]), (201, &json!(2)));
    let complete = "/policypacks/guard/versions/1.1.0/complete";

    let early = service.org(Method::POST, complete, None).await;
    assert_eq!(
        (early.status, message(&early)),
        (400, "Policy Pack has not been uploaded")
    );
    assert_eq!(service.upload(&created.body, "archive").await, 200);
    assert_eq!(
        service.get("/policypacks").await.body["policyPacks"][0]["versionTags"],
        json!(["1.0.0"])
    );
    for path in [
        "/policypacks/guard/versions/1.1.0",
        "/policypacks/guard/versions/2/schema",
    ] {
        let hidden = service.get(path).await;
        assert_eq!(
            (hidden.status, message(&hidden)),
            (400, "Cannot get incomplete Policy Pack")
        );
    }
    let add = json!({"addPolicyPack": {"name": "guard", "versionTag": "1.1.0"}});
    assert_eq!(service.update("prod", add.clone()).await.status, 400);
    assert_eq!(
        service
            .update("prod", json!({"addPolicyPack": {"name": "guard"}}))
            .await
            .status,
        204
    );
    assert_eq!(
        service.packs_of("prod").await,
        ["guard 1.0.0"],
        "the newest is the newest complete one"
    );
    let registry = "/api/registry/policypacks/private/my-org/guard/versions";
    assert_eq!(
        service
            .call(Method::GET, &format!("{registry}/1.1.0"), None)
            .await
            .status,
        404
    );
    assert_eq!(
        service
            .call(Method::GET, &format!("{registry}/latest"), None)
            .await
            .status,
        200
    );

    assert_eq!(service.org(Method::POST, complete, None).await.status, 204);
    let twice = service.org(Method::POST, complete, None).await;
    assert_eq!(
        (twice.status, message(&twice)),
        (400, "Policy Pack is already complete")
    );
    assert_eq!(
        service.get("/policypacks").await.body["policyPacks"][0]["versionTags"],
        json!(["1.0.0", "1.1.0"])
    );
    assert_eq!(service.update("prod", add).await.status, 204);
}

#[tokio::test]
async fn a_half_published_version_can_be_deleted_and_nothing_of_it_is_left_but_its_tag() {
    let service = Service::new().await;
    let created = service
        .org(Method::POST, "/policypacks", Some(pack("guard", "1.0.0")))
        .await;
    assert_eq!(service.upload(&created.body, "archive").await, 200);
    assert_eq!(
        service
            .org(Method::DELETE, "/policypacks/guard/versions/1.0.0", None)
            .await
            .status,
        200
    );
    assert_eq!(
        service
            .get("/policypacks/guard/versions/1.0.0")
            .await
            .status,
        404
    );
    assert_eq!(
        service.upload(&created.body, "archive").await,
        403,
        "the upload has expired"
    );
    assert_eq!(
        service
            .org(Method::POST, "/policypacks", Some(pack("guard", "1.0.0")))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn a_version_without_a_tag_has_its_number_for_one() {
    let service = Service::new().await;
    let mut untagged = pack("guard", "");
    untagged.as_object_mut().unwrap().remove("versionTag");
    let created = service
        .org(Method::POST, "/policypacks", Some(untagged))
        .await;
    service.upload(&created.body, "archive").await;
    assert_eq!(
        service
            .org(Method::POST, "/policypacks/guard/versions/1/complete", None)
            .await
            .status,
        204
    );
    assert_eq!(
        service.get("/policypacks/guard/versions/1").await.body["versionTag"],
        "1"
    );
}

#[tokio::test]
async fn what_cannot_be_published_is_refused_with_the_place() {
    let service = Service::new().await;
    let with = |pointer: &str, value: Value| {
        let mut changed = pack("guard", "1.0.0");
        match changed.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => {
                let (parent, member) = pointer.rsplit_once('/').unwrap();
                changed.pointer_mut(parent).unwrap()[member] = value;
            }
        }
        changed
    };
    for (body, attribute, wanted) in [
        (
            with("/policies", json!([])),
            "",
            "Policy Pack must have at least one policy.",
        ),
        (with("/name", json!("a b")), "name", "1 to 100"),
        (with("/name", json!("a".repeat(101))), "name", "1 to 100"),
        (
            with("/versionTag", json!("1.0.0+build")),
            "versionTag",
            "1 to 100",
        ),
        (
            with("/versionTag", json!("latest")),
            "versionTag",
            "reserved",
        ),
        (with("/versionTag", json!("all")), "versionTag", "reserved"),
        (with("/extra", json!(1)), "", "unknown field `extra`"),
        (
            with("/displayName", Value::Null),
            "",
            "displayName must not be null",
        ),
        (
            with("/metadata", json!({"git.head": 1})),
            "",
            "invalid type",
        ),
        (
            with("/policies/1", policy("size")),
            "policies.1.name",
            "`size` is there twice",
        ),
        (
            with("/policies/1/name", json!("all")),
            "policies.1.name",
            "reserved",
        ),
        (
            with("/policies/1/name", json!("a/b")),
            "policies.1.name",
            "1 to 100",
        ),
        (
            with("/policies/1/enforcementLevel", json!("strict")),
            "policies.1",
            "unknown variant `strict`",
        ),
        (
            with("/policies/1/severity", json!("dire")),
            "policies.1",
            "unknown variant `dire`",
        ),
        (
            with("/policies/1/configSchema", json!({"type": "array"})),
            "policies.1",
            "unknown variant `array`",
        ),
        (
            with("/policies/1/configSchema", json!("object")),
            "policies.1",
            "invalid type",
        ),
        (
            with("/policies/1/level", json!("x")),
            "policies.1",
            "unknown field `level`",
        ),
    ] {
        let refused = service
            .org(Method::POST, "/policypacks", Some(body.clone()))
            .await;
        assert_eq!(refused.status, 400, "{body}");
        assert!(message(&refused).contains(wanted), "{body}: {refused:?}");
        let found = refused.body["errors"][0]["attribute"]
            .as_str()
            .unwrap_or_default();
        assert_eq!(found, attribute, "{body}: {refused:?}");
    }
    let unnamed = json!({"displayName": "d", "policies": [policy("a")]});
    assert_eq!(
        service
            .org(Method::POST, "/policypacks", Some(unnamed))
            .await
            .status,
        400
    );
    assert_eq!(
        service.get("/policypacks").await.body["policyPacks"],
        json!([])
    );
}

#[tokio::test]
async fn everything_that_may_be_said_about_a_pack_is_taken_and_the_runtime_does_not_change() {
    let service = Service::new().await;
    let full = |tag: &str, runtime: &str| {
        let mut full = pack("guard", tag);
        for (member, value) in [
            ("description", json!("d")),
            ("readme", json!("# r")),
            ("provider", json!("aws")),
            ("tags", json!(["a"])),
            ("repository", json!("https://example.com/r")),
            ("runtime", json!(runtime)),
            ("metadata", json!({"git.head": "0123"})),
        ] {
            full[member] = value;
        }
        full
    };
    service.publish_with(full("1.0.0", "nodejs")).await;
    let refused = service
        .org(Method::POST, "/policypacks", Some(full("1.1.0", "python")))
        .await;
    assert_eq!(
        (refused.status, &refused.body["errors"][0]["attribute"]),
        (400, &json!("runtime"))
    );
    service.publish("guard", "1.1.0").await;
    service.publish_with(full("1.2.0", "nodejs")).await;
    let read = service.get("/policypacks/guard/versions/1.2.0").await;
    assert!(
        read.body.get("readme").is_none(),
        "it is taken and not shown"
    );
}

#[tokio::test]
async fn a_config_schema_without_type_is_published_and_cannot_be_read() {
    let service = Service::new().await;
    let mut broken = pack("guard", "1.0.0");
    broken["policies"][0]["configSchema"]
        .as_object_mut()
        .unwrap()
        .remove("type");
    service.publish_with(broken).await;
    assert_eq!(
        service.get("/policypacks").await.body["policyPacks"][0]["name"],
        "guard"
    );
    for path in ["", "/schema"] {
        assert_eq!(
            service
                .get(&format!("/policypacks/guard/versions/1.0.0{path}"))
                .await
                .status,
            500
        );
    }
    let registry = "/api/registry/policypacks/private/my-org/guard/versions/1.0.0";
    assert_eq!(service.call(Method::GET, registry, None).await.status, 500);
}

#[tokio::test]
async fn the_upload_host_is_another_host_that_wants_its_headers_and_no_token() {
    let service = Service::new().await;
    let created = service
        .org(Method::POST, "/policypacks", Some(pack("guard", "1.0.0")))
        .await
        .body;
    let url = created["uploadURI"].as_str().unwrap().to_owned();
    assert!(!url.starts_with(&service.running.url()), "{url}");
    let required = created["requiredHeaders"].as_object().unwrap().clone();
    let put = |without: Option<&str>, extra: Option<(&'static str, &'static str)>, url: String| {
        let mut request = service.client.put(url).body("archive");
        for (name, value) in required
            .iter()
            .filter(|(name, _)| Some(name.as_str()) != without)
        {
            request = request.header(name, value.as_str().unwrap());
        }
        extra
            .into_iter()
            .fold(request, |request, (name, value)| {
                request.header(name, value)
            })
            .send()
    };
    assert_eq!(required.len(), 2);
    for (without, extra, url, status, code) in [
        (
            None,
            Some(("authorization", "token t")),
            url.clone(),
            400,
            "InvalidRequest",
        ),
        (Some("Content-Type"), None, url.clone(), 403, "AccessDenied"),
        (
            Some("Content-Type"),
            Some(("content-type", "application/json")),
            url.clone(),
            403,
            "AccessDenied",
        ),
        (
            Some("x-amz-server-side-encryption"),
            None,
            url.clone(),
            403,
            "AccessDenied",
        ),
        (
            None,
            Some(("x-amz-server-side-encryption", "none")),
            url.clone(),
            403,
            "AccessDenied",
        ),
        (None, None, format!("{url}x"), 403, "AccessDenied"),
        (None, None, format!("{url}/x"), 404, "NoSuchKey"),
    ] {
        let response = put(without, extra, url.clone()).await.unwrap();
        assert_eq!(
            response.status().as_u16(),
            status,
            "{without:?} {extra:?} {url}"
        );
        assert_eq!(response.headers()["content-type"], "application/xml");
        let text = response.text().await.unwrap();
        assert!(text.contains(&format!("<Code>{code}</Code>")), "{text}");
    }
    let posted = service
        .client
        .post(&url)
        .body("archive")
        .send()
        .await
        .unwrap();
    assert_eq!(posted.status().as_u16(), 405);
    let path = "/policypacks/guard/versions/1.0.0/complete";
    assert_eq!(
        service.org(Method::POST, path, None).await.status,
        400,
        "nothing was kept"
    );

    assert_eq!(put(None, None, url.clone()).await.unwrap().status(), 200);
    assert_eq!(
        service.client.get(&url).send().await.unwrap().status(),
        404,
        "it is not complete"
    );
    assert_eq!(service.org(Method::POST, path, None).await.status, 204);
    assert_eq!(
        put(None, None, url.clone()).await.unwrap().status(),
        403,
        "the upload has expired"
    );
    let kept = service.client.get(&url).send().await.unwrap();
    assert_eq!(
        (kept.status().as_u16(), kept.text().await.unwrap().as_str()),
        (200, "archive")
    );
    let with_token = service
        .client
        .get(&url)
        .header("authorization", "token t")
        .send()
        .await
        .unwrap();
    assert_eq!(with_token.status(), 400);
}
