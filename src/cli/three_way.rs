//! Three-way plans: which differences are due to a change, and which were there before it.

use super::console::Console;
use super::planning::{self, Planned};
use super::tree::At;
use super::workspace::{Selection, Workspace, is_error};
use crate::check::Checked;
use crate::manifest::config::Target;
use crate::plan::{self, Origin, Origins, Plan, Request, TargetOrigins};
use crate::render::text::neutral;

/// Tells where the differences of a plan come from, seen from a base revision. Where the base cannot be understood,
/// that is said, and nothing is told apart.
///
/// # Errors
/// A server does not tell the names of its teams.
pub(super) async fn origins(planned: &Planned, base: &str, console: Console) -> anyhow::Result<Option<Origins>> {
    let Planned { workspace, session: _, plan, live } = planned;
    let before = match Workspace::read(&Selection::default(), &At::revision(base)) {
        Ok(Ok(before)) => before,
        Ok(Err(_)) => return Ok(untold(base, "its configuration is invalid", console)),
        Err(error) => return Ok(untold(base, &error.to_string(), console)),
    };
    if before.findings().iter().any(is_error) {
        return Ok(untold(base, "its manifests are invalid", console));
    }
    let mut targets = Vec::new();
    for (target_plan, live) in plan.targets.iter().zip(live) {
        let name = &target_plan.target.name;
        let chosen = workspace.targets();
        let Some(target) = chosen.iter().find(|target| target.name == *name) else { continue };
        let same = |other: &&Target| {
            other.provider == target.provider && other.organization.eq_ignore_ascii_case(&target.organization)
        };
        let all = before.targets();
        // A target that is new wants nothing at the base.
        let changes = match all.iter().copied().find(same) {
            None => Vec::new(),
            Some(old) => {
                let teams = planning::teams(&planned.session, target, before.needs_server_teams(old)).await?;
                let Checked { policies, diagnostics, .. } = before.check(old, &teams);
                if diagnostics.iter().any(is_error) {
                    return Ok(untold(base, "its manifests are invalid", console));
                }
                let locate = |place: &_| planning::locate(before.sources(), place);
                let request = Request {
                    target: target_plan.target.clone(),
                    desired: &policies,
                    live,
                    unmanaged: old.unmanaged,
                    teams: &target.teams,
                    locate: &locate,
                };
                plan::plan_target(&request).changes
            }
        };
        targets.push(TargetOrigins { target: name.clone(), changes: plan::origins(&target_plan.changes, &changes) });
    }
    let base = before.commit().map_or_else(|| base.to_owned(), |commit| commit.id);
    Ok(Some(Origins { base, targets }))
}

fn untold(base: &str, why: &str, console: Console) -> Option<Origins> {
    console.say(&format!(
        "What is drift is not told apart from what changed: the base revision {} cannot be compared, as {}.",
        neutral(base),
        neutral(why)
    ));
    None
}

/// Whether any difference was there before the change.
pub(super) fn has_drift(plan: &Plan) -> bool {
    let all = plan.origins.iter().flat_map(|origins| &origins.targets).flat_map(|target| &target.changes);
    all.into_iter().any(|told| match told.origin {
        Origin::Change => false,
        Origin::Drift | Origin::Mixed | Origin::Conflict => true,
    })
}
