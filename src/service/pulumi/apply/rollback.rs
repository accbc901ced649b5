//! What a run's journal and the live state together want, so that the groups that the run switched are as before.
//!
//! Nothing is replayed: the result is what is desired, from which a fresh plan is made. A version that was published stays:
//! once deleted, its tag would never be free again.

use std::collections::BTreeSet;

use crate::plan::{ResourceKind, SentOperation};
use crate::run::journal::{CallResult, RunCall, TargetHistory};
use crate::run::{HeldUndo, HeldUndoReason};
use crate::run::{LiveObject, ObjectDifference};
use crate::service::pulumi::plan::PackModel;
use crate::service::pulumi::plan::group_fingerprint;
use model::diag::DocumentId;
use model::pulumi::{
    DesiredGroup, DesiredGroupPack, GroupConfig, GroupName, LiveGroup, LiveGroupBody,
    LiveGroupPack, PackName, PolicySelector, PulumiLiveState, PulumiOperation, VersionTag,
};

/// What is desired of the groups that a run touched.
#[derive(Debug, Clone, Default)]
pub struct PackUndo {
    /// The groups that are to be there, as they are to be.
    pub desired: Vec<DesiredGroup>,
    /// The groups that the run made and that are to go.
    pub made: BTreeSet<String>,
    /// What stays as it is, and why.
    pub held: Vec<HeldUndo>,
}

/// What was there before a run, as its journal has it.
pub(super) fn before(target: &TargetHistory) -> PulumiLiveState {
    let mut state = PulumiLiveState::default();
    for object in &target.before {
        match object {
            LiveObject::Pack(pack) => state.packs.push((**pack).clone()),
            LiveObject::Group(group) => state.groups.push((**group).clone()),
            LiveObject::Policy(_) | LiveObject::Rule(_) | LiveObject::Document(_) => {}
        }
    }
    state
}

/// The state without the calls that a run applied: the state before it, with what other clients made
/// in the meantime and the run adopted.
pub(super) fn without_run(target: &TargetHistory) -> PulumiLiveState {
    let mut model = PackModel::new(&before(target));
    for adopted in target.adopted() {
        if let SentOperation::Pulumi(operation) = adopted.send {
            // The server has this state even if the model refuses it.
            let _ = model.apply(operation);
        }
    }
    model.state().clone()
}

/// The versions that groups used before a run.
pub fn versions_before(target: &TargetHistory) -> Vec<(PackName, VersionTag)> {
    let before = before(target);
    let bodies = before
        .groups
        .iter()
        .filter_map(|group| group.body.as_ref().ok());
    let used = bodies.flat_map(|body| &body.packs);
    used.filter_map(|pack| {
        Some((
            PackName::new(&pack.name).ok()?,
            VersionTag::new(&pack.tag).ok()?,
        ))
    })
    .collect()
}

/// Compares the state after a run with the live state, and returns the desired state in which the groups that the run
/// touched are as before it. With `overwrite`, later changes of other clients are undone too.
pub fn undo_packs(
    target: &TargetHistory,
    live: &PulumiLiveState,
    document: DocumentId,
    overwrite: bool,
) -> PackUndo {
    let before = without_run(target);
    let mut after = PackModel::new(&before);
    let mut undo = PackUndo::default();
    let mut touched: BTreeSet<String> = BTreeSet::new();
    for made in &target.calls {
        let SentOperation::Pulumi(operation) = &made.intent.send else {
            continue;
        };
        if made.state_after().is_none() {
            if is_unknown(made) {
                undo.add_held(
                    resource(operation),
                    &made.intent.name,
                    HeldUndoReason::Unknown,
                );
            }
            continue;
        }
        // What the model refuses was a version that was begun and deleted by the same run: nothing is left of it.
        let known = after.apply(operation).is_ok();
        match operation {
            PulumiOperation::CreateGroup { group } => drop(touched.insert(group.name.to_string())),
            PulumiOperation::UpdateGroup { group, .. } | PulumiOperation::DeleteGroup { group } => {
                touched.insert(group.to_string());
            }
            PulumiOperation::CompletePackVersion { pack, .. } => {
                undo.add_held(ResourceKind::Pack, pack.as_str(), HeldUndoReason::Published);
            }
            PulumiOperation::DeletePackVersion { pack, .. }
            | PulumiOperation::DeletePack { pack }
                if known =>
            {
                undo.add_held(ResourceKind::Pack, pack.as_str(), HeldUndoReason::Retired);
            }
            PulumiOperation::CreatePackVersion { .. }
            | PulumiOperation::PutArchive { .. }
            | PulumiOperation::DeletePackVersion { .. }
            | PulumiOperation::DeletePack { .. } => {}
        }
    }
    for (new, old) in after.renamed() {
        if touched.remove(new) {
            touched.insert(old.clone());
        }
    }
    for name in touched {
        let now = after
            .renamed()
            .iter()
            .find(|(_, old)| **old == name)
            .map_or(name.clone(), |(new, _)| new.clone());
        let was = before.group(&name);
        let left = after.state().group(&now);
        let is = live.group(&now);
        let same = left.map(group_fingerprint) == is.map(group_fingerprint);
        if !same && !overwrite {
            let object = |group: &LiveGroup| LiveObject::Group(Box::new(group.clone()));
            let difference = ObjectDifference {
                planned: left.map(object),
                found: is.map(object),
            };
            undo.add_held(
                ResourceKind::Group,
                &name,
                HeldUndoReason::ChangedSince(Box::new(difference)),
            );
            continue;
        }
        match was {
            None => drop(undo.made.insert(now)),
            Some(was) => match desired(was, &now, live, document) {
                Ok(group) => undo.desired.push(group),
                Err(why) => undo.add_held(
                    ResourceKind::Group,
                    &name,
                    HeldUndoReason::NotUnderstood(why),
                ),
            },
        }
    }
    undo
}

impl PackUndo {
    fn add_held(&mut self, resource: ResourceKind, name: &str, why: HeldUndoReason) {
        let held = HeldUndo {
            resource,
            name: name.to_owned(),
            part: None,
            why,
        };
        if !self.held.contains(&held) {
            self.held.push(held);
        }
    }
}

fn is_unknown(made: &RunCall) -> bool {
    made.answer
        .as_ref()
        .is_none_or(|answer| matches!(answer.result, CallResult::Unknown))
}

fn resource(operation: &PulumiOperation) -> ResourceKind {
    match operation {
        PulumiOperation::CreatePackVersion { .. }
        | PulumiOperation::PutArchive { .. }
        | PulumiOperation::CompletePackVersion { .. }
        | PulumiOperation::DeletePackVersion { .. }
        | PulumiOperation::DeletePack { .. } => ResourceKind::Pack,
        PulumiOperation::CreateGroup { .. }
        | PulumiOperation::UpdateGroup { .. }
        | PulumiOperation::DeleteGroup { .. } => ResourceKind::Group,
    }
}

/// A group as it was, with the name that it has now.
fn desired(
    was: &LiveGroup,
    now: &str,
    live: &PulumiLiveState,
    document: DocumentId,
) -> Result<DesiredGroup, String> {
    let LiveGroup {
        name: was_name,
        is_default,
        body,
        unknown_fields: _,
    } = was;
    let LiveGroupBody {
        entity_type,
        mode,
        stacks,
        accounts,
        agent_pool,
        packs: was_packs,
    } = body.as_ref().map_err(|opaque| opaque.why.clone())?;
    let named = |error: model::pulumi::PulumiNameError| format!("has a name that {error}");
    let mut packs = Vec::new();
    for (index, pack) in was_packs.iter().enumerate() {
        let LiveGroupPack {
            name: pack_name,
            version: _,
            tag,
            config: was_config,
            environments,
            unknown_fields: _,
        } = pack;
        let name = PackName::new(pack_name).map_err(named)?;
        let tag = VersionTag::new(tag).map_err(named)?;
        if live
            .pack(pack_name)
            .is_none_or(|live| live.version(&tag).is_none())
        {
            return Err(format!("had version {tag} of pack `{name}`, which is gone"));
        }
        let mut config = GroupConfig::default();
        for (policy, value) in was_config.iter().flatten() {
            let selector = PolicySelector::try_from(policy.clone()).map_err(named)?;
            let value = value.as_object().ok_or_else(|| {
                format!("has a configuration of `{policy}` that is not an object")
            })?;
            config.0.insert(selector, value.clone());
        }
        packs.push(DesiredGroupPack {
            pack: name,
            tag,
            config: Some(config),
            environments: Some(environments.clone()),
            index,
        });
    }
    Ok(DesiredGroup {
        name: GroupName::new(was_name).map_err(named)?,
        aliases: if now == was_name {
            Vec::new()
        } else {
            vec![GroupName::new(now).map_err(named)?]
        },
        entity_type: *entity_type,
        mode: Some(*mode),
        stacks: (!is_default).then(|| stacks.iter().cloned().collect()),
        accounts: (!is_default).then(|| accounts.iter().cloned().collect()),
        agent_pool: Some(agent_pool.clone().unwrap_or_default()),
        policy_packs: Some(packs),
        document,
    })
}
