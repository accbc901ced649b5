//! Guards at the command line: which acknowledgement is for which target, and what a refusal says.

use anyhow::bail;

use crate::cli::console::Console;
use crate::plan::{self, Acknowledged, TargetPlan};
use crate::render::text::neutral;
use manifest::config::Target;

/// Whether a guard refuses one of the plans; what it refuses, and how to let it through, is told.
///
/// # Errors
/// An acknowledgement that is for no target of the plan, or for which it is not clear.
pub(super) fn refuse(
    pairs: &[(&TargetPlan, &Target)],
    acknowledged: &[Acknowledged],
    console: Console,
) -> anyhow::Result<bool> {
    let by_target = by_target(pairs, acknowledged)?;
    let mut needed = Vec::new();
    for ((plan, target), acknowledged) in pairs.iter().zip(by_target) {
        let guarding = plan::check_guards(plan, &target.limits, acknowledged)?;
        for breach in &guarding.breaches {
            let breach = breach.to_string();
            console.warn(&format!(
                "{}: {}",
                console.error_painter().bad("refused"),
                neutral(&breach)
            ));
        }
        if guarding.breaches.is_empty() {
            needed.extend(
                acknowledged
                    .cloned()
                    .map(|acknowledged| (false, acknowledged)),
            );
            continue;
        }
        if guarding.other_plan {
            let name = neutral(&plan.target.name);
            console.warn(&format!(
                "What was acknowledged for target `{name}` is for another plan than this one."
            ));
        }
        needed.push((true, guarding.needed));
    }
    let refused = needed.iter().any(|(refused, _)| *refused);
    if refused {
        let several = pairs.len() > 1;
        let values = needed.into_iter().map(|(_, acknowledged)| {
            let target = acknowledged.target.filter(|_| several);
            format!(
                "--ack {}",
                quoted(
                    &Acknowledged {
                        target,
                        ..acknowledged
                    }
                    .to_string()
                )
            )
        });
        let values: Vec<String> = values.collect();
        console.warn(&format!(
            "If all of this is meant, acknowledge this very plan: {}",
            values.join(" ")
        ));
    }
    Ok(refused)
}

/// The acknowledgement of each target's plan.
fn by_target<'a>(
    pairs: &[(&TargetPlan, &Target)],
    acknowledged: &'a [Acknowledged],
) -> anyhow::Result<Vec<Option<&'a Acknowledged>>> {
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
fn quoted(value: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || ".,:=_-".contains(character);
    if value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', "'\\''"))
    }
}
