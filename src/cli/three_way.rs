//! Three-way plans: which differences are due to a change, and which were there before it.

use super::connect::Session;
use super::console::Console;
use super::error::OpenWorkspaceError;
use super::tree::RevisionArgs;
use super::workspace::{TargetSelection, Workspace};
use crate::plan;
use crate::plan::{Gates, Origin, Plan, SourceRef, TargetOrigins, TargetPlan, UnmanagedResource};
use crate::render::text::neutral;
use crate::run::service::{PlanError, PlanRequest, Reads};
use crate::service::diagnostics::is_error;
use crate::service::registry;
use anyhow::Context as _;
use git::{RevisionError, RevisionPath};
use manifest::config::Target;
use model::Desired;

/// The manifests of the base revision.
pub(super) struct BaseManifests {
    workspace: Workspace,
    revision: String,
}

/// What the base revision wants of one organization.
pub(super) struct BaseDesired {
    /// What its manifests declare, what to do with the rest, and how many versions are kept; nothing of an organization
    /// that no target was for.
    target: Option<(Desired, Target)>,
}

impl BaseDesired {
    /// What its manifests declare; nothing for an organization that no target was for.
    pub(super) fn desired(&self) -> Option<&Desired> {
        self.target.as_ref().map(|(desired, _)| desired)
    }
}

impl BaseManifests {
    /// The manifests themselves.
    pub(super) fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Reads the manifests of a revision. If they are invalid, a message is printed and drift is not distinguished.
    ///
    /// # Errors
    /// The clone does not contain them.
    pub(super) fn read(path: &RevisionPath, console: Console) -> anyhow::Result<Option<Self>> {
        let revision = path.revision();
        let at = RevisionArgs::revision(path.clone());
        let workspace = match Workspace::open(&TargetSelection::default(), &at) {
            Ok(workspace) => workspace,
            Err(OpenWorkspaceError::Invalid(_)) => {
                return Ok(warn_without_base(
                    revision,
                    "its configuration is invalid",
                    console,
                ));
            }
            Err(OpenWorkspaceError::Unreadable(error)) => {
                return Ok(warn_without_base(revision, &error.to_string(), console));
            }
        };
        if workspace.is_incomplete() {
            let revision = revision.to_owned();
            return Err(RevisionError::NotFetched { revision })
                .context("the base revision cannot be compared");
        }
        if workspace.diagnostics().iter().any(is_error) {
            return Ok(warn_without_base(
                revision,
                "its manifests are invalid",
                console,
            ));
        }
        Ok(Some(Self {
            workspace,
            revision: revision.to_owned(),
        }))
    }

    pub(super) fn commit(&self) -> String {
        let commit = self.workspace.commit().ok().flatten();
        commit.map_or_else(|| self.revision.clone(), |commit| commit.id)
    }

    /// The desired state of the base for some targets, in their order; `None` if it cannot be determined,
    /// which is said.
    ///
    /// # Errors
    /// A server does not tell the names of its teams.
    pub(super) async fn wanted(
        &self,
        targets: &[&Target],
        session: &Session,
        console: Console,
    ) -> anyhow::Result<Option<Vec<BaseDesired>>> {
        let all = self.workspace.targets();
        let mut wanted = Vec::new();
        for target in targets {
            let same = |other: &&&Target| other.is_same_organization(target);
            // A target that is new wants nothing at the base.
            let Some(old) = all.iter().find(same) else {
                wanted.push(BaseDesired { target: None });
                continue;
            };
            let facts = registry::team_facts(
                session.connections(),
                target,
                self.workspace.needs_server_teams(old),
            )
            .await?;
            let checked = self.workspace.check(old, &facts);
            if checked.diagnostics.iter().any(is_error) {
                return Ok(warn_without_base(
                    &self.revision,
                    "its manifests are invalid",
                    console,
                ));
            }
            wanted.push(BaseDesired {
                target: Some((checked.desired, Target::clone(old))),
            });
        }
        Ok(Some(wanted))
    }

    /// The plan that the base revision would have of the same live state; nothing for a target that is new, and where
    /// what the base wants cannot be any more.
    ///
    /// # Errors
    /// The live state is missing, or the base is of another service.
    pub(super) fn plan<T: Reads + ?Sized>(
        &self,
        wanted: &BaseDesired,
        service: &T,
    ) -> Result<Option<TargetPlan>, PlanError> {
        let Some((desired, old)) = &wanted.target else {
            return Ok(None);
        };
        let planned = service.plan(&PlanRequest {
            desired,
            target: old,
            gates: &Gates::default(),
            locate: &|place| SourceRef::locate(self.workspace.sources(), place),
        });
        match planned {
            Ok(plan) => Ok(Some(plan)),
            Err(PlanError::Manifests(_)) => Ok(None),
            Err(error @ (PlanError::Replay(_) | PlanError::Service(_))) => Err(error),
        }
    }
}

fn warn_without_base<T>(base: &str, why: &str, console: Console) -> Option<T> {
    console.status(&format!(
        "Cannot distinguish drift from changes: the base revision {} cannot be compared, because {}.",
        neutral(base),
        neutral(why)
    ));
    None
}

/// Where the differences of a plan come from, given the plan that the base revision would have of the same live state.
pub(super) fn origins(head: &TargetPlan, base: Option<&TargetPlan>) -> TargetOrigins {
    let (changes, held) = base
        .map(|base| (base.changes.as_slice(), base.held.as_slice()))
        .unwrap_or_default();
    TargetOrigins {
        target: head.target.name.clone(),
        changes: plan::origins(&head.changes, changes),
        held: plan::held_origins(&head.held, held),
        unmanaged: unmanaged_origins(head, base),
    }
}

/// An unmanaged object is drift unless the manifests say what happens to it, or the change itself made
/// it unmanaged: then the base revision declares it or lists it as known.
fn unmanaged_origins(head: &TargetPlan, base: Option<&TargetPlan>) -> Vec<Origin> {
    let was_drift = |found: &UnmanagedResource| {
        let mut before = base.into_iter().flat_map(|base| &base.unmanaged);
        before.any(|other| other.id == found.id && other.is_drift())
    };
    let origin = |found: &UnmanagedResource| {
        if found.is_drift() && was_drift(found) {
            Origin::Drift
        } else {
            Origin::Change
        }
    };
    head.unmanaged.iter().map(origin).collect()
}

/// Whether any difference was there before the change, whether or not it can be undone.
pub(super) fn has_drift(plan: &Plan) -> bool {
    let targets = || plan.origins.iter().flat_map(|origins| &origins.targets);
    let changes = targets()
        .flat_map(|target| &target.changes)
        .map(|told| told.origin);
    let others = targets().flat_map(|target| target.held.iter().chain(&target.unmanaged));
    let mut all = changes.chain(others.copied());
    all.any(|origin| match origin {
        Origin::Change => false,
        Origin::Drift | Origin::Mixed | Origin::Conflict => true,
    })
}
