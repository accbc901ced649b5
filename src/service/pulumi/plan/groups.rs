//! Drafts the calls for groups. Each call makes one change.

use std::collections::BTreeSet;

use super::PackPlanner;
use super::changes::config;
use crate::plan::{HeldReason, ResourceKind, UnmanagedResource, group_id};
use manifest::config::Unmanaged;
use model::diag::{Code, Diagnostic};
use model::pulumi::{
    DesiredGroup, DesiredGroupPack, GroupChange, GroupName, LiveGroup, LiveGroupBody,
    LiveGroupPack, NewGroup, PackName, PulumiOperation, StackReference, VersionRef, VersionTag,
};

impl PackPlanner<'_> {
    pub(super) fn switch(&mut self) {
        let request = self.request;
        let mut groups: Vec<&DesiredGroup> = request.groups.iter().collect();
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        let mut matched: BTreeSet<String> = BTreeSet::new();
        let pairs: Vec<(&DesiredGroup, Option<&LiveGroup>)> = groups
            .iter()
            .map(|group| {
                let named = |name: &str| request.live.group(name);
                let declared = |name: &str| {
                    request
                        .groups
                        .iter()
                        .any(|other| other.name.as_str() == name)
                };
                let old = || {
                    group
                        .aliases
                        .iter()
                        .filter(|alias| !declared(alias.as_str()))
                        .find_map(|alias| named(alias.as_str()))
                };
                let live = named(group.name.as_str()).or_else(old);
                (*group, live)
            })
            .collect();
        for (_, live) in &pairs {
            matched.extend(live.map(|live| live.name.clone()));
        }
        // Deletions come first, because they free names and versions.
        let mut left: Vec<&LiveGroup> = request
            .live
            .groups
            .iter()
            .filter(|group| !matched.contains(&group.name) && !group.is_default)
            .collect();
        left.sort_by(|a, b| a.name.cmp(&b.name));
        for (group, live) in pairs {
            match live {
                None => self.create_group(group),
                Some(live) => self.update_group(group, live),
            }
        }
        for group in left {
            self.unmanaged_group(group);
        }
    }

    fn create_group(&mut self, group: &DesiredGroup) {
        let DesiredGroup {
            name,
            aliases: _,
            entity_type,
            mode,
            stacks,
            accounts,
            agent_pool,
            policy_packs,
            document: _,
        } = group;
        let new = NewGroup {
            name: name.clone(),
            entity_type: *entity_type,
            mode: *mode,
            agent_pool_id: agent_pool.clone().filter(|pool| !pool.is_empty()),
        };
        self.push(
            ResourceKind::Group,
            name.as_str(),
            None,
            PulumiOperation::CreateGroup { group: new },
        );
        for pack in policy_packs.iter().flatten() {
            self.enable(group, name, pack, None);
        }
        for stack in stacks.iter().flatten() {
            self.change(
                name,
                None,
                GroupChange::AddStack {
                    stack: stack.clone(),
                },
            );
        }
        for account in accounts.iter().flatten() {
            let account = account.clone();
            self.change(name, None, GroupChange::AddAccount { account });
        }
    }

    fn change(&mut self, group: &GroupName, part: Option<&str>, change: GroupChange) {
        let send = PulumiOperation::UpdateGroup {
            group: group.clone(),
            change,
        };
        self.push(ResourceKind::Group, group.as_str(), part, send);
    }

    fn update_group(&mut self, group: &DesiredGroup, live: &LiveGroup) {
        let source = Some((self.request.locate)(&group.place()));
        let LiveGroup {
            name: live_name,
            is_default,
            body,
            unknown_fields: _,
        } = live;
        let DesiredGroup {
            name: wanted_name,
            aliases: _,
            entity_type,
            mode: wanted_mode,
            stacks,
            accounts,
            agent_pool,
            policy_packs,
            document: _,
        } = group;
        let body = match body {
            Ok(body) => body,
            Err(opaque) => {
                let reason = HeldReason::NotUnderstood {
                    why: opaque.why.clone(),
                };
                return self.add_held(ResourceKind::Group, live_name, source, reason);
            }
        };
        let refused = |why: String| HeldReason::Refused { why };
        if body.entity_type != *entity_type {
            let why = format!(
                "it is a group of {}, which cannot become one of {entity_type}",
                body.entity_type
            );
            return self.add_held(ResourceKind::Group, live_name, source, refused(why));
        }
        if let Some(mode) = wanted_mode.filter(|mode| *mode != body.mode) {
            let why = format!("its mode is `{}` and cannot become `{mode}`", body.mode);
            self.add_held(ResourceKind::Group, live_name, source.clone(), refused(why));
        }
        let Ok(current) = GroupName::new(live_name) else {
            let why = "has a name that cannot be written".to_owned();
            return self.add_held(
                ResourceKind::Group,
                live_name,
                source,
                HeldReason::NotUnderstood { why },
            );
        };
        let mut name = current.clone();
        if current != *wanted_name {
            if *is_default {
                let why = "it is built in and cannot be renamed".to_owned();
                self.add_held(ResourceKind::Group, live_name, source.clone(), refused(why));
            } else {
                self.change(
                    &current,
                    None,
                    GroupChange::Rename {
                        name: wanted_name.clone(),
                    },
                );
                name = wanted_name.clone();
            }
        }
        if *is_default && stacks.as_ref().is_some_and(|stacks| !stacks.is_empty()) {
            let why =
                "it is built in: it contains the members of no other group, and stacks cannot be added"
                    .to_owned();
            self.add_held(ResourceKind::Group, live_name, source.clone(), refused(why));
        } else if let Some(stacks) = stacks.as_ref().filter(|_| !*is_default) {
            self.switch_stacks(&name, stacks, body);
        }
        if *is_default
            && accounts
                .as_ref()
                .is_some_and(|accounts| !accounts.is_empty())
        {
            let why = "it is built in and contains the accounts that no other group contains, so no accounts can be \
                       added"
                .to_owned();
            self.add_held(ResourceKind::Group, live_name, source, refused(why));
        } else if let Some(accounts) = accounts.as_ref().filter(|_| !*is_default) {
            self.switch_accounts(&name, accounts, body);
        }
        let live_pool = body.agent_pool.as_deref().unwrap_or_default();
        if let Some(pool) = agent_pool.as_ref().filter(|pool| *pool != live_pool) {
            let agent_pool_id = pool.clone();
            self.change(&name, None, GroupChange::SetAgentPool { agent_pool_id });
        }
        if let Some(packs) = policy_packs {
            self.switch_packs(group, &name, packs, body);
        }
    }

    fn switch_stacks(
        &mut self,
        name: &GroupName,
        wanted: &BTreeSet<StackReference>,
        body: &LiveGroupBody,
    ) {
        for stack in wanted.iter().filter(|stack| !body.stacks.contains(stack)) {
            self.change(
                name,
                None,
                GroupChange::AddStack {
                    stack: stack.clone(),
                },
            );
        }
        let mut gone: Vec<&StackReference> = body
            .stacks
            .iter()
            .filter(|stack| !wanted.contains(stack))
            .collect();
        gone.sort();
        gone.dedup();
        for stack in gone {
            self.change(
                name,
                None,
                GroupChange::RemoveStack {
                    stack: stack.clone(),
                },
            );
        }
    }

    fn switch_accounts(
        &mut self,
        name: &GroupName,
        wanted: &BTreeSet<String>,
        body: &LiveGroupBody,
    ) {
        let live: BTreeSet<String> = body.accounts.iter().cloned().collect();
        for account in wanted.difference(&live) {
            let account = account.clone();
            self.change(name, None, GroupChange::AddAccount { account });
        }
        for account in live.difference(wanted) {
            let account = account.clone();
            self.change(name, None, GroupChange::RemoveAccount { account });
        }
    }

    fn switch_packs(
        &mut self,
        group: &DesiredGroup,
        name: &GroupName,
        wanted: &[DesiredGroupPack],
        body: &LiveGroupBody,
    ) {
        let mut wanted: Vec<&DesiredGroupPack> = wanted.iter().collect();
        wanted.sort_by(|a, b| a.pack.cmp(&b.pack));
        for pack in &wanted {
            let live = body
                .packs
                .iter()
                .find(|used| used.name == pack.pack.as_str());
            self.enable(group, name, pack, live);
        }
        let mut gone: Vec<&LiveGroupPack> = body
            .packs
            .iter()
            .filter(|used| !wanted.iter().any(|pack| pack.pack.as_str() == used.name))
            .collect();
        gone.sort_by(|a, b| a.name.cmp(&b.name));
        for used in gone {
            let Ok(pack) = PackName::new(&used.name) else {
                let why = format!("has the pack `{}`, whose name cannot be written", used.name);
                self.add_held(
                    ResourceKind::Group,
                    name.as_str(),
                    None,
                    HeldReason::NotUnderstood { why },
                );
                continue;
            };
            let version = VersionTag::new(&used.tag)
                .map_or(VersionRef::Number(used.version), VersionRef::Tag);
            self.change(
                name,
                Some(&used.name),
                GroupChange::RemovePack { pack, version },
            );
        }
    }

    /// Enables a pack in a group. Fields that manifests do not contain are kept.
    fn enable(
        &mut self,
        group: &DesiredGroup,
        name: &GroupName,
        wanted: &DesiredGroupPack,
        live: Option<&LiveGroupPack>,
    ) {
        let DesiredGroupPack {
            pack,
            tag,
            config: declared,
            environments: declared_environments,
            index: _,
        } = wanted;
        let known = self
            .model
            .state
            .pack(pack.as_str())
            .is_some_and(|pack| pack.version(tag).is_some());
        if !known {
            let message =
                format!("pack `{pack}` has no version `{tag}`, and this plan does not publish it");
            let finding = Diagnostic::new(Code::UnknownVersion, message, group.pack_place(wanted))
                .help("use a published version, or one that a manifest of this target declares");
            return self.findings.push(finding);
        }
        let carried = live.and_then(|live| live.config.clone());
        let config_wanted = declared
            .as_ref()
            .map_or(carried, |config| Some(config.to_wire()))
            .filter(|map| !map.is_empty());
        let environments = declared_environments
            .clone()
            .or_else(|| live.map(|live| live.environments.clone()))
            .unwrap_or_default();
        let same = live.is_some_and(|live| {
            let LiveGroupPack {
                name: _,
                // The tag identifies the version.
                version: _,
                tag: live_tag,
                config: _,
                environments: live_environments,
                unknown_fields: _,
            } = live;
            let wanted = config_wanted
                .clone()
                .map_or(serde_json::Value::Null, serde_json::Value::Object);
            live_tag == tag.as_str() && config(live) == wanted && *live_environments == environments
        });
        if let Some((field, _)) = live
            .filter(|_| !same)
            .and_then(|live| live.unknown_fields.iter().next())
        {
            let why = format!(
                "gives the pack `{pack}` the unknown field `{field}`, which another version would drop"
            );
            let source = Some((self.request.locate)(&group.pack_place(wanted)));
            self.add_held(
                ResourceKind::Group,
                name.as_str(),
                source,
                HeldReason::NotUnderstood { why },
            );
            return;
        }
        if !same {
            let change = GroupChange::AddPack {
                pack: pack.clone(),
                tag: tag.clone(),
                config: config_wanted,
                environments,
            };
            self.change(name, Some(pack.as_str()), change);
        }
    }

    fn unmanaged_group(&mut self, group: &LiveGroup) {
        let settings = &self.request.unmanaged;
        let treatment = settings.treatment(&group.name);
        let known = settings.is_known(&group.name);
        match treatment {
            Unmanaged::Ignore | Unmanaged::Report => {}
            Unmanaged::Prune => self.prune_group(group),
        }
        self.unmanaged.push(UnmanagedResource {
            resource: ResourceKind::Group,
            id: group_id(&group.name),
            name: group.name.clone(),
            parts: group.body.as_ref().map_or(0, |body| body.packs.len()),
            treatment,
            known,
            becomes: None,
        });
    }

    pub(super) fn prune_group(&mut self, group: &LiveGroup) {
        let why = match (&group.body, GroupName::new(&group.name)) {
            (Err(opaque), _) => opaque.why.clone(),
            (Ok(_), Err(error)) => format!("has a name that {error}"),
            (Ok(_), Ok(name)) => {
                self.push(
                    ResourceKind::Group,
                    &group.name,
                    None,
                    PulumiOperation::DeleteGroup { group: name },
                );
                self.pruned.push((ResourceKind::Group, group.name.clone()));
                return;
            }
        };
        self.add_held(
            ResourceKind::Group,
            &group.name,
            None,
            HeldReason::NotUnderstood { why },
        );
    }
}
