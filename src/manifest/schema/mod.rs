//! JSON Schemas (2020-12), generated from the structs that read the files: for editors, and for the check of every
//! document before it is read into its type.

mod check;
mod committed;
mod expected;
mod kind;
#[cfg(test)]
mod tests;
mod transform;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

pub(super) use check::check;
pub(crate) use committed::schema_text;
pub(super) use kind::Kind;

/// A generated schema, as it is committed in `schemas/` and written by `polwarden schema`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFile {
    /// The file's name, without folder.
    pub name: &'static str,
    /// The file's content: JSON, indented by two spaces, with a line end.
    pub text: String,
}

/// The name of the schema that fits every file of a repository and chooses by `apiVersion` and `kind`.
pub const UNION: &str = "polwarden.schema.json";

/// All schemas: one for each kind, then the union. The same build always gives the same bytes.
pub fn all() -> Vec<SchemaFile> {
    let kinds = Kind::ALL.iter().map(|kind| SchemaFile { name: kind.file(), text: kind.schema_text() });
    let union = SchemaFile { name: UNION, text: schema_text!("polwarden.schema.json", text(&union())) };
    kinds.chain([union]).collect()
}

/// The schema of one kind, self-contained.
fn of_kind(kind: Kind) -> Value {
    // What is committed is what is generated, which is JSON: tests hold it to that.
    serde_json::from_str(&kind.schema_text()).unwrap_or_default()
}

/// The text of a kind's schema, generated.
fn generated(kind: Kind) -> String {
    let mut schema = schema_of(kind);
    schema.insert("$id".to_owned(), json!(id(kind.file())));
    text(&front(schema.to_value()))
}

fn schema_of(kind: Kind) -> Schema {
    match kind {
        Kind::Policy => generate::<super::docker::PolicyManifest>(),
        Kind::ResourceList => generate::<super::list::ResourceListManifest>(),
        Kind::PolicyTest => generate::<super::test::PolicyTestManifest>(),
        Kind::PolicyPack => generate::<super::pulumi::PolicyPackManifest>(),
        Kind::PolicyGroup => generate::<super::pulumi::PolicyGroupManifest>(),
        Kind::Config => generate::<super::config::Config>(),
        Kind::Lock => generate::<super::lock::Lock>(),
    }
}

fn generate<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.with_transform(RecursiveTransform(transform::tidy)).into_generator().into_root_schema_for::<T>()
}

/// Chooses by `apiVersion` and `kind`, so that an editor offers and checks only what fits the document.
fn union() -> Value {
    let texts = |text: fn(Kind) -> &'static str| {
        let mut texts: Vec<_> = Kind::ALL.iter().map(|kind| text(*kind)).collect();
        texts.sort_unstable();
        texts.dedup();
        texts
    };
    let branches = Kind::ALL.iter().map(|kind| {
        json!({
            "if": {
                "required": ["apiVersion", "kind"],
                "properties": { "apiVersion": { "const": kind.api_version() }, "kind": { "const": kind.name() } }
            },
            "then": { "$ref": format!("#/$defs/{}", kind.name()) }
        })
    });
    let definitions = Kind::ALL.iter().map(|kind| {
        let mut schema = schema_of(*kind);
        schema.remove("$schema");
        (kind.name().to_owned(), schema.to_value())
    });
    let description = "A file of a polwarden repository: the configuration, a policy, a resource list, a policy test, a policy pack, a policy group \
         or the lock file.";
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": id(UNION),
        "title": "polwarden file",
        "description": description,
        "type": "object",
        "required": ["apiVersion", "kind"],
        "properties": {
            "apiVersion": { "enum": texts(Kind::api_version), "description": "The version of the file's format." },
            "kind": { "enum": texts(Kind::name), "description": "What the file declares." }
        },
        "allOf": branches.collect::<Vec<_>>(),
        "$defs": definitions.collect::<serde_json::Map<_, _>>()
    })
}

/// An identifier that names no host.
fn id(file: &str) -> String {
    format!("urn:polwarden:schema:{}", file.trim_end_matches(".schema.json"))
}

/// Puts what a reader looks for first in front.
fn front(schema: Value) -> Value {
    let Value::Object(mut rest) = schema else { return schema };
    let mut ordered = serde_json::Map::new();
    for key in ["$schema", "$id", "title", "description"] {
        ordered.extend(rest.remove_entry(key));
    }
    ordered.extend(rest);
    Value::Object(ordered)
}

/// Indented text; a `Value` always has one.
fn text(schema: &Value) -> String {
    format!("{schema:#}\n")
}
