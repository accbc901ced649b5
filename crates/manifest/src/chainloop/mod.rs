//! Chainloop's own documents `Policy` and `PolicyGroup`, used unchanged.
//!
//! The fields are those of the vendor's published schemas. The vendor accepts two spellings of each
//! field, such as `findingType` and `finding_type`. A field with two spellings is therefore two
//! fields here, of which only one may be present.

mod group;
mod material;
mod policy;
mod split;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::yaml;
use model::chainloop::{DocumentBytes, DocumentKind};
use model::diag::{Code, Diagnostic, DocumentId, Path, PathSegment, Place, Spans};

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

/// What the structured findings of a policy are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FindingType {
    /// Vulnerabilities.
    Vulnerability,
    /// Findings of static analysis.
    Sast,
    /// Violations of licences.
    LicenseViolation,
}

/// What a document is called, and what is told about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ChainloopMetadata")]
pub struct ChainloopMetadata {
    /// The name, unique among the documents of its kind in the organization: small letters, digits and `-`. It is the
    /// identity; the service knows no way to change it.
    #[schemars(example = &"sbom-freshness")]
    pub name: String,
    /// What the document is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Texts by their names, for people and other tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
    /// The organization that the document is of; the target's, if it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// What the structured violations of the policy are, which the engine holds them to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding_type: Option<FindingType>,
    /// Another spelling of `findingType`.
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
    /// The bytes to send, of which the digest is computed.
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
    let message = "the text of this document cannot be told from that of the others in its file";
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
    let mut spans = None;
    let Some(policies) = value
        .get_mut("spec")
        .and_then(|spec| spec.get_mut("policies"))
    else {
        return;
    };
    let path = Path::root().key("spec").key("policies");
    let mut each = |list: Option<&mut Value>, path: Path| {
        for (index, attachment) in list
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
            .enumerate()
        {
            let Some(Value::Object(with)) = attachment.get_mut("with") else {
                continue;
            };
            for (name, value) in with {
                if !matches!(value, Value::Bool(_) | Value::Number(_)) {
                    continue;
                }
                let spans = spans.get_or_insert_with(|| Spans::of(text));
                let at = path.clone().index(index).key("with").key(name);
                *value = Value::String(
                    source_text(spans, text, &at).unwrap_or_else(|| value.to_string()),
                );
            }
        }
    };
    if policies.is_array() {
        return;
    }
    each(
        policies.get_mut("attestation"),
        path.clone().key("attestation"),
    );
    let materials = policies.get_mut("materials").and_then(Value::as_array_mut);
    for (index, material) in materials.into_iter().flatten().enumerate() {
        each(
            material.get_mut("policies"),
            path.clone().key("materials").index(index).key("policies"),
        );
    }
}

/// The source text of a scalar, or `None` if it comes from an alias.
fn source_text(spans: &Spans, text: &str, path: &Path) -> Option<String> {
    let span = spans.find(0, path);
    let key = path.segments().last().and_then(|segment| match segment {
        PathSegment::Key(key) => Some(key.as_str()),
        PathSegment::Index(_) => None,
    });
    // Reject the span of the nearest parent.
    let found = span
        .key
        .and_then(|key| text.get(key))
        .zip(key)
        .is_some_and(|(found, key)| found.contains(key));
    let written = text
        .get(span.value)
        .filter(|written| !written.starts_with(['*', '&']))?;
    found.then(|| written.to_owned())
}
