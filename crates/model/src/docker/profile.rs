//! The three published versions of the API.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A published shape of the Docker AI Governance API (contract: the table at the head of `FACTS`).
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// The first version: policies can be created and read, but not changed or deleted.
    Seed,
    /// Policies can be changed and deleted; teams only.
    Intermediate,
    /// Adds HTTP rules, Cedar policies and paging.
    #[default]
    Current,
}

impl Profile {
    /// All profiles, oldest first.
    pub const ALL: &'static [Self] = &[Self::Seed, Self::Intermediate, Self::Current];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Intermediate => "intermediate",
            Self::Current => "current",
        }
    }

    pub fn has_policy_writes(self) -> bool {
        self >= Self::Intermediate
    }

    /// Whether the only rule of a policy may change its domain.
    pub fn allows_domain_change(self) -> bool {
        self == Self::Current
    }

    /// Whether a scope can contain profiles of users.
    pub fn has_scope_profiles(self) -> bool {
        self == Self::Seed
    }

    pub fn has_http_rules(self) -> bool {
        self == Self::Current
    }

    pub fn has_cedar(self) -> bool {
        self == Self::Current
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a profile; use seed, intermediate or current")]
pub struct UnknownProfile(String);

impl FromStr for Profile {
    type Err = UnknownProfile;
    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        Self::ALL
            .iter()
            .copied()
            .find(|p| p.as_str() == text)
            .ok_or_else(|| UnknownProfile(text.to_owned()))
    }
}
