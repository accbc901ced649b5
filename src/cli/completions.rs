//! `polwarden completions` and `polwarden man`: what shells and `man` know of the command line.

use anyhow::Context as _;
use camino::Utf8PathBuf;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use clap_complete::env::Shells;

use super::complete::VARIABLE;
use super::console::Console;
use super::error::CommandResult;
use super::exit::Exit;
use super::manual;
use crate::render::rules;

/// The name of the program.
const NAME: &str = env!("CARGO_PKG_NAME");

/// Print the completion script of a shell.
///
/// The script runs polwarden, which completes commands, options and values: targets, policies, runs, codes, teams and
/// formats. Values are read from local files; a completion never contacts a server.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden completions bash > ~/.local/share/bash-completion/completions/polwarden
  polwarden completions zsh > ~/.zfunc/_polwarden
  polwarden completions fish > ~/.config/fish/completions/polwarden.fish
  polwarden completions powershell >> $PROFILE")]
pub(super) struct CompletionsArgs {
    /// Shell to print the script for.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl CompletionsArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub(super) fn run(&self, console: Console) -> CommandResult {
        let shell = self.shell.to_string();
        let shells = Shells::builtins();
        let completer = shells
            .completer(&shell)
            .with_context(|| format!("unsupported shell `{shell}`"))?;
        let mut script = Vec::new();
        completer.write_registration(VARIABLE, NAME, NAME, NAME, &mut script)?;
        console.print(&String::from_utf8(script)?)?;
        Ok(Exit::Done)
    }
}

/// Write the manual: one page for each command.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden man --out ~/.local/share/man/man1
  polwarden man --out man && man -l man/polwarden-plan.1")]
pub(super) struct ManArgs {
    /// Directory to write the pages to.
    #[arg(long, value_name = "DIR", required_unless_present = "rules")]
    out: Option<Utf8PathBuf>,
    /// Write the reference of codes, guards, gates and exit codes as Markdown.
    #[arg(long, value_name = "FILE")]
    rules: Option<Utf8PathBuf>,
}

impl ManArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// A page cannot be written.
    pub(super) fn run(&self, console: Console) -> CommandResult {
        if let Some(path) = &self.rules {
            std::fs::write(path, rules::page())
                .with_context(|| format!("cannot write `{path}`"))?;
            console.status(&format!("wrote {path}"));
        }
        let Some(folder) = &self.out else {
            return Ok(Exit::Done);
        };
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create `{folder}`"))?;
        manual::write(super::Cli::command(), folder)
            .with_context(|| format!("cannot write the manual to `{folder}`"))?;
        console.status(&format!(
            "Wrote the manual to {folder}; `man -l {folder}/{NAME}.1` shows its first page."
        ));
        Ok(Exit::Done)
    }
}
