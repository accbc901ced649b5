//! Policies and rules as a journal keeps them: all that the server said, so that they can be made again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::chainloop::DocumentImage;
use super::pulumi::{GroupImage, PackImage};
use crate::run::object::{Difference, Object};
use model::Opaque;
use model::docker::{Cedar, LiveContent, LivePolicy, LiveRule, PolicyId, Rule, RuleId, Scope};

/// A policy as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalPolicy")]
pub struct PolicyImage {
    /// The id.
    pub id: PolicyId,
    /// The name.
    pub name: String,
    /// Whom it applies to.
    #[serde(default)]
    pub scope: Scope,
    /// What it says.
    pub content: ContentImage,
    /// When it was made, as the server writes it.
    pub created_at: String,
    /// When it was last changed, as the server writes it.
    pub updated_at: String,
    /// Fields of the scope that the version of the run did not know.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub unknown_scope_fields: Map<String, Value>,
    /// Fields of the policy that the version of the run did not know.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub unknown_fields: Map<String, Value>,
}

/// What a policy said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalContent")]
pub enum ContentImage {
    /// Rules; may be empty.
    Rules(Vec<RuleImage>),
    /// Cedar text.
    Cedar(Cedar),
    /// What the version of the run did not understand.
    Opaque(OpaqueImage),
}

/// What was not understood, as the server gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalOpaque")]
pub struct OpaqueImage {
    /// What was not understood, as a clause.
    pub why: String,
    /// The object.
    pub raw: Value,
}

/// A rule as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalRule")]
pub struct RuleImage {
    /// The id.
    pub id: RuleId,
    /// The name.
    pub name: String,
    /// What it said.
    pub says: RuleSays,
    /// Fields of the rule that the version of the run did not know.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub unknown_fields: Map<String, Value>,
}

/// What a rule said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalRuleSays")]
pub enum RuleSays {
    /// A rule.
    Rule(Rule),
    /// What the version of the run did not understand.
    Opaque(OpaqueImage),
}

/// A policy or a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalObject")]
pub enum ObjectImage {
    /// A policy.
    Policy(PolicyImage),
    /// A rule.
    Rule(RuleImage),
    /// A policy pack.
    Pack(PackImage),
    /// A policy group.
    Group(GroupImage),
    /// A document.
    Document(DocumentImage),
}

/// What should have been there, and what another writer had left instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalDifference")]
pub struct DifferenceImage {
    /// As the plan has it; left out if it should not be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<ObjectImage>,
    /// As another writer left it; left out if it was gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<ObjectImage>,
}

impl From<&LivePolicy> for PolicyImage {
    fn from(policy: &LivePolicy) -> Self {
        let LivePolicy {
            id,
            name,
            scope,
            unknown_scope_fields,
            content,
            created_at,
            updated_at,
            unknown_fields,
        } = policy.clone();
        let content = match content {
            LiveContent::Rules(rules) => {
                ContentImage::Rules(rules.iter().map(RuleImage::from).collect())
            }
            LiveContent::Cedar(cedar) => ContentImage::Cedar(cedar),
            LiveContent::Opaque(opaque) => ContentImage::Opaque(opaque.into()),
        };
        Self {
            id,
            name,
            scope,
            content,
            created_at,
            updated_at,
            unknown_scope_fields,
            unknown_fields,
        }
    }
}

impl From<PolicyImage> for LivePolicy {
    fn from(image: PolicyImage) -> Self {
        let PolicyImage {
            id,
            name,
            scope,
            content,
            created_at,
            updated_at,
            unknown_scope_fields,
            unknown_fields,
        } = image;
        let content = match content {
            ContentImage::Rules(rules) => {
                LiveContent::Rules(rules.into_iter().map(LiveRule::from).collect())
            }
            ContentImage::Cedar(cedar) => LiveContent::Cedar(cedar),
            ContentImage::Opaque(opaque) => LiveContent::Opaque(opaque.into()),
        };
        Self {
            id,
            name,
            scope,
            unknown_scope_fields,
            content,
            created_at,
            updated_at,
            unknown_fields,
        }
    }
}

impl From<&LiveRule> for RuleImage {
    fn from(rule: &LiveRule) -> Self {
        let LiveRule {
            id,
            name,
            rule,
            unknown_fields,
        } = rule.clone();
        let says = match rule {
            Ok(rule) => RuleSays::Rule(rule),
            Err(opaque) => RuleSays::Opaque(opaque.into()),
        };
        Self {
            id,
            name,
            says,
            unknown_fields,
        }
    }
}

impl From<RuleImage> for LiveRule {
    fn from(image: RuleImage) -> Self {
        let RuleImage {
            id,
            name,
            says,
            unknown_fields,
        } = image;
        let rule = match says {
            RuleSays::Rule(rule) => Ok(rule),
            RuleSays::Opaque(opaque) => Err(opaque.into()),
        };
        Self {
            id,
            name,
            rule,
            unknown_fields,
        }
    }
}

impl From<Opaque> for OpaqueImage {
    fn from(Opaque { why, raw }: Opaque) -> Self {
        Self { why, raw }
    }
}

impl From<OpaqueImage> for Opaque {
    fn from(OpaqueImage { why, raw }: OpaqueImage) -> Self {
        Self { why, raw }
    }
}

impl From<&Object> for ObjectImage {
    fn from(object: &Object) -> Self {
        match object {
            Object::Policy(policy) => Self::Policy(PolicyImage::from(&**policy)),
            Object::Rule(rule) => Self::Rule(RuleImage::from(&**rule)),
            Object::Pack(pack) => Self::Pack(PackImage::from(&**pack)),
            Object::Group(group) => Self::Group(GroupImage::from(&**group)),
            Object::Document(document) => Self::Document(DocumentImage::from(&**document)),
        }
    }
}

impl From<ObjectImage> for Object {
    fn from(image: ObjectImage) -> Self {
        match image {
            ObjectImage::Policy(policy) => Self::Policy(Box::new(policy.into())),
            ObjectImage::Rule(rule) => Self::Rule(Box::new(rule.into())),
            ObjectImage::Pack(pack) => Self::Pack(Box::new(pack.into())),
            ObjectImage::Group(group) => Self::Group(Box::new(group.into())),
            ObjectImage::Document(document) => Self::Document(Box::new(document.into())),
        }
    }
}

impl From<&Difference> for DifferenceImage {
    fn from(Difference { planned, found }: &Difference) -> Self {
        Self {
            planned: planned.as_ref().map(ObjectImage::from),
            found: found.as_ref().map(ObjectImage::from),
        }
    }
}
