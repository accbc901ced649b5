//! `polwarden init`: a repository to start from.

mod pipelines;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;

use super::connect::{Connect, Session};
use super::console::Console;
use super::directory;
use super::error::{CommandError, CommandResult, FailureKind};
use super::exit::Exit;
use super::gates::GateSources;
use super::import::parse_provider;
use super::planning::{self, Planned};
use super::tree::RevisionArgs;
use super::workspace::{Project, TargetSelection};
use crate::render;
use crate::render::text::{count_of, neutral, plural, shell_word};
use crate::run::service::Reads;
use crate::service::check_config::{check_config, is_uuid};
use crate::service::diagnostics::is_error;
use crate::service::import::{ImportFile, ImportFiles, TargetImport};
use crate::service::registry::{self, OpenError};
use http::{ApiError, ErrorKind};
use manifest::config::{FILE_NAME, Provider, Target};
use manifest::{parse_config, schema};
use model::diag::SourceMap;
use pipelines::{CiPlatform, Pipeline, yaml_text};

const CONFIG: &str = include_str!("init/polwarden.yaml");
const SETTINGS: &str = include_str!("init/settings.json");
const IGNORE: &str = "# What polwarden keeps between runs.\n.polwarden/\n";

/// The folder with the manifests.
const FOLDER: &str = "policies";

/// Files that a project often has. They are left as they are.
const OPTIONAL: [&str; 2] = [".gitignore", ".vscode/settings.json"];

/// Create a repository for a new or existing organization.
///
/// For an existing organization (--existing), the live policies are imported and an empty plan is shown. For a new one
/// (--new), a sample is written. Without a terminal, no questions are asked, and each answer needs its option. Existing
/// files are never overwritten.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden init
  polwarden init my-policies --provider docker --organization my-org --existing --ci github
  polwarden init --provider docker --organization my-org --new --ci none")]
pub(super) struct InitArgs {
    /// Directory to write to (same as -C DIR); created if missing.
    #[arg(value_name = "DIR")]
    path: Option<Utf8PathBuf>,
    /// Name of the organization at the service.
    #[arg(long, value_name = "NAME")]
    organization: Option<String>,
    /// Service: docker, pulumi or chainloop.
    #[arg(long, value_name = "NAME", value_parser = parse_provider)]
    provider: Option<Provider>,
    /// Write a sample: the organization has no policies yet.
    #[arg(long, conflicts_with = "existing")]
    new: bool,
    /// Import the policies of the organization.
    #[arg(long)]
    existing: bool,
    /// Platform of the pipeline (default: the host of the repository).
    #[arg(long, value_name = "PLATFORM")]
    ci: Option<CiPlatform>,
    #[command(flatten)]
    connect: Connect,
}

/// What is asked before anything is written.
struct Answers {
    provider: Provider,
    organization: String,
    is_existing: bool,
    ci: CiPlatform,
}

/// The files to write, and what to do by hand afterwards.
#[derive(Default)]
struct Output {
    files: Vec<(Utf8PathBuf, String)>,
    steps: Vec<String>,
}

impl InitArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// An answer is missing, the server cannot be read, or a file exists or cannot be written.
    pub(super) fn run(self, console: Console) -> CommandResult {
        if let Some(path) = &self.path {
            std::fs::create_dir_all(path).with_context(|| format!("cannot create `{path}`"))?;
            directory::change(path)?;
        }
        let answers = self.answers(console)?;
        let branch = git::main_branch(Path::new(".")).unwrap_or_else(|| "main".to_owned());
        let config = config(&answers, &branch, &BTreeMap::new());
        let target = check(&config)?;
        let Pipeline { files, steps } = pipelines::pipeline(answers.ci, &branch, answers.provider)?;
        let mut output = Output { files, steps };
        let schemas = schema::of_provider(answers.provider);
        let schemas = schemas
            .into_iter()
            .map(|file| (Utf8Path::new("schemas").join(file.name), file.text));
        output.files.extend(schemas);
        for (path, text) in OPTIONAL.into_iter().zip([IGNORE, SETTINGS]) {
            if Utf8Path::new(path).symlink_metadata().is_err() {
                output.files.push((path.into(), text.to_owned()));
            }
        }
        if answers.is_existing {
            // What is in the way is reported before the server is asked.
            let config_path = Utf8PathBuf::from(FILE_NAME);
            let known = output.files.iter().map(|(path, _)| path);
            check_free(known.chain([&config_path]))?;
            return super::runtime()?
                .block_on(self.import(&answers, &branch, &target, output, console));
        }
        output.files.insert(0, (FILE_NAME.into(), config));
        let starter = registry::starter(answers.provider);
        let samples = starter.samples.iter();
        output
            .files
            .extend(samples.map(|file| (file.path.into(), file.text.to_owned())));
        write(&output.files, console)?;
        console.print(&self.next(&answers, &output.steps))?;
        Ok(Exit::Done)
    }

    /// The answers of the options, and on a terminal those of the person.
    fn answers(&self, console: Console) -> CommandResult<Answers> {
        let provider = match self.provider {
            Some(provider) => Some(provider),
            None => ask_provider(console)?,
        };
        let organization = match &self.organization {
            Some(name) => Some(name.clone()),
            None => ask(console, "Organization at the service: ", |answer| {
                (!answer.is_empty()).then(|| answer.to_owned())
            })?,
        };
        let not_listed = provider.and_then(|provider| registry::starter(provider).not_listed);
        let is_existing = match (self.existing, self.new, not_listed) {
            (true, _, Some(why)) => {
                return Err(
                    CommandError::error(format!("--existing cannot be used: {why}")).hint(
                        "Use --new, then import each policy with `polwarden import --only NAME`.",
                    ),
                );
            }
            (true, ..) => Some(true),
            (false, true, _) | (false, false, Some(_)) => Some(false),
            (false, false, None) => ask(
                console,
                "Import the live policies of this organization? (yes or no) ",
                |answer| match answer {
                    "yes" | "y" => Some(true),
                    "no" | "n" => Some(false),
                    _ => None,
                },
            )?,
        };
        let detected = pipelines::detect();
        let ci = match (self.ci, detected) {
            (Some(ci), _) => Some(ci),
            (None, detected) => match ask_platform(console, detected)? {
                Some(ci) => Some(ci),
                None => detected,
            },
        };
        let missing: Vec<CommandError> = [
            (provider.is_none(), "--provider NAME"),
            (organization.is_none(), "--organization NAME"),
            (is_existing.is_none(), "--new or --existing"),
            (ci.is_none(), "--ci PLATFORM, or --ci none"),
        ]
        .into_iter()
        .filter(|(is_missing, _)| *is_missing)
        .map(|(_, option)| CommandError::plain(FailureKind::Error, format!("missing {option}")))
        .collect();
        CommandError::join(missing).map_err(|error| {
            error.hint("Without a terminal, `init` asks no questions; add these options. See `polwarden init --help`.")
        })?;
        match (provider, organization, is_existing, ci) {
            (Some(provider), Some(organization), Some(is_existing), Some(ci)) => Ok(Answers {
                provider,
                organization,
                is_existing,
                ci,
            }),
            // Reported above.
            _ => Err(CommandError::reported(FailureKind::Error)),
        }
    }

    /// Writes the manifests of the live policies with everything else, and shows the plan.
    async fn import(
        &self,
        answers: &Answers,
        branch: &str,
        target: &Target,
        mut output: Output,
        console: Console,
    ) -> CommandResult {
        let session = Session::open(&self.connect, &[target], console).await?;
        let read = read_live(answers, branch, target, &session, console).await;
        session.close().await;
        let Imported {
            config,
            policies,
            refused,
        } = read?;
        if policies.is_empty() && refused.is_empty() {
            return Err(CommandError::error(format!(
                "the organization `{}` has no policies to import",
                neutral(&answers.organization)
            ))
            .hint("Use --new to start with a sample."));
        }
        let mut imported = count_of(policies.len(), "file");
        if registry::has_teams(target) {
            let teams = plural(check(&config)?.teams().len(), "team alias", "team aliases");
            imported = format!("{imported} and {teams}");
        }
        output.files.insert(0, (FILE_NAME.into(), config));
        for file in policies {
            for line in &file.imported.left_out {
                let name = neutral(&file.name);
                console.warn(&format!(
                    "{} \"{name}\": not in the manifest, stays on the server: {}",
                    file.kind,
                    neutral(line)
                ));
            }
            output.files.push((file.path, file.imported.text));
        }
        write(&output.files, console)?;
        console.print(&format!(
            "\nImported {imported} from {}.\n\n",
            neutral(&answers.organization)
        ))?;
        for (what, why) in &refused {
            console.warn(&format!(
                "not imported: {}: {}",
                neutral(what),
                neutral(why)
            ));
        }
        let is_empty = self.show_plan(console).await.map_err(|error| {
            error.hint("The files are written. Correct the errors, then run `polwarden plan`.")
        })?;
        console.print(&self.next(answers, &output.steps))?;
        if !refused.is_empty() || !is_empty {
            return Err(CommandError::error(
                "the repository does not declare everything that is on the server; see above",
            ));
        }
        Ok(Exit::Done)
    }

    /// Plans what was written, against the live state. Returns whether the plan is empty.
    async fn show_plan(&self, console: Console) -> CommandResult<bool> {
        directory::enter_project()?;
        let project = Project::open(&TargetSelection::default(), &RevisionArgs::default())?;
        let planned: Planned<dyn Reads> = planning::plan_all(
            project,
            &self.connect,
            &GateSources::none(),
            Session::reads,
            console,
        )
        .await?;
        planned.session.close().await;
        let text = render::plan::human(&planned.plan, None, console.layout());
        console.print(&text)?;
        Ok(planned.plan.is_empty())
    }

    /// What to do next.
    fn next(&self, answers: &Answers, steps: &[String]) -> String {
        let directory = directory::entered().filter(|path| path != ".");
        let directory = directory.map(|path| shell_word(path.as_str()));
        let directory = directory.map_or_else(String::new, |path| format!(" -C {path}"));
        let endpoints = if answers.is_existing {
            self.connect.repeated().unwrap_or_default()
        } else {
            let endpoint = format!("{}=embedded", answers.provider.as_str());
            vec!["--endpoint".to_owned(), endpoint]
        };
        let endpoints = endpoints
            .iter()
            .map(|word| format!(" {}", shell_word(word)));
        let endpoints: String = endpoints.collect();
        let commands = if answers.is_existing {
            vec![
                ("validate".to_owned(), "check the manifests"),
                (format!("plan{endpoints}"), "show the changes after an edit"),
            ]
        } else {
            vec![
                ("validate".to_owned(), "check the manifests"),
                (format!("plan{endpoints}"), "plan without an account"),
                (format!("apply{endpoints}"), "apply to a local service"),
            ]
        };
        let mut text = "\nNext:\n".to_owned();
        let commands = commands
            .into_iter()
            .map(|(command, purpose)| (format!("polwarden{directory} {command}"), purpose));
        let commands: Vec<(String, &str)> = commands.collect();
        let width = commands.iter().map(|(command, _)| command.len()).max();
        let width = width.unwrap_or_default();
        for (command, purpose) in commands {
            text.push_str(&format!("  {command:<width$}  {purpose}\n"));
        }
        for step in steps {
            text.push_str(&format!("{step}\n"));
        }
        text.push_str(&format!(
            "For the real service, set {}.\n",
            registry::starter(answers.provider).credentials
        ));
        text
    }
}

/// What was read from the server. Nothing was written yet.
struct Imported {
    config: String,
    policies: Vec<ImportFile>,
    /// Live objects that cannot be written as manifests: what they are, and why.
    refused: Vec<(String, String)>,
}

async fn read_live(
    answers: &Answers,
    branch: &str,
    target: &Target,
    session: &Session,
    console: Console,
) -> CommandResult<Imported> {
    let teams = team_aliases(target, session, console).await?;
    let mut text = config(answers, branch, &teams);
    let with_teams = match check(&text) {
        Ok(target) => target,
        // Names that are easily confused cannot be aliases. Manifests contain UUIDs instead.
        Err(error) => {
            console.warn(&format!(
                "the names of the teams cannot be used as aliases: {}",
                error.text()
            ));
            text = config(answers, branch, &BTreeMap::new());
            check(&text)?
        }
    };
    let begin = session.begin_reading();
    let folder = Utf8Path::new(FOLDER);
    let imported =
        registry::import_undeclared(session.connections(), &with_teams, &[], folder, &begin)
            .await?;
    match imported {
        TargetImport::Listed(ImportFiles { files, refused, .. }) => Ok(Imported {
            config: text,
            policies: files,
            refused,
        }),
        TargetImport::NotListed(why) => Err(CommandError::error(why)),
    }
}

/// The teams of the organization by name, where a name belongs to one team only.
async fn team_aliases(
    target: &Target,
    session: &Session,
    console: Console,
) -> CommandResult<BTreeMap<String, String>> {
    if !registry::has_teams(target) {
        return Ok(BTreeMap::new());
    }
    let teams = match registry::teams(session.connections(), target).await {
        Ok(teams) => teams,
        // Some accounts may read policies and not the teams of the organization.
        Err(OpenError::Read(error)) if is_forbidden(&error) => {
            console.warn(&format!(
                "the teams cannot be read ({error}), so manifests contain their UUIDs; add aliases to `teams` in {FILE_NAME}"
            ));
            return Ok(BTreeMap::new());
        }
        Err(error) => return Err(error.into()),
    };
    let mut aliases = BTreeMap::new();
    let mut repeated = BTreeSet::new();
    for team in teams {
        let is_usable = !is_uuid(&team.name) && !team.name.trim().is_empty();
        let id = team.id.to_string();
        if is_usable && aliases.insert(team.name.clone(), id).is_some() {
            repeated.insert(team.name);
        }
    }
    aliases.retain(|name, _| !repeated.contains(name));
    Ok(aliases)
}

fn is_forbidden(error: &ApiError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Refused {
            status: 403 | 404,
            ..
        }
    )
}

/// Asks until an answer is accepted. `None` without a terminal, or at the end of the input.
fn ask<T>(
    console: Console,
    question: &str,
    accept: impl Fn(&str) -> Option<T>,
) -> CommandResult<Option<T>> {
    loop {
        let Some(answer) = console.ask(question)? else {
            return Ok(None);
        };
        if let Some(accepted) = accept(&answer) {
            return Ok(Some(accepted));
        }
    }
}

fn ask_provider(console: Console) -> CommandResult<Option<Provider>> {
    let default = registry::EXAMPLE_PROVIDER;
    let names: Vec<&str> = Provider::ALL
        .iter()
        .map(|provider| provider.as_str())
        .collect();
    let question = format!("Provider ({}) [{}]: ", names.join(", "), default.as_str());
    ask(console, &question, |answer| match answer {
        "" => Some(default),
        answer => parse_provider(answer).ok(),
    })
}

fn ask_platform(
    console: Console,
    detected: Option<CiPlatform>,
) -> CommandResult<Option<CiPlatform>> {
    let default = detected.unwrap_or(CiPlatform::None);
    let question = format!("Pipeline ({}) [{}]: ", CiPlatform::names(), default.name());
    ask(console, &question, |answer| match answer {
        "" => Some(default),
        answer => CiPlatform::parse(answer),
    })
}

/// The configuration of a repository whose changes are merged into a branch.
fn config(answers: &Answers, branch: &str, teams: &BTreeMap<String, String>) -> String {
    let mut settings = registry::starter(answers.provider).settings.to_owned();
    if !teams.is_empty() {
        settings.push_str("    # The teams of the organization, by the names that they have on the server.\n    teams:\n");
        for (name, id) in teams {
            settings.push_str(&format!("      {}: {}\n", yaml_text(name), yaml_text(id)));
        }
    }
    CONFIG
        .replace("{provider}", answers.provider.as_str())
        .replace("{branch}", &yaml_text(branch))
        .replace("    {settings}\n", &settings)
        .replace("{organization}", &yaml_text(&answers.organization))
}

/// The only target of a configuration that is about to be written.
///
/// # Errors
/// It would be invalid.
fn check(config: &str) -> CommandResult<Target> {
    let file = SourceMap::default().add(FILE_NAME, config);
    let invalid = |message: &str| CommandError::plain(FailureKind::Error, neutral(message));
    let (config, document) = parse_config(file, config).map_err(|diagnostics| {
        let first = diagnostics.first();
        invalid(first.map_or("the configuration is invalid", |first| &first.message))
    })?;
    if let Some(error) = check_config(&config, document).into_iter().find(is_error) {
        return Err(invalid(&error.message));
    }
    let target = config.targets.into_iter().next();
    target.ok_or_else(|| invalid("the configuration has no target"))
}

/// Refuses to overwrite files.
fn check_free<'a>(paths: impl Iterator<Item = &'a Utf8PathBuf>) -> CommandResult<()> {
    let in_the_way = paths
        .filter(|path| path.symlink_metadata().is_ok())
        .map(|path| {
            let path = neutral(path.as_str());
            CommandError::plain(FailureKind::Error, format!("`{path}` exists"))
        });
    CommandError::join(in_the_way.collect()).map_err(|error| {
        error.hint("Nothing was written: `init` never overwrites. Start in another directory, or move these files away.")
    })
}

/// Writes all files, or none if one of them exists.
fn write(files: &[(Utf8PathBuf, String)], console: Console) -> CommandResult<()> {
    check_free(files.iter().map(|(path, _)| path))?;
    for (path, text) in files {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_str().is_empty()) {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create `{folder}`"))?;
        }
        // The file may have been created meanwhile.
        let mut options = std::fs::OpenOptions::new();
        let created = options.write(true).create_new(true).open(path);
        created
            .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
            .with_context(|| format!("cannot write `{path}`"))?;
        console.print(&format!("wrote {}\n", neutral(path.as_str())))?;
    }
    Ok(())
}
