//! Digests of live objects, plans and files.

use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::types::{Fingerprint, Plan, TargetPlan};
use model::docker::{Cedar, LiveContent, LivePolicy, LiveRule, Rule, RuleId};

/// The digest of a live policy, including unknown fields. Times and the order of rules are ignored.
pub fn fingerprint(policy: &LivePolicy) -> Fingerprint {
    let LivePolicy {
        id,
        name,
        scope,
        unknown_scope_fields,
        content,
        created_at: _,
        updated_at: _,
        unknown_fields,
    } = policy;
    let content = match content {
        LiveContent::Rules(rules) => {
            let mut rules: Vec<&LiveRule> = rules.iter().collect();
            rules.sort_by(|a, b| a.id.cmp(&b.id));
            DigestedContent::Rules(rules.into_iter().map(DigestedRule::from).collect())
        }
        LiveContent::Cedar(cedar) => DigestedContent::Cedar(cedar),
        LiveContent::Opaque(opaque) => DigestedContent::Opaque(sorted(&opaque.raw)),
    };
    let unknown_scope = sorted_fields(unknown_scope_fields);
    let unknown = sorted_fields(unknown_fields);
    // Plain data can always be serialized. If it could not, the empty fingerprint would match
    // nothing, so nothing would be overwritten.
    Fingerprint::of_plain(&(id, name, scope, unknown_scope, content, unknown)).unwrap_or_default()
}

#[derive(Serialize)]
enum DigestedContent<'a> {
    Rules(Vec<DigestedRule<'a>>),
    Cedar(&'a Cedar),
    Opaque(Value),
}

/// Id, name, content and unknown fields of a rule.
#[derive(Serialize)]
struct DigestedRule<'a>(
    &'a RuleId,
    &'a str,
    Result<&'a Rule, Value>,
    Map<String, Value>,
);

impl<'a> From<&'a LiveRule> for DigestedRule<'a> {
    fn from(rule: &'a LiveRule) -> Self {
        let LiveRule {
            id,
            name,
            rule,
            unknown_fields,
        } = rule;
        let body = rule.as_ref().map_err(|opaque| sorted(&opaque.raw));
        Self(id, name, body, sorted_fields(unknown_fields))
    }
}

/// The order of fields in a server's answer is ignored.
fn sorted(value: &Value) -> Value {
    let mut value = value.clone();
    value.sort_all_objects();
    value
}

fn sorted_fields(fields: &Map<String, Value>) -> Map<String, Value> {
    let mut fields = fields.clone();
    fields.values_mut().for_each(Value::sort_all_objects);
    fields.sort_keys();
    fields
}

/// The digest that identifies the plan of a target: what is called, what is guarded, and the state
/// of the server. Nothing that differs between a pull request and its merge is part of it, such as lines of
/// files, gates and the base revision, so that what was acknowledged in review applies after the merge.
pub(super) fn target_digest(plan: &TargetPlan) -> Result<Fingerprint, serde_json::Error> {
    let TargetPlan {
        target,
        // They say in words what the calls do.
        changes: _,
        access: _,
        enforcement: _,
        documents: _,
        // Gates of the base revision apply only until the merge.
        gates: _,
        calls,
        held: _,
        unmanaged: _,
        guarded,
        notes: _,
        before,
        live: _,
        requires: _,
    } = plan;
    Fingerprint::of_plain(&(target, calls, guarded, before))
}

/// The digest of a plan. The commit, the origins of changes and the events are not part of it: a plan that
/// was reviewed on a branch is the same plan after the merge.
///
/// # Errors
/// The plan cannot be serialized, which does not happen for plain data.
pub fn plan_digest(plan: &Plan) -> Result<Fingerprint, serde_json::Error> {
    let Plan {
        format_version,
        tool_version,
        commit: _,
        tree,
        digest: _,
        // A partial plan has no digest.
        only: _,
        origins: _,
        // After the merge there is nothing left to compare with.
        events: _,
        targets,
    } = plan;
    Fingerprint::of_plain(&(format_version, tool_version, tree, targets))
}

/// The digest of the names and the bytes of files, in the order of their names.
pub fn tree_digest<'f>(files: impl IntoIterator<Item = (&'f str, &'f [u8])>) -> Fingerprint {
    let mut files: Vec<(&str, &[u8])> = files.into_iter().collect();
    files.sort_unstable();
    let mut digest = Sha256::new();
    for (name, bytes) in files {
        // Lengths make the encoding unambiguous.
        digest.update(format!("{}:{name}{}:", name.len(), bytes.len()));
        digest.update(bytes);
    }
    Fingerprint::from_digest(&digest.finalize())
}
