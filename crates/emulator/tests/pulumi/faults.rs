//! Faults at the API and at the upload host, and changes by another client.

use emulator::ObjectChoice;
use emulator::pulumi::{
    PackChoice, PulumiFault, PulumiFaultKind, PulumiInterference, PulumiOperationId, PulumiOptions,
    VersionChoice,
};
use proptest::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Service, message, pack};

/// A service with faults and its request log.
struct Faulted {
    service: Service,
    folder: tempfile::TempDir,
}

impl Faulted {
    async fn new(specs: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let faults = specs.iter().map(|spec| spec.parse().unwrap()).collect();
        let request_log = Some(folder.path().join("requests.jsonl"));
        let mut service = Service::with(PulumiOptions {
            faults,
            request_log,
            ..PulumiOptions::default()
        })
        .await;
        // The contract does not cover the answers of faults.
        service.is_checked = false;
        Self { service, folder }
    }

    /// The log entries of requests that a fault applied to.
    fn struck(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("requests.jsonl")).unwrap();
        let lines = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["faults"] != json!([])).collect()
    }
}

#[tokio::test]
async fn endings_do_the_work_or_do_not() {
    for (kind, seen, is_done) in [
        ("before-500", Some(500), false),
        ("after-503=1s", Some(503), true),
        ("before-429=2s", Some(429), false),
        ("after-reset", None, true),
        ("before-reset", None, false),
        ("after-undecodable", Some(200), true),
    ] {
        let spec = format!("{kind}@NewPolicyGroup:1");
        let faulted = Faulted::new(&[&spec]).await;
        let request = faulted.service.client.post(format!(
            "{}/api/orgs/my-org/policygroups",
            faulted.service.running.url()
        ));
        let request = request
            .header("authorization", "token t")
            .json(&json!({"name": "g", "entityType": "stacks"}));
        let answer = request.send().await;
        assert_eq!(
            answer.as_ref().ok().map(|answer| answer.status().as_u16()),
            seen,
            "{kind}"
        );
        if let Some(answer) = answer.ok().filter(|answer| !answer.status().is_success()) {
            assert_eq!(
                answer.headers().contains_key("x-pulumi-request-id"),
                answer.status().is_server_error(),
                "{kind}"
            );
            assert_eq!(
                answer.headers().contains_key("retry-after"),
                kind.contains('='),
                "{kind}"
            );
            let error: Value = answer.json().await.unwrap();
            assert_eq!(error["code"], seen.unwrap(), "{kind}");
        }
        let status = faulted.service.get("/policygroups/g").await.status;
        assert_eq!(status, if is_done { 200 } else { 404 }, "{kind}");
        let struck = faulted.struck();
        assert_eq!((struck.len(), &struck[0]["faults"]), (1, &json!([spec])));
        assert_eq!(
            struck[0]["served"],
            if is_done { json!(204) } else { Value::Null },
            "{kind}"
        );
    }
}

#[tokio::test]
async fn an_upload_can_fail_and_says_so_in_the_words_of_its_host() {
    let faulted = Faulted::new(&[
        "before-503@UploadPolicyPack:1",
        "after-500@UploadPolicyPack:2",
        "before-reset@UploadPolicyPack:3",
    ])
    .await;
    let service = &faulted.service;
    let created = service
        .org(Method::POST, "/policypacks", Some(pack("guard", "1.0.0")))
        .await
        .body;
    let complete = "/policypacks/guard/versions/1.0.0/complete";
    assert_eq!(service.upload(&created, "archive").await, 503);
    let refused = service.org(Method::POST, complete, None).await;
    assert_eq!(message(&refused), "Policy Pack has not been uploaded");
    assert_eq!(service.upload(&created, "archive").await, 500);
    assert_eq!(
        service.org(Method::POST, complete, None).await.status,
        204,
        "it was kept all the same"
    );
    let struck = faulted.struck();
    let digest = "0eb3e36bfb24dcd9bb1d1bece1531216b59539a8fde17ee80224af0653c92aa3";
    assert_eq!(struck[0]["body"], json!({"bytes": 7, "sha256": digest}));
    let request = service
        .client
        .put(created["uploadURI"].as_str().unwrap())
        .body("archive");
    assert!(request.send().await.is_err());
}

#[tokio::test]
async fn a_revoked_token_stays_revoked_and_another_is_good() {
    let mut faulted = Faulted::new(&["revoke-tokens@write:1"]).await;
    let request = json!({"name": "g", "entityType": "stacks"});
    assert_eq!(
        faulted
            .service
            .org(Method::POST, "/policygroups", Some(request))
            .await
            .status,
        401
    );
    assert_eq!(faulted.service.get("/policygroups").await.status, 401);
    faulted.service.token = "another".to_owned();
    assert_eq!(faulted.service.get("/policygroups").await.status, 200);
}

#[tokio::test]
async fn a_crash_takes_both_hosts_down() {
    let faulted = Faulted::new(&["after-crash@CreatePolicyPack:2"]).await;
    let service = &faulted.service;
    let created = service
        .org(Method::POST, "/policypacks", Some(pack("guard", "1.0.0")))
        .await
        .body;
    let url = format!("{}/api/orgs/my-org/policypacks", service.running.url());
    let request = service
        .client
        .post(url)
        .header("authorization", "token t")
        .json(&pack("guard", "1.1.0"));
    assert!(request.send().await.is_err());
    service.running.crashed().await;
    let address = service.running.address();
    let uploads = created["uploadURI"]
        .as_str()
        .unwrap()
        .trim_start_matches("http://")
        .split('/')
        .next()
        .unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while tokio::net::TcpStream::connect(address).await.is_ok()
        || tokio::net::TcpStream::connect(uploads).await.is_ok()
    {
        assert!(
            std::time::Instant::now() < deadline,
            "a crashed host still listens"
        );
    }
}

/// Packs `guard` (1.0.0, 1.1.0) and `other` (1.0.0); group `one` has guard 1.0.0, `two` has guard
/// 1.1.0.
async fn given(service: &Service) {
    for (name, tag) in [("guard", "1.0.0"), ("guard", "1.1.0"), ("other", "1.0.0")] {
        service.publish(name, tag).await;
    }
    for (group, tag) in [("one", "1.0.0"), ("two", "1.1.0")] {
        service.group(group).await;
        let change = json!({"addPolicyPack": {"name": "guard", "versionTag": tag}});
        assert_eq!(service.update(group, change).await.status, 204);
    }
}

/// The groups that are not built-in, as `name: packs`. Advisory packs are marked.
async fn live(service: &Service) -> Vec<String> {
    let mut found = Vec::new();
    for group in service.get("/policygroups").await.body["policyGroups"]
        .as_array()
        .unwrap()
    {
        let name = group["name"].as_str().unwrap();
        if group["isOrgDefault"] == false {
            let group = service.get(&format!("/policygroups/{name}")).await.body;
            let packs = group["appliedPolicyPacks"]
                .as_array()
                .unwrap()
                .iter()
                .map(|pack| {
                    let mark = if pack["config"]["all"]["enforcementLevel"] == "advisory" {
                        "*"
                    } else {
                        ""
                    };
                    format!(
                        "{}-{}{mark}",
                        pack["name"].as_str().unwrap(),
                        pack["versionTag"].as_str().unwrap()
                    )
                });
            found.push(format!("{name}: {}", packs.collect::<Vec<_>>().join(" ")));
        }
    }
    found
}

#[tokio::test]
async fn another_writer_comes_just_before_the_request() {
    // The request gives group two an agent pool.
    for (change, status, left) in [
        (
            "switch-pack",
            204,
            vec!["one: guard-1.0.0", "two: guard-1.0.0"],
        ),
        (
            "switch-pack=one/guard",
            204,
            vec!["one: guard-1.1.0", "two: guard-1.1.0"],
        ),
        (
            "configure-pack",
            204,
            vec!["one: guard-1.0.0", "two: guard-1.1.0*"],
        ),
        (
            "configure-pack=one/any",
            204,
            vec!["one: guard-1.0.0*", "two: guard-1.1.0"],
        ),
        ("remove-pack=guard", 204, vec!["one: guard-1.0.0", "two: "]),
        (
            "add-pack",
            204,
            vec!["one: guard-1.0.0", "two: guard-1.1.0 other-1.0.0"],
        ),
        (
            "add-pack=one/other",
            204,
            vec!["one: guard-1.0.0 other-1.0.0", "two: guard-1.1.0"],
        ),
        (
            "add-group",
            204,
            vec!["one: guard-1.0.0", "two: guard-1.1.0", "another-writer: "],
        ),
        (
            "add-group=three",
            204,
            vec!["one: guard-1.0.0", "two: guard-1.1.0", "three: "],
        ),
        ("delete-group", 404, vec!["one: guard-1.0.0"]),
        ("delete-group=one", 204, vec!["two: guard-1.1.0"]),
    ] {
        let faulted = Faulted::new(&[&format!("{change}@UpdatePolicyGroup:3")]).await;
        given(&faulted.service).await;
        let answer = faulted
            .service
            .update("two", json!({"agentPoolId": "p"}))
            .await;
        assert_eq!(answer.status, status, "{change}: {answer:?}");
        assert_eq!(live(&faulted.service).await, left, "{change}");
        assert_eq!(faulted.struck().len(), 1, "{change}");
    }
}

#[tokio::test]
async fn another_writer_publishes_and_deletes_versions() {
    for (change, path, wanted) in [
        (
            "publish-version",
            "guard/versions/1.0.0",
            json!(["1.0.0", "1.1.0", "another-writer"]),
        ),
        (
            "publish-version=guard",
            "other/versions/1.0.0",
            json!(["1.0.0", "1.1.0", "another-writer"]),
        ),
        ("delete-version", "guard/versions/1.1.0", json!(["1.0.0"])),
        (
            "delete-version=guard/1.0.0",
            "other/versions/1.0.0",
            json!(["1.1.0"]),
        ),
    ] {
        let faulted = Faulted::new(&[&format!("{change}@GetPolicyPack:1")]).await;
        for (name, tag) in [("guard", "1.0.0"), ("guard", "1.1.0"), ("other", "1.0.0")] {
            faulted.service.publish(name, tag).await;
        }
        let is_gone = change == "delete-version";
        let answer = faulted.service.get(&format!("/policypacks/{path}")).await;
        assert_eq!(answer.status, if is_gone { 404 } else { 200 }, "{change}");
        let list = faulted.service.get("/policypacks?policypack=guard").await;
        assert_eq!(
            list.body["policyPacks"][0]["versionTags"], wanted,
            "{change}"
        );
    }
    // Another client can also act between the steps of publishing.
    let faulted = Faulted::new(&["publish-version=guard@UploadPolicyPack:3"]).await;
    faulted.service.publish("guard", "1.0.0").await;
    faulted.service.publish("guard", "1.1.0").await;
    faulted.service.publish("guard", "1.2.0").await;
    let list = faulted.service.get("/policypacks").await;
    assert_eq!(
        list.body["policyPacks"][0]["versionTags"],
        json!(["1.0.0", "1.1.0", "1.2.0", "another-writer"])
    );
}

#[tokio::test]
async fn what_is_not_there_is_waited_for() {
    let faulted = Faulted::new(&["switch-pack=g/guard@once"]).await;
    faulted.service.group("g").await;
    faulted.service.publish("guard", "1.0.0").await;
    faulted
        .service
        .update("g", json!({"addPolicyPack": {"name": "guard"}}))
        .await;
    assert_eq!(
        faulted.service.packs_of("g").await,
        ["guard 1.0.0"],
        "no other version"
    );
    assert_eq!(faulted.struck().len(), 0);
    faulted.service.publish("guard", "1.1.0").await;
    assert_eq!(faulted.service.packs_of("g").await, ["guard 1.1.0"]);
    assert_eq!(faulted.struck()[0]["operation"], "GetPolicyGroup");
}

#[tokio::test]
async fn operations_are_counted_by_their_names_in_the_contract() {
    let names: Vec<&str> = PulumiOperationId::ALL
        .iter()
        .map(|operation| operation.as_str())
        .collect();
    let mut known = super::contract::operations();
    known.extend(["UploadPolicyPack", "DownloadPolicyPack"]);
    let sorted = |mut names: Vec<&'static str>| {
        names.sort_unstable();
        names
    };
    assert_eq!(sorted(names), sorted(known));
    let faulted =
        Faulted::new(&["before-500@ListPolicyPacks_post:1", "before-502@reads,once"]).await;
    let root = "/api/preview/registry/policypacks";
    assert_eq!(
        faulted
            .service
            .call(Method::POST, root, Some(json!({})))
            .await
            .status,
        500
    );
    assert_eq!(
        faulted
            .service
            .call(Method::POST, root, Some(json!({})))
            .await
            .status,
        502,
        "a query reads"
    );
    assert_eq!(faulted.struck()[0]["operation"], "ListPolicyPacks_post");
}

fn which() -> impl Strategy<Value = ObjectChoice> {
    prop_oneof![
        Just(ObjectChoice::Any),
        Just(ObjectChoice::Named("any".to_owned())),
        "[a-z/@\", =.é\\\\]{0,8}".prop_map(ObjectChoice::Named),
    ]
}

proptest! {
    #[test]
    fn every_change_can_be_written_and_read_again(first in which(), second in which(), number in 0..8_usize) {
        let pack = PackChoice { group: first.clone(), pack: second.clone() };
        let change = match number {
            0 => PulumiInterference::PublishVersion(first),
            1 => PulumiInterference::DeleteVersion(VersionChoice { pack: first, tag: second }),
            2 => PulumiInterference::AddPack(pack),
            3 => PulumiInterference::SwitchPack(pack),
            4 => PulumiInterference::ConfigurePack(pack),
            5 => PulumiInterference::RemovePack(pack),
            6 => PulumiInterference::AddGroup(first),
            _ => PulumiInterference::DeleteGroup(first),
        };
        let fault = PulumiFault { kind: PulumiFaultKind::OtherWriter(change), at: "write:2".parse().unwrap() };
        let text = fault.to_string();
        prop_assert_eq!(text.parse::<PulumiFault>(), Ok(fault), "{}", text);
    }
}
