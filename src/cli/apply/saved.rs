//! Plans that were saved: read, and held to what is configured and live.

use anyhow::{Context as _, bail};
use camino::Utf8Path;

use crate::cli::connect::Session;
use crate::plan::{FORMAT_VERSION, Plan, TargetPlan, plan_digest};
use crate::run::service::accept;
use manifest::config::Target;

/// Reads a plan. One whose digest is not that of what it holds was changed since it was saved.
pub(super) fn load(path: &Utf8Path) -> anyhow::Result<Plan> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the plan `{path}`"))?;
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct PlanVersion {
        format_version: u32,
    }
    let no_plan = || format!("`{path}` is not a plan that `plan --out` wrote");
    let PlanVersion { format_version } = serde_json::from_str(&text).with_context(no_plan)?;
    if format_version != FORMAT_VERSION {
        bail!(
            "`{path}` has plan format {format_version}; this version reads format {FORMAT_VERSION}. Make the plan again."
        );
    }
    let mut plan: Plan = serde_json::from_str(&text).with_context(no_plan)?;
    let digest = plan_digest(&plan)?;
    // What is applied is shown as it is worked out then, in an order of its own.
    plan.origins = None;
    match &plan.digest {
        Some(written) if *written == digest => Ok(plan),
        Some(_) => bail!(
            "`{path}` was edited since it was saved: its digest is not that of what it holds. Make the plan again."
        ),
        None => bail!("`{path}` holds no digest, which `plan --out` writes. Make the plan again."),
    }
}

/// Each target's plan with the target's configuration, which must not have moved since the plan was made.
pub(super) fn match_targets<'a>(
    plan: &'a Plan,
    targets: &[&'a Target],
    session: &Session,
) -> anyhow::Result<Vec<(&'a TargetPlan, &'a Target)>> {
    let mut pairs = Vec::new();
    for target_plan in &plan.targets {
        let name = &target_plan.target.name;
        let Some(target) = targets.iter().find(|target| target.name == *name) else {
            bail!("the plan is for target `{name}`, which is not one of the chosen targets");
        };
        if session.info(target)? != target_plan.target {
            bail!(
                "target `{name}` is another organization, profile or endpoint than the plan was made for; make the plan again"
            );
        }
        accept(&target_plan.target, target_plan)?;
        pairs.push((target_plan, *target));
    }
    Ok(pairs)
}
