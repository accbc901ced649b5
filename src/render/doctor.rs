//! Renders the checks of `doctor`.

use schemars::JsonSchema;
use serde::Serialize;

use super::paint::Painter;
use super::text::{count_of, neutral, neutral_json};

/// The version of this format; a change that breaks readers raises it.
pub const FORMAT_VERSION: u32 = 1;

/// What `doctor` checked.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DoctorReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The version of polwarden.
    pub tool_version: String,
    /// Whether no check failed.
    pub passed: bool,
    /// The checks, in the order in which they were made.
    pub checks: Vec<DoctorCheck>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DoctorCheck {
    /// What was checked.
    pub check: CheckKind,
    /// The target, if the check concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The result.
    pub status: CheckStatus,
    /// The description of the result.
    pub message: String,
    /// The cause of a failure or a warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What to do about a failure or a warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// The kind of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CheckKind {
    /// The configuration and the manifests.
    Configuration,
    /// The git repository.
    Git,
    /// Whether the server answers.
    Server,
    /// Whether the credentials are accepted.
    Account,
    /// Whether the account may read the policies.
    Read,
    /// Whether the account may change the policies.
    Write,
    /// Whether the server knows the configured teams.
    Teams,
    /// Whether the clocks agree.
    Clock,
}

impl CheckKind {
    fn words(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Git => "git",
            Self::Server => "server",
            Self::Account => "account",
            Self::Read => "read permission",
            Self::Write => "write permission",
            Self::Teams => "teams",
            Self::Clock => "clock",
        }
    }
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CheckStatus {
    /// It passed.
    Ok,
    /// It passed with a warning.
    Warning,
    /// It failed.
    Failed,
    /// The result is unknown.
    Unknown,
    /// It was not made because an earlier check failed.
    Skipped,
}

impl DoctorCheck {
    pub fn new(check: CheckKind, status: CheckStatus, message: impl Into<String>) -> Self {
        Self {
            check,
            target: None,
            status,
            message: message.into(),
            cause: None,
            remedy: None,
        }
    }

    #[must_use]
    pub fn cause(self, cause: impl Into<String>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..self
        }
    }

    #[must_use]
    pub fn remedy(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..self
        }
    }
}

impl DoctorReport {
    pub fn new(checks: Vec<DoctorCheck>) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            passed: !checks
                .iter()
                .any(|check| check.status == CheckStatus::Failed),
            checks,
        }
    }
}

/// The report as JSON.
///
/// # Errors
/// The report cannot be serialized, which does not happen for plain data.
pub fn json(report: &DoctorReport) -> serde_json::Result<String> {
    let text = serde_json::to_string_pretty(report)? + "\n";
    Ok(neutral_json(&text).into_owned())
}

/// One line for each check, grouped by target, with cause and remedy below it.
pub fn human(report: &DoctorReport, painter: Painter) -> String {
    let mut text = String::new();
    let mut target = None;
    for check in &report.checks {
        if check.target != target {
            target.clone_from(&check.target);
            if let Some(name) = &target {
                text.push_str(&format!("\n{}\n", painter.strong(&neutral(name))));
            }
        }
        let word = match check.status {
            CheckStatus::Ok => painter.good("ok     "),
            CheckStatus::Warning => painter.notice("warning"),
            CheckStatus::Failed => painter.bad("failed "),
            CheckStatus::Unknown => painter.dim("unknown"),
            CheckStatus::Skipped => painter.dim("skipped"),
        };
        let name = check.check.words();
        text.push_str(&format!(
            "  {word}  {name:16}  {}\n",
            neutral(&check.message)
        ));
        let parts = [("cause", &check.cause), ("remedy", &check.remedy)];
        for (label, part) in parts {
            if let Some(part) = part {
                text.push_str(&format!("           {label}: {}\n", neutral(part)));
            }
        }
    }
    let failed = report.checks.iter();
    let failed = failed
        .filter(|check| check.status == CheckStatus::Failed)
        .count();
    if failed == 0 {
        text.push_str("\nNo check failed.\n");
    } else {
        text.push_str(&format!("\n{} failed.\n", count_of(failed, "check")));
    }
    text
}
