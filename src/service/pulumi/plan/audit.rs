//! Verifies a finished plan, independently of how it was found: does the service accept every order
//! that the edges permit, and does each group keep what it has before and after?

use std::collections::BTreeSet;

use thiserror::Error;

use super::model::PackModel;
use super::order::{EdgeWeight, edges};
use crate::plan::ReplayError;
use crate::plan::graph::Earlier;
use crate::plan::{DependencyReason, PlannedCall};
use model::pulumi::{LiveGroup, LiveGroupPack, PulumiLiveState, PulumiOperation};

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PackPlanViolation {
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A call does not wait for another one that the service requires first.
    #[error("call {then} does not wait for call {first}, though {}", why.words())]
    Refused {
        first: u32,
        then: u32,
        why: DependencyReason,
    },
    /// A group temporarily loses a pack, in any version, that it has before and after.
    #[error(
        "group `{group}` does not have the pack `{pack}` after call {call}, but has it before and after"
    )]
    PackMissing {
        group: String,
        pack: String,
        call: u32,
    },
    /// A group temporarily has a pack in a version or configuration that it has neither before nor
    /// after.
    #[error("the pack `{pack}` of group `{group}` after call {call} differs from before and after")]
    UnplannedState {
        group: String,
        pack: String,
        call: u32,
    },
    /// A call makes more than one change to a group.
    #[error("call {call} is not a single operation")]
    NotSingle { call: u32 },
}

/// The promises that these calls break when they are applied to this state.
pub fn audit_packs(live: &PulumiLiveState, calls: &[PlannedCall]) -> Vec<PackPlanViolation> {
    let after = match PackModel::after(live, calls) {
        Ok(after) => after,
        Err(error) => return vec![error.into()],
    };
    let operations: Vec<&PulumiOperation> =
        calls.iter().filter_map(|call| call.send.pulumi()).collect();
    let earlier = Earlier::new(calls);
    let mut breaches: Vec<PackPlanViolation> = edges(live, &operations)
        .into_iter()
        .filter(|(weight, edge)| {
            *weight == EdgeWeight::Service && !earlier.before(edge.first, edge.then)
        })
        .filter_map(|(_, edge)| {
            let first = calls.get(edge.first)?.id.0;
            let then = calls.get(edge.then)?.id.0;
            Some(PackPlanViolation::Refused {
                first,
                then,
                why: edge.why,
            })
        })
        .collect();
    let mut model = PackModel::new(live);
    for call in calls {
        let Some(operation) = call.send.pulumi() else {
            continue;
        };
        if let Err(why) = model.apply(operation) {
            breaches.push(
                ReplayError::Refused {
                    call: call.id.0,
                    why,
                }
                .into(),
            );
            break;
        }
        breaches.extend(between(live, &model, &after, call.id.0));
    }
    breaches.dedup();
    breaches
}

/// What groups temporarily gain that they have neither before nor after, and what they temporarily
/// lose.
fn between(
    live: &PulumiLiveState,
    now: &PackModel,
    after: &PackModel,
    call: u32,
) -> Vec<PackPlanViolation> {
    let mut found = Vec::new();
    for group in &now.state.groups {
        let old = now
            .renamed
            .get(&group.name)
            .map_or(group.name.as_str(), String::as_str);
        let was = live.group(old);
        let will = after.state.group(&name_after(after, old));
        let Some((was, will)) = was.zip(will) else {
            continue;
        };
        let names: BTreeSet<&str> = packs(was)
            .chain(packs(will))
            .map(|(name, _)| name)
            .collect();
        for pack in names {
            let of = |group| {
                packs(group)
                    .find(|(name, _)| *name == pack)
                    .map(|(_, used)| used)
            };
            let before = of(was);
            let is = of(group);
            let later = of(will);
            let group = group.name.clone();
            let pack = pack.to_owned();
            match is {
                None if before.is_some() && later.is_some() => {
                    found.push(PackPlanViolation::PackMissing { group, pack, call })
                }
                Some(_) if is != before && is != later => {
                    found.push(PackPlanViolation::UnplannedState { group, pack, call })
                }
                None | Some(_) => {}
            }
        }
    }
    found
}

fn name_after(after: &PackModel, old: &str) -> String {
    let renamed = after.renamed.iter().find(|(_, before)| *before == old);
    renamed.map_or_else(|| old.to_owned(), |(name, _)| name.clone())
}

/// The packs of a group with their versions, configurations and environments.
fn packs(group: &LiveGroup) -> impl Iterator<Item = (&str, (u64, String, &[String]))> {
    let packs = group
        .body
        .as_ref()
        .map(|body| body.packs.as_slice())
        .unwrap_or_default();
    packs.iter().map(|pack| {
        let LiveGroupPack {
            name,
            version,
            // The number identifies the version.
            tag: _,
            config: _,
            environments,
            unknown_fields: _,
        } = pack;
        let config = super::changes::config(pack).to_string();
        (name.as_str(), (version.0, config, environments.as_slice()))
    })
}
