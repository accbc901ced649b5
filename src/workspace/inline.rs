//! The files that Chainloop documents embed on request (`inline: true`).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use super::invalid_path;
use git::{FileProblemKind, Source, normalize, text};
use manifest::chainloop::NativeDocument;
use manifest::chainloop::inline::{
    InlineContent, InlineError, InlineFile, MAX_DOCUMENT_BYTES, inline, references,
};
use manifest::{Document, MAX_BYTES, Manifest, parse, plain_documents_up_to};
use model::chainloop::{DocumentBytes, LocalReference, LocalReferenceKind};
use model::diag::{Code, Diagnostic, DocumentId, Place, SourceMap};
use model::digest::Digest;

/// A document with the content of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlinedDocument {
    /// The bytes to compare and write.
    pub bytes: DocumentBytes,
    /// The files, sorted and without duplicates, relative to the configuration.
    pub files: Vec<Utf8PathBuf>,
}

/// Reads the files that documents embed, each once.
pub(super) struct InlineFiles<'a, S: Source> {
    source: &'a S,
    known: BTreeMap<Utf8PathBuf, Result<Arc<[u8]>, FileProblemKind>>,
}

/// Why a reference is not replaced.
enum InlineProblem {
    File(FileProblemKind),
    Other(Diagnostic),
}

/// The files of one document.
struct ReadFiles {
    files: Vec<Utf8PathBuf>,
    /// The size of the document and of all references to files. A file counts each time.
    bytes: usize,
}

impl ReadFiles {
    fn add(&mut self, path: &Utf8Path, bytes: &[u8]) {
        self.files.push(path.to_owned());
        self.bytes = self.bytes.saturating_add(bytes.len());
    }
}

impl<'a, S: Source> InlineFiles<'a, S> {
    pub(super) fn new(source: &'a S) -> Self {
        Self {
            source,
            known: BTreeMap::new(),
        }
    }

    /// The documents with references to files, with the content of the files. A document with a
    /// file that cannot be embedded is missing, and gets an error.
    pub(super) fn of(
        &mut self,
        documents: &[Arc<Document>],
        sources: &SourceMap,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> HashMap<DocumentId, InlinedDocument> {
        let mut inlined = HashMap::new();
        for document in documents {
            let Some(native) = document.manifest.chainloop() else {
                continue;
            };
            let name = Utf8Path::new(sources.file(document.id.file).name());
            match self.document(document.id, name, native) {
                Ok(Some(found)) => {
                    inlined.insert(document.id, found);
                }
                Ok(None) => {}
                // A document that belongs to two targets is reported once.
                Err(finding) if diagnostics.contains(&finding) => {}
                Err(finding) => diagnostics.push(*finding),
            }
        }
        inlined
    }

    /// All files that could be read.
    pub(super) fn into_files(self) -> BTreeMap<Utf8PathBuf, Arc<[u8]>> {
        let files = self.known.into_iter();
        files
            .filter_map(|(path, bytes)| Some((path, bytes.ok()?)))
            .collect()
    }

    /// The document in the manifest `name` with the content of its files; nothing without any.
    fn document(
        &mut self,
        id: DocumentId,
        name: &Utf8Path,
        native: NativeDocument<'_>,
    ) -> Result<Option<InlinedDocument>, Box<Diagnostic>> {
        let local = references(native);
        let Some(first) = local.first() else {
            return Ok(None);
        };
        let first = Place::value(id, first.path.clone());
        let mut contents = Vec::with_capacity(local.len());
        let mut read = ReadFiles {
            files: Vec::new(),
            bytes: native.bytes().as_slice().len(),
        };
        for reference in local {
            let place = Place::value(id, reference.path.clone());
            let content = self.content(&place, name, &reference, &mut read);
            let content = content.map_err(|problem| match problem {
                InlineProblem::File(kind) => invalid_path(&reference.text, &kind, place),
                InlineProblem::Other(finding) => finding,
            })?;
            // The same file may be referenced often, so the size is checked before all are copied.
            if read.bytes > MAX_DOCUMENT_BYTES {
                return Err(Box::new(too_large(first)));
            }
            contents.push(InlineFile {
                path: reference.path,
                content,
            });
        }
        let mut files = read.files;
        files.sort_unstable();
        files.dedup();
        match inline(native.bytes(), &contents) {
            Ok(bytes) => Ok(Some(InlinedDocument { bytes, files })),
            Err(InlineError::TooLarge) => Err(Box::new(too_large(first))),
            Err(InlineError::Unsupported) => {
                let message = "the reference cannot be replaced by the content of the file";
                let help = "write it as a plain string, without anchors, aliases and `embedded` next to it";
                Err(Box::new(
                    Diagnostic::new(Code::ReferenceInvalid, message, first).help(help),
                ))
            }
        }
    }

    fn content(
        &mut self,
        place: &Place,
        name: &Utf8Path,
        reference: &LocalReference,
        read: &mut ReadFiles,
    ) -> Result<InlineContent, InlineProblem> {
        let file = reference.text.strip_prefix("file://");
        let file = file.unwrap_or(&reference.text);
        let (file, digest) = match file.rsplit_once('@') {
            Some((file, digest)) if reference.kind == LocalReferenceKind::PolicyRef => {
                (file, Some(digest))
            }
            Some(_) | None => (file, None),
        };
        let path = name.parent().unwrap_or(Utf8Path::new("")).join(file);
        let path = normalize(&path).ok_or(InlineProblem::File(FileProblemKind::Outside))?;
        let bytes = self.read(&path).map_err(InlineProblem::File)?;
        read.add(&path, &bytes);
        let invalid = |message: String, help: &str| {
            InlineProblem::Other(
                Diagnostic::new(Code::ReferenceInvalid, message, place.clone()).help(help),
            )
        };
        if let Some(expected) = digest {
            let found = Digest::of(&bytes).to_string();
            if found != expected {
                let message = format!("`{path}` has the digest {found}");
                return Err(invalid(
                    message,
                    "write this digest after `@`, or remove it",
                ));
            }
        }
        if reference.kind == LocalReferenceKind::PolicyRef {
            return self.policy(place, &path, &bytes, read);
        }
        let is_module = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("wasm"));
        if is_module {
            if !bytes.starts_with(WASM_MAGIC) {
                let message = format!("`{path}` is not a WebAssembly module");
                return Err(invalid(
                    message,
                    "name the file that the build of the policy writes",
                ));
            }
            let encoded = data_encoding::BASE64.encode(&bytes);
            return Ok(InlineContent::Script(encoded));
        }
        let script = text(bytes.to_vec()).map_err(InlineProblem::File)?;
        Ok(InlineContent::Script(script.to_string()))
    }

    fn read(&mut self, path: &Utf8Path) -> Result<Arc<[u8]>, FileProblemKind> {
        let read = || self.source.read_bytes(path, MAX_BYTES).map(Arc::from);
        match self.known.get(path) {
            Some(known) => known.clone(),
            None => {
                let bytes: Result<Arc<[u8]>, FileProblemKind> = read();
                self.known.insert(path.to_owned(), bytes.clone());
                bytes
            }
        }
    }

    /// The policy in a file, with the content of its own files.
    fn policy(
        &mut self,
        place: &Place,
        path: &Utf8Path,
        bytes: &[u8],
        read: &mut ReadFiles,
    ) -> Result<InlineContent, InlineProblem> {
        let content = text(bytes.to_vec()).map_err(InlineProblem::File)?;
        let invalid = |why: &str| {
            let message = format!("`{path}` cannot be embedded: {why}");
            let help = "name a file that contains one valid policy";
            InlineProblem::Other(
                Diagnostic::new(Code::ReferenceInvalid, message, place.clone()).help(help),
            )
        };
        let file = SourceMap::default().add(path.as_str(), Arc::clone(&content));
        let parsed = parse(file, &content);
        if let Some(first) = parsed.diagnostics.first() {
            return Err(invalid(&first.message));
        }
        let [document] = parsed.documents.as_slice() else {
            return Err(invalid("it contains more than one document, or none"));
        };
        let Manifest::ChainloopPolicy(policy) = &document.manifest else {
            return Err(invalid("it is not a policy of Chainloop"));
        };
        let native = NativeDocument::Policy(policy);
        let own = self.document(document.id, path, native);
        let own = own.map_err(|finding| invalid(&finding.message))?;
        let bytes = match own {
            Some(inlined) => {
                read.files.extend(inlined.files);
                read.bytes = read.bytes.saturating_add(inlined.bytes.as_slice().len());
                inlined.bytes
            }
            None => policy.bytes.clone(),
        };
        let values = plain_documents_up_to(bytes.text().unwrap_or_default(), MAX_DOCUMENT_BYTES);
        let value = values.ok().and_then(|values| values.into_iter().next());
        let value = value.ok_or_else(|| invalid("it cannot be read again"))?;
        Ok(InlineContent::Policy(value))
    }
}

/// The first bytes of every WebAssembly module. The engine takes everything else for Rego.
const WASM_MAGIC: &[u8] = b"\0asm";

fn too_large(place: Place) -> Diagnostic {
    let message = format!("the document exceeds {MAX_DOCUMENT_BYTES} bytes with its files");
    Diagnostic::new(Code::FileTooLarge, message, place)
        .help("embed smaller files, or split the document")
}
