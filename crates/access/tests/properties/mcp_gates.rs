//! Gates about MCP requests against brute force: Cedar's authorizer decides every combination of a few
//! values for every combination of teams. The request of a breach is read by hand.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::str::FromStr as _;
use std::sync::LazyLock;

use access::{Audience, GateKind, GroupTable, McpGateCheck, McpPattern};
use cedar_policy::{
    Authorizer, Context, Decision, Effect, Entities, Entity, EntityUid, PolicySet, Request,
    RestrictedExpression,
};
use model::docker::{Scope, TeamId};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::cases;

/// What distinguishes requests here.
#[derive(Debug, Clone, PartialEq, Eq)]
struct McpRequest {
    action: &'static str,
    name: String,
    server: String,
    attributes: BTreeMap<String, Value>,
    /// `None` if they are absent.
    arguments: Option<Value>,
    /// In milliseconds since 1970; `None` if it is absent.
    time: Option<i64>,
}

const ACTIONS: [&str; 5] = [
    "invokeTool",
    "getPrompt",
    "readResource",
    "invokePrimordial",
    "register",
];

/// Whether the resource of the action is in a server.
fn has_server(action: &str) -> bool {
    ["invokeTool", "getPrompt", "readResource"].contains(&action)
}

/// 2027-01-01
const NEW_YEAR: i64 = 1_798_761_600_000;

const STATEMENTS: [&str; 14] = [
    "permit(principal, action, resource);",
    "permit(principal, action == MCP::Action::\"invokeTool\", resource);",
    "permit(principal, action, resource == MCP::Tool::\"pay\") when { context.args.amount <= 500 };",
    "permit(principal, action, resource in MCP::Server::\"github\");",
    "permit(principal, action, resource) when { resource.readOnly };",
    "permit(principal, action, resource) when { resource.name like \"delete_*\" };",
    "permit(principal, action, resource) when { context.request_time < datetime(\"2027-01-01\") };",
    "permit(principal in MCP::Team::\"x\", action, resource);",
    "@requireApproval(\"ask\") permit(principal, action, resource) unless { resource.readOnly };",
    "@requireApproval(\"ask\") permit(principal, action == MCP::Action::\"register\", resource);",
    "forbid(principal, action, resource in MCP::Server::\"github\");",
    "forbid(principal, action, resource) when { resource.name like \"delete_*\" };",
    "forbid(principal, action, resource) when { context.args.amount > 500 };",
    "forbid(principal, action == MCP::Action::\"getPrompt\", resource) when { context.request_time >= datetime(\"2027-01-01\") };",
];

/// Patterns, each with its meaning.
type Pattern = (&'static str, fn(&McpRequest) -> bool);

const PATTERNS: [Pattern; 12] = [
    ("mcp *", |_| true),
    ("mcp invokeTool *", |it| it.action == "invokeTool"),
    ("mcp invokeTool pay", |it| {
        it.action == "invokeTool" && it.name == "pay"
    }),
    ("mcp invokeTool delete_*", |it| {
        it.action == "invokeTool" && it.name.starts_with("delete_")
    }),
    ("mcp invokeTool * --server github", |it| {
        it.action == "invokeTool" && it.server == "github"
    }),
    ("mcp invokeTool p* --server g*", |it| {
        it.action == "invokeTool" && it.name.starts_with('p') && it.server.starts_with('g')
    }),
    ("mcp invokeTool * --attr readOnly=true", |it| {
        it.action == "invokeTool" && it.attributes["readOnly"] == true
    }),
    ("mcp invokeTool pay --arg amount=500", |it| {
        let amount = it.arguments.as_ref().map(|all| &all["amount"]);
        it.action == "invokeTool" && it.name == "pay" && amount == Some(&json!(500))
    }),
    ("mcp invokeTool * --context {\"args\":null}", |it| {
        it.action == "invokeTool" && it.arguments.is_none()
    }),
    (
        "mcp getPrompt * --context {\"request_time\":\"2026-06-01\"}",
        |it| it.action == "getPrompt" && it.time.is_some_and(|time| time < NEW_YEAR),
    ),
    ("mcp getPrompt delete_*", |it| {
        it.action == "getPrompt" && it.name.starts_with("delete_")
    }),
    ("mcp register github", |it| {
        it.action == "register" && it.name == "github"
    }),
];

static REQUESTS: LazyLock<Vec<McpRequest>> = LazyLock::new(requests);

/// One request of each kind that the statements and patterns distinguish.
fn requests() -> Vec<McpRequest> {
    let mut found = Vec::new();
    let arguments = [
        None,
        Some(json!({})),
        Some(json!({"amount": 499})),
        Some(json!({"amount": 500})),
        Some(json!({"amount": 501})),
        Some(json!({"amount": "many"})),
    ];
    let before = 1_780_272_000_000; // 2026-06-01
    for action in ACTIONS {
        let names = ["pay", "delete_x", "plan", "other", "github"];
        for (name, server) in names
            .iter()
            .flat_map(|name| ["github", "gitlab", "other"].map(|server| (*name, server)))
        {
            for read_only in [false, true] {
                for arguments in &arguments {
                    for time in [before, NEW_YEAR] {
                        let request = McpRequest {
                            action,
                            name: name.to_owned(),
                            server: if has_server(action) {
                                server.to_owned()
                            } else {
                                String::new()
                            },
                            attributes: match action {
                                "invokeTool" => [("readOnly".to_owned(), json!(read_only))].into(),
                                _ => BTreeMap::new(),
                            },
                            arguments: arguments.clone().filter(|_| action.starts_with("invoke")),
                            time: (action != "register").then_some(time),
                        };
                        if !found.contains(&request) {
                            found.push(request);
                        }
                    }
                }
            }
        }
    }
    found
}

fn uid(kind: &str, name: &str) -> EntityUid {
    EntityUid::from_str(&format!("{kind}::{}", json!(name))).unwrap()
}

fn expression(json: &Value) -> RestrictedExpression {
    RestrictedExpression::from_str(&match json {
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| format!("{name:?}: {value}"));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    })
    .unwrap()
}

/// What the authorizer decides by the texts that reach a person: "allow", "approval", "deny", or
/// "unknown" without any.
fn decide(policies: &PolicySet, request: &McpRequest) -> &'static str {
    if policies.is_empty() {
        return "unknown";
    }
    let (kind, identity) = match request.action {
        "invokeTool" => ("MCP::Tool", Some("name")),
        "getPrompt" => ("MCP::Prompt", Some("name")),
        "readResource" => ("MCP::Resource", Some("uri")),
        "invokePrimordial" => ("MCP::Primordial", None),
        _ => ("MCP::Server", None),
    };
    let resource = uid(kind, &request.name);
    let mut attributes: HashMap<String, RestrictedExpression> = request
        .attributes
        .iter()
        .map(|(name, value)| (name.clone(), expression(value)))
        .collect();
    if let Some(identity) = identity {
        attributes.insert(identity.to_owned(), expression(&json!(request.name)));
    }
    let mut parents = HashSet::new();
    let mut entities = Vec::new();
    if has_server(request.action) {
        let server = uid("MCP::Server", &request.server);
        parents.insert(server.clone());
        entities.push(Entity::new_no_attrs(server, HashSet::new()));
    }
    entities.push(Entity::new(resource.clone(), attributes, parents).unwrap());
    let entities = Entities::from_entities(entities, None).unwrap();
    let time = request.time.map(|time| {
        let text = format!("datetime(\"1970-01-01\").offset(duration(\"{time}ms\"))");
        (
            "request_time".to_owned(),
            RestrictedExpression::from_str(&text).unwrap(),
        )
    });
    let arguments = request.arguments.as_ref();
    let arguments = arguments.map(|all| ("args".to_owned(), expression(all)));
    let asked = Request::new(
        uid("Nobody", "x"),
        uid("MCP::Action", request.action),
        resource,
        Context::from_pairs(time.into_iter().chain(arguments)).unwrap(),
        None,
    );
    let answer = Authorizer::new().is_authorized(&asked.unwrap(), policies, &entities);
    if answer.decision() == Decision::Deny {
        return "deny";
    }
    let asks = answer.diagnostics().reason().any(|id| {
        let policy = policies.policy(id).unwrap();
        policy.effect() == Effect::Permit && policy.annotation("requireApproval").is_some()
    });
    match (asks, request.action) {
        (true, "register") => "deny",
        (true, _) => "approval",
        (false, _) => "allow",
    }
}

/// The request of a breach, as `explain` reads it: what is not named has its documented default.
fn witness(text: &str) -> McpRequest {
    let words: Vec<&str> = text.split(' ').collect();
    let ["mcp", action, name, options @ ..] = words.as_slice() else {
        panic!("{text}");
    };
    let action = ACTIONS.into_iter().find(|known| known == action);
    let mut request = McpRequest {
        action: action.unwrap_or_else(|| panic!("{text}")),
        name: (*name).to_owned(),
        server: "unnamed".to_owned(),
        attributes: BTreeMap::new(),
        arguments: None,
        time: Some(0),
    };
    if request.action == "invokeTool" {
        request
            .attributes
            .insert("readOnly".to_owned(), json!(false));
    }
    let value = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| json!(text));
    for pair in options.chunks(2) {
        let &[option, given] = pair else {
            panic!("{text}");
        };
        match option {
            "--server" => request.server = given.to_owned(),
            "--attr" => {
                let (name, given) = given.split_once('=').unwrap();
                request.attributes.insert(name.to_owned(), value(given));
            }
            "--arg" => {
                let (name, given) = given.split_once('=').unwrap();
                let all = request.arguments.get_or_insert(json!({}));
                if given != "null" {
                    all[name] = value(given);
                }
            }
            "--context" => {
                let context: Value = serde_json::from_str(given).unwrap();
                if context["args"].is_object() {
                    request.arguments = Some(context["args"].clone());
                }
                request.time = match &context["request_time"] {
                    Value::Null => request.time,
                    Value::String(time) if time.as_str() < "2027" => Some(0),
                    Value::String(_) => Some(NEW_YEAR),
                    // A number is not a date, so that no comparison is true.
                    _ => None,
                };
            }
            other => panic!("{other}: {text}"),
        }
    }
    if !has_server(request.action) {
        request.server = String::new();
    }
    if request.action == "register" {
        request.time = None;
    }
    request
}

fn breaks(kind: GateKind, decision: &str) -> bool {
    match kind {
        GateKind::Never => decision != "deny",
        GateKind::Always => decision != "allow",
    }
}

const TEAMS: [&str; 2] = ["t", "u"];

/// A policy: some statements, and the teams of its scope.
fn policy() -> impl Strategy<Value = (Vec<&'static str>, Vec<&'static str>)> {
    (
        subsequence(STATEMENTS.to_vec(), 1..3),
        subsequence(TEAMS.to_vec(), 0..=2),
    )
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn gates_about_mcp_agree_with_brute_force(
        policies in proptest::collection::vec(policy(), 0..4),
        (text, means) in select(PATTERNS.to_vec()),
        kind in select(vec![GateKind::Never, GateKind::Always]),
        audience in proptest::option::of(subsequence(TEAMS.to_vec(), 1..=2)),
    ) {
        let scopes: Vec<Scope> = policies.iter().map(|(_, teams)| Scope {
            teams: teams.iter().map(|team| TeamId::new(team)).collect(),
            ..Scope::default()
        }).collect();
        let groups = GroupTable::of(&scopes);
        let mut check = McpGateCheck::new();
        for (position, ((statements, _), scope)) in policies.iter().zip(&scopes).enumerate() {
            check.add(position, &statements.concat(), &[], &groups.groups(scope));
        }
        let pattern: McpPattern = text.parse().unwrap();
        prop_assert_eq!(&pattern.to_string(), text);
        let asked = audience.as_ref().map(|teams| {
            Audience::of_teams(teams.iter().map(|team| (*team).to_owned()))
        });
        let result = check.check(kind, &pattern, asked.as_ref(), &groups);
        prop_assert_eq!(&result.not_analyzed, &vec![]);
        let reaching = |person: &[&str]| -> Vec<&str> {
            policies.iter().filter(|(_, teams)| {
                teams.is_empty() || teams.iter().any(|team| person.contains(team))
            }).flat_map(|(statements, _)| statements.clone()).collect()
        };
        let persons: Vec<Vec<&str>> = match &audience {
            Some(teams) => vec![teams.clone()],
            None => vec![vec![], vec!["t"], vec!["u"], vec!["t", "u"]],
        };
        for person in persons {
            let texts = PolicySet::from_str(&reaching(&person).concat()).unwrap();
            let names: BTreeSet<String> = person.iter().map(|team| (*team).to_owned()).collect();
            let is_broken = REQUESTS.iter().any(|request| {
                means(request) && breaks(kind, decide(&texts, request))
            });
            let own = result.breaches.iter().filter(|breach| breach.people.includes(&names));
            prop_assert_eq!(own.clone().count() > 0, is_broken, "{:?}: {:#?}", person, result);
            for breach in own {
                if breach.after.is_none() {
                    prop_assert!(texts.is_empty(), "{:#?}", breach);
                    continue;
                }
                let request = witness(&breach.witness);
                prop_assert!(means(&request), "{:?} {:#?}", text, breach);
                let decision = decide(&texts, &request);
                prop_assert!(breaks(kind, decision), "{} {:#?}", decision, breach);
            }
        }
    }
}
