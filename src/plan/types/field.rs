use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use model::docker::RuleValue;

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldChange {
    /// The field.
    pub field: ChangedField,
    /// How its value differs.
    pub value: ValueChange,
}

impl FieldChange {
    /// A change of a single value; `None` is a missing value.
    pub(crate) fn scalar(
        field: ChangedField,
        before: Option<String>,
        after: Option<String>,
    ) -> Self {
        Self {
            field,
            value: ValueChange::Scalar { before, after },
        }
    }

    /// A change of a set, or `None` if both are equal.
    pub(crate) fn set(
        field: ChangedField,
        before: BTreeSet<String>,
        after: BTreeSet<String>,
    ) -> Option<Self> {
        let added: Vec<String> = after.difference(&before).cloned().collect();
        let removed: Vec<String> = before.difference(&after).cloned().collect();
        let kept = after.intersection(&before).count();
        (!added.is_empty() || !removed.is_empty()).then_some(Self {
            field,
            value: ValueChange::Set {
                added,
                removed,
                kept,
            },
        })
    }
}

/// The fields of policies and rules, named as in manifests.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[schemars(rename = "Field")]
#[serde(rename_all = "camelCase")]
pub enum ChangedField {
    /// The name.
    Name,
    /// The teams of a scope.
    Teams,
    /// The profiles of a scope.
    Profiles,
    /// Allow or deny.
    Decision,
    /// The actions.
    Actions,
    /// Hosts or paths.
    Resources,
    /// HTTP targets.
    HttpResources,
    /// Cedar text.
    CedarText,
    /// The schema of Cedar text.
    SchemaUrl,
    /// Settings that this version does not support.
    Extensions,
    /// The display name.
    DisplayName,
    /// The tag of a version.
    VersionTag,
    /// The files of a source, with the first digits of their digests.
    Files,
    /// The enforcement level of a policy.
    EnforcementLevel,
    /// The severity of a violation.
    Severity,
    /// The description.
    Description,
    /// The message that a violation shows.
    Message,
    /// The steps to fix a violation.
    RemediationSteps,
    /// The address of the documentation.
    Url,
    /// The compliance framework of a policy.
    Framework,
    /// Tags.
    Tags,
    /// The schema of a policy's configuration.
    ConfigSchema,
    /// The entity type of a group.
    EntityType,
    /// The mode of a group.
    Mode,
    /// The stacks of a group.
    Stacks,
    /// The accounts of a group.
    Accounts,
    /// The agent pool of a group.
    AgentPoolId,
    /// The configuration of a pack in a group.
    Config,
    /// The environments of a pack in a group.
    Environments,
    /// The digest of a document.
    Digest,
    /// The content of a document, as a YAML value.
    Meaning,
    /// The text of a document.
    Text,
}

impl ChangedField {
    /// The field as manifests write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Teams => "scope.teams",
            Self::Profiles => "scope.profiles",
            Self::Decision => "decision",
            Self::Actions => "actions",
            Self::Resources => "resources",
            Self::HttpResources => "httpResources",
            Self::CedarText => "cedar.text",
            Self::SchemaUrl => "cedar.schemaUrl",
            Self::Extensions => "extensions",
            Self::DisplayName => "displayName",
            Self::VersionTag => "versionTag",
            Self::Files => "source",
            Self::EnforcementLevel => "enforcementLevel",
            Self::Severity => "severity",
            Self::Description => "description",
            Self::Message => "message",
            Self::RemediationSteps => "remediationSteps",
            Self::Url => "url",
            Self::Framework => "framework",
            Self::Tags => "tags",
            Self::ConfigSchema => "configSchema",
            Self::EntityType => "entityType",
            Self::Mode => "mode",
            Self::Stacks => "stacks",
            Self::Accounts => "accounts",
            Self::AgentPoolId => "agentPoolId",
            Self::Environments => "environments",
            Self::Config => "config",
            Self::Digest => "digest",
            Self::Meaning => "meaning",
            Self::Text => "text",
        }
    }
}

impl From<&RuleValue<'_>> for ChangedField {
    fn from(value: &RuleValue<'_>) -> Self {
        match value {
            RuleValue::Name(_) => Self::Name,
            RuleValue::Decision(_) => Self::Decision,
            RuleValue::Actions(_) => Self::Actions,
            RuleValue::Resources(_) => Self::Resources,
            RuleValue::HttpResources(_) => Self::HttpResources,
            RuleValue::Extensions(_) => Self::Extensions,
        }
    }
}

/// How a value differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum ValueChange {
    /// A single value.
    Scalar {
        /// The old value; absent for a creation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
        /// The new value; absent for a deletion.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
    /// A set: order and repetition do not count.
    Set {
        /// New elements, sorted.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        added: Vec<String>,
        /// Removed elements, sorted.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        removed: Vec<String>,
        /// The number of unchanged elements.
        kept: usize,
    },
    /// A text of several lines, to be shown as a diff.
    Text {
        /// The old text.
        before: String,
        /// The new text.
        after: String,
    },
}
