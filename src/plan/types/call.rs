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
    /// One that exists.
    Existing(PolicyId),
    /// The one that this earlier call creates.
    CreatedBy(CallId),
}

/// Earlier calls that a call waits for, and why.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[schemars(rename = "After")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CallDependency {
    /// The first of them.
    pub first: CallId,
    /// The last of them: all numbers between the two are meant. It is smaller than the number of the call that waits.
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
    /// The other makes the policy that this one adds a rule to.
    MakesPolicy,
    /// The other gives up the name that this one takes.
    FreesName,
    /// The other makes room below a limit of the service.
    FreesRoom,
    /// The other removes a rule of the domain that the policy had, which the service wants gone first.
    EmptiesDomain,
    /// The other is the first part of the change that this one completes.
    FirstPart,
    /// The other denies what would be open otherwise once this one is made.
    DeniesFirst,
    /// The other allows what would be closed otherwise once this one is made.
    AllowsFirst,
    /// The other takes away an allow that would be open otherwise once this one is made.
    ClosesFirst,
    /// The other begins the version whose archive this one uploads.
    BeginsVersion,
    /// The other uploads the archive of the version that this one completes.
    Uploads,
    /// The other publishes the version.
    Publishes,
    /// The other makes the group.
    MakesGroup,
    /// The other gives the group the name that this one knows it by.
    RenamesFirst,
    /// The other gives what this one takes away elsewhere, so that nothing is without it in between.
    KeepsPacks,
    /// The other sets what is enforced before this one adds a stack to it.
    SetsLevels,
    /// The other takes a stack away before this one changes what is enforced for it.
    LeavesFirst,
    /// The other stops using what this one deletes.
    StopsUsing,
}

impl DependencyReason {
    /// What the other call does, as a clause: "it frees the name".
    pub fn words(self) -> &'static str {
        match self {
            Self::MakesPolicy => "it makes the policy",
            Self::FreesName => "it frees the name",
            Self::FreesRoom => "it makes room",
            Self::EmptiesDomain => "it removes what is of another domain",
            Self::FirstPart => "it is the first part of the same change",
            Self::DeniesFirst => "it denies what would be open otherwise",
            Self::AllowsFirst => "it allows what would be closed otherwise",
            Self::ClosesFirst => "it takes away what would be open otherwise",
            Self::BeginsVersion => "it begins the version",
            Self::Uploads => "it uploads the archive",
            Self::Publishes => "it publishes the version",
            Self::MakesGroup => "it makes the group",
            Self::RenamesFirst => "it gives the group its name",
            Self::KeepsPacks => "it gives first what this takes away",
            Self::SetsLevels => "it sets first what is enforced",
            Self::LeavesFirst => "it takes the stack out before that",
            Self::StopsUsing => "it stops using it",
        }
    }
}

/// One write, with its place in the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Call")]
#[serde(rename_all = "camelCase")]
pub struct PlannedCall {
    /// Its number.
    pub id: CallId,
    /// The calls that must have succeeded before it; all others may run at the same time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<CallDependency>,
    /// The name of what stands by itself, a policy for example, for messages.
    pub name: String,
    /// The name of the part of it that the call is about, a rule for example, for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Why the call is there, where it is more than the difference itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What is sent.
    pub send: PlannedOperation,
}

impl PlannedCall {
    /// What the call is about. All calls about the same thing have the same subject, whether or
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

    /// The same call where calls have other numbers: what it adds a rule to is made by the call with the new number.
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

/// What calls are about: something that stands by itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Something that existed before the plan, by its id.
    Existing(ResourceId),
    /// Something that this call creates, where the service gives it an id.
    CreatedBy(CallId),
    /// Something that its service identifies by name.
    Named(ResourceKind, String),
}

/// What a call sends, by provider.
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

/// What was sent, by provider: nothing of it waits for the answer to another call any more.
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

    /// The ids that it names: of what stands by itself, and of the part of it.
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
