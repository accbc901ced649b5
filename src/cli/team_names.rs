//! Names of teams in text output that only the server knows.
//!
//! Plans and reports contain aliases of the configuration, and UUIDs where there are none. Text
//! shows names instead. JSON and the digest of a plan stay as they are, so that they do not depend
//! on who may read the teams.

use std::collections::{BTreeMap, BTreeSet};

use super::connect::Session;
use crate::plan::{DriftReport, Plan};
use crate::service::registry;
use manifest::config::Target;

/// The plan with the names that the servers know; `None` if it would be the same, because plans may
/// be large.
pub(super) async fn plan_for_text(
    plan: &Plan,
    targets: &[&Target],
    session: &Session,
) -> Option<Plan> {
    let mut names = Vec::new();
    for target_plan in &plan.targets {
        let name = &target_plan.target.name;
        names.push(known(name, target_plan.groups(), targets, session).await);
    }
    if names.iter().all(BTreeMap::is_empty) {
        return None;
    }
    let mut shown = plan.clone();
    for (target_plan, names) in shown.targets.iter_mut().zip(&names) {
        target_plan.name_teams(names);
    }
    Some(shown)
}

/// The drift report with the names that the servers know; `None` if it would be the same.
pub(super) async fn drift_for_text(
    report: &DriftReport,
    targets: &[&Target],
    session: &Session,
) -> Option<DriftReport> {
    let mut names = Vec::new();
    for drift in &report.targets {
        names.push(known(&drift.target.name, drift.groups(), targets, session).await);
    }
    if names.iter().all(BTreeMap::is_empty) {
        return None;
    }
    let mut shown = report.clone();
    for (drift, names) in shown.targets.iter_mut().zip(&names) {
        drift.name_teams(names);
    }
    Some(shown)
}

/// The names of the teams among these groups, each with its UUID: aliases of the target, and names that
/// the server knows.
async fn known<'p>(
    name: &str,
    groups: impl Iterator<Item = &'p str>,
    targets: &[&Target],
    session: &Session,
) -> BTreeMap<String, String> {
    let Some(target) = targets.iter().find(|target| target.name == name) else {
        return BTreeMap::new();
    };
    let groups: BTreeSet<&str> = groups.collect();
    let aliases = target.teams().iter();
    let aliases = aliases.filter(|(_, id)| groups.contains(id.as_str()));
    let mut names: BTreeMap<String, String> = aliases
        .map(|(alias, id)| (alias.clone(), id.clone()))
        .collect();
    let named: BTreeSet<&str> = names.values().map(String::as_str).collect();
    let others = groups
        .iter()
        .copied()
        .filter(|group| !named.contains(group));
    let others = registry::team_names(session.connections(), target, others).await;
    for (name, id) in others {
        names.entry(name).or_insert(id);
    }
    names
}
