//! The steps of a plan: what `plan` and `apply` refuse about the way in which its calls are made.

use clap::Args;

use super::console::Console;
use crate::plan::Plan;
use crate::render::text::neutral;
use crate::service::chainloop::plan::audit_documents;
use crate::service::docker::plan::audit::audit_plan;
use crate::service::pulumi::plan::audit_packs;
use model::Live;

/// What is asked of the steps of a plan.
#[derive(Debug, Args)]
pub(super) struct StepOptions {
    /// Refuse a plan that tells of a gap: a moment in which more or less may be open than before and after.
    #[arg(long)]
    no_gap: bool,
}

impl StepOptions {
    /// Whether a plan has gaps and none are accepted, which is told.
    pub(super) fn refuse(&self, plan: &Plan, console: Console) -> bool {
        let gaps = plan.targets.iter().flat_map(|target| target.gaps()).count();
        let refused = self.no_gap && gaps > 0;
        if refused {
            let word = console.error_painter().bad("refused");
            let gaps = if gaps == 1 { "gap" } else { "gaps" };
            console.warn(&format!(
                "{word}: the plan tells of {gaps}, as shown above, and --no-gap accepts none. Make the change in smaller \
                 steps, or leave --no-gap out if the moment does not matter."
            ));
        }
        refused
    }
}

/// Whether the calls of a plan would break what plans promise if they were made on these live states, one for each
/// target; what, is told. A plan that was just made breaks nothing; one from a file may have been changed.
pub(super) fn break_promises(plan: &Plan, live: &[Live], console: Console) -> bool {
    let mut broken = false;
    for (target, live) in plan.targets.iter().zip(live) {
        let breaches: Vec<String> = match live {
            Live::Docker(live) => audit_plan(live, target)
                .iter()
                .map(ToString::to_string)
                .collect(),
            Live::Pulumi(live) => audit_packs(live, &target.calls)
                .iter()
                .map(ToString::to_string)
                .collect(),
            Live::Chainloop(live) => audit_documents(target, live)
                .iter()
                .map(ToString::to_string)
                .collect(),
        };
        for breach in breaches {
            broken = true;
            let word = console.error_painter().bad("refused");
            let name = neutral(&target.target.name);
            console.warn(&format!("{word}: target `{name}`: {}", neutral(&breach)));
        }
    }
    if broken {
        console.warn(
            "Nothing was applied. Make a new plan; if that is refused too, polwarden is at fault: please report it with \
             the plan's JSON.",
        );
    }
    broken
}
