//! A sequential model of the service: packs, versions and groups as a state machine that calls
//! advance.
//!
//! Publishing takes three calls (create a version, upload its archive, complete it), versions are
//! immutable, tags are never reused, and a version can only be deleted while no group uses it. Such
//! preconditions depend on the state that earlier calls leave, so they are checked by simulation
//! instead of by rules about pairs of calls. Planning, the audit and the verification after a run
//! use the same model.
//!
//! Example: `DeletePackVersion` of a version that a group uses is rejected; after the group has
//! switched to another version, it is accepted. The planner therefore drafts the switch first.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Map;

use crate::plan::PlannedCall;
use crate::plan::ReplayError;
use model::digest::SourceDigest;
use model::pulumi::{
    GroupChange, LiveGroup, LiveGroupBody, LiveGroupPack, LivePack, LivePackPolicy, LiveVersion,
    NewGroup, NewVersion, PackName, PulumiLiveState, PulumiOperation, VersionDetail, VersionNumber,
    VersionRef, VersionTag,
};

/// A version that was created but not completed. It is not listed by the service.
#[derive(Debug, Clone)]
struct PendingVersion {
    display_name: String,
    version: LiveVersion,
    uploaded: Option<SourceDigest>,
}

/// The state of an organization after some calls.
#[derive(Debug, Clone)]
pub struct PackModel {
    pub(crate) state: PulumiLiveState,
    /// The previous names of groups, by current name.
    pub(crate) renamed: BTreeMap<String, String>,
    /// The sources of published versions, by pack and tag.
    pub(crate) sources: BTreeMap<(String, String), SourceDigest>,
    pending: BTreeMap<(PackName, VersionTag), PendingVersion>,
    /// Tags that can never be used again.
    burnt: BTreeSet<(String, String)>,
}

impl PackModel {
    /// The model before any call.
    pub fn new(live: &PulumiLiveState) -> Self {
        Self {
            state: live.clone(),
            renamed: BTreeMap::new(),
            sources: BTreeMap::new(),
            pending: BTreeMap::new(),
            burnt: BTreeSet::new(),
        }
    }

    pub fn state(&self) -> &PulumiLiveState {
        &self.state
    }

    /// The previous names of groups, by current name.
    pub fn renamed(&self) -> &BTreeMap<String, String> {
        &self.renamed
    }

    /// Applies all calls in order.
    pub(crate) fn after(
        live: &PulumiLiveState,
        calls: &[PlannedCall],
    ) -> Result<Self, ReplayError> {
        let mut model = Self::new(live);
        for call in calls {
            let number = call.id.0;
            let operation = call
                .send
                .pulumi()
                .ok_or(ReplayError::OtherService { call: number })?;
            model
                .apply(operation)
                .map_err(|why| ReplayError::Refused { call: number, why })?;
        }
        Ok(model)
    }

    /// Applies a call.
    ///
    /// # Errors
    /// The reason why the service would reject it, as a clause.
    pub fn apply(&mut self, operation: &PulumiOperation) -> Result<(), String> {
        match operation {
            PulumiOperation::CreatePackVersion { version } => self.create_version(version),
            PulumiOperation::PutArchive {
                pack,
                tag,
                source,
                archive: _,
            } => {
                let pending = self.pending.get_mut(&(pack.clone(), tag.clone()));
                let pending = pending
                    .ok_or_else(|| format!("version {tag} of pack `{pack}` was not started"))?;
                pending.uploaded = Some(source.clone());
                Ok(())
            }
            PulumiOperation::CompletePackVersion { pack, tag } => self.complete(pack, tag),
            PulumiOperation::DeletePackVersion { pack, version } => {
                self.delete_version(pack, version)
            }
            PulumiOperation::DeletePack { pack } => self.delete_pack(pack),
            PulumiOperation::CreateGroup { group } => self.create_group(group),
            PulumiOperation::UpdateGroup { group, change } => {
                self.update_group(group.as_str(), change)
            }
            PulumiOperation::DeleteGroup { group } => {
                let at = self.group_at(group.as_str())?;
                if self.state.groups[at].is_default {
                    return Err(format!("group `{group}` is built in"));
                }
                self.state.groups.remove(at);
                Ok(())
            }
        }
    }

    /// The names of the groups that use a version of a pack, or any version of it.
    pub(crate) fn users(&self, pack: &str, version: Option<VersionNumber>) -> Vec<&str> {
        let uses = |group: &&LiveGroup| match &group.body {
            Ok(body) => body.packs.iter().any(|used| {
                used.name == pack && version.is_none_or(|version| used.version == version)
            }),
            Err(_) => false,
        };
        let mut users: Vec<&str> = self
            .state
            .groups
            .iter()
            .filter(uses)
            .map(|group| group.name.as_str())
            .collect();
        users.sort_unstable();
        users
    }

    fn create_version(&mut self, new: &NewVersion) -> Result<(), String> {
        let NewVersion {
            name,
            display_name,
            version_tag,
            policies,
            // The service does not return these fields.
            description: _,
            readme: _,
            provider: _,
            tags: _,
            repository: _,
            runtime: _,
            metadata: _,
        } = new;
        let key = (name.clone(), version_tag.clone());
        let taken = self
            .state
            .pack(name.as_str())
            .is_some_and(|pack| pack.version(version_tag).is_some());
        let burnt = self
            .burnt
            .contains(&(name.to_string(), version_tag.to_string()));
        if taken || burnt || self.pending.contains_key(&key) {
            return Err(format!(
                "version {version_tag} of pack `{name}` has already been published"
            ));
        }
        let known = self
            .state
            .pack(name.as_str())
            .and_then(LivePack::newest)
            .map_or(0, |version| version.number.0);
        let begun = self.pending.iter().filter(|((pack, _), _)| pack == name);
        let highest = begun
            .map(|(_, pending)| pending.version.number.0)
            .max()
            .unwrap_or_default()
            .max(known);
        let policies = policies.iter().map(|policy| LivePackPolicy {
            name: policy.name.to_string(),
            policy: Ok(policy.clone()),
            unknown_fields: Map::new(),
        });
        let detail = VersionDetail {
            display_name: display_name.clone(),
            policies: policies.collect(),
            applied: false,
            unknown_fields: Map::new(),
        };
        let version = LiveVersion {
            number: VersionNumber(highest + 1),
            tag: version_tag.to_string(),
            detail: Some(detail),
        };
        self.pending.insert(
            key,
            PendingVersion {
                display_name: display_name.clone(),
                version,
                uploaded: None,
            },
        );
        Ok(())
    }

    fn complete(&mut self, pack: &PackName, tag: &VersionTag) -> Result<(), String> {
        let pending = self.pending.remove(&(pack.clone(), tag.clone()));
        let Some(PendingVersion {
            display_name,
            version,
            uploaded: Some(source),
        }) = pending
        else {
            return Err(format!(
                "the archive of version {tag} of pack `{pack}` was not uploaded"
            ));
        };
        self.sources
            .insert((pack.to_string(), tag.to_string()), source);
        match self
            .state
            .packs
            .iter_mut()
            .find(|known| known.name == pack.as_str())
        {
            Some(known) => {
                known.display_name = display_name;
                known.versions.push(version);
            }
            None => self.state.packs.push(LivePack {
                name: pack.to_string(),
                display_name,
                publisher: None,
                versions: vec![version],
                unknown_fields: Map::new(),
            }),
        }
        Ok(())
    }

    fn delete_version(&mut self, pack: &PackName, reference: &VersionRef) -> Result<(), String> {
        let missing = || format!("pack `{pack}` has no version {reference}");
        let version = self
            .state
            .pack(pack.as_str())
            .and_then(|pack| find(pack, reference))
            .ok_or_else(missing)?;
        let number = version.number;
        let tag = version.tag.clone();
        if !self.users(pack.as_str(), Some(number)).is_empty() {
            return Err(format!(
                "version {reference} of pack `{pack}` is applied to a group"
            ));
        }
        if let Some(pack) = self
            .state
            .packs
            .iter_mut()
            .find(|known| known.name == pack.as_str())
        {
            pack.versions.retain(|version| version.number != number);
        }
        self.state.packs.retain(|pack| !pack.versions.is_empty());
        self.burnt.insert((pack.to_string(), tag));
        Ok(())
    }

    fn delete_pack(&mut self, pack: &PackName) -> Result<(), String> {
        if self.state.pack(pack.as_str()).is_none() {
            return Err(format!("unknown pack `{pack}`"));
        }
        if !self.users(pack.as_str(), None).is_empty() {
            return Err(format!("pack `{pack}` is enabled in a group"));
        }
        self.state.packs.retain(|known| known.name != pack.as_str());
        Ok(())
    }

    fn create_group(&mut self, new: &NewGroup) -> Result<(), String> {
        let NewGroup {
            name,
            entity_type,
            mode,
            agent_pool_id,
        } = new;
        if self.state.group(name.as_str()).is_some() {
            return Err(format!("group `{name}` already exists"));
        }
        self.state.groups.push(LiveGroup {
            name: name.to_string(),
            is_default: false,
            body: Ok(LiveGroupBody {
                entity_type: *entity_type,
                mode: mode.unwrap_or_else(|| entity_type.usual_mode()),
                stacks: Vec::new(),
                accounts: Vec::new(),
                packs: Vec::new(),
                agent_pool: agent_pool_id.clone(),
            }),
            unknown_fields: Map::new(),
        });
        Ok(())
    }

    fn group_at(&self, name: &str) -> Result<usize, String> {
        let at = self
            .state
            .groups
            .iter()
            .position(|group| group.name == name);
        at.ok_or_else(|| format!("unknown group `{name}`"))
    }

    /// The pack that a change adds to a group, as the group has it afterwards; nothing for other
    /// changes.
    fn added(&self, change: &GroupChange) -> Result<Option<LiveGroupPack>, String> {
        let GroupChange::AddPack {
            pack,
            tag,
            config,
            environments,
        } = change
        else {
            return Ok(None);
        };
        let known = self
            .state
            .pack(pack.as_str())
            .and_then(|pack| pack.version(tag));
        let version =
            known.ok_or_else(|| format!("pack `{pack}` has no complete version {tag}"))?;
        Ok(Some(LiveGroupPack {
            name: pack.to_string(),
            version: version.number,
            tag: tag.to_string(),
            config: config.clone(),
            environments: environments.clone(),
            unknown_fields: Map::new(),
        }))
    }

    fn update_group(&mut self, name: &str, change: &GroupChange) -> Result<(), String> {
        let at = self.group_at(name)?;
        if let GroupChange::Rename { name: new } = change {
            if self.state.group(new.as_str()).is_some() {
                return Err(format!("group `{new}` already exists"));
            }
            self.renamed.insert(new.to_string(), name.to_owned());
            self.state.groups[at].name = new.to_string();
            return Ok(());
        }
        let added = self.added(change)?;
        let is_default = self.state.groups[at].is_default;
        let Ok(body) = &mut self.state.groups[at].body else {
            return Err(format!("group `{name}` is not supported"));
        };
        match change {
            GroupChange::AddStack { .. }
            | GroupChange::RemoveStack { .. }
            | GroupChange::AddAccount { .. }
            | GroupChange::RemoveAccount { .. }
                if is_default =>
            {
                return Err(format!(
                    "group `{name}` is built in; members cannot be added"
                ));
            }
            GroupChange::AddStack { stack } => {
                if !body.stacks.contains(stack) {
                    body.stacks.push(stack.clone());
                }
            }
            GroupChange::RemoveStack { stack } => {
                let at = body.stacks.iter().position(|known| known == stack);
                body.stacks
                    .remove(at.ok_or_else(|| format!("group `{name}` has no stack {stack}"))?);
            }
            GroupChange::AddAccount { account } => {
                if !body.accounts.contains(account) {
                    body.accounts.push(account.clone());
                }
            }
            GroupChange::RemoveAccount { account } => {
                let at = body.accounts.iter().position(|known| known == account);
                let missing = || format!("group `{name}` does not contain account `{account}`");
                body.accounts.remove(at.ok_or_else(missing)?);
            }
            GroupChange::SetAgentPool { agent_pool_id } => {
                body.agent_pool = Some(agent_pool_id.clone()).filter(|pool| !pool.is_empty());
            }
            GroupChange::AddPack { .. } => {
                if let Some(added) = added {
                    match body.packs.iter_mut().find(|known| known.name == added.name) {
                        Some(known) => *known = added,
                        None => body.packs.push(added),
                    }
                }
            }
            GroupChange::RemovePack { pack, version } => {
                let fits = |known: &LiveGroupPack| {
                    known.name == pack.as_str()
                        && matches_reference(version, known.version, &known.tag)
                };
                let at = body.packs.iter().position(fits);
                body.packs.remove(at.ok_or_else(|| {
                    format!("group `{name}` has no version {version} of `{pack}`")
                })?);
            }
            GroupChange::Rename { .. } => {}
        }
        Ok(())
    }
}

fn matches_reference(reference: &VersionRef, number: VersionNumber, tag: &str) -> bool {
    match reference {
        VersionRef::Tag(wanted) => wanted.as_str() == tag,
        VersionRef::Number(wanted) => *wanted == number,
    }
}

/// The version that a call refers to.
pub(crate) fn find<'p>(pack: &'p LivePack, reference: &VersionRef) -> Option<&'p LiveVersion> {
    pack.versions
        .iter()
        .find(|version| matches_reference(reference, version.number, &version.tag))
}
