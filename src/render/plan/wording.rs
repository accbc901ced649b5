//! The words of plans, shared by all formats. External text in them is neutralized.

use crate::plan::{
    ChangeKind, ChangedField, DecidingRule, Enforcement, EnforcementChange, FieldChange, GateInfo,
    HeldReason, PlanNote, ResourceKind, SourceRef, TargetInfo, ValueChange,
};
use crate::render::prose::Prose;
use crate::render::text::{neutral, neutral_hosts, plural};
use model::pulumi::EnforcementLevel;

pub(crate) fn resource_name(resource: ResourceKind) -> &'static str {
    resource.words().0
}

/// The profile as the end of a sentence, or nothing if the service has no profiles.
pub(crate) fn profile(target: &TargetInfo) -> String {
    target
        .profile
        .map(|profile| format!("profile {profile}"))
        .unwrap_or_default()
}

/// "3 rules".
pub(crate) fn parts(resource: ResourceKind, count: usize) -> String {
    let (one, many) = resource.part().unwrap_or(resource).words();
    plural(count, one, many)
}

/// The requests that open or close, without an example.
pub(crate) fn old_name(fields: &[FieldChange]) -> Option<&str> {
    fields
        .iter()
        .find_map(|field| match (&field.field, &field.value) {
            (ChangedField::Name, ValueChange::Scalar { before, .. }) => before.as_deref(),
            (
                _,
                ValueChange::Scalar { .. } | ValueChange::Set { .. } | ValueChange::Text { .. },
            ) => None,
        })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeSign {
    Create,
    /// It changes, or one of its parts does.
    Update,
    Delete,
}

pub(crate) fn sign(kind: ChangeKind) -> ChangeSign {
    match kind {
        ChangeKind::Create => ChangeSign::Create,
        ChangeKind::Update | ChangeKind::Within => ChangeSign::Update,
        ChangeKind::Delete => ChangeSign::Delete,
    }
}

pub(crate) fn place(source: &SourceRef) -> String {
    format!("{}:{}", neutral(&source.file), source.line)
}

pub(crate) fn call_name(policy: &str, rule: Option<&str>) -> String {
    full_name(ResourceKind::Policy, policy, rule)
}

/// An object, or a part of it, by name.
pub(crate) fn full_name(resource: ResourceKind, name: &str, part: Option<&str>) -> String {
    let whole = resource.owner();
    let head = format!("{} \"{}\"", resource_name(whole), neutral(name));
    match (part, whole.part()) {
        (Some(part), Some(kind)) => {
            format!("{head}, {} \"{}\"", resource_name(kind), neutral(part))
        }
        (Some(part), None) => format!("{head}, \"{}\"", neutral(part)),
        (None, _) => head,
    }
}

pub(crate) fn note(note: &PlanNote) -> Prose {
    match note {
        PlanNote::Gap { policy, why } => {
            format!("! gap: policy \"{}\": {}", neutral(policy), neutral(why)).into()
        }
        PlanNote::GroupGap { name, why } => {
            format!("! gap: group \"{}\": {}", neutral(name), neutral(why)).into()
        }
        PlanNote::Unproved { why } => format!(
            "! gap: that no step opens or closes more than the whole is not proved, so that calls run one by one: {}",
            neutral(why)
        )
        .into(),
        PlanNote::ScopeWidens { policy } => {
            format!(
                "! policy \"{}\" will apply to the whole organization",
                neutral(policy)
            )
            .into()
        }
        PlanNote::GoesBack {
            policy,
            digest,
            since,
        } => {
            let since = since
                .as_ref()
                .map(|since| format!(" of {since}"))
                .unwrap_or_default();
            format!(
                "! policy \"{}\" would be reverted: the manifest is the older version {}{}",
                neutral(policy),
                neutral(digest),
                neutral(&since)
            )
            .into()
        }
        PlanNote::LevelsNotGated => format!(
            "gates are about requests and do not cover enforcement ({LEVELS_BELONG_TO_PACKS})"
        )
        .into(),
        PlanNote::UnknownFields {
            policy,
            rule,
            fields,
        } => {
            let fields = fields.iter().map(|field| neutral(field).into_owned());
            Prose::from(format!("{}: ", call_name(policy, rule.as_deref())))
                .and_codes(fields)
                .and_words(" not supported by this version; kept")
        }
    }
}

pub(crate) fn held_reason(reason: &HeldReason) -> Prose {
    match reason {
        HeldReason::ProfileLacks { operation, wanted } => format!(
            "cannot {}; this profile of the API has no \"{}\"",
            neutral(wanted),
            operation.words()
        )
        .into(),
        HeldReason::Refused { why } => {
            format!("the service does not support it: {}", neutral(why)).into()
        }
        HeldReason::NotUnderstood { why } => {
            format!("it {}, which this version does not support", neutral(why)).into()
        }
        HeldReason::WritesOff => Prose::words(
            "the target does not set `writes: true`: set it and run `polwarden apply`, or write the \
             policy in Chainloop's dashboard",
        ),
        HeldReason::NoWrite => Prose::words(
            "the service documents no call that writes it: write it in Chainloop's dashboard",
        ),
        HeldReason::OwnedElsewhere {
            builtin: true,
            owner: _,
        } => {
            Prose::words("the server's is builtin, which is never written: give yours another name")
        }
        HeldReason::OwnedElsewhere {
            builtin: false,
            owner,
        } => {
            let owner = owner.as_ref().map_or_else(
                || "the service does not report its owner".to_owned(),
                |owner| format!("the server's is of organization {}", neutral(owner)),
            );
            format!("{owner}; only objects of this organization are written").into()
        }
        HeldReason::LocalReferences { references } => {
            let references = references.iter().map(|text| neutral(text).into_owned());
            Prose::words("it names files, which mean nothing at the service (")
                .and_codes(references)
                .and_words(
                    "): set `inline: true` on the target, or write their content into `embedded`",
                )
        }
    }
}

/// A manifest repeats what its pack declares, and the repetition may be wrong.
pub(crate) const LEVELS_BELONG_TO_PACKS: &str =
    "levels as manifests declare them; engines enforce what the running pack declares";

pub(crate) fn enforcement_headline(changes: &[EnforcementChange]) -> String {
    let any = |direction: Enforcement| changes.iter().any(|change| change.direction == direction);
    let effect = match (any(Enforcement::Loosens), any(Enforcement::Tightens)) {
        (true, true) => "mixed: some loosens, some tightens",
        (true, false) => "loosening",
        (false, true) => "tightening",
        (false, false) => "no level loosens or tightens",
    };
    format!("Enforcement: {effect} ({LEVELS_BELONG_TO_PACKS})")
}

/// One line per change with its direction; loosened levels first.
pub(crate) fn enforcement_lines(changes: &[EnforcementChange]) -> Vec<(Enforcement, String)> {
    let level =
        |level: Option<EnforcementLevel>| level.map_or("not there", EnforcementLevel::as_str);
    let line = |change: &EnforcementChange| {
        let EnforcementChange {
            direction,
            group,
            pack,
            policy,
            before,
            after,
            source,
        } = change;
        let place = source
            .as_ref()
            .map(|source| format!("  {}", place(source)))
            .unwrap_or_default();
        let subject = match group {
            Some(group) => format!("group \"{}\"", neutral(group)),
            None => "the pack itself, unless a group overrides it".to_owned(),
        };
        let what = format!(
            "policy \"{}\" of pack \"{}\"",
            neutral(policy),
            neutral(pack)
        );
        (
            *direction,
            format!(
                "{what}: {} → {} for {subject}{place}",
                level(*before),
                level(*after)
            ),
        )
    };
    changes.iter().map(line).collect()
}

pub(crate) fn direction(direction: Enforcement) -> &'static str {
    match direction {
        Enforcement::Loosens => "loosens",
        Enforcement::Tightens => "tightens",
        Enforcement::Changes => "changes",
    }
}

/// The deciding rules, at most three of them by name.
/// What is decided by which rules, or what is assumed.
pub(crate) fn decision(rules: &[DecidingRule], assumption: Option<&str>) -> String {
    match assumption {
        Some(assumption) => format!("assumed: {}", neutral(assumption)),
        None => deciding_rules(rules),
    }
}

pub(crate) fn deciding_rules(rules: &[DecidingRule]) -> String {
    let Some(first) = rules.first() else {
        return "denied by default".to_owned();
    };
    let decision = match (first.allows, first.asks) {
        (true, true) => "approval required",
        (true, false) => "allowed",
        (false, _) => "denied",
    };
    let named: Vec<String> = rules
        .iter()
        .take(3)
        .map(
            |DecidingRule {
                 policy,
                 rule,
                 allows: _,
                 asks: _,
                 resource: _,
                 source,
             }| {
                let source = source
                    .as_ref()
                    .map(|source| format!(" ({})", place(source)))
                    .unwrap_or_default();
                format!("{}{source}", call_name(policy, rule.as_deref()))
            },
        )
        .collect();
    let more = if rules.len() > 3 {
        format!(" and {} more", rules.len() - 3)
    } else {
        String::new()
    };
    format!("{decision} by {}{more}", named.join("; "))
}

pub(crate) fn gate_text(gate: &GateInfo) -> Prose {
    let full =
        |verb: &'static str, request: &str, audience: &Option<String>, reason: &Option<String>| {
            let audience = audience
                .as_ref()
                .map(|name| format!(" for {}", neutral(name)))
                .unwrap_or_default();
            let reason = reason
                .as_ref()
                .map(|reason| format!(": {}", neutral(reason)))
                .unwrap_or_default();
            Prose::words(verb)
                .and_code(neutral_hosts(request))
                .and_text(format!("{audience}{reason}"))
        };
    match gate {
        GateInfo::Never {
            request,
            audience,
            reason,
        } => full("never ", request, audience, reason),
        GateInfo::Always {
            request,
            audience,
            reason,
        } => full("always ", request, audience, reason),
        GateInfo::DenyWidening { within } if within.is_empty() => Prose::words("no widening"),
        GateInfo::DenyWidening { within } => {
            let within = within
                .iter()
                .map(|pattern| neutral_hosts(pattern).into_owned());
            Prose::words("no widening outside of ").and_codes(within)
        }
    }
}
