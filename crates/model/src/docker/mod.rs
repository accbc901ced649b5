//! Policies and rules of the Docker AI Governance API.
//!
//! Two levels are separate. The *content* of a rule (name, decision, actions and text of the
//! resources) decides whether two rules are equal: the service documents neither case rules nor
//! canonical forms, so texts are compared as they are. The *meaning* of a resource is the subject
//! of [`pattern`].

mod action;
mod call;
mod extensions;
mod live;
pub mod pattern;
mod policy;
mod profile;
mod rule;

pub use action::{Action, Domain, FileMode, Layer, Method, Transport};
pub use call::{DockerOperation, DockerOperationKind, NewPolicy, PolicyPatch, UpdateAnswer};
pub use extensions::{ExtensionValue, Extensions, ExtensionsPatch, KnownField};
pub use live::{DockerLiveState, LiveContent, LivePolicy, LiveRule, PolicySummary, Team};
pub use policy::{
    Cedar, DesiredPolicy, DesiredRule, POLICIES_PER_ORGANIZATION, PolicyContent, PolicyId,
    RULES_PER_POLICY, RuleId, Scope, TeamId,
};
pub use profile::Profile;
pub use rule::{
    Decision, HttpResource, NonEmptySet, Resources, Rule, RuleAccess, RuleError, RuleMeaning,
    RulePatch, RuleValue,
};
