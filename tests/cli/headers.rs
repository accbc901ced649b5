//! Headers name the target, its organization and the host of its endpoint.

use emulator::DockerOptions;

use super::sandbox::{Sandbox, policy, tcp};

const TEST: &str = "apiVersion: polwarden/v1\nkind: PolicyTest\nmetadata: {name: t}\nspec:\n  cases:\n    \
                    - {name: c, allow: [\"tcp a.example.com:443\"]}\n";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new("");
    let rules = tcp("a", "allow", "a.example.com");
    sandbox.write("policies/p.yaml", policy("p", &format!("rules:\n{rules}")));
    sandbox.write("policies/t.yaml", TEST);
    sandbox
}

/// All commands that read or write the live state, in an order in which each has something to do.
const COMMANDS: &[(i32, &[&str])] = &[
    (0, &["plan"]),
    (0, &["plan", "--format", "markdown"]),
    (0, &["plan", "--format", "html"]),
    (0, &["apply", "--auto-approve"]),
    (0, &["explain", "--live", "tcp", "a.example.com:443"]),
    (0, &["test", "--live"]),
    (0, &["drift"]),
    (0, &["drift", "--format", "markdown"]),
    (0, &["runs", "last"]),
    // The rollback deletes a policy, which needs an acknowledgement.
    (5, &["rollback", "--auto-approve"]),
    (0, &["import"]),
];

#[test]
fn every_header_names_the_organization_and_the_endpoint() {
    let sandbox = sandbox().serve(DockerOptions::default());
    let url = sandbox.url();
    let host = url.strip_prefix("http://").unwrap().trim_end_matches('/');
    for (code, command) in COMMANDS {
        let ran = sandbox.expect(*code, command);
        let address = format!("my-org @ {host}");
        assert!(ran.out.contains(&address), "{command:?}\n{}", ran.out);
        if command.contains(&"apply") {
            let told = "Sandboxes pick the change up within five minutes.";
            assert!(ran.out.contains(told), "{}", ran.out);
        }
    }
}

#[test]
fn the_embedded_service_is_named_and_nobody_waits_for_it() {
    let sandbox = sandbox();
    for (code, command) in COMMANDS {
        let endpoint: &[&str] = match command[0] {
            "runs" => &[],
            _ => &["--endpoint", "docker=embedded"],
        };
        let ran = sandbox.expect(*code, &[command, endpoint].concat());
        let address = "my-org @ embedded (local emulator)";
        assert!(ran.out.contains(address), "{command:?}\n{}", ran.out);
        for claim in ["pick the change up", "minutes"] {
            assert!(!ran.text().contains(claim), "{command:?}\n{}", ran.out);
        }
    }
}
