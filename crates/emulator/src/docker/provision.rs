//! Creates the initial organizations.

use jiff::Timestamp;

use super::objects::{ALLOWLIST, CEDAR, StoredPolicy, StoredRule, policy_id, rule_id};
use super::options::DockerOptions;
use super::seed::{DockerOrganizationSeed, DockerSeed, PolicySeed, RuleSeed};
use super::store::{DockerRecords, DockerStore};
use crate::error::EmulatorError;
use crate::state::SeedFailure;

/// The organization that is created if none is configured.
const DEFAULT_ORGANIZATION: &str = "my-org";

/// Creates the organizations of `options` that are missing in the state, with teams and policies,
/// and adds missing teams to existing ones. Policies are only stored with a new organization,
/// because a restart must not restore deleted ones.
pub(super) fn create_organizations(
    store: &DockerStore,
    options: &DockerOptions,
) -> Result<(), EmulatorError> {
    store
        .write(|records| {
            let seeded = options
                .seed
                .as_ref()
                .map_or(&[][..], |DockerSeed { organizations }| organizations);
            for organization in seeded.iter().chain(&options.organizations) {
                add(records, organization)?;
            }
            if !records.has_organizations()? {
                records.add_organization(DEFAULT_ORGANIZATION)?;
            }
            Ok(())
        })
        .map_err(|failure: SeedFailure| failure.into_error(&options.state))
}

fn add(records: &DockerRecords<'_>, seed: &DockerOrganizationSeed) -> Result<(), SeedFailure> {
    let DockerOrganizationSeed {
        name,
        teams,
        policies,
    } = seed;
    let is_new = !records.has_organization(name)?;
    if is_new {
        records.add_organization(name)?;
    }
    for team in teams {
        records.add_team(name, &team.uuid, &team.name)?;
    }
    if is_new {
        for policy in policies {
            add_policy(records, name, policy)?;
        }
    }
    Ok(())
}

fn add_policy(
    records: &DockerRecords<'_>,
    organization: &str,
    seed: &PolicySeed,
) -> Result<(), SeedFailure> {
    let PolicySeed {
        id,
        name,
        kind,
        scope,
        rules,
        created_at,
        updated_at,
        other,
    } = seed.clone();
    let kind = kind.unwrap_or_else(|| {
        if other.contains_key(CEDAR) {
            CEDAR
        } else {
            ALLOWLIST
        }
        .to_owned()
    });
    let created_at = created_at.unwrap_or_else(Timestamp::now);
    let policy = StoredPolicy {
        place: 0,
        id: id.map_or_else(policy_id, Ok)?,
        organization: organization.to_owned(),
        name,
        kind,
        scope,
        body: other,
        created_at,
        updated_at: updated_at.unwrap_or(created_at),
    };
    records.add_policy(&policy)?;
    for rule in rules {
        let RuleSeed {
            id,
            name,
            actions,
            other,
        } = rule;
        records.add_rule(
            &policy.id,
            &StoredRule {
                id: id.map_or_else(rule_id, Ok)?,
                name,
                actions,
                other,
            },
        )?;
    }
    Ok(())
}
