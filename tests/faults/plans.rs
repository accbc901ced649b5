//! Saved plans: the use of their digest, and that the content of their file is not trusted.

use emulator::EmulatorProfile;
use polwarden::plan::{AccessImpact, LiveCounts, Plan, ResourceKind, plan_digest};

use super::{APPLY, change, first, serving, state};
use crate::cli::sandbox::{Sandbox, forge_plan, policy_with};

fn planned() -> Sandbox {
    let sandbox = serving(EmulatorProfile::Current, &[]);
    first(&sandbox);
    sandbox.expect(0, APPLY);
    change(&sandbox);
    sandbox
}

fn digest(sandbox: &Sandbox) -> String {
    let plan = sandbox.expect(0, &["plan", "--format", "json"]).json();
    plan["digest"].as_str().unwrap().to_owned()
}

#[test]
fn a_plan_says_what_it_was_made_from() {
    let sandbox = planned();
    let plan = sandbox.expect(0, &["plan", "--format", "json"]).json();
    assert!(plan["tree"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(plan["digest"].as_str().unwrap(), digest(&sandbox));
    // The files count, byte by byte.
    sandbox.write(
        "policies/a.yaml",
        sandbox.read("policies/a.yaml") + "# a comment\n",
    );
    let other = sandbox.expect(0, &["plan", "--format", "json"]).json();
    assert_ne!(plan["tree"], other["tree"]);
    assert_ne!(plan["digest"], other["digest"]);
}

#[test]
fn an_expected_plan_is_applied_and_another_one_is_6() {
    let sandbox = planned();
    let expected = digest(&sandbox);
    let before = state(&sandbox, EmulatorProfile::Current);
    sandbox.expect(5, &["apply", "--expect-plan", &expected]);
    let file = sandbox.read("policies/c.yaml");
    sandbox.write(
        "policies/c.yaml",
        file.replace("six.example.com", "other.example.com"),
    );
    let ran = sandbox.expect(6, &["apply", "--auto-approve", "--expect-plan", &expected]);
    assert!(
        ran.err.contains("another plan") && ran.err.contains(&expected),
        "{}",
        ran.err
    );
    sandbox.write("policies/c.yaml", file);
    sandbox.expect(1, &["apply", "--auto-approve", "--expect-plan", "sha256:1"]);
    assert_eq!(state(&sandbox, EmulatorProfile::Current), before);
    sandbox.expect(0, &["apply", "--auto-approve", "--expect-plan", &expected]);
}

#[test]
fn a_plan_that_was_edited_is_refused() {
    let sandbox = planned();
    sandbox.expect(0, &["plan", "--out", "plan.json"]);
    let plan = sandbox.read("plan.json");
    let before = state(&sandbox, EmulatorProfile::Current);
    for edited in [
        plan.replace("five.example.com", "evil.example.com"),
        plan.replacen("\"kept\": 0", "\"kept\": 7", 1),
        plan.replace("\"rule\": 4", "\"rule\": 400"),
    ] {
        assert_ne!(edited, plan);
        sandbox.write("edited.json", edited);
        let ran = sandbox.expect(1, &["apply", "edited.json", "--auto-approve"]);
        assert!(
            ran.err.contains("was changed after it was saved"),
            "{}",
            ran.err
        );
    }
    let without: String = plan
        .lines()
        .filter(|line| !line.contains("\"digest\""))
        .map(|line| format!("{line}\n"))
        .collect();
    sandbox.write("edited.json", without);
    assert!(
        sandbox
            .expect(1, &["apply", "edited.json", "--auto-approve"])
            .err
            .contains("contains no digest")
    );
    assert_eq!(state(&sandbox, EmulatorProfile::Current), before);
    sandbox.expect(0, &["apply", "plan.json", "--auto-approve"]);
}

#[test]
fn what_a_forged_plan_says_of_itself_is_not_shown() {
    let sandbox = planned();
    sandbox.expect(0, &["plan", "--out", "plan.json"]);
    let mut plan: Plan = serde_json::from_str(&sandbox.read("plan.json")).unwrap();
    // A forged plan hides the changes of its calls and has a valid digest.
    let target = &mut plan.targets[0];
    target.changes.clear();
    target.access = Some(AccessImpact::default());
    target.live = LiveCounts::new([(ResourceKind::Rule, 100_000)]);
    plan.digest = Some(plan_digest(&plan).unwrap());
    sandbox.write("forged.json", serde_json::to_string(&plan).unwrap());
    let ran = sandbox.expect(5, &["apply", "-v", "forged.json"]);
    assert!(
        ran.out.contains("rule \"five\"")
            && ran.out.contains("! opened  everyone: six.example.com"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("live: 2 policies, 4 rules"), "{}", ran.out);
}

#[test]
fn a_forged_plan_cannot_drop_the_protection_of_a_policy() {
    let sandbox = planned();
    let b = sandbox.read("policies/b.yaml");
    let protected = b.replace("name: \"b\"\n", "name: \"b\"\n  protect: true\n");
    assert_ne!(protected, b);
    sandbox.write(
        "policies/b.yaml",
        policy_with("b", "protect: true\n", "rules: []\n"),
    );
    sandbox.expect(0, &["plan", "--out", "plan.json"]);
    sandbox.write("policies/b.yaml", protected);
    let before = state(&sandbox, EmulatorProfile::Current);
    forge_plan(&sandbox, |plan| {
        plan.targets[0].guarded.clear();
        plan.targets[0].notes.clear();
    });
    let ran = sandbox.expect(5, &["apply", "forged.json", "--auto-approve"]);
    assert!(
        ran.err
            .contains("policy `b`: it is protected, and all its rules are removed"),
        "{}",
        ran.err
    );
    assert_eq!(state(&sandbox, EmulatorProfile::Current), before);
}

#[test]
fn a_forged_plan_cannot_leave_out_the_state_it_was_made_from() {
    let sandbox = planned();
    sandbox.expect(0, &["plan", "--out", "plan.json"]);
    let before = state(&sandbox, EmulatorProfile::Current);
    forge_plan(&sandbox, |plan| plan.targets[0].before.clear());
    let ran = sandbox.expect(6, &["apply", "forged.json", "--auto-approve"]);
    assert!(
        ran.err
            .contains("policy `a` has changed since the plan was made"),
        "{}",
        ran.err
    );
    assert_eq!(state(&sandbox, EmulatorProfile::Current), before);
}

#[test]
fn a_forged_plan_cannot_drop_a_gate_or_a_guard() {
    let sandbox = planned();
    // The calls delete a policy that the manifests keep.
    let b = sandbox.read("policies/b.yaml");
    let configuration = sandbox.read("polwarden.yaml");
    sandbox.write(
        "polwarden.yaml",
        configuration.clone() + "    unmanaged: prune\n",
    );
    std::fs::remove_file(sandbox.path("policies/b.yaml")).unwrap();
    sandbox.expect(0, &["plan", "--out", "plan.json"]);
    sandbox.write("policies/b.yaml", b);
    let gate = "access:\n  never: [tcp six.example.com]\n";
    sandbox.write("polwarden.yaml", configuration.clone() + gate);
    let before = state(&sandbox, EmulatorProfile::Current);
    forge_plan(&sandbox, |plan| {
        let target = &mut plan.targets[0];
        target.guarded.clear();
        target.gates.clear();
        target.unmanaged.clear();
        target.notes.clear();
        target.access = None;
    });
    let ran = sandbox.expect(4, &["apply", "forged.json", "--auto-approve"]);
    assert!(ran.err.contains("1 access gate fails"), "{}", ran.err);
    sandbox.write("polwarden.yaml", configuration);
    let ran = sandbox.expect(5, &["apply", "forged.json", "--auto-approve"]);
    assert!(
        ran.err.contains("policy `b`: ") && ran.err.contains("prune=1"),
        "{}",
        ran.err
    );
    assert_eq!(state(&sandbox, EmulatorProfile::Current), before);
}

#[test]
fn a_forged_plan_cannot_split_a_target_to_stay_below_limits() {
    let sandbox = planned();
    sandbox.expect(0, &["plan", "--out", "plan.json"]);
    let before = state(&sandbox, EmulatorProfile::Current);
    forge_plan(&sandbox, |plan| {
        let copy = plan.targets[0].clone();
        plan.targets.push(copy);
    });
    let ran = sandbox.expect(1, &["apply", "forged.json", "--auto-approve"]);
    assert!(
        ran.err
            .contains("duplicate target `production` in the plan"),
        "{}",
        ran.err
    );
    assert_eq!(state(&sandbox, EmulatorProfile::Current), before);
}

#[test]
fn a_plan_file_is_read_up_to_a_limit() {
    let sandbox = planned();
    let file = std::fs::File::create(sandbox.path("large.json")).unwrap();
    // A sparse file.
    file.set_len(256 * 1024 * 1024 + 1).unwrap();
    let ran = sandbox.expect(1, &["apply", "large.json", "--auto-approve"]);
    assert!(
        ran.err
            .contains("the plan `large.json` is larger than 256 MiB"),
        "{}",
        ran.err
    );
}

#[test]
fn a_saved_plan_needs_valid_manifests() {
    let sandbox = planned();
    sandbox.expect(0, &["plan", "--out", "plan.json"]);
    let before = state(&sandbox, EmulatorProfile::Current);
    sandbox.write("policies/c.yaml", "kind: Policy\n");
    sandbox.expect(3, &["apply", "plan.json", "--auto-approve"]);
    assert_eq!(state(&sandbox, EmulatorProfile::Current), before);
}

#[test]
fn a_saved_plan_is_shown_as_it_was_planned() {
    let sandbox = planned();
    let planned = sandbox.expect(0, &["plan", "--out", "plan.json"]).out;
    let shown = sandbox.expect(5, &["apply", "plan.json"]).out;
    let planned: String = planned
        .lines()
        .filter(|line| {
            !["Digest: ", "Plan file: ", "Next: "]
                .iter()
                .any(|own| line.starts_with(own))
        })
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(shown.trim_end(), planned.trim_end());
}
