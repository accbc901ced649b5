//! People, distinguished only by the teams and profiles that policies name.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use model::docker::Scope;

/// A group of users, by their teams and profiles.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Audience {
    /// All their teams; empty for people outside of all teams.
    pub teams: BTreeSet<String>,
    /// All their profiles (profile `seed` of the API only).
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub profiles: BTreeSet<String>,
}

impl Audience {
    /// Members of exactly these teams, with no profile.
    pub fn of_teams(teams: impl IntoIterator<Item = String>) -> Self {
        Self {
            teams: teams.into_iter().collect(),
            profiles: BTreeSet::new(),
        }
    }

    /// Whether a policy with this scope applies to them (contract: FACTS, "Pooled evaluation").
    pub fn is_reached_by(&self, scope: &Scope) -> bool {
        scope.is_organization_wide()
            || scope
                .teams
                .iter()
                .any(|team| self.teams.contains(team.as_str()))
            || scope
                .profiles
                .iter()
                .any(|profile| self.profiles.contains(profile))
    }

    /// Whether their teams and profiles are a subset of those of `other`. A policy that reaches
    /// them then reaches `other` too.
    pub fn is_part_of(&self, other: &Self) -> bool {
        let Self { teams, profiles } = self;
        teams.is_subset(&other.teams) && profiles.is_subset(&other.profiles)
    }

    /// Members of all groups of both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let Self { teams, profiles } = other;
        Self {
            teams: self.teams.union(teams).cloned().collect(),
            profiles: self.profiles.union(profiles).cloned().collect(),
        }
    }

    /// The same people, with team ids in the spelling that the scopes use. UUIDs are compared
    /// without regard to case: without this, a different spelling would look like another team.
    #[must_use]
    pub fn with_team_spelling<'s>(&self, scopes: impl Iterator<Item = &'s Scope> + Clone) -> Self {
        let spelled = |team: &String| {
            let mut known = scopes.clone().flat_map(|scope| &scope.teams);
            known
                .find(|id| id.as_str().eq_ignore_ascii_case(team))
                .map_or_else(|| team.clone(), ToString::to_string)
        };
        Self {
            teams: self.teams.iter().map(spelled).collect(),
            profiles: self.profiles.clone(),
        }
    }

    /// The same people, with team ids replaced by short names. `names` maps each short name to a
    /// UUID.
    #[must_use]
    pub fn with_team_names(mut self, names: &BTreeMap<String, String>) -> Self {
        let name = |id: &String| {
            names
                .iter()
                .find(|(_, uuid)| *uuid == id)
                .map_or(id, |(name, _)| name)
                .clone()
        };
        self.teams = self.teams.iter().map(name).collect();
        self
    }

    /// The audiences that a report covers, without duplicates, in this order: everyone outside of
    /// all teams, each team, each profile, members of everything at once, and the audiences in
    /// `further`.
    pub fn relevant<'s>(
        scopes: impl Iterator<Item = &'s Scope> + Clone,
        further: impl IntoIterator<Item = Self>,
    ) -> Vec<Self> {
        let teams: BTreeSet<String> = scopes
            .clone()
            .flat_map(|scope| scope.teams.iter().map(ToString::to_string))
            .collect();
        let profiles: BTreeSet<String> = scopes
            .flat_map(|scope| scope.profiles.iter().cloned())
            .collect();
        let mut audiences = vec![Self::default()];
        audiences.extend(teams.iter().map(|team| Self::of_teams([team.clone()])));
        let one = |profile: &String| Self {
            teams: BTreeSet::new(),
            profiles: [profile.clone()].into(),
        };
        audiences.extend(profiles.iter().map(one));
        if teams.len() + profiles.len() > 1 {
            audiences.push(Self { teams, profiles });
        }
        for audience in further {
            if !audiences.contains(&audience) {
                audiences.push(audience);
            }
        }
        audiences
    }
}

/// An audience that exists in practice (for example, a group of employees), with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedAudience {
    /// The name from the configuration.
    pub name: String,
    /// The teams and profiles.
    pub audience: Audience,
}

#[cfg(test)]
mod tests {
    use super::Audience;
    use model::docker::{Scope, TeamId};

    fn scope(teams: &[&str], profiles: &[&str]) -> Scope {
        Scope {
            teams: teams.iter().map(|team| TeamId::new(team)).collect(),
            profiles: profiles.iter().map(ToString::to_string).collect(),
        }
    }

    fn audience(teams: &[&str], profiles: &[&str]) -> Audience {
        Audience {
            teams: teams.iter().map(ToString::to_string).collect(),
            profiles: profiles.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn a_part_has_no_team_and_no_profile_of_its_own() {
        let both = audience(&["t1", "t2"], &["p"]);
        for part in [
            audience(&[], &[]),
            audience(&["t1"], &[]),
            audience(&[], &["p"]),
            both.clone(),
        ] {
            assert!(part.is_part_of(&both), "{part:?}");
        }
        for other in [
            audience(&["t3"], &[]),
            audience(&["t1", "t3"], &["p"]),
            audience(&["t1"], &["q"]),
        ] {
            assert!(!other.is_part_of(&both), "{other:?}");
        }
    }

    #[test]
    fn a_report_covers_each_team_and_profile_alone_and_all_together() {
        let scopes = [
            scope(&["t2", "t1"], &[]),
            scope(&[], &["p"]),
            scope(&["t1"], &[]),
        ];
        let further = [
            audience(&["t1", "p"], &[]),
            audience(&["t1"], &[]),
            audience(&["t1", "p"], &[]),
        ];
        assert_eq!(
            Audience::relevant(scopes.iter(), further),
            [
                audience(&[], &[]),
                audience(&["t1"], &[]),
                audience(&["t2"], &[]),
                audience(&[], &["p"]),
                audience(&["t1", "t2"], &["p"]),
                audience(&["t1", "p"], &[]),
            ]
        );
        let one = [scope(&["t1"], &[])];
        assert_eq!(
            Audience::relevant(one.iter(), []),
            [audience(&[], &[]), audience(&["t1"], &[])]
        );
    }
}
