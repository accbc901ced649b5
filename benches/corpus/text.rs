//! The texts of a corpus, as people write them.

use std::fmt::Write as _;

use super::random::Random;
use super::{POLICIES_AN_ORGANIZATION, Policy, Resources, Rule, organization, teams, words};

/// `polwarden.yaml` for so many policies.
pub(super) fn config(policies: usize) -> String {
    let mut text = "apiVersion: polwarden/v1\nkind: Config\ntargets:\n".to_owned();
    for number in 0..policies.div_ceil(POLICIES_AN_ORGANIZATION) {
        let name = organization(number);
        let _ = write!(
            text,
            "  - name: {name}\n    provider: docker\n    organization: {name}\n    paths: [policies/{name}]\n    teams:\n"
        );
        for (team, uuid) in teams() {
            let _ = writeln!(text, "      {team}: {uuid}");
        }
    }
    text
}

/// The manifest of a policy.
pub(super) fn manifest(policy: &Policy, random: &mut Random) -> String {
    let mut text = String::with_capacity(4096);
    if random.once_in(20) {
        // Beyond ASCII, as in comments of people with names.
        text.push_str("# Geprüft von Jürgen Groß – bitte nicht kürzen.\n");
    } else {
        let _ = writeln!(
            text,
            "# Owner: {} team; {}.",
            random.word(words::TEAMS),
            random.word(words::REASONS)
        );
    }
    let Policy { name, team, rules } = policy;
    let _ = write!(
        text,
        "apiVersion: docker.com/governance/v1\nkind: Policy\nmetadata:\n  name: {name}\n"
    );
    text.push_str("spec:\n");
    if let Some(team) = team {
        let _ = writeln!(text, "  scope:\n    teams: [{team}]");
    }
    text.push_str("  rules:\n");
    for rule in rules {
        write_rule(&mut text, rule, random);
    }
    text
}

fn write_rule(text: &mut String, rule: &Rule, random: &mut Random) {
    let Rule {
        name,
        decision,
        actions,
        resources,
    } = rule;
    if random.once_in(4) {
        let _ = writeln!(text, "    # {}", random.word(words::REASONS));
    }
    let _ = writeln!(
        text,
        "    - name: {name}\n      decision: {decision}\n      actions: [{}]",
        actions.join(", ")
    );
    match resources {
        Resources::Plain(entries) => {
            text.push_str("      resources:\n");
            for entry in entries {
                let comment = if random.once_in(10) {
                    "  # see the runbook"
                } else {
                    ""
                };
                let _ = writeln!(text, "        - {}{comment}", scalar(entry));
            }
        }
        Resources::Http(targets) => {
            text.push_str("      httpResources:\n");
            for (host, port, path) in targets {
                if random.once_in(100) {
                    let _ = writeln!(
                        text,
                        "        - {{ host: {host}, port: {port}, path: \"{path}\" }}"
                    );
                } else {
                    let _ = writeln!(
                        text,
                        "        - host: {host}\n          port: {port}\n          path: {}",
                        scalar(path)
                    );
                }
            }
        }
    }
}

/// Quoted where YAML needs it: `*` would begin an alias, `~` alone is null, `\` is safest in single quotes.
fn scalar(text: &str) -> String {
    if text.contains('\\') {
        format!("'{text}'")
    } else if text.starts_with(['*', '~']) {
        format!("\"{text}\"")
    } else {
        text.to_owned()
    }
}
