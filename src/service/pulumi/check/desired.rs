//! Builds desired packs and groups from manifests without errors.

use std::collections::{BTreeMap, BTreeSet};

use super::context::{PackView, PulumiGroupView, PulumiRuleContext};
use super::rules::config::declared_schema;
use super::rules::source::runtime;
use manifest::pulumi::{
    FrameworkSpec, GroupPackSpec, PackPolicySpec, PolicyGroupSpec, PolicyPackSpec, StackSpec,
};
use model::diag::{Code, Diagnostic, Place};
use model::pulumi::{
    DesiredGroup, DesiredGroupPack, DesiredPack, Framework, GroupConfig, GroupName, LockedSource,
    NewVersion, PackName, PackPolicy, PackSource, PolicyName, PolicySelector, PulumiNameError,
    StackReference, VersionTag,
};

/// Boxed, because errors are rare and large.
type PackBuildResult<T> = Result<T, Box<Diagnostic>>;

/// Builds the desired pack of a manifest without errors. Whatever cannot be built becomes an error,
/// so that no pack is dropped silently.
pub(super) fn pack(
    context: &PulumiRuleContext<'_>,
    pack: &PackView<'_>,
) -> PackBuildResult<DesiredPack> {
    let source = || pack.field("source");
    let named = pack
        .source
        .ok_or_else(|| refuse("the source was not read", source()))?;
    let tree = named
        .tree
        .as_ref()
        .as_ref()
        .map_err(|error| refuse(error.to_string(), source()))?;
    let archive = tree
        .archive()
        .map_err(|error| refuse(format!("the source cannot be archived: {error}"), source()))?;
    let runtime = runtime(tree).map_err(|message| refuse(message, source()))?;
    let version = version(pack, runtime)?;
    let locked = context
        .lock
        .targets
        .get(&context.target.name)
        .and_then(|lock| lock.policy_packs.get(&version.name));
    let locked = locked.into_iter().flatten().map(|(tag, lock)| {
        (
            tag.clone(),
            LockedSource {
                digest: lock.source.clone(),
                files: lock.files.clone(),
            },
        )
    });
    let uncommitted = pack.uncommitted();
    let (digest, files) = match uncommitted {
        Some((_, locked)) => (locked.source.clone(), locked.files.clone()),
        None => (tree.digest(), tree.files()),
    };
    Ok(DesiredPack {
        source: PackSource {
            path: named.path.clone(),
            digest,
            files,
            uncommitted: uncommitted.map(|(path, _)| path.to_owned()),
            archive: archive.digest(),
            archive_bytes: u64::try_from(archive.bytes().len()).unwrap_or(u64::MAX),
        },
        locked: locked.collect(),
        document: pack.document,
        version,
    })
}

fn version(pack: &PackView<'_>, runtime: String) -> PackBuildResult<NewVersion> {
    let PolicyPackSpec {
        display_name,
        version_tag: _,
        version_tag_suffix: _,
        source: _,
        runtime: _,
        description,
        readme,
        provider,
        tags,
        repository,
        policies,
    } = &pack.manifest.spec;
    let tag = pack.tag.as_deref().unwrap_or_default();
    let policies = policies
        .iter()
        .enumerate()
        .map(|(index, spec)| policy(pack, index, spec));
    Ok(NewVersion {
        name: word(PackName::new(&pack.manifest.metadata.name), || {
            pack.name_place()
        })?,
        display_name: display_name.clone(),
        version_tag: word(VersionTag::new(tag), || pack.field("versionTag"))?,
        policies: policies.collect::<PackBuildResult<Vec<_>>>()?,
        description: description.clone(),
        readme: readme.clone(),
        provider: provider.clone(),
        tags: set(tags.as_deref()),
        repository: repository.clone(),
        runtime: Some(runtime),
        metadata: BTreeMap::new(),
    })
}

fn policy(pack: &PackView<'_>, index: usize, spec: &PackPolicySpec) -> PackBuildResult<PackPolicy> {
    let PackPolicySpec {
        name,
        display_name,
        description,
        enforcement_level,
        message,
        config_schema,
        severity,
        framework,
        tags,
        remediation_steps,
        url,
    } = spec;
    let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    Ok(PackPolicy {
        name: word(PolicyName::new(name), || pack.policy_field(index, "name"))?,
        display_name: display_name.clone().unwrap_or_else(|| name.clone()),
        description: description.clone(),
        enforcement_level: *enforcement_level,
        message: message.clone(),
        config_schema: config_schema.as_ref().map(declared_schema),
        severity: *severity,
        framework: framework
            .as_ref()
            .map(
                |FrameworkSpec {
                     name,
                     version,
                     reference,
                     specification,
                 }| Framework {
                    name: said(name),
                    version: said(version),
                    reference: said(reference),
                    specification: said(specification),
                },
            )
            .filter(|framework| *framework != Framework::default()),
        tags: set(tags.as_deref()),
        remediation_steps: said(remediation_steps),
        url: said(url),
    })
}

/// Builds the desired group of a manifest without errors.
pub(super) fn group(
    context: &PulumiRuleContext<'_>,
    group: &PulumiGroupView<'_>,
) -> PackBuildResult<DesiredGroup> {
    let metadata = &group.manifest.metadata;
    let aliases = metadata.aliases.iter().enumerate();
    let aliases =
        aliases.map(|(index, alias)| word(GroupName::new(alias), || group.alias_place(index)));
    let PolicyGroupSpec {
        entity_type,
        mode,
        stacks,
        accounts,
        agent_pool_id,
        policy_packs,
    } = &group.manifest.spec;
    let packs = policy_packs.as_ref().map(|packs| {
        packs
            .iter()
            .enumerate()
            .map(|(index, spec)| group_pack(context, group, index, spec))
            .collect::<PackBuildResult<Vec<_>>>()
    });
    Ok(DesiredGroup {
        name: word(GroupName::new(&metadata.name), || group.name_place())?,
        aliases: aliases.collect::<PackBuildResult<Vec<_>>>()?,
        entity_type: *entity_type,
        mode: *mode,
        stacks: stacks
            .as_ref()
            .map(|stacks| stacks.iter().map(stack).collect::<BTreeSet<_>>()),
        accounts: accounts
            .as_ref()
            .map(|accounts| accounts.iter().cloned().collect()),
        agent_pool: agent_pool_id.clone(),
        policy_packs: packs.transpose()?,
        document: group.document,
    })
}

fn stack(spec: &StackSpec) -> StackReference {
    let StackSpec {
        name,
        routing_project,
    } = spec;
    StackReference {
        routing_project: routing_project.clone(),
        name: name.clone(),
    }
}

fn group_pack(
    context: &PulumiRuleContext<'_>,
    group: &PulumiGroupView<'_>,
    index: usize,
    spec: &GroupPackSpec,
) -> PackBuildResult<DesiredGroupPack> {
    let GroupPackSpec {
        name,
        version_tag,
        config,
        environments,
    } = spec;
    let followed = || context.pack(name).and_then(|pack| pack.tag.as_deref());
    let tag = version_tag.as_deref().or_else(followed).unwrap_or_default();
    let config = config.as_ref().map(|config| {
        let entries = config.iter().map(|(policy, values)| {
            let selector = word(PolicySelector::try_from(policy.clone()), || {
                group.pack_field(index, "config")
            })?;
            Ok((selector, values.clone()))
        });
        entries
            .collect::<PackBuildResult<BTreeMap<_, _>>>()
            .map(GroupConfig)
    });
    Ok(DesiredGroupPack {
        pack: word(PackName::new(name), || group.pack_field(index, "name"))?,
        tag: word(VersionTag::new(tag), || {
            group.pack_field(index, "versionTag")
        })?,
        config: config.transpose()?,
        environments: environments.clone(),
        index,
    })
}

/// Sorted and without duplicates: the order has no meaning and must not influence what is sent.
fn set(texts: Option<&[String]>) -> Vec<String> {
    texts
        .into_iter()
        .flatten()
        .cloned()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

fn word<T>(word: Result<T, PulumiNameError>, place: impl FnOnce() -> Place) -> PackBuildResult<T> {
    word.map_err(|error| refuse(format!("the name {error}"), place()))
}

fn refuse(message: impl Into<String>, place: Place) -> Box<Diagnostic> {
    let help = "correct this field; see `polwarden explain invalid-value`";
    Box::new(Diagnostic::new(Code::InvalidValue, message, place).help(help))
}
