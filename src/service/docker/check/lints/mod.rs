//! Lints from meaning: rules that never decide, that others cover, that could be one, or that open everything.
//!
//! They look at all policies of a target at once, as one person meets the rules of many policies. Everything here is a
//! warning: the manifests say what they say, but somebody most likely meant something else.

mod apex;
mod merge;
mod unused;
mod wide;

use super::locate::resource_place;
use access::{Entangled, ReachingRule, Spot, Usage, usage};
use manifest::Document;
use model::diag::{Code, Diagnostic, Place};
use model::docker::{Content, DesiredPolicy, DesiredRule};

/// What a target's rules most likely do not mean. Policies that an error speaks against are not among them; what is
/// found without them would be found with them.
pub fn lint(documents: &[&Document], policies: &[DesiredPolicy]) -> Vec<Diagnostic> {
    let mut rules = Vec::new();
    for policy in policies {
        if let Content::Rules(declared) = &policy.content {
            rules.extend(declared.iter().map(|rule| Declared { policy, rule }));
        }
    }
    let reaching: Vec<ReachingRule<'_>> = rules
        .iter()
        .map(|declared| ReachingRule {
            rule: &declared.rule.rule,
            scope: &declared.policy.scope,
        })
        .collect();
    let usage = match usage(&reaching) {
        Ok(usage) => usage,
        Err(error) => {
            return policies
                .first()
                .map(|policy| entangled(policy, error))
                .into_iter()
                .collect();
        }
    };
    let scene = Scene {
        documents,
        rules,
        usage,
    };
    let mut found = Vec::new();
    unused::check(&scene, &mut found);
    merge::check(&scene, &mut found);
    apex::check(&scene, &mut found);
    wide::check(&scene, &mut found);
    found
}

fn entangled(policy: &DesiredPolicy, error: Entangled) -> Diagnostic {
    let message = "what the rules of this target are good for was not worked out";
    Diagnostic::new(Code::RulesEntangled, message, policy.place()).help(error.to_string())
}

/// A rule with the policy that declares it.
#[derive(Clone, Copy)]
struct Declared<'a> {
    policy: &'a DesiredPolicy,
    rule: &'a DesiredRule,
}

/// Everything that a lint can look at.
struct Scene<'a> {
    documents: &'a [&'a Document],
    /// In the order of the usage.
    rules: Vec<Declared<'a>>,
    usage: Usage,
}

impl Scene<'_> {
    /// Where a rule is declared.
    fn rule_place(&self, rule: usize) -> Option<Place> {
        self.rules
            .get(rule)
            .map(|declared| declared.policy.rule_place(declared.rule))
    }

    /// Where a resource is written, in the rule or in a list that it pulls in.
    fn resource_place(&self, spot: Spot) -> Option<Place> {
        let declared = self.rules.get(spot.rule)?;
        let place = resource_place(
            self.documents,
            declared.policy.document,
            declared.rule.index,
            self.text(spot)?,
        );
        place.or_else(|| self.rule_place(spot.rule))
    }

    fn text(&self, spot: Spot) -> Option<&str> {
        Some(
            &self
                .usage
                .rules
                .get(spot.rule)?
                .resources
                .get(spot.resource)?
                .resource,
        )
    }

    /// A rule by name, with its policy where that is another than `beside`'s.
    fn name(&self, rule: usize, beside: usize) -> String {
        let (Some(named), Some(beside)) = (self.rules.get(rule), self.rules.get(beside)) else {
            return String::new();
        };
        let name = &named.rule.rule.name;
        if named.policy.document == beside.policy.document {
            format!("rule \"{name}\"")
        } else {
            format!("rule \"{name}\" of policy \"{}\"", named.policy.name)
        }
    }
}
