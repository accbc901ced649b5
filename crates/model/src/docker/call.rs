//! The bodies of the six write operations, as values.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cedar, Extensions, ExtensionsPatch, PolicyId, Rule, RuleId, RulePatch, Scope, TeamId};
use crate::Name;

/// createPolicy: a policy without rules, or a Cedar policy with its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPolicy {
    /// The name.
    pub name: Name,
    /// The teams and profiles that it applies to.
    #[serde(default, skip_serializing_if = "Scope::is_organization_wide")]
    pub scope: Scope,
    /// The text of a Cedar policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cedar: Option<Cedar>,
    /// Fields that this version does not know.
    #[serde(default, skip_serializing_if = "Extensions::is_empty")]
    pub extensions: Extensions,
}

/// updatePolicy: fields that are present replace those of the policy; other fields do not change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PolicyPatch {
    /// The new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The new teams; **empty means the whole organization** (contract: `ScopePatch`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teams: Option<BTreeSet<TeamId>>,
    /// The new Cedar body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cedar: Option<Cedar>,
    /// Fields that this version does not know, as a merge patch.
    #[serde(skip_serializing_if = "ExtensionsPatch::is_empty")]
    pub extensions: ExtensionsPatch,
}

impl PolicyPatch {
    /// Whether there are no changes.
    pub fn is_empty(&self) -> bool {
        let Self {
            name,
            teams,
            cedar,
            extensions,
        } = self;
        name.is_none() && teams.is_none() && cedar.is_none() && extensions.is_empty()
    }
}

/// The response of updatePolicy and updateRule: the object before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateAnswer<T> {
    /// The object immediately before the update.
    pub old: T,
    pub new: T,
}

/// One write of the API, with all it needs. `P` names the policy that a rule is added to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Operation")]
#[serde(
    tag = "operation",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum DockerOperation<P> {
    /// `POST …/policies`.
    CreatePolicy {
        /// The policy.
        policy: NewPolicy,
    },
    /// `PATCH …/policies/{id}`.
    UpdatePolicy {
        /// The policy to change.
        id: PolicyId,
        /// What changes.
        patch: PolicyPatch,
    },
    /// `DELETE …/policies/{id}`.
    DeletePolicy {
        /// The policy to delete, with its rules.
        id: PolicyId,
    },
    /// `POST …/policies/{id}/rules`.
    CreateRule {
        /// The policy that gets the rule.
        policy: P,
        /// The rule.
        rule: Rule,
    },
    /// `PATCH …/policies/{id}/rules/{id}`.
    UpdateRule {
        /// The policy of the rule.
        policy: PolicyId,
        /// The rule to change.
        id: RuleId,
        /// What changes.
        patch: RulePatch,
    },
    /// `DELETE …/policies/{id}/rules/{id}`.
    DeleteRule {
        /// The policy of the rule.
        policy: PolicyId,
        /// The rule to delete.
        id: RuleId,
    },
}

impl<P> DockerOperation<P> {
    /// Converts the reference to the policy.
    pub fn map<Q>(self, name: impl FnOnce(P) -> Q) -> DockerOperation<Q> {
        let Ok(named) = self.try_map(|policy| Ok::<Q, std::convert::Infallible>(name(policy)));
        named
    }

    /// Converts the reference to the policy.
    ///
    /// # Errors
    /// The error of `name`.
    pub fn try_map<Q, E>(
        self,
        name: impl FnOnce(P) -> Result<Q, E>,
    ) -> Result<DockerOperation<Q>, E> {
        Ok(match self {
            Self::CreatePolicy { policy } => DockerOperation::CreatePolicy { policy },
            Self::UpdatePolicy { id, patch } => DockerOperation::UpdatePolicy { id, patch },
            Self::DeletePolicy { id } => DockerOperation::DeletePolicy { id },
            Self::CreateRule { policy, rule } => DockerOperation::CreateRule {
                policy: name(policy)?,
                rule,
            },
            Self::UpdateRule { policy, id, patch } => {
                DockerOperation::UpdateRule { policy, id, patch }
            }
            Self::DeleteRule { policy, id } => DockerOperation::DeleteRule { policy, id },
        })
    }
}

/// The kind of a write, named as in the contract.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[schemars(rename = "OperationKind")]
#[serde(rename_all = "camelCase")]
pub enum DockerOperationKind {
    /// createPolicy.
    CreatePolicy,
    /// updatePolicy.
    UpdatePolicy,
    /// deletePolicy.
    DeletePolicy,
    /// createRule.
    CreateRule,
    /// updateRule.
    UpdateRule,
    /// deleteRule.
    DeleteRule,
}

impl<P> DockerOperation<P> {
    pub fn kind(&self) -> DockerOperationKind {
        match self {
            Self::CreatePolicy { .. } => DockerOperationKind::CreatePolicy,
            Self::UpdatePolicy { .. } => DockerOperationKind::UpdatePolicy,
            Self::DeletePolicy { .. } => DockerOperationKind::DeletePolicy,
            Self::CreateRule { .. } => DockerOperationKind::CreateRule,
            Self::UpdateRule { .. } => DockerOperationKind::UpdateRule,
            Self::DeleteRule { .. } => DockerOperationKind::DeleteRule,
        }
    }
}

impl DockerOperation<PolicyId> {
    /// The existing policy that the write refers to, or `None` if it creates one.
    pub fn existing(&self) -> Option<&PolicyId> {
        match self {
            Self::CreatePolicy { .. } => None,
            Self::CreateRule { policy: id, .. }
            | Self::UpdatePolicy { id, .. }
            | Self::DeletePolicy { id }
            | Self::UpdateRule { policy: id, .. }
            | Self::DeleteRule { policy: id, .. } => Some(id),
        }
    }
}

impl DockerOperationKind {
    pub const ALL: &'static [Self] = &[
        Self::CreatePolicy,
        Self::UpdatePolicy,
        Self::DeletePolicy,
        Self::CreateRule,
        Self::UpdateRule,
        Self::DeleteRule,
    ];

    /// The kind in words, such as "create rule".
    pub fn words(self) -> &'static str {
        match self {
            Self::CreatePolicy => "create policy",
            Self::UpdatePolicy => "update policy",
            Self::DeletePolicy => "delete policy",
            Self::CreateRule => "create rule",
            Self::UpdateRule => "update rule",
            Self::DeleteRule => "delete rule",
        }
    }
}
