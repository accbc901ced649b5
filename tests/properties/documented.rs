//! `docs/access.md`: every row of its tables is run.

use polwarden::access::{Request, RuleSet};
use polwarden::model::Name;
use polwarden::model::docker::{Action, Decision, HttpResource, Resources, Rule, RuleAccess};

use super::brute;

fn rule(text: &str) -> Rule {
    let [decision, action, resource]: [&str; 3] = text.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let decision = if decision == "allow" { Decision::Allow } else { Decision::Deny };
    let action: Action = action.parse().unwrap();
    let resources = if matches!(action, Action::Request(_)) {
        let (authority, path) = resource.split_at(resource.find('/').unwrap());
        let (host, port) =
            authority.split_once(':').map_or((authority, None), |(host, port)| (host, port.parse().ok()));
        Resources::Http(vec![HttpResource { host: host.to_owned(), port, path: path.to_owned() }])
    } else {
        Resources::Plain(vec![resource.to_owned()])
    };
    Rule { name: Name::new("rule").unwrap(), decision, access: RuleAccess::new([action], resources).unwrap() }
}

#[test]
fn every_documented_example_holds() {
    let text = std::fs::read_to_string("docs/access.md").unwrap();
    let mut rows = 0;
    for line in text.lines().filter(|line| line.ends_with("| allowed |") || line.ends_with("| denied |")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect();
        let [rules, request, answer] = cells.as_slice() else { panic!("not a row of three cells: {line}") };
        let rules: Vec<Rule> = rules.split("; ").filter(|rule| !rule.is_empty()).map(rule).collect();
        let rules: Vec<&Rule> = rules.iter().collect();
        let (verb, object) = request.split_once(' ').unwrap();
        let request = Request::parse(verb, object).unwrap();
        let set = RuleSet::new(&rules);
        assert_eq!(set.unreadable(), [], "{line}");
        assert_eq!(set.decide(&request).decision == Decision::Allow, *answer == "allowed", "{line}");
        assert_eq!(brute::allows(&rules, &request), *answer == "allowed", "brute force: {line}");
        rows += 1;
    }
    assert!(rows > 50, "only {rows} rows were found");
}
