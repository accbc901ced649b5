//! The changes that another client can make in an organization.

use std::fmt::{self, Display, Formatter};

use super::operation::Operation;
use crate::fault::{self, FaultError, Value, Which};

/// A fault of this service. Its text form is the argument of `--fault`.
pub type Fault = fault::Fault<Operation, Change>;
pub type FaultKind = fault::FaultKind<Change>;
/// The requests that a fault of this service applies to.
pub type Selection = fault::Selection<Operation>;
/// The requests that a fault of this service counts.
pub type Among = fault::Among<Operation>;

/// A change by another client. If the document does not exist, nothing changes and the fault waits
/// for the next request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Adds a policy. `Any` selects an unused name.
    AddPolicy(Which),
    /// Adds a version of a policy that differs in a comment.
    ChangePolicy(Which),
    /// Writes the second latest version of a policy again.
    RestorePolicy(Which),
    /// Deletes a policy. Users can do this; the API cannot.
    DeletePolicy(Which),
    /// Adds a version of a group that differs in a comment.
    ChangeGroup(Which),
}

impl fault::Change for Change {
    const WORDS: &'static [&'static str] = &[
        "add-policy",
        "change-policy",
        "restore-policy",
        "delete-policy",
        "change-group",
    ];
    const IN_SHORT: &'static str = "add-, change-, restore- or delete-policy, change-group";

    fn read(word: &'static str, value: Value) -> Result<Self, FaultError> {
        let policy = |value: Value| value.name(word, "the name of a policy");
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

impl Display for Change {
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
    use super::super::Fault;

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
            let fault: Fault = given.parse().unwrap();
            assert_eq!(fault.to_string(), shown);
            assert_eq!(shown.parse::<Fault>().as_ref(), Ok(&fault), "{shown}");
        }
        let error = "change-polcy".parse::<Fault>().unwrap_err().to_string();
        assert!(error.contains("did you mean `change-policy`?"), "{error}");
    }
}
