//! The plan of one target, of whatever provider.

use super::{Outcome, TargetError, locate};
use crate::cli::connect::Session;
use crate::cli::gates::GateKeeper;
use crate::cli::three_way::{self, Before, Wanted};
use crate::cli::workspace::Workspace;
use crate::plan::BasePlan;
use crate::plan::{TargetOrigins, TargetPlan};
use crate::service::chainloop::plan::{DocumentRequest, plan_documents};
use crate::service::docker::plan::{Request, plan_gated};
use crate::service::pulumi::plan::{PackRequest, plan_packs};
use crate::service::registry as provider;
use manifest::config::Target;
use model::docker::DesiredPolicy;
use model::{Desired, Live, chainloop, docker, pulumi};

/// A target's plan, and where its differences come from, if that is asked for.
type Planning = (TargetPlan, Option<TargetOrigins>);

/// What the plan of one target is made from, besides what is desired and what is live.
pub(super) struct One<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) session: &'a Session,
    pub(super) target: &'a Target,
    pub(super) keeper: &'a GateKeeper,
    pub(super) base: Option<(&'a Before, &'a Wanted)>,
}

impl One<'_> {
    /// Makes the plan.
    ///
    /// # Errors
    /// Compared with the live state, the manifests are invalid; or the target has no connection.
    pub(super) fn plan(&self, desired: &Desired, live: Live) -> Result<Outcome, TargetError> {
        let (plan, origins) = match &live {
            Live::Docker(state) => self.plan_policies(&desired.policies, state)?,
            Live::Pulumi(state) => self.plan_packs(desired, state)?,
            Live::Chainloop(state) => self.plan_documents(desired, state)?,
        };
        Ok(Outcome {
            plan,
            origins,
            live,
        })
    }

    fn plan_policies(
        &self,
        desired: &[DesiredPolicy],
        live: &docker::LiveState,
    ) -> anyhow::Result<Planning> {
        let Self {
            workspace,
            session,
            target,
            keeper,
            base,
        } = self;
        let request = Request {
            target: session.info(target)?,
            desired,
            live,
            unmanaged: target.unmanaged,
            teams: target.teams(),
            locate: &|place| locate(workspace.sources(), place),
        };
        let mut gates = keeper.gates(workspace, target);
        let Some((before, wanted)) = base else {
            return Ok((plan_gated(&request, &gates), None));
        };
        let old = before.plan(wanted, request.target.clone(), target, live);
        gates.base = Some(old.as_ref().map(BasePlan::from).unwrap_or_default());
        let plan = plan_gated(&request, &gates);
        let origins = three_way::origins(&plan, old.as_ref());
        Ok((plan, Some(origins)))
    }

    fn plan_packs(
        &self,
        desired: &Desired,
        live: &pulumi::LiveState,
    ) -> Result<Planning, TargetError> {
        let Self {
            workspace,
            session,
            target,
            keeper: _,
            base,
        } = self;
        let request = PackRequest {
            target: session.info(target)?,
            packs: &desired.packs,
            groups: &desired.groups,
            live,
            unmanaged: target.unmanaged,
            keep_versions: target.pulumi().and_then(|settings| settings.keep_versions),
            locate: &|place| locate(workspace.sources(), place),
        };
        let plan = plan_packs(&request).map_err(TargetError::Invalid)?;
        let old = base
            .as_ref()
            .and_then(|(before, wanted)| before.plan_packs(wanted, request.target.clone(), live));
        let origins = base
            .is_some()
            .then(|| three_way::origins(&plan, old.as_ref()));
        Ok((plan, origins))
    }

    fn plan_documents(
        &self,
        desired: &Desired,
        live: &chainloop::LiveState,
    ) -> anyhow::Result<Planning> {
        let Self {
            workspace,
            session,
            target,
            keeper: _,
            base,
        } = self;
        let request = DocumentRequest {
            target: session.info(target)?,
            documents: &desired.documents,
            live,
            writes: target.chainloop().is_some_and(|settings| settings.writes),
            locate: &|place| locate(workspace.sources(), place),
        };
        let plan = plan_documents(&request);
        let old = base.as_ref().and_then(|(before, wanted)| {
            before.plan_documents(wanted, request.target.clone(), live)
        });
        let origins = base
            .is_some()
            .then(|| three_way::origins(&plan, old.as_ref()));
        Ok((plan, origins))
    }
}

/// The documents of some names, as a service without a list holds them.
pub(crate) async fn read_documents(
    session: &Session,
    target: &Target,
    wanted: impl IntoIterator<Item = (chainloop::DocumentKind, chainloop::PolicyName)>,
) -> anyhow::Result<Live> {
    let reader = session.chainloop_reader(target)?.asking_for(wanted);
    Ok(session
        .reading_with(provider::Reader::Chainloop(reader), target)
        .live_state()
        .await?)
}

/// What is live, with what more has to be read to compare it with what is desired.
pub(super) async fn deepened(
    session: &Session,
    target: &Target,
    desired: &Desired,
    live: Live,
) -> anyhow::Result<Live> {
    match live {
        Live::Docker(_) => Ok(live),
        Live::Pulumi(live) => {
            let wanted = desired.packs.iter().map(|pack| (pack.name(), pack.tag()));
            let used = desired
                .groups
                .iter()
                .flat_map(|group| group.policy_packs.iter().flatten());
            let wanted = wanted.chain(used.map(|pack| (&pack.pack, &pack.tag)));
            Ok(Live::Pulumi(
                session
                    .pulumi_reader(target)?
                    .with_versions(live, wanted)
                    .await?,
            ))
        }
        Live::Chainloop(_) => {
            let wanted = desired
                .documents
                .iter()
                .map(|document| (document.kind, document.name.clone()));
            read_documents(session, target, wanted).await
        }
    }
}
