//! Converts lines of older journals to the present format.
//!
//! - Format 1 had one provider, with policies and rules only.
//! - Format 2 counted all calls that were not applied together, without the reason.

use serde_json::{Value, json};

/// A line in the present format. A line that is not one of the given format stays as it is.
pub(super) fn upgraded(mut line: Value, format: u32) -> Value {
    if let Some(fields) = line.as_object_mut() {
        if format < 2 {
            from_first_version(fields);
        }
        if format < 3 {
            from_second_version(fields);
        }
    }
    line
}

type Fields = serde_json::Map<String, Value>;

fn from_first_version(fields: &mut Fields) {
    match fields.get("record").and_then(Value::as_str) {
        Some("before") => {
            if let Some(Value::Array(policies)) = fields.remove("policies") {
                let objects: Vec<Value> = policies
                    .into_iter()
                    .map(|policy| json!({ "policy": policy }))
                    .collect();
                fields.insert("objects".to_owned(), objects.into());
            }
        }
        Some("intent") => {
            for (old, new) in [("policy", "name"), ("rule", "part")] {
                if let Some(value) = fields.remove(old) {
                    fields.insert(new.to_owned(), value);
                }
            }
            if let Some(send) = fields.remove("send") {
                fields.insert("send".to_owned(), json!({ "docker": send }));
            }
        }
        Some(_) | None => {}
    }
}

/// Which of the calls that were not applied had failed is known only from the other lines, so they
/// are counted as skipped here; see [`RunHistory::parse`](super::RunHistory::parse).
fn from_second_version(fields: &mut Fields) {
    match fields.get("record").and_then(Value::as_str) {
        Some("answer") => {
            if fields.get("result").and_then(Value::as_str) == Some("notApplied") {
                fields.insert("result".to_owned(), "failed".into());
            }
        }
        Some("end") => {
            let mut count = |name| fields.remove(name).unwrap_or_default();
            let calls = json!({
                "applied": count("applied"),
                "replaced": 0,
                "adopted": 0,
                "failed": 0,
                "unknown": count("unknown"),
                "skipped": count("notApplied"),
            });
            fields.insert("calls".to_owned(), calls);
        }
        Some(_) | None => {}
    }
}
