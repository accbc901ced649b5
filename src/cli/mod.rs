//! Arguments, and one file for each command.

mod apply;
mod call;
mod complete;
mod completions;
mod config;
mod connect;
mod console;
mod directory;
mod doctor;
mod drift;
mod emulate;
mod error;
mod exit;
mod explain;
mod export;
mod fmt;
mod format;
mod gates;
mod import;
mod init;
mod list;
mod lock;
mod log;
mod manual;
mod plan;
mod planning;
mod progress;
mod replay;
mod reporter;
mod rollback;
mod runs;
mod schema;
mod show;
mod statements;
mod steps;
mod team_names;
mod test;
mod three_way;
mod traffic;
mod tree;
mod validate;
mod watch;
mod workspace;

use std::process::ExitCode;

use anyhow::Context as _;
use camino::Utf8PathBuf;
use clap::{ArgAction, Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::CompleteEnv;

use console::{ColorMode, Console};
use error::CommandResult;
use exit::Exit;

/// Keep policies on a server in sync with policy YAML in git.
#[derive(Debug, Parser)]
#[command(name = "polwarden", version, after_long_help = help(), propagate_version = true)]
struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
struct GlobalArgs {
    /// Run as if started in this directory.
    ///
    /// `polwarden.yaml` is in it or in a parent inside the repository.
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    directory: Option<Utf8PathBuf>,
    /// Read revisions from this bare repository.
    #[arg(long, value_name = "DIR", global = true)]
    git_dir: Option<Utf8PathBuf>,
    /// When to use colors.
    #[arg(long, value_enum, default_value_t, global = true, value_name = "WHEN")]
    color: ColorMode,
    /// Print errors and results only.
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Increase verbosity: -v steps, -vv requests.
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::InitArgs),
    Schema(schema::SchemaArgs),
    Validate(validate::ValidateArgs),
    Lint(validate::LintArgs),
    Fmt(fmt::FmtArgs),
    Lock(lock::LockArgs),
    Import(import::ImportArgs),
    #[command(visible_alias = "diff")]
    Plan(plan::PlanArgs),
    Show(show::ShowArgs),
    Apply(apply::ApplyArgs),
    Drift(drift::DriftArgs),
    Rollback(rollback::RollbackArgs),
    Runs(runs::RunsArgs),
    List(list::ListArgs),
    Export(export::ExportArgs),
    Explain(explain::ExplainArgs),
    Test(test::TestArgs),
    Traffic(traffic::TrafficArgs),
    Replay(replay::ReplayArgs),
    Call(call::CallArgs),
    Emulate(emulate::EmulateArgs),
    Doctor(doctor::DoctorArgs),
    Config(config::ConfigArgs),
    Completions(completions::CompletionsArgs),
    Man(completions::ManArgs),
    Version(VersionArgs),
}

/// Print the version.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden version")]
struct VersionArgs {}

impl VersionArgs {
    fn run(console: Console) -> CommandResult {
        console.print(concat!("polwarden ", env!("CARGO_PKG_VERSION"), "\n"))?;
        Ok(Exit::Done)
    }
}

/// The text below the list of commands.
fn help() -> String {
    format!("{EXAMPLES}\n\n{}", exit::HELP)
}

const EXAMPLES: &str = "Examples:
  polwarden init my-policies
  polwarden validate
  polwarden plan examples/quickstart --endpoint docker=embedded
  polwarden -vv plan
  polwarden apply";

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    // Nothing else is done in a process that a shell starts for completions.
    CompleteEnv::with_factory(Cli::command)
        .var(complete::VARIABLE)
        .complete();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are not errors; wrong arguments are, and 2 means "changes pending" here.
            let code = if error.use_stderr() {
                Exit::Error
            } else {
                Exit::Done
            };
            let _ = error.print();
            return code.into();
        }
    };
    let console = Console::new(cli.global.color, cli.global.quiet, cli.global.verbose > 0);
    log::start(cli.global.verbose);
    match run(cli, console) {
        Ok(exit) => exit.into(),
        Err(error) => {
            let exit = Exit::from(error.kind());
            error.print(console);
            exit.into()
        }
    }
}

fn run(cli: Cli, console: Console) -> CommandResult {
    if let Some(directory) = &cli.global.directory {
        directory::change(directory)?;
    }
    if let Some(path) = &cli.global.git_dir {
        git::use_bare_repository(path.as_std_path())
            .with_context(|| format!("--git-dir: cannot open `{path}`"))?;
    }
    match cli.command {
        Command::Init(command) => command.run(console),
        Command::Schema(command) => command.run(console),
        Command::Validate(command) => command.run(console),
        Command::Lint(command) => command.run(console),
        Command::Fmt(command) => command.run(console),
        Command::Lock(command) => command.run(console),
        Command::Import(command) => command.run(console),
        Command::Plan(command) => command.run(console),
        Command::Show(command) => command.run(console),
        Command::Apply(command) => command.run(console),
        Command::Drift(command) => command.run(console),
        Command::Rollback(command) => command.run(console),
        Command::Runs(command) => command.run(console),
        Command::List(command) => command.run(console),
        Command::Export(command) => command.run(console),
        Command::Explain(command) => command.run(console),
        Command::Test(command) => command.run(console),
        Command::Traffic(command) => command.run(console),
        Command::Replay(command) => command.run(console),
        Command::Call(command) => command.run(console),
        Command::Emulate(command) => command.run(console),
        Command::Completions(command) => command.run(console),
        Command::Doctor(command) => command.run(console),
        Command::Config(command) => command.run(console),
        Command::Man(command) => command.run(console),
        Command::Version(VersionArgs {}) => VersionArgs::run(console),
    }
}

/// The runtime for commands that speak to servers.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

#[cfg(test)]
mod tests;
