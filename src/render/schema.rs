//! JSON Schemas of machine-readable output.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

use super::apply_events::ApplyEvent;
use super::config_view::ConfigReport;
use super::diagnostics::DiagnosticsReport;
use super::doctor::DoctorReport;
use super::explain::Explanation;
use super::listing::ListReport;
use super::policy_tests::TestReport;
use super::replay::ReplayReport;
use super::rules::RuleEntry;
use super::runs::RunsReport;
use crate::plan::{DriftReport, Plan};
use crate::run::audit::AuditReport;
use crate::run::journal::JournalRecord;
use manifest::schema::SchemaFile;
use traffic::TrafficLine;

/// For formats that are written and read.
macro_rules! both {
    ($name:literal, $type:ty) => {
        SchemaFile {
            name: $name,
            text: generated::<$type>($name, true),
        }
    };
}

/// For formats that are only written.
macro_rules! written {
    ($name:literal, $type:ty) => {
        SchemaFile {
            name: $name,
            text: generated::<$type>($name, false),
        }
    };
}

/// The schemas of all machine-readable formats.
pub fn all() -> Vec<SchemaFile> {
    vec![
        both!("plan.schema.json", Plan),
        both!("journal.schema.json", JournalRecord),
        both!("audit.schema.json", AuditReport),
        written!("diagnostics.schema.json", DiagnosticsReport),
        written!("test-report.schema.json", TestReport),
        written!("runs.schema.json", RunsReport),
        both!("drift.schema.json", DriftReport),
        written!("explain.schema.json", Explanation),
        written!("rule.schema.json", RuleEntry),
        written!("apply-events.schema.json", ApplyEvent),
        both!("traffic.schema.json", TrafficLine),
        written!("replay.schema.json", ReplayReport),
        written!("list.schema.json", ListReport),
        written!("doctor.schema.json", DoctorReport),
        written!("config-view.schema.json", ConfigReport),
    ]
}

/// The text of a schema. For formats that are only written, a field is optional only if the
/// serializer may omit it.
fn generated<T: JsonSchema>(name: &str, is_read: bool) -> String {
    let settings = SchemaSettings::draft2020_12();
    let settings = if is_read {
        settings
    } else {
        settings.for_serialize()
    };
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert(
        "$id".to_owned(),
        format!(
            "urn:polwarden:schema:{}",
            name.trim_end_matches(".schema.json")
        )
        .into(),
    );
    let mut text = serde_json::to_string_pretty(schema.as_value()).unwrap_or_default();
    text.push('\n');
    text
}
