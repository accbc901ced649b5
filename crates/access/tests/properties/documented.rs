//! `docs/explanation/access.md` and `access-mcp.md`: every row of their tables is run.

use access::{
    AccessRequest, Answer, ApplicableCedarPolicies, Audience, CedarRequest, CedarRequestContext,
    RuleSet,
};
use model::Name;
use model::docker::{
    Action, Cedar, Decision, DockerLiveState, HttpResource, LiveContent, LivePolicy, PolicyId,
    Resources, Rule, RuleAccess, Scope,
};

use super::brute;

fn rule(text: &str) -> Rule {
    let [decision, action, resource]: [&str; 3] =
        text.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let decision = if decision == "allow" {
        Decision::Allow
    } else {
        Decision::Deny
    };
    let action: Action = action.parse().unwrap();
    let resources = if matches!(action, Action::Request(_)) {
        let (authority, path) = resource.split_at(resource.find('/').unwrap());
        let (host, port) = authority
            .split_once(':')
            .map_or((authority, None), |(host, port)| (host, port.parse().ok()));
        Resources::Http(vec![HttpResource {
            host: host.to_owned(),
            port,
            path: path.to_owned(),
        }])
    } else {
        Resources::Plain(vec![resource.to_owned()])
    };
    Rule {
        extensions: model::docker::Extensions::default(),
        name: Name::new("rule").unwrap(),
        decision,
        access: RuleAccess::new([action], resources).unwrap(),
    }
}

#[test]
fn every_documented_example_holds() {
    let read =
        |name: &str| std::fs::read_to_string(format!("../../docs/explanation/{name}")).unwrap();
    let text = [read("access.md"), read("access-mcp.md")].concat();
    let mut rows = 0;
    let mut statements = 0;
    for line in text.lines().filter(|line| {
        let mut answers = ["| allowed |", "| approval |", "| denied |", "| unknown |"].iter();
        answers.any(|answer| line.ends_with(answer))
    }) {
        let cells: Vec<&str> = line
            .trim_matches('|')
            .split(" | ")
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        let [rules, request, answer] = cells.as_slice() else {
            panic!("not a row of three cells: {line}")
        };
        if let Some(request) = request.strip_prefix("mcp ") {
            assert_eq!(cedar(rules, request), *answer, "{line}");
            statements += 1;
            continue;
        }
        let rules: Vec<Rule> = rules
            .split("; ")
            .filter(|rule| !rule.is_empty())
            .map(rule)
            .collect();
        let rules: Vec<&Rule> = rules.iter().collect();
        let (verb, object) = request.split_once(' ').unwrap();
        let request = AccessRequest::parse(verb, object).unwrap();
        let set = RuleSet::new(&rules);
        assert_eq!(set.unreadable(), [], "{line}");
        assert_eq!(
            set.decide(&request).decision == Decision::Allow,
            *answer == "allowed",
            "{line}"
        );
        assert_eq!(
            brute::allows(&rules, &request),
            *answer == "allowed",
            "brute force: {line}"
        );
        rows += 1;
    }
    assert!(
        rows > 50 && statements > 15,
        "only {rows} rows of rules and {statements} of Cedar were found"
    );
}

/// What Cedar policies decide, each of one statement and all for everybody.
fn cedar(statements: &str, request: &str) -> &'static str {
    let policies = statements
        .split_inclusive(';')
        .filter(|text| !text.trim().is_empty())
        .map(|text| LivePolicy {
            id: PolicyId::new("p"),
            name: "policy".to_owned(),
            scope: Scope::default(),
            unknown_scope_fields: serde_json::Map::new(),
            content: LiveContent::Cedar(Cedar {
                text: text.to_owned(),
                schema_url: String::new(),
            }),
            created_at: String::new(),
            updated_at: String::new(),
            unknown_fields: serde_json::Map::new(),
        });
    let live = DockerLiveState {
        policies: policies.collect(),
    };
    let request = CedarRequest::parse(request, &CedarRequestContext::default()).unwrap();
    let answers = ApplicableCedarPolicies::live(&live, &Audience::default())
        .decide(&[&request])
        .unwrap();
    match Answer::new(answers[0].decision, &answers[0].unknown) {
        Answer::Allow => "allowed",
        Answer::Approval => "approval",
        Answer::Deny => "denied",
        Answer::Unknown => "unknown",
    }
}
