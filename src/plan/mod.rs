//! The plan: what passes between planning, rendering and applying.
//!
//! A [`TargetPlan`] contains the changes as people read them, the calls in a safe order, and what
//! is held, with its reason. The services make plans (`service/*/plan`); this module contains what
//! is common to all of them: the types, guards, origins of changes, fingerprints and the graph of
//! calls. A [`Plan`] can be written to a file and read back.

mod base_changes;
mod change_links;
mod fingerprint;
mod gates;
pub(crate) mod graph;
mod guard;
mod origin;
pub mod replay;
mod types;

pub use fingerprint::{fingerprint, plan_digest, tree_digest};

pub use base_changes::{ConfigVersions, config_events, manifest_events};
pub use change_links::changes_of_calls;
pub use gates::{BasePlan, GateNames, Gates};
pub use guard::{
    Acknowledgement, AcknowledgementError, Guard, GuardReport, GuardTrigger as GuardedWhat,
    PlanMark, ReviewAcknowledgement, TriggeredGuard, check as check_guards, mark as plan_mark,
    required as required_acknowledgement,
};
pub use origin::{held_origins, origins};

pub use replay::{Mismatch, ReplayError};
pub use types::{
    AccessImpact, AccessRow, BreachInfo, CallDependency, CallId, CallKind, Change, ChangeKind,
    ChangeOrigin, ChangeRef, ChangedField, Commit, DRIFT_FORMAT_VERSION, DecidingRule,
    DependencyReason, DocumentState, DocumentStatus, DriftReport, EMBEDDED, Enforcement,
    EnforcementChange, EventKind, FORMAT_VERSION, FieldChange, Fingerprint, FingerprintError,
    GateInfo, GateOutcome, GateSource, GuardRows, GuardedChange, GuardedKind, HeldChange,
    HeldReason, LastChange, LiveCounts, NotAnalyzed, NotAnalyzedKind, Origin, Origins, Plan,
    PlanEvent, PlanNote, PlannedCall, PlannedFingerprint, PlannedOperation, PolicyRef, ResourceId,
    ResourceKind, RuleReference, SentOperation, SourceRef, StatementChange, StatementChangeKind,
    Subject, TargetDrift, TargetInfo, TargetOrigins, TargetPlan, UnmanagedResource, ValueChange,
    document_id, group_id, pack_id,
};
