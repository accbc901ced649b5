//! Which way a call moves the line between what is allowed and what is not.

use std::collections::BTreeSet;
use std::ops::BitOr;

use model::docker::{Action, Decision, Rule, RuleAccess, RuleMeaning};

/// What a call may add and take away. All four can hold at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effect {
    /// Something becomes denied that was not.
    pub adds_deny: bool,
    /// Something becomes allowed by a rule that was not.
    pub adds_allow: bool,
    /// Some allow goes.
    pub removes_allow: bool,
    /// Some deny goes.
    pub removes_deny: bool,
}

impl Effect {
    /// Nothing moves.
    pub const NONE: Self = Self {
        adds_deny: false,
        adds_allow: false,
        removes_allow: false,
        removes_deny: false,
    };

    /// A rule with this decision appears.
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

    /// A rule with this decision goes.
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

    /// A rule becomes another one. Resources are compared as texts: a pattern that covers another still counts as
    /// an exchange, which is never less safe.
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

    /// Whether this only exchanges denies.
    pub fn swaps_denies_only(self) -> bool {
        self.adds_deny && self.removes_deny && !self.adds_allow && !self.removes_allow
    }
}

impl BitOr for Effect {
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

/// Whether every pair of action and resource of `narrow` is one of `wide`, as texts.
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
