//! Counts the live objects of a target.

use crate::plan::{LiveCounts, ResourceKind};
use model::docker::{LiveContent, LivePolicy};

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
