//! `polwarden import --only`: policies as they are live, into the manifests that declare them.
//!
//! Nothing is written before it is known to be right: the manifests are read as they would be, and planned. What was
//! named has no difference left then, and everything else is as before.

mod edit;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, bail};
use camino::Utf8PathBuf;

use super::{File, Import, aliases, files};
use crate::cli::connect::Session;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::fmt::replace;
use crate::cli::planning;
use crate::cli::tree::{At, Edits};
use crate::cli::workspace::{Project, Workspace, is_error};
use crate::plan::{Change, TargetPlan};
use crate::render::text::neutral;
use crate::service::docker::check::{Checked, Teams};
use crate::service::docker::plan::Request;
use edit::Declared;
use git::{Source as _, WorkTree};
use manifest::config::Target;
use model::diag::{Diagnostic, did_you_mean};
use model::docker::{LivePolicy, LiveState};

/// A run of `import --only`.
pub(super) struct Adoption<'a> {
    pub(super) import: &'a Import,
    pub(super) console: Console,
}

/// The manifests of one target as they would be, and the plan of them.
struct Draft<'a> {
    adoption: &'a Adoption<'a>,
    session: &'a Session,
    target: &'a Target,
    live: &'a LiveState,
    teams: Teams,
    workspace: Workspace,
    plan: TargetPlan,
    edits: Edits,
    told: Vec<String>,
}

/// The manifests with one more policy written.
struct Next {
    workspace: Workspace,
    plan: TargetPlan,
    edits: Edits,
}

/// Why a policy is not written.
type Refusal = String;

impl Adoption<'_> {
    pub(super) async fn adopt(
        &self,
        workspace: &Workspace,
        targets: &[&Target],
        session: &Session,
    ) -> anyhow::Result<Exit> {
        let mut states = Vec::new();
        for target in targets {
            let live = session
                .docker_live(target)
                .await
                .with_context(|| planning::of(target))?;
            states.push(live);
        }
        self.all_are_live(&states)?;
        let mut edits = Edits::default();
        let mut told = Vec::new();
        for (target, live) in targets.iter().zip(&states) {
            let teams =
                planning::teams(session, target, workspace.needs_server_teams(target)).await?;
            let here = self.read(&edits)?;
            let plan = match plan_of(&here, target, session, &teams, live)? {
                Ok(plan) => plan,
                Err(findings) => {
                    here.report(findings, self.console);
                    return Ok(Exit::Invalid);
                }
            };
            let mut draft = Draft {
                adoption: self,
                session,
                target,
                live,
                teams,
                workspace: here,
                plan,
                edits,
                told,
            };
            for policy in self.named(live) {
                if let Err(why) = draft.adopt(policy)? {
                    bail!(
                        "policy \"{}\" of {} cannot be written: {why}. Nothing was written.",
                        neutral(&policy.name),
                        planning::of(target)
                    );
                }
            }
            (edits, told) = (draft.edits, draft.told);
        }
        write(&edits)?;
        for line in told {
            self.console.print(&format!("{line}\n"))?;
        }
        Ok(Exit::Done)
    }

    /// The named policies of a live state, each once.
    fn named<'l>(&self, live: &'l LiveState) -> Vec<&'l LivePolicy> {
        let names: BTreeSet<&str> = self.import.only.iter().map(String::as_str).collect();
        live.policies
            .iter()
            .filter(|policy| names.contains(policy.name.as_str()))
            .collect()
    }

    fn all_are_live(&self, states: &[LiveState]) -> anyhow::Result<()> {
        let live = || {
            states
                .iter()
                .flat_map(|state| &state.policies)
                .map(|policy| policy.name.as_str())
        };
        for name in &self.import.only {
            if !live().any(|known| known == name) {
                let hint = did_you_mean(live(), name).map_or_else(
                    || "to take over that it is gone, delete its manifest".to_owned(),
                    |near| format!("did you mean `{}`?", neutral(near)),
                );
                bail!("no live policy is called `{}`; {hint}", neutral(name));
            }
        }
        Ok(())
    }

    /// The manifests as they would be.
    fn read(&self, edits: &Edits) -> anyhow::Result<Workspace> {
        match Project::read(&self.import.selection, &At::default())? {
            Ok(project) => Ok(project.load_edited(edits)),
            Err(_) => {
                bail!("the configuration has changed since it was read; run the command again")
            }
        }
    }
}

impl Draft<'_> {
    /// Brings the manifests to what is live of one policy, or says why that cannot be.
    fn adopt(&mut self, policy: &LivePolicy) -> anyhow::Result<Result<(), Refusal>> {
        if self
            .live
            .policies
            .iter()
            .filter(|other| other.name == policy.name)
            .count()
            > 1
        {
            return Ok(Err("two live policies have this name".to_owned()));
        }
        let declared = match Declared::find(&self.workspace, self.target, &policy.name) {
            Ok(Some(declared)) => declared,
            Ok(None) => return self.create(policy),
            Err(why) => return Ok(Err(why)),
        };
        let Some(change) = self.change(&self.plan, policy) else {
            let line = format!(
                "{} says what is live (policy \"{}\")",
                declared.place(),
                neutral(&policy.name)
            );
            self.told.push(line);
            return Ok(Ok(()));
        };
        if let Some(other) = self.workspace.other_reader(self.target, declared.file()) {
            let why = format!(
                "{} is read for target `{}` too",
                declared.place(),
                neutral(&other.name)
            );
            return Ok(Err(why));
        }
        let ways = match declared.ways(policy, change, &aliases(self.target)) {
            Ok(ways) => ways,
            Err(why) => return Ok(Err(why)),
        };
        let place = declared.place();
        let mut refused = format!("{place} is written in a way that cannot be changed safely");
        for (path, text) in ways {
            let mut edits = self.edits.clone();
            edits.insert(path.clone(), text);
            match self.fits(policy, edits, true)? {
                Ok(next) => {
                    self.told.push(format!(
                        "updated {} (policy \"{}\")",
                        neutral(path.as_str()),
                        neutral(&policy.name)
                    ));
                    self.take(next);
                    return Ok(Ok(()));
                }
                Err(why) => refused = why,
            }
        }
        Ok(Err(format!("{refused}; change {place} by hand")))
    }

    /// A new file for a policy that nothing declares.
    fn create(&mut self, policy: &LivePolicy) -> anyhow::Result<Result<(), Refusal>> {
        let import = self.adoption.import;
        let (mut new, refused) = files(&[policy], self.target, &import.folder(self.target));
        if let Some((_, why)) = refused.into_iter().next() {
            return Ok(Err(neutral(&why).into_owned()));
        }
        let Some(File {
            path,
            kind: _,
            policy: name,
            imported,
        }) = new.pop()
        else {
            return Ok(Err("there is nothing to write".to_owned()));
        };
        if self.edits.contains_key(&path) || (path.exists() && !import.force) {
            let path = neutral(path.as_str()).into_owned();
            return Ok(Err(format!(
                "`{path}` exists; move it away, choose another folder with --out, or add --force"
            )));
        }
        let mut edits = self.edits.clone();
        edits.insert(path.clone(), imported.text);
        let fits = self.fits(policy, edits, false)?;
        Ok(fits.map(|next| {
            self.take(next);
            self.told.push(format!(
                "wrote {} (policy \"{}\")",
                neutral(path.as_str()),
                neutral(&name)
            ));
            let left = imported.left_out.iter();
            self.told.extend(
                left.map(|line| format!("  left at the server as it is: {}", neutral(line))),
            );
        }))
    }

    fn take(&mut self, next: Next) {
        let Next {
            workspace,
            plan,
            edits,
        } = next;
        (self.workspace, self.plan, self.edits) = (workspace, plan, edits);
    }

    /// What edits lead to, if the policy has no difference then, and, where they change what is there, nothing else has
    /// another.
    fn fits(
        &self,
        policy: &LivePolicy,
        edits: Edits,
        others: bool,
    ) -> anyhow::Result<Result<Next, Refusal>> {
        let workspace = self.adoption.read(&edits)?;
        let plan = match plan_of(
            &workspace,
            self.target,
            self.session,
            &self.teams,
            self.live,
        )? {
            Ok(plan) => plan,
            Err(findings) => {
                let first = workspace
                    .findings()
                    .iter()
                    .chain(&findings)
                    .find(|finding| is_error(finding));
                let said = first
                    .map(|finding| neutral(&finding.message).into_owned())
                    .unwrap_or_default();
                return Ok(Err(format!("its manifest would not be valid: {said}")));
            }
        };
        if self.change(&plan, policy).is_some() {
            return Ok(Err(
                "its manifest would still differ from what is live".to_owned()
            ));
        }
        if others && self.rest(&plan, policy) != self.rest(&self.plan, policy) {
            return Ok(Err("another policy would change with it".to_owned()));
        }
        Ok(Ok(Next {
            workspace,
            plan,
            edits,
        }))
    }

    fn change<'p>(&self, plan: &'p TargetPlan, policy: &LivePolicy) -> Option<&'p Change> {
        plan.changes
            .iter()
            .find(|change| change.id.as_deref() == Some(policy.id.as_str()))
    }

    /// What a plan changes of other policies, wherever that stands.
    fn rest(&self, plan: &TargetPlan, policy: &LivePolicy) -> Vec<Change> {
        let others = plan
            .changes
            .iter()
            .filter(|change| change.id.as_deref() != Some(policy.id.as_str()));
        others.cloned().map(without_place).collect()
    }
}

fn without_place(mut change: Change) -> Change {
    change.source = None;
    change.children = change.children.into_iter().map(without_place).collect();
    change
}

/// The plan of a target, or what is wrong with its manifests.
fn plan_of(
    workspace: &Workspace,
    target: &Target,
    session: &Session,
    teams: &Teams,
    live: &LiveState,
) -> anyhow::Result<Result<TargetPlan, Vec<Diagnostic>>> {
    let Checked {
        policies,
        diagnostics,
        ..
    } = workspace.check(target, teams);
    // A folder that holds no manifests yet is no error where some are about to be written.
    if diagnostics.iter().any(is_error) || workspace.has_errors_for_import() {
        return Ok(Err(diagnostics));
    }
    let request = Request {
        target: session.info(target)?,
        desired: &policies,
        live,
        unmanaged: target.unmanaged,
        teams: target.teams(),
        locate: &|place| planning::locate(workspace.sources(), place),
    };
    Ok(Ok(crate::service::docker::plan::plan_target(&request)))
}

/// Writes all files: those that are there in one step each, unless they changed meanwhile.
pub(super) fn write(edits: &Edits) -> anyhow::Result<()> {
    let tree = WorkTree::open(Path::new("."))?;
    for (path, text) in edits {
        let written = match tree.read(path, manifest::MAX_BYTES) {
            Ok(before) => replace(&tree, path, &before, text),
            Err(_) => create(path, text),
        };
        written.with_context(|| format!("cannot write `{path}`"))?;
    }
    Ok(())
}

fn create(path: &Utf8PathBuf, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    Ok(std::fs::write(path, text)?)
}
