//! Resolves names of teams to ids.

use std::collections::{BTreeMap, HashMap};

use manifest::config::Target;
use manifest::{Document, Manifest};
use model::diag::did_you_mean;
use model::docker::{Team, TeamId};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownTeams {
    /// The server was not asked, so names of teams cannot be confirmed.
    Offline,
    /// The complete list of teams.
    Known(Vec<Team>),
}

/// The result of resolving a name of a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TeamResolution<'a> {
    Team(TeamId),
    /// Possibly a team on the server, which was not asked; with a similar alias.
    Unverified(Option<&'a str>),
    /// Not a team; with a similar alias or team.
    Unknown(Option<&'a str>),
    /// Several teams have this name.
    Ambiguous(Vec<TeamId>),
    /// The alias exists, but its value is not a uuid.
    BadAlias,
}

/// The teams of a target by alias, uuid and name.
#[derive(Debug)]
pub(super) struct TeamDirectory<'a> {
    aliases: &'a BTreeMap<String, String>,
    names: Option<HashMap<&'a str, Vec<&'a TeamId>>>,
}

impl<'a> TeamDirectory<'a> {
    pub(super) fn new(target: &'a Target, teams: &'a KnownTeams) -> Self {
        let names = match teams {
            KnownTeams::Offline => None,
            KnownTeams::Known(teams) => {
                let mut names: HashMap<&str, Vec<&TeamId>> = HashMap::with_capacity(teams.len());
                for team in teams {
                    names.entry(team.name.as_str()).or_default().push(&team.id);
                }
                Some(names)
            }
        };
        Self {
            aliases: target.teams(),
            names,
        }
    }

    /// Tries the aliases of the target first, then a uuid, then the names on the server.
    pub(super) fn resolve(&self, given: &str) -> TeamResolution<'a> {
        if let Some(uuid) = self.aliases.get(given) {
            return if is_uuid(uuid) {
                TeamResolution::Team(self.by_uuid(uuid))
            } else {
                TeamResolution::BadAlias
            };
        }
        if is_uuid(given) {
            return TeamResolution::Team(self.by_uuid(given));
        }
        let aliases = self.aliases.keys().map(String::as_str);
        let Some(names) = &self.names else {
            return TeamResolution::Unverified(did_you_mean(aliases, given));
        };
        match names.get(given).map(Vec::as_slice) {
            Some([id]) => TeamResolution::Team((*id).clone()),
            Some(ids) => TeamResolution::Ambiguous(ids.iter().copied().cloned().collect()),
            None => {
                TeamResolution::Unknown(did_you_mean(aliases.chain(names.keys().copied()), given))
            }
        }
    }

    /// The id in the server's spelling if it is known, otherwise in lower case (RFC 9562, section
    /// 4): a difference in case must not look like another team.
    fn by_uuid(&self, uuid: &str) -> TeamId {
        let known = self.names.iter().flat_map(HashMap::values).flatten();
        let same = known
            .into_iter()
            .find(|id| id.as_str().eq_ignore_ascii_case(uuid));
        same.map_or_else(
            || TeamId::new(&uuid.to_ascii_lowercase()),
            |id| (*id).clone(),
        )
    }
}

/// Whether this has the form of a uuid: 8-4-4-4-12 hexadecimal digits (RFC 9562, section 4).
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether a policy test of a target names a team that only the server can confirm.
pub fn tests_need_server_teams(target: &Target, documents: &[&Document]) -> bool {
    let tests = documents
        .iter()
        .filter_map(|document| match &document.manifest {
            Manifest::PolicyTest(test)
                if test
                    .spec
                    .target
                    .as_ref()
                    .is_none_or(|name| *name == target.name) =>
            {
                Some(test)
            }
            Manifest::PolicyTest(_)
            | Manifest::Policy(_)
            | Manifest::ResourceList(_)
            | Manifest::PolicyPack(_)
            | Manifest::PolicyGroup(_)
            | Manifest::ChainloopPolicy(_)
            | Manifest::ChainloopGroup(_) => None,
        });
    let cases = tests.flat_map(|test| &test.spec.cases);
    let audiences =
        cases.flat_map(|case| case.audience.iter().chain(case.audiences.iter().flatten()));
    audiences
        .flat_map(|audience| audience.teams.iter().flatten())
        .any(|team| needs_server(target, team))
}

fn needs_server(target: &Target, team: &str) -> bool {
    !target.teams().contains_key(team) && !is_uuid(team)
}

/// Whether a policy of a target names a team that only the server can confirm. If so, the teams
/// must be read.
pub fn needs_server_teams(target: &Target, documents: &[&Document]) -> bool {
    documents.iter().any(|document| match &document.manifest {
        Manifest::Policy(policy) => {
            let scope = policy.spec.scope.as_ref();
            scope
                .and_then(|scope| scope.teams.as_ref())
                .is_some_and(|teams| teams.iter().any(|team| needs_server(target, team)))
        }
        Manifest::ResourceList(_)
        | Manifest::PolicyTest(_)
        | Manifest::PolicyPack(_)
        | Manifest::PolicyGroup(_)
        | Manifest::ChainloopPolicy(_)
        | Manifest::ChainloopGroup(_) => false,
    })
}
