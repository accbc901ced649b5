//! What rules mean: exact sets of requests, decisions, differences and witnesses. No input or output happens here.
//!
//! All requests fall into finitely many regions in which every request meets the same patterns; a question about
//! all requests is answered by looking at one request of each. There is no sampling and no "unknown".
//! `docs/access.md` holds the semantics as a table of examples that the tests run.

mod audience;
mod bits;
mod budget;
mod classes;
mod compare;
mod coverage;
mod decide;
mod globs;
mod index;
mod lookup;
mod naming;
mod nets;
mod parse;
mod parsed;
mod pattern;
mod pool;
mod ports;
mod regions;
mod request;
mod segments;
mod sets;
mod situations;
mod survey;
mod terms;
mod walk;

pub use audience::Audience;
pub use budget::Entangled;
pub use compare::{Comparison, Difference, Direction, Effect, Row, compare};
pub use coverage::{
    Blocker, Coverage, Overlap, Realm, ResourceCoverage, RuleCoverage, ScopedRule, Spot, Use, coverage,
};
pub use decide::{Reason, RuleSet, Verdict};
pub use index::Unreadable;
pub use parse::RequestError;
pub use pattern::RequestPattern;
pub use pool::{Answer, Pool, PooledRule};
pub use ports::Ports;
pub use request::{Destination, FilePath, Request};
pub use sets::RequestSet;
pub use situations::{Situation, Situations};
