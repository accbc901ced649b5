//! The types of a plan. They are plain data that can be written to a file and read back.

mod call;
mod change;
mod document;
mod drift;
mod field;
mod fingerprint;
mod gates;
mod impact;
mod origin;
mod plan;
mod resource;

pub use call::{After, Call, CallId, CallKind, PolicyRef, Reason, Sent, Subject, ToSend};
pub use change::{
    Before, Change, ChangeKind, ChangeRef, Guarded, GuardedKind, Held, HeldReason, Note, SourceRef,
    UnmanagedResource,
};
pub use document::{DocumentState, DocumentStatus};
pub use drift::{DRIFT_FORMAT_VERSION, DriftReport, Since, TargetDrift};
pub use field::{Field, FieldChange, ValueChange};
pub use fingerprint::{Fingerprint, NoFingerprint};
pub use gates::{BreachInfo, GateInfo, GateOutcome, GateSource};
pub use impact::{
    AccessChange, AudienceImpact, DecidingRule, Enforcement, EnforcementChange, Impact,
    UnreadableResource,
};
pub use origin::{ChangeOrigin, Origin, Origins, TargetOrigins};
pub use plan::{Commit, FORMAT_VERSION, Plan, TargetInfo, TargetPlan};
pub use resource::{LiveCounts, ResourceId, ResourceKind, document_id, group_id, pack_id};
