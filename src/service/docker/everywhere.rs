//! The resource `**`: every host, or every path of every format.

use model::docker::pattern::{HostPattern, NetworkPattern, PathPattern};
use model::docker::{Decision, Rule, RuleAccess, RuleMeaning};

/// The resources that are every host or every path, each as text and in words.
pub(super) fn all_hosts_or_paths(access: &RuleAccess) -> Vec<(String, String)> {
    match access {
        RuleAccess::Network { resources, .. } => resources
            .iter()
            .filter_map(|text| {
                let pattern = NetworkPattern::parse(text).ok()?;
                pattern.host().filter(|host| host.matches_all())?;
                let on_port = pattern.port().map(|port| format!(" on port {port}"));
                let words = format!("every host{}", on_port.unwrap_or_default());
                Some((text.clone(), words))
            })
            .collect(),
        RuleAccess::Http { resources, .. } => resources
            .iter()
            .filter(|resource| {
                HostPattern::parse(&resource.host).is_ok_and(|host| host.matches_all())
            })
            .map(|resource| {
                let words = format!("requests to `{}` of every host", resource.path);
                (resource.to_string(), words)
            })
            .collect(),
        RuleAccess::Filesystem { resources, .. } => resources
            .iter()
            .filter(|text| PathPattern::parse(text).is_ok_and(|path| path.matches_all()))
            .map(|text| (text.clone(), "every path of every format".to_owned()))
            .collect(),
    }
}

/// Whether a rule that is created, or changed from `before`, opens every host or every path in a
/// way that it did not before.
pub(super) fn opens_everywhere(before: Option<&Rule>, after: &Rule) -> bool {
    let RuleMeaning { decision, access } = after.meaning();
    if decision != Decision::Allow {
        return false;
    }
    let opened = all_hosts_or_paths(access);
    let before = before.map(Rule::meaning);
    let known = before.filter(|before| before.decision == Decision::Allow);
    let Some(known) = known else {
        return !opened.is_empty();
    };
    let texts = all_hosts_or_paths(known.access);
    let has_new_action = access
        .actions()
        .iter()
        .any(|action| !known.access.actions().contains(action));
    opened
        .iter()
        .any(|resource| has_new_action || !texts.contains(resource))
}
