use emulator::chainloop::{ChainloopFault, ChainloopOptions};
use serde_json::json;

use super::{Service, policy, two};

async fn service(faults: &[&str]) -> Service {
    let faults = faults
        .iter()
        .map(|text| text.parse::<ChainloopFault>().unwrap())
        .collect();
    Service::with(ChainloopOptions {
        organizations: two(),
        faults,
        ..ChainloopOptions::default()
    })
    .await
}

#[tokio::test]
async fn another_writer_changes_what_the_request_is_about() {
    let service = service(&[
        "change-policy@2",
        "restore-policy=p@3",
        "delete-policy=p@4",
        "add-policy@5",
    ])
    .await;
    assert_eq!(
        service.get("p").await.body["version_references"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let changed = String::from_utf8(service.bytes("p").await).unwrap();
    assert!(
        changed.starts_with(&policy("p", "second"))
            && changed.contains("# changed by another client"),
        "{changed}"
    );
    assert_eq!(service.bytes("p").await, policy("p", "second").as_bytes());
    assert_eq!(service.get("p").await.status, 404);
    assert_eq!(service.get("another-writer").await.status, 200);
}

#[tokio::test]
async fn another_writer_waits_for_something_to_change() {
    let service = service(&[
        "change-policy=new@once",
        "change-policy=q@once",
        "change-group=g@once",
    ])
    .await;
    let path = "/v1/groups/g?organization_name=my-org";
    let group = service.call(reqwest::Method::GET, path, None).await.body;
    assert_eq!(group["version_references"].as_array().unwrap().len(), 2);
    service.create(&policy("new", "x")).await;
    assert_eq!(
        service.get("new").await.body["version_references"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    // No client changes built-in documents or documents of a foreign organization.
    assert_eq!(
        service.get_with("q", "organization_name=other").await.body["version_references"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_write_may_be_done_and_its_answer_lost() {
    let service = service(&[
        "after-500@write:1",
        "before-503@write:2",
        "undecodable@PolicyService_Get:3",
    ])
    .await;
    let failed = service.create(&policy("new", "x")).await;
    assert_eq!((failed.status, &failed.body["code"]), (500, &json!(13)));
    assert_eq!(service.get("new").await.status, 200);
    assert_eq!(service.update(&policy("new", "y")).await.status, 503);
    assert_eq!(service.bytes("new").await, policy("new", "x").as_bytes());
    let answer = service
        .call(reqwest::Method::GET, "/v1/policies/new", None)
        .await;
    assert_eq!(
        (answer.status, &answer.body),
        (200, &serde_json::Value::Null)
    );
}
