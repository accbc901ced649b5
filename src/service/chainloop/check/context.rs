//! The documents of a target, as rules see them.

use std::collections::{HashMap, HashSet};

use crate::service::invalid::InvalidManifests;
use crate::workspace::InlinedDocument;
use manifest::Document;
use manifest::chainloop::{
    Attachment, ChainloopMetadata, ChainloopPolicyGroupManifest, ChainloopPolicyManifest,
    InputSpec, NativeDocument, ScriptSource,
};
use manifest::config::Target;
use model::chainloop::{InputsSchema, Reference};
use model::diag::{DocumentId, Path, Place};
use model::digest::Digest;

/// The inputs of policies that no manifest declares, as reported by the server, by reference.
pub type InputsSchemas = HashMap<Reference, InputsSchema>;

/// The input of the check of one target.
#[derive(Debug, Clone, Copy)]
pub struct DocumentInput<'a> {
    pub target: &'a Target,
    /// The manifests of the target.
    pub documents: &'a [&'a Document],
    /// The documents that contain files of the repository, as they are written.
    pub inlined: &'a HashMap<DocumentId, InlinedDocument>,
    /// The known policies of the server; empty if it was not asked.
    pub schemas: &'a InputsSchemas,
    /// The manifests that are not valid.
    pub invalid: InvalidManifests<'a>,
}

#[derive(Debug)]
pub(super) struct DocumentView<'a> {
    pub(super) id: DocumentId,
    pub(super) native: NativeDocument<'a>,
    pub(super) inlined: Option<&'a InlinedDocument>,
}

/// A policy: a document, or embedded in an attachment of a group.
#[derive(Debug)]
pub(super) struct ChainloopPolicyView<'a> {
    pub(super) document: DocumentId,
    /// The path to the policy.
    pub(super) path: Path,
    pub(super) manifest: &'a ChainloopPolicyManifest,
}

#[derive(Debug)]
pub(super) struct ChainloopGroupView<'a> {
    pub(super) document: DocumentId,
    pub(super) manifest: &'a ChainloopPolicyGroupManifest,
}

/// A policy that a manifest of the target declares.
#[derive(Debug)]
pub(super) struct DeclaredPolicy<'a> {
    pub(super) document: DocumentId,
    /// The names of its inputs.
    pub(super) names: HashSet<&'a str>,
    /// The names of its required inputs.
    pub(super) required: Vec<&'a str>,
    digest: Digest,
}

/// The documents of one target, indexed.
#[derive(Debug)]
pub(super) struct ChainloopRuleContext<'a> {
    pub(super) target: &'a Target,
    pub(super) documents: Vec<DocumentView<'a>>,
    pub(super) policies: Vec<ChainloopPolicyView<'a>>,
    pub(super) groups: Vec<ChainloopGroupView<'a>>,
    pub(super) schemas: &'a InputsSchemas,
    pub(super) invalid: InvalidManifests<'a>,
    declared: HashMap<&'a str, DeclaredPolicy<'a>>,
}

impl<'a> ChainloopRuleContext<'a> {
    pub(super) fn new(input: &DocumentInput<'a>) -> Self {
        let DocumentInput {
            target,
            documents,
            inlined,
            schemas,
            invalid,
        } = *input;
        let mut context = Self {
            target,
            documents: Vec::new(),
            policies: Vec::new(),
            groups: Vec::new(),
            schemas,
            invalid,
            declared: HashMap::new(),
        };
        for document in invalid.with_valid(documents) {
            let Some(native) = document.manifest.chainloop() else {
                continue;
            };
            let inlined = inlined.get(&document.id);
            context.documents.push(DocumentView {
                id: document.id,
                native,
                inlined,
            });
            match native {
                NativeDocument::Policy(policy) => {
                    let document = document.id;
                    let manifest = &policy.manifest;
                    context.policies.push(ChainloopPolicyView {
                        document,
                        path: Path::root(),
                        manifest,
                    });
                    let name = manifest.metadata.name.as_str();
                    context
                        .declared
                        .entry(name)
                        .or_insert_with(|| DeclaredPolicy {
                            document,
                            names: names(manifest.spec.inputs()),
                            required: required(manifest.spec.inputs()),
                            digest: match inlined {
                                Some(inlined) => inlined.bytes.digest(),
                                None => policy.bytes.digest(),
                            },
                        });
                }
                NativeDocument::Group(group) => {
                    let document = document.id;
                    let manifest = &group.manifest;
                    for (path, attachment) in manifest.attachments() {
                        let Some(manifest) = attachment.embedded.as_deref() else {
                            continue;
                        };
                        context.policies.push(ChainloopPolicyView {
                            document,
                            path: path.key("embedded"),
                            manifest,
                        });
                    }
                    context
                        .groups
                        .push(ChainloopGroupView { document, manifest });
                }
            }
        }
        context
    }

    /// Whether the target embeds files of the repository.
    pub(super) fn inlines(&self) -> bool {
        self.target.embeds_files()
    }

    /// Whether all inputs of the policy at a path are valid and known.
    pub(super) fn knows_inputs(&self, document: DocumentId, policy: &Path) -> bool {
        let spec = policy.clone().key("spec");
        !self.invalid.has_unknown_fields(document, &spec)
            && !self.invalid.affects(document, &spec.key("inputs"))
    }

    /// The policy of this target that a reference resolves to, in its declared version.
    pub(super) fn declared(&self, reference: &Reference) -> Option<&DeclaredPolicy<'a>> {
        let Reference {
            scheme: _,
            provider,
            organization,
            name,
            digest,
        } = reference;
        let own = organization
            .as_ref()
            .is_none_or(|organization| *organization == self.target.organization);
        let policy = self
            .declared
            .get(name.as_str())
            .filter(|_| provider.is_none() && own)?;
        digest
            .as_ref()
            .is_none_or(|digest| *digest == policy.digest)
            .then_some(policy)
    }
}

pub(super) fn names(inputs: &[InputSpec]) -> HashSet<&str> {
    inputs.iter().map(|input| input.name.as_str()).collect()
}

pub(super) fn required(inputs: &[InputSpec]) -> Vec<&str> {
    inputs
        .iter()
        .filter(|input| input.required == Some(true))
        .map(|input| input.name.as_str())
        .collect()
}

/// A script of a policy with its path.
pub(super) struct ScriptView<'a> {
    pub(super) path: Path,
    pub(super) source: ScriptSource<'a>,
}

impl<'a> ChainloopPolicyView<'a> {
    pub(super) fn spec(&self, field: &str) -> Path {
        self.path.clone().key("spec").key(field)
    }

    pub(super) fn value(&self, path: Path) -> Place {
        Place::value(self.document, path)
    }

    pub(super) fn key(&self, path: Path) -> Place {
        Place::key(self.document, path)
    }

    /// The scripts of `policies` and of `autoMatch`.
    pub(super) fn scripts(&self) -> Vec<ScriptView<'a>> {
        let spec = &self.manifest.spec;
        let policies = spec.policies.iter().flatten().enumerate();
        let scripts = policies.map(|(at, script)| ScriptView {
            path: self.spec("policies").index(at),
            source: script.source(),
        });
        let matcher = spec.matcher().map(|(field, matcher)| ScriptView {
            path: self.spec(field),
            source: matcher.source(),
        });
        scripts.chain(matcher).collect()
    }
}

/// The metadata and inputs of a policy or group, with their path.
pub(super) struct DocumentHeader<'a> {
    pub(super) document: DocumentId,
    pub(super) path: Path,
    pub(super) metadata: &'a ChainloopMetadata,
    pub(super) inputs: &'a [InputSpec],
}

impl<'a> ChainloopRuleContext<'a> {
    /// The heads of all policies, including embedded ones, and of all groups.
    pub(super) fn headers(&self) -> Vec<DocumentHeader<'a>> {
        let policies = self.policies.iter().map(|policy| DocumentHeader {
            document: policy.document,
            path: policy.path.clone(),
            metadata: &policy.manifest.metadata,
            inputs: policy.manifest.spec.inputs(),
        });
        let groups = self.groups.iter().map(|group| DocumentHeader {
            document: group.document,
            path: Path::root(),
            metadata: &group.manifest.metadata,
            inputs: group.manifest.inputs(),
        });
        policies.chain(groups).collect()
    }
}

impl DocumentHeader<'_> {
    pub(super) fn metadata_field(&self, field: &str) -> Place {
        Place::value(self.document, self.path.clone().key("metadata").key(field))
    }

    pub(super) fn input(&self, index: usize, field: &str) -> Place {
        Place::value(
            self.document,
            self.path
                .clone()
                .key("spec")
                .key("inputs")
                .index(index)
                .key(field),
        )
    }
}

impl<'a> ChainloopGroupView<'a> {
    /// The attached policies with their paths.
    pub(super) fn attachments(&self) -> Vec<(Path, &'a Attachment)> {
        self.manifest.attachments()
    }
}
