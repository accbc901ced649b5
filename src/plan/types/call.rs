//! The calls of a plan.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::resource::{ResourceId, ResourceKind};
use manifest::config::Provider;
use model::docker::{DockerOperation, DockerOperationKind, PolicyId};
use model::{chainloop, pulumi};

/// The number of a call in its target's plan, counted from 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct CallId(pub u32);

/// The policy that a rule is added to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PolicyRef {
    /// An existing policy.
    Existing(PolicyId),
    /// The policy that an earlier call creates.
    CreatedBy(CallId),
}

/// Earlier calls that a call waits for, and why.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[schemars(rename = "After")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CallDependency {
    /// The first call.
    pub first: CallId,
    /// The last call, for a range that includes all calls between the two. It is smaller than the number of the waiting call.
    pub last: CallId,
    /// Why.
    pub why: DependencyReason,
}

/// Why a call waits for another.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[schemars(rename = "Reason")]
#[serde(rename_all = "kebab-case")]
pub enum DependencyReason {
    /// The other call creates the policy that this call adds a rule to.
    MakesPolicy,
    /// The other call frees the name that this call uses.
    FreesName,
    /// The other call reduces a count below a limit of the service.
    FreesRoom,
    /// The other call removes a rule of the policy's old domain, which the service requires first.
    EmptiesDomain,
    /// The other call is the first part of the change that this call completes.
    FirstPart,
    /// The other call denies access that this call would open otherwise.
    DeniesFirst,
    /// The other call allows access that this call would close otherwise.
    AllowsFirst,
    /// The other call removes an allow that this call would open otherwise.
    ClosesFirst,
    /// The other call starts the version whose archive this call uploads.
    BeginsVersion,
    /// The other call uploads the archive of the version that this call completes.
    Uploads,
    /// The other call publishes the version.
    Publishes,
    /// The other call creates the group.
    MakesGroup,
    /// The other call gives the group the name that this call uses.
    RenamesFirst,
    /// The other call adds what this call removes elsewhere, so it is never missing in between.
    KeepsPacks,
    /// The other call sets the enforcement before this call adds a stack.
    SetsLevels,
    /// The other call removes a stack before this call changes its enforcement.
    LeavesFirst,
    /// The other call removes the last use of the object that this call deletes.
    StopsUsing,
}

impl DependencyReason {
    /// The effect of the other call, as a clause: "it frees the name".
    pub fn words(self) -> &'static str {
        match self {
            Self::MakesPolicy => "it makes the policy",
            Self::FreesName => "it frees the name",
            Self::FreesRoom => "it makes room",
            Self::EmptiesDomain => "it removes rules of another domain",
            Self::FirstPart => "it is the first part of the same change",
            Self::DeniesFirst => "it denies access that would be open otherwise",
            Self::AllowsFirst => "it allows access that would be closed otherwise",
            Self::ClosesFirst => "it removes access that would be open otherwise",
            Self::BeginsVersion => "it begins the version",
            Self::Uploads => "it uploads the archive",
            Self::Publishes => "it publishes the version",
            Self::MakesGroup => "it makes the group",
            Self::RenamesFirst => "it gives the group its name",
            Self::KeepsPacks => "it adds first what this call removes",
            Self::SetsLevels => "it sets the enforcement first",
            Self::LeavesFirst => "it takes the stack out before that",
            Self::StopsUsing => "it stops using it",
        }
    }
}

/// One write, with its dependencies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Call")]
#[serde(rename_all = "camelCase")]
pub struct PlannedCall {
    /// Its number.
    pub id: CallId,
    /// The calls that must have succeeded before it; all others may run at the same time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<CallDependency>,
    /// The name of the object, for example of a policy, for messages.
    pub name: String,
    /// The name of the part of the object that the call changes, for example of a rule, for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// The reason for the call, if it does not follow from the changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The request.
    pub send: PlannedOperation,
}

impl PlannedCall {
    /// The object of the call. All calls of the same object have the same subject, whether or
    /// not it exists already.
    pub fn subject(&self) -> Subject {
        match &self.send {
            PlannedOperation::Docker(DockerOperation::CreatePolicy { .. }) => {
                Subject::CreatedBy(self.id)
            }
            PlannedOperation::Docker(DockerOperation::CreateRule {
                policy: PolicyRef::CreatedBy(maker),
                ..
            }) => Subject::CreatedBy(*maker),
            PlannedOperation::Docker(
                DockerOperation::CreateRule {
                    policy: PolicyRef::Existing(id),
                    ..
                }
                | DockerOperation::UpdatePolicy { id, .. }
                | DockerOperation::DeletePolicy { id }
                | DockerOperation::UpdateRule { policy: id, .. }
                | DockerOperation::DeleteRule { policy: id, .. },
            ) => Subject::Existing(id.into()),
            PlannedOperation::Pulumi(_) | PlannedOperation::Chainloop(_) => {
                Subject::Named(self.send.resource(), self.name.clone())
            }
        }
    }

    /// The same call with renumbered dependencies: the policy that it adds a rule to is created by the call with the new number.
    pub(crate) fn renumber(&mut self, numbers: &BTreeMap<CallId, CallId>) {
        match &mut self.send {
            PlannedOperation::Docker(DockerOperation::CreateRule {
                policy: PolicyRef::CreatedBy(maker),
                ..
            }) => {
                if let Some(number) = numbers.get(maker) {
                    *maker = *number;
                }
            }
            PlannedOperation::Docker(_)
            | PlannedOperation::Pulumi(_)
            | PlannedOperation::Chainloop(_) => {}
        }
    }
}

/// The object of a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// An object that existed before the plan, by its id.
    Existing(ResourceId),
    /// An object that this call creates and the service assigns an id to.
    CreatedBy(CallId),
    /// An object that the service identifies by name.
    Named(ResourceKind, String),
}

/// The request of a call, by provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ToSend")]
#[serde(rename_all = "camelCase")]
pub enum PlannedOperation {
    /// A write of the Docker AI Governance API.
    Docker(DockerOperation<PolicyRef>),
    /// A write of Pulumi Cloud.
    Pulumi(pulumi::PulumiOperation),
    /// A write of Chainloop.
    Chainloop(chainloop::ChainloopOperation),
}

/// The sent request, by provider, with all ids of earlier calls filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Sent")]
#[serde(rename_all = "camelCase")]
pub enum SentOperation {
    /// A write of the Docker AI Governance API.
    Docker(DockerOperation<PolicyId>),
    /// A write of Pulumi Cloud.
    Pulumi(pulumi::PulumiOperation),
    /// A write of Chainloop.
    Chainloop(chainloop::ChainloopOperation),
}

/// The kinds of calls, of all providers.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(untagged)]
pub enum CallKind {
    /// Of the Docker AI Governance API.
    Docker(DockerOperationKind),
    /// Of Pulumi Cloud.
    Pulumi(pulumi::PulumiOperationKind),
    /// Of Chainloop.
    Chainloop(chainloop::ChainloopOperationKind),
}

impl CallKind {
    /// The kind as a clause: "create rule".
    pub fn words(self) -> &'static str {
        match self {
            Self::Docker(kind) => kind.words(),
            Self::Pulumi(kind) => kind.words(),
            Self::Chainloop(kind) => kind.words(),
        }
    }
}

impl PlannedOperation {
    /// The service that it is sent to.
    pub fn provider(&self) -> Provider {
        match self {
            Self::Docker(_) => Provider::Docker,
            Self::Pulumi(_) => Provider::Pulumi,
            Self::Chainloop(_) => Provider::Chainloop,
        }
    }

    /// The kind of call.
    pub fn kind(&self) -> CallKind {
        match self {
            Self::Docker(operation) => CallKind::Docker(operation.kind()),
            Self::Pulumi(operation) => CallKind::Pulumi(operation.kind()),
            Self::Chainloop(operation) => CallKind::Chainloop(operation.kind()),
        }
    }

    pub fn docker(&self) -> Option<&DockerOperation<PolicyRef>> {
        match self {
            Self::Docker(operation) => Some(operation),
            Self::Pulumi(_) | Self::Chainloop(_) => None,
        }
    }

    pub fn pulumi(&self) -> Option<&pulumi::PulumiOperation> {
        match self {
            Self::Pulumi(operation) => Some(operation),
            Self::Docker(_) | Self::Chainloop(_) => None,
        }
    }

    pub fn chainloop(&self) -> Option<&chainloop::ChainloopOperation> {
        match self {
            Self::Chainloop(operation) => Some(operation),
            Self::Docker(_) | Self::Pulumi(_) => None,
        }
    }

    /// The kind of the object that the call changes.
    pub fn resource(&self) -> ResourceKind {
        match self {
            Self::Docker(_) => ResourceKind::Policy,
            Self::Pulumi(operation) => pulumi_resource(operation).0,
            // Groups of policies are only read.
            Self::Chainloop(_) => ResourceKind::PolicyDocument,
        }
    }

    /// The id of the part that the call changes, if it exists before the call.
    pub fn part(&self) -> Option<&str> {
        match self {
            Self::Docker(operation) => match operation {
                DockerOperation::UpdateRule { id, .. } | DockerOperation::DeleteRule { id, .. } => {
                    Some(id.as_str())
                }
                DockerOperation::CreatePolicy { .. }
                | DockerOperation::UpdatePolicy { .. }
                | DockerOperation::DeletePolicy { .. }
                | DockerOperation::CreateRule { .. } => None,
            },
            Self::Pulumi(_) | Self::Chainloop(_) => None,
        }
    }

    /// The id of the object that the call changes, if it exists before the call.
    pub fn existing(&self) -> Option<ResourceId> {
        match self {
            Self::Docker(operation) => match operation {
                DockerOperation::CreatePolicy { .. }
                | DockerOperation::CreateRule {
                    policy: PolicyRef::CreatedBy(_),
                    ..
                } => None,
                DockerOperation::CreateRule {
                    policy: PolicyRef::Existing(id),
                    ..
                }
                | DockerOperation::UpdatePolicy { id, .. }
                | DockerOperation::DeletePolicy { id }
                | DockerOperation::UpdateRule { policy: id, .. }
                | DockerOperation::DeleteRule { policy: id, .. } => Some(id.into()),
            },
            Self::Pulumi(operation) => match pulumi_resource(operation) {
                (ResourceKind::Group, name) => Some(super::resource::group_id(name)),
                (_, name) => Some(super::resource::pack_id(name)),
            },
            Self::Chainloop(operation) => match operation {
                chainloop::ChainloopOperation::CreatePolicy { .. } => None,
                chainloop::ChainloopOperation::UpdatePolicy { document } => Some(
                    super::resource::document_id(chainloop::DocumentKind::Policy, &document.name),
                ),
            },
        }
    }
}

impl SentOperation {
    /// The service that it is sent to.
    pub fn provider(&self) -> Provider {
        match self {
            Self::Docker(_) => Provider::Docker,
            Self::Pulumi(_) => Provider::Pulumi,
            Self::Chainloop(_) => Provider::Chainloop,
        }
    }

    /// The ids of the object and of its part.
    pub fn ids(&self) -> (Option<ResourceId>, Option<String>) {
        match self {
            Self::Docker(send) => {
                let (policy, rule) = match send {
                    DockerOperation::CreatePolicy { .. } => (None, None),
                    DockerOperation::UpdatePolicy { id, .. }
                    | DockerOperation::DeletePolicy { id } => (Some(id), None),
                    DockerOperation::CreateRule { policy, .. } => (Some(policy), None),
                    DockerOperation::UpdateRule { policy, id, .. }
                    | DockerOperation::DeleteRule { policy, id } => (Some(policy), Some(id)),
                };
                (policy.map(ResourceId::from), rule.map(ToString::to_string))
            }
            Self::Pulumi(send) => (PlannedOperation::Pulumi(send.clone()).existing(), None),
            Self::Chainloop(send) => (PlannedOperation::Chainloop(send.clone()).existing(), None),
        }
    }

    /// The kind of call.
    pub fn kind(&self) -> CallKind {
        match self {
            Self::Docker(operation) => CallKind::Docker(operation.kind()),
            Self::Pulumi(operation) => CallKind::Pulumi(operation.kind()),
            Self::Chainloop(operation) => CallKind::Chainloop(operation.kind()),
        }
    }
}

/// The kind and the name of the object that a write changes.
fn pulumi_resource(operation: &pulumi::PulumiOperation) -> (ResourceKind, &str) {
    match operation {
        pulumi::PulumiOperation::CreatePackVersion { version } => {
            (ResourceKind::Pack, version.name.as_str())
        }
        pulumi::PulumiOperation::PutArchive { pack, .. }
        | pulumi::PulumiOperation::CompletePackVersion { pack, .. }
        | pulumi::PulumiOperation::DeletePackVersion { pack, .. }
        | pulumi::PulumiOperation::DeletePack { pack } => (ResourceKind::Pack, pack.as_str()),
        pulumi::PulumiOperation::CreateGroup { group } => {
            (ResourceKind::Group, group.name.as_str())
        }
        pulumi::PulumiOperation::UpdateGroup { group, .. }
        | pulumi::PulumiOperation::DeleteGroup { group } => (ResourceKind::Group, group.as_str()),
    }
}
