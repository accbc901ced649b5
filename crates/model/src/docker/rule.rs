//! Rules, both desired and live.
//!
//! Code elsewhere compares, counts, shows and patches rules through [`Rule::fields`],
//! [`Rule::meaning`] and [`RulePatch`], which destructure a rule without `..`. A new field is
//! handled here once and reaches all of that code.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

use super::{Action, Extensions, ExtensionsPatch, FileMode, Layer, Method, Transport};
use crate::Name;

/// The decision of a rule; deny always wins.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Allow the request, unless another rule denies it.
    Allow,
    /// Deny the request, whatever other rules allow.
    Deny,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        })
    }
}

/// A nonempty set: an empty list of actions or resources is never sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct NonEmptySet<T: Ord>(BTreeSet<T>);

impl<T: Ord> NonEmptySet<T> {
    /// Creates a set, or returns `None` if there are no elements.
    pub fn new(elements: impl IntoIterator<Item = T>) -> Option<Self> {
        let set: BTreeSet<T> = elements.into_iter().collect();
        (!set.is_empty()).then_some(Self(set))
    }

    pub fn iter(&self) -> std::collections::btree_set::Iter<'_, T> {
        self.0.iter()
    }

    pub fn as_set(&self) -> &BTreeSet<T> {
        &self.0
    }
}

impl<'a, T: Ord> IntoIterator for &'a NonEmptySet<T> {
    type Item = &'a T;
    type IntoIter = std::collections::btree_set::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// A target of HTTP requests (contract: `HTTPResource`).
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct HttpResource {
    /// A host name or host glob, without scheme and port.
    pub host: String,
    /// The port; every port if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// A path glob that begins with `/`.
    pub path: String,
}

impl fmt::Display for HttpResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}{}", self.host, self.path),
            None => write!(f, "{}{}", self.host, self.path),
        }
    }
}

/// What a rule applies to, in the two forms of the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Resources {
    /// `resources`: hosts and CIDRs, or paths.
    #[serde(rename = "resources")]
    Plain(Vec<String>),
    /// `http_resources`.
    #[serde(rename = "httpResources")]
    Http(Vec<HttpResource>),
}

/// The actions of a rule with matching resources.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RuleAccess {
    Network {
        actions: NonEmptySet<Transport>,
        /// Host patterns and CIDRs as written.
        resources: NonEmptySet<String>,
    },
    /// HTTP requests.
    Http {
        actions: NonEmptySet<Method>,
        resources: NonEmptySet<HttpResource>,
    },
    /// Paths.
    Filesystem {
        actions: NonEmptySet<FileMode>,
        /// Path globs as written.
        resources: NonEmptySet<String>,
    },
}

/// Actions and resources do not form a valid rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RuleError {
    #[error("a rule needs at least one action")]
    NoActions,
    #[error("a rule needs at least one resource")]
    NoResources,
    /// Actions of two layers.
    #[error("a rule cannot mix {0} and {1} actions")]
    MixedActions(Layer, Layer),
    /// `resources` with HTTP actions, or `http_resources` with others.
    #[error("these resources do not fit {0} actions")]
    WrongResources(Layer),
}

impl RuleAccess {
    /// Combines actions and resources. Order and repetition have no meaning.
    ///
    /// # Errors
    /// The actions and resources do not form a valid rule.
    pub fn new(
        actions: impl IntoIterator<Item = Action>,
        resources: Resources,
    ) -> Result<Self, RuleError> {
        let mut connect = Vec::new();
        let mut file = Vec::new();
        let mut request = Vec::new();
        for action in actions {
            match action {
                Action::Connect(action) => connect.push(action),
                Action::File(action) => file.push(action),
                Action::Request(action) => request.push(action),
            }
        }
        match (
            NonEmptySet::new(connect),
            NonEmptySet::new(request),
            NonEmptySet::new(file),
        ) {
            (Some(actions), None, None) => Ok(Self::Network {
                actions,
                resources: plain(resources, Layer::Network)?,
            }),
            (None, None, Some(actions)) => Ok(Self::Filesystem {
                actions,
                resources: plain(resources, Layer::Filesystem)?,
            }),
            (None, Some(actions), None) => match resources {
                Resources::Http(targets) => {
                    let resources = NonEmptySet::new(targets).ok_or(RuleError::NoResources)?;
                    Ok(Self::Http { actions, resources })
                }
                Resources::Plain(_) => Err(RuleError::WrongResources(Layer::Http)),
            },
            (None, None, None) => Err(RuleError::NoActions),
            (Some(_), Some(_), _) => Err(RuleError::MixedActions(Layer::Network, Layer::Http)),
            (Some(_), None, Some(_)) => {
                Err(RuleError::MixedActions(Layer::Network, Layer::Filesystem))
            }
            (None, Some(_), Some(_)) => {
                Err(RuleError::MixedActions(Layer::Http, Layer::Filesystem))
            }
        }
    }

    pub fn layer(&self) -> Layer {
        match self {
            Self::Network { .. } => Layer::Network,
            Self::Http { .. } => Layer::Http,
            Self::Filesystem { .. } => Layer::Filesystem,
        }
    }

    /// The actions in the order of the API contract.
    pub fn actions(&self) -> Vec<Action> {
        match self {
            Self::Network { actions, .. } => actions.iter().copied().map(Action::Connect).collect(),
            Self::Http { actions, .. } => actions.iter().copied().map(Action::Request).collect(),
            Self::Filesystem { actions, .. } => actions.iter().copied().map(Action::File).collect(),
        }
    }

    pub fn resource_count(&self) -> usize {
        match self {
            Self::Network { resources, .. } | Self::Filesystem { resources, .. } => {
                resources.as_set().len()
            }
            Self::Http { resources, .. } => resources.as_set().len(),
        }
    }

    /// The resources as manifests and output show them.
    pub fn resource_texts(&self) -> Vec<String> {
        match self {
            Self::Network { resources, .. } | Self::Filesystem { resources, .. } => {
                resources.iter().cloned().collect()
            }
            Self::Http { resources, .. } => resources.iter().map(ToString::to_string).collect(),
        }
    }

    pub fn resources(&self) -> Resources {
        match self {
            Self::Network { resources, .. } | Self::Filesystem { resources, .. } => {
                Resources::Plain(resources.iter().cloned().collect())
            }
            Self::Http { resources, .. } => Resources::Http(resources.iter().cloned().collect()),
        }
    }
}

fn plain(resources: Resources, layer: Layer) -> Result<NonEmptySet<String>, RuleError> {
    match resources {
        Resources::Plain(texts) => NonEmptySet::new(texts).ok_or(RuleError::NoResources),
        Resources::Http(_) => Err(RuleError::WrongResources(layer)),
    }
}

/// A rule without its server-assigned id. Equal rules are the same rule to the service.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(try_from = "RuleText")]
#[schemars(with = "RuleText")]
pub struct Rule {
    /// The name, unique in its policy.
    pub name: Name,
    /// What a match does.
    pub decision: Decision,
    /// What it matches.
    pub access: RuleAccess,
    /// Settings that this version does not support. A rule that was read has none here: see
    /// [`LiveRule::unknown_fields`](super::LiveRule::unknown_fields).
    pub extensions: Extensions,
}

impl Rule {
    /// The number of fields, which is also the largest number of fields in a [`RulePatch`].
    pub const FIELDS: usize = 5;

    /// The value of each field. Equal fields of two rules are at the same position.
    pub fn fields(&self) -> [RuleValue<'_>; Self::FIELDS] {
        let Self {
            name,
            decision,
            access,
            extensions,
        } = self;
        let resources = match access {
            RuleAccess::Network { resources, .. } | RuleAccess::Filesystem { resources, .. } => {
                RuleValue::Resources(resources)
            }
            RuleAccess::Http { resources, .. } => RuleValue::HttpResources(resources),
        };
        [
            RuleValue::Name(name),
            RuleValue::Decision(*decision),
            RuleValue::Actions(access.actions()),
            resources,
            RuleValue::Extensions(extensions),
        ]
    }

    /// The part of the rule that decides requests.
    pub fn meaning(&self) -> RuleMeaning<'_> {
        let Self {
            name: _,
            decision,
            access,
            // The decisions of these are unknown: access that they could affect is not analyzed.
            extensions: _,
        } = self;
        RuleMeaning {
            decision: *decision,
            access,
        }
    }
}

/// The part of a rule that decides requests. Two rules with the same meaning allow and deny the
/// same requests; all other fields are labels.
///
/// Code that reasons about access uses this view instead of the rule. A new label then cannot
/// influence it, and a new field that does influence decisions has to be added here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RuleMeaning<'a> {
    /// The decision for matching requests.
    pub decision: Decision,
    /// The matching requests.
    pub access: &'a RuleAccess,
}

/// The value of one field of a rule, as [`Rule::fields`] lists them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RuleValue<'a> {
    /// `name`.
    Name(&'a Name),
    /// `decision`.
    Decision(Decision),
    /// `actions` in the order of the API contract.
    Actions(Vec<Action>),
    /// `resources`, at the same index as `httpResources`: a rule has one of the two.
    Resources(&'a NonEmptySet<String>),
    /// `httpResources`.
    HttpResources(&'a NonEmptySet<HttpResource>),
    /// `extensions`.
    Extensions(&'a Extensions),
}

impl RuleValue<'_> {
    /// Whether the field is a set: its order and repetition have no meaning.
    pub fn is_list(&self) -> bool {
        match self {
            Self::Name(_) | Self::Decision(_) => false,
            Self::Actions(_)
            | Self::Resources(_)
            | Self::HttpResources(_)
            | Self::Extensions(_) => true,
        }
    }

    /// The value as text: the elements of a list, or a single string.
    pub fn texts(&self) -> Vec<String> {
        match self {
            Self::Name(name) => vec![name.to_string()],
            Self::Decision(decision) => vec![decision.to_string()],
            Self::Actions(actions) => actions.iter().map(ToString::to_string).collect(),
            Self::Resources(resources) => resources.iter().cloned().collect(),
            Self::HttpResources(resources) => resources.iter().map(ToString::to_string).collect(),
            Self::Extensions(extensions) => extensions.texts(),
        }
    }
}

impl fmt::Display for RuleValue<'_> {
    /// The value on one line: actions separated by spaces, resources by commas.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = match self {
            Self::Actions(_) => " ",
            Self::Name(_)
            | Self::Decision(_)
            | Self::Resources(_)
            | Self::HttpResources(_)
            | Self::Extensions(_) => ", ",
        };
        f.write_str(&self.texts().join(separator))
    }
}

/// updateRule: fields that are present replace those of the rule; lists are sent completely, and no field is null.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RulePatch {
    /// The new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The new decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The new actions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actions: Option<Vec<Action>>,
    /// The new resources, in the field that fits the actions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Fields that this version does not know, as a merge patch.
    #[serde(skip_serializing_if = "ExtensionsPatch::is_empty")]
    pub extensions: ExtensionsPatch,
}

impl RulePatch {
    /// Whether there are no changes.
    pub fn is_empty(&self) -> bool {
        let Self {
            name,
            decision,
            actions,
            resources,
            extensions,
        } = self;
        name.is_none()
            && decision.is_none()
            && actions.is_none()
            && resources.is_none()
            && extensions.is_empty()
    }

    /// All fields of a rule, as sent by createRule.
    pub fn all(rule: &Rule) -> Self {
        let Rule {
            name,
            decision,
            access,
            extensions,
        } = rule;
        Self {
            name: Some(name.clone()),
            decision: Some(*decision),
            actions: Some(access.actions()),
            resources: Some(access.resources()),
            extensions: extensions.patch_from(&Extensions::default()),
        }
    }

    /// The smallest patch that changes `before` to `after`: only fields that differ, with whole
    /// lists.
    ///
    /// If a rule changes between network and HTTP, its resource fields differ, so the patch
    /// contains the matching one (contract: `UpdateRuleRequest`).
    pub fn between(before: &Rule, after: &Rule) -> Self {
        let Rule {
            name: old_name,
            decision: old_decision,
            access: old_access,
            extensions: old_extensions,
        } = before;
        let Rule {
            name,
            decision,
            access,
            extensions,
        } = after;
        let actions = access.actions();
        let resources = access.resources();
        Self {
            name: (name != old_name).then(|| name.clone()),
            decision: (decision != old_decision).then_some(*decision),
            actions: (actions != old_access.actions()).then_some(actions),
            resources: (resources != old_access.resources()).then_some(resources),
            extensions: extensions.patch_from(old_extensions),
        }
    }

    /// The rule after the update.
    ///
    /// # Errors
    /// The result would not be a valid rule.
    pub fn apply(&self, rule: &Rule) -> Result<Rule, RuleError> {
        let Self {
            name,
            decision,
            actions,
            resources,
            extensions,
        } = self.clone();
        let Rule {
            name: old_name,
            decision: old_decision,
            access,
            extensions: old_extensions,
        } = rule;
        let actions = actions.unwrap_or_else(|| access.actions());
        let resources = resources.unwrap_or_else(|| access.resources());
        Ok(Rule {
            name: name.unwrap_or_else(|| old_name.clone()),
            decision: decision.unwrap_or(*old_decision),
            access: RuleAccess::new(actions, resources)?,
            extensions: extensions.applied(old_extensions),
        })
    }
}

/// The flat form of a [`Rule`] in plans.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Rule")]
struct RuleText {
    name: Name,
    decision: Decision,
    actions: Vec<Action>,
    #[serde(flatten)]
    resources: Resources,
    #[serde(default, skip_serializing_if = "Extensions::is_empty")]
    extensions: Extensions,
}

/// Serializes the form that `RuleText` deserializes, without a copy, because plan digests serialize
/// whole organizations.
impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            name,
            decision,
            access,
            extensions,
        } = self;
        let fields = Self::FIELDS - usize::from(extensions.is_empty());
        let mut text = serializer.serialize_struct("Rule", fields)?;
        text.serialize_field("name", name)?;
        text.serialize_field("decision", decision)?;
        match access {
            RuleAccess::Network { actions, resources } => {
                text.serialize_field("actions", actions)?;
                text.serialize_field("resources", resources)?;
            }
            RuleAccess::Http { actions, resources } => {
                text.serialize_field("actions", actions)?;
                text.serialize_field("httpResources", resources)?;
            }
            RuleAccess::Filesystem { actions, resources } => {
                text.serialize_field("actions", actions)?;
                text.serialize_field("resources", resources)?;
            }
        }
        if !extensions.is_empty() {
            text.serialize_field("extensions", extensions)?;
        }
        text.end()
    }
}

impl TryFrom<RuleText> for Rule {
    type Error = RuleError;
    fn try_from(text: RuleText) -> Result<Self, RuleError> {
        let RuleText {
            name,
            decision,
            actions,
            resources,
            extensions,
        } = text;
        Ok(Self {
            name,
            decision,
            access: RuleAccess::new(actions, resources)?,
            extensions,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn rule(name: &str, decision: Decision, actions: &[&str], resources: &[&str]) -> Rule {
        let actions: Vec<Action> = actions.iter().map(|text| text.parse().unwrap()).collect();
        let resources = if actions.iter().any(|action| action.layer() == Layer::Http) {
            let target = |host: &&str| HttpResource {
                host: (*host).to_owned(),
                port: Some(443),
                path: "/**".to_owned(),
            };
            Resources::Http(resources.iter().map(target).collect())
        } else {
            Resources::Plain(resources.iter().map(ToString::to_string).collect())
        };
        Rule {
            name: Name::new(name).unwrap(),
            decision,
            access: RuleAccess::new(actions, resources).unwrap(),
            extensions: Extensions::default(),
        }
    }

    /// Rules that all list the same unknown field, so that a patch can be undone by another one.
    fn rules() -> Vec<Rule> {
        let mut rules = Vec::new();
        for name in ["a", "b"] {
            for decision in [Decision::Allow, Decision::Deny] {
                for (actions, resources) in [
                    (["connect:tcp"].as_slice(), ["x.example.com"].as_slice()),
                    (&["connect:tcp"], &["x.example.com", "y.example.com"]),
                    (&["connect:tcp", "connect:udp"], &["x.example.com"]),
                    (&["request:get"], &["x.example.com"]),
                    (&["request:put", "request:get"], &["x.example.com"]),
                    (&["read", "write"], &["/data"]),
                ] {
                    for value in [serde_json::json!(1), serde_json::json!({"a": 1})] {
                        let fields = [("approval".to_owned(), value)].into_iter().collect();
                        rules.push(Rule {
                            extensions: serde_json::from_value(Value::Object(fields)).unwrap(),
                            ..rule(name, decision, actions, resources)
                        });
                    }
                }
            }
        }
        rules
    }

    #[test]
    fn a_patch_contains_the_fields_that_differ_and_no_others() {
        for before in &rules() {
            for after in &rules() {
                let patch = RulePatch::between(before, after);
                let differing = before
                    .fields()
                    .into_iter()
                    .zip(after.fields())
                    .filter(|(was, is)| was != is)
                    .count();
                let written = serde_json::to_value(&patch).unwrap();
                assert_eq!(written.as_object().unwrap().len(), differing, "{patch:?}");
                assert_eq!(patch.is_empty(), before == after);
                assert_eq!(patch.apply(before).as_ref(), Ok(after));
            }
        }
    }

    #[test]
    fn the_patch_with_all_fields_makes_any_rule_into_this_one() {
        for before in &rules() {
            for after in &rules() {
                let patch = RulePatch::all(after);
                assert_eq!(patch.apply(before).as_ref(), Ok(after));
                let written = serde_json::to_value(&patch).unwrap();
                assert_eq!(written.as_object().unwrap().len(), Rule::FIELDS);
            }
        }
    }

    #[test]
    fn rules_with_the_same_meaning_differ_in_labels_only() {
        for one in &rules() {
            for other in &rules() {
                let labels = |value: &RuleValue<'_>| {
                    matches!(value, RuleValue::Name(_) | RuleValue::Extensions(_))
                };
                let same = one
                    .fields()
                    .into_iter()
                    .zip(other.fields())
                    .all(|(a, b)| a == b || labels(&a));
                assert_eq!(one.meaning() == other.meaning(), same);
            }
        }
    }

    #[test]
    fn values_are_shown_in_one_line() {
        let put = rule(
            "a",
            Decision::Allow,
            &["request:put", "request:get"],
            &["y.example.com", "x.example.com"],
        );
        let lines = put.fields().map(|value| value.to_string());
        assert_eq!(
            lines,
            [
                "a",
                "allow",
                "request:get request:put",
                "x.example.com:443/**, y.example.com:443/**",
                ""
            ]
        );
    }
}
