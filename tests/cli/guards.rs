//! Guards: what is refused, what lets it through, and that this lets nothing else through.

use super::sandbox::{Ran, Sandbox, config, policy, policy_with, target, tcp};

const EMBEDDED: &str = "--endpoint=docker=embedded";
const TEAMS: &str = "teams: {security: d290f1ee-6c54-4b01-90e6-d701748f0851}\n";

fn apply(sandbox: &Sandbox, acks: &[String]) -> Ran {
    let mut arguments = vec!["apply", EMBEDDED, "--auto-approve"];
    arguments.extend(acks.iter().map(String::as_str));
    sandbox.run(&arguments)
}

/// The arguments that a refusal prints.
fn printed(ran: &Ran) -> Vec<String> {
    let (_, arguments) = ran
        .err
        .split_once("acknowledge this plan: ")
        .unwrap_or_else(|| panic!("{}", ran.err));
    arguments.split_whitespace().map(str::to_owned).collect()
}

fn rules(count: usize, host: &str) -> String {
    let rules: String = (0..count)
        .map(|number| tcp(&format!("r{number}"), "allow", &format!("h{number}.{host}")))
        .collect();
    format!("rules:\n{rules}")
}

/// A manifest before and after, the further lines of the target, and what the refusal says.
struct Case {
    target: &'static str,
    before: String,
    after: Option<String>,
    guards: &'static str,
    says: &'static str,
}

fn cases() -> Vec<Case> {
    let case = |before: String, after: Option<String>, guards, says| Case {
        target: "",
        before,
        after,
        guards,
        says,
    };
    let allow = || tcp("x", "allow", "x.example.com");
    let changed = rules(4, "example.org")
        + rules(10, "example.com")
            .split_once('\n')
            .unwrap()
            .1
            .lines()
            .skip(4)
            .map(|line| format!("{line}\n"))
            .collect::<String>()
            .as_str();
    vec![
        case(
            policy("p", &rules(10, "example.com")),
            Some(policy("p", &rules(6, "example.com"))),
            "deletes=4",
            "the plan deletes 4 of 10 live rules; the limit is 30%",
        ),
        case(
            policy("p", &rules(10, "example.com")),
            Some(policy("p", &changed)),
            "updates=4",
            "the plan updates 4 of 10 live rules; the limit is 30%",
        ),
        Case {
            target: "unmanaged: prune\n",
            ..case(
                policy("p", &format!("rules:\n{}", allow())),
                None,
                "prune=1",
                "policy `p`: no manifest declares it, and it is deleted",
            )
        },
        Case {
            target: "unmanaged: prune\n",
            ..case(
                policy("p", &format!("rules:\n{}", allow())),
                Some(policy("q", &format!("rules:\n{}", allow()))),
                "prune=1",
                "policy `p`: no manifest declares it, and it becomes `q`",
            )
        },
    ]
}

fn cases_of_any_number() -> Vec<Case> {
    let case = |before: String, after: Option<String>, guards, says| Case {
        target: "",
        before,
        after,
        guards,
        says,
    };
    let allow = || tcp("x", "allow", "x.example.com");
    let both = format!("rules:\n{}{}", allow(), tcp("d", "deny", "d.example.com"));
    let scoped = format!("scope: {{teams: [security]}}\nrules:\n{}", allow());
    let files = "rules:\n  - {name: f, decision: allow, actions: [read], resources: [/data]}\n";
    let protected = |spec: &str| policy_with("p", "protect: true\n", spec);
    vec![
        Case {
            target: TEAMS,
            ..case(
                policy("p", &scoped),
                Some(policy("p", &format!("rules:\n{}", allow()))),
                "scope-widens=1",
                "policy `p`: its scope widens to the whole organization",
            )
        },
        case(
            policy("p", &format!("rules:\n{}", allow())),
            Some(policy(
                "p",
                &format!("rules:\n{}", tcp("x", "allow", "'**'")),
            )),
            "all-hosts=1",
            "policy `p`: rule `x` allows every host",
        ),
        case(
            policy("p", "rules: []\n"),
            Some(policy(
                "p",
                "rules:\n  - {name: f, decision: allow, actions: [read, write], resources: ['**']}\n",
            )),
            "all-hosts=1",
            "policy `p`: rule `f` allows every path of every format",
        ),
        case(
            policy("p", &both),
            Some(policy("p", &format!("rules:\n{}", allow()))),
            "last-deny=1",
            "policy `p`: removes its last deny rule",
        ),
        case(
            protected(&format!("rules:\n{}", allow())),
            Some(protected(files)),
            "protected=1",
            "all its rules are removed because its domain changes",
        ),
        case(
            protected(&both),
            Some(protected("rules: []\n")),
            "last-deny=1,protected=1",
            "it is protected, and all its rules are removed",
        ),
        case(
            protected(&format!("rules:\n{}", allow())),
            Some(protected(
                "cedar:\n  schemaUrl: https://s.example.com\n  text: permit(principal, action, resource);\n",
            )),
            "protected=1",
            "it is deleted and created again",
        ),
    ]
}

#[test]
fn each_guard_refuses_and_lets_through_the_one_plan_that_was_acknowledged() {
    for Case {
        target,
        before,
        after,
        guards,
        says,
    } in cases().into_iter().chain(cases_of_any_number())
    {
        let sandbox = Sandbox::new(target);
        sandbox.write("policies/stays.yaml", policy("stays", "rules: []\n"));
        sandbox.write("policies/p.yaml", &before);
        sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
        match &after {
            Some(after) => sandbox.write("policies/p.yaml", after),
            None => std::fs::remove_file(sandbox.path("policies/p.yaml")).unwrap(),
        }
        let refused = apply(&sandbox, &[]);
        assert_eq!(refused.code, 5, "{guards}: {}", refused.err);
        assert!(refused.err.contains(says), "{guards}: {}", refused.err);
        assert!(
            refused.out.contains("Changes: "),
            "the whole plan is shown: {}",
            refused.out
        );
        let ack = printed(&refused);
        assert!(
            ack[1].starts_with(&format!("{guards},plan=")),
            "{guards}: {ack:?}"
        );

        // Another plan with the very same numbers.
        sandbox.write("policies/other.yaml", policy("another", "rules: []\n"));
        let other = apply(&sandbox, &ack);
        assert_eq!(other.code, 5, "{guards}: {}", other.err);
        assert!(
            other.err.contains("is for another plan than this one"),
            "{}",
            other.err
        );
        assert_ne!(printed(&other), ack);
        std::fs::remove_file(sandbox.path("policies/other.yaml")).unwrap();

        // Other numbers.
        let wrong = guards.replace('1', "2").replace('4', "5");
        assert_eq!(
            apply(&sandbox, &["--ack".to_owned(), wrong]).code,
            5,
            "{guards}"
        );
        let through = apply(&sandbox, &ack);
        assert_eq!(through.code, 0, "{guards}: {}{}", through.out, through.err);
        sandbox.expect(0, &["plan", EMBEDDED, "--detailed-exitcode"]);
    }
}

#[test]
fn numbers_alone_are_enough_and_a_saved_plan_is_guarded_too() {
    let sandbox = Sandbox::new("");
    sandbox.write("policies/p.yaml", policy("p", &rules(10, "example.com")));
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    sandbox.write("policies/p.yaml", policy("p", &rules(6, "example.com")));
    sandbox.expect(0, &["plan", EMBEDDED, "--out", "plan.json"]);
    let refused = sandbox.expect(5, &["apply", "plan.json", EMBEDDED, "--auto-approve"]);
    assert_eq!(
        printed(&refused),
        printed(&apply(&sandbox, &[])),
        "the plan is the same, saved or not"
    );
    sandbox.expect(
        0,
        &[
            "apply",
            "plan.json",
            EMBEDDED,
            "--auto-approve",
            "--ack",
            "deletes=4",
        ],
    );
}

#[test]
fn each_target_is_acknowledged_by_its_name() {
    let sandbox = Sandbox::empty();
    let targets = target("a", "alpha", "policies", "") + &target("b b", "beta", "policies", "");
    sandbox.write(
        "polwarden.yaml",
        config("").split_once("  - name").unwrap().0.to_owned() + &targets,
    );
    sandbox.write("policies/p.yaml", policy("p", &rules(10, "example.com")));
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    sandbox.write("policies/p.yaml", policy("p", &rules(6, "example.com")));
    let refused = sandbox.expect(5, &["apply", EMBEDDED, "--auto-approve"]);
    assert!(
        refused.err.contains("--ack a:deletes=4,plan="),
        "{}",
        refused.err
    );
    assert!(
        refused.err.contains("--ack 'b b:deletes=4,plan="),
        "{}",
        refused.err
    );
    let both = [
        "apply",
        EMBEDDED,
        "--auto-approve",
        "--ack",
        "a:deletes=4",
        "--ack",
        "b b:deletes=4",
    ];
    for (acks, says) in [
        (&["deletes=4"][..], "the plan has several targets"),
        (&["c:deletes=4"], "no target of this name"),
        (&["a:deletes=4", "a:updates=1"], "duplicate acknowledgement"),
    ] {
        let mut arguments = both[..3].to_vec();
        arguments.extend(acks.iter().flat_map(|ack| ["--ack", ack]));
        let ran = sandbox.expect(1, &arguments);
        assert!(ran.err.contains(says), "{}", ran.err);
    }
    sandbox.expect(5, &both[..5]);
    sandbox.expect(0, &both);
}
