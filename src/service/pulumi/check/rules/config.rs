//! `unknown-pack-policy`, `config-invalid` and `config-unknown`: what a group configures, against the schemas of the pack.

use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::LocationSegment;
use serde_json::{Map, Value, json};

use super::Findings;
use super::config_schema::ENFORCEMENT_LEVEL;
use crate::service::pulumi::check::desired;
use crate::service::pulumi::check::scene::{GroupView, PackView, Scene};
use manifest::pulumi::PackPolicySpec;
use model::diag::{Code, Diagnostic, Path, Place, Segment, did_you_mean};
use model::pulumi::{ALL, EnforcementLevel};

pub(super) fn check(scene: &Scene<'_>, group: &GroupView<'_>, found: &mut Findings) {
    for (index, spec) in group.packs() {
        let Some(config) = &spec.config else { continue };
        let pack = scene.pack(&spec.name);
        // Of another version than the declared one, only the server knows the schemas.
        let known = pack.filter(|pack| spec.version_tag.is_none() || spec.version_tag == pack.tag);
        for (policy, values) in config {
            let at = At {
                group,
                path: GroupView::pack_path(index).key("config").key(policy),
            };
            check_level(&at, values, found);
            if policy == ALL {
                check_all(&at, values, found);
            } else if let Some(pack) = known {
                check_policy(&at, pack, policy, values, found);
            }
        }
    }
}

/// Where a policy is configured.
struct At<'a> {
    group: &'a GroupView<'a>,
    path: Path,
}

impl At<'_> {
    fn key(&self) -> Place {
        Place::key(self.group.document, self.path.clone())
    }

    fn member(&self, name: &str) -> Path {
        self.path.clone().key(name)
    }

    fn value(&self, path: Path) -> Place {
        Place::value(self.group.document, path)
    }
}

fn check_level(at: &At<'_>, values: &Map<String, Value>, found: &mut Findings) {
    let Some(level) = values.get(ENFORCEMENT_LEVEL) else {
        return;
    };
    let known: Vec<&str> = EnforcementLevel::ALL
        .iter()
        .map(|level| level.as_str())
        .collect();
    if level.as_str().is_some_and(|level| known.contains(&level)) {
        return;
    }
    let message = format!("`{ENFORCEMENT_LEVEL}` cannot be {level}");
    let near = level
        .as_str()
        .and_then(|level| did_you_mean(known.iter().copied(), level));
    let help = near
        .map(|near| format!("did you mean `{near}`? "))
        .unwrap_or_default();
    found.push(
        Diagnostic::new(
            Code::ConfigInvalid,
            message,
            at.value(at.member(ENFORCEMENT_LEVEL)),
        )
        .help(format!("{help}Known levels: {}", known.join(", "))),
    );
}

fn check_all(at: &At<'_>, values: &Map<String, Value>, found: &mut Findings) {
    for name in values.keys().filter(|name| *name != ENFORCEMENT_LEVEL) {
        let place = Place::key(at.group.document, at.member(name));
        let message = "only the level of enforcement can be set for all policies at once";
        found.push(
            Diagnostic::new(Code::ConfigInvalid, message, place)
                .help(format!("move `{name}` to the policies that know it")),
        );
    }
}

fn check_policy(
    at: &At<'_>,
    pack: &PackView<'_>,
    name: &str,
    values: &Map<String, Value>,
    found: &mut Findings,
) {
    let policies = &pack.manifest.spec.policies;
    let Some((index, policy)) = policies
        .iter()
        .enumerate()
        .find(|(_, policy)| policy.name == name)
    else {
        let message = format!(
            "the pack `{}` has no policy `{name}`",
            pack.manifest.metadata.name
        );
        let names = || policies.iter().map(|policy| policy.name.as_str());
        let help = did_you_mean(names(), name).map_or_else(
            || format!("it has: {}", names().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        found.push(Diagnostic::new(Code::UnknownPackPolicy, message, at.key()).help(help));
        return;
    };
    let declared = policy
        .config_schema
        .as_ref()
        .and_then(|schema| schema.properties.as_ref());
    let schema_place = Place::key(
        pack.document,
        PackView::policy_path(index).key("configSchema"),
    );
    let mut unknown = false;
    for property in values.keys().filter(|name| *name != ENFORCEMENT_LEVEL) {
        if declared.is_some_and(|declared| declared.contains_key(property)) {
            continue;
        }
        unknown = true;
        let near = did_you_mean(
            declared
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_str()),
            property,
        );
        let message = format!("the policy `{name}` declares no property `{property}`");
        let help = near.map_or_else(
            || "remove it, or add it to the policy's `configSchema`".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let place = Place::key(at.group.document, at.member(property));
        found.push(Diagnostic::new(Code::ConfigUnknown, message, place).help(help));
    }
    if unknown && policy.config_schema.is_none() {
        return;
    }
    for (path, message) in faults(policy, values) {
        let path: Path = at.path.segments().iter().cloned().chain(path).collect();
        found.push(
            Diagnostic::new(
                Code::ConfigInvalid,
                format!("`{name}` is configured wrongly: {message}"),
                at.value(path),
            )
            .also(schema_place.clone(), "what it may be")
            .help("write what the policy's `configSchema` accepts"),
        );
    }
}

/// What does not fit the schema; what has a default is not missing.
fn faults(policy: &PackPolicySpec, values: &Map<String, Value>) -> Vec<(Vec<Segment>, String)> {
    let Some(spec) = &policy.config_schema else {
        return Vec::new();
    };
    let schema = desired::schema(spec);
    let mut filled = values.clone();
    filled.remove(ENFORCEMENT_LEVEL);
    for (name, declaration) in &schema.properties {
        if let Some(default) = declaration.get("default") {
            filled.entry(name).or_insert_with(|| default.clone());
        }
    }
    // A schema that is none has a finding of its own.
    let Ok(validator) = jsonschema::draft7::new(&json!(schema)) else {
        return Vec::new();
    };
    let filled = Value::Object(filled);
    let faults = validator.iter_errors(&filled).map(|error| {
        let path = error.instance_path().iter().map(|segment| match segment {
            LocationSegment::Property(key) => Segment::Key(key.into_owned()),
            LocationSegment::Index(index) => Segment::Index(index),
        });
        let message = match error.kind() {
            ValidationErrorKind::Required { property } => format!("{property} is missing"),
            _ => error.to_string(),
        };
        (path.collect(), message)
    });
    faults.take(20).collect()
}
