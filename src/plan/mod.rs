//! The calls that close the difference between desired and live, in a safe order; pure and synchronous.
//!
//! [`plan_target`] compares what one target's manifests want with what its organization holds and returns a
//! [`TargetPlan`]: the changes as a person reads them, the calls in a safe order, and what was held back, each with
//! its reason. A [`Plan`] is the only thing that passes between planning, rendering and applying; it can be written
//! to a file and read back.

mod fingerprint;
mod gates;
mod guard;
mod link;
mod origin;
mod replay;
mod types;

pub use fingerprint::{fingerprint, plan_digest, tree_digest};

pub use gates::{BasePlan, GateNames, Gates};
pub use guard::{
    Acknowledged, AcknowledgedError, Breach, Guard, Guarding, PlanMark, What as GuardedWhat,
    check as check_guards,
};
pub use link::changes_of_calls;
pub use origin::{held_origins, origins};

pub use replay::{Mismatch, ReplayError};
pub use types::{
    AccessChange, After, AudienceImpact, Before, BreachInfo, Call, CallId, CallKind, Change,
    ChangeKind, ChangeOrigin, ChangeRef, Commit, DRIFT_FORMAT_VERSION, DecidingRule, DocumentState,
    DocumentStatus, DriftReport, Enforcement, EnforcementChange, FORMAT_VERSION, Field,
    FieldChange, Fingerprint, GateInfo, GateOutcome, GateSource, Guarded, GuardedKind, Held,
    HeldReason, Impact, LiveCounts, NoFingerprint, Note, Origin, Origins, Plan, PolicyRef, Reason,
    ResourceId, ResourceKind, Sent, Since, SourceRef, Subject, TargetDrift, TargetInfo,
    TargetOrigins, TargetPlan, ToSend, UnmanagedResource, UnreadableResource, ValueChange,
    document_id, group_id, pack_id,
};
