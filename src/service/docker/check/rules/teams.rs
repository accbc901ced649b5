//! `unknown-team` and `team-unverified`: names of teams that cannot be resolved to ids.

use crate::service::docker::check::context::DockerRuleContext;
use crate::service::docker::check::teams::TeamResolution;
use crate::service::docker::check::view::DockerPolicyView;
use manifest::config::Target;
use model::diag::{Code, Diagnostic, Path, Place};
use model::docker::TeamId;

/// The diagnostic for a resolved name, if it is not a team.
pub(crate) fn finding(
    target: &Target,
    team: &str,
    resolved: TeamResolution<'_>,
    place: Place,
) -> Option<Diagnostic> {
    match resolved {
        TeamResolution::Team(_) => None,
        TeamResolution::Unverified(like) => Some(unverified(team, like, place)),
        TeamResolution::Unknown(like) => Some(unknown(target, team, like, place)),
        TeamResolution::Ambiguous(ids) => Some(ambiguous(team, &ids, place)),
        TeamResolution::BadAlias => {
            let message = format!("the team alias `{team}` does not stand for a uuid");
            let help = format!("correct `teams.{team}` of the target in polwarden.yaml");
            Some(Diagnostic::new(Code::UnknownTeam, message, place).help(help))
        }
    }
}

fn ambiguous(team: &str, ids: &[TeamId], place: Place) -> Diagnostic {
    let ids: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
    let message = format!(
        "{} teams of the organization are called `{team}`",
        ids.len()
    );
    Diagnostic::new(Code::UnknownTeam, message, place)
        .label("which of them?")
        .help(format!(
            "write the uuid of the intended team: {}",
            ids.join(" or ")
        ))
}

pub(super) fn check(
    context: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let teams = policy
        .manifest
        .spec
        .scope
        .as_ref()
        .and_then(|scope| scope.teams.as_deref())
        .unwrap_or_default();
    for (index, team) in teams.iter().enumerate() {
        let resolved = context.teams.resolve(team);
        // Places are built only for diagnostics: they cost more than the check.
        if !matches!(resolved, TeamResolution::Team(_)) {
            let path = Path::root()
                .key("spec")
                .key("scope")
                .key("teams")
                .index(index);
            found.extend(finding(
                context.target,
                team,
                resolved,
                Place::value(policy.document, path),
            ));
        }
    }
}

fn unverified(team: &str, like: Option<&str>, place: Place) -> Diagnostic {
    let message = format!("only the server can verify the team `{team}`");
    let finding = Diagnostic::new(Code::TeamUnverified, message, place).label("neither an alias nor a uuid").help(match like {
        Some(like) => format!("did you mean the alias `{like}`?"),
        None => format!("add `{team}: <uuid>` under `teams` of the target in polwarden.yaml to check it offline"),
    });
    finding.suggest_similar(like)
}

fn unknown(target: &Target, team: &str, like: Option<&str>, place: Place) -> Diagnostic {
    let organization = &target.organization;
    let message = format!("the organization `{organization}` has no team `{team}`");
    let finding = Diagnostic::new(Code::UnknownTeam, message, place)
        .label("not a team")
        .help(match like {
            Some(like) => format!("did you mean `{like}`?"),
            None => {
                "write the name of a team, its uuid, or an alias from `teams` in polwarden.yaml"
                    .to_owned()
            }
        });
    finding.suggest_similar(like)
}
