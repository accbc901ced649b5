//! Names of teams in text output that only the server knows.
//!
//! Plans and reports contain aliases of the configuration, and UUIDs where there are none. Text
//! shows names instead. JSON and the digest of a plan stay as they are, so that they do not depend
//! on who may read the teams.

use std::collections::BTreeMap;

use super::connect::Session;
use crate::plan::{Change, DriftReport, Plan};
use crate::service::registry;
use access::People;
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
        let mut own = known(name, target_plan.people(), targets, session).await;
        // Access rows contain aliases already, the values of changes do not.
        if target_plan.changes.iter().any(Change::has_teams) {
            let target = targets.iter().find(|target| target.name == *name);
            let aliases = target.map(|target| target.teams().clone());
            own.extend(aliases.unwrap_or_default());
        }
        names.push(own);
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
        names.push(known(&drift.target.name, drift.people(), targets, session).await);
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

/// The names of the teams without an alias in a target's formulas, each with its UUID.
async fn known<'p>(
    name: &str,
    people: impl Iterator<Item = &'p People>,
    targets: &[&Target],
    session: &Session,
) -> BTreeMap<String, String> {
    match targets.iter().find(|target| target.name == name) {
        Some(target) => registry::team_names(session.connections(), target, people).await,
        None => BTreeMap::new(),
    }
}
