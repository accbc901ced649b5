//! The changes that another client can make in an organization.

use std::fmt::{self, Display, Formatter};

use super::operation::PulumiOperationId;
use crate::fault::{self, FaultArgument, FaultError, ObjectChoice, show_pair};

/// A fault of this service. Its text form is the argument of `--fault`.
pub type PulumiFault = fault::Fault<PulumiOperationId, PulumiInterference>;
pub type PulumiFaultKind = fault::FaultKind<PulumiInterference>;
/// The requests that a fault of this service applies to.
pub type PulumiRequestSelection = fault::RequestSelection<PulumiOperationId>;
/// The requests that a fault of this service counts.
pub type PulumiRequestClass = fault::RequestClass<PulumiOperationId>;

/// A change by another client. If the object does not exist, nothing changes and the fault waits
/// for the next request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PulumiInterference {
    /// Publishes a new version of a pack with the policies of the newest version.
    PublishVersion(ObjectChoice),
    /// Deletes a version that no group enables.
    DeleteVersion(VersionChoice),
    /// Adds the newest version of a pack to a group that does not have the pack.
    AddPack(PackChoice),
    /// Switches a group to the newest other version of a pack.
    SwitchPack(PackChoice),
    /// Makes a pack of a group advisory, or removes this setting if it is set.
    ConfigurePack(PackChoice),
    RemovePack(PackChoice),
    /// Creates an empty group of stacks. `Any` selects an unused name.
    AddGroup(ObjectChoice),
    /// Deletes a group that is not built-in.
    DeleteGroup(ObjectChoice),
}

/// Selects a pack and its group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackChoice {
    pub group: ObjectChoice,
    pub pack: ObjectChoice,
}

/// Selects a version and its pack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionChoice {
    pub pack: ObjectChoice,
    pub tag: ObjectChoice,
}

impl fault::Interference for PulumiInterference {
    const WORDS: &'static [&'static str] = &[
        "publish-version",
        "delete-version",
        "add-pack",
        "switch-pack",
        "configure-pack",
        "remove-pack",
        "add-group",
        "delete-group",
    ];
    const IN_SHORT: &'static str = "publish- or delete-version, add-, switch-, configure- or remove-pack, add- or \
                                    delete-group";

    fn read(word: &'static str, value: FaultArgument) -> Result<Self, FaultError> {
        let pack = |value: FaultArgument| {
            value
                .pair(word, "PACK or GROUP/PACK")
                .map(|(group, pack)| PackChoice { group, pack })
        };
        let group = |value: FaultArgument| value.name(word, "the name of a group");
        match word {
            "publish-version" => value
                .name(word, "the name of a pack")
                .map(Self::PublishVersion),
            "delete-version" => {
                let (pack, tag) = value.pair(word, "TAG or PACK/TAG")?;
                Ok(Self::DeleteVersion(VersionChoice { pack, tag }))
            }
            "add-pack" => pack(value).map(Self::AddPack),
            "switch-pack" => pack(value).map(Self::SwitchPack),
            "configure-pack" => pack(value).map(Self::ConfigurePack),
            "remove-pack" => pack(value).map(Self::RemovePack),
            "add-group" => group(value).map(Self::AddGroup),
            "delete-group" => group(value).map(Self::DeleteGroup),
            other => Err(FaultError::unknown_change(other, Self::IN_SHORT)),
        }
    }
}

impl Display for PulumiInterference {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::PublishVersion(pack) => write!(f, "publish-version={pack}"),
            Self::DeleteVersion(version) => write!(f, "delete-version={version}"),
            Self::AddPack(pack) => write!(f, "add-pack={pack}"),
            Self::SwitchPack(pack) => write!(f, "switch-pack={pack}"),
            Self::ConfigurePack(pack) => write!(f, "configure-pack={pack}"),
            Self::RemovePack(pack) => write!(f, "remove-pack={pack}"),
            Self::AddGroup(group) => write!(f, "add-group={group}"),
            Self::DeleteGroup(group) => write!(f, "delete-group={group}"),
        }
    }
}

impl Display for PackChoice {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { group, pack } = self;
        show_pair(f, group, pack)
    }
}

impl Display for VersionChoice {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { pack, tag } = self;
        show_pair(f, pack, tag)
    }
}

#[cfg(test)]
mod tests {
    use super::super::PulumiFault;

    #[test]
    fn every_change_has_one_text_that_means_the_same() {
        for (given, shown) in [
            ("publish-version", "publish-version=any"),
            (
                "publish-version=a.b@UpdatePolicyGroup:1",
                "publish-version=a.b@UpdatePolicyGroup:1",
            ),
            ("delete-version=guard/1.0.0", "delete-version=guard/1.0.0"),
            ("delete-version=any/1.0.0", "delete-version=1.0.0"),
            ("add-pack=\"a b\"/any", "add-pack=a b/any"),
            (
                "switch-pack=prod/guard@write:2",
                "switch-pack=prod/guard@write:2",
            ),
            ("configure-pack=guard@once", "configure-pack=guard@once"),
            ("remove-pack@reads", "remove-pack=any@reads"),
            ("add-group=new", "add-group=new"),
            (
                "delete-group@CompletePolicyPack",
                "delete-group=any@CompletePolicyPack",
            ),
        ] {
            let fault: PulumiFault = given.parse().unwrap();
            assert_eq!(fault.to_string(), shown);
            assert_eq!(shown.parse::<PulumiFault>().as_ref(), Ok(&fault), "{shown}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_the_words_of_this_service() {
        for (text, wanted) in [
            ("switch-pak", "did you mean `switch-pack`?"),
            (
                "add-policy",
                "and publish- or delete-version, add-, switch-, configure- or remove-pack, add- or",
            ),
            ("add-group=a/b", "`add-group` takes the name of a group"),
            (
                "switch-pack=a/b/c",
                "`switch-pack` takes PACK or GROUP/PACK",
            ),
            (
                "delete-version=a/b/c",
                "`delete-version` takes TAG or PACK/TAG",
            ),
            (
                "reset@createPolicyPack",
                "an operation such as CreatePolicyPack",
            ),
        ] {
            let error = text.parse::<PulumiFault>().expect_err(text).to_string();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }
}
