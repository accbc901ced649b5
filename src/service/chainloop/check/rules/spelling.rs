//! `duplicate-key`: a field that is present in both of its spellings.

use crate::service::chainloop::check::context::{
    ChainloopGroupView, ChainloopPolicyView, ChainloopRuleContext,
};
use manifest::chainloop::ChainloopMetadata;
use model::diag::{Code, Diagnostic, DocumentId, Path, Place};

/// An object that may have a field in two spellings.
struct SpelledFields<'a> {
    document: DocumentId,
    path: &'a Path,
}

impl SpelledFields<'_> {
    fn check_pair<T>(
        &self,
        camel: (&str, &Option<T>),
        snake: (&str, &Option<T>),
        found: &mut Vec<Diagnostic>,
    ) {
        if let ((camel, Some(_)), (snake, Some(_))) = (camel, snake) {
            let place = |name| Place::key(self.document, self.path.clone().key(name));
            found.push(
                Diagnostic::new(
                    Code::DuplicateKey,
                    format!("duplicate field: `{snake}` is another spelling of `{camel}`"),
                    place(snake),
                )
                .label("duplicate field")
                .also(place(camel), "first occurrence")
                .help("remove one of them"),
            );
        }
    }

    fn metadata(&self, metadata: &ChainloopMetadata, found: &mut Vec<Diagnostic>) {
        let ChainloopMetadata {
            finding_type,
            finding_type_snake,
            ..
        } = metadata;
        let path = self.path.clone().key("metadata");
        SpelledFields {
            path: &path,
            ..*self
        }
        .check_pair(
            ("findingType", finding_type),
            ("finding_type", finding_type_snake),
            found,
        );
    }
}

pub(super) fn check_policy(
    _: &ChainloopRuleContext<'_>,
    policy: &ChainloopPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let manifest = policy.manifest;
    let at = SpelledFields {
        document: policy.document,
        path: &policy.path,
    };
    at.check_pair(
        ("apiVersion", &manifest.api_version),
        ("api_version", &manifest.api_version_snake),
        found,
    );
    at.metadata(&manifest.metadata, found);
    let path = policy.path.clone().key("spec");
    let spec = &manifest.spec;
    SpelledFields { path: &path, ..at }.check_pair(
        ("autoMatch", &spec.auto_match),
        ("auto_match", &spec.auto_match_snake),
        found,
    );
    for (index, script) in spec.policies.iter().flatten().enumerate() {
        let path = policy.spec("policies").index(index);
        let camel = ("attestationPhases", &script.attestation_phases);
        SpelledFields { path: &path, ..at }.check_pair(
            camel,
            ("attestation_phases", &script.attestation_phases_snake),
            found,
        );
    }
}

pub(super) fn check_group(
    _: &ChainloopRuleContext<'_>,
    group: &ChainloopGroupView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let manifest = group.manifest;
    let path = Path::root();
    let at = SpelledFields {
        document: group.document,
        path: &path,
    };
    at.check_pair(
        ("apiVersion", &manifest.api_version),
        ("api_version", &manifest.api_version_snake),
        found,
    );
    at.metadata(&manifest.metadata, found);
    for (path, material) in manifest.materials() {
        let snake = ("match_mode", &material.match_mode_snake);
        SpelledFields { path: &path, ..at }.check_pair(
            ("matchMode", &material.match_mode),
            snake,
            found,
        );
    }
    for (path, attachment) in group.attachments() {
        let Some(selector) = &attachment.selector else {
            continue;
        };
        let path = path.key("selector");
        let snake = ("match_mode", &selector.match_mode_snake);
        SpelledFields { path: &path, ..at }.check_pair(
            ("matchMode", &selector.match_mode),
            snake,
            found,
        );
    }
}
