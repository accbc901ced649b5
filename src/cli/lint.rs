//! `polwarden lint`: what is wrong with the manifests, and what their rules most likely do not mean.

use clap::Args;

use super::console::Console;
use super::error::CommandResult;
use super::validate::{ValidateArgs, ValidationDepth};

/// Check all that `validate` checks, and warn of rules that most likely do not mean what they say: that never decide,
/// that others cover, that could be one, that leave a name open or open everything.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  polwarden lint
  polwarden lint --strict
  polwarden lint --all-warnings --target production
  polwarden explain rule-never-matches")]
pub(super) struct LintArgs {
    #[command(flatten)]
    validate: ValidateArgs,
}

impl LintArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// As for `validate`.
    pub(super) fn run(self, console: Console) -> CommandResult {
        self.validate.run_to(ValidationDepth::Lints, console)
    }
}
