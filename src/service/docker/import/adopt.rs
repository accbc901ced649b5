//! `polwarden import --only`: policies as they are live, into the manifests that declare them.
//!
//! Nothing is written before it is known to be right: the manifests are read as they would be, and planned. What was
//! named has no difference left then, and everything else is as before.

use std::collections::BTreeSet;

use super::edit::{AdoptError, DeclaringManifest, refused};
use super::{aliases, files};
use crate::plan::{Change, SourceRef, TargetInfo, TargetPlan};
use crate::render::plan::target_heading;
use crate::render::text::neutral;
use crate::service::diagnostics::{Checked, is_error};
use crate::service::docker::plan::{PolicyPlanRequest, plan_target};
use crate::service::import::{ImportFile, NamedImport, NamedImportError, PendingImport};
use crate::workspace::{ManifestSet, PendingEdits};
use manifest::config::Target;
use model::diag::{Diagnostic, did_you_mean};
use model::docker::{DockerLiveState, LivePolicy};

/// One target, with all inputs of its plan except the manifests.
pub struct AdoptionTarget<'a> {
    pub target: &'a Target,
    pub info: TargetInfo,
    pub live: &'a DockerLiveState,
    /// Checks the manifests of the target.
    pub check: &'a dyn Fn(&ManifestSet) -> Checked,
}

/// The manifests of one target as they would be, and the plan of them.
struct AdoptionDraft<'a> {
    import: NamedImport<'a>,
    adoption: &'a AdoptionTarget<'a>,
    manifests: ManifestSet,
    plan: TargetPlan,
    edits: PendingEdits,
    lines: Vec<String>,
}

/// The manifests with one more policy written.
struct NextDraft {
    manifests: ManifestSet,
    plan: TargetPlan,
    edits: PendingEdits,
}

/// Adds the named policies of a target to the edits.
///
/// # Errors
/// The manifests are invalid, or a policy cannot be written.
pub fn adopt(
    import: NamedImport<'_>,
    adoption: &AdoptionTarget<'_>,
    pending: PendingImport,
) -> Result<PendingImport, NamedImportError> {
    let PendingImport { edits, mut lines } = pending;
    let manifests = (import.reread)(&edits).map_err(NamedImportError::Failed)?;
    let plan = match adoption.plan(&manifests) {
        Ok(plan) => plan,
        Err(mut further) => {
            let ManifestSet {
                sources, loaded, ..
            } = manifests;
            let mut diagnostics = loaded.diagnostics;
            diagnostics.append(&mut further);
            return Err(NamedImportError::Invalid {
                sources: Box::new(sources),
                diagnostics,
            });
        }
    };
    lines.push(target_heading(&adoption.info));
    let mut draft = AdoptionDraft {
        import,
        adoption,
        manifests,
        plan,
        edits,
        lines,
    };
    for policy in named(import.names, adoption.live) {
        draft.adopt(policy).map_err(|error| match error {
            AdoptError::Refused(why) => NamedImportError::Refused(format!(
                "policy \"{}\" of target `{}` cannot be written: {why}. Nothing was written.",
                neutral(&policy.name),
                adoption.target.name
            )),
            AdoptError::Failed(error) => NamedImportError::Failed(error),
        })?;
    }
    let AdoptionDraft { edits, lines, .. } = draft;
    Ok(PendingImport { edits, lines })
}

/// The named policies of a live state, each once.
fn named<'l>(names: &[String], live: &'l DockerLiveState) -> Vec<&'l LivePolicy> {
    let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    live.policies
        .iter()
        .filter(|policy| names.contains(policy.name.as_str()))
        .collect()
}

/// Refuses names that no live policy has.
///
/// # Errors
/// There is such a name.
pub fn check_all_are_live(
    names: &[String],
    states: &[DockerLiveState],
) -> Result<(), NamedImportError> {
    let live = || {
        states
            .iter()
            .flat_map(|state| &state.policies)
            .map(|policy| policy.name.as_str())
    };
    for name in names {
        if !live().any(|known| known == name) {
            let hint = did_you_mean(live(), name).map_or_else(
                || "to accept the deletion, delete its manifest".to_owned(),
                |near| format!("did you mean `{}`?", neutral(near)),
            );
            return Err(NamedImportError::Refused(format!(
                "unknown live policy `{}`; {hint}",
                neutral(name)
            )));
        }
    }
    Ok(())
}

impl AdoptionTarget<'_> {
    /// The plan of the target.
    ///
    /// # Errors
    /// The diagnostics of invalid manifests.
    fn plan(&self, manifests: &ManifestSet) -> Result<TargetPlan, Vec<Diagnostic>> {
        let Checked {
            desired,
            diagnostics,
        } = (self.check)(manifests);
        // A folder without manifests is accepted because the import writes some.
        if diagnostics.iter().any(is_error) || manifests.has_errors_for_import() {
            return Err(diagnostics);
        }
        Ok(plan_target(&PolicyPlanRequest {
            target: self.info.clone(),
            desired: &desired.policies,
            live: self.live,
            unmanaged: self.target.unmanaged.clone(),
            teams: self.target.teams(),
            locate: &|place| SourceRef::locate(&manifests.sources, place),
        }))
    }
}

impl AdoptionDraft<'_> {
    /// Updates the manifests to the live state of one policy, or returns the reason why that is impossible.
    fn adopt(&mut self, policy: &LivePolicy) -> Result<(), AdoptError> {
        if self
            .adoption
            .live
            .policies
            .iter()
            .filter(|other| other.name == policy.name)
            .count()
            > 1
        {
            return Err(refused("duplicate name of two live policies"));
        }
        let found = DeclaringManifest::find(&self.manifests, self.adoption.target, &policy.name)?;
        let Some(declared) = found else {
            return self.create(policy);
        };
        let Some(change) = self.change(&self.plan, policy) else {
            let line = format!(
                "{} matches the live state (policy \"{}\")",
                declared.place(),
                neutral(&policy.name)
            );
            self.lines.push(line);
            return Ok(());
        };
        if let Some(other) = self
            .manifests
            .other_reader(self.adoption.target, declared.file())
        {
            return Err(refused(format!(
                "{} is read for target `{}` too",
                declared.place(),
                neutral(&other.name)
            )));
        }
        let ways = declared.ways(policy, change, &aliases(self.adoption.target))?;
        let place = declared.place();
        let mut last = format!("{place} is written in a way that cannot be changed safely");
        for (path, text) in ways {
            let mut edits = self.edits.clone();
            edits.insert(path.clone(), text);
            match self.fits(policy, edits, true) {
                Ok(next) => {
                    self.lines.push(format!(
                        "updated {} (policy \"{}\")",
                        neutral(path.as_str()),
                        neutral(&policy.name)
                    ));
                    self.take(next);
                    return Ok(());
                }
                Err(AdoptError::Refused(why)) => last = why,
                Err(error) => return Err(error),
            }
        }
        Err(refused(format!("{last}; change {place} by hand")))
    }

    /// A new file for a policy that nothing declares.
    fn create(&mut self, policy: &LivePolicy) -> Result<(), AdoptError> {
        let target = self.adoption.target;
        let folder = (self.import.folder)(target);
        let mut new = files(&[policy], target, &folder);
        if let Some((_, why)) = new.refused.into_iter().next() {
            return Err(refused(neutral(&why)));
        }
        let Some(ImportFile {
            path,
            kind: _,
            name,
            imported,
        }) = new.files.pop()
        else {
            return Err(refused("no differences"));
        };
        if self.edits.contains_key(&path) || (path.exists() && !self.import.force) {
            let path = neutral(path.as_str());
            return Err(refused(format!(
                "`{path}` exists; move it, choose another folder with --out, or add --force"
            )));
        }
        let mut edits = self.edits.clone();
        edits.insert(path.clone(), imported.text);
        let next = self.fits(policy, edits, false)?;
        self.take(next);
        self.lines.push(format!(
            "wrote {} (policy \"{}\")",
            neutral(path.as_str()),
            neutral(&name)
        ));
        let left = imported.left_out.iter();
        self.lines
            .extend(left.map(|line| format!("  not imported: {}", neutral(line))));
        Ok(())
    }

    fn take(&mut self, next: NextDraft) {
        let NextDraft {
            manifests,
            plan,
            edits,
        } = next;
        self.manifests = manifests;
        self.plan = plan;
        self.edits = edits;
    }

    /// What edits lead to, if the policy has no difference then, and, where they change what is there, nothing else has
    /// another.
    fn fits(
        &self,
        policy: &LivePolicy,
        edits: PendingEdits,
        others: bool,
    ) -> Result<NextDraft, AdoptError> {
        let manifests = (self.import.reread)(&edits)?;
        let plan = match self.adoption.plan(&manifests) {
            Ok(plan) => plan,
            Err(further) => {
                let first = manifests
                    .loaded
                    .diagnostics
                    .iter()
                    .chain(&further)
                    .find(|finding| is_error(finding));
                let said = first
                    .map(|finding| neutral(&finding.message).into_owned())
                    .unwrap_or_default();
                return Err(refused(format!("its manifest would not be valid: {said}")));
            }
        };
        if self.change(&plan, policy).is_some() {
            return Err(refused(
                "its manifest would still differ from the live state",
            ));
        }
        if others && self.rest(&plan, policy) != self.rest(&self.plan, policy) {
            return Err(refused("another policy would change with it"));
        }
        Ok(NextDraft {
            manifests,
            plan,
            edits,
        })
    }

    fn change<'p>(&self, plan: &'p TargetPlan, policy: &LivePolicy) -> Option<&'p Change> {
        plan.changes
            .iter()
            .find(|change| change.id.as_deref() == Some(policy.id.as_str()))
    }

    /// The planned changes of other policies, in the whole plan.
    fn rest(&self, plan: &TargetPlan, policy: &LivePolicy) -> Vec<Change> {
        let others = plan
            .changes
            .iter()
            .filter(|change| change.id.as_deref() != Some(policy.id.as_str()));
        others.cloned().map(without_source).collect()
    }
}

fn without_source(mut change: Change) -> Change {
    change.source = None;
    change.children = change.children.into_iter().map(without_source).collect();
    change
}
