//! Reading: pages to the end, failures that are never "empty" (invariant 4), and plans that cannot write (7).

use std::sync::Arc;

use emulator::{DockerOptions, EmulatorProfile, ServiceLimits};
use serde_json::Value;

use super::failures::proxy::{Asked, Fault, Faulty};
use super::{NoPlan, Story, operations};
use crate::cli::sandbox::{Sandbox, config, policy, tcp};
use crate::emulator::{network, organization};

fn spec() -> String {
    format!("rules:\n{}", tcp("r", "allow", "a.example.com"))
}

#[tokio::test]
async fn more_policies_than_a_page_are_all_seen() {
    for profile in EmulatorProfile::ALL {
        let limits = ServiceLimits {
            policies: 300,
            ..ServiceLimits::default()
        };
        let organizations = vec![organization("my-org")];
        let story = Story::with(DockerOptions {
            profile,
            limits,
            organizations,
            ..DockerOptions::default()
        })
        .await;
        for number in 0..231 {
            story.service.policy(&format!("policy {number:03}")).await;
        }
        let last = story.live("policy 230").await;
        if profile != EmulatorProfile::Current {
            assert!(last.is_some());
        }
        story.write("policies/p.yaml", &policy("policy 230", "rules: []\n"));
        let plan = story.plan().await;
        assert_eq!(
            (
                plan.live.count(polwarden::plan::ResourceKind::Policy),
                plan.unmanaged.len(),
                operations(&plan).len()
            ),
            (231, 230, 0),
            "{profile}"
        );
        let pages = story.sent("listPolicies").len();
        assert_eq!(
            pages,
            if profile == EmulatorProfile::Current {
                3
            } else {
                1
            },
            "{profile}"
        );
        story.assert_contract();
    }
}

/// A plan of one policy through a proxy that spoils a read.
async fn plan_spoiled(
    profile: EmulatorProfile,
    spoil: impl Fn(&Asked) -> Fault + Send + Sync + 'static,
) -> (NoPlan, Vec<String>) {
    let mut story = Story::new(profile).await;
    story.given("live", &[network("r", "a.example.com")]).await;
    story.given("other", &[network("r", "a.example.com")]).await;
    story.config("unmanaged: prune\n");
    story.write("policies/p.yaml", &policy("wanted", &spec()));
    let faulty = Faulty::start(&story.recorder.url(), Arc::new(spoil)).await;
    story.speak_through(&faulty.url());
    (story.try_plan().await.unwrap_err(), story.writes())
}

fn is_list(asked: &Asked) -> bool {
    asked.path.ends_with("/policies") && asked.method == "GET"
}

fn is_policy(asked: &Asked) -> bool {
    asked.path.contains("/policies/") && asked.method == "GET"
}

#[tokio::test]
async fn a_failed_read_is_never_empty() {
    type Spoil = fn(&Asked) -> Fault;
    let table: [(&str, Spoil); 9] = [
        ("no such organization", |asked| {
            Fault::answer_if(
                is_list(asked),
                404,
                r#"{"error":{"code":"not_found","message":"no"}}"#,
            )
        }),
        ("a fault", |asked| {
            Fault::answer_if(
                is_list(asked),
                500,
                r#"{"error":{"code":"internal","message":"x"}}"#,
            )
        }),
        ("forbidden", |asked| {
            Fault::answer_if(
                is_list(asked),
                403,
                r#"{"error":{"code":"permission_denied","message":"x"}}"#,
            )
        }),
        ("half a page", |asked| {
            if is_list(asked) {
                Fault::Truncate
            } else {
                Fault::Pass
            }
        }),
        ("no content", |asked| {
            Fault::answer_if(is_list(asked), 200, "")
        }),
        ("another shape", |asked| {
            Fault::answer_if(is_list(asked), 200, "{}")
        }),
        ("null", |asked| {
            Fault::answer_if(is_list(asked), 200, "null")
        }),
        ("a policy that is gone", |asked| {
            Fault::answer_if(
                is_policy(asked),
                404,
                r#"{"error":{"code":"not_found","message":"no"}}"#,
            )
        }),
        ("a policy that does not decode", |asked| {
            Fault::answer_if(is_policy(asked), 200, r#"{"id":"x"}"#)
        }),
    ];
    for profile in EmulatorProfile::ALL {
        for (what, spoil) in &table {
            let (no_plan, writes) = plan_spoiled(profile, *spoil).await;
            assert!(
                matches!(no_plan, NoPlan::Read(_)),
                "{profile}, {what}: {no_plan:?}"
            );
            assert_eq!(writes, Vec::<String>::new(), "{profile}, {what}");
        }
    }
}

#[tokio::test]
async fn a_second_page_that_fails_is_a_failed_listing() {
    let limits = ServiceLimits {
        policies: 300,
        ..ServiceLimits::default()
    };
    let organizations = vec![organization("my-org")];
    let mut story = Story::with(DockerOptions {
        limits,
        organizations,
        ..DockerOptions::default()
    })
    .await;
    for number in 0..101 {
        story.service.policy(&format!("policy {number:03}")).await;
    }
    story.write("policies/p.yaml", &policy("policy 100", "rules: []\n"));
    let second = |asked: &Asked| Fault::answer_if(asked.query.contains("page_token"), 500, "{}");
    let faulty = Faulty::start(&story.recorder.url(), Arc::new(second)).await;
    story.speak_through(&faulty.url());
    assert!(matches!(story.try_plan().await, Err(NoPlan::Read(_))));
}

/// Invariant 7, seen from the server: the request log of a run of `plan`, `validate --live` and `import`.
#[test]
fn planning_only_reads() {
    for profile in EmulatorProfile::ALL {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("requests.jsonl");
        let options = DockerOptions {
            profile,
            organizations: vec![organization("my-org")],
            request_log: Some(log.clone()),
            ..DockerOptions::default()
        };
        let sandbox = Sandbox::empty().serve(options);
        sandbox.write(
            "polwarden.yaml",
            config(&format!("profile: {profile}\nunmanaged: prune\n")),
        );
        sandbox.write(
            "policies/p.yaml",
            policy("p", &format!("scope: {{teams: [security]}}\n{}", spec())),
        );
        sandbox.expect(2, &["plan", "--detailed-exitcode", "--out", "plan.json"]);
        sandbox.expect(0, &["validate", "--live"]);
        sandbox.expect(0, &["import"]);
        let text = std::fs::read_to_string(&log).unwrap();
        let mut sign_ins = 0;
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            if line["method"] == "POST" {
                let sign_in = if profile == EmulatorProfile::Seed {
                    "/v2/users/login"
                } else {
                    "/v2/auth/token"
                };
                assert_eq!(line["path"], sign_in);
                sign_ins += 1;
            } else {
                assert_eq!(line["method"], "GET", "{line}");
            }
        }
        assert_eq!(sign_ins, 3, "one sign-in a run");
    }
}
