//! What rules mean: exact sets of requests, decisions, differences and witnesses. No input or output happens here.
//!
//! All requests fall into finitely many regions in which every request meets the same patterns; a question about
//! all requests is answered by looking at one request of each. There is no sampling and no "unknown".
//! `docs/access.md` holds the semantics as a table of examples that the tests run.

mod audience;
mod bits;
mod bounds;
mod budget;
mod classes;
mod compare;
mod decide;
mod gate;
mod index;
mod naming;
mod nets;
mod parse;
mod parsed;
mod pool;
mod ports;
mod remedy;
mod request;
mod request_pattern;
mod segments;
mod situations;
mod survey;
mod terms;
mod walk;

pub use audience::{Audience, NamedAudience};
pub use budget::Entangled;
pub use compare::{Comparison, Difference, Direction, Effect, Row, compare};
pub use decide::{Reason, RuleSet, Verdict};
pub use gate::{Gate, GateBreach, GateCheck, GateKind, ScopedRule};
pub use index::Unreadable;
pub use parse::RequestError;
pub use pool::{Answer, Pool, PooledRule};
pub use ports::Ports;
pub use remedy::{Addition, Remedy};
pub use request::{Destination, FilePath, Request};
pub use request_pattern::{RequestPattern, RequestPatternError};
pub use situations::{Situation, Situations};
