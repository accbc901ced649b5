//! `polwarden explain mcp …`: Cedar policies, by statement, file and line.

use emulator::{DockerOptions, DockerSeed};
use serde_json::{Value, json};

use super::assert_stable;
use super::sandbox::{Sandbox, policy, tcp, unwrapped};

const EMBEDDED: &str = "--endpoint=docker=embedded";
const PLATFORM: &str = "3e7b9d14-6f52-4c08-8a91-d25c0b7e4f63";
const SCHEMA: &str = "schemaUrl: https://s.example.com";

/// A policy in a file for everyone, one in a manifest for a team, and a rule without effect.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new(&format!("teams: {{platform: {PLATFORM}}}\n"));
    sandbox.write(
        "policies/all.yaml",
        policy(
            "all",
            &format!("cedar:\n  file: ../cedar/all.cedar\n  {SCHEMA}\n"),
        ),
    );
    sandbox.write(
        "cedar/all.cedar",
        "// Reading; permits nothing else.\npermit(principal, action, resource == MCP::Tool::\"read\");\n\nforbid(\n  \
         principal, action,\n  resource == MCP::Tool::\"drop\"\n);\npermit(principal, action, \
         resource == MCP::Tool::\"pay\") when { context.args.amount <= 500 };\n@requireApproval(\"ask first\")\n\
         permit(principal, action == MCP::Action::\"invokeTool\", resource in MCP::Server::\"github\") unless { resource.readOnly };\n\
         permit(principal, action == MCP::Action::\"register\", resource == MCP::Server::\"github\") when { \
         resource.identityURL == \"https://mcp.github.example.com/mcp\" };\n",
    );
    let text = "cedar:\n  text: |\n    // Restarts.\n    permit(principal, action, resource == MCP::Tool::\"restart\");\n";
    sandbox.write(
        "policies/team.yaml",
        policy(
            "team",
            &format!("scope: {{teams: [platform]}}\n{text}  {SCHEMA}\n"),
        ),
    );
    sandbox.write(
        "policies/web.yaml",
        policy(
            "web",
            &format!("rules:\n{}", tcp("r", "deny", "\"**.example.com\"")),
        ),
    );
    sandbox
}

#[test]
fn the_statements_that_decide_are_named() {
    let sandbox = sandbox();
    let explain = |more: &[&str]| sandbox.expect(0, &[&["explain"], more].concat());
    let cases: &[(&str, &[&str])] = &[
        ("permitted in a file", &["mcp", "invokeTool", "read"]),
        (
            "permitted in a manifest",
            &["--team", "platform", "mcp", "invokeTool", "restart"],
        ),
        (
            "not permitted",
            &["mcp", "invokeTool", "restart", "--server", "x"],
        ),
        (
            "forbidden",
            &["--team", "platform", "mcp", "invokeTool", "drop"],
        ),
        (
            "in full",
            &["MCP", "MCP::Action::\"invokeTool\"", "MCP::Tool::\"read\""],
        ),
        (
            "an argument",
            &[
                "mcp",
                "invokeTool",
                "pay",
                "--server",
                "x",
                "--arg",
                "amount=500",
            ],
        ),
        (
            "an argument that is absent",
            &[
                "mcp",
                "invokeTool",
                "pay",
                "--server",
                "x",
                "--arg",
                "amount=null",
            ],
        ),
        (
            "an argument that is not given",
            &["mcp", "invokeTool", "pay", "--server", "x"],
        ),
        (
            "an approval",
            &["mcp", "invokeTool", "merge", "--server", "github"],
        ),
        (
            "an attribute",
            &[
                "mcp",
                "invokeTool",
                "merge",
                "--server",
                "github",
                "--attr",
                "readOnly=true",
            ],
        ),
        (
            "a server that is not given",
            &["mcp", "invokeTool", "merge"],
        ),
        (
            "a registration",
            &[
                "mcp",
                "register",
                "github",
                "--identity-url",
                "https://mcp.github.example.com/mcp",
                "--type",
                "remote-dcr",
            ],
        ),
        (
            "a registration without details",
            &["mcp", "register", "github"],
        ),
    ];
    let shown: String = cases
        .iter()
        .map(|(name, arguments)| format!("# {name}\n{}", explain(arguments).out))
        .collect();
    assert_stable!("explain_mcp", shown);

    let json = explain(&["--format", "json", "mcp", "invokeTool", "drop"]);
    let keys: Vec<_> = json
        .json()
        .as_object()
        .unwrap()
        .keys()
        .take(2)
        .cloned()
        .collect();
    assert_eq!(keys, ["decision", "rules"]);
    let json = json.json();
    assert_eq!(json["decision"], "deny");
    assert_eq!(
        json["rules"],
        json!([{"policy": "all", "statement": 2, "decision": "deny", "line": 4,
                "source": {"file": "cedar/all.cedar", "line": 4}}])
    );
    let ask = |arguments: &[&str]| {
        let json = explain(&[&["--format", "json", "mcp"], arguments].concat()).json();
        (json["decision"].clone(), json)
    };
    let (decision, json) = ask(&["invokeTool", "pay", "--server", "x", "--arg", "amount=null"]);
    assert_eq!(decision, "deny");
    assert_eq!(json["errors"][0]["statement"], 3);
    let (decision, json) = ask(&["invokeTool", "merge", "--server", "github"]);
    assert_eq!(decision, "approval");
    assert_eq!(json["rules"][0]["approval"], "ask first");
    let (decision, json) = ask(&["invokeTool", "merge"]);
    assert_eq!(decision, "unknown");
    assert_eq!(
        json["cases"],
        json!([
            {"when": ["server has any other value"], "decision": "deny"},
            {"when": ["server is \"github\""], "decision": "approval", "reasons": ["ask first"]},
        ])
    );
}

#[test]
fn answers_fit_their_schema() {
    let sandbox = sandbox();
    sandbox.expect(0, &["schema"]);
    let schema: serde_json::Value =
        serde_json::from_str(&sandbox.read("schemas/explain.schema.json")).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    for question in [
        &["mcp", "invokeTool", "x"][..],
        &["mcp", "invokeTool", "merge", "--server", "github"],
        &["tcp", "a.example.com:443"],
        &["get", "https://b.example.org/c"],
    ] {
        let answer = sandbox
            .expect(0, &[&["explain", "--format", "json"], question].concat())
            .json();
        let faults: Vec<String> = schema
            .iter_errors(&answer)
            .map(|error| error.to_string())
            .collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }
    assert!(
        !schema.is_valid(
            &json!({"decision": "maybe", "rules": [], "request": "tcp a:1", "target": "t"})
        )
    );
}

#[test]
fn rules_and_statements_do_not_answer_for_each_other() {
    let sandbox = sandbox();
    let ran = sandbox.expect(0, &["explain", "tcp", "a.example.com:1"]);
    assert!(
        ran.out.starts_with("denied") && ran.out.contains("rule \"r\""),
        "{}",
        ran.out
    );
    sandbox.write("cedar/all.cedar", "permit(principal, action, resource);\n");
    let ran = sandbox.expect(0, &["explain", "tcp", "a.example.org:1"]);
    assert!(
        ran.out.starts_with("denied") && ran.out.contains("no rule matches"),
        "{}",
        ran.out
    );
    let ran = sandbox.expect(0, &["explain", "mcp", "invokeTool", "a.example.com"]);
    assert!(ran.out.starts_with("allowed"), "{}", ran.out);
}

#[test]
fn what_cannot_be_asked_is_1() {
    let sandbox = sandbox();
    let cases: &[(&[&str], &str)] = &[
        (&["mcp", "invokeTool"], "an action and a resource"),
        (&["mcp", "invokeTool", "a b"], "an action and a resource"),
        (&["mcp", "invokeTool", "Tool::read"], "not a Cedar entity"),
        (&["mcp", "call_tool", "read"], "did you mean `invokeTool`?"),
        (&["mcp", "listTools", "read"], "the gateway permits it"),
        (
            &["mcp", "invokeTool", "MCP::Server::\"x\""],
            "decided on `MCP::Tool`",
        ),
        (&["tcp", "a.example.com:1", "more"], "one word too many"),
        (
            &[
                "--principal",
                "MCP::User::\"ada\"",
                "mcp",
                "invokeTool",
                "x",
            ],
            "the principal comes from the scope of a policy",
        ),
        (
            &["--context", "{", "mcp", "invokeTool", "x"],
            "--context is not JSON",
        ),
        (
            &["--context", "[]", "mcp", "invokeTool", "x"],
            "--context cannot be used",
        ),
        (
            &["--context", "{}", "tcp", "a.example.com:1"],
            "for `mcp` requests",
        ),
        (
            &["--server", "x", "tcp", "a.example.com:1"],
            "for `mcp` requests",
        ),
        (
            &["mcp", "invokeTool", "x", "--attr", "readonly=true"],
            "did you mean `readOnly`?",
        ),
        (
            &["mcp", "register", "x", "--type", "remote"],
            "not a type of servers",
        ),
        (
            &["mcp", "register", "x", "--server", "y"],
            "takes no server",
        ),
        (&["mcp", "invokeTool", "x", "--arg", "amount"], "NAME=VALUE"),
    ];
    for (arguments, expected) in cases {
        let ran = sandbox.expect(1, &[&["explain"], *arguments].concat());
        assert!(ran.err.contains(expected), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn live_statements_are_asked() {
    let sandbox = sandbox();
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    sandbox.write("cedar/all.cedar", "permit(principal, action, resource);\n");
    let ran = sandbox.expect(
        0,
        &["explain", "--live", EMBEDDED, "mcp", "invokeTool", "drop"],
    );
    assert!(
        ran.out.contains("\ndenied: ")
            && ran
                .out
                .contains("policy \"all\", statement 2 (forbid, line 4 of the text)\n"),
        "{}",
        ran.out
    );
}

/// A Cedar policy in a manifest; each statement on a line of its own.
fn cedar(name: &str, scope: &str, statements: &[&str]) -> String {
    let text: String = statements
        .iter()
        .map(|statement| format!("    {statement}\n"))
        .collect();
    policy(
        name,
        &format!("{scope}cedar:\n  text: |\n{text}  {SCHEMA}\n"),
    )
}

const READ: &str = "permit(principal, action == MCP::Action::\"readResource\", resource);";
const TOOLS: &str = "permit(principal, action in [MCP::Action::\"invokeTool\", MCP::Action::\"getPrompt\"], resource);";
const DROP: &str = "forbid(principal, action, resource == MCP::Tool::\"drop\");";
const DATA: &str = "7c1d2b60-9a54-4f1e-b7c3-0e5a8d9f6421";

/// An organization on an emulator, so that several commands see the same live state.
fn live(more: &str) -> Sandbox {
    let teams = format!("teams: {{platform: {PLATFORM}, data: {DATA}}}\n{more}");
    let seed = json!({"organizations": [{"name": "my-org", "teams": [
        {"uuid": PLATFORM, "name": "platform"}, {"uuid": DATA, "name": "data"}]}]});
    Sandbox::new(&teams).serve(DockerOptions {
        seed: Some(DockerSeed::from_json(&seed.to_string()).unwrap()),
        ..DockerOptions::default()
    })
}

fn plan(sandbox: &Sandbox, code: i32, more: &[&str]) -> Value {
    let arguments = [&["plan", "--format", "json"], more].concat();
    sandbox.expect(code, &arguments).json()["targets"][0].take()
}

#[test]
fn statements_that_change_are_shown_with_effect_and_actions() {
    let sandbox = live("");
    sandbox.write(
        "policies/mcp.yaml",
        cedar("MCP tools", "", &[READ, TOOLS, DROP]),
    );
    sandbox.expect(0, &["apply", "--auto-approve"]);

    // Layout, comments and order decide nothing.
    sandbox.write(
        "policies/mcp.yaml",
        cedar("MCP tools", "", &["// The same.", DROP, READ, TOOLS]),
    );
    let target = plan(&sandbox, 0, &["--deny-widening"]);
    assert_eq!(target["access"]["proven"], true, "{target:#}");

    let asks = format!("@requireApproval(\"ask first\") {TOOLS}");
    let other = "permit(principal, action == MCP::Action::\"register\", resource);";
    sandbox.write(
        "policies/mcp.yaml",
        cedar("MCP tools", "", &[READ, &asks, other]),
    );
    let target = plan(&sandbox, 4, &["--deny-widening"]);
    let access = &target["access"];
    assert_eq!(access["proven"], true, "{access:#}");
    let rows = |kind: &str| -> Vec<Value> {
        let rows = access[kind].as_array().unwrap().iter();
        rows.map(|row| row["what"].clone()).collect()
    };
    assert_eq!(rows("opens"), [json!(["mcp register *"])], "{access:#}");
    assert_eq!(rows("closes"), Vec::<Value>::new(), "{access:#}");
    // The forbid of one tool is gone, and everything that was permitted needs an approval.
    assert_eq!(
        rows("approval"),
        [
            json!(["mcp invokeTool * when name has any other value"]),
            json!(["mcp invokeTool drop"]),
            json!(["mcp getPrompt *"]),
        ],
        "{access:#}"
    );
    // Less is permitted for all other tools, and more for this one.
    let what = |breach: &Value| breach["witness"].clone();
    let breaches = target["gates"][0]["breaches"].as_array().unwrap();
    let witnesses: Vec<Value> = breaches.iter().map(what).collect();
    assert_eq!(
        witnesses,
        [json!("mcp register example"), json!("mcp invokeTool drop")]
    );
    let permitted = [
        "--allow-widening",
        "mcp register *",
        "--allow-widening",
        "mcp invokeTool drop",
    ];
    let target = plan(&sandbox, 0, &permitted);
    assert_eq!(target["gates"][0]["breaches"], json!([]), "{target:#}");
    let human = sandbox.expect(0, &["plan"]).out;
    for word in ["1 opened", "1 approval loosened", "2 approvals tightened"] {
        assert!(human.contains(word), "{word}\n{human}");
    }

    // What a policy reads from another entity cannot be divided into cases.
    let late = "permit(principal, action == MCP::Action::\"register\", resource) when { \
                MCP::Server::\"x\".requiresOAuth };";
    sandbox.write(
        "policies/mcp.yaml",
        cedar("MCP tools", "", &[READ, &asks, late]),
    );
    let target = plan(&sandbox, 4, &["--deny-widening"]);
    let access = &target["access"];
    assert_eq!(access["proven"], false);
    assert_eq!(access["opens"], json!([]));
    assert_eq!(
        access["notAnalyzed"][0]["reason"], "2 statements changed",
        "{access:#}"
    );
    let source = json!({"file": "policies/mcp.yaml", "line": 4});
    let side = |number: usize, effect: &str, actions: &[&str]| json!({"number": number, "line": number, "effect": effect, "actions": actions});
    let tools = &["invokeTool", "getPrompt"];
    assert_eq!(
        access["statements"],
        json!([
            {"policy": "MCP tools", "change": "changed", "source": source,
             "before": side(2, "permit", tools), "after": side(2, "approval", tools)},
            {"policy": "MCP tools", "change": "changed", "source": source,
             "before": side(3, "forbid", &[]), "after": side(3, "permit", &["register"])},
        ])
    );
    let human = sandbox.expect(0, &["plan"]).out;
    for line in [
        "? not analyzed policy \"MCP tools\" (policies/mcp.yaml:4): 2 statements changed",
        "~ permit invokeTool, getPrompt → require approval for invokeTool, getPrompt (statement 2, line 2)",
        "~ forbid any action → permit register (statement 3, line 3)",
    ] {
        assert!(unwrapped(&human).contains(line), "{line}\n{human}");
    }
    for format in ["markdown", "html"] {
        let shown = sandbox.expect(0, &["plan", "--format", format]).out;
        assert!(shown.contains("permit register"), "{format}: {shown}");
    }
    // The number to acknowledge counts policies.
    let refused = sandbox.expect(4, &["apply", "--auto-approve", "--deny-widening"]);
    assert!(refused.err.contains("--ack mcp=1,plan="), "{}", refused.err);
}

/// Lines and columns are those of the file, in block scalars and in Cedar files.
#[test]
fn findings_point_into_cedar_text() {
    let sandbox = Sandbox::new("");
    sandbox.write(
        "policies/a.yaml",
        policy(
            "a",
            &format!(
                "cedar:\n  text: |\n\n    // The old name.\n    permit(principal,\n      action == MCP::Action::\"call_tool\", resource);\n  {SCHEMA}\n"
            ),
        ),
    );
    sandbox.write(
        "policies/b.yaml",
        policy(
            "b",
            &format!("cedar:\n  file: ../cedar/b.cedar\n  {SCHEMA}\n"),
        ),
    );
    sandbox.write(
        "cedar/b.cedar",
        "// ä\n  permit(principal in MCP::Team::\"x\", action, resource);\n",
    );
    let found = sandbox.expect(0, &["validate", "--format", "json"]).json();
    let found: Vec<Value> = found["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let at = &it["labels"][0];
            json!([it["code"], at["file"], at["line"], at["column"]])
        })
        .collect();
    let manifest = sandbox.read("policies/a.yaml");
    let line = manifest.lines().position(|line| line.contains("call_tool"));
    let line = line.unwrap() + 1;
    let column = |word: &str| {
        let text = manifest.lines().nth(line - 1).unwrap();
        text.find(word).unwrap() + 1
    };
    assert_eq!(
        found,
        [
            json!(["cedar-without-effect", "cedar/b.cedar", 2, 10]),
            json!([
                "cedar-without-effect",
                "policies/a.yaml",
                line,
                column("action")
            ]),
            json!([
                "cedar-unknown-name",
                "policies/a.yaml",
                line,
                column("call_tool")
            ]),
        ]
    );

    sandbox.write(
        "cedar/b.cedar",
        "// ä\npermit(principal,\n  action resource);\n",
    );
    let found = sandbox.expect(3, &["validate", "--format", "json"]).json();
    let first = &found["diagnostics"][0];
    assert_eq!(first["code"], "cedar-invalid", "{found:#}");
    assert_eq!(first["labels"][0]["file"], "cedar/b.cedar");
    assert_eq!(first["labels"][0]["line"], 3);
    assert_eq!(first["labels"][0]["column"], 10);
    // The policy is not planned.
    sandbox.expect(3, &["plan", EMBEDDED]);
}

/// The contract: a matching `forbid` denies, and a statement without effect changes nothing.
#[test]
fn a_change_that_only_denies_more_passes_limits_on_widening() {
    let sandbox = live("");
    let late = "permit(principal, action, resource) when { context.request_time.toDate() < datetime(\"2027-01-01\") };";
    sandbox.write("policies/mcp.yaml", cedar("MCP tools", "", &[READ, late]));
    sandbox.expect(0, &["apply", "--auto-approve"]);
    let principal = "permit(principal in MCP::Team::\"a\", action, resource);";
    sandbox.write(
        "policies/mcp.yaml",
        cedar("MCP tools", "", &[READ, late, principal]),
    );
    let target = plan(&sandbox, 0, &["--deny-widening"]);
    assert_eq!(target["access"]["proven"], true, "{target:#}");
    sandbox.write(
        "policies/mcp.yaml",
        cedar("MCP tools", "", &[READ, late, DROP]),
    );
    // Whether the tool was permitted depends on the time, so no row is claimed.
    let target = plan(&sandbox, 0, &["--deny-widening"]);
    assert_eq!(target["access"]["proven"], false, "{target:#}");
    assert_eq!(target["access"]["closes"], json!([]));
}

/// The rows about MCP enforcement: kind, people and policy.
fn rows(target: &Value) -> Vec<(&'static str, Value, Value)> {
    let kinds = ["opens", "closes"].into_iter();
    kinds
        .flat_map(|kind| {
            let rows = target["access"][kind].as_array().unwrap().iter();
            rows.map(move |row| {
                assert_eq!(row["what"], json!(["mcp *"]), "{row:#}");
                assert!(row["assumption"].is_string(), "{row:#}");
                assert_eq!(row["rule"]["rule"], Value::Null, "{row:#}");
                (kind, row["who"].clone(), row["rule"]["policy"].clone())
            })
        })
        .collect()
}

#[test]
fn the_first_policy_may_close_all_mcp_activity_and_the_last_one_opens_it() {
    let sandbox = live("unmanaged: prune\nlimits: {maxDeletes: 100%}\n");
    let members = |teams: &[&str]| -> Value {
        let terms = teams.iter();
        terms
            .map(|team| json!({"allOf": [team], "noneOf": []}))
            .collect()
    };
    let everyone = json!([{"allOf": [], "noneOf": []}]);

    sandbox.write("policies/mcp.yaml", cedar("all", "", &[READ]));
    sandbox.write(
        "policies/team.yaml",
        cedar("team", "scope: {teams: [platform, data]}\n", &[TOOLS]),
    );
    let target = plan(&sandbox, 0, &[]);
    // One policy is named for each person.
    assert_eq!(rows(&target), [("closes", everyone.clone(), json!("all"))]);
    let human = sandbox.expect(0, &["plan"]).out;
    for line in [
        "- closed  everyone: mcp *\n",
        "before: everything permitted, as no Cedar policy applies (assumption)\n",
        "after:  denied unless a Cedar statement permits it\n",
        "1 closed",
    ] {
        assert!(human.contains(line), "{line}\n{human}");
    }
    // Nothing opens: only the changed statements are not analyzed.
    let target = plan(&sandbox, 4, &["--deny-widening"]);
    assert_eq!(target["gates"][0]["breaches"], json!([]), "{target:#}");
    sandbox.expect(0, &["apply", "--auto-approve"]);

    // The policy for everyone goes; that of the teams stays.
    std::fs::remove_file(sandbox.path("policies/mcp.yaml")).unwrap();
    let target = plan(&sandbox, 0, &[]);
    let others = json!([{"allOf": [], "noneOf": ["data", "platform"]}]);
    assert_eq!(rows(&target), [("opens", others.clone(), json!("all"))]);
    let target = plan(&sandbox, 4, &["--deny-widening"]);
    let breach = &target["gates"][0]["breaches"][0];
    assert_eq!(breach["who"], others, "{target:#}");
    assert_eq!(breach["blame"][0]["policy"], "all");
    assert!(breach["assumption"].is_string(), "{breach:#}");
    // A breach cannot be acknowledged, but `mcp *` can be allowed.
    let refused = sandbox.expect(4, &["apply", "--auto-approve", "--deny-widening"]);
    assert!(!refused.err.contains("mcp="), "{}", refused.err);
    let target = plan(&sandbox, 0, &["--allow-widening", "mcp *"]);
    assert_eq!(target["gates"][0]["breaches"], json!([]), "{target:#}");
    assert_eq!(target["gates"][0]["gate"]["within"], json!(["mcp *"]));
    sandbox.expect(0, &["apply", "--auto-approve", "--ack", "prune=1"]);

    // One of two teams leaves the scope, and a text without statements has no effect.
    sandbox.write(
        "policies/team.yaml",
        cedar("team", "scope: {teams: [platform]}\n", &[TOOLS]),
    );
    let target = plan(&sandbox, 0, &[]);
    let data = json!([{"allOf": ["data"], "noneOf": ["platform"]}]);
    assert_eq!(rows(&target), [("opens", data, json!("team"))]);
    sandbox.write(
        "policies/team.yaml",
        cedar("team", "scope: {teams: [platform, data]}\n", &[TOOLS]),
    );
    sandbox.write(
        "policies/web.yaml",
        policy(
            "web",
            &format!("rules:\n{}", tcp("r", "deny", "a.example.com")),
        ),
    );
    std::fs::remove_file(sandbox.path("policies/team.yaml")).unwrap();
    let target = plan(&sandbox, 0, &[]);
    let row = &target["access"]["opens"][0];
    assert_eq!(
        (&row["who"], &row["what"]),
        (&members(&["data", "platform"]), &json!(["mcp *"]))
    );
}

/// The contract does not say what holds for people without a Cedar policy.
#[test]
fn without_a_cedar_policy_the_answer_is_unknown() {
    let sandbox = Sandbox::new(&format!("teams: {{platform: {PLATFORM}}}\n"));
    sandbox.write(
        "policies/team.yaml",
        cedar("team", "scope: {teams: [platform]}\n", &[READ]),
    );
    let question = ["mcp", "invokeTool", "x"];
    let answer = sandbox.expect(
        0,
        &[&["explain", "--format", "json"][..], &question].concat(),
    );
    let answer = answer.json();
    assert_eq!(answer["decision"], "unknown", "{answer:#}");
    assert_eq!(answer["unknown"][0]["policy"], Value::Null);
    let reason = answer["unknown"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("no Cedar policy applies"), "{reason}");
    let human = sandbox
        .expect(0, &[&["explain"][..], &question].concat())
        .out;
    assert!(
        human.starts_with("unknown: mcp invokeTool x\n  no Cedar policy applies"),
        "{human}"
    );
    let member = [&["explain", "--team", "platform"][..], &question].concat();
    let human = sandbox.expect(0, &member).out;
    assert!(human.starts_with("denied: "), "{human}");

    // A policy test with such an answer fails, whatever it expects.
    for (expected, code) in [("allow", 4), ("deny", 4)] {
        sandbox.write(
            "policies/test.yaml",
            format!(
                "apiVersion: polwarden/v1\nkind: PolicyTest\nmetadata:\n  name: t\nspec:\n  cases:\n    - name: c\n      {expected}:\n        - mcp invokeTool x\n"
            ),
        );
        let ran = sandbox.expect(code, &["test"]);
        assert!(ran.out.contains("no Cedar policy applies"), "{}", ran.out);
    }
    sandbox.write(
        "policies/test.yaml",
        "apiVersion: polwarden/v1\nkind: PolicyTest\nmetadata:\n  name: t\nspec:\n  cases:\n    - name: c\n      audience: {teams: [platform]}\n      deny:\n        - mcp invokeTool x\n",
    );
    sandbox.expect(0, &["test"]);
}

/// A sandbox with gates about MCP requests, and a policy with these statements for everyone.
fn gated(access: &str, statements: &[&str]) -> Sandbox {
    let sandbox = live("");
    let configured = sandbox.read("polwarden.yaml");
    sandbox.write("polwarden.yaml", format!("{configured}access:\n{access}"));
    sandbox.write("policies/mcp.yaml", cedar("MCP tools", "", statements));
    sandbox
}

const NEVER: &str = "  never:\n    - request: mcp invokeTool delete_*\n      mcp: {server: github}\n      reason: too risky\n";

#[test]
fn a_gate_about_mcp_fails_with_a_request_that_explain_understands() {
    let sandbox = gated(NEVER, &[TOOLS]);
    let ran = sandbox.expect(4, &["validate"]);
    let shown = unwrapped(&ran.out);
    let expected = "error[access-never]: `mcp invokeTool delete_ --server github` is allowed for everyone, and \
                    `mcp invokeTool delete_* --server github` never may be (too risky)";
    assert!(shown.contains(expected), "{shown}");
    let target = plan(&sandbox, 4, &[]);
    let gate = &target["gates"][0];
    assert_eq!(
        gate["gate"]["request"],
        "mcp invokeTool delete_* --server github"
    );
    let witness = gate["breaches"][0]["witness"].as_str().unwrap();
    let question: Vec<&str> = witness.split(' ').collect();
    let answer = sandbox.expect(
        0,
        &[&["explain", "--format", "json"], &question[..]].concat(),
    );
    assert_eq!(answer.json()["decision"], "allow");
    let human = sandbox.expect(4, &["plan"]).out;
    let line = "allowed by policy \"MCP tools\" (policies/mcp.yaml:4)";
    assert!(unwrapped(&human).contains(line), "{human}");

    // An approval can be given, so that it is not a denial.
    let asks = format!("@requireApproval(\"ask\") {TOOLS}");
    let forbids = "forbid(principal, action, resource in MCP::Server::\"github\") when { \
                   resource.name like \"delete_*\" };";
    for (statements, code, decision) in [
        (vec![asks.as_str()], 4, "is allowed after an approval"),
        (vec![TOOLS, forbids], 0, ""),
    ] {
        sandbox.write("policies/mcp.yaml", cedar("MCP tools", "", &statements));
        let ran = sandbox.expect(code, &["validate"]);
        assert!(unwrapped(&ran.out).contains(decision), "{}", ran.out);
        sandbox.expect(code, &["plan"]);
    }
}

#[test]
fn what_a_gate_about_mcp_cannot_decide_is_acknowledged() {
    let opaque = "permit(principal, action == MCP::Action::\"invokeTool\", resource) when { \
                  context.args.a < context.args.b };";
    let sandbox = gated(NEVER, &[READ, opaque]);
    let ran = sandbox.expect(0, &["validate"]);
    assert!(
        ran.out.contains("warning[access-not-analyzed]"),
        "{}",
        ran.out
    );
    let target = plan(&sandbox, 4, &[]);
    let gate = &target["gates"][0];
    assert_eq!(gate["breaches"], json!([]), "{gate:#}");
    assert_eq!(gate["notAnalyzed"][0]["policy"], "MCP tools");
    let refused = sandbox.expect(4, &["apply", "--auto-approve"]);
    let ack = refused.err.split("--ack ").nth(1).unwrap();
    let ack = ack.split_whitespace().next().unwrap();
    assert!(ack.starts_with("mcp=1,plan="), "{}", refused.err);
    sandbox.expect(0, &["apply", "--auto-approve", "--ack", ack]);
}

/// The service does not document what people without a Cedar policy may do: no gate passes for them.
#[test]
fn people_without_a_cedar_policy_break_gates_about_mcp() {
    let access = "  never: [mcp getPrompt *]\n  always: [mcp readResource *]\n";
    let sandbox = gated(access, &[READ]);
    sandbox.expect(0, &["validate", "--strict"]);
    sandbox.expect(0, &["plan"]);
    let team = cedar("MCP tools", "scope: {teams: [platform]}\n", &[READ]);
    sandbox.write("policies/mcp.yaml", &team);
    let ran = sandbox.expect(0, &["validate"]);
    assert_eq!(
        ran.out.matches("warning[access-not-analyzed]").count(),
        2,
        "{}",
        ran.out
    );
    let target = plan(&sandbox, 4, &[]);
    for gate in target["gates"].as_array().unwrap() {
        let breaches = gate["breaches"].as_array().unwrap();
        assert_eq!(breaches.len(), 1, "{gate:#}");
        assert_eq!(
            breaches[0]["who"],
            json!([{"allOf": [], "noneOf": ["platform"]}])
        );
        let assumption = breaches[0]["assumption"].as_str().unwrap();
        assert!(assumption.contains("does not document this"), "{gate:#}");
    }
    // A gate of an audience that has a policy.
    let audience = "  audiences: [{name: builders, teams: [platform]}]\n  never: [{request: mcp getPrompt *, audience: builders}]\n";
    let configured = sandbox.read("polwarden.yaml");
    let configured = configured.split("access:\n").next().unwrap();
    sandbox.write("polwarden.yaml", format!("{configured}access:\n{audience}"));
    sandbox.expect(0, &["plan"]);
}

#[test]
fn invalid_gates_about_mcp_are_explained() {
    let cases = [
        ("mcp call_tool x", "did you mean `invokeTool`?"),
        ("mcp invokeTool", "must be an action and a resource"),
        ("mcp register x --server y", "takes no server"),
        (
            "mcp invokeTool x --attr readonly=true",
            "did you mean `readOnly`?",
        ),
        ("mcp invokeTool x --port 1", "unknown option `--port`"),
        (
            "'mcp invokeTool * when server is \"x\"'",
            "only --allow-widening accepts",
        ),
        (
            "{request: tcp a.example.com, mcp: {server: x}}",
            "`mcp` is for MCP requests",
        ),
        (
            "{request: mcp invokeTool x, mcp: {attributes: {readOnly: 1}}}",
            "must be true or false",
        ),
        ("{request: mcp *, mcp: {server: x}}", "is all MCP activity"),
        (
            "{request: mcp invokeTool x, mcp: {sever: y}}",
            "unknown field `sever`",
        ),
    ];
    for (gate, expected) in cases {
        let sandbox = gated(&format!("  never:\n    - {gate}\n"), &[READ]);
        let ran = sandbox.expect(3, &["validate"]);
        assert!(
            unwrapped(&ran.out).contains(expected),
            "{gate}: {}",
            ran.out
        );
    }
}

#[test]
fn patterns_about_mcp_limit_widening() {
    let sandbox = gated("  never: []\n", &[READ]);
    sandbox.expect(0, &["apply", "--auto-approve"]);
    let drops = "permit(principal, action == MCP::Action::\"invokeTool\", resource) when { \
                 resource.name like \"drop_*\" };";
    sandbox.write("policies/mcp.yaml", cedar("MCP tools", "", &[READ, drops]));
    for (pattern, code) in [
        ("mcp invokeTool *", 0),
        ("mcp invokeTool drop_*", 0),
        ("mcp invokeTool d*", 0),
        ("mcp *", 0),
        ("mcp invokeTool drop_a", 4),
        ("mcp invokeTool * --server github", 4),
        ("mcp getPrompt *", 4),
    ] {
        sandbox.expect(code, &["plan", "--allow-widening", pattern]);
    }
    sandbox.expect(1, &["plan", "--allow-widening", "mcp call_tool *"]);
}
