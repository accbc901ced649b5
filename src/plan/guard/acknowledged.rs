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

    fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_mark = text.len() == Self::DIGITS && text.bytes().all(is_digit);
        is_mark.then(|| Self(text.to_owned()))
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
    #[error("`{0}` stands there twice")]
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
                let mark = PlanMark::parse(value).ok_or_else(form)?;
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

/// The prefix of a label that accepts all guards of a plan. Labels of GitHub have at most 50 characters, which is too
/// short for the numbers.
const LABEL: &str = "polwarden-ack-";

/// An acknowledgement that was given in the review of a change. It always names the plan, because what is applied after
/// the merge may be another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewAcknowledgement {
    target: Option<String>,
    /// The numbers; `None` for a label, which accepts all guards of the plan.
    counts: Option<BTreeMap<Guard, usize>>,
    plan: PlanMark,
}

impl FromStr for ReviewAcknowledgement {
    type Err = AcknowledgementError;

    fn from_str(text: &str) -> Result<Self, AcknowledgementError> {
        let form = || AcknowledgementError::Form(text.to_owned());
        if let Some(mark) = text.strip_prefix(LABEL) {
            return Ok(Self {
                target: None,
                counts: None,
                plan: PlanMark::parse(mark).ok_or_else(form)?,
            });
        }
        let Acknowledgement {
            target,
            counts,
            plan,
        } = text.parse()?;
        Ok(Self {
            target,
            counts: Some(counts),
            plan: plan.ok_or_else(form)?,
        })
    }
}

impl ReviewAcknowledgement {
    /// What it accepts of the plan of a target: nothing of another plan than the one that it names.
    pub fn of_target(&self, needed: &Acknowledgement) -> Option<BTreeMap<Guard, usize>> {
        let is_meant = self.target.is_none() || self.target == needed.target;
        if !is_meant || needed.plan.as_ref() != Some(&self.plan) {
            return None;
        }
        let counts = self.counts.as_ref().unwrap_or(&needed.counts);
        Some(counts.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = "0123456789abcdef";

    fn needed() -> Acknowledgement {
        format!("production:prune=2,deletes=14,plan={MARK}")
            .parse()
            .unwrap()
    }

    fn accepted(text: &str) -> Option<BTreeMap<Guard, usize>> {
        let review: ReviewAcknowledgement = text.parse().unwrap();
        review.of_target(&needed())
    }

    #[test]
    fn a_label_accepts_all_guards_of_its_plan() {
        assert_eq!(accepted(&format!("{LABEL}{MARK}")), Some(needed().counts));
        assert_eq!(accepted(&format!("{LABEL}0123456789abcde0")), None);
    }

    #[test]
    fn a_value_accepts_its_numbers_for_its_plan_and_target() {
        let counts = BTreeMap::from([(Guard::Prune, 2)]);
        assert_eq!(
            accepted(&format!("prune=2,plan={MARK}")),
            Some(counts.clone())
        );
        assert_eq!(
            accepted(&format!("production:prune=2,plan={MARK}")),
            Some(counts)
        );
        assert_eq!(accepted(&format!("staging:prune=2,plan={MARK}")), None);
        assert_eq!(accepted("prune=2,plan=0123456789abcde0"), None);
        // Only a label accepts everything.
        assert_eq!(accepted(&format!("plan={MARK}")), Some(BTreeMap::new()));
    }

    #[test]
    fn a_review_must_name_the_plan() {
        for text in ["prune=2", "", "polwarden-ack-", "polwarden-ack-0123", "x"] {
            assert!(text.parse::<ReviewAcknowledgement>().is_err(), "{text}");
        }
    }
}
