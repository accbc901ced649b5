//! Settings that this version does not know.
//!
//! A manifest may list fields of a policy or a rule that the service has and this version does not
//! understand. They are sent as they are and compared as JSON values. Fields that it does not list
//! are left alone.
//!
//! Values are compared as a merge patch (RFC 7396) treats them: the order of members has no
//! meaning, and a member that is null is the same as one that is missing. Inside of arrays, nulls
//! count. Example: `{"a": null, "b": 1.0}` equals `{"b": 1}`.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Number, Value};
use thiserror::Error;

/// The fields of policies and rules that this version knows, named as on the wire.
const KNOWN_FIELDS: &[&str] = &[
    "actions",
    "allowlist_v0",
    "cedar_v1",
    "created_at",
    "decision",
    "http_resources",
    "id",
    "name",
    "org",
    "resources",
    "rules",
    "scope",
    "type",
    "updated_at",
];

/// An extension with the name of a field that this version knows.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is a field that this version knows, so it is not an extension")]
pub struct KnownField(String);

/// A JSON value in canonical form.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExtensionValue {
    /// The value as text, which can be compared, ordered and hashed.
    text: Box<str>,
}

impl ExtensionValue {
    fn new(value: &Value) -> Self {
        Self {
            text: canonical(value).to_string().into(),
        }
    }

    pub fn value(&self) -> Value {
        // The text was written from a value.
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// Whether the field is not set.
    pub fn is_null(&self) -> bool {
        &*self.text == "null"
    }
}

impl fmt::Display for ExtensionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for ExtensionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for ExtensionValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

/// Fields of a policy or a rule that this version does not know, by their names on the wire. A null
/// value means that the field is not set.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "BTreeMap<String, Value>")]
#[schemars(with = "BTreeMap<String, Value>")]
pub struct Extensions(BTreeMap<String, ExtensionValue>);

impl TryFrom<BTreeMap<String, Value>> for Extensions {
    type Error = KnownField;

    fn try_from(fields: BTreeMap<String, Value>) -> Result<Self, KnownField> {
        match fields.keys().find(|name| Self::is_known_field(name)) {
            Some(name) => Err(KnownField(name.clone())),
            None => Ok(Self::of(fields.iter())),
        }
    }
}

impl Extensions {
    /// Whether this version knows a field of policies or rules with this name.
    pub fn is_known_field(name: &str) -> bool {
        KNOWN_FIELDS.contains(&name)
    }

    /// The fields of a live object that manifests can list.
    pub fn of_live(fields: &Map<String, Value>) -> Self {
        Self::of(
            fields
                .iter()
                .filter(|(name, _)| !Self::is_known_field(name)),
        )
    }

    /// The fields that give an object the unknown fields that it had before. `live` has those that
    /// it has now, if it still exists: what was added since is not set again.
    pub fn restoring(before: &Map<String, Value>, live: Option<&Map<String, Value>>) -> Self {
        let mut fields = Self::of_live(before);
        for (name, _) in live.into_iter().flatten() {
            if !Self::is_known_field(name) && !fields.0.contains_key(name) {
                fields
                    .0
                    .insert(name.clone(), ExtensionValue::new(&Value::Null));
            }
        }
        fields
    }

    fn of<'f>(fields: impl Iterator<Item = (&'f String, &'f Value)>) -> Self {
        Self(
            fields
                .map(|(name, value)| (name.clone(), ExtensionValue::new(value)))
                .collect(),
        )
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ExtensionValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The names of the fields that are set.
    pub fn set_names(&self) -> impl Iterator<Item = &str> {
        let set = self.iter().filter(|(_, value)| !value.is_null());
        set.map(|(name, _)| name)
    }

    /// Whether a live object has these values in these fields.
    pub fn are_in(&self, live: &Map<String, Value>) -> bool {
        self.is_empty() || *self == self.as_in(live)
    }

    /// The same fields with the values of a live object.
    #[must_use]
    pub fn as_in(&self, live: &Map<String, Value>) -> Self {
        let value = |name: &String| ExtensionValue::new(live.get(name).unwrap_or(&Value::Null));
        let fields = self.0.keys().map(|name| (name.clone(), value(name)));
        Self(fields.collect())
    }

    /// The fields that differ, each with the value on both sides; a missing field is null.
    pub fn difference(&self, after: &Self) -> (Self, Self) {
        let null = || ExtensionValue::new(&Value::Null);
        let side = |own: &Self, other: &Self| {
            let names = own.0.keys().chain(other.0.keys());
            let differing = names.filter(|name| {
                let is_null =
                    |value: Option<&ExtensionValue>| value.is_none_or(ExtensionValue::is_null);
                let one = own.0.get(*name);
                let two = other.0.get(*name);
                one != two && !(is_null(one) && is_null(two))
            });
            let fields = differing.map(|name| {
                let value = own.0.get(name).cloned().unwrap_or_else(null);
                (name.clone(), value)
            });
            Self(fields.collect())
        };
        (side(self, after), side(after, self))
    }

    /// The patch that changes the fields of `before` to these. Fields that are only in `before` are
    /// left alone.
    pub fn patch_from(&self, before: &Self) -> ExtensionsPatch {
        let mut patch = BTreeMap::new();
        for (name, value) in &self.0 {
            let old = before.0.get(name);
            if old == Some(value) || (old.is_none() && value.is_null()) {
                continue;
            }
            let old = old.map_or(Value::Null, ExtensionValue::value);
            patch.insert(name.clone(), patch_of(&old, &value.value()));
        }
        ExtensionsPatch(patch)
    }

    /// The fields of an object that is created with these.
    pub fn to_fields(&self) -> Map<String, Value> {
        let set = self.0.iter().filter(|(_, value)| !value.is_null());
        set.map(|(name, value)| (name.clone(), value.value()))
            .collect()
    }

    /// Each field that is set, as `name: value`.
    pub fn texts(&self) -> Vec<String> {
        let set = self.0.iter().filter(|(_, value)| !value.is_null());
        set.map(|(name, value)| format!("{name}: {value}"))
            .collect()
    }
}

/// The part of a merge patch about fields that this version does not know.
///
/// An object is sent with all its members, and with a null for each member that goes. The service
/// then arrives at the same value whether it merges the object or replaces it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "BTreeMap<String, Value>")]
#[schemars(with = "BTreeMap<String, Value>")]
pub struct ExtensionsPatch(BTreeMap<String, Value>);

impl TryFrom<BTreeMap<String, Value>> for ExtensionsPatch {
    type Error = KnownField;

    fn try_from(fields: BTreeMap<String, Value>) -> Result<Self, KnownField> {
        match fields.keys().find(|name| Extensions::is_known_field(name)) {
            Some(name) => Err(KnownField(name.clone())),
            None => Ok(Self(fields)),
        }
    }
}

impl ExtensionsPatch {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Changes the fields of a live object.
    pub fn apply(&self, fields: &mut Map<String, Value>) {
        for (name, value) in &self.0 {
            merge_member(fields, name, value);
        }
    }

    /// The fields after the patch.
    pub(super) fn applied(&self, before: &Extensions) -> Extensions {
        if self.is_empty() {
            return before.clone();
        }
        let mut fields: Map<String, Value> = before
            .iter()
            .map(|(name, value)| (name.to_owned(), value.value()))
            .collect();
        self.apply(&mut fields);
        let names = before.0.keys().chain(self.0.keys());
        let wanted = names.map(|name| (name.clone(), ExtensionValue::new(&Value::Null)));
        Extensions(wanted.collect()).as_in(&fields)
    }
}

/// Sets a member as a merge patch does.
fn merge_member(members: &mut Map<String, Value>, name: &str, patch: &Value) {
    match patch {
        Value::Null => drop(members.shift_remove(name)),
        Value::Object(patch) => {
            let member = members.entry(name).or_insert(Value::Null);
            if !member.is_object() {
                *member = Value::Object(Map::new());
            }
            if let Value::Object(member) = member {
                for (name, value) in patch {
                    merge_member(member, name, value);
                }
            }
        }
        value => drop(members.insert(name.to_owned(), value.clone())),
    }
}

/// A merge patch that changes a value to another one.
fn patch_of(before: &Value, after: &Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return after.clone();
    };
    let kept = after.iter().map(|(name, value)| {
        let old = before.get(name).unwrap_or(&Value::Null);
        (name.clone(), patch_of(old, value))
    });
    let gone = before
        .keys()
        .filter(|name| !after.contains_key(*name))
        .map(|name| (name.clone(), Value::Null));
    Value::Object(kept.chain(gone).collect())
}

/// The value with sorted members, without members that are null, and with integers in one form.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let set = members.iter().filter(|(_, value)| !value.is_null());
            let mut members: Map<String, Value> = set
                .map(|(name, value)| (name.clone(), canonical(value)))
                .collect();
            members.sort_keys();
            Value::Object(members)
        }
        Value::Array(items) => Value::Array(items.iter().map(canonical_item).collect()),
        Value::Number(number) => Value::Number(canonical_number(number)),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

/// An array is sent as a whole, so the nulls in its items count.
fn canonical_item(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Map<String, Value> = members
                .iter()
                .map(|(name, value)| (name.clone(), canonical_item(value)))
                .collect();
            members.sort_keys();
            Value::Object(members)
        }
        Value::Array(_) | Value::Number(_) | Value::Null | Value::Bool(_) | Value::String(_) => {
            canonical(value)
        }
    }
}

/// `1.0` and `1` are the same JSON number.
fn canonical_number(number: &Number) -> Number {
    let float = number.as_f64().filter(|_| number.is_f64());
    let text = float
        .filter(|float| float.fract() == 0.0 && float.abs() < 1e15)
        .map(|float| format!("{float:.0}"));
    let integer = text.and_then(|text| text.parse::<i64>().ok());
    integer.map_or_else(|| number.clone(), Number::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn extensions(value: Value) -> Extensions {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn fields_that_this_version_knows_are_no_extensions() {
        for name in KNOWN_FIELDS {
            let fields = json!({ *name: 1 });
            assert!(serde_json::from_value::<Extensions>(fields.clone()).is_err());
            assert!(serde_json::from_value::<ExtensionsPatch>(fields).is_err());
        }
        let live = json!({"approval": {"required": true}, "cedar_v1": {"mode": "strict"}});
        let listed = Extensions::of_live(live.as_object().unwrap());
        assert_eq!(listed.texts(), [r#"approval: {"required":true}"#]);
    }

    #[test]
    fn values_are_equal_as_a_merge_patch_compares_them() {
        let one = extensions(json!({"a": {"x": 1.0, "y": null, "z": [null, {"b": 1, "a": 2}]}}));
        let two = extensions(json!({"a": {"z": [null, {"a": 2, "b": 1}], "x": 1}}));
        assert_eq!(one, two);
        let other = extensions(json!({"a": {"z": [{"a": 2, "b": 1}], "x": 1}}));
        assert_ne!(one, other);
        let unset = extensions(json!({"a": null}));
        assert!(unset.are_in(&Map::new()));
        assert!(!unset.are_in(json!({"a": 0}).as_object().unwrap()));
        // Fields that are not listed are left alone.
        assert!(
            two.are_in(
                json!({"b": 1, "a": {"x": 1, "z": [null, {"a": 2, "b": 1}]}})
                    .as_object()
                    .unwrap()
            )
        );
    }

    #[test]
    fn a_patch_contains_whole_values_and_nulls_for_what_goes() {
        let before = extensions(json!({"approval": {"by": ["ann"], "required": true}, "b": 1}));
        let after =
            extensions(json!({"approval": {"required": true, "ttl": 5}, "b": 1, "c": null}));
        let patch = after.patch_from(&before);
        assert_eq!(
            serde_json::to_value(&patch).unwrap(),
            json!({"approval": {"by": null, "required": true, "ttl": 5}})
        );
        let (old, new) = before.difference(&after);
        assert_eq!(old.texts(), [r#"approval: {"by":["ann"],"required":true}"#]);
        assert_eq!(new.texts(), [r#"approval: {"required":true,"ttl":5}"#]);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..3).prop_map(Value::from),
            "[a-b]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..3)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn fields() -> impl Strategy<Value = Extensions> {
        prop::collection::btree_map("[x-z]", values(), 0..3)
            .prop_map(|fields| Extensions::try_from(fields).unwrap())
    }

    proptest! {
        /// An independent implementation of RFC 7396 arrives at the listed values and leaves the
        /// other fields alone.
        #[test]
        fn a_patch_leads_to_the_values(before in fields(), after in fields()) {
            let patch = after.patch_from(&before);
            let live = before.to_fields();
            let mut merged = Value::Object(live.clone());
            merge_patch(&mut merged, &serde_json::to_value(&patch).unwrap());
            let mut applied = live.clone();
            patch.apply(&mut applied);
            prop_assert_eq!(&merged, &Value::Object(applied.clone()));
            prop_assert!(after.are_in(&applied), "{applied:?}");
            for (name, value) in &live {
                if !after.0.contains_key(name) {
                    prop_assert_eq!(applied.get(name), Some(value));
                }
            }
            prop_assert_eq!(patch.is_empty(), after.are_in(&live));
        }
    }

    /// The pseudocode of RFC 7396, section 2.
    fn merge_patch(target: &mut Value, patch: &Value) {
        let Value::Object(patch) = patch else {
            *target = patch.clone();
            return;
        };
        if !target.is_object() {
            *target = json!({});
        }
        let members = target.as_object_mut().unwrap();
        for (name, value) in patch {
            if value.is_null() {
                members.remove(name);
            } else {
                merge_patch(members.entry(name).or_insert(Value::Null), value);
            }
        }
    }
}
