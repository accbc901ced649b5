//! Sorts and deduplicates lists that are sets, section by section.
//!
//! A comment with an empty line below it starts a section. All other comments move with the item
//! below them.

use std::collections::BTreeSet;

use crate::format::shape::SetElements;
use crate::format::tree::{Child, Collection, CommentLine, YamlNode};
use model::docker::Action;

/// Sort key of an item. Items with equal keys are duplicates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum SortKey {
    Text(String),
    /// Known actions come first, in the order of the API contract.
    Action(bool, Option<Action>, String),
    Http(String, Option<u16>, String),
}

#[derive(Default)]
struct SetSection<'a> {
    divider: Vec<CommentLine<'a>>,
    items: Vec<(SortKey, Child<'a>)>,
}

/// Sorts a list, unless an item is not an element of such a set.
pub(super) fn sort(list: &mut Collection<'_>, elements: SetElements) {
    let ranks: Option<Vec<SortKey>> = list
        .children
        .iter()
        .map(|child| rank(child, elements))
        .collect();
    let Some(ranks) = ranks else { return };
    let children = std::mem::take(&mut list.children);
    let mut sections = split_sections(ranks.into_iter().zip(children));
    let mut seen = BTreeSet::new();
    for section in &mut sections {
        section.sort();
        // A comment on a duplicate of an earlier section may refer to its position.
        section
            .items
            .retain(|(rank, child)| !seen.contains(rank) || child.has_comments());
        seen.extend(section.items.iter().map(|(rank, _)| rank.clone()));
    }
    join_sections(list, sections);
}

fn rank(child: &Child<'_>, elements: SetElements) -> Option<SortKey> {
    match (&child.value, elements) {
        (YamlNode::Scalar(scalar), SetElements::Texts) => {
            scalar.is_text.then(|| SortKey::Text(scalar.value.clone()))
        }
        (YamlNode::Scalar(scalar), SetElements::Actions) if scalar.is_text => {
            let action = scalar.value.parse().ok();
            Some(SortKey::Action(
                action.is_none(),
                action,
                scalar.value.clone(),
            ))
        }
        (YamlNode::Collection(resource), SetElements::HttpResources) => http(resource),
        (YamlNode::Null(_) | YamlNode::Scalar(_) | YamlNode::Collection(_), _) => None,
    }
}

/// An HTTP resource with only host, path and optionally port.
fn http(resource: &Collection<'_>) -> Option<SortKey> {
    let text = |name: &str| match &resource
        .children
        .iter()
        .find(|child| child.is_named(name))?
        .value
    {
        YamlNode::Scalar(scalar) => Some(scalar),
        YamlNode::Null(_) | YamlNode::Collection(_) => None,
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
    Some(SortKey::Http(host.value.clone(), port, path.value.clone()))
}

fn split_sections<'a>(items: impl Iterator<Item = (SortKey, Child<'a>)>) -> Vec<SetSection<'a>> {
    let mut sections = vec![SetSection::default()];
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
            sections.push(SetSection {
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

impl SetSection<'_> {
    /// Sorts the items and merges duplicates, keeping all their comments.
    fn sort(&mut self) {
        self.items.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.items.dedup_by(|(rank, second), (first_rank, first)| {
            let same = rank == first_rank;
            if same {
                first.merge_comments(second);
            }
            same
        });
    }
}

impl<'a> Child<'a> {
    fn has_comments(&self) -> bool {
        let inside = match &self.value {
            YamlNode::Null(body) => !body.is_empty(),
            YamlNode::Scalar(_) => false,
            YamlNode::Collection(inner) => {
                !inner.tail.is_empty() || inner.children.iter().any(Child::has_comments)
            }
        };
        inside || !self.leading.is_empty() || self.trailing.is_some()
    }

    /// Adds the comments of a duplicate.
    fn merge_comments(&mut self, other: &mut Child<'a>) {
        let mut comments = Vec::new();
        other.take_comments(&mut comments);
        let trailing = other.trailing.take();
        comments.extend(
            trailing
                .filter(|_| self.trailing.is_some())
                .map(comment_line),
        );
        self.trailing = self.trailing.or(trailing);
        for comment in &mut comments {
            comment.blank_before = false;
        }
        self.leading.extend(comments);
    }

    fn take_comments(&mut self, comments: &mut Vec<CommentLine<'a>>) {
        comments.append(&mut self.leading);
        match &mut self.value {
            YamlNode::Null(body) => comments.append(body),
            YamlNode::Scalar(_) => {}
            YamlNode::Collection(inner) => {
                for child in &mut inner.children {
                    child.take_comments(comments);
                    comments.extend(child.trailing.take().map(comment_line));
                }
                comments.append(&mut inner.tail);
            }
        }
    }
}

fn comment_line(text: &str) -> CommentLine<'_> {
    CommentLine {
        text,
        blank_before: false,
    }
}

fn join_sections<'a>(list: &mut Collection<'a>, sections: Vec<SetSection<'a>>) {
    let mut divider: Vec<CommentLine<'a>> = Vec::new();
    for SetSection {
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
