//! Changes of enforcement levels, for each pack and for each group that uses it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::changes::SourceLookup;
use super::model::PackModel;
use crate::plan::{Enforcement, EnforcementChange};
use model::pulumi::{
    ALL, EnforcementLevel, LiveGroup, LiveGroupPack, LivePack, LiveVersion, PulumiLiveState,
    VersionNumber,
};

/// The level of each policy; `None` if it could not be decoded.
type Levels = BTreeMap<String, Option<EnforcementLevel>>;

/// The changes of enforcement levels between a state and a model.
pub(crate) fn enforcement(
    before: &PulumiLiveState,
    after: &PackModel,
    known: &dyn SourceLookup,
) -> Vec<EnforcementChange> {
    let PackModel { state, renamed, .. } = after;
    let mut found = Vec::new();
    for pack in &state.packs {
        let newest = before.pack(&pack.name).and_then(LivePack::newest);
        if let (Some(old), Some(new)) = (newest, pack.newest())
            && old.number != new.number
            && old.detail.is_some()
            && new.detail.is_some()
        {
            let old = levels(Some(old), None);
            let new = levels(Some(new), None);
            let mut changed = compare(None, &pack.name, &old, &new, |policy| {
                known.pack(&pack.name, policy)
            });
            // Policies that are added or removed are reported for the groups.
            changed.retain(|change| change.before.is_some() && change.after.is_some());
            found.extend(changed);
        }
    }
    let mut left: BTreeMap<&str, &LiveGroup> = before
        .groups
        .iter()
        .map(|group| (group.name.as_str(), group))
        .collect();
    for group in &state.groups {
        let old = renamed
            .get(&group.name)
            .map_or(group.name.as_str(), String::as_str);
        found.extend(of_group(
            &group.name,
            (before, left.remove(old)),
            (state, Some(group)),
            known,
        ));
    }
    for (name, gone) in left {
        found.extend(of_group(name, (before, Some(gone)), (state, None), known));
    }
    found.sort();
    found
}

fn of_group(
    name: &str,
    (old_state, before): (&PulumiLiveState, Option<&LiveGroup>),
    (new_state, after): (&PulumiLiveState, Option<&LiveGroup>),
    known: &dyn SourceLookup,
) -> Vec<EnforcementChange> {
    let packs = |group: Option<&LiveGroup>| -> BTreeMap<String, LiveGroupPack> {
        let body = group.and_then(|group| group.body.as_ref().ok());
        body.iter()
            .flat_map(|body| &body.packs)
            .map(|pack| (pack.name.clone(), pack.clone()))
            .collect()
    };
    let old = packs(before);
    let new = packs(after);
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let change = |pack: &String| {
        let of = |state: &PulumiLiveState, used: Option<&LiveGroupPack>| {
            let Some(used) = used else {
                return Some(Levels::new());
            };
            let version = version(state, &used.name, used.version)
                .filter(|version| version.detail.is_some())?;
            Some(levels(Some(version), used.config.as_ref()))
        };
        // Nothing is known about a version that was not read.
        let was = of(old_state, old.get(pack));
        let is = of(new_state, new.get(pack));
        let Some((was, is)) = was.zip(is) else {
            return Vec::new();
        };
        compare(Some(name), pack, &was, &is, |_| {
            known.group(name, Some(pack))
        })
    };
    names.into_iter().flat_map(change).collect()
}

fn version<'s>(
    state: &'s PulumiLiveState,
    pack: &str,
    number: VersionNumber,
) -> Option<&'s LiveVersion> {
    state
        .pack(pack)?
        .versions
        .iter()
        .find(|version| version.number == number)
}

/// The level of each policy of a version with a group's configuration.
pub(crate) fn levels(version: Option<&LiveVersion>, config: Option<&Map<String, Value>>) -> Levels {
    let configured = |policy: &str| {
        let level = config?.get(policy)?.get("enforcementLevel")?.as_str()?;
        EnforcementLevel::ALL
            .iter()
            .find(|known| known.as_str() == level)
            .copied()
    };
    let policies = version
        .and_then(|version| version.detail.as_ref())
        .map(|detail| detail.policies.as_slice());
    let level = |policy: &model::pulumi::LivePackPolicy| {
        let own = policy
            .policy
            .as_ref()
            .ok()
            .map(|policy| policy.enforcement_level);
        configured(&policy.name).or_else(|| configured(ALL)).or(own)
    };
    policies
        .unwrap_or_default()
        .iter()
        .map(|policy| (policy.name.clone(), level(policy)))
        .collect()
}

fn compare(
    group: Option<&str>,
    pack: &str,
    before: &Levels,
    after: &Levels,
    locate: impl Fn(Option<&str>) -> Option<crate::plan::SourceRef>,
) -> Vec<EnforcementChange> {
    let policies: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let change = |policy: &String| {
        let was = before.get(policy).copied().flatten();
        let is = after.get(policy).copied().flatten();
        let strictness =
            |level: Option<EnforcementLevel>| level.map_or(0, EnforcementLevel::strictness);
        let direction = match strictness(is).cmp(&strictness(was)) {
            std::cmp::Ordering::Greater => Enforcement::Tightens,
            std::cmp::Ordering::Less => Enforcement::Loosens,
            // Adding or removing a disabled policy changes nothing.
            std::cmp::Ordering::Equal if was.is_none() || is.is_none() || was == is => return None,
            std::cmp::Ordering::Equal => Enforcement::Changes,
        };
        Some(EnforcementChange {
            direction,
            group: group.map(str::to_owned),
            pack: pack.to_owned(),
            policy: policy.clone(),
            before: was,
            after: is,
            source: locate(Some(policy)),
        })
    };
    policies.into_iter().filter_map(change).collect()
}
