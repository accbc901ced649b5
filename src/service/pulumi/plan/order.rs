//! Orders the calls of a plan.
//!
//! Problem: a topological order with constraints of different priority. [`waits`] decides for each
//! pair of calls whether one must wait for the other, and how important that is ([`EdgeWeight`]):
//! constraints of the service are required; keeping a pack enabled that a group has before and
//! after, and hiding enforcement levels from stacks that join or leave, are desirable. If all edges
//! together contain a cycle, the least important kind is dropped and reported as a gap, then the
//! next one.
//!
//! Example: a group switches from version 1 to version 2 of a pack. `CompletePackVersion` (version
//! 2) comes before `AddPack` (version 2) because the service requires it; deleting version 1 comes
//! after both, because the group still uses it until then.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::graph::{CallGraph, PrecedenceEdge, ranges};
use crate::plan::{CallId, DependencyReason, PlanNote, PlannedCall, PlannedOperation};
use model::pulumi::{GroupChange, PackName, PulumiLiveState, PulumiOperation, VersionRef};

#[derive(Debug, Clone)]
pub(super) struct PackDraft {
    pub(super) name: String,
    pub(super) part: Option<String>,
    pub(super) send: PulumiOperation,
}

/// Why one call waits for another, most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EdgeWeight {
    /// The service rejects another order.
    Service,
    /// Otherwise a stack would temporarily lose a pack that it has before and after.
    Keeps,
    /// Otherwise a stack would see an enforcement level that its group has only before the stack
    /// joins or after it leaves.
    Levels,
}

/// Orders the calls, and reports constraints that no order satisfies.
pub(super) fn arrange(
    live: &PulumiLiveState,
    drafts: Vec<PackDraft>,
) -> (Vec<PlannedCall>, Vec<PlanNote>) {
    let operations: Vec<&PulumiOperation> = drafts.iter().map(|draft| &draft.send).collect();
    let edges = edges(live, &operations);
    let rank = |at: usize| operations.get(at).map_or(0, |operation| rank(operation));
    let mut dropped = Vec::new();
    let graph = [EdgeWeight::Levels, EdgeWeight::Keeps, EdgeWeight::Service]
        .into_iter()
        .find_map(|weight| {
            let mut graph = CallGraph::new(operations.len(), rank);
            let wanted: Vec<PrecedenceEdge> = edges
                .iter()
                .filter(|(own, _)| *own <= weight)
                .map(|(_, edge)| *edge)
                .collect();
            dropped = edges
                .iter()
                .filter(|(own, _)| *own > weight)
                .map(|(_, edge)| *edge)
                .collect();
            graph.add(&wanted).then_some(graph)
        });
    let graph = graph.unwrap_or_else(|| CallGraph::new(operations.len(), rank));
    let notes = gap_notes(&dropped, &drafts);
    let order = graph.order(rank);
    let mut waits = graph.waits();
    let numbers: BTreeMap<usize, CallId> = order.iter().copied().zip((1..).map(CallId)).collect();
    let mut drafts: Vec<Option<PackDraft>> = drafts.into_iter().map(Some).collect();
    let calls = order.into_iter().filter_map(|at| {
        let PackDraft { name, part, send } = drafts.get_mut(at)?.take()?;
        let before = waits.remove(&at).unwrap_or_default();
        let after = ranges(
            before
                .into_iter()
                .filter_map(|(first, why)| Some((*numbers.get(&first)?, why)))
                .collect(),
        );
        Some(PlannedCall {
            id: *numbers.get(&at)?,
            after,
            name,
            part,
            why: None,
            send: PlannedOperation::Pulumi(send),
        })
    });
    (calls.collect(), notes)
}

/// The place of a call if no edge decides.
fn rank(operation: &PulumiOperation) -> u8 {
    match operation {
        PulumiOperation::CreatePackVersion { .. }
        | PulumiOperation::PutArchive { .. }
        | PulumiOperation::CompletePackVersion { .. } => 0,
        PulumiOperation::CreateGroup { .. } => 1,
        PulumiOperation::UpdateGroup { change, .. } => match change {
            GroupChange::Rename { .. } | GroupChange::SetAgentPool { .. } => 1,
            GroupChange::AddPack { .. } => 2,
            GroupChange::AddStack { .. } | GroupChange::AddAccount { .. } => 3,
            GroupChange::RemoveStack { .. } | GroupChange::RemoveAccount { .. } => 4,
            GroupChange::RemovePack { .. } => 5,
        },
        PulumiOperation::DeleteGroup { .. } => 6,
        PulumiOperation::DeletePackVersion { .. } => 7,
        PulumiOperation::DeletePack { .. } => 8,
    }
}

fn gap_notes(dropped: &[PrecedenceEdge], drafts: &[PackDraft]) -> Vec<PlanNote> {
    let names = dropped.iter().filter_map(|edge| drafts.get(edge.then));
    let names: BTreeSet<String> = names.map(|draft| draft.name.clone()).collect();
    let why = "stacks and packs move between groups in a circle, so that a stack may see the packs of a group in the \
               version that it has before or after for a moment";
    let note = |name| PlanNote::GroupGap {
        name,
        why: why.to_owned(),
    };
    names.into_iter().map(note).collect()
}

/// All edges, required and desirable.
pub(crate) fn edges(
    live: &PulumiLiveState,
    operations: &[&PulumiOperation],
) -> Vec<(EdgeWeight, PrecedenceEdge)> {
    let mut found = Vec::new();
    for (then, later) in operations.iter().enumerate() {
        for (first, earlier) in operations.iter().enumerate() {
            if first != then
                && let Some((weight, why)) = waits(live, later, earlier)
            {
                found.push((weight, PrecedenceEdge { first, then, why }));
            }
        }
    }
    found
}

/// Whether a call waits for another one, and why.
fn waits(
    live: &PulumiLiveState,
    later: &PulumiOperation,
    earlier: &PulumiOperation,
) -> Option<(EdgeWeight, DependencyReason)> {
    match (later, earlier) {
        (
            PulumiOperation::PutArchive { pack, tag, .. },
            PulumiOperation::CreatePackVersion { version },
        ) if version.name == *pack && version.version_tag == *tag => {
            Some((EdgeWeight::Service, DependencyReason::BeginsVersion))
        }
        (
            PulumiOperation::CompletePackVersion { pack, tag },
            PulumiOperation::PutArchive {
                pack: other,
                tag: other_tag,
                ..
            },
        ) if pack == other && tag == other_tag => {
            Some((EdgeWeight::Service, DependencyReason::Uploads))
        }
        (
            PulumiOperation::UpdateGroup {
                change: GroupChange::AddPack { pack, tag, .. },
                ..
            },
            PulumiOperation::CompletePackVersion {
                pack: other,
                tag: other_tag,
            },
        ) if pack == other && tag == other_tag => {
            Some((EdgeWeight::Service, DependencyReason::Publishes))
        }
        (
            PulumiOperation::UpdateGroup { group, .. },
            PulumiOperation::CreateGroup { group: new },
        ) if new.name == *group => Some((EdgeWeight::Service, DependencyReason::MakesGroup)),
        (
            PulumiOperation::UpdateGroup { group, .. },
            PulumiOperation::UpdateGroup {
                change: GroupChange::Rename { name },
                ..
            },
        ) if name == group => Some((EdgeWeight::Service, DependencyReason::RenamesFirst)),
        (PulumiOperation::CreateGroup { group }, PulumiOperation::DeleteGroup { group: gone })
            if group.name == *gone =>
        {
            Some((EdgeWeight::Service, DependencyReason::FreesName))
        }
        (
            PulumiOperation::CreateGroup { group },
            PulumiOperation::UpdateGroup {
                group: old,
                change: GroupChange::Rename { .. },
            },
        ) if group.name == *old => Some((EdgeWeight::Service, DependencyReason::FreesName)),
        (
            PulumiOperation::UpdateGroup { group, change },
            PulumiOperation::UpdateGroup {
                group: other,
                change: before,
            },
        ) => group_dependency((group.as_str(), change), (other.as_str(), before)),
        (PulumiOperation::DeleteGroup { group }, PulumiOperation::UpdateGroup { change, .. }) => {
            let body = live.group(group.as_str())?.body.as_ref().ok()?;
            let keeps = match change {
                GroupChange::AddStack { stack } => body.stacks.contains(stack),
                GroupChange::AddAccount { account } => body.accounts.contains(account),
                GroupChange::AddPack { pack, .. } => {
                    body.packs.iter().any(|used| used.name == pack.as_str())
                }
                GroupChange::Rename { .. }
                | GroupChange::RemoveStack { .. }
                | GroupChange::RemoveAccount { .. }
                | GroupChange::SetAgentPool { .. }
                | GroupChange::RemovePack { .. } => false,
            };
            keeps.then_some((EdgeWeight::Keeps, DependencyReason::KeepsPacks))
        }
        (PulumiOperation::DeletePackVersion { pack, version }, _) => {
            retire_dependency(live, pack, Some(version), earlier)
        }
        (PulumiOperation::DeletePack { pack }, _) => retire_dependency(live, pack, None, earlier),
        (
            PulumiOperation::CreatePackVersion { .. }
            | PulumiOperation::PutArchive { .. }
            | PulumiOperation::CompletePackVersion { .. }
            | PulumiOperation::CreateGroup { .. }
            | PulumiOperation::UpdateGroup { .. }
            | PulumiOperation::DeleteGroup { .. },
            _,
        ) => None,
    }
}

/// Between two changes of groups.
fn group_dependency(
    (group, later): (&str, &GroupChange),
    (other, earlier): (&str, &GroupChange),
) -> Option<(EdgeWeight, DependencyReason)> {
    let is_pack = |change: &GroupChange| {
        matches!(
            change,
            GroupChange::AddPack { .. } | GroupChange::RemovePack { .. }
        )
    };
    match (later, earlier) {
        (GroupChange::RemoveStack { stack }, GroupChange::AddStack { stack: joined })
            if stack == joined =>
        {
            Some((EdgeWeight::Keeps, DependencyReason::KeepsPacks))
        }
        (GroupChange::RemoveAccount { account }, GroupChange::AddAccount { account: joined })
            if account == joined =>
        {
            Some((EdgeWeight::Keeps, DependencyReason::KeepsPacks))
        }
        (GroupChange::RemovePack { pack, .. }, GroupChange::AddPack { pack: added, .. })
            if pack == added =>
        {
            Some((EdgeWeight::Keeps, DependencyReason::KeepsPacks))
        }
        (GroupChange::AddStack { .. } | GroupChange::AddAccount { .. }, packs)
            if group == other && is_pack(packs) =>
        {
            Some((EdgeWeight::Levels, DependencyReason::SetsLevels))
        }
        (packs, GroupChange::RemoveStack { .. } | GroupChange::RemoveAccount { .. })
            if group == other && is_pack(packs) =>
        {
            Some((EdgeWeight::Levels, DependencyReason::LeavesFirst))
        }
        (
            GroupChange::Rename { .. }
            | GroupChange::AddStack { .. }
            | GroupChange::RemoveStack { .. }
            | GroupChange::AddAccount { .. }
            | GroupChange::RemoveAccount { .. }
            | GroupChange::SetAgentPool { .. }
            | GroupChange::AddPack { .. }
            | GroupChange::RemovePack { .. },
            _,
        ) => None,
    }
}

/// A deletion waits for all calls that stop using the object, and for the publication that replaces
/// it.
fn retire_dependency(
    live: &PulumiLiveState,
    pack: &PackName,
    version: Option<&VersionRef>,
    earlier: &PulumiOperation,
) -> Option<(EdgeWeight, DependencyReason)> {
    let used = |group: &str| {
        let body = live.group(group).and_then(|group| group.body.as_ref().ok());
        body.is_some_and(|body| body.packs.iter().any(|used| used.name == pack.as_str()))
    };
    match earlier {
        PulumiOperation::UpdateGroup {
            change: GroupChange::AddPack { pack: other, .. },
            ..
        }
        | PulumiOperation::UpdateGroup {
            change: GroupChange::RemovePack { pack: other, .. },
            ..
        } if other == pack => Some((EdgeWeight::Service, DependencyReason::StopsUsing)),
        PulumiOperation::DeleteGroup { group } if used(group.as_str()) => {
            Some((EdgeWeight::Service, DependencyReason::StopsUsing))
        }
        PulumiOperation::CompletePackVersion { pack: other, .. }
            if other == pack && version.is_some() =>
        {
            Some((EdgeWeight::Service, DependencyReason::Publishes))
        }
        PulumiOperation::CreatePackVersion { .. }
        | PulumiOperation::PutArchive { .. }
        | PulumiOperation::CompletePackVersion { .. }
        | PulumiOperation::DeletePackVersion { .. }
        | PulumiOperation::DeletePack { .. }
        | PulumiOperation::CreateGroup { .. }
        | PulumiOperation::UpdateGroup { .. }
        | PulumiOperation::DeleteGroup { .. } => None,
    }
}
