//! JSON Schemas of what is written for machines.

use schemars::{JsonSchema, SchemaGenerator};

use super::diagnostics::Report;
use crate::manifest::schema::SchemaFile;
use crate::plan::Plan;

/// The schemas of plans and of findings.
pub fn all() -> Vec<SchemaFile> {
    vec![
        file::<Plan>("plan.schema.json", "urn:polwarden:schema:plan"),
        file::<Report>("diagnostics.schema.json", "urn:polwarden:schema:diagnostics"),
    ]
}

fn file<T: JsonSchema>(name: &'static str, id: &'static str) -> SchemaFile {
    let mut schema = SchemaGenerator::default().into_root_schema_for::<T>();
    schema.insert("$id".to_owned(), id.into());
    let mut text = serde_json::to_string_pretty(schema.as_value()).unwrap_or_default();
    text.push('\n');
    SchemaFile { name, text }
}
