//! Creates the initial organizations.

use serde::de::DeserializeOwned;
use serde_json::json;

use super::lookup::{find_pack, newest};
use super::objects::{
    AppliedPack, PublishedContent, PulumiOrganization, StackIdentity, StoredAccount, StoredGroup,
    StoredPack, StoredPackVersion, StoredStack, VersionStatus, ticket,
};
use super::options::PulumiOptions;
use super::refusal::PulumiRefusal;
use super::seed::{
    AccountSeed, AddedPackSeed, GroupPackSeed, GroupSeed, PackSeed, PackVersionSeed,
    PulumiOrganizationSeed, PulumiSeed, StackSeed,
};
use super::store::{PulumiRecords, PulumiStore};
use crate::error::EmulatorError;
use crate::random;
use crate::state::SeedFailure;

/// The organization that is created if none is configured.
const DEFAULT_ORGANIZATION: &str = "my-org";

/// Creates the organizations of `options` that are missing in the state, with all their objects,
/// and adds missing stacks and accounts to existing ones. Packs and groups are only stored with a
/// new organization, because a restart must not restore deleted ones.
pub(super) fn create_organizations(
    store: &PulumiStore,
    options: &PulumiOptions,
) -> Result<(), EmulatorError> {
    store
        .write(|records| {
            let seeded = options
                .seed
                .as_ref()
                .map_or(&[][..], |PulumiSeed { organizations }| organizations);
            let mut new = Vec::new();
            for organization in seeded.iter().chain(&options.organizations) {
                if add(records, organization)? {
                    new.push(organization);
                }
            }
            // Groups and additions refer to packs of any organization, so all packs come first.
            for organization in new {
                add_pack_references(records, organization)?;
            }
            if records
                .organizations()?
                .iter()
                .all(|organization| organization.is_foreign)
            {
                add(
                    records,
                    &PulumiOrganizationSeed {
                        name: DEFAULT_ORGANIZATION.to_owned(),
                        ..Default::default()
                    },
                )?;
            }
            Ok(())
        })
        .map_err(|failure: SeedFailure| failure.into_error(&options.state))
}

/// Adds an organization with its packs if the name is new. Returns whether it is new.
fn add(records: &PulumiRecords<'_>, seed: &PulumiOrganizationSeed) -> Result<bool, SeedFailure> {
    let PulumiOrganizationSeed {
        name,
        without_policy_as_code,
        foreign,
        stacks,
        accounts,
        policy_packs,
        added: _,
        policy_groups: _,
    } = seed;
    let is_new = records.organization(name)?.is_none();
    if is_new {
        records.add_organization(&PulumiOrganization {
            name: name.clone(),
            policy_as_code: !without_policy_as_code,
            is_foreign: *foreign,
        })?;
        for group in StoredGroup::built_in(name) {
            records.add_group(group)?;
        }
        for pack in policy_packs {
            add_pack(records, name, pack)?;
        }
    }
    for stack in stacks {
        let resources = stack.resources.into();
        records.add_stack(
            name,
            &StoredStack {
                reference: reference(stack),
                resources,
            },
        )?;
    }
    for AccountSeed {
        name: account,
        resources,
    } in accounts
    {
        records.add_account(
            name,
            &StoredAccount {
                name: account.clone(),
                resources: (*resources).into(),
            },
        )?;
    }
    Ok(is_new)
}

fn reference(stack: &StackSeed) -> StackIdentity {
    let StackSeed {
        name,
        routing_project,
        resources: _,
    } = stack.clone();
    StackIdentity {
        name,
        routing_project,
    }
}

fn add_pack(
    records: &PulumiRecords<'_>,
    publisher: &str,
    seed: &PackSeed,
) -> Result<(), SeedFailure> {
    let PackSeed {
        name,
        id,
        source,
        public,
        withheld,
        versions,
    } = seed.clone();
    let pack = records.add_pack(StoredPack {
        place: 0,
        id: id.map_or_else(random::uuid, Ok)?,
        source,
        publisher: publisher.to_owned(),
        name: name.clone(),
        is_public: public,
        is_added: !withheld,
    })?;
    for (number, version) in (1..).zip(versions) {
        let PackVersionSeed {
            version_tag,
            display_name,
            runtime,
            incomplete,
            policies,
            other,
        } = version;
        let display_name = display_name.unwrap_or_else(|| name.clone());
        records.add_version(
            &pack,
            &StoredPackVersion {
                number,
                tag: version_tag.unwrap_or_else(|| number.to_string()),
                status: if incomplete {
                    VersionStatus::Incomplete
                } else {
                    VersionStatus::Complete
                },
                content: PublishedContent {
                    display_name,
                    runtime,
                    policies,
                    kept: serde_json::Map::new(),
                    other,
                },
                ticket: ticket()?,
                digest: None,
            },
        )?;
    }
    Ok(())
}

/// Adds the objects that refer to packs: additions and groups.
fn add_pack_references(
    records: &PulumiRecords<'_>,
    seed: &PulumiOrganizationSeed,
) -> Result<(), SeedFailure> {
    for AddedPackSeed { publisher, name } in &seed.added {
        let wrong = || SeedFailure::Seed {
            place: format!("{}, added", seed.name),
            why: format!("unknown pack `{name}` of `{publisher}`"),
        };
        let pack = records.pack(publisher, name)?.ok_or_else(wrong)?;
        records.add_addition(&seed.name, &pack)?;
    }
    for group in &seed.policy_groups {
        add_group(records, &seed.name, group)?;
    }
    Ok(())
}

fn add_group(
    records: &PulumiRecords<'_>,
    organization: &str,
    seed: &GroupSeed,
) -> Result<(), SeedFailure> {
    let GroupSeed {
        name,
        entity_type,
        mode,
        stacks,
        accounts,
        policy_packs,
        agent_pool_id,
        other,
    } = seed;
    let wrong = |why: String| SeedFailure::Seed {
        place: format!("{organization}, group {name}"),
        why,
    };
    let entity_type = entity_type
        .as_deref()
        .map(|text| word(text).ok_or_else(|| wrong(format!("unknown entity type `{text}`"))));
    let mode = mode
        .as_deref()
        .map(|text| word(text).ok_or_else(|| wrong(format!("unknown mode `{text}`"))));
    let mut group = match records.group(organization, name)? {
        Some(built_in) if built_in.body.is_default => built_in,
        Some(_) => return Err(wrong("the name is there twice".to_owned())),
        None => {
            let entity_type = entity_type.transpose()?.unwrap_or_default();
            let mode = mode.transpose()?;
            records.add_group(StoredGroup::new(organization, name, entity_type, mode))?
        }
    };
    group.body.stacks = stacks.iter().map(reference).collect();
    group.body.accounts.clone_from(accounts);
    group.body.agent_pool = agent_pool_id.clone().filter(|pool| !pool.is_empty());
    group.body.other.clone_from(other);
    if group.body.is_default && !(stacks.is_empty() && accounts.is_empty()) {
        return Err(wrong(
            "a built-in group contains the members of no other group; omit stacks and accounts"
                .to_owned(),
        ));
    }
    records.update_group(&group)?;
    for GroupPackSeed {
        name: pack,
        version_tag,
        config,
        environments,
    } in policy_packs
    {
        let missing = |_: PulumiRefusal| wrong(format!("the organization has no pack `{pack}`"));
        let (pack, _) = find_pack(records, organization, pack).map_err(missing)?;
        let versions = records.versions(&pack)?;
        let version = match version_tag {
            Some(tag) => versions.into_iter().find(|version| &version.tag == tag),
            None => newest(versions),
        };
        let version = version
            .ok_or_else(|| wrong(format!("the pack `{}` has no such version", pack.name)))?;
        let applied = AppliedPack {
            pack,
            version,
            config: config.clone(),
            environments: environments.clone(),
        };
        records.apply(&group, &applied)?;
    }
    Ok(())
}

/// Parses an enum value of the contract.
fn word<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value::<T>(json!(text)).ok()
}
