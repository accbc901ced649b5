//! The kinds of documents that this version knows.

use super::committed::schema_text;
use super::generated;
use crate::manifest::chainloop;

/// A kind of document, chosen by its `apiVersion` and `kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::manifest) enum Kind {
    Policy,
    ResourceList,
    PolicyTest,
    PolicyPack,
    PolicyGroup,
    ChainloopPolicy,
    ChainloopGroup,
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
        Self::ChainloopPolicy,
        Self::ChainloopGroup,
        Self::Config,
        Self::Lock,
    ];

    /// All texts of its `apiVersion`, the usual one first.
    pub(super) fn api_versions(self) -> &'static [&'static str] {
        match self {
            Self::Policy => &["docker.com/governance/v1"],
            Self::PolicyPack | Self::PolicyGroup => &["pulumi.com/v1"],
            Self::ChainloopPolicy | Self::ChainloopGroup => chainloop::API_VERSIONS,
            Self::ResourceList | Self::PolicyTest | Self::Config | Self::Lock => &["polwarden/v1"],
        }
    }

    /// The usual text of its `apiVersion`.
    pub(in crate::manifest) fn api_version(self) -> &'static str {
        self.api_versions().first().copied().unwrap_or_default()
    }

    /// The other spelling of `apiVersion` that it can have.
    pub(super) fn other_spelling(self) -> Option<&'static str> {
        match self {
            Self::ChainloopPolicy | Self::ChainloopGroup => Some("api_version"),
            Self::Policy
            | Self::PolicyPack
            | Self::PolicyGroup
            | Self::ResourceList
            | Self::PolicyTest
            | Self::Config
            | Self::Lock => None,
        }
    }

    /// The name of its definition in the schema of all kinds.
    pub(super) fn definition(self) -> &'static str {
        match self {
            Self::ChainloopPolicy => "ChainloopPolicy",
            Self::ChainloopGroup => "ChainloopPolicyGroup",
            Self::Policy
            | Self::PolicyPack
            | Self::PolicyGroup
            | Self::ResourceList
            | Self::PolicyTest
            | Self::Config
            | Self::Lock => self.name(),
        }
    }

    pub(in crate::manifest) fn name(self) -> &'static str {
        match self {
            Self::Policy | Self::ChainloopPolicy => "Policy",
            Self::ResourceList => "ResourceList",
            Self::PolicyTest => "PolicyTest",
            Self::PolicyPack => "PolicyPack",
            Self::PolicyGroup | Self::ChainloopGroup => "PolicyGroup",
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
            Self::ChainloopPolicy => "chainloop-policy.schema.json",
            Self::ChainloopGroup => "chainloop-policy-group.schema.json",
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
            Self::ChainloopPolicy => schema_text!("chainloop-policy.schema.json", generated(self)),
            Self::ChainloopGroup => {
                schema_text!("chainloop-policy-group.schema.json", generated(self))
            }
            Self::Lock => schema_text!("lock.schema.json", generated(self)),
            Self::ResourceList => schema_text!("resource-list.schema.json", generated(self)),
            Self::PolicyTest => schema_text!("policy-test.schema.json", generated(self)),
            Self::Config => schema_text!("config.schema.json", generated(self)),
        }
    }

    pub(super) fn find(api_version: &str, name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.name() == name && kind.api_versions().contains(&api_version))
    }
}
