//! Sorts and deduplicates lists that are sets, section by section.
//!
//! A comment with an empty line below it starts a section. All other comments move with the item
//! below them.

use std::collections::BTreeSet;

use crate::format::shape::Elements;
use crate::format::tree::{Child, Collection, Comment, Node};
use model::docker::Action;

/// Sort key of an item. Items with equal keys are duplicates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Text(String),
    /// Known actions come first, in the order of the API contract.
    Action(bool, Option<Action>, String),
    Http(String, Option<u16>, String),
}

#[derive(Default)]
struct Section<'a> {
    divider: Vec<Comment<'a>>,
    items: Vec<(Rank, Child<'a>)>,
}

/// Sorts a list, unless an item is not an element of such a set.
pub(super) fn sort(list: &mut Collection<'_>, elements: Elements) {
    let ranks: Option<Vec<Rank>> = list
        .children
        .iter()
        .map(|child| rank(child, elements))
        .collect();
    let Some(ranks) = ranks else { return };
    let children = std::mem::take(&mut list.children);
    let mut sections = divide(ranks.into_iter().zip(children));
    let mut seen = BTreeSet::new();
    for section in &mut sections {
        section.sort();
        // A comment on a duplicate of an earlier section may refer to its position.
        section
            .items
            .retain(|(rank, child)| !seen.contains(rank) || child.has_comments());
        seen.extend(section.items.iter().map(|(rank, _)| rank.clone()));
    }
    join(list, sections);
}

fn rank(child: &Child<'_>, elements: Elements) -> Option<Rank> {
    match (&child.value, elements) {
        (Node::Scalar(scalar), Elements::Texts) => {
            scalar.is_text.then(|| Rank::Text(scalar.value.clone()))
        }
        (Node::Scalar(scalar), Elements::Actions) if scalar.is_text => {
            let action = scalar.value.parse().ok();
            Some(Rank::Action(action.is_none(), action, scalar.value.clone()))
        }
        (Node::Collection(resource), Elements::HttpResources) => http(resource),
        (Node::Null(_) | Node::Scalar(_) | Node::Collection(_), _) => None,
    }
}

/// An HTTP resource with only host, path and optionally port.
fn http(resource: &Collection<'_>) -> Option<Rank> {
    let text = |name: &str| match &resource
        .children
        .iter()
        .find(|child| child.is_named(name))?
        .value
    {
        Node::Scalar(scalar) => Some(scalar),
        Node::Null(_) | Node::Collection(_) => None,
    };
    let host = text("host")?;
    let path = text("path")?;
    if !host.is_text || !path.is_text {
        return None;
    }
    let port = match (text("port"), resource.children.len()) {
        (None, 2) => None,
        // Only a number in its usual form, as the schema requires.
        (Some(port), 3) if !port.is_text => Some(
            port.value
                .parse::<u16>()
                .ok()
                .filter(|number| number.to_string() == port.value)?,
        ),
        _ => return None,
    };
    Some(Rank::Http(host.value.clone(), port, path.value.clone()))
}

fn divide<'a>(items: impl Iterator<Item = (Rank, Child<'a>)>) -> Vec<Section<'a>> {
    let mut sections = vec![Section::default()];
    for (rank, mut child) in items {
        let blanks = child
            .leading
            .iter()
            .skip(1)
            .map(|comment| comment.blank_before)
            .chain([child.blank_before]);
        // The number of comments above the last empty line.
        let above = blanks
            .enumerate()
            .filter(|(_, blank)| *blank)
            .map(|(index, _)| index + 1)
            .last();
        let above = above.unwrap_or(0).min(child.leading.len());
        child.blank_before = false;
        if above > 0 {
            let own = child.leading.split_off(above);
            let divider = std::mem::replace(&mut child.leading, own);
            // The empty line belongs to the section comment.
            if let Some(first) = child.leading.first_mut() {
                first.blank_before = false;
            }
            sections.push(Section {
                divider,
                items: Vec::new(),
            });
        }
        if let Some(section) = sections.last_mut() {
            section.items.push((rank, child));
        }
    }
    sections
}

impl Section<'_> {
    /// Sorts the items and merges duplicates, keeping all their comments.
    fn sort(&mut self) {
        self.items.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.items.dedup_by(|(rank, second), (first_rank, first)| {
            let same = rank == first_rank;
            if same {
                first.absorb(second);
            }
            same
        });
    }
}

impl<'a> Child<'a> {
    fn has_comments(&self) -> bool {
        let inside = match &self.value {
            Node::Null(body) => !body.is_empty(),
            Node::Scalar(_) => false,
            Node::Collection(inner) => {
                !inner.tail.is_empty() || inner.children.iter().any(Child::has_comments)
            }
        };
        inside || !self.leading.is_empty() || self.trailing.is_some()
    }

    /// Adds the comments of a duplicate.
    fn absorb(&mut self, other: &mut Child<'a>) {
        let mut comments = Vec::new();
        other.take_comments(&mut comments);
        let trailing = other.trailing.take();
        comments.extend(trailing.filter(|_| self.trailing.is_some()).map(own_line));
        self.trailing = self.trailing.or(trailing);
        for comment in &mut comments {
            comment.blank_before = false;
        }
        self.leading.extend(comments);
    }

    fn take_comments(&mut self, comments: &mut Vec<Comment<'a>>) {
        comments.append(&mut self.leading);
        match &mut self.value {
            Node::Null(body) => comments.append(body),
            Node::Scalar(_) => {}
            Node::Collection(inner) => {
                for child in &mut inner.children {
                    child.take_comments(comments);
                    comments.extend(child.trailing.take().map(own_line));
                }
                comments.append(&mut inner.tail);
            }
        }
    }
}

fn own_line(text: &str) -> Comment<'_> {
    Comment {
        text,
        blank_before: false,
    }
}

fn join<'a>(list: &mut Collection<'a>, sections: Vec<Section<'a>>) {
    let mut divider: Vec<Comment<'a>> = Vec::new();
    for Section {
        divider: above,
        items,
    } in sections
    {
        divider.extend(above);
        for (_, mut child) in items {
            if !divider.is_empty() {
                match child.leading.first_mut() {
                    Some(first) => first.blank_before = true,
                    None => child.blank_before = true,
                }
                divider.append(&mut child.leading);
                child.leading = std::mem::take(&mut divider);
            }
            list.children.push(child);
        }
    }
    // Comments of sections that became empty.
    if !divider.is_empty() {
        divider.append(&mut list.tail);
        list.tail = divider;
    }
}
