//! Parses typed manifests and reports all errors of syntax and schema.

use std::cell::OnceCell;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::chainloop::DocumentRange;
use super::config::{self, Config};
use super::lock::{self, LockFile};
use super::schema::{self, ManifestKind, RepairedValue};
use super::{Document, IncompleteDocument, InvalidValues, Manifest, chainloop, invisible, yaml};
use model::chainloop::DocumentBytes;
use model::diag::{
    Code, Diagnostic, DocumentId, FileId, Path, PathSegment, Place, Replacement, SourceMap, Spans,
    Suggestion,
};

/// The result of parsing one file.
#[derive(Debug, Default)]
pub struct ParsedFile {
    /// The documents that match their schemas, in the order of the file.
    pub documents: Vec<Document>,
    /// The documents with schema errors, as far as they can be read.
    pub incomplete: Vec<IncompleteDocument>,
    /// Whether the file contains no document at all, because it is empty or contains only comments.
    pub is_empty: bool,
    /// Whether a part of the file cannot be read at all, so that it may declare anything.
    pub unreadable: bool,
    /// The diagnostics of all documents.
    pub diagnostics: Vec<Diagnostic>,
}

/// Maximum number of diagnostics per file: a hostile file can cause a hundred thousand.
const MAX_FINDINGS: usize = 100;

/// Completes advice to quote a value by its text in the file: the parsed value may have another form,
/// for example 10 for `1e1`. Without a simple text, for example for an alias, advice is omitted.
fn complete_quotes(text: &str, diagnostics: &mut [Diagnostic]) {
    let mut spans = None;
    for finding in diagnostics {
        let Some(Suggestion {
            place: place @ Place::Node { document, path, .. },
            replacement: replacement @ Replacement::Quoted,
        }) = finding.suggestion.as_deref()
        else {
            continue;
        };
        let spans = spans.get_or_insert_with(|| Spans::of(text));
        let range = spans.find(document.index, path).value;
        finding.help = match replacement.edit(text, range, place) {
            Some(edit) => Some(format!("{}: {}", schema::QUOTE_HELP, edit.text)),
            None => Some("quote it where its anchor is".to_owned()),
        };
    }
}

fn limit_diagnostics(file: FileId, diagnostics: &mut Vec<Diagnostic>) {
    if diagnostics.len() > MAX_FINDINGS {
        let message =
            format!("the file has more than {MAX_FINDINGS} findings; the rest is not listed");
        diagnostics.truncate(MAX_FINDINGS);
        diagnostics.push(Diagnostic::new(Code::YamlLimit, message, Place::File(file)));
    }
}

/// Parses the manifests of one file. All documents are checked independently; those before a syntax
/// error are checked too.
pub fn parse(file: FileId, text: &str) -> ParsedFile {
    let yaml::RawFile {
        documents,
        diagnostics,
        count,
        empty,
    } = yaml::read(file, text);
    let mut parsed = ParsedFile {
        documents: Vec::with_capacity(documents.len()),
        incomplete: Vec::new(),
        is_empty: false,
        // A document with a duplicate key is read.
        unreadable: diagnostics
            .iter()
            .any(|finding| finding.code != Code::DuplicateKey),
        diagnostics,
    };
    let whole = DocumentFile {
        text,
        count,
        pieces: OnceCell::new(),
    };
    parsed.is_empty = documents.is_empty() && parsed.diagnostics.is_empty();
    if !parsed.is_empty {
        let commented_out = empty
            .iter()
            .filter_map(|index| whole.commented_out(file, *index));
        parsed.diagnostics.extend(commented_out);
    }
    let is_plain = invisible::is_plain(text);
    for yaml::RawDocument { index, value } in documents {
        let id = DocumentId { file, index };
        if let Some(note) = chainloop::skipped(id, &value) {
            parsed.diagnostics.push(note);
            continue;
        }
        let kind = schema::kind_of(id, &value).ok();
        if !is_plain {
            let found = invisible::check(id, kind, &value);
            parsed.diagnostics.extend(found);
        }
        let set = chainloop::without_nulls(&value);
        match schema::check(id, set.as_ref().unwrap_or(&value)) {
            Ok(kind) => match manifest(id, kind, value, set, &whole) {
                Ok(manifest) => parsed.documents.push(Document { id, manifest }),
                Err(findings) => {
                    parsed.unreadable = true;
                    parsed.diagnostics.extend(findings);
                }
            },
            Err(findings) => {
                parsed.diagnostics.extend(findings);
                // Further errors of the file are not listed.
                let is_full = parsed.diagnostics.len() > MAX_FINDINGS;
                let set = set.as_ref().unwrap_or(&value);
                let readable = (!is_full).then(|| incomplete(id, &value, set, &whole));
                match readable.flatten() {
                    Some(document) => parsed.incomplete.push(document),
                    None => parsed.unreadable = true,
                }
            }
        }
    }
    parsed
        .diagnostics
        .extend(invisible::check_syntax(file, text));
    limit_diagnostics(file, &mut parsed.diagnostics);
    complete_quotes(text, &mut parsed.diagnostics);
    parsed
}

/// Whether a text is YAML or JSON with at least one manifest of a known kind. A configuration or a
/// lock file is not a manifest.
pub fn contains_manifest(text: &str) -> bool {
    contains_kind(text, |kind| {
        !matches!(kind, ManifestKind::Config | ManifestKind::Lock)
    })
}

/// Like [`contains_manifest`], without documents in a format that a vendor defines for its own tools.
pub fn contains_own_manifest(text: &str) -> bool {
    contains_kind(text, |kind| match kind {
        ManifestKind::Policy
        | ManifestKind::ResourceList
        | ManifestKind::PolicyTest
        | ManifestKind::PolicyPack
        | ManifestKind::PolicyGroup => true,
        ManifestKind::ChainloopPolicy
        | ManifestKind::ChainloopGroup
        | ManifestKind::Config
        | ManifestKind::Lock => false,
    })
}

fn contains_kind(text: &str, is_wanted: fn(ManifestKind) -> bool) -> bool {
    // Most texts are not YAML at all, and need not be parsed to the end.
    if !text.contains("kind") || !(text.contains("apiVersion") || text.contains("api_version")) {
        return false;
    }
    let file = SourceMap::default().add("", "");
    let documents = yaml::read(file, text).documents;
    documents.iter().any(|yaml::RawDocument { index, value }| {
        let id = DocumentId {
            file,
            index: *index,
        };
        schema::kind_of(id, value).is_ok_and(is_wanted)
    })
}

/// Whether a line is a comment that would be a field of a manifest without its `#`.
fn is_manifest_comment(line: &str) -> bool {
    let comment = line.trim_start().strip_prefix('#');
    let field = comment.map(|text| text.trim_start_matches('#').trim_start());
    field.is_some_and(|field| {
        ["apiVersion:", "api_version:", "kind:"]
            .iter()
            .any(|name| field.starts_with(name))
    })
}

/// The readable part of a document with schema errors. `set` is its value without unset fields.
fn incomplete(
    id: DocumentId,
    value: &Value,
    set: &Value,
    whole: &DocumentFile<'_>,
) -> Option<IncompleteDocument> {
    let kind = schema::kind_of(id, set).ok()?;
    let RepairedValue {
        value: repaired,
        invalid,
    } = schema::repair(kind, set)?;
    let own = whole.own_text(id, value).ok();
    let manifest = typed_manifest(id, kind, repaired, own).ok()?;
    Some(IncompleteDocument {
        document: Document { id, manifest },
        invalid,
    })
}

struct DocumentFile<'a> {
    text: &'a str,
    /// Number of documents.
    count: u32,
    /// Their positions, computed on demand.
    pieces: OnceCell<Vec<DocumentRange>>,
}

impl DocumentFile<'_> {
    /// The text of a document that is identified by its bytes.
    fn own_text(&self, id: DocumentId, value: &Value) -> Result<&str, Vec<Diagnostic>> {
        let pieces = self.pieces.get_or_init(|| chainloop::split(self.text));
        chainloop::standalone_text(id, self.text, pieces, self.count, value)
    }

    /// The diagnostic for an empty document that consists of a manifest in comments. Other empty
    /// documents are common, for example after a final `---`.
    fn commented_out(&self, file: FileId, index: u32) -> Option<Diagnostic> {
        let pieces = self.pieces.get_or_init(|| chainloop::split(self.text));
        if u32::try_from(pieces.len()) != Ok(self.count) {
            return None;
        }
        let piece = pieces.get(usize::try_from(index).ok()?)?;
        let lines = piece.text_in(self.text).split_inclusive(['\n', '\r']);
        let mut start = piece.document.start;
        for line in lines {
            if is_manifest_comment(line) {
                let range = start..start + line.trim_end().len();
                let message = "the document contains no manifest, only comments";
                let finding =
                    Diagnostic::new(Code::NoManifests, message, Place::Bytes { file, range });
                return Some(
                    finding.help("remove the `#` in front of its lines, or delete the document"),
                );
            }
            start += line.len();
        }
        None
    }
}

/// `set` is the value of the document without unset fields, if it has any.
fn manifest(
    id: DocumentId,
    kind: ManifestKind,
    value: Value,
    set: Option<Value>,
    whole: &DocumentFile<'_>,
) -> Result<Manifest, Vec<Diagnostic>> {
    let own = match kind {
        ManifestKind::ChainloopPolicy | ManifestKind::ChainloopGroup => {
            Some(whole.own_text(id, &value)?)
        }
        ManifestKind::Policy
        | ManifestKind::ResourceList
        | ManifestKind::PolicyTest
        | ManifestKind::PolicyPack
        | ManifestKind::PolicyGroup
        | ManifestKind::Config
        | ManifestKind::Lock => None,
    };
    typed_manifest(id, kind, set.unwrap_or(value), own)
}

/// `own` is the text of a document that is identified by its bytes, if it can be separated from the
/// others of its file.
fn typed_manifest(
    id: DocumentId,
    kind: ManifestKind,
    mut value: Value,
    own: Option<&str>,
) -> Result<Manifest, Vec<Diagnostic>> {
    let bytes = || DocumentBytes::from(own.unwrap_or_default().as_bytes());
    match kind {
        ManifestKind::Policy => typed(id, kind, value).map(Manifest::Policy),
        ManifestKind::ResourceList => typed(id, kind, value).map(Manifest::ResourceList),
        ManifestKind::PolicyTest => typed(id, kind, value).map(Manifest::PolicyTest),
        ManifestKind::PolicyPack => typed(id, kind, value).map(Manifest::PolicyPack),
        ManifestKind::PolicyGroup => typed(id, kind, value).map(Manifest::PolicyGroup),
        ManifestKind::ChainloopPolicy => {
            let manifest = typed(id, kind, value)?;
            let bytes = bytes();
            Ok(Manifest::ChainloopPolicy(Box::new(
                chainloop::PolicyDocument { manifest, bytes },
            )))
        }
        ManifestKind::ChainloopGroup => {
            chainloop::arguments_as_written(own.unwrap_or_default(), &mut value);
            let manifest = typed(id, kind, value)?;
            let bytes = bytes();
            Ok(Manifest::ChainloopGroup(Box::new(
                chainloop::GroupDocument { manifest, bytes },
            )))
        }
        ManifestKind::Lock => {
            let place = Place::value(id, Path::root().key("kind"));
            let finding = Diagnostic::new(Code::UnknownKind, "a lock file is no manifest", place);
            Err(vec![finding.help(format!(
                "the lock stands in `{}` alone, beside the configuration",
                lock::LOCK_FILE
            ))])
        }
        ManifestKind::Config => {
            let place = Place::value(id, Path::root().key("kind"));
            let finding =
                Diagnostic::new(Code::UnknownKind, "a configuration is no manifest", place);
            Err(vec![finding.help(format!(
                "the configuration stands in `{}` alone",
                config::FILE_NAME
            ))])
        }
    }
}

/// Parses the configuration of a repository.
///
/// # Errors
/// All diagnostics of the file. An invalid configuration is not used in part.
pub fn parse_config(file: FileId, text: &str) -> Result<(Config, DocumentId), Vec<Diagnostic>> {
    let yaml::RawFile {
        documents,
        mut diagnostics,
        ..
    } = yaml::read(file, text);
    let mut configs = Vec::new();
    for yaml::RawDocument { index, value } in documents {
        let id = DocumentId { file, index };
        diagnostics.extend(invisible::check(id, Some(ManifestKind::Config), &value));
        match config(id, value) {
            Ok(config) => configs.push((config, id)),
            Err(findings) => diagnostics.extend(findings),
        }
    }
    diagnostics.extend(invisible::check_syntax(file, text));
    limit_diagnostics(file, &mut diagnostics);
    complete_quotes(text, &mut diagnostics);
    if let Some((_, second)) = configs.get(1) {
        let place = Place::value(*second, Path::root());
        let finding = Diagnostic::new(
            Code::InvalidValue,
            "a second configuration in one file",
            place,
        );
        diagnostics.push(finding.help("move its targets to the first"));
    }
    match configs.pop() {
        Some(config) if diagnostics.is_empty() => Ok(config),
        None if diagnostics.is_empty() => {
            let finding = Diagnostic::new(
                Code::MissingField,
                "the configuration is empty",
                Place::File(file),
            );
            Err(vec![finding.help(
                "begin with `apiVersion: polwarden/v1` and `kind: Config`",
            )])
        }
        Some(_) | None => Err(diagnostics),
    }
}

/// A configuration with schema errors, for checks only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncompleteConfig {
    pub config: Config,
    pub id: DocumentId,
    pub invalid: InvalidValues,
}

/// The readable part of an invalid configuration. Nothing if there is not exactly one configuration
/// in the file.
pub fn parse_incomplete_config(file: FileId, text: &str) -> Option<IncompleteConfig> {
    let [yaml::RawDocument { index, value }] = &*yaml::read(file, text).documents else {
        return None;
    };
    let id = DocumentId {
        file,
        index: *index,
    };
    match schema::kind_of(id, value).ok()? {
        kind @ ManifestKind::Config => {
            let RepairedValue { value, invalid } = schema::repair(kind, value)?;
            Some(IncompleteConfig {
                config: typed(id, kind, value).ok()?,
                id,
                invalid,
            })
        }
        ManifestKind::Policy
        | ManifestKind::ResourceList
        | ManifestKind::PolicyTest
        | ManifestKind::PolicyPack
        | ManifestKind::PolicyGroup
        | ManifestKind::ChainloopPolicy
        | ManifestKind::ChainloopGroup
        | ManifestKind::Lock => None,
    }
}

fn config(id: DocumentId, value: Value) -> Result<Config, Vec<Diagnostic>> {
    match schema::check(id, &value)? {
        kind @ ManifestKind::Config => typed(id, kind, value),
        kind @ (ManifestKind::Policy
        | ManifestKind::ResourceList
        | ManifestKind::PolicyTest
        | ManifestKind::PolicyPack
        | ManifestKind::PolicyGroup
        | ManifestKind::ChainloopPolicy
        | ManifestKind::ChainloopGroup
        | ManifestKind::Lock) => {
            let place = Place::value(id, Path::root().key("kind"));
            let message = format!("a {} cannot stand in `{}`", kind.name(), config::FILE_NAME);
            let finding = Diagnostic::new(Code::UnknownKind, message, place);
            Err(vec![finding.help(
                "move it to a file of its own, under a path of the target",
            )])
        }
    }
}

/// The first document of any YAML text as JSON.
///
/// # Errors
/// The first diagnostic.
pub fn plain_yaml(text: &str) -> Result<Value, String> {
    Ok(plain_documents(text)?
        .into_iter()
        .next()
        .unwrap_or_default())
}

/// All documents of any YAML text as JSON, without empty ones.
///
/// # Errors
/// The first diagnostic.
pub fn plain_documents(text: &str) -> Result<Vec<Value>, String> {
    plain_documents_up_to(text, yaml::MAX_BYTES)
}

/// Like [`plain_documents`], with another size limit.
///
/// # Errors
/// The first diagnostic.
pub fn plain_documents_up_to(text: &str, limit: usize) -> Result<Vec<Value>, String> {
    let file = SourceMap::default().add("", "");
    let yaml::RawFile {
        documents,
        diagnostics,
        ..
    } = yaml::read_up_to(file, text, limit);
    match diagnostics.into_iter().next() {
        Some(finding) => Err(finding.message),
        None => Ok(documents
            .into_iter()
            .map(|document| document.value)
            .collect()),
    }
}

/// Parses a lock file.
///
/// # Errors
/// All diagnostics of the file. An invalid lock file is not used in part.
pub fn parse_lock(file: FileId, text: &str) -> Result<LockFile, Vec<Diagnostic>> {
    let yaml::RawFile {
        documents,
        mut diagnostics,
        ..
    } = yaml::read_up_to(file, text, lock::MAX_BYTES);
    let mut locks = Vec::new();
    for yaml::RawDocument { index, value } in documents {
        let id = DocumentId { file, index };
        match lock(id, value) {
            Ok(lock) => locks.push((lock, id)),
            Err(findings) => diagnostics.extend(findings),
        }
    }
    limit_diagnostics(file, &mut diagnostics);
    complete_quotes(text, &mut diagnostics);
    if let Some((_, second)) = locks.get(1) {
        let finding = Diagnostic::new(
            Code::InvalidValue,
            "a second lock in one file",
            Place::value(*second, Path::root()),
        );
        diagnostics.push(finding.help("write the file anew with `polwarden lock`"));
    }
    match locks.pop() {
        Some((lock, _)) if diagnostics.is_empty() => Ok(lock),
        None if diagnostics.is_empty() => Ok(LockFile::default()),
        Some(_) | None => Err(diagnostics),
    }
}

fn lock(id: DocumentId, value: Value) -> Result<LockFile, Vec<Diagnostic>> {
    match schema::check(id, &value)? {
        kind @ ManifestKind::Lock => typed(id, kind, value),
        kind @ (ManifestKind::Policy
        | ManifestKind::ResourceList
        | ManifestKind::PolicyTest
        | ManifestKind::PolicyPack
        | ManifestKind::PolicyGroup
        | ManifestKind::ChainloopPolicy
        | ManifestKind::ChainloopGroup
        | ManifestKind::Config) => {
            let place = Place::value(id, Path::root().key("kind"));
            let message = format!("a {} cannot stand in `{}`", kind.name(), lock::LOCK_FILE);
            Err(vec![
                Diagnostic::new(Code::UnknownKind, message, place)
                    .help("move it to a file of its own"),
            ])
        }
    }
}

/// The schema is generated from the type, so this fails only if they disagree.
fn typed<T: DeserializeOwned>(
    id: DocumentId,
    kind: ManifestKind,
    mut value: Value,
) -> Result<T, Vec<Diagnostic>> {
    schema::convert_integers(id, kind, &mut value)?;
    // Tracking the path clones every key, so it is done only for the message.
    if let Ok(typed) = T::deserialize(&value) {
        return Ok(typed);
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().iter().filter_map(segment).collect();
        let message = format!("unsupported value: {}", error.inner());
        let finding = Diagnostic::new(Code::InvalidValue, message, Place::value(id, path));
        vec![finding.help("compare it with the schema that `polwarden schema` writes")]
    })
}

fn segment(segment: &serde_path_to_error::Segment) -> Option<PathSegment> {
    match segment {
        serde_path_to_error::Segment::Seq { index } => Some(PathSegment::Index(*index)),
        serde_path_to_error::Segment::Map { key } => Some(PathSegment::Key(key.clone())),
        serde_path_to_error::Segment::Enum { .. } | serde_path_to_error::Segment::Unknown => None,
    }
}
