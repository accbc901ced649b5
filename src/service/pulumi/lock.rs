//! What the sources of policy packs are, version by version.

use std::collections::HashMap;

use super::check::{CheckedPacks, PackInput, check_packs};
use crate::workspace::ManifestSet;
use manifest::config::Target;
use manifest::lock::{LockFile, VersionLock};
use model::diag::{Code, Diagnostic};
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
    })
}

/// Checks the packs of a target and locks their sources. Answers what is wrong with them.
pub fn lock_target(
    set: &ManifestSet,
    target: &Target,
    update: bool,
    lock: &mut LockFile,
    told: &mut Vec<String>,
) -> Vec<Diagnostic> {
    // A tag that means something else now is what `update` is for.
    let checked = if update {
        check(set, target, &LockFile::default())
    } else {
        check(set, target, &set.loaded.lock)
    };
    lock_packs(target, &checked.packs, update, lock, told);
    let mut diagnostics = checked.diagnostics;
    diagnostics.retain(|diagnostic| diagnostic.code != Code::PackUnlocked);
    diagnostics
}

/// Locks the packs of one target; with `update`, forgets those that no manifest declares any more.
fn lock_packs(
    target: &Target,
    packs: &[DesiredPack],
    update: bool,
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
        let wanted = VersionLock {
            source: pack.source.digest.clone(),
            files: pack.source.files.clone(),
        };
        let versions = entry.policy_packs.entry(pack.name().clone()).or_default();
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
            Some(_) => told.push(format!("locked anew {what}")),
            None => told.push(format!("locked {what}")),
        }
    }
}
