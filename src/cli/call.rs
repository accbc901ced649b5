//! `polwarden call`: one operation of a service's API.

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use jiff::Timestamp;
use serde_json::Value;

use super::apply::interrupt::stop_on_signals;
use super::apply::lock::LockArgs;
use super::connect::{Connect, Session};
use super::console::Console;
use super::directory;
use super::error::{CommandError, CommandResult, FailureKind};
use super::exit::Exit;
use super::tree::RevisionArgs;
use super::workspace::{Project, TargetSelection};
use crate::plan::tree_digest;
use crate::render::text::{neutral, neutral_json};
use crate::run::journal;
use crate::run::journal::{
    EndedBy, FORMAT_VERSION, JournalRecord, RunEnd, RunId, RunKind, SingleCall,
};
use crate::run::{CallCounts, StopSignal};
use crate::service::registry;
use crate::workspace::file::read_text;
use http::operation::{OperationField, OperationRequest, WriteRequest};
use http::{ApiError, FailedCallOutcome, RequestEffect};
use manifest::config::Target;

/// How much of a file one field may hold.
const MAX_FIELD: u64 = 1 << 20;

/// Call one operation of a service's API.
///
/// Prints the answer as JSON. An operation that only reads is called at once. An operation that may change something is
/// shown first, requires confirmation and is written to a journal.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden call --list
  polwarden call ListPolicyPacks_orgs --target cloud
  polwarden call GetPolicyPack --target cloud --field policyPackName=cost-guard --field version=latest
  polwarden call UpdatePolicyGroup --target cloud --field policyGroup=prod --field addPolicyPack=@pack.json
  polwarden call PolicyService_Get --target builds --field policy_name=sbom-licenses
  polwarden call getPolicy --target production --field policy=pol_1")]
pub(super) struct CallArgs {
    /// Name of the operation in the service's contract.
    #[arg(value_name = "OPERATION", required_unless_present = "list")]
    operation: Option<String>,
    /// List all operations with their fields, and call none.
    #[arg(long, conflicts_with_all = ["operation", "fields"])]
    list: bool,
    /// Field of the operation; `KEY=@FILE` reads a file (repeatable).
    #[arg(long = "field", short = 'F', value_name = "KEY=VALUE")]
    fields: Vec<String>,
    #[command(flatten)]
    selection: TargetSelection,
    #[command(flatten)]
    connect: Connect,
    /// Call an operation that may change something without asking.
    #[arg(
        help_heading = "Approval and guards",
        short = 'y',
        long,
        visible_alias = "yes"
    )]
    auto_approve: bool,
    /// Write the journal to this file, not to `.polwarden/journal/`.
    #[arg(help_heading = "Journal", long, value_name = "FILE")]
    journal: Option<Utf8PathBuf>,
    #[command(flatten)]
    lock: LockArgs,
}

impl CallArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// The operation or a field is not what it may be, or the service refuses the call.
    pub(super) fn run(mut self, console: Console) -> CommandResult {
        if self.list {
            console.print(&list())?;
            return Ok(Exit::Done);
        }
        directory::enter_project()?;
        self.journal = self.journal.as_deref().map(directory::argument);
        super::runtime()?.block_on(self.run_async(console))
    }

    async fn run_async(self, console: Console) -> CommandResult {
        let project = Project::open(&self.selection, &RevisionArgs::default())?;
        let targets = project.targets();
        let [target] = targets.as_slice() else {
            let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
            return Err(CommandError::error(format!(
                "a call is made at one target; choose it with --target: {}",
                names.join(", ")
            )));
        };
        let operations = registry::service(target.provider()).operations;
        let fields = self
            .fields
            .iter()
            .map(|text| field(text))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let request = OperationRequest::new(
            operations,
            self.operation.as_deref().unwrap_or_default(),
            &fields,
        )
        .with_context(|| {
            format!(
                "target `{}`, which is of the provider {}",
                target.name,
                target.provider().as_str()
            )
        })?;
        let session = Session::open(&self.connect, &targets, console).await?;
        let made = self.execute(request, target, &session, console).await;
        session.close().await;
        made
    }

    async fn execute(
        &self,
        request: OperationRequest,
        target: &Target,
        session: &Session,
        console: Console,
    ) -> CommandResult {
        match request.sort() {
            Ok(request) => {
                show(&session.reads(target)?.call(&request).await?, console)?;
                Ok(Exit::Done)
            }
            Err(request) => self.write(&request, target, session, console).await,
        }
    }

    /// Asks for approval, unless it is not required.
    fn approve(&self, console: Console) -> CommandResult<()> {
        if self.auto_approve {
            return Ok(());
        }
        match console.confirm("Make this call? Only `yes` is accepted:")? {
            Some(true) => Ok(()),
            Some(false) => Err(CommandError::declined("Nothing was called.")),
            None => Err(CommandError::plain(
                FailureKind::Refused,
                "Nothing was called: there is no terminal to ask on. To make it without being asked, add --auto-approve.",
            )),
        }
    }

    async fn write(
        &self,
        request: &WriteRequest,
        target: &Target,
        session: &Session,
        console: Console,
    ) -> CommandResult {
        let service = session.writes(target)?;
        if !service.allows_writes() {
            return Err(CommandError::error(format!(
                "target `{}` does not set `writes: true`, so that nothing of it is written: set it first",
                target.name
            )));
        }
        console.status(&describe(request.request(), target));
        self.approve(console)?;
        let lock = match &self.journal {
            Some(_) => None,
            None => Some(self.lock.acquire(console).await?),
        };
        let time = Timestamp::now();
        let fields = request
            .request()
            .fields()
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let call = SingleCall {
            operation: request.request().operation().name.to_owned(),
            fields,
        };
        let text = serde_json::to_vec(&call)?;
        let id = RunId::new(time);
        let run = journal::RunStart {
            format_version: FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            run: id.clone(),
            time,
            kind: RunKind::Call(Box::new(call)),
            targets: vec![service.info().clone()],
            plan: tree_digest(std::iter::once(("call", text.as_slice()))),
            commit: None,
            tree: None,
            signed_by: None,
            plan_signed_by: None,
        };
        let journal = journal::create(run, self.journal.as_deref())
            .await
            .context("nothing was called")?;
        if let Some(lock) = &lock {
            lock.name_run(&id);
        }
        // A signal does not end this process before the answer is in the journal.
        stop_on_signals(&StopSignal::default(), console);
        let answer = service.call_write(request).await;
        let mut calls = CallCounts::default();
        match answer.as_ref().map_err(ApiError::outcome) {
            Ok(_) => calls.applied = 1,
            Err(FailedCallOutcome::NotApplied) => calls.failed = 1,
            Err(FailedCallOutcome::Unknown) => calls.unknown = 1,
        }
        let end = RunEnd {
            time: Timestamp::now(),
            by: EndedBy::Run,
            calls,
        };
        let ended = journal
            .finish(&JournalRecord::End(end))
            .await
            .context("the call was made, and its end is not in the journal");
        match answer {
            Ok(answer) => {
                if answer.is_null() {
                    console.status("Done; the service answers nothing.");
                } else {
                    console.announce(&answer_text(&answer));
                }
                ended?;
                Ok(Exit::Done)
            }
            Err(error) => {
                let kind = match error.outcome() {
                    FailedCallOutcome::NotApplied => FailureKind::Error,
                    FailedCallOutcome::Unknown => FailureKind::Partial,
                };
                Err(CommandError::of_kind(kind, error))
            }
        }
    }
}

/// A field as it is given, with the text of the file that it names.
fn field(text: &str) -> anyhow::Result<(String, String)> {
    let Some((name, value)) = text.split_once('=') else {
        bail!(
            "`--field {}` lacks a value: write KEY=VALUE or KEY=@FILE",
            neutral(text)
        );
    };
    let Some(file) = value.strip_prefix('@') else {
        return Ok((name.to_owned(), value.to_owned()));
    };
    let file = Utf8Path::new(file);
    let value = read_text(file.as_std_path(), MAX_FIELD)
        .with_context(|| format!("cannot read `{file}` for the field `{name}`"))?;
    Ok((name.to_owned(), value))
}

/// The answer; one without a body is nothing to show.
fn show(answer: &Value, console: Console) -> anyhow::Result<()> {
    if answer.is_null() {
        console.status("Done; the service answers nothing.");
        return Ok(());
    }
    Ok(console.print(&answer_text(answer))?)
}

fn answer_text(answer: &Value) -> String {
    neutral_json(&format!("{:#}\n", shown(answer))).into_owned()
}

/// Members of answers that let whoever has them write something.
const WITHHELD: &[&str] = &["uploadURI", "requiredHeaders"];

/// The answer without what must not come into a log.
fn shown(answer: &Value) -> Value {
    match answer {
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                let value = if WITHHELD.contains(&name.as_str()) {
                    "[withheld]".into()
                } else {
                    shown(value)
                };
                (name.clone(), value)
            };
            Value::Object(members.iter().map(member).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(shown).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => answer.clone(),
    }
}

/// What is about to be sent, in a few lines.
fn describe(request: &OperationRequest, target: &Target) -> String {
    let operation = request.operation();
    let mut text = format!(
        "{} at {}: {}",
        operation.name,
        neutral(&target.name),
        operation.about
    );
    for (name, value) in request.fields() {
        text.push_str(&format!("\n  {name}: {}", neutral_json(&value.to_string())));
    }
    text
}

/// All operations of all providers.
fn list() -> String {
    let mut text = String::new();
    for service in registry::SERVICES {
        text.push_str(&format!("{}\n", service.provider.as_str()));
        for operation in service.operations {
            let effect = match operation.effect() {
                RequestEffect::Read => "reads",
                RequestEffect::Write => "writes",
            };
            text.push_str(&format!(
                "  {}  ({effect}): {}\n",
                operation.name, operation.about
            ));
            for field in operation.fields {
                let OperationField {
                    name,
                    place: _,
                    kind: _,
                    required,
                } = field;
                let must = if *required { ", needed" } else { "" };
                text.push_str(&format!("    {name}{must}: {}\n", field.expected()));
            }
        }
    }
    text
}
