//! Digests of live objects and of plans.

use std::fmt;
use std::io;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::types::{Plan, TargetPlan};
use crate::model::docker::{LiveContent, LivePolicy, LiveRule};

/// `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    pub(super) fn of(mut value: Value) -> Self {
        value.sort_all_objects();
        Self::from_digest(&Sha256::digest(value.to_string()))
    }

    /// The digest of plain data whose fields have a fixed order: its JSON is digested as it is written, since the plan
    /// of a whole organization is large.
    fn of_plain(data: &impl Serialize) -> Result<Self, serde_json::Error> {
        let mut digest = Digesting { digest: Sha256::new(), waiting: Vec::with_capacity(2 * CHUNK) };
        serde_json::to_writer(&mut digest, data)?;
        let Digesting { mut digest, waiting } = digest;
        digest.update(waiting);
        Ok(Self::from_digest(&digest.finalize()))
    }

    fn from_digest(digest: &[u8]) -> Self {
        Self(format!("sha256:{}", HEXLOWER.encode(digest)))
    }

    /// The digits, without the name of the digest.
    pub(super) fn hex(&self) -> &str {
        self.0.strip_prefix("sha256:").unwrap_or(&self.0)
    }
}

/// How many bytes are digested at a time: the serializer writes a few of them at once.
const CHUNK: usize = 16 * 1024;

/// Digests what is written to it.
struct Digesting {
    digest: Sha256,
    waiting: Vec<u8>,
}

impl io::Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= CHUNK {
            self.digest.update(&self.waiting);
            self.waiting.clear();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no digest; one is `sha256:` and 64 hexadecimal digits, as `polwarden plan` shows it")]
pub struct NoFingerprint(String);

impl FromStr for Fingerprint {
    type Err = NoFingerprint;
    fn from_str(text: &str) -> Result<Self, NoFingerprint> {
        let hex = text.strip_prefix("sha256:").map(str::to_ascii_lowercase);
        let fits = |hex: &String| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        hex.filter(fits).map(|hex| Self(format!("sha256:{hex}"))).ok_or_else(|| NoFingerprint(text.to_owned()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The digest of all that a live policy says, what this version does not know included; times are left out, and the
/// order of rules does not count.
pub fn fingerprint(policy: &LivePolicy) -> Fingerprint {
    let LivePolicy { id, name, scope, unknown_scope_fields, content, created_at: _, updated_at: _, unknown_fields } =
        policy;
    let content = match content {
        LiveContent::Rules(rules) => {
            let mut rules: Vec<&LiveRule> = rules.iter().collect();
            rules.sort_by(|a, b| a.id.cmp(&b.id));
            json!({ "rules": rules.into_iter().map(rule).collect::<Vec<_>>() })
        }
        LiveContent::Cedar(cedar) => json!({ "cedar": cedar }),
        LiveContent::Opaque(opaque) => json!({ "opaque": opaque.raw }),
    };
    Fingerprint::of(json!({
        "id": id, "name": name, "scope": scope, "unknownScope": unknown_scope_fields,
        "content": content, "unknown": unknown_fields,
    }))
}

fn rule(rule: &LiveRule) -> Value {
    let LiveRule { id, name, rule, unknown_fields } = rule;
    let body = match rule {
        Ok(rule) => json!(rule),
        Err(opaque) => opaque.raw.clone(),
    };
    json!({ "id": id, "name": name, "rule": body, "unknown": unknown_fields })
}

/// The digest of the plan of one target.
pub(super) fn target_digest(plan: &TargetPlan) -> Result<Fingerprint, serde_json::Error> {
    Fingerprint::of_plain(plan)
}

/// The digest of a plan: equal plans have equal digests, whoever made them where. The commit and the origins of
/// changes do not count, so that a plan that was looked at on a branch is the same plan once that is merged.
///
/// # Errors
/// Passes on what the serializer says; plain data gives it no reason to.
pub fn plan_digest(plan: &Plan) -> Result<Fingerprint, serde_json::Error> {
    let Plan { format_version, tool_version, commit: _, tree, digest: _, origins: _, targets } = plan;
    Fingerprint::of_plain(&(format_version, tool_version, tree, targets))
}

/// The digest of files: of their names and their bytes, in the order of their names.
pub fn tree_digest<'f>(files: impl IntoIterator<Item = (&'f str, &'f [u8])>) -> Fingerprint {
    let mut files: Vec<(&str, &[u8])> = files.into_iter().collect();
    files.sort_unstable();
    let mut digest = Sha256::new();
    for (name, bytes) in files {
        // Lengths keep two names and texts from being read as one.
        digest.update(format!("{}:{name}{}:", name.len(), bytes.len()));
        digest.update(bytes);
    }
    Fingerprint::from_digest(&digest.finalize())
}
