//! The direction in which a call changes access.

use std::collections::BTreeSet;
use std::ops::BitOr;

use model::docker::{Action, Decision, LiveContent, LivePolicy, Rule, RuleAccess, RuleMeaning};

/// What a call may add and remove. All four may be set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallEffect {
    pub adds_deny: bool,
    pub adds_allow: bool,
    pub removes_allow: bool,
    pub removes_deny: bool,
}

impl CallEffect {
    pub const NONE: Self = Self {
        adds_deny: false,
        adds_allow: false,
        removes_allow: false,
        removes_deny: false,
    };

    /// The effect of creating a rule.
    pub fn adding(decision: Decision) -> Self {
        match decision {
            Decision::Allow => Self {
                adds_allow: true,
                ..Self::NONE
            },
            Decision::Deny => Self {
                adds_deny: true,
                ..Self::NONE
            },
        }
    }

    /// The effect of deleting a rule.
    pub fn removing(decision: Decision) -> Self {
        match decision {
            Decision::Allow => Self {
                removes_allow: true,
                ..Self::NONE
            },
            Decision::Deny => Self {
                removes_deny: true,
                ..Self::NONE
            },
        }
    }

    /// The effect of updating a rule. Resources are compared as strings: a pattern that covers
    /// another one counts as an exchange, which is safe.
    pub fn of_update(before: &Rule, after: &Rule) -> Self {
        let RuleMeaning {
            decision: old_decision,
            access: old_access,
        } = before.meaning();
        let RuleMeaning { decision, access } = after.meaning();
        if old_decision != decision {
            return Self::removing(old_decision) | Self::adding(decision);
        }
        let grows = !covers(old_access, access);
        let shrinks = !covers(access, old_access);
        let adding = if grows {
            Self::adding(decision)
        } else {
            Self::NONE
        };
        let removing = if shrinks {
            Self::removing(old_decision)
        } else {
            Self::NONE
        };
        adding | removing
    }

    /// Whether it only replaces denies by denies.
    pub fn swaps_denies_only(self) -> bool {
        self.adds_deny && self.removes_deny && !self.adds_allow && !self.removes_allow
    }
}

impl BitOr for CallEffect {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self {
            adds_deny: self.adds_deny || other.adds_deny,
            adds_allow: self.adds_allow || other.adds_allow,
            removes_allow: self.removes_allow || other.removes_allow,
            removes_deny: self.removes_deny || other.removes_deny,
        }
    }
}

/// Whether `wide` contains every pair of action and resource of `narrow`, compared as strings.
fn covers(wide: &RuleAccess, narrow: &RuleAccess) -> bool {
    let actions: BTreeSet<Action> = wide.actions().into_iter().collect();
    if !narrow
        .actions()
        .iter()
        .all(|action| actions.contains(action))
    {
        return false;
    }
    match (wide, narrow) {
        (
            RuleAccess::Network {
                resources: wide, ..
            },
            RuleAccess::Network {
                resources: narrow, ..
            },
        )
        | (
            RuleAccess::Filesystem {
                resources: wide, ..
            },
            RuleAccess::Filesystem {
                resources: narrow, ..
            },
        ) => narrow.as_set().is_subset(wide.as_set()),
        (
            RuleAccess::Http {
                resources: wide, ..
            },
            RuleAccess::Http {
                resources: narrow, ..
            },
        ) => narrow.as_set().is_subset(wide.as_set()),
        (
            RuleAccess::Network { .. } | RuleAccess::Http { .. } | RuleAccess::Filesystem { .. },
            _,
        ) => false,
    }
}

/// The combined effect of all rules of a policy.
pub(super) fn content_effect(
    policy: &LivePolicy,
    of: impl Fn(Decision) -> CallEffect,
) -> CallEffect {
    match &policy.content {
        LiveContent::Rules(rules) => rules
            .iter()
            .filter_map(|rule| rule.rule.as_ref().ok())
            .fold(CallEffect::NONE, |effect, rule| effect | of(rule.decision)),
        LiveContent::Cedar(_) | LiveContent::Opaque(_) => of(Decision::Allow) | of(Decision::Deny),
    }
}
