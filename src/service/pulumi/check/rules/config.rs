//! `unknown-pack-policy`, `config-invalid`, `config-unknown` and `config-schema-invalid`: the
//! configuration schemas of packs, and the configuration that groups give their policies.

use std::collections::BTreeSet;

use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::LocationSegment;
use serde_json::{Map, Value, json};

use crate::service::pulumi::check::context::{PackView, PulumiGroupView, PulumiRuleContext};
use manifest::pulumi::{ConfigSchemaSpec, PackPolicySpec};
use model::diag::{Code, Diagnostic, Path, PathSegment, Place, did_you_mean};
use model::pulumi::{ALL, ConfigSchema, EnforcementLevel};

/// The member of a configuration that is not a property.
const ENFORCEMENT_LEVEL: &str = "enforcementLevel";

pub(super) fn check_schemas(pack: &PackView<'_>, found: &mut Vec<Diagnostic>) {
    for (index, policy) in pack.manifest.spec.policies.iter().enumerate() {
        let Some(schema) = &policy.config_schema else {
            continue;
        };
        let path = PackView::policy_path(index).key("configSchema");
        let add = |place: Place, message: String, help: String| {
            Diagnostic::new(Code::ConfigSchemaInvalid, message, place).help(help)
        };
        let ConfigSchemaSpec {
            kind: _,
            properties,
            required,
        } = schema;
        for (name, declaration) in properties.iter().flatten() {
            let at = path.clone().key("properties").key(name);
            if name == ENFORCEMENT_LEVEL {
                let message = format!(
                    "invalid property name `{name}`: it is reserved for the enforcement level"
                );
                found.push(add(
                    Place::key(pack.document, at),
                    message,
                    "rename it".to_owned(),
                ));
            } else if let Some((inner, why)) = schema_fault(&Value::Object(declaration.clone())) {
                let at = inner.into_iter().fold(at, Path::key);
                let message = format!("the property `{name}` has no valid JSON Schema: {why}");
                found.push(add(
                    Place::value(pack.document, at),
                    message,
                    "write a JSON Schema (draft 7)".to_owned(),
                ));
            }
        }
        for (position, name) in required.iter().flatten().enumerate() {
            let known = || properties.iter().flatten().map(|(name, _)| name.as_str());
            if !known().any(|known| known == name) {
                let place =
                    Place::value(pack.document, path.clone().key("required").index(position));
                let message = format!("`{name}` is required, but missing from `properties`");
                let near = did_you_mean(known(), name);
                let help = near.map_or_else(
                    || format!("add `{name}` to `properties`"),
                    |near| format!("did you mean `{near}`?"),
                );
                found.push(add(place, message, help).suggest_similar(near));
            }
        }
    }
}

/// Why this is not a valid JSON Schema, with the path to the fault.
fn schema_fault(declaration: &Value) -> Option<(Vec<String>, String)> {
    if let Err(error) = jsonschema::draft7::meta::validate(declaration) {
        let keys = error.instance_path().as_str().split('/').skip(1);
        // Stop at the first list index: the place of the list is precise enough.
        let keys = keys.map(|key| key.replace("~1", "/").replace("~0", "~"));
        let keys = keys
            .take_while(|key| key.parse::<usize>().is_err())
            .collect();
        return Some((keys, error.to_string()));
    }
    let offline = jsonschema::draft7::options().build(&json!({"properties": {"it": declaration}}));
    offline.err().map(|error| (Vec::new(), error.to_string()))
}

pub(super) fn check_groups(
    context: &PulumiRuleContext<'_>,
    group: &PulumiGroupView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    for (index, spec) in group.packs() {
        let Some(config) = &spec.config else { continue };
        let pack = context.pack(&spec.name);
        // If the version is not the declared one, only the server knows the schemas.
        let tag = PulumiGroupView::pack_path(index).key("versionTag");
        let known = pack
            .filter(|pack| spec.version_tag.is_none() || spec.version_tag == pack.tag)
            .filter(|_| !context.invalid.replaces(group.document, &tag));
        for (policy, values) in config {
            let at = ConfiguredPolicy {
                group,
                path: PulumiGroupView::pack_path(index).key("config").key(policy),
            };
            check_level(&at, values, found);
            if policy == ALL {
                check_all(&at, values, found);
            } else if let Some(pack) = known {
                check_policy(context, &at, pack, policy, values, found);
            }
        }
    }
}

struct ConfiguredPolicy<'a> {
    group: &'a PulumiGroupView<'a>,
    path: Path,
}

impl ConfiguredPolicy<'_> {
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

fn check_level(
    at: &ConfiguredPolicy<'_>,
    values: &Map<String, Value>,
    found: &mut Vec<Diagnostic>,
) {
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
        .help(format!("{help}Known levels: {}", known.join(", ")))
        .suggest_similar(near),
    );
}

fn check_all(at: &ConfiguredPolicy<'_>, values: &Map<String, Value>, found: &mut Vec<Diagnostic>) {
    for name in values.keys().filter(|name| *name != ENFORCEMENT_LEVEL) {
        let place = Place::key(at.group.document, at.member(name));
        let message = "only the enforcement level can be set for all policies at once";
        found.push(
            Diagnostic::new(Code::ConfigInvalid, message, place)
                .help(format!("move `{name}` to the policies that declare it")),
        );
    }
}

fn check_policy(
    context: &PulumiRuleContext<'_>,
    at: &ConfiguredPolicy<'_>,
    pack: &PackView<'_>,
    name: &str,
    values: &Map<String, Value>,
    found: &mut Vec<Diagnostic>,
) {
    let policies = &pack.manifest.spec.policies;
    let Some((index, policy)) = policies
        .iter()
        .enumerate()
        .find(|(_, policy)| policy.name == name)
    else {
        // An invalid policy may have this name.
        let all = Path::root().key("spec").key("policies");
        if context.invalid.affects(pack.document, &all) {
            return;
        }
        let message = format!(
            "unknown policy `{name}` of the pack `{}`",
            pack.manifest.metadata.name
        );
        let names = || policies.iter().map(|policy| policy.name.as_str());
        let near = did_you_mean(names(), name);
        let help = near.map_or_else(
            || format!("it has: {}", names().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        found.push(
            Diagnostic::new(Code::UnknownPackPolicy, message, at.key())
                .help(help)
                .suggest_similar(near),
        );
        return;
    };
    let schema = PackView::policy_path(index).key("configSchema");
    if context.invalid.affects(pack.document, &schema)
        || context
            .invalid
            .has_unknown_fields(pack.document, &PackView::policy_path(index))
    {
        return;
    }
    let declared = policy
        .config_schema
        .as_ref()
        .and_then(|schema| schema.properties.as_ref());
    let schema_place = Place::key(pack.document, schema);
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
        let message = format!("unknown property `{property}` of the policy `{name}`");
        let help = near.map_or_else(
            || "remove it, or add it to the policy's `configSchema`".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let place = Place::key(at.group.document, at.member(property));
        found.push(
            Diagnostic::new(Code::ConfigUnknown, message, place)
                .help(help)
                .suggest_similar(near),
        );
    }
    if unknown && policy.config_schema.is_none() {
        return;
    }
    for (path, message) in faults(policy, values) {
        let path: Path = at.path.segments().iter().cloned().chain(path).collect();
        found.push(
            Diagnostic::new(
                Code::ConfigInvalid,
                format!("invalid configuration of `{name}`: {message}"),
                at.value(path),
            )
            .also(schema_place.clone(), "accepted values")
            .help("write a value that the policy's `configSchema` accepts"),
        );
    }
}

/// The violations of the schema. A property with a default is not missing.
fn faults(policy: &PackPolicySpec, values: &Map<String, Value>) -> Vec<(Vec<PathSegment>, String)> {
    let Some(spec) = &policy.config_schema else {
        return Vec::new();
    };
    let schema = declared_schema(spec);
    let mut filled = values.clone();
    filled.remove(ENFORCEMENT_LEVEL);
    for (name, declaration) in &schema.properties {
        if let Some(default) = declaration.get("default") {
            filled.entry(name).or_insert_with(|| default.clone());
        }
    }
    // Invalid schemas are reported by `config-schema-invalid`.
    let Ok(validator) = jsonschema::draft7::new(&json!(schema)) else {
        return Vec::new();
    };
    let filled = Value::Object(filled);
    let faults = validator.iter_errors(&filled).map(|error| {
        let path = error.instance_path().iter().map(|segment| match segment {
            LocationSegment::Property(key) => PathSegment::Key(key.into_owned()),
            LocationSegment::Index(index) => PathSegment::Index(index),
        });
        let message = match error.kind() {
            ValidationErrorKind::Required { property } => format!("missing property {property}"),
            _ => error.to_string(),
        };
        (path.collect(), message)
    });
    faults.take(20).collect()
}

/// The schema that is published with the pack.
pub(crate) fn declared_schema(spec: &ConfigSchemaSpec) -> ConfigSchema {
    let ConfigSchemaSpec {
        kind: _,
        properties,
        required,
    } = spec;
    ConfigSchema::new(
        properties.clone().unwrap_or_default(),
        required
            .iter()
            .flatten()
            .cloned()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
    )
}
