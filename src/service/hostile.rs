//! Replaces each part of a valid answer by hostile text, and checks that no error repeats it.

use std::fmt;

use http::ErrorKind;
use proptest::prop_assert;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::mutated_bytes::CASES;
use crate::mutated_json::mutated_json;

/// Looks like a secret, and contains what a terminal, Markdown, HTML and serde's own messages would react to.
pub(crate) const TEXT: &str =
    "hunter2\u{1b}]0;hunter2\u{7}`, expected hunter2\r\n<img src=hunter2>";

/// All answers that differ from `answer` in one place: another value, or another key.
fn variants(answer: &Value) -> Vec<Value> {
    let hostile = [
        Value::from(TEXT),
        serde_json::json!([TEXT]),
        serde_json::json!({TEXT: TEXT}),
    ];
    let mut all = hostile.to_vec();
    match answer {
        Value::Object(map) => {
            for (key, value) in map {
                let mut renamed = map.clone();
                renamed.remove(key);
                renamed.insert(TEXT.to_owned(), value.clone());
                all.push(Value::Object(renamed));
                all.extend(variants(value).into_iter().map(|variant| {
                    let mut changed = map.clone();
                    changed.insert(key.clone(), variant);
                    Value::Object(changed)
                }));
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                all.extend(variants(value).into_iter().map(|variant| {
                    let mut changed = list.clone();
                    changed[index] = variant;
                    Value::Array(changed)
                }));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    all
}

/// `decode` accepts the answer, refuses some of its variants, and repeats nothing of those that it refuses. Random changes never
/// make it panic.
pub(crate) fn check<T, E: fmt::Debug + Into<ErrorKind>>(
    answer: &Value,
    decode: impl Fn(&Value) -> Result<T, E>,
) {
    decode(answer).map(drop).unwrap();
    let mut refused = 0;
    for variant in variants(answer) {
        let Err(error) = decode(&variant) else {
            continue;
        };
        refused += 1;
        let debug = format!("{error:?}");
        let shown = format!("{debug} {}", error.into());
        assert!(!shown.contains("hunter2"), "{variant}: {shown}");
        assert!(!shown.contains(char::is_control), "{variant}: {shown}");
    }
    assert!(refused > 2, "only {refused} variants were refused");
    let mut runner = TestRunner::new(Config::with_cases(CASES));
    let changed = mutated_json(answer.clone());
    let result = runner.run(&changed, |answer| {
        let shown = decode(&answer).err().map(|error| error.into().to_string());
        prop_assert!(!shown.unwrap_or_default().contains(char::is_control));
        Ok(())
    });
    result.unwrap();
}
