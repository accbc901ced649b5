//! What the sources of policy packs are, version by version.

use std::collections::HashMap;

use super::check::{CheckedPacks, PackInput, check_packs};
use crate::service::invalid::InvalidManifests;
use crate::workspace::ManifestSet;
use manifest::config::Target;
use manifest::lock::{LockFile, VersionLock};
use manifest::pulumi::{DeclaredPolicies, METADATA_FILE};
use model::diag::{Code, Diagnostic, DocumentId};
use model::pulumi::DesiredPack;

/// Checks the packs and groups of a target against a lock.
pub fn check(set: &ManifestSet, target: &Target, lock: &LockFile) -> CheckedPacks {
    let none = HashMap::new();
    check_packs(&PackInput {
        target,
        documents: &set.documents(target),
        sources: set
            .target(target)
            .map_or(&none, |loaded| &loaded.pack_sources),
        lock,
        invalid: InvalidManifests::default(),
    })
}

/// What `polwarden lock` does with packs.
#[derive(Debug, Clone, Copy)]
pub struct PackLockMode {
    /// Replace what is locked, and forget packs that no manifest declares.
    pub update: bool,
    /// Record the policies that the packs declare.
    pub from_pack: bool,
}

/// Checks the packs of a target and locks their sources. Returns the diagnostics.
pub fn lock_target(
    set: &ManifestSet,
    target: &Target,
    mode: PackLockMode,
    lock: &mut LockFile,
    told: &mut Vec<String>,
) -> Vec<Diagnostic> {
    // A tag that means something else now is what `update` is for.
    let checked = if mode.update {
        check(set, target, &LockFile::default())
    } else {
        check(set, target, &set.loaded.lock)
    };
    let mut diagnostics = checked.diagnostics;
    diagnostics.retain(|diagnostic| diagnostic.code != Code::PackUnlocked);
    let declared = if mode.from_pack {
        declared_policies(set, target, &checked.packs, &mut diagnostics)
    } else {
        HashMap::new()
    };
    lock_packs(target, &checked.packs, (mode.update, &declared), lock, told);
    diagnostics
}

/// The policies that the packs declare, read from what their builds wrote.
fn declared_policies(
    set: &ManifestSet,
    target: &Target,
    packs: &[DesiredPack],
    found: &mut Vec<Diagnostic>,
) -> HashMap<DocumentId, DeclaredPolicies> {
    let sources = set.target(target).map(|loaded| &loaded.pack_sources);
    let mut declared = HashMap::new();
    for pack in packs {
        let Some(source) = sources.and_then(|sources| sources.get(&pack.document)) else {
            continue;
        };
        let message = match source.build_metadata() {
            Ok(metadata) if metadata.name == pack.name().as_str() => {
                declared.insert(pack.document, metadata.policies);
                continue;
            }
            Ok(metadata) => format!(
                "`{METADATA_FILE}` is about the pack `{}`, not `{}`",
                metadata.name,
                pack.name()
            ),
            Err(why) => why,
        };
        found.push(
            Diagnostic::new(Code::PackMetadataInvalid, message, pack.field("source")).help(
                "build the pack, and let the build write the file; docs/reference/pulumi.md describes its format",
            ),
        );
    }
    declared
}

/// Locks the packs of one target; with `update`, forgets those that no manifest declares any more.
fn lock_packs(
    target: &Target,
    packs: &[DesiredPack],
    (update, declared): (bool, &HashMap<DocumentId, DeclaredPolicies>),
    lock: &mut LockFile,
    told: &mut Vec<String>,
) {
    let entry = lock.targets.entry(target.name.clone()).or_default();
    if update {
        let declared = |name: &_| packs.iter().any(|pack| pack.name() == name);
        let gone: Vec<_> = entry
            .policy_packs
            .keys()
            .filter(|name| !declared(name))
            .cloned()
            .collect();
        for name in gone {
            entry.policy_packs.remove(&name);
            told.push(format!("forgot {name} of {}", target.name));
        }
    }
    for pack in packs {
        let versions = entry.policy_packs.entry(pack.name().clone()).or_default();
        let known = versions.get(pack.tag());
        let known = known.filter(|known| known.source == pack.source.digest);
        let wanted = VersionLock {
            source: pack.source.digest.clone(),
            files: pack.source.files.clone(),
            // Policies that were locked with the same source stay.
            policies: declared
                .get(&pack.document)
                .or_else(|| known?.policies.as_ref())
                .cloned(),
        };
        let before = versions.insert(pack.tag().clone(), wanted.clone());
        let what = format!(
            "{} {} of {}, which is {}",
            pack.name(),
            pack.tag(),
            target.name,
            wanted.source.short()
        );
        match before {
            Some(before) if before == wanted => {}
            Some(before) if before.source == wanted.source => {
                told.push(format!("locked the policies of {what}"));
            }
            Some(_) => told.push(format!("locked anew {what}")),
            None => told.push(format!("locked {what}")),
        }
    }
}
