//! Journals of the first version of the form, which knew one provider and its policies and rules alone.

use serde_json::{Value, json};

/// A line as the present form has it. What is no line of the first version stays as it is, and is found to be none.
pub(super) fn upgraded(mut line: Value) -> Value {
    let Some(fields) = line.as_object_mut() else {
        return line;
    };
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
    line
}
