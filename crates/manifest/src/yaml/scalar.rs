//! The value of plain (unquoted) scalars: YAML 1.2 core schema, section 10.3.2.

use serde_json::{Number, Value};

/// The value of a plain scalar, or `None` for infinity and NaN, which JSON does not support.
pub(super) fn plain(text: &str) -> Option<Value> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Some(Value::Null),
        "true" | "True" | "TRUE" => Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => Some(Value::Bool(false)),
        _ if looks_numeric(text) => number(text),
        _ => Some(Value::String(text.to_owned())),
    }
}

/// Whether a plain scalar is a string, as mapping keys must be.
pub(crate) fn is_text(text: &str) -> bool {
    matches!(plain(text), Some(Value::String(_)))
}

fn looks_numeric(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
}

fn number(text: &str) -> Option<Value> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return None;
    }
    let radix = |prefix, radix| {
        text.strip_prefix(prefix)
            .and_then(|digits| u64::from_str_radix(digits, radix).ok())
    };
    if let Some(value) = radix("0x", 16)
        .or_else(|| radix("0o", 8))
        .filter(|_| !text.contains('+'))
    {
        return Some(Value::Number(value.into()));
    }
    if !is_decimal(unsigned) {
        return Some(Value::String(text.to_owned()));
    }
    let whole = unsigned.bytes().all(|byte| byte.is_ascii_digit());
    let whole = whole.then(|| {
        text.parse::<i64>()
            .map(Number::from)
            .or_else(|_| text.parse::<u64>().map(Number::from))
    });
    let number = whole
        .and_then(Result::ok)
        .or_else(|| text.parse().ok().and_then(Number::from_f64));
    number.map(Value::Number)
}

/// `[0-9]+ ( \. [0-9]* )?` or `\. [0-9]+`, with an optional exponent.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.is_none_or(|text| {
        let text = text.strip_prefix(['-', '+']).unwrap_or(text);
        !text.is_empty() && digits(text)
    });
    digits(before) && digits(after) && !(before.is_empty() && after.is_empty()) && exponent
}
