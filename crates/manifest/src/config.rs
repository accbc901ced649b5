//! `polwarden.yaml`: the targets of a repository.
//!
//! A pull request can edit this file, so it never holds an endpoint or a credential.

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

/// The name of the configuration file.
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
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        let Self { branch } = self;
        branch.is_none()
    }
}

/// An organization at a provider, and the manifests that describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "TargetText", into = "TargetText")]
pub struct Target {
    /// What the target is called in output and with `--target`.
    pub name: String,
    /// The organization at the service.
    pub organization: String,
    /// Files and folders with manifests, relative to the configuration.
    pub paths: Vec<String>,
    /// What to do with live objects that no manifest declares.
    pub unmanaged: Unmanaged,
    /// How much one apply may change before it is refused.
    pub limits: Limits,
    /// The service, and what is set for it alone.
    pub settings: Settings,
}

/// A service, and what can be set for a target of it and for no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settings {
    /// The Docker AI Governance API.
    Docker(DockerSettings),
    /// Pulumi Cloud.
    Pulumi(PulumiSettings),
    /// Chainloop.
    Chainloop(ChainloopSettings),
}

/// What can be set for a target of the Docker AI Governance API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DockerSettings {
    /// The shape of the API that the service speaks.
    pub profile: Profile,
    /// Short names for teams, each with the team's uuid.
    pub teams: BTreeMap<String, String>,
    /// Gates of access at this target, in addition to those of all targets.
    pub access: Access,
}

/// What can be set for a target of Pulumi Cloud.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PulumiSettings {
    /// How many versions of each policy pack are kept, the newest first; all, where nothing is set.
    pub keep_versions: Option<NonZeroU32>,
}

/// What can be set for a target of Chainloop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChainloopSettings {
    /// Whether policies are written. Without it they are compared, and what differs is held.
    pub writes: bool,
    /// How the document of a write is put into its field.
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
    /// The service.
    pub fn provider(&self) -> Provider {
        match self.settings {
            Settings::Docker(_) => Provider::Docker,
            Settings::Pulumi(_) => Provider::Pulumi,
            Settings::Chainloop(_) => Provider::Chainloop,
        }
    }

    /// What is set for the Docker AI Governance API, if the target is one of it.
    pub fn docker(&self) -> Option<&DockerSettings> {
        match &self.settings {
            Settings::Docker(settings) => Some(settings),
            Settings::Pulumi(_) | Settings::Chainloop(_) => None,
        }
    }

    /// What is set for Pulumi Cloud, if the target is one of it.
    pub fn pulumi(&self) -> Option<&PulumiSettings> {
        match &self.settings {
            Settings::Pulumi(settings) => Some(settings),
            Settings::Docker(_) | Settings::Chainloop(_) => None,
        }
    }

    /// What is set for Chainloop, if the target is one of it.
    pub fn chainloop(&self) -> Option<&ChainloopSettings> {
        match &self.settings {
            Settings::Chainloop(settings) => Some(settings),
            Settings::Docker(_) | Settings::Pulumi(_) => None,
        }
    }

    /// The shape of the API, where a service has more than one.
    pub fn profile(&self) -> Option<Profile> {
        self.docker().map(|settings| settings.profile)
    }

    /// Short names for teams, each with the team's uuid; none where a service has no teams.
    pub fn teams(&self) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        self.docker().map_or(&NONE, |settings| &settings.teams)
    }

    /// Whether two targets are about the same organization of the same service: what a target is called may change.
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
    /// All services.
    pub const ALL: &'static [Self] = &[Self::Docker, Self::Pulumi, Self::Chainloop];

    /// The word in files and on the command line.
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
