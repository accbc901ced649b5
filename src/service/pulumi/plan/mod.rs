//! Plans one Pulumi target: publishes versions, switches groups to them, and retires old versions.
//!
//! Every draft is applied to a [`PackModel`] of the service as soon as it is made. What the model
//! rejects is held with the model's reason, and later drafts see the state after all earlier ones.

mod audit;
mod changes;
mod enforcement;
mod fingerprint;
mod groups;
mod model;
mod order;
mod packs;
mod recompute;
pub mod removed;
mod summary;

use std::num::NonZeroU32;

use crate::plan::{
    HeldChange, HeldReason, PlanNote, ResourceKind, SourceRef, TargetInfo, TargetPlan,
    UnmanagedResource, ValueChange,
};
use ::model::diag::{Diagnostic, Place};
use ::model::pulumi::{DesiredGroup, DesiredPack, PulumiLiveState, PulumiOperation};
use manifest::config::UnmanagedSettings;

pub use audit::{PackPlanViolation as PackBreach, audit_packs};
pub use fingerprint::{group_fingerprint, pack_fingerprint};
pub use recompute::{packs_drift, packs_replayed, recomputed_packs, verify_packs};

use changes::{SourceLookup, set};
pub use model::PackModel;
use order::PackDraft;
use summary::{before, counts, guarded};

/// The input of a plan.
pub struct PackPlanRequest<'a> {
    pub target: TargetInfo,
    /// The checked manifests of packs.
    pub packs: &'a [DesiredPack],
    /// The checked manifests of groups.
    pub groups: &'a [DesiredGroup],
    /// The complete live state.
    pub live: &'a PulumiLiveState,
    pub unmanaged: UnmanagedSettings,
    /// How many versions of each pack are kept; `None` keeps all.
    pub keep_versions: Option<NonZeroU32>,
    pub locate: &'a dyn Fn(&Place) -> SourceRef,
}

/// Plans one target. The result does not depend on the order of the desired or live objects.
///
/// # Errors
/// The desired state is impossible; the diagnostics point to the manifests.
pub fn plan_packs(request: &PackPlanRequest<'_>) -> Result<TargetPlan, Vec<Diagnostic>> {
    let mut planner = PackPlanner::new(request);
    planner.publish();
    planner.switch();
    planner.retire();
    if !planner.findings.is_empty() {
        return Err(planner.findings);
    }
    Ok(planner.finish())
}

/// Plans to undo a run: restores the groups, and deletes the groups in `made`, which the run
/// created. Nothing else is touched.
///
/// # Errors
/// A version that a group used no longer exists.
pub fn plan_packs_undo(
    request: &PackPlanRequest<'_>,
    made: &std::collections::BTreeSet<String>,
) -> Result<TargetPlan, Vec<Diagnostic>> {
    let mut planner = PackPlanner::new(request);
    planner.switch();
    for name in made {
        if let Some(group) = request.live.group(name) {
            planner.prune_group(group);
        }
    }
    if !planner.findings.is_empty() {
        return Err(planner.findings);
    }
    Ok(planner.finish())
}

struct PackPlanner<'a> {
    request: &'a PackPlanRequest<'a>,
    /// The state after the drafts so far.
    model: PackModel,
    drafts: Vec<PackDraft>,
    held: Vec<HeldChange>,
    notes: Vec<PlanNote>,
    unmanaged: Vec<UnmanagedResource>,
    findings: Vec<Diagnostic>,
    /// Unmanaged objects that are deleted.
    pruned: Vec<(ResourceKind, String)>,
}

impl<'a> PackPlanner<'a> {
    fn new(request: &'a PackPlanRequest<'a>) -> Self {
        Self {
            request,
            model: PackModel::new(request.live),
            drafts: Vec::new(),
            held: Vec::new(),
            notes: Vec::new(),
            unmanaged: Vec::new(),
            findings: Vec::new(),
            pruned: Vec::new(),
        }
    }
}

impl PackPlanner<'_> {
    /// Drafts a call if the service accepts it after the earlier ones; otherwise the change is
    /// held.
    fn push(
        &mut self,
        resource: ResourceKind,
        name: &str,
        part: Option<&str>,
        send: PulumiOperation,
    ) {
        match self.model.apply(&send) {
            Ok(()) => self.drafts.push(PackDraft {
                name: name.to_owned(),
                part: part.map(str::to_owned),
                send,
            }),
            Err(why) => self.add_held(resource, name, None, HeldReason::Refused { why }),
        }
    }

    fn add_held(
        &mut self,
        resource: ResourceKind,
        name: &str,
        source: Option<SourceRef>,
        reason: HeldReason,
    ) {
        self.held.push(HeldChange {
            resource,
            name: name.to_owned(),
            part: None,
            source,
            reason,
        });
    }

    fn finish(self) -> TargetPlan {
        let Self {
            request,
            model: _,
            drafts,
            mut held,
            mut notes,
            mut unmanaged,
            findings: _,
            pruned,
        } = self;
        let live = request.live;
        let (calls, gaps) = order::arrange(live, drafts);
        notes.extend(gaps);
        let known = DeclaredSources { request };
        // The drafts were accepted one by one, so they are accepted in their final order, too.
        let after = PackModel::after(live, &calls).unwrap_or_else(|_| PackModel::new(live));
        let changes = changes::changes(live, &after, &known);
        let enforcement = enforcement::enforcement(live, &after, &known);
        let guarded = guarded(&changes, &pruned);
        held.sort_by(|a, b| (a.resource, &a.name, &a.part).cmp(&(b.resource, &b.name, &b.part)));
        unmanaged.sort_by(|a, b| (a.resource, &a.name).cmp(&(b.resource, &b.name)));
        notes.sort();
        notes.dedup();
        let plan = TargetPlan {
            target: request.target.clone(),
            before: before(live, &calls),
            changes,
            access: None,
            enforcement,
            documents: Vec::new(),
            gates: Vec::new(),
            calls,
            held,
            unmanaged,
            guarded,
            notes,
            live: counts(live),
            requires: None,
        };
        debug_assert_eq!(audit_packs(live, &plan.calls), [], "{:#?}", plan.calls);
        plan
    }
}

/// Information from the manifests.
struct DeclaredSources<'a> {
    request: &'a PackPlanRequest<'a>,
}

impl SourceLookup for DeclaredSources<'_> {
    fn pack(&self, name: &str, policy: Option<&str>) -> Option<SourceRef> {
        let pack = self
            .request
            .packs
            .iter()
            .find(|pack| pack.name().as_str() == name)?;
        let index = |policy: &str| {
            pack.version
                .policies
                .iter()
                .position(|known| known.name.as_str() == policy)
        };
        let place = match policy {
            Some(policy) => {
                index(policy).map_or_else(|| pack.place(), |index| pack.policy_place(index))
            }
            None => pack.place(),
        };
        Some((self.request.locate)(&place))
    }

    fn group(&self, name: &str, pack: Option<&str>) -> Option<SourceRef> {
        let group = self
            .request
            .groups
            .iter()
            .find(|group| group.name.as_str() == name)?;
        let packs = group.policy_packs.as_deref().unwrap_or_default();
        let used = pack.and_then(|pack| packs.iter().find(|used| used.pack.as_str() == pack));
        Some((self.request.locate)(&used.map_or_else(
            || group.place(),
            |used| group.pack_place(used),
        )))
    }

    fn files(&self, name: &str) -> Option<ValueChange> {
        let pack = self
            .request
            .packs
            .iter()
            .find(|pack| pack.name().as_str() == name)?;
        let newest = self.request.live.pack(name)?.newest()?;
        let (_, locked) = pack
            .locked
            .iter()
            .find(|(tag, _)| tag.as_str() == newest.tag)?;
        let entry = |(path, digest): (&String, &::model::digest::FileDigest)| {
            format!("{path} {}", digest.short())
        };
        set(
            locked.files.iter().map(entry),
            pack.source.files.iter().map(entry),
        )
    }
}
