//! The size of a policy in a request.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};

use model::diag::{Code, Diagnostic};
use model::docker::{
    Action, Cedar, Decision, DesiredPolicy, Extensions, HttpResource, PolicyContent, Rule,
    RuleAccess, Scope, TeamId,
};

/// Maximum size of a policy in bytes of its JSON object (FACTS, "Limits": "400 KB" per policy). It is read as 400,000
/// bytes, the stricter reading; 400 KiB are 409,600.
pub(super) const LARGEST_POLICY: usize = 400_000;
/// JSON needs at most six bytes for each byte of UTF-8 (`\u0000`).
const MOST_BYTES: usize = 6;
/// More than the keys, quotes and server-side ids of a rule or policy need.
const FRAME: usize = 256;

#[derive(Serialize)]
struct WirePolicy<'a> {
    name: &'a str,
    scope: WireScope<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowlist_v0: Option<WireRules<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cedar_v1: Option<&'a Cedar>,
    #[serde(flatten)]
    extensions: Map<String, Value>,
}

#[derive(Serialize)]
struct WireScope<'a> {
    teams: Vec<&'a TeamId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    profiles: Vec<&'a str>,
}

#[derive(Serialize)]
struct WireRules<'a> {
    rules: Vec<WireRule<'a>>,
}

#[derive(Serialize)]
struct WireRule<'a> {
    name: &'a str,
    decision: Decision,
    actions: Vec<Action>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_resources: Option<Vec<&'a HttpResource>>,
    #[serde(flatten)]
    extensions: Map<String, Value>,
}

/// Reports a policy that exceeds the limit.
pub(super) fn check(policy: &DesiredPolicy) -> Option<Diagnostic> {
    if upper_bound(policy) <= LARGEST_POLICY {
        return None;
    }
    let bytes = measure(policy);
    (bytes > LARGEST_POLICY).then(|| {
        let message = format!(
            "the policy `{}` exceeds the size limit of the service",
            policy.name
        );
        Diagnostic::new(Code::LimitExceeded, message, policy.place())
            .label(format!("{bytes} of {LARGEST_POLICY} bytes"))
            .help("split the policy in two, or replace single hosts with wildcards")
    })
}

/// An upper bound that needs no allocation. Nearly all policies are far below the limit.
fn upper_bound(policy: &DesiredPolicy) -> usize {
    let DesiredPolicy {
        name,
        aliases: _,
        protect: _,
        scope: Scope { teams, profiles },
        content,
        extensions,
        document: _,
    } = policy;
    let content: usize = match content {
        PolicyContent::Cedar(Cedar { text, schema_url }) => text.len() + schema_url.len(),
        PolicyContent::Rules(rules) => rules.iter().map(|rule| rule_upper_bound(&rule.rule)).sum(),
    };
    let profiles: usize = profiles.iter().map(|profile| profile.len() + 3).sum();
    let extensions = extensions_upper_bound(extensions);
    MOST_BYTES * (FRAME + name.as_str().len() + content + profiles + extensions + teams.len() * 40)
}

fn extensions_upper_bound(extensions: &Extensions) -> usize {
    extensions
        .iter()
        .map(|(name, value)| name.len() + value.to_string().len() + 4)
        .sum()
}

fn rule_upper_bound(rule: &Rule) -> usize {
    let Rule {
        name,
        // One of two words, which `FRAME` covers.
        decision: _,
        access,
        extensions,
    } = rule;
    FRAME + name.as_str().len() + texts(access) + extensions_upper_bound(extensions)
}

fn texts(access: &RuleAccess) -> usize {
    match access {
        RuleAccess::Network { resources, .. } | RuleAccess::Filesystem { resources, .. } => {
            resources.iter().map(|text| text.len() + 3).sum()
        }
        RuleAccess::Http { resources, .. } => resources
            .iter()
            .map(|it| it.host.len() + it.path.len() + 40)
            .sum(),
    }
}

/// The bytes of the policy as a JSON object, without the fields that the server adds.
fn measure(policy: &DesiredPolicy) -> usize {
    let DesiredPolicy {
        name,
        aliases: _,
        protect: _,
        scope: Scope { teams, profiles },
        content,
        extensions,
        document: _,
    } = policy;
    let (allowlist_v0, cedar_v1) = match content {
        PolicyContent::Rules(rules) => {
            let rules = rules.iter().map(|rule| wire_rule(&rule.rule)).collect();
            (Some(WireRules { rules }), None)
        }
        PolicyContent::Cedar(cedar) => (None, Some(cedar)),
    };
    let scope = WireScope {
        teams: teams.iter().collect(),
        profiles: profiles.iter().map(String::as_str).collect(),
    };
    let wire = WirePolicy {
        name: name.as_str(),
        scope,
        allowlist_v0,
        cedar_v1,
        extensions: extensions.to_fields(),
    };
    let mut counter = ByteCounter(0);
    // Counting cannot fail. If it did, reject the policy rather than let it pass.
    serde_json::to_writer(&mut counter, &wire).map_or(usize::MAX, |()| counter.0)
}

fn wire_rule(rule: &Rule) -> WireRule<'_> {
    let Rule {
        name,
        decision,
        access,
        extensions,
    } = rule;
    let (resources, http_resources) = match access {
        RuleAccess::Network { resources, .. } | RuleAccess::Filesystem { resources, .. } => {
            (Some(resources.iter().map(String::as_str).collect()), None)
        }
        RuleAccess::Http { resources, .. } => (None, Some(resources.iter().collect())),
    };
    WireRule {
        name: name.as_str(),
        decision: *decision,
        actions: access.actions(),
        resources,
        http_resources,
        extensions: extensions.to_fields(),
    }
}

struct ByteCounter(usize);

impl Write for ByteCounter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
