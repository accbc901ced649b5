//! Rules in requests: creation and patches.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{host, path};
use crate::docker::layer::RuleLayer;
use crate::docker::objects::StoredRule;
use crate::docker::profile::EmulatorProfile;
use crate::docker::refusal::DockerRefusal;

/// The fields of a rule in a request (schemas `CreateRuleRequest` and `UpdateRuleRequest`).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleFields {
    name: Option<String>,
    actions: Option<Vec<String>>,
    resources: Option<Vec<String>>,
    http_resources: Option<Vec<HttpTarget>>,
    decision: Option<RuleDecision>,
}

/// Schema `RuleDecision`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RuleDecision {
    Allow,
    Deny,
}

/// Schema `HTTPResource`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpTarget {
    host: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    path: String,
}

impl RuleFields {
    /// The rule of a create request.
    pub(crate) fn into_rule(
        self,
        id: String,
        profile: EmulatorProfile,
    ) -> Result<StoredRule, DockerRefusal> {
        self.refuse_unknown_to(profile)?;
        self.refuse_both()?;
        let Self {
            name,
            actions,
            resources,
            http_resources,
            decision,
        } = self;
        let name = name.ok_or_else(|| DockerRefusal::invalid("name is required"))?;
        check_name(&name)?;
        let actions = actions.ok_or_else(|| DockerRefusal::invalid("actions is required"))?;
        let layer = RuleLayer::of_actions(&actions, profile)?;
        let decision = decision.ok_or_else(|| DockerRefusal::invalid("decision is required"))?;
        let mut other = Map::new();
        let targets = RuleTargets::choose(layer, resources, http_resources)?;
        targets
            .ok_or_else(|| DockerRefusal::invalid(format!("{} is required", field(layer))))?
            .put(&mut other);
        other.insert("decision".to_owned(), json!(decision));
        Ok(StoredRule {
            id,
            name,
            actions,
            other,
        })
    }

    /// Applies an update request to `old`: present fields replace, absent fields stay.
    pub(crate) fn patch(
        self,
        old: &StoredRule,
        profile: EmulatorProfile,
    ) -> Result<StoredRule, DockerRefusal> {
        self.refuse_unknown_to(profile)?;
        self.refuse_both()?;
        if self.is_empty() {
            return Err(DockerRefusal::invalid("at least one field must be present"));
        }
        let Self {
            name,
            actions,
            resources,
            http_resources,
            decision,
        } = self;
        let mut new = old.clone();
        if let Some(name) = name {
            check_name(&name)?;
            new.name = name;
        }
        if let Some(actions) = actions {
            RuleLayer::of_actions(&actions, profile)?;
            new.actions = actions;
        }
        if let Some(decision) = decision {
            new.other.insert("decision".to_owned(), json!(decision));
        }
        // Only a seed can contain a rule without a layer. Its resources cannot be checked and stay
        // unchanged.
        if let Some(layer) = new.layer() {
            replace_targets(
                &mut new,
                old.layer(),
                layer,
                RuleTargets::choose(layer, resources, http_resources)?,
            )?;
        } else if resources.is_some() || http_resources.is_some() {
            return Err(DockerRefusal::invalid(
                "this rule's actions are of no known layer",
            ));
        }
        Ok(new)
    }

    /// Whether no field is present.
    pub(crate) fn is_empty(&self) -> bool {
        let Self {
            name,
            actions,
            resources,
            http_resources,
            decision,
        } = self;
        name.is_none()
            && actions.is_none()
            && resources.is_none()
            && http_resources.is_none()
            && decision.is_none()
    }

    fn refuse_unknown_to(&self, profile: EmulatorProfile) -> Result<(), DockerRefusal> {
        if self.http_resources.is_some() && !profile.has_http_and_cedar() {
            return Err(DockerRefusal::invalid("unknown field `http_resources`"));
        }
        Ok(())
    }

    fn refuse_both(&self) -> Result<(), DockerRefusal> {
        if self.resources.is_some() && self.http_resources.is_some() {
            return Err(DockerRefusal::invalid(
                "resources and http_resources exclude each other",
            ));
        }
        Ok(())
    }
}

/// Checked resources of one layer.
enum RuleTargets {
    Plain(Vec<String>),
    Http(Vec<HttpTarget>),
}

impl RuleTargets {
    /// The checked resources of a request whose rule has this layer; none if the request has none.
    fn choose(
        layer: RuleLayer,
        resources: Option<Vec<String>>,
        http_resources: Option<Vec<HttpTarget>>,
    ) -> Result<Option<Self>, DockerRefusal> {
        match (layer, resources, http_resources) {
            (_, None, None) => Ok(None),
            (RuleLayer::Http, None, Some(targets)) => {
                check_http(&targets)?;
                Ok(Some(Self::Http(targets)))
            }
            (RuleLayer::Network | RuleLayer::Filesystem, Some(targets), None) => {
                check_plain(layer, &targets)?;
                Ok(Some(Self::Plain(targets)))
            }
            (layer, _, _) => Err(DockerRefusal::invalid(format!(
                "a rule with these actions takes {}",
                field(layer)
            ))),
        }
    }

    fn put(self, members: &mut Map<String, Value>) {
        let (present, absent, value) = match self {
            Self::Plain(targets) => ("resources", "http_resources", json!(targets)),
            Self::Http(targets) => ("http_resources", "resources", json!(targets)),
        };
        members.remove(absent);
        members.insert(present.to_owned(), value);
    }
}

/// Sets the resources of a patched rule, or checks that the existing ones fit its new layer.
fn replace_targets(
    rule: &mut StoredRule,
    before: Option<RuleLayer>,
    after: RuleLayer,
    targets: Option<RuleTargets>,
) -> Result<(), DockerRefusal> {
    if let Some(targets) = targets {
        targets.put(&mut rule.other);
        return Ok(());
    }
    if before == Some(after) {
        return Ok(());
    }
    let kept = rule
        .other
        .get(field(after))
        .cloned()
        .and_then(|kept| serde_json::from_value::<Vec<String>>(kept).ok());
    match kept {
        Some(kept) if after != RuleLayer::Http => check_plain(after, &kept),
        _ => Err(DockerRefusal::invalid(format!(
            "changing to these actions needs {} in the same request",
            field(after)
        ))),
    }
}

fn field(layer: RuleLayer) -> &'static str {
    match layer {
        RuleLayer::Network | RuleLayer::Filesystem => "resources",
        RuleLayer::Http => "http_resources",
    }
}

/// Any text that is not blank is a valid name.
pub(crate) fn check_name(name: &str) -> Result<(), DockerRefusal> {
    if name.trim().is_empty() {
        Err(DockerRefusal::invalid("name is required"))
    } else {
        Ok(())
    }
}

fn check_plain(layer: RuleLayer, targets: &[String]) -> Result<(), DockerRefusal> {
    if targets.is_empty() {
        return Err(DockerRefusal::invalid("resources must not be empty"));
    }
    let fault = if layer == RuleLayer::Filesystem {
        path::file_fault
    } else {
        host::network_fault
    };
    targets.iter().try_for_each(|target| match fault(target) {
        Some(fault) => Err(DockerRefusal::invalid(format!(
            "resources: {target:?} {fault}"
        ))),
        None => Ok(()),
    })
}

fn check_http(targets: &[HttpTarget]) -> Result<(), DockerRefusal> {
    if targets.is_empty() {
        return Err(DockerRefusal::invalid("http_resources must not be empty"));
    }
    targets
        .iter()
        .try_for_each(|HttpTarget { host, port, path }| {
            if *port == Some(0) {
                return Err(DockerRefusal::invalid(
                    "http_resources: port must be from 1 to 65535",
                ));
            }
            if let Some(fault) = host::http_host_fault(host) {
                return Err(DockerRefusal::invalid(format!(
                    "http_resources: the host {host:?} {fault}"
                )));
            }
            match path::http_fault(path) {
                Some(fault) => Err(DockerRefusal::invalid(format!(
                    "http_resources: the path {path:?} {fault}"
                ))),
                None => Ok(()),
            }
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An optional field of a patch.
    fn maybe(
        name: &'static str,
        values: Vec<Value>,
    ) -> impl Strategy<Value = Vec<(String, Value)>> {
        proptest::option::of(proptest::sample::select(values)).prop_map(move |value| {
            value
                .map(|value| (name.to_owned(), value))
                .into_iter()
                .collect()
        })
    }

    fn patches() -> impl Strategy<Value = Value> {
        let name = maybe("name", vec![json!("old"), json!("new")]);
        let actions = maybe(
            "actions",
            vec![
                json!(["connect:tcp"]),
                json!(["connect:udp", "connect:tcp"]),
            ],
        );
        let resources = maybe(
            "resources",
            vec![
                json!(["a.example.com"]),
                json!(["b.example.com", "10.0.0.0/8"]),
            ],
        );
        let decision = maybe("decision", vec![json!("allow"), json!("deny")]);
        (name, actions, resources, decision)
            .prop_map(|(name, actions, resources, decision)| {
                [name, actions, resources, decision].concat()
            })
            .prop_filter("a patch has a member", |members| !members.is_empty())
            .prop_map(|members| Value::Object(members.into_iter().collect()))
    }

    proptest! {
        /// Within one layer, a patch is a JSON merge patch (RFC 7396) as defined by an independent
        /// library.
        #[test]
        fn a_patch_is_a_merge_patch(patch in patches()) {
            let mut merged = json!({"id": "rule_1", "name": "old", "actions": ["connect:tcp"],
                "resources": ["example.com"], "decision": "allow", "expires_at": "2030-01-01"});
            let old: StoredRule = serde_json::from_value(merged.clone()).unwrap();
            let fields: RuleFields = serde_json::from_value(patch.clone()).unwrap();
            json_patch::merge(&mut merged, &patch);
            for profile in EmulatorProfile::ALL {
                let new = fields.clone().patch(&old, profile).unwrap();
                prop_assert_eq!(&json!(new), &merged);
            }
        }
    }
}
