//! The ways to write a live policy into the manifest that declares it, the gentlest first.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use super::{ImportError, policy_with, rule, splice};
use crate::plan::{Change, ChangeKind, ChangedField, SourceRef};
use crate::render::plan::wording::place;
use crate::service::import::ReadManifestsError;
use crate::workspace::ManifestSet;
use manifest::Manifest;
use manifest::config::Target;
use manifest::docker::{DockerPolicyManifest, DockerPolicyMetadata};
use model::diag::{DocumentId, FileId, Path, Place};
use model::docker::{LiveContent, LivePolicy, LiveRule};

/// Why a policy is not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum AdoptError {
    /// Its manifest cannot be changed safely.
    #[error("{0}")]
    Refused(String),
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] ReadManifestsError),
}

pub(super) fn refused(why: impl Into<String>) -> AdoptError {
    AdoptError::Refused(why.into())
}

/// The manifest that declares a live policy.
pub(super) struct DeclaringManifest<'a> {
    manifests: &'a ManifestSet,
    id: DocumentId,
    manifest: &'a DockerPolicyManifest,
}

impl<'a> DeclaringManifest<'a> {
    /// The one manifest that declares a policy by its name, or else by a name that it had.
    pub(super) fn find(
        manifests: &'a ManifestSet,
        target: &Target,
        name: &str,
    ) -> Result<Option<Self>, AdoptError> {
        let documents = manifests.documents(target);
        let policies: Vec<(DocumentId, &DockerPolicyManifest)> = documents
            .into_iter()
            .filter_map(|document| match &document.manifest {
                Manifest::Policy(policy) => Some((document.id, policy)),
                Manifest::ResourceList(_)
                | Manifest::PolicyTest(_)
                | Manifest::PolicyPack(_)
                | Manifest::PolicyGroup(_)
                | Manifest::ChainloopPolicy(_)
                | Manifest::ChainloopGroup(_) => None,
            })
            .collect();
        let named = |policy: &DockerPolicyManifest| policy.metadata.name == name;
        let was = |policy: &DockerPolicyManifest| {
            policy.metadata.aliases.iter().any(|alias| alias == name)
        };
        let mut found: Vec<_> = policies
            .iter()
            .filter(|(_, policy)| named(policy))
            .collect();
        if found.is_empty() {
            found = policies.iter().filter(|(_, policy)| was(policy)).collect();
        }
        match found.as_slice() {
            [] => Ok(None),
            [(id, manifest)] => Ok(Some(Self {
                manifests,
                id: *id,
                manifest,
            })),
            [_, _, ..] => Err(refused("two manifests declare it")),
        }
    }

    pub(super) fn file(&self) -> FileId {
        self.id.file
    }

    /// `file:line`, neutral.
    pub(super) fn place(&self) -> String {
        let at = Place::value(self.id, Path::root().key("metadata").key("name"));
        place(&SourceRef::locate(&self.manifests.sources, &at))
    }

    /// Files with their new texts, one way after the other. Whether a way is right is for the caller to find out.
    pub(super) fn ways(
        &self,
        live: &LivePolicy,
        change: &Change,
        teams: &BTreeMap<&str, &str>,
    ) -> Result<Vec<(Utf8PathBuf, String)>, AdoptError> {
        let file = self.manifests.sources.file(self.id.file);
        let path = Utf8PathBuf::from(file.name());
        let text = file.text();
        let refuse = |error: ImportError| refused(error.to_string());
        let DockerPolicyMetadata {
            name: _,
            aliases,
            protect,
        } = &self.manifest.metadata;
        let metadata = DockerPolicyMetadata {
            name: live.name.clone(),
            aliases: aliases
                .iter()
                .filter(|alias| **alias != live.name)
                .cloned()
                .collect(),
            protect: *protect,
        };
        let whole = policy_with(live, teams, metadata).map_err(refuse)?.text;
        let whole = without_leading_comments(&whole);
        let mut ways = Vec::new();
        ways.extend(self.cedar_file(live, change, &path));
        ways.extend(
            self.rules(live, change, text)
                .map_err(refuse)?
                .map(|text| (path.clone(), text)),
        );
        let renamed = self.manifest.metadata.name != live.name;
        ways.extend(
            (!renamed)
                .then(|| splice::spec(text, self.id.index, whole))
                .flatten()
                .map(|text| (path.clone(), text)),
        );
        let document = if path.extension() == Some("json") {
            json(whole)
        } else {
            Some(whole.to_owned())
        };
        let document =
            document.and_then(|document| splice::document(text, self.id.index, &document));
        ways.extend(document.map(|text| (path, text)));
        Ok(ways)
    }

    /// The file of a Cedar policy whose text alone differs.
    fn cedar_file(
        &self,
        live: &LivePolicy,
        change: &Change,
        path: &Utf8Path,
    ) -> Option<(Utf8PathBuf, String)> {
        let file = self.manifest.spec.cedar.as_ref()?.file.as_deref()?;
        let LiveContent::Cedar(cedar) = &live.content else {
            return None;
        };
        let text_alone = change
            .fields
            .iter()
            .all(|field| field.field == ChangedField::CedarText);
        text_alone.then(|| {
            (
                path.parent().unwrap_or(Utf8Path::new("")).join(file),
                cedar.text.clone(),
            )
        })
    }

    /// The rules that differ alone, where nothing else does.
    fn rules(
        &self,
        live: &LivePolicy,
        change: &Change,
        text: &str,
    ) -> Result<Option<String>, ImportError> {
        let (LiveContent::Rules(rules), Some(declared)) =
            (&live.content, &self.manifest.spec.rules)
        else {
            return Ok(None);
        };
        if !change.fields.is_empty() {
            return Ok(None);
        }
        let mut edits = splice::RuleEdits::default();
        for child in &change.children {
            let by_id = |rule: &&LiveRule| child.id.as_deref() == Some(rule.id.as_str());
            let at = declared.iter().position(|rule| rule.name == child.name);
            match (child.kind, at, rules.iter().find(by_id)) {
                (ChangeKind::Create, Some(at), _) => edits.gone.push(at),
                (ChangeKind::Update, Some(at), Some(found)) => {
                    edits.changed.push((at, rule(live, found)?))
                }
                (ChangeKind::Delete, _, Some(found)) => edits.new.push(rule(live, found)?),
                (
                    ChangeKind::Create
                    | ChangeKind::Update
                    | ChangeKind::Delete
                    | ChangeKind::Within,
                    _,
                    _,
                ) => {
                    return Ok(None);
                }
            }
        }
        Ok(splice::rules(text, self.id.index, declared.len(), &edits))
    }
}

/// The manifest without the comments before it: the file has its own.
fn without_leading_comments(text: &str) -> &str {
    let mut rest = text;
    while rest.starts_with('#') {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    }
    rest
}

fn json(manifest: &str) -> Option<String> {
    let value: serde_json::Value = serde_yaml::from_str(manifest).ok()?;
    serde_json::to_string_pretty(&value).ok()
}
