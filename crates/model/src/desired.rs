//! What manifests want of an organization, whichever service it is at.

use super::{chainloop, docker, pulumi};

/// What the manifests of one target declare, checked. Each service reads its own kinds; manifests of
/// the others are an error in such a target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desired {
    /// The policies of rules, in the order of the documents.
    pub policies: Vec<docker::DesiredPolicy>,
    /// The policy packs.
    pub packs: Vec<pulumi::DesiredPack>,
    /// The groups that enable packs.
    pub groups: Vec<pulumi::DesiredGroup>,
    /// The documents that are identified by their bytes.
    pub documents: Vec<chainloop::DesiredDocument>,
}
