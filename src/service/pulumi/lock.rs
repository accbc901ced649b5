//! What the sources of policy packs are, version by version.

use manifest::config::Target;
use manifest::lock::{LockFile, VersionLock};
use model::pulumi::DesiredPack;

/// Locks the packs of one target; with `update`, forgets those that no manifest declares any more.
pub fn lock_packs(
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
