//! The parts of a plan that follow from its calls and the live state: fingerprints and counts.

use std::collections::BTreeSet;

use rayon::prelude::*;

use crate::plan::fingerprint;
use crate::plan::{LiveCounts, PlannedCall, PlannedFingerprint, ResourceId, ResourceKind};
use model::docker::{LiveContent, LivePolicy};

/// The fingerprints of the policies that the calls change.
pub(super) fn before(live: &[&LivePolicy], calls: &[PlannedCall]) -> Vec<PlannedFingerprint> {
    let touched: BTreeSet<ResourceId> = calls
        .iter()
        .filter_map(|call| call.send.existing())
        .collect();
    live.par_iter()
        .map(|policy| (ResourceId::from(&policy.id), policy))
        .filter(|(id, _)| touched.contains(id))
        .map(|(id, policy)| PlannedFingerprint {
            resource: ResourceKind::Policy,
            id,
            name: policy.name.clone(),
            fingerprint: fingerprint(policy),
        })
        .collect()
}

pub(super) fn live_counts<'p>(policies: impl Iterator<Item = &'p LivePolicy>) -> LiveCounts {
    let mut count = 0;
    let mut rules = 0;
    for policy in policies {
        count += 1;
        rules += rule_count(policy);
    }
    LiveCounts::new([(ResourceKind::Policy, count), (ResourceKind::Rule, rules)])
}

pub(super) fn rule_count(policy: &LivePolicy) -> usize {
    match &policy.content {
        LiveContent::Rules(rules) => rules.len(),
        LiveContent::Cedar(_) | LiveContent::Opaque(_) => 0,
    }
}
