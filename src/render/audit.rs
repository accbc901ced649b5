//! Renders the audit record of a run.

use super::commit;
use super::text::{neutral, neutral_json};
use crate::run::audit::{AuditRecord, AuditReport};
use crate::run::journal::RunKind;
use git::{SignatureScheme, SignedBy};

/// Records as indented JSON with a final newline. Characters that could control a terminal are
/// escaped.
///
/// # Errors
/// The record cannot be serialized, which does not happen for plain data.
pub fn json(report: &AuditReport) -> serde_json::Result<String> {
    let text = serde_json::to_string_pretty(report)? + "\n";
    Ok(neutral_json(&text).into_owned())
}

/// The record in a few lines, for logs.
pub fn human(record: &AuditRecord) -> String {
    let AuditRecord {
        run,
        kind,
        commit,
        signed_by,
        plan_signed_by,
        plan,
        ..
    } = record;
    let kind = match kind {
        RunKind::Apply => String::new(),
        RunKind::Rollback(run) => format!(", a rollback of {run}"),
        RunKind::Call(call) => format!(", a call of {}", neutral(&call.operation)),
    };
    let mut text = format!("Audit: run {run}{kind}, plan {plan}.\n");
    if let Some(commit) = commit {
        text.push_str(&format!(
            "  {}\n",
            commit::line(commit, |data| neutral(data).into_owned())
        ));
    }
    if let Some(signed_by) = signed_by {
        text.push_str(&format!("  Signed by {}.\n", signer(signed_by)));
    }
    if let Some(signed_by) = plan_signed_by {
        text.push_str(&format!("  Plan signed by {}.\n", signer(signed_by)));
    }
    text
}

/// The signer, the key, and who authorized it.
pub(crate) fn signer(signed_by: &SignedBy) -> String {
    let SignedBy {
        scheme,
        key,
        signer,
        base,
    } = signed_by;
    let scheme = match scheme {
        SignatureScheme::Ssh => "SSH",
        SignatureScheme::Openpgp => "OpenPGP",
    };
    let base = base.get(..10).unwrap_or(base);
    format!(
        "{} with the {scheme} key {}, as {} allows",
        neutral(signer),
        neutral(key),
        neutral(base)
    )
}
