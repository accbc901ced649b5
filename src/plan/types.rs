//! The types of a plan. They are plain data that can be written to a file and read back.

mod call;
mod change;
mod document;
mod drift;
mod event;
mod field;
mod fingerprint;
mod gates;
mod impact;
mod origin;
mod plan;
mod resource;

pub use call::{
    CallDependency, CallId, CallKind, DependencyReason, PlannedCall, PlannedOperation, PolicyRef,
    SentOperation, Subject,
};
pub use change::{
    Change, ChangeKind, ChangeRef, GuardedChange, GuardedKind, HeldChange, HeldReason, PlanNote,
    PlannedFingerprint, SourceRef, UnmanagedResource,
};
pub use document::{DocumentState, DocumentStatus};
pub use drift::{DRIFT_FORMAT_VERSION, DriftReport, LastChange, TargetDrift};
pub use event::{EventKind, PlanEvent};
pub use field::{ChangedField, FieldChange, ValueChange};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use gates::{BreachInfo, GateInfo, GateOutcome, GateSource};
pub use impact::{
    AccessImpact, AccessRow, DecidingRule, Enforcement, EnforcementChange, GuardRows, NotAnalyzed,
    NotAnalyzedKind, RuleReference, StatementChange, StatementChangeKind,
};
pub use origin::{ChangeOrigin, Origin, Origins, TargetOrigins};
pub use plan::{Commit, EMBEDDED, FORMAT_VERSION, Plan, TargetInfo, TargetPlan};
pub use resource::{LiveCounts, ResourceId, ResourceKind, document_id, group_id, pack_id};
