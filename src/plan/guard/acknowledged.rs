//! Acknowledgements: `deletes=14,prune=2,plan=0f3a6c2b9d1e4587`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::kind::Guard;

/// Identifies one plan of one target: the first digits of its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanMark(String);

impl PlanMark {
    const DIGITS: usize = 16;

    pub(super) fn new(hex: &str) -> Self {
        Self(hex.chars().take(Self::DIGITS).collect())
    }
}

impl fmt::Display for PlanMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The exact numbers that are acknowledged, for one target and optionally for one plan only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acknowledgement {
    /// May be omitted if a plan has only one target.
    pub target: Option<String>,
    pub counts: BTreeMap<Guard, usize>,
    /// If present, the acknowledgement applies to this plan only.
    pub plan: Option<PlanMark>,
}

/// An invalid acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AcknowledgementError {
    /// A part is not of the form `name=number`.
    #[error("`{0}` is not of the form `[TARGET:]deletes=14,updates=30,plan=0123456789abcdef`")]
    Form(String),
    /// Unknown guard.
    #[error(
        "unknown guard `{0}`; expected deletes, updates, prune, scope-widens, last-deny, protected, pack-removed, all-hosts, mcp or not-analyzed"
    )]
    NoGuard(String),
    /// Duplicate guard.
    #[error("duplicate guard `{0}`")]
    Twice(String),
}

impl FromStr for Acknowledgement {
    type Err = AcknowledgementError;
    fn from_str(text: &str) -> Result<Self, AcknowledgementError> {
        let form = || AcknowledgementError::Form(text.to_owned());
        let (target, parts) = match text.rsplit_once(':') {
            Some(("", _)) => return Err(form()),
            Some((target, parts)) => (Some(target.to_owned()), parts),
            None => (None, text),
        };
        let mut acknowledged = Self {
            target,
            ..Self::default()
        };
        for part in parts.split(',') {
            let (name, value) = part.split_once('=').ok_or_else(form)?;
            let name = name.trim();
            let value = value.trim();
            let again = if name == "plan" {
                let is_mark = value.len() == PlanMark::DIGITS
                    && value
                        .bytes()
                        .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
                let mark = is_mark
                    .then(|| PlanMark(value.to_owned()))
                    .ok_or_else(form)?;
                acknowledged.plan.replace(mark).is_some()
            } else {
                let guard = Guard::ALL
                    .iter()
                    .copied()
                    .find(|guard| guard.as_str() == name);
                let guard = guard.ok_or_else(|| AcknowledgementError::NoGuard(name.to_owned()))?;
                acknowledged
                    .counts
                    .insert(guard, value.parse().map_err(|_| form())?)
                    .is_some()
            };
            if again {
                return Err(AcknowledgementError::Twice(name.to_owned()));
            }
        }
        Ok(acknowledged)
    }
}

impl fmt::Display for Acknowledgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            target,
            counts,
            plan,
        } = self;
        if let Some(target) = target {
            write!(f, "{target}:")?;
        }
        let counts = counts
            .iter()
            .map(|(guard, count)| format!("{}={count}", guard.as_str()));
        let parts: Vec<String> = counts
            .chain(plan.iter().map(|plan| format!("plan={plan}")))
            .collect();
        f.write_str(&parts.join(","))
    }
}
