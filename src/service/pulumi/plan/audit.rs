//! A second look at a finished plan: whatever order its calls are made in, does the service take them, and does every
//! group keep what it has before and after?

use std::collections::BTreeSet;

use thiserror::Error;

use super::model::Model;
use super::order::{Weight, edges};
use crate::plan::ReplayError;
use crate::plan::{Call, Reason};
use crate::service::docker::plan::audit::Earlier;
use model::pulumi::{LiveGroup, LiveState, Operation};

/// A promise that a plan does not keep.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Breach {
    /// A call does not fit what is there when it is made.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A call may be made before another that the service wants first.
    #[error("call {then} does not wait for call {first}, though {}", why.words())]
    Refused {
        /// The number of the call that must come first.
        first: u32,
        /// The number of the call that needs it.
        then: u32,
        /// Why.
        why: Reason,
    },
    /// A group is without a pack, in any version, that it has before and after.
    #[error(
        "group `{group}` is without the pack `{pack}` after call {call}, and has it before and after"
    )]
    Lacks {
        /// The group.
        group: String,
        /// The pack.
        pack: String,
        /// The number of the call.
        call: u32,
    },
    /// A group has a pack in a version, or with a configuration, that it has neither before nor after.
    #[error(
        "group `{group}` has the pack `{pack}` after call {call} as it has it neither before nor after"
    )]
    Between {
        /// The group.
        group: String,
        /// The pack.
        pack: String,
        /// The number of the call.
        call: u32,
    },
    /// A call does more than one thing to a group.
    #[error("call {call} is not one operation")]
    NotOne {
        /// The number of the call.
        call: u32,
    },
}

/// The promises that calls do not keep, made on this state.
pub fn audit_packs(live: &LiveState, calls: &[Call]) -> Vec<Breach> {
    let after = match Model::after(live, calls) {
        Ok(after) => after,
        Err(error) => return vec![error.into()],
    };
    let operations: Vec<&Operation> = calls.iter().filter_map(|call| call.send.pulumi()).collect();
    let earlier = Earlier::new(calls);
    let mut breaches: Vec<Breach> = edges(live, &operations)
        .into_iter()
        .filter(|(weight, edge)| {
            *weight == Weight::Service && !earlier.before(edge.first, edge.then)
        })
        .filter_map(|(_, edge)| {
            let first = calls.get(edge.first)?.id.0;
            let then = calls.get(edge.then)?.id.0;
            Some(Breach::Refused {
                first,
                then,
                why: edge.why,
            })
        })
        .collect();
    let mut model = Model::new(live);
    for call in calls {
        let Some(operation) = call.send.pulumi() else {
            continue;
        };
        if let Err(why) = model.make(operation) {
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

/// What groups have after a call that they have neither before nor after all of them, and what they lack.
fn between(live: &LiveState, now: &Model, after: &Model, call: u32) -> Vec<Breach> {
    let mut found = Vec::new();
    for group in &now.state.groups {
        let old = now
            .renamed
            .get(&group.name)
            .map_or(group.name.as_str(), String::as_str);
        let was = live.group(old);
        let will = after.state.group(&name_after(after, old));
        let (Some(was), Some(will)) = (was, will) else {
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
                    found.push(Breach::Lacks { group, pack, call })
                }
                Some(_) if is != before && is != later => {
                    found.push(Breach::Between { group, pack, call })
                }
                None | Some(_) => {}
            }
        }
    }
    found
}

fn name_after(after: &Model, old: &str) -> String {
    let renamed = after.renamed.iter().find(|(_, before)| *before == old);
    renamed.map_or_else(|| old.to_owned(), |(name, _)| name.clone())
}

/// The packs of a group, each as it is used.
fn packs(group: &LiveGroup) -> impl Iterator<Item = (&str, (u64, String))> {
    let packs = group
        .body
        .as_ref()
        .map(|body| body.packs.as_slice())
        .unwrap_or_default();
    packs.iter().map(|pack| {
        (
            pack.name.as_str(),
            (pack.version.0, super::changes::config(pack).to_string()),
        )
    })
}
