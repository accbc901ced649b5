//! Saved plans: read, and checked against the configuration, the gates and the live state of today.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read as _};

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::cli::connect::Session;
use crate::cli::console::Console;
use crate::cli::error::{CommandError, CommandResult};
use crate::cli::gates::GateSources;
use crate::cli::planning;
use crate::cli::reporter::DiagnosticReporter;
use crate::cli::workspace::Workspace;
use crate::plan::{
    Change, FORMAT_VERSION, GateNames, Gates, Plan, SourceRef, TargetPlan, plan_digest,
};
use crate::run::service::{PlanRequest, ReadFor, Writes, accept};
use crate::workspace::file::open_regular;
use crate::workspace::state::signature_path;
use git::SignedPlan;
use manifest::config::Target;

/// Maximum size of a plan in bytes.
const MAX_PLAN_BYTES: u64 = 256 * 1024 * 1024;

/// Maximum size of a signature in bytes.
const MAX_SIGNATURE_BYTES: u64 = 64 * 1024;

/// The file of a saved plan. It is read once, so that the verified bytes are those that are applied.
pub(crate) struct PlanFile {
    path: Utf8PathBuf,
    bytes: Vec<u8>,
    /// The content of its signature file, or why there is none; nothing if it is not needed.
    signature: Option<Result<String, String>>,
}

impl PlanFile {
    /// Reads a plan, and its signature if that is to be verified.
    ///
    /// # Errors
    /// The plan cannot be read, or it is too large.
    pub(crate) fn read(path: &Utf8Path, verify: bool) -> anyhow::Result<Self> {
        let context = || format!("cannot read the plan `{path}`");
        let bytes = read_limited(path, MAX_PLAN_BYTES).with_context(context)?;
        let bytes = bytes.with_context(|| format!("the plan `{path}` is larger than 256 MiB"))?;
        let signature = verify.then(|| signature(path));
        Ok(Self {
            path: path.to_owned(),
            bytes,
            signature,
        })
    }

    /// The plan as what a signature is verified for.
    ///
    /// # Errors
    /// The signature is missing.
    pub(super) fn signed(&self) -> CommandResult<Option<SignedPlan<'_>>> {
        match &self.signature {
            None => Ok(None),
            Some(Ok(signature)) => Ok(Some(SignedPlan {
                path: self.path.as_str(),
                content: &self.bytes,
                signature,
            })),
            Some(Err(why)) => Err(CommandError::refused(why)
                .hint("Nothing was applied. Sign it with `polwarden plan --out PLAN --sign KEY`.")),
        }
    }

    /// Parses the plan. Its digest must match its content.
    ///
    /// # Errors
    /// It is not a plan of this version, or it was edited.
    pub(super) fn parse(&self) -> anyhow::Result<Plan> {
        let mut plan = self.parse_with_events()?;
        // What is applied is shown as it is worked out then, in an order of its own.
        plan.origins = None;
        // They are not part of the digest, so nothing vouches for them.
        plan.events = Vec::new();
        Ok(plan)
    }

    /// Like [`parse`](Self::parse), with what the digest does not cover: only to be shown.
    ///
    /// # Errors
    /// As for `parse`.
    pub(crate) fn parse_with_events(&self) -> anyhow::Result<Plan> {
        let Self { path, bytes, .. } = self;
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct PlanVersion {
            format_version: u32,
        }
        let no_plan = || format!("`{path}` is not a plan that `plan --out` wrote");
        let PlanVersion { format_version } = serde_json::from_slice(bytes).with_context(no_plan)?;
        if format_version != FORMAT_VERSION {
            bail!(
                "`{path}` has plan format {format_version}; this version reads format {FORMAT_VERSION}. Make the plan again."
            );
        }
        let plan: Plan = serde_json::from_slice(bytes).with_context(no_plan)?;
        let digest = plan_digest(&plan)?;
        match &plan.digest {
            Some(written) if *written == digest => Ok(plan),
            Some(_) => bail!(
                "`{path}` was changed after it was saved: its digest does not match its content. Make the plan again."
            ),
            None => {
                bail!("`{path}` contains no digest. Make the plan again with `plan --out`.")
            }
        }
    }
}

/// The signature of a plan, or why it cannot be read.
fn signature(plan: &Utf8Path) -> Result<String, String> {
    let path = signature_path(plan);
    match read_limited(&path, MAX_SIGNATURE_BYTES) {
        Ok(Some(bytes)) => String::from_utf8(bytes)
            .map_err(|_| format!("invalid signature `{path}`: expected text in UTF-8.")),
        Ok(None) => Err(format!("the signature `{path}` is larger than 64 KiB.")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(format!(
            "the plan `{plan}` is not signed: missing `{path}`."
        )),
        Err(error) => Err(format!("cannot read the signature `{path}`: {error}.")),
    }
}

/// Reads a file, or nothing if it is larger than `limit`.
fn read_limited(path: &Utf8Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    // The size of a pipe is not known before it is read.
    let file = open_regular(path.as_std_path())?;
    file.take(limit + 1).read_to_end(&mut bytes)?;
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    Ok((size <= limit).then_some(bytes))
}

/// Each target's plan with the target's configuration, which must not have moved since the plan was made.
pub(super) fn match_targets<'p, 't>(
    plan: &'p Plan,
    targets: &[&'t Target],
    session: &Session,
) -> anyhow::Result<Vec<(&'p TargetPlan, &'t Target)>> {
    let mut pairs = Vec::new();
    let mut names = BTreeSet::new();
    for target_plan in &plan.targets {
        let name = &target_plan.target.name;
        // Limits count the calls of one target, so a target must not be split.
        if !names.insert(name) {
            bail!("duplicate target `{name}` in the plan; make the plan again");
        }
        let Some(target) = targets.iter().find(|target| target.name == *name) else {
            bail!("the plan is for target `{name}`, which is not one of the chosen targets");
        };
        if session.info(target)? != target_plan.target {
            bail!(
                "target `{name}` is another organization, profile or endpoint than the plan was made for; make the plan again"
            );
        }
        accept(&target_plan.target, target_plan)?;
        pairs.push((target_plan, *target));
    }
    Ok(pairs)
}

/// Computes a saved plan again from its calls, the manifests and the live state, because nothing
/// else in its file is trusted. Returns it with the service of each of its targets.
///
/// # Errors
/// The manifests are invalid, the live state cannot be read, or the calls do not match it.
pub(super) async fn recheck(
    mut plan: Plan,
    workspace: &Workspace,
    session: &Session,
    gate_sources: &GateSources,
    console: Console,
) -> CommandResult<(Plan, Vec<Box<dyn Writes>>)> {
    let targets = workspace.targets();
    let mut checked = Vec::new();
    for (_, target) in match_targets(&plan, &targets, session)? {
        let resolved = planning::resolve(workspace, session, target).await;
        checked.push((target, resolved.with_context(|| planning::label(target))?));
    }
    let findings = checked
        .iter()
        .flat_map(|(_, checked)| checked.diagnostics.iter().cloned());
    let findings = workspace.target_diagnostics(findings.collect());
    workspace.report_to(findings, &DiagnosticReporter::of_errors(console))?;
    let mut services = Vec::new();
    for ((target, _), target_plan) in checked.iter().zip(&mut plan.targets) {
        let gates = gate_sources.gates_of_saved_plan(workspace, target, &target_plan.gates)?;
        let service = read_with_gates(target_plan, target, &gates, session).await;
        services.push(service.with_context(|| planning::label(target))?);
    }
    // What a plan was made for comes first: nothing is worth saying about calls that no longer fit.
    check_not_stale(&match_targets(&plan, &targets, session)?, &services)?;
    for (((target, checked), service), target_plan) in
        checked.iter().zip(&services).zip(&mut plan.targets)
    {
        let request = PlanRequest {
            desired: &checked.desired,
            target,
            gates: &Gates::default(),
            locate: &|place| SourceRef::locate(workspace.sources(), place),
        };
        *target_plan = service
            .recompute(target_plan, &request)
            .context("the calls of the plan do not fit the live state")?;
    }
    Ok((plan, services))
}

/// Reads the live state of a target, and checks the gates of its plan.
async fn read_with_gates(
    plan: &mut TargetPlan,
    target: &Target,
    gates: &Gates,
    session: &Session,
) -> anyhow::Result<Box<dyn Writes>> {
    let begin = session.begin_reading();
    let mut service = session.writes(target)?;
    service.read(&begin).await?;
    service.read_more(ReadFor::Plan(plan), &begin).await?;
    let places = places(&plan.changes);
    let names = GateNames {
        rule: &|policy, rule| {
            places
                .get(&(policy.to_owned(), Some(rule.to_owned())))
                .cloned()
        },
        policy: &|policy| places.get(&(policy.to_owned(), None)).cloned(),
        teams: target.teams(),
    };
    plan.gates = service.gates(plan, gates, &names)?;
    Ok(service)
}

/// Refuses plans if what they touch has changed since they were made.
pub(super) fn check_not_stale(
    pairs: &[(&TargetPlan, &Target)],
    services: &[Box<dyn Writes>],
) -> CommandResult<()> {
    let mut moved = Vec::new();
    for ((plan, _), service) in pairs.iter().zip(services) {
        let stale = service.stale(plan)?;
        moved.extend(
            stale
                .iter()
                .map(|stale| CommandError::stale(stale.to_string())),
        );
    }
    CommandError::join(moved)
        .map_err(|error| error.hint("Nothing was applied. Make a new plan and look at it again."))
}

/// Where the plan says that policies and rules are declared.
fn places(changes: &[Change]) -> BTreeMap<(String, Option<String>), SourceRef> {
    let mut places = BTreeMap::new();
    for policy in changes {
        let own = policy
            .source
            .as_ref()
            .map(|source| ((policy.name.clone(), None), source.clone()));
        let rules = policy.children.iter().filter_map(|rule| {
            Some((
                (policy.name.clone(), Some(rule.name.clone())),
                rule.source.clone()?,
            ))
        });
        places.extend(own.into_iter().chain(rules));
    }
    places
}
