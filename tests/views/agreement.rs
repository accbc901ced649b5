//! The terminal, the comment and the page show the counts and the mark of the plan in JSON.

use polwarden::plan::{Plan, plan_mark};
use serde_json::Value;

use super::scenarios::{self, Scenario};
use crate::cli::sandbox::unwrapped;

/// The counts of a target, counted again from its JSON, in the order of risk.
fn counts(target: &Value) -> Vec<String> {
    if target["calls"].as_array().unwrap().is_empty() {
        return Vec::new();
    }
    let access = &target["access"];
    let patterns = |rows: &Value| {
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["what"].as_array().unwrap().len())
            .sum::<usize>()
    };
    let guards = &access["guards"];
    let all = [
        (patterns(&access["opens"]), "opened", "opened"),
        (
            patterns(&guards["weakened"]),
            "guard weakened",
            "guards weakened",
        ),
        (patterns(&access["closes"]), "closed", "closed"),
        (
            patterns(&guards["strengthened"]),
            "guard added",
            "guards added",
        ),
    ];
    let shown = all.into_iter().filter(|(count, _, _)| *count > 0);
    shown
        .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
        .collect()
}

fn assert_agree(scenario: &Scenario) {
    let json = scenario.format("json");
    let plan: Plan = serde_json::from_str(&json).unwrap();
    let json: Value = serde_json::from_str(&json).unwrap();
    let terminal = unwrapped(&scenario.at(80));
    let comment = scenario.format("markdown");
    let page = scenario.format("html");
    for (target, value) in plan.targets.iter().zip(json["targets"].as_array().unwrap()) {
        let name = &target.target.name;
        let counts = counts(value);
        let calls = match target.calls.len() {
            0 => "no changes".to_owned(),
            1 => "1 API call".to_owned(),
            calls => format!("{calls} API calls"),
        };
        let is_unchanged = counts.is_empty() && !target.calls.is_empty();
        assert!(!is_unchanged || value["access"]["proven"] == true);
        let unchanged = is_unchanged.then(|| "no access changes".to_owned());
        let unchanged: Vec<String> = unchanged.into_iter().collect();
        let parts = [counts.as_slice(), &unchanged, std::slice::from_ref(&calls)].concat();
        let line = parts.join(" · ");
        if !counts.is_empty() {
            let headline = format!("Access: {}", counts.join(", "));
            assert!(terminal.contains(&headline), "{headline}\n{terminal}");
            assert!(page.contains(&format!("<h3>{headline}")), "{page}");
        }
        assert!(comment.contains(&line), "{line}\n{comment}");
        let card = page.split("<article class=\"card\">").find(|card| {
            let title = card.split("</h2>").next().unwrap();
            title.contains(&format!(">{name}<")) || title.ends_with(&format!("<h2>{name}"))
        });
        let badges: Vec<&str> = card
            .unwrap()
            .split("</article>")
            .next()
            .unwrap()
            .split("<span class=\"badge")
            .skip(1)
            .map(|badge| {
                let text = badge.split_once('>').unwrap().1;
                text.split("</span>").next().unwrap()
            })
            .collect();
        assert_eq!(badges, parts, "{name}");

        let mark = plan_mark(target).unwrap().to_string();
        assert_eq!(mark.len(), 16);
        assert!(terminal.contains(&format!("plan {mark}")), "{terminal}");
        assert!(
            comment.contains(&format!("Plan of `{name}`: `{mark}`")),
            "{comment}"
        );
        assert!(
            page.contains(&format!("plan <code>{mark}</code>")),
            "{page}"
        );
        if let Some(requires) = value["requires"].as_str() {
            assert!(requires.ends_with(&format!("plan={mark}")), "{requires}");
            for text in [&terminal, &comment, &page] {
                assert!(text.contains(requires), "{requires}\n{text}");
            }
        }
    }
}

#[test]
fn all_views_agree_on_the_counts_and_the_mark() {
    for scenario in [
        scenarios::three_changes(),
        scenarios::three_hundred_hosts(),
        scenarios::three_hundred_rules(),
        scenarios::widened_scope(),
        scenarios::removed_and_renamed(),
        scenarios::several_targets(),
        scenarios::example("quickstart"),
    ] {
        assert_agree(&scenario);
    }
}
