//! Drafts the calls that publish and retire versions of packs.

use super::PackPlanner;
use crate::plan::{HeldReason, ResourceKind, UnmanagedResource, pack_id};
use manifest::config::Unmanaged;
use model::diag::{Code, Diagnostic};
use model::pulumi::{
    DesiredPack, LivePack, LiveVersion, NewVersion, PackName, PulumiOperation, VersionDetail,
};

impl PackPlanner<'_> {
    /// Publishes desired versions that do not exist.
    pub(super) fn publish(&mut self) {
        let request = self.request;
        let mut packs: Vec<&DesiredPack> = request.packs.iter().collect();
        packs.sort_by(|a, b| a.name().cmp(b.name()));
        for pack in packs {
            let live = request.live.pack(pack.name().as_str());
            if let Some(live) = live.filter(|live| !live.is_of(&request.target.organization)) {
                let publisher = live.publisher.as_deref().unwrap_or_default();
                let why = format!(
                    "it is published by `{publisher}`, and only that organization can change it"
                );
                let source = Some((request.locate)(&pack.place()));
                self.add_held(
                    ResourceKind::Pack,
                    &live.name,
                    source,
                    HeldReason::Refused { why },
                );
                continue;
            }
            match live.and_then(|live| live.version(pack.tag())) {
                None => self.publish_version(pack),
                Some(version) => self.findings.extend(reused(pack, version)),
            }
        }
    }

    fn publish_version(&mut self, pack: &DesiredPack) {
        if let Some(path) = &pack.source.uncommitted {
            let message = format!(
                "version `{}` cannot be published from a commit: `{path}` of its source is not committed",
                pack.tag()
            );
            let place = pack.field("source");
            self.findings.push(
                Diagnostic::new(Code::PackSourceInvalid, message, place)
                    .help("build the pack in the work tree, and run the command without --at and --staged"),
            );
            return;
        }
        let version = pack.version.clone();
        let name = pack.name().clone();
        let tag = pack.tag().clone();
        let source = pack.source.digest.clone();
        let archive = pack.source.archive.clone();
        let calls = [
            PulumiOperation::CreatePackVersion {
                version: Box::new(version),
            },
            PulumiOperation::PutArchive {
                pack: name.clone(),
                tag: tag.clone(),
                source,
                archive,
            },
            PulumiOperation::CompletePackVersion {
                pack: name.clone(),
                tag: tag.clone(),
            },
        ];
        for send in calls {
            self.push(ResourceKind::Pack, name.as_str(), Some(tag.as_str()), send);
        }
    }

    /// Deletes versions that are no longer kept, and packs that are pruned.
    pub(super) fn retire(&mut self) {
        let request = self.request;
        let mut live: Vec<&LivePack> = request
            .live
            .packs
            .iter()
            .filter(|pack| pack.is_of(&request.target.organization))
            .collect();
        live.sort_by(|a, b| a.name.cmp(&b.name));
        for pack in live {
            if request
                .packs
                .iter()
                .any(|desired| desired.name().as_str() == pack.name)
            {
                self.retire_versions(pack);
            } else {
                self.unmanaged_pack(pack);
            }
        }
    }

    fn retire_versions(&mut self, pack: &LivePack) {
        let Some(keep) = self.request.keep_versions else {
            return;
        };
        let Ok(name) = PackName::new(&pack.name) else {
            return;
        };
        let versions = self
            .model
            .state
            .pack(&pack.name)
            .map(|pack| pack.versions.clone())
            .unwrap_or_default();
        let many = versions
            .len()
            .saturating_sub(usize::try_from(keep.get()).unwrap_or(usize::MAX));
        for version in versions.iter().take(many) {
            // Versions in use are kept, whatever their age.
            if self
                .model
                .users(&pack.name, Some(version.number))
                .is_empty()
            {
                let reference = version.reference();
                let send = PulumiOperation::DeletePackVersion {
                    pack: name.clone(),
                    version: reference.clone(),
                };
                self.push(
                    ResourceKind::Pack,
                    &pack.name,
                    Some(&reference.to_string()),
                    send,
                );
            }
        }
    }

    fn unmanaged_pack(&mut self, pack: &LivePack) {
        let settings = &self.request.unmanaged;
        let treatment = settings.treatment(&pack.name);
        let known = settings.is_known(&pack.name);
        match treatment {
            Unmanaged::Ignore | Unmanaged::Report => {}
            Unmanaged::Prune => self.prune_pack(pack),
        }
        self.unmanaged.push(UnmanagedResource {
            resource: ResourceKind::Pack,
            id: pack_id(&pack.name),
            name: pack.name.clone(),
            parts: pack.versions.len(),
            treatment,
            known,
            becomes: None,
        });
    }

    fn prune_pack(&mut self, pack: &LivePack) {
        let users = self.model.users(&pack.name, None);
        if let Some(group) = users.first() {
            let why = format!("the group `{group}` uses it");
            return self.add_held(
                ResourceKind::Pack,
                &pack.name,
                None,
                HeldReason::Refused { why },
            );
        }
        match PackName::new(&pack.name) {
            Ok(name) => {
                self.push(
                    ResourceKind::Pack,
                    &pack.name,
                    None,
                    PulumiOperation::DeletePack { pack: name },
                );
                self.pruned.push((ResourceKind::Pack, pack.name.clone()));
            }
            Err(error) => {
                let why = format!("has a name that {error}");
                self.add_held(
                    ResourceKind::Pack,
                    &pack.name,
                    None,
                    HeldReason::NotUnderstood { why },
                );
            }
        }
    }
}

/// A tag that is published with different content.
fn reused(pack: &DesiredPack, live: &LiveVersion) -> Option<Diagnostic> {
    let what = differs(pack, live.detail.as_ref()?)?;
    let message = format!(
        "version `{}` of pack `{}` is published with other content: {what}",
        pack.tag(),
        pack.name()
    );
    Some(
        Diagnostic::new(Code::TagReused, message, pack.tag_place())
            .label("the content of a tag cannot change")
            .help("raise `versionTag`, then run `polwarden lock`"),
    )
}

/// How a published version differs from its manifest, as a clause.
fn differs(pack: &DesiredPack, live: &VersionDetail) -> Option<String> {
    let NewVersion {
        name: _,
        version_tag: _,
        display_name: wanted_name,
        policies: wanted,
        // The service does not return the other fields.
        description: _,
        readme: _,
        provider: _,
        tags: _,
        repository: _,
        runtime: _,
        metadata: _,
    } = &pack.version;
    let VersionDetail {
        display_name,
        policies,
        applied: _,
        unknown_fields: _,
    } = live;
    if display_name != wanted_name {
        return Some(format!("its display name is `{display_name}`"));
    }
    for policy in wanted {
        let found = policies
            .iter()
            .find(|found| found.name == policy.name.as_str());
        match found.map(|found| &found.policy) {
            None => return Some(format!("it has no policy `{}`", policy.name)),
            // A policy that could not be decoded cannot be compared.
            Some(Err(_)) => {}
            Some(Ok(found)) if found == policy => {}
            Some(Ok(found)) => {
                let fields = super::changes::policy_fields(Some(found), Some(policy));
                let fields: Vec<&str> = fields.iter().map(|field| field.field.as_str()).collect();
                return Some(format!(
                    "its policy `{}` differs ({})",
                    policy.name,
                    fields.join(", ")
                ));
            }
        }
    }
    let known = |name: &str| wanted.iter().any(|policy| policy.name.as_str() == name);
    let extra = policies.iter().find(|policy| !known(&policy.name))?;
    Some(format!("it has the policy `{}`", extra.name))
}
