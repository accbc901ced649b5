//! The three published profiles of the API and their features.

use std::fmt;
use std::str::FromStr;

/// A published version of the Docker AI Governance API (contract: the three OpenAPI texts).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EmulatorProfile {
    /// The first version: six operations, scopes with `profiles`, merge-patch media type, sign-in
    /// at `/v2/users/login`.
    Seed,
    /// Adds updatePolicy and deletePolicy, 409 for rules, `limit_exceeded`, sign-in at
    /// `/v2/auth/token`.
    Intermediate,
    /// Adds HTTP rules, Cedar policies and paging.
    #[default]
    Current,
}

impl EmulatorProfile {
    /// All profiles, oldest first.
    pub const ALL: [Self; 3] = [Self::Seed, Self::Intermediate, Self::Current];

    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Intermediate => "intermediate",
            Self::Current => "current",
        }
    }

    /// The media type of a rule's PATCH (operation updateRule, `requestBody.content`).
    pub(super) fn rule_patch_media_type(self) -> &'static str {
        match self {
            Self::Seed => "application/merge-patch+json",
            Self::Intermediate | Self::Current => "application/json",
        }
    }

    /// Whether updatePolicy and deletePolicy exist.
    pub(super) fn has_policy_writes(self) -> bool {
        self >= Self::Intermediate
    }

    /// Whether a scope has `profiles` (schema `Scope`).
    pub(super) fn has_scope_profiles(self) -> bool {
        self == Self::Seed
    }

    /// Whether a duplicate rule name is refused (createRule and updateRule document 409).
    pub(super) fn has_unique_rule_names(self) -> bool {
        self >= Self::Intermediate
    }

    /// Whether a full organization or policy answers with `limit_exceeded` (schema `Error`).
    pub(super) fn has_limit_exceeded(self) -> bool {
        self >= Self::Intermediate
    }

    /// Whether an unknown organization answers with 404 (schema `Error`, `not_found`). In `seed`,
    /// lists document no 404.
    pub(super) fn hides_organizations(self) -> bool {
        self >= Self::Intermediate
    }

    /// Whether HTTP rules and Cedar policies exist.
    pub(super) fn has_http_and_cedar(self) -> bool {
        self == Self::Current
    }

    /// Whether the only rule of a policy may change its domain (operation updateRule).
    pub(super) fn allows_domain_change(self) -> bool {
        self == Self::Current
    }
}

impl fmt::Display for EmulatorProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An unknown profile name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a profile of the emulator; use seed, intermediate or current")]
pub struct UnknownEmulatorProfile(String);

impl FromStr for EmulatorProfile {
    type Err = UnknownEmulatorProfile;

    fn from_str(text: &str) -> Result<Self, UnknownEmulatorProfile> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.as_str() == text)
            .ok_or_else(|| UnknownEmulatorProfile(text.to_owned()))
    }
}
