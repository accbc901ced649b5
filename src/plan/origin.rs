//! Compares three states: the manifests of the base revision, the current manifests and the server.
//!
//! Two plans against the same live state are sufficient (a three-way merge with the live state as
//! the common point). What both plans would do is drift, because it is not due to the change. What
//! only the new plan would do is due to the change. What both would do in different ways is a
//! conflict: the server matches neither revision.

use super::types::{
    Change, ChangeKind, ChangeOrigin, FieldChange, HeldChange, Origin, ValueChange,
};

/// The origins of the changes of a plan. `head` are its own changes; `base` are the changes of a
/// plan of the base revision's manifests against the same live state.
pub fn origins(head: &[Change], base: &[Change]) -> Vec<ChangeOrigin> {
    head.iter()
        .map(|change| {
            origin(
                change,
                base.iter().find(|other| is_same_object(change, other)),
            )
        })
        .collect()
}

/// The origins of held changes. A change that the plan of the base revision holds for the same
/// reason is drift.
pub fn held_origins(head: &[HeldChange], base: &[HeldChange]) -> Vec<Origin> {
    let same = |one: &HeldChange, other: &HeldChange| {
        let HeldChange {
            resource,
            name,
            part,
            source: _,
            reason,
        } = one;
        *resource == other.resource
            && *name == other.name
            && *part == other.part
            && *reason == other.reason
    };
    let origin = |held: &HeldChange| {
        if base.iter().any(|other| same(held, other)) {
            Origin::Drift
        } else {
            Origin::Change
        }
    };
    head.iter().map(origin).collect()
}

/// Whether two changes concern the same object: by the server's id, or by name if both create it.
fn is_same_object(one: &Change, other: &Change) -> bool {
    one.resource == other.resource
        && match (&one.id, &other.id) {
            (Some(one), Some(other)) => one == other,
            (None, None) => one.name == other.name,
            (Some(_), None) | (None, Some(_)) => false,
        }
}

fn origin(change: &Change, base: Option<&Change>) -> ChangeOrigin {
    let children = origins(&change.children, base.map_or(&[], |base| &base.children));
    let all = own_origin(change, base)
        .into_iter()
        .chain(children.iter().map(|child| child.origin));
    let origin = all.reduce(combined_origin).unwrap_or(Origin::Change);
    ChangeOrigin {
        name: change.name.clone(),
        origin,
        children,
    }
}

/// The origin of a change without its parts, or nothing if the object itself does not change.
fn own_origin(change: &Change, base: Option<&Change>) -> Option<Origin> {
    let Some(base) = base else {
        return (change.kind != ChangeKind::Within).then_some(Origin::Change);
    };
    match (change.kind, base.kind) {
        (ChangeKind::Within, _) => None,
        (ChangeKind::Create, ChangeKind::Create) if change.fields == base.fields => {
            Some(Origin::Drift)
        }
        (ChangeKind::Delete, ChangeKind::Delete) => Some(Origin::Drift),
        // Its own fields match the base revision.
        (ChangeKind::Update, ChangeKind::Within) => Some(Origin::Change),
        (ChangeKind::Update, ChangeKind::Update) => fields(change, base),
        (
            ChangeKind::Create | ChangeKind::Update | ChangeKind::Delete,
            ChangeKind::Create | ChangeKind::Update | ChangeKind::Delete | ChangeKind::Within,
        ) => Some(Origin::Conflict),
    }
}

fn fields(change: &Change, base: &Change) -> Option<Origin> {
    let field = |FieldChange { field, value }: &FieldChange| {
        let other = base.fields.iter().find(|other| other.field == *field);
        other.map_or(Some(Origin::Change), |other| {
            self::value(value, &other.value)
        })
    };
    change
        .fields
        .iter()
        .filter_map(field)
        .reduce(combined_origin)
}

fn value(head: &ValueChange, base: &ValueChange) -> Option<Origin> {
    match (head, base) {
        _ if head == base => Some(Origin::Drift),
        // An element is either in a set or not, so two different changes of it are impossible.
        (
            ValueChange::Set {
                added,
                removed,
                kept: _,
            },
            ValueChange::Set {
                added: base_added,
                removed: base_removed,
                kept: _,
            },
        ) => {
            let element = |element: &String, base: &[String]| {
                if base.contains(element) {
                    Origin::Drift
                } else {
                    Origin::Change
                }
            };
            let added = added.iter().map(|text| element(text, base_added));
            added
                .chain(removed.iter().map(|text| element(text, base_removed)))
                .reduce(combined_origin)
        }
        (
            ValueChange::Scalar { .. } | ValueChange::Set { .. } | ValueChange::Text { .. },
            ValueChange::Scalar { .. } | ValueChange::Set { .. } | ValueChange::Text { .. },
        ) => Some(Origin::Conflict),
    }
}

fn combined_origin(one: Origin, other: Origin) -> Origin {
    match (one, other) {
        (Origin::Conflict, _) | (_, Origin::Conflict) => Origin::Conflict,
        (Origin::Change, Origin::Change) => Origin::Change,
        (Origin::Drift, Origin::Drift) => Origin::Drift,
        (
            Origin::Change | Origin::Drift | Origin::Mixed,
            Origin::Change | Origin::Drift | Origin::Mixed,
        ) => Origin::Mixed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{ChangedField, ResourceKind};

    fn rule(kind: ChangeKind, id: Option<&str>, name: &str, fields: Vec<FieldChange>) -> Change {
        let name = name.to_owned();
        let id = id.map(str::to_owned);
        Change {
            kind,
            resource: ResourceKind::Rule,
            name,
            id,
            source: None,
            fields,
            children: Vec::new(),
        }
    }

    fn within(children: Vec<Change>) -> Change {
        Change {
            kind: ChangeKind::Within,
            resource: ResourceKind::Policy,
            name: "p".to_owned(),
            id: Some("1".to_owned()),
            source: None,
            fields: Vec::new(),
            children,
        }
    }

    fn set(added: &[&str], removed: &[&str]) -> FieldChange {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        FieldChange {
            field: ChangedField::Resources,
            value: ValueChange::Set {
                added: texts(added),
                removed: texts(removed),
                kept: 1,
            },
        }
    }

    fn decision(before: &str, after: &str) -> FieldChange {
        let text = |text: &str| Some(text.to_owned());
        FieldChange {
            field: ChangedField::Decision,
            value: ValueChange::Scalar {
                before: text(before),
                after: text(after),
            },
        }
    }

    fn told(head: Vec<Change>, base: Vec<Change>) -> (Origin, Vec<Origin>) {
        let base = if base.is_empty() {
            Vec::new()
        } else {
            vec![within(base)]
        };
        let told = origins(&[within(head)], &base).remove(0);
        (
            told.origin,
            told.children.iter().map(|child| child.origin).collect(),
        )
    }

    #[test]
    fn a_difference_that_the_base_has_too_is_drift() {
        use ChangeKind::{Create, Delete, Update};
        let all = || {
            vec![
                rule(Create, None, "lost", vec![set(&["a"], &[])]),
                rule(Delete, Some("2"), "stranger", Vec::new()),
                rule(Update, Some("3"), "edited", vec![decision("deny", "allow")]),
            ]
        };
        assert_eq!(told(all(), all()), (Origin::Drift, vec![Origin::Drift; 3]));
        assert_eq!(
            told(all(), Vec::new()),
            (Origin::Change, vec![Origin::Change; 3])
        );
        let added = rule(Create, None, "new", vec![set(&["b"], &[])]);
        let (policy, rules) = told([all(), vec![added]].concat(), all());
        assert_eq!((policy, rules[3]), (Origin::Mixed, Origin::Change));
    }

    #[test]
    fn sets_are_told_apart_by_element_and_values_conflict() {
        use ChangeKind::{Create, Delete, Update};
        let update = |fields| vec![rule(Update, Some("3"), "r", fields)];
        let one = |head, base| told(head, base).1[0];
        assert_eq!(
            one(
                update(vec![set(&["a"], &["x"])]),
                update(vec![set(&[], &["x"])])
            ),
            Origin::Mixed
        );
        assert_eq!(
            one(
                update(vec![set(&[], &["x"])]),
                update(vec![set(&["a"], &["x"])])
            ),
            Origin::Drift
        );
        assert_eq!(
            one(
                update(vec![set(&["a"], &[])]),
                update(vec![set(&[], &["x"])])
            ),
            Origin::Change
        );
        let other = update(vec![decision("allow", "other")]);
        assert_eq!(
            one(update(vec![decision("allow", "deny")]), other),
            Origin::Conflict
        );
        // First a rule that the change edits and that was deleted on the server, then a rule that
        // the change deletes and that was edited on the server.
        let create = |text| vec![rule(Create, None, "r", vec![set(&[text], &[])])];
        assert_eq!(one(create("a"), create("b")), Origin::Conflict);
        assert_eq!(
            one(
                vec![rule(Delete, Some("3"), "r", Vec::new())],
                update(vec![decision("allow", "deny")])
            ),
            Origin::Conflict
        );
    }
}
