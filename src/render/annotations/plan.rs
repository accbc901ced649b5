//! Diagnostics of plans.

use super::{Annotation, AnnotationLocation, AnnotationRule, PlanRule, RelatedLocation};
use crate::plan::{
    AccessImpact, BreachInfo, DecidingRule, Enforcement, EnforcementChange, EventKind, GateOutcome,
    GateSource, GuardedChange, GuardedKind, HeldChange, Plan, PlanEvent, PlanNote, SourceRef,
    TargetPlan,
};
use crate::render::plan::access_view::{
    AccessLine, AccessView, NotAnalyzedLine, not_analyzed_text, who,
};
use crate::render::plan::events::{EventText, event_text, identity};
use crate::render::plan::patterns::ListDetail;
use crate::render::plan::wording::{
    LEVELS_BELONG_TO_PACKS, call_name, decision, direction, enforcement_lines, full_name,
    gate_text, held_reason, note,
};
use crate::render::text::neutral;

impl Annotation {
    /// What needs attention in a plan: failed gates, opened and closed access, guards, gaps and
    /// held changes. Ordinary changes are not included.
    pub fn of_plan(plan: &Plan) -> Vec<Self> {
        let events = plan.events.iter().map(of_event);
        events
            .chain(plan.targets.iter().flat_map(of_target))
            .collect()
    }

    pub(super) fn of(rule: PlanRule, message: String, identity: &[&str]) -> Self {
        let rule = AnnotationRule::Plan(rule);
        let mut finding = Self::new(rule, rule.weight(), message);
        finding.identity = identity.iter().map(|part| (*part).to_owned()).collect();
        finding
    }

    pub(super) fn at(mut self, source: Option<&SourceRef>) -> Self {
        self.spot = source.map(|SourceRef { file, line }| AnnotationLocation::line(file, *line));
        self
    }

    pub(super) fn with_default_help(mut self, help: &str) -> Self {
        self.help = Some(neutral(help).into_owned());
        self
    }

    /// Adds the places of the declared rules that decide.
    fn related_to(mut self, rules: &[DecidingRule]) -> Self {
        let related = rules.iter().filter_map(|rule| {
            let SourceRef { file, line } = rule.source.as_ref()?;
            Some(RelatedLocation {
                spot: AnnotationLocation::line(file, *line),
                text: call_name(&rule.policy, rule.rule.as_deref()),
            })
        });
        self.related = related
            .filter(|related| Some(&related.spot) != self.spot.as_ref())
            .collect();
        self
    }
}

fn of_target(plan: &TargetPlan) -> Vec<Annotation> {
    let TargetPlan {
        target,
        access,
        enforcement,
        gates,
        held,
        guarded,
        notes,
        ..
    } = plan;
    let mut found = of_enforcement(enforcement);
    found.extend(gates.iter().filter(|gate| !gate.passes()).map(failed_gate));
    found.extend(
        access
            .iter()
            .flat_map(|access| of_access(access, (PlanRule::AccessOpens, PlanRule::AccessCloses))),
    );
    found.extend(guarded.iter().map(|guarded| of_guarded(guarded, plan)));
    found.extend(notes.iter().filter_map(|note| of_note(note, plan)));
    found.extend(held.iter().map(of_held));
    for finding in &mut found {
        finding.target = Some(neutral(&target.name).into_owned());
    }
    found
}

fn of_event(event: &PlanEvent) -> Annotation {
    let rule = match &event.event {
        EventKind::RemovedStillLive { .. } => PlanRule::RemovedStillLive,
        EventKind::ProbableRename { .. } => PlanRule::ProbableRename,
        EventKind::ConfusableName { .. } => PlanRule::ConfusableName,
        EventKind::RemovedNotLive { .. } => PlanRule::RemovedNotLive,
        EventKind::ConfigChanged { .. } => PlanRule::ConfigChanged,
        EventKind::ProtectionRemoved { .. } => PlanRule::ProtectionRemoved,
        EventKind::TestRemoved { .. } => PlanRule::TestRemoved,
        EventKind::ManifestNotRead { .. } => PlanRule::ManifestNotRead,
    };
    let EventText { message, help } = event_text(event);
    let mut finding = Annotation::of(rule, message.to_string(), &identity(&event.event))
        .at(event.source.as_ref());
    finding.help = help.map(|help| help.to_string());
    finding.target = event
        .target
        .as_deref()
        .map(|name| neutral(name).into_owned());
    finding
}

pub(super) fn failed_gate(outcome: &GateOutcome) -> Annotation {
    let GateOutcome {
        gate,
        source,
        breaches,
        unknown,
        not_analyzed,
    } = outcome;
    let text = gate_text(gate).to_string();
    let mut message = format!("gate fails: {text}");
    if let Some(why) = unknown {
        message.push_str(&format!("; it could not be worked out: {why}"));
    }
    for entry in not_analyzed {
        message.push_str(&format!("; not analyzed: {}", not_analyzed_text(entry)));
    }
    if let Some(BreachInfo {
        who: people,
        witness,
        after,
        assumption,
        ..
    }) = breaches.first()
    {
        message.push_str(&format!(
            "; for example `{witness}`, asked by {}: {}",
            who(people),
            decision(after, assumption.as_deref())
        ));
    }
    if breaches.len() > 1 {
        message.push_str(&format!(" (and {} more)", breaches.len() - 1));
    }
    let at = match source {
        GateSource::CommandLine => None,
        // The line of the base revision may have moved or disappeared, so only the file is given.
        GateSource::Base { at, revision: _ } | GateSource::Config(at) => Some(at),
    };
    let blamed: Vec<DecidingRule> = breaches
        .iter()
        .flat_map(|breach| breach.blame.iter().cloned())
        .collect();
    let mut finding = Annotation::of(PlanRule::GateShut, message, &[&text]).at(at).related_to(&blamed).with_default_help(
        "the plan is not applied while a gate fails; `polwarden explain REQUEST` shows the rules that decide",
    );
    if let (GateSource::Base { revision, .. }, Some(spot)) = (source, finding.spot.as_mut()) {
        spot.lines = None;
        let short: String = revision.chars().take(12).collect();
        finding.message.push_str(&format!(
            "; the gate is removed by this change, and applies until merged ({})",
            neutral(&short)
        ));
    }
    finding
}

/// Changes of enforcement levels; loosened ones are listed first.
pub(super) fn of_enforcement(changes: &[EnforcementChange]) -> Vec<Annotation> {
    let lines = enforcement_lines(changes);
    let found = changes.iter().zip(lines).map(|(change, (way, line))| {
        let rule = match way {
            Enforcement::Loosens => PlanRule::EnforcementLoosens,
            Enforcement::Tightens | Enforcement::Changes => PlanRule::EnforcementTightens,
        };
        let group = change.group.as_deref().unwrap_or_default();
        Annotation::of(
            rule,
            format!(
                "enforcement {}: {line} ({LEVELS_BELONG_TO_PACKS})",
                direction(way)
            ),
            &[group, &change.pack, &change.policy],
        )
        .at(change.source.as_ref())
    });
    found.collect()
}

/// Access changes; `rules` are the codes for opened and closed access. Guards that are weakened
/// count as opened.
pub(super) fn of_access(impact: &AccessImpact, rules: (PlanRule, PlanRule)) -> Vec<Annotation> {
    let AccessView {
        headline: _,
        counts: _,
        counted: _,
        lines,
        not_analyzed,
        detail,
    } = AccessView::of(impact);
    let lines = lines.iter().map(|line| of_line(line, detail, rules));
    let mut found: Vec<Annotation> = lines.collect();
    found.extend(not_analyzed.into_iter().map(|line| {
        let NotAnalyzedLine {
            text,
            entry,
            statements,
        } = line;
        let mut message = format!("not analyzed: {text}");
        if !statements.is_empty() {
            message.push_str(&format!(": {}", statements.join("; ")));
        }
        Annotation::of(
            PlanRule::NotCompared,
            message,
            &["not-analyzed", &entry.policy, &entry.reason],
        )
        .at(entry.source.as_ref())
    }));
    found
}

fn of_line(line: &AccessLine<'_>, detail: ListDetail, rules: (PlanRule, PlanRule)) -> Annotation {
    let AccessLine {
        kind,
        who,
        patterns: _,
        exceptions: _,
        row,
        rule,
        before,
        after,
    } = line;
    let what = line.what(detail);
    let code = if kind.is_risk() { rules.0 } else { rules.1 };
    let word = kind.word();
    let message = format!(
        "{word} for {who}: {what} ({rule}), for example `{}`; before: {before}; after: {after}",
        row.witness
    );
    // The rule that causes the change, or if it is deleted, one that decides instead.
    let deciding = || row.after.iter().chain(&row.before);
    let at = line
        .source()
        .or_else(|| deciding().find_map(|rule| rule.source.as_ref()));
    let all: Vec<DecidingRule> = deciding().cloned().collect();
    Annotation::of(code, message, &[word, &row.witness, who])
        .at(at)
        .related_to(&all)
}

fn of_guarded(guarded: &GuardedChange, plan: &TargetPlan) -> Annotation {
    let GuardedChange {
        kind,
        resource,
        name,
        how,
    } = guarded;
    let word = match kind {
        GuardedKind::Prune => "prune",
        GuardedKind::ScopeWidens => "scope",
        GuardedKind::LastDeny => "last-deny",
        GuardedKind::Protected => "protected",
        GuardedKind::PackRemoved => "pack-removed",
        GuardedKind::AllHosts => "all-hosts",
    };
    Annotation::of(
        PlanRule::Guarded,
        format!("{}: {how}", full_name(*resource, name, None)),
        &[word, name],
    )
    .at(source_of(plan, name))
    .with_default_help("`apply` refuses this until it is acknowledged with `--ack`")
}

fn of_note(about: &PlanNote, plan: &TargetPlan) -> Option<Annotation> {
    let text = note(about).to_string();
    let text = text.strip_prefix("! ").unwrap_or(&text);
    match about {
        PlanNote::Gap { policy, why } => Some(
            Annotation::of(PlanRule::Gap, text.to_owned(), &[policy, why])
                .at(source_of(plan, policy)),
        ),
        PlanNote::GroupGap { name, why } => Some(
            Annotation::of(PlanRule::Gap, text.to_owned(), &[name, why]).at(source_of(plan, name)),
        ),
        PlanNote::Unproved { why } => Some(Annotation::of(PlanRule::Gap, text.to_owned(), &[why])),
        PlanNote::GoesBack {
            policy,
            digest,
            since: _,
        } => Some(
            Annotation::of(PlanRule::GoesBack, text.to_owned(), &[policy, digest])
                .at(source_of(plan, policy)),
        ),
        // Reported as a guard.
        PlanNote::ScopeWidens { policy: _ } => None,
        // Requires no action.
        PlanNote::LevelsNotGated => None,
        PlanNote::UnknownFields {
            policy: _,
            rule: _,
            fields: _,
        } => None,
    }
}

fn of_held(held: &HeldChange) -> Annotation {
    let HeldChange {
        resource,
        name,
        part,
        source,
        reason,
    } = held;
    let what = full_name(*resource, name, part.as_deref());
    let why = held_reason(reason).to_string();
    Annotation::of(PlanRule::Held, format!("{what}: {why}"), &[&what, &why]).at(source.as_ref())
}

/// Where the policy of this name is declared.
fn source_of<'p>(plan: &'p TargetPlan, policy: &str) -> Option<&'p SourceRef> {
    plan.changes
        .iter()
        .find(|change| change.name == *policy)?
        .source
        .as_ref()
}
