//! Rules: what a rule is, on both sides of a comparison.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

use super::{Action, FileMode, Layer, Method, Transport};
use crate::Name;

/// What happens when a rule matches; deny always wins.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Let the request through, unless something denies it.
    Allow,
    /// Stop the request, whatever allows it.
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

/// A set with at least one element: an empty list of actions or resources is never sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct NonEmptySet<T: Ord>(BTreeSet<T>);

impl<T: Ord> NonEmptySet<T> {
    /// The set of these elements, or nothing if there are none.
    pub fn new(elements: impl IntoIterator<Item = T>) -> Option<Self> {
        let set: BTreeSet<T> = elements.into_iter().collect();
        (!set.is_empty()).then_some(Self(set))
    }

    /// The elements, in order.
    pub fn iter(&self) -> std::collections::btree_set::Iter<'_, T> {
        self.0.iter()
    }

    /// The elements as an ordinary set.
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
    /// The port; every port where there is none.
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

/// The actions of a rule with the resources that fit them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RuleAccess {
    /// Connections.
    Network {
        /// The transports.
        actions: NonEmptySet<Transport>,
        /// Host patterns and CIDRs, as written.
        resources: NonEmptySet<String>,
    },
    /// HTTP requests.
    Http {
        /// The methods.
        actions: NonEmptySet<Method>,
        /// The targets.
        resources: NonEmptySet<HttpResource>,
    },
    /// Paths.
    Filesystem {
        /// Reading, writing or both.
        actions: NonEmptySet<FileMode>,
        /// Path globs, as written.
        resources: NonEmptySet<String>,
    },
}

/// Why actions and resources make no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RuleError {
    /// No action.
    #[error("a rule needs at least one action")]
    NoActions,
    /// No resource.
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
    /// Puts actions and resources together; order and repetition do not matter.
    ///
    /// # Errors
    /// Says what keeps the two from making a rule.
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

    /// The layer of the rule.
    pub fn layer(&self) -> Layer {
        match self {
            Self::Network { .. } => Layer::Network,
            Self::Http { .. } => Layer::Http,
            Self::Filesystem { .. } => Layer::Filesystem,
        }
    }

    /// The actions, in the contract's order.
    pub fn actions(&self) -> Vec<Action> {
        match self {
            Self::Network { actions, .. } => actions.iter().copied().map(Action::Connect).collect(),
            Self::Http { actions, .. } => actions.iter().copied().map(Action::Request).collect(),
            Self::Filesystem { actions, .. } => actions.iter().copied().map(Action::File).collect(),
        }
    }

    /// How many resources there are.
    pub fn resource_count(&self) -> usize {
        match self {
            Self::Network { resources, .. } | Self::Filesystem { resources, .. } => {
                resources.as_set().len()
            }
            Self::Http { resources, .. } => resources.as_set().len(),
        }
    }

    /// The resources, sorted.
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

/// A rule without the id that the server gives it. Equal rules are the same rule to the service.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(try_from = "RuleText")]
#[schemars(with = "RuleText")]
pub struct Rule {
    /// The name, unique in its policy.
    pub name: Name,
    /// What a match does.
    pub decision: Decision,
    /// What it matches.
    pub access: RuleAccess,
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
}

/// Writes the form that `RuleText` reads. Whole organizations are written where plans are digested, so nothing is
/// copied first.
impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            name,
            decision,
            access,
        } = self;
        let mut text = serializer.serialize_struct("Rule", 4)?;
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
        } = text;
        Ok(Self {
            name,
            decision,
            access: RuleAccess::new(actions, resources)?,
        })
    }
}
