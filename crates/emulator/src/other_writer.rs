//! What the services share for changes by another client.

use std::iter;

/// Moves the selected items to the front.
pub(crate) fn first<T>(items: Vec<T>, is_meant: impl Fn(&T) -> bool) -> Vec<T> {
    let (mut front, back): (Vec<T>, Vec<T>) = items.into_iter().partition(is_meant);
    front.extend(back);
    front
}

/// The name, or the name with the lowest number from 2 that makes it unused.
pub(crate) fn free_name(name: &str, separator: char, taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2_u64..).map(|number| format!("{name}{separator}{number}"));
    iter::once(name.to_owned())
        .chain(numbered)
        .find(|name| !taken(name))
        .unwrap_or_default()
}
