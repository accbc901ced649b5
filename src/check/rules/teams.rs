//! `unknown-team` and `team-unverified`: teams that cannot be turned into ids.

use super::Findings;
use crate::check::scene::Scene;
use crate::check::teams::Resolved;
use crate::check::view::PolicyView;
use crate::diag::{Code, Diagnostic, Path, Place};

pub(super) fn check(scene: &Scene<'_>, policy: &PolicyView<'_>, found: &mut Findings) {
    let teams = policy.manifest.spec.scope.as_ref().and_then(|scope| scope.teams.as_deref()).unwrap_or_default();
    for (index, team) in teams.iter().enumerate() {
        let place = || {
            let path = Path::root().key("spec").key("scope").key("teams").index(index);
            Place::value(policy.document, path)
        };
        match scene.teams.resolve(team) {
            Resolved::Team(_) => {}
            Resolved::Unverified(like) => found.push(unverified(team, like, place())),
            Resolved::Unknown(like) => found.push(unknown(scene, team, like, place())),
            Resolved::Ambiguous(ids) => {
                let ids: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
                let message = format!("{} teams of the organization are called `{team}`", ids.len());
                found.push(
                    Diagnostic::new(Code::UnknownTeam, message, place())
                        .label("which of them?")
                        .help(format!("write the uuid of the one that is meant: {}", ids.join(" or "))),
                );
            }
            Resolved::BadAlias => {
                let message = format!("the team alias `{team}` does not stand for a uuid");
                found.push(
                    Diagnostic::new(Code::UnknownTeam, message, place())
                        .help(format!("correct `teams.{team}` of the target in polwarden.yaml")),
                );
            }
        }
    }
}

fn unverified(team: &str, like: Option<&str>, place: Place) -> Diagnostic {
    let message = format!("only the server can tell whether there is a team `{team}`");
    Diagnostic::new(Code::TeamUnverified, message, place).label("neither an alias nor a uuid").help(match like {
        Some(like) => format!("did you mean the alias `{like}`?"),
        None => format!("add `{team}: <uuid>` under `teams` of the target in polwarden.yaml to check it offline"),
    })
}

fn unknown(scene: &Scene<'_>, team: &str, like: Option<&str>, place: Place) -> Diagnostic {
    let organization = &scene.target.organization;
    let message = format!("the organization `{organization}` has no team `{team}`");
    Diagnostic::new(Code::UnknownTeam, message, place).label("not a team").help(match like {
        Some(like) => format!("did you mean `{like}`?"),
        None => "write the name of a team, its uuid, or an alias from `teams` in polwarden.yaml".to_owned(),
    })
}
