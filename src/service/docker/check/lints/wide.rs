//! `allows-everything` and `cidr-overlap`: rules that allow everything, and ranges inside of other
//! ranges.

use super::scene::Scene;
use access::{Overlap, Realm};
use model::diag::{Code, Diagnostic};
use model::docker::Decision;

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Diagnostic>) {
    for (rule, usage) in scene.usage.rules.iter().enumerate() {
        if let (Some((action, realm)), Some(place)) =
            (usage.opens_all.first(), scene.rule_place(rule))
        {
            let message = format!("this rule allows `{action}` for {}", words(*realm));
            let finding =
                Diagnostic::new(Code::AllowsEverything, message, place).label("allows everything");
            found.push(
                finding
                    .help("name what is needed; or deny what must stay closed, if this is meant"),
            );
        }
    }
    for Overlap { outer, inner } in &scene.usage.overlaps {
        let decision = |rule: usize| {
            scene
                .rules
                .get(rule)
                .map(|declared| declared.rule.rule.decision)
        };
        // A deny range inside an allow range is an intended exception, and the opposite is reported
        // by another lint.
        let same: Option<Decision> =
            decision(outer.rule).filter(|one| decision(inner.rule) == Some(*one));
        let covered = scene
            .usage
            .rules
            .get(inner.rule)
            .is_some_and(|usage| !usage.covered_by.is_empty());
        let (Some(_), false) = (same, covered) else {
            continue;
        };
        let texts = scene.text(*outer).zip(scene.text(*inner));
        let places = scene
            .resource_place(*outer)
            .zip(scene.resource_place(*inner));
        if let (Some((wide, narrow)), Some((around, place))) = (texts, places) {
            let message = format!(
                "`{narrow}` lies inside `{wide}`, which {} has already",
                scene.name(outer.rule, inner.rule)
            );
            let finding = Diagnostic::new(Code::CidrOverlap, message, place)
                .label("inside")
                .also(around, "around it");
            found.push(finding.help("remove the narrower range, or make the wider one smaller"));
        }
    }
}

fn words(realm: Realm) -> &'static str {
    match realm {
        Realm::Ipv4 => "every IPv4 address",
        Realm::Ipv6 => "every IPv6 address",
        Realm::Posix => "every path below `/`",
        Realm::Home => "every path below `~`",
        Realm::Windows => "every path on every Windows drive",
        Realm::Wsl => "every path in every WSL distribution",
    }
}
