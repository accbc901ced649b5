//! Renders the journals of runs: a list of runs, or one run in full.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::layout::Layout;
use super::paint::Painter;
use super::plan::target_heading;
use super::report::{
    counts, describe_sent, expected_and_found, indented, object_line, policy_line, rule_line,
    skip_reason,
};
use super::text::{count_of, neutral, neutral_json};
use crate::plan::{Commit, Fingerprint, TargetInfo};
use crate::run::journal::{
    CallAnswer, CallResult, EndedBy, RunCall, RunHistory, RunId, RunKind, TargetHistory,
    UnsentCall, UnsentResult,
};
use crate::run::{CallCounts, ObjectDifference, StateAfterWrite};
use git::SignedBy;

/// The version of this format; a change that breaks readers raises it.
pub const FORMAT_VERSION: u32 = 2;

/// Runs, as their journals tell.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunsReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The runs, the last one first.
    pub runs: Vec<RunReport>,
}

/// One run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunReport {
    /// Its id.
    pub run: RunId,
    /// The start time.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// The command.
    pub kind: RunKind,
    /// The version of polwarden that ran.
    pub tool_version: String,
    /// The digest of its plan.
    pub plan: Fingerprint,
    /// The commit that the manifests were read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// The verified signer of the commit, if a signature was required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<SignedBy>,
    /// The verified signer of the saved plan, if a signature was required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_signed_by: Option<SignedBy>,
    /// How it ended.
    pub ended: RunEnding,
    /// When it ended, if it did. Shown to people as a duration only.
    #[serde(skip)]
    pub ended_at: Option<Timestamp>,
    /// The calls of its plan by outcome. Calls without an outcome yet are unknown.
    pub calls: CallCounts,
    /// How many lines of the journal cannot be read.
    pub damaged_lines: usize,
    /// Its targets.
    pub targets: Vec<RunTarget>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RunEnded")]
pub enum RunEnding {
    /// It completed.
    InGoodOrder,
    /// It was interrupted, and a later run determined the outcome of its open calls.
    ByALaterRun,
    /// It is in progress, or was interrupted and not recovered yet.
    NotYet,
}

/// One target of a run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunTarget {
    /// The target.
    pub target: TargetInfo,
    /// What happened there; only of a run that is shown in full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub happened: Option<TargetHistory>,
}

impl RunReport {
    /// A run without its calls.
    pub fn summary(history: &RunHistory) -> Self {
        Self::new(history, |_| None)
    }

    /// A run with the complete content of its journal.
    pub fn complete(history: &RunHistory) -> Self {
        Self::new(history, |target| Some(target.clone()))
    }

    fn new(
        history: &RunHistory,
        happened: impl Fn(&TargetHistory) -> Option<TargetHistory>,
    ) -> Self {
        let ended = match history.end.as_ref().map(|end| end.by) {
            Some(EndedBy::Run) => RunEnding::InGoodOrder,
            Some(EndedBy::Recovery) => RunEnding::ByALaterRun,
            None => RunEnding::NotYet,
        };
        let target = |info: &TargetInfo| RunTarget {
            target: info.clone(),
            happened: history.targets.get(&info.name).and_then(&happened),
        };
        let run = &history.run;
        Self {
            run: run.run.clone(),
            time: run.time,
            kind: run.kind.clone(),
            tool_version: run.tool_version.clone(),
            plan: run.plan.clone(),
            commit: run.commit.clone(),
            signed_by: run.signed_by.clone(),
            plan_signed_by: run.plan_signed_by.clone(),
            ended,
            ended_at: history.end.as_ref().map(|end| end.time),
            calls: history.counts(),
            damaged_lines: history.unreadable,
            targets: run.targets.iter().map(target).collect(),
        }
    }

    /// `Run ID`, `production (acme @ hub.docker.com)`, `main@059b4b5`, `12 s`.
    pub fn title(&self) -> Vec<String> {
        let targets = self.targets.iter().map(|target| {
            format!(
                "{} ({})",
                neutral(&target.target.name),
                neutral(&target.target.address())
            )
        });
        let kind = match &self.kind {
            RunKind::Apply => None,
            RunKind::Rollback(_) | RunKind::Call(_) => Some(self.kind()),
        };
        let commit = self.commit.as_ref().map(super::commit::short);
        let seconds = self.ended_at.map(|end| {
            let seconds = (end - self.time)
                .total(jiff::Unit::Second)
                .unwrap_or_default();
            format!("{seconds:.0} s")
        });
        std::iter::once(format!("Run {}", self.run))
            .chain(kind)
            .chain(targets)
            .chain(commit)
            .chain(seconds)
            .collect()
    }

    fn kind(&self) -> String {
        match &self.kind {
            RunKind::Apply => "apply".to_owned(),
            RunKind::Rollback(run) => format!("rollback of {run}"),
            RunKind::Call(call) => format!("call of {}", neutral(&call.operation)),
        }
    }

    fn end(&self) -> &'static str {
        match self.ended {
            RunEnding::InGoodOrder => "",
            RunEnding::ByALaterRun => ", ended by a later run",
            RunEnding::NotYet => ", has not ended",
        }
    }
}

/// The runs as JSON.
///
/// # Errors
/// The report cannot be serialized, which does not happen for plain data.
pub fn json(runs: Vec<RunReport>) -> serde_json::Result<String> {
    let report = RunsReport {
        format_version: FORMAT_VERSION,
        runs,
    };
    let text = serde_json::to_string_pretty(&report)? + "\n";
    Ok(neutral_json(&text).into_owned())
}

pub fn line(run: &RunReport) -> String {
    let targets: Vec<&str> = run
        .targets
        .iter()
        .map(|target| target.target.name.as_str())
        .collect();
    format!(
        "{}  {}  {}  {}{}\n",
        run.run,
        run.kind(),
        neutral(&targets.join(", ")),
        counts(&run.calls),
        run.end()
    )
}

/// A run with all its calls and the previous state of each object.
pub fn human(run: &RunReport, layout: Layout) -> String {
    let painter = layout.painter;
    let title = layout.parts(&run.title());
    let mut text = format!("{}\n", painter.strong(title.trim_end()));
    text.push_str(&format!("  {}{}\n", counts(&run.calls), run.end()));
    if run.calls.missing() > 0 {
        text.push_str("  Access now: not checked; polwarden plan compares the live state with the manifests\n");
    }
    text.push_str(&format!(
        "  {} at {:.3} by polwarden {}, plan {}\n",
        run.kind(),
        run.time,
        neutral(&run.tool_version),
        run.plan
    ));
    if let Some(commit) = &run.commit {
        text.push_str(&format!(
            "  {}\n",
            super::commit::line(commit, |text| neutral(text).into_owned())
        ));
    }
    if let Some(signed_by) = &run.signed_by {
        text.push_str(&format!(
            "  signed by {}\n",
            super::audit::signer(signed_by)
        ));
    }
    if let Some(signed_by) = &run.plan_signed_by {
        text.push_str(&format!(
            "  plan signed by {}\n",
            super::audit::signer(signed_by)
        ));
    }
    if let RunKind::Call(call) = &run.kind {
        for (name, value) in &call.fields {
            text.push_str(&format!(
                "  {}: {}\n",
                neutral(name),
                neutral(&value.to_string())
            ));
        }
    }
    if run.damaged_lines > 0 {
        text.push_str(&format!(
            "  {} of its journal cannot be read\n",
            count_of(run.damaged_lines, "line")
        ));
    }
    for RunTarget { target, happened } in &run.targets {
        text.push_str(&format!("\n{}\n", target_heading(target)));
        let Some(TargetHistory {
            before,
            planned: _,
            calls,
            not_sent,
        }) = happened
        else {
            continue;
        };
        calls
            .iter()
            .for_each(|call| text.push_str(&call_lines(call, painter)));
        not_sent
            .iter()
            .for_each(|unsent| text.push_str(&unsent_lines(unsent, painter)));
        if !before.is_empty() {
            text.push_str("  What was there before:\n");
        }
        before
            .iter()
            .for_each(|object| text.push_str(&format!("    {}\n", object_line(object))));
    }
    text
}

fn call_lines(call: &RunCall, painter: Painter) -> String {
    let RunCall { intent, answer } = call;
    let what = describe_sent(&intent.send, &intent.name, intent.part.as_deref());
    let number = format!("{:>3}", intent.call.0);
    let Some(answer) = answer else {
        return format!(
            "{number} {} {what}: {}\n",
            painter.bad("?"),
            painter.bad("it was begun, and no answer is known")
        );
    };
    let CallAnswer {
        time: _,
        target: _,
        call: _,
        result,
        server_time: _,
        read_back,
        error,
        request_id,
        other_writer,
    } = answer;
    let found = if *read_back {
        " (determined by reading the object)"
    } else {
        ""
    };
    let mut text = match result {
        CallResult::Applied(left) => {
            let left = left_line(left)
                .map(|left| indented(&format!("left: {left}")))
                .unwrap_or_default();
            format!("{number} {} {what}{found}{left}", painter.good("✓"))
        }
        CallResult::Adopted(_) => {
            format!(
                "{number} {} {what}: adopted (already in the desired state, made by another client)",
                painter.good("=")
            )
        }
        CallResult::Failed => {
            format!(
                "{number} {} {what}: {}{found}",
                painter.bad("✗"),
                painter.bad("failed, not applied")
            )
        }
        CallResult::Unknown => {
            format!(
                "{number} {} {what}: {}{found}",
                painter.bad("?"),
                painter.bad("it may have been applied")
            )
        }
    };
    let error = error.as_ref().map(|error| indented(error));
    let request = request_id
        .as_ref()
        .map(|id| indented(&format!("request {id}")));
    text.extend(error.into_iter().chain(request));
    text.extend(other_writer.as_ref().map(changed_elsewhere));
    text.push('\n');
    text
}

fn changed_elsewhere(difference: &ObjectDifference) -> String {
    format!(
        "{}{}",
        indented("changed by another client:"),
        expected_and_found(difference)
    )
}

fn unsent_lines(unsent: &UnsentCall, painter: Painter) -> String {
    let UnsentCall {
        time: _,
        target: _,
        call,
        name,
        part,
        change: _,
        operation,
        result,
        other_writer,
    } = unsent;
    let part = part
        .as_ref()
        .map(|part| format!(" \"{}\" of", neutral(part)))
        .unwrap_or_default();
    let what = format!("{}{part} \"{}\"", operation.words(), neutral(name));
    let (sign, says) = match result {
        UnsentResult::Adopted { .. } => (
            painter.good("="),
            "adopted (already in the desired state, made by another client)".to_owned(),
        ),
        UnsentResult::Failed { error } => (
            painter.bad("✗"),
            format!("{}{}", painter.bad("failed, not sent"), indented(error)),
        ),
        UnsentResult::Skipped(reason) => (
            painter.dim("·"),
            format!("skipped, {}", skip_reason(*reason)),
        ),
    };
    let other = other_writer.as_ref().map(changed_elsewhere);
    format!(
        "{:>3} {sign} {what}: {says}{}\n",
        call.0,
        other.unwrap_or_default()
    )
}

fn left_line(left: &StateAfterWrite) -> Option<String> {
    match left {
        StateAfterWrite::Policy(policy) => Some(policy_line(policy)),
        StateAfterWrite::Rule { policy: _, rule } => Some(rule_line(rule)),
        StateAfterWrite::Begun { version } => Some(format!("version number {version}")),
        StateAfterWrite::NoPolicy { .. }
        | StateAfterWrite::NoRule { .. }
        | StateAfterWrite::AsSent => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_golden_journal_is_written_byte_for_byte() {
        let journal = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/golden/journal/records.jsonl"
        ));
        let golden = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/golden/journal/runs.json"
        ));
        let path = camino::Utf8Path::new("j");
        let history = RunHistory::parse(journal.as_bytes(), path).unwrap();
        let runs = vec![RunReport::summary(&history), RunReport::complete(&history)];
        assert_eq!(json(runs).unwrap(), golden);
    }
}
