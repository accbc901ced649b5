//! Groups.

use serde::de::IgnoredAny;
use serde::de::value::{self, BorrowedStrDeserializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::pack::{each_once, list};
use http::json::{DecodeError, ROOT, decode, id, required};
use model::Opaque;
use model::pulumi::{
    GroupChange, GroupName, LiveGroup, LiveGroupBody, LiveGroupPack, PackName, StackReference,
    VersionNumber, VersionRef, VersionTag,
};

/// A group as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GroupSummary {
    /// The name, unique in the organization.
    #[serde(deserialize_with = "id")]
    pub name: String,
    /// Whether it is built in.
    #[serde(rename = "isOrgDefault")]
    pub is_default: bool,
}

/// Decodes the list of groups (contract: `AppListPolicyGroupsResponse`).
pub(crate) fn groups(answer: &Value) -> Result<Vec<GroupSummary>, DecodeError> {
    let at = "$.policyGroups";
    let groups: Option<Vec<GroupSummary>> = decode(required(answer, ROOT, "policyGroups")?, at)?;
    let groups = groups.unwrap_or_default();
    each_once(groups.iter().map(|group| group.name.as_str()), at)?;
    Ok(groups)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupAnswer<'v> {
    entity_type: &'v str,
    mode: &'v str,
    #[serde(deserialize_with = "list")]
    stacks: Vec<StackAnswer>,
    #[serde(deserialize_with = "list")]
    applied_policy_packs: Vec<GroupPackAnswer>,
    #[serde(deserialize_with = "list")]
    accounts: Vec<String>,
    agent_pool_id: Option<String>,
    name: String,
    is_org_default: bool,
    #[serde(flatten)]
    unknown_fields: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StackAnswer {
    name: String,
    routing_project: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupPackAnswer {
    config: Option<Map<String, Value>>,
    environments: Option<Vec<String>>,
    #[serde(deserialize_with = "id")]
    name: String,
    #[serde(default, rename = "displayName")]
    _display_name: IgnoredAny,
    version: u64,
    version_tag: String,
    #[serde(flatten)]
    unknown_fields: Map<String, Value>,
}

/// Decodes a group (contract: `PolicyGroup`).
pub(crate) fn group(answer: &Value) -> Result<LiveGroup, DecodeError> {
    let fields: GroupAnswer<'_> = decode(answer, ROOT)?;
    let opaque = |why| Opaque {
        why,
        raw: answer.clone(),
    };
    let stack = |stack: StackAnswer| StackReference {
        routing_project: stack.routing_project,
        name: stack.name,
    };
    let pack = |pack: GroupPackAnswer| LiveGroupPack {
        name: pack.name,
        version: VersionNumber(pack.version),
        tag: pack.version_tag,
        config: pack.config,
        environments: pack.environments.unwrap_or_default(),
        unknown_fields: pack.unknown_fields,
    };
    let body = match (parse_known(fields.entity_type), parse_known(fields.mode)) {
        (Some(entity_type), Some(mode)) => Ok(LiveGroupBody {
            entity_type,
            mode,
            stacks: fields.stacks.into_iter().map(stack).collect(),
            accounts: fields.accounts,
            packs: fields.applied_policy_packs.into_iter().map(pack).collect(),
            agent_pool: fields.agent_pool_id.filter(|pool| !pool.is_empty()),
        }),
        (None, _) => Err(opaque(format!("is about `{}`", fields.entity_type))),
        (_, None) => Err(opaque(format!("has the mode `{}`", fields.mode))),
    };
    Ok(LiveGroup {
        name: fields.name,
        is_default: fields.is_org_default,
        body,
        unknown_fields: fields.unknown_fields,
    })
}

/// A value that this version knows.
fn parse_known<'v, T: Deserialize<'v>>(text: &'v str) -> Option<T> {
    T::deserialize(BorrowedStrDeserializer::<value::Error>::new(text)).ok()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum GroupOperation<'a> {
    NewName(&'a GroupName),
    AddStack(&'a StackReference),
    RemoveStack(&'a StackReference),
    AddInsightsAccount {
        name: &'a str,
    },
    RemoveInsightsAccount {
        name: &'a str,
    },
    AgentPoolId(&'a str),
    AddPolicyPack {
        name: &'a PackName,
        version_tag: &'a VersionTag,
        #[serde(skip_serializing_if = "Option::is_none")]
        config: Option<&'a Map<String, Value>>,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        environments: &'a [String],
    },
    RemovePolicyPack {
        name: &'a PackName,
        #[serde(skip_serializing_if = "Option::is_none")]
        version_tag: Option<&'a VersionTag>,
        #[serde(skip_serializing_if = "Option::is_none")]
        version: Option<VersionNumber>,
    },
}

/// The body of updateGroup: one operation (contract: `UpdatePolicyGroupRequest`).
pub(crate) fn group_change(change: &GroupChange) -> Value {
    json!(match change {
        GroupChange::Rename { name } => GroupOperation::NewName(name),
        GroupChange::AddStack { stack } => GroupOperation::AddStack(stack),
        GroupChange::RemoveStack { stack } => GroupOperation::RemoveStack(stack),
        GroupChange::AddAccount { account } => GroupOperation::AddInsightsAccount { name: account },
        GroupChange::RemoveAccount { account } => {
            GroupOperation::RemoveInsightsAccount { name: account }
        }
        GroupChange::SetAgentPool { agent_pool_id } => GroupOperation::AgentPoolId(agent_pool_id),
        GroupChange::AddPack {
            pack,
            tag,
            config,
            environments,
        } => GroupOperation::AddPolicyPack {
            name: pack,
            version_tag: tag,
            config: config.as_ref(),
            environments,
        },
        GroupChange::RemovePack { pack, version } => {
            let (version_tag, version) = match version {
                VersionRef::Tag(tag) => (Some(tag), None),
                VersionRef::Number(number) => (None, Some(*number)),
            };
            GroupOperation::RemovePolicyPack {
                name: pack,
                version_tag,
                version,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::hostile;
    use model::pulumi::{EntityType, Mode};

    #[test]
    fn a_group_is_read_whole_or_kept_as_it_is() {
        let base = json!({"name": "g", "isOrgDefault": false, "entityType": "stacks", "mode": "audit",
            "stacks": [{"name": "dev", "routingProject": "web"}], "accounts": [],
            "appliedPolicyPacks": [{"name": "p", "displayName": "P", "version": 2, "versionTag": "1.0.0",
                "config": {"a": {"enforcementLevel": "advisory"}}, "environments": ["e"], "new": 1}]});
        let body = group(&base).unwrap().body.unwrap();
        assert_eq!(
            (body.entity_type, body.mode),
            (EntityType::Stacks, Mode::Audit)
        );
        assert_eq!(
            (
                body.packs[0].environments.as_slice(),
                body.packs[0].tag.as_str()
            ),
            (&["e".to_owned()][..], "1.0.0")
        );
        let with = |key: &str, value: Value| {
            let mut changed = base.clone();
            changed[key] = value;
            group(&changed)
        };
        assert!(with("entityType", json!("planets")).unwrap().body.is_err());
        assert!(with("mode", json!("strict")).unwrap().body.is_err());
        for (key, wrong) in [
            ("stacks", json!([null])),
            ("stacks", json!([{"name": "dev"}])),
            ("appliedPolicyPacks", json!({})),
            ("appliedPolicyPacks", json!([{"name": "p"}])),
            ("isOrgDefault", json!("no")),
            ("mode", json!(1)),
        ] {
            assert!(with(key, wrong.clone()).is_err(), "{key}: {wrong}");
        }
    }

    /// Services in Go write an empty list as `null`.
    #[test]
    fn a_null_list_is_an_empty_list() {
        assert_eq!(groups(&json!({"policyGroups": null})), Ok(Vec::new()));
        let answer = json!({"name": "g", "isOrgDefault": false, "entityType": "accounts", "mode": "audit",
            "stacks": null, "accounts": null, "appliedPolicyPacks": null, "agentPoolId": ""});
        let body = group(&answer).unwrap().body.unwrap();
        assert!(body.stacks.is_empty() && body.accounts.is_empty() && body.packs.is_empty());
        assert_eq!(body.agent_pool, None);
        for field in ["stacks", "accounts", "appliedPolicyPacks"] {
            let mut partial = answer.clone();
            partial.as_object_mut().unwrap().remove(field);
            assert!(group(&partial).is_err(), "{field} is missing");
        }
        assert!(groups(&json!({})).is_err());
    }

    #[test]
    fn hostile_text_is_not_repeated_in_errors() {
        let summary = json!({"name": "g", "isOrgDefault": false});
        hostile::check(&json!({"policyGroups": [summary]}), groups);
        let pack = json!({"name": "p", "version": 2, "versionTag": "1", "config": {"a": {}}, "environments": ["e"]});
        hostile::check(
            &json!({"name": "g", "isOrgDefault": false, "entityType": "stacks", "mode": "audit",
                "stacks": [{"name": "dev", "routingProject": "web"}], "accounts": ["a"],
                "appliedPolicyPacks": [pack], "agentPoolId": "x"}),
            group,
        );
    }

    #[test]
    fn each_change_is_one_operation() {
        let pack = PackName::new("p").unwrap();
        let tag = VersionTag::new("1").unwrap();
        let config = json!({"a": {"max": 1}}).as_object().cloned();
        let add = GroupChange::AddPack {
            pack: pack.clone(),
            tag: tag.clone(),
            config,
            environments: vec!["e".to_owned()],
        };
        assert_eq!(
            group_change(&add),
            json!({"addPolicyPack": {"name": "p", "versionTag": "1", "config": {"a": {"max": 1}}, "environments": ["e"]}})
        );
        // Schemas `AppInsightsAccountReference` and `UpdatePolicyGroupRequest`.
        let account = "aws/production".to_owned();
        let add = GroupChange::AddAccount { account };
        assert_eq!(
            group_change(&add),
            json!({"addInsightsAccount": {"name": "aws/production"}})
        );
        let account = "a".to_owned();
        let remove = GroupChange::RemoveAccount { account };
        assert_eq!(
            group_change(&remove),
            json!({"removeInsightsAccount": {"name": "a"}})
        );
        for pool in ["pool-1", ""] {
            let agent_pool_id = pool.to_owned();
            let set = GroupChange::SetAgentPool { agent_pool_id };
            assert_eq!(group_change(&set), json!({"agentPoolId": pool}));
        }
        let remove = GroupChange::RemovePack {
            pack,
            version: VersionRef::Number(VersionNumber(7)),
        };
        assert_eq!(
            group_change(&remove),
            json!({"removePolicyPack": {"name": "p", "version": 7}})
        );
    }
}
