//! The kinds of objects in a plan, and their ids.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use model::chainloop::{DocumentKind, PolicyName};
use model::docker::PolicyId;

/// The kinds of objects.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum ResourceKind {
    /// A policy.
    Policy,
    /// A rule of a policy.
    Rule,
    /// A policy pack.
    Pack,
    /// A version of a policy pack.
    Version,
    /// A policy of a policy pack.
    PackPolicy,
    /// A policy group.
    Group,
    /// A policy pack that a policy group enables.
    EnabledPack,
    /// A policy document, identified by the digest of its bytes.
    PolicyDocument,
    /// A policy group document.
    GroupDocument,
}

impl ResourceKind {
    /// Whether `removed` of a target can delete it.
    pub fn can_be_listed_as_removed(self) -> bool {
        match self {
            Self::Policy => true,
            Self::Rule
            | Self::Pack
            | Self::Version
            | Self::PackPolicy
            | Self::Group
            | Self::EnabledPack
            | Self::PolicyDocument
            | Self::GroupDocument => false,
        }
    }

    /// Singular and plural.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Policy => ("policy", "policies"),
            Self::Rule => ("rule", "rules"),
            Self::Pack => ("pack", "packs"),
            Self::Version => ("version", "versions"),
            Self::PackPolicy => ("policy", "policies"),
            Self::Group => ("group", "groups"),
            Self::EnabledPack => ("pack", "packs"),
            Self::PolicyDocument => ("policy", "policies"),
            Self::GroupDocument => ("policy group", "policy groups"),
        }
    }

    /// The kind of its parts, if they are counted.
    pub fn part(self) -> Option<Self> {
        match self {
            Self::Policy => Some(Self::Rule),
            Self::Pack => Some(Self::Version),
            Self::Group => Some(Self::EnabledPack),
            Self::Rule
            | Self::Version
            | Self::PackPolicy
            | Self::EnabledPack
            | Self::PolicyDocument
            | Self::GroupDocument => None,
        }
    }

    /// The kind of object that this kind is, or is a part of.
    pub fn owner(self) -> Self {
        match self {
            Self::Policy | Self::Rule => Self::Policy,
            Self::Pack | Self::Version | Self::PackPolicy => Self::Pack,
            Self::Group | Self::EnabledPack => Self::Group,
            Self::PolicyDocument | Self::GroupDocument => self,
        }
    }

    /// Whether limits such as "30% may be deleted" count objects of this kind.
    pub fn is_counted(self) -> bool {
        match self {
            Self::Rule | Self::Version | Self::Group | Self::PolicyDocument => true,
            // A group that is a document is never written.
            Self::Policy
            | Self::Pack
            | Self::PackPolicy
            | Self::EnabledPack
            | Self::GroupDocument => false,
        }
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words().0)
    }
}

/// The server's identifier of an object: an id that it assigned, or a unique name.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct ResourceId(Arc<str>);

impl ResourceId {
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&PolicyId> for ResourceId {
    fn from(id: &PolicyId) -> Self {
        Self::new(id.as_str())
    }
}

/// The number of objects of each kind in an organization, including those that no manifest declares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct LiveCounts(BTreeMap<ResourceKind, usize>);

impl LiveCounts {
    pub fn new(counts: impl IntoIterator<Item = (ResourceKind, usize)>) -> Self {
        Self(counts.into_iter().collect())
    }

    pub fn count(&self, kind: ResourceKind) -> usize {
        self.0.get(&kind).copied().unwrap_or_default()
    }

    /// Sorted by kind.
    pub fn iter(&self) -> impl Iterator<Item = (ResourceKind, usize)> {
        self.0.iter().map(|(kind, count)| (*kind, *count))
    }

    /// The number of objects that limits count.
    pub fn counted(&self) -> usize {
        self.iter()
            .filter(|(kind, _)| kind.is_counted())
            .map(|(_, count)| count)
            .sum()
    }

    /// "4 policies, 11 rules".
    pub fn words(&self) -> String {
        let count = |(kind, count): (ResourceKind, usize)| {
            let (one, many) = kind.words();
            format!("{count} {}", if count == 1 { one } else { many })
        };
        self.iter().map(count).collect::<Vec<_>>().join(", ")
    }

    /// The plural noun for the objects that limits count: "rules".
    pub fn unit_words(&self) -> String {
        let words: Vec<&str> = self
            .iter()
            .filter(|(kind, _)| kind.is_counted())
            .map(|(kind, _)| kind.words().1)
            .collect();
        words.join(" and ")
    }
}

/// Unique among all objects of a plan.
pub fn pack_id(name: &str) -> ResourceId {
    ResourceId::new(&format!("policypacks/{name}"))
}

/// Unique among all objects of a plan.
pub fn group_id(name: &str) -> ResourceId {
    ResourceId::new(&format!("policygroups/{name}"))
}

/// Unique among all objects of a plan.
pub fn document_id(kind: DocumentKind, name: &PolicyName) -> ResourceId {
    let folder = match kind {
        DocumentKind::Policy => "policies",
        DocumentKind::PolicyGroup => "groups",
    };
    ResourceId::new(&format!("{folder}/{name}"))
}
