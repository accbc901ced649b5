//! Selections of requests, observed over HTTP.

use emulator::EmulatorProfile;
use reqwest::Method;
use serde_json::json;

use super::Faulted;

#[tokio::test]
async fn the_number_of_a_request_is_its_seq_in_the_log() {
    let faulted = Faulted::new(
        EmulatorProfile::Current,
        &["before-500@3", "before-502@5..6"],
    )
    .await;
    assert_eq!(faulted.list(6).await, [200, 500, 200, 502, 502, 200]);
    let struck: Vec<u64> = faulted
        .struck()
        .iter()
        .map(|line| line["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(struck, [3, 5, 6], "the first was the sign-in");
}

#[tokio::test]
async fn reads_writes_and_operations_are_counted_apart() {
    let specs = [
        "before-500@read:2",
        "before-502@write:2",
        "before-504@getPolicy:1",
        "before-503@listGroups",
    ];
    let faulted = Faulted::new(EmulatorProfile::Current, &specs).await;
    let policy = faulted.service.policy("p").await;
    assert_eq!(faulted.list(2).await, [200, 500]);
    let groups = faulted
        .service
        .call(Method::GET, "/v2/orgs/my-org/groups", None)
        .await;
    assert_eq!(groups.0, 503, "teams are read as well");
    assert_eq!(faulted.create_rule(&policy, "r").await.unwrap().status, 502);
    assert_eq!(faulted.create_rule(&policy, "r").await.unwrap().status, 201);
    let path = format!("/{policy}");
    assert_eq!(
        faulted.send(Method::GET, &path, None).await.unwrap().status,
        504
    );
    assert_eq!(
        faulted.send(Method::GET, &path, None).await.unwrap().status,
        200
    );
}

#[tokio::test]
async fn a_bound_ends_a_fault_and_the_next_takes_over() {
    let faulted = Faulted::new(
        EmulatorProfile::Current,
        &["before-500@reads,times=2", "before-502@reads,once"],
    )
    .await;
    assert_eq!(faulted.list(5).await, [500, 500, 502, 200, 200]);
}

#[tokio::test]
async fn the_same_seed_strikes_the_same_requests_whatever_comes_between() {
    let mut seen = Vec::new();
    for (seed, between) in [(7, false), (7, true), (8, false)] {
        let spec = format!("before-503@reads,p=0.3,seed={seed}");
        let faulted = Faulted::new(EmulatorProfile::Current, &[&spec]).await;
        let mut statuses = Vec::new();
        for number in 0..40 {
            if between {
                let name = json!({"name": format!("p{number}")});
                assert_eq!(
                    faulted
                        .send(Method::POST, "", Some(name))
                        .await
                        .unwrap()
                        .status,
                    201
                );
            }
            statuses.extend(faulted.list(1).await);
        }
        let count = statuses.iter().filter(|status| **status == 503).count();
        assert_eq!(
            faulted.struck().len(),
            count,
            "the log counts as the client does"
        );
        assert!((4..=24).contains(&count), "{count} of 40 at 0.3");
        seen.push(statuses);
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0], seen[2]);
}

#[tokio::test]
async fn requests_side_by_side_are_each_counted_once() {
    let faulted = Faulted::new(EmulatorProfile::Current, &["before-500@writes,times=5"]).await;
    let requests = (0..20).map(|number| {
        let request = faulted.request(
            Method::POST,
            "",
            Some(json!({"name": format!("p{number}")})),
        );
        tokio::spawn(async move { request.send().await.unwrap().status().as_u16() })
    });
    let mut failed = 0;
    for request in requests.collect::<Vec<_>>() {
        failed += usize::from(request.await.unwrap() == 500);
    }
    assert_eq!((failed, faulted.struck().len()), (5, 5));
    let (_, list) = faulted.service.policies(Method::GET, "", None).await;
    assert_eq!(list["data"].as_array().unwrap().len(), 15);
}
