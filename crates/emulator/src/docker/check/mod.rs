//! Validation of request contents. Where the contract is silent, these checks are permissive.

pub(super) mod cedar;
mod host;
mod path;
pub(super) mod rule;

pub(super) use rule::RuleFields;
