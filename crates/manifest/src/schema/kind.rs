//! The supported kinds of documents.

use super::generated;
use crate::chainloop;
use crate::config::Provider;

/// A kind of document, selected by `apiVersion` and `kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ManifestKind {
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

impl ManifestKind {
    pub(crate) const ALL: &'static [Self] = &[
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

    /// All values of `apiVersion`, the usual one first.
    pub(super) fn api_versions(self) -> &'static [&'static str] {
        match self {
            Self::Policy => &["docker.com/governance/v1"],
            Self::PolicyPack | Self::PolicyGroup => &["pulumi.com/v1"],
            Self::ChainloopPolicy | Self::ChainloopGroup => chainloop::API_VERSIONS,
            Self::ResourceList | Self::PolicyTest | Self::Config | Self::Lock => &["polwarden/v1"],
        }
    }

    pub(crate) fn api_version(self) -> &'static str {
        self.api_versions().first().copied().unwrap_or_default()
    }

    /// The alternative value of `apiVersion`.
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

    /// Whether a repository with targets of a provider may contain documents of this kind.
    pub(super) fn is_used_with(self, provider: Provider) -> bool {
        match self {
            Self::Policy | Self::ResourceList | Self::PolicyTest => provider == Provider::Docker,
            Self::PolicyPack | Self::PolicyGroup => provider == Provider::Pulumi,
            Self::ChainloopPolicy | Self::ChainloopGroup => provider == Provider::Chainloop,
            Self::Config => true,
            Self::Lock => match provider {
                Provider::Docker => false,
                Provider::Pulumi | Provider::Chainloop => true,
            },
        }
    }

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

    pub(crate) fn name(self) -> &'static str {
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

    /// The text of the schema as committed.
    pub(super) fn schema_text(self) -> String {
        match self {
            Self::Policy => generated(self),
            Self::PolicyPack => generated(self),
            Self::PolicyGroup => generated(self),
            Self::ChainloopPolicy => generated(self),
            Self::ChainloopGroup => generated(self),
            Self::Lock => generated(self),
            Self::ResourceList => generated(self),
            Self::PolicyTest => generated(self),
            Self::Config => generated(self),
        }
    }

    pub(super) fn find(api_version: &str, name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.name() == name && kind.api_versions().contains(&api_version))
    }
}
