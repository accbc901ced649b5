//! Rules in the format of the server (contract: `Rule`).

use serde::Deserialize;
use serde_json::{Map, Number, Value};

use http::json::{DecodeError, decode, id};
use model::Name;
use model::Opaque;
use model::docker::{
    Action, Decision, Extensions, HttpResource, LiveRule, Resources, Rule, RuleAccess, RuleId,
};

/// Decodes a rule. What has the right types but another meaning than this version knows becomes an [`Opaque`].
pub(crate) fn live_rule(value: &Value, at: &str) -> Result<LiveRule, DecodeError> {
    decode::<RuleAnswer<'_>>(value, at).map(|fields| fields.into_live(value))
}

/// A rule with the types of the contract and any values.
#[derive(Deserialize)]
pub(super) struct RuleAnswer<'v> {
    name: &'v str,
    decision: &'v str,
    #[serde(borrow)]
    actions: Vec<&'v str>,
    #[serde(borrow)]
    resources: Option<Vec<&'v str>>,
    http_resources: Option<Vec<TargetAnswer>>,
    #[serde(deserialize_with = "id")]
    pub(super) id: &'v str,
    #[serde(flatten)]
    unknown_fields: Map<String, Value>,
}

#[derive(Deserialize)]
struct TargetAnswer {
    host: String,
    path: String,
    port: Option<Number>,
    #[serde(flatten)]
    unknown_fields: Map<String, Value>,
}

impl RuleAnswer<'_> {
    /// The rule that was decoded from `raw`.
    pub(super) fn into_live(self, raw: &Value) -> LiveRule {
        LiveRule {
            id: RuleId::new(self.id),
            name: self.name.to_owned(),
            rule: self.decode().map_err(|why| Opaque {
                why,
                raw: raw.clone(),
            }),
            unknown_fields: self.unknown_fields,
        }
    }

    /// The rule, or why it is not understood, as a clause.
    fn decode(&self) -> Result<Rule, String> {
        let name = Name::new(self.name)
            .map_err(|error| format!("has a name that cannot be written: {error}"))?;
        let decision = match self.decision {
            "allow" => Decision::Allow,
            "deny" => Decision::Deny,
            other => return Err(format!("has the unknown decision `{other}`")),
        };
        let action = |text: &&str| {
            text.parse::<Action>()
                .map_err(|_| format!("has the unknown action `{text}`"))
        };
        let actions = self.actions.iter().map(action);
        let actions = actions.collect::<Result<Vec<_>, _>>()?;
        let plain = self.resources.iter().flatten().map(ToString::to_string);
        let plain: Vec<String> = plain.collect();
        let targets = self.http_resources.iter().flatten();
        let targets = targets.map(TargetAnswer::decode);
        let targets = targets.collect::<Result<Vec<_>, _>>()?;
        let resources = match (plain.is_empty(), targets.is_empty()) {
            (_, true) => Resources::Plain(plain),
            (true, false) => Resources::Http(targets),
            (false, false) => return Err("has both resources and HTTP resources".to_owned()),
        };
        let access = RuleAccess::new(actions, resources)
            .map_err(|error| format!("is not well-formed: {error}"))?;
        Ok(Rule {
            name,
            decision,
            access,
            // They are stored outside of the rule: see `LiveRule::unknown_fields`.
            extensions: Extensions::default(),
        })
    }
}

impl TargetAnswer {
    fn decode(&self) -> Result<HttpResource, String> {
        let port = |number: &Number| {
            let port = number.as_u64().and_then(|port| u16::try_from(port).ok());
            port.filter(|port| *port > 0)
                .ok_or_else(|| format!("has the invalid port {number}"))
        };
        let port = self.port.as_ref().map(port).transpose()?;
        // A field that narrows a target would change what the rule means.
        if let Some(field) = self.unknown_fields.keys().next() {
            return Err(format!(
                "has an HTTP resource with the unknown field `{field}`"
            ));
        }
        Ok(HttpResource {
            host: self.host.clone(),
            port,
            path: self.path.clone(),
        })
    }
}
