//! `polwarden doctor`: whether the configuration, the repository and the services can be used.

use clap::Args;
use jiff::SignedDuration;

use super::connect::{Connect, Session};
use super::console::Console;
use super::error::{CommandError, CommandResult, FailureKind, OpenWorkspaceError};
use super::exit::Exit;
use super::format::DataFormat;
use super::planning;
use super::tree::RevisionArgs;
use super::workspace::{Project, TargetSelection, WorkingDirectory, Workspace};
use crate::render::doctor::{self, CheckKind, CheckStatus, DoctorCheck, DoctorReport};
use crate::render::text::{count_of, plural};
use crate::run::service::ReadFor;
use crate::service::ConnectError;
use crate::service::diagnostics::is_error;
use crate::service::registry::{self, ServerFacts};
use http::{ApiError, ErrorKind};
use manifest::config::Target;
use model::diag::Diagnostic;

/// Clocks that differ by more are reported. Dates of HTTP have a resolution of one second.
const MAX_CLOCK_OFFSET: SignedDuration = SignedDuration::from_secs(30);

/// Check the configuration, the repository and the servers.
///
/// Names the cause and the remedy of each failure. It only reads: whether an account may also write is unknown unless the
/// service says so.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden doctor
  polwarden doctor --target production
  polwarden doctor -o json")]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    directory: WorkingDirectory,
    #[command(flatten)]
    selection: TargetSelection,
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    format: DataFormat,
}

impl DoctorArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// A check failed, which is shown.
    pub(super) fn run(self, console: Console) -> CommandResult {
        super::runtime()?.block_on(self.run_async(console))
    }

    async fn run_async(self, console: Console) -> CommandResult {
        let mut checks = Vec::new();
        let opened = match self.directory.enter() {
            Ok(()) => Project::open(&self.selection, &RevisionArgs::default()),
            Err(error) => Err(error.into()),
        };
        match opened {
            Ok(project) => {
                let workspace = project.load();
                checks.push(configuration(&workspace));
                checks.push(repository(&workspace));
                for target in workspace.targets() {
                    let found = self.check_target(&workspace, target, console).await;
                    checks.extend(found.into_iter().map(|check| DoctorCheck {
                        target: Some(target.name.clone()),
                        ..check
                    }));
                }
            }
            Err(error) => checks.push(unusable_configuration(error)),
        }
        let report = DoctorReport::new(checks);
        if self.format.is_json() {
            console.print(&doctor::json(&report)?)?;
        } else {
            console.print(&doctor::human(&report, console.painter()))?;
        }
        if report.passed {
            Ok(Exit::Done)
        } else {
            Err(CommandError::reported(FailureKind::Error))
        }
    }

    /// The checks of one target. The failure of one target does not keep the others from being checked.
    async fn check_target(
        &self,
        workspace: &Workspace,
        target: &Target,
        console: Console,
    ) -> Vec<DoctorCheck> {
        let session = match Session::open(&self.connect, &[target], console).await {
            Ok(session) => session,
            Err(error) => return not_connected(&error),
        };
        let mut checks = self.check_reading(workspace, &session, target).await;
        if checks.iter().all(|check| check.status == CheckStatus::Ok) {
            checks.push(DoctorCheck::new(
                CheckKind::Write,
                CheckStatus::Unknown,
                "the service does not state it, and doctor sends no write",
            ));
            checks.push(teams(&session, target).await);
        }
        if let Ok(Some(offset)) = session.connections().clock_offset(target) {
            checks.push(clock(offset));
        }
        session.close().await;
        checks
    }

    /// Reads the live state, which shows whether the server can be reached and the account may read.
    async fn check_reading(
        &self,
        workspace: &Workspace,
        session: &Session,
        target: &Target,
    ) -> Vec<DoctorCheck> {
        let info = match session.info(target) {
            Ok(info) => info,
            Err(error) => return not_connected(&error),
        };
        let endpoint = info.address();
        let read = async {
            let begin = session.begin_reading();
            let mut service = session.reads(target)?;
            service.read(&begin).await?;
            let checked = workspace.check(target, &ServerFacts::offline());
            if !checked.diagnostics.iter().any(is_error) {
                let purpose = ReadFor::Manifests(&checked.desired);
                service.read_more(purpose, &begin).await?;
            }
            anyhow::Ok(())
        };
        match read.await {
            Ok(()) if !matches!(session.connections().clock_offset(target), Ok(Some(_))) => {
                vec![DoctorCheck::new(
                    CheckKind::Server,
                    CheckStatus::Unknown,
                    format!("{endpoint}: no answer was needed, so nothing is known"),
                )]
            }
            Ok(()) => vec![
                ok(CheckKind::Server, format!("{endpoint} answers")),
                if info.is_embedded() {
                    ok(CheckKind::Account, "the embedded service needs no account")
                } else {
                    ok(CheckKind::Account, "the credentials are accepted")
                },
                ok(CheckKind::Read, "the live state can be read"),
            ],
            Err(error) => match error.downcast_ref::<ApiError>() {
                Some(error) => not_read(error, &endpoint),
                None => vec![failed(CheckKind::Server, endpoint, &error)],
            },
        }
    }
}

fn ok(check: CheckKind, message: impl Into<String>) -> DoctorCheck {
    DoctorCheck::new(check, CheckStatus::Ok, message)
}

fn failed(check: CheckKind, message: impl Into<String>, error: &anyhow::Error) -> DoctorCheck {
    DoctorCheck::new(check, CheckStatus::Failed, message).cause(chain(error))
}

fn skipped(check: CheckKind) -> DoctorCheck {
    DoctorCheck::new(check, CheckStatus::Skipped, "not checked")
}

fn chain(error: &anyhow::Error) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    causes.join(": ")
}

fn errors(diagnostics: &[Diagnostic]) -> usize {
    diagnostics
        .iter()
        .filter(|diagnostic| is_error(diagnostic))
        .count()
}

fn unusable_configuration(error: OpenWorkspaceError) -> DoctorCheck {
    match error {
        OpenWorkspaceError::Invalid(invalid) => DoctorCheck::new(
            CheckKind::Configuration,
            CheckStatus::Failed,
            "the configuration is invalid",
        )
        .cause(count_of(errors(&invalid.diagnostics), "error"))
        .remedy("run `polwarden validate` and correct the errors"),
        OpenWorkspaceError::Unreadable(error) => failed(
            CheckKind::Configuration,
            "the configuration cannot be read",
            &error,
        )
        .remedy("go to the directory of polwarden.yaml, or start with `polwarden init`"),
    }
}

fn configuration(workspace: &Workspace) -> DoctorCheck {
    let mut count = errors(workspace.findings());
    for target in workspace.targets() {
        count += errors(&workspace.check(target, &ServerFacts::offline()).diagnostics);
    }
    let targets = count_of(workspace.targets().len(), "target");
    let files = count_of(workspace.files(), "manifest file");
    if count == 0 {
        return ok(
            CheckKind::Configuration,
            format!("{targets}, {files}, no errors"),
        );
    }
    DoctorCheck::new(
        CheckKind::Configuration,
        CheckStatus::Failed,
        "the manifests are invalid",
    )
    .cause(count_of(count, "error"))
    .remedy("run `polwarden validate` and correct the errors")
}

fn repository(workspace: &Workspace) -> DoctorCheck {
    let check = CheckKind::Git;
    match workspace.commit() {
        Ok(Some(commit)) => {
            let id = commit.id.get(..10).unwrap_or(&commit.id);
            if commit.dirty {
                return DoctorCheck::new(
                    check,
                    CheckStatus::Warning,
                    format!("commit {id}, with uncommitted changes"),
                )
                .cause("files that were read differ from the commit")
                .remedy("commit them before `apply` runs in a pipeline; see `git status`");
            }
            ok(check, format!("commit {id}, no uncommitted changes"))
        }
        Ok(None) => DoctorCheck::new(check, CheckStatus::Warning, "no commit")
            .cause("the directory is not in a git repository, or nothing is committed yet")
            .remedy("run `git init` and commit the files"),
        Err(error) => DoctorCheck::new(check, CheckStatus::Failed, "the repository cannot be read")
            .cause(chain(&error.into()))
            .remedy("correct the repository, or check the directory out again"),
    }
}

/// The checks of a target without a connection: nothing was sent.
fn not_connected(error: &anyhow::Error) -> Vec<DoctorCheck> {
    let is_about_credentials = matches!(
        error.downcast_ref::<ConnectError>(),
        Some(ConnectError::Credentials(_) | ConnectError::OtherCredentials(_))
    );
    if is_about_credentials {
        let remedy =
            "set the variables, or use a service without an account: --endpoint PROVIDER=embedded";
        return vec![
            skipped(CheckKind::Server),
            failed(CheckKind::Account, "no usable credentials", error).remedy(remedy),
            skipped(CheckKind::Read),
        ];
    }
    vec![
        failed(CheckKind::Server, "no connection can be set up", error)
            .remedy("check --endpoint, the organization and the proxy variables"),
        skipped(CheckKind::Account),
        skipped(CheckKind::Read),
    ]
}

/// The checks of a target that cannot be read.
fn not_read(error: &ApiError, endpoint: &str) -> Vec<DoctorCheck> {
    let explain = |check: CheckKind, message: String| {
        DoctorCheck::new(check, CheckStatus::Failed, message)
            .cause(error.to_string())
            .remedy(error.help())
    };
    match error.kind() {
        ErrorKind::Refused { status: 401, .. } => vec![
            ok(CheckKind::Server, format!("{endpoint} answers")),
            explain(
                CheckKind::Account,
                "the credentials are not accepted".to_owned(),
            ),
            skipped(CheckKind::Read),
        ],
        ErrorKind::Refused { status, .. } if *status < 500 && *status != 429 => vec![
            ok(CheckKind::Server, format!("{endpoint} answers")),
            DoctorCheck::new(
                CheckKind::Account,
                CheckStatus::Unknown,
                "the answer does not say whether the credentials are accepted",
            ),
            explain(CheckKind::Read, "the live state cannot be read".to_owned()),
        ],
        _ => vec![
            explain(CheckKind::Server, format!("{endpoint} cannot be used")),
            skipped(CheckKind::Account),
            skipped(CheckKind::Read),
        ],
    }
}

/// Whether the server knows the teams that the target names.
async fn teams(session: &Session, target: &Target) -> DoctorCheck {
    let check = CheckKind::Teams;
    if !registry::has_teams(target) {
        return ok(check, "the service has no teams");
    }
    let known = match registry::teams(session.connections(), target).await {
        Ok(known) => known,
        Err(error) => {
            return failed(check, "the teams cannot be read", &error.into()).remedy(format!(
                "give the account access to the teams of {}; manifests that use UUIDs or aliases do not need it",
                target.organization
            ));
        }
    };
    let missing: Vec<&str> = target
        .teams()
        .iter()
        .filter(|(_, uuid)| !known.iter().any(|team| team.id.as_str() == uuid.as_str()))
        .map(|(alias, _)| alias.as_str())
        .collect();
    if missing.is_empty() {
        return ok(
            check,
            format!(
                "{} at the server, {} configured, none unknown",
                count_of(known.len(), "team"),
                plural(target.teams().len(), "alias", "aliases")
            ),
        );
    }
    DoctorCheck::new(check, CheckStatus::Failed, "unknown teams")
        .cause(format!(
            "{} has no team with the UUID of: {}",
            planning::label(target),
            missing.join(", ")
        ))
        .remedy("correct `teams` of the target in polwarden.yaml")
}

fn clock(offset: SignedDuration) -> DoctorCheck {
    let check = CheckKind::Clock;
    let seconds = offset.as_secs();
    let message = match seconds {
        0 => "the clocks agree".to_owned(),
        1.. => format!("the clock of this machine is {seconds} s behind the server"),
        _ => format!(
            "the clock of this machine is {} s ahead of the server",
            seconds.unsigned_abs()
        ),
    };
    if offset.abs() <= MAX_CLOCK_OFFSET {
        return ok(check, message);
    }
    DoctorCheck::new(check, CheckStatus::Warning, message)
        .cause("times in journals and audit records will not match those of the server, and short-lived tokens may expire early")
        .remedy("synchronize the clock of this machine, for example with NTP")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_compared_with_a_tolerance() {
        let told = |seconds| {
            let DoctorCheck {
                status, message, ..
            } = clock(SignedDuration::from_secs(seconds));
            (status, message)
        };
        assert_eq!(told(0), (CheckStatus::Ok, "the clocks agree".to_owned()));
        assert_eq!(told(30).0, CheckStatus::Ok);
        assert_eq!(
            told(-31),
            (
                CheckStatus::Warning,
                "the clock of this machine is 31 s ahead of the server".to_owned()
            )
        );
    }
}
