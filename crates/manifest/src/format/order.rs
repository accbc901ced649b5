//! Sorts the keys of a document into canonical order, and the elements of sets.

mod set;

use super::shape::{HTTP_RESOURCE, SetElements, Shape};
use super::tree::{Child, Collection, CollectionKind, DocumentTree, YamlNode};

pub(super) fn document(document: &mut DocumentTree<'_>, shape: &'static Shape) {
    collection(&mut document.root, shape);
}

fn node(node: &mut YamlNode<'_>, shape: &'static Shape) {
    match node {
        YamlNode::Collection(inner) => collection(inner, shape),
        YamlNode::Null(_) | YamlNode::Scalar(_) => {}
    }
}

fn collection(collection: &mut Collection<'_>, shape: &'static Shape) {
    match (shape, collection.kind) {
        (Shape::Mapping(fields), CollectionKind::Mapping) => mapping(collection, fields),
        (Shape::List(item), CollectionKind::Sequence) => items(collection, item),
        (Shape::Set(elements), CollectionKind::Sequence) => {
            if *elements == SetElements::HttpResources {
                items(collection, &HTTP_RESOURCE);
            }
            set::sort(collection, *elements);
        }
        // Does not match the schema, which validation reports.
        (Shape::Mapping(_) | Shape::List(_) | Shape::Set(_) | Shape::Free, _) => {}
    }
}

fn items(collection: &mut Collection<'_>, shape: &'static Shape) {
    for child in &mut collection.children {
        node(&mut child.value, shape);
        hoist_first_comments(child);
    }
}

/// The first entry of an item is on the line of the dash, so comments above it move above the item.
fn hoist_first_comments(item: &mut Child<'_>) {
    let YamlNode::Collection(inner) = &mut item.value else {
        return;
    };
    let Some(first) = inner.children.first_mut() else {
        return;
    };
    first.blank_before = false;
    for comment in std::mem::take(&mut first.leading) {
        item.hoist_comment(comment);
    }
}

fn mapping(collection: &mut Collection<'_>, fields: &'static [(&'static str, Shape)]) {
    let position = |name: &str| fields.iter().position(|(field, _)| *field == name);
    for child in &mut collection.children {
        let shape = child
            .key
            .as_ref()
            .and_then(|key| position(&key.name))
            .and_then(|at| fields.get(at));
        if let Some((_, shape)) = shape {
            node(&mut child.value, shape);
        }
    }
    // The sort is stable, so unknown keys keep their order.
    let rank = |name: &str| position(name).unwrap_or(fields.len());
    collection
        .children
        .sort_by_key(|child| child.key.as_ref().map(|key| rank(&key.name)));
}
