//! JSON Schemas (2020-12), generated from the types that deserialize the files. Editors use them,
//! and every document is validated before it is deserialized.

mod check;
mod expected;
mod integers;
mod kind;
mod repair;
#[cfg(test)]
mod tests;
mod transform;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use crate::config::Provider;

pub(super) use check::{check, kind_of};
pub(super) use expected::QUOTE_HELP;
pub(super) use integers::convert_integers;
pub(super) use kind::ManifestKind;
pub(super) use repair::{RepairedValue, repair};

/// A generated schema, as it is committed in `schemas/` and written by `polwarden schema`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFile {
    /// The file's name, without folder.
    pub name: &'static str,
    /// The file's content: JSON, indented by two spaces, with a line end.
    pub text: String,
}

/// The name of the schema that fits every file of a repository and chooses by `apiVersion` and `kind`.
pub(crate) const UNION: &str = "polwarden.schema.json";

/// All schemas: one for each kind, then the union. The same build always gives the same bytes.
pub fn all() -> Vec<SchemaFile> {
    of_kinds(ManifestKind::ALL)
}

/// The schemas of the files in a repository with targets of one provider.
pub fn of_provider(provider: Provider) -> Vec<SchemaFile> {
    let kinds = ManifestKind::ALL.iter().copied();
    let kinds: Vec<ManifestKind> = kinds.filter(|kind| kind.is_used_with(provider)).collect();
    of_kinds(&kinds)
}

fn of_kinds(kinds: &[ManifestKind]) -> Vec<SchemaFile> {
    let each = kinds.iter().map(|kind| SchemaFile {
        name: kind.file(),
        text: kind.schema_text(),
    });
    let union = SchemaFile {
        name: UNION,
        text: text(&union(kinds)),
    };
    each.chain([union]).collect()
}

/// The schema of one kind, self-contained.
fn of_kind(kind: ManifestKind) -> Value {
    // Tests ensure that the committed schema is the generated JSON.
    serde_json::from_str(&kind.schema_text()).unwrap_or_default()
}

/// The text of a kind's schema, generated.
fn generated(kind: ManifestKind) -> String {
    let mut schema = schema_of(kind);
    schema.insert("$id".to_owned(), json!(id(kind.file())));
    text(&reorder(schema.to_value()))
}

fn schema_of(kind: ManifestKind) -> Schema {
    match kind {
        ManifestKind::Policy => generate::<super::docker::DockerPolicyManifest>(),
        ManifestKind::ResourceList => generate::<super::list::ResourceListManifest>(),
        ManifestKind::PolicyTest => generate::<super::test::PolicyTestManifest>(),
        ManifestKind::PolicyPack => generate::<super::pulumi::PolicyPackManifest>(),
        ManifestKind::PolicyGroup => generate::<super::pulumi::PulumiPolicyGroupManifest>(),
        ManifestKind::ChainloopPolicy => generate::<super::chainloop::ChainloopPolicyManifest>(),
        ManifestKind::ChainloopGroup => {
            generate::<super::chainloop::ChainloopPolicyGroupManifest>()
        }
        ManifestKind::Config => generate::<super::config::Config>(),
        ManifestKind::Lock => generate::<super::lock::LockFile>(),
    }
}

fn generate<T: JsonSchema>() -> Schema {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings
        .with_transform(RecursiveTransform(transform::tidy))
        .into_generator()
        .into_root_schema_for::<T>()
}

/// Chooses by `apiVersion` and `kind`, so that an editor offers and checks only what fits the document. It is put together
/// from the schemas of the kinds, which a release carries.
fn union(kinds: &[ManifestKind]) -> Value {
    let set = |mut texts: Vec<&'static str>| {
        texts.sort_unstable();
        texts.dedup();
        texts
    };
    let versions = set(kinds
        .iter()
        .flat_map(|kind| kind.api_versions())
        .copied()
        .collect());
    let names = set(kinds.iter().map(|kind| kind.name()).collect());
    let other = set(kinds
        .iter()
        .filter_map(|kind| kind.other_spelling())
        .collect());
    let mut properties = serde_json::Map::new();
    properties.insert(
        "apiVersion".to_owned(),
        json!({ "enum": versions, "description": "The version of the file's format." }),
    );
    properties.insert(
        "kind".to_owned(),
        json!({ "enum": names, "description": "What the file declares." }),
    );
    let mut version = vec![json!({ "required": ["apiVersion"] })];
    for spelling in other {
        properties.insert(
            spelling.to_owned(),
            json!({ "description": "Another spelling of `apiVersion`." }),
        );
        version.push(json!({ "required": [spelling] }));
    }
    let branches = kinds.iter().flat_map(|kind| {
        ["apiVersion"]
            .into_iter()
            .chain(kind.other_spelling())
            .map(|spelling| branch(*kind, spelling))
    });
    let definitions = kinds.iter().map(|kind| {
        let mut schema = of_kind(*kind);
        if let Value::Object(schema) = &mut schema {
            schema.shift_remove("$schema");
            schema.shift_remove("$id");
        }
        (kind.definition().to_owned(), schema)
    });
    let description = "A file of a polwarden repository: the configuration, a policy, a resource list, a policy test, a policy pack, a policy group \
         or the lock file.";
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": id(UNION),
        "title": "polwarden file",
        "description": description,
        "type": "object",
        "required": ["kind"],
        "anyOf": version,
        "properties": properties,
        "allOf": branches.collect::<Vec<_>>(),
        "$defs": definitions.collect::<serde_json::Map<_, _>>()
    })
}

/// What holds for documents of a kind, told by one spelling of `apiVersion`.
fn branch(kind: ManifestKind, spelling: &str) -> Value {
    let version = match kind.api_versions() {
        [only] => json!({ "const": only }),
        several => json!({ "enum": several }),
    };
    json!({
        "if": {
            "required": [spelling, "kind"],
            "properties": { spelling: version, "kind": { "const": kind.name() } }
        },
        "then": { "$ref": format!("#/$defs/{}", kind.definition()) }
    })
}

/// An identifier that names no host.
fn id(file: &str) -> String {
    format!(
        "urn:polwarden:schema:{}",
        file.trim_end_matches(".schema.json")
    )
}

/// Puts what a reader looks for first in front.
fn reorder(schema: Value) -> Value {
    let Value::Object(mut rest) = schema else {
        return schema;
    };
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
