//! Names of teams in text output that only the server knows.
//!
//! Plans and reports contain aliases of the configuration, and UUIDs where there are none. Text
//! shows names instead. JSON and the digest of a plan stay as they are, so that they do not depend
//! on who may read the teams.

use super::connect::Session;
use crate::plan::{DriftReport, Plan};
use crate::service::registry;
use manifest::config::Target;

/// The plan with the names that the servers know.
pub(super) async fn plan_for_text(plan: &Plan, targets: &[&Target], session: &Session) -> Plan {
    let mut shown = plan.clone();
    for target_plan in &mut shown.targets {
        let name = &target_plan.target.name;
        let Some(target) = targets.iter().find(|target| target.name == *name) else {
            continue;
        };
        let people = target_plan.people();
        let names = registry::team_names(session.connections(), target, people).await;
        if !names.is_empty() {
            target_plan.name_teams(&names);
        }
    }
    shown
}

/// The drift report with the names that the servers know.
pub(super) async fn drift_for_text(
    report: &DriftReport,
    targets: &[&Target],
    session: &Session,
) -> DriftReport {
    let mut shown = report.clone();
    for drift in &mut shown.targets {
        let name = &drift.target.name;
        let Some(target) = targets.iter().find(|target| target.name == *name) else {
            continue;
        };
        let names = registry::team_names(session.connections(), target, drift.people()).await;
        if !names.is_empty() {
            drift.name_teams(&names);
        }
    }
    shown
}
