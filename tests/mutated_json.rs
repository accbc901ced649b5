// Valid JSON with random changes, for tests that no input makes the program panic. The unit tests include this file too.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

/// This value with one to three of its parts replaced by others, so that it is still JSON.
pub(crate) fn mutated_json(valid: Value) -> impl Strategy<Value = Value> {
    let other = select(vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(""),
        json!("\0\u{1b}[2J\u{202e}"),
        json!("x".repeat(5000)),
        json!("sha256:"),
        json!("-262143-01-01T00:00:00Z"),
        json!("../x"),
        json!("*.[z-a]{1,99999}"),
        json!([]),
        json!({}),
        json!([[[[]]]]),
        json!({"": {"": null}}),
        json!([1, "a", null]),
    ]);
    vec((any::<Index>(), other), 1..4).prop_map(move |changes| {
        let mut value = valid.clone();
        for (at, other) in changes {
            let places = pointers(&value);
            if let Some(place) = value.pointer_mut(&places[at.index(places.len())]) {
                *place = other;
            }
        }
        value
    })
}

/// JSON pointers of all parts of a value.
fn pointers(value: &Value) -> Vec<String> {
    let parts: Vec<(String, &Value)> = match value {
        Value::Object(fields) => {
            let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
            let fields = fields.iter();
            fields.map(|(key, part)| (escaped(key), part)).collect()
        }
        Value::Array(list) => {
            let parts = list.iter().enumerate();
            parts.map(|(at, part)| (at.to_string(), part)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    let mut found = vec![String::new()];
    for (name, part) in parts {
        let below = pointers(part).into_iter();
        found.extend(below.map(|pointer| format!("/{name}{pointer}")));
    }
    found
}
