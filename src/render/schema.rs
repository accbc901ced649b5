//! JSON Schemas of what is written for machines.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

use super::diagnostics::Report;
use super::explain::Explanation;
use super::policy_tests::TestReport;
use super::runs::RunsReport;
use crate::apply::audit::AuditReport;
use crate::apply::journal::Record;
use crate::manifest::schema::SchemaFile;
use crate::plan::{DriftReport, Plan};

/// The schemas of plans, of the lines of journals, of audit records, of runs, of findings, of the results of policy tests and of answers.
pub fn all() -> Vec<SchemaFile> {
    vec![
        file::<Plan>("plan.schema.json", "urn:polwarden:schema:plan", SchemaSettings::draft2020_12()),
        file::<Record>("journal.schema.json", "urn:polwarden:schema:journal", SchemaSettings::draft2020_12()),
        file::<AuditReport>("audit.schema.json", "urn:polwarden:schema:audit", SchemaSettings::draft2020_12()),
        // Findings are written only, so what may be left out is what the serializer leaves out.
        file::<Report>(
            "diagnostics.schema.json",
            "urn:polwarden:schema:diagnostics",
            SchemaSettings::draft2020_12().for_serialize(),
        ),
        file::<TestReport>(
            "test-report.schema.json",
            "urn:polwarden:schema:test-report",
            SchemaSettings::draft2020_12().for_serialize(),
        ),
        file::<RunsReport>(
            "runs.schema.json",
            "urn:polwarden:schema:runs",
            SchemaSettings::draft2020_12().for_serialize(),
        ),
        file::<DriftReport>("drift.schema.json", "urn:polwarden:schema:drift", SchemaSettings::draft2020_12()),
        file::<Explanation>(
            "explain.schema.json",
            "urn:polwarden:schema:explain",
            SchemaSettings::draft2020_12().for_serialize(),
        ),
    ]
}

fn file<T: JsonSchema>(name: &'static str, id: &'static str, settings: SchemaSettings) -> SchemaFile {
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("$id".to_owned(), id.into());
    let mut text = serde_json::to_string_pretty(schema.as_value()).unwrap_or_default();
    text.push('\n');
    SchemaFile { name, text }
}
