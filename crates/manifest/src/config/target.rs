//! The targets of a configuration, and their form in the file.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use model::docker::Profile;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::limits::ChangeLimits;
use crate::NAME_PATTERN;
use crate::access::AccessSection;

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
    pub unmanaged: UnmanagedSettings,
    /// Limits for the changes of one apply.
    pub limits: ChangeLimits,
    /// The service with its own settings.
    pub settings: ServiceSettings,
}

/// A service with the settings that exist only for its targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceSettings {
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
    pub access: AccessSection,
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
    /// Whether references to files of the repository are replaced by the content of the files.
    pub inline: bool,
    /// The encoding of a document in a write.
    pub raw_schema_encoding: RawSchemaEncoding,
}

/// How the bytes of a document are put into the field `raw_schema` of a write. The vendor documents the field and not this.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawSchemaEncoding {
    /// Base64, as in answers of the service.
    #[default]
    Base64,
    /// Plain text, which must be UTF-8.
    Text,
}

impl Target {
    pub fn provider(&self) -> Provider {
        match self.settings {
            ServiceSettings::Docker(_) => Provider::Docker,
            ServiceSettings::Pulumi(_) => Provider::Pulumi,
            ServiceSettings::Chainloop(_) => Provider::Chainloop,
        }
    }

    pub fn docker(&self) -> Option<&DockerSettings> {
        match &self.settings {
            ServiceSettings::Docker(settings) => Some(settings),
            ServiceSettings::Pulumi(_) | ServiceSettings::Chainloop(_) => None,
        }
    }

    pub fn pulumi(&self) -> Option<&PulumiSettings> {
        match &self.settings {
            ServiceSettings::Pulumi(settings) => Some(settings),
            ServiceSettings::Docker(_) | ServiceSettings::Chainloop(_) => None,
        }
    }

    pub fn chainloop(&self) -> Option<&ChainloopSettings> {
        match &self.settings {
            ServiceSettings::Chainloop(settings) => Some(settings),
            ServiceSettings::Docker(_) | ServiceSettings::Pulumi(_) => None,
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

    /// Whether the lock file has entries for the target: digests of its packs, or versions of
    /// documents that it refers to.
    pub fn is_locked(&self) -> bool {
        match self.settings {
            ServiceSettings::Docker(_) => false,
            ServiceSettings::Pulumi(_) | ServiceSettings::Chainloop(_) => true,
        }
    }

    /// Whether documents are compared and written with the content of the files that they name.
    pub fn embeds_files(&self) -> bool {
        self.chainloop().is_some_and(|settings| settings.inline)
    }

    /// Whether two targets manage the same organization of the same service. The name of a target
    /// may change.
    pub fn is_same_organization(&self, other: &Self) -> bool {
        self.provider() == other.provider()
            && self.organization.eq_ignore_ascii_case(&other.organization)
    }
}

/// A service that stores policies.
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
    /// Leave them alone without a message.
    Ignore,
    /// Delete them.
    Prune,
}

/// Handling of live objects that no manifest declares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnmanagedSettings {
    /// Handling of policies that are not listed here.
    pub mode: Unmanaged,
    /// The names of policies that are left alone intentionally. They do not count as drift.
    pub known: Vec<String>,
    /// The names of policies that are deleted, whatever the mode is.
    pub removed: Vec<String>,
}

impl UnmanagedSettings {
    /// Whether a live object is left alone intentionally, which excludes objects to be deleted.
    pub fn is_known(&self, name: &str) -> bool {
        !self.is_removed(name) && self.known.iter().any(|known| known == name)
    }

    pub fn is_removed(&self, name: &str) -> bool {
        self.removed.iter().any(|removed| removed == name)
    }

    /// Handling of a live object of this name that no manifest declares.
    pub fn treatment(&self, name: &str) -> Unmanaged {
        if self.is_removed(name) {
            return Unmanaged::Prune;
        }
        match self.mode {
            // Objects that are known are never deleted by a general rule.
            Unmanaged::Prune if self.is_known(name) => Unmanaged::Report,
            mode => mode,
        }
    }
}

impl From<Unmanaged> for UnmanagedSettings {
    fn from(mode: Unmanaged) -> Self {
        Self {
            mode,
            ..Self::default()
        }
    }
}

/// The two forms of `unmanaged` in a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum UnmanagedText {
    Mode(Unmanaged),
    Listed(UnmanagedList),
}

/// `unmanaged` as a mapping.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnmanagedList {
    #[serde(default)]
    mode: Unmanaged,
    known: Vec<String>,
}

impl UnmanagedText {
    fn new(mode: Unmanaged, known: Vec<String>) -> Self {
        if known.is_empty() {
            Self::Mode(mode)
        } else {
            Self::Listed(UnmanagedList { mode, known })
        }
    }

    fn into_settings(self, removed: Vec<String>) -> UnmanagedSettings {
        let (mode, known) = match self {
            Self::Mode(mode) => (mode, Vec::new()),
            Self::Listed(UnmanagedList { mode, known }) => (mode, known),
        };
        UnmanagedSettings {
            mode,
            known,
            removed,
        }
    }
}

impl JsonSchema for UnmanagedText {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "UnmanagedSettings".into()
    }
    /// One schema for both forms (the condition selects strings, the other keywords apply to
    /// mappings only), so that an error names the mistake instead of reporting that no branch
    /// matches.
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mode = generator.subschema_for::<Unmanaged>();
        schemars::json_schema!({
            "description": "`report`, `ignore` or `prune`; or a mapping with the names that are known.",
            "type": ["string", "object"],
            "if": { "type": "string" },
            "then": mode.clone(),
            "properties": {
                "mode": mode,
                "known": {
                    "description": "Live policies that are left alone on purpose; they do not count as drift.",
                    "type": "array",
                    "items": { "type": "string", "minLength": 1 },
                    "minItems": 1,
                    "examples": [["legacy"]]
                }
            },
            "required": ["known"],
            "additionalProperties": false
        })
    }
}

/// A target as written: the settings of all services in one mapping. The schema lists the settings of each service,
/// which places a diagnostic at the setting that is wrong.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Target", transform = settings_of_providers, description = "An organization at a provider, and the manifests that describe it.")]
struct TargetText {
    /// The name of the target in output and for `--target`.
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
    /// The version of the API that the service implements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "current"))]
    profile: Option<Profile>,
    /// What to do with live policies that no manifest declares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "report"))]
    unmanaged: Option<UnmanagedText>,
    /// The names of live policies to delete. No manifest may declare them. An entry can be removed once the policy is
    /// deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), inner(length(min = 1)), example = serde_json::json!(["Metadata service"]))]
    removed: Option<Vec<String>>,
    /// Limits for the changes of one apply.
    #[serde(default)]
    limits: ChangeLimits,
    /// Short names for teams, each with the team's uuid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({"security": "0b0c6b3e-8a52-4c5e-9f0e-2f6d1c1b7a11"}))]
    teams: Option<BTreeMap<String, String>>,
    /// Access gates of this target, in addition to those of all targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access: Option<AccessSection>,
    /// How many versions of each policy pack are kept, the newest first; a version that a policy group enables is kept
    /// in any case. Older ones are deleted once the groups were switched. Without it, none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 5)]
    keep_versions: Option<NonZeroU32>,
    /// Whether policies are written. Otherwise, they are only compared, and the plan lists the changes that are not made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = false))]
    writes: Option<bool>,
    /// Whether scripts and policies that a document names by `path:` or `file://` are embedded in it. The document in git
    /// does not change; the compared and written document contains the files, so its digest covers them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = false))]
    inline: Option<bool>,
    /// How a document is put into the field `raw_schema` of a write, which the vendor does not document: in base64, as the
    /// service answers documents, or as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "base64"))]
    raw_schema_encoding: Option<RawSchemaEncoding>,
}

/// Settings that exist only for some services.
const SETTINGS: &[(&str, &[Provider])] = &[
    ("profile", &[Provider::Docker]),
    ("teams", &[Provider::Docker]),
    ("access", &[Provider::Docker]),
    ("unmanaged", &[Provider::Docker, Provider::Pulumi]),
    ("removed", &[Provider::Docker]),
    ("keepVersions", &[Provider::Pulumi]),
    ("writes", &[Provider::Chainloop]),
    ("inline", &[Provider::Chainloop]),
    ("rawSchemaEncoding", &[Provider::Chainloop]),
];

/// Rejects settings of other services.
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
            removed,
            limits,
            teams,
            access,
            keep_versions,
            writes,
            inline,
            raw_schema_encoding,
        } = text;
        let written = [
            ("profile", profile.is_some()),
            ("teams", teams.is_some()),
            ("access", access.is_some()),
            ("unmanaged", unmanaged.is_some()),
            ("removed", removed.is_some()),
            ("keepVersions", keep_versions.is_some()),
            ("writes", writes.is_some()),
            ("inline", inline.is_some()),
            ("rawSchemaEncoding", raw_schema_encoding.is_some()),
        ];
        let foreign = |(name, written): &(&str, bool)| {
            *written
                && SETTINGS
                    .iter()
                    .any(|(known, of)| known == name && !of.contains(&provider))
        };
        if let Some((name, _)) = written.iter().find(|setting| foreign(setting)) {
            return Err(format!(
                "a target with `provider: {}` has no `{name}`",
                provider.as_str()
            ));
        }
        let settings = match provider {
            Provider::Docker => ServiceSettings::Docker(DockerSettings {
                profile: profile.unwrap_or_default(),
                teams: teams.unwrap_or_default(),
                access: access.unwrap_or_default(),
            }),
            Provider::Pulumi => ServiceSettings::Pulumi(PulumiSettings { keep_versions }),
            Provider::Chainloop => ServiceSettings::Chainloop(ChainloopSettings {
                writes: writes.unwrap_or_default(),
                inline: inline.unwrap_or_default(),
                raw_schema_encoding: raw_schema_encoding.unwrap_or_default(),
            }),
        };
        // Chainloop cannot list its documents, so unmanaged ones are unknown.
        let unmanaged = unmanaged
            .unwrap_or(UnmanagedText::Mode(Unmanaged::default()))
            .into_settings(removed.unwrap_or_default());
        Ok(Self {
            name,
            organization,
            paths,
            unmanaged,
            limits,
            settings,
        })
    }
}

impl From<Target> for TargetText {
    fn from(target: Target) -> Self {
        let provider = target.provider();
        let Target {
            name,
            organization,
            paths,
            unmanaged,
            limits,
            settings,
        } = target;
        let UnmanagedSettings {
            mode,
            known,
            removed,
        } = unmanaged;
        let mut text = Self {
            name,
            provider,
            organization,
            paths,
            profile: None,
            unmanaged: Some(UnmanagedText::new(mode, known)),
            removed: Some(removed).filter(|removed| !removed.is_empty()),
            limits,
            teams: None,
            access: None,
            keep_versions: None,
            writes: None,
            inline: None,
            raw_schema_encoding: None,
        };
        match settings {
            ServiceSettings::Docker(DockerSettings {
                profile,
                teams,
                access,
            }) => {
                text.profile = Some(profile);
                text.teams = Some(teams).filter(|teams| !teams.is_empty());
                text.access = Some(access).filter(|access| !access.is_empty());
            }
            ServiceSettings::Pulumi(PulumiSettings { keep_versions }) => {
                text.keep_versions = keep_versions
            }
            ServiceSettings::Chainloop(ChainloopSettings {
                writes,
                inline,
                raw_schema_encoding,
            }) => {
                text.unmanaged = None;
                text.writes = Some(writes);
                text.inline = Some(inline);
                text.raw_schema_encoding = Some(raw_schema_encoding);
            }
        }
        text
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
