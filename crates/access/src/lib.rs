//! What rules mean: exact sets of requests, decisions, differences and witnesses. No input or output happens here.
//!
//! All requests fall into finitely many regions in which every request meets the same patterns; a question about
//! all requests is answered by looking at one request of each. There is no sampling and no "unknown".
//! `docs/access.md` holds the semantics as a table of examples that the tests run.

mod audience;
mod bits;
mod bounds;
mod budget;
pub mod cedar;
mod classes;
mod compare;
mod decide;
mod difference;
mod gate;
mod globs;
mod index;
mod lookup;
mod meeting;
mod naming;
mod nets;
mod parse;
mod parsed;
mod policies;
mod pool;
mod ports;
mod question;
mod regions;
mod remedy;
mod request;
mod request_pattern;
mod segments;
mod sets;
mod situations;
mod suite;
mod survey;
mod terms;
mod usage;
mod walk;

pub use audience::{Audience, NamedAudience};
pub use budget::Entangled;
pub use cedar::nesting;
pub use cedar::{
    CedarAnswer, CedarError, CedarFailure, CedarPool, CedarRequest, CedarRequestError,
    CedarStatement, Circumstances,
};
pub use compare::{Compared, Comparison, compare};
pub use decide::{Reason, RuleSet, Verdict};
pub use difference::{Difference, Direction, Effect, Row};
pub use gate::{Gate, GateBreach, GateCheck, GateKind, ScopedRule};
pub use index::Unreadable;
pub use parse::RequestError;
pub use policies::Policies;
pub use pool::{Answer, Pool, PooledRule, RulePosition};
pub use ports::Ports;
pub use question::{LONGEST_QUESTION, Question, QuestionError};
pub use remedy::{Addition, Remedy};
pub use request::{Destination, FilePath, Request};
pub use request_pattern::{RequestPattern, RequestPatternError};
pub use sets::RequestSet;
pub use situations::{Situation, Situations};
pub use suite::{
    Coverage, CoveredRule, CoveredStatement, Decider, Expectation, Outcome, ask, coverage,
};
pub use usage::{
    Blocker, Overlap, ReachingRule, Realm, ResourceUsage, RuleUsage, Spot, Usage, Use, usage,
};
