//! `pulumi.com/v1`: the manifests of policy packs and policy groups of Pulumi Cloud.

mod group;
mod pack;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use group::{
    GroupPackSpec, Metadata as GroupMetadata, PolicyGroupManifest, PolicyGroupSpec, StackSpec,
};
pub use pack::{
    ConfigSchemaSpec, FrameworkSpec, Metadata as PackMetadata, PackPolicySpec, PolicyPackManifest,
    PolicyPackSpec, TagSuffix,
};

/// The `apiVersion` of manifests of Pulumi Cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The only version so far.
    #[serde(rename = "pulumi.com/v1")]
    V1,
}

/// The `kind` of a policy pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PackKind {
    /// A policy pack.
    PolicyPack,
}

/// The `kind` of a policy group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum GroupKind {
    /// A policy group.
    PolicyGroup,
}
