//! The plan of one target, whatever service it is at.

use super::{Outcome, TargetError, locate};
use crate::cli::gates::GateSources;
use crate::cli::three_way::{self, BaseDesired, BaseManifests};
use crate::cli::workspace::Workspace;
use crate::plan::BasePlan;
use crate::run::service::{PlanRequest, Reads};
use manifest::config::Target;
use model::Desired;

/// Plans one target. Contains the inputs of the plan besides the desired and the live state.
pub(super) struct TargetPlanner<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) target: &'a Target,
    pub(super) gate_sources: &'a GateSources,
    pub(super) base: Option<(&'a BaseManifests, &'a BaseDesired)>,
}

impl TargetPlanner<'_> {
    /// Makes the plan.
    ///
    /// # Errors
    /// Compared with the live state, the manifests are invalid.
    pub(super) fn plan<T: Reads + ?Sized>(
        &self,
        desired: &Desired,
        service: Box<T>,
    ) -> Result<Outcome<T>, TargetError> {
        let Self {
            workspace,
            target,
            gate_sources,
            base,
        } = self;
        let mut gates = gate_sources.gates(workspace, target);
        let old = match base {
            Some((before, wanted)) => {
                let old = before.plan(wanted, &*service)?;
                gates.base = Some(old.as_ref().map(BasePlan::from).unwrap_or_default());
                Some(old)
            }
            None => None,
        };
        let plan = service.plan(&PlanRequest {
            desired,
            target,
            gates: &gates,
            locate: &|place| locate(workspace.sources(), place),
        })?;
        let origins = old.map(|old| three_way::origins(&plan, old.as_ref()));
        Ok(Outcome {
            plan,
            origins,
            service,
        })
    }
}
