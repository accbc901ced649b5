//! The meaning of rules: exact sets of requests, decisions, differences and witnesses. No I/O.
//!
//! In textbook terms, the resources of all rules generate a finite Boolean algebra of request sets.
//! Its atoms are the sets of requests that match exactly the same resources. This crate enumerates
//! nonempty regions, each a subset of one atom. Deny overrides allow, so every question (is this
//! rule ever decisive, what does a change open, does a gate pass) is a Boolean formula over those
//! resources. A formula has one value on each region. Evaluating it on one request of every region
//! is therefore a proof, not a sample.
//!
//! Regions are enumerated in four steps: `segments` stores patterns in a trie that is read as an
//! NFA, `walk` applies the subset construction to it, `classes` splits the infinite alphabet of
//! segments into finitely many classes, and `survey` and `regions` form the product with
//! transports, ports, methods and HTTP paths. The number of regions can grow exponentially in the
//! number of wildcards, so that `budget` limits the work. A question that exceeds the budget is an
//! error, never a guess.
//!
//! Example: the rules "allow tcp `**.example.com`" and "deny tcp `ftp.example.com:21`" have three
//! regions: all other names below `example.com` (allowed), `ftp.example.com` on port 21 (denied)
//! and `ftp.example.com` on other ports (allowed).
//!
//! `docs/explanation/access.md` defines the semantics as a table of examples, which the tests run.

#![warn(missing_docs)]

mod address_ranges;
mod applicable;
mod atoms;
mod audience;
mod authority;
mod bits;
mod bounds;
mod budget;
pub mod cedar;
mod compare;
mod cover;
mod decide;
mod difference;
mod gate;
mod gate_check;
mod gate_kind;
mod index;
mod lookup;
mod overlap;
mod parse;
mod parsed;
mod partition;
mod pasted;
mod pattern_text;
mod people;
mod question;
mod reading;
mod regions;
mod remedy;
mod request;
mod request_pattern;
mod segment_classes;
mod segment_kind;
mod segments;
mod sets;
mod single;
mod suite;
mod terms;
mod unknown;
mod usage;
mod walk;
mod widening;

pub use applicable::{
    ApplicableRule, ApplicableRules, AttributedDecision, OrganizationPolicies, RulePosition,
};
pub use atoms::{Atom, AtomFinder};
pub use audience::{Audience, NamedAudience};
pub use authority::{PortError, without_user_info};
pub use budget::TooComplex;
pub use cedar::nesting;
pub use cedar::{
    ApplicableCedarPolicies, CedarComparison, CedarDecision, CedarError, CedarFailure,
    CedarRequest, CedarRequestContext, CedarRequestError, CedarRow, CedarStatement, DecisionCase,
    EnforcementComparison, EnforcementDifference, EnforcementRow, McpBreach, McpGateCheck,
    McpGateResult, McpPattern, NO_PRINCIPAL, StatementDifference, StatementEffect,
    StatementSummary, has_statements, statement_differences,
};
pub use compare::{Comparison, ComparisonResult, compare};
pub use decide::{DecidingResource, ExplainedDecision, RuleSet};
pub use difference::{AccessDifference, AccessEffect, AccessRow, NotListed, RowKind};
pub use gate::{Gate, GatePattern, GatePatternError};
pub use gate_check::{GateBreach, GateCheck, ScopedRule};
pub use gate_kind::GateKind;
pub use index::InvalidResource;
pub use parse::RequestParseError;
pub use pasted::PastedRequest;
pub use people::{GroupTable, Membership, People};
pub use question::{AccessQuestion, LONGEST_QUESTION, QuestionError};
pub use remedy::{Addition, Remedy};
pub use request::{AccessRequest, Destination, FilePath, PortSet};
pub use request_pattern::{RequestPattern, RequestPatternError};
pub use sets::RequestSet;
pub use single::{
    ChangeDirection, ChangedPeople, PeopleNotListed, RequestAnswer, RequestChange,
    RequestComparison,
};
pub use suite::{
    Coverage, CoveredRule, CoveredStatement, Decider, Expectation, ExpectationOutcome, ask,
    coverage,
};
pub use unknown::{Answer, Outcome, UnknownCause};
pub use usage::{
    BlockingDeny, RangeOverlap, ResourcePosition, ResourceSpace, ResourceUsage, RuleUsage,
    RuleWithScope, UsageReport, UsageStatus, usage,
};
pub use widening::WideningPattern;
