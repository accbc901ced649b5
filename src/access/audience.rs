//! People, as far as rules tell them apart.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::docker::Scope;

/// People, by the teams (and profiles of people) that they are in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Audience {
    /// All their teams; none for people who are in no team.
    pub teams: BTreeSet<String>,
    /// All their profiles (profile `seed` of the API only).
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub profiles: BTreeSet<String>,
}

impl Audience {
    /// People who are in these teams and in no profile.
    pub fn of_teams(teams: impl IntoIterator<Item = String>) -> Self {
        Self { teams: teams.into_iter().collect(), profiles: BTreeSet::new() }
    }

    /// Whether a policy counts for them (contract: FACTS, "Pooled evaluation").
    pub fn is_reached_by(&self, scope: &Scope) -> bool {
        scope.is_organization_wide()
            || scope.teams.iter().any(|team| self.teams.contains(team.as_str()))
            || scope.profiles.iter().any(|profile| self.profiles.contains(profile))
    }
}
