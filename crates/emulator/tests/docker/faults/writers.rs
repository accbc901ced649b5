//! Changes by another client between two requests.

use emulator::EmulatorProfile;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Faulted, names};
use crate::shared::emulator::{TEAM, files};

/// The live policies and rules by name. Team limits and denies are marked.
async fn live(faulted: &Faulted) -> Vec<String> {
    let (_, list) = faulted.service.policies(Method::GET, "", None).await;
    let list = if list.is_array() {
        list
    } else {
        list["data"].clone()
    };
    let mut found = Vec::new();
    for summary in list.as_array().unwrap() {
        let policy = faulted.service.get(summary["id"].as_str().unwrap()).await;
        let rules = policy["allowlist_v0"]["rules"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let rules = rules.iter().map(|rule| {
            format!(
                "{}{}",
                if rule["decision"] == "deny" { "!" } else { "" },
                rule["name"].as_str().unwrap()
            )
        });
        let team = if policy["scope"]["teams"] == json!([TEAM]) {
            "*"
        } else {
            ""
        };
        let name = policy["name"].as_str().unwrap();
        found.push(format!(
            "{name}{team}: {}",
            rules.collect::<Vec<_>>().join(" ")
        ));
    }
    found
}

/// Policies `one` with rules a and b and `two` with rules a and c, and the ids of `two` and of its
/// rule a.
async fn given(faulted: &Faulted) -> (String, String) {
    let one = faulted.service.policy("one").await;
    let two = faulted.service.policy("two").await;
    let mut meant = String::new();
    for (policy, name) in [(&one, "a"), (&one, "b"), (&two, "a"), (&two, "c")] {
        let rule = faulted
            .service
            .rule(policy, super::network(name, "a.example.com"))
            .await;
        if policy == &two && name == "a" {
            meant = rule;
        }
    }
    (two, meant)
}

#[tokio::test]
async fn each_change_is_made_before_the_request_is_served() {
    // The request renames rule a of policy two to d.
    let table: [(&str, u16, &[&str]); 16] = [
        ("change-rule", 200, &["one: a b", "two: !d c"]),
        ("change-rule=any", 200, &["one: a b", "two: !d c"]),
        ("change-rule=a", 200, &["one: a b", "two: !d c"]),
        ("change-rule=b", 200, &["one: a !b", "two: d c"]),
        ("change-rule=one/a", 200, &["one: !a b", "two: d c"]),
        ("change-rule=one/any", 200, &["one: !a b", "two: d c"]),
        ("delete-rule", 404, &["one: a b", "two: c"]),
        ("delete-rule=c", 200, &["one: a b", "two: d"]),
        ("add-rule", 200, &["one: a b", "two: d c another client"]),
        ("add-rule=one/d", 200, &["one: a b d", "two: d c"]),
        (
            "add-policy",
            200,
            &["one: a b", "two: d c", "another client: "],
        ),
        (
            "add-policy=three",
            200,
            &["one: a b", "two: d c", "three: "],
        ),
        ("rename-policy", 200, &["one: a b", "two (renamed): d c"]),
        (
            "rename-policy=one",
            200,
            &["one (renamed): a b", "two: d c"],
        ),
        ("change-policy", 200, &["one: a b", "two*: d c"]),
        ("delete-policy=any", 404, &["one: a b"]),
    ];
    for profile in EmulatorProfile::ALL {
        for (change, status, left) in table {
            let faulted = Faulted::new(profile, &[&format!("{change}@updateRule:1")]).await;
            let (policy, rule) = given(&faulted).await;
            let path = format!("/{policy}/rules/{rule}");
            let answer = faulted
                .send(Method::PATCH, &path, Some(json!({"name": "d"})))
                .await
                .unwrap();
            assert_eq!(
                answer.status.as_u16(),
                status,
                "{profile} {change}: {}",
                answer.text
            );
            assert_eq!(live(&faulted).await, left, "{profile} {change}");
            assert_eq!(faulted.struck().len(), 1, "{profile} {change}");
            if change == "change-rule" {
                // The answer shows the client what it overwrites.
                let answer: Value = serde_json::from_str(&answer.text).unwrap();
                assert_eq!(answer["old"]["decision"], "deny");
            }
        }
    }
}

#[tokio::test]
async fn a_name_that_is_taken_answers_a_conflict_to_whoever_comes_second() {
    for (spec, path, body) in [
        ("add-policy=new@createPolicy:3", "", json!({"name": "new"})),
        (
            "add-rule=two/new@createRule:5",
            "/{two}/rules",
            super::network("new", "a.example.com"),
        ),
    ] {
        let faulted = Faulted::new(EmulatorProfile::Current, &[spec]).await;
        let (two, _) = given(&faulted).await;
        let answer = faulted
            .send(Method::POST, &path.replace("{two}", &two), Some(body))
            .await
            .unwrap();
        assert_eq!(answer.status, 409, "{spec}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_waited_for() {
    let faulted = Faulted::new(EmulatorProfile::Current, &["delete-rule=late@once"]).await;
    let policy = faulted.service.policy("p").await;
    assert_eq!(faulted.list(2).await, [200, 200]);
    assert_eq!(faulted.struck().len(), 0, "nothing was struck so far");
    faulted
        .service
        .rule(&policy, super::network("late", "a.example.com"))
        .await;
    assert_eq!(faulted.rules(&policy).await, Vec::<String>::new());
    assert_eq!(faulted.struck()[0]["operation"], "getPolicy");
    faulted
        .service
        .rule(&policy, super::network("late", "a.example.com"))
        .await;
    assert_eq!(faulted.rules(&policy).await, ["late"], "once is once");
}

#[tokio::test]
async fn changes_can_be_made_again_and_again() {
    let specs = [
        "add-rule@reads",
        "add-policy@reads",
        "change-policy=p@reads",
    ];
    let faulted = Faulted::new(EmulatorProfile::Current, &specs).await;
    let policy = faulted.service.policy("p").await;
    faulted.service.rule(&policy, files("f")).await;
    faulted.list(1).await;
    let seen = faulted.service.get(&policy).await;
    assert_eq!(
        names(&seen),
        ["f", "another client", "another client 2"],
        "in the domain that the policy has"
    );
    assert_eq!(seen["scope"], json!({}), "limited, and then no longer");
    assert_eq!(
        faulted.service.policies(Method::GET, "", None).await.1["data"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
}

#[tokio::test]
async fn another_writer_and_an_ending_can_strike_one_request() {
    let faulted = Faulted::new(
        EmulatorProfile::Current,
        &["delete-policy=p@write:2", "after-reset@write:2"],
    )
    .await;
    let policy = faulted.service.policy("p").await;
    faulted.create_rule(&policy, "r").await.unwrap_err();
    assert_eq!(faulted.struck()[0]["served"], 404);
    assert_eq!(live(&faulted).await, Vec::<String>::new());
}
