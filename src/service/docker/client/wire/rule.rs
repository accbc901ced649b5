//! Rules as the server gives them (contract: `Rule`).

use serde_json::Value;

use http::json::{At, DecodeError, Object, mismatch};
use model::Name;
use model::Opaque;
use model::docker::{
    Action, Decision, HttpResource, LiveRule, Resources, Rule, RuleAccess, RuleId,
};

const KNOWN: &[&str] = &[
    "id",
    "name",
    "actions",
    "resources",
    "http_resources",
    "decision",
];

/// Reads a rule. What has the right types but another meaning than this version knows becomes an [`Opaque`].
pub(crate) fn live_rule(value: &Value, at: At<'_>) -> Result<LiveRule, DecodeError> {
    let object = Object::new(value, at)?;
    let wire = Wire {
        name: object.text("name")?,
        decision: object.text("decision")?,
        actions: object.texts("actions")?,
        resources: object.optional_texts("resources")?.unwrap_or_default(),
        targets: targets(&object)?,
    };
    Ok(LiveRule {
        id: RuleId::new(object.id("id")?),
        name: wire.name.to_owned(),
        rule: wire.understand().map_err(|why| Opaque {
            why,
            raw: value.clone(),
        }),
        unknown_fields: object.others(KNOWN),
    })
}

/// A rule with the types of the contract and any values.
struct Wire<'v> {
    name: &'v str,
    decision: &'v str,
    actions: Vec<&'v str>,
    resources: Vec<&'v str>,
    /// Or why one of them is not understood.
    targets: Result<Vec<HttpResource>, String>,
}

impl Wire<'_> {
    /// The rule, or why it is not understood, as a clause.
    fn understand(&self) -> Result<Rule, String> {
        let Self {
            name,
            decision,
            actions,
            resources,
            targets,
        } = self;
        let name = Name::new(name)
            .map_err(|error| format!("has a name that cannot be written: {error}"))?;
        let decision = match *decision {
            "allow" => Decision::Allow,
            "deny" => Decision::Deny,
            other => return Err(format!("has the unknown decision `{other}`")),
        };
        let action = |text: &&str| {
            text.parse::<Action>()
                .map_err(|_| format!("has the unknown action `{text}`"))
        };
        let actions = actions.iter().map(action).collect::<Result<Vec<_>, _>>()?;
        let targets = targets.clone()?;
        let resources = match (resources.is_empty(), targets.is_empty()) {
            (_, true) => Resources::Plain(resources.iter().map(ToString::to_string).collect()),
            (true, false) => Resources::Http(targets),
            (false, false) => return Err("has both resources and HTTP resources".to_owned()),
        };
        let access = RuleAccess::new(actions, resources)
            .map_err(|error| format!("is not well-formed: {error}"))?;
        Ok(Rule {
            name,
            decision,
            access,
        })
    }
}

fn targets(rule: &Object<'_>) -> Result<Result<Vec<HttpResource>, String>, DecodeError> {
    const FIELD: &str = "http_resources";
    if rule.present(FIELD).is_none() {
        return Ok(Ok(Vec::new()));
    }
    let at = rule.at().key(FIELD);
    let mut targets = Ok(Vec::new());
    for (index, value) in rule.list(FIELD)?.iter().enumerate() {
        let target = target(value, at.index(index))?;
        // Types are checked to the end; the first thing that is not understood is the one that is told.
        targets = targets.and_then(|targets: Vec<_>| Ok([targets, vec![target?]].concat()));
    }
    Ok(targets)
}

fn target(value: &Value, at: At<'_>) -> Result<Result<HttpResource, String>, DecodeError> {
    let object = Object::new(value, at)?;
    let host = object.text("host")?.to_owned();
    let path = object.text("path")?.to_owned();
    let port = match object.present("port") {
        None => None,
        Some(Value::Number(number)) => {
            match number.as_u64().and_then(|port| u16::try_from(port).ok()) {
                Some(port) if port > 0 => Some(port),
                _ => return Ok(Err(format!("has the impossible port {number}"))),
            }
        }
        Some(other) => return Err(mismatch(at.key("port"), "a number", Some(other))),
    };
    // A field that narrows a target would change what the rule means.
    match object.others(&["host", "path", "port"]).keys().next() {
        Some(field) => Ok(Err(format!(
            "has an HTTP resource with the unknown field `{field}`"
        ))),
        None => Ok(Ok(HttpResource { host, port, path })),
    }
}
