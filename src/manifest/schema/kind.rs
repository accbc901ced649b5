//! The kinds of documents that this version knows.

use super::committed::schema_text;
use super::generated;

/// A kind of document, chosen by its `apiVersion` and `kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::manifest) enum Kind {
    Policy,
    ResourceList,
    PolicyTest,
    PolicyPack,
    PolicyGroup,
    Config,
    Lock,
}

impl Kind {
    pub(in crate::manifest) const ALL: &'static [Self] = &[
        Self::Policy,
        Self::ResourceList,
        Self::PolicyTest,
        Self::PolicyPack,
        Self::PolicyGroup,
        Self::Config,
        Self::Lock,
    ];

    pub(in crate::manifest) fn api_version(self) -> &'static str {
        match self {
            Self::Policy => "docker.com/governance/v1",
            Self::PolicyPack | Self::PolicyGroup => "pulumi.com/v1",
            Self::ResourceList | Self::PolicyTest | Self::Config | Self::Lock => "polwarden/v1",
        }
    }

    pub(in crate::manifest) fn name(self) -> &'static str {
        match self {
            Self::Policy => "Policy",
            Self::ResourceList => "ResourceList",
            Self::PolicyTest => "PolicyTest",
            Self::PolicyPack => "PolicyPack",
            Self::PolicyGroup => "PolicyGroup",
            Self::Config => "Config",
            Self::Lock => "Lock",
        }
    }

    /// The name of the schema's file.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Policy => "docker-policy.schema.json",
            Self::ResourceList => "resource-list.schema.json",
            Self::PolicyTest => "policy-test.schema.json",
            Self::PolicyPack => "pulumi-policy-pack.schema.json",
            Self::PolicyGroup => "pulumi-policy-group.schema.json",
            Self::Config => "config.schema.json",
            Self::Lock => "lock.schema.json",
        }
    }

    /// The schema's text, as it is committed.
    pub(super) fn schema_text(self) -> String {
        match self {
            Self::Policy => schema_text!("docker-policy.schema.json", generated(self)),
            Self::PolicyPack => schema_text!("pulumi-policy-pack.schema.json", generated(self)),
            Self::PolicyGroup => schema_text!("pulumi-policy-group.schema.json", generated(self)),
            Self::Lock => schema_text!("lock.schema.json", generated(self)),
            Self::ResourceList => schema_text!("resource-list.schema.json", generated(self)),
            Self::PolicyTest => schema_text!("policy-test.schema.json", generated(self)),
            Self::Config => schema_text!("config.schema.json", generated(self)),
        }
    }

    pub(super) fn find(api_version: &str, name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name && kind.api_version() == api_version)
    }
}
