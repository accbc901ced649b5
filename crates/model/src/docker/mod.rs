//! Policies and rules of the Docker AI Governance API.
//!
//! Two levels are kept apart. What a rule *is* (its name, decision, actions and the text of its resources) decides
//! whether two rules are equal: the service documents neither case rules nor canonical forms, so texts are compared
//! as they stand. What a resource *means* is asked of [`pattern`].

mod action;
mod call;
pub mod limits;
mod live;
pub mod pattern;
mod policy;
mod profile;
mod rule;

pub use crate::Opaque;
pub use action::{Action, Domain, FileMode, Layer, Method, Transport};
pub use call::{NewPolicy, Operation, OperationKind, PolicyPatch, Updated};
pub use live::{
    LiveContent, LivePolicy, LiveRule, LiveState, PolicyId, PolicySummary, RuleId, Team,
};
pub use policy::{Cedar, Content, DesiredPolicy, DesiredRule, Scope, TeamId};
pub use profile::Profile;
pub use rule::{
    Decision, HttpResource, NonEmptySet, Resources, Rule, RuleAccess, RuleError, RuleMeaning,
    RulePatch, RuleValue,
};
