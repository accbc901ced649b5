//! Chainloop's own documents `Policy` and `PolicyGroup`, used unchanged.
//!
//! The fields are those of the vendor's published schemas. The vendor accepts two spellings of each
//! field, such as `findingType` and `finding_type`. Such a field is therefore represented by two
//! fields here, and at most one may be present.

mod group;
pub mod inline;
mod material;
mod policy;
pub mod reference;
mod split;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::yaml;
use model::chainloop::{DocumentBytes, DocumentKind};
use model::diag::{
    Code, Diagnostic, DocumentId, Path, PathSegment, Place, SourceMap, did_you_mean,
};

pub use group::{
    Attachment, ChainloopGroupSpec, ChainloopPolicyGroupManifest, GroupDocument, GroupMaterial,
    GroupPolicies, MatchMode, Selector,
};
pub use material::MaterialType;
pub use policy::{
    AutoMatch, ChainloopPolicyManifest, ChainloopPolicySpec, InputSpec, Phase, Script, ScriptSource,
};
pub use split::{DocumentRange, split};

/// The `apiVersion` of Chainloop's documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ApiVersion")]
pub enum ChainloopApiVersion {
    /// The short name of the only version so far.
    #[serde(rename = "chainloop.dev/v1")]
    V1,
    /// The long name of the same version.
    #[serde(rename = "workflowcontract.chainloop.dev/v1")]
    Long,
}

/// The `kind` of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ChainloopPolicyKind")]
pub enum ChainloopPolicyKind {
    /// A policy.
    Policy,
}

/// The `kind` of a policy group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ChainloopGroupKind")]
pub enum ChainloopGroupKind {
    /// A policy group.
    PolicyGroup,
}

/// The type of the structured violations that a policy reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FindingType {
    /// Vulnerabilities.
    Vulnerability,
    /// Results of static analysis.
    Sast,
    /// License violations.
    LicenseViolation,
}

/// The name and the description of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ChainloopMetadata")]
pub struct ChainloopMetadata {
    /// The name, unique among the documents of its kind in the organization: small letters, digits and `-`. It is the
    /// identity; the service knows no way to change it.
    #[schemars(example = &"sbom-freshness")]
    pub name: String,
    /// The description of the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Annotations for users and other tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
    /// The organization of the document; if set, it must be the target's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The type of the structured violations of the policy. The engine validates them against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding_type: Option<FindingType>,
    /// Alternative spelling of `findingType`.
    #[serde(
        rename = "finding_type",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub finding_type_snake: Option<FindingType>,
}

/// A policy with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyDocument {
    pub manifest: ChainloopPolicyManifest,
    /// The bytes that are sent. The digest is computed from them.
    pub bytes: DocumentBytes,
}

/// A document of either kind.
#[derive(Debug, Clone, Copy)]
pub enum NativeDocument<'a> {
    Policy(&'a PolicyDocument),
    Group(&'a GroupDocument),
}

impl<'a> NativeDocument<'a> {
    pub fn kind(self) -> DocumentKind {
        match self {
            Self::Policy(_) => DocumentKind::Policy,
            Self::Group(_) => DocumentKind::PolicyGroup,
        }
    }

    pub fn metadata(self) -> &'a ChainloopMetadata {
        match self {
            Self::Policy(policy) => &policy.manifest.metadata,
            Self::Group(group) => &group.manifest.metadata,
        }
    }

    pub fn bytes(self) -> &'a DocumentBytes {
        match self {
            Self::Policy(policy) => &policy.bytes,
            Self::Group(group) => &group.bytes,
        }
    }
}

/// All values of `apiVersion`.
pub(super) const API_VERSIONS: &[&str] = &["chainloop.dev/v1", "workflowcontract.chainloop.dev/v1"];

/// Whether a document is one of Chainloop's kinds that are managed here.
fn is_native(value: &Value) -> bool {
    is_version(value) && kind_of(value).is_some_and(|kind| KINDS.contains(&kind))
}

const KINDS: [&str; 2] = ["Policy", "PolicyGroup"];

fn is_version(value: &Value) -> bool {
    let spellings = ["apiVersion", "api_version"];
    let mut versions = spellings
        .iter()
        .filter_map(|name| value.get(name)?.as_str());
    versions.any(|version| API_VERSIONS.contains(&version))
}

fn kind_of(value: &Value) -> Option<&str> {
    value.get("kind")?.as_str()
}

/// The note about a document of Chainloop that is not managed here: a contract, or another kind.
/// Repositories keep them next to policies. A kind that looks like a misspelled one is an error.
pub(super) fn skipped(document: DocumentId, value: &Value) -> Option<Diagnostic> {
    let (field, kind) = match kind_of(value) {
        Some(kind) if is_version(value) => ("kind", kind),
        // Contracts of the first version have neither `apiVersion` nor `kind`.
        None if is_first_contract(value) => ("schemaVersion", "Contract"),
        Some(_) | None => return None,
    };
    let is_name = kind.starts_with(|first: char| first.is_ascii_uppercase())
        && kind.chars().all(|c| c.is_ascii_alphanumeric());
    if !is_name || KINDS.contains(&kind) || did_you_mean(KINDS, kind).is_some() {
        return None;
    }
    let place = Place::value(document, Path::root().key(field));
    let message =
        format!("skipped: polwarden does not manage Chainloop documents of kind `{kind}`");
    let help = "it can stay; move it out of the paths of the targets to hide this note";
    Some(Diagnostic::new(Code::DocumentSkipped, message, place).help(help))
}

fn is_first_contract(value: &Value) -> bool {
    let has = |name: &str| value.get(name).is_some();
    value.get("schemaVersion").and_then(Value::as_str) == Some("v1")
        && !["apiVersion", "api_version", "kind"].into_iter().any(has)
}

/// The value without fields that are `null`, which means unset in Chainloop's documents. `None` for
/// documents without such fields and for documents of other services.
pub(super) fn without_nulls(value: &Value) -> Option<Value> {
    (is_native(value) && contains_null(value)).then(|| {
        let mut value = value.clone();
        remove_nulls(&mut value);
        value
    })
}

fn contains_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.values().any(contains_null),
        Value::Array(items) => items.iter().any(contains_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn remove_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(remove_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The text of one document of a file. It must have the same meaning on its own as in the file.
/// `pieces` are the documents of the text as split by lines; the parser found `count` documents.
///
/// # Errors
/// The document cannot be separated from the others of its file.
pub(super) fn standalone_text<'t>(
    document: DocumentId,
    text: &'t str,
    pieces: &[DocumentRange],
    count: u32,
    value: &Value,
) -> Result<&'t str, Vec<Diagnostic>> {
    let own = usize::try_from(document.index)
        .ok()
        .and_then(|index| pieces.get(index));
    if let Some(piece) = own.filter(|_| u32::try_from(pieces.len()) == Ok(count)) {
        let own = piece.text_in(text);
        let alone = || {
            !split::has_content_after_end(own)
                && single_document(document, own).as_ref() == Some(value)
        };
        if count == 1 || alone() {
            return Ok(own);
        }
    }
    let message = "cannot separate the text of this document from the other documents of the file";
    let finding = Diagnostic::new(
        Code::YamlUnsupported,
        message,
        Place::value(document, Path::root()),
    );
    Err(vec![finding.help(
        "write it into a file of its own, or part the documents by `---` and nothing else",
    )])
}

fn single_document(document: DocumentId, text: &str) -> Option<Value> {
    let yaml::RawFile {
        documents,
        diagnostics,
        count,
        empty: _,
    } = yaml::read(document.file, text);
    match (count, documents.into_iter().next()) {
        (1, Some(first)) if diagnostics.is_empty() => Some(first.value),
        _ => None,
    }
}

/// Replaces arguments of attachments by their source text: the vendor reads `1.0` and `true` as
/// strings there. `text` is the text of the document.
pub(super) fn arguments_as_written(text: &str, value: &mut Value) {
    let mut written = None;
    each_arguments(value, &mut |path, arguments| {
        for (name, value) in arguments {
            if !matches!(value, Value::Bool(_) | Value::Number(_)) {
                continue;
            }
            let written = written.get_or_insert_with(|| {
                let file = SourceMap::default().add("", "");
                yaml::read_as_text(file, text).unwrap_or_default()
            });
            let source = find(written, path)
                .and_then(|arguments| arguments.get(name))
                .and_then(Value::as_str);
            *value = Value::String(source.map_or_else(|| value.to_string(), str::to_owned));
        }
    });
}

/// Calls a function with the arguments of each attached policy and their path.
fn each_arguments(value: &mut Value, each: &mut impl FnMut(&Path, &mut Map<String, Value>)) {
    let policies = Path::root().key("spec").key("policies");
    let attestation = policies.clone().key("attestation");
    each_attachment(find_mut(value, &attestation), &attestation, each);
    let materials = policies.key("materials");
    let count = find(value, &materials)
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    for index in 0..count {
        let path = materials.clone().index(index).key("policies");
        each_attachment(find_mut(value, &path), &path, each);
    }
}

fn each_attachment(
    list: Option<&mut Value>,
    path: &Path,
    each: &mut impl FnMut(&Path, &mut Map<String, Value>),
) {
    let attachments = list.and_then(Value::as_array_mut).into_iter().flatten();
    for (index, attachment) in attachments.enumerate() {
        if let Some(Value::Object(arguments)) = attachment.get_mut("with") {
            each(&path.clone().index(index).key("with"), arguments);
        }
    }
}

fn find<'v>(value: &'v Value, path: &Path) -> Option<&'v Value> {
    let mut segments = path.segments().iter();
    segments.try_fold(value, |value, segment| match segment {
        PathSegment::Key(key) => value.get(key),
        PathSegment::Index(index) => value.get(index),
    })
}

fn find_mut<'v>(value: &'v mut Value, path: &Path) -> Option<&'v mut Value> {
    let mut segments = path.segments().iter();
    segments.try_fold(value, |value, segment| match segment {
        PathSegment::Key(key) => value.get_mut(key),
        PathSegment::Index(index) => value.get_mut(index),
    })
}
