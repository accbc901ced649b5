//! The live rules that no call of a plan can touch: neither directly, nor by a request that they have in common with
//! what a call brings or takes. Questions about what changes need not look at them.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::timeline::Timeline;
use super::types::Call;
use crate::access::meets;
use crate::model::docker::{LiveState, PolicyId, Rule, RuleId};

/// Live rules by their ids. It may hold fewer than it could, never more.
#[derive(Debug, Default)]
pub(super) struct Far<'a>(HashSet<(&'a PolicyId, &'a RuleId), RandomState>);

impl<'a> Far<'a> {
    /// The rules that are far from what these calls change, in whatever order. Calls that do not fit the state might
    /// touch anything.
    pub(super) fn from(live: &'a LiveState, calls: &'a [Call]) -> Self {
        let nothing = Self::default();
        let Ok(timeline) = Timeline::new(live, calls, &nothing) else { return nothing };
        let (mut changed, mut others): (Vec<&Rule>, Vec<(&Rule, _)>) = (Vec::new(), Vec::new());
        for track in &timeline.rules {
            match track.known_as.filter(|_| !timeline.is_moved(track)) {
                Some(id) => others.extend(track.contents.iter().map(|span| (&*span.what, id))),
                None => changed.extend(track.contents.iter().map(|span| &*span.what)),
            }
        }
        let rules: Vec<&Rule> = others.iter().map(|(rule, _)| *rule).collect();
        let near = meets(&changed, &rules);
        Self(others.into_iter().zip(near).filter(|(_, near)| !near).map(|((_, id), _)| id).collect())
    }

    /// Whether a rule is one of them.
    pub(super) fn holds(&self, policy: &PolicyId, rule: &RuleId) -> bool {
        !self.0.is_empty() && self.0.contains(&(policy, rule))
    }
}
