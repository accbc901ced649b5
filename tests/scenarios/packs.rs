//! Policy packs and groups, from manifests to a service and back, through the binary.

use std::fs;

use emulator::pulumi::{PulumiOptions, PulumiOrganizationSeed, start};
use serde_json::Value;

use crate::cli::sandbox::{Sandbox, forge_plan};

/// A pack with one policy, and a group that uses it.
struct Site {
    sandbox: Sandbox,
    running: Option<emulator::RunningEmulator>,
}

impl Site {
    fn new(faults: &[String]) -> Self {
        let mut site = Self {
            sandbox: Sandbox::empty(),
            running: None,
        };
        site.sandbox.write("polwarden.yaml", CONFIG);
        site.sandbox
            .write("packs/guard/PulumiPolicy.yaml", "runtime: nodejs\n");
        site.sandbox
            .write("packs/guard/package.json", "{\"main\": \"index.ts\"}\n");
        site.sandbox.write("packs/guard/index.ts", "// checks\n");
        site.want("1.0.0", "mandatory");
        site.group("1.0.0", &["prod"]);
        site.serve(faults);
        site.sandbox.expect(0, &["lock"]);
        site
    }

    /// Serves the same state with other faults.
    fn serve(&mut self, faults: &[String]) {
        let state = self.sandbox.path("service.sqlite");
        let options = PulumiOptions {
            state: emulator::StateLocation::File(state),
            organizations: vec![PulumiOrganizationSeed {
                name: "my-org".to_owned(),
                ..PulumiOrganizationSeed::default()
            }],
            any_stack: true,
            faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(),
            ..PulumiOptions::default()
        };
        if let Some(running) = self.running.take() {
            self.sandbox.wait(running.shutdown());
        }
        let running = self.sandbox.wait(start(options)).unwrap();
        self.sandbox
            .set("POLWARDEN_PULUMI_ENDPOINT", &running.url());
        self.sandbox
            .set("PULUMI_ACCESS_TOKEN", crate::cli::sandbox::SECRET);
        self.running = Some(running);
    }

    fn want(&self, tag: &str, level: &str) {
        let pack = format!(
            "apiVersion: pulumi.com/v1\nkind: PolicyPack\nmetadata:\n  name: guard\nspec:\n  displayName: Guard\n  \
             versionTag: {tag}\n  source: ../packs/guard\n  policies:\n    - name: no-public\n      displayName: Nothing \
             public\n      description: d\n      enforcementLevel: {level}\n      message: m\n"
        );
        self.sandbox.write("policies/guard.yaml", pack);
    }

    fn group(&self, tag: &str, stacks: &[&str]) {
        let stacks: String = stacks
            .iter()
            .map(|stack| format!("    - {{name: {stack}, routingProject: web}}\n"))
            .collect();
        let group = format!(
            "apiVersion: pulumi.com/v1\nkind: PolicyGroup\nmetadata:\n  name: production\nspec:\n  stacks:\n{stacks}  \
             policyPacks:\n    - name: guard\n      versionTag: {tag}\n"
        );
        self.sandbox.write("policies/group.yaml", group);
    }

    fn raise(&self, tag: &str, level: &str, stacks: &[&str]) {
        self.want(tag, level);
        self.group(tag, stacks);
        self.sandbox.expect(0, &["lock"]);
    }

    fn records(&self) -> Vec<Value> {
        let mut files: Vec<_> = fs::read_dir(self.sandbox.path(".polwarden/journal"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
            .collect();
        files.sort();
        let text = fs::read_to_string(files.last().unwrap()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.sandbox.wait(running.shutdown());
        }
    }
}

const CONFIG: &str = "apiVersion: polwarden/v1\nkind: Config\ntargets:\n  - name: cloud\n    provider: pulumi\n    \
                      organization: my-org\n    paths: [policies]\n    keepVersions: 2\n";
const APPLY: &[&str] = &["apply", "--auto-approve"];

#[test]
fn a_pack_is_published_enabled_and_retired() {
    let site = Site::new(&[]);
    let ran = site.sandbox.expect(0, APPLY);
    let place = |out: &str, text: &str| out.find(text).unwrap_or_else(|| panic!("{text}: {out}"));
    let first = |text: &str| place(&ran.out, text);
    assert!(first("begin version 1.0.0") < first("complete version 1.0.0"));
    assert!(first("✓ complete version 1.0.0") < first("✓ enable version 1.0.0"));
    assert!(
        first("✓ enable version 1.0.0") < first("✓ add stack web/prod"),
        "no stack sees the group without its pack"
    );
    site.sandbox.expect(0, &["plan", "--detailed-exitcode"]);
    // Every call was written down before it was sent, and says where it was published from.
    let records = site.records();
    let sent = records
        .iter()
        .filter(|record| record["record"] == "intent")
        .count();
    assert_eq!(
        (
            sent,
            records
                .iter()
                .filter(|record| record["record"] == "answer")
                .count()
        ),
        (6, 6)
    );
    // The oldest version goes once two are newer and no group has it.
    site.raise("1.1.0", "mandatory", &["prod"]);
    site.sandbox.expect(0, APPLY);
    site.raise("1.2.0", "mandatory", &["prod"]);
    let ran = site.sandbox.expect(0, APPLY);
    assert!(
        ran.out.contains("✓ delete version 1.0.0 of pack \"guard\""),
        "{}",
        ran.out
    );
    assert!(
        place(&ran.out, "✓ enable version 1.2.0") < place(&ran.out, "✓ delete version 1.0.0"),
        "{}",
        ran.out
    );
    site.sandbox.expect(0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn accounts_environments_and_agent_pools_are_planned_applied_and_rolled_back() {
    let site = Site::new(&[]);
    let accounts = |accounts: &str, pool: &str, environments: &str| {
        let group = format!(
            "apiVersion: pulumi.com/v1\nkind: PolicyGroup\nmetadata:\n  name: cloud\nspec:\n  entityType: accounts\n  \
             accounts: {accounts}\n  agentPoolId: {pool}\n  policyPacks:\n    - name: guard\n      environments: \
             {environments}\n"
        );
        site.sandbox.write("policies/accounts.yaml", group);
    };
    accounts("[aws, gcp]", "pool-1", "[b/two, a/one]");
    site.sandbox.expect(0, &["validate", "--strict"]);
    site.sandbox.expect(0, &["fmt", "--check"]);
    let ran = site.sandbox.expect(0, APPLY);
    let at = |text: &str| {
        ran.out
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {}", ran.out))
    };
    assert!(
        at("✓ enable version 1.0.0 of pack \"guard\" in group \"cloud\"")
            < at("✓ add account \"aws\"")
    );
    site.sandbox.expect(0, &["plan", "--detailed-exitcode"]);

    accounts("[gcp, azure]", "\"\"", "[a/one, b/two]");
    let ran = site.sandbox.expect(0, APPLY);
    for text in [
        "✓ add account \"azure\" to group \"cloud\"",
        "✓ remove account \"aws\" from group \"cloud\"",
        "✓ clear the agent pool of group \"cloud\"",
        "environments: b/two, a/one → a/one, b/two",
        "agentPoolId: pool-1",
        "Read back: the server has the desired state.",
    ] {
        assert!(ran.out.contains(text), "{text}: {}", ran.out);
    }
    site.sandbox.expect(0, &["plan", "--detailed-exitcode"]);
    site.sandbox.expect(0, &["drift"]);

    // What another client changes is drift.
    let patch = |field: &str| {
        let arguments = [
            "call",
            "UpdatePolicyGroup",
            "--target",
            "cloud",
            "--auto-approve",
            "--field",
            "policyGroup=cloud",
            "--field",
            field,
        ];
        site.sandbox.expect(0, &arguments);
    };
    patch("agentPoolId=pool-9");
    patch("addInsightsAccount={\"name\": \"stray\"}");
    let ran = site.sandbox.expect(8, &["drift"]);
    for text in ["pool-9", "stray"] {
        assert!(ran.out.contains(text), "{text}: {}", ran.out);
    }
    site.sandbox.expect(0, APPLY);

    // The state before the last run but one that a journal has.
    accounts("[aws]", "pool-1", "[]");
    site.sandbox.expect(0, APPLY);
    let ran = site.sandbox.expect(0, &["rollback", "--auto-approve"]);
    for text in [
        "✓ add account \"azure\" to group \"cloud\"",
        "✓ remove account \"aws\" from group \"cloud\"",
        "✓ clear the agent pool of group \"cloud\"",
    ] {
        assert!(ran.out.contains(text), "{text}: {}", ran.out);
    }
    accounts("[gcp, azure]", "\"\"", "[a/one, b/two]");
    site.sandbox.expect(0, &["plan", "--detailed-exitcode"]);

    // An import writes what is managed.
    fs::remove_file(site.sandbox.path("policies/accounts.yaml")).unwrap();
    site.sandbox.expect(0, &["import", "--provider", "pulumi"]);
    let imported = site.sandbox.read("policies/group-cloud.yaml");
    assert!(
        imported.contains("accounts:\n    - azure\n    - gcp\n")
            && imported.contains("environments:\n        - a/one\n        - b/two\n"),
        "{imported}"
    );
}

#[test]
fn a_tag_that_is_published_takes_no_other_content() {
    let site = Site::new(&[]);
    site.sandbox.expect(0, APPLY);
    site.want("1.0.0", "advisory");
    let ran = site.sandbox.expect(3, &["plan"]);
    assert!(
        ran.err.contains("error[tag-reused]") && ran.err.contains("raise `versionTag`"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("policies/guard.yaml:7:"), "{}", ran.err);
    site.group("9.9.9", &["prod"]);
    site.want("1.0.0", "mandatory");
    let ran = site.sandbox.expect(3, &["plan"]);
    assert!(ran.err.contains("error[unknown-version]"), "{}", ran.err);
}

#[test]
fn what_loosens_stands_first_in_every_format() {
    let site = Site::new(&[]);
    site.sandbox.expect(0, APPLY);
    site.raise("1.1.0", "advisory", &["prod"]);
    let human = site.sandbox.expect(0, &["plan"]).out;
    let human: Vec<&str> = human
        .lines()
        .filter(|line| !line.starts_with("Digest"))
        .collect();
    insta::with_settings!({ filters => vec![
        (r"127\.0\.0\.1:\d+", "127.0.0.1:[port]"),
        // It covers the endpoint.
        (r"\bplan [0-9a-f]{16}\b", "plan [mark]"),
    ] }, {
        insta::assert_snapshot!("packs_loosening", human.join("\n"));
    });
    let markdown = (
        "**",
        "**Enforcement: loosening (levels as manifests declare them; engines enforce what the running pack declares)**",
    );
    let html = (
        "<h3>",
        "<h3>Enforcement: loosening (levels as manifests declare them; engines enforce what the running pack declares)</h3>",
    );
    let findings = ("plan-", "plan-enforcement-loosens");
    for (format, from, (kind, first)) in [
        ("markdown", "\n\n`", markdown),
        ("html", "<h2>", html),
        ("github", "", findings),
        ("gitlab", "", findings),
        ("junit", "", findings),
        ("sarif", "", findings),
    ] {
        let out = site.sandbox.expect(0, &["plan", "--format", format]).out;
        let rest = &out[out.find(from).unwrap()..];
        let place = rest.find(first);
        assert!(
            place.is_some() && place == rest.find(kind),
            "{format}: {out}"
        );
    }
    let plan = site.sandbox.expect(0, &["plan", "--format", "json"]).json();
    let target = &plan["targets"][0];
    assert_eq!(target["enforcement"][0]["direction"], "loosens");
    assert_eq!(
        target["enforcement"].as_array().unwrap().len(),
        2,
        "the pack, and the group: {target:#}"
    );
    assert!(target["access"].is_null());
}

#[test]
fn a_pack_leaves_a_group_only_when_that_is_meant_and_a_rollback_brings_it_back() {
    let site = Site::new(&[]);
    site.sandbox.expect(0, APPLY);
    let group = "apiVersion: pulumi.com/v1\nkind: PolicyGroup\nmetadata:\n  name: production\nspec:\n  policyPacks: []\n";
    site.sandbox.write("policies/group.yaml", group);
    let ran = site.sandbox.expect(5, APPLY);
    assert!(
        ran.err.contains("the pack `guard` is removed from it")
            && ran.err.contains("pack-removed=1"),
        "{}",
        ran.err
    );
    site.sandbox
        .expect(0, &["apply", "--auto-approve", "--ack", "pack-removed=1"]);
    let ran = site.sandbox.expect(0, &["rollback", "--auto-approve"]);
    assert!(
        ran.out
            .contains("✓ enable version 1.0.0 of pack \"guard\" in group \"production\""),
        "{}",
        ran.out
    );
    site.group("1.0.0", &["prod"]);
    site.sandbox.expect(0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn drift_and_stale_plans_are_noticed() {
    let site = Site::new(&[]);
    site.sandbox.expect(0, APPLY);
    site.sandbox.expect(0, &["drift"]);
    site.raise("1.1.0", "mandatory", &["prod"]);
    site.sandbox.expect(0, &["plan", "--out", "plan.json"]);
    // A plan without the fingerprints of what its calls change.
    forge_plan(&site.sandbox, |plan| plan.targets[0].before.clear());
    let ran = site
        .sandbox
        .expect(6, &["apply", "forged.json", "--auto-approve"]);
    assert!(
        ran.err
            .contains("group `production` has changed since the plan was made"),
        "{}",
        ran.err
    );
    // Another client changes the group's stacks in the meantime.
    site.group("1.0.0", &["prod", "dev"]);
    site.want("1.0.0", "mandatory");
    site.sandbox.expect(0, APPLY);
    let ran = site
        .sandbox
        .expect(6, &["apply", "plan.json", "--auto-approve"]);
    assert!(
        ran.err
            .contains("group `production` has changed since the plan was made"),
        "{}",
        ran.err
    );
    site.group("1.0.0", &["prod"]);
    let ran = site.sandbox.expect(8, &["drift"]);
    assert!(ran.out.contains("+ web/dev"), "{}", ran.out);
    // No format advises what cannot be done.
    let ran = site.sandbox.expect(8, &["drift", "--format", "github"]);
    assert!(
        ran.out.contains("undoes it") && !ran.out.contains("polwarden import"),
        "{}",
        ran.out
    );
    let ran = site.sandbox.expect(1, &["import", "--only", "production"]);
    assert!(
        ran.err.contains("bring their manifests to that by hand"),
        "{}",
        ran.err
    );
}

/// A fault at every write, of every kind: the apply that follows ends the work, but for a tag that is lost.
#[test]
fn whatever_fails_the_next_apply_ends_it() {
    for kind in [
        "before-500",
        "after-500",
        "before-reset",
        "after-reset",
        "before-429",
        "after-undecodable",
    ] {
        for write in 1..=6 {
            let mut site = Site::new(&[format!("{kind}@write:{write}")]);
            let ran = site.sandbox.run(APPLY);
            let told = format!("{kind}@write:{write}: {}{}", ran.out, ran.err);
            assert!(matches!(ran.code, 0 | 1 | 7), "{} {told}", ran.code);
            assert!(!told.contains("panicked"), "{told}");
            site.serve(&[]);
            if ran.code == 0 {
                site.sandbox.expect(0, &["plan", "--detailed-exitcode"]);
                continue;
            }
            let mut again = site.sandbox.run(APPLY);
            if again.err.contains("has already been published")
                || again.out.contains("has already been published")
            {
                // What was begun and is not complete was deleted, and its tag is never free again.
                assert!(told.contains("begin version 1.0.0"), "{told}");
                assert!(
                    again
                        .out
                        .contains("raise `versionTag`, run `polwarden lock`"),
                    "{}{}",
                    again.out,
                    again.err
                );
                site.raise("1.0.1", "mandatory", &["prod"]);
                again = site.sandbox.run(APPLY);
            }
            assert_eq!(again.code, 0, "{told}\nagain: {}{}", again.out, again.err);
            site.sandbox.expect(0, &["plan", "--detailed-exitcode"]);
        }
    }
}

/// A second group, `staging`, that manifests declare and the next plan leaves as it is.
fn site_with_two_groups() -> Site {
    let site = Site::new(&[]);
    let group = "apiVersion: pulumi.com/v1\nkind: PolicyGroup\nmetadata:\n  name: staging\nspec:\n  stacks:\n    \
                 - {name: stage, routingProject: web}\n  policyPacks:\n    - name: guard\n      versionTag: 1.0.0\n";
    site.sandbox.write("policies/staging.yaml", group);
    site.sandbox.expect(0, APPLY);
    site.group("1.0.0", &["prod", "eu"]);
    site
}

#[test]
fn a_plan_from_a_mixture_of_two_states_is_stale_or_made_again() {
    // The other client changes a group between the reading for the plan and the first write. The plan
    // does not touch this group.
    let mut site = site_with_two_groups();
    site.serve(&["configure-pack=staging/guard@ListPolicyGroups:2".to_owned()]);
    let ran = site.sandbox.expect(0, APPLY);
    assert!(
        ran.err
            .contains("group `staging` has changed since the plan was made"),
        "{}",
        ran.text()
    );
    assert!(ran.out.contains("planned again"), "{}", ran.text());
    site.sandbox.expect(0, &["plan", "--detailed-exitcode"]);

    // A plan that was reviewed is not replaced by another one.
    let mut site = site_with_two_groups();
    // The second reading is the one with which `apply` begins.
    site.serve(&["configure-pack=staging/guard@ListPolicyGroups:3".to_owned()]);
    site.sandbox.expect(0, &["plan", "--out", "plan.json"]);
    let ran = site
        .sandbox
        .expect(6, &["apply", "plan.json", "--auto-approve"]);
    assert!(ran.out.contains("0 applied"), "{}", ran.text());
}

#[test]
fn a_change_of_an_untouched_group_during_the_run_is_reported() {
    for (change, said) in [
        (
            "configure-pack=staging/guard",
            "group `staging`: changed by another client during the run",
        ),
        (
            "add-group=new",
            "group `new`: created by another client during the run",
        ),
    ] {
        let mut site = site_with_two_groups();
        site.serve(&[format!("{change}@UpdatePolicyGroup:1")]);
        let ran = site.sandbox.expect(7, APPLY);
        assert!(ran.err.contains(said), "{}", ran.text());
    }
}

#[test]
fn two_applies_that_both_exit_with_0_leave_the_state_that_one_of_them_wants() {
    for round in 0..6 {
        let site = site_with_two_groups();
        for file in [
            "polwarden.yaml",
            "polwarden.lock",
            "packs/guard/PulumiPolicy.yaml",
            "packs/guard/package.json",
            "packs/guard/index.ts",
            "policies/guard.yaml",
            "policies/staging.yaml",
        ] {
            let text = site.sandbox.read(file);
            site.sandbox.write(&format!("other/{file}"), text);
        }
        let group = site.sandbox.read("policies/group.yaml");
        let theirs = group.replace("name: eu,", "name: us,");
        site.sandbox.write("other/policies/group.yaml", theirs);
        let ends = crate::faults::races::race_of(
            &site.sandbox,
            APPLY,
            &["-C", "other", "apply", "--auto-approve"],
            std::time::Duration::from_millis(round * 7 % 41),
        );
        let what = format!("round {round}: {ends:#?}");
        let codes = ends.each_ref().map(|ran| ran.code);
        assert!(
            codes.iter().all(|code| [0, 1, 5, 6, 7].contains(code)),
            "{what}"
        );
        if codes == [0, 0] {
            let wanted = |folder: &str| {
                let arguments = ["-C", folder, "plan", "--detailed-exitcode"];
                site.sandbox.run(&arguments).code == 0
            };
            assert!(wanted(".") || wanted("other"), "{what}");
        }
    }
}
