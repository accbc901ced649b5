//! `polwarden.yaml`: the targets of a repository.
//!
//! A pull request can edit this file, so it never contains an endpoint or credential.

mod limits;
mod target_text;

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::Access;
use super::list::ApiVersion;
use model::docker::Profile;
use target_text::TargetText;

pub(super) use limits::SHARE_PATTERN;
pub use limits::{Limits, Share};

pub const FILE_NAME: &str = model::CONFIG_FILE_NAME;

/// The `kind` of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Kind {
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
    pub api_version: ApiVersion,
    /// The kind of this manifest.
    pub kind: Kind,
    /// The organizations that this repository manages.
    #[schemars(length(min = 1))]
    pub targets: Vec<Target>,
    /// Gates of access at all targets: what no merged state may allow or block.
    #[serde(default, skip_serializing_if = "Access::is_empty")]
    pub access: Access,
    /// What `apply` is held to in a pipeline.
    #[serde(default, skip_serializing_if = "ApplyRules::is_empty")]
    pub apply: ApplyRules,
}

/// What `apply` is held to in a pipeline. The base revision and the default branch of the clone are asked as well, so
/// that a change cannot take it away for itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApplyRules {
    /// The branch that what is applied was merged into.
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

/// An organization of a service, and the manifests that describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "TargetText", into = "TargetText")]
pub struct Target {
    /// The name of the target in output and for `--target`.
    pub name: String,
    pub organization: String,
    /// Files and folders with manifests, relative to the configuration.
    pub paths: Vec<String>,
    /// Handling of live objects without a manifest.
    pub unmanaged: Unmanaged,
    /// Limits for the changes of one apply.
    pub limits: Limits,
    /// The service with its own settings.
    pub settings: Settings,
}

/// A service with the settings that exist only for its targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settings {
    Docker(DockerSettings),
    Pulumi(PulumiSettings),
    Chainloop(ChainloopSettings),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DockerSettings {
    /// The version of the API that the service implements.
    pub profile: Profile,
    /// Aliases of teams with their UUIDs.
    pub teams: BTreeMap<String, String>,
    /// Access gates of this target, in addition to those of all targets.
    pub access: Access,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PulumiSettings {
    /// Number of versions to keep of each policy pack, the newest first. All versions are kept if
    /// missing.
    pub keep_versions: Option<NonZeroU32>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChainloopSettings {
    /// Whether policies are written. Otherwise they are only compared, and all changes are held.
    pub writes: bool,
    /// The encoding of a document in a write.
    pub raw_schema_encoding: RawSchemaEncoding,
}

/// How the bytes of a document are put into the field `raw_schema` of a write. The vendor documents the field and not this.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawSchemaEncoding {
    /// In base64, as the service answers them.
    #[default]
    Base64,
    /// As they are; they have to be UTF-8.
    Text,
}

impl Target {
    pub fn provider(&self) -> Provider {
        match self.settings {
            Settings::Docker(_) => Provider::Docker,
            Settings::Pulumi(_) => Provider::Pulumi,
            Settings::Chainloop(_) => Provider::Chainloop,
        }
    }

    pub fn docker(&self) -> Option<&DockerSettings> {
        match &self.settings {
            Settings::Docker(settings) => Some(settings),
            Settings::Pulumi(_) | Settings::Chainloop(_) => None,
        }
    }

    pub fn pulumi(&self) -> Option<&PulumiSettings> {
        match &self.settings {
            Settings::Pulumi(settings) => Some(settings),
            Settings::Docker(_) | Settings::Chainloop(_) => None,
        }
    }

    pub fn chainloop(&self) -> Option<&ChainloopSettings> {
        match &self.settings {
            Settings::Chainloop(settings) => Some(settings),
            Settings::Docker(_) | Settings::Pulumi(_) => None,
        }
    }

    /// The version of the API, for services with more than one.
    pub fn profile(&self) -> Option<Profile> {
        self.docker().map(|settings| settings.profile)
    }

    /// Aliases of teams with their UUIDs. Empty for services without teams.
    pub fn teams(&self) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        self.docker().map_or(&NONE, |settings| &settings.teams)
    }

    /// Whether the lock file has entries for the target: digests of its packs, or versions of documents it refers to.
    pub fn is_locked(&self) -> bool {
        match self.settings {
            Settings::Docker(_) => false,
            Settings::Pulumi(_) | Settings::Chainloop(_) => true,
        }
    }

    /// Whether two targets manage the same organization of the same service. The name of a target
    /// may change.
    pub fn is_same_organization(&self, other: &Self) -> bool {
        self.provider() == other.provider()
            && self.organization.eq_ignore_ascii_case(&other.organization)
    }
}

/// A service that keeps policies.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// The Docker AI Governance API.
    Docker,
    /// Policy packs and policy groups of Pulumi Cloud.
    Pulumi,
    /// Policies and policy groups of Chainloop.
    Chainloop,
}

impl Provider {
    pub const ALL: &'static [Self] = &[Self::Docker, Self::Pulumi, Self::Chainloop];

    /// The name in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Pulumi => "pulumi",
            Self::Chainloop => "chainloop",
        }
    }
}

/// What to do with live policies that no manifest declares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unmanaged {
    /// List them in every plan and leave them alone.
    #[default]
    Report,
    /// Leave them alone without a word.
    Ignore,
    /// Delete them.
    Prune,
}
