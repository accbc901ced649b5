//! Guards at the command line: which acknowledgement is for which target, and what a refusal says.

use anyhow::{Context as _, bail};
use camino::Utf8Path;

use crate::cli::console::Console;
use crate::cli::directory;
use crate::cli::error::{CommandError, CommandResult};
use crate::plan::{self, Acknowledgement, GateOutcome, Guard, ReviewAcknowledgement, TargetPlan};
use crate::render::text::neutral;
use crate::workspace::file::read_text;
use manifest::config::Target;

/// Holds plans to the guards. A refusal says how to acknowledge what was refused.
///
/// # Errors
/// A guard refuses a plan; or an acknowledgement is for no target of the plan, or it is not clear for which one.
pub(super) fn check(
    pairs: &[(&TargetPlan, &Target)],
    acknowledged: &[Acknowledgement],
) -> CommandResult<()> {
    let by_target = by_target(pairs, acknowledged)?;
    let mut refusals = Vec::new();
    let mut needed = Vec::new();
    for ((plan, target), acknowledged) in pairs.iter().zip(by_target) {
        let guarding = plan::check_guards(plan, &target.limits, acknowledged)?;
        let breaches = guarding.breaches.iter();
        let breaches = breaches.map(|breach| CommandError::refused(breach.to_string()));
        let Err(refused) = CommandError::join(breaches.collect()) else {
            needed.extend(acknowledged.cloned());
            continue;
        };
        refusals.push(if guarding.other_plan {
            refused.hint(format!(
                "What was acknowledged for target `{}` is for another plan than this one.",
                neutral(&plan.target.name)
            ))
        } else {
            refused
        });
        needed.push(guarding.needed);
    }
    let several = pairs.len() > 1;
    let values = needed.into_iter().map(|acknowledged| {
        let acknowledged = Acknowledgement {
            target: acknowledged.target.filter(|_| several),
            ..acknowledged
        };
        format!("--ack {}", shell_quoted(&acknowledged.to_string()))
    });
    let values: Vec<String> = values.collect();
    CommandError::join(refusals).map_err(|error| {
        error.hint(format!(
            "If all of this is meant, acknowledge this very plan: {}",
            values.join(" ")
        ))
    })
}

/// Checks gates that only fail because of something that is not analyzed: the acknowledgement of
/// the plan must contain it.
///
/// # Errors
/// It does not, or an acknowledgement is for no target of the plan.
pub(super) fn check_gates(
    pairs: &[(&TargetPlan, &Target)],
    acknowledged: &[Acknowledgement],
) -> CommandResult<()> {
    let by_target = by_target(pairs, acknowledged)?;
    let mut failures = Vec::new();
    for ((plan, target), acknowledged) in pairs.iter().zip(by_target) {
        if plan.gates.iter().all(GateOutcome::passes) {
            continue;
        }
        let report = plan::check_guards(plan, &target.limits, acknowledged)?;
        let is_open = |guard: &plan::TriggeredGuard| match guard.guard {
            Guard::Mcp | Guard::NotAnalyzed => true,
            Guard::Deletes
            | Guard::Updates
            | Guard::Prune
            | Guard::ScopeWidens
            | Guard::LastDeny
            | Guard::Protected
            | Guard::PackRemoved
            | Guard::AllHosts => false,
        };
        let open = report.breaches.iter().filter(|guard| is_open(guard));
        failures.extend(open.map(|guard| {
            let needed = Acknowledgement {
                target: report.needed.target.clone().filter(|_| pairs.len() > 1),
                ..report.needed.clone()
            };
            CommandError::gate_failed(format!("{guard}, and an access gate depends on it")).hint(
                format!(
                    "To accept this, acknowledge this plan: --ack {}",
                    shell_quoted(&needed.to_string())
                ),
            )
        }));
    }
    CommandError::join(failures)
}

/// Maximum size of the file with acknowledgements of a review, in bytes.
const MAX_REVIEW_BYTES: u64 = 1 << 20;

/// Adds what was acknowledged in a review, for targets without an acknowledgement of the command line.
///
/// The file contains what people wrote, so a line that is not understood, or that is for another plan, is ignored: the
/// guards then refuse the plan as if it were not there.
///
/// # Errors
/// The file cannot be read, or an acknowledgement of the command line is for no target.
pub(super) fn with_review(
    pairs: &[(&TargetPlan, &Target)],
    acknowledged: &[Acknowledgement],
    file: Option<&Utf8Path>,
    console: Console,
) -> CommandResult<Vec<Acknowledgement>> {
    let mut all = acknowledged.to_vec();
    let Some(file) = file else {
        return Ok(all);
    };
    let file = directory::argument(file);
    let text = read_text(file.as_std_path(), MAX_REVIEW_BYTES)
        .with_context(|| format!("cannot read the acknowledgements in `{file}`"))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let review: Vec<ReviewAcknowledgement> = lines.filter_map(|line| line.parse().ok()).collect();
    let by_target = by_target(pairs, acknowledged)?;
    for ((plan, target), given) in pairs.iter().zip(by_target) {
        let plan::GuardReport {
            breaches, needed, ..
        } = plan::check_guards(plan, &target.limits, None)?;
        if given.is_some() || breaches.is_empty() {
            continue;
        }
        let accepted = review.iter().filter_map(|review| review.of_target(&needed));
        let accepted: Vec<_> = accepted.collect();
        if accepted.is_empty() {
            continue;
        }
        let is_exact = |(guard, count): &(Guard, usize)| needed.counts.get(guard) == Some(count);
        let found = Acknowledgement {
            counts: accepted.into_iter().flatten().filter(is_exact).collect(),
            ..needed.clone()
        };
        console.status(&format!(
            "Acknowledged in review: {}",
            neutral(&found.to_string())
        ));
        all.push(found);
    }
    Ok(all)
}

/// The acknowledgement of each target's plan.
fn by_target<'a>(
    pairs: &[(&TargetPlan, &Target)],
    acknowledged: &'a [Acknowledgement],
) -> anyhow::Result<Vec<Option<&'a Acknowledgement>>> {
    let mut found = vec![None; pairs.len()];
    for acknowledged in acknowledged {
        let position = match &acknowledged.target {
            Some(name) => pairs.iter().position(|(plan, _)| plan.target.name == *name),
            None if pairs.len() == 1 => Some(0),
            None => bail!(
                "`--ack {acknowledged}`: the plan has several targets; write --ack TARGET:{acknowledged}"
            ),
        };
        let Some(position) = position else {
            bail!("`--ack {acknowledged}`: the plan has no target of this name");
        };
        if found[position].replace(acknowledged).is_some() {
            bail!(
                "`--ack {acknowledged}`: what is acknowledged for a target stands in one value, with commas"
            );
        }
    }
    Ok(found)
}

/// A value as a shell takes it.
fn shell_quoted(value: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || ".,:=_-".contains(character);
    if value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', "'\\''"))
    }
}
