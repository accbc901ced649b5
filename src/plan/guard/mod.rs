//! Guards: changes that `apply` refuses until they are acknowledged.

mod acknowledged;
mod kind;

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;

use super::fingerprint::target_digest;
use super::types::{Change, ChangeKind, NotAnalyzed, NotAnalyzedKind, ResourceKind, TargetPlan};
use manifest::config::{ChangeLimit, ChangeLimits};

pub use acknowledged::{Acknowledgement, AcknowledgementError, PlanMark, ReviewAcknowledgement};
pub use kind::Guard;

/// In smaller targets, percentages are meaningless.
const SMALLEST_GUARDED: usize = 10;

/// A guard that requires an acknowledgement of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("target `{target}`: {what}")]
pub struct TriggeredGuard {
    pub target: String,
    pub guard: Guard,
    /// The number of rules or policies: the number to acknowledge.
    pub count: usize,
    pub what: GuardTrigger,
}

/// The reason for a guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GuardTrigger {
    /// A limit is exceeded.
    LimitExceeded {
        /// "deletes" or "updates".
        verb: &'static str,
        count: usize,
        /// The number of live objects.
        live: usize,
        /// The plural noun, such as "rules".
        of: String,
        /// The limit as configured.
        limit: String,
    },
    /// A change that always requires an acknowledgement.
    GuardedChange {
        resource: ResourceKind,
        name: String,
        /// How it changes, as a clause.
        how: String,
    },
}

impl fmt::Display for GuardTrigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LimitExceeded {
                verb,
                count,
                live,
                of,
                limit,
            } => {
                write!(
                    f,
                    "the plan {verb} {count} of {live} live {of}; the limit is {limit}"
                )
            }
            Self::GuardedChange {
                resource,
                name,
                how,
            } => write!(f, "{} `{name}`: {how}", resource.words().0),
        }
    }
}

/// The result of checking the guards of one target's plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardReport {
    /// Guards that are not acknowledged by their exact number.
    pub breaches: Vec<TriggeredGuard>,
    /// The acknowledgement that permits exactly this plan; it names every guard.
    pub needed: Acknowledgement,
    /// Whether an acknowledgement names another plan.
    pub other_plan: bool,
}

/// Checks the guards of a target's plan against the acknowledgements.
///
/// # Errors
/// The plan cannot be serialized, which does not happen for plain data.
pub fn check(
    plan: &TargetPlan,
    limits: &ChangeLimits,
    acknowledged: Option<&Acknowledgement>,
) -> Result<GuardReport, serde_json::Error> {
    let breaches = triggered_guards(plan, limits);
    let mark = mark(plan)?;
    let meant = acknowledged.and_then(|acknowledged| acknowledged.plan.as_ref());
    let other_plan = meant.is_some_and(|meant| *meant != mark);
    let mut counts: BTreeMap<Guard, usize> = BTreeMap::new();
    for breach in &breaches {
        counts.insert(breach.guard, breach.count);
    }
    let seen = acknowledged
        .filter(|_| !other_plan)
        .map(|acknowledged| &acknowledged.counts);
    let is_seen = |breach: &TriggeredGuard| {
        seen.and_then(|seen| seen.get(&breach.guard)) == Some(&breach.count)
    };
    Ok(GuardReport {
        breaches: breaches
            .into_iter()
            .filter(|breach| !is_seen(breach))
            .collect(),
        needed: Acknowledgement {
            target: Some(plan.target.name.clone()),
            counts,
            plan: Some(mark),
        },
        other_plan,
    })
}

/// What identifies the plan of a target in acknowledgements and in output.
///
/// # Errors
/// The plan cannot be serialized, which does not happen for plain data.
pub fn mark(plan: &TargetPlan) -> Result<PlanMark, serde_json::Error> {
    Ok(PlanMark::new(target_digest(plan)?.hex()))
}

/// The acknowledgement without which `apply` refuses the plan of a target, if any guard requires one.
///
/// # Errors
/// The plan cannot be serialized, which does not happen for plain data.
pub fn required(
    plan: &TargetPlan,
    limits: &ChangeLimits,
) -> Result<Option<Acknowledgement>, serde_json::Error> {
    let GuardReport {
        breaches,
        needed,
        other_plan: _,
    } = check(plan, limits, None)?;
    let needed = Acknowledgement {
        target: None,
        ..needed
    };
    Ok((!breaches.is_empty()).then_some(needed))
}

/// All guards of the plan, acknowledged or not.
fn triggered_guards(plan: &TargetPlan, limits: &ChangeLimits) -> Vec<TriggeredGuard> {
    let ChangeLimits {
        max_updates,
        max_deletes,
    } = limits;
    let target = || plan.target.name.clone();
    let live = plan.live.counted();
    let beyond = |guard: Guard, verb: &'static str, kind: ChangeKind, share: &ChangeLimit| {
        let count = count(&plan.changes, kind);
        let what = GuardTrigger::LimitExceeded {
            verb,
            count,
            live,
            of: plan.live.unit_words(),
            limit: describe(share),
        };
        exceeds(count, live, share).then(|| TriggeredGuard {
            target: target(),
            guard,
            count,
            what,
        })
    };
    let limits = [
        beyond(Guard::Deletes, "deletes", ChangeKind::Delete, max_deletes),
        beyond(Guard::Updates, "updates", ChangeKind::Update, max_updates),
    ];
    let unseen = plan.guarded.iter().map(|guarded| TriggeredGuard {
        target: target(),
        guard: guarded.kind.into(),
        count: plan
            .guarded
            .iter()
            .filter(|other| other.kind == guarded.kind)
            .count(),
        what: GuardTrigger::GuardedChange {
            resource: guarded.resource,
            name: guarded.name.clone(),
            how: guarded.how.clone(),
        },
    });
    let not_analyzed = not_analyzed(plan);
    limits
        .into_iter()
        .flatten()
        .chain(unseen)
        .chain(not_analyzed)
        .collect()
}

/// Guards for what is not analyzed: entries that a gate depends on, and policies with unknown
/// content that the plan changes. The number to acknowledge is that of all entries of a kind.
fn not_analyzed(plan: &TargetPlan) -> Vec<TriggeredGuard> {
    let listed = plan.access.iter().flat_map(|access| &access.not_analyzed);
    let of_gates = plan.gates.iter().flat_map(|gate| &gate.not_analyzed);
    let mut all: BTreeMap<EntryKey<'_>, &NotAnalyzed> = BTreeMap::new();
    for entry in listed.chain(of_gates) {
        all.entry(entry_key(entry)).or_insert(entry);
    }
    let is_changed = |entry: &NotAnalyzed| {
        let mut changes = plan.changes.iter();
        changes.any(|change| change.name == entry.policy)
    };
    let is_in_gate = |entry: &NotAnalyzed| {
        let gates = plan.gates.iter().filter(|gate| gate.is_unbroken());
        let mut entries = gates.flat_map(|gate| &gate.not_analyzed);
        entries.any(|other| entry_key(other) == entry_key(entry))
    };
    let needs_acknowledgement = |entry: &NotAnalyzed| match entry.kind {
        NotAnalyzedKind::Unknown => is_changed(entry) || is_in_gate(entry),
        NotAnalyzedKind::Cedar | NotAnalyzedKind::InvalidResource | NotAnalyzedKind::TooComplex => {
            is_in_gate(entry)
        }
    };
    all.values()
        .filter(|entry| needs_acknowledgement(entry))
        .map(|entry| TriggeredGuard {
            target: plan.target.name.clone(),
            guard: guard_of(entry),
            count: all
                .values()
                .filter(|other| guard_of(other) == guard_of(entry))
                .count(),
            what: GuardTrigger::GuardedChange {
                resource: ResourceKind::Policy,
                name: entry.policy.clone(),
                how: format!("not analyzed: {}", entry.reason),
            },
        })
        .collect()
}

fn guard_of(entry: &NotAnalyzed) -> Guard {
    match entry.kind {
        NotAnalyzedKind::Cedar => Guard::Mcp,
        NotAnalyzedKind::Unknown
        | NotAnalyzedKind::InvalidResource
        | NotAnalyzedKind::TooComplex => Guard::NotAnalyzed,
    }
}

/// What identifies an entry: its kind, its policy and its reason.
type EntryKey<'e> = (NotAnalyzedKind, &'e str, &'e str);

/// A Cedar policy counts once: a gate may compare it with the base revision, so that the reason
/// differs from that of the whole plan.
fn entry_key(entry: &NotAnalyzed) -> EntryKey<'_> {
    let NotAnalyzed {
        kind,
        policy,
        reason,
        source: _,
    } = entry;
    match kind {
        NotAnalyzedKind::Cedar => (*kind, policy, ""),
        NotAnalyzedKind::Unknown
        | NotAnalyzedKind::InvalidResource
        | NotAnalyzedKind::TooComplex => (*kind, policy, reason),
    }
}

fn exceeds(count: usize, live: usize, share: &ChangeLimit) -> bool {
    match share {
        ChangeLimit::Count(limit) => count > usize::try_from(*limit).unwrap_or(usize::MAX),
        ChangeLimit::Percent(percent) => {
            live >= SMALLEST_GUARDED
                && count.saturating_mul(100) > live.saturating_mul(usize::from(*percent))
        }
    }
}

fn describe(share: &ChangeLimit) -> String {
    match share {
        ChangeLimit::Count(limit) => limit.to_string(),
        ChangeLimit::Percent(percent) => format!("{percent}%"),
    }
}

fn count(changes: &[Change], kind: ChangeKind) -> usize {
    changes
        .iter()
        .map(|change| {
            let own = change.resource.is_counted() && change.kind == kind;
            usize::from(own) + count(&change.children, kind)
        })
        .sum()
}
