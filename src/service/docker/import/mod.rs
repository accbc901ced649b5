//! Writes live policies as manifests, for `import`.

pub mod adopt;
mod edit;
pub mod splice;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use camino::Utf8Path;
use serde_json::{Map, Value};

use crate::render::text::neutral;
pub use crate::service::import::{ImportError, ImportFiles, ImportedManifest, file_stem};
use access::RuleSet;
use manifest::config::Target;
use manifest::docker::{
    ActionSpec, CedarSpec, DockerApiVersion, DockerPolicyKind, DockerPolicyManifest,
    DockerPolicyMetadata, DockerPolicySpec, HttpResourceSpec, RuleSpec, ScopeSpec,
};
use manifest::format;
use manifest::{Document, Manifest};
use model::Name;
use model::docker::pattern::NetworkPattern;
use model::docker::{
    Action, Cedar, DockerLiveState, Extensions, FileMode, HttpResource, LiveContent, LivePolicy,
    LiveRule, Method, Resources, Rule, RuleAccess, Scope, Transport,
};

/// The manifest that declares a live policy. `teams` maps uuids to the aliases of the target.
///
/// # Errors
/// The policy has a type that manifests cannot express.
pub fn policy(
    live: &LivePolicy,
    teams: &BTreeMap<&str, &str>,
) -> Result<ImportedManifest, ImportError> {
    policy_with(
        live,
        teams,
        DockerPolicyMetadata {
            name: live.name.clone(),
            aliases: Vec::new(),
            protect: false,
        },
    )
}

/// Like [`policy`], with the metadata of an existing manifest.
///
/// # Errors
/// As for `policy`.
pub fn policy_with(
    live: &LivePolicy,
    teams: &BTreeMap<&str, &str>,
    metadata: DockerPolicyMetadata,
) -> Result<ImportedManifest, ImportError> {
    let LivePolicy {
        id,
        // Already part of `metadata`.
        name: _,
        scope: live_scope,
        unknown_scope_fields: _,
        content,
        created_at: _,
        updated_at,
        unknown_fields,
    } = live;
    let (cedar, rules) = match content {
        LiveContent::Rules(rules) => (None, rules.as_slice()),
        LiveContent::Cedar(Cedar { text, schema_url }) => (
            Some(CedarSpec {
                text: Some(text.clone()),
                file: None,
                schema_url: schema_url.clone(),
            }),
            [].as_slice(),
        ),
        LiveContent::Opaque(opaque) => return Err(ImportError::NotUnderstood(opaque.why.clone())),
    };
    declarable(live, rules)?;
    let has_rules = cedar.is_none();
    let manifest = DockerPolicyManifest {
        api_version: DockerApiVersion::V1,
        kind: DockerPolicyKind::Policy,
        metadata,
        spec: DockerPolicySpec {
            scope: scope(live_scope, teams),
            rules: None,
            cedar,
            extensions: extensions(unknown_fields),
        },
    };
    let mut left_out = fields_left_out(live);
    let mut text = format!(
        "# Imported from the live policy {}, last changed {}.\n",
        neutral(id.as_str()),
        neutral(updated_at)
    );
    let mut body = serde_yaml::to_string(&manifest)?;
    if has_rules {
        // An empty spec is written as `{}`; the rules replace it.
        if let Some(head) = body.strip_suffix("spec: {}\n") {
            body = format!("{head}spec:\n");
        }
        body.push_str(&rules_text(rules, &mut left_out)?);
    }
    for line in &left_out {
        let _ = writeln!(text, "# Not imported: {}.", neutral(line));
    }
    text.push_str(&body);
    // If the text cannot be formatted, it is still valid.
    let text = format::format(&text).unwrap_or(text);
    Ok(ImportedManifest { text, left_out })
}

/// One rule of a live policy as a list item, including its dash.
///
/// # Errors
/// As for `policy`; or the rule could not be decoded.
pub fn rule(live: &LivePolicy, rule: &LiveRule) -> Result<String, ImportError> {
    if let Err(opaque) = &rule.rule {
        return Err(ImportError::NotUnderstood(opaque.why.clone()));
    }
    let mut alone = live.clone();
    alone.scope = Scope::default();
    alone.content = LiveContent::Rules(vec![rule.clone()]);
    let ImportedManifest { text, left_out: _ } = policy(&alone, &BTreeMap::new())?;
    let lines = text
        .lines()
        .skip_while(|line| !line.trim_start().starts_with("- "));
    let indent = lines
        .clone()
        .next()
        .map_or(0, |line| line.len() - line.trim_start().len());
    Ok(lines
        .map(|line| format!("{}\n", line.get(indent..).unwrap_or_default()))
        .collect())
}

/// Refuses what cannot be declared: a manifest that `validate` rejects would block every plan.
fn declarable(live: &LivePolicy, rules: &[LiveRule]) -> Result<(), ImportError> {
    Name::new(&live.name)?;
    let understood: Vec<&Rule> = rules
        .iter()
        .filter_map(|rule| rule.rule.as_ref().ok())
        .collect();
    let mut names = BTreeSet::new();
    if let Some(repeated) = understood.iter().find(|rule| !names.insert(&rule.name)) {
        return Err(ImportError::RepeatedRule(repeated.name.to_string()));
    }
    // A live range with host bits is understood, but no manifest may contain it.
    for rule in &understood {
        let RuleAccess::Network { resources, .. } = &rule.access else {
            continue;
        };
        for resource in resources {
            if let Err(error) = NetworkPattern::parse(resource) {
                return Err(ImportError::Resource {
                    resource: resource.clone(),
                    why: error.to_string(),
                });
            }
        }
    }
    match RuleSet::new(&understood).unreadable() {
        [] => Ok(()),
        [first, ..] => Err(ImportError::Resource {
            resource: first.resource.clone(),
            why: first.why.clone(),
        }),
    }
}

fn rules_text(rules: &[LiveRule], left_out: &mut Vec<String>) -> Result<String, ImportError> {
    let mut text = String::new();
    for live in rules {
        let LiveRule {
            id,
            name,
            rule,
            unknown_fields,
        } = live;
        match rule {
            Err(opaque) => left_out.push(format!("rule \"{name}\" ({id}), which {}", opaque.why)),
            Ok(rule) => {
                for field in unknown_fields.keys().filter(|field| !can_be_listed(field)) {
                    left_out.push(format!("field `{field}` of rule \"{name}\""));
                }
                let _ = writeln!(text, "    # {}", neutral(id.as_str()));
                for line in serde_yaml::to_string(&[spec(rule, unknown_fields)])?.lines() {
                    let _ = if line.is_empty() {
                        writeln!(text)
                    } else {
                        writeln!(text, "    {line}")
                    };
                }
            }
        }
    }
    Ok(if text.is_empty() {
        "  rules: []\n".to_owned()
    } else {
        format!("  rules:\n{text}")
    })
}

/// Whether a manifest can list an unknown field under `extensions`.
fn can_be_listed(field: &str) -> bool {
    !Extensions::is_known_field(field)
}

/// The unknown fields that manifests can list.
fn extensions(unknown_fields: &Map<String, Value>) -> Option<Map<String, Value>> {
    let fields = unknown_fields
        .iter()
        .filter(|(field, _)| can_be_listed(field));
    let fields: Map<String, Value> = fields
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect();
    (!fields.is_empty()).then_some(fields)
}

fn fields_left_out(live: &LivePolicy) -> Vec<String> {
    let fields = live
        .unknown_fields
        .keys()
        .filter(|field| !can_be_listed(field))
        .map(|field| format!("field `{field}`"));
    let scope = live
        .unknown_scope_fields
        .keys()
        .map(|field| format!("field `scope.{field}`"));
    fields.chain(scope).collect()
}

fn scope(scope: &Scope, aliases: &BTreeMap<&str, &str>) -> Option<ScopeSpec> {
    let Scope { teams, profiles } = scope;
    let alias = |uuid: &str| aliases.get(uuid).map_or(uuid, |alias| *alias).to_owned();
    let list = |texts: Vec<String>| (!texts.is_empty()).then_some(texts);
    (!scope.is_organization_wide()).then(|| ScopeSpec {
        teams: list(teams.iter().map(|team| alias(team.as_str())).collect()),
        profiles: list(profiles.iter().cloned().collect()),
    })
}

fn spec(rule: &Rule, unknown_fields: &Map<String, Value>) -> RuleSpec {
    let Rule {
        name,
        decision,
        access,
        // A live rule stores them outside of the rule.
        extensions: _,
    } = rule;
    let (resources, http_resources) = match access.resources() {
        Resources::Plain(texts) => (Some(texts), None),
        Resources::Http(targets) => (None, Some(targets.into_iter().map(http).collect())),
    };
    RuleSpec {
        name: name.to_string(),
        aliases: Vec::new(),
        decision: *decision,
        actions: access.actions().into_iter().map(action).collect(),
        resources,
        http_resources,
        resources_from: None,
        extensions: extensions(unknown_fields),
    }
}

fn http(target: HttpResource) -> HttpResourceSpec {
    let HttpResource { host, port, path } = target;
    HttpResourceSpec { host, port, path }
}

fn action(action: Action) -> ActionSpec {
    match action {
        Action::Connect(Transport::Tcp) => ActionSpec::ConnectTcp,
        Action::Connect(Transport::Udp) => ActionSpec::ConnectUdp,
        Action::File(FileMode::Read) => ActionSpec::Read,
        Action::File(FileMode::Write) => ActionSpec::Write,
        Action::Request(Method::Get) => ActionSpec::RequestGet,
        Action::Request(Method::Post) => ActionSpec::RequestPost,
        Action::Request(Method::Put) => ActionSpec::RequestPut,
        Action::Request(Method::Delete) => ActionSpec::RequestDelete,
        Action::Request(Method::Patch) => ActionSpec::RequestPatch,
        Action::Request(Method::Head) => ActionSpec::RequestHead,
        Action::Request(Method::Options) => ActionSpec::RequestOptions,
        Action::Request(Method::Connect) => ActionSpec::RequestConnect,
        Action::Request(Method::Trace) => ActionSpec::RequestTrace,
    }
}

/// The names of the policies that manifests declare, those that they had before included: a policy that waits for its
/// rename is declared.
pub fn declared_policies<'d>(documents: &[&'d Document]) -> BTreeSet<&'d str> {
    let metadata = documents
        .iter()
        .filter_map(|document| match &document.manifest {
            Manifest::Policy(policy) => Some(&policy.metadata),
            Manifest::ResourceList(_)
            | Manifest::PolicyTest(_)
            | Manifest::PolicyPack(_)
            | Manifest::PolicyGroup(_)
            | Manifest::ChainloopPolicy(_)
            | Manifest::ChainloopGroup(_) => None,
        });
    metadata
        .flat_map(|metadata| metadata.aliases.iter().chain([&metadata.name]))
        .map(String::as_str)
        .collect()
}

/// The files for the live policies that no manifest declares.
pub fn undeclared<'a>(
    live: &DockerLiveState,
    documents: &[&Document],
    target: &Target,
    folder: &'a Utf8Path,
) -> ImportFiles<'a> {
    let declared = declared_policies(documents);
    let (known, new): (Vec<_>, Vec<_>) = live
        .policies
        .iter()
        .partition(|policy| declared.contains(policy.name.as_str()));
    let mut files = files(&new, target, folder);
    files.already_declared = known.len();
    files
}

/// The files for some policies. Their names do not depend on the order in which the server lists
/// the policies.
fn files<'a>(policies: &[&LivePolicy], target: &Target, folder: &'a Utf8Path) -> ImportFiles<'a> {
    let teams = aliases(target);
    let mut policies = policies.to_vec();
    policies.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    let mut files = ImportFiles::new(folder);
    for live in policies {
        let imported = policy(live, &teams);
        files.add("policy", &live.name, file_stem(&live.name), imported);
    }
    files
}

/// The short names of a target's teams, by uuid.
pub fn aliases(target: &Target) -> BTreeMap<&str, &str> {
    target
        .teams()
        .iter()
        .map(|(alias, uuid)| (uuid.as_str(), alias.as_str()))
        .collect()
}
