//! Renders the live objects of targets.

use schemars::JsonSchema;
use serde::Serialize;

use super::paint::Painter;
use super::plan::target_heading;
use super::text::{neutral, neutral_json};
use crate::plan::{ResourceKind, SourceRef, TargetInfo};

/// The version of this format; a change that breaks readers raises it.
pub const FORMAT_VERSION: u32 = 1;

/// The live objects of targets.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The targets, in the order of the configuration.
    pub targets: Vec<ListedTarget>,
}

/// The live objects of one target.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListedTarget {
    /// The target.
    pub target: TargetInfo,
    /// Its live objects, by kind and name.
    pub objects: Vec<ListedObject>,
    /// Why there may be more objects; missing if these are all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
}

/// One live object.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListedObject {
    /// The kind.
    pub kind: ResourceKind,
    /// The name.
    pub name: String,
    /// The id at the service, or the digest of a document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// A description of the content.
    pub content: String,
    /// A description of the people that it applies to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// The time of the last change, as the server writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
    /// Whether manifests manage it.
    pub status: ManagedStatus,
    /// Where it is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
}

/// Whether manifests manage a live object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ManagedStatus {
    /// A manifest declares it.
    Declared,
    /// No manifest declares it, and the target lists it as known.
    Known,
    /// No manifest declares it, and the target lists it in `removed`.
    Removed,
    /// No manifest declares it.
    Unmanaged,
    /// No valid manifest declares it, and some manifests are invalid.
    Unknown,
}

impl ManagedStatus {
    fn words(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Known => "unmanaged (known)",
            Self::Removed => "to be removed",
            Self::Unmanaged => "unmanaged",
            Self::Unknown => "unknown: some manifests are invalid",
        }
    }
}

/// The objects as JSON.
///
/// # Errors
/// The report cannot be serialized, which does not happen for plain data.
pub fn json(targets: Vec<ListedTarget>) -> serde_json::Result<String> {
    let report = ListReport {
        format_version: FORMAT_VERSION,
        targets,
    };
    let text = serde_json::to_string_pretty(&report)? + "\n";
    Ok(neutral_json(&text).into_owned())
}

/// One target: a heading, and a table with a row for each object.
pub fn human(listed: &ListedTarget, painter: Painter) -> String {
    let ListedTarget {
        target,
        objects,
        incomplete,
    } = listed;
    let mut text = format!("{}\n", painter.strong(&target_heading(target)));
    let rows: Vec<[String; 5]> = objects.iter().map(row).collect();
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for (row, object) in rows.iter().zip(objects) {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        let line = format!("  {}", cells.join("  "));
        let line = line.trim_end();
        if object.status == ManagedStatus::Declared {
            text.push_str(line);
        } else {
            text.push_str(&painter.notice(line));
        }
        text.push('\n');
    }
    if objects.is_empty() {
        text.push_str("  No live objects.\n");
    }
    if let Some(why) = incomplete {
        text.push_str(&format!("  Incomplete: {}.\n", neutral(why)));
    }
    text
}

fn row(object: &ListedObject) -> [String; 5] {
    let ListedObject {
        kind,
        name,
        id: _,
        content,
        audience,
        updated_at: _,
        status,
        source,
    } = object;
    let (kind, _) = kind.words();
    [
        kind.to_owned(),
        neutral(name).into_owned(),
        neutral(content).into_owned(),
        neutral(audience.as_deref().unwrap_or_default()).into_owned(),
        match source {
            Some(SourceRef { file, line }) => format!("{}:{line}", neutral(file)),
            None => status.words().to_owned(),
        },
    ]
}
