//! Groups.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use http::json::{At, DecodeError, Object};
use model::Opaque;
use model::pulumi::{
    GroupChange, LiveGroup, LiveGroupBody, LiveGroupPack, StackReference, VersionNumber, VersionRef,
};

/// A group as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSummary {
    /// The name, unique in the organization.
    pub name: String,
    /// Whether it is built in.
    pub is_default: bool,
}

/// Reads the list of groups (contract: `AppListPolicyGroupsResponse`).
pub(crate) fn groups(answer: &Value) -> Result<Vec<GroupSummary>, DecodeError> {
    let at = At::ROOT.key("policyGroups");
    let list = Object::new(answer, At::ROOT)?.list("policyGroups")?;
    let groups = list.iter().enumerate().map(|(index, value)| {
        let object = Object::new(value, at.index(index))?;
        Ok(GroupSummary {
            name: object.id("name")?.to_owned(),
            is_default: is_default(&object)?,
        })
    });
    let groups: Vec<GroupSummary> = groups.collect::<Result<_, DecodeError>>()?;
    let mut seen = HashSet::new();
    if groups.iter().all(|group| seen.insert(group.name.as_str())) {
        return Ok(groups);
    }
    Err(DecodeError {
        at: at.to_string(),
        expected: "each name once".to_owned(),
    })
}

fn is_default(object: &Object<'_>) -> Result<bool, DecodeError> {
    let value = object.get("isOrgDefault").and_then(Value::as_bool);
    value.ok_or_else(|| object.mismatch("isOrgDefault", "true or false"))
}

/// Reads a group (contract: `PolicyGroup`).
pub(crate) fn group(answer: &Value) -> Result<LiveGroup, DecodeError> {
    const KNOWN: &[&str] = &[
        "name",
        "isOrgDefault",
        "entityType",
        "mode",
        "stacks",
        "accounts",
        "appliedPolicyPacks",
        "agentPoolId",
    ];
    let object = Object::new(answer, At::ROOT)?;
    let entity_type = object.text("entityType")?;
    let mode = object.text("mode")?;
    let stacks = At::ROOT.key("stacks");
    let stacks = object
        .list("stacks")?
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let stack = Object::new(value, stacks.index(index))?;
            let name = stack.text("name")?;
            let project = stack.text("routingProject")?;
            Ok(StackReference {
                routing_project: project.to_owned(),
                name: name.to_owned(),
            })
        });
    let stacks: Vec<StackReference> = stacks.collect::<Result<_, DecodeError>>()?;
    let packs = At::ROOT.key("appliedPolicyPacks");
    let applied = object.list("appliedPolicyPacks")?.iter().enumerate();
    let packs: Vec<LiveGroupPack> = applied
        .map(|(index, value)| group_pack(value, packs.index(index)))
        .collect::<Result<_, _>>()?;
    let accounts = object
        .texts("accounts")?
        .into_iter()
        .map(str::to_owned)
        .collect();
    let agent_pool = object
        .present("agentPoolId")
        .map(|_| object.text("agentPoolId"))
        .transpose()?;
    let known = |text: &str| Value::from(text);
    let body = match (
        serde_json::from_value(known(entity_type)),
        serde_json::from_value(known(mode)),
    ) {
        (Ok(entity_type), Ok(mode)) => {
            let agent_pool = agent_pool
                .filter(|pool| !pool.is_empty())
                .map(str::to_owned);
            Ok(LiveGroupBody {
                entity_type,
                mode,
                stacks,
                accounts,
                packs,
                agent_pool,
            })
        }
        (Err(_), _) => Err(Opaque {
            why: format!("is about `{entity_type}`"),
            raw: answer.clone(),
        }),
        (_, Err(_)) => Err(Opaque {
            why: format!("has the mode `{mode}`"),
            raw: answer.clone(),
        }),
    };
    let name = object.text("name")?.to_owned();
    let is_default = is_default(&object)?;
    Ok(LiveGroup {
        name,
        is_default,
        body,
        unknown_fields: object.others(KNOWN),
    })
}

fn group_pack(value: &Value, at: At<'_>) -> Result<LiveGroupPack, DecodeError> {
    let object = Object::new(value, at)?;
    let version = object.get("version").and_then(Value::as_u64);
    let config = match object.present("config") {
        None => None,
        Some(Value::Object(config)) => Some(config.clone()),
        Some(_) => return Err(object.mismatch("config", "an object")),
    };
    let environments = object.optional_texts("environments")?.unwrap_or_default();
    Ok(LiveGroupPack {
        name: object.id("name")?.to_owned(),
        version: VersionNumber(version.ok_or_else(|| object.mismatch("version", "a number"))?),
        tag: object.text("versionTag")?.to_owned(),
        config,
        environments: environments.into_iter().map(str::to_owned).collect(),
        unknown_fields: object.others(&[
            "name",
            "displayName",
            "version",
            "versionTag",
            "config",
            "environments",
        ]),
    })
}

/// The body of updateGroup: one operation (contract: `UpdatePolicyGroupRequest`).
pub(crate) fn group_change(change: &GroupChange) -> Value {
    match change {
        GroupChange::Rename { name } => json!({"newName": name}),
        GroupChange::AddStack { stack } => json!({"addStack": stack}),
        GroupChange::RemoveStack { stack } => json!({"removeStack": stack}),
        GroupChange::AddPack {
            pack,
            tag,
            config,
            environments,
        } => {
            let mut body = Map::new();
            body.insert("name".to_owned(), json!(pack));
            body.insert("versionTag".to_owned(), json!(tag));
            body.extend(
                config
                    .as_ref()
                    .map(|config| ("config".to_owned(), Value::Object(config.clone()))),
            );
            if !environments.is_empty() {
                body.insert("environments".to_owned(), json!(environments));
            }
            json!({"addPolicyPack": body})
        }
        GroupChange::RemovePack { pack, version } => match version {
            VersionRef::Tag(tag) => json!({"removePolicyPack": {"name": pack, "versionTag": tag}}),
            VersionRef::Number(number) => {
                json!({"removePolicyPack": {"name": pack, "version": number}})
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::pulumi::{EntityType, Mode, PackName, VersionTag};

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
            ("stacks", json!(null)),
            ("stacks", json!([{"name": "dev"}])),
            ("appliedPolicyPacks", json!({})),
            ("appliedPolicyPacks", json!([{"name": "p"}])),
            ("isOrgDefault", json!("no")),
            ("mode", json!(1)),
        ] {
            assert!(with(key, wrong.clone()).is_err(), "{key}: {wrong}");
        }
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
