//! What stands at a server, as a run speaks of it.

use model::chainloop::LiveDocument;
use model::docker::{LivePolicy, LiveRule, PolicyId, RuleId};
use model::pulumi::{LiveGroup, LivePack, VersionNumber};

/// Something that a server holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// A policy.
    Policy(Box<LivePolicy>),
    /// A rule.
    Rule(Box<LiveRule>),
    /// A policy pack.
    Pack(Box<LivePack>),
    /// A policy group.
    Group(Box<LiveGroup>),
    /// A document.
    Document(Box<LiveDocument>),
}

/// What a call left at the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// A policy that was created or updated.
    Policy(Box<LivePolicy>),
    /// A policy is gone.
    NoPolicy(PolicyId),
    /// A rule that was created or updated.
    Rule(PolicyId, Box<LiveRule>),
    /// A rule is gone.
    NoRule(PolicyId, RuleId),
    /// A version with this number, which nobody is shown before it is complete.
    Begun(VersionNumber),
    /// What the call says; the service answers no more than that it was done.
    AsSent,
}

/// What should have been there, and what another writer left instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// As the plan has it; nothing if it should not be there.
    pub planned: Option<Object>,
    /// As another writer left it; nothing if it is gone.
    pub found: Option<Object>,
}

/// What became of a write whose answer does not say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The server holds what the write makes.
    Applied(Left),
    /// The server holds what was there before the write.
    NotApplied,
    /// It holds neither: another writer was there.
    Other(Difference),
}

impl Object {
    pub(crate) fn policy(policy: &LivePolicy) -> Self {
        Self::Policy(Box::new(policy.clone()))
    }

    pub(crate) fn rule(rule: &LiveRule) -> Self {
        Self::Rule(Box::new(rule.clone()))
    }
}
