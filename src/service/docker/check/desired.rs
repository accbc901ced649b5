//! Builds desired policies from manifests without errors.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::context::DockerRuleContext;
use super::rules::cedar;
use super::size;
use super::teams::TeamResolution;
use super::view::{DockerPolicyView, Entries, RuleView, action};
use manifest::docker::{
    CedarSpec, DockerPolicyManifest, DockerPolicyMetadata, DockerPolicySpec, HttpResourceSpec,
    RuleSpec, ScopeSpec,
};
use model::Name;
use model::diag::{Code, Diagnostic, Place};
use model::docker::{
    Cedar, DesiredPolicy, DesiredRule, Extensions, HttpResource, Layer, PolicyContent, Resources,
    Rule, RuleAccess, Scope,
};

/// Boxed, because errors are rare and large.
type PolicyBuildResult<T> = Result<T, Box<Diagnostic>>;

/// Builds the desired policy of a manifest without errors, or nothing if one of its teams can only
/// be confirmed by the server.
///
/// Whatever cannot be built becomes an error, so that no policy is dropped silently.
pub(super) fn build(
    context: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
) -> PolicyBuildResult<Option<DesiredPolicy>> {
    let DockerPolicyManifest {
        api_version: _,
        kind: _,
        metadata,
        spec,
    } = policy.manifest;
    let DockerPolicyMetadata {
        name: name_text,
        aliases,
        protect,
    } = metadata;
    let DockerPolicySpec {
        scope: scope_spec,
        rules: _,
        cedar,
        extensions: extension_fields,
    } = spec;
    let Some(scope) = scope(context, policy, scope_spec.as_ref())? else {
        return Ok(None);
    };
    let content = match cedar {
        Some(spec) => {
            let CedarSpec {
                text: _,
                file: _,
                schema_url,
            } = spec;
            // From the manifest or from the file that it names.
            let text = cedar::text(context, policy, spec)
                .ok_or_else(|| refuse("the Cedar text was not read", policy.spec_field("cedar")))?;
            PolicyContent::Cedar(Cedar {
                text: text.to_owned(),
                schema_url: schema_url.clone(),
            })
        }
        None => {
            let rules: PolicyBuildResult<Vec<_>> = policy
                .rules
                .iter()
                .map(|view| rule(context, view))
                .collect();
            PolicyContent::Rules(rules?)
        }
    };
    let desired = DesiredPolicy {
        name: name(name_text, policy.name_place())?,
        aliases: names(aliases, &policy.name_place())?,
        protect: *protect,
        scope,
        content,
        extensions: extensions(extension_fields.as_ref(), policy.spec_field("extensions"))?,
        document: policy.document,
    };
    match size::check(&desired) {
        Some(diagnostic) => Err(Box::new(diagnostic)),
        None => Ok(Some(desired)),
    }
}

/// The scope, or nothing if a team can only be confirmed by the server. A declared scope never
/// becomes organization-wide (invariant 9).
fn scope(
    context: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    spec: Option<&ScopeSpec>,
) -> PolicyBuildResult<Option<Scope>> {
    let Some(ScopeSpec { teams, profiles }) = spec else {
        return Ok(Some(Scope::default()));
    };
    let mut ids = BTreeSet::new();
    for team in teams.iter().flatten() {
        match context.teams.resolve(team) {
            TeamResolution::Team(id) => ids.insert(id),
            TeamResolution::Unverified(_) => return Ok(None),
            TeamResolution::Unknown(_)
            | TeamResolution::Ambiguous(_)
            | TeamResolution::BadAlias => {
                return Err(refuse(
                    format!("unknown team `{team}`"),
                    policy.spec_field("scope"),
                ));
            }
        };
    }
    let scope = Scope {
        teams: ids,
        profiles: profiles.iter().flatten().cloned().collect(),
    };
    if scope.is_organization_wide() {
        return Err(refuse("the scope is empty", policy.spec_field("scope")));
    }
    Ok(Some(scope))
}

fn rule(context: &DockerRuleContext<'_>, view: &RuleView<'_>) -> PolicyBuildResult<DesiredRule> {
    let RuleSpec {
        name: name_text,
        aliases,
        decision,
        actions,
        // The view contains these together with the included lists.
        resources: _,
        http_resources: _,
        resources_from: _,
        extensions: extension_fields,
    } = view.spec;
    let actions = actions.iter().map(|spec| action(*spec));
    let access = RuleAccess::new(actions, resources(context, view))
        .map_err(|error| refuse(error.to_string(), Place::value(view.document, view.path())))?;
    Ok(DesiredRule {
        rule: Rule {
            name: name(name_text, view.field("name"))?,
            decision: *decision,
            access,
            extensions: extensions(extension_fields.as_ref(), view.field("extensions"))?,
        },
        aliases: names(aliases, &view.field("name"))?,
        index: view.index,
    })
}

fn resources(context: &DockerRuleContext<'_>, view: &RuleView<'_>) -> Resources {
    if view.layer == Some(Layer::Http) {
        let groups = context.groups(view).flat_map(|group| match &group.entries {
            Entries::Http(entries) => entries.as_slice(),
            Entries::Hosts(_) | Entries::Paths(_) => &[],
        });
        return Resources::Http(groups.map(|(spec, _)| http_resource(spec)).collect());
    }
    let mut texts = Vec::new();
    for group in context.groups(view) {
        match &group.entries {
            Entries::Hosts(entries) => {
                texts.extend(entries.iter().map(|(text, _)| (*text).to_owned()))
            }
            Entries::Paths(entries) => {
                texts.extend(entries.iter().map(|(text, _)| (*text).to_owned()))
            }
            Entries::Http(_) => {}
        }
    }
    Resources::Plain(texts)
}

fn http_resource(spec: &HttpResourceSpec) -> HttpResource {
    let HttpResourceSpec { host, port, path } = spec;
    HttpResource {
        host: host.clone(),
        port: *port,
        path: path.clone(),
    }
}

fn extensions(fields: Option<&Map<String, Value>>, place: Place) -> PolicyBuildResult<Extensions> {
    let fields = fields.into_iter().flatten();
    let fields: BTreeMap<String, Value> = fields
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Extensions::try_from(fields).map_err(|error| refuse(error.to_string(), place))
}

fn name(text: &str, place: Place) -> PolicyBuildResult<Name> {
    Name::new(text).map_err(|error| refuse(error.to_string(), place))
}

fn names(texts: &[String], place: &Place) -> PolicyBuildResult<Vec<Name>> {
    texts.iter().map(|text| name(text, place.clone())).collect()
}

fn refuse(message: impl Into<String>, place: Place) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(Code::InvalidValue, message, place))
}
