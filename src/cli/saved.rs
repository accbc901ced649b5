//! Saved plans against gates: the gates of today, and what the server holds today.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};

use super::connect::Session;
use super::gates::GateSources;
use super::planning;
use super::workspace::Workspace;
use crate::plan::{Change, GateNames, Plan, SourceRef};
use crate::run::service::{ReadFor, Writes};

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
