//! `config-schema-invalid`: a configuration schema that is none.

use serde_json::{Value, json};

use super::Findings;
use crate::service::pulumi::check::scene::PackView;
use manifest::pulumi::ConfigSchemaSpec;
use model::diag::{Code, Diagnostic, Path, Place, did_you_mean};

/// The member of a configuration that is no property.
pub(super) const ENFORCEMENT_LEVEL: &str = "enforcementLevel";

pub(super) fn check(pack: &PackView<'_>, found: &mut Findings) {
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
                    "a property cannot be called `{name}`: the level of enforcement is set by it"
                );
                found.push(add(
                    Place::key(pack.document, at),
                    message,
                    "give it another name".to_owned(),
                ));
            } else if let Some((inner, why)) = fault(&Value::Object(declaration.clone())) {
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
                let message = format!("`{name}` is required, and no property is called so");
                let help = did_you_mean(known(), name).map_or_else(
                    || format!("add `{name}` to `properties`"),
                    |near| format!("did you mean `{near}`?"),
                );
                found.push(add(place, message, help));
            }
        }
    }
}

/// What keeps a text from being a JSON Schema, with the keys that lead to it.
fn fault(declaration: &Value) -> Option<(Vec<String>, String)> {
    if let Err(error) = jsonschema::draft7::meta::validate(declaration) {
        let keys = error.instance_path().as_str().split('/').skip(1);
        // Positions in lists are no keys: the list itself is near enough.
        let keys = keys.map(|key| key.replace("~1", "/").replace("~0", "~"));
        let keys = keys
            .take_while(|key| key.parse::<usize>().is_err())
            .collect();
        return Some((keys, error.to_string()));
    }
    let offline = jsonschema::draft7::options().build(&json!({"properties": {"it": declaration}}));
    offline.err().map(|error| (Vec::new(), error.to_string()))
}
