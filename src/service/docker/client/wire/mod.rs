//! The wire format: JSON of the service ↔ values of the model.
//!
//! Decoding is lenient where the service may have grown (unknown fields, actions, decisions, types of policies: kept as
//! they are) and strict where it would be guessing (a known field that is missing or of another type).

mod body;
mod policy;
mod rule;

pub(super) use body::{BodyError, new_policy, policy_patch, rule, rule_patch};
pub(super) use policy::{PolicyTypeSource, SummaryAnswer, policy};
pub(super) use rule::live_rule;
