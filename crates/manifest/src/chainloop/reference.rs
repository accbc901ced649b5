//! What the references of documents lead to.

use super::{ChainloopPolicyManifest, NativeDocument};
use model::chainloop::{
    LocalReference, LocalReferenceKind, Reference, ReferenceError, ReferenceUse,
};
use model::diag::Path;

/// The target of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceTarget {
    /// A policy on the server.
    Service(ReferenceUse),
    /// A URL.
    Web,
    /// A file of the repository.
    Local(LocalReference),
    /// The reference is invalid.
    Invalid(Path, InvalidReference),
}

/// Why a reference is invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidReference {
    Policy(ReferenceError),
    /// The scheme of a URL from which scripts cannot be fetched.
    Script(String),
}

/// The target of a script's `path` or `ref`. As in the vendor's engine, URLs are fetched and
/// everything else is a file.
fn script(kind: LocalReferenceKind, text: &str, path: Path) -> ReferenceTarget {
    match text.split_once("://") {
        Some(("http" | "https", _)) => ReferenceTarget::Web,
        Some(("file", _)) | None => ReferenceTarget::Local(LocalReference {
            kind,
            text: text.to_owned(),
            path,
        }),
        Some(("chainloop", _)) if kind == LocalReferenceKind::ScriptRef => {
            parse_service_reference(text, path)
        }
        Some((scheme, _)) => {
            ReferenceTarget::Invalid(path, InvalidReference::Script(scheme.to_owned()))
        }
    }
}

fn parse_service_reference(text: &str, path: Path) -> ReferenceTarget {
    match Reference::parse(text) {
        Ok(reference) => ReferenceTarget::Service(ReferenceUse { reference, path }),
        Err(error) => ReferenceTarget::Invalid(path, InvalidReference::Policy(error)),
    }
}

/// The target of an attachment's `ref`.
pub fn attached(text: &str, path: Path) -> ReferenceTarget {
    let kind = LocalReferenceKind::PolicyRef;
    match text.split_once("://") {
        Some(("http" | "https", _)) => ReferenceTarget::Web,
        Some(("file", _)) => ReferenceTarget::Local(LocalReference {
            kind,
            text: text.to_owned(),
            path,
        }),
        Some(_) | None => parse_service_reference(text, path),
    }
}

/// The targets of all references of a policy.
pub fn of_policy(at: &Path, manifest: &ChainloopPolicyManifest) -> Vec<ReferenceTarget> {
    let spec = &manifest.spec;
    let path = at.clone().key("spec");
    let mut found = Vec::new();
    if let Some(text) = &spec.path {
        found.push(script(
            LocalReferenceKind::Path,
            text,
            path.clone().key("path"),
        ));
    }
    let policies = spec.policies.iter().flatten().enumerate();
    let scripts =
        policies.map(|(at, script)| (path.clone().key("policies").index(at), script.source()));
    let matcher = spec
        .matcher()
        .map(|(field, matcher)| (path.clone().key(field), matcher.source()));
    for (at, source) in scripts.chain(matcher) {
        if let Some(text) = source.path {
            found.push(script(
                LocalReferenceKind::Path,
                text,
                at.clone().key("path"),
            ));
        }
        if let Some(text) = source.reference {
            found.push(script(LocalReferenceKind::ScriptRef, text, at.key("ref")));
        }
    }
    found
}

/// The targets of all references of a document, including embedded policies.
pub fn of_document(native: NativeDocument<'_>) -> Vec<ReferenceTarget> {
    let group = match native {
        NativeDocument::Policy(policy) => return of_policy(&Path::root(), &policy.manifest),
        NativeDocument::Group(group) => group,
    };
    let mut found = Vec::new();
    for (path, attachment) in group.manifest.attachments() {
        if let Some(text) = &attachment.reference {
            found.push(attached(text, path.clone().key("ref")));
        }
        if let Some(policy) = &attachment.embedded {
            found.extend(of_policy(&path.key("embedded"), policy));
        }
    }
    found
}
