//! Renders the effective settings with their sources.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::text::{neutral, neutral_json};

/// The version of this format; a change that breaks readers raises it.
pub const FORMAT_VERSION: u32 = 1;

/// The effective settings.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The settings, in the order of the configuration file; then those of services and the environment.
    pub settings: Vec<Setting>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Setting {
    /// The path of the setting, such as `targets[0].organization`.
    pub key: String,
    /// The value. A value that may be a secret is replaced by `(set)`.
    pub value: Value,
    /// Where the value comes from.
    pub source: SettingSource,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "kind", deny_unknown_fields)]
pub enum SettingSource {
    /// A line of the configuration file.
    File {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u32,
    },
    /// An option of this command.
    Option {
        /// The option.
        option: String,
    },
    /// An environment variable.
    Variable {
        /// The variable.
        variable: String,
    },
    /// The default value.
    Default,
}

/// The settings as JSON.
///
/// # Errors
/// The report cannot be serialized, which does not happen for plain data.
pub fn json(settings: Vec<Setting>) -> serde_json::Result<String> {
    let report = ConfigReport {
        format_version: FORMAT_VERSION,
        settings,
    };
    let text = serde_json::to_string_pretty(&report)? + "\n";
    Ok(neutral_json(&text).into_owned())
}

/// One line for each setting: key, value and source.
pub fn human(settings: &[Setting]) -> String {
    let rows: Vec<(String, String)> = settings
        .iter()
        .map(|setting| {
            let value = match &setting.value {
                Value::String(text) => neutral(text).into_owned(),
                other => neutral(&other.to_string()).into_owned(),
            };
            (
                format!("{} = {value}", neutral(&setting.key)),
                source(&setting.source),
            )
        })
        .collect();
    // A long value does not move the sources of all others.
    let width = rows
        .iter()
        .map(|(text, _)| text.chars().count())
        .filter(|width| *width <= 60)
        .max()
        .unwrap_or_default();
    rows.iter()
        .map(|(text, source)| format!("{text:width$}  # {source}\n"))
        .collect()
}

fn source(source: &SettingSource) -> String {
    match source {
        SettingSource::File { file, line } => format!("{}:{line}", neutral(file)),
        SettingSource::Option { option } => option.clone(),
        SettingSource::Variable { variable } => format!("environment variable {variable}"),
        SettingSource::Default => "default".to_owned(),
    }
}
