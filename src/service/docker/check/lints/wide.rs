//! `allows-everything` and `cidr-overlap`: rules that allow everything, and ranges inside of other
//! ranges.

use super::context::LintContext;
use crate::service::docker::everywhere::all_hosts_or_paths;
use access::{RangeOverlap, ResourcePosition, ResourceSpace};
use model::diag::{Code, Diagnostic, Place};
use model::docker::Decision;

pub(super) fn check(context: &LintContext<'_>, found: &mut Vec<Diagnostic>) {
    for (rule, usage) in context.usage.rules.iter().enumerate() {
        let mut every = everywhere(context, rule).peekable();
        if every.peek().is_some() {
            found.extend(every);
        } else if let (Some((action, space)), Some(place)) =
            (usage.opens_all.first(), context.rule_place(rule))
        {
            let message = format!("this rule allows `{action}` for {}", words(*space));
            found.push(wide(message, place));
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
                "`{narrow}` is inside `{wide}`, which {} contains already",
                context.name(outer.rule, inner.rule)
            );
            let finding = Diagnostic::new(Code::CidrOverlap, message, place)
                .label("inside")
                .also(around, "around it");
            found.push(finding.help("remove the narrower range, or make the wider one smaller"));
        }
    }
}

/// The resources of an allow rule that are every host or every path.
fn everywhere(context: &LintContext<'_>, rule: usize) -> impl Iterator<Item = Diagnostic> {
    let access = context.rules.get(rule).and_then(|declared| {
        let rule = &declared.rule.rule;
        (rule.decision == Decision::Allow).then_some(&rule.access)
    });
    let texts = access.into_iter().flat_map(all_hosts_or_paths);
    texts.filter_map(move |(text, all)| {
        let resources = &context.usage.rules.get(rule)?.resources;
        let resource = resources.iter().position(|one| one.resource == text)?;
        let place = context.resource_place(ResourcePosition { rule, resource })?;
        Some(wide(format!("`{text}` allows {all}"), place))
    })
}

fn wide(message: String, place: Place) -> Diagnostic {
    Diagnostic::new(Code::AllowsEverything, message, place)
        .label("allows everything")
        .help(
            "name the required hosts; if this is intended, deny the requests that must stay closed",
        )
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
