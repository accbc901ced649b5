//! What rules mean: exact sets of requests, decisions, differences and witnesses. No input or output happens here.
//!
//! All requests fall into finitely many regions in which every request meets the same patterns; a question about
//! all requests is answered by looking at one request of each. There is no sampling and no "unknown".
//! `docs/access.md` holds the semantics as a table of examples that the tests run.

mod audience;
mod bounds;
mod classes;
mod compare;
mod decide;
mod gate;
mod index;
mod nets;
mod parse;
mod pool;
mod ports;
mod regions;
mod relevance;
mod request;
mod request_pattern;
mod segments;

pub use audience::{Audience, NamedAudience};
pub use bounds::{Bound, Bounds, Breach, breaches};
pub use compare::{Difference, Direction, Effect, Row, compare};
pub use decide::{Reason, RuleSet, Verdict};
pub use gate::{Gate, GateBreach, GateKind, Held, ScopedRule};
pub use index::Unreadable;
pub use parse::RequestError;
pub use pool::{Answer, Pool, PooledRule};
pub use ports::Ports;
pub use request::{Destination, FilePath, Request};
pub use request_pattern::{RequestPattern, RequestPatternError};
