//! `polwarden.lock`: the content that names and tags refer to. `polwarden lock` writes it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::PolwardenApiVersion;
use super::pulumi::DeclaredPolicies;
use model::chainloop::{PolicyName, Reference};
pub use model::digest::Digest;
pub use model::digest::{FileDigest, SourceDigest};
use model::pulumi::{PackName, VersionTag};

/// The name of the lock file, next to the configuration.
pub const LOCK_FILE: &str = "polwarden.lock";

/// Maximum size of a lock file in bytes. It contains a line for each file of each version.
pub const MAX_BYTES: usize = 16 << 20;

/// The comment at the top of the file.
const HEAD: &str = "# Written by `polwarden lock`. Commit it together with the locked files.\n";

/// The `kind` of the lock file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Kind")]
pub enum LockKind {
    /// The lock file.
    Lock,
}

/// What was locked, by the names of the targets. All of it is in the order of its keys, one entry a line, so that two
/// branches that lock different things can be merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Lock")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "polwarden lock file")]
pub struct LockFile {
    /// The version of this format.
    pub api_version: PolwardenApiVersion,
    /// The kind of this file.
    pub kind: LockKind,
    /// The targets, by their names.
    #[serde(default)]
    pub targets: BTreeMap<String, TargetLock>,
}

impl Default for LockFile {
    fn default() -> Self {
        Self {
            api_version: PolwardenApiVersion::V1,
            kind: LockKind::Lock,
            targets: BTreeMap::new(),
        }
    }
}

/// What was locked for one target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetLock {
    /// Policy packs of Pulumi Cloud: by the name of the pack and the tag of the version, what its source was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, BTreeMap<String, VersionLock>>")]
    pub policy_packs: BTreeMap<PackName, BTreeMap<VersionTag, VersionLock>>,
    /// Policies of Chainloop: by a reference to them as manifests write it, without `chainloop://`, what it stands for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<String, PolicyPin>,
}

/// What a reference to a policy stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyPin {
    /// The organization that owns the policy; none for a builtin one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The name of the policy.
    #[schemars(with = "String")]
    pub name: PolicyName,
    /// The version.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// The time when the version was created, if the server reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub created_at: Option<Timestamp>,
}

/// What the source of a version was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VersionLock {
    /// The digest of the source.
    pub source: SourceDigest,
    /// The digests of its files, by their paths in the source.
    pub files: BTreeMap<String, FileDigest>,
    /// The policies that the pack declares, by name. `polwarden lock --from-pack` writes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<DeclaredPolicies>,
}

/// The key of the pin of a reference.
pub fn pin_key(reference: &Reference) -> String {
    Reference {
        scheme: false,
        ..reference.clone()
    }
    .to_string()
}

impl LockFile {
    /// The locked source of a version of a pack.
    pub fn version(&self, target: &str, pack: &str, tag: &str) -> Option<&VersionLock> {
        self.targets.get(target)?.policy_packs.get(pack)?.get(tag)
    }

    /// The locked digest of a reference of a target.
    pub fn pin(&self, target: &str, reference: &Reference) -> Option<&PolicyPin> {
        self.targets.get(target)?.policies.get(&pin_key(reference))
    }

    /// Serializes the file deterministically.
    ///
    /// # Errors
    /// Never in practice; the signature of the YAML serializer cannot express that.
    pub fn text(&self) -> Result<String, serde_yaml::Error> {
        Ok(format!("{HEAD}{}", serde_yaml::to_string(self)?))
    }
}
