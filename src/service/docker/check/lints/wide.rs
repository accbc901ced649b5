//! `allows-everything` and `cidr-overlap`: rules that allow everything, and ranges inside of other
//! ranges.

use super::context::LintContext;
use access::{RangeOverlap, ResourceSpace};
use model::diag::{Code, Diagnostic};

pub(super) fn check(context: &LintContext<'_>, found: &mut Vec<Diagnostic>) {
    for (rule, usage) in context.usage.rules.iter().enumerate() {
        if let (Some((action, space)), Some(place)) =
            (usage.opens_all.first(), context.rule_place(rule))
        {
            let message = format!("this rule allows `{action}` for {}", words(*space));
            let finding =
                Diagnostic::new(Code::AllowsEverything, message, place).label("allows everything");
            found.push(
                finding
                    .help("name what is needed; or deny what must stay closed, if this is meant"),
            );
        }
    }
    for RangeOverlap { outer, inner } in &context.usage.overlaps {
        let decision = |rule: usize| {
            context
                .rules
                .get(rule)
                .map(|declared| declared.rule.rule.decision)
        };
        // A deny range inside an allow range is an intended exception, and the opposite is reported
        // by another lint.
        let same = decision(outer.rule).is_some_and(|one| decision(inner.rule) == Some(one));
        let covered = context
            .usage
            .rules
            .get(inner.rule)
            .is_some_and(|usage| !usage.covered_by.is_empty());
        if !same || covered {
            continue;
        }
        let texts = context.text(*outer).zip(context.text(*inner));
        let places = context
            .resource_place(*outer)
            .zip(context.resource_place(*inner));
        if let (Some((wide, narrow)), Some((around, place))) = (texts, places) {
            let message = format!(
                "`{narrow}` lies inside `{wide}`, which {} has already",
                context.name(outer.rule, inner.rule)
            );
            let finding = Diagnostic::new(Code::CidrOverlap, message, place)
                .label("inside")
                .also(around, "around it");
            found.push(finding.help("remove the narrower range, or make the wider one smaller"));
        }
    }
}

fn words(space: ResourceSpace) -> &'static str {
    match space {
        ResourceSpace::Ipv4 => "every IPv4 address",
        ResourceSpace::Ipv6 => "every IPv6 address",
        ResourceSpace::Posix => "every path below `/`",
        ResourceSpace::Home => "every path below `~`",
        ResourceSpace::Windows => "every path on every Windows drive",
        ResourceSpace::Wsl => "every path in every WSL distribution",
    }
}
