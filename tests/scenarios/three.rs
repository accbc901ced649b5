//! One repository with a target of each provider: planned and applied in one run.

use super::documents::{Site, policy};

const CONFIG: &str = "apiVersion: polwarden/v1
kind: Config
targets:
  - name: agents
    provider: docker
    organization: my-org
    paths: [docker]
  - name: cloud
    provider: pulumi
    organization: my-org
    paths: [pulumi]
  - name: chain
    provider: chainloop
    organization: my-org
    paths: [chainloop]
    writes: true
";
const DOCKER: &str = "apiVersion: docker.com/governance/v1\nkind: Policy\nmetadata:\n  name: Mirrors\nspec:\n  rules:\n    - \
                      name: allow\n      decision: allow\n      actions: [connect:tcp]\n      resources: \
                      [mirror.example.com:443]\n";
const PULUMI: &str = "apiVersion: pulumi.com/v1\nkind: PolicyGroup\nmetadata:\n  name: production\nspec:\n  stacks:\n    - \
                      {name: prod, routingProject: web}\n";
const ENDPOINTS: [&str; 4] = [
    "--endpoint",
    "docker=embedded",
    "--endpoint",
    "pulumi=embedded",
];

fn site(faults: &[String]) -> Site {
    let site = Site::new("", Vec::new(), faults);
    site.sandbox.write("polwarden.yaml", CONFIG);
    site.sandbox.write("docker/mirrors.yaml", DOCKER);
    site.sandbox.write("pulumi/group.yaml", PULUMI);
    site.sandbox
        .write("chainloop/p.yaml", policy("p", "a := 1"));
    site.sandbox
        .write("chainloop/q.yaml", policy("q", "a := 1"));
    site
}

fn with<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &ENDPOINTS[..]].concat()
}

#[test]
fn three_providers_are_planned_and_applied_in_one_run() {
    let site = site(&[]);
    site.sandbox.expect(0, &["validate"]);
    let plan = site.sandbox.expect(
        2,
        &with(&["plan", "--detailed-exitcode", "--out", "plan.json"]),
    );
    for text in [
        "create policy",
        "create group",
        "update group",
        "Documents: 2 missing",
    ] {
        assert!(plan.out.contains(text), "{text}: {}", plan.out);
    }
    // What was reviewed is what is made.
    let ran = site
        .sandbox
        .expect(0, &with(&["apply", "plan.json", "--auto-approve"]));
    for text in [
        "Applying to agents",
        "Applying to cloud",
        "Applying to chain",
        "✓ create policy \"p\" as ",
    ] {
        assert!(ran.out.contains(text), "{text}: {}", ran.out);
    }
    site.sandbox
        .expect(0, &with(&["plan", "--detailed-exitcode"]));
    site.sandbox.expect(0, &with(&["drift"]));
    // One command undoes all three. The documents of Chainloop stay, which is reported.
    let ran = site.sandbox.expect(
        0,
        &with(&[
            "rollback",
            "--auto-approve",
            "--ack",
            "agents:prune=1",
            "--ack",
            "cloud:prune=1",
        ]),
    );
    assert!(
        ran.err
            .contains("policy \"p\" was created by the run and is kept"),
        "{}",
        ran.text()
    );
    let again = site
        .sandbox
        .expect(2, &with(&["plan", "--detailed-exitcode"]));
    assert!(
        again.out.contains("Documents: 2 in sync") && again.out.contains("create group"),
        "{}",
        again.out
    );
}

#[test]
fn what_fails_at_one_provider_hides_no_other() {
    // One write of one provider fails permanently: all other calls are made and reported.
    let site = site(&["before-400@write:1".to_owned()]);
    let ran = site.sandbox.expect(7, &with(&["apply", "--auto-approve"]));
    let chain = ran.out.find("Applying to chain").unwrap();
    assert!(ran.out[..chain].matches('✓').count() >= 4, "{}", ran.out);
    assert_eq!(
        ran.out[chain..].matches("✓ create policy").count(),
        1,
        "{}",
        ran.out
    );
    site.sandbox.expect(0, &with(&["apply", "--auto-approve"]));
    site.sandbox
        .expect(0, &with(&["plan", "--detailed-exitcode"]));
}

#[test]
fn a_provider_that_cannot_be_read_stops_all_before_anything_is_sent() {
    let mut site = site(&[]);
    site.sandbox
        .set("POLWARDEN_PULUMI_ENDPOINT", "http://127.0.0.1:1");
    site.sandbox.set("PULUMI_ACCESS_TOKEN", "t");
    site.sandbox
        .set("POLWARDEN_CHAINLOOP_ENDPOINT", "http://127.0.0.1:1");
    let ran = site.sandbox.expect(
        1,
        &["apply", "--auto-approve", "--endpoint", "docker=embedded"],
    );
    // Both are reported.
    assert!(
        ran.err.contains("target `cloud`") && ran.err.contains("target `chain`"),
        "{}",
        ran.err
    );
    assert!(!ran.out.contains("Applying"), "{}", ran.out);
}
