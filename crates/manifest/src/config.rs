//! `polwarden.yaml`: the targets of a repository.
//!
//! A pull request can edit this file, so it never contains an endpoint or credential.

mod limits;
mod target;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::AccessSection;
use super::list::PolwardenApiVersion;

pub(super) use limits::SHARE_PATTERN;
pub use limits::{ChangeLimit, ChangeLimits};
pub use target::{
    ChainloopSettings, DockerSettings, Provider, PulumiSettings, RawSchemaEncoding,
    ServiceSettings, Target, Unmanaged, UnmanagedSettings,
};

pub const FILE_NAME: &str = model::CONFIG_FILE_NAME;

/// The `kind` of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Kind")]
pub enum ConfigKind {
    /// The configuration.
    Config,
}

/// The configuration of a repository. Endpoints and credentials have no place in it: they come from the command
/// line and the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "polwarden configuration")]
pub struct Config {
    /// The version of this format.
    pub api_version: PolwardenApiVersion,
    /// The kind of this manifest.
    pub kind: ConfigKind,
    /// The organizations that this repository manages.
    #[schemars(length(min = 1))]
    pub targets: Vec<Target>,
    /// Access gates of all targets: requests that no merged state may allow or block.
    #[serde(default, skip_serializing_if = "AccessSection::is_empty")]
    pub access: AccessSection,
    /// Requirements for `apply` in a pipeline.
    #[serde(default, skip_serializing_if = "ApplyRules::is_empty")]
    pub apply: ApplyRules,
}

/// Requirements for `apply` in a pipeline. The files of the base revision and of the default branch of the clone are
/// read as well, so a change cannot remove the requirement for itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApplyRules {
    /// The branch that a commit must be on to be applied in a pipeline. Without it, `apply` refuses in a pipeline unless an
    /// option names a branch or allows any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = &"main")]
    pub branch: Option<String>,
}

impl ApplyRules {
    pub fn is_empty(&self) -> bool {
        let Self { branch } = self;
        branch.is_none()
    }
}
