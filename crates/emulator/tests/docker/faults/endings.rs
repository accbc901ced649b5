//! Faults that end a request: what the client receives, and whether the request was performed.

use std::time::Duration;

use emulator::EmulatorProfile;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Faulted, receive};

/// What a client receives from a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Status(u16),
    NotJson,
    /// The connection broke before an answer.
    Broken,
    /// The connection broke within the answer.
    Half,
    /// No answer within the time limit.
    Silence,
}

/// Creates a rule, and gives up if no answer arrives after the fault was applied.
async fn see(faulted: &Faulted, policy: &str) -> Seen {
    let body = super::network("r", "a.example.com");
    let request = faulted.request(Method::POST, &format!("/{policy}/rules"), Some(body));
    let mut answer = tokio::spawn(receive(request));
    faulted.wait_for_struck(1).await;
    // Only a hanging request takes this long, unless the machine is overloaded.
    let Ok(answer) = tokio::time::timeout(Duration::from_secs(1), &mut answer).await else {
        answer.abort();
        return Seen::Silence;
    };
    match answer.unwrap() {
        Ok(Answer { status, text, .. }) => {
            let is_json = serde_json::from_str::<Value>(&text).is_ok();
            if is_json {
                Seen::Status(status.as_u16())
            } else {
                Seen::NotJson
            }
        }
        Err(error) if error.is_body() || error.is_decode() => Seen::Half,
        Err(error) => {
            assert!(error.is_request() && !error.is_connect(), "{error:?}");
            Seen::Broken
        }
    }
}

#[tokio::test]
async fn each_ending_does_the_work_or_does_not_and_is_logged() {
    let table = [
        ("before-500", Seen::Status(500), false, json!(500)),
        ("after-500", Seen::Status(500), true, json!(500)),
        ("before-503=1s", Seen::Status(503), false, json!(503)),
        ("after-502", Seen::Status(502), true, json!(502)),
        ("after-504", Seen::Status(504), true, json!(504)),
        ("before-409", Seen::Status(409), false, json!(409)),
        ("before-401", Seen::Status(401), false, json!(401)),
        ("before-reset", Seen::Broken, false, Value::Null),
        ("after-reset", Seen::Broken, true, Value::Null),
        ("before-hang", Seen::Silence, false, Value::Null),
        ("after-hang", Seen::Silence, true, Value::Null),
        ("before-undecodable", Seen::NotJson, false, json!(200)),
        ("after-undecodable", Seen::NotJson, true, json!(200)),
        ("truncated", Seen::Half, true, json!(201)),
    ];
    for profile in EmulatorProfile::ALL {
        for (kind, seen, done, status) in &table {
            let spec = format!("{kind}@createRule:1");
            let faulted = Faulted::new(profile, &[&spec]).await;
            let policy = faulted.service.policy("p").await;
            assert_eq!(see(&faulted, &policy).await, *seen, "{profile} {kind}");
            let rules: &[&str] = if *done { &["r"] } else { &[] };
            assert_eq!(faulted.rules(&policy).await, rules, "{profile} {kind}");

            let struck = faulted.struck();
            assert_eq!(
                struck.len(),
                1,
                "{profile} {kind}: the client does not repeat, and nothing else is struck"
            );
            let served = if *done { json!(201) } else { Value::Null };
            assert_eq!(
                (
                    &struck[0]["faults"],
                    &struck[0]["status"],
                    &struck[0]["served"],
                    &struck[0]["operation"]
                ),
                (&json!([spec]), status, &served, &json!("createRule")),
                "{profile} {kind}"
            );
            assert_eq!(struck[0]["body"]["name"], "r", "the whole request was read");

            // The next request succeeds.
            assert_eq!(
                faulted.create_rule(&policy, "next").await.unwrap().status,
                201,
                "{profile} {kind}"
            );
        }
    }
}

#[tokio::test]
async fn errors_have_the_shape_of_their_part_of_the_api() {
    let faulted = Faulted::new(
        EmulatorProfile::Current,
        &["before-503@listPolicies", "before-503@listGroups"],
    )
    .await;
    let list = faulted.send(Method::GET, "", None).await.unwrap();
    let error: Value = serde_json::from_str(&list.text).unwrap();
    assert_eq!(error["error"]["code"], "internal");
    let (status, error) = faulted
        .service
        .call(Method::GET, "/v2/orgs/my-org/groups", None)
        .await;
    assert_eq!(
        (status.as_u16(), error["detail"].is_string()),
        (503, true),
        "{error}"
    );
    assert!(list.headers.contains_key("x-request-id"));
}

#[tokio::test]
async fn a_rate_limit_says_when_to_come_back_or_does_not() {
    let faulted = Faulted::new(
        EmulatorProfile::Current,
        &["before-429=2s@read:1", "before-429@read:2"],
    )
    .await;
    let first = faulted.send(Method::GET, "", None).await.unwrap();
    let second = faulted.send(Method::GET, "", None).await.unwrap();
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (429, 429));
    assert_eq!(first.headers["retry-after"], "2");
    assert!(!second.headers.contains_key("retry-after"));
    assert_eq!(faulted.list(1).await, [200]);
}

#[tokio::test]
async fn revoked_tokens_stay_revoked_until_somebody_signs_in() {
    for profile in EmulatorProfile::ALL {
        let mut faulted = Faulted::new(profile, &["revoke-tokens@write:2"]).await;
        let policy = faulted.service.policy("p").await;
        assert_eq!(faulted.create_rule(&policy, "r").await.unwrap().status, 401);
        assert_eq!(faulted.list(1).await, [401]);
        let base = faulted.service.base.clone();
        faulted.service =
            crate::shared::emulator::Service::at(faulted.service.running, profile, base).await;
        assert_eq!(faulted.rules(&policy).await, Vec::<String>::new());
        assert_eq!(faulted.create_rule(&policy, "r").await.unwrap().status, 201);
        assert_eq!(faulted.struck().len(), 1, "{profile}");
    }
}

#[tokio::test]
async fn a_sign_in_can_fail_too() {
    let running = emulator::start(emulator::DockerOptions {
        faults: super::faults(&["before-503@signIn:1", "after-reset@signIn:2"]),
        ..Default::default()
    })
    .await
    .unwrap();
    let sign_in = || {
        let request =
            crate::shared::emulator::client().post(format!("{}/v2/auth/token", running.url()));
        receive(request.json(&json!({"identifier": "me", "secret": "s"})))
    };
    let first = sign_in().await.unwrap();
    assert_eq!(first.status, 503);
    assert!(serde_json::from_str::<Value>(&first.text).unwrap()["detail"].is_string());
    sign_in().await.unwrap_err();
    assert_eq!(sign_in().await.unwrap().status, 200);
}

#[tokio::test]
async fn a_delay_comes_before_an_ending_and_both_are_logged() {
    let faulted = Faulted::new(
        EmulatorProfile::Current,
        &["delay=150ms@writes", "after-500@write:2"],
    )
    .await;
    let policy = faulted.service.policy("p").await;
    assert_eq!(faulted.create_rule(&policy, "r").await.unwrap().status, 500);
    let struck = faulted.struck();
    assert_eq!(struck[0]["faults"], json!(["delay=150ms@writes"]));
    assert_eq!(
        struck[1]["faults"],
        json!(["delay=150ms@writes", "after-500@write:2"])
    );
    assert!(
        struck
            .iter()
            .all(|line| line["duration_ms"].as_f64().unwrap() >= 150.0),
        "{struck:?}"
    );
    let path = format!("/{policy}");
    let (status, _) = faulted.service.policies(Method::GET, &path, None).await;
    assert_eq!(status, 200);
    let read = faulted.log().pop().unwrap();
    assert_eq!(
        (&read["operation"], &read["faults"]),
        (&json!("getPolicy"), &json!([]))
    );
}
