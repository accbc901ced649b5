//! Integers that are written in another form, such as `443.0` or `1e1`.
//!
//! JSON Schema counts a number without a fraction as an integer, whatever its form. The types of this
//! crate accept only numbers without a fraction part and an exponent, within their range. Generators
//! of YAML write other forms, so these numbers are converted, and a number outside of the range of its
//! field is reported at its own position.

use serde_json::{Number, Value};

use super::ManifestKind;
use super::check::compiled;
use model::diag::{Code, Diagnostic, DocumentId, Path, Place};

/// Maximum nesting of a document, above that of real manifests.
const MAX_DEPTH: usize = 64;

/// Converts all whole numbers of a document to integers where its schema wants integers.
///
/// # Errors
/// One diagnostic for each number that does not fit into its field.
pub(crate) fn convert_integers(
    document: DocumentId,
    kind: ManifestKind,
    value: &mut Value,
) -> Result<(), Vec<Diagnostic>> {
    // Most documents contain no number, and need no walk along the schema.
    if !contains_number(value) {
        return Ok(());
    }
    let mut outside = Vec::new();
    convert(&compiled(kind).schema, value, &Path::root(), &mut outside);
    if outside.is_empty() {
        return Ok(());
    }
    let findings = outside.into_iter().map(|(path, range)| {
        let message = format!("`{path}` is out of range");
        Diagnostic::new(Code::InvalidValue, message, Place::value(document, path))
            .help(format!("write a number from {} to {}", range.0, range.1))
    });
    Err(findings.collect())
}

fn contains_number(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::Array(items) => items.iter().any(contains_number),
        Value::Object(fields) => fields.values().any(contains_number),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

fn convert(schema: &Value, value: &mut Value, path: &Path, outside: &mut Vec<(Path, (i64, u64))>) {
    if path.segments().len() > MAX_DEPTH {
        return;
    }
    for branches in ["anyOf", "oneOf", "allOf"] {
        let branches = schema.get(branches).and_then(Value::as_array);
        for branch in branches.into_iter().flatten() {
            convert(branch, value, path, outside);
        }
    }
    match value {
        Value::Number(number) if is_integer(schema) => {
            if let Some(whole) = whole(number) {
                *number = whole;
            }
            let range = range(schema);
            let fits = match number.as_i64() {
                Some(number) => {
                    number >= range.0
                        && u64::try_from(number)
                            .ok()
                            .is_none_or(|number| number <= range.1)
                }
                None => number.as_u64().is_some_and(|number| number <= range.1),
            };
            if !fits && !outside.iter().any(|(known, _)| known == path) {
                outside.push((path.clone(), range));
            }
        }
        Value::Object(map) => {
            for (name, value) in map {
                let property = schema.get("properties").and_then(|all| all.get(name));
                if let Some(schema) = property.or_else(|| schema.get("additionalProperties")) {
                    convert(schema, value, &path.clone().key(name), outside);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for (index, item) in items.iter_mut().enumerate() {
                    convert(schema, item, &path.clone().index(index), outside);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether a schema accepts integers but no other numbers.
fn is_integer(schema: &Value) -> bool {
    let types = match schema.get("type") {
        Some(Value::Array(types)) => types.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let has = |name: &str| types.iter().any(|known| known == name);
    has("integer") && !has("number")
}

/// The number without fraction and exponent, if it has the same value.
fn whole(number: &Number) -> Option<Number> {
    /// Above it, not every integer is a floating point number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if !number.is_f64() {
        return None;
    }
    let float = number.as_f64()?;
    if float.fract() != 0.0 || float.abs() > EXACT {
        return None;
    }
    format!("{float:.0}").parse::<i64>().ok().map(Number::from)
}

/// The smallest and the largest number of a field, from its format and bounds.
fn range(schema: &Value) -> (i64, u64) {
    let (low, high) = match schema.get("format").and_then(Value::as_str) {
        Some("uint8") => (0, u64::from(u8::MAX)),
        Some("uint16") => (0, u64::from(u16::MAX)),
        Some("uint32") => (0, u64::from(u32::MAX)),
        Some("uint64" | "uint") => (0, u64::MAX),
        Some("int8") => (i64::from(i8::MIN), i8::MAX.unsigned_abs().into()),
        Some("int16") => (i64::from(i16::MIN), i16::MAX.unsigned_abs().into()),
        Some("int32") => (i64::from(i32::MIN), i32::MAX.unsigned_abs().into()),
        _ => (i64::MIN, u64::MAX),
    };
    let low = schema.get("minimum").and_then(Value::as_i64).unwrap_or(low);
    let high = schema
        .get("maximum")
        .and_then(Value::as_u64)
        .unwrap_or(high);
    (low, high)
}
