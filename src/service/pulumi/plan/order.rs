//! Orders the calls of a plan.
//!
//! Problem: a topological order with constraints of different priority. [`waits`] decides for each
//! pair of calls whether one must wait for the other, and how important that is ([`Weight`]):
//! constraints of the service are required; keeping a pack enabled that a group has before and
//! after, and hiding enforcement levels from stacks that join or leave, are desirable. If all edges
//! together contain a cycle, the least important kind is dropped and reported as a gap, then the
//! next one.
//!
//! Example: a group switches from version 1 to version 2 of a pack. `CompletePackVersion` (version
//! 2) comes before `AddPack` (version 2) because the service requires it; deleting version 1 comes
//! after both, because the group still uses it until then.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::graph::{Edge, Graph, ranges};
use crate::plan::{Call, CallId, Note, Reason, ToSend};
use model::pulumi::{GroupChange, LiveState, Operation, PackName, VersionRef};

#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) part: Option<String>,
    pub(super) send: Operation,
}

/// Why one call waits for another, most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// The service rejects another order.
    Service,
    /// Otherwise a stack would temporarily lose a pack that it has before and after.
    Keeps,
    /// Otherwise a stack would see an enforcement level that its group has only before the stack
    /// joins or after it leaves.
    Levels,
}

/// Orders the calls, and reports constraints that no order satisfies.
pub(super) fn arrange(live: &LiveState, drafts: Vec<Draft>) -> (Vec<Call>, Vec<Note>) {
    let operations: Vec<&Operation> = drafts.iter().map(|draft| &draft.send).collect();
    let edges = edges(live, &operations);
    let rank = |at: usize| operations.get(at).map_or(0, |operation| rank(operation));
    let mut dropped = Vec::new();
    let graph = [Weight::Levels, Weight::Keeps, Weight::Service]
        .into_iter()
        .find_map(|weight| {
            let mut graph = Graph::new(operations.len(), rank);
            let wanted: Vec<Edge> = edges
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
    let graph = graph.unwrap_or_else(|| Graph::new(operations.len(), rank));
    let notes = gaps(&dropped, &drafts);
    let order = graph.order(rank);
    let mut waits = graph.waits();
    let numbers: BTreeMap<usize, CallId> = order.iter().copied().zip((1..).map(CallId)).collect();
    let mut drafts: Vec<Option<Draft>> = drafts.into_iter().map(Some).collect();
    let calls = order.into_iter().filter_map(|at| {
        let Draft { name, part, send } = drafts.get_mut(at)?.take()?;
        let before = waits.remove(&at).unwrap_or_default();
        let after = ranges(
            before
                .into_iter()
                .filter_map(|(first, why)| Some((*numbers.get(&first)?, why)))
                .collect(),
        );
        Some(Call {
            id: *numbers.get(&at)?,
            after,
            name,
            part,
            why: None,
            send: ToSend::Pulumi(send),
        })
    });
    (calls.collect(), notes)
}

/// The place of a call if no edge decides.
fn rank(operation: &Operation) -> u8 {
    match operation {
        Operation::CreatePackVersion { .. }
        | Operation::PutArchive { .. }
        | Operation::CompletePackVersion { .. } => 0,
        Operation::CreateGroup { .. } => 1,
        Operation::UpdateGroup { change, .. } => match change {
            GroupChange::Rename { .. } => 1,
            GroupChange::AddPack { .. } => 2,
            GroupChange::AddStack { .. } => 3,
            GroupChange::RemoveStack { .. } => 4,
            GroupChange::RemovePack { .. } => 5,
        },
        Operation::DeleteGroup { .. } => 6,
        Operation::DeletePackVersion { .. } => 7,
        Operation::DeletePack { .. } => 8,
    }
}

fn gaps(dropped: &[Edge], drafts: &[Draft]) -> Vec<Note> {
    let names = dropped.iter().filter_map(|edge| drafts.get(edge.then));
    let names: BTreeSet<String> = names.map(|draft| draft.name.clone()).collect();
    let why = "stacks and packs move between groups in a circle, so that a stack may see the packs of a group in the \
               version that it has before or after for a moment";
    let note = |name| Note::GroupGap {
        name,
        why: why.to_owned(),
    };
    names.into_iter().map(note).collect()
}

/// All edges, required and desirable.
pub(crate) fn edges(live: &LiveState, operations: &[&Operation]) -> Vec<(Weight, Edge)> {
    let mut found = Vec::new();
    for (then, later) in operations.iter().enumerate() {
        for (first, earlier) in operations.iter().enumerate() {
            if first != then
                && let Some((weight, why)) = waits(live, later, earlier)
            {
                found.push((weight, Edge { first, then, why }));
            }
        }
    }
    found
}

/// Whether a call waits for another one, and why.
fn waits(live: &LiveState, later: &Operation, earlier: &Operation) -> Option<(Weight, Reason)> {
    match (later, earlier) {
        (Operation::PutArchive { pack, tag, .. }, Operation::CreatePackVersion { version })
            if version.name == *pack && version.version_tag == *tag =>
        {
            Some((Weight::Service, Reason::BeginsVersion))
        }
        (
            Operation::CompletePackVersion { pack, tag },
            Operation::PutArchive {
                pack: other,
                tag: other_tag,
                ..
            },
        ) if pack == other && tag == other_tag => Some((Weight::Service, Reason::Uploads)),
        (
            Operation::UpdateGroup {
                change: GroupChange::AddPack { pack, tag, .. },
                ..
            },
            Operation::CompletePackVersion {
                pack: other,
                tag: other_tag,
            },
        ) if pack == other && tag == other_tag => Some((Weight::Service, Reason::Publishes)),
        (Operation::UpdateGroup { group, .. }, Operation::CreateGroup { group: new })
            if new.name == *group =>
        {
            Some((Weight::Service, Reason::MakesGroup))
        }
        (
            Operation::UpdateGroup { group, .. },
            Operation::UpdateGroup {
                change: GroupChange::Rename { name },
                ..
            },
        ) if name == group => Some((Weight::Service, Reason::RenamesFirst)),
        (Operation::CreateGroup { group }, Operation::DeleteGroup { group: gone })
            if group.name == *gone =>
        {
            Some((Weight::Service, Reason::FreesName))
        }
        (
            Operation::CreateGroup { group },
            Operation::UpdateGroup {
                group: old,
                change: GroupChange::Rename { .. },
            },
        ) if group.name == *old => Some((Weight::Service, Reason::FreesName)),
        (
            Operation::UpdateGroup { group, change },
            Operation::UpdateGroup {
                group: other,
                change: before,
            },
        ) => in_groups((group.as_str(), change), (other.as_str(), before)),
        (Operation::DeleteGroup { group }, Operation::UpdateGroup { change, .. }) => {
            let body = live.group(group.as_str())?.body.as_ref().ok()?;
            let keeps = match change {
                GroupChange::AddStack { stack } => body.stacks.contains(stack),
                GroupChange::AddPack { pack, .. } => {
                    body.packs.iter().any(|used| used.name == pack.as_str())
                }
                GroupChange::Rename { .. }
                | GroupChange::RemoveStack { .. }
                | GroupChange::RemovePack { .. } => false,
            };
            keeps.then_some((Weight::Keeps, Reason::KeepsPacks))
        }
        (Operation::DeletePackVersion { pack, version }, _) => {
            retires(live, pack, Some(version), earlier)
        }
        (Operation::DeletePack { pack }, _) => retires(live, pack, None, earlier),
        (
            Operation::CreatePackVersion { .. }
            | Operation::PutArchive { .. }
            | Operation::CompletePackVersion { .. }
            | Operation::CreateGroup { .. }
            | Operation::UpdateGroup { .. }
            | Operation::DeleteGroup { .. },
            _,
        ) => None,
    }
}

/// Between two changes of groups.
fn in_groups(
    (group, later): (&str, &GroupChange),
    (other, earlier): (&str, &GroupChange),
) -> Option<(Weight, Reason)> {
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
            Some((Weight::Keeps, Reason::KeepsPacks))
        }
        (GroupChange::RemovePack { pack, .. }, GroupChange::AddPack { pack: added, .. })
            if pack == added =>
        {
            Some((Weight::Keeps, Reason::KeepsPacks))
        }
        (GroupChange::AddStack { .. }, packs) if group == other && is_pack(packs) => {
            Some((Weight::Levels, Reason::SetsLevels))
        }
        (packs, GroupChange::RemoveStack { .. }) if group == other && is_pack(packs) => {
            Some((Weight::Levels, Reason::LeavesFirst))
        }
        (
            GroupChange::Rename { .. }
            | GroupChange::AddStack { .. }
            | GroupChange::RemoveStack { .. }
            | GroupChange::AddPack { .. }
            | GroupChange::RemovePack { .. },
            _,
        ) => None,
    }
}

/// A deletion waits for all calls that stop using the object, and for the publication that replaces
/// it.
fn retires(
    live: &LiveState,
    pack: &PackName,
    version: Option<&VersionRef>,
    earlier: &Operation,
) -> Option<(Weight, Reason)> {
    let used = |group: &str| {
        let body = live.group(group).and_then(|group| group.body.as_ref().ok());
        body.is_some_and(|body| body.packs.iter().any(|used| used.name == pack.as_str()))
    };
    match earlier {
        Operation::UpdateGroup {
            change: GroupChange::AddPack { pack: other, .. },
            ..
        }
        | Operation::UpdateGroup {
            change: GroupChange::RemovePack { pack: other, .. },
            ..
        } if other == pack => Some((Weight::Service, Reason::StopsUsing)),
        Operation::DeleteGroup { group } if used(group.as_str()) => {
            Some((Weight::Service, Reason::StopsUsing))
        }
        Operation::CompletePackVersion { pack: other, .. }
            if other == pack && version.is_some() =>
        {
            Some((Weight::Service, Reason::Publishes))
        }
        Operation::CreatePackVersion { .. }
        | Operation::PutArchive { .. }
        | Operation::CompletePackVersion { .. }
        | Operation::DeletePackVersion { .. }
        | Operation::DeletePack { .. }
        | Operation::CreateGroup { .. }
        | Operation::UpdateGroup { .. }
        | Operation::DeleteGroup { .. } => None,
    }
}
