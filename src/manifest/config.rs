//! `polwarden.yaml`: the targets of a repository.
//!
//! A pull request can edit this file, so it never holds an endpoint or a credential.

use std::collections::BTreeMap;

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// What the target is called in output and with `--target`.
    #[schemars(regex(pattern = NAME_PATTERN), example = &"production")]
    pub name: String,
    /// The service.
    pub provider: Provider,
    /// The organization at the service.
    #[schemars(length(min = 1), example = &"example-org")]
    pub organization: String,
    /// Files and folders with manifests, relative to this file.
    #[schemars(length(min = 1), inner(length(min = 1)), example = serde_json::json!(["policies"]))]
    pub paths: Vec<String>,
    /// The shape of the API that the service speaks.
    #[serde(default)]
    pub profile: Profile,
    /// What to do with live policies that no manifest declares.
    #[serde(default)]
    pub unmanaged: Unmanaged,
    /// How much one apply may change before it is refused.
    #[serde(default)]
    pub limits: Limits,
    /// Short names for teams, each with the team's uuid.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(example = serde_json::json!({"security": "0b0c6b3e-8a52-4c5e-9f0e-2f6d1c1b7a11"}))]
    pub teams: BTreeMap<String, String>,
    /// Gates of access at this target, in addition to those of all targets.
    #[serde(default, skip_serializing_if = "Access::is_empty")]
    pub access: Access,
}

/// A service that keeps policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// The Docker AI Governance API.
    Docker,
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
