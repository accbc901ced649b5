//! Parses typed manifests and reports all errors of syntax and schema.

use std::cell::OnceCell;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::chainloop::DocumentRange;
use super::config::{self, Config};
use super::lock::{self, LockFile};
use super::schema::{self, ManifestKind};
use super::{Document, Manifest, chainloop, yaml};
use model::chainloop::DocumentBytes;
use model::diag::{Code, Diagnostic, DocumentId, FileId, Path, Place, SourceMap};

/// The result of parsing one file.
#[derive(Debug, Default)]
pub struct ParsedFile {
    /// The documents that match their schemas, in the order of the file.
    pub documents: Vec<Document>,
    /// The diagnostics of all documents.
    pub diagnostics: Vec<Diagnostic>,
}

/// Maximum number of diagnostics per file: a hostile file can cause a hundred thousand.
const MAX_FINDINGS: usize = 100;

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
    } = yaml::read(file, text);
    let mut parsed = ParsedFile {
        documents: Vec::with_capacity(documents.len()),
        diagnostics,
    };
    let whole = DocumentFile {
        text,
        count,
        pieces: OnceCell::new(),
    };
    for yaml::RawDocument { index, value } in documents {
        let id = DocumentId { file, index };
        match manifest(id, value, &whole) {
            Ok(manifest) => parsed.documents.push(Document { id, manifest }),
            Err(findings) => parsed.diagnostics.extend(findings),
        }
    }
    limit_diagnostics(file, &mut parsed.diagnostics);
    parsed
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
}

fn manifest(
    id: DocumentId,
    value: Value,
    whole: &DocumentFile<'_>,
) -> Result<Manifest, Vec<Diagnostic>> {
    match schema::check(id, &value)? {
        ManifestKind::Policy => typed(id, value).map(Manifest::Policy),
        ManifestKind::ResourceList => typed(id, value).map(Manifest::ResourceList),
        ManifestKind::PolicyTest => typed(id, value).map(Manifest::PolicyTest),
        ManifestKind::PolicyPack => typed(id, value).map(Manifest::PolicyPack),
        ManifestKind::PolicyGroup => typed(id, value).map(Manifest::PolicyGroup),
        ManifestKind::ChainloopPolicy => {
            let bytes = DocumentBytes::from(whole.own_text(id, &value)?.as_bytes());
            let manifest = typed(id, value)?;
            Ok(Manifest::ChainloopPolicy(Box::new(
                chainloop::PolicyDocument { manifest, bytes },
            )))
        }
        ManifestKind::ChainloopGroup => {
            let own = whole.own_text(id, &value)?;
            let bytes = DocumentBytes::from(own.as_bytes());
            let mut value = value;
            chainloop::arguments_as_written(own, &mut value);
            let manifest = typed(id, value)?;
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
        match config(id, value) {
            Ok(config) => configs.push((config, id)),
            Err(findings) => diagnostics.extend(findings),
        }
    }
    limit_diagnostics(file, &mut diagnostics);
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

fn config(id: DocumentId, value: Value) -> Result<Config, Vec<Diagnostic>> {
    match schema::check(id, &value)? {
        ManifestKind::Config => typed(id, value),
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
    let file = SourceMap::default().add("", "");
    let yaml::RawFile {
        documents,
        diagnostics,
        ..
    } = yaml::read(file, text);
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
        ManifestKind::Lock => typed(id, value),
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
fn typed<T: DeserializeOwned>(id: DocumentId, value: Value) -> Result<T, Vec<Diagnostic>> {
    serde_json::from_value(value).map_err(|error| {
        let place = Place::value(id, Path::root());
        vec![Diagnostic::new(
            Code::InvalidValue,
            format!("the manifest cannot be read: {error}"),
            place,
        )]
    })
}
