//! Saved plans: read, and checked against the configuration, the gates and the live state of today.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use camino::Utf8Path;

use crate::cli::connect::Session;
use crate::cli::gates::GateSources;
use crate::cli::planning;
use crate::cli::workspace::Workspace;
use crate::plan::{Change, FORMAT_VERSION, GateNames, Plan, SourceRef, TargetPlan, plan_digest};
use crate::run::service::{ReadFor, Writes, accept};
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

/// Holds a saved plan against gates again, and puts what comes out into it. Returns the service of each of its targets
/// with the live state, which is read for that.
///
/// # Errors
/// The live state cannot be read.
pub(super) async fn recheck_gates(
    plan: &mut Plan,
    workspace: &Workspace,
    session: &Session,
    gate_sources: &GateSources,
) -> anyhow::Result<Vec<Box<dyn Writes>>> {
    let targets = workspace.targets();
    let mut asked = Vec::new();
    for target_plan in &plan.targets {
        let name = &target_plan.target.name;
        let Some(target) = targets.iter().find(|target| target.name == *name) else {
            bail!("the plan is for target `{name}`, which is not one of the chosen targets");
        };
        asked.push((
            *target,
            gate_sources.gates_of_saved_plan(workspace, target, &target_plan.gates)?,
        ));
    }
    let mut states = Vec::new();
    for ((target, gates), target_plan) in asked.into_iter().zip(&mut plan.targets) {
        let begin = session.begin_reading();
        let mut service = session.writes(target)?;
        service
            .read(&begin)
            .await
            .with_context(|| planning::label(target))?;
        service
            .read_more(ReadFor::Plan(target_plan), &begin)
            .await
            .with_context(|| planning::label(target))?;
        let places = places(&target_plan.changes);
        let names = GateNames {
            rule: &|policy, rule| {
                places
                    .get(&(policy.to_owned(), Some(rule.to_owned())))
                    .cloned()
            },
            policy: &|policy| places.get(&(policy.to_owned(), None)).cloned(),
            teams: target.teams(),
        };
        target_plan.gates = service.gates(target_plan, &gates, &names)?;
        states.push(service);
    }
    Ok(states)
}

/// Where the plan says that policies and rules are declared.
fn places(changes: &[Change]) -> BTreeMap<(String, Option<String>), SourceRef> {
    let mut places = BTreeMap::new();
    for policy in changes {
        let own = policy
            .source
            .as_ref()
            .map(|source| ((policy.name.clone(), None), source.clone()));
        let rules = policy.children.iter().filter_map(|rule| {
            Some((
                (policy.name.clone(), Some(rule.name.clone())),
                rule.source.clone()?,
            ))
        });
        places.extend(own.into_iter().chain(rules));
    }
    places
}
