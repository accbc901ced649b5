//! Live policies by name.

use super::import::{aliases, policy};
use crate::plan::ResourceKind;
use crate::render::listing::ListedObject;
use crate::render::text::count_of;
use crate::service::listing::{Declarations, ExportedObject};
use manifest::config::Target;
use model::docker::{DockerLiveState, LiveContent, LivePolicy, Scope};

/// All policies, by name.
pub fn objects(
    live: &DockerLiveState,
    target: &Target,
    declared: &Declarations<'_>,
) -> Vec<ListedObject> {
    let mut objects: Vec<ListedObject> = live
        .policies
        .iter()
        .map(|policy| object(policy, target, declared))
        .collect();
    objects.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    objects
}

fn object(live: &LivePolicy, target: &Target, declared: &Declarations<'_>) -> ListedObject {
    let (status, source) = declared.status(ResourceKind::Policy, &live.name);
    ListedObject {
        kind: ResourceKind::Policy,
        name: live.name.clone(),
        id: Some(live.id.to_string()),
        content: match &live.content {
            LiveContent::Rules(rules) => count_of(rules.len(), "rule"),
            LiveContent::Cedar(_) => "Cedar text".to_owned(),
            LiveContent::Opaque(opaque) => format!("not supported: it {}", opaque.why),
        },
        audience: Some(audience(&live.scope, target)),
        updated_at: Some(live.updated_at.clone()).filter(|time| !time.is_empty()),
        status,
        source,
    }
}

/// Teams by alias where the target has one.
fn audience(scope: &Scope, target: &Target) -> String {
    if scope.is_organization_wide() {
        return "everyone".to_owned();
    }
    let Scope { teams, profiles } = scope;
    let aliases = aliases(target);
    let teams = teams.iter().map(|team| {
        let uuid = team.as_str();
        aliases.get(uuid).copied().unwrap_or(uuid).to_owned()
    });
    let profiles = profiles.iter().map(|profile| format!("profile:{profile}"));
    let names: Vec<String> = teams.chain(profiles).collect();
    format!("members of {}", names.join(", "))
}

/// The policies of this name as manifests.
pub fn export(live: &DockerLiveState, target: &Target, name: &str) -> Vec<ExportedObject> {
    let named = live.policies.iter().filter(|policy| policy.name == name);
    named
        .map(|live| ExportedObject {
            kind: ResourceKind::Policy,
            manifest: policy(live, &aliases(target)),
        })
        .collect()
}
