//! `polwarden.yaml`: the targets of a repository.
//!
//! A pull request can edit this file, so it never holds an endpoint or a credential.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NAME_PATTERN;
use super::access::Access;
use super::list::ApiVersion;
use crate::model::docker::Profile;

/// The name of the configuration file.
pub const FILE_NAME: &str = "polwarden.yaml";

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

impl Target {
    /// The service.
    pub fn provider(&self) -> Provider {
        match self.settings {
            Settings::Docker(_) => Provider::Docker,
            Settings::Pulumi(_) => Provider::Pulumi,
        }
    }

    /// What is set for the Docker AI Governance API, if the target is one of it.
    pub fn docker(&self) -> Option<&DockerSettings> {
        match &self.settings {
            Settings::Docker(settings) => Some(settings),
            Settings::Pulumi(_) => None,
        }
    }

    /// What is set for Pulumi Cloud, if the target is one of it.
    pub fn pulumi(&self) -> Option<&PulumiSettings> {
        match &self.settings {
            Settings::Pulumi(settings) => Some(settings),
            Settings::Docker(_) => None,
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
        self.provider() == other.provider() && self.organization.eq_ignore_ascii_case(&other.organization)
    }
}

/// A target as it is written: all settings of all services in one mapping. The schema says which of them a service
/// has, so that a finding stands at the one that is wrong.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Target", transform = settings_of_providers, description = "An organization at a provider, and the manifests that describe it.")]
struct TargetText {
    /// What the target is called in output and with `--target`.
    #[schemars(regex(pattern = NAME_PATTERN), example = &"production")]
    name: String,
    /// The service.
    provider: Provider,
    /// The organization at the service.
    #[schemars(length(min = 1), example = &"example-org")]
    organization: String,
    /// Files and folders with manifests, relative to this file.
    #[schemars(length(min = 1), inner(length(min = 1)), example = serde_json::json!(["policies"]))]
    paths: Vec<String>,
    /// The shape of the API that the service speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "current"))]
    profile: Option<Profile>,
    /// What to do with live policies that no manifest declares.
    #[serde(default)]
    unmanaged: Unmanaged,
    /// How much one apply may change before it is refused.
    #[serde(default)]
    limits: Limits,
    /// Short names for teams, each with the team's uuid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({"security": "0b0c6b3e-8a52-4c5e-9f0e-2f6d1c1b7a11"}))]
    teams: Option<BTreeMap<String, String>>,
    /// Gates of access at this target, in addition to those of all targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access: Option<Access>,
    /// How many versions of each policy pack are kept, the newest first; a version that a policy group enables is kept
    /// in any case. Older ones are deleted once the groups were switched. Without it, none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 5)]
    keep_versions: Option<NonZeroU32>,
}

/// The settings that only some services have, each with those services.
const SETTINGS: &[(&str, &[Provider])] = &[
    ("profile", &[Provider::Docker]),
    ("teams", &[Provider::Docker]),
    ("access", &[Provider::Docker]),
    ("keepVersions", &[Provider::Pulumi]),
];

/// Forbids a service the settings of others.
fn settings_of_providers(schema: &mut schemars::Schema) {
    let branches = Provider::ALL.iter().filter_map(|provider| {
        let others = SETTINGS.iter().filter(|(_, providers)| !providers.contains(provider));
        let refused: serde_json::Map<_, _> = others.map(|(name, _)| ((*name).to_owned(), false.into())).collect();
        (!refused.is_empty()).then(|| {
            serde_json::json!({
                "if": { "required": ["provider"], "properties": { "provider": { "const": provider.as_str() } } },
                "then": { "properties": refused }
            })
        })
    });
    let branches: Vec<_> = branches.collect();
    if !branches.is_empty() {
        schema.insert("allOf".to_owned(), branches.into());
    }
}

impl TryFrom<TargetText> for Target {
    type Error = String;
    fn try_from(text: TargetText) -> Result<Self, Self::Error> {
        let TargetText {
            name,
            provider,
            organization,
            paths,
            profile,
            unmanaged,
            limits,
            teams,
            access,
            keep_versions,
        } = text;
        let written = [
            ("profile", profile.is_some()),
            ("teams", teams.is_some()),
            ("access", access.is_some()),
            ("keepVersions", keep_versions.is_some()),
        ];
        let foreign = |(name, written): &(&str, bool)| {
            *written && SETTINGS.iter().any(|(known, of)| known == name && !of.contains(&provider))
        };
        if let Some((name, _)) = written.iter().find(|setting| foreign(setting)) {
            return Err(format!("a target with `provider: {}` has no `{name}`", provider.as_str()));
        }
        let settings = match provider {
            Provider::Docker => Settings::Docker(DockerSettings {
                profile: profile.unwrap_or_default(),
                teams: teams.unwrap_or_default(),
                access: access.unwrap_or_default(),
            }),
            Provider::Pulumi => Settings::Pulumi(PulumiSettings { keep_versions }),
        };
        Ok(Self { name, organization, paths, unmanaged, limits, settings })
    }
}

impl From<Target> for TargetText {
    fn from(target: Target) -> Self {
        let provider = target.provider();
        let Target { name, organization, paths, unmanaged, limits, settings } = target;
        let (mut profile, mut teams, mut access, mut keep_versions) = (None, None, None, None);
        match settings {
            Settings::Docker(settings) => {
                profile = Some(settings.profile);
                teams = Some(settings.teams).filter(|teams| !teams.is_empty());
                access = Some(settings.access).filter(|access| !access.is_empty());
            }
            Settings::Pulumi(settings) => keep_versions = settings.keep_versions,
        }
        Self { name, provider, organization, paths, profile, unmanaged, limits, teams, access, keep_versions }
    }
}

impl JsonSchema for Target {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        TargetText::schema_name()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        TargetText::json_schema(generator)
    }
}

/// A service that keeps policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// The Docker AI Governance API.
    Docker,
    /// Policy packs and policy groups of Pulumi Cloud.
    Pulumi,
}

impl Provider {
    /// All services.
    pub const ALL: &'static [Self] = &[Self::Docker, Self::Pulumi];

    /// The word in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Pulumi => "pulumi",
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

/// How much one apply may change before it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// How many of the live rules may be updated.
    pub max_updates: Share,
    /// How many of the live rules may be deleted.
    pub max_deletes: Share,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_updates: Share::Percent(30), max_deletes: Share::Percent(30) }
    }
}

/// The texts that are a [`Share`].
pub(super) const SHARE_PATTERN: &str = "^(100|[1-9]?[0-9])%$";

/// A number, or a percentage such as `30%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ShareText", into = "ShareText")]
pub enum Share {
    /// That many.
    Count(u32),
    /// That many of a hundred.
    Percent(u8),
}

/// The two forms of a [`Share`] in a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum ShareText {
    Count(u32),
    Percent(String),
}

impl TryFrom<ShareText> for Share {
    type Error = &'static str;
    fn try_from(text: ShareText) -> Result<Self, Self::Error> {
        match text {
            ShareText::Count(count) => Ok(Self::Count(count)),
            ShareText::Percent(text) => text
                .strip_suffix('%')
                .and_then(|number| number.parse().ok())
                .filter(|percent: &u8| *percent <= 100 && format!("{percent}%") == text)
                .map(Self::Percent)
                .ok_or("expected a number or a percentage from 0% to 100%"),
        }
    }
}

impl From<Share> for ShareText {
    fn from(share: Share) -> Self {
        match share {
            Share::Count(count) => Self::Count(count),
            Share::Percent(percent) => Self::Percent(format!("{percent}%")),
        }
    }
}

impl JsonSchema for Share {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Share".into()
    }
    /// One schema for both forms (a pattern binds texts only, bounds bind numbers only), so that an error says what
    /// is wrong rather than that no branch fits.
    fn json_schema(_generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A number, or a percentage such as `30%`.",
            "type": ["integer", "string"],
            "minimum": 0,
            "maximum": u32::MAX,
            "pattern": SHARE_PATTERN,
            "examples": ["30%", 5]
        })
    }
}
