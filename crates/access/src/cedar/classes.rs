//! Divides the values of a variable into classes that no statement distinguishes further.
//!
//! Example: if the only uses of `context.args.amount` are `<= 500` and `has`, its classes are: absent,
//! at most 500, more than 500, and a value of another type.

use cedar_policy::RestrictedExpression;
use serde_json::Value;

use super::globs::{Glob, string_classes};
use super::schema::{self, AttributeType, McpAction};
use super::times;
use super::uses::{Comparisons, Variable};

/// Sets of more constants are not divided.
const MOST_MEMBERS: usize = 4;

/// Values of a variable that all statements treat alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Class {
    /// No value.
    Absent,
    /// An object; its fields are variables of their own.
    Object,
    /// The numbers from the first to the second.
    Longs(i64, i64),
    /// The dates from the first to the second, in milliseconds since 1970.
    Times(i64, i64),
    /// Strings, with one of them.
    Strings { witness: String, label: String },
    /// A truth value.
    Bool(bool),
    /// Sets, with one of them.
    Sets { members: Vec<String>, label: String },
    /// Values of all types that the statements do not ask about.
    Other(OtherType),
}

/// A type that stands for all types that the statements do not ask about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OtherType {
    Long,
    String,
    Bool,
    Set,
    Object,
    Time,
}

impl Class {
    /// One of the values. Nothing for classes without a value of their own.
    pub(super) fn value(&self) -> Option<RestrictedExpression> {
        let strings = |members: &[String]| {
            let members = members.iter().cloned();
            RestrictedExpression::new_set(members.map(RestrictedExpression::new_string))
        };
        match self {
            Self::Absent | Self::Object => None,
            Self::Longs(from, to) => Some(RestrictedExpression::new_long(plainest(*from, *to))),
            Self::Times(from, to) => Some(times::value(plainest(*from, *to))),
            Self::Strings { witness, .. } => {
                Some(RestrictedExpression::new_string(witness.clone()))
            }
            Self::Bool(value) => Some(RestrictedExpression::new_bool(*value)),
            Self::Sets { members, .. } => Some(strings(members)),
            Self::Other(OtherType::Long) => Some(RestrictedExpression::new_long(0)),
            Self::Other(OtherType::String) => Some(RestrictedExpression::new_string(String::new())),
            Self::Other(OtherType::Bool) => Some(RestrictedExpression::new_bool(false)),
            Self::Other(OtherType::Set) => Some(strings(&[])),
            Self::Other(OtherType::Object) => RestrictedExpression::new_record([]).ok(),
            Self::Other(OtherType::Time) => Some(times::value(0)),
        }
    }

    /// The same value in JSON, as questions write it. Nothing for classes without a value of their
    /// own.
    pub(super) fn json(&self) -> Option<Value> {
        match self {
            Self::Absent | Self::Object => None,
            Self::Longs(from, to) => Some(Value::from(plainest(*from, *to))),
            Self::Times(from, to) => times::text(plainest(*from, *to)).map(Value::from),
            Self::Strings { witness, .. } => Some(Value::from(witness.as_str())),
            Self::Bool(value) => Some(Value::from(*value)),
            Self::Sets { members, .. } => Some(Value::from(members.as_slice())),
            Self::Other(OtherType::Long) => Some(Value::from(0)),
            Self::Other(OtherType::String) => Some(Value::from("")),
            Self::Other(OtherType::Bool) => Some(Value::from(false)),
            Self::Other(OtherType::Set) => Some(Value::Array(Vec::new())),
            Self::Other(OtherType::Object) => Some(Value::Object(serde_json::Map::new())),
            Self::Other(OtherType::Time) => times::text(0).map(Value::from),
        }
    }

    /// Whether the class contains a single string.
    pub(super) fn is_literal(&self) -> bool {
        matches!(self, Self::Strings { label, .. } if label.starts_with("is \""))
    }

    /// The string that stands for a class of strings.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Strings { witness, .. } => witness,
            _ => "",
        }
    }
}

/// The bound of a range that is not an extreme value, or 0.
fn plainest(from: i64, to: i64) -> i64 {
    match (from, to) {
        (i64::MIN, i64::MAX) => 0,
        (i64::MIN, to) => to,
        (from, _) => from,
    }
}

/// The classes of a variable, or nothing if there are too many.
pub(super) fn classes(
    action: McpAction,
    variable: &Variable,
    comparisons: &Comparisons,
) -> Option<Vec<Class>> {
    let Comparisons {
        longs: _,
        times: _,
        strings,
        bools: _,
        members,
        fields,
    } = comparisons;
    match variable {
        Variable::Name | Variable::Server => strings_of(strings, true),
        Variable::Attribute(name) => match action.resource().attribute(name)?.kind {
            AttributeType::Identity | AttributeType::String => strings_of(strings, true),
            AttributeType::Bool(_) => Some(vec![Class::Bool(true), Class::Bool(false)]),
            AttributeType::Strings => sets_of(&members.clone().unwrap_or_default()),
        },
        Variable::Context(path) if path.len() == 1 && path[0] == schema::ARGS => {
            Some(vec![Class::Absent, Class::Object])
        }
        Variable::Context(path) => {
            let mut found = values_of_any_type(comparisons)?;
            // The time of a request is always present where it exists.
            if path.len() > 1 {
                if *fields {
                    found.insert(0, Class::Object);
                }
                found.insert(0, Class::Absent);
            }
            Some(found)
        }
    }
}

/// The classes of a value whose type is not known.
fn values_of_any_type(comparisons: &Comparisons) -> Option<Vec<Class>> {
    let Comparisons {
        longs,
        times,
        strings,
        bools,
        members,
        fields,
    } = comparisons;
    let mut found = Vec::new();
    if !longs.is_empty() {
        found.extend(ranges_of(longs.iter().copied(), Class::Longs));
    }
    if !times.is_empty() {
        found.extend(ranges_of(times.iter().copied(), Class::Times));
    }
    if !strings.is_empty() {
        found.extend(strings_of(strings, false)?);
    }
    if *bools {
        found.extend([Class::Bool(true), Class::Bool(false)]);
    }
    if let Some(members) = members {
        found.extend(sets_of(members)?);
    }
    let unused = [
        (OtherType::Long, longs.is_empty()),
        (OtherType::String, strings.is_empty()),
        (OtherType::Bool, !bools),
        (OtherType::Set, members.is_none()),
        (OtherType::Object, !fields),
        (OtherType::Time, times.is_empty()),
    ];
    let other = unused.into_iter().find(|(_, is_unused)| *is_unused);
    found.extend(other.map(|(kind, _)| Class::Other(kind)));
    Some(found)
}

/// Divides all numbers at the constants; `class` is the class of a range.
fn ranges_of(
    constants: impl Iterator<Item = i64>,
    class: impl Fn(i64, i64) -> Class,
) -> Vec<Class> {
    let mut found = Vec::new();
    let mut next = Some(i64::MIN);
    for constant in constants {
        if let Some(from) = next.filter(|from| *from < constant) {
            found.push(class(from, constant - 1));
        }
        found.push(class(constant, constant));
        next = constant.checked_add(1);
    }
    found.extend(next.map(|from| class(from, i64::MAX)));
    found
}

fn strings_of<'g>(
    globs: impl IntoIterator<Item = &'g Glob>,
    is_string: bool,
) -> Option<Vec<Class>> {
    let globs: Vec<Glob> = globs.into_iter().cloned().collect();
    let found = string_classes(&globs)?;
    let all: Vec<Vec<bool>> = found.iter().map(|class| class.matched.clone()).collect();
    let classes = found.into_iter().map(|class| {
        let label = label(&globs, &class.matched, &all, is_string);
        let witness = class.witness;
        Class::Strings { witness, label }
    });
    Some(classes.collect())
}

/// Describes the strings that exactly these patterns match.
fn label(globs: &[Glob], matched: &[bool], all: &[Vec<bool>], is_string: bool) -> String {
    let positive: Vec<usize> = (0..globs.len()).filter(|at| matched[*at]).collect();
    if let Some(literal) = positive.iter().find(|at| globs[**at].is_literal()) {
        return format!("is \"{}\"", globs[*literal].text());
    }
    if positive.is_empty() {
        return match (globs.is_empty(), is_string) {
            (true, _) => "is any string".to_owned(),
            (false, true) => "has any other value".to_owned(),
            (false, false) => "is any other string".to_owned(),
        };
    }
    // Patterns that match other strings of the same patterns must be excluded.
    let negative = (0..globs.len()).filter(|at| {
        let overlaps = |other: &Vec<bool>| other[*at] && positive.iter().all(|own| other[*own]);
        !matched[*at] && all.iter().any(overlaps)
    });
    let mut parts: Vec<String> = positive
        .iter()
        .map(|at| format!("like \"{}\"", globs[*at].text()))
        .collect();
    parts.extend(negative.map(|at| {
        let glob = &globs[at];
        let word = if glob.is_literal() { "" } else { "like " };
        format!("not {word}\"{}\"", glob.text())
    }));
    format!("is {}", parts.join(" and "))
}

fn sets_of(constants: &std::collections::BTreeSet<String>) -> Option<Vec<Class>> {
    if constants.len() > MOST_MEMBERS {
        return None;
    }
    let constants: Vec<&String> = constants.iter().collect();
    // A member that differs from all constants.
    let mut other = "other".to_owned();
    while constants.iter().any(|constant| **constant == other) {
        other.push('-');
    }
    let mut found = vec![
        Class::Sets {
            members: Vec::new(),
            label: "is empty".to_owned(),
        },
        Class::Sets {
            members: vec![other],
            label: "contains other values only".to_owned(),
        },
    ];
    for subset in 1..1_usize << constants.len() {
        let is_member = |at: &usize| subset >> at & 1 == 1;
        let numbers = 0..constants.len();
        let parts: Vec<String> = numbers
            .clone()
            .map(|at| {
                let not = if is_member(&at) { "" } else { "not " };
                format!("{not}\"{}\"", constants[at])
            })
            .collect();
        let members = numbers.filter(is_member).map(|at| constants[at].clone());
        found.push(Class::Sets {
            members: members.collect(),
            label: format!("contains {}", parts.join(" and ")),
        });
    }
    Some(found)
}

/// Describes some of the classes of a variable: "is at most 500 or is absent".
pub(super) fn describe(chosen: &[&Class], all: &[Class]) -> String {
    let longs = joined(chosen.iter().filter_map(|class| match class {
        Class::Longs(from, to) => Some((*from, *to)),
        _ => None,
    }));
    let times = joined(chosen.iter().filter_map(|class| match class {
        Class::Times(from, to) => Some((*from, *to)),
        _ => None,
    }));
    let mut parts: Vec<String> = longs
        .into_iter()
        .map(|(from, to)| match (from, to) {
            (i64::MIN, i64::MAX) => "is a number".to_owned(),
            (i64::MIN, to) => format!("<= {to}"),
            (from, i64::MAX) => format!(">= {from}"),
            (from, to) if from == to => format!("== {from}"),
            (from, to) => format!("is from {from} to {to}"),
        })
        .collect();
    parts.extend(times.into_iter().map(|range| describe_times(range, all)));
    let mut absent = Vec::new();
    for class in chosen {
        match class {
            Class::Longs(..) | Class::Times(..) => {}
            Class::Absent => absent.push("is absent".to_owned()),
            Class::Object if all.len() == 2 => parts.push("is present".to_owned()),
            Class::Object => parts.push("is an object".to_owned()),
            Class::Strings { label, .. } | Class::Sets { label, .. } => parts.push(label.clone()),
            Class::Bool(value) => parts.push(format!("is {value}")),
            Class::Other(_) if all.len() <= 2 => parts.push("has any value".to_owned()),
            Class::Other(_) => parts.push("has a value of another type".to_owned()),
        }
    }
    parts.extend(absent);
    parts.join(" or ")
}

/// Joins adjacent ranges, which are in order.
fn joined(ranges: impl Iterator<Item = (i64, i64)>) -> Vec<(i64, i64)> {
    let mut found: Vec<(i64, i64)> = Vec::new();
    for (from, to) in ranges {
        match found.last_mut() {
            Some(last) if last.1.checked_add(1) == Some(from) => last.1 = to,
            _ => found.push((from, to)),
        }
    }
    found
}

/// "is before 2027-01-01T00:00:00Z"
fn describe_times((from, to): (i64, i64), all: &[Class]) -> String {
    let is_constant = |time: i64| all.contains(&Class::Times(time, time));
    let text = |time: i64| times::text(time).unwrap_or_else(|| format!("{time} ms since 1970"));
    if from == to {
        return format!("is {}", text(from));
    }
    let lower = match from.checked_sub(1) {
        None => None,
        Some(before) if is_constant(before) && !is_constant(from) => {
            Some(format!("after {}", text(before)))
        }
        Some(_) => Some(format!("at or after {}", text(from))),
    };
    let upper = match to.checked_add(1) {
        None => None,
        Some(after) if is_constant(after) && !is_constant(to) => {
            Some(format!("before {}", text(after)))
        }
        Some(_) => Some(format!("at or before {}", text(to))),
    };
    let bounds: Vec<String> = lower.into_iter().chain(upper).collect();
    if bounds.is_empty() {
        "is a date".to_owned()
    } else {
        format!("is {}", bounds.join(" and "))
    }
}
