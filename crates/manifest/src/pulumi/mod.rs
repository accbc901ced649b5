//! `pulumi.com/v1`: the manifests of policy packs and policy groups of Pulumi Cloud.

mod group;
mod metadata;
mod pack;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use group::{
    GroupPackSpec, PolicyGroupMetadata as GroupMetadata, PolicyGroupSpec,
    PulumiPolicyGroupManifest, StackSpec,
};
pub use metadata::{BuildMetadata, DeclaredPolicies, DeclaredPolicy, METADATA_FILE};
pub use pack::{
    ConfigSchemaSpec, FrameworkSpec, PackPolicySpec, PolicyPackManifest,
    PolicyPackMetadata as PackMetadata, PolicyPackSpec, TagSuffix,
};

/// The `apiVersion` of manifests of Pulumi Cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ApiVersion")]
pub enum PulumiApiVersion {
    /// The only version so far.
    #[serde(rename = "pulumi.com/v1")]
    V1,
}

/// The `kind` of a policy pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PackKind")]
pub enum PulumiPackKind {
    /// A policy pack.
    PolicyPack,
}

/// The `kind` of a policy group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "GroupKind")]
pub enum PulumiGroupKind {
    /// A policy group.
    PolicyGroup,
}
