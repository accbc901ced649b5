//! An invalid configuration does not hide the errors in the manifests of its valid targets.

use super::sandbox::{Sandbox, config, policy, target, tcp};

#[test]
fn the_manifests_of_valid_targets_are_checked() {
    let sandbox = Sandbox::empty();
    let rules = |host: &str| format!("rules:\n{}", tcp("r", "allow", host));
    sandbox.write(
        "policies/p.yaml",
        policy("p", &rules("\"a b.example.com\"")),
    );
    sandbox.write("other/q.yaml", policy("q", &rules("\"c d.example.com\"")));
    for (other, expected) in [
        // An error of the schema, and one of the meaning.
        (target("second", "o", "other", "profile: nope"), "profile"),
        (target("second", "o/o", "other", ""), "organization"),
    ] {
        sandbox.write("polwarden.yaml", config("") + &other);
        for command in ["validate", "lint"] {
            let ran = sandbox.expect(3, &[command]);
            assert!(ran.out.contains(expected), "{}", ran.out);
            assert!(ran.out.contains("policies/p.yaml:"), "{}", ran.out);
            assert!(!ran.out.contains("other/q.yaml:"), "{}", ran.out);
            assert!(
                ran.out.ends_with("1 manifest file: 2 errors\n"),
                "{}",
                ran.out
            );
        }
    }
}

#[test]
fn what_targets_share_has_no_consequences_in_their_manifests() {
    let sandbox = Sandbox::new("");
    let rules = format!("rules:\n{}", tcp("r", "allow", "a.example.com"));
    sandbox.write("policies/p.yaml", policy("p", &rules));
    for more in [
        "access: 1\n",
        "access: {never: [nothing]}\n",
        "apply: {branch: 1}\n",
    ] {
        sandbox.write("polwarden.yaml", config("") + more);
        let ran = sandbox.expect(3, &["validate"]);
        assert!(
            ran.out.ends_with("1 manifest file: 1 error\n"),
            "{}",
            ran.out
        );
    }
}
