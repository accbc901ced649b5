//! The calls that close the difference between desired and live, in a safe order; pure and synchronous.
//!
//! [`plan_target`] compares what one target's manifests want with what its organization holds and returns a
//! [`TargetPlan`]: the changes as a person reads them, the calls in a safe order, and what was held back, each with
//! its reason. A [`Plan`] is the only thing that passes between planning, rendering and applying; it can be written
//! to a file and read back.

mod audit;
mod chainloop;
mod difference;
mod docker;
mod drift;
mod effect;
mod fingerprint;
mod gates;
mod guard;
mod impact;
mod link;
mod matching;
mod order;
mod origin;
mod pulumi;
mod recompute;
mod replay;
mod timeline;
mod types;

pub use audit::{Breach as AuditBreach, audit, audit_plan};
pub use chainloop::{
    DocumentBreach, DocumentRequest, audit_documents, document_fingerprint, document_id,
    documents_drift, documents_replayed, plan_documents, recomputed_documents, verify_documents,
};
pub use docker::{Request, plan_gated, plan_target, plan_undo};
pub use drift::drift;
pub use effect::Effect;
pub use fingerprint::{Fingerprint, NoFingerprint, fingerprint, plan_digest, tree_digest};
pub use gates::{BasePlan, Gates, Names, hold_gates};
pub use guard::{
    Acknowledged, AcknowledgedError, Breach, Guard, Guarding, PlanMark, What as GuardedWhat,
    check as check_guards,
};
pub use link::changes_of_calls;
pub use origin::{held_origins, origins};
pub use pulumi::{
    PackBreach, PackModel, PackRequest, audit_packs, group_fingerprint, group_id, pack_fingerprint,
    pack_id, packs_drift, packs_replayed, plan_packs, plan_packs_undo, recomputed_packs,
    verify_packs,
};
pub use recompute::recomputed;
pub use replay::{Mismatch, ReplayError, replay, verify};
pub use types::{
    AccessChange, After, AudienceImpact, Before, BreachInfo, Call, CallId, CallKind, Change,
    ChangeKind, ChangeOrigin, ChangeRef, Commit, DRIFT_FORMAT_VERSION, DecidingRule, DocumentState,
    DocumentStatus, DriftReport, Enforcement, EnforcementChange, FORMAT_VERSION, Field,
    FieldChange, GateInfo, GateOutcome, GateSource, Guarded, GuardedKind, Held, HeldReason, Impact,
    LiveCounts, Note, Origin, Origins, Plan, PolicyRef, Reason, ResourceId, ResourceKind, Sent,
    Since, SourceRef, TargetDrift, TargetInfo, TargetOrigins, TargetPlan, ToSend,
    UnmanagedResource, UnreadableResource, ValueChange,
};

#[cfg(test)]
mod tests;
