//! Policies: names, scopes, types and domains, and what no manifest declares.

use emulator::{DockerOptions, DockerOrganizationSeed, EmulatorProfile};
use manifest::config::Unmanaged;
use serde_json::json;

use super::{Story, operations, team_scope};
use crate::cli::sandbox::{policy_with, target, tcp};
use crate::emulator::{TEAM, files, network, organization};

const LATER: [EmulatorProfile; 2] = [EmulatorProfile::Intermediate, EmulatorProfile::Current];

fn allow(host: &str) -> String {
    format!("rules:\n{}", tcp("r", "allow", host))
}

fn cedar() -> &'static str {
    "cedar:\n  schemaUrl: https://s.example.com\n  text: permit(principal, action, resource);\n"
}

#[tokio::test]
async fn a_rename_keeps_the_policy() {
    for profile in LATER {
        let story = Story::new(profile).await;
        let id = story.given("old", &[network("r", "a.example.com")]).await;
        story.write(
            "policies/p.yaml",
            &policy_with("new", "aliases: [old]", &allow("a.example.com")),
        );
        let plan = story.converge().await;
        assert_eq!(operations(&plan), ["updatePolicy"]);
        assert_eq!(
            story.sent("updatePolicy"),
            [("application/json".to_owned(), json!({"name": "new"}))]
        );
        assert_eq!(story.live("new").await.unwrap()["id"], json!(id));
        assert!(plan.unmanaged.is_empty());
    }
}

#[tokio::test]
async fn names_are_passed_on_and_exchanged_without_a_conflict() {
    let rules = |host: &str| {
        let rules: String = (0..4)
            .map(|n| {
                tcp(
                    &format!("r{n}"),
                    "allow",
                    &format!("h{n}.{host}.example.com"),
                )
            })
            .collect();
        format!("rules:\n{rules}")
    };
    let network = |host: &str| {
        (0..4)
            .map(|n| network(&format!("r{n}"), &format!("h{n}.{host}.example.com")))
            .collect::<Vec<_>>()
    };
    for profile in LATER {
        // A chain: b becomes c before a becomes b.
        let story = Story::new(profile).await;
        story.given("a", &network("a")).await;
        story.given("b", &network("b")).await;
        story.write(
            "policies/b.yaml",
            &policy_with("b", "aliases: [a]", &rules("a")),
        );
        story.write(
            "policies/c.yaml",
            &policy_with("c", "aliases: [b]", &rules("b")),
        );
        let plan = story.converge().await;
        assert_eq!(operations(&plan), ["updatePolicy", "updatePolicy"]);
        assert_eq!(
            story
                .sent("updatePolicy")
                .iter()
                .map(|sent| sent.1.clone())
                .collect::<Vec<_>>(),
            [json!({"name": "c"}), json!({"name": "b"})]
        );

        // An exchange needs a name for a moment, and says so; four patches would be more calls.
        let story = Story::new(profile).await;
        story.given("a", &network("a")).await;
        story.given("b", &network("b")).await;
        story.write(
            "policies/a.yaml",
            &policy_with("a", "aliases: [b]", &rules("b")),
        );
        story.write(
            "policies/b.yaml",
            &policy_with("b", "aliases: [a]", &rules("a")),
        );
        let plan = story.converge().await;
        assert_eq!(operations(&plan), ["updatePolicy"; 3]);
        let why: Vec<bool> = plan.calls.iter().map(|call| call.why.is_some()).collect();
        assert_eq!(why, [true, false, false]);
    }
}

#[tokio::test]
async fn an_exchange_of_names_that_was_cut_off_is_completed() {
    let story = Story::new(EmulatorProfile::Current).await;
    story
        .given(
            "a",
            &[network("r", "a.example.com"), network("s", "b.example.com")],
        )
        .await;
    story
        .given(
            "b (polwarden is renaming it)",
            &[network("r", "c.example.com"), network("s", "d.example.com")],
        )
        .await;
    let two = |one: &str, two: &str| {
        format!(
            "rules:\n{}{}",
            tcp("r", "allow", one),
            tcp("s", "allow", two)
        )
    };
    story.write(
        "policies/a.yaml",
        &policy_with("a", "aliases: [b]", &two("a.example.com", "b.example.com")),
    );
    story.write(
        "policies/b.yaml",
        &policy_with("b", "aliases: [a]", &two("c.example.com", "d.example.com")),
    );
    let plan = story.converge().await;
    assert_eq!(operations(&plan), ["updatePolicy"]);
}

#[tokio::test]
async fn a_policy_that_would_be_pruned_becomes_a_new_one_if_it_is_mostly_the_same() {
    let story = Story::new(EmulatorProfile::Current).await;
    story.config("unmanaged: prune\n");
    let id = story
        .given(
            "old",
            &[network("r", "a.example.com"), network("s", "b.example.com")],
        )
        .await;
    story.given("stray", &[network("x", "y.example.com")]).await;
    let rules = format!(
        "rules:\n{}{}",
        tcp("r", "allow", "a.example.com"),
        tcp("t", "allow", "c.example.com")
    );
    story.policy("new", &rules);
    let plan = story.converge().await;
    let mut made = operations(&plan);
    made.sort();
    assert_eq!(made, ["deletePolicy", "updatePolicy", "updateRule"]);
    assert_eq!(story.live("new").await.unwrap()["id"], json!(id));
    let pruned: Vec<(&str, Option<&str>)> = plan
        .unmanaged
        .iter()
        .map(|policy| (policy.name.as_str(), policy.becomes.as_deref()))
        .collect();
    assert_eq!(pruned, [("old", Some("new")), ("stray", None)]);
    assert_eq!(plan.guarded.len(), 2);

    // What is only reported is never taken over.
    let story = Story::new(EmulatorProfile::Current).await;
    story
        .given(
            "old",
            &[network("r", "a.example.com"), network("s", "b.example.com")],
        )
        .await;
    story.policy("new", &rules);
    let plan = story.converge().await;
    assert_eq!(
        operations(&plan),
        ["createPolicy", "createRule", "createRule"]
    );
}

#[tokio::test]
async fn a_change_of_scope_is_one_patch() {
    for profile in LATER {
        let story = Story::new(profile).await;
        let scoped = format!("scope: {{teams: [{TEAM}]}}\n{}", allow("a.example.com"));
        story.policy("p", &scoped);
        story.converge().await;
        assert_eq!(story.sent("createPolicy")[0].1["scope"], team_scope());

        story.policy("p", &allow("a.example.com"));
        let widening = story.converge().await;
        assert_eq!(
            story.sent("updatePolicy")[0].1,
            json!({"scope": {"teams": []}})
        );
        let notes = json!(widening.notes);
        assert_eq!(
            notes,
            json!([{"code": "scope-widens", "policy": "p"}]),
            "a widening is said"
        );

        story.policy("p", &scoped);
        let narrowing = story.converge().await;
        assert_eq!(
            story.sent("updatePolicy")[1].1,
            json!({"scope": team_scope()})
        );
        assert!(narrowing.notes.is_empty());
    }
}

#[tokio::test]
async fn what_seed_cannot_do_is_held_and_the_rest_is_done() {
    let story = Story::new(EmulatorProfile::Seed).await;
    story.given("old", &[network("r", "a.example.com")]).await;
    story.given("wide", &[network("r", "a.example.com")]).await;
    story.given("stray", &[network("r", "a.example.com")]).await;
    story.config("unmanaged: prune\n");
    story.write(
        "policies/a.yaml",
        &policy_with("new", "aliases: [old]", &allow("b.example.com")),
    );
    let scoped = format!("scope: {{teams: [{TEAM}]}}\n{}", allow("a.example.com"));
    story.write("policies/b.yaml", &policy_with("wide", "", &scoped));
    let plan = story.plan().await;
    story.apply(&plan).await;
    let held: Vec<(String, String)> = plan
        .held
        .iter()
        .map(|held| {
            let reason = json!(held.reason);
            assert_eq!(reason["code"], "profile-lacks");
            (
                held.name.clone(),
                reason["operation"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let expected = [
        ("old", "updatePolicy"),
        ("stray", "deletePolicy"),
        ("wide", "updatePolicy"),
    ];
    assert_eq!(
        held,
        expected.map(|(policy, operation)| (policy.to_owned(), operation.to_owned()))
    );
    assert_eq!(
        operations(&plan),
        ["updateRule"],
        "the rule of the policy that cannot be renamed"
    );
    let again = story.plan().await;
    assert_eq!((again.calls.len(), again.held.len()), (0, 3));
    story.assert_contract();
}

#[tokio::test]
async fn profiles_of_people_are_a_scope_of_seed() {
    let story = Story::new(EmulatorProfile::Seed).await;
    story.policy(
        "p",
        &format!(
            "scope: {{profiles: [contractors], teams: [{TEAM}]}}\n{}",
            allow("a.example.com")
        ),
    );
    story.converge().await;
    assert_eq!(
        story.live("p").await.unwrap()["scope"],
        json!({"profiles": ["contractors"], "teams": [TEAM]})
    );
}

#[tokio::test]
async fn a_policy_that_changes_its_type_is_made_anew() {
    for (from, to) in [
        (allow("a.example.com"), cedar().to_owned()),
        (cedar().to_owned(), allow("a.example.com")),
    ] {
        let story = Story::new(EmulatorProfile::Current).await;
        story.policy("p", &from);
        story.converge().await;
        story.policy("p", &to);
        let plan = story.converge().await;
        assert_eq!(operations(&plan)[..2], ["deletePolicy", "createPolicy"]);
    }
}

#[tokio::test]
async fn a_protected_policy_is_made_anew_only_if_that_is_acknowledged() {
    let story = Story::new(EmulatorProfile::Current).await;
    story.policy("p", &allow("a.example.com"));
    story.converge().await;
    story.write(
        "policies/policy.yaml",
        &policy_with("p", "protect: true", cedar()),
    );
    let plan = story.plan().await;
    assert_eq!(operations(&plan), ["deletePolicy", "createPolicy"]);
    assert_eq!(json!(plan.guarded)[0]["kind"], "protected");
}

#[tokio::test]
async fn a_policy_that_changes_its_domain_is_emptied_first() {
    for profile in EmulatorProfile::ALL {
        let story = Story::new(profile).await;
        let id = story
            .given(
                "p",
                &[network("a", "a.example.com"), network("b", "b.example.com")],
            )
            .await;
        story.policy(
            "p",
            "rules:\n  - {name: a, decision: allow, actions: [read], resources: [/data]}\n",
        );
        let plan = story.converge().await;
        // The last rule may change its domain in the newest profile.
        let last: &[&str] = if profile == EmulatorProfile::Current {
            &["updateRule"]
        } else {
            &["deleteRule", "createRule"]
        };
        assert_eq!(
            operations(&plan),
            [&["deleteRule"], last].concat(),
            "{profile}"
        );
        assert_eq!(story.live("p").await.unwrap()["id"], json!(id));
    }
}

#[tokio::test]
async fn unmanaged_policies_are_treated_as_the_target_says() {
    for profile in LATER {
        for (word, treatment) in [
            ("report", Unmanaged::Report),
            ("ignore", Unmanaged::Ignore),
            ("prune", Unmanaged::Prune),
        ] {
            let story = Story::new(profile).await;
            story.given("stray", &[files("r")]).await;
            let before = story.live("stray").await;
            story.config(&format!("unmanaged: {word}\n"));
            story.policy("p", &allow("a.example.com"));
            let plan = story.converge().await;
            let listed = usize::from(treatment != Unmanaged::Ignore);
            assert_eq!(plan.unmanaged.len(), listed, "{word}");
            assert!(
                plan.unmanaged
                    .iter()
                    .all(|policy| policy.treatment == treatment && policy.name == "stray")
            );
            let expected = if treatment == Unmanaged::Prune {
                None
            } else {
                before
            };
            assert_eq!(story.live("stray").await, expected, "{word}");
        }
    }
}

#[tokio::test]
async fn one_run_serves_several_organizations() {
    let organizations = ["alpha", "beta"].map(organization).to_vec();
    let story = Story::with(DockerOptions {
        organizations,
        ..DockerOptions::default()
    })
    .await;
    let targets = target("a", "alpha", "policies/a", "") + &target("b", "beta", "policies/b", "");
    story.write(
        "polwarden.yaml",
        &format!("apiVersion: polwarden/v1\nkind: Config\ntargets:\n{targets}"),
    );
    story.write(
        "policies/a/p.yaml",
        &policy_with("same name", "", &allow("a.example.com")),
    );
    story.write(
        "policies/b/p.yaml",
        &policy_with("same name", "", &allow("b.example.com")),
    );
    for plan in story.try_plans().await.unwrap() {
        assert_eq!(operations(&plan), ["createPolicy", "createRule"]);
        story.apply(&plan).await;
    }
    assert!(
        story
            .try_plans()
            .await
            .unwrap()
            .iter()
            .all(|plan| plan.calls.is_empty())
    );
    story.assert_contract();
}

#[tokio::test]
async fn a_policy_that_appears_twice_in_names_of_others_is_left_alone() {
    // An organization whose policy has the alias of ours, while ours exists too: nothing is renamed over it.
    let seed = DockerOrganizationSeed {
        name: "my-org".to_owned(),
        ..DockerOrganizationSeed::default()
    };
    let story = Story::with(DockerOptions {
        organizations: vec![seed],
        ..DockerOptions::default()
    })
    .await;
    story.given("old", &[network("r", "a.example.com")]).await;
    story.given("new", &[network("r", "a.example.com")]).await;
    story.write(
        "policies/p.yaml",
        &policy_with("new", "aliases: [old]", &allow("a.example.com")),
    );
    let plan = story.converge().await;
    assert_eq!(plan.calls, []);
    assert_eq!(
        plan.unmanaged
            .iter()
            .map(|policy| policy.name.as_str())
            .collect::<Vec<_>>(),
        ["old"]
    );
}
