//! The changes that another client can make in an organization.

use std::fmt::{self, Display, Formatter};

use super::operation::ChainloopOperationId;
use crate::fault::{self, FaultArgument, FaultError, ObjectChoice};

/// A fault of this service. Its text form is the argument of `--fault`.
pub type ChainloopFault = fault::Fault<ChainloopOperationId, ChainloopInterference>;
pub type ChainloopFaultKind = fault::FaultKind<ChainloopInterference>;
/// The requests that a fault of this service applies to.
pub type ChainloopRequestSelection = fault::RequestSelection<ChainloopOperationId>;
/// The requests that a fault of this service counts.
pub type ChainloopRequestClass = fault::RequestClass<ChainloopOperationId>;

/// A change by another client. If the document does not exist, nothing changes and the fault waits
/// for the next request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainloopInterference {
    /// Adds a policy. `Any` selects an unused name.
    AddPolicy(ObjectChoice),
    /// Adds a version of a policy that differs in a comment.
    ChangePolicy(ObjectChoice),
    /// Writes the second latest version of a policy again.
    RestorePolicy(ObjectChoice),
    /// Deletes a policy. Users can do this; the API cannot.
    DeletePolicy(ObjectChoice),
    /// Adds a version of a group that differs in a comment.
    ChangeGroup(ObjectChoice),
}

impl fault::Interference for ChainloopInterference {
    const WORDS: &'static [&'static str] = &[
        "add-policy",
        "change-policy",
        "restore-policy",
        "delete-policy",
        "change-group",
    ];
    const IN_SHORT: &'static str = "add-, change-, restore- or delete-policy, change-group";

    fn read(word: &'static str, value: FaultArgument) -> Result<Self, FaultError> {
        let policy = |value: FaultArgument| value.name(word, "the name of a policy");
        match word {
            "add-policy" => policy(value).map(Self::AddPolicy),
            "change-policy" => policy(value).map(Self::ChangePolicy),
            "restore-policy" => policy(value).map(Self::RestorePolicy),
            "delete-policy" => policy(value).map(Self::DeletePolicy),
            "change-group" => value
                .name(word, "the name of a group")
                .map(Self::ChangeGroup),
            other => Err(FaultError::unknown_change(other, Self::IN_SHORT)),
        }
    }
}

impl Display for ChainloopInterference {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddPolicy(policy) => write!(f, "add-policy={policy}"),
            Self::ChangePolicy(policy) => write!(f, "change-policy={policy}"),
            Self::RestorePolicy(policy) => write!(f, "restore-policy={policy}"),
            Self::DeletePolicy(policy) => write!(f, "delete-policy={policy}"),
            Self::ChangeGroup(group) => write!(f, "change-group={group}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ChainloopFault;

    #[test]
    fn every_change_has_one_text_that_means_the_same() {
        for (given, shown) in [
            ("add-policy", "add-policy=any"),
            (
                "change-policy=sbom@PolicyService_Update:1",
                "change-policy=sbom@PolicyService_Update:1",
            ),
            ("restore-policy=sbom@write:2", "restore-policy=sbom@write:2"),
            ("delete-policy=\"any\"@once", "delete-policy=\"any\"@once"),
            ("change-group@reads", "change-group=any@reads"),
        ] {
            let fault: ChainloopFault = given.parse().unwrap();
            assert_eq!(fault.to_string(), shown);
            assert_eq!(
                shown.parse::<ChainloopFault>().as_ref(),
                Ok(&fault),
                "{shown}"
            );
        }
        let error = "change-polcy"
            .parse::<ChainloopFault>()
            .unwrap_err()
            .to_string();
        assert!(error.contains("did you mean `change-policy`?"), "{error}");
    }
}
