//! Writes live policy packs and policy groups as manifests.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use camino::Utf8Path;
use serde_json::Value;

use crate::service::import::{ImportError, ImportFiles, ImportedManifest, file_stem};
use manifest::config::Target;
use manifest::format;
use manifest::pulumi::{
    ConfigSchemaSpec, FrameworkSpec, GroupMetadata, GroupPackSpec, PackMetadata, PackPolicySpec,
    PolicyGroupSpec, PolicyPackManifest, PolicyPackSpec, PulumiApiVersion, PulumiGroupKind,
    PulumiPackKind, PulumiPolicyGroupManifest, StackSpec, TagSuffix,
};
use manifest::{Document, Manifest};
use model::pulumi::{
    EntityType, Framework, GroupName, LiveGroup, LiveGroupBody, LiveGroupPack, LivePack,
    LivePackPolicy, LiveVersion, PackName, PackPolicy, PulumiLiveState, StackReference,
    VersionDetail, VersionTag,
};

/// What the server keeps to itself, as a comment.
const KEPT: &str = "# The service does not return the source, readme, description and tags of a version.\n\
                    # Put the source to where `source` says, then run `polwarden lock`.\n";

/// The files for the live packs and groups that no manifest declares.
pub fn undeclared<'a>(
    live: &PulumiLiveState,
    documents: &[&Document],
    target: &Target,
    folder: &'a Utf8Path,
) -> ImportFiles<'a> {
    let (packs, groups) = declared(documents);
    let mut files = ImportFiles::new(folder);
    let PulumiLiveState {
        packs: live_packs,
        groups: live_groups,
    } = live;
    let stem = |kind: &str, name: &str| format!("{kind}-{}", file_stem(name));
    for live in live_packs {
        let name = live.name.as_str();
        if packs.contains(name) {
            files.already_declared += 1;
        } else if !live.is_of(&target.organization) {
            files.refused.push((
                format!("pack \"{name}\""),
                "another organization publishes it".to_owned(),
            ));
        } else {
            let source = format!("../packs/{name}");
            files.add("pack", name, stem("pack", name), pack(live, &source));
        }
    }
    for live in live_groups {
        let name = live.name.as_str();
        if groups.contains(name) {
            files.already_declared += 1;
        } else {
            files.add("group", name, stem("group", name), group(live));
        }
    }
    files
}

/// The names of the packs and of the groups that manifests declare, those that groups had before included.
fn declared<'d>(documents: &[&'d Document]) -> (BTreeSet<&'d str>, BTreeSet<&'d str>) {
    let mut packs = BTreeSet::new();
    let mut groups = BTreeSet::new();
    for document in documents {
        match &document.manifest {
            Manifest::PolicyPack(pack) => {
                packs.insert(pack.metadata.name.as_str());
            }
            Manifest::PolicyGroup(group) => {
                let metadata = &group.metadata;
                groups.extend(
                    metadata
                        .aliases
                        .iter()
                        .chain([&metadata.name])
                        .map(String::as_str),
                );
            }
            Manifest::Policy(_)
            | Manifest::ResourceList(_)
            | Manifest::PolicyTest(_)
            | Manifest::ChainloopPolicy(_)
            | Manifest::ChainloopGroup(_) => {}
        }
    }
    (packs, groups)
}

/// The manifest of the newest version of a pack. `source` is the path for its source.
///
/// # Errors
/// The manifest cannot express the pack.
pub fn pack(live: &LivePack, source: &str) -> Result<ImportedManifest, ImportError> {
    let LivePack {
        name,
        // The display name of the newest version is used.
        display_name: _,
        publisher: _,
        versions,
        unknown_fields: _,
    } = live;
    PackName::new(name).map_err(|error| ImportError::Word(format!("its name {error}")))?;
    let LiveVersion {
        number: _,
        tag,
        detail,
    } = versions
        .last()
        .ok_or_else(|| ImportError::NotUnderstood("has no complete version".to_owned()))?;
    VersionTag::new(tag)
        .map_err(|error| ImportError::Word(format!("the tag of its newest version {error}")))?;
    let VersionDetail {
        display_name,
        policies: live_policies,
        applied: _,
        unknown_fields: _,
    } = detail
        .as_ref()
        .ok_or_else(|| ImportError::NotUnderstood("has a version that was not read".to_owned()))?;
    let mut left_out = Vec::new();
    let mut policies = Vec::new();
    for live in live_policies {
        let LivePackPolicy {
            name,
            policy,
            unknown_fields,
        } = live;
        let policy = policy.as_ref().map_err(|opaque| {
            ImportError::NotUnderstood(format!("has the policy `{name}`, which {}", opaque.why))
        })?;
        left_out.extend(
            unknown_fields
                .keys()
                .map(|field| format!("the field `{field}` of the policy `{name}`")),
        );
        policies.push(policy_spec(policy));
    }
    let manifest = PolicyPackManifest {
        api_version: PulumiApiVersion::V1,
        kind: PulumiPackKind::PolicyPack,
        metadata: PackMetadata { name: name.clone() },
        spec: PolicyPackSpec {
            display_name: display_name.clone(),
            version_tag: tag.clone(),
            version_tag_suffix: TagSuffix::None,
            source: source.to_owned(),
            runtime: None,
            description: None,
            readme: None,
            provider: None,
            tags: None,
            repository: None,
            policies,
        },
    };
    left_out.push("the source, and other fields that the service does not return".to_owned());
    Ok(ImportedManifest {
        text: text(&manifest, KEPT)?,
        left_out,
    })
}

fn policy_spec(policy: &PackPolicy) -> PackPolicySpec {
    let PackPolicy {
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
    } = policy;
    let list = |texts: &[String]| (!texts.is_empty()).then(|| texts.to_vec());
    PackPolicySpec {
        name: name.as_str().to_owned(),
        display_name: (display_name != name.as_str()).then(|| display_name.clone()),
        description: description.clone(),
        enforcement_level: *enforcement_level,
        message: message.clone(),
        config_schema: config_schema.as_ref().map(|schema| {
            let (properties, required) = schema.parts();
            ConfigSchemaSpec {
                kind: None,
                properties: (!properties.is_empty()).then(|| properties.clone()),
                required: list(required),
            }
        }),
        severity: *severity,
        framework: framework.as_ref().map(
            |Framework {
                 name,
                 version,
                 reference,
                 specification,
             }| FrameworkSpec {
                name: name.clone(),
                version: version.clone(),
                reference: reference.clone(),
                specification: specification.clone(),
            },
        ),
        tags: list(tags),
        remediation_steps: remediation_steps.clone(),
        url: url.clone(),
    }
}

/// The manifest of a group.
///
/// # Errors
/// The manifest cannot express the group.
pub fn group(live: &LiveGroup) -> Result<ImportedManifest, ImportError> {
    let LiveGroup {
        name,
        is_default,
        body,
        unknown_fields,
    } = live;
    GroupName::new(name).map_err(|error| ImportError::Word(format!("its name {error}")))?;
    let LiveGroupBody {
        entity_type,
        mode,
        stacks,
        accounts,
        packs: live_packs,
        agent_pool,
    } = body
        .as_ref()
        .map_err(|opaque| ImportError::NotUnderstood(opaque.why.clone()))?;
    let mut left_out: Vec<String> = unknown_fields
        .keys()
        .map(|field| format!("the field `{field}`"))
        .collect();
    let mut seen = HashSet::new();
    let mut packs = Vec::new();
    for pack in live_packs {
        if !seen.insert(pack.name.as_str()) {
            return Err(ImportError::NotUnderstood(format!(
                "has two versions of the pack `{}`",
                pack.name
            )));
        }
        packs.push(pack_spec(pack, &mut left_out)?);
    }
    // The members of a built-in group follow from the other groups. Others have members of one type.
    let has_stacks = !is_default && *entity_type == EntityType::Stacks;
    let has_accounts = !is_default && *entity_type == EntityType::Accounts;
    let manifest = PulumiPolicyGroupManifest {
        api_version: PulumiApiVersion::V1,
        kind: PulumiGroupKind::PolicyGroup,
        metadata: GroupMetadata {
            name: name.clone(),
            aliases: Vec::new(),
        },
        spec: PolicyGroupSpec {
            entity_type: *entity_type,
            mode: Some(*mode),
            stacks: has_stacks.then(|| stacks.iter().map(stack_spec).collect()),
            accounts: has_accounts.then(|| accounts.clone()),
            agent_pool_id: agent_pool.clone(),
            policy_packs: Some(packs),
        },
    };
    Ok(ImportedManifest {
        text: text(&manifest, "")?,
        left_out,
    })
}

fn stack_spec(stack: &StackReference) -> StackSpec {
    let StackReference {
        routing_project,
        name,
    } = stack;
    StackSpec {
        name: name.clone(),
        routing_project: routing_project.clone(),
    }
}

fn pack_spec(
    pack: &LiveGroupPack,
    left_out: &mut Vec<String>,
) -> Result<GroupPackSpec, ImportError> {
    let LiveGroupPack {
        name,
        version: _,
        tag,
        config,
        environments,
        unknown_fields,
    } = pack;
    VersionTag::new(tag)
        .map_err(|error| ImportError::Word(format!("the tag of the pack `{name}` {error}")))?;
    let mut read = BTreeMap::new();
    for (policy, values) in config.iter().flatten() {
        let Value::Object(values) = values else {
            return Err(ImportError::NotUnderstood(format!(
                "configures `{policy}` of `{name}` without an object"
            )));
        };
        read.insert(policy.clone(), values.clone());
    }
    left_out.extend(
        unknown_fields
            .keys()
            .map(|field| format!("the field `{field}` of `{name}`")),
    );
    let config = (!read.is_empty()).then_some(read);
    Ok(GroupPackSpec {
        name: name.clone(),
        version_tag: Some(tag.clone()),
        config,
        environments: (!environments.is_empty()).then(|| environments.clone()),
    })
}

fn text(manifest: &impl serde::Serialize, head: &str) -> Result<String, ImportError> {
    let text = serde_yaml::to_string(manifest)?;
    let text = format!("{head}{text}");
    // If the text cannot be formatted, it is still valid.
    Ok(format::format(&text).unwrap_or(text))
}
