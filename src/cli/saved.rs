//! Saved plans against gates: the gates of today, and what the server holds today.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};

use super::apply::Further;
use super::connect::Session;
use super::gates::GateKeeper;
use super::planning;
use super::workspace::Workspace;
use crate::plan;
use crate::plan::GateNames;
use crate::plan::{Change, Plan, SourceRef};
use manifest::config::Provider;
use model::{Live, chainloop, pulumi};

/// Holds a saved plan against gates again, and puts what comes out into it. Returns the live state of each of its
/// targets, which is read for that, with the further people that its gates name.
///
/// # Errors
/// The live state cannot be read.
pub(super) async fn hold_again(
    plan: &mut Plan,
    workspace: &Workspace,
    session: &Session,
    keeper: &GateKeeper,
) -> anyhow::Result<Vec<(Live, Further)>> {
    let targets = workspace.targets();
    let mut asked = Vec::new();
    for target_plan in &plan.targets {
        let name = &target_plan.target.name;
        let Some(target) = targets.iter().find(|target| target.name == *name) else {
            bail!("the plan is for target `{name}`, which is not one of the chosen targets");
        };
        asked.push((
            *target,
            keeper.gates_again(workspace, target, &target_plan.gates)?,
        ));
    }
    let mut states = Vec::new();
    for ((target, gates), target_plan) in asked.into_iter().zip(&mut plan.targets) {
        let live = if target.provider() == Provider::Chainloop {
            let kinds = target_plan
                .documents
                .iter()
                .filter_map(plan::DocumentStatus::key);
            let written = target_plan
                .calls
                .iter()
                .filter_map(|call| written(call.send.chainloop()?));
            planning::read_documents(session, target, kinds.chain(written))
                .await
                .with_context(|| planning::of(target))?
        } else {
            session
                .reading(target)?
                .live_state()
                .await
                .with_context(|| planning::of(target))?
        };
        let live = match live {
            Live::Docker(_) | Live::Chainloop(_) => live,
            Live::Pulumi(live) => {
                let wanted = target_plan
                    .calls
                    .iter()
                    .filter_map(|call| enabled(call.send.pulumi()?));
                let reader = session.pulumi_reader(target)?;
                Live::Pulumi(
                    reader
                        .with_versions(live, wanted)
                        .await
                        .with_context(|| planning::of(target))?,
                )
            }
        };
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
        target_plan.gates = match &live {
            Live::Docker(state) => crate::service::docker::plan::gates::hold_gates(
                state,
                &target_plan.calls,
                &gates,
                &names,
            ),
            Live::Pulumi(_) | Live::Chainloop(_) => Vec::new(),
        };
        states.push((live, gates.audiences));
    }
    Ok(states)
}

/// The policy that a write is about.
fn written(
    send: &chainloop::Operation,
) -> Option<(chainloop::DocumentKind, chainloop::PolicyName)> {
    Some((
        chainloop::DocumentKind::Policy,
        send.document().name.clone(),
    ))
}

/// The version that a write enables in a group.
fn enabled(send: &pulumi::Operation) -> Option<(&pulumi::PackName, &pulumi::VersionTag)> {
    match send {
        pulumi::Operation::UpdateGroup {
            change: pulumi::GroupChange::AddPack { pack, tag, .. },
            ..
        } => Some((pack, tag)),
        pulumi::Operation::CreatePackVersion { .. }
        | pulumi::Operation::PutArchive { .. }
        | pulumi::Operation::CompletePackVersion { .. }
        | pulumi::Operation::DeletePackVersion { .. }
        | pulumi::Operation::DeletePack { .. }
        | pulumi::Operation::CreateGroup { .. }
        | pulumi::Operation::UpdateGroup { .. }
        | pulumi::Operation::DeleteGroup { .. } => None,
    }
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
