//! Guards: how much one apply may change before it is refused.

use std::str::FromStr;

use thiserror::Error;

use super::types::{Change, ChangeKind, ResourceKind, TargetPlan};
use crate::manifest::config::{Limits, Share};

/// A target with fewer live rules than this is too small for percentages to mean anything.
const SMALLEST_GUARDED: usize = 10;

/// A limit that a plan exceeds.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("target `{target}`: the plan {verb} {count} of {live} live rules; the limit is {limit}")]
pub struct Breach {
    /// The target.
    pub target: String,
    /// "deletes" or "updates".
    pub verb: &'static str,
    /// How many rules the plan deletes or updates.
    pub count: usize,
    /// How many rules the organization holds.
    pub live: usize,
    /// The limit, as configured.
    pub limit: String,
}

/// The numbers that somebody has seen and accepts: `deletes=14,updates=30`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Acknowledged {
    /// Deleted rules.
    pub deletes: Option<usize>,
    /// Updated rules.
    pub updates: Option<usize>,
}

/// A text that acknowledges nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not of the form `deletes=14,updates=30`")]
pub struct AcknowledgedError(String);

impl FromStr for Acknowledged {
    type Err = AcknowledgedError;
    fn from_str(text: &str) -> Result<Self, AcknowledgedError> {
        let wrong = || AcknowledgedError(text.to_owned());
        let mut acknowledged = Self::default();
        for part in text.split(',') {
            let (name, number) = part.split_once('=').ok_or_else(wrong)?;
            let number = number.trim().parse().map_err(|_| wrong())?;
            let slot = match name.trim() {
                "deletes" => &mut acknowledged.deletes,
                "updates" => &mut acknowledged.updates,
                _ => return Err(wrong()),
            };
            if slot.replace(number).is_some() {
                return Err(wrong());
            }
        }
        Ok(acknowledged)
    }
}

/// The limits that a target's plan exceeds and that nobody acknowledged by its exact number.
pub fn check(plan: &TargetPlan, limits: &Limits, acknowledged: Acknowledged) -> Vec<Breach> {
    let Limits { max_updates, max_deletes } = limits;
    let deletes = count(&plan.changes, ChangeKind::Delete);
    let updates = count(&plan.changes, ChangeKind::Update);
    let live = plan.live.rules;
    let breach = |verb, count: usize, share: &Share, seen: Option<usize>| {
        (exceeds(count, live, share) && seen != Some(count)).then(|| Breach {
            target: plan.target.name.clone(),
            verb,
            count,
            live,
            limit: describe(share),
        })
    };
    [
        breach("deletes", deletes, max_deletes, acknowledged.deletes),
        breach("updates", updates, max_updates, acknowledged.updates),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn exceeds(count: usize, live: usize, share: &Share) -> bool {
    match share {
        Share::Count(limit) => count > usize::try_from(*limit).unwrap_or(usize::MAX),
        Share::Percent(percent) => {
            live >= SMALLEST_GUARDED && count.saturating_mul(100) > live.saturating_mul(usize::from(*percent))
        }
    }
}

fn describe(share: &Share) -> String {
    match share {
        Share::Count(limit) => limit.to_string(),
        Share::Percent(percent) => format!("{percent}%"),
    }
}

fn count(changes: &[Change], kind: ChangeKind) -> usize {
    changes
        .iter()
        .map(|change| {
            let own = change.resource == ResourceKind::Rule && change.kind == kind;
            usize::from(own) + count(&change.children, kind)
        })
        .sum()
}
