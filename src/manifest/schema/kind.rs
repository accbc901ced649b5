//! The kinds of documents that this version knows.

use super::committed::schema_text;
use super::generated;

/// A kind of document, chosen by its `apiVersion` and `kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::manifest) enum Kind {
    Policy,
    ResourceList,
    PolicyTest,
    Config,
}

impl Kind {
    pub(in crate::manifest) const ALL: &'static [Self] =
        &[Self::Policy, Self::ResourceList, Self::PolicyTest, Self::Config];

    pub(in crate::manifest) fn api_version(self) -> &'static str {
        match self {
            Self::Policy => "docker.com/governance/v1",
            Self::ResourceList | Self::PolicyTest | Self::Config => "polwarden/v1",
        }
    }

    pub(in crate::manifest) fn name(self) -> &'static str {
        match self {
            Self::Policy => "Policy",
            Self::ResourceList => "ResourceList",
            Self::PolicyTest => "PolicyTest",
            Self::Config => "Config",
        }
    }

    /// The name of the schema's file.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Policy => "docker-policy.schema.json",
            Self::ResourceList => "resource-list.schema.json",
            Self::PolicyTest => "policy-test.schema.json",
            Self::Config => "config.schema.json",
        }
    }

    /// The schema's text, as it is committed.
    pub(super) fn schema_text(self) -> String {
        match self {
            Self::Policy => schema_text!("docker-policy.schema.json", generated(self)),
            Self::ResourceList => schema_text!("resource-list.schema.json", generated(self)),
            Self::PolicyTest => schema_text!("policy-test.schema.json", generated(self)),
            Self::Config => schema_text!("config.schema.json", generated(self)),
        }
    }

    pub(super) fn find(api_version: &str, name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name && kind.api_version() == api_version)
    }
}
