//! What references to policies of Chainloop stand for, as their server has it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::check::{CheckedDocuments, DocumentInput, InputsSchemas, check_documents};
use super::client::ChainloopReader;
use super::references;
use super::references::ReferenceReadError;
use crate::service::invalid::InvalidManifests;
use crate::workspace::ManifestSet;
use manifest::config::Target;
use manifest::lock::{LockFile, PolicyPin, pin_key};
use model::chainloop::{DesiredDocument, DocumentKind, LiveDocument, Reference};
use model::diag::{Code, Diagnostic};
use model::digest::Digest;

/// A target with its checked documents, whose references are pinned.
#[derive(Debug)]
pub struct PinnedTarget<'a> {
    pub target: &'a Target,
    pub documents: Vec<DesiredDocument>,
}

impl<'a> PinnedTarget<'a> {
    /// Checks the documents of a target. Local references are not reported, because only documents
    /// of the server are pinned.
    pub fn check(set: &ManifestSet, target: &'a Target) -> (Self, Vec<Diagnostic>) {
        let CheckedDocuments {
            documents,
            mut diagnostics,
        } = check_with(set, target, &InputsSchemas::new());
        diagnostics.retain(|diagnostic| diagnostic.code != Code::LocalReference);
        (Self { target, documents }, diagnostics)
    }

    /// Whether the server has to be asked for a version.
    pub fn has_references(&self) -> bool {
        !references::all(&self.documents).is_empty()
    }
}

fn check_with(set: &ManifestSet, target: &Target, schemas: &InputsSchemas) -> CheckedDocuments {
    let nothing = HashMap::new();
    check_documents(&DocumentInput {
        target,
        documents: &set.documents(target),
        inlined: set
            .target(target)
            .map_or(&nothing, |loaded| &loaded.inlined),
        schemas,
        invalid: InvalidManifests::default(),
    })
}

/// What is done about pins.
#[derive(Debug, Clone, Copy)]
pub struct PinMode {
    /// Update pins to the latest version, and remove pins without a reference.
    pub update: bool,
    /// Update the versions in manifests too, because the references are rewritten.
    pub rewrite: bool,
}

/// What was found about the pins of all targets.
#[derive(Debug, Default)]
pub struct Pins {
    /// The changes of the lock, one per line.
    pub told: Vec<String>,
    /// Pins whose version the server no longer has, or for which it has a later version.
    pub drifted: Vec<String>,
    /// References that could not be locked.
    pub unpinned: Vec<String>,
    /// What can be left as it is, and should be known.
    pub notes: Vec<String>,
    /// For each target, what its references stand for.
    pub versions: BTreeMap<String, BTreeMap<Reference, Digest>>,
    /// For each target, what the policies take as arguments.
    pub schemas: BTreeMap<String, InputsSchemas>,
}

/// A policy as the server has it: the latest version and the one that a reference stands for.
struct LivePolicyVersions {
    latest: LiveDocument,
    /// `None` if the server no longer has that version.
    wanted: Option<PolicyPin>,
    /// What the wanted version takes, where that is known.
    schema: Option<model::chainloop::InputsSchema>,
}

impl Pins {
    /// What the server says to be wrong with the arguments of policies.
    pub fn check_arguments(
        &self,
        set: &ManifestSet,
        targets: &[PinnedTarget<'_>],
    ) -> Vec<Diagnostic> {
        let known = targets
            .iter()
            .filter_map(|pinned| Some((pinned.target, self.schemas.get(&pinned.target.name)?)));
        known
            .flat_map(|(target, schemas)| check_with(set, target, schemas).diagnostics)
            .collect()
    }

    /// Pins the references of one target.
    ///
    /// # Errors
    /// The server does not answer, or answers with another owner's policy.
    pub async fn take(
        &mut self,
        reader: &ChainloopReader,
        pinned: &PinnedTarget<'_>,
        lock: &mut LockFile,
        aim: PinMode,
    ) -> Result<(), ReferenceReadError> {
        let PinnedTarget { target, documents } = pinned;
        for reference in references::all(documents) {
            let old = lock.pin(&target.name, &reference).cloned();
            let fixed = if aim.update && (reference.digest.is_none() || aim.rewrite) {
                None
            } else {
                reference
                    .digest
                    .clone()
                    .or_else(|| old.as_ref().map(|pin| pin.digest.clone()))
            };
            let Some(live) = read(reader, target, &reference, fixed.as_ref()).await? else {
                self.missing(target, documents, &reference, old.is_some());
                continue;
            };
            let Some(pin) = live.wanted else {
                let wanted = fixed.as_ref().map(Digest::short).unwrap_or_default();
                self.drifted.push(format!(
                    "{reference} of {}: the server no longer has the version {wanted}; the latest is {}",
                    target.name,
                    live.latest.digest.short()
                ));
                continue;
            };
            if pin.digest != live.latest.digest {
                let since = live
                    .latest
                    .created_at()
                    .map(|at| format!(", available since {at}"))
                    .unwrap_or_default();
                let latest = live.latest.digest.short();
                let name = &target.name;
                let pinned = pin.digest.short();
                self.drifted.push(format!(
                    "{reference} of {name}: {pinned} is behind {latest}{since}"
                ));
            }
            if let Some(schema) = live.schema {
                self.schemas
                    .entry(target.name.clone())
                    .or_default()
                    .insert(reference.clone(), schema);
            }
            self.versions
                .entry(target.name.clone())
                .or_default()
                .insert(reference.clone(), pin.digest.clone());
            if old.as_ref() != Some(&pin) {
                let again = if old.is_some() {
                    "pinned again"
                } else {
                    "pinned"
                };
                self.told.push(format!(
                    "{again} {reference} of {}, which is {}",
                    target.name,
                    pin.digest.short()
                ));
                lock.targets
                    .entry(target.name.clone())
                    .or_default()
                    .policies
                    .insert(pin_key(&reference), pin);
            }
        }
        Ok(())
    }

    /// With `update`, forgets what nothing refers to; notes what cannot be asked for.
    pub fn forget(&mut self, pinned: &PinnedTarget<'_>, lock: &mut LockFile, aim: PinMode) {
        let PinnedTarget { target, documents } = pinned;
        let uses = documents.iter().flat_map(|document| &document.references);
        let others: BTreeSet<&Reference> = uses
            .map(|one| &one.reference)
            .filter(|reference| !references::can_be_read(reference))
            .collect();
        self.notes.extend(others.into_iter().map(|other| {
            format!(
                "{other} of {} is not pinned: the service returns only its own policies",
                target.name
            )
        }));
        let Some(entry) = lock.targets.get_mut(&target.name).filter(|_| aim.update) else {
            return;
        };
        let keys: BTreeSet<String> = references::all(documents).iter().map(pin_key).collect();
        let gone: Vec<String> = entry
            .policies
            .keys()
            .filter(|key| !keys.contains(*key))
            .cloned()
            .collect();
        for key in gone {
            entry.policies.remove(&key);
            self.told.push(format!("removed {key} of {}", target.name));
        }
    }

    /// The server has no such policy.
    fn missing(
        &mut self,
        target: &Target,
        documents: &[DesiredDocument],
        reference: &Reference,
        was_pinned: bool,
    ) {
        let own = reference
            .organization
            .as_ref()
            .is_none_or(|organization| *organization == target.organization);
        let declares = |one: &DesiredDocument| {
            own && one.kind == DocumentKind::Policy && one.name == reference.name
        };
        let name = &target.name;
        if was_pinned {
            self.drifted.push(format!(
                "{reference} of {name}: the policy no longer exists on the server"
            ));
        } else if reference.digest.is_none() && documents.iter().any(declares) {
            self.notes.push(format!(
                "{reference} of {name} is not pinned: apply creates it first"
            ));
        } else {
            self.unpinned.push(format!(
                "{reference} of {name}: unknown policy on the server"
            ));
        }
    }
}

/// Reads the latest version, and what is needed of the wanted one; nothing if there is no such policy.
async fn read(
    reader: &ChainloopReader,
    target: &Target,
    reference: &Reference,
    wanted: Option<&Digest>,
) -> Result<Option<LivePolicyVersions>, ReferenceReadError> {
    let Some(latest) = references::version(reader, target, reference, None).await? else {
        return Ok(None);
    };
    let wanted = wanted.unwrap_or(&latest.digest);
    if *wanted == latest.digest {
        let schema = latest.inputs_schema.clone();
        return Ok(Some(LivePolicyVersions {
            wanted: Some(pin(&latest)),
            schema,
            latest,
        }));
    }
    let found = references::version(reader, target, reference, Some(wanted)).await?;
    let schema = found.as_ref().and_then(|found| found.inputs_schema.clone());
    Ok(Some(LivePolicyVersions {
        wanted: found.as_ref().map(pin),
        schema,
        latest,
    }))
}

fn pin(document: &LiveDocument) -> PolicyPin {
    PolicyPin {
        organization: document.organization.clone().filter(|_| !document.builtin),
        name: document.name.clone(),
        digest: document.digest.clone(),
        created_at: document.created_at(),
    }
}
