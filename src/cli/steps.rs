//! The steps of a plan: what `plan` and `apply` refuse about the way in which its calls are made.

use clap::Args;

use super::error::{CommandError, CommandResult};
use crate::plan::Plan;
use crate::run::service::Writes;

/// What is asked of the steps of a plan.
#[derive(Debug, Args)]
#[command(next_help_heading = "Approval and guards")]
pub(super) struct StepArgs {
    /// Refuse a plan with a gap.
    ///
    /// A gap is a moment in which more or less access may be open than before and after the apply.
    #[arg(long)]
    no_gap: bool,
}

impl StepArgs {
    /// Refuses a plan with gaps if none are accepted.
    ///
    /// # Errors
    /// The plan is refused.
    pub(super) fn check(&self, plan: &Plan) -> CommandResult<()> {
        let gaps = plan
            .targets
            .iter()
            .flat_map(|target| target.gap_notes())
            .count();
        if !self.no_gap || gaps == 0 {
            return Ok(());
        }
        let gaps = if gaps == 1 { "gap" } else { "gaps" };
        Err(CommandError::refused(format!(
            "the plan tells of {gaps}, as shown above, and --no-gap accepts none. Make the change in smaller \
             steps, or leave --no-gap out if the moment does not matter."
        )))
    }
}

/// Refuses a plan whose calls would break a guarantee of plans if they were made on these live states, one for each
/// target. A plan that was just made breaks nothing; one from a file may have been changed.
///
/// # Errors
/// The plan is refused.
pub(super) fn check_guarantees(plan: &Plan, services: &[Box<dyn Writes>]) -> CommandResult<()> {
    let mut refusals = Vec::new();
    for (target, service) in plan.targets.iter().zip(services) {
        let breaches = service.audit(target)?;
        let name = &target.target.name;
        refusals.extend(
            breaches
                .into_iter()
                .map(|breach| CommandError::refused(format!("target `{name}`: {breach}"))),
        );
    }
    CommandError::join(refusals).map_err(|error| {
        error.hint(
            "Nothing was applied. Make a new plan; if that is refused too, polwarden is at fault: please report it with \
             the plan's JSON.",
        )
    })
}
