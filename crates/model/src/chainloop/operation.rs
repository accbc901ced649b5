//! The write operations of plans, as values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DocumentBytes, PolicyName};
use crate::digest::Digest;

/// A policy that is sent, with its bytes as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SentDocument {
    /// The policy.
    pub name: PolicyName,
    /// What it is afterwards.
    pub digest: Digest,
    /// The bytes.
    pub bytes: DocumentBytes,
}

/// One write of the API, with all it needs. Groups have none: the service documents no way to write them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Operation")]
#[serde(
    tag = "operation",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum ChainloopOperation {
    /// `POST /v1/policies`: a policy that is not there.
    CreatePolicy {
        /// The policy.
        document: SentDocument,
    },
    /// `PUT /v1/policies`: another version of a policy.
    UpdatePolicy {
        /// The policy.
        document: SentDocument,
    },
}

/// The kind of a write.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[schemars(rename = "OperationKind")]
#[serde(rename_all = "camelCase")]
pub enum ChainloopOperationKind {
    /// Creates a policy.
    CreatePolicy,
    /// Writes another version of a policy.
    UpdatePolicy,
}

impl ChainloopOperationKind {
    /// The operation in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::CreatePolicy => "create policy",
            Self::UpdatePolicy => "update policy",
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreatePolicy => "createPolicy",
            Self::UpdatePolicy => "updatePolicy",
        }
    }
}

impl ChainloopOperation {
    pub fn kind(&self) -> ChainloopOperationKind {
        match self {
            Self::CreatePolicy { .. } => ChainloopOperationKind::CreatePolicy,
            Self::UpdatePolicy { .. } => ChainloopOperationKind::UpdatePolicy,
        }
    }

    pub fn document(&self) -> &SentDocument {
        match self {
            Self::CreatePolicy { document } | Self::UpdatePolicy { document } => document,
        }
    }
}
